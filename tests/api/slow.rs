//! A real server on a real socket: slow, broken and crowded connections.

use std::time::Duration;

use actix_web::HttpServer;
use bantin::http::{Shared, app};
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::support::Portal;

/// Far longer than anything here takes; only a hang meets it.
const PATIENCE: Duration = Duration::from_secs(30);

/// A portal behind a port.
struct Server {
    portal: Portal,
    address: std::net::SocketAddr,
    handle: actix_web::dev::ServerHandle,
}

impl Server {
    async fn start() -> Self {
        let flags = ["--body-timeout", "1", "--max-json", "2000"];
        let portal = Portal::with(&flags).await;
        let shared = Shared::new(portal.ctx.clone());
        let server = HttpServer::new(move || app(&shared))
            .workers(1)
            .disable_signals()
            .bind(("127.0.0.1", 0))
            .unwrap();
        let address = *server.addrs().first().unwrap();
        let running = server.run();
        let handle = running.handle();
        actix_web::rt::spawn(running);
        Self {
            portal,
            address,
            handle,
        }
    }

    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    /// Everything that comes back for these bytes until the server closes the connection.
    async fn exchange(&self, bytes: &[u8]) -> String {
        let mut stream = self.connect().await;
        stream.write_all(bytes).await.unwrap();
        rest(&mut stream).await
    }

    async fn stop(self) {
        self.handle.stop(false).await;
    }
}

/// What comes until the connection is closed; a reset counts as that.
async fn rest(stream: &mut TcpStream) -> String {
    let mut all = Vec::new();
    let read = async {
        let mut part = [0; 4096];
        while let Ok(count @ 1..) = stream.read(&mut part).await {
            all.extend_from_slice(&part[..count]);
        }
    };
    let closed = tokio::time::timeout(PATIENCE, read).await;
    assert!(
        closed.is_ok(),
        "the connection stays open after {}",
        String::from_utf8_lossy(&all)
    );
    String::from_utf8(all).unwrap()
}

/// One answer, by its Content-Length.
async fn answer(stream: &mut TcpStream) -> (String, Vec<u8>) {
    let mut head = Vec::new();
    let read = async {
        while !head.ends_with(b"\r\n\r\n") {
            head.push(stream.read_u8().await.unwrap());
        }
        let text = String::from_utf8(head.clone()).unwrap().to_lowercase();
        let length = text.split("content-length: ").nth(1).unwrap();
        let length = length.split("\r\n").next().unwrap();
        let mut body = vec![0; length.parse::<usize>().unwrap()];
        stream.read_exact(&mut body).await.unwrap();
        (text, body)
    };
    tokio::time::timeout(PATIENCE, read).await.unwrap()
}

fn login(length: usize, body: &str) -> String {
    format!(
        "POST /v1/auth/login HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\n\
         content-length: {length}\r\n\r\n{body}"
    )
}

/// The status of an answer, and the code of its problem.
fn problem(text: &str) -> (u16, String) {
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    let problem: Value = serde_json::from_str(body).unwrap_or_default();
    let code = problem["code"].as_str().unwrap_or_default();
    (status, code.to_owned())
}

