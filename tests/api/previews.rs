//! Preview links: one edition as readers would get it, for who has the address, and nothing else.

use actix_web::http::Method;
use serde_json::{Value, json};

use crate::support::newsroom::address;
use crate::support::sample::{content, everything, figure, paragraph};
use crate::support::{Answer, BASE, Portal, User};

fn links(article: &Value) -> String {
    format!("/v1/editorial/articles/{}/previews", article["id"])
}

/// A new link, and the path that it leads to.
async fn link(user: &User<'_>, article: &Value, body: Value) -> (Value, String) {
    let link = user.post(&links(article), &body).await.created();
    let path = link["url"].as_str().unwrap().strip_prefix(BASE).unwrap();
    let path = path.to_owned();
    (link, path)
}

async fn revoke(user: &User<'_>, article: &Value, link: &Value) -> Answer {
    let path = format!("{}/{}", links(article), link["id"]);
    user.ask(Method::DELETE, &path).send().await
}

/// Every address of a file in an answer, and the answer without them.
fn without_files(mut value: Value) -> (Value, Vec<String>) {
    let mut found = Vec::new();
    take_files(&mut value, &mut found);
    (value, found)
}

fn take_files(value: &mut Value, found: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            // A figure's medium and a rendition have both; a link or an embed has no width.
            let is_file = members.contains_key("width") && members.contains_key("url");
            for (name, member) in members.iter_mut() {
                if is_file && name == "url" {
                    found.push(member.take().as_str().unwrap().to_owned());
                }
                take_files(member, found);
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| take_files(item, found)),
        _ => {}
    }
}

#[actix_web::test]
async fn a_preview_is_what_readers_get_but_for_the_addresses_of_files() {
    let portal = Portal::new().await;
    let category = portal.news().await;
    let publisher = portal.publisher().await;
    let medium = publisher.picture(1).await;
    let mut plain = content("Tin ngắn", &category);
    plain["body"] = json!([
        paragraph("Một."),
        figure("Ảnh", &[medium]),
        {"_type": "attachment", "media_id": medium, "title": "Tệp"},
    ]);
    for content in [everything(&category, medium), plain] {
        let draft = publisher.draft(&content).await;
        let (_, path) = link(&publisher, &draft, json!({})).await;
        let mut previews = Vec::new();
        for form in ["blocks", "html", "text"] {
            previews.push(portal.get(&format!("{path}?body={form}")).await.ok());
        }
        assert_eq!(portal.get(&path).await.ok(), previews[0]);
        let live = publisher.act(&draft, "publish", &json!({})).await;
        let whole = portal.get(&address(&live)).await.ok();
        let (_, of_public) = without_files(whole);
        let (_, of_preview) = without_files(previews[0].clone());
        assert_eq!(of_public.len(), of_preview.len());
        for (form, preview) in ["blocks", "html", "text"].iter().zip(previews) {
            let path = format!("{}?body={form}", address(&live));
            let public = portal.get(&path).await.ok();
            let (mut public, _) = without_files(public);
            let (mut preview, _) = without_files(preview);
            // Addresses in the middle of a text.
            let said = format!("body_{form}");
            for (shown, files) in [(&mut public, &of_public), (&mut preview, &of_preview)] {
                if let Some(Value::String(text)) = shown.get_mut(&said) {
                    *text = text.replace("&amp;", "&");
                    for file in files {
                        *text = text.replace(file, "address");
                    }
                    assert!(text.contains("address"), "{text}");
                }
            }
            assert_eq!(preview, public, "{form}");
        }
    }
}

#[actix_web::test]
async fn a_preview_of_a_change_shows_the_change_and_what_was_fixed_before() {
    let portal = Portal::new().await;
    let category = portal.news().await;
    let publisher = portal.publisher().await;
    let live = portal.published(&content("Tin", &category)).await;
    let live = publisher.update(&live, "correction").await;
    portal.advance(3600);
    let publisher = portal.publisher().await;
    let changed = publisher.edit(&live, &json!({"title": "Tin khác"})).await;
    let (_, path) = link(&publisher, &changed, json!({})).await;
    let preview = portal.get(&path).await.ok();
    assert_eq!(preview["title"], "Tin khác");
    assert_eq!(portal.get(&address(&live)).await.ok()["title"], "Tin");
    publisher
        .act(&changed, "publish", &json!({"kind": "minor"}))
        .await;
    assert_eq!(portal.get(&address(&live)).await.ok(), preview);
    assert_eq!(preview["corrections"]["count"], 1);
}

