//! Every operation of the document, and a plausible request for each.

use actix_web::http::Method;
use serde_json::{Value, json};

use super::sample;
use super::spec::document;
use super::{Ask, BASE, PASSWORD, Portal};

/// An operation of the document.
pub struct Operation {
    pub id: &'static str,
    pub method: Method,
    pub pattern: &'static str,
    /// What the document says of it.
    pub entry: &'static Value,
}

impl Operation {
    pub fn is_secured(&self) -> bool {
        self.entry["security"]
            .as_array()
            .is_some_and(|schemes| !schemes.is_empty())
    }

    pub fn is_editorial(&self) -> bool {
        self.pattern.starts_with("/v1/editorial/")
    }

    /// Read by anyone: no token, no signature.
    pub fn is_public_read(&self) -> bool {
        self.method == Method::GET && !self.is_secured() && !self.is_preview()
    }

    /// Opened by a signed address, and by nothing else.
    pub fn is_preview(&self) -> bool {
        matches!(self.id, "get_media_preview" | "get_preview")
    }
}

/// The JSON pointers of all values in a body.
pub fn places(value: &Value) -> Vec<String> {
    let mut found = vec![String::new()];
    let below: Vec<(String, &Value)> = match value {
        Value::Object(map) => map.iter().map(|(k, v)| (k.clone(), v)).collect(),
        Value::Array(list) => list
            .iter()
            .enumerate()
            .map(|(i, v)| (i.to_string(), v))
            .collect(),
        _ => Vec::new(),
    };
    for (key, value) in below {
        found.extend(places(value).iter().map(|place| format!("/{key}{place}")));
    }
    found
}

/// All operations, in the order of the document.
pub fn operations() -> Vec<Operation> {
    let paths = document()["paths"].as_object().unwrap();
    paths
        .iter()
        .flat_map(|(pattern, item)| {
            item.as_object()
                .unwrap()
                .iter()
                .map(move |(method, entry)| Operation {
                    id: entry["operationId"].as_str().unwrap_or_default(),
                    method: method.to_uppercase().parse().unwrap(),
                    pattern,
                    entry,
                })
        })
        .collect()
}

/// One of everything, made by the reporter and published: every address leads somewhere.
pub struct World {
    pub category: Value,
    pub article: Value,
    pub medium: i64,
    /// Id of an upload of the reporter, of five bytes.
    pub upload: String,
    pub caption: i64,
    pub comment: i64,
    /// Id of an API token of the publisher.
    pub token: i64,
    pub slug: String,
    /// Path of a public file.
    pub file: String,
    /// Path of a preview, signed.
    pub preview: String,
    /// Path of a preview link, and its id.
    pub link: (String, i64),
}

impl World {
    pub async fn new(portal: &Portal) -> Self {
        let category = portal.category("Tin tức", None).await;
        let reporter = portal.reporter().await;
        let medium = reporter.picture(7).await;
        let slug = category["content"]["slug"].as_str().unwrap();
        let mut content = sample::content("Ra quân trồng cây", slug);
        content["body"] = json!([
            sample::paragraph("Sáng nay."),
            sample::figure("Trồng cây", &[medium])
        ]);
        let draft = reporter.draft(&content).await;
        let publisher = portal.publisher().await;
        let article = publisher.act(&draft, "publish", &json!({})).await;
        let token = publisher.token(&["read:drafts"]).await;
        let path = |url: &Value| {
            let url = url.as_str().unwrap();
            url.strip_prefix(BASE).unwrap().to_owned()
        };
        let shown = portal.get(&format!("/v1/media/{medium}")).await.ok();
        let comments = format!("/v1/editorial/articles/{}/comments", article["id"]);
        let said = json!({"text": "Đã kiểm tra số liệu."});
        let comment = reporter.post(&comments, &said).await.created();
        let own = reporter.get(&format!("/v1/editorial/media/{medium}")).await;
        let ask = reporter.ask(Method::POST, "/v1/editorial/uploads");
        let ask = ask
            .header("tus-resumable", "1.0.0")
            .header("upload-length", "5");
        let begun = ask.send().await;
        let place = begun.header("location");
        let (_, upload) = place.rsplit_once('/').unwrap();
        let links = format!("/v1/editorial/articles/{}/previews", article["id"]);
        let link = reporter.post(&links, &json!({})).await.created();
        let lock = links.replace("previews", "lock");
        let ask = reporter.ask(Method::PUT, &lock);
        ask.json(&json!({"minutes": 60})).send().await.ok();
        Self {
            link: (path(&link["url"]), link["id"].as_i64().unwrap()),
            file: path(&shown["renditions"][0]["url"]),
            preview: path(&own.ok()["renditions"][0]["preview_url"]),
            caption: article["content"]["body"][1]["caption_id"]
                .as_i64()
                .unwrap(),
            comment: comment["id"].as_i64().unwrap(),
            token: token["id"].as_i64().unwrap(),
            slug: article["content"]["slug"].as_str().unwrap().to_owned(),
            upload: upload.to_owned(),
            category,
            article,
            medium,
        }
    }

