//! Signing in through an OpenID Connect provider: what it takes, who one is then, and everything
//! that proves nothing.

use std::collections::HashMap;

use actix_web::http::Method;
use serde_json::{Value, json};

use crate::support::provider::{Keys, Provider, Signing};
use crate::support::{Answer, PASSWORD, Portal, User};

const START: &str = "/v1/auth/oidc/start";
const FINISH: &str = "/v1/auth/oidc/finish";

async fn start(portal: &Portal) -> Value {
    portal.ask(Method::POST, START).send().await.ok()
}

async fn finish(portal: &Portal, body: &Value) -> Answer {
    let ask = portal.ask(Method::POST, FINISH).json(body);
    ask.send_to_broken().await
}

/// A whole sign-in.
async fn sign_in(portal: &Portal, provider: &Provider) -> Answer {
    let body = provider.visit(&start(portal).await);
    finish(portal, &body).await
}

#[track_caller]
fn refused(answer: &Answer) {
    answer.problem(401, "sign_in_failed");
    assert_eq!(answer.header("www-authenticate"), "Bearer");
    assert_eq!(answer.header("cache-control"), "no-store");
}

#[track_caller]
fn failed(answer: &Answer) {
    let problem = answer.problem(502, "provider_failed");
    assert!(problem.get("detail").is_none(), "{problem:#}");
}

fn holder<'a>(portal: &'a Portal, pair: &Value) -> User<'a> {
    let token = pair["access_token"].as_str().unwrap().to_owned();
    User { portal, token }
}

/// Changes the user as the admin.
async fn change(portal: &Portal, user: &Value, patch: &Value) {
    let path = format!("/v1/editorial/users/{}", user["id"]);
    let admin = portal.admin().await;
    let version = admin.get(&path).await.ok()["version"].as_i64().unwrap();
    admin.patch(&path, version, patch).await.ok();
}

fn asked(provider: &Provider, end: &str) -> usize {
    let script = provider.script();
    script
        .asked
        .iter()
        .filter(|path| path.ends_with(end))
        .count()
}

#[actix_web::test]
async fn somebody_new_becomes_a_user_with_the_roles_of_the_claim() {
    let provider = Provider::new();
    let portal = provider.portal(&[]).await;
    let started = start(&portal).await;
    assert_eq!(started["expires_in"], 600);
    let url = started["authorization_url"].as_str().unwrap();
    assert!(url.starts_with(&format!("{}/auth?tenant=xa&", provider.issuer())));
    assert!(!url.contains(started["binding"].as_str().unwrap()));
    let pair = finish(&portal, &provider.visit(&started)).await.ok();
    assert_eq!(pair["user"]["login"], "ha.le");
    assert_eq!(pair["user"]["name"], "Lê Thị Hà");
    assert_eq!(pair["user"]["roles"], json!(["editor"]));
    assert_eq!(pair["refresh_expires_in"], 30 * 86_400);
    let me = holder(&portal, &pair).get("/v1/auth/me").await.ok();
    assert_eq!(me, pair["user"]);
    let refresh = json!({"refresh_token": pair["refresh_token"]});
    let ask = portal.ask(Method::POST, "/v1/auth/refresh").json(&refresh);
    ask.send().await.ok();
    let again = sign_in(&portal, &provider).await.ok();
    assert_eq!(again["user"]["id"], pair["user"]["id"]);
    let form = provider.script().forms[0].clone();
    assert!(form["code_verifier"].len() >= 43);
    assert!(!form.contains_key("client_secret"), "it went by Basic");
}

#[actix_web::test]
async fn roles_follow_the_claim_at_every_sign_in() {
    let provider = Provider::new();
    let portal = provider.portal(&[]).await;
    let user = sign_in(&portal, &provider).await.ok()["user"].clone();
    change(
        &portal,
        &user,
        &json!({"roles": ["publisher"], "name": "Hà Lê"}),
    )
    .await;
    let pair = sign_in(&portal, &provider).await.ok();
    assert_eq!(pair["user"]["roles"], json!(["editor"]));
    assert_eq!(
        pair["user"]["name"], "Hà Lê",
        "admins say how somebody is called"
    );
    provider.script().user["roles"] = json!("xuat-ban");
    let pair = sign_in(&portal, &provider).await.ok();
    assert_eq!(pair["user"]["roles"], json!(["publisher"]));
}

