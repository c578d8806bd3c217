//! API tokens: how they look, who makes them, and when they stop.

use actix_web::http::Method;
use bantin::store::db::Address;
use serde_json::{Value, json};

use crate::support::sample::content;
use crate::support::{Answer, PASSWORD, Portal, User};

const OWN: &str = "/v1/auth/tokens";
const ALL: &str = "/v1/editorial/tokens";
const USERS: &str = "/v1/editorial/users";
const ARTICLES: &str = "/v1/editorial/articles";
const DAY: i64 = 24 * 60 * 60;

fn input(portal: &Portal, seconds: i64) -> Value {
    let expires_at = portal.ctx.now().plus_seconds(seconds);
    json!({"name": "Máy quét", "scopes": ["read:drafts"], "expires_at": expires_at})
}

async fn service(admin: &User<'_>, login: &str, roles: &[&str]) -> Value {
    let user = json!({"login": login, "name": "Máy chủ", "roles": roles, "kind": "service"});
    admin.post(USERS, &user).await.created()
}

async fn service_token(admin: &User<'_>, user: &Value, scopes: &[&str]) -> Value {
    let body = json!({"user_id": user["id"], "name": "Hằng ngày", "scopes": scopes});
    admin.post(ALL, &body).await.created()
}

/// A token that is refused, and how.
fn refused(answer: &Answer) {
    answer.problem(401, "unauthorized");
    let said = answer.header("www-authenticate");
    assert_eq!(said, "Bearer error=\"invalid_token\"");
}

#[actix_web::test]
async fn a_token_is_made_shown_once_used_and_revoked() {
    let portal = Portal::new().await;
    let news = portal.news().await;
    let editor = portal.editor().await;
    let answer = editor.post(OWN, &input(&portal, DAY)).await;
    let token = answer.created();
    let place = format!("{OWN}/{}", token["id"]);
    assert!(answer.header("location").ends_with(&place));
    let secret = token["secret"].as_str().unwrap();
    assert!(secret.starts_with("bantin_pat_") && secret.len() == 50);
    assert!(secret.ends_with(token["hint"].as_str().unwrap()));
    for path in [OWN, &place] {
        let shown = editor.get(path).await;
        shown.ok();
        assert!(!shown.text().contains(secret), "{path}");
    }
    let bearer = portal.bearer(&token);
    bearer.get(ARTICLES).await.ok();
    let answer = bearer.post(ARTICLES, &content("Bài", &news)).await;
    answer.problem(403, "insufficient_scope");
    editor.ask(Method::DELETE, &place).send().await.is(204);
    refused(&bearer.get(ARTICLES).await);
    let row = editor.get(&place).await.ok();
    assert!(row["revoked_at"].is_string());
    // Revoking again changes nothing, the time of it included.
    portal.advance(60);
    let editor = portal.editor().await;
    editor.ask(Method::DELETE, &place).send().await.is(204);
    let again = editor.get(&place).await.ok();
    assert_eq!(again["revoked_at"], row["revoked_at"]);
}

#[actix_web::test]
async fn what_a_token_writes_has_its_user_as_author() {
    let portal = Portal::new().await;
    let news = portal.news().await;
    let reporter = portal.reporter().await;
    let token = reporter.token(&["write:articles", "read:drafts"]).await;
    let bearer = portal.bearer(&token);
    let article = bearer.post(ARTICLES, &content("Bài", &news)).await;
    let article = article.created();
    // A reporter sees only their own.
    let path = format!("{ARTICLES}/{}", article["id"]);
    assert_eq!(reporter.get(&path).await.ok()["id"], article["id"]);
    bearer.get(&path).await.ok();
}

#[actix_web::test]
async fn only_a_digest_is_stored() {
    let portal = Portal::new().await;
    let token = portal.editor().await.token(&["read:drafts"]).await;
    let secret = token["secret"].as_str().unwrap();
    let body = secret.trim_start_matches("bantin_pat_");
    let Address::Sqlite(path) = portal.ctx.db.address() else {
        return;
    };
    for end in ["", "-wal"] {
        let file = format!("{}{end}", path.display());
        let bytes = std::fs::read(&file).unwrap();
        for part in [secret, &body[..20]] {
            let found = bytes.windows(part.len()).any(|at| at == part.as_bytes());
            assert!(!found, "{part} is in {file}");
        }
    }
}

