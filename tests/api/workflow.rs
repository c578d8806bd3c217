//! The way of an article through the newsroom: stages, four eyes, assignment, comments, inbox.

use serde_json::{Value, json};

use crate::support::newsroom::{address, column};
use crate::support::sample::content;
use crate::support::{Portal, User};

const STAGES: [&str; 4] = ["draft", "submitted", "approved", "returned"];

/// The reporter's article at a stage, as last answered.
async fn article_at(portal: &Portal, stage: &str, category: &str) -> Value {
    let (reporter, editor) = (portal.reporter().await, portal.editor().await);
    let draft = reporter.draft(&content("Tin từ cơ sở", category)).await;
    if stage == "draft" {
        return draft;
    }
    let submitted = reporter.act(&draft, "submit", &Value::Null).await;
    match stage {
        "submitted" => submitted,
        "approved" => editor.act(&submitted, "approve", &Value::Null).await,
        "returned" => {
            let reason = json!({"reason": "Thiếu nguồn số liệu."});
            editor.act(&submitted, "return", &reason).await
        }
        other => panic!("no such stage: {other}"),
    }
}

/// A save that changes something.
async fn try_save(user: &User<'_>, article: &Value) -> u16 {
    let path = format!("/v1/editorial/articles/{}", article["id"]);
    let version = article["version"].as_i64().unwrap();
    let patch = json!({"title": "Tin đã sửa"});
    user.patch(&path, version, &patch).await.status
}

#[actix_web::test]
async fn every_stage_answers_every_action_of_every_role_as_the_table_says() {
    let portal = Portal::new().await;
    let category = portal.news().await;
    #[rustfmt::skip]
    let table = [
        ("draft",     "reporter",  "save delete submit"),
        ("draft",     "editor",    "save delete submit"),
        ("draft",     "publisher", "save delete submit publish"),
        ("submitted", "reporter",  "recall"),
        ("submitted", "editor",    "save delete recall return approve"),
        ("submitted", "publisher", "save delete recall return approve publish"),
        ("approved",  "reporter",  "recall"),
        ("approved",  "editor",    "save delete recall return"),
        ("approved",  "publisher", "save delete recall return publish"),
        ("returned",  "reporter",  "save delete submit"),
        ("returned",  "editor",    "save delete submit"),
        ("returned",  "publisher", "save delete submit publish"),
    ];
    let actions = [
        ("submit", Value::Null),
        ("recall", Value::Null),
        ("return", json!({"reason": "Chưa rõ."})),
        ("approve", Value::Null),
        ("publish", json!({})),
        ("unschedule", Value::Null),
        ("archive", Value::Null),
        ("withdraw", json!({"note": "Sai."})),
        ("take-down", json!({"reason_code": "wrong"})),
        ("restore", Value::Null),
    ];
    assert_eq!(table.len(), STAGES.len() * 3);
    for (stage, role, allowed) in table {
        let allowed: Vec<&str> = allowed.split(' ').collect();
        let user = portal.user(role).await;
        for (action, body) in &actions {
            let article = article_at(&portal, stage, &category).await;
            assert_eq!(article["stage"], stage);
            let seen = user.read(&article).await;
            assert_eq!(seen["allowed_actions"], json!(allowed), "{stage} {role}");
            let answer = user.try_act(&article, action, body).await;
            if allowed.contains(action) {
                assert_eq!(answer.status, 200, "{stage} {role} {action}");
            } else if answer.status != 403 {
                let problem = answer.problem(409, "illegal_move");
                assert_eq!(problem["allowed_actions"], json!(allowed));
            }
        }
        let article = article_at(&portal, stage, &category).await;
        let saved = if allowed.contains(&"save") { 200 } else { 409 };
        assert_eq!(try_save(&user, &article).await, saved, "{stage} {role}");
        let article = article_at(&portal, stage, &category).await;
        let path = format!("/v1/editorial/articles/{}", article["id"]);
        let version = article["version"].as_i64().unwrap();
        let deleted = if allowed.contains(&"delete") {
            204
        } else {
            409
        };
        let answer = user.delete(&path, version).await;
        assert_eq!(answer.status, deleted, "{stage} {role}");
    }
}

#[actix_web::test]
async fn a_save_ends_an_approval_and_keeps_a_submission() {
    let portal = Portal::new().await;
    let category = portal.news().await;
    let editor = portal.editor().await;
    for (stage, after) in [
        ("draft", "draft"),
        ("submitted", "submitted"),
        ("approved", "submitted"),
        ("returned", "draft"),
    ] {
        let article = article_at(&portal, stage, &category).await;
        let saved = editor
            .edit(&article, &json!({"title": "Đã biên tập"}))
            .await;
        assert_eq!(saved["stage"], after, "after a save of {stage}");
        // The same again is no save.
        let same = editor.edit(&saved, &json!({"title": "Đã biên tập"})).await;
        assert_eq!(same["version"], saved["version"]);
    }
}

