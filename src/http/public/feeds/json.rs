//! The feed as JSON Feed 1.1.

use serde_json::{Value, json};

use super::{Feed, name};
use crate::domain::caption::Alt;
use crate::http::error::{ApiError, ApiResult};

impl Feed<'_> {
    pub(super) fn json(&self) -> ApiResult<Vec<u8>> {
        let zone = self.portal.zone();
        let items: Vec<Value> = self
            .entries
            .iter()
            .map(|entry| {
                let article = &entry.article;
                let mut item = json!({
                    "id": article.uri,
                    "url": entry.url,
                    "title": article.title,
                    "content_html": entry.html,
                    "date_modified": zone.show(entry.updated()),
                    "language": article.language,
                    "authors": article.byline.iter().map(|author| json!({"name": name(author)})).collect::<Vec<_>>(),
                    "tags": article.tags,
                    "_bantin": {"category": entry.category, "published_on": article.published_on, "id": article.id, "slug": article.slug},
                });
                if let Some(object) = item.as_object_mut() {
                    if let Some(lead) = &article.lead {
                        object.insert("summary".to_owned(), json!(lead));
                    }
                    if let Some(at) = article.published_at {
                        object.insert("date_published".to_owned(), json!(zone.show(at)));
                    }
                    if let Some(url) = article.source.as_ref().and_then(|source| source.url.as_ref()) {
                        object.insert("external_url".to_owned(), json!(url));
                    }
                    if let Some(cover) = &article.cover {
                        let mut cover = cover.clone();
                        cover.rebase(self.url.split("/feeds/").next().unwrap_or_default());
                        object.insert("image".to_owned(), json!(cover.url()));
                        let alt = cover.alt.as_ref().map(Alt::as_str);
                        if let Some(alt) = alt
                            && let Some(bantin) = object.get_mut("_bantin").and_then(Value::as_object_mut)
                        {
                            bantin.insert("image_alt".to_owned(), json!(alt));
                        }
                    }
                }
                item
            })
            .collect();
        let feed = json!({
            "version": "https://jsonfeed.org/version/1.1",
            "title": self.title(),
            "home_page_url": self.page,
            "feed_url": format!("{}json", self.url),
            "description": self.description(),
            "language": self.portal.content.language,
            "items": items,
        });
        serde_json::to_vec(&feed).map_err(ApiError::internal)
    }
}
