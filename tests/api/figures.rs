//! Captions, media and corrections as readers list them.

use actix_web::http::Method;
use serde_json::{Value, json};

use crate::support::newsroom::{address, column};
use crate::support::sample::{content, figure, paragraph};
use crate::support::{BASE, Portal};

/// A published article with a body.
async fn article(portal: &Portal, category: &str, title: &str, body: Value) -> Value {
    let mut content = content(title, category);
    content["body"] = body;
    portal.published(&content).await
}

#[actix_web::test]
async fn captions_are_filtered_by_article_and_medium() {
    let portal = Portal::new().await;
    let category = portal.news().await;
    let editor = portal.editor().await;
    let (one, two) = (editor.picture(1).await, editor.picture(2).await);
    let unused = editor.picture(3).await;
    let body = json!([
        figure("Một", &[one]),
        paragraph("Chữ"),
        figure("Cả hai", &[one, two])
    ]);
    let first = article(&portal, &category, "A", body).await;
    let second = article(&portal, &category, "B", json!([figure("Hai", &[two])])).await;
    let mut cover = content("C", &category);
    cover["cover_media_id"] = json!(one);
    portal.published(&cover).await;

    let (a, b) = (&first["id"], &second["id"]);
    for (query, expected) in [
        (String::new(), vec!["Một", "Cả hai", "Hai"]),
        (format!("?article={a}"), vec!["Một", "Cả hai"]),
        (format!("?media={one}"), vec!["Một", "Cả hai"]),
        (format!("?media={two}"), vec!["Cả hai", "Hai"]),
        (format!("?media={two}&article={b}"), vec!["Hai"]),
        (format!("?media={one}&article={b}"), vec![]),
        (format!("?media={unused}"), vec![]),
        ("?article=999".to_owned(), vec![]),
    ] {
        let list = portal.get(&format!("/v1/captions{query}")).await.ok();
        assert_eq!(column(&list, "caption"), expected, "{query}");
    }
    let page = portal
        .get(&format!("/v1/captions?media={one}&limit=1"))
        .await;
    let next = page.ok()["next"].as_str().unwrap().to_owned();
    let query = format!("/v1/captions?media={one}&limit=1&cursor={next}");
    assert_eq!(
        page.header("link"),
        format!("<{BASE}{query}>; rel=\"next\"")
    );
    let last = portal.get(&query).await.ok();
    assert_eq!(column(&last, "caption"), ["Cả hai"]);
    assert_eq!(last["next"], Value::Null);
    portal
        .get("/v1/captions?article=x&media=0")
        .await
        .problem(400, "bad_query");
}

#[actix_web::test]
async fn a_caption_is_the_figure_with_its_place() {
    let portal = Portal::new().await;
    let category = portal.news().await;
    let medium = portal.editor().await.picture(1).await;
    let body = json!([paragraph("Chữ"), figure("Trồng cây", &[medium])]);
    let live = article(&portal, &category, "A", body).await;
    let shown = portal.get(&address(&live)).await.ok()["body"][1].clone();
    let path = format!("/v1/captions/{}", shown["caption_id"]);
    let caption = portal.get(&path).await.ok();
    assert_eq!(caption["id"], shown["caption_id"]);
    assert_eq!(caption["article"], json!({"id": live["id"], "slug": "a"}));
    assert_eq!(caption["position"], 1);
    for field in ["_key", "caption", "credit", "media"] {
        assert_eq!(caption[field], shown[field], "{field}");
    }
    assert_eq!(portal.get("/v1/captions").await.ok()["items"][0], caption);

    // What editors do to it is not to be seen until it is published.
    let publisher = portal.publisher().await;
    let mut body = live["content"]["body"].clone();
    body[1]["caption"] = json!("Khác");
    publisher.edit(&live, &json!({"body": body})).await;
    assert_eq!(portal.get(&path).await.ok(), caption);
    for id in ["999", "0", "x"] {
        portal
            .get(&format!("/v1/captions/{id}"))
            .await
            .problem(404, "not_found");
    }
}