#[actix_web::test]
async fn a_mistyped_token_is_refused_without_asking_the_database() {
    let portal = Portal::new().await;
    let token = portal.editor().await.token(&["read:drafts"]).await;
    let secret = token["secret"].as_str().unwrap().to_owned();
    let mut bad = vec![
        format!("{secret}A"),
        secret.replace("_pat_", "_svc_"),
        secret.to_uppercase(),
        "bantin_".to_owned(),
        format!("bantin_pat_{}", "0".repeat(39)),
    ];
    for at in [11, 20, 44, 49] {
        let other = if secret[at..=at] == *"a" { "b" } else { "a" };
        bad.push(format!("{}{other}{}", &secret[..at], &secret[at + 1..]));
    }
    for token in bad {
        let who = bantin::service::tokens::who(&portal.ctx, &token).await;
        assert!(who.unwrap().is_none(), "{token}");
        let user = User {
            portal: &portal,
            token,
        };
        refused(&user.get(ARTICLES).await);
    }
}

#[actix_web::test]
async fn a_token_expires() {
    let portal = Portal::new().await;
    let token = portal.editor().await.post(OWN, &input(&portal, DAY)).await;
    let bearer = portal.bearer(&token.created());
    portal.advance(DAY - 1);
    bearer.get(ARTICLES).await.ok();
    portal.advance(1);
    refused(&bearer.get(ARTICLES).await);
}

#[actix_web::test]
async fn a_disabled_user_s_tokens_stop_at_once() {
    let portal = Portal::new().await;
    let admin = portal.admin().await;
    let token = portal.editor().await.token(&["read:drafts"]).await;
    let bearer = portal.bearer(&token);
    bearer.get(ARTICLES).await.ok();
    let editor = portal.row_of("editor").await;
    let path = format!("{USERS}/{}", editor["id"]);
    let off = json!({"disabled": true});
    admin.patch(&path, 1, &off).await.ok();
    refused(&bearer.get(ARTICLES).await);
}

#[actix_web::test]
async fn a_role_that_is_taken_away_is_missing_with_the_next_request() {
    let portal = Portal::new().await;
    let world = crate::support::operations::World::new(&portal).await;
    let admin = portal.admin().await;
    let token = portal.publisher().await.token(&["publish:articles"]).await;
    let bearer = portal.bearer(&token);
    let path = format!("{ARTICLES}/{}/withdraw", world.article["id"]);
    let body = json!({"note": "Nhầm ngày"});
    bearer
        .post(&path, &body)
        .await
        .problem(428, "precondition_required");
    let row = portal.row_of("publisher").await;
    let path_of = format!("{USERS}/{}", row["id"]);
    admin
        .patch(&path_of, 1, &json!({"roles": ["editor"]}))
        .await
        .ok();
    bearer.post(&path, &body).await.problem(403, "forbidden");
}

#[actix_web::test]
async fn every_fault_of_a_token_is_named_at_once() {
    let portal = Portal::new().await;
    let (editor, admin) = (portal.editor().await, portal.admin().await);
    let body = json!({"name": "", "scopes": ["read:drafts", "write:all"], "more": 1});
    editor.post(OWN, &body).await.faults(
        422,
        "invalid",
        &[
            "/name too_short",
            "/scopes/1 unknown_value",
            "/expires_at required",
            "/more unknown_field",
        ],
    );
    for (scopes, fault) in [
        (json!([]), "/scopes too_short"),
        (json!(["read:drafts", "read:drafts"]), "/scopes duplicate"),
    ] {
        let mut body = input(&portal, DAY);
        body["scopes"] = scopes;
        let answer = editor.post(OWN, &body).await;
        answer.faults(422, "invalid", &[fault]);
    }
    for seconds in [0, -1, 366 * DAY + 1] {
        let answer = editor.post(OWN, &input(&portal, seconds)).await;
        answer.faults(422, "invalid", &["/expires_at out_of_range"]);
    }
    editor.post(OWN, &input(&portal, 366 * DAY)).await.created();
    // A person makes their own; and somebody has to be there.
    for (user, fault) in [(json!(1), "conflict"), (json!(999), "not_found")] {
        let body = json!({"user_id": user, "name": "Máy", "scopes": ["read:drafts"]});
        let answer = admin.post(ALL, &body).await;
        answer.faults(422, "invalid", &[&format!("/user_id {fault}")]);
    }
    let list = admin.get(ALL).await.ok();
    assert_eq!(list["items"].as_array().unwrap().len(), 1);
}

