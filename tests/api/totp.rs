//! The second factor: set up, asked for, guessed at, lost.

use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::support::{Answer, PASSWORD, Portal, User};

const OTHER: &str = "bầy cò trắng về đồng";
const TOTP: &str = "/v1/auth/totp";
const CONFIRM: &str = "/v1/auth/totp/confirm";
const DISABLE: &str = "/v1/auth/totp/disable";
const RENEW: &str = "/v1/auth/totp/recovery-codes";

async fn with_code(user: &User<'_>, path: &str, code: &str) -> Answer {
    user.post(path, &json!({"code": code})).await
}

async fn with_password(user: &User<'_>, password: &str) -> Answer {
    user.post(TOTP, &json!({"current_password": password}))
        .await
}

fn holder<'a>(portal: &'a Portal, pair: &Value) -> User<'a> {
    let token = pair["access_token"].as_str().unwrap().to_owned();
    User { portal, token }
}

#[actix_web::test]
async fn a_code_is_asked_for_only_after_the_right_password() {
    let portal = Portal::new().await;
    let (app, _) = portal.editor().await.enrol().await;
    let answer = portal.login("editor").await;
    answer.problem(401, "second_factor_required");
    assert_eq!(answer.header("www-authenticate"), "Bearer");
    let code = app.code(&portal);
    for code in [&*code, &app.wrong(&portal)] {
        let answer = portal.login_with("editor", OTHER, code).await;
        answer.problem(401, "bad_credentials");
    }
    let wrong = app.wrong(&portal);
    let answer = portal.login_with("editor", PASSWORD, &wrong).await;
    answer.problem(401, "bad_second_factor");
    let spaced = format!("{} {}", &code[..3], &code[3..]);
    let pair = portal.login_with("editor", PASSWORD, &spaced).await.ok();
    holder(&portal, &pair)
        .get("/v1/editorial/articles")
        .await
        .ok();
    // The others are asked for nothing, and what they send beside counts for nothing.
    portal.login_with("reporter", PASSWORD, "123456").await.ok();
}

#[actix_web::test]
async fn a_code_is_good_once_and_only_in_its_time() {
    let portal = Portal::new().await;
    let (app, _) = portal.editor().await.enrol().await;
    let old = app.code_in(&portal, -30);
    let code = app.code(&portal);
    portal.login_with("editor", PASSWORD, &code).await.ok();
    // Neither the same again, nor an older one that would still be in time.
    for code in [&code, &old] {
        let answer = portal.login_with("editor", PASSWORD, code).await;
        answer.problem(401, "bad_second_factor");
    }
    let next = app.code_in(&portal, 30);
    portal.login_with("editor", PASSWORD, &next).await.ok();
    let late = app.code_in(&portal, 60);
    portal.advance(120);
    let answer = portal.login_with("editor", PASSWORD, &late).await;
    answer.problem(401, "bad_second_factor");
}

#[actix_web::test]
async fn of_many_who_send_one_code_at_once_one_gets_in() {
    let portal = Portal::with(&["--db-connections", "8"]).await;
    let (app, codes) = portal.editor().await.enrol().await;
    for code in [&app.code(&portal), &codes[0]] {
        let tries = (0..6).map(|_| portal.login_with("editor", PASSWORD, code));
        let answers = join_all(tries).await;
        let let_in = answers.iter().filter(|answer| answer.status == 200);
        assert_eq!(let_in.count(), 1);
        for answer in answers.iter().filter(|answer| answer.status != 200) {
            answer.problem(401, "bad_second_factor");
        }
    }
}

#[actix_web::test]
async fn whoever_has_the_password_alone_cannot_guess_on() {
    let portal = Portal::with(&["--login-failures", "3"]).await;
    let (app, _) = portal.editor().await.enrol().await;
    for _ in 0..3 {
        // The question does not give the guesses back.
        portal
            .login("editor")
            .await
            .problem(401, "second_factor_required");
        let wrong = app.wrong(&portal);
        let answer = portal.login_with("editor", PASSWORD, &wrong).await;
        answer.problem(401, "bad_second_factor");
    }
    let answer = portal
        .login_with("editor", PASSWORD, &app.code(&portal))
        .await;
    answer.problem(429, "too_many_requests");
    let admin = portal.admin().await;
    let refused = admin.get("/v1/editorial/audit/refused-sign-ins").await.ok();
    assert_eq!(refused["items"][0]["count"], 4, "{refused}");
    portal.advance(900);
    let code = app.code(&portal);
    portal.login_with("editor", PASSWORD, &code).await.ok();
}

#[actix_web::test]
async fn asking_for_the_code_is_no_failure() {
    let portal = Portal::with(&["--login-failures", "2"]).await;
    let (app, _) = portal.editor().await.enrol().await;
    for _ in 0..5 {
        portal
            .login("editor")
            .await
            .problem(401, "second_factor_required");
    }
    let code = app.code(&portal);
    portal.login_with("editor", PASSWORD, &code).await.ok();
}

