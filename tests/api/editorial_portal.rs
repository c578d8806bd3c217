//! The portal as admins have it: replaced whole, public at once.

use actix_web::http::Method;
use serde_json::{Value, json};

use crate::support::Portal;
use crate::support::sample::{content, version, with};

const PORTAL: &str = "/v1/editorial/portal";

async fn current(portal: &Portal) -> Value {
    portal.admin().await.get(PORTAL).await.ok()
}

#[actix_web::test]
async fn an_admin_replaces_the_portal_and_readers_see_it_at_once() {
    let portal = Portal::new().await;
    let admin = portal.admin().await;
    let before = current(&portal).await;
    assert_eq!(before["content"]["time_zone"], "Asia/Ho_Chi_Minh");
    assert_eq!(before["content"]["language"], "vi");
    let wanted = json!({
        "name": "Trang thông tin xã Sơn Hà", "slogan": "Gần dân", "agency": "UBND xã Sơn Hà",
        "imprint": "Chịu trách nhiệm: Chủ tịch UBND xã\nĐiện thoại: 0237", "language": "vi",
        "time_zone": "Asia/Ho_Chi_Minh", "article_url": "https://sonha.example.vn/tin/{slug}.html",
        "category_url": "https://sonha.example.vn/?cat={slug}",
    });
    let answer = admin.put(PORTAL, version(&before), &wanted).await;
    let after = answer.ok();
    assert_eq!(after["content"], wanted);
    assert_eq!(version(&after), version(&before) + 1);
    assert_eq!(answer.header("etag"), format!("\"{}\"", after["version"]));
    assert_eq!(current(&portal).await, after);

    let public = portal.get("/v1/portal").await.ok();
    for field in ["name", "slogan", "agency", "imprint"] {
        assert_eq!(public[field], wanted[field], "{field}");
    }
    let changes = portal.get("/v1/changes").await.ok();
    let row = &changes["items"][0];
    assert_eq!(
        (&row["op"], &row["why"]),
        (&json!("put"), &json!("updated"))
    );
    assert_eq!(row["object"]["type"], "portal");
    assert_eq!(row["object"]["uri"], after["uri"]);

    // The same again is no write, whatever the version.
    for tag in [Some(1), None] {
        let ask = admin.ask(Method::PUT, PORTAL).json(&wanted);
        let ask = match tag {
            Some(tag) => ask.at(tag),
            None => ask,
        };
        assert_eq!(ask.send().await.ok(), after);
    }
    let changes = portal.get("/v1/changes").await.ok();
    assert_eq!(changes["items"].as_array().unwrap().len(), 1);
}

#[actix_web::test]
async fn page_templates_make_the_addresses_of_articles_and_categories() {
    let portal = Portal::new().await;
    let news = portal.news().await;
    portal.published(&content("Một", &news)).await;
    let own = portal.get("/v1/articles/mot").await.ok();
    assert_eq!(
        own["canonical_url"],
        format!("{}/v1/articles/mot", crate::support::BASE)
    );
    let before = current(&portal).await;
    let template = json!("https://sonha.example.vn/tin/{slug}.html");
    let wanted = with(&before["content"], "article_url", template);
    let wanted = with(
        &wanted,
        "category_url",
        json!("https://sonha.example.vn/?cat={slug}"),
    );
    portal
        .admin()
        .await
        .put(PORTAL, version(&before), &wanted)
        .await
        .ok();
    let shown = portal.get("/v1/articles/mot").await.ok();
    assert_eq!(
        shown["canonical_url"],
        "https://sonha.example.vn/tin/mot.html"
    );
    let shown = portal.get("/v1/categories/tin-tuc").await.ok();
    assert_eq!(
        shown["canonical_url"],
        "https://sonha.example.vn/?cat=tin-tuc"
    );
    // People copy addresses as browsers show them.
    let before = current(&portal).await;
    let wanted = with(
        &wanted,
        "article_url",
        json!("https://xã.example.vn/tin/bài/{slug}"),
    );
    let after = portal
        .admin()
        .await
        .put(PORTAL, version(&before), &wanted)
        .await
        .ok();
    let encoded = "https://xn--x-yfa.example.vn/tin/b%C3%A0i/";
    assert_eq!(
        after["content"]["article_url"],
        format!("{encoded}{{slug}}")
    );
    let shown = portal.get("/v1/articles/mot").await.ok();
    assert_eq!(shown["canonical_url"], format!("{encoded}mot"));
    let same = portal.admin().await.put(PORTAL, 1, &wanted).await.ok();
    assert_eq!(same, after);
}

