//! A portal to test: database, clock and users of its own, the application in process.

mod answer;
pub mod app;
mod database;
pub mod newsroom;
pub mod operations;
pub mod provider;
#[expect(dead_code, reason = "the tests of the real binary need more of it")]
pub mod relay;
pub mod sample;
pub mod spec;

use std::cell::RefCell;
use std::collections::HashMap;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;

use actix_http::Request;
use actix_web::body::BoxBody;
use actix_web::dev::{Service as _, ServiceResponse};
use actix_web::http::Method;
use actix_web::test::{TestRequest, init_service};
use bantin::config::Settings;
use bantin::ctx::Ctx;
use bantin::http::{Shared, app};
use bantin::infra::clock::Clock;
use bantin::store::editorial::audit;
use serde_json::{Value, json};

pub use self::answer::Answer;
use self::database::Database;
pub use self::spec::document;

/// Saturday, 21 March 2026, 09:00 in Vietnam.
pub const NOW: i64 = 1_774_058_400_000_000;
/// Where the portal says that it is.
pub const BASE: &str = "https://api.sonha.example.vn";
/// Of every user of the test portal.
pub const PASSWORD: &str = "con trâu đen bên bờ ao";

type Call = dyn Fn(Request) -> Pin<Box<dyn Future<Output = ServiceResponse<BoxBody>>>>;

/// A running portal with the users `reporter`, `editor`, `publisher` and `admin`.
pub struct Portal {
    pub ctx: Ctx,
    call: Box<Call>,
    tokens: RefCell<HashMap<String, String>>,
    /// What was asked and answered, where a test wants it kept.
    pub record: RefCell<Option<Vec<Exchange>>>,
    _folder: tempfile::TempDir,
    /// Last: it goes when nothing uses it any more.
    _database: Database,
}

#[derive(clap::Parser)]
pub struct CommandLine {
    #[command(flatten)]
    settings: Settings,
}

impl Portal {
    pub async fn new() -> Self {
        Self::with(&[]).await
    }

    /// With more flags, as `["--max-json", "2000"]`.
    pub async fn with(flags: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let database = Database::new(folder.path());
        let data_dir = folder.path().to_str().unwrap();
        let keys_dir = folder.path().join("keys");
        let url = database.url();
        let fixed = [
            "bantin",
            "--data-dir",
            data_dir,
            "--keys-dir",
            keys_dir.to_str().unwrap(),
            "--database-url",
            &url,
            "--public-url",
            BASE,
            "--argon2-memory",
            "8",
            "--argon2-passes",
            "1",
        ];
        // Most tests write and publish with one hand.
        let eyes: &[&str] = match flags.contains(&"--four-eyes") {
            true => &[],
            false => &["--four-eyes", "off"],
        };
        let connections: &[&str] = match flags.contains(&"--db-connections") {
            true => &[],
            false => &["--db-connections", "2"],
        };
        let all = fixed.iter().chain(connections).chain(eyes).chain(flags);
        let line = <CommandLine as clap::Parser>::parse_from(all);
        let mut ctx = bantin::app::context(line.settings, Clock::fixed(NOW)).unwrap();
        // This program is the tests. By a name of its own, which a test may take away.
        let program = folder.path().join("bantin");
        std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_bantin"), &program).unwrap();
        ctx.program = program.into();
        let service = Rc::new(init_service(app(&Shared::new(ctx.clone()))).await);
        let call = move |request: Request| {
            let service = Rc::clone(&service);
            let answered: Pin<Box<dyn Future<Output = _>>> = Box::pin(async move {
                match service.call(request).await {
                    Ok(response) => response.map_into_boxed_body(),
                    Err(error) => panic!("the application answered with an error: {error}"),
                }
            });
            answered
        };
        Self {
            ctx,
            call: Box::new(call),
            tokens: RefCell::default(),
            record: RefCell::default(),
            _folder: folder,
            _database: database,
        }
    }

    /// Lets time pass. Whoever is asked for after that signs in anew: tokens are short-lived.
    pub fn advance(&self, seconds: i64) {
        self.tokens.borrow_mut().clear();
        self.ctx.clock.advance(seconds * 1_000_000);
    }

