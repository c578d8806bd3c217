//! The public log: a row for every public object that a write changes, in order, without gaps.

use futures_util::future::{join, join_all};
use serde_json::{Value, json};

use crate::support::Portal;
use crate::support::newsroom::column;
use crate::support::sample::{content, figure};

/// All rows, page by page.
async fn log(portal: &Portal) -> Vec<Value> {
    let mut rows = Vec::new();
    let mut since = String::new();
    loop {
        let page = portal.get(&format!("/v1/changes?limit=100{since}")).await;
        let page = page.ok();
        rows.extend(page["items"].as_array().unwrap().clone());
        if page["more"] == false {
            return rows;
        }
        since = format!("&since={}", page["next"].as_str().unwrap());
    }
}

/// `why` of all rows after the first `skip`.
async fn reasons(portal: &Portal, skip: usize) -> Vec<String> {
    column(&json!(log(portal).await[skip..]), "why")
}

/// The head of the log.
async fn head(portal: &Portal) -> String {
    let page = portal.get("/v1/changes?since=now").await.ok();
    assert_eq!(page["items"], json!([]));
    assert_eq!(page["more"], false);
    page["next"].as_str().unwrap().to_owned()
}

#[actix_web::test]
async fn every_public_write_has_its_row_and_no_draft_has_one() {
    let portal = Portal::new().await;
    let publisher = portal.publisher().await;
    assert_eq!(log(&portal).await, Vec::<Value>::new());
    let category = portal.news().await;
    let medium = publisher.picture(1).await;
    let mut content = content("Tin", &category);
    content["body"] = json!([figure("Ảnh", &[medium])]);

    let draft = publisher.draft(&content).await;
    let draft = publisher.edit(&draft, &json!({"title": "Tin hai"})).await;
    assert_eq!(reasons(&portal, 0).await, ["created"]);
    let mut article = publisher.act(&draft, "publish", &json!({})).await;
    let steps = [
        ("minor", json!({"kind": "minor"}), "publish"),
        (
            "correction",
            json!({"kind": "correction", "note": "Sửa."}),
            "publish",
        ),
        ("withdrawn", json!({"note": "Sai."}), "withdraw"),
        ("restored", json!({}), "restore"),
        ("taken_down", json!({"reason_code": "wrong"}), "take-down"),
        ("restored", json!({}), "restore"),
    ];
    for (why, body, action) in &steps {
        article = publisher.act(&article, action, body).await;
        assert_eq!(reasons(&portal, 0).await.last().unwrap(), why);
    }
    publisher.edit(&article, &json!({"title": "Tin ba"})).await;
    let refused = publisher.try_act(&article, "publish", &json!({})).await;
    assert_eq!(refused.status, 412);

    let rows = log(&portal).await;
    let seq: Vec<&Value> = rows.iter().map(|row| &row["seq"]).collect();
    assert_eq!(json!(seq), json!((1..=8).collect::<Vec<_>>()));
    let uri = portal.get("/v1/articles/tin").await.ok()["uri"].clone();
    for row in &rows[1..] {
        assert_eq!(row["object"]["type"], "article");
        assert_eq!(row["object"]["id"], article["id"]);
        assert_eq!(row["object"]["uri"], uri);
        assert_eq!(row["object"]["slug"], "tin");
        assert_eq!(row["language"], "vi");
        assert_eq!(row["at"], "2026-03-21T09:00:00+07:00");
        let gone = row["why"] == "taken_down";
        assert_eq!(row["op"], if gone { "delete" } else { "put" });
        assert_eq!(row["edition"], if gone { Value::Null } else { json!(2) });
    }
}

#[actix_web::test]
async fn categories_and_the_portal_have_rows_too() {
    let portal = Portal::new().await;
    let publisher = portal.publisher().await;
    let admin = portal.admin().await;
    let one = portal.category("Một", None).await;
    let two = portal.category("Hai", None).await;
    let version = |object: &Value| object["version"].as_i64().unwrap();
    let path = |object: &Value| format!("/v1/editorial/categories/{}", object["id"]);

    let renamed = publisher
        .patch(&path(&one), version(&one), &json!({"name": "Mốt"}))
        .await
        .ok();
    publisher.delete(&path(&two), version(&two)).await.is(204);
    let settings = admin.get("/v1/editorial/portal").await.ok();
    let mut wanted = settings["content"].clone();
    wanted["name"] = json!("Cổng mới");
    let put = admin.put("/v1/editorial/portal", version(&settings), &wanted);
    put.await.ok();
    assert_eq!(
        reasons(&portal, 0).await,
        ["created", "created", "updated", "deleted", "updated"]
    );
    // What changes nothing has no row.
    let settings = admin.get("/v1/editorial/portal").await.ok();
    let put = admin.put("/v1/editorial/portal", version(&settings), &wanted);
    put.await.ok();
    let same = &renamed["content"];
    publisher
        .put(&path(&one), version(&renamed), same)
        .await
        .ok();
    let rows = log(&portal).await;
    assert_eq!(rows.len(), 5);
    let objects: Vec<&Value> = rows.iter().map(|row| &row["object"]["type"]).collect();
    assert_eq!(
        json!(objects),
        json!(["category", "category", "category", "category", "portal"])
    );
    assert_eq!(rows[3]["op"], "delete");
    assert_eq!(rows[3]["object"]["slug"], Value::Null);
    assert_eq!(
        rows[4]["object"]["uri"],
        portal.get("/v1/portal").await.ok()["uri"]
    );
}

