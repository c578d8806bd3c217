//! A walk that meets every operation of the document, and the examples that it leaves there:
//! `BANTIN_BLESS=1` writes `openapi/examples.json` anew.

use actix_web::http::Method;
use serde_json::{Map, Value, json};

use crate::support::provider::Provider;
use crate::support::{PASSWORD, Portal, sample, spec};

const PATH: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/openapi/examples.json");

/// Asks for everything once, and gets it.
pub async fn walk(portal: &Portal, provider: &Provider) {
    let (editor, publisher, admin) = (
        portal.editor().await,
        portal.publisher().await,
        portal.admin().await,
    );
    portal.sign_in("reporter", PASSWORD).await;

    // The portal and its users.
    let current = admin.get("/v1/editorial/portal").await.ok();
    let mut content = current["content"].clone();
    content["name"] = json!("Trang thông tin điện tử xã Sơn Hà");
    content["article_url"] = json!("https://sonha.example.vn/tin/{slug}");
    admin
        .put(
            "/v1/editorial/portal",
            current["version"].as_i64().unwrap(),
            &content,
        )
        .await
        .ok();
    let user =
        json!({"login": "minh.an", "name": "Minh An", "roles": ["reporter"], "password": PASSWORD});
    let user = admin.post("/v1/editorial/users", &user).await.created();
    let user = format!("/v1/editorial/users/{}", user["id"]);
    admin.get(&user).await.ok();
    admin.get("/v1/editorial/users?count=true").await.ok();
    let content = json!({
        "name": "Nguyễn Minh An", "email": "minh.an@sonha.example.vn", "roles": ["reporter"],
        "categories": null, "disabled": false,
    });
    admin.put(&user, 1, &content).await.ok();
    admin
        .patch(&user, 2, &json!({"roles": ["reporter", "editor"]}))
        .await
        .ok();
    admin
        .post_at(
            &format!("{user}/password"),
            3,
            &json!({"new_password": "mùa lúa chín vàng đồng"}),
        )
        .await
        .ok();

    let invited = json!({
        "login": "tho.le", "name": "Lê Thơ", "roles": ["reporter"],
        "email": "tho.le@sonha.example.vn",
    });
    let invited = admin.post("/v1/editorial/users", &invited).await.created();
    let place = format!("/v1/editorial/users/{}/invitation", invited["id"]);
    let invited = admin.post_at(&place, 1, &Value::Null).await.ok();
    let token = &invited["invitation"]["token"];
    let choice = json!({"token": token, "new_password": "mùa lúa chín vàng đồng"});
    portal
        .ask(Method::POST, "/v1/auth/invitation")
        .json(&choice)
        .send()
        .await
        .is(204);
    for action in ["unlock", "sign-out"] {
        let path = format!("{user}/{action}");
        admin.ask(Method::POST, &path).send().await.is(204);
    }

    // What was done so far.
    for path in ["", "/refused-sign-ins"] {
        let path = format!("/v1/editorial/audit{path}?limit=3");
        admin.get(&path).await.ok();
    }
    admin
        .get("/v1/editorial/audit/export?action=create")
        .await
        .is_file();

    // A category and a picture.
    let category = portal.category("Tin tức - Sự kiện", None).await;
    let path = format!("/v1/editorial/categories/{}", category["id"]);
    publisher.get(&path).await.ok();
    publisher.get("/v1/editorial/categories").await.ok();
    let content = json!({"name": "Tin tức - Sự kiện", "position": 1});
    publisher.put(&path, 1, &content).await.ok();
    publisher
        .patch(
            &path,
            2,
            &json!({"legal_reference": "Điều 4 Nghị định 42/2022/NĐ-CP"}),
        )
        .await
        .ok();
    let spare = portal.category("Thông báo", None).await;
    publisher
        .delete(&format!("/v1/editorial/categories/{}", spare["id"]), 1)
        .await
        .is(204);
    let spare = portal.category("Tin vắn", None).await;
    let merge = format!("/v1/editorial/categories/{}/merge", spare["id"]);
    let into = json!({"into": category["content"]["slug"]});
    publisher.post_at(&merge, 1, &into).await.ok();
    let picture = sample::picture(800, 600, 7);
    let medium = editor
        .upload(
            "T 29.png",
            &picture,
            &[("alt", "Đoàn viên trồng cây bên bờ sông")],
        )
        .await
        .created();
    let path = format!("/v1/editorial/media/{}", medium["id"]);
    editor.get(&path).await.ok();
    editor.get("/v1/editorial/media").await.ok();
    let other = format!("/v1/editorial/media/{}/file", editor.picture(10).await);
    let ask = editor.ask(Method::PUT, &other).at(1);
    let better = sample::picture(820, 610, 7);
    ask.form("T 30.png", &better, &[]).send().await.ok();
    let film = include_bytes!("../fixtures/av/film.mp4");
    let film = editor.upload("dua-ghe.mp4", film, &[]).await.created();
    let tracks = format!("/v1/editorial/media/{}/tracks", film["id"]);
    let ask = editor.ask(
        Method::PUT,
        &format!("{tracks}/vi?label=Ti%E1%BA%BFng%20Vi%E1%BB%87t"),
    );
    let text = "WEBVTT\n\n00:00.000 --> 00:02.000\nBà con ra xem đua ghe.\n";
    let ask = ask.at(1).bytes("text/vtt", text.as_bytes());
    ask.send().await.ok();
    let ask = editor.ask(Method::PUT, &format!("{tracks}/en?kind=captions"));
    let ask = ask
        .at(2)
        .bytes("text/vtt", b"WEBVTT\n\n00:00.000 --> 00:02.000\n[drums]\n");
    ask.send().await.ok();
    let ask = editor.ask(Method::DELETE, &format!("{tracks}/en"));
    ask.at(3).send().await.ok();
    // One in pieces, and one that is given up.
    let uploads = "/v1/editorial/uploads";
    portal.ask(Method::OPTIONS, uploads).send().await.is(204);
    let bytes = sample::picture(320, 240, 8);
    for ends in [false, true] {
        let ask = editor.ask(Method::POST, uploads);
        let ask = ask.header("tus-resumable", "1.0.0");
        let ask = ask.header("upload-length", &bytes.len().to_string());
        let begun = ask.send().await;
        let upload = sample::local(&begun.header("location").into());
        editor.get(&upload).await.ok();
        let ask = match ends {
            true => editor.ask(Method::DELETE, &upload),
            false => editor
                .ask(Method::PATCH, &upload)
                .header("upload-offset", "0")
                .bytes("application/offset+octet-stream", &bytes),
        };
        ask.header("tus-resumable", "1.0.0").send().await.is(204);
    }
    let content = json!({"alt": "Đoàn viên trồng cây bên bờ sông", "credit": "Ảnh: Minh An"});
    editor.put(&path, 1, &content).await.ok();
    editor
        .patch(&path, 2, &json!({"credit": "Ảnh: Nguyễn Minh An"}))
        .await
        .ok();
    let preview = medium["renditions"][1]["preview_url"].as_str().unwrap();
    portal
        .get(preview.strip_prefix(crate::support::BASE).unwrap())
        .await
        .is_file();
    let spare = editor.picture(9).await;
    editor
        .delete(&format!("/v1/editorial/media/{spare}"), 1)
        .await
        .is(204);

    // An article, its captions and editions.
    let slug = category["content"]["slug"].as_str().unwrap();
    let content = json!({
        "title": "Ra quân trồng cây đầu xuân",
        "lead": "Sáng 21/3, xã Sơn Hà ra quân trồng cây tại ba thôn ven sông.",
        "category": slug,
        "published_on": "2026-03-21",
        "tags": ["nông thôn mới"],
        "featured": true,
        "byline": [{"name": "Minh An", "unit": "Trung tâm Văn hóa xã"}],
        "body": [
            sample::paragraph("Hơn 200 đoàn viên, hội viên tham gia buổi ra quân."),
            sample::figure("Đoàn viên trồng cây ven sông", &[medium["id"].as_i64().unwrap()]),
        ],
    });
    let draft = editor.draft(&content).await;
    let path = format!("/v1/editorial/articles/{}", draft["id"]);
    editor.get(&path).await.ok();
    editor.get("/v1/editorial/articles").await.ok();
    let mut content = draft["content"].clone();
    content["lead"] = json!("Sáng 21/3, xã Sơn Hà ra quân trồng cây tại bốn thôn ven sông.");
    editor.put(&path, 1, &content).await.ok();
    editor
        .patch(
            &path,
            2,
            &json!({"featured": true, "tags": ["nông thôn mới", "môi trường"]}),
        )
        .await
        .ok();
    editor.get(&format!("{path}/editions")).await.ok();
    editor.get(&format!("{path}/editions/1")).await.ok();
    editor.get(&format!("{path}/editions/2/diff")).await.ok();
    let lock = format!("{path}/lock");
    let ask = editor.ask(Method::PUT, &lock);
    ask.json(&json!({"minutes": 10})).send().await.ok();
    editor.get(&lock).await.ok();
    editor.ask(Method::DELETE, &lock).send().await.is(204);
    let links = format!("{path}/previews");
    let link = json!({"edition": 2, "expires_in": 3600});
    let link = editor.post(&links, &link).await.created();
    editor.get(&links).await.ok();
    let url = link["url"].as_str().unwrap();
    portal
        .get(url.strip_prefix(crate::support::BASE).unwrap())
        .await
        .ok();
    editor
        .ask(Method::DELETE, &format!("{links}/{}", link["id"]))
        .send()
        .await
        .is(204);
    editor.get("/v1/editorial/captions").await.ok();
    let figure = json!({"article_id": draft["id"], "caption": "Cây giống chuẩn bị từ sớm", "media": [{"media_id": medium["id"]}]});
    let caption = editor
        .ask(Method::POST, "/v1/editorial/captions")
        .at(3)
        .json(&figure)
        .send()
        .await
        .created();
    let caption = format!("/v1/editorial/captions/{}", caption["id"]);
    editor.get(&caption).await.ok();
    editor
        .patch(
            &caption,
            4,
            &json!({"caption": "Cây giống được chuẩn bị từ sớm"}),
        )
        .await
        .ok();
    editor.delete(&caption, 5).await.is(204);
    for (version, edition) in [(6, 1), (7, 3)] {
        let restored = format!("{path}/editions/{edition}/restore");
        editor.post_at(&restored, version, &Value::Null).await.ok();
    }
    editor.get("/v1/editorial/inbox").await.ok();
    editor.get("/v1/editorial/people").await.ok();
    let said = json!({"text": "Đã gọi lại thôn Suối Đá: có 60 người tham gia."});
    let comments = format!("{path}/comments");
    let comment = editor.post(&comments, &said).await.created();
    editor.get(&comments).await.ok();
    let comment = format!("{comments}/{}", comment["id"]);
    editor.ask(Method::DELETE, &comment).send().await.is(204);
    let me = editor.get("/v1/auth/me").await.ok();
    editor
        .post(&format!("{path}/assign"), &json!({"user_id": me["id"]}))
        .await
        .ok();
    let article = editor.get(&path).await.ok();
    let article = editor.act(&article, "submit", &Value::Null).await;
    let article = editor.act(&article, "recall", &Value::Null).await;
    let article = editor.act(&article, "submit", &Value::Null).await;
    let reason = json!({"reason": "Bổ sung số cây đã trồng ở mỗi thôn."});
    let article = publisher.act(&article, "return", &reason).await;
    let article = editor.act(&article, "submit", &Value::Null).await;
    let article = publisher.act(&article, "approve", &Value::Null).await;
    let plan = json!({"at": "2026-03-23T06:00:00+07:00", "expire_at": "2026-06-01T00:00:00+07:00"});
    let article = publisher.act(&article, "publish", &plan).await;
    let article = publisher
        .act(&article, "unschedule", &json!({"event": "publication"}))
        .await;
    let article = publisher.act(&article, "publish", &json!({})).await;
    let article = publisher
        .act(
            &article,
            "publish",
            &json!({"kind": "correction", "note": "Sửa số thôn tham gia: bốn thôn."}),
        )
        .await;
    let spare = editor.draft(&sample::content("Bản nháp", slug)).await;
    editor
        .delete(&format!("/v1/editorial/articles/{}", spare["id"]), 1)
        .await
        .is(204);

    // What readers see of it.
    let slug_of = article["content"]["slug"].as_str().unwrap().to_owned();
    for path in [
        "/v1/portal",
        "/v1/home",
        "/v1/categories",
        "/v1/articles",
        "/v1/corrections",
        "/v1/captions",
        "/v1/media",
        "/v1/changes",
        "/feeds/json",
        "/healthz",
        "/readyz",
        "/.well-known/jwks.json",
        "/v1/captions/1",
    ] {
        portal.get(path).await.ok();
    }
    portal
        .get(&format!("/v1/media/{}", medium["id"]))
        .await
        .ok();
    portal.get(&format!("/v1/categories/{slug}")).await.ok();
    portal
        .get(&format!("/feeds/categories/{slug}/json"))
        .await
        .ok();
    for below in ["", "/others", "/corrections"] {
        portal
            .get(&format!("/v1/articles/{slug_of}{below}"))
            .await
            .ok();
    }
    let live = portal.get(&format!("/v1/articles/{slug_of}")).await.ok();
    let url = live["cover"]["renditions"][0]["url"].as_str().unwrap();
    portal
        .get(url.strip_prefix(crate::support::BASE).unwrap())
        .await
        .is_file();
    portal.get("/metrics").await.is_file();
    // A picture that somebody has reason to have removed.
    let path = format!("/v1/editorial/media/{}", medium["id"]);
    editor.get(&format!("{path}/uses")).await.ok();
    let version = sample::version(&editor.get(&path).await.ok());
    let path = format!("{path}/withdraw");
    let why = json!({"reason_code": "privacy", "requester": "Bà Lan, thôn Đông"});
    publisher.post_at(&path, version, &why).await.ok();
    let article = publisher
        .act(
            &article,
            "withdraw",
            &json!({"note": "Chờ kiểm tra lại số liệu."}),
        )
        .await;
    let article = publisher.act(&article, "restore", &Value::Null).await;
    let article = publisher.act(&article, "archive", &Value::Null).await;
    publisher
        .act(
            &article,
            "take-down",
            &json!({"reason_code": "source_withdrawn"}),
        )
        .await;

    // API tokens: a service's and one's own.
    let service = json!({"login": "may-chu-anh", "name": "Máy chủ ảnh", "roles": ["reporter"], "kind": "service"});
    let service = admin.post("/v1/editorial/users", &service).await.created();
    let token =
        json!({"user_id": service["id"], "name": "Nhập ảnh hằng ngày", "scopes": ["write:media"]});
    let token = admin.post("/v1/editorial/tokens", &token).await.created();
    let token = format!("/v1/editorial/tokens/{}", token["id"]);
    admin.get("/v1/editorial/tokens").await.ok();
    admin.get(&token).await.ok();
    admin.ask(Method::DELETE, &token).send().await.is(204);
    let token = editor.token(&["read:drafts", "write:articles"]).await;
    let token = format!("/v1/auth/tokens/{}", token["id"]);
    editor.get("/v1/auth/tokens").await.ok();
    editor.get(&token).await.ok();
    editor.ask(Method::DELETE, &token).send().await.is(204);

    // A second factor, and an admin who takes it from somebody who has lost it.
    let owner = portal.user("reporter").await;
    let (app, _) = owner.enrol().await;
    owner.get("/v1/auth/totp").await.ok();
    let code = json!({"code": app.code(portal)});
    let path = "/v1/auth/totp/recovery-codes";
    owner.post(path, &code).await.ok();
    portal.ctx.clock.advance(30_000_000);
    let code = json!({"code": app.code(portal)});
    let path = "/v1/auth/totp/disable";
    owner.post(path, &code).await.is(204);
    owner.enrol().await;
    let users = admin.get("/v1/editorial/users").await.ok();
    let mut users = users["items"].as_array().unwrap().iter();
    let user = users.find(|user| user["login"] == "reporter").unwrap();
    let path = format!("/v1/editorial/users/{}/totp/reset", user["id"]);
    let version = user["version"].as_i64().unwrap();
    admin.post_at(&path, version, &Value::Null).await.ok();

    // One's own sign-in, by password and through a provider.
    let started = portal.ask(Method::POST, "/v1/auth/oidc/start").send().await;
    let returned = provider.visit(&started.ok());
    let ask = portal.ask(Method::POST, "/v1/auth/oidc/finish");
    ask.json(&returned).send().await.ok();
    let pair = portal.sign_in("editor", PASSWORD).await;
    let refresh = json!({"refresh_token": pair["refresh_token"]});
    portal
        .ask(Method::POST, "/v1/auth/refresh")
        .json(&refresh)
        .send()
        .await
        .ok();
    editor.get("/v1/auth/me").await.ok();
    let list = editor.get("/v1/auth/sessions").await.ok();
    let other = list["items"].as_array().unwrap().iter();
    let mut other = other.filter(|session| session["current"] == false);
    let other = other.next_back().unwrap()["id"].as_str().unwrap();
    for path in [
        format!("/v1/auth/sessions/{other}"),
        "/v1/auth/sessions".into(),
    ] {
        editor.ask(Method::DELETE, &path).send().await.is(204);
    }
    let change = json!({"current_password": PASSWORD, "new_password": "mùa lúa chín vàng đồng"});
    editor.post("/v1/auth/password", &change).await.is(204);
    editor
        .ask(Method::POST, "/v1/auth/logout")
        .send()
        .await
        .is(204);
}

