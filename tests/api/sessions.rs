//! Sign-ins: how long they last, seeing and ending them, and the first password.

use actix_web::http::Method;
use serde_json::{Value, json};

use crate::support::{Answer, PASSWORD, Portal, User};

const OTHER: &str = "bầy cò trắng về đồng";
const SESSIONS: &str = "/v1/auth/sessions";

async fn post(portal: &Portal, path: &str, body: &Value) -> Answer {
    portal.ask(Method::POST, path).json(body).send().await
}

async fn refresh(portal: &Portal, pair: &Value) -> Answer {
    let body = json!({"refresh_token": pair["refresh_token"]});
    post(portal, "/v1/auth/refresh", &body).await
}

fn holder<'a>(portal: &'a Portal, pair: &Value) -> User<'a> {
    let token = pair["access_token"].as_str().unwrap().to_owned();
    User { portal, token }
}

async fn delete(user: &User<'_>, path: &str) -> Answer {
    user.ask(Method::DELETE, path).send().await
}

/// Ids of the sign-ins of whoever asks, the last used first.
async fn ids(user: &User<'_>) -> Vec<String> {
    let list = user.get(SESSIONS).await.ok();
    let items = list["items"].as_array().unwrap().iter();
    items
        .map(|item| item["id"].as_str().unwrap().to_owned())
        .collect()
}

/// A user that the admin has made, and the address of the user.
async fn newcomer(portal: &Portal) -> String {
    let user =
        json!({"login": "tho.le", "name": "Lê Thơ", "roles": ["editor"], "password": PASSWORD});
    let made = portal
        .admin()
        .await
        .post("/v1/editorial/users", &user)
        .await;
    format!("/v1/editorial/users/{}", made.created()["id"])
}

#[actix_web::test]
async fn a_sign_in_that_nobody_uses_ends_and_one_that_is_refreshed_lasts_to_its_end() {
    let portal = Portal::with(&["--session-idle-hours", "2", "--session-days", "1"]).await;
    let idle = portal.sign_in("editor", PASSWORD).await;
    let mut used = portal.sign_in("editor", PASSWORD).await;
    portal.advance(7199);
    used = refresh(&portal, &used).await.ok();
    portal.advance(1);
    let late = refresh(&portal, &idle).await;
    late.problem(401, "bad_refresh_token");
    // It is gone from the list, too.
    assert_eq!(ids(&holder(&portal, &used)).await.len(), 1);
    let mut hours = 2;
    while hours < 23 {
        portal.advance(3600);
        hours += 1;
        used = refresh(&portal, &used).await.ok();
    }
    assert_eq!(used["refresh_expires_in"], 3600);
    portal.advance(3600);
    let over = refresh(&portal, &used).await;
    over.problem(401, "bad_refresh_token");
}

#[actix_web::test]
async fn no_access_token_lives_longer_than_a_sign_in_may_be_idle() {
    let flags = ["--session-idle-hours", "1", "--access-seconds", "86400"];
    let portal = Portal::with(&flags).await;
    let pair = portal.sign_in("editor", PASSWORD).await;
    assert_eq!(pair["expires_in"], 3600);
}

#[actix_web::test]
async fn one_sees_from_where_one_is_signed_in() {
    let portal = Portal::new().await;
    let body = json!({"login": "editor", "password": PASSWORD});
    let agent = format!("Trình duyệt\u{a0}{}", "x".repeat(300));
    let ask = portal.ask(Method::POST, "/v1/auth/login").json(&body);
    ask.raw_header("user-agent", agent.as_bytes())
        .send()
        .await
        .ok();
    portal.advance(10);
    let ask = portal.ask(Method::POST, "/v1/auth/login").json(&body);
    let long = "Mozilla/5.0 ".repeat(20);
    let pair = ask.header("user-agent", &long).send().await.ok();
    let user = holder(&portal, &pair);
    let list = user.get(SESSIONS).await.ok();
    let items = list["items"].as_array().unwrap();
    assert_eq!(items.len(), 2);
    assert_eq!(items[0]["current"], true);
    assert_eq!(items[1]["current"], false);
    assert_eq!(items[0]["address"], "203.0.113.7");
    assert_eq!(items[0]["last_used_at"], items[0]["created_at"]);
    assert_eq!(items[0]["user_agent"].as_str().unwrap().len(), 119);
    // What is no ASCII is not kept.
    assert_eq!(items[1]["user_agent"], Value::Null);
    portal.advance(60);
    let pair = refresh(&portal, &pair).await.ok();
    let list = holder(&portal, &pair).get(SESSIONS).await.ok();
    assert_ne!(
        list["items"][0]["last_used_at"],
        list["items"][0]["created_at"]
    );
}

#[actix_web::test]
async fn one_ends_a_sign_in_of_ones_own_and_nobody_elses() {
    let portal = Portal::new().await;
    let lost = portal.sign_in("editor", PASSWORD).await;
    portal.advance(10);
    let editor = portal.editor().await;
    let reporter = portal.reporter().await;
    let [own, other] = &ids(&editor).await[..] else {
        panic!("two sign-ins");
    };
    let path = format!("{SESSIONS}/{other}");
    delete(&reporter, &path).await.problem(404, "not_found");
    delete(&editor, &path).await.is(204);
    delete(&editor, &path).await.problem(404, "not_found");
    for nobody in ["x", "%20", "a.b", &"a".repeat(65)] {
        let path = format!("{SESSIONS}/{nobody}");
        delete(&editor, &path).await.problem(404, "not_found");
    }
    let dead = holder(&portal, &lost).get("/v1/auth/me").await;
    dead.problem(401, "unauthorized");
    let dead = refresh(&portal, &lost).await;
    dead.problem(401, "bad_refresh_token");
    assert_eq!(&ids(&editor).await, std::slice::from_ref(own));
}

