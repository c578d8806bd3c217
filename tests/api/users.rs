//! Users, as an admin manages them.

use actix_web::http::Method;
use serde_json::{Value, json};

use crate::support::{PASSWORD, Portal, User};

const USERS: &str = "/v1/editorial/users";
const OTHER: &str = "bầy cò trắng về đồng";

fn new_user(login: &str) -> Value {
    json!({"login": login, "name": "Lê Thơ", "roles": ["reporter"], "password": PASSWORD})
}

fn path_of(user: &Value) -> String {
    format!("{USERS}/{}", user["id"])
}

fn version_of(user: &Value) -> i64 {
    user["version"].as_i64().unwrap()
}

async fn count(admin: &User<'_>) -> i64 {
    let list = admin.get(&format!("{USERS}?count=true")).await.ok();
    list["count"].as_i64().unwrap()
}

#[actix_web::test]
async fn an_admin_makes_reads_and_changes_a_user() {
    let portal = Portal::new().await;
    let admin = portal.admin().await;
    let answer = admin.post(USERS, &new_user("tho.le")).await;
    let user = answer.created();
    assert!(answer.header("location").ends_with(&path_of(&user)));
    assert_eq!(answer.header("etag"), "\"1\"");
    assert_eq!(user["disabled_at"], Value::Null);
    assert_eq!(
        user["content"],
        json!({"name": "Lê Thơ", "email": null, "roles": ["reporter"], "categories": null, "disabled": false})
    );
    assert_eq!(admin.get(&path_of(&user)).await.ok(), user);
    portal.sign_in("tho.le", PASSWORD).await;

    let content = json!({"name": "Lê Thơ", "email": null, "roles": ["admin", "editor"], "categories": null, "disabled": false});
    let user = admin.put(&path_of(&user), 1, &content).await.ok();
    assert_eq!(user["content"]["roles"], json!(["editor", "admin"]));
    let patch = json!({"disabled": true});
    let user = admin.patch(&path_of(&user), 2, &patch).await.ok();
    assert_eq!(user["version"], 3);
    assert!(user["disabled_at"].is_string());
    assert_eq!(user["content"]["name"], "Lê Thơ");
}

#[actix_web::test]
async fn a_replacement_says_everything_so_that_no_limit_falls_by_silence() {
    let portal = Portal::new().await;
    let slug = portal.news().await;
    let admin = portal.admin().await;
    let limited =
        json!({"login": "tho.le", "name": "Lê Thơ", "roles": ["editor"], "categories": [slug]});
    let user = admin.post(USERS, &limited).await.created();
    let whole = user["content"].clone();
    for field in ["name", "email", "roles", "categories", "disabled"] {
        let mut short = whole.clone();
        short.as_object_mut().unwrap().remove(field);
        let answer = admin.put(&path_of(&user), 1, &short).await;
        answer.faults(422, "invalid", &[&format!("/{field} required")]);
    }
    // A patch leaves alone what it does not name.
    let patch = json!({"name": "Lê Thơ Mới"});
    let user = admin.patch(&path_of(&user), 1, &patch).await.ok();
    assert_eq!(user["content"]["categories"], json!([slug]));
}

#[actix_web::test]
async fn the_audit_log_tells_which_roles_a_user_was_given() {
    let portal = Portal::new().await;
    let slug = portal.news().await;
    let admin = portal.admin().await;
    let user = admin.post(USERS, &new_user("tho.le")).await.created();
    let patch = json!({"roles": ["publisher"], "categories": [slug]});
    admin.patch(&path_of(&user), 1, &patch).await.ok();
    let path = format!(
        "/v1/editorial/audit?object_type=user&object_id={}",
        user["id"]
    );
    let rows = admin.get(&path).await.ok();
    let told: Vec<Value> = (0..2)
        .map(|n| rows["items"][n]["details"].clone())
        .collect();
    assert_eq!(
        told,
        [
            json!({"name": "Lê Thơ", "email": null, "roles": ["publisher"], "categories": [slug], "disabled": false}),
            json!({"name": "Lê Thơ", "email": null, "roles": ["reporter"], "categories": null, "disabled": false}),
        ]
    );
}

