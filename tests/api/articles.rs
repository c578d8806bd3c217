//! Articles as editors have them: saves and editions, versions, faults.

use actix_web::http::Method;
use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::support::sample::{self, content, path, version, with};
use crate::support::{Portal, User};

async fn editions(user: &User<'_>, article: &Value) -> Vec<Value> {
    let list = user.get(&format!("{}/editions", path(article))).await.ok();
    list["items"].as_array().unwrap().clone()
}

#[actix_web::test]
async fn a_new_draft_answers_where_it_is_and_what_it_became() {
    let portal = Portal::new().await;
    let news = portal.news().await;
    let editor = portal.editor().await;
    let answer = editor
        .post("/v1/editorial/articles", &content("Họp thôn", &news))
        .await;
    let draft = answer.created();
    assert_eq!(
        answer.header("location"),
        format!("{}{}", crate::support::BASE, path(&draft))
    );
    assert_eq!(answer.header("etag"), "\"1\"");
    assert_eq!(draft["stage"], "draft");
    assert_eq!(draft["public_state"], "none");
    assert_eq!(draft["edition"], 1);
    assert_eq!(draft["has_unpublished_changes"], true);
    for (field, value) in [
        ("lead", Value::Null),
        ("published_on", Value::Null),
        ("published_at", Value::Null),
        ("language", Value::Null),
        ("tags", json!([])),
        ("featured", json!(false)),
        ("byline", json!([])),
        ("source", Value::Null),
    ] {
        assert_eq!(draft["content"][field], value, "{field}");
    }
    assert_eq!(editor.read(&draft).await, draft);
}

#[actix_web::test]
async fn every_save_makes_an_edition_that_keeps_its_content() {
    let portal = Portal::new().await;
    let news = portal.news().await;
    let editor = portal.editor().await;
    let first = editor.draft(&content("Bản một", &news)).await;
    let second = with(&first["content"], "title", json!("Bản hai"));
    let second = editor.replace(&first, &second).await.ok();
    let third = editor.change(&second, &json!({"title": "Bản ba"})).await;
    let third = third.ok();
    assert_eq!((version(&third), &third["edition"]), (3, &json!(3)));

    let list = editions(&editor, &first).await;
    let titles: Vec<_> = list.iter().map(|edition| &edition["title"]).collect();
    assert_eq!(titles, ["Bản ba", "Bản hai", "Bản một"]);
    assert!(list[0].get("content").is_none());
    for (number, article) in [(1, &first), (2, &second), (3, &third)] {
        let one = format!("{}/editions/{number}", path(&first));
        assert_eq!(
            editor.get(&one).await.ok()["content"],
            article["content"],
            "{number}"
        );
    }
    let none = format!("{}/editions/4", path(&first));
    editor.get(&none).await.problem(404, "not_found");
}

#[actix_web::test]
async fn editions_are_paged_newest_first() {
    let portal = Portal::new().await;
    let news = portal.news().await;
    let editor = portal.editor().await;
    let mut article = editor.draft(&content("Bản 1", &news)).await;
    for number in 2..=5 {
        let patch = json!({"title": format!("Bản {number}")});
        article = editor.change(&article, &patch).await.ok();
    }
    let mut numbers = Vec::new();
    let base = format!("{}/editions?limit=2", path(&article));
    let mut address = base.clone();
    loop {
        let page = editor.get(&address).await.ok();
        let items = page["items"].as_array().unwrap();
        numbers.extend(
            items
                .iter()
                .map(|edition| edition["number"].as_i64().unwrap()),
        );
        match page["next"].as_str() {
            Some(cursor) => address = format!("{base}&cursor={cursor}"),
            None => break,
        }
    }
    assert_eq!(numbers, [5, 4, 3, 2, 1]);
}

