//! `bantin demo` from nothing, again, and after it broke off.

use serde_json::Value;

use crate::program::{Folder, Server};

fn json(answer: &str) -> Value {
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("HTTP/1.1 200 "), "{answer}");
    serde_json::from_str(body).unwrap()
}

pub fn demo(folder: &Folder) -> Server {
    let mut server = folder.serve(&["demo"]);
    let shown = |server: &Server| server.out().contains("Ctrl-C");
    for _ in 0..200 {
        if shown(&server) {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    assert!(shown(&server), "{}", server.out());
    server.wait_for("serving");
    server
}

#[test]
fn the_demo_loads_once_and_keeps_its_data() {
    let folder = Folder::new();
    let server = demo(&folder);
    let out = server.out();
    let base = format!("http://127.0.0.1:{}", server.port);
    assert!(out.contains(&format!("{base}/docs/")), "{out}");

    // Each login works with the password beside it.
    for (login, role) in [
        ("phongvien", "reporter"),
        ("bientapvien", "editor"),
        ("lanhdao", "publisher"),
        ("quantri", "admin"),
    ] {
        let line = out.lines().find(|line| line.trim().starts_with(login));
        let words: Vec<&str> = line.unwrap().split_whitespace().collect();
        assert_eq!(words[1], role);
        let body = serde_json::json!({"login": login, "password": words[2]});
        json(&server.post("/v1/auth/login", &body.to_string()));
    }
    // The example is there.
    let example = out
        .split_whitespace()
        .find_map(|word| word.strip_prefix(&format!("{base}/v1/articles/")))
        .unwrap();
    let article = json(&server.get(&format!("/v1/articles/{example}")));
    assert!(article["body"].as_array().unwrap().len() > 20);
    let cover = article["cover"]["renditions"][0]["url"].as_str().unwrap();
    let file = cover.strip_prefix(&base).unwrap();
    let mut stream = server.connect();
    std::io::Write::write_all(
        &mut stream,
        format!("HEAD {file} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").as_bytes(),
    )
    .unwrap();
    let head = crate::program::read(stream);
    assert!(
        head.starts_with("HTTP/1.1 200 ") && head.contains("image/jpeg"),
        "{head}"
    );

    let home = json(&server.get("/v1/home"));
    assert_eq!(
        home["portal"]["name"],
        "Trang thông tin điện tử xã Sơn Hà Đông"
    );
    assert_eq!(home["featured"].as_array().unwrap().len(), 5);
    let count = json(&server.get("/v1/articles?count=true"))["count"].clone();
    assert!(count.as_i64().unwrap() >= 40, "{count}");
    let corrections = json(&server.get("/v1/corrections"));
    assert_eq!(corrections["items"].as_array().unwrap().len(), 1);
    // Nothing is in the future, and the log tells it in order.
    let changes = json(&server.get("/v1/changes?limit=100"));
    let times: Vec<&str> = changes["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|change| change["at"].as_str().unwrap())
        .collect();
    assert!(times.is_sorted(), "{times:?}");
    server.stop();

    let server = demo(&folder);
    let out = server.out();
    assert!(out.contains("bantin user password LOGIN"), "{out}");
    assert!(!out.contains("One-time"), "{out}");
    let again = json(&server.get("/v1/articles?count=true"))["count"].clone();
    assert_eq!(again, count);
    server.stop();
}

#[test]
fn a_demo_that_broke_off_is_refused_and_says_what_to_delete() {
    let folder = Folder::new();
    let mut command = folder.command(&["demo", "--listen", "127.0.0.1:0"]);
    let mut child = command.spawn().unwrap();
    let database = folder.database();
    // Some users are there, so it has begun; a whole portal is seconds away.
    let begun = || {
        let list = folder.run(&["user", "list"]);
        list.out.contains("quantri")
    };
    while !(database.exists() && begun()) {
        assert!(child.try_wait().unwrap().is_none(), "it ended");
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    let done = folder.run(&["demo", "--listen", "127.0.0.1:0"]);
    done.refused(&["interrupted", "delete", "bantin.db", "media"]);
}

#[test]
fn somebody_elses_portal_is_left_alone() {
    let folder = Folder::new();
    folder.run(&["user", "add", "lan", "--role", "admin"]).ok();
    let done = folder.run(&["demo", "--listen", "127.0.0.1:0"]);
    done.refused(&["not the demo", "bantin serve", "--data-dir"]);
    assert_eq!(folder.run(&["user", "list"]).ok().lines().count(), 1);
}