#[actix_web::test]
async fn who_has_no_role_is_refused_and_signed_out_everywhere() {
    let provider = Provider::new();
    let portal = provider.portal(&[]).await;
    let pair = sign_in(&portal, &provider).await.ok();
    let token = holder(&portal, &pair).token(&["read:drafts"]).await;
    for nothing in [json!(["admin", "editor"]), json!([]), Value::Null] {
        provider.script().user["roles"] = nothing;
        let answer = sign_in(&portal, &provider).await;
        answer.problem(403, "no_role");
    }
    let answer = holder(&portal, &pair).get("/v1/auth/me").await;
    answer.problem(401, "unauthorized");
    let secret = token["secret"].as_str().unwrap();
    let ask = portal.ask(Method::GET, "/v1/editorial/articles");
    let ask = ask.header("authorization", &format!("Bearer {secret}"));
    ask.send().await.problem(401, "unauthorized");
    let stranger = json!({"sub": "other", "preferred_username": "khach"});
    provider.script().user = stranger;
    sign_in(&portal, &provider).await.problem(403, "no_role");
    let users = portal.admin().await.get("/v1/editorial/users").await.ok();
    assert_eq!(users["items"].as_array().unwrap().len(), 5, "{users:#}");
}

#[derive(diesel::QueryableByName)]
struct Row {
    #[diesel(sql_type = diesel::sql_types::Text)]
    action: String,
    #[diesel(sql_type = diesel::sql_types::Text)]
    details: String,
}

#[actix_web::test]
async fn what_a_sign_in_changes_stands_in_the_audit_log() {
    let provider = Provider::new();
    let portal = provider.portal(&[]).await;
    sign_in(&portal, &provider).await.ok();
    sign_in(&portal, &provider).await.ok();
    provider.script().user["roles"] = json!(["xuat-ban"]);
    sign_in(&portal, &provider).await.ok();
    provider.script().user["roles"] = json!([]);
    sign_in(&portal, &provider).await.problem(403, "no_role");
    let rows = portal.ctx.db.read(|conn| {
        let sql = "SELECT action, COALESCE(details, '') AS details FROM audit
                   WHERE address IS NOT NULL ORDER BY id";
        let rows: Vec<Row> = diesel::RunQueryDsl::load(diesel::sql_query(sql), conn).unwrap();
        Ok::<_, bantin::store::Error>(rows)
    });
    let rows = rows.await.unwrap();
    let actions: Vec<&str> = rows.iter().map(|row| row.action.as_str()).collect();
    let wanted = [
        "create",
        "login_oidc",
        "login_oidc",
        "roles_oidc",
        "login_oidc",
    ];
    assert_eq!(actions[..5], wanted);
    assert_eq!(actions[5..], ["no_role_oidc"]);
    let details: Value = serde_json::from_str(&rows[3].details).unwrap();
    assert_eq!(details["roles"], json!(["publisher"]));
    assert_eq!(details["issuer"], provider.issuer());
    assert_eq!(details["subject"], "1f6c");
}

#[actix_web::test]
async fn the_last_admin_stays_one_whatever_the_claim_says() {
    let provider = Provider::new();
    let portal = provider.portal(&[]).await;
    provider.script().user["roles"] = json!(["quan-tri", "bien-tap"]);
    let pair = sign_in(&portal, &provider).await.ok();
    assert_eq!(pair["user"]["roles"], json!(["editor", "admin"]));
    let me = holder(&portal, &pair);
    let admin = portal.row_of("admin").await;
    let path = format!("/v1/editorial/users/{}", admin["id"]);
    let off = json!({"disabled": true});
    let at = admin["version"].as_i64().unwrap();
    // An admin who depends on the provider is not the way in when it is away.
    let answer = me.patch(&path, at, &off).await;
    answer.problem(409, "last_admin");
    let own = format!("/v1/editorial/users/{}", pair["user"]["id"]);
    let password = json!({"new_password": PASSWORD});
    let answer = me.post_at(&format!("{own}/password"), 1, &password).await;
    answer.ok();
    let me = portal.user("ha.le").await;
    me.patch(&path, at, &off).await.ok();
    provider.script().user["roles"] = json!(["phong-vien"]);
    let pair = sign_in(&portal, &provider).await.ok();
    assert_eq!(pair["user"]["roles"], json!(["reporter", "admin"]));
    let version = me.get(&path).await.ok()["version"].as_i64().unwrap();
    let on = json!({"disabled": false});
    me.patch(&path, version, &on).await.ok();
    let pair = sign_in(&portal, &provider).await.ok();
    assert_eq!(pair["user"]["roles"], json!(["reporter"]));
}

