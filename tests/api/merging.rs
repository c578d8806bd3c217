//! Merging a category into another: everything in it moves at once, its addresses lead there.

use actix_web::http::Method;
use diesel::connection::SimpleConnection as _;
use futures_util::future::join;
use serde_json::{Value, json};

use bantin::store::Conn;

use crate::support::newsroom::{column, slug};
use crate::support::sample::{content, path, version};
use crate::support::{Answer, Portal, User};

fn one(category: &Value) -> String {
    format!("/v1/editorial/categories/{}", category["id"])
}

fn id(object: &Value) -> Option<i64> {
    object["id"].as_i64()
}

impl User<'_> {
    /// Merges a category as it was last seen, whatever comes of it.
    async fn merge(&self, from: &Value, into: &str) -> Answer {
        let path = format!("{}/merge", one(from));
        self.post_at(&path, version(from), &json!({"into": into}))
            .await
    }
}

async fn head(portal: &Portal) -> String {
    let list = portal.get("/v1/changes?since=now").await.ok();
    list["next"].as_str().unwrap().to_owned()
}

/// Type, `op`, `why` and id of each row after a token.
async fn rows(portal: &Portal, since: &str) -> Vec<(String, i64)> {
    let list = portal
        .get(&format!("/v1/changes?limit=100&since={since}"))
        .await;
    let list = list.ok();
    let rows = list["items"].as_array().unwrap().iter();
    rows.map(|row| {
        let word = |value: &Value| value.as_str().unwrap().to_owned();
        let words = [&row["object"]["type"], &row["op"], &row["why"]].map(word);
        (words.join(" "), row["object"]["id"].as_i64().unwrap())
    })
    .collect()
}

#[actix_web::test]
async fn everything_in_a_category_moves_with_a_row_each_and_the_category_goes() {
    let portal = Portal::new().await;
    let publisher = portal.publisher().await;
    let top = portal.category("Trên", None).await;
    let into = portal.category("Đích", id(&top)).await;
    let from = portal.category("Nguồn", None).await;
    let child = portal.category("Con", id(&from)).await;
    let live = portal.published(&content("Một", slug(&from))).await;
    let below = portal.published(&content("Hai", slug(&child))).await;
    let withdrawn = portal.published(&content("Ba", slug(&from))).await;
    let withdrawn = publisher.withdraw(&withdrawn).await;
    let draft = publisher.draft(&content("Nháp", slug(&from))).await;
    portal.published(&content("Sẵn", slug(&into))).await;
    let since = head(&portal).await;

    let merged = publisher.merge(&from, slug(&into)).await;
    assert_eq!(merged.header("etag"), "\"1\"");
    assert_eq!(merged.ok(), into);
    let number = |object: &Value| id(object).unwrap();
    let mut found = rows(&portal, &since).await;
    let last = found.pop().unwrap();
    assert_eq!(last, ("category delete deleted".to_owned(), number(&from)));
    found.sort();
    let mut wanted = vec![("category put moved".to_owned(), number(&child))];
    let articles = [&live, &below, &withdrawn].map(number);
    wanted.extend(articles.map(|id| ("article put moved".to_owned(), id)));
    wanted.sort();
    assert_eq!(found, wanted);

    // Readers: lists, feeds, the article, the old address.
    let list = portal.titles("/v1/articles?category=dich").await;
    assert_eq!(list, ["Sẵn", "Hai", "Một"]);
    assert_eq!(portal.titles("/v1/articles?category=nguon").await, list);
    assert_eq!(portal.titles("/v1/articles?category=tren").await, list);
    assert_eq!(portal.titles("/v1/articles?category=con").await, ["Hai"]);
    let feed = portal.get("/feeds/categories/dich/json").await.ok();
    assert_eq!(column(&feed, "title"), ["Sẵn", "Hai", "Một"]);
    let others = portal.get("/v1/articles/mot/others").await.ok();
    assert_eq!(column(&others["newer"], "title"), ["Sẵn"]);
    let old = portal.get("/v1/categories/nguon").await;
    old.is(301);
    assert!(old.header("location").ends_with("/v1/categories/dich"));
    let shown = portal.get("/v1/articles/hai").await.ok();
    let steps = column(&shown["category"]["path"], "slug");
    assert_eq!(steps, ["tren", "dich", "con"]);

    // Editors: the version says nothing of it, as with a renamed category.
    publisher.get(&one(&from)).await.problem(404, "not_found");
    for before in [&draft, &live] {
        let now = publisher.read(before).await;
        assert_eq!(now["content"]["category"], "dich");
        assert_eq!(now["version"], before["version"]);
    }
    let child = publisher.get(&one(&child)).await.ok();
    assert_eq!(child["content"]["parent_id"], into["id"]);
    assert_eq!(child["path"], json!([top["id"], into["id"], child["id"]]));
    assert_eq!(child["version"], 2);
    let list = "/v1/editorial/articles?category=nguon";
    let list = publisher.get(list).await.ok();
    assert_eq!(list["items"].as_array().unwrap().len(), 5);
}

