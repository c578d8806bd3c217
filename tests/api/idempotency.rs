//! `Idempotency-Key`: a repeated request answers its first result and does nothing again.

use actix_web::http::Method;
use serde_json::{Value, json};

use crate::support::sample::{content, path, picture, version};
use crate::support::{Answer, Ask, Portal, User};

const ARTICLES: &str = "/v1/editorial/articles";
const DAY: i64 = 24 * 60 * 60;

fn keyed<'a>(user: &User<'a>, method: Method, path: &str, key: &str) -> Ask<'a> {
    user.ask(method, path).header("idempotency-key", key)
}

async fn post(user: &User<'_>, path: &str, key: &str, body: &Value) -> Answer {
    keyed(user, Method::POST, path, key).json(body).send().await
}

async fn count(user: &User<'_>, path: &str) -> usize {
    let list = user.get(path).await.ok();
    list["items"].as_array().unwrap().len()
}

/// Status, body and the headers that tell of the object.
fn told(answer: &Answer) -> (u16, Value, String, String) {
    let headers = (answer.header("location"), answer.header("etag"));
    (answer.status, answer.json(), headers.0, headers.1)
}

#[actix_web::test]
async fn a_repeated_creation_answers_the_first_result() {
    let portal = Portal::new().await;
    let news = portal.news().await;
    let (editor, publisher, admin) = (
        portal.editor().await,
        portal.publisher().await,
        portal.admin().await,
    );
    let user = json!({
        "login": "moi", "name": "Người mới", "roles": ["reporter"], "password": "con cò bay lả bay la",
    });
    let category = json!({"name": "Văn bản"});
    for (who, place, body) in [
        (&editor, ARTICLES, content("Một lần", &news)),
        (&admin, "/v1/editorial/users", user),
        (&publisher, "/v1/editorial/categories", category),
    ] {
        let before = count(who, place).await;
        let first = post(who, place, "k1", &body).await;
        first.created();
        let again = post(who, place, "k1", &body).await;
        assert_eq!(told(&again), told(&first), "{place}");
        assert_eq!(count(who, place).await, before + 1, "{place}");
    }
    let changes = portal.get("/v1/changes").await.ok();
    assert_eq!(changes["items"].as_array().unwrap().len(), 2);
}

#[actix_web::test]
async fn a_repeated_upload_answers_the_first_result() {
    let portal = Portal::new().await;
    let editor = portal.editor().await;
    let upload = async |shade: u8, alt: &str| {
        keyed(&editor, Method::POST, "/v1/editorial/media", "k1")
            .form("a.png", &picture(20, 10, shade), &[("alt", alt)])
            .send()
            .await
    };
    let first = upload(1, "Một").await;
    first.created();
    let again = upload(1, "Một").await;
    assert_eq!(told(&again), told(&first));
    upload(2, "Một").await.problem(422, "idempotency_mismatch");
    upload(1, "Hai").await.problem(422, "idempotency_mismatch");
    assert_eq!(count(&editor, "/v1/editorial/media").await, 1);
}

#[actix_web::test]
async fn the_first_result_is_answered_also_when_the_object_changed_since() {
    let portal = Portal::new().await;
    let news = portal.news().await;
    let (publisher, admin) = (portal.publisher().await, portal.admin().await);
    let body = content("Trước", &news);
    let first = post(&publisher, ARTICLES, "k1", &body).await;
    let article = first.created();
    publisher
        .change(&article, &json!({"title": "Sau"}))
        .await
        .ok();
    assert_eq!(
        told(&post(&publisher, ARTICLES, "k1", &body).await),
        told(&first)
    );
    publisher.delete(&path(&article), 2).await.is(204);
    assert_eq!(
        told(&post(&publisher, ARTICLES, "k1", &body).await),
        told(&first)
    );

    let categories = "/v1/editorial/categories";
    let body = json!({"name": "Trước"});
    let first = post(&publisher, categories, "k2", &body).await;
    let one = format!("{categories}/{}", first.created()["id"]);
    let renamed = json!({"name": "Sau"});
    let patch = || {
        keyed(&publisher, Method::PATCH, &one, "k3")
            .at(1)
            .json(&renamed)
    };
    let patched = patch().send().await;
    patched.ok();
    assert_eq!(
        told(&post(&publisher, categories, "k2", &body).await),
        told(&first)
    );
    publisher.delete(&one, 2).await.is(204);
    assert_eq!(
        told(&post(&publisher, categories, "k2", &body).await),
        told(&first)
    );
    assert_eq!(told(&patch().send().await), told(&patched));

    let place = "/v1/editorial/portal";
    let portal_now = admin.get(place).await.ok();
    let mut wanted = portal_now["content"].clone();
    wanted["slogan"] = json!("Gần dân");
    let put = || {
        keyed(&admin, Method::PUT, place, "k4")
            .at(version(&portal_now))
            .json(&wanted)
    };
    let first = put().send().await;
    first.ok();
    let mut other = wanted.clone();
    other["slogan"] = json!("Vì dân");
    admin
        .put(place, version(&portal_now) + 1, &other)
        .await
        .ok();
    assert_eq!(told(&put().send().await), told(&first));
    assert_eq!(admin.get(place).await.ok()["content"], other);
}

