//! Bodies that no honest client sends: each a clear 4xx, and nothing stored.

use actix_web::http::Method;
use serde_json::{Value, json};

use crate::support::operations::{Operation, World, operations, places};
use crate::support::{Answer, PASSWORD, Portal, sample};

/// A portal with something of everything, and what is stored in it.
struct Fort {
    portal: Portal,
    world: World,
    stock: Value,
}

impl Fort {
    async fn new() -> Self {
        Self::with(&[]).await
    }

    async fn with(flags: &[&str]) -> Self {
        let portal = Portal::with(flags).await;
        let world = World::new(&portal).await;
        let stock = portal.stock().await;
        Self {
            portal,
            world,
            stock,
        }
    }

    /// Operations that take JSON, each with a body that it takes.
    fn targets(&self) -> Vec<(Operation, Value)> {
        operations()
            .into_iter()
            .filter_map(|operation| {
                let body = self.world.body(&operation)?;
                Some((operation, body))
            })
            .collect()
    }

    async fn send(&self, operation: &Operation, body: &[u8]) -> Answer {
        let ask = self.world.caller(&self.portal, operation).await;
        ask.bytes("application/json", body).send().await
    }

    /// Nothing was stored.
    async fn holds(&self) {
        assert_eq!(self.portal.stock().await, self.stock);
    }
}

#[actix_web::test]
async fn a_body_that_is_not_json_is_refused() {
    let fort = Fort::new().await;
    let deep = "[".repeat(10_000);
    let objects = "{\"a\":".repeat(2_000);
    let closed = format!("{}{}", "[".repeat(5_000), "]".repeat(5_000));
    let bodies: [&[u8]; 25] = [
        b"{",
        b"}",
        b"nul",
        b"'a'",
        b"{\"a\":1,}",
        b"{\"a\" 1}",
        b"{a: 1}",
        b"{} {}",
        b"{}x",
        b"[1,]",
        b"NaN",
        b"-",
        b"01",
        b"1e999",
        b" ",
        b"\xef\xbb\xbf{}",
        b"\xff\xfe{\x00}\x00",
        b"{\"title\": \"\xc3\x28\"}",
        b"{\"title\": \"\xed\xa0\x80\"}",
        b"{\"title\": \"\\ud800\"}",
        b"{\"title\": \"\\udc00\\ud800\"}",
        b"{\"title\": \"a\x00b\"}",
        deep.as_bytes(),
        objects.as_bytes(),
        closed.as_bytes(),
    ];
    for (operation, _) in fort.targets() {
        for body in bodies {
            let answer = fort.send(&operation, body).await;
            let shown = String::from_utf8_lossy(&body[..body.len().min(30)]).into_owned();
            assert_eq!(answer.status, 400, "{} {shown}", operation.id);
            answer.problem(400, "bad_json");
        }
    }
    fort.holds().await;
}

#[actix_web::test]
async fn an_empty_body_is_refused_where_one_is_needed() {
    let fort = Fort::new().await;
    for (operation, _) in fort.targets() {
        // To publish for the first time nothing needs to be said.
        if operation.id != "publish_article" {
            fort.send(&operation, b"").await.problem(400, "bad_json");
        }
    }
    fort.holds().await;
}

#[actix_web::test]
async fn a_body_that_is_no_object_is_refused() {
    let fort = Fort::new().await;
    let values = [
        json!(null),
        json!(true),
        json!(7),
        json!(-7),
        json!(1e300),
        json!(u64::MAX),
        json!("x"),
        json!([]),
        json!([[]]),
        json!([{}]),
    ];
    for (operation, _) in fort.targets() {
        for value in &values {
            let answer = fort.send(&operation, value.to_string().as_bytes()).await;
            assert_eq!(answer.status, 422, "{} {value}", operation.id);
            answer.faults(422, "invalid", &[" wrong_type"]);
        }
    }
    fort.holds().await;
}