#[actix_web::test]
async fn what_comes_back_later_comes_back_where_its_category_went() {
    let portal = Portal::new().await;
    let publisher = portal.publisher().await;
    let (from, into) = (
        portal.category("Nguồn", None).await,
        portal.category("Đích", None).await,
    );
    portal.category("Khác", None).await;
    // Taken down in the one category, edited into another.
    let live = portal.published(&content("Một", "nguon")).await;
    let moved = publisher.edit(&live, &json!({"category": "khac"})).await;
    let down = publisher.take_down(&moved).await;
    let since = head(&portal).await;
    publisher.merge(&from, "dich").await.ok();
    let seen = rows(&portal, &since).await;
    assert_eq!(
        seen,
        [("category delete deleted".to_owned(), id(&from).unwrap())]
    );
    let edition = publisher.get(&format!("{}/editions/1", path(&live))).await;
    assert_eq!(edition.ok()["content"]["category"], "dich");
    let back = publisher.restore(&down).await;
    assert_eq!(back["content"]["category"], "khac");
    assert_eq!(portal.titles("/v1/articles?category=dich").await, ["Một"]);

    // The slug stays with the category that got it, and goes on with that one's own.
    let taken = json!({"name": "Nguồn", "slug": "nguon"});
    let taken = publisher.post("/v1/editorial/categories", &taken).await;
    taken.problem(409, "slug_taken");
    portal.category("Cuối", None).await;
    publisher.merge(&into, "cuoi").await.ok();
    for old in ["nguon", "dich"] {
        let old = portal.get(&format!("/v1/categories/{old}")).await;
        assert!(old.header("location").ends_with("/v1/categories/cuoi"));
    }
}

#[actix_web::test]
async fn what_cannot_be_merged_is_refused_and_stays() {
    let portal = Portal::new().await;
    let publisher = portal.publisher().await;
    let from = portal.category("Nguồn", None).await;
    let child = portal.category("Con", id(&from)).await;
    portal.category("Cháu", id(&child)).await;
    let one_level = portal.category("Cấp 1", None).await;
    let two_levels = portal.category("Cấp 2", id(&one_level)).await;
    portal.category("Cấp 3", id(&two_levels)).await;
    portal.published(&content("Một", "nguon")).await;
    let stock = portal.stock().await;
    for (into, fault) in [
        ("khong-co", "/into not_found"),
        ("nguon", "/into conflict"),
        ("chau", "/into conflict"),
        ("cap-3", "/into out_of_range"),
    ] {
        publisher
            .merge(&from, into)
            .await
            .faults(422, "invalid", &[fault]);
    }
    let to = format!("{}/merge", one(&from));
    let body = json!({"into": "cap-2"});
    let stale = publisher.post_at(&to, 7, &body).await;
    assert_eq!(stale.problem(412, "version_mismatch")["current_version"], 1);
    publisher
        .post(&to, &body)
        .await
        .problem(428, "precondition_required");
    for (wrong, fault) in [
        (json!({}), "/into required"),
        (json!({"into": "cap-2", "x": 1}), "/x unknown_field"),
        (json!({"into": "Á"}), "/into bad_format"),
    ] {
        let answer = publisher.post_at(&to, 1, &wrong).await;
        answer.faults(422, "invalid", &[fault]);
    }
    assert_eq!(portal.stock().await, stock);
    publisher.merge(&from, "cap-2").await.ok();
    // What is gone cannot be merged, nor merged into; its slug leads to what is there.
    publisher
        .merge(&from, "cap-1")
        .await
        .problem(404, "not_found");
    let again = publisher.merge(&two_levels, "nguon").await;
    again.faults(422, "invalid", &["/into conflict"]);
}

#[actix_web::test]
async fn a_repeated_merge_answers_the_first_result_again() {
    let portal = Portal::new().await;
    let publisher = portal.publisher().await;
    let from = portal.category("Nguồn", None).await;
    let into = portal.category("Đích", None).await;
    let ask = || {
        publisher
            .ask(Method::POST, &format!("{}/merge", one(&from)))
            .at(1)
            .header("idempotency-key", "gop-1")
            .json(&json!({"into": "dich"}))
    };
    assert_eq!(ask().send().await.ok(), into);
    assert_eq!(ask().send().await.ok(), into);
}

