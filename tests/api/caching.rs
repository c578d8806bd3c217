//! What caches and browsers are told: `Cache-Control`, ETags, `Vary`, CORS, security headers.

use actix_web::http::Method;
use serde_json::json;

use crate::support::operations::{World, operations};
use crate::support::{Answer, BASE, Portal, sample};

const EDITOR: &str = "https://editor.example.vn";
const STRANGER: &str = "https://evil.example";

/// What an operation that anyone may read says to caches.
fn wanted(operation: &str, seconds: u16) -> String {
    match operation {
        "list_changes" => "no-cache".to_owned(),
        // The address names the bytes, but a shared cache must let go of what is taken down.
        "get_media_file" => format!("public, max-age=86400, s-maxage={seconds}, immutable"),
        "get_health" | "get_readiness" | "get_metrics" => "no-store".to_owned(),
        _ => format!(
            "public, max-age={seconds}, s-maxage={seconds}, stale-while-revalidate={seconds}"
        ),
    }
}

#[actix_web::test]
async fn public_answers_may_be_kept_as_long_as_configured() {
    for (flags, seconds) in [(&[][..], 30), (&["--cache-seconds", "5"], 5)] {
        let portal = Portal::with(flags).await;
        let world = World::new(&portal).await;
        for operation in operations().iter().filter(|op| op.is_public_read()) {
            let answer = portal.get(&world.path(operation)).await;
            assert_eq!(answer.status, 200, "{}", operation.id);
            let said = answer.header("cache-control");
            assert_eq!(said, wanted(operation.id, seconds), "{}", operation.id);
            assert_eq!(answer.header("set-cookie"), "");
        }
    }
}

#[actix_web::test]
async fn no_cache_keeps_an_answer_that_depends_on_who_asks() {
    let portal = Portal::new().await;
    let world = World::new(&portal).await;
    let publisher = portal.publisher().await;
    for operation in operations() {
        if !operation.is_secured() && !operation.pattern.starts_with("/v1/auth/") {
            continue;
        }
        let path = world.path(&operation);
        // Refused, wrong, and, where it changes nothing, right.
        let mut answers = vec![
            portal.ask(operation.method.clone(), &path).send().await,
            publisher
                .ask(operation.method.clone(), &format!("{path}?a=1"))
                .send()
                .await,
        ];
        if operation.method == Method::GET {
            answers.push(world.caller(&portal, &operation).await.send().await);
        }
        for answer in answers {
            let said = answer.header("cache-control");
            assert!(said.contains("no-store"), "{} {said}", operation.id);
            assert!(!said.contains("public"), "{} {said}", operation.id);
        }
    }
    let pair = portal.sign_in("editor", crate::support::PASSWORD).await;
    assert!(pair["access_token"].is_string());
    let preview = portal.get(&world.preview).await;
    assert_eq!(preview.header("cache-control"), "private, no-store");
}

#[actix_web::test]
async fn errors_are_not_kept_and_tombstones_neither() {
    let portal = Portal::new().await;
    let content = sample::content("Ra quân", &portal.news().await);
    let article = portal.published(&content).await;
    let publisher = portal.publisher().await;
    let body = json!({"reason_code": "wrong"});
    publisher.act(&article, "take-down", &body).await;
    let gone = "/v1/articles/ra-quan";
    portal.get(gone).await.problem(410, "taken_down");
    for path in [
        "/v1/articles/khong-co",
        "/v1/articles?a=1",
        "/nowhere",
        gone,
    ] {
        let answer = portal.get(path).await;
        assert_eq!(answer.header("cache-control"), "no-store", "{path}");
    }
}