#[actix_web::test]
async fn a_preview_shows_pictures_that_are_not_public() {
    let portal = Portal::new().await;
    let category = portal.news().await;
    let reporter = portal.reporter().await;
    let medium = reporter.picture(1).await;
    let draft = reporter.draft(&everything(&category, medium)).await;
    let (_, path) = link(&reporter, &draft, json!({"expires_in": 120})).await;
    let preview = portal.get(&path).await;
    let html = portal.get(&format!("{path}?body=html")).await.ok();
    let html = html["body_html"].as_str().unwrap();
    assert!(html.contains("/preview/full?expires="), "{html}");
    let (_, files) = without_files(preview.ok());
    assert!(files.len() >= 4);
    for file in &files {
        let file = file.strip_prefix(BASE).unwrap();
        assert!(!file.starts_with("/media/"), "{file}");
        portal.get(file).await.is_file();
    }
    // They open no longer than the link, though such addresses last a quarter of an hour elsewhere.
    portal.advance(121);
    for file in &files {
        let file = file.strip_prefix(BASE).unwrap();
        portal.get(file).await.problem(403, "forbidden");
    }
}

#[actix_web::test]
async fn a_preview_shows_its_edition_whatever_is_saved_later() {
    let portal = Portal::new().await;
    let category = portal.news().await;
    let reporter = portal.reporter().await;
    let draft = reporter.draft(&content("Một", &category)).await;
    let (first, path) = link(&reporter, &draft, json!({})).await;
    assert_eq!(first["edition"], 1);
    let before = portal.get(&path).await.ok();
    let draft = reporter.edit(&draft, &json!({"title": "Hai"})).await;
    assert_eq!(portal.get(&path).await.ok(), before);
    let (second, path) = link(&reporter, &draft, json!({})).await;
    assert_eq!(second["edition"], 2);
    assert_eq!(portal.get(&path).await.ok()["title"], "Hai");
    let (old, path) = link(&reporter, &draft, json!({"edition": 1})).await;
    assert_eq!(old["edition"], 1);
    assert_eq!(portal.get(&path).await.ok()["title"], "Một");
}

#[actix_web::test]
async fn no_cache_keeps_a_preview_and_no_search_engine_lists_it() {
    let portal = Portal::new().await;
    let category = portal.news().await;
    let reporter = portal.reporter().await;
    let draft = reporter.draft(&content("Tin", &category)).await;
    let (_, path) = link(&reporter, &draft, json!({})).await;
    let answer = portal.get(&path).await;
    answer.ok();
    assert_eq!(answer.header("cache-control"), "private, no-store");
    assert_eq!(answer.header("x-robots-tag"), "noindex");
    assert_eq!(answer.header("access-control-allow-origin"), "*");
    assert_eq!(answer.header("referrer-policy"), "no-referrer");
    portal
        .get(&format!("{path}?x=1"))
        .await
        .problem(400, "bad_query");
}

