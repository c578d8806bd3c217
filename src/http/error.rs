//! The one error door: everything that goes wrong leaves as `application/problem+json`.

use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderName, HeaderValue};
use actix_web::{HttpResponse, ResponseError};
use serde::Serialize;
use utoipa::ToSchema;

use crate::domain::article::{Action, ReasonCode, Saved};
use crate::domain::id::Version;
use crate::domain::input::{Fault, FaultCode, Faults, word_schema};
use crate::domain::lock::Lock;
use crate::domain::time::Instant;
use crate::service::{self, Conflict};
use crate::store;

/// Where the entries of `docs/problems.md` are served.
pub const PROBLEMS_PATH: &str = "/docs/problems";

macro_rules! codes {
    ($($variant:ident = $word:literal, $status:literal, $title:literal;)*) => {
        /// Every code a problem can have; each has an entry in `docs/problems.md`.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
        pub enum Code {
            $(#[serde(rename = $word)] $variant,)*
        }
        impl Code {
            pub const ALL: &[Code] = &[$(Code::$variant),*];

            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word,)* }
            }
            pub fn status(self) -> u16 {
                match self { $(Self::$variant => $status,)* }
            }
            pub fn title(self) -> &'static str {
                match self { $(Self::$variant => $title,)* }
            }
            /// The code for an error that only its status is known of.
            pub fn of_status(status: StatusCode) -> Self {
                Self::ALL
                    .iter()
                    .copied()
                    .find(|code| code.status() == status.as_u16())
                    .unwrap_or(match status.is_client_error() {
                        true => Self::BadRequest,
                        false => Self::Internal,
                    })
            }
        }
    };
}

impl utoipa::PartialSchema for Code {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
        let words: Vec<&str> = Self::ALL.iter().map(|code| code.as_str()).collect();
        word_schema(
            "What went wrong; `docs/problems` has an entry for each.",
            &words,
        )
    }
}
impl ToSchema for Code {
    fn name() -> std::borrow::Cow<'static, str> {
        "Code".into()
    }
}

