//! Invitations: users choose their password themselves, by a link that is good once.

use actix_web::http::Method;
use bantin::store::db::Address;
use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::support::{Answer, PASSWORD, Portal, User};

const USERS: &str = "/v1/editorial/users";
const HOUR: i64 = 3600;

async fn invite(admin: &User<'_>, roles: &[&str]) -> Value {
    let user = json!({"login": "tho.le", "name": "Lê Thơ", "roles": roles});
    admin.post(USERS, &user).await.created()
}

fn token(user: &Value) -> String {
    user["invitation"]["token"].as_str().unwrap().to_owned()
}

fn path(user: &Value) -> String {
    format!("{USERS}/{}", user["id"])
}

async fn accept(portal: &Portal, token: &str) -> Answer {
    let body = json!({"token": token, "new_password": PASSWORD});
    let ask = portal.ask(Method::POST, "/v1/auth/invitation").json(&body);
    ask.send().await
}

async fn sign_in(portal: &Portal) -> Answer {
    let body = json!({"login": "tho.le", "password": PASSWORD});
    portal
        .ask(Method::POST, "/v1/auth/login")
        .json(&body)
        .send()
        .await
}

#[actix_web::test]
async fn an_invited_user_chooses_a_password_and_signs_in() {
    let page = "https://editor.example.vn/invite#{token}";
    let portal = Portal::with(&["--invite-url", page]).await;
    let admin = portal.admin().await;
    let user = invite(&admin, &["reporter"]).await;
    let url = page.replace("{token}", &token(&user));
    assert_eq!(user["invitation"]["url"], url);
    assert_eq!(user["has_password"], false);
    let shown = admin.get(&path(&user)).await;
    assert!(shown.ok().get("invitation").is_none());
    sign_in(&portal).await.problem(401, "bad_credentials");
    accept(&portal, &token(&user)).await.is(204);
    sign_in(&portal).await.ok();
    let row = admin.get(&path(&user)).await.ok();
    assert_eq!(
        (&row["has_password"], &row["version"]),
        (&json!(true), &json!(2))
    );
    // Good once.
    let again = accept(&portal, &token(&user)).await;
    again.problem(401, "bad_invitation");
}

#[actix_web::test]
async fn an_invitation_is_open_for_three_days() {
    let portal = Portal::new().await;
    let user = invite(&portal.admin().await, &["reporter"]).await;
    assert_eq!(user["invitation"]["url"], Value::Null);
    portal.advance(72 * HOUR);
    let late = accept(&portal, &token(&user)).await;
    late.problem(401, "bad_invitation");
    let answer = portal.admin().await;
    let renewed = format!("{}/invitation", path(&user));
    let renewed = answer.post_at(&renewed, 1, &Value::Null).await.ok();
    portal.advance(72 * HOUR - 1);
    accept(&portal, &token(&renewed)).await.is(204);
}

#[actix_web::test]
async fn a_new_invitation_a_new_password_and_disabling_void_the_old_one() {
    let portal = Portal::new().await;
    let admin = portal.admin().await;
    let first = invite(&admin, &["reporter"]).await;
    let place = format!("{}/invitation", path(&first));
    let answer = admin.post(&place, &json!({})).await;
    answer.problem(428, "precondition_required");
    let second = admin.post_at(&place, 1, &Value::Null).await.ok();
    accept(&portal, &token(&first))
        .await
        .problem(401, "bad_invitation");

    let body = json!({"new_password": "bầy cò trắng về đồng"});
    let set = format!("{}/password", path(&first));
    admin.post_at(&set, 1, &body).await.ok();
    accept(&portal, &token(&second))
        .await
        .problem(401, "bad_invitation");

    let third = admin.post_at(&place, 2, &Value::Null).await.ok();
    let off = json!({"disabled": true});
    admin.patch(&path(&first), 2, &off).await.ok();
    accept(&portal, &token(&third))
        .await
        .problem(401, "bad_invitation");
    let answer = admin.post_at(&place, 3, &Value::Null).await;
    answer.problem(409, "no_sign_in");
    let on = json!({"disabled": false});
    admin.patch(&path(&first), 3, &on).await.ok();
    accept(&portal, &token(&third))
        .await
        .problem(401, "bad_invitation");
}