#[actix_web::test]
async fn rows_tell_the_categories_before_and_after() {
    let portal = Portal::new().await;
    let publisher = portal.publisher().await;
    let top = portal.category("Trên", None).await;
    let below = portal.category("Dưới", top["id"].as_i64()).await;
    let other = portal.category("Khác", None).await;
    let (t, b, o) = (&top["id"], &below["id"], &other["id"]);
    let skip = log(&portal).await.len();

    let draft = publisher.draft(&content("Tin", "duoi")).await;
    let article = publisher.act(&draft, "publish", &json!({})).await;
    let moved = publisher.edit(&article, &json!({"category": "khac"})).await;
    let moved = publisher.update(&moved, "minor").await;
    let back = publisher.edit(&moved, &json!({"category": "duoi"})).await;
    let back = publisher.update(&back, "minor").await;
    let withdrawn = publisher.withdraw(&back).await;
    let down = publisher.take_down(&withdrawn).await;
    publisher.restore(&down).await;
    let path = format!("/v1/editorial/categories/{b}");
    publisher
        .patch(&path, 1, &json!({"parent_id": o}))
        .await
        .ok();

    let rows: Vec<Value> = log(&portal).await.split_off(skip);
    let seen: Vec<Value> = rows
        .iter()
        .map(|row| {
            json!([
                row["why"],
                row["category"]["before"],
                row["category"]["after"]
            ])
        })
        .collect();
    let expected = [
        json!(["published", null, [t, b]]),
        json!(["minor", [t, b], [o]]),
        json!(["minor", [o], [t, b]]),
        json!(["withdrawn", [t, b], [t, b]]),
        json!(["taken_down", [t, b], null]),
        json!(["restored", null, [t, b]]),
    ];
    assert_eq!(seen[..6], expected);
    // Moving a category moves every article in it: one row each.
    let moves: Vec<&Value> = seen[6..].iter().filter(|row| row[0] == "moved").collect();
    assert_eq!(moves.len(), seen.len() - 6);
    assert!(
        moves.contains(&&json!(["moved", [t, b], [o, b]])),
        "{moves:?}"
    );
    let objects: Vec<&Value> = rows[6..].iter().map(|row| &row["object"]["type"]).collect();
    assert!(objects.contains(&&json!("category")) && objects.contains(&&json!("article")));
    let list = portal.titles("/v1/articles?category=khac").await;
    assert_eq!(list, ["Tin"]);
    assert!(portal.titles("/v1/articles?category=tren").await.is_empty());
}

#[actix_web::test]
async fn a_reader_goes_on_where_it_stopped() {
    let portal = Portal::new().await;
    let category = portal.news().await;
    for i in 1..=24 {
        portal
            .published(&content(&format!("T{i}"), &category))
            .await;
    }
    let first = portal.get("/v1/changes").await;
    assert!(first.header("cache-control").contains("no-cache"));
    let page = first.ok();
    assert_eq!(page["items"].as_array().unwrap().len(), 20);
    assert_eq!(page["more"], true);
    let mut seen = Vec::new();
    let mut since = head(&portal).await;
    let start = format!("{}.0", since.split('.').next().unwrap());
    let end = std::mem::replace(&mut since, start);
    while since != end {
        let page = portal
            .get(&format!("/v1/changes?limit=7&since={since}"))
            .await;
        let page = page.ok();
        seen.extend(page["items"].as_array().unwrap().clone());
        since = page["next"].as_str().unwrap().to_owned();
        assert_eq!(page["more"], since != end);
    }
    assert_eq!(seen, log(&portal).await);

    // At the head there is nothing, and the token stays; then there is exactly what is new.
    assert_eq!(head(&portal).await, end);
    let path = format!("/v1/changes?since={end}");
    let idle = portal.get(&path).await.ok();
    assert_eq!(idle, json!({"items": [], "next": end, "more": false}));
    portal.published(&content("Mới", &category)).await;
    let new = portal.get(&path).await.ok();
    assert_eq!(new["items"].as_array().unwrap().len(), 1);
    assert_eq!(new["items"][0]["object"]["slug"], "moi");
}