#[actix_web::test]
async fn one_ends_all_others_and_stays() {
    let portal = Portal::new().await;
    let other = portal.sign_in("editor", PASSWORD).await;
    let reporter = portal.reporter().await;
    let editor = portal.editor().await;
    delete(&editor, SESSIONS).await.is(204);
    let dead = refresh(&portal, &other).await;
    dead.problem(401, "bad_refresh_token");
    assert_eq!(ids(&editor).await.len(), 1);
    assert_eq!(ids(&reporter).await.len(), 1);
}

#[actix_web::test]
async fn an_admin_signs_somebody_out_who_may_come_back() {
    let portal = Portal::new().await;
    let pair = portal.sign_in("editor", PASSWORD).await;
    let row = portal.row_of("editor").await;
    let path = format!("/v1/editorial/users/{}/sign-out", row["id"]);
    let admin = portal.admin().await;
    admin.ask(Method::POST, &path).send().await.is(204);
    let dead = holder(&portal, &pair).get("/v1/auth/me").await;
    dead.problem(401, "unauthorized");
    let dead = refresh(&portal, &pair).await;
    dead.problem(401, "bad_refresh_token");
    portal.sign_in("editor", PASSWORD).await;
    let none = admin.ask(Method::POST, "/v1/editorial/users/99/sign-out");
    none.send().await.problem(404, "not_found");
}

#[actix_web::test]
async fn an_admin_lets_a_locked_account_in_again() {
    let portal = Portal::with(&["--login-failures", "2"]).await;
    let wrong = json!({"login": "editor", "password": OTHER});
    let right = json!({"login": "editor", "password": PASSWORD});
    for _ in 0..2 {
        let answer = post(&portal, "/v1/auth/login", &wrong).await;
        answer.problem(401, "bad_credentials");
    }
    let locked = post(&portal, "/v1/auth/login", &right).await;
    locked.problem(429, "too_many_requests");
    assert_eq!(locked.header("retry-after"), "900");
    // A login that is nobody's is locked alike.
    let nobody = json!({"login": "khong.co", "password": OTHER});
    for _ in 0..2 {
        let answer = post(&portal, "/v1/auth/login", &nobody).await;
        answer.problem(401, "bad_credentials");
    }
    let alike = post(&portal, "/v1/auth/login", &nobody).await;
    alike.problem(429, "too_many_requests");
    assert_eq!(alike.header("retry-after"), "900");
    let row = portal.row_of("editor").await;
    let path = format!("/v1/editorial/users/{}/unlock", row["id"]);
    let admin = portal.admin().await;
    admin.ask(Method::POST, &path).send().await.is(204);
    post(&portal, "/v1/auth/login", &right).await.ok();
    let none = admin.ask(Method::POST, "/v1/editorial/users/99/unlock");
    none.send().await.problem(404, "not_found");
}

#[actix_web::test]
async fn whoever_was_given_a_password_changes_it_before_anything_else() {
    let portal = Portal::new().await;
    let path = newcomer(&portal).await;
    let admin = portal.admin().await;
    assert_eq!(admin.get(&path).await.ok()["must_change_password"], true);
    let pair = portal.sign_in("tho.le", PASSWORD).await;
    assert_eq!(pair["user"]["must_change_password"], true);
    let user = holder(&portal, &pair);
    let me = user.get("/v1/auth/me").await.ok();
    assert_eq!(me["must_change_password"], true);
    for path in [
        "/v1/editorial/articles",
        "/v1/editorial/categories",
        SESSIONS,
    ] {
        let refused = user.get(path).await;
        refused.problem(403, "password_change_required");
    }
    // Refreshing is no way round, and what is no choice is none.
    let pair = refresh(&portal, &pair).await.ok();
    let user = holder(&portal, &pair);
    let refused = user.get("/v1/editorial/articles").await;
    refused.problem(403, "password_change_required");
    let same = json!({"current_password": PASSWORD, "new_password": PASSWORD});
    let refused = user.post("/v1/auth/password", &same).await;
    let problem = refused.problem(422, "invalid");
    assert_eq!(problem["errors"][0]["pointer"], "/new_password");
    let own = json!({"current_password": PASSWORD, "new_password": OTHER});
    user.post("/v1/auth/password", &own).await.is(204);
    user.get("/v1/editorial/articles").await.ok();
    let me = user.get("/v1/auth/me").await.ok();
    assert_eq!(me["must_change_password"], false);
    assert_eq!(admin.get(&path).await.ok()["must_change_password"], false);
}

#[actix_web::test]
async fn one_may_sign_out_instead_of_changing_a_password() {
    let portal = Portal::new().await;
    newcomer(&portal).await;
    let pair = portal.sign_in("tho.le", PASSWORD).await;
    let user = holder(&portal, &pair);
    let out = user.ask(Method::POST, "/v1/auth/logout").send().await;
    out.is(204);
}

#[actix_web::test]
async fn a_password_that_an_admin_sets_is_the_users_own_only_for_the_admin() {
    let portal = Portal::new().await;
    for (login, must) in [("editor", true), ("admin", false)] {
        let row = portal.row_of(login).await;
        let path = format!("/v1/editorial/users/{}/password", row["id"]);
        let new = json!({"new_password": OTHER});
        let version = row["version"].as_i64().unwrap();
        let admin = portal.admin().await;
        let set = admin.post_at(&path, version, &new).await.ok();
        assert_eq!(set["must_change_password"], must, "{login}");
    }
}
