//! The life of an article: published, corrected, withdrawn, taken down, brought back.

use actix_web::http::Method;
use bantin::service::publishing::{SetAside, carry_out_due};
use serde_json::{Value, json};

use crate::support::newsroom::{address, slug};
use crate::support::sample::{content, figure, paragraph, with};
use crate::support::{Portal, User};

/// Every place where articles are listed.
const LISTS: &[&str] = &[
    "/v1/articles",
    "/v1/home",
    "/feeds/atom",
    "/feeds/rss",
    "/feeds/json",
];

async fn lists_naming(portal: &Portal, title: &str) -> Vec<&'static str> {
    let mut found = Vec::new();
    for path in LISTS {
        if portal.get(path).await.text().contains(title) {
            found.push(*path);
        }
    }
    found
}

/// A published article in a state, as its publisher last saw it.
async fn article_in(publisher: &User<'_>, state: &str, category: &str) -> Value {
    let draft = publisher.draft(&content("Tin", category)).await;
    if state == "none" {
        return draft;
    }
    let article = publisher.act(&draft, "publish", &json!({})).await;
    match state {
        "live" => article,
        "withdrawn" => publisher.withdraw(&article).await,
        "archived" => publisher.act(&article, "archive", &Value::Null).await,
        "taken_down" => publisher.take_down(&article).await,
        other => panic!("no such state: {other}"),
    }
}

#[actix_web::test]
async fn every_state_answers_every_action_as_the_table_says() {
    let portal = Portal::new().await;
    let category = portal.news().await;
    let publisher = portal.publisher().await;
    let actions = [
        ("publish", json!({})),
        ("publish", json!({"kind": "minor"})),
        ("publish", json!({"kind": "correction", "note": "Sửa."})),
        ("withdraw", json!({"note": "Sai."})),
        ("take-down", json!({"reason_code": "wrong"})),
        ("restore", json!({})),
    ];
    #[rustfmt::skip]
    let table = [
        // state        first  minor  corr.  withd. down   restore  what may be done
        ("none",       [200,   422,   422,   409,   409,   409], "save delete submit publish"),
        ("live",       [422,   200,   200,   200,   200,   409], "save publish withdraw archive take-down"),
        ("withdrawn",  [422,   200,   200,   409,   200,   200], "save publish take-down restore"),
        ("archived",   [422,   200,   200,   200,   200,   200], "save publish withdraw take-down restore"),
        ("taken_down", [422,   422,   200,   409,   409,   200], "save publish restore"),
    ];
    for (state, expected, allowed) in table {
        let allowed = json!(allowed.split(' ').collect::<Vec<_>>());
        for ((action, body), status) in actions.iter().zip(expected) {
            let article = article_in(&publisher, state, &category).await;
            assert_eq!(article["public_state"], state);
            assert_eq!(article["allowed_actions"], allowed, "{state}");
            let answer = publisher.try_act(&article, action, body).await;
            assert_eq!(
                answer.status,
                status,
                "{state} {action} {body}: {}",
                answer.text()
            );
            if status == 409 {
                let problem = answer.problem(409, "illegal_move");
                assert_eq!(problem["allowed_actions"], allowed, "{state} {action}");
            }
        }
    }
}

#[actix_web::test]
async fn only_publishers_decide_what_readers_see() {
    let portal = Portal::new().await;
    let category = portal.news().await;
    let publisher = portal.publisher().await;
    for state in ["none", "live", "withdrawn", "archived", "taken_down"] {
        let article = article_in(&publisher, state, &category).await;
        for login in ["editor", "reporter", "admin"] {
            let user = portal.user(login).await;
            for (action, body) in [
                ("publish", json!({"kind": "minor"})),
                ("withdraw", json!({"note": "Sai."})),
                ("take-down", json!({"reason_code": "wrong"})),
                ("restore", json!({})),
            ] {
                let answer = user.try_act(&article, action, &body).await;
                answer.problem(403, "forbidden");
            }
        }
    }
}