#[actix_web::test]
async fn media_are_listed_newest_first_once_each() {
    let portal = Portal::new().await;
    let category = portal.news().await;
    let editor = portal.editor().await;
    let mut media = Vec::new();
    for shade in 1..=5 {
        media.push(editor.picture(shade).await);
    }
    article(&portal, &category, "A", json!([figure("Một", &media[..3])])).await;
    article(
        &portal,
        &category,
        "B",
        json!([figure("Hai", &media[1..4])]),
    )
    .await;

    let mut ids = Vec::new();
    let mut path = "/v1/media?limit=3".to_owned();
    loop {
        let list = portal.get(&path).await.ok();
        for item in list["items"].as_array().unwrap() {
            ids.push(item["id"].as_i64().unwrap());
            let one = portal.get(&format!("/v1/media/{}", item["id"])).await;
            assert_eq!(one.ok(), *item);
        }
        let Some(next) = list["next"].as_str() else {
            break;
        };
        path = format!("/v1/media?limit=3&cursor={next}");
    }
    assert_eq!(ids, [media[3], media[2], media[1], media[0]]);
    portal
        .get(&format!("/v1/media/{}", media[4]))
        .await
        .problem(404, "not_found");
}

#[actix_web::test]
async fn files_answer_ranges_and_conditions() {
    let portal = Portal::new().await;
    let category = portal.news().await;
    let medium = portal.editor().await.picture(1).await;
    article(&portal, &category, "A", json!([figure("Một", &[medium])])).await;
    let medium = portal.get(&format!("/v1/media/{medium}")).await.ok();
    let rendition = &medium["renditions"][0];
    let path = rendition["url"].as_str().unwrap().trim_start_matches(BASE);
    let whole = portal.get(path).await;
    assert_eq!(whole.status, 200);
    assert_eq!(json!(whole.body.len()), rendition["bytes"]);
    assert_eq!(json!(whole.header("content-type")), rendition["type"]);
    let etag = whole.header("etag");

    let ask = |name: &str, value: &str| portal.ask(Method::GET, path).header(name, value);
    let part = ask("range", "bytes=2-5").send().await;
    assert_eq!(part.status, 206);
    assert_eq!(part.body, whole.body[2..=5]);
    let stale = ask("range", "bytes=2-5")
        .header("if-range", "\"x\"")
        .send()
        .await;
    assert_eq!((stale.status, stale.body), (200, whole.body.clone()));
    let beyond = ask("range", "bytes=9999999-").send().await;
    beyond.problem(416, "range_not_satisfiable");
    let known = ask("if-none-match", &etag).send().await;
    assert_eq!((known.status, known.body.len()), (304, 0));
    let head = portal.ask(Method::HEAD, path).send().await;
    assert_eq!((head.status, head.body.len()), (200, 0));
    assert_eq!(head.header("etag"), etag);
    assert_eq!(portal.get(&format!("{path}?v=1")).await.status, 200);
    portal
        .get(&path.replace("/full", "/w640"))
        .await
        .problem(404, "not_found");
}

#[actix_web::test]
async fn corrections_of_the_portal_keep_their_order() {
    let portal = Portal::new().await;
    let category = portal.news().await;
    let publisher = portal.publisher().await;
    let mut articles = Vec::new();
    for title in ["A", "B", "C"] {
        articles.push(article(&portal, &category, title, json!([])).await);
    }
    for i in [0, 1, 0, 2] {
        portal.advance(60);
        articles[i] = publisher.update(&articles[i], "correction").await;
    }
    let order = async || -> Vec<String> {
        let list = portal.get("/v1/corrections").await.ok();
        let items = list["items"].as_array().unwrap();
        items
            .iter()
            .map(|item| item["article"]["title"].as_str().unwrap().to_owned())
            .collect()
    };
    assert_eq!(order().await, ["C", "A", "B", "A"]);
    let own = portal.get("/v1/articles/a/corrections").await.ok();
    let times = ["2026-03-21T09:03:00+07:00", "2026-03-21T09:01:00+07:00"];
    assert_eq!(column(&own, "at"), times);

    // Neither a minor publication nor a takedown and return moves a correction to the top.
    let page = portal.get("/v1/corrections?limit=2").await.ok();
    publisher.update(&articles[1], "minor").await;
    let down = publisher.take_down(&articles[0]).await;
    assert_eq!(order().await, ["C", "B"]);
    publisher.restore(&down).await;
    assert_eq!(order().await, ["C", "A", "B", "A"]);
    let next = page["next"].as_str().unwrap();
    let rest = portal
        .get(&format!("/v1/corrections?limit=2&cursor={next}"))
        .await;
    let rest = rest.ok();
    assert_eq!(rest["items"][0]["article"]["title"], "B");
    assert_eq!(rest["items"][1]["article"]["title"], "A");
    assert_eq!(rest["next"], Value::Null);
}
