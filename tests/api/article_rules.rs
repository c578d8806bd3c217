//! Rules of articles: the day of publication, slugs, who may do what in which state.

use serde_json::{Value, json};

use crate::support::Portal;
use crate::support::sample::{content, path, version, with};

#[actix_web::test]
async fn a_day_and_an_instant_of_publication_agree_in_the_portals_zone() {
    let portal = Portal::new().await;
    let news = portal.news().await;
    let publisher = portal.publisher().await;
    let mut late = content("Đêm", &news);
    late["published_on"] = json!("2026-03-20");
    // Half past midnight in Vietnam, still the day before in UTC.
    late["published_at"] = json!("2026-03-19T17:30:00Z");
    let draft = publisher.draft(&late).await;
    assert_eq!(
        draft["content"]["published_at"],
        "2026-03-20T00:30:00+07:00"
    );
    let day = json!({"published_on": "2026-03-19"});
    let wrong = publisher.change(&draft, &day).await;
    wrong.faults(422, "invalid", &["/published_at conflict"]);
    let live = publisher.act(&draft, "publish", &json!({})).await;
    assert_eq!(live["published_at"], "2026-03-20T00:30:00+07:00");
    for bad in [
        "2026-02-30",
        "2026-3-1",
        "20/03/2026",
        "2026-03-20T00:00:00Z",
    ] {
        let wrong = publisher.change(&live, &json!({"published_on": bad})).await;
        wrong.faults(422, "invalid", &["/published_on bad_format"]);
    }
}

#[actix_web::test]
async fn the_day_of_publication_is_now_or_a_day_without_an_hour_and_never_the_future() {
    let portal = Portal::new().await;
    let news = portal.news().await;
    let publisher = portal.publisher().await;
    let now = portal.published(&content("Bây giờ", &news)).await;
    assert_eq!(now["published_on"], "2026-03-21");
    assert_eq!(now["published_at"], "2026-03-21T09:00:00+07:00");
    assert_eq!(now["content"]["published_on"], Value::Null);

    let day = with(
        &content("Một ngày", &news),
        "published_on",
        json!("2024-03-21"),
    );
    let day = portal.published(&day).await;
    assert_eq!(day["published_on"], "2024-03-21");
    assert_eq!(day["published_at"], Value::Null);

    let only = with(
        &content("Một giờ", &news),
        "published_at",
        json!("2026-03-20T23:00:00Z"),
    );
    let only = portal.published(&only).await;
    assert_eq!(only["published_on"], "2026-03-21");

    for (field, value) in [
        ("published_on", "2026-03-22"),
        ("published_at", "2026-03-21T09:00:01+07:00"),
    ] {
        let future = with(&content("Mai sau", &news), field, json!(value));
        let draft = publisher.draft(&future).await;
        let publish = format!("{}/publish", path(&draft));
        let answer = publisher.post_at(&publish, 1, &json!({})).await;
        answer.problem(422, "invalid");
    }
    // What was fixed at the first publication stays when a correction comes later.
    portal.advance(86_400);
    let again = json!({"kind": "correction", "note": "Sửa tên"});
    let again = portal.publisher().await.act(&now, "publish", &again).await;
    assert_eq!(again["published_at"], now["published_at"]);
}