#[actix_web::test]
async fn the_first_publication_has_no_kind_and_every_later_one_has() {
    let portal = Portal::new().await;
    let category = portal.news().await;
    let publisher = portal.publisher().await;
    let draft = publisher.draft(&content("Tin", &category)).await;
    let publish =
        async |article: &Value, body: Value| publisher.try_act(article, "publish", &body).await;

    publish(&draft, json!({"kind": "minor"}))
        .await
        .faults(422, "invalid", &["/kind conflict"]);
    let live = publish(&draft, json!({"note": "Tin đầu."})).await.ok();
    assert_eq!(live["stage"], "draft");
    assert_eq!(live["has_unpublished_changes"], false);

    publish(&live, json!({}))
        .await
        .faults(422, "invalid", &["/kind required"]);
    publish(&live, json!({"kind": "correction"}))
        .await
        .faults(422, "invalid", &["/note required"]);
    publish(&live, json!({"kind": "big", "note": " "}))
        .await
        .faults(422, "invalid", &["/kind unknown_value", "/note too_short"]);
    publish(&live, json!({"kind": "minor", "why": 1}))
        .await
        .faults(422, "invalid", &["/why unknown_field"]);
    publish(&live, json!({"kind": "minor"})).await.ok();
}

#[actix_web::test]
async fn only_a_correction_is_told_to_readers() {
    let portal = Portal::new().await;
    let publisher = portal.publisher().await;
    let live = portal
        .published(&content("Tin", &portal.news().await))
        .await;
    let path = address(&live);

    portal.advance(60);
    let minor = publisher.update(&live, "minor").await;
    let seen = portal.get(&path).await.ok();
    assert_eq!(seen["updated_at"], Value::Null);
    assert_eq!(seen["corrections"], json!({"count": 0, "last": null}));

    portal.advance(60);
    let corrected = publisher.update(&minor, "correction").await;
    portal.advance(60);
    publisher.update(&corrected, "minor").await;
    let seen = portal.get(&path).await.ok();
    let at = "2026-03-21T09:02:00+07:00";
    assert_eq!(seen["updated_at"], at);
    assert_eq!(seen["corrections"], json!({"count": 1, "last": at}));
    assert_eq!(seen["published_at"], "2026-03-21T09:00:00+07:00");
    let list = portal.get(&format!("{path}/corrections")).await.ok();
    assert_eq!(
        list["items"],
        json!([{"at": at, "note": "Sửa số liệu.", "edition": 1}])
    );
}

#[actix_web::test]
async fn exactly_the_edition_that_if_match_names_is_published() {
    let portal = Portal::new().await;
    let publisher = portal.publisher().await;
    let editor = portal.editor().await;
    let category = portal.news().await;
    let draft = editor.draft(&content("Một", &category)).await;
    let path = format!("/v1/editorial/articles/{}/publish", draft["id"]);

    publisher
        .post(&path, &json!({}))
        .await
        .problem(428, "precondition_required");
    let second = editor.edit(&draft, &json!({"title": "Hai"})).await;
    let stale = publisher.try_act(&draft, "publish", &json!({})).await;
    let stale = stale.problem(412, "version_mismatch");
    assert_eq!(stale["current_version"], second["version"]);
    portal.get(&address(&draft)).await.problem(404, "not_found");

    let live = publisher.act(&second, "publish", &json!({})).await;
    assert_eq!(live["public_edition"], second["edition"]);
    let third = editor.edit(&live, &json!({"title": "Ba"})).await;
    assert_eq!(third["has_unpublished_changes"], true);
    assert_eq!(third["public_edition"], second["edition"]);
    assert_eq!(portal.get(&address(&live)).await.ok()["title"], "Hai");
}

#[actix_web::test]
async fn day_and_instant_are_fixed_by_the_first_publication() {
    let portal = Portal::new().await;
    let publisher = portal.publisher().await;
    let category = portal.news().await;
    let dates = |article: Value| {
        let (portal, path) = (&portal, address(&article));
        async move {
            let seen = portal.get(&path).await.ok();
            (seen["published_on"].clone(), seen["published_at"].clone())
        }
    };

    let now = portal.published(&content("Bây giờ", &category)).await;
    let first = (json!("2026-03-21"), json!("2026-03-21T09:00:00+07:00"));
    assert_eq!(dates(now.clone()).await, first);
    portal.advance(300);
    let again = publisher.update(&now, "minor").await;
    assert_eq!(dates(again.clone()).await, first);

    let day = publisher
        .edit(&again, &json!({"published_on": "2024-03-21"}))
        .await;
    let day = publisher.update(&day, "minor").await;
    assert_eq!(dates(day).await, (json!("2024-03-21"), Value::Null));

    // Half past midnight here is still the day before in UTC.
    let mut night = content("Đêm", &category);
    night["published_at"] = json!("2026-03-19T17:30:00Z");
    let night = portal.published(&night).await;
    let here = (json!("2026-03-20"), json!("2026-03-20T00:30:00+07:00"));
    assert_eq!(dates(night).await, here);

    for (field, value) in [
        ("published_on", "2026-03-22"),
        ("published_at", "2026-03-21T09:05:01+07:00"),
    ] {
        let mut later = content("Mai", &category);
        later[field] = json!(value);
        let later = publisher.draft(&later).await;
        let answer = publisher.try_act(&later, "publish", &json!({})).await;
        answer.problem(422, "invalid");
    }
}