    /// A request without a token.
    pub fn ask(&self, method: Method, path: &str) -> Ask<'_> {
        Ask {
            portal: self,
            method,
            path: path.to_owned(),
            headers: Vec::new(),
            body: None,
        }
    }

    /// The public answer at a path.
    pub async fn get(&self, path: &str) -> Answer {
        self.ask(Method::GET, path).send().await
    }

    /// Somebody who is signed in, by login.
    pub async fn user(&self, login: &str) -> User<'_> {
        let known = self.tokens.borrow().get(login).cloned();
        let token = match known {
            Some(token) => token,
            None => {
                let pair = self.sign_in(login, PASSWORD).await;
                if pair["user"]["must_change_password"] == true {
                    self.owns_password(login).await;
                }
                let token = pair["access_token"].as_str().unwrap().to_owned();
                self.tokens
                    .borrow_mut()
                    .insert(login.to_owned(), token.clone());
                token
            }
        };
        User {
            portal: self,
            token,
        }
    }

    /// Takes a user's password for the user's own choice: tests of other things go on with it.
    async fn owns_password(&self, login: &str) {
        use bantin::store::editorial::users;
        let login = login.to_owned();
        let done: bantin::store::Result<()> = self
            .ctx
            .db
            .write(move |conn| {
                let (mut user, _) = users::find(conn, &login)?.unwrap();
                user.must_change_password = false;
                users::update(conn, &user)
            })
            .await;
        done.unwrap();
    }

    pub async fn reporter(&self) -> User<'_> {
        self.user("reporter").await
    }

    pub async fn editor(&self) -> User<'_> {
        self.user("editor").await
    }

    pub async fn publisher(&self) -> User<'_> {
        self.user("publisher").await
    }

    pub async fn admin(&self) -> User<'_> {
        self.user("admin").await
    }

    /// Id of the newest row of the audit log.
    pub async fn newest_audit_row(&self) -> i64 {
        let head = self.ctx.db.read(audit::chain::head).await;
        head.unwrap().seq
    }

    /// Objects and actions of the rows after one.
    pub async fn audited_since(&self, id: i64) -> Vec<String> {
        let rows = self
            .ctx
            .db
            .read(move |conn| audit::chain::rows(conn, id, 1000));
        rows.await
            .unwrap()
            .iter()
            .map(|row| format!("{} {}", row.object_type, row.action))
            .collect()
    }

    /// The pair of tokens for a login and password.
    pub async fn sign_in(&self, login: &str, password: &str) -> Value {
        self.ask(Method::POST, "/v1/auth/login")
            .json(&json!({"login": login, "password": password}))
            .send()
            .await
            .ok()
    }
}

/// A request and its answer.
pub struct Exchange {
    pub operation: String,
    pub sent: Option<Value>,
    pub status: u16,
    pub kind: String,
    pub got: Option<Value>,
    /// The rows that came into the audit log, as `user login`: object and action.
    pub audited: Vec<String>,
}

/// Somebody with an access token.
#[derive(Clone)]
pub struct User<'a> {
    pub portal: &'a Portal,
    pub token: String,
}

impl<'a> User<'a> {
    pub fn ask(&self, method: Method, path: &str) -> Ask<'a> {
        self.portal
            .ask(method, path)
            .header("authorization", &format!("Bearer {}", self.token))
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.ask(Method::GET, path).send().await
    }

    pub async fn post(&self, path: &str, body: &Value) -> Answer {
        self.ask(Method::POST, path).json(body).send().await
    }

    /// With `If-Match`; null sends no body.
    pub async fn post_at(&self, path: &str, version: i64, body: &Value) -> Answer {
        let ask = self.ask(Method::POST, path).at(version);
        match body {
            Value::Null => ask.send().await,
            body => ask.json(body).send().await,
        }
    }

    pub async fn put(&self, path: &str, version: i64, body: &Value) -> Answer {
        self.ask(Method::PUT, path)
            .at(version)
            .json(body)
            .send()
            .await
    }

    pub async fn patch(&self, path: &str, version: i64, body: &Value) -> Answer {
        self.ask(Method::PATCH, path)
            .at(version)
            .json(body)
            .send()
            .await
    }

    pub async fn delete(&self, path: &str, version: i64) -> Answer {
        self.ask(Method::DELETE, path).at(version).send().await
    }

    /// Uploads a file under a name.
    pub async fn upload(&self, name: &str, bytes: &[u8], texts: &[(&str, &str)]) -> Answer {
        self.ask(Method::POST, "/v1/editorial/media")
            .form(name, bytes, texts)
            .send()
            .await
    }
}

