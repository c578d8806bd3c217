//! Editing safely: who came first is told, locks warn, editions are compared and brought back.

use actix_web::http::Method;
use serde_json::{Value, json};

use crate::support::sample::{content, everything, figure, paragraph};
use crate::support::{Answer, Portal, User};

fn path(article: &Value) -> String {
    format!("/v1/editorial/articles/{}", article["id"])
}

fn version(article: &Value) -> i64 {
    article["version"].as_i64().unwrap()
}

async fn restore(user: &User<'_>, article: &Value, number: i64) -> Answer {
    let path = format!("{}/editions/{number}/restore", path(article));
    user.post_at(&path, version(article), &Value::Null).await
}

async fn lock(user: &User<'_>, article: &Value, body: Value) -> Answer {
    let ask = user.ask(Method::PUT, &format!("{}/lock", path(article)));
    ask.json(&body).send().await
}

async fn unlock(user: &User<'_>, article: &Value) -> Answer {
    let path = format!("{}/lock", path(article));
    user.ask(Method::DELETE, &path).send().await
}

async fn diff(user: &User<'_>, article: &Value, number: i64, against: i64) -> Value {
    let path = format!("{}/editions/{number}/diff?against={against}", path(article));
    user.get(&path).await.ok()
}

async fn me(user: &User<'_>) -> Value {
    user.get("/v1/auth/me").await.ok()["id"].clone()
}

// Who came first.

#[actix_web::test]
async fn who_comes_too_late_is_told_who_saved_and_when() {
    let portal = Portal::new().await;
    let category = portal.news().await;
    let (reporter, editor) = (portal.reporter().await, portal.editor().await);
    let draft = reporter.draft(&content("Tin", &category)).await;
    editor.edit(&draft, &json!({"title": "Tin khác"})).await;
    let patch = json!({"title": "Tin của tôi"});
    let mut whole = draft["content"].clone();
    whole["title"] = json!("Tin của tôi");
    let photo = reporter.picture(1).await;
    let mut caption = figure("Ảnh", &[photo]);
    caption.as_object_mut().unwrap().remove("_type");
    caption["article_id"] = draft["id"].clone();
    for answer in [
        reporter.patch(&path(&draft), 1, &patch).await,
        reporter.put(&path(&draft), 1, &whole).await,
        reporter.delete(&path(&draft), 1).await,
        reporter.try_act(&draft, "submit", &Value::Null).await,
        portal
            .publisher()
            .await
            .try_act(&draft, "publish", &json!({}))
            .await,
        restore(&reporter, &draft, 1).await,
        reporter
            .post_at("/v1/editorial/captions", 1, &caption)
            .await,
    ] {
        let problem = answer.problem(412, "version_mismatch");
        assert_eq!(problem["current_version"], 2);
        let current = &problem["current"];
        assert_eq!(
            (&current["version"], &current["edition"]),
            (&json!(2), &json!(2))
        );
        let by = &current["saved_by"];
        assert_eq!(by["id"], me(&editor).await);
        assert!(by["name"].as_str().is_some_and(|name| !name.is_empty()));
        assert_eq!(current["saved_at"], "2026-03-21T09:00:00+07:00");
    }
}

#[actix_web::test]
async fn who_comes_after_an_action_is_told_who_acted() {
    let portal = Portal::new().await;
    let category = portal.news().await;
    let reporter = portal.reporter().await;
    let draft = reporter.draft(&content("Tin", &category)).await;
    let handed = reporter.act(&draft, "submit", &Value::Null).await;
    portal.advance(60);
    let editor = portal.editor().await;
    editor.act(&handed, "approve", &Value::Null).await;
    // To assign it makes no version, and hides nobody who did.
    let publisher = portal.publisher().await;
    let body = json!({"user_id": me(&reporter).await});
    let assign = format!("{}/assign", path(&draft));
    publisher.post(&assign, &body).await.ok();
    let late = publisher.change(&handed, &json!({"title": "Khác"})).await;
    let current = late.problem(412, "version_mismatch")["current"].clone();
    let seen = (&current["version"], &current["edition"]);
    assert_eq!(seen, (&json!(3), &json!(1)));
    assert_eq!(current["saved_by"]["id"], me(&editor).await);
    assert_eq!(current["saved_at"], "2026-03-21T09:01:00+07:00");
}