#[actix_web::test]
async fn a_withdrawn_article_is_marked_and_stands_in_no_list() {
    let portal = Portal::new().await;
    let publisher = portal.publisher().await;
    let category = portal.news().await;
    let mut withdrawn = content("Tin bị rút", &category);
    withdrawn["body"] = json!([figure("Chú thích", &[publisher.picture(1).await])]);
    withdrawn["tags"] = json!(["cây"]);
    withdrawn["featured"] = json!(true);
    let article = portal.published(&withdrawn).await;
    let other = portal.published(&content("Tin khác", &category)).await;
    assert_eq!(lists_naming(&portal, "Tin bị rút").await, LISTS);

    portal.advance(60);
    let article = publisher.withdraw(&article).await;
    assert_eq!(article["state_note"], "Đang kiểm tra lại.");
    assert_eq!(article["state_at"], "2026-03-21T09:01:00+07:00");

    let seen = portal.get(&address(&article)).await.ok();
    assert_eq!(seen["status"], "withdrawn");
    assert_eq!(seen["status_note"], "Đang kiểm tra lại.");
    assert_eq!(seen["status_at"], "2026-03-21T09:01:00+07:00");
    assert_eq!(seen["title"], "Tin bị rút");
    assert!(lists_naming(&portal, "Tin bị rút").await.is_empty());
    for filter in ["tag=cay", "featured=true", "language=vi&count=true"] {
        let list = portal.get(&format!("/v1/articles?{filter}")).await;
        assert!(!list.text().contains("Tin bị rút"), "{filter}");
    }
    let others = portal.get(&format!("{}/others", address(&other))).await;
    assert_eq!(others.ok(), json!({"newer": [], "older": []}));
    let around = portal.get(&format!("{}/others", address(&article))).await;
    assert_eq!(around.ok()["newer"][0]["title"], "Tin khác");
    let captions = portal.get("/v1/captions").await.ok();
    assert_eq!(captions["items"][0]["caption"], "Chú thích");
    let medium = &seen["body"][0]["media"][0]["media_id"];
    portal.get(&format!("/v1/media/{medium}")).await.ok();

    publisher.restore(&article).await;
    let seen = portal.get(&address(&article)).await.ok();
    assert_eq!(seen["status"], "live");
    assert_eq!(seen["status_note"], Value::Null);
    assert_eq!(seen["status_at"], Value::Null);
    assert_eq!(lists_naming(&portal, "Tin bị rút").await, LISTS);
}

#[actix_web::test]
async fn an_archived_article_is_listed_but_not_shown_as_news() {
    let portal = Portal::new().await;
    let publisher = portal.publisher().await;
    let category = portal.news().await;
    let article = portal.published(&content("Tin cũ", &category)).await;
    let other = portal.published(&content("Tin khác", &category)).await;
    let article = publisher.archive(&article).await;

    assert_eq!(
        portal.get(&address(&article)).await.ok()["status"],
        "archived"
    );
    assert_eq!(lists_naming(&portal, "Tin cũ").await, ["/v1/articles"]);
    let others = portal.get(&format!("{}/others", address(&other))).await;
    assert_eq!(others.ok(), json!({"newer": [], "older": []}));
    publisher.restore(&article).await;
    assert_eq!(lists_naming(&portal, "Tin cũ").await, LISTS);
}