#[actix_web::test]
async fn who_has_an_answer_already_is_told_so() {
    let portal = Portal::new().await;
    let world = World::new(&portal).await;
    for operation in operations() {
        if operation.entry["responses"].get("304").is_none() {
            continue;
        }
        let first = world.caller(&portal, &operation).await.send().await;
        assert_eq!(first.status, 200, "{}", operation.id);
        let etag = first.header("etag");
        let inner = etag.strip_prefix('"').and_then(|e| e.strip_suffix('"'));
        assert!(inner.is_some_and(|e| !e.is_empty()), "{}", operation.id);
        for known in [
            etag.clone(),
            format!("W/{etag}"),
            format!("\"x\", W/\"y\",{etag}"),
            "*".to_owned(),
        ] {
            let ask = world.caller(&portal, &operation).await;
            let answer = ask.header("if-none-match", &known).send().await;
            assert_eq!(answer.status, 304, "{} {known}", operation.id);
            assert!(answer.body.is_empty());
            for name in ["etag", "cache-control", "vary"] {
                assert_eq!(answer.header(name), first.header(name), "{}", operation.id);
            }
        }
        for unknown in ["\"x\"", "x", "", "\"\"", etag.trim_matches('"')] {
            let ask = world.caller(&portal, &operation).await;
            let answer = ask.header("if-none-match", unknown).send().await;
            assert_eq!(answer.status, 200, "{} {unknown}", operation.id);
        }
    }
}

#[test]
fn every_read_can_be_asked_for_again_but_for_those_of_the_moment() {
    for operation in operations().iter().filter(|op| op.method == Method::GET) {
        let probe = matches!(operation.id, "get_health" | "get_readiness" | "get_metrics");
        let at = operation.pattern.strip_prefix("/v1/editorial/");
        // An API token has no version.
        let object = at.is_some_and(|at| {
            at == "portal" || (at.ends_with("/{id}") && !at.starts_with("tokens/"))
        });
        let streamed = operation.id == "export_audit";
        let documented = operation.entry["responses"].get("304").is_some();
        assert_eq!(
            documented,
            !probe && !object && !streamed,
            "{}",
            operation.id
        );
    }
}

#[actix_web::test]
async fn the_etag_of_an_editorial_object_is_its_version() {
    let portal = Portal::new().await;
    let world = World::new(&portal).await;
    let publisher = portal.publisher().await;
    let path = format!("/v1/editorial/articles/{}", world.article["id"]);
    let answer = publisher.get(&path).await;
    let version = answer.ok()["version"].as_i64().unwrap();
    let etag = answer.header("etag");
    assert_eq!(etag, format!("\"{version}\""));
    // It is for If-Match: what stands beside the content may have changed without it.
    let again = publisher.ask(Method::GET, &path);
    again.header("if-none-match", &etag).send().await.ok();
}

#[actix_web::test]
async fn a_changed_answer_has_another_etag() {
    let portal = Portal::new().await;
    let before = portal.get("/v1/categories").await;
    portal.category("Tin tức", None).await;
    let after = portal
        .ask(Method::GET, "/v1/categories")
        .header("if-none-match", &before.header("etag"))
        .send()
        .await;
    assert_eq!(after.status, 200);
    assert_ne!(after.header("etag"), before.header("etag"));
}

#[actix_web::test]
async fn public_answers_are_the_same_for_every_origin() {
    let portal = Portal::with(&["--cors-origins", EDITOR]).await;
    let world = World::new(&portal).await;
    for operation in operations().iter().filter(|op| op.is_public_read()) {
        let path = world.path(operation);
        for origin in [None, Some(EDITOR), Some(STRANGER), Some("null")] {
            let mut ask = portal.ask(Method::GET, &path);
            if let Some(origin) = origin {
                ask = ask.header("origin", origin);
            }
            let answer = ask.send().await;
            assert_eq!(answer.status, 200, "{path}");
            assert_eq!(answer.header("access-control-allow-origin"), "*", "{path}");
            assert_eq!(answer.header("vary"), "", "{path}");
            exposed(&answer);
        }
    }
    // Errors too: a page must be able to read what is wrong.
    for path in ["/v1/articles/khong-co", "/nowhere", "/v1/articles?a=1"] {
        let answer = portal.ask(Method::GET, path).header("origin", STRANGER);
        let answer = answer.send().await;
        assert_eq!(answer.header("access-control-allow-origin"), "*", "{path}");
    }
}

/// Headers that pages may read; and never with credentials.
fn exposed(answer: &Answer) {
    let names = answer
        .header("access-control-expose-headers")
        .to_lowercase();
    for name in ["etag", "link", "location", "retry-after"] {
        assert!(names.split(", ").any(|known| known == name), "{names}");
    }
    assert_eq!(answer.header("access-control-allow-credentials"), "");
}