#[actix_web::test]
async fn a_recovery_code_is_good_once_in_place_of_the_app() {
    let portal = Portal::new().await;
    let editor = portal.editor().await;
    let (app, codes) = editor.enrol().await;
    assert_eq!(codes.len(), 10);
    let typed = codes[3].to_uppercase().replace('-', " ");
    portal.login_with("editor", PASSWORD, &typed).await.ok();
    let again = portal.login_with("editor", PASSWORD, &codes[3]).await;
    again.problem(401, "bad_second_factor");
    let state = editor.get(TOTP).await.ok();
    assert_eq!(state["recovery_codes_left"], 9);
    // New ones void those that are left; they too are paid for with a code.
    let new = with_code(&editor, RENEW, &codes[4]).await.ok();
    assert_eq!(editor.get(TOTP).await.ok()["recovery_codes_left"], 10);
    let void = portal.login_with("editor", PASSWORD, &codes[5]).await;
    void.problem(401, "bad_second_factor");
    let new = new["recovery_codes"][0].as_str().unwrap();
    portal.login_with("editor", PASSWORD, new).await.ok();
    let wrong = with_code(&editor, RENEW, &app.wrong(&portal)).await;
    wrong.problem(401, "bad_second_factor");
    assert_eq!(editor.get(TOTP).await.ok()["recovery_codes_left"], 9);
}

#[actix_web::test]
async fn setting_it_up_needs_the_password_and_a_code_and_ends_other_sign_ins() {
    let portal = Portal::new().await;
    let other = portal.sign_in("editor", PASSWORD).await;
    let editor = portal.editor().await;
    let none = editor.get(TOTP).await.ok();
    let wanted = json!({
        "enabled": false, "setup_required": false, "recovery_codes_left": null
    });
    assert_eq!(none, wanted);
    with_code(&editor, CONFIRM, "123456")
        .await
        .problem(409, "second_factor_off");
    with_password(&editor, OTHER)
        .await
        .problem(401, "bad_credentials");
    let first = with_password(&editor, PASSWORD).await.ok();
    let url = first["otpauth_url"].as_str().unwrap();
    assert!(url.starts_with("otpauth://totp/"), "{url}");
    assert!(url.contains(":editor?secret="), "{url}");
    // Not confirmed: nothing is asked for, and the next secret replaces it.
    portal.login("editor").await.ok();
    let void = crate::support::app::App::reads(&first);
    let app = crate::support::app::App::reads(&with_password(&editor, PASSWORD).await.ok());
    for code in [
        &void.code(&portal),
        &app.wrong(&portal),
        "abcd-abcd-abcd-abcd",
    ] {
        let wrong = with_code(&editor, CONFIRM, code).await;
        wrong.problem(422, "invalid");
    }
    for code in ["", "12345", "chu-viet"] {
        with_code(&editor, CONFIRM, code)
            .await
            .problem(422, "invalid");
    }
    with_code(&editor, CONFIRM, &app.code(&portal)).await.ok();
    holder(&portal, &other)
        .get(TOTP)
        .await
        .problem(401, "unauthorized");
    assert_eq!(editor.get(TOTP).await.ok()["enabled"], true);
    // The code that confirmed is used up.
    let again = portal
        .login_with("editor", PASSWORD, &app.code(&portal))
        .await;
    again.problem(401, "bad_second_factor");
    with_password(&editor, PASSWORD)
        .await
        .problem(409, "second_factor_on");
    with_code(&editor, CONFIRM, "123456")
        .await
        .problem(409, "second_factor_on");
}

#[actix_web::test]
async fn turning_it_off_needs_a_code_and_guesses_count() {
    let portal = Portal::with(&["--login-failures", "2"]).await;
    let editor = portal.editor().await;
    with_code(&editor, DISABLE, "123456")
        .await
        .problem(409, "second_factor_off");
    with_code(&editor, RENEW, "123456")
        .await
        .problem(409, "second_factor_off");
    let (app, codes) = editor.enrol().await;
    for _ in 0..2 {
        let wrong = with_code(&editor, DISABLE, &app.wrong(&portal)).await;
        wrong.problem(401, "bad_second_factor");
    }
    let locked = with_code(&editor, DISABLE, &app.code(&portal)).await;
    locked.problem(429, "too_many_requests");
    let admin = portal.admin().await;
    let found = admin.get("/v1/editorial/users").await.ok();
    let user = found["items"].as_array().unwrap().iter();
    let user = user.clone().find(|user| user["login"] == "editor").unwrap();
    assert_eq!(user["second_factor"], true);
    let unlock = format!("/v1/editorial/users/{}/unlock", user["id"]);
    admin.post(&unlock, &Value::Null).await.is(204);
    with_code(&editor, DISABLE, &codes[0]).await.is(204);
    portal.login("editor").await.ok();
    // The secret and the codes are gone with it.
    let (_, _) = editor.enrol().await;
    let void = portal.login_with("editor", PASSWORD, &codes[1]).await;
    void.problem(401, "bad_second_factor");
}

