//! Signing in and out: passwords, throttling, refresh tokens, and who is refused at once.

use actix_web::http::Method;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ed25519_dalek::{Signature, VerifyingKey};
use serde_json::{Value, json};

use crate::support::{Answer, PASSWORD, Portal, User};

const OTHER: &str = "bầy cò trắng về đồng";

async fn post(portal: &Portal, path: &str, body: &Value) -> Answer {
    portal.ask(Method::POST, path).json(body).send().await
}

async fn login(portal: &Portal, login: &str, password: &str) -> Answer {
    let body = json!({"login": login, "password": password});
    post(portal, "/v1/auth/login", &body).await
}

async fn refresh(portal: &Portal, pair: &Value) -> Answer {
    let body = json!({"refresh_token": pair["refresh_token"]});
    post(portal, "/v1/auth/refresh", &body).await
}

/// Who has this pair of tokens.
fn holder<'a>(portal: &'a Portal, pair: &Value) -> User<'a> {
    let token = pair["access_token"].as_str().unwrap().to_owned();
    User { portal, token }
}

async fn me(portal: &Portal, pair: &Value) -> Answer {
    holder(portal, pair).get("/v1/auth/me").await
}

/// Changes a user as the admin.
async fn change(portal: &Portal, login: &str, patch: &Value) {
    let user = portal.row_of(login).await;
    let path = format!("/v1/editorial/users/{}", user["id"]);
    let version = user["version"].as_i64().unwrap();
    let admin = portal.admin().await;
    admin.patch(&path, version, patch).await.ok();
}

#[actix_web::test]
async fn one_signs_in_and_learns_who_one_is() {
    let portal = Portal::new().await;
    let pair = login(&portal, "editor", PASSWORD).await.ok();
    assert_eq!(pair["token_type"], "Bearer");
    assert_eq!(pair["expires_in"], 900);
    assert_eq!(pair["refresh_expires_in"], 30 * 86_400);
    let user = me(&portal, &pair).await.ok();
    assert_eq!(user, pair["user"]);
    assert_eq!(user["login"], "editor");
    assert_eq!(user["roles"], json!(["editor"]));
    assert_eq!(user["rights"], json!(["write", "edit"]));
}

#[actix_web::test]
async fn capitals_in_a_login_and_decomposed_passwords_do_not_matter() {
    use unicode_normalization::UnicodeNormalization as _;
    let portal = Portal::new().await;
    let decomposed: String = PASSWORD.nfd().collect();
    login(&portal, "Editor", &decomposed).await.ok();
}

#[actix_web::test]
async fn a_wrong_password_an_unknown_login_and_a_disabled_user_are_answered_alike() {
    let portal = Portal::new().await;
    change(&portal, "reporter", &json!({"disabled": true})).await;
    let mut answers = Vec::new();
    for (who, password) in [
        ("editor", OTHER),
        ("nobody", PASSWORD),
        ("reporter", PASSWORD),
        ("reporter", OTHER),
    ] {
        let answer = login(&portal, who, password).await;
        assert_eq!(answer.header("www-authenticate"), "Bearer");
        let mut problem = answer.problem(401, "bad_credentials");
        problem["instance"] = Value::Null;
        let names: Vec<_> = answer.headers.keys().map(ToString::to_string).collect();
        answers.push((problem, names.len()));
    }
    assert!(
        answers.windows(2).all(|two| two[0] == two[1]),
        "{answers:?}"
    );
}

#[actix_web::test]
async fn one_lost_refresh_that_is_sent_twice_at_once_is_no_theft() {
    let portal = Portal::new().await;
    let first = portal.sign_in("editor", PASSWORD).await;
    let both = futures_util::future::join(refresh(&portal, &first), refresh(&portal, &first));
    let (one, other) = both.await;
    let (one, other) = (one.ok(), other.ok());
    me(&portal, &one).await.ok();
    me(&portal, &other).await.ok();
    // One of the two refresh tokens replaced the other; what is signed in stays so with it.
    assert_ne!(one["refresh_token"], other["refresh_token"]);
}