codes! {
    BadRequest = "bad_request", 400, "The request cannot be understood";
    BadJson = "bad_json", 400, "The body is not JSON";
    BadQuery = "bad_query", 400, "The query is wrong";
    BadHeader = "bad_header", 400, "A header is wrong";
    Unauthorized = "unauthorized", 401, "No valid access token";
    BadCredentials = "bad_credentials", 401, "Login or password is wrong";
    SecondFactorRequired = "second_factor_required", 401, "A code of the second factor is needed";
    BadSecondFactor = "bad_second_factor", 401, "The code is wrong";
    BadRefreshToken = "bad_refresh_token", 401, "The refresh token is not valid";
    BadInvitation = "bad_invitation", 401, "The invitation is not valid";
    SignInFailed = "sign_in_failed", 401, "The sign-in through the provider has failed";
    Forbidden = "forbidden", 403, "Not allowed";
    CategoryNotGranted = "category_not_granted", 403, "Not your category";
    InsufficientScope = "insufficient_scope", 403, "The API token may not do this";
    NoRole = "no_role", 403, "The provider gives no role";
    PasswordChangeRequired = "password_change_required", 403, "The password must be changed first";
    SecondFactorSetupRequired = "second_factor_setup_required", 403, "A second factor must be set up first";
    NotFound = "not_found", 404, "Not found";
    MethodNotAllowed = "method_not_allowed", 405, "Method not allowed";
    RequestTimeout = "request_timeout", 408, "The request took too long to arrive";
    IllegalMove = "illegal_move", 409, "Not possible in this state";
    WasPublic = "was_public", 409, "What was public cannot be deleted";
    Locked = "locked", 409, "Somebody else is at work on it";
    SlugTaken = "slug_taken", 409, "The slug is taken";
    CategoryInUse = "category_in_use", 409, "The category is in use";
    MediaInUse = "media_in_use", 409, "The medium is in use";
    MediaKnown = "media_known", 409, "Another medium has this file";
    MediaWithdrawn = "media_withdrawn", 409, "The medium was withdrawn";
    OffsetMismatch = "offset_mismatch", 409, "The upload stands elsewhere";
    TooManyUploads = "too_many_uploads", 409, "Too many uploads are open";
    TooManyPieces = "too_many_pieces", 409, "The upload has too many pieces";
    LoginTaken = "login_taken", 409, "The login is taken";
    LastAdmin = "last_admin", 409, "The last admin must stay";
    FourEyes = "four_eyes", 409, "Somebody else must publish it";
    NoSignIn = "no_sign_in", 409, "This user does not sign in with a password";
    SecondFactorOn = "second_factor_on", 409, "The second factor is on";
    SecondFactorOff = "second_factor_off", 409, "The second factor is off";
    SecretAlreadyShown = "secret_already_shown", 409, "The secret is shown only once";
    TakenDown = "taken_down", 410, "Taken down";
    FileWithdrawn = "file_withdrawn", 410, "The file was withdrawn";
    Resync = "resync", 410, "The log has begun anew";
    VersionMismatch = "version_mismatch", 412, "Somebody else has changed it";
    TusVersion = "tus_version", 412, "Another version of the upload protocol";
    TooLarge = "too_large", 413, "The body is too large";
    UriTooLong = "uri_too_long", 414, "The address is too long";
    UnsupportedMediaType = "unsupported_media_type", 415, "Media type not supported";
    RangeNotSatisfiable = "range_not_satisfiable", 416, "No such range";
    Invalid = "invalid", 422, "Some fields are wrong";
    IdempotencyMismatch = "idempotency_mismatch", 422, "The idempotency key belongs to another request";
    PreconditionRequired = "precondition_required", 428, "If-Match is required";
    TooManyRequests = "too_many_requests", 429, "Too many requests";
    ChecksumMismatch = "checksum_mismatch", 460, "The checksum is of other bytes";
    Internal = "internal", 500, "Internal error";
    ProviderFailed = "provider_failed", 502, "The sign-in provider does not answer as it should";
    Busy = "busy", 503, "Busy, please try again";
}

/// One fault of a field or parameter.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ProblemItem {
    /// RFC 6901 pointer into the JSON body.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, max_length = 1000, format = "json-pointer")]
    pub pointer: Option<String>,
    /// Name of the query parameter or header.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, max_length = 200, pattern = "^[^\\u0000-\\u001F]*$")]
    pub parameter: Option<String>,
    pub code: FaultCode,
    #[schema(max_length = 2000, pattern = "^[^\\u0000-\\u0009]*$")]
    pub message: String,
}

/// RFC 9457 problem details; every error has this shape.
#[derive(Debug, Serialize, ToSchema)]
pub struct Problem {
    /// Address of the code's entry in the list of problems.
    #[serde(rename = "type")]
    #[schema(format = "uri", max_length = 2200)]
    pub kind: String,
    #[schema(max_length = 200, pattern = "^[^\\u0000-\\u001F]*$")]
    pub title: &'static str,
    #[schema(minimum = 400, maximum = 599)]
    pub status: u16,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, max_length = 2000, pattern = "^[^\\u0000-\\u0009]*$")]
    pub detail: Option<String>,
    /// Request id, as in the `X-Request-Id` header and in the log.
    #[schema(max_length = 100, format = "uri-reference")]
    pub instance: String,
    pub code: Code,
    /// Every fault of the body or query.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(max_items = 100, required = false)]
    pub errors: Vec<ProblemItem>,
    /// With 412 and 428: the version that is there now.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub current_version: Option<Version>,
    /// With 412 about an article: who saved it last.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub current: Option<Saved>,
    /// With `locked`: who is at work, and until when.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub lock: Option<Lock>,
    /// With `illegal_move`: what is possible instead.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, max_items = 20)]
    pub allowed_actions: Option<Vec<Action>>,
    /// With `taken_down`: what remains.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub tombstone: Option<Tombstone>,
}

/// What remains of something taken down: never its title or text.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Tombstone {
    #[schema(max_length = 300, format = "uri")]
    pub uri: String,
    #[schema(inline)]
    pub reason_code: ReasonCode,
    pub at: Instant,
}