#[actix_web::test]
async fn every_field_of_another_type_is_named() {
    let fort = Fort::new().await;
    for (operation, body) in fort.targets() {
        for field in body.as_object().unwrap().keys() {
            for wrong in [json!({"x": {}}), json!([[[]]]), json!(1e300), json!(-0.5)] {
                let mut body = body.clone();
                body[field] = wrong;
                let answer = fort.send(&operation, body.to_string().as_bytes()).await;
                let problem = answer.problem(422, "invalid");
                let pointer = problem["errors"][0]["pointer"].as_str().unwrap();
                let found = pointer.starts_with(&format!("/{field}"));
                assert!(found, "{} {field}: {problem:#}", operation.id);
            }
        }
    }
    fort.holds().await;
}

#[actix_web::test]
async fn unknown_fields_are_named() {
    let fort = Fort::new().await;
    for (operation, body) in fort.targets() {
        for name in ["khong_co", "__proto__", "a/b~c", ""] {
            let mut body = body.clone();
            body[name] = json!(1);
            let answer = fort.send(&operation, body.to_string().as_bytes()).await;
            let escaped = name.replace('~', "~0").replace('/', "~1");
            answer.faults(422, "invalid", &[&format!("/{escaped} unknown_field")]);
        }
    }
    fort.holds().await;
}

#[actix_web::test]
async fn fields_that_are_there_twice_are_refused() {
    let fort = Fort::new().await;
    for (operation, body) in fort.targets() {
        let text = body.to_string();
        let inner = text.strip_prefix('{').unwrap();
        let name = body.as_object().unwrap().keys().next().unwrap();
        let twice = format!("{{\"{name}\":\"x\",{inner}");
        let answer = fort.send(&operation, twice.as_bytes()).await;
        assert_eq!(answer.status, 400, "{}: {}", operation.id, answer.text());
        answer.problem(400, "bad_json");
    }
    fort.holds().await;
}

/// Characters that no text may hold, whatever field it is for.
const FORBIDDEN: [&str; 8] = [
    "\0", "\u{1}", "\t", "\r", "\u{1f}", "\u{85}", "\u{fffe}", "\u{ffff}",
];

/// Puts each forbidden character into each text of a body, and a huge number into each number.
async fn try_every_place(fort: &Fort, operation: &Operation, body: &Value) {
    for place in places(body) {
        let old = body.pointer(&place).cloned().unwrap();
        let mut tries = Vec::new();
        if let Some(text) = old.as_str() {
            tries.extend(FORBIDDEN.map(|bad| json!(format!("{text}{bad}x"))));
            // Anybody may send to /v1/auth, and no more than 16 KiB.
            let many = if operation.is_editorial() {
                210_000
            } else {
                5_000
            };
            tries.push(json!("ắ".repeat(many)));
        }
        if old.is_number() {
            let numbers = [
                json!(0),
                json!(-1),
                json!(i64::MAX),
                json!(u64::MAX),
                json!(1e300),
            ];
            tries.extend(numbers);
        }
        for value in tries {
            if allowed(&place, &value) {
                continue;
            }
            let mut body = body.clone();
            *body.pointer_mut(&place).unwrap() = value.clone();
            let answer = fort.send(operation, body.to_string().as_bytes()).await;
            let shown: String = value.to_string().chars().take(40).collect();
            assert_eq!(
                answer.status,
                422,
                "{} {place} {shown}: {}",
                operation.id,
                answer.text()
            );
            answer.problem(422, "invalid");
        }
    }
}

/// Zero is a number of header rows, and of a position.
fn allowed(place: &str, value: &Value) -> bool {
    place.ends_with("/header_rows") && *value == json!(0)
}

#[actix_web::test]
async fn forbidden_characters_and_huge_values_are_refused_in_every_field() {
    let fort = Fort::new().await;
    for (operation, body) in fort.targets() {
        // Signing in is throttled, and knows its users by other means.
        if operation.id != "login" {
            try_every_place(&fort, &operation, &body).await;
        }
    }
    fort.holds().await;
}

#[actix_web::test]
async fn forbidden_characters_are_refused_everywhere_in_an_article() {
    let fort = Fort::new().await;
    let category = fort.world.category["content"]["slug"].as_str().unwrap();
    let body = sample::everything(category, fort.world.medium);
    let all = operations();
    let create = all
        .iter()
        .find(|operation| operation.id == "create_article");
    try_every_place(&fort, create.unwrap(), &body).await;
    fort.holds().await;
    // But for those it is an article.
    let made = fort
        .send(create.unwrap(), body.to_string().as_bytes())
        .await;
    made.created();
}

