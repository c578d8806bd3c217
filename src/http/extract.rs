//! What handlers take: the permission (`Can`), a body (`Body`), an id (`Id`), a query (`Params`).

use std::collections::BTreeMap;
use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;
use std::str::FromStr;
use std::time::Duration;

use actix_web::dev::Payload;
use actix_web::http::header;
use actix_web::{FromRequest, HttpRequest, web};
use deserr::Deserr;
use futures_util::StreamExt as _;
use sha2::{Digest as _, Sha256};

use super::error::{ApiError, ApiResult, Code, ProblemItem};
use crate::ctx::Ctx;
use crate::domain::id::Version;
use crate::domain::input::{FaultCode, Faults, Refusal};
use crate::domain::page::{Cursor, Limit};
use crate::domain::policy::{self, Right};
use crate::domain::user::Actor;
use crate::service::{Command, Idempotency, IfMatch};

type Extracted<T> = Pin<Box<dyn Future<Output = Result<T, ApiError>>>>;

/// A right as a type.
pub trait Needs: 'static {
    const RIGHT: Right;
}

macro_rules! rights {
    ($($name:ident),*) => {$(
        /// See `domain::policy::Right`.
        pub struct $name;
        impl Needs for $name {
            const RIGHT: Right = Right::$name;
        }
    )*};
}
rights!(SignedIn, Write, Edit, Publish, Administer);

/// Proof that the caller is signed in and has the right `R`. No guard, no actor.
pub struct Can<R> {
    pub actor: Actor,
    pub if_match: IfMatch,
    key: Option<String>,
    address: String,
    target: String,
    right: PhantomData<R>,
}

impl<R> Can<R> {
    /// The command for a request with this body digest.
    pub fn command(self, ctx: &Ctx, body: Option<[u8; 32]>) -> Command {
        let target = self.target;
        let if_match = self.if_match;
        Command {
            idempotency: self.key.map(|key| Idempotency {
                key,
                fingerprint: fingerprint(&target, if_match, body),
            }),
            actor: self.actor,
            at: ctx.now(),
            address: Some(self.address),
        }
    }
}

/// Everything that the request asked for, as one digest.
fn fingerprint(target: &str, if_match: IfMatch, body: Option<[u8; 32]>) -> String {
    let digest = Sha256::new()
        .chain_update(target.as_bytes())
        .chain_update([0])
        .chain_update(format!("{if_match:?}").as_bytes())
        .chain_update([0])
        .chain_update(body.unwrap_or_default())
        .finalize();
    hex::encode(digest)
}

impl<R: Needs> FromRequest for Can<R> {
    type Error = ApiError;
    type Future = Extracted<Self>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let request = request.clone();
        Box::pin(async move {
            let ctx = ctx(&request)?;
            let token = bearer(&request)?;
            let actor = crate::service::auth::who(&ctx, &token)
                .await?
                .ok_or_else(|| ApiError::unauthorized().detail("the access token is not valid"))?;
            if !policy::has(&actor.roles, R::RIGHT) {
                return Err(ApiError::new(Code::Forbidden));
            }
            Ok(Self {
                actor,
                if_match: if_match(&request)?,
                key: idempotency_key(&request)?,
                address: client_address(&request, &ctx),
                target: format!("{} {}", request.method(), request.uri()),
                right: PhantomData,
            })
        })
    }
}

/// The running portal.
pub fn ctx(request: &HttpRequest) -> ApiResult<web::Data<Ctx>> {
    request
        .app_data::<web::Data<Ctx>>()
        .cloned()
        .ok_or_else(|| ApiError::internal("no context"))
}

/// The one header of this name, or none; twice is an error.
fn single<'a>(request: &'a HttpRequest, name: &header::HeaderName) -> ApiResult<Option<&'a str>> {
    let mut values = request.headers().get_all(name);
    let first = values.next();
    if values.next().is_some() {
        return Err(ApiError::new(Code::BadHeader).detail(format!("{name} is there twice")));
    }
    first
        .map(|value| {
            value
                .to_str()
                .map_err(|_| ApiError::new(Code::BadHeader).detail(format!("{name} is not ASCII")))
        })
        .transpose()
}