#[actix_web::test]
async fn users_are_listed_by_pages() {
    let portal = Portal::new().await;
    let admin = portal.admin().await;
    let first = admin.get(&format!("{USERS}?limit=3&count=true")).await;
    let page = first.ok();
    assert_eq!(page["count"], 4);
    assert_eq!(page["items"].as_array().unwrap().len(), 3);
    let cursor = page["next"].as_str().unwrap();
    assert!(first.header("link").contains(cursor));
    let rest = admin
        .get(&format!("{USERS}?limit=3&cursor={cursor}"))
        .await
        .ok();
    assert_eq!(rest["items"].as_array().unwrap().len(), 1);
    assert_eq!(rest["next"], Value::Null);
    assert!(rest.get("count").is_none());
}

#[actix_web::test]
async fn nobody_is_deleted() {
    let portal = Portal::new().await;
    let admin = portal.admin().await;
    let answer = admin.delete(&format!("{USERS}/1"), 1).await;
    answer.problem(405, "method_not_allowed");
    let allow = answer.header("allow");
    assert!(
        allow.contains("PATCH") && !allow.contains("DELETE"),
        "{allow}"
    );
    assert_eq!(count(&admin).await, 4);
}

#[actix_web::test]
async fn the_last_admin_stays() {
    let portal = Portal::new().await;
    let admin = portal.admin().await;
    let me = portal.row_of("admin").await;
    for patch in [json!({"disabled": true}), json!({"roles": ["publisher"]})] {
        let answer = admin.patch(&path_of(&me), 1, &patch).await;
        answer.problem(409, "last_admin");
    }
    // One who cannot sign in is none.
    let second = json!({"login": "second", "name": "B", "roles": ["admin"], "password": PASSWORD});
    let second = admin.post(USERS, &second).await.created();
    let off = json!({"disabled": true});
    admin.patch(&path_of(&second), 1, &off).await.ok();
    let answer = admin.patch(&path_of(&me), 1, &off).await;
    answer.problem(409, "last_admin");

    let on = json!({"disabled": false});
    admin.patch(&path_of(&second), 2, &on).await.ok();
    admin.patch(&path_of(&me), 1, &off).await.ok();
    admin.get(USERS).await.problem(401, "unauthorized");
}

#[actix_web::test]
async fn every_fault_of_a_user_is_named_at_once() {
    let portal = Portal::new().await;
    let admin = portal.admin().await;
    let body = json!({"login": "Tho Le", "name": "", "roles": ["king"], "age": 7});
    admin.post(USERS, &body).await.faults(
        422,
        "invalid",
        &[
            "/login bad_format",
            "/name too_short",
            "/roles/0 unknown_value",
            "/age unknown_field",
        ],
    );
    for (roles, fault) in [
        (json!([]), "/roles too_short"),
        (json!(["editor", "editor"]), "/roles duplicate"),
        (json!("editor"), "/roles wrong_type"),
        (json!(null), "/roles required"),
    ] {
        let patch = json!({"roles": roles});
        let answer = admin.patch(&format!("{USERS}/1"), 1, &patch).await;
        answer.faults(422, "invalid", &[fault]);
    }
    let answer = admin
        .patch(&format!("{USERS}/1"), 1, &json!({"login": "new"}))
        .await;
    answer.faults(422, "invalid", &["/login unknown_field"]);
    assert_eq!(count(&admin).await, 4);
}

#[actix_web::test]
async fn a_password_that_is_too_easy_is_not_taken() {
    let portal = Portal::new().await;
    let admin = portal.admin().await;
    for (easy, fault) in [
        ("ngắn", "too_short"),
        ("aaaaaaaaaaaaaaaa", "bad_format"),
        ("Password123456789", "bad_format"),
    ] {
        let mut user = new_user("tho.le");
        user["password"] = json!(easy);
        let answer = admin.post(USERS, &user).await;
        answer.faults(422, "invalid", &[&format!("/password {fault}")]);
        let body = json!({"new_password": easy});
        let answer = admin
            .post_at(&format!("{USERS}/1/password"), 1, &body)
            .await;
        answer.faults(422, "invalid", &[&format!("/new_password {fault}")]);
    }
    assert_eq!(count(&admin).await, 4);
    portal.sign_in("reporter", PASSWORD).await;
}

