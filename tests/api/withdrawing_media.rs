//! A medium that is withdrawn: gone everywhere at once, without a new edition of anything.

use serde_json::{Value, json};

use crate::support::newsroom::address;
use crate::support::{BASE, Portal, User, sample};

fn local(url: &Value) -> String {
    url.as_str().unwrap().strip_prefix(BASE).unwrap().to_owned()
}

async fn withdraw(user: &User<'_>, id: i64, version: i64) -> Value {
    let path = format!("/v1/editorial/media/{id}/withdraw");
    let why = json!({"reason_code": "privacy", "note": "Theo yêu cầu của gia đình"});
    user.post_at(&path, version, &why).await.ok()
}

/// An article with two pictures in one figure, one of them alone in another, and a cover.
async fn article(portal: &Portal, title: &str, one: i64, two: i64) -> Value {
    let news = portal.news().await;
    let mut content = sample::content(title, &news);
    content["cover_media_id"] = json!(one);
    content["body"] = json!([
        sample::figure("Cả hai", &[one, two]),
        sample::figure("Chỉ một", &[one]),
        {"_type": "attachment", "media_id": one, "title": "Tải ảnh"},
    ]);
    portal.published(&content).await
}

#[actix_web::test]
async fn every_file_is_gone_and_figures_keep_their_captions() {
    let portal = Portal::new().await;
    let publisher = portal.publisher().await;
    let (one, two) = (publisher.picture(1).await, publisher.picture(2).await);
    let first = article(&portal, "Bài một", one, two).await;
    let second = article(&portal, "Bài hai", two, two).await;
    let before = portal.get(&address(&first)).await.ok();
    let files: Vec<String> = before["body"][0]["media"][0]["renditions"]
        .as_array()
        .unwrap()
        .iter()
        .map(|rendition| local(&rendition["url"]))
        .collect();
    let path = format!("/v1/editorial/media/{one}");
    let preview = publisher.get(&path).await.ok();
    let preview = local(&preview["renditions"][0]["preview_url"]);
    let head = portal.get("/v1/changes?since=now").await.ok();

    let medium = withdraw(&publisher, one, 1).await;
    assert_eq!(medium["version"], 2);
    assert_eq!(medium["withdrawn"]["reason_code"], "privacy");
    assert_eq!(medium["renditions"], json!([]));

    for file in files.iter().chain([&preview]) {
        let gone = portal.get(file).await;
        gone.problem(410, "file_withdrawn");
        assert!(gone.text().contains("privacy"));
        assert!(gone.header("cache-control").contains("no-store"));
    }
    let after = portal.get(&address(&first)).await.ok();
    let figure = &after["body"][0];
    assert_eq!(figure["caption"], "Cả hai");
    let at = &medium["withdrawn"]["at"];
    let hole = json!({"media_id": one, "withdrawn": {"at": at, "reason_code": "privacy"}});
    assert_eq!(figure["media"][0], hole);
    assert!(figure["media"][1]["url"].is_string());
    assert_eq!(after["body"][1]["media"], json!([hole]));
    assert_eq!(after["body"][2]["media"]["renditions"], json!([]));
    assert_eq!(
        after["body"][2]["media"]["withdrawn"]["reason_code"],
        "privacy"
    );
    assert_eq!(after["cover"], Value::Null);
    assert_eq!(after["edition"], before["edition"]);
    assert_eq!(after["updated_at"], Value::Null);
    let text = after.to_string();
    assert!(
        files.iter().all(|file| !text.contains(file.as_str())),
        "{text}"
    );
    // The other forms do not show it either.
    let html = portal
        .get(&format!("{}?body=html", address(&first)))
        .await
        .ok();
    let html = html["body_html"].as_str().unwrap().to_owned();
    assert!(
        html.contains("Cả hai") && html.contains("Chỉ một"),
        "{html}"
    );
    assert!(
        files.iter().all(|file| !html.contains(file.as_str())),
        "{html}"
    );
    let caption = portal.get(&format!("/v1/captions?media={one}")).await.ok();
    assert_eq!(caption["items"][0]["media"][0], hole);
    let public = portal.get(&format!("/v1/media/{one}")).await.ok();
    assert_eq!(public["withdrawn"]["at"], *at);

    // One row for each article that showed it.
    let next = head["next"].as_str().unwrap();
    let log = portal.get(&format!("/v1/changes?since={next}")).await.ok();
    assert_eq!(log["items"].as_array().unwrap().len(), 1, "{log}");
    let row = &log["items"][0];
    assert_eq!(
        (&row["why"], &row["op"]),
        (&json!("media_withdrawn"), &json!("put"))
    );
    assert_eq!(row["object"]["id"], first["id"]);
    assert!(portal.get(&address(&second)).await.ok()["cover"].is_object());
}

