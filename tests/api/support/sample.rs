//! Content to test with, and short ways to get it into a portal.

use std::io::Cursor;

use serde_json::{Value, json};

use super::{Portal, User};

/// A picture of one colour, as PNG; the same numbers give the same bytes.
pub fn picture(width: u32, height: u32, shade: u8) -> Vec<u8> {
    let pixels = image::RgbImage::from_pixel(width, height, image::Rgb([shade, 90, 120]));
    let mut bytes = Cursor::new(Vec::new());
    pixels
        .write_to(&mut bytes, image::ImageFormat::Png)
        .unwrap();
    bytes.into_inner()
}

/// A text block.
pub fn paragraph(text: &str) -> Value {
    json!({"_type": "block", "children": [{"_type": "span", "text": text}]})
}

/// A figure without an identity yet.
pub fn figure(caption: &str, media: &[i64]) -> Value {
    let media: Vec<Value> = media.iter().map(|id| json!({"media_id": id})).collect();
    json!({"_type": "figure", "caption": caption, "media": media})
}

/// An article's content with a title, in a category, with one paragraph.
pub fn content(title: &str, category: &str) -> Value {
    json!({"title": title, "category": category, "body": [paragraph("Sáng nay, xã ra quân trồng cây.")]})
}

impl Portal {
    /// A category by name below another (by id); answers the editorial object.
    pub async fn category(&self, name: &str, parent: Option<i64>) -> Value {
        let body = json!({"name": name, "parent_id": parent});
        self.publisher()
            .await
            .post("/v1/editorial/categories", &body)
            .await
            .created()
    }

    /// The slug of a fresh category `Tin tức`.
    pub async fn news(&self) -> String {
        let category = self.category("Tin tức", None).await;
        category["content"]["slug"].as_str().unwrap().to_owned()
    }

    /// An article that the publisher wrote and published; answers the editorial object.
    pub async fn published(&self, content: &Value) -> Value {
        let publisher = self.publisher().await;
        let draft = publisher.draft(content).await;
        publisher.act(&draft, "publish", &json!({})).await
    }
}

impl User<'_> {
    /// A new draft; answers the editorial object.
    pub async fn draft(&self, content: &Value) -> Value {
        self.post("/v1/editorial/articles", content).await.created()
    }

    /// An action on an article as it was last seen; answers the article after it.
    pub async fn act(&self, article: &Value, action: &str, body: &Value) -> Value {
        let path = format!("/v1/editorial/articles/{}/{action}", article["id"]);
        self.post_at(&path, article["version"].as_i64().unwrap(), body)
            .await
            .ok()
    }

    /// Uploads a picture; answers its id.
    pub async fn picture(&self, shade: u8) -> i64 {
        let answer = self
            .upload(
                "T 29.png",
                &picture(40, 30, shade),
                &[("alt", "Một bức ảnh")],
            )
            .await;
        answer.created()["id"].as_i64().unwrap()
    }
}
