//! Categories as publishers have them: public at once, a tree of four levels, moved whole.

use serde_json::{Value, json};

use crate::support::sample::{content, path, version, with};
use crate::support::{Portal, User};

const CATEGORIES: &str = "/v1/editorial/categories";

fn one(category: &Value) -> String {
    format!("{CATEGORIES}/{}", category["id"])
}

fn slug(category: &Value) -> &str {
    category["content"]["slug"].as_str().unwrap()
}

fn id(object: &Value) -> Option<i64> {
    object["id"].as_i64()
}

/// Rows of the log after a token.
async fn rows(portal: &Portal, since: &str) -> Vec<Value> {
    let list = portal
        .get(&format!("/v1/changes?limit=100&since={since}"))
        .await
        .ok();
    list["items"].as_array().unwrap().clone()
}

async fn head(portal: &Portal) -> String {
    let list = portal.get("/v1/changes?since=now").await.ok();
    list["next"].as_str().unwrap().to_owned()
}

async fn patch(user: &User<'_>, category: &Value, patch: &Value) -> Value {
    user.patch(&one(category), version(category), patch)
        .await
        .ok()
}

/// Titles of the public list of a category.
async fn titles(portal: &Portal, slug: &str) -> Vec<String> {
    let list = portal
        .get(&format!("/v1/articles?category={slug}"))
        .await
        .ok();
    let items = list["items"].as_array().unwrap();
    items
        .iter()
        .map(|item| item["title"].as_str().unwrap().to_owned())
        .collect()
}

#[actix_web::test]
async fn a_category_is_made_read_replaced_patched_and_deleted() {
    let portal = Portal::new().await;
    let publisher = portal.publisher().await;
    let body =
        json!({"name": "Văn bản chỉ đạo, điều hành", "position": 3, "legal_reference": "Điều 4"});
    let answer = publisher.post(CATEGORIES, &body).await;
    let made = answer.created();
    assert!(answer.header("location").ends_with(&one(&made)));
    assert_eq!(answer.header("etag"), "\"1\"");
    assert_eq!(slug(&made), "van-ban-chi-dao-dieu-hanh");
    assert_eq!(made["path"], json!([made["id"]]));
    let twin = publisher.post(CATEGORIES, &body).await.created();
    assert_eq!(slug(&twin), "van-ban-chi-dao-dieu-hanh-2");
    assert_eq!(publisher.get(&one(&made)).await.ok(), made);

    let patched = patch(
        &publisher,
        &made,
        &json!({"legal_reference": null, "position": 0}),
    )
    .await;
    assert_eq!(patched["content"]["legal_reference"], Value::Null);
    assert_eq!(patched["content"]["name"], body["name"]);
    let put = json!({"name": "Văn bản"});
    let put = publisher.put(&one(&made), 2, &put).await.ok();
    // The slug never follows the name.
    assert_eq!(slug(&put), "van-ban-chi-dao-dieu-hanh");
    for stale in [
        publisher.put(&one(&made), 2, &put["content"]).await.ok(),
        patch(&publisher, &put, &json!({})).await,
    ] {
        assert_eq!(stale, put);
    }
    let public = portal
        .get(&format!("/v1/categories/{}", slug(&put)))
        .await
        .ok();
    assert_eq!(public["name"], "Văn bản");
    publisher.delete(&one(&made), 3).await.is(204);
    publisher.get(&one(&made)).await.problem(404, "not_found");
    portal
        .get(&format!("/v1/categories/{}", slug(&put)))
        .await
        .problem(404, "not_found");
    let list = publisher.get(CATEGORIES).await.ok();
    assert_eq!(list["items"], json!([twin]));
}