#[actix_web::test]
async fn the_same_content_again_is_no_save_whatever_if_match_says() {
    let portal = Portal::new().await;
    let news = portal.news().await;
    let editor = portal.editor().await;
    let medium = editor.picture(1).await;
    let mut first = content("Một lần", &news);
    first["body"] = json!([
        sample::paragraph("Một đoạn."),
        sample::figure("Chú thích", &[medium])
    ]);
    let article = editor.draft(&first).await;
    let article = editor
        .change(&article, &json!({"lead": "Sa pô"}))
        .await
        .ok();
    first["lead"] = json!("Sa pô");
    // As read, and as written the first time, without keys, slug and caption id.
    for same in [&article["content"], &first] {
        for tag in [
            None,
            Some("*"),
            Some("\"1\""),
            Some("\"2\""),
            Some("W/\"9\""),
        ] {
            let mut ask = editor.ask(Method::PUT, &path(&article)).json(same);
            if let Some(tag) = tag {
                ask = ask.header("if-match", tag);
            }
            let answer = ask.send().await;
            assert_eq!(answer.ok(), article, "{tag:?}");
            assert_eq!(answer.header("etag"), "\"2\"");
        }
    }
    let patched = editor.change(&article, &json!({"lead": "Sa pô"})).await;
    assert_eq!(patched.ok(), article);
    assert_eq!(editions(&editor, &article).await.len(), 2);
}

#[actix_web::test]
async fn a_write_names_the_version_that_it_was_based_on() {
    let portal = Portal::new().await;
    let news = portal.news().await;
    let publisher = portal.publisher().await;
    let article = publisher.draft(&content("Ba bản", &news)).await;
    let article = publisher.change(&article, &json!({"lead": "a"})).await.ok();
    let here = path(&article);
    let other = with(&article["content"], "title", json!("Khác"));
    let publish = format!("{here}/publish");
    let writes = [
        (Method::PUT, &here, Some(&other)),
        (Method::PATCH, &here, Some(&json!({"title": "Khác"}))),
        (Method::DELETE, &here, None),
        (Method::POST, &publish, Some(&json!({}))),
    ]
    .map(|(method, path, body)| (method, path.clone(), body.cloned()));
    for (method, path, body) in writes {
        for (tag, status, code) in [
            (None, 428, "precondition_required"),
            (Some("*"), 428, "precondition_required"),
            (Some("\"1\""), 412, "version_mismatch"),
            (Some("W/\"2\""), 412, "version_mismatch"),
            (Some("\"1\", \"2\""), 412, "version_mismatch"),
            (Some("2"), 412, "version_mismatch"),
        ] {
            let mut ask = publisher.ask(method.clone(), &path);
            if let Some(body) = &body {
                ask = ask.json(body);
            }
            if let Some(tag) = tag {
                ask = ask.header("if-match", tag);
            }
            let answer = ask.send().await;
            assert_eq!(answer.problem(status, code)["current_version"], 2);
            if status == 412 {
                assert_eq!(answer.header("etag"), "\"2\"");
            }
        }
    }
    assert_eq!(publisher.read(&article).await, article);
}

#[actix_web::test]
async fn content_sent_back_unchanged_is_valid_after_every_step() {
    let portal = Portal::new().await;
    let news = portal.news().await;
    let publisher = portal.publisher().await;
    let mut article = publisher.draft(&content("Qua lại", &news)).await;
    for (action, body) in [
        ("publish", json!({})),
        ("withdraw", json!({"note": "Đang kiểm tra lại"})),
        ("restore", json!({})),
        ("take-down", json!({"reason_code": "wrong"})),
    ] {
        let same = publisher.replace(&article, &article["content"]).await.ok();
        assert_eq!(same, article);
        article = publisher.act(&article, action, &body).await;
    }
}

#[actix_web::test]
async fn a_patch_tells_absent_from_null_and_value() {
    let portal = Portal::new().await;
    let news = portal.news().await;
    let editor = portal.editor().await;
    let mut full = content("Vá", &news);
    full["lead"] = json!("Sa pô");
    full["source"] = json!({"name": "Báo tỉnh", "author": "Minh An"});
    full["tags"] = json!(["một", "hai"]);
    let article = editor.draft(&full).await;
    let patch = json!({"lead": null, "source": {"author": null}, "featured": true});
    let patched = editor.change(&article, &patch).await.ok();
    assert_eq!(patched["content"]["lead"], Value::Null);
    assert_eq!(
        patched["content"]["source"],
        json!({"name": "Báo tỉnh", "author": null, "url": null, "published_at": null})
    );
    assert_eq!(patched["content"]["tags"], full["tags"]);
    assert_eq!(patched["content"]["featured"], true);

    let gone = editor.change(&patched, &json!({"source": null})).await.ok();
    assert_eq!(gone["content"]["source"], Value::Null);
    let back = json!({"source": {"name": "Báo huyện"}});
    let back = editor.change(&gone, &back).await.ok();
    assert_eq!(back["content"]["source"]["name"], "Báo huyện");
    // A list is replaced whole; null is no title; what is unknown stays unknown with null.
    let tags = editor.change(&back, &json!({"tags": ["ba"]})).await.ok();
    assert_eq!(tags["content"]["tags"], json!(["ba"]));
    let wrong = editor
        .change(&tags, &json!({"title": null, "x": null}))
        .await;
    wrong.faults(422, "invalid", &["/title required", "/x unknown_field"]);
    for patch in [json!([]), json!("a"), json!(null)] {
        let wrong = editor.change(&tags, &patch).await;
        wrong.faults(422, "invalid", &[" wrong_type"]);
    }
}

