//! Short ways through the life of an article.

use serde_json::{Value, json};

use super::{Answer, Portal, User};

/// The slug of an article as editors have it.
pub fn slug(article: &Value) -> &str {
    article["content"]["slug"].as_str().unwrap()
}

/// Where readers find an article.
pub fn address(article: &Value) -> String {
    format!("/v1/articles/{}", slug(article))
}

/// One field of each item of a list, as text.
pub fn column(list: &Value, field: &str) -> Vec<String> {
    let items = list.as_array().or(list["items"].as_array()).unwrap();
    items
        .iter()
        .map(|item| item[field].as_str().unwrap_or("?").to_owned())
        .collect()
}

impl User<'_> {
    /// An action on an article as it was last seen, whatever comes of it.
    pub async fn try_act(&self, article: &Value, action: &str, body: &Value) -> Answer {
        let path = format!("/v1/editorial/articles/{}/{action}", article["id"]);
        self.post_at(&path, article["version"].as_i64().unwrap(), body)
            .await
    }

    /// A merge patch on an article as it was last seen; answers the article after it.
    pub async fn edit(&self, article: &Value, patch: &Value) -> Value {
        let path = format!("/v1/editorial/articles/{}", article["id"]);
        self.patch(&path, article["version"].as_i64().unwrap(), patch)
            .await
            .ok()
    }

    /// Publishes over what was public.
    pub async fn update(&self, article: &Value, kind: &str) -> Value {
        let body = json!({"kind": kind, "note": "Sửa số liệu."});
        self.act(article, "publish", &body).await
    }

    /// An API token of one's own, good for 30 days, with its secret.
    pub async fn token(&self, scopes: &[&str]) -> Value {
        let expires_at = self.portal.ctx.now().plus_seconds(30 * 86_400);
        let body = json!({"name": "Máy của tôi", "scopes": scopes, "expires_at": expires_at});
        self.post("/v1/auth/tokens", &body).await.created()
    }

    pub async fn withdraw(&self, article: &Value) -> Value {
        let body = json!({"note": "Đang kiểm tra lại."});
        self.act(article, "withdraw", &body).await
    }

    pub async fn take_down(&self, article: &Value) -> Value {
        let body = json!({"reason_code": "privacy"});
        self.act(article, "take-down", &body).await
    }

    pub async fn archive(&self, article: &Value) -> Value {
        self.act(article, "archive", &Value::Null).await
    }

    pub async fn restore(&self, article: &Value) -> Value {
        self.act(article, "restore", &json!({})).await
    }
}

impl Portal {
    /// Whoever sends this secret.
    pub fn bearer(&self, token: &Value) -> User<'_> {
        User {
            portal: self,
            token: token["secret"].as_str().unwrap().to_owned(),
        }
    }

    /// Titles of a list at an address.
    pub async fn titles(&self, path: &str) -> Vec<String> {
        column(&self.get(path).await.ok(), "title")
    }
}
