//! Failed sign-ins: an account and an address have to wait after too many of them.

use actix_web::http::Method;
use serde_json::json;

use crate::support::{Answer, PASSWORD, Portal};

const OTHER: &str = "bầy cò trắng về đồng";

async fn login(portal: &Portal, login: &str, password: &str) -> Answer {
    let body = json!({"login": login, "password": password});
    let ask = portal.ask(Method::POST, "/v1/auth/login").json(&body);
    ask.send().await
}

/// Signs in by way of a proxy.
async fn login_from(portal: &Portal, address: &str, login: &str, password: &str) -> Answer {
    portal
        .ask(Method::POST, "/v1/auth/login")
        .header("x-forwarded-for", address)
        .json(&json!({"login": login, "password": password}))
        .send()
        .await
}

#[actix_web::test]
async fn an_account_that_failed_too_often_waits_until_its_window_is_over() {
    let portal = Portal::with(&["--login-failures", "3"]).await;
    for _ in 0..3 {
        login(&portal, "editor", OTHER)
            .await
            .problem(401, "bad_credentials");
    }
    // Neither the right password helps now, nor other capitals.
    let locked = login(&portal, "Editor", PASSWORD).await;
    locked.problem(429, "too_many_requests");
    assert_eq!(locked.header("retry-after"), "900");
    portal.advance(600);
    let locked = login(&portal, "editor", PASSWORD).await;
    assert_eq!(locked.header("retry-after"), "300");
    login(&portal, "publisher", PASSWORD).await.ok();
    portal.advance(300);
    login(&portal, "editor", PASSWORD).await.ok();
}

#[actix_web::test]
async fn a_login_that_does_not_exist_is_throttled_like_one_that_does() {
    let portal = Portal::with(&["--login-failures", "2"]).await;
    for _ in 0..2 {
        login(&portal, "nobody", OTHER)
            .await
            .problem(401, "bad_credentials");
    }
    login(&portal, "nobody", OTHER)
        .await
        .problem(429, "too_many_requests");
}

#[actix_web::test]
async fn a_success_forgets_the_failures_of_the_account() {
    let portal = Portal::with(&["--login-failures", "3"]).await;
    for password in [OTHER, OTHER, PASSWORD, OTHER, OTHER] {
        login(&portal, "editor", password).await;
    }
    login(&portal, "editor", PASSWORD).await.ok();
}

#[actix_web::test]
async fn an_address_that_failed_too_often_waits_and_others_do_not() {
    let portal = Portal::with(&[
        "--login-failures-address",
        "3",
        "--trusted-proxies",
        "203.0.113.7",
    ])
    .await;
    for who in ["a.a", "b.b", "c.c"] {
        login_from(&portal, "198.51.100.1", who, OTHER)
            .await
            .problem(401, "bad_credentials");
    }
    let locked = login_from(&portal, "198.51.100.1", "editor", PASSWORD).await;
    locked.problem(429, "too_many_requests");
    assert_eq!(locked.header("retry-after"), "900");
    // What the client itself writes before the proxy's own entry moves nothing.
    login_from(&portal, "192.0.2.9, 198.51.100.1", "editor", PASSWORD)
        .await
        .problem(429, "too_many_requests");
    login_from(&portal, "198.51.100.2", "editor", PASSWORD)
        .await
        .ok();
    portal.advance(900);
    login_from(&portal, "198.51.100.1", "editor", PASSWORD)
        .await
        .ok();
}

#[actix_web::test]
async fn the_addresses_of_one_ipv6_network_count_together() {
    let portal = Portal::with(&[
        "--login-failures-address",
        "2",
        "--trusted-proxies",
        "203.0.113.7",
    ])
    .await;
    for address in ["2001:db8::1", "2001:db8::2"] {
        login_from(&portal, address, "editor", OTHER)
            .await
            .problem(401, "bad_credentials");
    }
    login_from(&portal, "2001:db8::3", "editor", PASSWORD)
        .await
        .problem(429, "too_many_requests");
    login_from(&portal, "2001:db8:0:1::1", "editor", PASSWORD)
        .await
        .ok();
}

#[actix_web::test]
async fn guesses_at_once_are_counted_one_by_one() {
    let portal = Portal::with(&["--login-failures", "4"]).await;
    let guesses = (0..20).map(|_| login(&portal, "editor", OTHER));
    let answers = futures_util::future::join_all(guesses).await;
    let with = |status| answers.iter().filter(|a| a.status == status).count();
    assert_eq!((with(401), with(429)), (4, 16));
}

#[actix_web::test]
async fn a_forwarded_address_is_believed_from_trusted_proxies_only() {
    let portal = Portal::with(&["--login-failures-address", "2"]).await;
    for address in ["198.51.100.1", "198.51.100.2"] {
        login_from(&portal, address, "editor", OTHER)
            .await
            .problem(401, "bad_credentials");
    }
    login_from(&portal, "198.51.100.3", "editor", PASSWORD)
        .await
        .problem(429, "too_many_requests");
}

#[actix_web::test]
async fn a_wrong_current_password_counts_as_a_failure() {
    let portal = Portal::with(&["--login-failures", "2"]).await;
    let editor = portal.editor().await;
    let body = json!({"current_password": OTHER, "new_password": OTHER});
    for _ in 0..2 {
        let answer = editor.post("/v1/auth/password", &body).await;
        answer.problem(401, "bad_credentials");
    }
    let locked = editor.post("/v1/auth/password", &body).await;
    locked.problem(429, "too_many_requests");
    assert_eq!(locked.header("retry-after"), "900");
    editor.get("/v1/auth/me").await.ok();
}

#[actix_web::test]
async fn a_new_password_from_an_admin_lets_in_who_was_locked_out() {
    let portal = Portal::with(&["--login-failures", "3"]).await;
    for _ in 0..3 {
        login(&portal, "editor", "x").await.is(401);
    }
    login(&portal, "editor", PASSWORD).await.is(429);
    let admin = portal.admin().await;
    let users = admin.get("/v1/editorial/users").await.ok();
    let editor = users["items"]
        .as_array()
        .unwrap()
        .iter()
        .find(|user| user["login"] == "editor")
        .unwrap();
    let path = format!("/v1/editorial/users/{}/password", editor["id"]);
    let body = json!({"new_password": OTHER});
    admin.post_at(&path, 1, &body).await.ok();
    login(&portal, "editor", OTHER).await.ok();
}