#[actix_web::test]
async fn editorial_answers_are_for_configured_origins_only() {
    let portal = Portal::with(&["--cors-origins", EDITOR]).await;
    let editor = portal.editor().await;
    for path in ["/v1/editorial/articles", "/v1/auth/me"] {
        for origin in [
            STRANGER,
            "null",
            "https://editor.example.vn.evil.example",
            "",
        ] {
            let answer = editor.ask(Method::GET, path).header("origin", origin);
            let answer = answer.send().await;
            assert_eq!(answer.header("access-control-allow-origin"), "");
            assert_eq!(answer.header("vary"), "Origin");
        }
        let answer = editor.ask(Method::GET, path).header("origin", EDITOR);
        let answer = answer.send().await;
        assert_eq!(answer.header("access-control-allow-origin"), EDITOR);
        assert_eq!(answer.header("vary"), "Origin");
        exposed(&answer);
        // One without a token is refused in a way that the page can read.
        let answer = portal.ask(Method::GET, path).header("origin", EDITOR);
        let answer = answer.send().await;
        answer.problem(401, "unauthorized");
        assert_eq!(answer.header("access-control-allow-origin"), EDITOR);
    }
    assert_eq!(editor.get("/v1/auth/me").await.header("vary"), "Origin");
}

async fn preflight(portal: &Portal, path: &str, origin: &str, method: &str) -> Answer {
    portal
        .ask(Method::OPTIONS, path)
        .header("origin", origin)
        .header("access-control-request-method", method)
        .header(
            "access-control-request-headers",
            "authorization,content-type,if-match,idempotency-key",
        )
        .send()
        .await
}

#[actix_web::test]
async fn a_browser_that_asks_first_is_told_what_it_may_do() {
    let portal = Portal::with(&["--cors-origins", EDITOR]).await;
    let path = "/v1/editorial/articles/1";
    let answer = preflight(&portal, path, EDITOR, "PATCH").await;
    assert_eq!(answer.status, 204);
    assert_eq!(answer.header("access-control-allow-origin"), EDITOR);
    let methods = answer.header("access-control-allow-methods");
    for method in ["GET", "POST", "PUT", "PATCH", "DELETE"] {
        assert!(methods.contains(method), "{methods}");
    }
    let headers = answer.header("access-control-allow-headers").to_lowercase();
    for name in [
        "authorization",
        "content-type",
        "if-match",
        "idempotency-key",
    ] {
        assert!(headers.contains(name), "{headers}");
    }
    assert_eq!(answer.header("access-control-allow-credentials"), "");
    assert_eq!(answer.header("vary"), "Origin");

    let answer = preflight(&portal, path, STRANGER, "PATCH").await;
    assert!(answer.status < 300);
    for name in ["origin", "methods", "headers", "credentials"] {
        assert_eq!(answer.header(&format!("access-control-allow-{name}")), "");
    }

    let answer = preflight(&portal, "/v1/articles", STRANGER, "GET").await;
    assert_eq!(answer.status, 204);
    assert_eq!(answer.header("access-control-allow-origin"), "*");
    assert_eq!(answer.header("access-control-allow-methods"), "GET, HEAD");
}

#[actix_web::test]
async fn every_answer_has_security_headers() {
    let portal = Portal::new().await;
    let world = World::new(&portal).await;
    let mut paths: Vec<String> = operations()
        .iter()
        .filter(|op| op.method == Method::GET)
        .map(|op| world.path(op))
        .collect();
    paths.extend(["/docs/", "/openapi.json", "/docs/problems", "/nowhere"].map(str::to_owned));
    for path in paths {
        let answer = portal.get(&path).await;
        for (name, value) in [
            ("x-content-type-options", "nosniff"),
            ("x-frame-options", "DENY"),
            ("referrer-policy", "no-referrer"),
        ] {
            assert_eq!(answer.header(name), value, "{path}");
        }
        let policy = answer.header("content-security-policy");
        assert!(policy.contains("frame-ancestors 'none'"), "{path}");
        let elsewhere = policy.replace(BASE, "");
        assert!(
            !elsewhere.contains('*') && !elsewhere.contains("http"),
            "{path}"
        );
        for leak in ["server", "x-powered-by", "set-cookie"] {
            assert_eq!(answer.header(leak), "", "{path}");
        }
    }
}