#[actix_web::test]
async fn a_disabled_user_is_refused() {
    let provider = Provider::new();
    let portal = provider.portal(&[]).await;
    let user = sign_in(&portal, &provider).await.ok()["user"].clone();
    change(&portal, &user, &json!({"disabled": true})).await;
    refused(&sign_in(&portal, &provider).await);
}

#[actix_web::test]
async fn nobody_takes_over_a_user_of_the_same_login() {
    let provider = Provider::new();
    let portal = provider.portal(&[]).await;
    provider.script().user["preferred_username"] = json!("Editor");
    let pair = sign_in(&portal, &provider).await.ok();
    assert_eq!(pair["user"]["login"], "editor-2");
    provider.script().user["sub"] = json!("2a");
    let pair = sign_in(&portal, &provider).await.ok();
    assert_eq!(pair["user"]["login"], "editor-3");
    portal.sign_in("editor", PASSWORD).await;
}

#[actix_web::test]
async fn who_comes_through_the_provider_has_no_password() {
    let provider = Provider::new();
    let portal = provider.portal(&[]).await;
    sign_in(&portal, &provider).await.ok();
    for password in ["", "x", PASSWORD] {
        let body = json!({"login": "ha.le", "password": password});
        let ask = portal.ask(Method::POST, "/v1/auth/login").json(&body);
        let status = ask.send().await.status;
        assert_eq!(status, if password.is_empty() { 422 } else { 401 });
    }
}

#[actix_web::test]
async fn who_comes_through_the_provider_has_the_second_factor_there() {
    let provider = Provider::new();
    let roles = "reporter,editor,publisher,admin";
    let portal = provider.portal(&["--totp-roles", roles]).await;
    let pair = sign_in(&portal, &provider).await.ok();
    assert_eq!(pair["user"]["must_set_up_second_factor"], false);
    let user = holder(&portal, &pair);
    user.get("/v1/auth/sessions").await.ok();
}

#[actix_web::test]
async fn a_state_is_good_once_for_ten_minutes_and_with_its_binding() {
    let provider = Provider::new();
    let portal = provider.portal(&[]).await;
    let body = provider.visit(&start(&portal).await);
    finish(&portal, &body).await.ok();
    refused(&finish(&portal, &body).await);

    let started = start(&portal).await;
    let mut body = provider.visit(&started);
    body["binding"] = provider.visit(&start(&portal).await)["binding"].clone();
    refused(&finish(&portal, &body).await);
    let body = provider.visit(&started);
    refused(&finish(&portal, &body).await); // used up by the attempt

    let mut body = provider.visit(&start(&portal).await);
    body["state"] = json!("khong-co");
    let before = asked(&provider, "/token");
    refused(&finish(&portal, &body).await);
    assert_eq!(
        asked(&provider, "/token"),
        before,
        "the provider is not bothered"
    );

    let body = provider.visit(&start(&portal).await);
    portal.advance(599);
    provider.script().now += 599;
    finish(&portal, &body).await.ok();
    let body = provider.visit(&start(&portal).await);
    portal.advance(600);
    provider.script().now += 600;
    refused(&finish(&portal, &body).await);
}

#[actix_web::test]
async fn a_code_needs_the_verifier_that_it_was_asked_for_with() {
    let provider = Provider::new();
    let portal = provider.portal(&[]).await;
    let body = provider.visit(&start(&portal).await);
    provider.forget_verifiers();
    refused(&finish(&portal, &body).await);
    let mut body = provider.visit(&start(&portal).await);
    body["code"] = json!("khong-co");
    refused(&finish(&portal, &body).await);
}

