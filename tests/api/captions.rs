//! Captions: figures with an identity. Changing one on its own and changing it inside the article
//! are the same thing.

use actix_web::http::Method;
use serde_json::{Value, json};

use crate::support::sample::{self, content, path, version, with};
use crate::support::{Portal, User};

const CAPTIONS: &str = "/v1/editorial/captions";

fn one(caption: &Value) -> String {
    format!(
        "{CAPTIONS}/{}",
        caption["id"].as_i64().or(caption.as_i64()).unwrap()
    )
}

/// An article by this user with a paragraph, and figures under these captions, over one picture.
async fn article(portal: &Portal, user: &User<'_>, captions: &[&str]) -> Value {
    let known = portal.get("/v1/categories").await.ok();
    let news = match known["items"][0]["slug"].as_str() {
        Some(slug) => slug.to_owned(),
        None => portal.news().await,
    };
    let medium = user.picture(1).await;
    let mut body = vec![sample::paragraph("Sáng nay.")];
    body.extend(
        captions
            .iter()
            .map(|caption| sample::figure(caption, &[medium])),
    );
    user.draft(&with(&content("Có ảnh", &news), "body", json!(body)))
        .await
}

async fn list(user: &User<'_>, query: &str) -> Vec<Value> {
    let page = user.get(&format!("{CAPTIONS}?{query}")).await.ok();
    page["items"].as_array().unwrap().clone()
}

#[actix_web::test]
async fn figures_written_in_an_article_are_captions() {
    let portal = Portal::new().await;
    let editor = portal.editor().await;
    let article = article(&portal, &editor, &["Một", "Hai"]).await;
    let captions = list(&editor, &format!("article={}", article["id"])).await;
    assert_eq!(captions.len(), 2);
    for (position, caption) in (1..).zip(&captions) {
        let figure = &article["content"]["body"][position];
        assert_eq!(caption["id"], figure["caption_id"]);
        assert_eq!(caption["position"], position);
        assert_eq!(
            caption["article"],
            json!({"id": article["id"], "version": 1})
        );
        for field in ["_key", "caption", "credit", "media"] {
            assert_eq!(caption[field], figure[field], "{field}");
        }
        let answer = editor.get(&one(caption)).await;
        assert_eq!(&answer.ok(), caption);
        assert_eq!(answer.header("etag"), "\"1\"");
    }
    let medium = &captions[0]["media"][0]["media_id"];
    assert_eq!(list(&editor, &format!("media={medium}")).await, captions);
    assert_eq!(list(&editor, "media=999").await, Vec::<Value>::new());
    let page = editor.get(&format!("{CAPTIONS}?limit=1")).await.ok();
    let next = page["next"].as_str().unwrap();
    assert_eq!(
        list(&editor, &format!("limit=1&cursor={next}")).await,
        captions[1..]
    );
}

#[actix_web::test]
async fn a_change_through_the_caption_is_a_save_of_the_article() {
    let portal = Portal::new().await;
    let editor = portal.editor().await;
    let twins = [
        article(&portal, &editor, &["Một"]).await,
        article(&portal, &editor, &["Một"]).await,
    ];
    let patch = json!({"caption": "Khác", "credit": "Ảnh: An"});
    let caption = one(&twins[0]["content"]["body"][1]["caption_id"]);
    let answer = editor.patch(&caption, 1, &patch).await;
    assert_eq!(answer.header("etag"), "\"2\"");
    assert_eq!(answer.ok()["article"]["version"], 2);
    let mut body = twins[1]["content"]["body"].clone();
    body[1]["caption"] = patch["caption"].clone();
    body[1]["credit"] = patch["credit"].clone();
    editor.change(&twins[1], &json!({"body": body})).await.ok();

    for twin in &twins {
        let now = editor.read(twin).await;
        assert_eq!((version(&now), &now["edition"]), (2, &json!(2)));
        let figure = &now["content"]["body"][1];
        assert_eq!(figure["caption"], "Khác");
        assert_eq!(figure["credit"], "Ảnh: An");
        assert_eq!(
            figure["caption_id"],
            twin["content"]["body"][1]["caption_id"]
        );
        assert_eq!(figure["_key"], twin["content"]["body"][1]["_key"]);
        let seen = editor.get(&one(&figure["caption_id"])).await.ok();
        assert_eq!(seen["caption"], "Khác");
    }
    // The same again is no save.
    let same = editor.patch(&caption, 2, &patch).await;
    assert_eq!(same.ok()["article"]["version"], 2);
}