#[actix_web::test]
async fn a_refresh_token_is_exchanged_for_a_new_pair() {
    let portal = Portal::new().await;
    let first = portal.sign_in("editor", PASSWORD).await;
    portal.advance(800);
    let second = refresh(&portal, &first).await.ok();
    assert_ne!(second["refresh_token"], first["refresh_token"]);
    assert_ne!(second["access_token"], first["access_token"]);
    assert_eq!(second["refresh_expires_in"], 30 * 86_400 - 800);
    portal.advance(800);
    me(&portal, &first).await.problem(401, "unauthorized");
    me(&portal, &second).await.ok();
}

#[actix_web::test]
async fn a_lost_answer_is_asked_for_again_within_a_minute() {
    let portal = Portal::new().await;
    let first = portal.sign_in("editor", PASSWORD).await;
    let lost = refresh(&portal, &first).await.ok();
    portal.advance(59);
    let second = refresh(&portal, &first).await.ok();
    refresh(&portal, &second).await.ok();
    // The pair that got lost was replaced: whoever has it is a thief.
    let thief = refresh(&portal, &lost).await;
    thief.problem(401, "bad_refresh_token");
    assert_eq!(thief.header("www-authenticate"), "Bearer");
    me(&portal, &second).await.problem(401, "unauthorized");
}

#[actix_web::test]
async fn a_second_use_after_a_minute_ends_the_whole_family() {
    let portal = Portal::new().await;
    let other = portal.sign_in("editor", PASSWORD).await;
    let first = portal.sign_in("editor", PASSWORD).await;
    let second = refresh(&portal, &first).await.ok();
    portal.advance(60);
    refresh(&portal, &first)
        .await
        .problem(401, "bad_refresh_token");
    me(&portal, &second).await.problem(401, "unauthorized");
    refresh(&portal, &second)
        .await
        .problem(401, "bad_refresh_token");
    // Another sign-in of the same user is another family.
    me(&portal, &other).await.ok();
}

#[actix_web::test]
async fn the_minute_is_over_once_the_successor_was_used() {
    let portal = Portal::new().await;
    let first = portal.sign_in("editor", PASSWORD).await;
    let second = refresh(&portal, &first).await.ok();
    let third = refresh(&portal, &second).await.ok();
    refresh(&portal, &first)
        .await
        .problem(401, "bad_refresh_token");
    me(&portal, &third).await.problem(401, "unauthorized");
}

#[actix_web::test]
async fn the_minute_counts_from_the_first_use() {
    let portal = Portal::new().await;
    let first = portal.sign_in("editor", PASSWORD).await;
    refresh(&portal, &first).await.ok();
    portal.advance(50);
    refresh(&portal, &first).await.ok();
    portal.advance(50);
    refresh(&portal, &first)
        .await
        .problem(401, "bad_refresh_token");
}

#[actix_web::test]
async fn who_signs_out_is_out_and_others_stay() {
    let portal = Portal::new().await;
    let stays = portal.sign_in("editor", PASSWORD).await;
    let pair = portal.sign_in("editor", PASSWORD).await;
    let out = holder(&portal, &pair).ask(Method::POST, "/v1/auth/logout");
    assert_eq!(out.send().await.status, 204);
    me(&portal, &pair).await.problem(401, "unauthorized");
    refresh(&portal, &pair)
        .await
        .problem(401, "bad_refresh_token");
    me(&portal, &stays).await.ok();
}

#[actix_web::test]
async fn a_new_password_ends_the_other_signings_in() {
    let portal = Portal::new().await;
    let other = portal.sign_in("editor", PASSWORD).await;
    let pair = portal.sign_in("editor", PASSWORD).await;
    let body = json!({"current_password": PASSWORD, "new_password": OTHER});
    let answer = holder(&portal, &pair)
        .post("/v1/auth/password", &body)
        .await;
    assert_eq!(answer.status, 204, "{}", answer.text());
    me(&portal, &other).await.problem(401, "unauthorized");
    refresh(&portal, &other)
        .await
        .problem(401, "bad_refresh_token");
    me(&portal, &pair).await.ok();
    refresh(&portal, &pair).await.ok();
    login(&portal, "editor", PASSWORD)
        .await
        .problem(401, "bad_credentials");
    login(&portal, "editor", OTHER).await.ok();
}