#[actix_web::test]
async fn tokens_that_are_not_for_this_sign_in_prove_nothing() {
    let provider = Provider::new();
    let portal = provider.portal(&["--login-failures-address", "1000"]).await;
    let now = provider.script().now;
    for (name, value) in [
        ("iss", json!("http://127.0.0.1/other")),
        ("iss", json!(format!("{}/", provider.issuer()))),
        ("iss", Value::Null),
        ("aud", json!("other")),
        ("aud", json!(["other"])),
        ("aud", json!(["bantin", "other"])), // and no azp
        ("aud", Value::Null),
        ("azp", json!("other")),
        ("azp", Value::Null),
        ("exp", json!(now - 60)),
        ("exp", json!("9999999999")),
        ("exp", Value::Null),
        ("iat", json!(now + 61)),
        ("iat", json!(now - 601)),
        ("iat", Value::Null),
        ("nbf", json!(now + 61)),
        ("nonce", json!("other")),
        ("nonce", Value::Null),
        ("sub", json!("")),
        ("sub", json!(7)),
        ("sub", json!("đ")),
    ] {
        let bent = (name.to_owned(), value.clone());
        provider.script().bend = Box::new(move |_, claims| claims[&bent.0] = bent.1.clone());
        let answer = sign_in(&portal, &provider).await;
        assert_eq!(answer.status, 401, "{name} {value}: {}", answer.text());
        refused(&answer);
    }
    provider.script().bend = Box::new(|_, claims| {
        claims["aud"] = json!(["other", "bantin"]);
        claims["azp"] = json!("bantin");
    });
    sign_in(&portal, &provider).await.ok();
    let users = portal.admin().await.get("/v1/editorial/users").await.ok();
    assert_eq!(users["items"].as_array().unwrap().len(), 5);
}

#[actix_web::test]
async fn only_signatures_by_the_providers_keys_count() {
    let provider = Provider::new();
    let portal = provider.portal(&[]).await;
    for signing in [Signing::Nothing, Signing::PublicKey, Signing::Stranger] {
        provider.script().signing = signing;
        refused(&sign_in(&portal, &provider).await);
    }
    for signing in [Signing::Ed25519, Signing::Es256] {
        provider.script().signing = signing;
        sign_in(&portal, &provider).await.ok();
        for algorithm in [
            "none", "None", "HS256", "RS256", "EdDSA", "ES256", "RS512", "",
        ] {
            let true_one = if signing == Signing::Es256 {
                "ES256"
            } else {
                "EdDSA"
            };
            if algorithm == true_one {
                continue;
            }
            provider.script().bend = Box::new(move |header, _| header["alg"] = json!(algorithm));
            refused(&sign_in(&portal, &provider).await);
        }
        provider.script().bend = Box::new(|header, _| header["crit"] = json!(["b64"]));
        refused(&sign_in(&portal, &provider).await);
        // One key fits: it need not be named.
        provider.script().bend = Box::new(|header, _| {
            header.as_object_mut().unwrap().remove("kid");
        });
        sign_in(&portal, &provider).await.ok();
        provider.script().bend = Box::new(|_, _| ());
    }
}

#[actix_web::test]
async fn at_hash_ties_the_access_token_to_the_id_token() {
    let provider = Provider::new();
    let portal = provider.portal(&[]).await;
    provider.script().signing = Signing::Es256;
    // The left half of SHA-256 of "at-1".
    let digest = <sha2::Sha256 as sha2::Digest>::digest(b"at-1");
    let half = base64::Engine::encode(
        &base64::engine::general_purpose::URL_SAFE_NO_PAD,
        &digest[..16],
    );
    provider.script().user["at_hash"] = json!(half);
    sign_in(&portal, &provider).await.ok();
    provider.script().user["at_hash"] = json!("AAAAAAAAAAAAAAAAAAAAAA");
    refused(&sign_in(&portal, &provider).await);
}

#[actix_web::test]
async fn new_keys_are_found_and_unknown_ones_looked_for_once_a_minute() {
    let provider = Provider::new();
    let portal = provider.portal(&[]).await;
    sign_in(&portal, &provider).await.ok();
    sign_in(&portal, &provider).await.ok();
    assert_eq!(asked(&provider, "/keys"), 1);
    provider.script().keys = Keys::new("k2");
    sign_in(&portal, &provider).await.ok();
    assert_eq!(asked(&provider, "/keys"), 2);
    provider.script().bend = Box::new(|header, _| header["kid"] = json!("khong-co"));
    for _ in 0..3 {
        refused(&sign_in(&portal, &provider).await);
    }
    assert_eq!(asked(&provider, "/keys"), 2, "not within a minute");
    portal.advance(60);
    provider.script().now += 60;
    for _ in 0..3 {
        refused(&sign_in(&portal, &provider).await);
    }
    assert_eq!(asked(&provider, "/keys"), 3);
}