#[actix_web::test]
async fn fields_of_articles_that_nobody_knows_are_refused_at_every_depth() {
    let fort = Fort::new().await;
    let category = fort.world.category["content"]["slug"].as_str().unwrap();
    let body = sample::everything(category, fort.world.medium);
    let publisher = fort.portal.publisher().await;
    for place in places(&body) {
        let mut body = body.clone();
        let Some(object) = body.pointer_mut(&place).unwrap().as_object_mut() else {
            continue;
        };
        object.insert("khong_co".to_owned(), json!({}));
        let answer = publisher.post("/v1/editorial/articles", &body).await;
        let fault = format!("{place}/khong_co unknown_field");
        answer.faults(422, "invalid", &[&fault]);
    }
    fort.holds().await;
}

#[actix_web::test]
async fn a_body_that_is_too_long_is_refused_unread() {
    let fort = Fort::with(&["--max-json", "2000"]).await;
    for (operation, _) in fort.targets() {
        let blanks = vec![b' '; 2001];
        let answer = fort.send(&operation, &blanks).await;
        answer.problem(413, "too_large");
        let blanks = vec![b' '; 2000];
        fort.send(&operation, &blanks)
            .await
            .problem(400, "bad_json");
    }
    fort.holds().await;
}

#[actix_web::test]
async fn other_media_types_are_refused() {
    let fort = Fort::new().await;
    for (operation, body) in fort.targets() {
        let body = body.to_string();
        for kind in [
            "text/plain",
            "application/x-www-form-urlencoded",
            "multipart/form-data; boundary=x",
            "application/xml",
            "application/jsonx",
            "application/json; charset=latin1",
            "application/json; charset=utf-16",
            "json",
            "",
        ] {
            let ask = fort.world.caller(&fort.portal, &operation).await;
            let answer = ask.bytes(kind, body.as_bytes()).send().await;
            assert_eq!(answer.status, 415, "{} {kind}", operation.id);
            answer.problem(415, "unsupported_media_type");
            assert_eq!(answer.header("accept"), "application/json");
        }
    }
    fort.holds().await;
}

#[actix_web::test]
async fn a_form_that_is_none_is_refused() {
    let fort = Fort::new().await;
    let editor = fort.portal.editor().await;
    let upload = || editor.ask(Method::POST, "/v1/editorial/media");
    let json = upload().json(&json!({})).send().await;
    json.problem(415, "unsupported_media_type");
    let start =
        "--zzz\r\ncontent-disposition: form-data; name=\"file\"; filename=\"a.png\"\r\n\r\n";
    for (kind, body) in [
        ("multipart/form-data", "--zzz--\r\n".to_owned()),
        ("multipart/form-data; boundary=", "--zzz--\r\n".to_owned()),
        ("multipart/form-data; boundary=zzz", String::new()),
        ("multipart/form-data; boundary=zzz", "{}".to_owned()),
        ("multipart/form-data; boundary=zzz", start.to_owned()),
        ("multipart/form-data; boundary=zzz", format!("{start}abc")),
    ] {
        let answer = upload().bytes(kind, body.as_bytes()).send().await;
        answer.problem(400, "bad_request");
    }
    let nothing = upload()
        .bytes("multipart/form-data; boundary=zzz", b"--zzz--\r\n")
        .send()
        .await;
    nothing.faults(422, "invalid", &["/file required"]);
    fort.holds().await;
}

#[actix_web::test]
async fn a_password_is_no_exception() {
    let fort = Fort::new().await;
    for bad in FORBIDDEN {
        let body = json!({"login": "editor", "password": format!("{PASSWORD}{bad}")});
        let answer = fort.portal.ask(Method::POST, "/v1/auth/login").json(&body);
        let answer = answer.send().await;
        answer.faults(422, "invalid", &["/password forbidden_character"]);
    }
}