#[actix_web::test]
async fn only_an_admin_replaces_the_portal() {
    let portal = Portal::new().await;
    let before = current(&portal).await;
    for user in [
        portal.reporter().await,
        portal.editor().await,
        portal.publisher().await,
    ] {
        user.get(PORTAL).await.ok();
        let refused = user.put(PORTAL, version(&before), &before["content"]).await;
        refused.problem(403, "forbidden");
    }
    portal.get(PORTAL).await.problem(401, "unauthorized");
}

#[actix_web::test]
async fn a_write_names_the_version_that_it_was_based_on() {
    let portal = Portal::new().await;
    let admin = portal.admin().await;
    let before = current(&portal).await;
    let wanted = with(&before["content"], "name", json!("Khác"));
    let ask = || admin.ask(Method::PUT, PORTAL).json(&wanted);
    ask().send().await.problem(428, "precondition_required");
    let any = ask().header("if-match", "*").send().await;
    any.problem(428, "precondition_required");
    let stale = ask().at(version(&before) + 1).send().await;
    let problem = stale.problem(412, "version_mismatch");
    assert_eq!(problem["current_version"], before["version"]);
    assert_eq!(current(&portal).await, before);
}

#[actix_web::test]
async fn every_fault_of_the_portal_is_told_at_once() {
    let portal = Portal::new().await;
    let admin = portal.admin().await;
    let before = current(&portal).await;
    let mut wrong = before["content"].clone();
    wrong["name"] = json!("a".repeat(301));
    wrong["imprint"] = json!("a\tb");
    wrong["language"] = json!("tiếng Việt");
    wrong["time_zone"] = json!("Asia/Hanoi_Old");
    wrong["theme"] = json!("dark");
    admin.put(PORTAL, version(&before), &wrong).await.faults(
        422,
        "invalid",
        &[
            "/imprint forbidden_character",
            "/language bad_format",
            "/name too_long",
            "/theme unknown_field",
            "/time_zone unknown_value",
        ],
    );
    for template in [
        "https://sonha.example.vn/tin",
        "https://sonha.example.vn/{slug}/{slug}",
        "https://sonha.example.vn/{id}/{slug}",
        "https://{slug}.example.vn/",
        "https://{slug}/",
        "{slug}://sonha.example.vn/",
        "ftp://sonha.example.vn/{slug}",
        "javascript:alert('{slug}')",
        "/tin/{slug}",
        "https://an:x@sonha.example.vn/{slug}",
        "https://sonha.example.vn/a b/{slug}",
    ] {
        for field in ["article_url", "category_url"] {
            let wrong = with(&before["content"], field, json!(template));
            let answer = admin.put(PORTAL, version(&before), &wrong).await;
            answer.faults(422, "invalid", &[&format!("/{field} bad_format")]);
        }
    }
    assert_eq!(current(&portal).await, before);
}

#[actix_web::test]
async fn the_zone_of_the_portal_is_the_zone_of_its_days() {
    let portal = Portal::new().await;
    let news = portal.news().await;
    let before = current(&portal).await;
    let tokyo = with(&before["content"], "time_zone", json!("Asia/Tokyo"));
    portal
        .admin()
        .await
        .put(PORTAL, version(&before), &tokyo)
        .await
        .ok();
    let live = portal.published(&content("Một", &news)).await;
    assert_eq!(live["published_at"], "2026-03-21T11:00:00+09:00");
    let shown = portal.get("/v1/articles/mot").await.ok();
    assert_eq!(shown["published_at"], "2026-03-21T11:00:00+09:00");
}