#[actix_web::test]
async fn an_approval_holds_for_captions_too() {
    let portal = Portal::new().await;
    let category = portal.news().await;
    let editor = portal.editor().await;
    let photo = editor.picture(7).await;
    let article = article_at(&portal, "approved", &category).await;
    let figure = json!({"article_id": article["id"], "media": [{"media_id": photo}]});
    let ask = editor.ask(actix_web::http::Method::POST, "/v1/editorial/captions");
    let version = article["version"].as_i64().unwrap();
    ask.at(version).json(&figure).send().await.created();
    assert_eq!(editor.read(&article).await["stage"], "submitted");

    let reporter = portal.reporter().await;
    let article = reporter.read(&article).await;
    let version = article["version"].as_i64().unwrap();
    let ask = reporter.ask(actix_web::http::Method::POST, "/v1/editorial/captions");
    let refused = ask.at(version).json(&figure).send().await;
    refused.problem(409, "illegal_move");
}

#[actix_web::test]
async fn the_reason_of_a_return_is_required_and_shown_until_it_is_handed_in_again() {
    let portal = Portal::new().await;
    let category = portal.news().await;
    let (reporter, editor) = (portal.reporter().await, portal.editor().await);
    let submitted = article_at(&portal, "submitted", &category).await;
    for bad in [json!({}), json!({"reason": ""}), json!({"reason": null})] {
        let answer = editor.try_act(&submitted, "return", &bad).await;
        answer.problem(422, "invalid");
    }
    let reason = json!({"reason": "Thiếu ý kiến của trưởng thôn."});
    let returned = editor.act(&submitted, "return", &reason).await;
    let seen = reporter.read(&returned).await;
    assert_eq!(seen["return_reason"], reason["reason"]);
    assert_eq!(seen["stage_by"], editor.get("/v1/auth/me").await.ok()["id"]);
    let draft = reporter.edit(&seen, &json!({"title": "Đã bổ sung"})).await;
    assert_eq!(
        draft["return_reason"], reason["reason"],
        "while it is mended"
    );
    assert_eq!(draft["stage_by"], Value::Null);
    let again = reporter.act(&draft, "submit", &Value::Null).await;
    assert_eq!(again["return_reason"], Value::Null);
}

#[actix_web::test]
async fn an_action_on_an_old_version_is_refused() {
    let portal = Portal::new().await;
    let category = portal.news().await;
    let editor = portal.editor().await;
    let seen = article_at(&portal, "submitted", &category).await;
    editor.edit(&seen, &json!({"title": "Khác"})).await;
    for action in ["recall", "approve"] {
        let answer = editor.try_act(&seen, action, &Value::Null).await;
        answer.problem(412, "version_mismatch");
        let path = format!("/v1/editorial/articles/{}/{action}", seen["id"]);
        let ask = editor.ask(actix_web::http::Method::POST, &path);
        ask.send().await.problem(428, "precondition_required");
    }
}

#[actix_web::test]
async fn what_readers_have_seen_unchanged_cannot_be_handed_in() {
    let portal = Portal::new().await;
    let category = portal.news().await;
    let article = portal.published(&content("Tin", &category)).await;
    let publisher = portal.publisher().await;
    let refused = publisher.try_act(&article, "submit", &Value::Null).await;
    refused.problem(409, "illegal_move");
    let changed = publisher.edit(&article, &json!({"title": "Tin mới"})).await;
    publisher.act(&changed, "submit", &Value::Null).await;
}

#[actix_web::test]
async fn whoever_wrote_a_part_cannot_publish_it() {
    let portal = Portal::with(&["--four-eyes", "on"]).await;
    let category = portal.news().await;
    let (reporter, publisher) = (portal.reporter().await, portal.publisher().await);
    let draft = reporter.draft(&content("Hai người", &category)).await;
    let touched = publisher.edit(&draft, &json!({"title": "Một người"})).await;
    for body in [json!({}), json!({"at": "2026-04-01T08:00:00+07:00"})] {
        let refused = publisher.try_act(&touched, "publish", &body).await;
        refused.problem(409, "four_eyes");
    }
    portal
        .get(&address(&touched))
        .await
        .problem(404, "not_found");

    // A later edition of somebody else's does not make it another's work.
    let later = reporter.edit(&touched, &json!({"title": "Ba người"})).await;
    let refused = publisher.try_act(&later, "publish", &json!({})).await;
    refused.problem(409, "four_eyes");
}