#[actix_web::test]
async fn a_login_is_given_once() {
    let portal = Portal::new().await;
    let admin = portal.admin().await;
    let taken = admin.post(USERS, &new_user("editor")).await;
    taken.problem(409, "login_taken");
    // Those of disabled users too: content keeps its author.
    let off = json!({"disabled": true});
    let editor = portal.row_of("editor").await;
    admin.patch(&path_of(&editor), 1, &off).await.ok();
    let taken = admin.post(USERS, &new_user("editor")).await;
    taken.problem(409, "login_taken");
}

#[actix_web::test]
async fn a_change_needs_the_version_that_it_is_based_on() {
    let portal = Portal::new().await;
    let admin = portal.admin().await;
    let path = path_of(&portal.row_of("editor").await);
    let patch = json!({"name": "Lê Thơ"});
    for if_match in [None, Some("*")] {
        let mut ask = admin.ask(Method::PATCH, &path).json(&patch);
        if let Some(value) = if_match {
            ask = ask.header("if-match", value);
        }
        let problem = ask.send().await.problem(428, "precondition_required");
        assert_eq!(problem["current_version"], 1);
    }
    for if_match in ["\"2\"", "W/\"1\"", "\"1\", \"2\"", "1", "\"01\""] {
        let ask = admin.ask(Method::PATCH, &path).json(&patch);
        let answer = ask.header("if-match", if_match).send().await;
        let problem = answer.problem(412, "version_mismatch");
        assert_eq!(problem["current_version"], 1);
        assert_eq!(answer.header("etag"), "\"1\"");
    }
    let user = admin.patch(&path, 1, &patch).await.ok();
    assert_eq!(user["version"], 2);
    // The same content again is no change, whatever it is based on.
    let same = admin.put(&path, 1, &user["content"]).await.ok();
    assert_eq!(same, user);
}

#[actix_web::test]
async fn a_new_password_from_the_admin_replaces_the_old_one() {
    let portal = Portal::new().await;
    let admin = portal.admin().await;
    let editor = portal.row_of("editor").await;
    let path = format!("{}/password", path_of(&editor));
    let body = json!({"new_password": OTHER});
    admin
        .post(&path, &body)
        .await
        .problem(428, "precondition_required");
    admin
        .post_at(&path, 7, &body)
        .await
        .problem(412, "version_mismatch");
    let user = admin.post_at(&path, version_of(&editor), &body).await.ok();
    assert_eq!(user["version"], version_of(&editor) + 1);
    portal.sign_in("editor", OTHER).await;
}

#[actix_web::test]
async fn a_repeated_request_makes_one_user() {
    let portal = Portal::new().await;
    let admin = portal.admin().await;
    let make = |body: Value| {
        let ask = admin.ask(Method::POST, USERS).json(&body);
        ask.header("idempotency-key", "k1").send()
    };
    let first = make(new_user("tho.le")).await.created();
    let again = make(new_user("tho.le")).await.created();
    assert_eq!(first, again);
    let other = make(new_user("other")).await;
    other.problem(422, "idempotency_mismatch");
    assert_eq!(count(&admin).await, 5);
}

#[actix_web::test]
async fn nobody_else_sees_or_changes_users() {
    let portal = Portal::new().await;
    for login in ["reporter", "editor", "publisher"] {
        let user = portal.user(login).await;
        user.get(USERS).await.problem(403, "forbidden");
        let own = path_of(&portal.row_of(login).await);
        user.get(&own).await.problem(403, "forbidden");
        let grab = json!({"roles": ["admin"]});
        user.patch(&own, 1, &grab).await.problem(403, "forbidden");
        // Nobody learns of field errors who may not write.
        let answer = user.post(USERS, &json!({"x": 1})).await;
        answer.problem(403, "forbidden");
    }
    portal.get(USERS).await.problem(401, "unauthorized");
    assert_eq!(count(&portal.admin().await).await, 4);
}

#[actix_web::test]
async fn what_cannot_be_an_id_is_not_found() {
    let portal = Portal::new().await;
    let admin = portal.admin().await;
    for id in [
        "999",
        "0",
        "-1",
        "01",
        "+1",
        "1.0",
        "abc",
        "9007199254740992",
    ] {
        let answer = admin.get(&format!("{USERS}/{id}")).await;
        answer.problem(404, "not_found");
    }
}
