//! Headers that no honest client sends: nothing breaks, nothing is stored, and what matters is
//! refused by name.

use actix_web::http::Method;
use serde_json::json;

use crate::support::Portal;
use crate::support::operations::{World, operations};

const NAMES: [&str; 18] = [
    "accept",
    "accept-encoding",
    "accept-language",
    "content-encoding",
    "content-length",
    "cookie",
    "forwarded",
    "host",
    "idempotency-key",
    "if-match",
    "if-modified-since",
    "if-none-match",
    "if-range",
    "origin",
    "range",
    "x-forwarded-for",
    "x-forwarded-host",
    "x-request-id",
];

#[actix_web::test]
async fn odd_headers_break_nothing() {
    let portal = Portal::with(&["--trusted-proxies", "203.0.113.7"]).await;
    let world = World::new(&portal).await;
    let stock = portal.stock().await;
    let long = "a,".repeat(4000);
    let values: [&[u8]; 9] = [
        b"",
        b"\xff\xfe",
        "không".as_bytes(),
        b"\"",
        b"W/",
        b"*, *",
        b"bytes=9-1,-,x",
        b"-1",
        long.as_bytes(),
    ];
    // Each meets every header, and the values in turn: all of them would take long.
    let mut turn = values.iter().cycle();
    for operation in operations() {
        // A body that is refused, so that nothing changes whatever the header does.
        let method = operation.method.clone();
        for name in NAMES {
            for value in turn.by_ref().take(2) {
                let ask = portal.ask(method.clone(), &world.path(&operation));
                let ask = match operation.is_secured() {
                    false => ask,
                    true => {
                        let token = portal.user("publisher").await.token;
                        ask.header("authorization", &format!("Bearer {token}"))
                    }
                };
                let ask = match method {
                    Method::GET => ask,
                    Method::DELETE => ask.at(99),
                    _ if operation.id == "logout" => ask.header("authorization", "twice"),
                    _ if operation.id == "restore_article" => ask.at(99),
                    _ => ask.bytes("application/json", b"{"),
                };
                ask.raw_header(name, value).send().await;
            }
        }
    }
    assert_eq!(portal.stock().await, stock);
}

#[actix_web::test]
async fn headers_that_matter_may_be_there_once() {
    let portal = Portal::new().await;
    let editor = portal.editor().await;
    let stock = portal.stock().await;
    let body = json!({"title": "A", "category": "a"});
    for (name, one, other) in [
        ("if-match", "\"1\"", "\"2\""),
        ("idempotency-key", "a", "b"),
        ("content-type", "application/json", "application/json"),
        ("authorization", "Bearer a", "Bearer b"),
    ] {
        let ask = editor
            .ask(Method::POST, "/v1/editorial/articles")
            .json(&body);
        let answer = ask.header(name, one).header(name, other).send().await;
        answer.problem(400, "bad_header");
    }
    for key in ["", "có dấu", "a b", &"a".repeat(256)] {
        let ask = editor
            .ask(Method::POST, "/v1/editorial/articles")
            .json(&body);
        let answer = ask.header("idempotency-key", key).send().await;
        answer.problem(400, "bad_header");
    }
    assert_eq!(portal.stock().await, stock);
}

#[actix_web::test]
async fn the_host_header_moves_no_address() {
    let portal = Portal::new().await;
    let world = World::new(&portal).await;
    for path in [
        "/v1/articles",
        "/feeds/atom",
        "/v1/home",
        &world.path(&operations()[0]),
    ] {
        let plain = portal.get(path).await;
        let ask = portal.ask(Method::GET, path).header("host", "evil.example");
        let ask = ask.header("x-forwarded-host", "evil.example");
        let answer = ask.header("forwarded", "host=evil.example").send().await;
        assert_eq!(answer.status, 200, "{path}");
        assert_eq!(answer.text(), plain.text(), "{path}");
    }
}

#[actix_web::test]
async fn the_request_id_is_ours() {
    let portal = Portal::new().await;
    let ask = portal.ask(Method::GET, "/v1/portal");
    let answer = ask.header("x-request-id", "theirs\"}").send().await;
    let id = answer.header("x-request-id");
    assert!(
        id.len() >= 16 && id.bytes().all(|b| b.is_ascii_hexdigit()),
        "{id}"
    );
}
