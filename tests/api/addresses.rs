//! Addresses: unknown and odd ones, wrong methods, queries that nobody asked for, HEAD.

use std::collections::BTreeSet;

use actix_web::http::Method;
use serde_json::Value;

use crate::support::Portal;
use crate::support::operations::{Operation, World, operations};
use crate::support::spec::document;

const METHODS: [&str; 7] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];

/// Operations under /v1: there a query is checked.
fn checked() -> impl Iterator<Item = Operation> {
    let all = operations().into_iter();
    all.filter(|operation| operation.pattern.starts_with("/v1/"))
}

/// The operation with a query, asked by somebody who may.
async fn ask(portal: &Portal, world: &World, operation: &Operation, query: &str) -> Value {
    let ask = world.caller(portal, operation).await;
    let path = world.path(operation);
    let joint = if path.contains('?') { '&' } else { '?' };
    let mut ask = ask.to(&format!("{path}{joint}{query}"));
    match world.body(operation) {
        Some(body) => ask = ask.json(&body),
        None if ["upload_media", "replace_media_file"].contains(&operation.id) => {
            ask = ask.form("a.png", b"x", &[]);
        }
        None if operation.id == "put_media_track" => ask = ask.bytes("text/vtt", b"WEBVTT"),
        None => {}
    }
    let answer = ask.send().await;
    assert_eq!(
        answer.status,
        400,
        "{} ?{query}: {}",
        operation.id,
        answer.text()
    );
    answer.problem(400, "bad_query")
}

#[actix_web::test]
async fn parameters_that_an_operation_does_not_have_are_named() {
    let portal = Portal::new().await;
    let world = World::new(&portal).await;
    let stock = portal.stock().await;
    let mut ignored = Vec::new();
    for operation in checked() {
        let ask = world.caller(&portal, &operation).await;
        let path = world.path(&operation);
        let joint = if path.contains('?') { '&' } else { '?' };
        let mut ask = ask.to(&format!("{path}{joint}khong_co=1"));
        match world.body(&operation) {
            Some(body) => ask = ask.json(&body),
            None if ["upload_media", "replace_media_file"].contains(&operation.id) => {
                ask = ask.form("a.png", b"x", &[]);
            }
            None if operation.id == "put_media_track" => ask = ask.bytes("text/vtt", b"WEBVTT"),
            None => {}
        }
        let answer = ask.send().await;
        if answer.status != 400 {
            ignored.push(format!("{} {}", operation.id, answer.status));
            continue;
        }
        answer.faults(400, "bad_query", &["khong_co unknown_field"]);
    }
    assert!(ignored.is_empty(), "{}", ignored.join("\n"));
    assert_eq!(portal.stock().await, stock);
}

#[actix_web::test]
async fn every_fault_of_a_query_is_named_at_once() {
    let portal = Portal::new().await;
    let path = "/v1/articles?limit=0&sort=up&featured=1&from=2026-02-30&cursor=x&a=1";
    portal.get(path).await.faults(
        400,
        "bad_query",
        &[
            "limit out_of_range",
            "sort unknown_value",
            "featured unknown_value",
            "from bad_format",
            "cursor bad_format",
            "a unknown_field",
        ],
    );
}

#[actix_web::test]
async fn parameters_that_are_there_twice_or_badly_encoded_are_refused() {
    let portal = Portal::new().await;
    let world = World::new(&portal).await;
    for operation in checked() {
        let parameters = operation.entry["parameters"].as_array();
        let query = |name: &Value| {
            let parameters = parameters.into_iter().flatten();
            let mut found = parameters.filter(|p| p["in"] == "query" && p["name"] == *name);
            found.next().is_some()
        };
        if !query(&"limit".into()) {
            continue;
        }
        for bad in [
            "limit=1&limit=1",
            "limit=%ff",
            "limit=%00",
            "limit=",
            "limit=-1",
            "limit=101",
            "limit=1.5",
            "limit=%201",
            "limit=99999999999999999999",
            "limit=%D9%A1",
        ] {
            let problem = ask(&portal, &world, &operation, bad).await;
            assert_eq!(problem["errors"][0]["parameter"], "limit", "{problem:#}");
        }
        ask(&portal, &world, &operation, "%ff=1").await;
    }
}

#[actix_web::test]
async fn a_cursor_that_we_did_not_give_is_refused() {
    let portal = Portal::new().await;
    let world = World::new(&portal).await;
    let admin = portal.admin().await;
    let users = admin.get("/v1/editorial/users?limit=1").await.ok();
    let foreign = users["next"].as_str().unwrap().to_owned();
    let long = "A".repeat(5000);
    let mut lists = 0;
    for operation in checked() {
        let text = operation.entry["parameters"].to_string();
        if !text.contains("\"name\":\"cursor\"") || operation.id == "list_users" {
            continue;
        }
        lists += 1;
        for bad in ["", "x", "AAAA", "%00", "%ff", "../..", &*long, &*foreign] {
            let problem = ask(&portal, &world, &operation, &format!("cursor={bad}")).await;
            assert_eq!(problem["errors"][0]["parameter"], "cursor", "{problem:#}");
        }
    }
    assert!(lists >= 8, "{lists}");
}

#[actix_web::test]
async fn feeds_and_files_ignore_queries() {
    let portal = Portal::new().await;
    let world = World::new(&portal).await;
    for operation in operations() {
        if matches!(
            operation.id,
            "get_feed" | "get_category_feed" | "get_media_file"
        ) {
            let path = format!("{}?utm_source=x&utm_source=y&z=%ff", world.path(&operation));
            assert_eq!(portal.get(&path).await.status, 200, "{path}");
        }
    }
}

