//! An authenticator app, as a user has it in the pocket.

use actix_web::http::Method;
use serde_json::{Value, json};

use super::{Answer, PASSWORD, Portal, User};

pub struct App(totp_rs::Totp);

impl App {
    /// Reads what `POST /v1/auth/totp` answers.
    pub fn reads(answer: &Value) -> Self {
        let secret = answer["secret"].as_str().unwrap();
        let secret = totp_rs::Secret::try_from_base32(secret).unwrap();
        let builder = totp_rs::Builder::new().with_secret(secret);
        Self(builder.build().unwrap())
    }

    /// What it shows now.
    pub fn code(&self, portal: &Portal) -> String {
        self.code_in(portal, 0)
    }

    /// What it shows some seconds from now.
    pub fn code_in(&self, portal: &Portal, seconds: i64) -> String {
        let at = portal.ctx.now().seconds() + seconds;
        self.0.generate(u64::try_from(at).unwrap()).to_string()
    }

    /// Never what it shows.
    pub fn wrong(&self, portal: &Portal) -> String {
        let shown = [-30, 0, 30].map(|seconds| self.code_in(portal, seconds));
        let mut codes = (0..4).map(|number| format!("00000{number}"));
        codes.find(|code| !shown.contains(code)).unwrap()
    }
}

impl User<'_> {
    /// Turns the second factor on; answers the app and the recovery codes. The time that follows
    /// has a code of its own.
    pub async fn enrol(&self) -> (App, Vec<String>) {
        let body = json!({"current_password": PASSWORD});
        let app = App::reads(&self.post("/v1/auth/totp", &body).await.ok());
        let body = json!({"code": app.code(self.portal)});
        let codes = self.post("/v1/auth/totp/confirm", &body).await.ok();
        self.portal.ctx.clock.advance(30_000_000);
        let codes = codes["recovery_codes"].as_array().unwrap().iter();
        (
            app,
            codes
                .map(|code| code.as_str().unwrap().to_owned())
                .collect(),
        )
    }
}

impl Portal {
    /// Tries to sign in with a password and a code.
    pub async fn login_with(&self, login: &str, password: &str, code: &str) -> Answer {
        let body = json!({"login": login, "password": password, "code": code});
        let ask = self.ask(Method::POST, "/v1/auth/login");
        ask.json(&body).send().await
    }

    /// Tries to sign in with a password alone.
    pub async fn login(&self, login: &str) -> Answer {
        let body = json!({"login": login, "password": PASSWORD});
        let ask = self.ask(Method::POST, "/v1/auth/login");
        ask.json(&body).send().await
    }
}