#[actix_web::test]
async fn discovery_is_kept_for_an_hour() {
    let provider = Provider::new();
    let portal = provider.portal(&[]).await;
    for _ in 0..3 {
        start(&portal).await;
    }
    assert_eq!(asked(&provider, "openid-configuration"), 1);
    portal.advance(3600);
    start(&portal).await;
    assert_eq!(asked(&provider, "openid-configuration"), 2);
}

#[actix_web::test]
async fn a_discovery_document_that_is_wrong_is_not_followed() {
    let provider = Provider::new();
    let portal = provider.portal(&[]).await;
    for wrong in [
        json!({"issuer": "http://127.0.0.1/other"}),
        json!({"issuer": null}),
        json!({"token_endpoint": "http://provider.example.vn/token"}),
        json!({"jwks_uri": "file:///etc/passwd"}),
        json!({"authorization_endpoint": "javascript:alert(1)"}),
        json!({"code_challenge_methods_supported": ["plain"]}),
    ] {
        provider.script().discovery = wrong;
        failed(&portal.ask(Method::POST, START).send_to_broken().await);
    }
    // What is wrong is not kept.
    provider.script().discovery = json!({"code_challenge_methods_supported": ["plain", "S256"]});
    sign_in(&portal, &provider).await.ok();
}

#[actix_web::test]
async fn answers_are_bounded_and_nothing_is_redirected() {
    let provider = Provider::new();
    let portal = provider.portal(&[]).await;
    let huge = format!("{{\"keys\":[],\"x\":\"{}\"}}", "x".repeat(300_000));
    for (status, bytes) in [
        (200, huge.into_bytes()),
        (200, b"<html>".to_vec()),
        (302, b"{}".to_vec()),
        (500, b"{}".to_vec()),
    ] {
        for place in ["/keys", "/token", "openid-configuration"] {
            portal.advance(3600);
            provider.script().now += 3600;
            let body = provider.visit(&start(&portal).await);
            // So that discovery is asked for again between the two.
            let discovery = place == "openid-configuration";
            if discovery {
                portal.advance(3600);
            }
            provider.script().instead = HashMap::from([(place, (status, bytes.clone()))]);
            match discovery {
                true => failed(&portal.ask(Method::POST, START).send_to_broken().await),
                false => failed(&finish(&portal, &body).await),
            }
            provider.script().instead.clear();
        }
    }
    assert_eq!(asked(&provider, "/else"), 0);
}

#[actix_web::test]
async fn a_provider_that_does_not_answer_holds_nobody_up() {
    let provider = Provider::new();
    let portal = provider.portal(&["--oidc-timeout", "1"]).await;
    let body = provider.visit(&start(&portal).await);
    provider.script().silent = Some("/token");
    let begun = std::time::Instant::now();
    failed(&finish(&portal, &body).await);
    assert!(begun.elapsed().as_secs() < 10);
}

#[actix_web::test]
async fn what_the_provider_cannot_answer_is_no_failed_attempt() {
    let provider = Provider::new();
    let portal = provider.portal(&["--login-failures-address", "2"]).await;
    for _ in 0..4 {
        let body = provider.visit(&start(&portal).await);
        provider.script().instead = HashMap::from([("/token", (503, Vec::new()))]);
        failed(&finish(&portal, &body).await);
        provider.script().instead.clear();
    }
    sign_in(&portal, &provider).await.ok();
}

#[actix_web::test]
async fn failures_count_among_those_of_the_address() {
    let provider = Provider::new();
    let portal = provider.portal(&["--login-failures-address", "2"]).await;
    for _ in 0..5 {
        sign_in(&portal, &provider).await.ok();
    }
    let body = json!({"code": "x", "state": "x", "binding": "x"});
    for _ in 0..2 {
        refused(&finish(&portal, &body).await);
    }
    let good = provider.visit(&start(&portal).await);
    let answer = finish(&portal, &good).await;
    answer.problem(429, "too_many_requests");
    assert_eq!(answer.header("retry-after"), "900");
    portal.advance(900);
    provider.script().now += 900;
    sign_in(&portal, &provider).await.ok();
}