#[actix_web::test]
async fn four_eyes_look_at_what_is_new_only() {
    let portal = Portal::with(&["--four-eyes", "except_minor"]).await;
    let category = portal.news().await;
    let (reporter, publisher) = (portal.reporter().await, portal.publisher().await);
    let draft = reporter.draft(&content("Hai người", &category)).await;
    let live = publisher.act(&draft, "publish", &json!({})).await;
    let touched = publisher.edit(&live, &json!({"lead": "Thêm sapo."})).await;
    let correction = json!({"kind": "correction", "note": "Bổ sung."});
    let refused = publisher.try_act(&touched, "publish", &correction).await;
    refused.problem(409, "four_eyes");
    let minor = json!({"kind": "minor"});
    let live = publisher.act(&touched, "publish", &minor).await;
    // What the publisher wrote is public now, and no longer counts.
    let touched = reporter.edit(&live, &json!({"lead": "Thêm nữa."})).await;
    publisher.act(&touched, "publish", &correction).await;
}

#[actix_web::test]
async fn what_is_assigned_to_a_reporter_is_theirs_to_write() {
    let portal = Portal::new().await;
    let category = portal.news().await;
    let (reporter, editor) = (portal.reporter().await, portal.editor().await);
    let article = editor.draft(&content("Việc được giao", &category)).await;
    let path = format!("/v1/editorial/articles/{}", article["id"]);
    reporter.get(&path).await.problem(404, "not_found");
    let me = reporter.get("/v1/auth/me").await.ok()["id"].clone();
    let assign = format!("{path}/assign");
    let given = editor.post(&assign, &json!({"user_id": me})).await.ok();
    assert_eq!(given["assigned_to"], me);
    assert_eq!(
        given["version"], article["version"],
        "nobody's save is stale"
    );
    let list = "/v1/editorial/articles?assigned_to=me";
    assert_eq!(
        column(&reporter.get(list).await.ok(), "title"),
        ["Việc được giao"]
    );
    reporter.edit(&article, &json!({"title": "Đã viết"})).await;

    for nobody in [json!(999), portal.row_of("admin").await["id"].clone()] {
        let answer = editor.post(&assign, &json!({"user_id": nobody})).await;
        answer.problem(422, "invalid");
    }
    editor
        .post(&assign, &json!({}))
        .await
        .problem(422, "invalid");
    let refused = reporter.post(&assign, &json!({"user_id": me})).await;
    refused.problem(403, "forbidden");
    editor.post(&assign, &json!({"user_id": null})).await.ok();
    reporter.get(&path).await.problem(404, "not_found");
    let none = editor
        .get("/v1/editorial/articles?assigned_to=none")
        .await
        .ok();
    assert_eq!(column(&none, "title"), ["Đã viết"]);
}

#[actix_web::test]
async fn writers_learn_the_names_behind_ids_and_no_logins() {
    let portal = Portal::new().await;
    let reporter = portal.reporter().await;
    let me = reporter.get("/v1/auth/me").await.ok();
    let people = reporter.get("/v1/editorial/people").await.ok();
    let people = people["items"].as_array().unwrap();
    assert_eq!(people.len(), 4);
    let own = people.iter().find(|person| person["id"] == me["id"]);
    assert_eq!(own.unwrap()["name"], me["name"]);
    assert_eq!(own.unwrap()["active"], true);
    assert!(own.unwrap().get("login").is_none());
}

#[actix_web::test]
async fn the_inbox_counts_what_the_list_shows() {
    let portal = Portal::new().await;
    let category = portal.news().await;
    let (reporter, editor) = (portal.reporter().await, portal.editor().await);
    for stage in STAGES {
        article_at(&portal, stage, &category).await;
    }
    editor.draft(&content("Của biên tập", &category)).await;
    portal.published(&content("Đã đăng", &category)).await;
    let given = article_at(&portal, "submitted", &category).await;
    let me = editor.get("/v1/auth/me").await.ok()["id"].clone();
    let assign = format!("/v1/editorial/articles/{}/assign", given["id"]);
    editor.post(&assign, &json!({"user_id": me})).await.ok();

    for user in [&reporter, &editor] {
        let inbox = user.get("/v1/editorial/inbox").await.ok();
        for (part, filter) in [
            ("assigned", "&assigned_to=me"),
            ("mine", "&created_by=me"),
            ("all", ""),
        ] {
            for stage in STAGES {
                let only_new = if stage == "draft" {
                    "&unpublished=true"
                } else {
                    ""
                };
                let path =
                    format!("/v1/editorial/articles?count=true&stage={stage}{filter}{only_new}");
                let list = user.get(&path).await.ok();
                assert_eq!(inbox[part][stage], list["count"], "{part} {stage}");
                assert_eq!(list["count"], list["items"].as_array().unwrap().len());
            }
        }
    }
    let inbox = editor.get("/v1/editorial/inbox").await.ok();
    assert_eq!(inbox["all"]["submitted"], 2);
    assert_eq!(inbox["assigned"]["submitted"], 1);
    assert_eq!(
        reporter.get("/v1/editorial/inbox").await.ok()["all"]["draft"],
        1
    );
}