#[actix_web::test]
async fn tokens_of_another_log_are_refused() {
    let portal = Portal::new().await;
    portal.news().await;
    let token = head(&portal).await;
    let generation = token.split('.').next().unwrap();
    let other = match generation {
        "000000000000" => "000000000001",
        _ => "000000000000",
    };
    for token in [
        format!("{other}.0"),
        format!("{generation}.2"),
        format!("{other}.1"),
    ] {
        let answer = portal.get(&format!("/v1/changes?since={token}")).await;
        answer.problem(410, "resync");
    }
    for token in ["", "x", "1", ".1", "then", "NOW"] {
        let answer = portal.get(&format!("/v1/changes?since={token}")).await;
        answer.faults(400, "bad_query", &["since bad_format"]);
    }
    let upper = format!("/v1/changes?since={generation}.1%20");
    portal.get(&upper).await.problem(400, "bad_query");
    for query in ["limit=0", "limit=101"] {
        let answer = portal.get(&format!("/v1/changes?{query}")).await;
        answer.faults(400, "bad_query", &["limit out_of_range"]);
    }
    portal
        .get("/v1/changes?cursor=a")
        .await
        .faults(400, "bad_query", &["cursor unknown_field"]);
}

#[actix_web::test]
async fn no_row_has_words_of_what_is_gone() {
    let portal = Portal::new().await;
    let publisher = portal.publisher().await;
    let mut secret = content("Bí mật", &portal.news().await);
    secret["lead"] = json!("Bí mật");
    secret["slug"] = json!("bi-mat");
    let article = portal.published(&secret).await;
    let article = publisher.edit(&article, &json!({"slug": "bi-mat-2"})).await;
    let article = publisher
        .act(
            &article,
            "publish",
            &json!({"kind": "correction", "note": "Bí mật bi-mat"}),
        )
        .await;
    let note = json!({"note": "Bí mật bi-mat"});
    let article = publisher.act(&article, "withdraw", &note).await;
    let down = json!({"reason_code": "privacy", "note": "Bí mật bi-mat"});
    publisher.act(&article, "take-down", &down).await;
    let rows = log(&portal).await;
    assert_eq!(rows.len(), 5);
    for row in &rows[1..] {
        let text = row.to_string();
        assert!(!text.contains("mật") && !text.contains("bi-mat"), "{text}");
        assert_eq!(row["object"]["slug"], Value::Null);
    }
}

#[actix_web::test]
async fn parallel_publications_leave_no_gap() {
    let portal = Portal::new().await;
    let publisher = portal.publisher().await;
    let category = portal.news().await;
    let mut drafts = Vec::new();
    for i in 1..=20 {
        drafts.push(publisher.draft(&content(&format!("T{i}"), &category)).await);
    }
    let body = json!({});
    let together = drafts
        .iter()
        .map(|draft| publisher.act(draft, "publish", &body));
    let readers = (0..10).map(|_| log(&portal));
    let (done, logs) = join(join_all(together), join_all(readers)).await;
    assert_eq!(done.len(), 20);
    // What a reader saw on the way is the beginning of what is there in the end.
    let rows = log(&portal).await;
    for seen in logs {
        assert_eq!(seen[..], rows[..seen.len()]);
    }
    let seq: Vec<&Value> = rows.iter().map(|row| &row["seq"]).collect();
    assert_eq!(json!(seq), json!((1..=21).collect::<Vec<_>>()));
    let mut slugs: Vec<&Value> = rows[1..].iter().map(|row| &row["object"]["slug"]).collect();
    slugs.sort_by_key(|slug| slug.as_str());
    slugs.dedup();
    assert_eq!(slugs.len(), 20);
    assert_eq!(portal.titles("/v1/articles?limit=100").await.len(), 20);
}

#[actix_web::test]
async fn of_parallel_publications_of_one_version_only_one_counts() {
    let portal = Portal::new().await;
    let publisher = portal.publisher().await;
    let draft = publisher.draft(&content("Tin", &portal.news().await)).await;
    let body = json!({});
    let together = (0..10).map(|_| publisher.try_act(&draft, "publish", &body));
    let mut statuses: Vec<u16> = join_all(together).await.iter().map(|a| a.status).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 412, 412, 412, 412, 412, 412, 412, 412, 412]);
    assert_eq!(reasons(&portal, 1).await, ["published"]);
}
