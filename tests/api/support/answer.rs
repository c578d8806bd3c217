//! An answer, and short ways to say what it should be.

use actix_web::body::{BoxBody, to_bytes};
use actix_web::dev::ServiceResponse;
use actix_web::http::header::HeaderMap;
use serde_json::Value;

pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
}

impl Answer {
    pub async fn read(response: ServiceResponse<BoxBody>) -> Self {
        let status = response.status().as_u16();
        let headers = response.headers().clone();
        let body = match to_bytes(response.into_body()).await {
            Ok(bytes) => bytes.to_vec(),
            Err(error) => panic!("the body broke off: {error}"),
        };
        Self {
            status,
            headers,
            body,
        }
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    #[track_caller]
    pub fn json(&self) -> Value {
        match serde_json::from_slice(&self.body) {
            Ok(value) => value,
            Err(error) => panic!("no JSON ({error}): {} {}", self.status, self.text()),
        }
    }

    /// One header, empty where it is absent.
    pub fn header(&self, name: &str) -> String {
        self.headers
            .get(name)
            .map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
            .unwrap_or_default()
    }

    /// The JSON of an answer with this status.
    #[track_caller]
    pub fn is(&self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", self.text());
        match self.body.is_empty() {
            true => Value::Null,
            false => self.json(),
        }
    }

    /// For answers that are not JSON.
    #[track_caller]
    pub fn status_is(&self, status: u16) {
        assert_eq!(self.status, status, "{}", self.text());
    }

    #[track_caller]
    pub fn ok(&self) -> Value {
        self.is(200)
    }

    #[track_caller]
    pub fn created(&self) -> Value {
        self.is(201)
    }

    /// Anything that is there, whatever its bytes are.
    #[track_caller]
    pub fn is_file(&self) {
        assert_eq!(self.status, 200, "{}", self.text());
        assert!(!self.body.is_empty());
    }

    /// A problem with this status and code.
    #[track_caller]
    pub fn problem(&self, status: u16, code: &str) -> Value {
        let problem = self.is(status);
        assert_eq!(problem["code"], code, "{problem:#}");
        problem
    }

    /// A problem that has exactly these faults, as `"/title too_long"`, in any order.
    #[track_caller]
    pub fn faults(&self, status: u16, code: &str, wanted: &[&str]) {
        let problem = self.problem(status, code);
        let mut found: Vec<String> = problem["errors"]
            .as_array()
            .into_iter()
            .flatten()
            .map(|fault| {
                let place = fault["pointer"].as_str().or(fault["parameter"].as_str());
                format!(
                    "{} {}",
                    place.unwrap_or_default(),
                    fault["code"].as_str().unwrap_or_default()
                )
            })
            .collect();
        found.sort();
        let mut wanted = wanted.to_vec();
        wanted.sort_unstable();
        assert_eq!(found, wanted, "{problem:#}");
    }
}