/// An error on its way out.
#[derive(Debug)]
pub struct ApiError {
    pub code: Code,
    /// Boxed, so that a result is small where nothing goes wrong.
    more: Box<More>,
}

/// What some errors say beside their code.
#[derive(Debug, Default)]
struct More {
    detail: Option<String>,
    errors: Vec<ProblemItem>,
    headers: Vec<(HeaderName, String)>,
    current_version: Option<Version>,
    current: Option<Saved>,
    lock: Option<Lock>,
    allowed_actions: Option<Vec<Action>>,
    tombstone: Option<Tombstone>,
}

/// What handlers return.
pub type ApiResult<T = HttpResponse> = Result<T, ApiError>;

impl ApiError {
    pub fn new(code: Code) -> Self {
        Self {
            code,
            more: Box::default(),
        }
    }

    pub fn detail(mut self, detail: impl Into<String>) -> Self {
        self.more.detail = Some(detail.into());
        self
    }

    pub fn header(mut self, name: HeaderName, value: impl ToString) -> Self {
        self.more.headers.push((name, value.to_string()));
        self
    }

    fn errors(mut self, errors: Vec<ProblemItem>) -> Self {
        self.more.errors = errors;
        self
    }

    fn current(mut self, version: Version) -> Self {
        self.more.current_version = Some(version);
        self
    }

    /// The faults of a query string.
    pub fn query(errors: Vec<ProblemItem>) -> Self {
        Self::new(Code::BadQuery).errors(errors)
    }

    /// One fault of a query string.
    pub fn parameter(name: &str, code: FaultCode, message: &str) -> Self {
        Self::query(vec![ProblemItem {
            pointer: None,
            parameter: Some(name.to_owned()),
            code,
            message: message.to_owned(),
        }])
    }

    pub fn taken_down(tombstone: Tombstone) -> Self {
        let mut error = Self::new(Code::TakenDown);
        error.more.tombstone = Some(tombstone);
        error
    }

    pub fn unauthorized() -> Self {
        Self::new(Code::Unauthorized).header(header::WWW_AUTHENTICATE, "Bearer")
    }

    /// An error that did not come from our own handlers.
    pub fn from_foreign(error: &actix_web::Error) -> Self {
        Self::new(Code::of_status(error.as_response_error().status_code()))
    }

    /// Something did not answer in time; the cause goes to the log only.
    pub fn busy(cause: impl std::fmt::Display) -> Self {
        tracing::warn!(%cause, "busy");
        Self::new(Code::Busy)
    }

    /// A failure whose cause stays in the log.
    pub fn internal(cause: impl std::fmt::Display) -> Self {
        tracing::error!(%cause, "a request failed");
        Self::new(Code::Internal)
    }
}

impl std::fmt::Display for ApiError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.code.as_str())
    }
}