#[actix_web::test]
async fn a_slug_is_made_once_from_the_title_and_numbered_when_taken() {
    let portal = Portal::new().await;
    let news = portal.news().await;
    let editor = portal.editor().await;
    let title = "Đẩy mạnh chuyển đổi số: Quý I/2026 ở xã Đường Hoà";
    for slug in [
        "day-manh-chuyen-doi-so-quy-i-2026-o-xa-duong-hoa",
        "day-manh-chuyen-doi-so-quy-i-2026-o-xa-duong-hoa-2",
        "day-manh-chuyen-doi-so-quy-i-2026-o-xa-duong-hoa-3",
    ] {
        let draft = editor.draft(&content(title, &news)).await;
        assert_eq!(draft["content"]["slug"], slug);
        let renamed = editor.change(&draft, &json!({"title": "Khác"})).await.ok();
        assert_eq!(renamed["content"]["slug"], slug);
        let kept = editor.change(&renamed, &json!({"slug": null})).await.ok();
        assert_eq!(kept["content"]["slug"], slug);
    }
    let long = editor.draft(&content(&"xây dựng ".repeat(30), &news)).await;
    let slug = long["content"]["slug"].as_str().unwrap();
    assert!(slug.len() <= 100 && slug.ends_with("-dung"), "{slug}");
}

#[actix_web::test]
async fn a_slug_belongs_to_one_article_until_it_was_never_public() {
    let portal = Portal::new().await;
    let news = portal.news().await;
    let publisher = portal.publisher().await;
    let named = |slug: &str| with(&content("Tên", &news), "slug", json!(slug));
    let one = publisher.draft(&named("mot")).await;
    let taken = publisher
        .post("/v1/editorial/articles", &named("mot"))
        .await;
    taken.problem(409, "slug_taken");
    let two = publisher.draft(&named("hai")).await;
    let taken = publisher.change(&two, &json!({"slug": "mot"})).await;
    taken.problem(409, "slug_taken");

    // A draft's slug that it leaves, or is deleted with, is free again.
    let one = publisher.change(&one, &json!({"slug": "khac"})).await.ok();
    let two = publisher.change(&two, &json!({"slug": "mot"})).await.ok();
    let deleted = publisher.delete(&path(&two), version(&two)).await;
    deleted.is(204);
    let three = publisher.draft(&named("mot")).await;

    // A public one answers for its article for ever, and only that may have it again.
    let live = publisher.act(&three, "publish", &json!({})).await;
    let moved = publisher.change(&live, &json!({"slug": "moi"})).await.ok();
    let taken = publisher.change(&one, &json!({"slug": "mot"})).await;
    taken.problem(409, "slug_taken");
    portal.get("/v1/articles/mot").await.ok();
    portal
        .get("/v1/articles/moi")
        .await
        .problem(404, "not_found");
    let moved = publisher
        .act(&moved, "publish", &json!({"kind": "minor"}))
        .await;
    let old = portal.get("/v1/articles/mot?body=text").await;
    old.is(301);
    assert!(
        old.header("location")
            .ends_with("/v1/articles/moi?body=text")
    );
    let back = publisher.change(&moved, &json!({"slug": "mot"})).await.ok();
    publisher
        .act(&back, "publish", &json!({"kind": "minor"}))
        .await;
    portal.get("/v1/articles/mot").await.ok();
    portal.get("/v1/articles/moi").await.is(301);
}

#[actix_web::test]
async fn a_reporter_knows_of_own_articles_only() {
    let portal = Portal::new().await;
    let news = portal.news().await;
    let (reporter, editor) = (portal.reporter().await, portal.editor().await);
    let own = reporter.draft(&content("Của tôi", &news)).await;
    let other = editor.draft(&content("Của người khác", &news)).await;
    let here = path(&other);
    for answer in [
        reporter.get(&here).await,
        reporter.get(&format!("{here}/editions")).await,
        reporter.get(&format!("{here}/editions/1")).await,
        reporter.replace(&other, &other["content"]).await,
        reporter.change(&other, &json!({"title": "a"})).await,
        reporter.delete(&here, 1).await,
    ] {
        answer.problem(404, "not_found");
    }
    let list = reporter.get("/v1/editorial/articles").await.ok();
    assert_eq!(list["items"].as_array().unwrap().len(), 1);
    assert_eq!(list["items"][0]["id"], own["id"]);
    let list = editor.get("/v1/editorial/articles").await.ok();
    assert_eq!(list["items"].as_array().unwrap().len(), 2);
    // The editor's save leaves the article the reporter's.
    let saved = editor.change(&own, &json!({"lead": "Sửa"})).await.ok();
    reporter
        .change(&saved, &json!({"lead": "Sửa nữa"}))
        .await
        .ok();
    reporter.delete(&path(&own), 3).await.is(204);
    reporter.get(&path(&own)).await.problem(404, "not_found");
}