#[actix_web::test]
async fn a_method_that_an_address_lacks_is_405_with_those_that_it_has() {
    let portal = Portal::new().await;
    let world = World::new(&portal).await;
    let stock = portal.stock().await;
    let paths = document()["paths"].as_object().unwrap();
    for operation in operations() {
        let item = paths[operation.pattern].as_object().unwrap();
        let mut has: BTreeSet<String> = item.keys().map(|name| name.to_uppercase()).collect();
        if has.contains("GET") {
            has.insert("HEAD".to_owned());
        }
        let lacks = METHODS.iter().filter(|method| !has.contains(**method));
        for method in lacks.chain(&["TRACE", "BREW"]) {
            let path = world.path(&operation);
            let admin = portal.admin().await;
            for ask in [
                portal.ask(method.parse().unwrap(), &path),
                admin.ask(method.parse().unwrap(), &path),
            ] {
                let answer = ask.send().await;
                assert_eq!(answer.status, 405, "{method} {path}");
                let allow = answer.header("allow");
                let allow: BTreeSet<String> = allow.split(", ").map(str::to_owned).collect();
                assert_eq!(allow, has, "{method} {path}");
                if *method != "HEAD" {
                    answer.problem(405, "method_not_allowed");
                }
            }
        }
    }
    assert_eq!(portal.stock().await, stock);
}

#[actix_web::test]
async fn unknown_and_odd_addresses_are_not_found() {
    let portal = Portal::new().await;
    World::new(&portal).await;
    for path in [
        "/v1",
        "/v1/",
        "/v2/articles",
        "/V1/articles",
        "/v1/articles/",
        "//v1/articles",
        "/v1//articles",
        "/v1/articles//others",
        "/v1/articles/a/b/c",
        "/v1/editorial",
        "/v1/editorial/",
        "/v1/auth",
        "/.env",
        "/wp-login.php",
        "/openapi.json/",
        "/docs/nowhere.js",
        "/docs/..%2f..%2fCargo.toml",
        "/docs/../Cargo.toml",
        "/docs/%00",
        "/v1/articles/khong-co",
        "/v1/articles/a%2Fb",
        "/v1/articles/..%2f..%2fetc%2fpasswd",
        "/v1/articles/%00",
        "/v1/articles/ra-quan-trong-cay%00",
        "/v1/articles/%ff",
        "/v1/articles/%EF%BF%BE",
        "/v1/articles/%",
        "/v1/articles/%zz",
        "/v1/articles/ra-quan-trong-cay%20",
        "/v1/articles/ra-quan-trong-c%61y",
        "/v1/%65ditorial/articles",
        "/v1/editorial%2Farticles",
        "/v1/articles/RA-QUAN-TRONG-CAY",
        "/v1/articles/'%20OR%201=1--",
        "/v1/articles/;",
        "/v1/categories/%2e%2e",
        "/v1/captions/0",
        "/v1/captions/01",
        "/v1/captions/1e3",
        "/v1/captions/99999999999999999999",
        "/v1/media/-1",
        "/media/%2e%2e/%2e%2e",
        "/media/..%2f..%2fbantin.db/full",
        "/media/abc/full",
        "/feeds/xml",
        "/feeds/categories/khong-co/atom",
    ] {
        let answer = portal.get(path).await;
        assert_eq!(answer.status, 404, "{path}: {}", answer.text());
        answer.problem(404, "not_found");
    }
}

#[actix_web::test]
async fn an_address_that_is_too_long_is_refused() {
    let portal = Portal::new().await;
    let long = "a".repeat(9000);
    for path in [
        format!("/{long}"),
        format!("/v1/articles/{long}"),
        format!("/v1/articles?tag={long}"),
        format!("/v1/editorial/articles/{long}"),
        format!("/healthz?{long}"),
    ] {
        let answer = portal.ask(Method::PUT, &path).send().await;
        answer.problem(414, "uri_too_long");
    }
    // Still short enough to be looked at.
    let long = "a".repeat(8000);
    let answer = portal.get(&format!("/v1/articles/{long}")).await;
    answer.problem(404, "not_found");
}

#[actix_web::test]
async fn head_is_get_without_the_body() {
    let portal = Portal::new().await;
    let world = World::new(&portal).await;
    for operation in operations().iter().filter(|op| op.is_public_read()) {
        let path = world.path(operation);
        let get = portal.get(&path).await;
        let head = portal.ask(Method::HEAD, &path).send().await;
        assert_eq!(get.status, 200, "{path}");
        assert_eq!(head.status, 200, "{path}");
        assert!(head.body.is_empty(), "{path}");
        let headers = |answer: &crate::support::Answer| {
            let mut all: Vec<(String, String)> = answer
                .headers
                .iter()
                .filter(|(name, _)| *name != "x-request-id" && *name != "date")
                .map(|(name, value)| (name.to_string(), format!("{value:?}")))
                .collect();
            all.sort();
            all
        };
        assert_eq!(headers(&head), headers(&get), "{path}");
    }
    let gone = portal.ask(Method::HEAD, "/v1/articles/khong-co").send();
    let gone = gone.await;
    assert_eq!((gone.status, gone.body.len()), (404, 0));
    let wrong = portal.ask(Method::HEAD, "/v1/auth/login").send().await;
    assert_eq!((wrong.status, &*wrong.header("allow")), (405, "POST"));
}