#[actix_web::test]
async fn two_at_once_with_one_link_are_one_too_many() {
    let portal = Portal::new().await;
    let user = invite(&portal.admin().await, &["reporter"]).await;
    let secret = token(&user);
    let tries = (0..4).map(|_| accept(&portal, &secret));
    let mut statuses: Vec<u16> = join_all(tries).await.iter().map(|a| a.status).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [204, 401, 401, 401]);
}

#[actix_web::test]
async fn who_has_not_accepted_is_not_the_last_admin() {
    let portal = Portal::new().await;
    let admin = portal.admin().await;
    let invited = invite(&admin, &["admin"]).await;
    let me = path(&portal.row_of("admin").await);
    let off = json!({"disabled": true});
    admin.patch(&me, 1, &off).await.problem(409, "last_admin");
    accept(&portal, &token(&invited)).await.is(204);
    admin.patch(&me, 1, &off).await.ok();
}

#[actix_web::test]
async fn an_invitation_is_shown_once_and_only_its_digest_is_stored() {
    let portal = Portal::new().await;
    let admin = portal.admin().await;
    let user = json!({"login": "tho.le", "name": "Lê Thơ", "roles": ["reporter"]});
    let ask = async || {
        let ask = admin.ask(Method::POST, USERS).json(&user);
        ask.header("idempotency-key", "k1").send().await
    };
    let first = ask().await;
    let secret = token(&first.created());
    let again = ask().await;
    again.problem(409, "secret_already_shown");
    assert_eq!(again.header("location"), first.header("location"));
    if let Address::Sqlite(path) = portal.ctx.db.address() {
        for end in ["", "-wal"] {
            let bytes = std::fs::read(format!("{}{end}", path.display())).unwrap();
            let found = bytes
                .windows(secret.len())
                .any(|at| at == secret.as_bytes());
            assert!(!found, "the secret is in the database");
        }
    }
}

#[actix_web::test]
async fn guessing_is_slowed_down_and_a_service_is_not_invited() {
    let portal = Portal::with(&["--login-failures-address", "2"]).await;
    let admin = portal.admin().await;
    let robot =
        json!({"login": "may.anh", "name": "Máy", "roles": ["reporter"], "kind": "service"});
    let robot = admin.post(USERS, &robot).await.created();
    assert!(robot.get("invitation").is_none());
    let place = format!("{}/invitation", path(&robot));
    let answer = admin.post_at(&place, 1, &Value::Null).await;
    answer.problem(409, "no_sign_in");
    let user = invite(&admin, &["reporter"]).await;
    for _ in 0..2 {
        accept(&portal, "khong-co")
            .await
            .problem(401, "bad_invitation");
    }
    let answer = accept(&portal, &token(&user)).await;
    answer.problem(429, "too_many_requests");
    portal.advance(15 * 60);
    accept(&portal, &token(&user)).await.is(204);
}

#[actix_web::test]
async fn a_refused_invitation_is_counted_among_the_refused_sign_ins() {
    let portal = Portal::with(&["--login-failures-address", "2"]).await;
    let user = invite(&portal.admin().await, &["reporter"]).await;
    for wrong in ["x".repeat(43), "y".repeat(43)] {
        let answer = accept(&portal, &wrong).await;
        answer.problem(401, "bad_invitation");
    }
    accept(&portal, &token(&user)).await.is(429);
    portal.advance(1800);
    let refused = "/v1/editorial/audit/refused-sign-ins";
    let list = portal.admin().await.get(refused).await.ok();
    let row = json!({"minute": "2026-03-21T09:00:00+07:00", "account": null,
        "address": "203.0.113.7", "count": 3});
    assert_eq!(list["items"], json!([row]));
}