/// What nobody may take for a secret.
fn masked(mut value: Value) -> Value {
    if let Some(object) = value.as_object_mut() {
        for (name, member) in object.iter_mut() {
            *member = match name.as_str() {
                "session_id" if !member.is_null() => json!("c2lnbi1pbg"),
                "access_token" => json!("eyJhbGciOiJFZERTQSJ9.e30.c2lnbmF0dXJl"),
                "refresh_token" => json!("cmVmcmVzaC10b2tlbg"),
                "token" => json!("aW52aXRhdGlvbg"),
                "secret" if member.as_str().is_some_and(|text| text.len() == 32) => {
                    json!("MJQW45DJNYQGG33OEB2HEYLVEBSGK3RA")
                }
                "otpauth_url" => json!(
                    "otpauth://totp/X%C3%A3%20S%C6%A1n%20H%C3%A0:minh.an?secret=MJQW45DJNYQGG33OEB2HEYLVEBSGK3RA&issuer=X%C3%A3%20S%C6%A1n%20H%C3%A0"
                ),
                "recovery_codes" => json!(["k3vn-8xwa-q2md-7hfu", "zr5c-m9te-4bjy-p6gs"]),
                "secret" => json!("bantin_pat_0123456789ABCDEFGHIJKLMNOPQRSTUVW0f4kQz"),
                "authorization_url" => json!(
                    "https://id.example.vn/auth?response_type=code&client_id=bantin&state=c3RhdGU"
                ),
                "binding" => json!("YmluZGluZw"),
                "state" if member.as_str().is_some_and(|text| text.len() > 40) => json!("c3RhdGU"),
                "id" if member.as_str().is_some_and(|id| id.len() == 43) => json!("c2lnbi1pbg"),
                "password" | "current_password" | "new_password" => json!("một mật khẩu dài"),
                _ => masked(member.take()),
            };
        }
    } else if let Some(items) = value.as_array_mut() {
        items.truncate(3);
        for item in items {
            *item = masked(item.take());
        }
    }
    value
}