#[actix_web::test]
async fn a_service_has_tokens_and_no_password() {
    let portal = Portal::new().await;
    let admin = portal.admin().await;
    let user = service(&admin, "may.anh", &["reporter"]).await;
    assert_eq!(user["kind"], "service");
    let token = service_token(&admin, &user, &["read:drafts"]).await;
    let secret = token["secret"].as_str().unwrap();
    assert!(secret.starts_with("bantin_svc_"), "{secret}");
    assert_eq!(token["expires_at"], Value::Null);
    portal.bearer(&token).get(ARTICLES).await.ok();
    portal.advance(1000 * DAY);
    portal.bearer(&token).get(ARTICLES).await.ok();

    let admin = portal.admin().await;
    let path = format!("{USERS}/{}/password", user["id"]);
    let answer = admin
        .post_at(&path, 1, &json!({"new_password": PASSWORD}))
        .await;
    answer.problem(409, "no_sign_in");
    for password in ["", " ", PASSWORD] {
        let body = json!({"login": "may.anh", "password": password});
        let answer = portal.ask(Method::POST, "/v1/auth/login").json(&body);
        assert!(matches!(answer.send().await.status, 401 | 422));
    }
    let both = json!({"login": "may.hai", "name": "M", "roles": ["editor"], "kind": "service", "password": PASSWORD});
    let answer = admin.post(USERS, &both).await;
    answer.faults(422, "invalid", &["/password conflict"]);
}

#[actix_web::test]
async fn a_service_is_not_the_last_admin() {
    let portal = Portal::new().await;
    let admin = portal.admin().await;
    let robot = service(&admin, "may.chu", &["admin"]).await;
    let me = format!("{USERS}/{}", portal.row_of("admin").await["id"]);
    let off = json!({"disabled": true});
    let answer = admin.patch(&me, 1, &off).await;
    answer.problem(409, "last_admin");
    // Nor does it need another admin to go.
    let robot = format!("{USERS}/{}", robot["id"]);
    admin.patch(&robot, 1, &off).await.ok();
}

#[actix_web::test]
async fn one_sees_and_revokes_one_s_own_an_admin_all() {
    let portal = Portal::new().await;
    let (editor, reporter, admin) = (
        portal.editor().await,
        portal.reporter().await,
        portal.admin().await,
    );
    let token = editor.token(&["read:drafts"]).await;
    reporter.token(&["read:drafts"]).await;
    let own = format!("{OWN}/{}", token["id"]);
    reporter.get(&own).await.problem(404, "not_found");
    let answer = reporter.ask(Method::DELETE, &own).send().await;
    answer.problem(404, "not_found");
    admin.get(&own).await.problem(404, "not_found");
    let list = async |user: &User<'_>, path: &str| {
        let page = user.get(path).await.ok();
        let items = page["items"].as_array().unwrap().clone();
        let logins = items
            .iter()
            .map(|item| item["login"].as_str().unwrap().to_owned());
        logins.collect::<Vec<_>>()
    };
    assert_eq!(list(&reporter, OWN).await, ["reporter"]);
    assert_eq!(list(&admin, ALL).await, ["reporter", "editor"]);
    let of_editor = format!("{ALL}?user_id={}", token["user_id"]);
    assert_eq!(list(&admin, &of_editor).await, ["editor"]);

    let page = admin.get(&format!("{ALL}?limit=1")).await.ok();
    let cursor = page["next"].as_str().unwrap();
    let rest = format!("{ALL}?limit=1&cursor={cursor}");
    assert_eq!(list(&admin, &rest).await, ["editor"]);
    let other = format!("{of_editor}&cursor={cursor}");
    admin.get(&other).await.problem(400, "bad_query");

    let any = format!("{ALL}/{}", token["id"]);
    admin.ask(Method::DELETE, &any).send().await.is(204);
    refused(&portal.bearer(&token).get(ARTICLES).await);
    let answer = admin
        .ask(Method::DELETE, &format!("{ALL}/999"))
        .send()
        .await;
    answer.problem(404, "not_found");
}

#[actix_web::test]
async fn a_repeated_request_makes_one_token_and_shows_its_secret_once() {
    let portal = Portal::new().await;
    let (editor, admin) = (portal.editor().await, portal.admin().await);
    let robot = service(&admin, "may.chu", &["editor"]).await;
    let theirs = json!({"user_id": robot["id"], "name": "Máy", "scopes": ["read:drafts"]});
    for (user, path, body) in [(&editor, OWN, input(&portal, DAY)), (&admin, ALL, theirs)] {
        let ask = async |body: &Value| {
            let ask = user.ask(Method::POST, path).json(body);
            ask.header("idempotency-key", "k1").send().await
        };
        let first = ask(&body).await;
        let token = first.created();
        let again = ask(&body).await;
        again.problem(409, "secret_already_shown");
        assert_eq!(again.header("location"), first.header("location"));
        assert!(!again.text().contains(token["secret"].as_str().unwrap()));
        let mut other = body.clone();
        other["name"] = json!("Khác");
        ask(&other).await.problem(422, "idempotency_mismatch");
    }
    let list = admin.get(ALL).await.ok();
    assert_eq!(list["items"].as_array().unwrap().len(), 2);
}

