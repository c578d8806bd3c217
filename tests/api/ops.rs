//! For those who run the portal: health, readiness, metrics.

use actix_web::http::Method;
use serde_json::json;

use crate::support::operations::World;
use crate::support::{BASE, PASSWORD, Portal};

#[actix_web::test]
async fn the_process_says_that_it_lives_and_can_serve() {
    let portal = Portal::new().await;
    for (path, status) in [("/healthz", "ok"), ("/readyz", "ready")] {
        let health = portal.get(path).await.ok();
        assert_eq!(health["status"], status);
        assert_eq!(health["version"], env!("CARGO_PKG_VERSION"));
    }
}

#[actix_web::test]
async fn metrics_are_counted_by_route_pattern() {
    let portal = Portal::new().await;
    let world = World::new(&portal).await;
    for _ in 0..3 {
        portal
            .get(&format!("/v1/articles/{}", world.slug))
            .await
            .ok();
    }
    for path in ["/v1/articles/khong-co", "/a/b/c", "/%2e%2e"] {
        portal.get(path).await.problem(404, "not_found");
    }
    let odd = portal.ask("BREW".parse().unwrap(), "/v1/portal").send();
    odd.await.problem(405, "method_not_allowed");

    let metrics = portal.get("/metrics").await;
    assert_eq!(metrics.status, 200);
    let text = metrics.text();
    let count = |status: &str| {
        let line = text.lines().find(|line| {
            line.contains("requests_total")
                && line.contains("method=\"GET\"")
                && line.contains("route=\"/v1/articles/{slug}\"")
                && line.contains(&format!("status=\"{status}\""))
        });
        line.and_then(|line| line.rsplit(' ').next()?.parse::<u64>().ok())
    };
    assert_eq!((count("200"), count("404")), (Some(3), Some(1)));
    // What clients invent makes no new lines.
    for invented in ["khong-co", "ra-quan", "/a/b/c", "BREW", "%2F"] {
        assert!(!text.contains(invented), "{invented}: {text}");
    }
    assert!(text.contains("route=\"unmatched\""));
    assert!(text.ends_with("# EOF\n"));
}

#[actix_web::test]
async fn metrics_tell_no_secrets() {
    let portal = Portal::new().await;
    let pair = portal.sign_in("editor", PASSWORD).await;
    let wrong = json!({"login": "tho.le", "password": "bầy cò trắng về đồng"});
    let ask = portal.ask(Method::POST, "/v1/auth/login").json(&wrong);
    ask.send().await.problem(401, "bad_credentials");
    let text = portal.get("/metrics").await.text();
    let token = pair["access_token"].as_str().unwrap();
    for secret in [token, "tho.le", "editor", PASSWORD, "203.0.113.7"] {
        assert!(!text.contains(secret), "{secret}");
    }
}

#[actix_web::test]
async fn failed_signings_in_are_counted() {
    let portal = Portal::new().await;
    let failed = |text: String| {
        let line = text
            .lines()
            .find(|line| line.contains("failed_logins_total "));
        line.and_then(|line| line.rsplit(' ').next()?.parse::<u64>().ok())
    };
    assert_eq!(failed(portal.get("/metrics").await.text()), Some(0));
    let wrong = json!({"login": "editor", "password": "x"});
    for _ in 0..2 {
        let ask = portal.ask(Method::POST, "/v1/auth/login").json(&wrong);
        ask.send().await.problem(401, "bad_credentials");
    }
    assert_eq!(failed(portal.get("/metrics").await.text()), Some(2));
}

#[actix_web::test]
async fn the_pages_about_the_api_load_nothing_from_elsewhere() {
    let portal = Portal::new().await;
    let docs = portal.get("/docs/").await;
    assert_eq!(docs.status, 200);
    let text = docs.text();
    assert!(!text.contains("src=\"http") && !text.contains("href=\"http"));
    let policy = docs.header("content-security-policy");
    assert!(policy.starts_with("default-src 'self'"), "{policy}");
    for path in ["/", "/docs"] {
        let answer = portal.get(path).await;
        assert_eq!(
            (answer.status, &*answer.header("location")),
            (302, &*format!("{BASE}/docs/"))
        );
    }
    let problems = portal.get("/docs/problems").await;
    assert!(problems.header("content-type").starts_with("text/html"));
}

#[actix_web::test]
async fn a_handler_that_panics_is_a_problem_and_no_broken_connection() {
    async fn panics() -> actix_web::HttpResponse {
        panic!("on purpose")
    }
    let portal = Portal::new().await;
    let app = actix_web::App::new()
        .app_data(actix_web::web::Data::new(portal.ctx.clone()))
        .route("/panics", actix_web::web::get().to(panics))
        .wrap(actix_web::middleware::from_fn(
            bantin::http::request::handle,
        ));
    let app = actix_web::test::init_service(app).await;
    let request = actix_web::test::TestRequest::get().uri("/panics");
    let error = actix_web::dev::Service::call(&app, request.to_request())
        .await
        .err()
        .unwrap();
    let response = error.as_response_error().error_response();
    assert_eq!(response.status(), 500);
    let headers = response.headers().clone();
    for name in [
        "x-request-id",
        "content-security-policy",
        "access-control-allow-origin",
    ] {
        assert!(headers.contains_key(name), "{name}");
    }
    let body = actix_web::body::to_bytes(response.into_body())
        .await
        .unwrap();
    let problem: serde_json::Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(problem["code"], "internal");
    assert_eq!(
        problem["instance"],
        headers.get("x-request-id").unwrap().to_str().unwrap()
    );
}