#[actix_web::test]
async fn one_address_has_so_many_sign_ins_under_way_and_no_more() {
    let provider = Provider::new();
    let portal = provider.portal(&[]).await;
    for _ in 0..100 {
        start(&portal).await;
    }
    let answer = portal.ask(Method::POST, START).send().await;
    answer.problem(429, "too_many_requests");
    portal.advance(600);
    start(&portal).await;
}

#[actix_web::test]
async fn the_issuer_that_the_browser_brings_is_compared() {
    let provider = Provider::new();
    let portal = provider.portal(&[]).await;
    let mut body = provider.visit(&start(&portal).await);
    body["iss"] = json!("https://other.example.vn");
    refused(&finish(&portal, &body).await);
    let mut body = provider.visit(&start(&portal).await);
    body["iss"] = json!(provider.issuer());
    finish(&portal, &body).await.ok();
    let promised = json!({"authorization_response_iss_parameter_supported": true});
    provider.script().discovery = promised;
    portal.advance(3600);
    provider.script().now += 3600;
    refused(&sign_in(&portal, &provider).await);
}

#[actix_web::test]
async fn claims_that_the_token_lacks_come_from_the_user_endpoint() {
    let provider = Provider::new();
    provider.script().user = json!({"sub": "9"});
    let more = json!({"sub": "9", "roles": ["xuat-ban"], "preferred_username": "minh.an"});
    provider.script().userinfo = Some(more);
    let portal = provider.portal(&[]).await;
    let pair = sign_in(&portal, &provider).await.ok();
    assert_eq!(pair["user"]["login"], "minh.an");
    assert_eq!(pair["user"]["roles"], json!(["publisher"]));
    provider.script().userinfo = Some(json!({"sub": "8", "roles": ["quan-tri"]}));
    refused(&sign_in(&portal, &provider).await);
}

#[actix_web::test]
async fn a_claim_may_lie_in_an_object_and_a_secret_go_in_the_form() {
    let provider = Provider::new();
    provider.script().user["realm_access"] = json!({"roles": ["quan-tri"]});
    provider.script().discovery =
        json!({"token_endpoint_auth_methods_supported": ["client_secret_post"]});
    let claim = ["--oidc-roles-claim", "realm_access.roles"];
    let portal = provider.portal(&claim).await;
    let pair = sign_in(&portal, &provider).await.ok();
    assert_eq!(pair["user"]["roles"], json!(["admin"]));
    assert!(provider.script().forms[0].contains_key("client_secret"));
}

#[actix_web::test]
async fn without_a_provider_there_is_no_such_sign_in() {
    let portal = Portal::new().await;
    let answer = portal.ask(Method::POST, START).send().await;
    answer.problem(404, "not_found");
    let body = json!({"code": "x", "state": "x", "binding": "x"});
    finish(&portal, &body).await.problem(404, "not_found");
}

#[actix_web::test]
async fn what_is_no_answer_of_a_provider_is_named() {
    let provider = Provider::new();
    let portal = provider.portal(&[]).await;
    let body = json!({"code": "", "state": "a b", "iss": "\n", "user": 1});
    let wanted = [
        "/code bad_format",
        "/state bad_format",
        "/binding required",
        "/iss bad_format",
        "/user unknown_field",
    ];
    finish(&portal, &body).await.faults(422, "invalid", &wanted);
}

#[actix_web::test]
async fn a_refused_sign_in_through_the_provider_is_counted_by_its_address() {
    let provider = Provider::new();
    let portal = provider.portal(&[]).await;
    provider.script().user["roles"] = json!([]);
    sign_in(&portal, &provider).await.problem(403, "no_role");
    let admin = portal.admin().await;
    let path = "/v1/editorial/audit/refused-sign-ins";
    let counters = admin.get(path).await.ok();
    let counter = &counters["items"][0];
    assert_eq!(counter["account"], Value::Null);
    assert_eq!(counter["address"], "203.0.113.7");
    assert_eq!(counter["count"], 1);
}