#[actix_web::test]
async fn nothing_brings_it_back() {
    let portal = Portal::new().await;
    let publisher = portal.publisher().await;
    let (one, two) = (publisher.picture(1).await, publisher.picture(2).await);
    let live = article(&portal, "Bài một", one, two).await;
    let down = article(&portal, "Bài hai", one, two).await;
    let reason = json!({"reason_code": "other"});
    let down = publisher.act(&down, "take-down", &reason).await;
    let archived = publisher
        .archive(&article(&portal, "Bài ba", one, two).await)
        .await;
    withdraw(&publisher, one, 1).await;

    // Not an edition that holds it …
    let live = publisher.edit(&live, &json!({"title": "Tên khác"})).await;
    let warned = live["warnings"].as_array().unwrap();
    assert_eq!(warned.len(), 4, "{warned:?}");
    assert!(
        warned
            .iter()
            .all(|warning| warning["code"] == "media_withdrawn")
    );
    let minor = json!({"kind": "minor"});
    let refused = publisher.try_act(&live, "publish", &minor).await;
    refused.problem(422, "invalid");
    assert_eq!(refused.json()["errors"].as_array().unwrap().len(), 4);
    let body = json!([sample::figure("Còn lại", &[two])]);
    let change = json!({"body": body, "cover_media_id": null});
    let live = publisher.edit(&live, &change).await;
    publisher.update(&live, "minor").await;

    // … nor what was taken down, nor what was archived.
    let down = publisher.restore(&down).await;
    let archived = publisher.restore(&archived).await;
    for article in [down, archived] {
        let shown = portal.get(&address(&article)).await.ok();
        assert_eq!(shown["status"], "live");
        assert_eq!(
            shown["body"][0]["media"][0]["withdrawn"]["reason_code"],
            "privacy"
        );
        assert_eq!(shown["cover"], Value::Null);
    }
    // Nor the same bytes.
    let again = publisher
        .upload("b.png", &sample::picture(40, 30, 1), &[])
        .await;
    let again = again.ok();
    assert_eq!(again["id"], one);
    assert!(again["withdrawn"].is_object());
    let path = format!("/v1/editorial/media/{one}/withdraw");
    let twice = publisher.post_at(&path, 2, &reason).await;
    twice.problem(409, "media_withdrawn");
    let stale = publisher.post_at(&path, 1, &reason).await;
    stale.problem(412, "version_mismatch");
}

#[actix_web::test]
async fn what_is_scheduled_appears_without_it() {
    let portal = Portal::new().await;
    let publisher = portal.publisher().await;
    let (one, two) = (publisher.picture(1).await, publisher.picture(2).await);
    let news = portal.news().await;
    let content = sample::with(
        &sample::content("Hẹn giờ", &news),
        "body",
        json!([sample::figure("Cả hai", &[one, two])]),
    );
    let draft = publisher.draft(&content).await;
    let at = json!({"at": "2026-03-21T09:10:00+07:00"});
    let planned = publisher.act(&draft, "publish", &at).await;
    let uses = publisher
        .get(&format!("/v1/editorial/media/{one}/uses"))
        .await
        .ok();
    assert_eq!(uses["items"][0]["scheduled"], true);
    withdraw(&publisher, one, 1).await;
    portal.advance(600);
    let mut aside = bantin::service::publishing::SetAside::default();
    let done = bantin::service::publishing::carry_out_due(&portal.ctx, &mut aside).await;
    assert_eq!(done.unwrap(), 1);
    let shown = portal.get(&address(&planned)).await.ok();
    assert!(
        shown["body"][0]["media"][0]["withdrawn"].is_object(),
        "{shown}"
    );
    assert_eq!(shown["cover"]["id"], two);
}

#[actix_web::test]
async fn one_sees_where_a_medium_is_used_as_far_as_one_may_know() {
    let portal = Portal::new().await;
    let publisher = portal.publisher().await;
    let one = publisher.picture(1).await;
    let live = article(&portal, "Bài một", one, one).await;
    let down = article(&portal, "Bài hai", one, one).await;
    publisher
        .act(&down, "take-down", &json!({"reason_code": "other"}))
        .await;
    let body = json!([sample::paragraph("Không còn ảnh.")]);
    let without = json!({"body": body, "cover_media_id": null});
    publisher.edit(&live, &without).await;
    let path = format!("/v1/editorial/media/{one}/uses");
    let uses = publisher.get(&path).await.ok();
    let wanted = json!([
        {"article_id": live["id"], "title": "Bài một", "working_copy": false,
         "scheduled": false, "public": true, "taken_down": false},
        {"article_id": down["id"], "title": "Bài hai", "working_copy": true,
         "scheduled": false, "public": false, "taken_down": true},
    ]);
    assert_eq!(uses["items"], wanted);
    assert_eq!(uses["hidden"], 0);
    let page = publisher.get(&format!("{path}?limit=1")).await.ok();
    let next = page["next"].as_str().unwrap();
    let rest = publisher
        .get(&format!("{path}?limit=1&cursor={next}"))
        .await
        .ok();
    assert_eq!(rest["items"][0]["article_id"], down["id"]);
    assert_eq!(rest["next"], Value::Null);
    // Drafts of others are not a reporter's to know of.
    let reporter = portal.reporter().await;
    let seen = reporter.get(&path).await.ok();
    let items = seen["items"].as_array().unwrap().len();
    assert_eq!(
        items + usize::try_from(seen["hidden"].as_i64().unwrap()).unwrap(),
        2
    );
    let missing = publisher.get("/v1/editorial/media/999/uses").await;
    missing.problem(404, "not_found");
}