#[actix_web::test]
async fn a_role_may_demand_it_before_anything_else() {
    let portal = Portal::with(&["--totp-roles", "editor, admin"]).await;
    let pair = portal.sign_in("editor", PASSWORD).await;
    assert_eq!(pair["user"]["must_set_up_second_factor"], true);
    let editor = holder(&portal, &pair);
    let me = editor.get("/v1/auth/me").await.ok();
    assert_eq!(me["must_set_up_second_factor"], true);
    for path in [
        "/v1/editorial/articles",
        "/v1/auth/sessions",
        "/v1/auth/tokens",
    ] {
        let answer = editor.get(path).await;
        answer.problem(403, "second_factor_setup_required");
    }
    assert_eq!(editor.get(TOTP).await.ok()["setup_required"], true);
    let (app, codes) = editor.enrol().await;
    editor.get("/v1/editorial/articles").await.ok();
    assert_eq!(editor.get(TOTP).await.ok()["setup_required"], false);
    let token = editor.token(&["read:drafts"]).await;
    let token = portal.bearer(&token);
    token.get("/v1/editorial/articles").await.ok();
    let code = app.code(&portal);
    let pair = portal.login_with("editor", PASSWORD, &code).await.ok();
    assert_eq!(pair["user"]["must_set_up_second_factor"], false);
    // Whoever turns it off is shut out again, tokens and all.
    with_code(&editor, DISABLE, &codes[0]).await.is(204);
    for user in [&editor, &token] {
        let answer = user.get("/v1/editorial/articles").await;
        answer.problem(403, "second_factor_setup_required");
    }
    portal
        .reporter()
        .await
        .get("/v1/editorial/articles")
        .await
        .ok();
}

#[actix_web::test]
async fn the_first_password_is_changed_before_the_second_factor_is_set_up() {
    let portal = Portal::with(&["--totp-roles", "editor"]).await;
    let admin = portal.admin().await;
    let user =
        json!({"login": "tho.le", "name": "Lê Thơ", "roles": ["editor"], "password": PASSWORD});
    admin.post("/v1/editorial/users", &user).await.created();
    let user = holder(&portal, &portal.sign_in("tho.le", PASSWORD).await);
    with_password(&user, PASSWORD)
        .await
        .problem(403, "password_change_required");
    let change = json!({"current_password": PASSWORD, "new_password": OTHER});
    user.post("/v1/auth/password", &change).await.is(204);
    user.get("/v1/editorial/articles")
        .await
        .problem(403, "second_factor_setup_required");
    with_password(&user, OTHER).await.ok();
}

#[actix_web::test]
async fn an_admin_turns_it_off_for_who_has_lost_everything() {
    let portal = Portal::new().await;
    let editor = portal.editor().await;
    editor.enrol().await;
    let admin = portal.admin().await;
    let users = admin.get("/v1/editorial/users").await.ok();
    let mut users = users["items"].as_array().unwrap().iter();
    let user = users.find(|user| user["login"] == "editor").unwrap();
    let (version, id) = (user["version"].as_i64().unwrap(), &user["id"]);
    let reset = format!("/v1/editorial/users/{id}/totp/reset");
    admin
        .post(&reset, &Value::Null)
        .await
        .problem(428, "precondition_required");
    let stale = admin.post_at(&reset, version - 1, &Value::Null).await;
    stale.problem(412, "version_mismatch");
    let before = portal.newest_audit_row().await;
    let after = admin.post_at(&reset, version, &Value::Null).await.ok();
    assert_eq!(after["second_factor"], false);
    assert_eq!(after["version"], version + 1);
    assert_eq!(portal.audited_since(before).await, ["user reset_totp"]);
    editor.get(TOTP).await.problem(401, "unauthorized");
    portal.login("editor").await.ok();
    // Again is no fault, and no change.
    let again = admin.post_at(&reset, version + 1, &Value::Null).await.ok();
    assert_eq!(again["version"], version + 1);
}

#[actix_web::test]
async fn the_audit_log_tells_what_was_proven() {
    let portal = Portal::new().await;
    let before = portal.newest_audit_row().await;
    let editor = portal.editor().await;
    let (app, codes) = editor.enrol().await;
    portal
        .login_with("editor", PASSWORD, &app.code(&portal))
        .await
        .ok();
    portal.login_with("editor", PASSWORD, &codes[0]).await.ok();
    with_code(&editor, RENEW, &codes[1]).await.ok();
    portal.advance(30);
    with_code(&editor, DISABLE, &app.code(&portal))
        .await
        .is(204);
    let wanted = [
        "user login",
        "user start_totp",
        "user enable_totp",
        "user login",
        "user login",
        "user renew_recovery_codes",
        "user disable_totp",
    ];
    assert_eq!(portal.audited_since(before).await, wanted);
    let admin = portal.admin().await;
    let rows = admin
        .get("/v1/editorial/audit?action=login&limit=3")
        .await
        .ok();
    let text = rows.to_string();
    assert!(
        text.contains("recovery_code") && text.contains("second_factor"),
        "{text}"
    );
    for code in &codes {
        assert!(!text.contains(code.as_str()));
    }
}