    /// The path of an operation, with something that is there.
    pub fn path(&self, operation: &Operation) -> String {
        match operation.id {
            "get_media_file" => return self.file.clone(),
            "get_media_preview" => return self.preview.clone(),
            "get_preview" => return self.link.0.clone(),
            // There is but one edition.
            "compare_editions" => {
                let article = &self.article["id"];
                return format!("/v1/editorial/articles/{article}/editions/1/diff?against=1");
            }
            _ => {}
        }
        if operation.pattern.contains("/uploads/") {
            return operation.pattern.replace("{id}", &self.upload);
        }
        let about = |what: &str| operation.pattern.contains(what);
        let id = match () {
            () if about("/articles/") => self.article["id"].as_i64(),
            () if about("/captions/") => Some(self.caption),
            () if about("/categories/") => self.category["id"].as_i64(),
            () if about("/media/") => Some(self.medium),
            () if about("/tokens/") => Some(self.token),
            () => Some(1),
        };
        let category = self.category["content"]["slug"].as_str();
        let slug = if about("/categories/") {
            category
        } else {
            Some(&*self.slug)
        };
        operation
            .pattern
            .replace("{id}", &id.unwrap().to_string())
            .replace("{slug}", slug.unwrap())
            .replace("{preview_id}", &self.link.1.to_string())
            .replace("{comment_id}", &self.comment.to_string())
            .replace("{number}", "1")
            .replace("{language}", "vi")
            .replace("{format}", "atom")
    }

    /// A body that the operation takes, if it takes JSON.
    pub fn body(&self, operation: &Operation) -> Option<Value> {
        let category = self.category["content"]["slug"].as_str().unwrap();
        let user = json!({"name": "Lê Thơ", "email": null, "roles": ["editor"], "categories": null, "disabled": false});
        Some(match operation.id {
            "login" => json!({"login": "reporter", "password": PASSWORD}),
            "refresh_token" => json!({"refresh_token": "abc"}),
            "accept_invitation" => json!({"token": "abc", "new_password": PASSWORD}),
            "finish_provider_sign_in" => json!({"code": "abc", "state": "abc", "binding": "abc"}),
            "start_totp" => json!({"current_password": PASSWORD}),
            "confirm_totp" | "disable_totp" | "renew_recovery_codes" => json!({"code": "123456"}),
            "change_password" => {
                json!({"current_password": PASSWORD, "new_password": PASSWORD})
            }
            "create_article" | "replace_article" => sample::content("Một bài khác", category),
            "update_article" => json!({"title": "Một tên khác"}),
            "publish_article" => json!({"kind": "minor"}),
            "withdraw_article" => json!({"note": "Nhầm ngày"}),
            "take_down_article" | "withdraw_media" => json!({"reason_code": "wrong"}),
            "return_article" => json!({"reason": "Thiếu nguồn số liệu"}),
            "assign_article" => json!({"user_id": null}),
            "create_comment" => json!({"text": "Xin kiểm tra lại."}),
            "create_caption" => json!({
                "article_id": self.article["id"], "media": [{"media_id": self.medium}]
            }),
            "update_caption" => json!({"caption": "Chú thích khác"}),
            "create_category" => json!({"name": "Văn hoá"}),
            "replace_category" | "update_category" => json!({"name": "Thể thao"}),
            "merge_category" => json!({"into": "cho-khac"}),
            "replace_media" | "update_media" => json!({"alt": "Một bức ảnh khác"}),
            "replace_portal" => json!({
                "name": "Trang tin Sơn Hạ", "language": "vi", "time_zone": "Asia/Ho_Chi_Minh"
            }),
            "create_own_token" => json!({
                "name": "Máy tính ở nhà", "scopes": ["read:drafts"],
                "expires_at": "2026-12-31T00:00:00+07:00"
            }),
            "create_service_token" => json!({
                "user_id": 1, "name": "Máy chủ ảnh", "scopes": ["write:media"]
            }),
            "create_user" => json!({
                "login": "tho.le", "name": "Lê Thơ", "roles": ["editor"], "password": PASSWORD
            }),
            "replace_user" | "update_user" => user,
            "set_user_password" => json!({"new_password": PASSWORD}),
            _ => return None,
        })
    }

    /// Somebody who may call the operation and knows the present version of its object.
    pub async fn caller<'a>(&self, portal: &'a Portal, operation: &Operation) -> Ask<'a> {
        let path = self.path(operation);
        if !operation.is_secured() {
            return portal.ask(operation.method.clone(), &path);
        }
        let admins = [
            "/v1/editorial/users",
            "/v1/editorial/portal",
            "/v1/editorial/tokens",
            "/v1/editorial/audit",
        ];
        let admin = admins.iter().any(|start| path.starts_with(start));
        let user = portal.user(if admin { "admin" } else { "publisher" }).await;
        let object = path.split('/').take(5).collect::<Vec<_>>().join("/");
        let etag = match object.rsplit('/').next() {
            Some("captions") => format!("/v1/editorial/captions/{}", self.caption),
            _ => object,
        };
        let etag = user.get(&etag).await.header("etag");
        let ask = user.ask(operation.method.clone(), &path);
        if operation.method == Method::GET {
            return ask;
        }
        ask.header("if-match", &etag)
    }

    /// Adds what the operation needs to a request: its body, and a version that is not there.
    pub fn fill<'a>(&self, ask: Ask<'a>, operation: &Operation) -> Ask<'a> {
        if operation.pattern.contains("/uploads") {
            let ask = ask.header("tus-resumable", "1.0.0");
            return match operation.id {
                "create_upload" => ask.header("upload-length", "5"),
                "append_upload" => ask
                    .header("upload-offset", "0")
                    .bytes("application/offset+octet-stream", b"x"),
                _ => ask,
            };
        }
        let ask = ask.at(99);
        match self.body(operation) {
            Some(body) => ask.json(&body),
            None if ["upload_media", "replace_media_file"].contains(&operation.id) => {
                ask.form("a.png", &sample::picture(40, 30, 9), &[])
            }
            None if operation.id == "put_media_track" => ask.bytes("text/vtt", b"WEBVTT"),
            None => ask,
        }
    }
}