#[actix_web::test]
async fn a_repeated_save_of_the_same_content_needs_no_version_and_makes_no_edition() {
    let portal = Portal::new().await;
    let category = portal.news().await;
    let reporter = portal.reporter().await;
    let draft = reporter.draft(&content("Tin", &category)).await;
    let ask = reporter.ask(Method::PUT, &path(&draft));
    let again = ask.json(&draft["content"]).send().await;
    assert_eq!(again.ok()["version"], 1);
    assert_eq!(again.header("etag"), "\"1\"");
    let editions = reporter.get(&format!("{}/editions", path(&draft))).await;
    assert_eq!(editions.ok()["items"].as_array().unwrap().len(), 1);
}

// Old editions come back.

#[actix_web::test]
async fn an_old_edition_comes_back_as_a_new_one_with_its_captions() {
    let portal = Portal::new().await;
    let category = portal.news().await;
    let editor = portal.editor().await;
    let medium = editor.picture(1).await;
    let draft = editor.draft(&everything(&category, medium)).await;
    let caption = draft["content"]["body"][1]["caption_id"].clone();
    let shown = format!("/v1/editorial/captions/{caption}");
    let other = json!({"title": "Tin khác", "cover_media_id": null, "body": [paragraph("Khác.")]});
    let changed = editor.edit(&draft, &other).await;
    editor.get(&shown).await.problem(404, "not_found");

    let restored = restore(&editor, &changed, 1).await.ok();
    assert_eq!(restored["content"], draft["content"]);
    assert_eq!(
        (&restored["version"], &restored["edition"]),
        (&json!(3), &json!(3))
    );
    assert_eq!(editor.get(&shown).await.ok()["position"], 1);
    let nothing = diff(&editor, &draft, 3, 1).await;
    assert_eq!(nothing["fields"], json!({}));
    assert_eq!(nothing["body"]["unchanged"], 6);
}

#[actix_web::test]
async fn bringing_back_what_is_there_makes_no_edition() {
    let portal = Portal::new().await;
    let category = portal.news().await;
    let editor = portal.editor().await;
    let draft = editor.draft(&content("Tin", &category)).await;
    assert_eq!(restore(&editor, &draft, 1).await.ok()["version"], 1);
}

#[actix_web::test]
async fn bringing_an_edition_back_needs_the_version_that_is_there() {
    let portal = Portal::new().await;
    let category = portal.news().await;
    let editor = portal.editor().await;
    let draft = editor.draft(&content("Tin", &category)).await;
    editor.edit(&draft, &json!({"title": "Tin khác"})).await;
    let path = format!("{}/editions/1/restore", path(&draft));
    let ask = editor.ask(Method::POST, &path);
    ask.send().await.problem(428, "precondition_required");
    restore(&editor, &draft, 1)
        .await
        .problem(412, "version_mismatch");
}

#[actix_web::test]
async fn an_edition_that_comes_back_leaves_the_slug_as_it_is() {
    let portal = Portal::new().await;
    let category = portal.news().await;
    let editor = portal.editor().await;
    let draft = editor.draft(&content("Tin", &category)).await;
    let patch = json!({"title": "Tin khác", "slug": "tin-khac"});
    let changed = editor.edit(&draft, &patch).await;
    // The old slug is somebody else's by now.
    editor.draft(&content("Tin", &category)).await;
    let restored = restore(&editor, &changed, 1).await.ok();
    assert_eq!(restored["content"]["title"], "Tin");
    assert_eq!(restored["content"]["slug"], "tin-khac");
}