#[actix_web::test]
async fn caption_null_keeps_the_photos_and_faults_have_their_place() {
    let portal = Portal::new().await;
    let editor = portal.editor().await;
    let article = article(&portal, &editor, &["Một"]).await;
    let figure = &article["content"]["body"][1];
    let caption = one(&figure["caption_id"]);
    let bare = editor
        .patch(&caption, 1, &json!({"caption": null}))
        .await
        .ok();
    assert_eq!(bare["caption"], Value::Null);
    assert_eq!(bare["media"], figure["media"]);

    for (patch, faults) in [
        (
            json!({"caption": "a".repeat(1001), "x": 1}),
            vec!["/caption too_long", "/x unknown_field"],
        ),
        (json!({"media": []}), vec!["/media too_short"]),
        (
            json!({"media": [{"media_id": 99}]}),
            vec!["/media/0/media_id not_found"],
        ),
        (json!({"caption_id": 99}), vec!["/caption_id conflict"]),
        (json!({"_key": "moi"}), vec!["/_key conflict"]),
        (
            json!({"media": [{"media_id": 1, "decorative": true, "alt": "a"}]}),
            vec!["/media/0/alt conflict"],
        ),
    ] {
        editor
            .patch(&caption, 2, &patch)
            .await
            .faults(422, "invalid", &faults);
    }
    let new = json!({"article_id": article["id"], "media": [{"media_id": 99}]});
    let wrong = editor.post_at(CAPTIONS, 2, &new).await;
    wrong.faults(422, "invalid", &["/media/0/media_id not_found"]);
}

#[actix_web::test]
async fn a_caption_is_added_at_a_place_or_at_the_end() {
    let portal = Portal::new().await;
    let editor = portal.editor().await;
    let article = article(&portal, &editor, &["Một"]).await;
    let medium = &article["content"]["body"][1]["media"][0]["media_id"];
    let new = |position: Value, text: &str| {
        json!({
            "article_id": article["id"], "position": position, "caption": text,
            "media": [{"media_id": medium}],
        })
    };
    let answer = editor.post_at(CAPTIONS, 1, &new(json!(0), "Đầu")).await;
    let first = answer.created();
    assert_eq!(answer.header("etag"), "\"2\"");
    assert!(answer.header("location").ends_with(&one(&first)));
    assert_eq!(
        (&first["position"], &first["article"]["version"]),
        (&json!(0), &json!(2))
    );
    let last = editor
        .post_at(CAPTIONS, 2, &new(json!(null), "Cuối"))
        .await
        .created();
    assert_eq!(last["position"], 3);

    let body = editor.read(&article).await["content"]["body"].clone();
    let captions: Vec<&Value> = body
        .as_array()
        .unwrap()
        .iter()
        .map(|b| &b["caption"])
        .collect();
    assert_eq!(
        captions,
        [&json!("Đầu"), &json!(null), &json!("Một"), &json!("Cuối")]
    );

    let far = editor.post_at(CAPTIONS, 3, &new(json!(5), "Xa")).await;
    far.faults(422, "invalid", &["/position out_of_range"]);
    let mut nowhere = new(json!(0), "a");
    nowhere["article_id"] = json!(99);
    let nowhere = editor.post_at(CAPTIONS, 3, &nowhere).await;
    nowhere.faults(422, "invalid", &["/article_id not_found"]);
}

#[actix_web::test]
async fn writes_name_the_version_of_the_article() {
    let portal = Portal::new().await;
    let editor = portal.editor().await;
    let article = article(&portal, &editor, &["Một"]).await;
    let medium = &article["content"]["body"][1]["media"][0]["media_id"];
    let new = json!({"article_id": article["id"], "media": [{"media_id": medium}]});
    let article = editor.change(&article, &json!({"lead": "a"})).await.ok();
    let caption = one(&article["content"]["body"][1]["caption_id"]);
    for (method, path, body) in [
        (Method::POST, CAPTIONS, Some(&new)),
        (Method::PATCH, &caption, Some(&json!({"caption": "b"}))),
        (Method::DELETE, &caption, None),
    ] {
        let ask = || {
            let ask = editor.ask(method.clone(), path);
            match body {
                Some(body) => ask.json(body),
                None => ask,
            }
        };
        ask().send().await.problem(428, "precondition_required");
        let any = ask().header("if-match", "*").send().await;
        any.problem(428, "precondition_required");
        let stale = ask().at(1).send().await;
        assert_eq!(stale.problem(412, "version_mismatch")["current_version"], 2);
        assert_eq!(stale.header("etag"), "\"2\"");
    }
    assert_eq!(editor.read(&article).await, article);
}