#[actix_web::test]
async fn only_what_was_never_public_is_deleted() {
    let portal = Portal::new().await;
    let news = portal.news().await;
    let publisher = portal.publisher().await;
    let draft = publisher.draft(&content("Nháp", &news)).await;
    publisher.delete(&path(&draft), 1).await.is(204);
    publisher
        .delete(&path(&draft), 1)
        .await
        .problem(404, "not_found");

    let mut article = portal.published(&content("Tin", &news)).await;
    for (action, body) in [
        ("withdraw", json!({"note": "Kiểm tra"})),
        ("take-down", json!({"reason_code": "wrong"})),
        ("restore", json!({})),
    ] {
        let refused = publisher.delete(&path(&article), version(&article)).await;
        refused.problem(409, "was_public");
        article = publisher.act(&article, action, &body).await;
    }
}

#[actix_web::test]
async fn allowed_actions_follow_state_and_role() {
    let portal = Portal::new().await;
    let news = portal.news().await;
    let (reporter, editor) = (portal.reporter().await, portal.editor().await);
    let publisher = portal.publisher().await;
    let mut article = reporter.draft(&content("Quyền", &news)).await;
    let steps: [(&str, Value, Value); 5] = [
        (
            "publish",
            json!({}),
            json!(["save", "delete", "submit", "publish"]),
        ),
        (
            "withdraw",
            json!({"note": "a"}),
            json!(["save", "publish", "withdraw", "archive", "take-down"]),
        ),
        (
            "restore",
            json!({}),
            json!(["save", "publish", "take-down", "restore"]),
        ),
        (
            "take-down",
            json!({"reason_code": "other"}),
            json!(["save", "publish", "withdraw", "archive", "take-down"]),
        ),
        ("restore", json!({}), json!(["save", "publish", "restore"])),
    ];
    for (action, body, allowed) in steps {
        let seen = publisher.read(&article).await;
        assert_eq!(seen["allowed_actions"], allowed, "before {action}");
        for user in [&reporter, &editor] {
            let writing: Vec<&Value> = allowed
                .as_array()
                .unwrap()
                .iter()
                .filter(|action| ["save", "delete", "submit"].contains(&action.as_str().unwrap()))
                .collect();
            let seen = user.read(&article).await;
            assert_eq!(seen["allowed_actions"], json!(writing), "before {action}");
        }
        article = publisher.act(&article, action, &body).await;
    }
    let again = format!("{}/restore", path(&article));
    let refused = publisher
        .post_at(&again, version(&article), &json!({}))
        .await;
    let problem = refused.problem(409, "illegal_move");
    assert_eq!(problem["allowed_actions"], article["allowed_actions"]);
}