#[actix_web::test]
async fn a_key_is_looked_up_before_if_match() {
    let portal = Portal::new().await;
    let news = portal.news().await;
    let publisher = portal.publisher().await;
    let article = publisher.draft(&content("Đăng", &news)).await;
    let here = path(&article);
    let publish = format!("{here}/publish");
    let act = || {
        keyed(&publisher, Method::POST, &publish, "k1")
            .at(1)
            .json(&json!({}))
            .send()
    };
    let first = act().await;
    first.ok();
    let again = act().await;
    assert_eq!(told(&again), told(&first));
    let changes = portal.get("/v1/changes").await.ok();
    assert_eq!(changes["items"].as_array().unwrap().len(), 2);

    let patch = json!({"lead": "a"});
    let save = || {
        keyed(&publisher, Method::PATCH, &here, "k2")
            .at(2)
            .json(&patch)
            .send()
    };
    let first = save().await;
    first.ok();
    assert_eq!(told(&save().await), told(&first));
    let other = content("Bỏ", &news);
    let other = path(&publisher.draft(&other).await);
    for _ in 0..2 {
        let gone = keyed(&publisher, Method::DELETE, &other, "k3")
            .at(1)
            .send()
            .await;
        gone.is(204);
    }
}

#[actix_web::test]
async fn a_key_belongs_to_one_request_of_one_user() {
    let portal = Portal::new().await;
    let news = portal.news().await;
    let (editor, publisher) = (portal.editor().await, portal.publisher().await);
    let body = content("Một", &news);
    let first = post(&editor, ARTICLES, "k1", &body).await.created();
    let other = post(&editor, ARTICLES, "k1", &content("Hai", &news)).await;
    other.problem(422, "idempotency_mismatch");
    let elsewhere = keyed(&editor, Method::PUT, &path(&first), "k1").at(1);
    elsewhere
        .json(&body)
        .send()
        .await
        .problem(422, "idempotency_mismatch");
    let theirs = post(&publisher, ARTICLES, "k1", &body).await.created();
    assert_ne!(theirs["id"], first["id"]);
    post(&editor, ARTICLES, "k2", &body).await.created();
    assert_eq!(count(&editor, ARTICLES).await, 3);

    for bad in ["", "a b", &"k".repeat(256)] {
        post(&editor, ARTICLES, bad, &body)
            .await
            .problem(400, "bad_header");
    }
    let twice = keyed(&editor, Method::POST, ARTICLES, "a").header("idempotency-key", "b");
    twice.json(&body).send().await.problem(400, "bad_header");
    post(&editor, ARTICLES, &"k".repeat(255), &body)
        .await
        .created();
}

#[actix_web::test]
async fn a_key_is_forgotten_after_a_day() {
    let portal = Portal::new().await;
    let news = portal.news().await;
    let body = content("Một", &news);
    let first = post(&portal.editor().await, ARTICLES, "k1", &body)
        .await
        .created();
    portal.advance(DAY);
    let again = post(&portal.editor().await, ARTICLES, "k1", &body).await;
    assert_eq!(again.created()["id"], first["id"]);
    portal.advance(1);
    let later = post(&portal.editor().await, ARTICLES, "k1", &body).await;
    assert_ne!(later.created()["id"], first["id"]);
}

#[actix_web::test]
async fn a_request_that_failed_does_not_use_up_its_key() {
    let portal = Portal::new().await;
    let news = portal.news().await;
    let publisher = portal.publisher().await;
    let wrong = post(&publisher, ARTICLES, "k1", &content("Một", "khong-co")).await;
    wrong.problem(422, "invalid");
    let wrong = post(&publisher, ARTICLES, "k1", &json!({})).await;
    wrong.problem(422, "invalid");
    let article = post(&publisher, ARTICLES, "k1", &content("Một", &news))
        .await
        .created();
    let publish = format!("{}/publish", path(&article));
    let act = |tag: i64| {
        keyed(&publisher, Method::POST, &publish, "k2")
            .at(tag)
            .json(&json!({}))
    };
    act(9).send().await.problem(412, "version_mismatch");
    act(1).send().await.ok();
    let again = keyed(&publisher, Method::POST, &publish, "k3")
        .at(2)
        .json(&json!({}));
    again.send().await.problem(422, "invalid");
    let minor = json!({"kind": "minor"});
    let again = keyed(&publisher, Method::POST, &publish, "k3")
        .at(2)
        .json(&minor);
    again.send().await.ok();
    let upload = |bytes: &[u8]| {
        keyed(&publisher, Method::POST, "/v1/editorial/media", "k4").form("a.png", bytes, &[])
    };
    upload(b"x")
        .send()
        .await
        .problem(415, "unsupported_media_type");
    upload(&picture(20, 10, 1)).send().await.created();
}

#[actix_web::test]
async fn the_same_key_at_the_same_time_makes_one_object() {
    let portal = Portal::new().await;
    let news = portal.news().await;
    let editor = portal.editor().await;
    let body = content("Cùng lúc", &news);
    let all = (0..8).map(|_| post(&editor, ARTICLES, "k1", &body));
    let answers = futures_util::future::join_all(all).await;
    for answer in &answers {
        assert_eq!(told(answer), told(&answers[0]));
    }
    assert_eq!(count(&editor, ARTICLES).await, 1);

    let picture = picture(20, 10, 1);
    let all = (0..4).map(|_| {
        keyed(&editor, Method::POST, "/v1/editorial/media", "k2")
            .form("a.png", &picture, &[])
            .send()
    });
    let answers = futures_util::future::join_all(all).await;
    for answer in &answers {
        assert_eq!(told(answer), told(&answers[0]));
        answer.created();
    }
    assert_eq!(count(&editor, "/v1/editorial/media").await, 1);
}