#[actix_web::test]
async fn every_operation_has_an_example_from_a_real_answer() {
    let provider = Provider::new();
    let portal = provider.portal(&[]).await;
    *portal.record.borrow_mut() = Some(Vec::new());
    walk(&portal, &provider).await;
    let mut examples: Map<String, Value> = Map::new();
    for exchange in portal.record.take().unwrap() {
        let example = examples
            .entry(exchange.operation)
            .or_insert_with(|| json!({}));
        if let Some(sent) = exchange.sent.filter(|sent| !sent.is_null()) {
            example["request"] = masked(sent);
        }
        let kind = exchange.kind.split(';').next().unwrap().to_owned();
        example[exchange.status.to_string()] = match exchange.got {
            Some(got) => json!({kind: masked(got)}),
            None => json!({}),
        };
    }
    let mut missing = Vec::new();
    for (path, item) in spec::document()["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let id = operation["operationId"].as_str().unwrap();
            let met = examples.get(id).and_then(Value::as_object);
            if !met.is_some_and(|met| met.keys().any(|status| status.starts_with('2'))) {
                missing.push(format!("{method} {path}"));
            }
        }
    }
    assert!(
        missing.is_empty(),
        "the walk does not meet: {}",
        missing.join(", ")
    );
    if std::env::var_os("BANTIN_BLESS").is_some() {
        let text = serde_json::to_string_pretty(&examples).unwrap();
        std::fs::write(PATH, text + "\n").unwrap();
        return;
    }
    let committed: Value = serde_json::from_str(&std::fs::read_to_string(PATH).unwrap()).unwrap();
    let names = |value: &Value| {
        value
            .as_object()
            .unwrap()
            .keys()
            .cloned()
            .collect::<Vec<_>>()
    };
    assert_eq!(
        names(&committed),
        names(&Value::Object(examples)),
        "run `just bless`"
    );
}