#[actix_web::test]
async fn a_password_that_is_too_easy_is_not_taken() {
    let portal = Portal::new().await;
    let editor = portal.editor().await;
    for (easy, fault) in [
        ("ngắn", "too_short"),
        ("aaaaaaaaaaaaaaaa", "bad_format"),
        ("matkhau123456789", "bad_format"),
    ] {
        let body = json!({"current_password": PASSWORD, "new_password": easy});
        let answer = editor.post("/v1/auth/password", &body).await;
        answer.faults(422, "invalid", &[&format!("/new_password {fault}")]);
    }
    login(&portal, "editor", PASSWORD).await.ok();
}

#[actix_web::test]
async fn a_disabled_user_is_refused_at_once_and_comes_back_with_a_new_signing_in() {
    let portal = Portal::new().await;
    let pair = portal.sign_in("editor", PASSWORD).await;
    change(&portal, "editor", &json!({"disabled": true})).await;
    me(&portal, &pair).await.problem(401, "unauthorized");
    refresh(&portal, &pair)
        .await
        .problem(401, "bad_refresh_token");
    change(&portal, "editor", &json!({"disabled": false})).await;
    me(&portal, &pair).await.problem(401, "unauthorized");
    login(&portal, "editor", PASSWORD).await.ok();
}

#[actix_web::test]
async fn a_demoted_user_loses_the_rights_at_once() {
    let portal = Portal::new().await;
    let pair = portal.sign_in("publisher", PASSWORD).await;
    let publisher = holder(&portal, &pair);
    let body = json!({"name": "Tin tức"});
    publisher
        .post("/v1/editorial/categories", &body)
        .await
        .created();
    change(&portal, "publisher", &json!({"roles": ["reporter"]})).await;
    let body = json!({"name": "Văn hoá"});
    publisher
        .post("/v1/editorial/categories", &body)
        .await
        .problem(403, "forbidden");
    assert_eq!(me(&portal, &pair).await.ok()["rights"], json!(["write"]));
}

#[actix_web::test]
async fn a_password_set_by_the_admin_ends_every_signing_in() {
    let portal = Portal::new().await;
    let pair = portal.sign_in("editor", PASSWORD).await;
    let user = portal.row_of("editor").await;
    let path = format!("/v1/editorial/users/{}/password", user["id"]);
    let version = user["version"].as_i64().unwrap();
    let admin = portal.admin().await;
    admin
        .post_at(&path, version, &json!({"new_password": OTHER}))
        .await
        .ok();
    me(&portal, &pair).await.problem(401, "unauthorized");
    refresh(&portal, &pair)
        .await
        .problem(401, "bad_refresh_token");
    login(&portal, "editor", OTHER).await.ok();
}

#[actix_web::test]
async fn an_access_token_expires_to_the_second() {
    let portal = Portal::with(&["--access-seconds", "60"]).await;
    let pair = portal.sign_in("editor", PASSWORD).await;
    portal.advance(59);
    me(&portal, &pair).await.ok();
    portal.advance(1);
    me(&portal, &pair).await.problem(401, "unauthorized");
}

#[actix_web::test]
async fn a_signing_in_ends_however_often_it_is_refreshed() {
    let portal = Portal::with(&["--session-days", "1"]).await;
    let first = portal.sign_in("editor", PASSWORD).await;
    portal.advance(86_400 - 100);
    let last = refresh(&portal, &first).await.ok();
    assert_eq!(last["refresh_expires_in"], 100);
    assert_eq!(last["expires_in"], 100);
    portal.advance(100);
    me(&portal, &last).await.problem(401, "unauthorized");
    refresh(&portal, &last)
        .await
        .problem(401, "bad_refresh_token");
}

