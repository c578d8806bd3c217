//! What was withdrawn or taken down comes back, and nothing that it needs is lost meanwhile.

use serde_json::{Value, json};

use crate::support::newsroom::{address, slug};
use crate::support::sample::{content, figure};
use crate::support::{BASE, Portal};

#[actix_web::test]
async fn what_comes_back_is_the_last_public_edition_unchanged() {
    let portal = Portal::new().await;
    let publisher = portal.publisher().await;
    let category = portal.news().await;
    let other = portal.category("Mục khác", None).await;
    let medium = publisher.picture(1).await;
    let mut content = content("Tin", &category);
    content["body"] = json!([figure("Ảnh", &[medium])]);
    content["tags"] = json!(["cây"]);
    for action in ["withdraw", "take-down"] {
        let first = portal.published(&content).await;
        let article = publisher.update(&first, "correction").await;
        let before = portal.get(&address(&article)).await;
        assert_eq!(before.ok()["body"][0]["media"][0]["alt"], "Một bức ảnh");

        let media = format!("/v1/editorial/media/{medium}");
        let version = publisher.get(&media).await.ok()["version"]
            .as_i64()
            .unwrap();
        let alt = json!({"alt": format!("Khác trước {action}"), "credit": "Ảnh: An"});
        publisher.patch(&media, version, &alt).await.ok();
        let hidden = match action {
            "withdraw" => publisher.withdraw(&article).await,
            _ => publisher.take_down(&article).await,
        };
        let change = json!({
            "title": "Mới", "slug": format!("moi-{action}"), "body": [], "tags": [],
            "category": other["content"]["slug"], "published_on": "2020-01-01", "language": "en",
        });
        let changed = publisher.edit(&hidden, &change).await;
        let restored = publisher.restore(&changed).await;
        assert_eq!(restored["public_state"], "live");
        assert_eq!(restored["has_unpublished_changes"], true);
        assert_eq!(restored["content"]["title"], "Mới");
        let after = portal.get(&address(&article)).await;
        assert_eq!(after.ok(), before.ok(), "{action}");
        let path = format!("/v1/media/{medium}");
        assert_eq!(portal.get(&path).await.ok()["alt"], "Một bức ảnh");
        // The next round begins with the old alt text.
        let version = publisher.get(&media).await.ok()["version"]
            .as_i64()
            .unwrap();
        let alt = json!({"alt": "Một bức ảnh", "credit": null});
        publisher.patch(&media, version, &alt).await.ok();
    }
}

#[actix_web::test]
async fn what_was_taken_down_comes_back_changed_only_as_a_correction() {
    let portal = Portal::new().await;
    let publisher = portal.publisher().await;
    let article = portal
        .published(&content("Sai", &portal.news().await))
        .await;
    let uri = portal.get(&address(&article)).await.ok()["uri"].clone();
    let down = publisher.take_down(&article).await;
    let mended = publisher.edit(&down, &json!({"title": "Đúng"})).await;
    portal
        .get(&address(&article))
        .await
        .problem(410, "taken_down");

    let minor = json!({"kind": "minor", "note": "x"});
    publisher
        .try_act(&mended, "publish", &minor)
        .await
        .faults(422, "invalid", &["/kind conflict"]);
    let back = publisher.update(&mended, "correction").await;
    assert_eq!(back["reason_code"], Value::Null);
    let seen = portal.get(&address(&article)).await.ok();
    assert_eq!(seen["title"], "Đúng");
    assert_eq!(seen["uri"], uri);
    assert_eq!(seen["corrections"]["count"], 1);
    assert_eq!(portal.titles("/v1/articles").await, ["Đúng"]);
}

#[actix_web::test]
async fn nothing_that_could_come_back_can_be_deleted() {
    let portal = Portal::new().await;
    let publisher = portal.publisher().await;
    let category = portal.category("Mục", None).await;
    portal.news().await;
    let medium = publisher.picture(1).await;
    let mut content = content("Tin", "muc");
    content["body"] = json!([figure("Ảnh", &[medium])]);
    let live = portal.published(&content).await;
    let before = portal.get("/v1/articles/tin").await.ok();
    let down = publisher.take_down(&live).await;
    let change = json!({"category": "tin-tuc", "body": [], "slug": "khac"});
    let changed = publisher.edit(&down, &change).await;

    let path = format!("/v1/editorial/categories/{}", category["id"]);
    publisher
        .delete(&path, 1)
        .await
        .problem(409, "category_in_use");
    let path = format!("/v1/editorial/media/{medium}");
    publisher
        .delete(&path, 1)
        .await
        .problem(409, "media_in_use");
    let path = format!("/v1/editorial/articles/{}", live["id"]);
    let version = changed["version"].as_i64().unwrap();
    publisher
        .delete(&path, version)
        .await
        .problem(409, "was_public");

    publisher.restore(&changed).await;
    assert_eq!(portal.get("/v1/articles/tin").await.ok(), before);
    let file = before["body"][0]["media"][0]["url"].as_str().unwrap();
    let file = portal.get(file.trim_start_matches(BASE)).await;
    assert_eq!(file.status, 200);
}

#[actix_web::test]
async fn slugs_of_what_is_gone_stay_taken() {
    let portal = Portal::new().await;
    let publisher = portal.publisher().await;
    let category = portal.news().await;
    let live = portal.published(&content("Tin", &category)).await;
    let renamed = publisher.edit(&live, &json!({"slug": "moi"})).await;
    let live = publisher.update(&renamed, "minor").await;
    publisher.take_down(&live).await;
    for taken in ["tin", "moi"] {
        let mut other = content("Khác", &category);
        other["slug"] = json!(taken);
        let answer = publisher.post("/v1/editorial/articles", &other).await;
        answer.problem(409, "slug_taken");
    }
    let same_title = publisher.draft(&content("Tin", &category)).await;
    assert_eq!(slug(&same_title), "tin-2");
}

#[actix_web::test]
async fn a_slug_can_come_back_to_its_article() {
    let portal = Portal::new().await;
    let publisher = portal.publisher().await;
    let mut article = portal
        .published(&content("Tin", &portal.news().await))
        .await;
    for (now, old) in [("moi", "tin"), ("tin", "moi"), ("moi", "tin")] {
        let edited = publisher.edit(&article, &json!({"slug": now})).await;
        article = publisher.update(&edited, "minor").await;
        assert_eq!(portal.get(&address(&article)).await.ok()["slug"], now);
        let answer = portal.get(&format!("/v1/articles/{old}")).await;
        answer.is(301);
        assert_eq!(
            answer.header("location"),
            format!("{BASE}/v1/articles/{now}")
        );
    }
}