impl ResponseError for ApiError {
    fn status_code(&self) -> StatusCode {
        StatusCode::from_u16(self.code.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    /// The request id is filled in by the middleware in `http::request`, which sees the request.
    fn error_response(&self) -> HttpResponse {
        let mut response = HttpResponse::build(self.status_code());
        response.insert_header((header::CONTENT_TYPE, "application/problem+json"));
        response.insert_header((header::CACHE_CONTROL, "no-store"));
        if matches!(self.code, Code::Busy) {
            response.insert_header((header::RETRY_AFTER, "1"));
        }
        for (name, value) in &self.more.headers {
            if let Ok(value) = HeaderValue::from_str(value) {
                response.append_header((name.clone(), value));
            }
        }
        let problem = Problem {
            kind: format!(
                "{}{PROBLEMS_PATH}#{}",
                super::request::current_base(),
                self.code.as_str()
            ),
            title: self.code.title(),
            status: self.code.status(),
            detail: self.more.detail.clone(),
            instance: super::request::current_id(),
            code: self.code,
            errors: self.more.errors.clone(),
            current_version: self.more.current_version,
            current: self.more.current.clone(),
            lock: self.more.lock.clone(),
            allowed_actions: self.more.allowed_actions.clone(),
            tombstone: self.more.tombstone.clone(),
        };
        response.body(serde_json::to_vec(&problem).unwrap_or_default())
    }
}

impl From<Faults> for ApiError {
    fn from(faults: Faults) -> Self {
        let errors = faults
            .0
            .into_iter()
            .map(
                |Fault {
                     pointer,
                     code,
                     message,
                 }| ProblemItem {
                    pointer: Some(pointer),
                    parameter: None,
                    code,
                    message,
                },
            )
            .collect();
        Self::new(Code::Invalid).errors(errors)
    }
}

impl From<store::Error> for ApiError {
    fn from(error: store::Error) -> Self {
        match error {
            store::Error::NotFound => Self::new(Code::NotFound),
            store::Error::Busy(cause) => {
                tracing::warn!(%cause, "the database is busy");
                Self::new(Code::Busy)
            }
            // Two writes met where each alone would have been told what is wrong: the next try is.
            store::Error::Taken(cause) | store::Error::Referenced(cause) => {
                tracing::warn!(%cause, "a write met another one");
                Self::new(Code::Busy)
            }
            error => Self::internal(error),
        }
    }
}

impl From<service::Error> for ApiError {
    fn from(error: service::Error) -> Self {
        use service::Error as E;
        match error {
            E::Store(error) => error.into(),
            E::Busy(cause) => Self::busy(cause),
            E::Invalid(faults) => faults.into(),
            E::NotFound => Self::new(Code::NotFound),
            E::Forbidden => Self::new(Code::Forbidden),
            E::NotGranted(detail) => Self::new(Code::CategoryNotGranted).detail(detail),
            E::Stale { current, saved } => {
                let mut error = Self::new(Code::VersionMismatch)
                    .current(current)
                    .detail(format!(
                        "If-Match must be \"{current}\", the version that is there now"
                    ))
                    .header(header::ETAG, format!("\"{current}\""));
                error.more.current = saved.map(|saved| *saved);
                error
            }
            E::Locked(lock) => {
                let mut error = Self::new(Code::Locked).detail(format!(
                    "{} is at work on it until {}",
                    lock.by.name.as_str(),
                    lock.expires_at
                ));
                error.more.lock = Some(*lock);
                error
            }
            E::PreconditionRequired { current } => {
                Self::new(Code::PreconditionRequired).current(current)
            }
            E::IllegalMove { state, allowed } => {
                let mut error = Self::new(Code::IllegalMove).detail(state);
                error.more.allowed_actions = Some(allowed);
                error
            }
            E::Conflict { code, detail } => Self::new(match code {
                Conflict::WasPublic => Code::WasPublic,
                Conflict::SlugTaken => Code::SlugTaken,
                Conflict::CategoryInUse => Code::CategoryInUse,
                Conflict::MediaInUse => Code::MediaInUse,
                Conflict::LoginTaken => Code::LoginTaken,
                Conflict::LastAdmin => Code::LastAdmin,
                Conflict::FourEyes => Code::FourEyes,
                Conflict::NoSignIn => Code::NoSignIn,
                Conflict::SecondFactorOn => Code::SecondFactorOn,
                Conflict::SecondFactorOff => Code::SecondFactorOff,
                Conflict::MediaWithdrawn => Code::MediaWithdrawn,
                Conflict::OffsetMismatch => Code::OffsetMismatch,
                Conflict::TooManyUploads => Code::TooManyUploads,
                Conflict::TooManyPieces => Code::TooManyPieces,
                Conflict::MediaKnown => Code::MediaKnown,
            })
            .detail(detail),
            E::IdempotencyMismatch => Self::new(Code::IdempotencyMismatch),
            E::SecretShown { place } => Self::new(Code::SecretAlreadyShown)
                .detail("the first answer was not stored; make a new secret if it was lost")
                .header(
                    header::LOCATION,
                    format!("{}{place}", super::request::current_base()),
                ),
            E::Internal(cause) => Self::internal(cause),
        }
    }
}