#[actix_web::test]
async fn the_published_keys_verify_a_token() {
    let portal = Portal::new().await;
    let pair = portal.sign_in("editor", PASSWORD).await;
    let token = pair["access_token"].as_str().unwrap();
    let (signed, signature) = token.rsplit_once('.').unwrap();
    let decode = |text: &str| URL_SAFE_NO_PAD.decode(text).unwrap();
    let header = decode(signed.split('.').next().unwrap());
    let header: Value = serde_json::from_slice(&header).unwrap();

    let set = portal.get("/.well-known/jwks.json").await.ok();
    let keys = set["keys"].as_array().unwrap();
    let key = keys.iter().find(|key| key["kid"] == header["kid"]).unwrap();
    assert!(key.get("d").is_none(), "the private half is no one's");
    let public = decode(key["x"].as_str().unwrap());
    let public = VerifyingKey::from_bytes(&public.try_into().unwrap()).unwrap();
    let signature = Signature::from_slice(&decode(signature)).unwrap();
    public.verify_strict(signed.as_bytes(), &signature).unwrap();
}

#[actix_web::test]
async fn every_fault_of_a_sign_in_is_named_at_once() {
    let portal = Portal::new().await;
    post(
        &portal,
        "/v1/auth/login",
        &json!({"login": 7, "remember": true}),
    )
    .await
    .faults(
        422,
        "invalid",
        &[
            "/login wrong_type",
            "/password required",
            "/remember unknown_field",
        ],
    );
    let long = json!({"login": "a".repeat(65), "password": "b".repeat(201)});
    post(&portal, "/v1/auth/login", &long).await.faults(
        422,
        "invalid",
        &["/login too_long", "/password too_long"],
    );
    post(
        &portal,
        "/v1/auth/refresh",
        &json!({"refresh_token": "không"}),
    )
    .await
    .faults(422, "invalid", &["/refresh_token bad_format"]);
}

#[actix_web::test]
async fn answers_tell_no_secrets() {
    let portal = Portal::new().await;
    let admin = portal.admin().await;
    let body = json!({"login": 1, "password": PASSWORD, "x": PASSWORD});
    let mut answers = vec![
        login(&portal, "editor", PASSWORD).await,
        login(&portal, "nobody", PASSWORD).await,
        post(&portal, "/v1/auth/login", &body).await,
        admin.get("/v1/auth/me").await,
        admin.get("/v1/editorial/users").await,
    ];
    let user =
        json!({"login": "tho.le", "name": "Lê Thơ", "roles": ["editor"], "password": PASSWORD});
    answers.push(admin.post("/v1/editorial/users", &user).await);
    answers.push(admin.post("/v1/editorial/users", &user).await);
    for answer in &answers {
        let text = answer.text();
        for secret in [PASSWORD, "argon2", "password_hash"] {
            assert!(!text.contains(secret), "{text}");
        }
        assert!(
            answer.header("cache-control").contains("no-store"),
            "{text}"
        );
    }
}

#[actix_web::test]
async fn a_token_signed_with_a_key_made_elsewhere_is_taken_and_older_ones_stay_good() {
    let portal = Portal::new().await;
    let first = portal.sign_in("editor", PASSWORD).await;
    let second = portal.sign_in("reporter", PASSWORD).await;
    // Another node, which has rotated the keys and signs for the same sign-in.
    let now = portal.ctx.now().seconds();
    let dir = portal.ctx.settings.keys_dir().unwrap();
    bantin::infra::token::ring::rotate(&dir, now - 120, false).unwrap();
    let issuer = ("bantin", "bantin-editorial");
    let node = bantin::infra::token::Keys::load_or_create(&dir, issuer.0, issuer.1, now).unwrap();
    let claims = portal
        .ctx
        .keys
        .verify(first["access_token"].as_str().unwrap(), now)
        .unwrap();
    let token = node.issue(&claims.sub, &claims.sid, now, 900).unwrap();
    User {
        portal: &portal,
        token,
    }
    .get("/v1/auth/me")
    .await
    .ok();
    me(&portal, &second).await.ok();
    let set = portal.get("/.well-known/jwks.json").await.ok();
    assert_eq!(set["keys"].as_array().unwrap().len(), 2);
}