#[actix_web::test]
async fn an_edition_comes_back_into_its_category_under_the_name_of_today() {
    let portal = Portal::new().await;
    let news = portal.category("Tin tức", None).await;
    let other = portal.category("Văn hoá", None).await;
    let (editor, publisher) = (portal.editor().await, portal.publisher().await);
    let draft = editor.draft(&content("Tin", "tin-tuc")).await;
    let patch = json!({"category": other["content"]["slug"]});
    let changed = editor.edit(&draft, &patch).await;
    let category = format!("/v1/editorial/categories/{}", news["id"]);
    publisher
        .patch(&category, 1, &json!({"slug": "thoi-su"}))
        .await
        .ok();
    let restored = restore(&editor, &changed, 1).await.ok();
    assert_eq!(restored["content"]["category"], "thoi-su");
}

#[actix_web::test]
async fn an_edition_whose_category_or_picture_is_gone_is_told_what_is_missing() {
    let portal = Portal::new().await;
    portal.news().await;
    let gone = portal.category("Văn hoá", None).await;
    let (editor, publisher) = (portal.editor().await, portal.publisher().await);
    let medium = editor.picture(1).await;
    let draft = editor.draft(&content("Tin", "van-hoa")).await;
    let mut photos = content("Tin", "tin-tuc");
    photos["body"] = json!([paragraph("Ảnh:"), figure("Ảnh", &[medium])]);
    let draft = editor.edit(&draft, &photos).await;
    let draft = editor
        .edit(&draft, &json!({"body": [paragraph("Chữ.")]}))
        .await;
    let category = format!("/v1/editorial/categories/{}", gone["id"]);
    publisher.delete(&category, 1).await.is(204);
    // Somebody takes the address of the old category.
    portal.category("Văn hoá", None).await;
    let picture = format!("/v1/editorial/media/{medium}");
    publisher.delete(&picture, 1).await.is(204);

    restore(&editor, &draft, 1)
        .await
        .faults(422, "invalid", &["/category not_found"]);
    let answer = restore(&editor, &draft, 2).await;
    answer.faults(422, "invalid", &["/body/1/media/0/media_id not_found"]);
    let now = editor.get(&path(&draft)).await.ok();
    assert_eq!(now["version"], draft["version"]);
}

#[actix_web::test]
async fn nobody_brings_back_or_compares_what_is_not_theirs_or_not_there() {
    let portal = Portal::new().await;
    let category = portal.news().await;
    let (editor, reporter) = (portal.editor().await, portal.reporter().await);
    let draft = editor.draft(&content("Tin", &category)).await;
    restore(&reporter, &draft, 1)
        .await
        .problem(404, "not_found");
    restore(&editor, &draft, 2).await.problem(404, "not_found");
    for (user, number) in [(&reporter, 1), (&editor, 2)] {
        let path = format!("{}/editions/{number}/diff?against=1", path(&draft));
        user.get(&path).await.problem(404, "not_found");
    }
}

// Comparing.

