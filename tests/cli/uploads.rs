//! Uploads through the real server, over connections that break, and while it is killed and stopped.

use std::io::{Cursor, Write as _};
use std::net::Shutdown;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::program::{Folder, LONG, Server, read};

const PASSWORD: &str = "con trâu đen bên bờ ao";

/// A request with a token and these headers.
fn head(method: &str, path: &str, token: &str, headers: &str) -> String {
    format!(
        "{method} {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\
         Authorization: Bearer {token}\r\nTus-Resumable: 1.0.0\r\n{headers}\r\n"
    )
}

fn ask(server: &Server, head: &str, body: &[u8]) -> String {
    let mut stream = server.connect();
    stream.write_all(head.as_bytes()).unwrap();
    stream.write_all(body).unwrap();
    read(stream)
}

fn header<'a>(answer: &'a str, name: &str) -> &'a str {
    let (head, _) = answer.split_once("\r\n\r\n").unwrap();
    let mut pairs = head.lines().filter_map(|line| line.split_once(": "));
    pairs
        .find(|(known, _)| known.eq_ignore_ascii_case(name))
        .unwrap_or_else(|| panic!("no {name}: {head}"))
        .1
}

fn patch(path: &str, token: &str, offset: usize, length: usize) -> String {
    let headers = format!(
        "Content-Type: application/offset+octet-stream\r\nUpload-Offset: {offset}\r\nContent-Length: {length}\r\n"
    );
    head("PATCH", path, token, &headers)
}

fn sign_in(server: &Server, password: &str) -> String {
    let body = json!({"login": "tho", "password": password});
    let answer = server.post("/v1/auth/login", &body.to_string());
    let (_, answer) = answer.split_once("\r\n\r\n").unwrap();
    let pair: Value = serde_json::from_str(answer).unwrap();
    pair["access_token"].as_str().unwrap().to_owned()
}

/// A server, and the token of a reporter.
fn signed_in(folder: &Folder, serve: &[&str]) -> (Server, String) {
    let add = [
        "user",
        "add",
        "tho",
        "--role",
        "reporter",
        "--password-stdin",
    ];
    folder.run_with(&add, PASSWORD).ok();
    let server = folder.serve(serve);
    let token = sign_in(&server, PASSWORD);
    let own = "mùa lúa chín vàng đồng";
    let change = json!({"current_password": PASSWORD, "new_password": own});
    server.post_as(&token, "/v1/auth/password", &change.to_string());
    let token = sign_in(&server, own);
    (server, token)
}