#[actix_web::test]
async fn deleting_a_caption_removes_its_figure() {
    let portal = Portal::new().await;
    let editor = portal.editor().await;
    let article = article(&portal, &editor, &["Một", "Hai"]).await;
    let body = &article["content"]["body"];
    let gone = one(&body[1]["caption_id"]);
    let answer = editor.delete(&gone, 1).await;
    answer.is(204);
    assert_eq!(answer.header("etag"), "\"2\"");
    let now = editor.read(&article).await;
    assert_eq!(now["version"], 2);
    assert_eq!(now["content"]["body"], json!([body[0], body[2]]));
    editor.get(&gone).await.problem(404, "not_found");
    editor.delete(&gone, 2).await.problem(404, "not_found");
    let left = list(&editor, &format!("article={}", article["id"])).await;
    assert_eq!(left.len(), 1);
    assert_eq!(
        (&left[0]["id"], &left[0]["position"]),
        (&body[2]["caption_id"], &json!(1))
    );

    // An old body brings its identities back.
    let back = editor.change(&now, &json!({"body": body})).await.ok();
    assert_eq!(&back["content"]["body"], body);
    editor.get(&gone).await.ok();
}

#[actix_web::test]
async fn a_save_keeps_named_identities_and_makes_the_others() {
    let portal = Portal::new().await;
    let editor = portal.editor().await;
    let first = article(&portal, &editor, &["Một", "Hai"]).await;
    let body = &first["content"]["body"];
    let (one, two) = (&body[1], &body[2]);
    let mut new = one.clone();
    new["_key"] = json!("moi");
    new["caption"] = json!("Ba");
    new.as_object_mut().unwrap().remove("caption_id");
    let swapped = json!({"body": [two, new, one]});
    let saved = editor.change(&first, &swapped).await.ok();
    let now = &saved["content"]["body"];
    assert_eq!((&now[0], &now[2]), (two, one));
    let made = now[1]["caption_id"].as_i64().unwrap();
    assert!(made != one["caption_id"] && made != two["caption_id"]);

    let other = article(&portal, &editor, &["Bốn"]).await;
    let mut stolen = other["content"]["body"][1].clone();
    let wrong = editor.change(&saved, &json!({"body": [stolen]})).await;
    wrong.faults(422, "invalid", &["/body/0/caption_id not_found"]);
    let create = with(
        &with(&first["content"], "slug", json!(null)),
        "body",
        json!([stolen]),
    );
    let wrong = editor.post("/v1/editorial/articles", &create).await;
    wrong.faults(422, "invalid", &["/body/0/caption_id not_found"]);
    stolen["caption_id"] = json!(999);
    for wrong in [
        editor.change(&saved, &json!({"body": [stolen]})).await,
        editor
            .post(
                "/v1/editorial/articles",
                &with(&create, "body", json!([stolen])),
            )
            .await,
    ] {
        wrong.faults(422, "invalid", &["/body/0/caption_id not_found"]);
    }
    let mut twice = one.clone();
    twice["_key"] = json!("khac");
    let wrong = editor
        .change(&saved, &json!({"body": [one, two, twice]}))
        .await;
    wrong.faults(422, "invalid", &["/body/2/caption_id duplicate"]);
}

#[actix_web::test]
async fn one_caption_stands_over_two_photos() {
    let portal = Portal::new().await;
    let publisher = portal.publisher().await;
    let news = portal.news().await;
    let media = [publisher.picture(1).await, publisher.picture(2).await];
    let body = json!([sample::figure("Hai ảnh", &media)]);
    let article = publisher
        .draft(&with(&content("Đôi", &news), "body", body))
        .await;
    for medium in media {
        let found = list(&publisher, &format!("media={medium}")).await;
        assert_eq!(found[0]["id"], article["content"]["body"][0]["caption_id"]);
    }
    publisher.act(&article, "publish", &json!({})).await;
    let public = portal
        .get(&format!("/v1/captions?media={}", media[1]))
        .await
        .ok();
    let shown: Vec<i64> = public["items"][0]["media"]
        .as_array()
        .unwrap()
        .iter()
        .map(|medium| medium["media_id"].as_i64().unwrap())
        .collect();
    assert_eq!(shown, media);
    assert_eq!(public["items"].as_array().unwrap().len(), 1);
}