#[actix_web::test]
async fn two_editions_are_compared_field_by_field_and_block_by_block() {
    let portal = Portal::new().await;
    let category = portal.news().await;
    let editor = portal.editor().await;
    let text = |key: &str, text: &str| {
        let mut block = paragraph(text);
        block["_key"] = json!(key);
        block
    };
    let mut first = content("Ra quân", &category);
    first["lead"] = json!("Sáng nay.");
    first["body"] = json!([
        text("a", "Một."),
        text("b", "Trồng cây tại ba thôn."),
        text("c", "Ba."),
        text("d", "Bốn.")
    ]);
    let draft = editor.draft(&first).await;
    let patch = json!({"title": "Ra quân trồng cây", "lead": null, "tags": ["cây"], "body": [
        text("d", "Bốn."), text("a", "Một."), text("b", "Trồng cây tại bốn thôn."), text("e", "Mới.")
    ]});
    editor.edit(&draft, &patch).await;

    let shown = editor
        .get(&format!("{}/editions/2/diff", path(&draft)))
        .await
        .ok();
    assert_eq!(
        (&shown["from"]["number"], &shown["to"]["number"]),
        (&json!(1), &json!(2))
    );
    assert_eq!(
        shown["fields"],
        json!({
            "title": {"before": "Ra quân", "after": "Ra quân trồng cây"},
            "lead": {"before": "Sáng nay.", "after": null},
            "tags": {"before": [], "after": ["cây"]},
        })
    );
    let body = &shown["body"];
    assert_eq!(body["unchanged"], 1);
    assert_eq!(body["moved"], json!([{"_key": "d", "from": 3, "to": 0}]));
    let place = |list: &Value| (list[0]["index"].clone(), list[0]["block"]["_key"].clone());
    assert_eq!(place(&body["removed"]), (json!(2), json!("c")));
    assert_eq!(place(&body["added"]), (json!(3), json!("e")));
    let changed = &body["changed"][0];
    assert_eq!(
        changed["before"]["children"][0]["text"],
        "Trồng cây tại ba thôn."
    );
    assert_eq!(
        changed["after"]["children"][0]["text"],
        "Trồng cây tại bốn thôn."
    );
    assert_eq!(
        changed["text"],
        json!([
            {"op": "equal", "text": "Trồng cây tại "}, {"op": "delete", "text": "ba"},
            {"op": "insert", "text": "bốn"}, {"op": "equal", "text": " thôn."},
        ])
    );
    let back = diff(&editor, &draft, 1, 2).await;
    assert_eq!(place(&back["body"]["added"]), (json!(2), json!("c")));
}

#[actix_web::test]
async fn the_first_edition_has_none_before_it() {
    let portal = Portal::new().await;
    let category = portal.news().await;
    let editor = portal.editor().await;
    let draft = editor.draft(&content("Tin", &category)).await;
    let path = format!("{}/editions/1/diff", path(&draft));
    editor.get(&path).await.problem(400, "bad_query");
    let same = editor.get(&format!("{path}?against=1")).await.ok();
    assert_eq!(same["fields"], json!({}));
}

// Locks.

#[actix_web::test]
async fn a_lock_says_who_is_at_work_until_it_expires() {
    let portal = Portal::new().await;
    let category = portal.news().await;
    let (reporter, editor) = (portal.reporter().await, portal.editor().await);
    let draft = reporter.draft(&content("Tin", &category)).await;
    assert_eq!(draft["lock"], Value::Null);
    let of_it = format!("{}/lock", path(&draft));
    reporter.get(&of_it).await.problem(404, "not_found");

    let taken = lock(&reporter, &draft, json!({})).await.ok();
    assert_eq!(taken["by"]["id"], me(&reporter).await);
    assert_eq!(taken["since"], "2026-03-21T09:00:00+07:00");
    assert_eq!(taken["expires_at"], "2026-03-21T09:05:00+07:00");
    assert_eq!(editor.get(&of_it).await.ok(), taken);
    assert_eq!(editor.get(&path(&draft)).await.ok()["lock"], taken);
    let problem = lock(&editor, &draft, json!({"minutes": 1})).await;
    assert_eq!(problem.problem(409, "locked")["lock"], taken);

    portal.advance(240);
    let (reporter, editor) = (portal.reporter().await, portal.editor().await);
    let renewed = lock(&reporter, &draft, json!({"minutes": 2})).await.ok();
    assert_eq!(renewed["since"], taken["since"]);
    assert_eq!(renewed["expires_at"], "2026-03-21T09:06:00+07:00");
    portal.advance(119);
    let editor_later = portal.editor().await;
    lock(&editor_later, &draft, json!({}))
        .await
        .problem(409, "locked");
    portal.advance(1);
    let editor_then = portal.editor().await;
    assert_eq!(
        editor_then.get(&path(&draft)).await.ok()["lock"],
        Value::Null
    );
    let own = lock(&editor_then, &draft, json!({})).await.ok();
    assert_eq!(own["by"]["id"], me(&editor_then).await);
    assert_eq!(own["since"], "2026-03-21T09:06:00+07:00");
    drop(editor);
}