#[actix_web::test]
async fn lines_of_the_list_say_what_may_be_done() {
    let portal = Portal::new().await;
    let category = portal.news().await;
    for stage in STAGES {
        article_at(&portal, stage, &category).await;
    }
    for login in ["reporter", "editor", "publisher"] {
        let user = portal.user(login).await;
        let list = user.get("/v1/editorial/articles").await.ok();
        for line in list["items"].as_array().unwrap() {
            let whole = user.read(line).await;
            for field in ["allowed_actions", "stage", "stage_at", "assigned_to"] {
                assert_eq!(line[field], whole[field], "{login}");
            }
        }
    }
    let bad = "/v1/editorial/articles?assigned_to=ai&created_by=none&scheduled=co";
    let problem = portal
        .editor()
        .await
        .get(bad)
        .await
        .problem(400, "bad_query");
    assert_eq!(problem["errors"].as_array().unwrap().len(), 3);
}

#[actix_web::test]
async fn comments_stay_in_the_newsroom() {
    let portal = Portal::new().await;
    let category = portal.news().await;
    let (reporter, editor) = (portal.reporter().await, portal.editor().await);
    let draft = reporter.draft(&content("Có góp ý", &category)).await;
    let path = format!("/v1/editorial/articles/{}/comments", draft["id"]);
    let first = json!({"text": "Tên thôn viết hoa."});
    let said = editor.post(&path, &first).await.created();
    assert_eq!(said["edition"], 1);
    let own = reporter
        .post(&path, &json!({"text": "Đã sửa."}))
        .await
        .created();
    let list = reporter.get(&path).await.ok();
    assert_eq!(column(&list, "text"), ["Đã sửa.", "Tên thôn viết hoa."]);
    assert_eq!(editor.read(&draft).await["version"], 1, "no save is stale");

    let live = portal
        .publisher()
        .await
        .act(&draft, "publish", &json!({}))
        .await;
    for public in [&*address(&live), "/v1/articles?view=full", "/feeds/atom"] {
        let text = portal.get(public).await.text();
        assert!(!text.contains("viết hoa"), "{public}");
    }
    let theirs = format!("{path}/{}", said["id"]);
    let delete = actix_web::http::Method::DELETE;
    let refused = reporter.ask(delete.clone(), &theirs).send().await;
    refused.problem(403, "forbidden");
    let mine = format!("{path}/{}", own["id"]);
    reporter.ask(delete.clone(), &mine).send().await.is(204);
    editor.ask(delete.clone(), &theirs).send().await.is(204);
    editor
        .ask(delete.clone(), &theirs)
        .send()
        .await
        .problem(404, "not_found");
    let rows = format!(
        "/v1/editorial/audit?object_type=article&object_id={}",
        draft["id"]
    );
    let rows = portal.admin().await.get(&rows).await.ok();
    let gone = json!({"comment": said["id"], "by": said["created_by"]});
    assert_eq!(rows["items"][0]["action"], "delete_comment");
    assert_eq!(rows["items"][0]["details"], gone);
    let foreign = editor.draft(&content("Bài khác", &category)).await;
    let foreign = format!("/v1/editorial/articles/{}/comments", foreign["id"]);
    reporter.get(&foreign).await.problem(404, "not_found");
    let answer = reporter.post(&foreign, &first).await;
    answer.problem(404, "not_found");
    for bad in [json!({}), json!({"text": ""}), json!({"text": "a", "b": 1})] {
        editor.post(&path, &bad).await.problem(422, "invalid");
    }
}

#[actix_web::test]
async fn the_ground_of_a_takedown_is_never_public() {
    let portal = Portal::new().await;
    let category = portal.news().await;
    let article = portal.published(&content("Bị gỡ", &category)).await;
    let body = json!({
        "reason_code": "court_order", "note": "Theo bản án",
        "legal_basis": "Quyết định 12/2026/QĐST-DS", "requester": "Tòa án nhân dân khu vực 3"
    });
    let publisher = portal.publisher().await;
    let gone = publisher.act(&article, "take-down", &body).await;
    for path in [&*address(&gone), "/v1/changes", "/feeds/atom"] {
        let text = portal.get(path).await.text();
        for secret in ["bản án", "12/2026", "Tòa án"] {
            assert!(!text.contains(secret), "{path}");
        }
    }
}