#[actix_web::test]
async fn a_link_opens_nothing_but_its_own_edition() {
    let portal = Portal::new().await;
    let category = portal.news().await;
    let reporter = portal.reporter().await;
    let one = reporter.draft(&content("Bài một", &category)).await;
    let two = reporter.draft(&content("Bài hai dauhieu", &category)).await;
    let (first, path) = link(&reporter, &one, json!({})).await;
    let (second, other) = link(&reporter, &two, json!({})).await;
    let token = path.rsplit('/').next().unwrap();
    let seal = token.split_once('-').unwrap().1;
    let mut bent = seal.to_owned();
    bent.replace_range(0..1, if seal.starts_with('0') { "1" } else { "0" });
    let wrong = [
        // The seal of one link with the number of the other.
        format!("{}-{seal}", second["id"]),
        format!("{}-{bent}", first["id"]),
        format!("{}-{}", first["id"], seal.to_uppercase()),
        format!("{}-", first["id"]),
        format!("{}", first["id"]),
        format!("0{token}"),
        format!("99-{seal}"),
        format!("-{seal}"),
        seal.to_owned(),
    ];
    for token in wrong {
        let answer = portal.get(&format!("/v1/previews/{token}")).await;
        let problem = answer.problem(404, "not_found");
        assert_eq!(problem.get("detail"), None, "one answer for all: {token}");
    }
    // A link is no access token, and the article's other addresses know nothing of it.
    let token = token.to_owned();
    for (to, status) in [
        (format!("/v1/editorial/articles/{}", one["id"]), 401),
        (links(&one), 401),
        ("/v1/auth/me".to_owned(), 401),
        (address(&one), 404),
        (format!("{}/others", address(&one)), 404),
        (format!("{path}/others"), 404),
        (format!("{path}/corrections"), 404),
    ] {
        let ask = portal.ask(Method::GET, &to);
        let ask = ask.header("authorization", &format!("Bearer {token}"));
        assert_eq!(ask.send().await.status, status, "{to}");
    }
    for list in [
        "/v1/articles",
        "/v1/home",
        "/v1/changes",
        "/feeds/atom",
        "/v1/captions",
        "/v1/media",
    ] {
        assert!(!portal.get(list).await.text().contains("Bài một"), "{list}");
    }
    assert_eq!(portal.get(&other).await.ok()["title"], "Bài hai dauhieu");
    assert!(!portal.get(&path).await.text().contains("dauhieu"));
    let ask = portal.ask(Method::POST, &path).json(&json!({}));
    ask.send().await.problem(405, "method_not_allowed");
}

#[actix_web::test]
async fn a_link_that_expired_or_was_revoked_opens_nothing_and_is_not_listed() {
    let portal = Portal::new().await;
    let category = portal.news().await;
    let reporter = portal.reporter().await;
    let draft = reporter.draft(&content("Tin", &category)).await;
    let (short, brief) = link(&reporter, &draft, json!({"expires_in": 60})).await;
    let (day, path) = link(&reporter, &draft, json!({})).await;
    let (gone, revoked) = link(&reporter, &draft, json!({"expires_in": 604_800})).await;
    assert_eq!(short["expires_at"], "2026-03-21T09:01:00+07:00");
    assert_eq!(day["expires_at"], "2026-03-22T09:00:00+07:00");
    let listed = reporter.get(&links(&draft)).await.ok();
    assert_eq!(listed["items"], json!([gone, day, short]));
    revoke(&reporter, &draft, &gone).await.is(204);
    portal.get(&revoked).await.problem(404, "not_found");
    revoke(&reporter, &draft, &gone)
        .await
        .problem(404, "not_found");
    portal.get(&brief).await.ok();
    portal.advance(60);
    portal.get(&brief).await.problem(404, "not_found");
    portal.get(&path).await.ok();
    let reporter = portal.reporter().await;
    let listed = reporter.get(&links(&draft)).await.ok();
    assert_eq!(listed["items"], json!([day]));
    portal.advance(24 * 3600);
    portal.get(&path).await.problem(404, "not_found");
}

#[actix_web::test]
async fn taking_an_article_down_voids_its_links_for_ever() {
    let portal = Portal::new().await;
    let category = portal.news().await;
    let publisher = portal.publisher().await;
    let live = portal.published(&content("Tin", &category)).await;
    let (_, path) = link(&publisher, &live, json!({})).await;
    portal.get(&path).await.ok();
    let down = publisher.take_down(&live).await;
    portal.get(&path).await.problem(404, "not_found");
    let answer = publisher.post(&links(&down), &json!({})).await;
    answer.problem(409, "illegal_move");
    publisher.restore(&down).await;
    portal.get(&path).await.problem(404, "not_found");
    let (_, path) = link(&publisher, &live, json!({})).await;
    portal.get(&path).await.ok();
}

#[actix_web::test]
async fn a_deleted_article_leaves_no_link() {
    let portal = Portal::new().await;
    let category = portal.news().await;
    let reporter = portal.reporter().await;
    let draft = reporter.draft(&content("Tin", &category)).await;
    let (_, path) = link(&reporter, &draft, json!({})).await;
    let article = format!("/v1/editorial/articles/{}", draft["id"]);
    reporter.delete(&article, 1).await.is(204);
    portal.get(&path).await.problem(404, "not_found");
}