fn bearer(request: &HttpRequest) -> ApiResult<String> {
    let Some(value) = single(request, &header::AUTHORIZATION)? else {
        return Err(ApiError::unauthorized().detail("an access token is needed"));
    };
    match value.split_once(' ') {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") && !token.is_empty() => {
            Ok(token.trim_start_matches(' ').to_owned())
        }
        _ => Err(ApiError::unauthorized().detail("Authorization must be `Bearer <token>`")),
    }
}

fn if_match(request: &HttpRequest) -> ApiResult<IfMatch> {
    let Some(value) = single(request, &header::IF_MATCH)? else {
        return Ok(IfMatch::Missing);
    };
    let value = value.trim();
    if value == "*" {
        return Ok(IfMatch::Missing);
    }
    let opaque = value
        .strip_prefix('"')
        .and_then(|rest| rest.strip_suffix('"'));
    Ok(match opaque.map(str::parse::<Version>) {
        Some(Ok(version)) => IfMatch::Version(version),
        // Weak, several or foreign tags can name no single version of ours.
        _ => IfMatch::Never,
    })
}

fn idempotency_key(request: &HttpRequest) -> ApiResult<Option<String>> {
    let Some(key) = single(request, &header::HeaderName::from_static("idempotency-key"))? else {
        return Ok(None);
    };
    let fits = (1..=255).contains(&key.len()) && key.bytes().all(|b| b.is_ascii_graphic());
    if !fits {
        return Err(ApiError::new(Code::BadHeader)
            .detail("Idempotency-Key must be 1 to 255 visible ASCII characters"));
    }
    Ok(Some(key.to_owned()))
}

/// The client: the peer, or behind trusted proxies the last address that they did not add.
pub fn client_address(request: &HttpRequest, ctx: &Ctx) -> String {
    let peer = request.peer_addr().map(|peer| peer.ip().to_canonical());
    let trusted = &ctx.settings.trusted_proxies;
    let mut address = match peer {
        Some(peer) => peer,
        None => return "unknown".to_owned(),
    };
    let forwarded: Vec<&str> = request
        .headers()
        .get_all("x-forwarded-for")
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(str::trim)
        .collect();
    for hop in forwarded.into_iter().rev() {
        if !trusted.contains(&address) {
            break;
        }
        match hop.parse::<std::net::IpAddr>() {
            Ok(hop) => address = hop.to_canonical(),
            Err(_) => break,
        }
    }
    address.to_string()
}

/// A JSON body: read under limits of size and time, parsed by `read` once the caller's right is
/// proven, so that nobody learns of field errors who may not write.
pub struct Body<T> {
    bytes: web::Bytes,
    parsed: PhantomData<T>,
}

impl<T: Deserr<Faults>> Body<T> {
    /// The value; 400 for what is not JSON, 422 with every fault otherwise.
    pub fn read(&self) -> ApiResult<T> {
        Ok(crate::domain::input::parse(self.value()?)?)
    }
}

impl<T> Body<T> {
    /// The JSON as it is, for merge patches.
    pub fn value(&self) -> ApiResult<serde_json::Value> {
        super::json::read(&self.bytes)
            .map_err(|error| ApiError::new(Code::BadJson).detail(format!("{error}")))
    }

    /// A merge patch: 422 unless it is an object.
    pub fn patch(&self) -> ApiResult<serde_json::Value> {
        let value = self.value()?;
        if value.is_object() {
            Ok(value)
        } else {
            Err(Faults::one("", FaultCode::WrongType, "must be an object").into())
        }
    }

    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    pub fn digest(&self) -> [u8; 32] {
        Sha256::digest(&self.bytes).into()
    }
}