#[actix_web::test]
async fn faults_and_versions_are_told() {
    let portal = Portal::new().await;
    let publisher = portal.publisher().await;
    let made = portal.category("Tin", None).await;
    let wrong = json!({"name": " ", "slug": "Á", "parent_id": "1", "position": -1, "x": 1});
    let wrong = publisher.post(CATEGORIES, &wrong).await;
    let problem = wrong.problem(422, "invalid");
    let mut places: Vec<_> = problem["errors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|e| &e["pointer"])
        .collect();
    places.sort_by_key(|place| place.as_str().unwrap());
    assert_eq!(places, ["/name", "/parent_id", "/position", "/slug", "/x"]);
    // As large as the document says, and one more.
    let most = publisher
        .post(CATEGORIES, &json!({"name": "a", "position": 65_535}))
        .await;
    most.created();
    let more = publisher
        .post(CATEGORIES, &json!({"name": "a", "position": 65_536}))
        .await;
    more.problem(422, "invalid");
    let orphan = publisher
        .post(CATEGORIES, &json!({"name": "a", "parent_id": 99}))
        .await;
    orphan.faults(422, "invalid", &["/parent_id not_found"]);
    let taken = publisher
        .post(CATEGORIES, &json!({"name": "a", "slug": "tin"}))
        .await;
    taken.problem(409, "slug_taken");
    let rename = json!({"name": "b"});
    let stale = publisher.patch(&one(&made), 7, &rename).await;
    assert_eq!(stale.problem(412, "version_mismatch")["current_version"], 1);
    publisher
        .put(&one(&made), 7, &rename)
        .await
        .problem(412, "version_mismatch");
    publisher
        .delete(&one(&made), 7)
        .await
        .problem(412, "version_mismatch");
    let delete = publisher.ask(actix_web::http::Method::DELETE, &one(&made));
    delete.send().await.problem(428, "precondition_required");
}

#[actix_web::test]
async fn only_publishers_write_and_everybody_signed_in_reads() {
    let portal = Portal::new().await;
    let made = portal.category("Tin", None).await;
    for user in [
        portal.reporter().await,
        portal.editor().await,
        portal.admin().await,
    ] {
        user.get(CATEGORIES).await.ok();
        user.get(&one(&made)).await.ok();
        let body = json!({"name": "a"});
        for refused in [
            user.post(CATEGORIES, &body).await,
            user.put(&one(&made), 1, &body).await,
            user.patch(&one(&made), 1, &body).await,
            user.delete(&one(&made), 1).await,
        ] {
            refused.problem(403, "forbidden");
        }
    }
}

#[actix_web::test]
async fn the_tree_is_four_levels_deep_and_has_no_circles() {
    let portal = Portal::new().await;
    let publisher = portal.publisher().await;
    let mut levels = Vec::new();
    for level in 1..=4 {
        let parent = levels.last().and_then(id);
        levels.push(portal.category(&format!("Cấp {level}"), parent).await);
    }
    let ids: Vec<_> = levels.iter().map(|level| level["id"].clone()).collect();
    assert_eq!(levels[3]["path"], json!(ids));
    let deep = publisher
        .post(CATEGORIES, &json!({"name": "a", "parent_id": ids[3]}))
        .await;
    deep.faults(422, "invalid", &["/parent_id out_of_range"]);
    let side = portal.category("Bên", None).await;
    let under = publisher
        .patch(&one(&levels[0]), 1, &json!({"parent_id": side["id"]}))
        .await;
    under.faults(422, "invalid", &["/parent_id out_of_range"]);
    for (moved, below) in [(0, 0), (0, 1), (0, 3), (1, 2)] {
        let circle = json!({"parent_id": ids[below]});
        let circle = publisher.patch(&one(&levels[moved]), 1, &circle).await;
        circle.faults(422, "invalid", &["/parent_id conflict"]);
    }
    patch(&publisher, &levels[1], &json!({"parent_id": side["id"]})).await;
    let leaf = publisher.get(&one(&levels[3])).await.ok();
    assert_eq!(leaf["path"], json!([side["id"], ids[1], ids[2], ids[3]]));
}

#[actix_web::test]
async fn moving_a_category_moves_its_articles_with_a_row_each() {
    let portal = Portal::new().await;
    let publisher = portal.publisher().await;
    let (old, new) = (
        portal.category("Cũ", None).await,
        portal.category("Mới", None).await,
    );
    let middle = portal.category("Giữa", id(&old)).await;
    let leaf = portal.category("Lá", id(&middle)).await;
    let first = portal.published(&content("Một", slug(&middle))).await;
    let second = portal.published(&content("Hai", slug(&leaf))).await;
    let withdrawn = portal.published(&content("Ba", slug(&leaf))).await;
    publisher
        .act(&withdrawn, "withdraw", &json!({"note": "a"}))
        .await;
    publisher.draft(&content("Nháp", slug(&leaf))).await;
    let since = head(&portal).await;
    patch(&publisher, &middle, &json!({"parent_id": new["id"]})).await;

    assert_eq!(titles(&portal, slug(&old)).await, Vec::<String>::new());
    assert_eq!(titles(&portal, slug(&new)).await, ["Hai", "Một"]);
    assert_eq!(titles(&portal, slug(&leaf)).await, ["Hai"]);
    let shown = portal.get("/v1/articles/hai").await.ok();
    let steps: Vec<_> = shown["category"]["path"]
        .as_array()
        .unwrap()
        .iter()
        .map(|s| &s["slug"])
        .collect();
    assert_eq!(steps, ["moi", "giua", "la"]);

    let rows = rows(&portal, &since).await;
    let mut moved: Vec<_> = rows
        .iter()
        .map(|row| (row["object"]["type"].clone(), row["object"]["id"].clone()))
        .collect();
    moved.sort_by_key(|(kind, id)| (kind.to_string(), id.as_i64()));
    let articles = [&first, &second, &withdrawn].map(|article| ("article", &article["id"]));
    let categories = [&middle, &leaf].map(|category| ("category", &category["id"]));
    let wanted: Vec<_> = articles
        .into_iter()
        .chain(categories)
        .map(|(kind, id)| (json!(kind), id.clone()))
        .collect();
    assert_eq!(moved, wanted);
    for row in &rows {
        assert_eq!((&row["op"], &row["why"]), (&json!("put"), &json!("moved")));
        assert_eq!(row["category"]["before"][0], old["id"]);
        assert_eq!(row["category"]["after"][0], new["id"]);
    }
    // A new name is no move, but everything below shows it.
    let since = head(&portal).await;
    let now = publisher.get(&one(&middle)).await.ok();
    patch(&publisher, &now, &json!({"name": "Tên khác"})).await;
    let rows = self::rows(&portal, &since).await;
    assert_eq!(rows.len(), 5);
    for row in &rows {
        assert_eq!(row["why"], "updated");
        assert_eq!(row["category"]["before"], row["category"]["after"]);
    }
}

#[actix_web::test]
async fn every_write_has_its_row_and_no_write_has_none() {
    let portal = Portal::new().await;
    let publisher = portal.publisher().await;
    let since = format!("{}.0", head(&portal).await.split('.').next().unwrap());
    let made = portal.category("Tin", None).await;
    let moved = patch(&publisher, &made, &json!({"slug": "tin-moi"})).await;
    patch(&publisher, &moved, &json!({"slug": "tin-moi"})).await;
    publisher.delete(&one(&made), 2).await.is(204);
    let rows = rows(&portal, &since).await;
    let seen: Vec<_> = rows
        .iter()
        .map(|row| (&row["seq"], &row["op"], &row["why"]))
        .collect();
    let wanted = [
        (1, "put", "created"),
        (2, "put", "updated"),
        (3, "delete", "deleted"),
    ]
    .map(|(seq, op, why)| (json!(seq), json!(op), json!(why)));
    assert_eq!(seen, wanted.each_ref().map(|(seq, op, why)| (seq, op, why)));
    for row in &rows {
        assert_eq!(row["object"]["uri"], made["uri"]);
    }
}

#[actix_web::test]
async fn a_category_with_a_child_or_an_article_in_any_state_is_not_deleted() {
    let portal = Portal::new().await;
    let publisher = portal.publisher().await;
    let top = portal.category("Trên", None).await;
    let refused = async |category: &Value| {
        let refused = publisher.delete(&one(category), version(category)).await;
        refused.problem(409, "category_in_use");
    };
    let child = portal.category("Dưới", id(&top)).await;
    refused(&top).await;
    let other = portal.category("Khác", None).await;
    let away = json!({"category": slug(&other)});

    let draft = publisher.draft(&content("Nháp", slug(&child))).await;
    refused(&child).await;
    publisher.change(&draft, &away).await.ok();

    // Where readers see it counts, and where it would be restored to.
    let live = portal.published(&content("Tin", slug(&child))).await;
    let moved = publisher.change(&live, &away).await.ok();
    refused(&child).await;
    let withdrawn = publisher
        .act(&moved, "withdraw", &json!({"note": "a"}))
        .await;
    refused(&child).await;
    let down = publisher
        .act(&withdrawn, "take-down", &json!({"reason_code": "wrong"}))
        .await;
    refused(&child).await;
    let correction = json!({"kind": "correction", "note": "Đổi chuyên mục"});
    publisher.act(&down, "publish", &correction).await;
    publisher.delete(&one(&child), 1).await.is(204);
    publisher.delete(&one(&top), 1).await.is(204);
    // Old editions that named it are still read; its slug names nothing else ever after.
    let first = publisher.get(&format!("{}/editions/1", path(&live))).await;
    first.ok();
    let again = publisher
        .post(CATEGORIES, &json!({"name": "Dưới"}))
        .await
        .created();
    assert_eq!(slug(&again), "duoi-2");
}

#[actix_web::test]
async fn an_old_slug_leads_to_the_new_one_and_stays_taken() {
    let portal = Portal::new().await;
    let publisher = portal.publisher().await;
    let made = portal.category("Tin", None).await;
    let article = portal.published(&content("Một", "tin")).await;
    let moved = patch(&publisher, &made, &json!({"slug": "tin-tuc"})).await;
    let old = portal.get("/v1/categories/tin").await;
    old.is(301);
    assert!(old.header("location").ends_with("/v1/categories/tin-tuc"));
    assert_eq!(titles(&portal, "tin").await, ["Một"]);
    assert_eq!(titles(&portal, "tin-tuc").await, ["Một"]);
    let taken = publisher
        .post(CATEGORIES, &json!({"name": "a", "slug": "tin"}))
        .await;
    taken.problem(409, "slug_taken");
    let made_new = publisher
        .post(CATEGORIES, &json!({"name": "Tin"}))
        .await
        .created();
    assert_eq!(slug(&made_new), "tin-2");

    // Articles may go on naming the old slug; it is no change, and the new one is answered.
    let now = publisher.read(&article).await;
    assert_eq!(now["content"]["category"], "tin-tuc");
    let same = publisher
        .replace(&now, &with(&now["content"], "category", json!("tin")))
        .await;
    assert_eq!(same.ok(), now);
    let back = patch(&publisher, &moved, &json!({"slug": "tin"})).await;
    assert_eq!(slug(&back), "tin");
    portal.get("/v1/categories/tin").await.ok();
    portal.get("/v1/categories/tin-tuc").await.is(301);
}