#[actix_web::test]
async fn an_edition_whose_picture_or_category_is_gone_is_not_shown() {
    let portal = Portal::new().await;
    portal.news().await;
    let other = portal.category("Văn hoá", None).await;
    let publisher = portal.publisher().await;
    let medium = publisher.picture(1).await;
    let mut first = content("Tin", "tin-tuc");
    first["body"] = json!([figure("Ảnh", &[medium])]);
    let draft = publisher.draft(&first).await;
    let (_, path) = link(&publisher, &draft, json!({})).await;
    let moved = json!({"category": "van-hoa", "body": [paragraph("Chữ.")]});
    let draft = publisher.edit(&draft, &moved).await;
    let draft = publisher
        .edit(&draft, &json!({"category": "tin-tuc"}))
        .await;
    portal.get(&path).await.ok();
    let picture = format!("/v1/editorial/media/{medium}");
    publisher.delete(&picture, 1).await.is(204);
    portal.get(&path).await.problem(404, "not_found");
    let category = format!("/v1/editorial/categories/{}", other["id"]);
    publisher.delete(&category, 1).await.is(204);
    for edition in [1, 2, 9] {
        let body = json!({"edition": edition});
        let answer = publisher.post(&links(&draft), &body).await;
        answer.faults(422, "invalid", &["/edition not_found"]);
    }
}

#[actix_web::test]
async fn links_are_made_listed_and_revoked_by_those_who_may_edit() {
    let portal = Portal::new().await;
    let category = portal.news().await;
    let (reporter, editor) = (portal.reporter().await, portal.editor().await);
    let theirs = editor.draft(&content("Tin", &category)).await;
    let own = reporter.draft(&content("Tin khác", &category)).await;
    let (link_of_theirs, path) = link(&editor, &theirs, json!({})).await;
    let no = reporter.post(&links(&theirs), &json!({})).await;
    no.problem(404, "not_found");
    reporter
        .get(&links(&theirs))
        .await
        .problem(404, "not_found");
    revoke(&reporter, &theirs, &link_of_theirs)
        .await
        .problem(404, "not_found");
    // Nor by way of one's own article.
    revoke(&reporter, &own, &link_of_theirs)
        .await
        .problem(404, "not_found");
    portal.get(&path).await.ok();
    let (link_of_own, _) = link(&reporter, &own, json!({})).await;
    revoke(&editor, &own, &link_of_own).await.is(204);
}

#[actix_web::test]
async fn a_repeated_request_for_a_link_answers_the_same_link() {
    let portal = Portal::new().await;
    let category = portal.news().await;
    let reporter = portal.reporter().await;
    let draft = reporter.draft(&content("Tin", &category)).await;
    let ask = || {
        let ask = reporter.ask(Method::POST, &links(&draft)).json(&json!({}));
        ask.header("idempotency-key", "mot-lan")
    };
    let first = ask().send().await.created();
    assert_eq!(ask().send().await.created(), first);
    let listed = reporter.get(&links(&draft)).await.ok();
    assert_eq!(listed["items"], json!([first]));
}

#[actix_web::test]
async fn a_link_opens_a_week_at_most() {
    let portal = Portal::new().await;
    let category = portal.news().await;
    let reporter = portal.reporter().await;
    let draft = reporter.draft(&content("Tin", &category)).await;
    for seconds in [0, 59, 604_801] {
        let body = json!({"expires_in": seconds});
        let answer = reporter.post(&links(&draft), &body).await;
        answer.faults(422, "invalid", &["/expires_in out_of_range"]);
    }
}

#[actix_web::test]
async fn nothing_stored_opens_a_link() {
    let portal = Portal::new().await;
    let category = portal.news().await;
    let reporter = portal.reporter().await;
    let draft = reporter.draft(&content("Tin", &category)).await;
    let (link, _) = link(&reporter, &draft, json!({})).await;
    let seal = link["url"].as_str().unwrap().rsplit('-').next().unwrap();
    let id: bantin::domain::id::PreviewId = link["id"].to_string().parse().unwrap();
    let row = portal
        .ctx
        .db
        .read(move |conn| bantin::store::editorial::previews::get(conn, id))
        .await
        .unwrap();
    assert!(!format!("{row:?}").contains(seal));
    assert!(portal.ctx.keys.is_seal(&row.sealed_text(), seal));
}