#[actix_web::test]
async fn very_old_days_and_instants_come_back_as_they_were_written() {
    let portal = Portal::new().await;
    let news = portal.news().await;
    let publisher = portal.publisher().await;
    for (written, shown) in [
        // Saigon's clocks were at +07:06:30 then, which RFC 3339 cannot say.
        ("1900-06-01T00:00:00Z", None),
        (
            "1975-04-30T11:30:00+08:00",
            Some("1975-04-30T11:30:00+08:00"),
        ),
        (
            "2026-03-20T23:59:59.123456Z",
            Some("2026-03-21T06:59:59.123456+07:00"),
        ),
    ] {
        let old = with(&content("Ngày xưa", &news), "published_at", json!(written));
        let draft = publisher.draft(&old).await;
        if let Some(shown) = shown {
            assert_eq!(draft["content"]["published_at"], shown);
        }
        let same = publisher.replace(&draft, &draft["content"]).await.ok();
        assert_eq!(same, draft, "{written}");
        let live = publisher.act(&draft, "publish", &json!({})).await;
        let slug = live["content"]["slug"].as_str().unwrap();
        let public = portal.get(&format!("/v1/articles/{slug}")).await.ok();
        assert_eq!(
            public["published_at"], draft["content"]["published_at"],
            "{written}"
        );
    }
    for (field, wrong) in [
        ("published_at", "0000-01-01T00:00:00Z"),
        ("published_at", "9000-12-31T23:59:59Z"),
        ("published_on", "0001-01-01"),
    ] {
        let wrong = with(&content("Ngày xưa", &news), field, json!(wrong));
        let wrong = publisher.post("/v1/editorial/articles", &wrong).await;
        wrong.faults(422, "invalid", &[&format!("/{field} out_of_range")]);
    }
    for day in ["1900-01-01", "1900-01-02"] {
        let old = with(&content("Ngày xưa", &news), "published_on", json!(day));
        assert_eq!(portal.published(&old).await["published_on"], day);
    }
    for feed in ["atom", "rss", "json"] {
        portal.get(&format!("/feeds/{feed}")).await.status_is(200);
    }
    portal.get("/v1/articles?sort=oldest").await.ok();
}

#[actix_web::test]
async fn the_editorial_list_is_narrowed_and_paged() {
    let portal = Portal::new().await;
    let news = portal.news().await;
    let below = portal
        .category(
            "Dưới",
            portal.get("/v1/categories").await.ok()["items"][0]["id"].as_i64(),
        )
        .await;
    let below = below["content"]["slug"].as_str().unwrap().to_owned();
    portal.category("Khác", None).await;
    let publisher = portal.publisher().await;
    let draft = publisher.draft(&content("Nháp", &below)).await;
    let live = portal.published(&content("Tin", &news)).await;
    let down = portal.published(&content("Gỡ", "khac")).await;
    let down = publisher
        .act(&down, "take-down", &json!({"reason_code": "other"}))
        .await;
    let changed = publisher.change(&live, &json!({"lead": "a"})).await.ok();
    let ids = async |query: &str| {
        let list = publisher
            .get(&format!("/v1/editorial/articles?{query}"))
            .await
            .ok();
        let items = list["items"].as_array().unwrap();
        items
            .iter()
            .map(|line| line["id"].clone())
            .collect::<Vec<_>>()
    };
    assert_eq!(
        ids("").await,
        [&down, &live, &draft].map(|one| one["id"].clone())
    );
    assert_eq!(ids("public_state=none").await, [draft["id"].clone()]);
    assert_eq!(ids("public_state=taken_down").await, [down["id"].clone()]);
    assert_eq!(ids("public_state=withdrawn").await, Vec::<Value>::new());
    assert_eq!(
        ids("stage=draft&category=tin-tuc").await,
        [&live, &draft].map(|one| one["id"].clone())
    );
    assert_eq!(ids("category=duoi").await, [draft["id"].clone()]);
    let page = publisher.get("/v1/editorial/articles?limit=2").await.ok();
    assert_eq!(page["items"][1]["has_unpublished_changes"], true);
    assert_eq!(page["items"][1]["version"], changed["version"]);
    let next = page["next"].as_str().unwrap();
    assert_eq!(
        ids(&format!("limit=2&cursor={next}")).await,
        [draft["id"].clone()]
    );
    let other = publisher
        .get(&format!("/v1/editorial/articles?stage=draft&cursor={next}"))
        .await;
    other.faults(400, "bad_query", &["cursor bad_format"]);
    let wrong = publisher
        .get("/v1/editorial/articles?stage=done&public_state=a&category=khong&x=1")
        .await;
    wrong.problem(400, "bad_query");
}