#[actix_web::test]
async fn a_body_that_trickles_in_is_cut_off() {
    let server = Server::start().await;
    let mut stream = server.connect().await;
    stream.write_all(login(1000, "{").as_bytes()).await.unwrap();
    let (mut from, mut to) = stream.split();
    let trickle = async {
        // Each byte comes in time; the body does not.
        while to.write_all(b" ").await.is_ok() {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    let mut text = Vec::new();
    let read = async {
        let mut part = [0; 4096];
        while !String::from_utf8_lossy(&text).contains("request_timeout") {
            match from.read(&mut part).await {
                Ok(count @ 1..) => text.extend_from_slice(&part[..count]),
                _ => break,
            }
        }
    };
    tokio::select! {
        () = trickle => {}
        () = read => {}
        () = tokio::time::sleep(PATIENCE) => {}
    }
    let text = String::from_utf8(text).unwrap();
    assert_eq!(problem(&text), (408, "request_timeout".to_owned()));
    // The rest of the body is not taken for a request, and the connection does not stay.
    rest(&mut stream).await;
    server.stop().await;
}

#[actix_web::test]
async fn a_body_that_never_comes_is_cut_off() {
    let server = Server::start().await;
    let text = server.exchange(login(1000, "").as_bytes()).await;
    assert_eq!(problem(&text), (408, "request_timeout".to_owned()));
    server.stop().await;
}

#[actix_web::test]
async fn a_form_that_never_comes_is_cut_off() {
    let server = Server::start().await;
    let token = server.portal.editor().await.token;
    let text = server
        .exchange(
            format!(
                "POST /v1/editorial/media HTTP/1.1\r\nhost: a\r\nauthorization: Bearer {token}\r\n\
                 content-type: multipart/form-data; boundary=z\r\ncontent-length: 1000\r\n\r\n--z\r\n"
            )
            .as_bytes(),
        )
        .await;
    assert_eq!(problem(&text), (408, "request_timeout".to_owned()));
    server.stop().await;
}

#[actix_web::test]
async fn a_body_without_a_length_is_cut_at_the_limit() {
    let server = Server::start().await;
    let mut stream = server.connect().await;
    let head = "POST /v1/auth/login HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\n\
                transfer-encoding: chunked\r\n\r\n";
    stream.write_all(head.as_bytes()).await.unwrap();
    // It never ends; the server may close while this is sent.
    let chunk = format!("3e8\r\n{}\r\n", " ".repeat(1000));
    let _ = stream.write_all(chunk.repeat(3).as_bytes()).await;
    let (head, body) = answer(&mut stream).await;
    assert!(head.starts_with("http/1.1 413"), "{head}");
    let problem: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(problem["code"], "too_large");
    server.stop().await;
}

#[actix_web::test]
async fn a_body_that_is_too_long_is_refused_before_it_comes() {
    let server = Server::start().await;
    let mut stream = server.connect().await;
    stream.write_all(login(2001, "").as_bytes()).await.unwrap();
    let (head, _) = answer(&mut stream).await;
    assert!(head.starts_with("http/1.1 413"), "{head}");
    server.stop().await;
}

#[actix_web::test]
async fn a_body_that_ends_too_soon_is_answered_or_dropped_and_stores_nothing() {
    let server = Server::start().await;
    let stock = server.portal.stock().await;
    let token = server.portal.publisher().await.token;
    let mut stream = server.connect().await;
    let head = format!(
        "POST /v1/editorial/categories HTTP/1.1\r\nhost: a\r\nauthorization: Bearer {token}\r\n\
         content-type: application/json\r\ncontent-length: 100\r\n\r\n{{\"name\": \"A\"}}"
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    stream.shutdown().await.unwrap();
    let text = rest(&mut stream).await;
    if !text.is_empty() {
        assert_eq!(problem(&text).0 / 100, 4, "{text}");
    }
    assert_eq!(server.portal.stock().await, stock);
    server.stop().await;
}

#[actix_web::test]
async fn what_comes_after_a_body_is_another_request() {
    let server = Server::start().await;
    let body = "{\"login\": \"nobody\", \"password\": \"x\"}";
    let text = server
        .exchange(login(body.len(), &format!("{body}tail\r\n\r\n")).as_bytes())
        .await;
    assert!(text.starts_with("HTTP/1.1 401"), "{text}");
    assert_eq!(text.matches("HTTP/1.1 ").count(), 2, "{text}");
    assert!(text.contains("HTTP/1.1 400"), "{text}");
    server.stop().await;
}

#[actix_web::test]
async fn pipelined_requests_are_answered_in_order() {
    let server = Server::start().await;
    let mut stream = server.connect().await;
    let mut requests = String::new();
    for path in ["/v1/portal", "/nowhere", "/healthz", "/v1/home"] {
        requests += &format!("GET {path} HTTP/1.1\r\nhost: a\r\n\r\n");
    }
    stream.write_all(requests.as_bytes()).await.unwrap();
    for (status, key) in [
        (200, "name"),
        (404, "code"),
        (200, "status"),
        (200, "portal"),
    ] {
        let (head, body) = answer(&mut stream).await;
        assert!(head.starts_with(&format!("http/1.1 {status}")), "{head}");
        let body: Value = serde_json::from_slice(&body).unwrap();
        assert!(body.get(key).is_some(), "{body:#}");
    }
    server.stop().await;
}

#[actix_web::test]
async fn a_connection_is_kept_after_a_refused_request() {
    let server = Server::start().await;
    let mut stream = server.connect().await;
    for _ in 0..3 {
        let bad = login(3, "{x}");
        stream.write_all(bad.as_bytes()).await.unwrap();
        let (head, _) = answer(&mut stream).await;
        assert!(head.starts_with("http/1.1 400"), "{head}");
    }
    server.stop().await;
}

#[actix_web::test]
async fn head_tells_the_length_that_get_would_send() {
    let server = Server::start().await;
    let mut lengths = Vec::new();
    for method in ["HEAD", "GET"] {
        let text = server
            .exchange(
                format!("{method} /v1/portal HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n")
                    .as_bytes(),
            )
            .await;
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        assert_eq!(body.is_empty(), method == "HEAD", "{text}");
        let head = head.to_lowercase();
        let length = head.split("content-length: ").nth(1).unwrap();
        lengths.push(length.split("\r\n").next().unwrap().to_owned());
    }
    assert_eq!(lengths[0], lengths[1]);
    server.stop().await;
}

#[actix_web::test]
async fn odd_but_legal_requests_are_answered() {
    let server = Server::start().await;
    let mut wrong = Vec::new();
    for (request, status) in [
        ("GET /healthz HTTP/1.0\r\n\r\n", 200),
        (
            "GET http://elsewhere.example/healthz HTTP/1.1\r\nhost: a\r\n",
            200,
        ),
        ("GET /healthz HTTP/1.1\r\n", 400),
        ("GET /healthz HTTP/1.1\r\nhost: \r\n", 200),
        ("OPTIONS * HTTP/1.1\r\nhost: a\r\n", 404),
        ("CONNECT a:443 HTTP/1.1\r\nhost: a\r\n", 404),
        ("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400),
        (
            "GET /healthz HTTP/1.1\r\nhost: a\r\nupgrade: websocket\r\nconnection: upgrade\r\n",
            200,
        ),
    ] {
        let end = if request.ends_with("\r\n\r\n") {
            ""
        } else {
            "connection: close\r\n\r\n"
        };
        let mut stream = server.connect().await;
        let bytes = format!("{request}{end}");
        stream.write_all(bytes.as_bytes()).await.unwrap();
        stream.shutdown().await.unwrap();
        let text = rest(&mut stream).await;
        let found: u16 = text.split(' ').nth(1).unwrap_or("0").parse().unwrap();
        wrong.extend((found != status).then(|| format!("{request:?} {status}: {text:?}")));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    server.stop().await;
}

#[actix_web::test]
async fn a_client_that_waits_for_a_go_ahead_gets_it() {
    let server = Server::start().await;
    let mut stream = server.connect().await;
    let body = "{\"login\": \"nobody\", \"password\": \"x\"}";
    let head = login(body.len(), "").replace("host: a", "host: a\r\nexpect: 100-continue");
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut go = [0; 25];
    let wait = stream.read_exact(&mut go);
    tokio::time::timeout(PATIENCE, wait).await.unwrap().unwrap();
    assert_eq!(&go, b"HTTP/1.1 100 Continue\r\n\r\n");
    stream.write_all(body.as_bytes()).await.unwrap();
    let (head, _) = answer(&mut stream).await;
    assert!(head.starts_with("http/1.1 401"), "{head}");
    server.stop().await;
}

#[actix_web::test]
async fn what_is_no_request_is_answered_4xx() {
    let server = Server::start().await;
    let long = "a".repeat(200_000);
    for request in [
        "GARBAGE\r\n\r\n".to_owned(),
        "GET /v1/portal\r\n\r\n".to_owned(),
        "GET /v1/portal HTTP/9.9\r\nhost: a\r\n\r\n".to_owned(),
        "G\u{1}T /v1/portal HTTP/1.1\r\nhost: a\r\n\r\n".to_owned(),
        "GET /v1/portal HTTP/1.1\r\nno colon\r\n\r\n".to_owned(),
        "GET /v1/portal HTTP/1.1\r\nhost : a\r\n\r\n".to_owned(),
        "GET /v1/portal HTTP/1.1\r\nhost: a\r\nx: a\0b\r\n\r\n".to_owned(),
        "POST /v1/auth/login HTTP/1.1\r\nhost: a\r\ncontent-length: -1\r\n\r\n".to_owned(),
        "POST /v1/auth/login HTTP/1.1\r\nhost: a\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n{}"
            .to_owned(),
        "POST /v1/auth/login HTTP/1.1\r\nhost: a\r\ncontent-length: 2\r\n\
         transfer-encoding: chunked\r\n\r\n0\r\n\r\n"
            .to_owned(),
        "POST /v1/auth/login HTTP/1.1\r\nhost: a\r\ntransfer-encoding: gzip\r\n\r\n".to_owned(),
        "POST /v1/auth/login HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n"
            .to_owned(),
        "\u{16}\u{3}\u{1}\u{2}\0\u{1}\0\u{1}\u{fc}\u{3}\u{3}\r\n\r\n".to_owned(),
        format!("GET /{long} HTTP/1.1\r\nhost: a\r\n\r\n"),
        format!("GET / HTTP/1.1\r\nhost: a\r\nx: {long}\r\n\r\n"),
    ] {
        let mut stream = server.connect().await;
        // The server may have closed before everything is sent.
        let _ = stream.write_all(request.as_bytes()).await;
        let _ = stream.shutdown().await;
        let text = rest(&mut stream).await;
        let shown: String = request.chars().take(90).collect();
        assert!(text.starts_with("HTTP/1.1 4"), "{shown:?}: {text:?}");
    }
    // And the server is there for the next one.
    let next = "GET /healthz HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n";
    let text = server.exchange(next.as_bytes()).await;
    assert!(text.starts_with("HTTP/1.1 200"), "{text}");
    server.stop().await;
}