#[actix_web::test]
async fn publishing_into_a_category_that_is_being_merged_ends_in_one_of_the_two() {
    let portal = Portal::new().await;
    let publisher = portal.publisher().await;
    portal.category("Đích", None).await;
    portal.category("Khác", None).await;
    for round in 0..5 {
        let from = portal.category(&format!("Nguồn {round}"), None).await;
        let from_slug = slug(&from).to_owned();
        let moving = publisher.draft(&content("Dời", "khac")).await;
        let inside = publisher.draft(&content("Trong", &from_slug)).await;
        let fresh = content("Mới", &from_slug);
        let merge = publisher.merge(&from, "dich");
        let nothing = json!({});
        let publish = publisher.try_act(&inside, "publish", &nothing);
        let patch = json!({"category": from_slug});
        let moved = publisher.ask(Method::PATCH, &path(&moving)).at(1);
        let moved = moved.json(&patch).send_to_broken();
        let created = publisher.ask(Method::POST, "/v1/editorial/articles");
        let created = created.json(&fresh).send_to_broken();
        let ((merged, published), (moved, created)) =
            join(join(merge, publish), join(moved, created)).await;
        assert_eq!(merged.status, 200, "{}", merged.text());
        assert_eq!(published.status, 200, "{}", published.text());
        // PostgreSQL asks whoever came too late for the old category to come again.
        assert!([200, 503].contains(&moved.status), "{}", moved.text());
        assert!([201, 503].contains(&created.status), "{}", created.text());
        let now = publisher.read(&inside).await;
        assert_eq!(now["content"]["category"], "dich");
        let readers = portal
            .get(&format!("/v1/articles/{}", slug(&now)))
            .await
            .ok();
        assert_eq!(readers["category"]["slug"], "dich");
        let moved = publisher.read(&moving).await;
        let expected = if moved["version"] == 2 {
            "dich"
        } else {
            "khac"
        };
        assert_eq!(moved["content"]["category"], expected);
        let found = publisher
            .get(&format!(
                "/v1/editorial/articles?category={from_slug}&limit=100"
            ))
            .await
            .ok();
        let all = publisher
            .get("/v1/editorial/articles?category=dich&limit=100")
            .await;
        assert_eq!(found, all.ok());
    }
    let list = portal.titles("/v1/articles?category=dich").await;
    assert_eq!(list, ["Trong"; 5]);
}

/// Makes many public articles out of one, with all that stands on both sides of each.
fn multiply(conn: &mut Conn, times: i64) {
    let series = format!(
        "WITH RECURSIVE series(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM series WHERE n < {times})"
    );
    let sql = format!(
        "INSERT INTO articles (id, version, uuid, slug, category_id, title, stage, edition,
             public_state, public_edition, published_on, published_at, first_published_at,
             created_by, created_at, updated_at)
         {series} SELECT 1000 + n, version, uuid || n, slug || '-' || n, category_id, title, stage,
             edition, public_state, public_edition, published_on, published_at, first_published_at,
             created_by, created_at, updated_at FROM articles, series WHERE id = 1;
         INSERT INTO editions (article_id, number, title, category_id, content, created_by, created_at)
         {series} SELECT 1000 + n, number, title, category_id, content, created_by, created_at
             FROM editions, series WHERE article_id = 1;
         INSERT INTO edition_bodies (article_id, number, body)
         {series} SELECT 1000 + n, number, body FROM edition_bodies, series WHERE article_id = 1;
         INSERT INTO live_articles (id, uri, slug, category_id, edition, status, title,
             published_on, published_at, sort_at, first_published_at, language, tags, featured,
             byline, seq)
         {series} SELECT 1000 + n, uri || n, slug || '-' || n, category_id, edition, status, title,
             published_on, published_at, sort_at, first_published_at, language, tags, featured,
             byline, seq FROM live_articles, series WHERE id = 1;
         INSERT INTO live_listings (list, sort_at, id)
         {series} SELECT list, sort_at, 1000 + n FROM live_listings, series WHERE id = 1;"
    );
    match conn {
        Conn::Sqlite(conn) => conn.batch_execute(&sql).unwrap(),
        #[cfg(feature = "postgres")]
        Conn::Pg(conn) => conn.batch_execute(&sql).unwrap(),
    }
}

#[actix_web::test]
async fn a_thousand_articles_are_merged_in_one_transaction() {
    let portal = Portal::new().await;
    let publisher = portal.publisher().await;
    let from = portal.category("Nguồn", None).await;
    portal.category("Đích", None).await;
    let live = portal.published(&content("Một", "nguon")).await;
    assert_eq!(id(&live), Some(1));
    let mut conn = portal.ctx.db.address().connect().unwrap();
    multiply(&mut conn, 999);
    let count = async |category: &str| {
        let list = format!("/v1/articles?count=true&limit=1&category={category}");
        portal.get(&list).await.ok()["count"].clone()
    };
    assert_eq!(count("nguon").await, 1000);
    let seq = |token: &str| -> i64 { token.split('.').nth(1).unwrap().parse().unwrap() };
    let before = seq(&head(&portal).await);
    publisher.merge(&from, "dich").await.ok();
    assert_eq!(count("dich").await, 1000);
    assert_eq!(seq(&head(&portal).await), before + 1001);
}
