//! Signing in through a provider that others have written: `tests/oidc` runs one, and
//! `BANTIN_TEST_OIDC` names it. Without it nothing is tested here, and the last lines of `cargo test`
//! say so.

use std::collections::BTreeMap;
use std::time::SystemTime;

use actix_web::http::Method;
use serde_json::{Value, json};
use url::Url;

use crate::support::provider::REDIRECT;
use crate::support::{NOW, Portal};

/// Issuer and the secret of its clients.
fn provider() -> Option<(String, String)> {
    let issuer = std::env::var("BANTIN_TEST_OIDC").ok()?;
    let secret = std::env::var("BANTIN_TEST_OIDC_SECRET").unwrap();
    Some((issuer, secret))
}

/// A portal that knows the provider under a client's name, at the provider's time.
async fn portal(issuer: &str, client: &str, secret: &str) -> Portal {
    let mut flags = vec!["--oidc-issuer", issuer, "--oidc-client-id", client];
    flags.extend(["--oidc-redirect-url", REDIRECT]);
    flags.extend(["--oidc-scopes", "openid profile roles"]);
    flags.extend(["--oidc-roles", "bien-tap=editor"]);
    if !secret.is_empty() {
        flags.extend(["--oidc-client-secret", secret]);
    }
    let portal = Portal::with(&flags).await;
    let now = SystemTime::UNIX_EPOCH.elapsed().unwrap().as_secs();
    portal.advance(i64::try_from(now).unwrap() - NOW / 1_000_000);
    portal
}

/// What a browser does: follows the provider with its cookies until it is sent to the front end.
/// Answers the query that it comes there with.
fn browse(start: &str) -> BTreeMap<String, String> {
    let agent = ureq::Agent::config_builder()
        .proxy(None)
        .max_redirects(0)
        .max_redirects_will_error(false)
        .build()
        .new_agent();
    let mut cookies: BTreeMap<String, String> = BTreeMap::new();
    let mut url = Url::parse(start).unwrap();
    for _ in 0..10 {
        if url.as_str().starts_with(REDIRECT) {
            return url.query_pairs().into_owned().collect();
        }
        let jar: Vec<String> = cookies.iter().map(|(k, v)| format!("{k}={v}")).collect();
        let request = agent.get(url.as_str()).header("cookie", jar.join("; "));
        let mut answer = request.call().unwrap();
        for cookie in answer.headers().get_all("set-cookie") {
            let pair = cookie.to_str().unwrap().split(';').next().unwrap();
            let (name, value) = pair.split_once('=').unwrap();
            cookies.insert(name.to_owned(), value.to_owned());
        }
        let Some(location) = answer.headers().get("location") else {
            let text = answer.body_mut().read_to_string().unwrap();
            panic!("{url} answers {}: {text}", answer.status());
        };
        url = url.join(location.to_str().unwrap()).unwrap();
    }
    panic!("the provider sends the browser round and round");
}

/// Begins a sign-in and takes it to the provider; answers what `finish` takes.
async fn visit(portal: &Portal) -> Value {
    let ask = portal.ask(Method::POST, "/v1/auth/oidc/start");
    let started = ask.send().await.ok();
    let url = started["authorization_url"].as_str().unwrap().to_owned();
    let query = browse(&url);
    assert_eq!(query["state"], started["state"].as_str().unwrap());
    json!({
        "code": query["code"], "state": query["state"], "iss": query["iss"],
        "binding": started["binding"],
    })
}

#[actix_web::test]
async fn one_signs_in_through_a_real_provider_whatever_its_tokens_are_signed_with() {
    let Some((issuer, secret)) = provider() else {
        return;
    };
    for (client, secret) in [
        ("bantin-RS256", secret.as_str()),
        ("bantin-ES256", secret.as_str()),
        ("bantin-EdDSA", ""), // a public client
    ] {
        let portal = portal(&issuer, client, secret).await;
        for _ in 0..2 {
            let body = visit(&portal).await;
            let ask = portal.ask(Method::POST, "/v1/auth/oidc/finish");
            let pair = ask.json(&body).send().await.ok();
            assert_eq!(pair["user"]["login"], "ha.le", "{client}");
            assert_eq!(pair["user"]["name"], "Lê Thị Hà");
            assert_eq!(pair["user"]["roles"], json!(["editor"]));
        }
    }
}

#[actix_web::test]
async fn a_real_provider_takes_no_code_with_another_sign_ins_verifier() {
    let Some((issuer, secret)) = provider() else {
        return;
    };
    let portal = portal(&issuer, "bantin-RS256", &secret).await;
    let first = visit(&portal).await;
    let mut mixed = visit(&portal).await;
    // A code with another sign-in's verifier.
    mixed["code"] = first["code"].clone();
    for (body, status) in [(&mixed, 401), (&mixed, 401), (&first, 200), (&first, 401)] {
        let ask = portal.ask(Method::POST, "/v1/auth/oidc/finish").json(body);
        let answer = ask.send().await;
        assert_eq!(answer.status, status, "{}", answer.text());
    }
}

#[actix_web::test]
async fn a_client_with_a_wrong_secret_gets_nothing_from_a_real_provider() {
    let Some((issuer, _)) = provider() else {
        return;
    };
    let portal = portal(&issuer, "bantin-RS256", "wrong").await;
    let body = visit(&portal).await;
    let ask = portal.ask(Method::POST, "/v1/auth/oidc/finish").json(&body);
    ask.send_to_broken().await.problem(502, "provider_failed");
}