#[test]
fn what_came_before_a_connection_broke_is_kept() {
    let folder = Folder::new();
    let (server, token) = signed_in(&folder, &["serve"]);
    let mut file = b"%PDF-1.4\n".to_vec();
    file.resize(10_000_000, b'a');
    file.extend(b"\nstartxref\n9\n%%EOF\n");
    let length = format!("Upload-Length: {}\r\nContent-Length: 0\r\n", file.len());
    let begin = head("POST", "/v1/editorial/uploads", &token, &length);
    let begun = ask(&server, &begin, b"");
    let base = format!("http://127.0.0.1:{}", server.port);
    let path = header(&begun, "location")
        .strip_prefix(&base)
        .unwrap()
        .to_owned();

    // Everything is announced, a part is sent, and the connection is gone.
    let mut stream = server.connect();
    let sent = 9_000_000;
    let all = patch(&path, &token, 0, file.len());
    stream.write_all(all.as_bytes()).unwrap();
    stream.write_all(&file[..sent]).unwrap();
    stream.shutdown(Shutdown::Both).unwrap();
    drop(stream);
    let where_it_stands = head("HEAD", &path, &token, "");
    let stands = || -> usize {
        let answer = ask(&server, &where_it_stands, b"");
        header(&answer, "upload-offset").parse().unwrap()
    };
    let mut at = 0;
    for _ in 0..1000 {
        at = stands();
        if at == sent {
            break;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    // What the network had delivered; the last packets may have been lost with the connection.
    assert!(at > 8 * 1024 * 1024 - 1 && at <= sent, "{at}");

    // The server dies; another goes on.
    server.kill();
    let server = folder.serve(&["serve", "--public-url", "http://anh.example.vn"]);
    let answer = ask(&server, &where_it_stands, b"");
    assert_eq!(header(&answer, "upload-offset"), at.to_string());
    let rest = patch(&path, &token, at, file.len() - at);
    let answer = ask(&server, &rest, &file[at..]);
    assert!(answer.starts_with("HTTP/1.1 204 "), "{answer}");
    let medium = header(&answer, "location").to_owned();
    assert!(medium.ends_with("/v1/editorial/media/1"), "{medium}");
    let shown = ask(
        &server,
        &head("GET", "/v1/editorial/media/1", &token, ""),
        b"",
    );
    let (_, shown) = shown.split_once("\r\n\r\n").unwrap();
    let shown: Value = serde_json::from_str(shown).unwrap();
    assert_eq!(shown["bytes"], file.len());
    server.stop();
}

/// A picture that takes a moment.
fn picture(shade: u8) -> Vec<u8> {
    let pixels = image::RgbImage::from_fn(1400, 1000, |x, y| {
        image::Rgb([
            shade,
            u8::try_from(x % 251).unwrap(),
            u8::try_from(y % 253).unwrap(),
        ])
    });
    let mut bytes = Cursor::new(Vec::new());
    let format = image::ImageFormat::Png;
    pixels.write_to(&mut bytes, format).unwrap();
    bytes.into_inner()
}

fn upload(server: &Server, token: &str, file: &[u8]) -> u64 {
    let answer = send(server, token, file);
    assert!(answer.starts_with("HTTP/1.1 202 "), "{answer}");
    body(&answer)["id"].as_u64().unwrap()
}

fn send(server: &Server, token: &str, file: &[u8]) -> String {
    let form = [
        b"--edge\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.png\"\r\n\r\n",
        file,
        b"\r\n--edge--\r\n",
    ]
    .concat();
    let headers = format!(
        "Content-Type: multipart/form-data; boundary=edge\r\nContent-Length: {}\r\n",
        form.len()
    );
    ask(
        server,
        &head("POST", "/v1/editorial/media", token, &headers),
        &form,
    )
}

fn body(answer: &str) -> Value {
    let (_, body) = answer.split_once("\r\n\r\n").unwrap();
    serde_json::from_str(body).unwrap()
}

fn status(server: &Server, token: &str, id: u64) -> String {
    let path = format!("/v1/editorial/media/{id}");
    let answer = ask(server, &head("GET", &path, token, ""), b"");
    body(&answer)["status"].as_str().unwrap().to_owned()
}

#[test]
fn pictures_are_made_ready_though_the_server_is_killed_and_stopped() {
    let folder = Folder::new();
    let later = ["serve", "--inline-pixels", "0"];
    let (server, token) = signed_in(&folder, &later);
    let mut media: Vec<u64> = (0..3)
        .map(|shade| upload(&server, &token, &picture(shade)))
        .collect();
    server.kill();

    let server = folder.serve(&later);
    media.extend((3..6).map(|shade| upload(&server, &token, &picture(shade))));
    // In the middle of one of them.
    server.stop();

    let server = folder.serve(&later);
    let start = Instant::now();
    for id in media {
        while status(&server, &token, id) != "ready" {
            assert!(
                start.elapsed() < LONG,
                "{id} is not ready: {}",
                server.log()
            );
            std::thread::sleep(Duration::from_millis(50));
        }
    }
    server.stop();
}

#[test]
fn avif_is_decoded_by_the_program_itself_which_nobody_sees() {
    let folder = Folder::new();
    let (server, token) = signed_in(&folder, &["serve"]);
    let file =
        std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/avif/420.avif");
    let answer = send(&server, &token, &std::fs::read(file).unwrap());
    assert!(answer.starts_with("HTTP/1.1 201 "), "{answer}");
    assert_eq!(body(&answer)["type"], "image/avif");
    server.stop();
    let help = folder.run(&["--help"]).ok();
    assert!(help.contains("serve") && !help.contains("decode-avif"));
    // It says that it is there even where it is given nothing.
    let done = folder.run(&["decode-avif", "1000"]).ok();
    assert!(done.starts_with("bantin\0\u{1}c"), "{done:?}");
}