impl<T: 'static> FromRequest for Body<T> {
    type Error = ApiError;
    type Future = Extracted<Self>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let request = request.clone();
        let mut payload = payload.take();
        Box::pin(async move {
            let ctx = ctx(&request)?;
            let most = usize::try_from(ctx.settings.max_json).unwrap_or(usize::MAX);
            let too_large = || {
                ApiError::new(Code::TooLarge).detail(format!("a JSON body may have {most} bytes"))
            };
            let declared = request
                .headers()
                .get(header::CONTENT_LENGTH)
                .and_then(|value| value.to_str().ok())
                .and_then(|value| value.parse::<usize>().ok());
            if declared.is_some_and(|length| length > most) {
                return Err(too_large());
            }
            let limit = Duration::from_secs(u64::from(ctx.settings.body_timeout));
            let bytes = tokio::time::timeout(limit, async {
                let mut bytes = web::BytesMut::new();
                while let Some(chunk) = payload.next().await {
                    let chunk = chunk.map_err(|error| {
                        ApiError::new(Code::BadRequest).detail(error.to_string())
                    })?;
                    if bytes.len() + chunk.len() > most {
                        return Err(too_large());
                    }
                    bytes.extend_from_slice(&chunk);
                }
                Ok(bytes.freeze())
            })
            .await
            .map_err(|_| ApiError::new(Code::RequestTimeout))??;
            // An action without a body needs no media type either.
            if !bytes.is_empty() && !is_json(&request)? {
                return Err(ApiError::new(Code::UnsupportedMediaType)
                    .detail("send application/json")
                    .header(header::ACCEPT, super::caching::JSON));
            }
            Ok(Self {
                bytes,
                parsed: PhantomData,
            })
        })
    }
}

/// `application/json` or `…+json`, in UTF-8.
fn is_json(request: &HttpRequest) -> ApiResult<bool> {
    let Some(value) = single(request, &header::CONTENT_TYPE)? else {
        return Ok(false);
    };
    let mut parts = value.split(';').map(str::trim);
    let essence = parts.next().unwrap_or_default().to_ascii_lowercase();
    let charset = parts.all(|parameter| {
        !parameter.to_ascii_lowercase().starts_with("charset=")
            || parameter
                .to_ascii_lowercase()
                .trim_matches('"')
                .ends_with("utf-8")
            || parameter.to_ascii_lowercase().ends_with("utf-8\"")
    });
    let json = essence == "application/json" || essence == "application/merge-patch+json";
    Ok(json && charset)
}

/// The value of a path segment; what cannot be one is simply not found.
pub struct Segment<T, const N: usize = 0>(pub T);

impl<T: FromStr + 'static, const N: usize> FromRequest for Segment<T, N> {
    type Error = ApiError;
    type Future = std::future::Ready<Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let value = request
            .match_info()
            .iter()
            .nth(N)
            .and_then(|(_, value)| value.parse().ok());
        std::future::ready(value.map(Self).ok_or_else(|| ApiError::new(Code::NotFound)))
    }
}

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

    pub fn fault(&mut self, name: &str, refusal: Refusal) {
        self.errors.push(ProblemItem {
            pointer: None,
            parameter: Some(name.to_owned()),
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
    for (name, value) in url::form_urlencoded::parse(text.as_bytes()) {
        // The decoder replaces bad UTF-8, so what it could not read is known by this character.
        if value.contains('\u{fffd}') || value.contains('\0') {
            query.fault(
                &name,
                Refusal::new(
                    FaultCode::ForbiddenCharacter,
                    "holds characters that are not allowed",
                ),
            );
        } else if query
            .values
            .insert(name.to_string(), value.into_owned())
            .is_some()
        {
            query.fault(&name, Refusal::new(FaultCode::Duplicate, "is there twice"));
        }
    }
    let value = T::read(&mut query);
    for name in std::mem::take(&mut query.values).into_keys() {
        let name: String = name.chars().take(100).collect();
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
