//! Query strings: read strictly, every fault at once, nothing unknown.

use std::collections::BTreeMap;

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest};
use percent_encoding::percent_decode_str;

use crate::domain::input::{FaultCode, Faults, Refusal};
use crate::domain::page::{Cursor, Limit};
use crate::http::error::{ApiError, ApiResult, ProblemItem};

/// Query parameters of one operation.
pub trait FromQuery: Sized {
    fn read(query: &mut Query) -> Self;
}

/// A query string being read: values are taken out by name, faults are collected, what nobody
/// took is unknown.
pub struct Query {
    values: BTreeMap<String, String>,
    errors: Vec<ProblemItem>,
}

impl Query {
    /// The parsed value of a parameter, none when it is absent or wrong.
    pub fn take<T>(
        &mut self,
        name: &str,
        parse: impl FnOnce(&str) -> Result<T, Refusal>,
    ) -> Option<T> {
        let value = self.values.remove(name)?;
        match parse(&value) {
            Ok(value) => Some(value),
            Err(refusal) => {
                self.fault(name, refusal);
                None
            }
        }
    }

    /// Names are clients' words: only what may be said again is, and not without end.
    pub fn fault(&mut self, name: &str, refusal: Refusal) {
        if self.errors.len() >= Faults::MOST {
            return;
        }
        let name: String = name.chars().filter(|c| !c.is_control()).take(100).collect();
        self.errors.push(ProblemItem {
            pointer: None,
            parameter: Some(name),
            code: refusal.code,
            message: refusal.message,
        });
    }
}

/// The query parameters `T`; every fault at once, unknown names and repeats included.
pub struct Params<T>(pub T);

impl<T: FromQuery> FromRequest for Params<T> {
    type Error = ApiError;
    type Future = std::future::Ready<Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        std::future::ready(read_query(request.query_string()).map(Self))
    }
}

fn read_query<T: FromQuery>(text: &str) -> ApiResult<T> {
    let mut query = Query {
        values: BTreeMap::new(),
        errors: Vec::new(),
    };
    for pair in text.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let (Some(name), Some(value)) = (decoded(name), decoded(value)) else {
            let refusal = Refusal::new(FaultCode::BadFormat, "is not encoded as UTF-8");
            query.fault(name, refusal);
            continue;
        };
        if value.contains('\0') {
            let message = "holds characters that are not allowed";
            query.fault(&name, Refusal::new(FaultCode::ForbiddenCharacter, message));
        } else if query.values.insert(name.clone(), value).is_some() {
            query.fault(&name, Refusal::new(FaultCode::Duplicate, "is there twice"));
        }
    }
    let value = T::read(&mut query);
    for name in std::mem::take(&mut query.values).into_keys() {
        query.fault(
            &name,
            Refusal::new(FaultCode::UnknownField, "is not a parameter"),
        );
    }
    if query.errors.is_empty() {
        Ok(value)
    } else {
        Err(ApiError::query(query.errors))
    }
}

/// A name or value as it was meant; none for what is no UTF-8.
fn decoded(text: &str) -> Option<String> {
    let text = text.replace('+', " ");
    let decoded = percent_decode_str(&text).decode_utf8().ok()?;
    Some(decoded.into_owned())
}

/// For operations without query parameters.
pub struct NoParams;

impl FromQuery for NoParams {
    fn read(_: &mut Query) -> Self {
        Self
    }
}

/// A parameter with a closed set of words.
pub fn one_of<T: Copy>(words: &[(&str, T)], text: &str) -> Result<T, Refusal> {
    words
        .iter()
        .find(|(word, _)| *word == text)
        .map(|(_, value)| *value)
        .ok_or_else(|| {
            let names: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
            Refusal::new(
                FaultCode::UnknownValue,
                format!("must be one of: {}", names.join(", ")),
            )
        })
}

/// A flag: `true` or `false`.
pub fn flag(text: &str) -> Result<bool, Refusal> {
    one_of(&[("true", true), ("false", false)], text)
}

/// Parameters of every simple list.
#[derive(utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(
    dead_code,
    reason = "describes the parameters; Paging is what handlers read"
)]
pub struct PageParams {
    /// How many, 20 by default.
    #[param(minimum = 1, maximum = 100)]
    limit: Option<i32>,
    /// `next` of the page before.
    #[param(max_length = 64, pattern = "^[A-Za-z0-9_-]+$")]
    cursor: Option<String>,
}

/// Limit and cursor of a list.
#[derive(Debug, Clone, Copy)]
pub struct Paging {
    pub limit: Limit,
    pub cursor: Option<Cursor>,
}

impl Paging {
    /// `context`: name and filters of the list, which its cursors are bound to.
    pub fn read(query: &mut Query, context: &str) -> Self {
        Self {
            limit: query
                .take("limit", |text| Limit::parse(text, Limit::MAX))
                .unwrap_or(Limit::DEFAULT),
            cursor: query.take("cursor", |text| Cursor::decode(text, context)),
        }
    }
}