#[actix_web::test]
async fn every_fault_of_a_body_is_told_at_once() {
    let portal = Portal::new().await;
    let news = portal.news().await;
    let editor = portal.editor().await;
    let wrong = json!({
        "title": "a".repeat(301), "category": news, "featured": "yes", "headline/~": 1, "body": [],
    });
    let answer = editor.post("/v1/editorial/articles", &wrong).await;
    answer.faults(
        422,
        "invalid",
        &[
            "/featured wrong_type",
            "/headline~1~0 unknown_field",
            "/title too_long",
        ],
    );
    let answer = editor.post("/v1/editorial/articles", &json!({})).await;
    answer.faults(422, "invalid", &["/category required", "/title required"]);

    let wrong = json!({
        "title": "a", "category": "khong-co", "cover_media_id": 9,
        "published_on": "2026-03-20", "published_at": "2026-03-19T10:00:00Z",
        "body": [sample::figure("b", &[7])],
    });
    let answer = editor.post("/v1/editorial/articles", &wrong).await;
    answer.faults(
        422,
        "invalid",
        &[
            "/body/0/media/0/media_id not_found",
            "/category not_found",
            "/cover_media_id not_found",
            "/published_at conflict",
        ],
    );
    let list = editor.get("/v1/editorial/articles").await.ok();
    assert_eq!(list["items"], json!([]));
}

#[actix_web::test]
async fn of_saves_at_the_same_time_one_wins_and_the_others_are_told() {
    let portal = Portal::new().await;
    let news = portal.news().await;
    let publisher = portal.publisher().await;
    let article = publisher.draft(&content("Tranh nhau", &news)).await;
    let titles: Vec<Value> = (0..6)
        .map(|i| json!({"title": format!("Bản {i}")}))
        .collect();
    let saves = titles.iter().map(|patch| publisher.change(&article, patch));
    let answers = join_all(saves).await;
    let won = answers.iter().filter(|answer| answer.status == 200).count();
    assert_eq!(won, 1);
    for lost in answers.iter().filter(|answer| answer.status != 200) {
        assert_eq!(lost.problem(412, "version_mismatch")["current_version"], 2);
    }
    assert_eq!(editions(&publisher, &article).await.len(), 2);

    let publish = format!("{}/publish", path(&article));
    let body = json!({});
    let answers = join_all((0..4).map(|_| publisher.post_at(&publish, 2, &body))).await;
    assert_eq!(
        answers.iter().filter(|answer| answer.status == 200).count(),
        1
    );
    let changes = portal.get("/v1/changes").await.ok();
    assert_eq!(changes["items"].as_array().unwrap().len(), 2);
}

#[actix_web::test]
async fn drafts_of_one_title_at_the_same_time_have_a_slug_each() {
    let portal = Portal::new().await;
    let news = portal.news().await;
    let editor = portal.editor().await;
    let same = content("Cùng tên", &news);
    let drafts = join_all((0..6).map(|_| editor.draft(&same))).await;
    let mut slugs: Vec<&str> = drafts
        .iter()
        .map(|draft| draft["content"]["slug"].as_str().unwrap())
        .collect();
    slugs.sort_unstable();
    let wanted = [
        "cung-ten",
        "cung-ten-2",
        "cung-ten-3",
        "cung-ten-4",
        "cung-ten-5",
        "cung-ten-6",
    ];
    assert_eq!(slugs, wanted);
}