/// A request being put together.
pub struct Ask<'a> {
    portal: &'a Portal,
    method: Method,
    path: String,
    headers: Vec<(String, Vec<u8>)>,
    body: Option<Vec<u8>>,
}

impl Ask<'_> {
    /// One more header; the same name twice is sent twice.
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers
            .push((name.to_owned(), value.as_bytes().to_vec()));
        self
    }

    /// To another path.
    pub fn to(mut self, path: &str) -> Self {
        path.clone_into(&mut self.path);
        self
    }

    /// One more header, of bytes that need not be text.
    pub fn raw_header(mut self, name: &str, value: &[u8]) -> Self {
        self.headers.push((name.to_owned(), value.to_vec()));
        self
    }

    /// `If-Match` with a version.
    pub fn at(self, version: i64) -> Self {
        self.header("if-match", &format!("\"{version}\""))
    }

    pub fn json(self, body: &Value) -> Self {
        self.bytes("application/json", &serde_json::to_vec(body).unwrap())
    }

    pub fn bytes(mut self, content_type: &str, body: &[u8]) -> Self {
        self.body = Some(body.to_vec());
        self.header("content-type", content_type)
    }

    /// `multipart/form-data` with a file and texts.
    pub fn form(self, name: &str, file: &[u8], texts: &[(&str, &str)]) -> Self {
        self.form_of("application/octet-stream", name, file, texts)
    }

    /// A form whose file is called `mime`.
    pub fn form_of(self, mime: &str, name: &str, file: &[u8], texts: &[(&str, &str)]) -> Self {
        let mut body = Vec::new();
        for (field, text) in texts {
            body.extend(
                format!(
                    "--zzz\r\ncontent-disposition: form-data; name=\"{field}\"\r\n\r\n{text}\r\n"
                )
                .bytes(),
            );
        }
        body.extend(
            format!(
                "--zzz\r\ncontent-disposition: form-data; name=\"file\"; filename=\"{name}\"\r\n\
                 content-type: {mime}\r\n\r\n"
            )
            .bytes(),
        );
        body.extend(file);
        body.extend(b"\r\n--zzz--\r\n");
        self.bytes("multipart/form-data; boundary=zzz", &body)
    }

    /// The answer, checked against the document; never a failure of the server.
    pub async fn send(self) -> Answer {
        let place = format!("{} {}", self.method, self.path);
        let answer = self.send_to_broken().await;
        assert!(answer.status < 500, "{place}: {}", answer.text());
        answer
    }

    /// The answer of a portal that a test has broken, checked against the document.
    pub async fn send_to_broken(self) -> Answer {
        let mut request = TestRequest::with_uri(&self.path)
            .method(self.method.clone())
            .peer_addr("203.0.113.7:40000".parse().unwrap());
        for (name, value) in self.headers {
            request = request.append_header((
                name,
                actix_web::http::header::HeaderValue::from_bytes(&value).unwrap(),
            ));
        }
        let sent = self
            .body
            .as_deref()
            .and_then(|body| serde_json::from_slice(body).ok());
        if let Some(body) = self.body {
            request = request
                .append_header(("content-length", body.len()))
                .set_payload(body);
        }
        let recording = self.portal.record.borrow().is_some();
        let before = match recording {
            true => self.portal.newest_audit_row().await,
            false => 0,
        };
        let response = (self.portal.call)(request.to_request()).await;
        let answer = Answer::read(response).await;
        let audited = match recording {
            true => self.portal.audited_since(before).await,
            false => Vec::new(),
        };
        spec::check(&self.method, &self.path, &answer);
        if let (Some(record), Some((_, operation))) = (
            self.portal.record.borrow_mut().as_mut(),
            spec::operation(&self.method, &self.path),
        ) {
            record.push(Exchange {
                operation: operation["operationId"].as_str().unwrap().to_owned(),
                sent,
                status: answer.status,
                kind: answer.header("content-type"),
                got: serde_json::from_slice(&answer.body).ok(),
                audited,
            });
        }
        answer
    }
}