/// When a token was last used, once what runs beside the requests is done.
async fn last_use(editor: &User<'_>, place: &str, is_there: impl Fn(&Value) -> bool) -> Value {
    for _ in 0..1000 {
        let used = editor.get(place).await.ok()["last_used_at"].clone();
        if is_there(&used) {
            return used;
        }
        tokio::task::yield_now().await;
    }
    panic!("the use of the token was never noted");
}

#[actix_web::test]
async fn the_last_use_is_known_to_the_minute() {
    let portal = Portal::new().await;
    let editor = portal.editor().await;
    let token = editor.token(&["read:drafts"]).await;
    let place = format!("{OWN}/{}", token["id"]);
    assert_eq!(token["last_used_at"], Value::Null);
    let bearer = portal.bearer(&token);
    bearer.get(ARTICLES).await.ok();
    let first = last_use(&editor, &place, Value::is_string).await;
    assert_eq!(first, token["created_at"]);
    // Within the minute nothing is written.
    portal.advance(59);
    bearer.get(ARTICLES).await.ok();
    portal.advance(1);
    let editor = portal.editor().await;
    assert_eq!(editor.get(&place).await.ok()["last_used_at"], first);
    bearer.get(ARTICLES).await.ok();
    let next = last_use(&editor, &place, |used| *used != first).await;
    let now = portal.ctx.now();
    assert_eq!(next.as_str().unwrap()[..19], portal_time(now)[..19]);
}

/// As the portal shows it: in Vietnam.
fn portal_time(at: bantin::domain::time::Instant) -> String {
    at.plus_seconds(7 * 3600).to_string()
}

#[actix_web::test]
async fn a_token_changes_no_password_and_makes_no_token() {
    let portal = Portal::new().await;
    let editor = portal.editor().await;
    let every: Vec<&str> = bantin::domain::token::Scope::ALL
        .iter()
        .map(|scope| scope.as_str())
        .collect();
    let bearer = portal.bearer(&editor.token(&every).await);
    for path in [OWN, "/v1/auth/me", ALL] {
        bearer.get(path).await.problem(403, "forbidden");
    }
    let answer = bearer.post(OWN, &input(&portal, DAY)).await;
    answer.problem(403, "forbidden");
    let body = json!({"current_password": PASSWORD, "new_password": "bầy cò trắng về đồng"});
    let answer = bearer.post("/v1/auth/password", &body).await;
    answer.problem(403, "forbidden");
    portal.sign_in("editor", PASSWORD).await;
}

#[actix_web::test]
async fn allowed_actions_are_those_that_the_scopes_of_the_token_open() {
    let portal = Portal::new().await;
    let news = portal.news().await;
    let editor = portal.editor().await;
    let draft = editor.draft(&content("Bài", &news)).await;
    let path = format!("{ARTICLES}/{}", draft["id"]);
    let publisher = portal.publisher().await;
    for (scopes, wanted) in [
        (&["read:drafts"][..], json!([])),
        (
            &["read:drafts", "write:articles"],
            json!(["save", "delete", "submit"]),
        ),
        (&["read:drafts", "publish:articles"], json!(["publish"])),
    ] {
        let token = publisher.token(scopes).await;
        let bearer = portal.bearer(&token);
        let list = bearer.get(ARTICLES).await.ok();
        assert_eq!(list["items"][0]["allowed_actions"], wanted, "{scopes:?}");
        let article = bearer.get(&path).await.ok();
        assert_eq!(article["allowed_actions"], wanted, "{scopes:?}");
    }
}

#[actix_web::test]
async fn disabling_a_user_revokes_their_tokens_for_good() {
    let portal = Portal::new().await;
    let admin = portal.admin().await;
    let robot = service(&admin, "may.quet", &["editor"]).await;
    let machine = service_token(&admin, &robot, &["read:drafts"]).await;
    let person = portal.editor().await;
    let own = person.token(&["read:drafts"]).await;
    for user in [robot, portal.row_of("editor").await] {
        let path = format!("{USERS}/{}", user["id"]);
        let version = user["version"].as_i64().unwrap();
        let admin = portal.admin().await;
        let off = json!({"disabled": true});
        let user = admin.patch(&path, version, &off).await.ok();
        // Nor does anybody make one meanwhile.
        if user["kind"] == "service" {
            let body = json!({"user_id": user["id"], "name": "Mới", "scopes": ["read:drafts"]});
            let answer = admin.post(ALL, &body).await;
            answer.problem(409, "no_sign_in");
        }
        let on = json!({"disabled": false});
        admin.patch(&path, version + 1, &on).await.ok();
    }
    for token in [machine, own] {
        refused(&portal.bearer(&token).get(ARTICLES).await);
        let row = format!("{ALL}/{}", token["id"]);
        let row = portal.admin().await.get(&row).await.ok();
        assert!(row["revoked_at"].is_string());
    }
}
