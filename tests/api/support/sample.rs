//! Content to test with, and short ways to get it into a portal.

use std::io::Cursor;

use serde_json::{Value, json};

use super::{Answer, Portal, User};

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

/// An article's content with every field and every kind of block.
pub fn everything(category: &str, medium: i64) -> Value {
    json!({
        "title": "Ra quân trồng cây", "slug": "ra-quan", "lead": "Sáng nay.", "category": category,
        "published_on": "2026-03-20", "published_at": "2026-03-20T08:00:00+07:00", "language": "vi",
        "tags": ["Môi trường"], "featured": true, "cover_media_id": medium,
        "byline": [{"name": "Lê Thơ", "unit": "Trung tâm VHTT", "role": "author"}],
        "source": {"name": "Báo Sơn Hạ", "url": "https://bao.example.vn/1", "author": "An", "published_at": "2026-03-20T08:00:00+07:00"},
        "body": [
            {"_type": "block", "_key": "a", "style": "normal", "listItem": "bullet", "level": 1,
             "markDefs": [{"_type": "link", "_key": "l", "href": "https://a.example.vn/"}],
             "children": [{"_type": "span", "_key": "s", "text": "Chữ", "marks": ["strong", "l"]}]},
            {"_type": "figure", "_key": "b", "caption": "Trồng cây", "credit": "Ảnh: An",
             "media": [{"media_id": medium, "alt": "Một bức ảnh", "decorative": false}]},
            {"_type": "table", "_key": "c", "caption": "Bảng", "header_rows": 1,
             "rows": [{"cells": [{"children": [{"_type": "span", "text": "Ô", "marks": []}], "markDefs": []}]}]},
            {"_type": "embed", "_key": "d", "title": "Phim", "url": "https://www.youtube.com/watch?v=abc"},
            {"_type": "attachment", "_key": "e", "media_id": medium, "title": "Phụ lục"},
            {"_type": "rule", "_key": "f"},
        ],
    })
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

    /// A user as the admin sees them, by login.
    pub async fn row_of(&self, login: &str) -> Value {
        let users = self
            .admin()
            .await
            .get("/v1/editorial/users?limit=100")
            .await;
        let users = users.ok()["items"].as_array().cloned().unwrap();
        let found = users.into_iter().find(|user| user["login"] == login);
        found.unwrap()
    }

    /// What is stored, as far as answers show it: equal before and after what changes nothing.
    pub async fn stock(&self) -> Value {
        let (publisher, admin) = (self.publisher().await, self.admin().await);
        let mut stock = serde_json::Map::new();
        for path in [
            "/v1/editorial/articles?limit=100",
            "/v1/editorial/media?limit=100",
            "/v1/editorial/categories",
            "/v1/editorial/portal",
        ] {
            stock.insert(path.to_owned(), publisher.get(path).await.ok());
        }
        let users = "/v1/editorial/users?limit=100&count=true";
        stock.insert(users.to_owned(), admin.get(users).await.ok());
        let log = "/v1/changes?since=now";
        stock.insert(log.to_owned(), self.get(log).await.ok());
        Value::Object(stock)
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

    /// Uploads a picture, perhaps again; answers its id.
    pub async fn picture(&self, shade: u8) -> i64 {
        let answer = self
            .upload(
                "T 29.png",
                &picture(40, 30, shade),
                &[("alt", "Một bức ảnh")],
            )
            .await;
        assert!([200, 201].contains(&answer.status), "{}", answer.text());
        answer.json()["id"].as_i64().unwrap()
    }
}

/// Where editors find an article.
pub fn path(article: &Value) -> String {
    format!("/v1/editorial/articles/{}", article["id"])
}

/// The version of an object as it was last seen.
pub fn version(object: &Value) -> i64 {
    object["version"].as_i64().unwrap()
}

/// The content of an article with something else in one field.
pub fn with(content: &Value, field: &str, value: Value) -> Value {
    let mut content = content.clone();
    content[field] = value;
    content
}

/// The path of an absolute address of ours.
pub fn local(address: &Value) -> String {
    let address = address.as_str().unwrap();
    address.strip_prefix(super::BASE).unwrap().to_owned()
}

impl Portal {
    /// An article that shows these media, published; answers it.
    pub async fn show(&self, media: &[&Value]) -> Value {
        let known = self.get("/v1/categories").await.ok();
        let news = match known["items"][0]["slug"].as_str() {
            Some(slug) => slug.to_owned(),
            None => self.news().await,
        };
        let media: Vec<Value> = media
            .iter()
            .map(|medium| {
                let bare = medium["content"]["alt"].is_null();
                json!({"media_id": medium["id"], "decorative": bare})
            })
            .collect();
        let body = json!([{"_type": "figure", "caption": "Chú thích", "media": media}]);
        self.published(&with(&content("Có ảnh", &news), "body", body))
            .await
    }
}

impl User<'_> {
    /// PUT of an article as it was last seen.
    pub async fn replace(&self, article: &Value, content: &Value) -> Answer {
        self.put(&path(article), version(article), content).await
    }

    /// PATCH of an article as it was last seen.
    pub async fn change(&self, article: &Value, patch: &Value) -> Answer {
        self.patch(&path(article), version(article), patch).await
    }

    /// An article as it is now.
    pub async fn read(&self, article: &Value) -> Value {
        self.get(&path(article)).await.ok()
    }
}
