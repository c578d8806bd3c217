//! Start, logs and stop.

use std::io::Write as _;

use serde_json::{Value, json};

use crate::program::{Folder, post_head, read};

fn is_emptied(wal: &std::path::Path) -> bool {
    std::fs::metadata(wal).map_or(true, |file| file.len() == 0)
}

#[test]
fn a_server_without_an_admin_says_how_to_make_one() {
    let folder = Folder::new();
    let server = folder.serve(&["serve"]);
    let warned = |line: &Value| {
        line["level"] == "WARN"
            && line["message"]
                .as_str()
                .unwrap()
                .contains("bantin user add")
    };
    assert!(server.lines().iter().any(warned), "{}", server.log());
    server.stop();

    let add = ["user", "add", "quantri", "--role", "admin"];
    folder.run(&add).ok();
    let server = folder.serve(&["serve"]);
    assert!(!server.lines().iter().any(warned), "{}", server.log());
    server.stop();
}

#[test]
fn what_is_in_flight_is_finished_and_the_log_emptied_into_the_file() {
    let folder = Folder::new();
    let add = [
        "user",
        "add",
        "quantri",
        "--role",
        "admin",
        "--password-stdin",
    ];
    folder.run_with(&add, "con trâu đen bên bờ ao").ok();
    let mut server = folder.serve(&["serve"]);
    assert!(server.get("/healthz").starts_with("HTTP/1.1 200 "));
    assert!(server.get("/readyz").starts_with("HTTP/1.1 200 "));

    let body = json!({"login": "quantri", "password": "con trâu đen bên bờ ao"}).to_string();
    let (first, second) = body.split_at(20);
    let mut stream = server.connect();
    write!(stream, "{}{first}", post_head("/v1/auth/login", body.len())).unwrap();
    stream.flush().unwrap();
    // The request has arrived when a later one was answered, on this worker or another.
    server.wait_until("the request", || {
        let metrics = server_metrics(&stream);
        metrics.contains("in_flight 2") || metrics.contains("in_flight{} 2")
    });
    server.terminate();
    server.wait_for("stopping");
    write!(stream, "{second}").unwrap();
    let answer = read(stream);
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    assert!(answer.contains("access_token"), "{answer}");

    assert!(server.ended().success(), "{}", server.log());
    assert!(server.log().contains("\"message\":\"stopped\""));
    let wal = folder.database().with_extension("db-wal");
    assert!(is_emptied(&wal), "{} holds something", wal.display());
    let refused = std::net::TcpStream::connect(("127.0.0.1", server.port));
    assert!(refused.is_err(), "the port is still open");
}

/// The metrics of the server at the other end of a stream.
fn server_metrics(stream: &std::net::TcpStream) -> String {
    let mut other = std::net::TcpStream::connect(stream.peer_addr().unwrap()).unwrap();
    write!(
        other,
        "GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    )
    .unwrap();
    read(other)
}

#[test]
fn logs_are_json_with_request_ids_and_without_secrets() {
    let folder = Folder::new();
    let password = "con trâu đen bên bờ ao";
    let add = [
        "user",
        "add",
        "quantri",
        "--role",
        "admin",
        "--password-stdin",
    ];
    folder.run_with(&add, password).ok();
    let mut command = folder.command(&["serve"]);
    command.env("BANTIN_LOG", "debug");
    let mut server = crate::program::Server::start(&mut command);

    let body = json!({"login": "quantri", "password": password}).to_string();
    let answer = server.post("/v1/auth/login", &body);
    let (head, pair) = answer.split_once("\r\n\r\n").unwrap();
    let id = head
        .lines()
        .find_map(|line| line.strip_prefix("x-request-id: "))
        .unwrap();
    let pair: Value = serde_json::from_str(pair).unwrap();
    let token = pair["access_token"].as_str().unwrap();
    let mut stream = server.connect();
    write!(
        stream,
        "GET /v1/auth/me?hint={token} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nAuthorization: Bearer {token}\r\n\r\n"
    )
    .unwrap();
    read(stream);
    let wrong = json!({"login": "quantri", "password": "một mật khẩu sai"}).to_string();
    assert!(server.post("/v1/auth/login", &wrong).contains(" 401 "));
    let again = json!({"refresh_token": pair["refresh_token"]}).to_string();
    assert!(server.post("/v1/auth/refresh", &again).contains(" 200 "));
    server.wait_until("all answers in the log", || true);
    server.wait_for("/v1/auth/refresh");

    let lines = server.lines();
    let answered = |line: &&Value| line["message"] == "answered";
    assert!(lines.iter().filter(answered).count() >= 4);
    for line in lines.iter().filter(answered) {
        assert_eq!(line["id"].as_str().unwrap().len(), 24, "{line}");
        assert!(
            line["status"].is_u64() && line["route"].is_string(),
            "{line}"
        );
    }
    assert!(
        lines.iter().any(|line| line["id"] == id),
        "{id} is not logged"
    );
    let log = server.log();
    let refresh = pair["refresh_token"].as_str().unwrap();
    for secret in [token, refresh, password, "một mật khẩu sai", "$argon2id"] {
        assert!(!log.contains(secret), "the log holds {secret}");
    }
    server.stop();
}

#[test]
fn the_log_format_can_be_chosen() {
    let folder = Folder::new();
    let mut command = folder.command(&["serve", "--log-format", "human", "--listen", "1.2.3.4:1"]);
    let done = crate::program::done(&mut command);
    let words = done.refused(&["BANTIN_LISTEN"]);
    assert!(words.contains(" WARN "), "{words}");
    assert!(!words.contains("{\""), "{words}");
}