#[actix_web::test]
async fn a_lock_stops_no_save_and_gives_none() {
    let portal = Portal::new().await;
    let category = portal.news().await;
    let (reporter, editor) = (portal.reporter().await, portal.editor().await);
    let draft = reporter.draft(&content("Tin", &category)).await;
    lock(&reporter, &draft, json!({})).await.ok();
    let saved = editor.edit(&draft, &json!({"title": "Tin khác"})).await;
    assert_eq!(saved["lock"]["by"]["id"], me(&reporter).await);
    // Who holds the lock comes too late all the same.
    let mine = reporter
        .patch(&path(&draft), 1, &json!({"title": "Của tôi"}))
        .await;
    mine.problem(412, "version_mismatch");
    // And taking it made no version.
    assert_eq!(saved["version"], 2);
}

#[actix_web::test]
async fn a_lock_is_taken_over_by_force_and_the_audit_log_says_so() {
    let portal = Portal::new().await;
    let category = portal.news().await;
    let (reporter, editor) = (portal.reporter().await, portal.editor().await);
    let draft = reporter.draft(&content("Tin", &category)).await;
    lock(&reporter, &draft, json!({})).await.ok();
    lock(&reporter, &draft, json!({})).await.ok();
    assert_eq!(deeds(&portal, "take_over_lock").await, 0);
    let taken = lock(&editor, &draft, json!({"force": true})).await.ok();
    assert_eq!(taken["by"]["id"], me(&editor).await);
    assert_eq!(deeds(&portal, "take_over_lock").await, 1);
    lock(&reporter, &draft, json!({}))
        .await
        .problem(409, "locked");
}

#[actix_web::test]
async fn one_lets_go_of_ones_own_lock_and_editors_end_anybodys() {
    let portal = Portal::new().await;
    let category = portal.news().await;
    let (reporter, editor) = (portal.reporter().await, portal.editor().await);
    let draft = reporter.draft(&content("Tin", &category)).await;
    unlock(&reporter, &draft).await.is(204);
    lock(&reporter, &draft, json!({})).await.ok();
    unlock(&reporter, &draft).await.is(204);
    lock(&editor, &draft, json!({})).await.ok();
    unlock(&reporter, &draft).await.problem(409, "locked");
    unlock(&editor, &draft).await.is(204);
    lock(&reporter, &draft, json!({})).await.ok();
    assert_eq!(deeds(&portal, "end_lock").await, 0);
    unlock(&editor, &draft).await.is(204);
    assert_eq!(deeds(&portal, "end_lock").await, 1);
    let of_it = format!("{}/lock", path(&draft));
    reporter.get(&of_it).await.problem(404, "not_found");
}

#[actix_web::test]
async fn a_lock_lasts_an_hour_at_most_and_is_for_those_who_may_edit() {
    let portal = Portal::new().await;
    let category = portal.news().await;
    let (reporter, editor) = (portal.reporter().await, portal.editor().await);
    let draft = editor.draft(&content("Tin", &category)).await;
    let body = json!({"minutes": 61, "force": 1, "x": 1});
    let answer = lock(&editor, &draft, body).await;
    answer.faults(
        422,
        "invalid",
        &[
            "/force wrong_type",
            "/minutes out_of_range",
            "/x unknown_field",
        ],
    );
    lock(&editor, &draft, json!({"minutes": 60})).await.ok();
    lock(&reporter, &draft, json!({}))
        .await
        .problem(404, "not_found");
    unlock(&reporter, &draft).await.problem(404, "not_found");
    let of_it = format!("{}/lock", path(&draft));
    reporter.get(&of_it).await.problem(404, "not_found");
}

/// How often the audit log names a deed.
async fn deeds(portal: &Portal, action: &str) -> usize {
    use diesel::RunQueryDsl as _;
    // A change of nothing counts the rows on either database.
    let count = format!("UPDATE audit SET at = at WHERE action = '{action}'");
    let counted: bantin::store::Result<usize> = portal
        .ctx
        .db
        .write(move |conn| Ok(diesel::sql_query(count).execute(conn)?))
        .await;
    counted.unwrap()
}