#[actix_web::test]
async fn a_takedown_leaves_a_tombstone_and_nothing_else() {
    let portal = Portal::new().await;
    let publisher = portal.publisher().await;
    let medium = publisher.picture(1).await;
    let mut gone = content("Tin mật", &portal.news().await);
    gone["body"] = json!([paragraph("Nội dung mật"), figure("Ảnh mật", &[medium])]);
    let first = portal.published(&gone).await;
    let moved = publisher
        .edit(&first, &json!({"slug": "dia-chi-moi"}))
        .await;
    let article = publisher.update(&moved, "correction").await;
    let seen = portal.get(&address(&article)).await.ok();
    let caption = format!("/v1/captions/{}", seen["body"][1]["caption_id"]);
    let file = seen["body"][1]["media"][0]["url"].as_str().unwrap();
    let file = file.trim_start_matches(crate::support::BASE).to_owned();
    let medium = format!("/v1/media/{medium}");
    for path in [&caption, &medium, &file] {
        assert_eq!(portal.get(path).await.status, 200, "{path}");
    }

    portal.advance(60);
    let down = publisher
        .act(
            &article,
            "take-down",
            &json!({"reason_code": "court_order", "note": "Án số 5"}),
        )
        .await;
    assert_eq!(down["reason_code"], "court_order");
    let tombstone = json!({
        "uri": seen["uri"], "reason_code": "court_order", "at": "2026-03-21T09:01:00+07:00",
    });
    for slug in [slug(&first), slug(&article)] {
        for below in ["", "?body=html", "/others", "/corrections"] {
            let path = format!("/v1/articles/{slug}{below}");
            let answer = portal.get(&path).await;
            assert_eq!(answer.problem(410, "taken_down")["tombstone"], tombstone);
            assert!(!answer.text().contains("mật"), "{path}");
            assert!(!answer.text().contains("Án"), "{path}");
            assert_eq!(portal.ask(Method::HEAD, &path).send().await.status, 410);
        }
    }
    for path in [&caption, &medium, &file] {
        portal.get(path).await.problem(404, "not_found");
    }
    for path in ["/v1/captions", "/v1/media", "/v1/corrections"] {
        assert_eq!(portal.get(path).await.ok()["items"], json!([]), "{path}");
    }
    assert!(lists_naming(&portal, "mật").await.is_empty());
}

#[actix_web::test]
async fn media_stay_while_another_public_article_holds_them() {
    let portal = Portal::new().await;
    let publisher = portal.publisher().await;
    let category = portal.news().await;
    let medium = publisher.picture(1).await;
    let with_picture = |title: &str| {
        let mut content = content(title, &category);
        content["body"] = json!([figure(title, &[medium])]);
        content
    };
    let one = portal.published(&with_picture("Một")).await;
    let two = portal.published(&with_picture("Hai")).await;
    let path = format!("/v1/media/{medium}");
    let seen = portal.get(&path).await.ok();
    let file = seen["renditions"][0]["url"].as_str().unwrap();
    let file = file.trim_start_matches(crate::support::BASE);

    publisher.take_down(&one).await;
    portal.get(&path).await.ok();
    assert_eq!(portal.get(file).await.status, 200);
    // The other lets go of it by a publication without it.
    let two = publisher.edit(&two, &json!({"body": []})).await;
    portal.get(&path).await.ok();
    publisher.update(&two, "minor").await;
    portal.get(&path).await.problem(404, "not_found");
    portal.get(file).await.problem(404, "not_found");
}

#[actix_web::test]
async fn the_slug_under_which_a_plan_came_about_stays_with_its_article() {
    let portal = Portal::new().await;
    let category = portal.news().await;
    let publisher = portal.publisher().await;
    let draft = publisher.draft(&content("Lịch tiêm", &category)).await;
    let plan = json!({"at": "2026-03-21T10:00:00+07:00"});
    let planned = publisher.act(&draft, "publish", &plan).await;
    let renamed = publisher.edit(&planned, &json!({"slug": "lich-moi"})).await;
    portal.advance(3600);
    let mut aside = SetAside::default();
    assert_eq!(carry_out_due(&portal.ctx, &mut aside).await.unwrap(), 1);
    portal.get("/v1/articles/lich-tiem").await.ok();
    let publisher = portal.publisher().await;
    let other = content("Bài khác", &category);
    let taken = publisher
        .post(
            "/v1/editorial/articles",
            &with(&other, "slug", json!("lich-tiem")),
        )
        .await;
    taken.problem(409, "slug_taken");
    // The newer name comes with the next publication, and the old one leads there.
    let now = publisher.read(&renamed).await;
    publisher.update(&now, "minor").await;
    portal.get("/v1/articles/lich-moi").await.ok();
    portal.get("/v1/articles/lich-tiem").await.status_is(301);
}