#[actix_web::test]
async fn readers_see_captions_of_public_editions_only() {
    let portal = Portal::new().await;
    let publisher = portal.publisher().await;
    let draft = article(&portal, &publisher, &["Một"]).await;
    let id = &draft["content"]["body"][1]["caption_id"];
    let public = format!("/v1/captions/{id}");
    let none = json!([]);
    portal.get(&public).await.problem(404, "not_found");
    assert_eq!(portal.get("/v1/captions").await.ok()["items"], none);

    publisher.act(&draft, "publish", &json!({})).await;
    let seen = portal.get(&public).await.ok();
    assert_eq!(seen["caption"], "Một");
    assert_eq!(seen["media"][0]["alt"], "Một bức ảnh");

    // Changes stay unseen until they are published, and so does a new figure.
    publisher
        .patch(&one(id), 2, &json!({"caption": "Hai"}))
        .await
        .ok();
    let medium = &draft["content"]["body"][1]["media"][0]["media_id"];
    let new = json!({"article_id": draft["id"], "caption": "Ba", "media": [{"media_id": medium}]});
    let new = publisher.post_at(CAPTIONS, 3, &new).await.created();
    assert_eq!(portal.get(&public).await.ok(), seen);
    portal
        .get(&format!("/v1/captions/{}", new["id"]))
        .await
        .problem(404, "not_found");
    let now = publisher.read(&draft).await;
    assert_eq!(now["has_unpublished_changes"], true);
    let now = publisher
        .act(&now, "publish", &json!({"kind": "minor"}))
        .await;
    assert_eq!(portal.get(&public).await.ok()["caption"], "Hai");
    assert_eq!(
        portal.get("/v1/captions").await.ok()["items"]
            .as_array()
            .unwrap()
            .len(),
        2
    );

    // A figure removed from the working copy is public until that is published.
    publisher.delete(&one(id), version(&now)).await.is(204);
    portal.get(&public).await.ok();
    let now = publisher.read(&now).await;
    let now = publisher
        .act(&now, "publish", &json!({"kind": "minor"}))
        .await;
    portal.get(&public).await.problem(404, "not_found");
    publisher
        .act(&now, "take-down", &json!({"reason_code": "wrong"}))
        .await;
    assert_eq!(portal.get("/v1/captions").await.ok()["items"], none);
}

#[actix_web::test]
async fn a_reporter_knows_of_captions_in_own_articles_only() {
    let portal = Portal::new().await;
    let (reporter, editor) = (portal.reporter().await, portal.editor().await);
    let other = article(&portal, &editor, &["Một"]).await;
    let own = article(&portal, &reporter, &["Hai"]).await;
    let theirs = one(&other["content"]["body"][1]["caption_id"]);
    reporter.get(&theirs).await.problem(404, "not_found");
    let hidden = reporter.patch(&theirs, 1, &json!({"caption": "a"})).await;
    hidden.problem(404, "not_found");
    reporter.delete(&theirs, 1).await.problem(404, "not_found");
    let new = json!({"article_id": other["id"], "media": [{"media_id": 1}]});
    let hidden = reporter.post_at(CAPTIONS, 1, &new).await;
    hidden.faults(422, "invalid", &["/article_id not_found"]);
    let seen = list(&reporter, "").await;
    assert_eq!(seen.len(), 1);
    assert_eq!(seen[0]["article"]["id"], own["id"]);
    let mine = one(&own["content"]["body"][1]["caption_id"]);
    reporter
        .patch(&mine, 1, &json!({"caption": "Ba"}))
        .await
        .ok();
    assert_eq!(editor.get(&path(&own)).await.ok()["version"], 2);
    // What is assigned to them is theirs to write, and so in the list as well.
    let assign = format!("{}/assign", path(&other));
    let me = reporter.get("/v1/auth/me").await.ok()["id"].clone();
    editor.post(&assign, &json!({"user_id": me})).await.ok();
    reporter.get(&theirs).await.ok();
    assert_eq!(list(&reporter, "").await.len(), 2);
}
