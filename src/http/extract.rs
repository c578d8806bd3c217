//! What handlers take: the permission (`Can`), a body (`Body`), an id (`Id`), a query (`Params`).

mod query;

use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;
use std::str::FromStr;
use std::time::Duration;

use actix_web::dev::Payload;
use actix_web::http::{Method, header};
use actix_web::{FromRequest, HttpMessage as _, HttpRequest, web};
use deserr::Deserr;
use futures_util::StreamExt as _;
use sha2::{Digest as _, Sha256};

pub use self::query::{FromQuery, NoParams, PageParams, Paging, Params, Query, flag, one_of};
use super::error::{ApiError, ApiResult, Code};
use crate::ctx::Ctx;
use crate::domain::id::Version;
use crate::domain::input::{FaultCode, Faults};
use crate::domain::policy::scopes::scope_of;
use crate::domain::policy::{self, Right};
use crate::domain::token::{Grant, TokenSecret};
use crate::domain::user::{Actor, Pending};
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
    /// From where the request comes.
    pub address: String,
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

/// Who asks, found out before the request is routed: so no answer about a query, a path or a body
/// can come before the one about the right, whichever is known first.
struct Identity(ApiResult<Actor>);

/// Looks the caller of a private address up. Answers whether it is somebody.
pub async fn identify(request: &HttpRequest, ctx: &Ctx) -> bool {
    let identity = match bearer(request) {
        Ok(token) => who(ctx, &token).await,
        Err(error) => Err(error),
    };
    let known = identity.is_ok();
    request.extensions_mut().insert(Identity(identity));
    known
}

async fn who(ctx: &Ctx, token: &str) -> ApiResult<Actor> {
    let invalid = || {
        ApiError::new(Code::Unauthorized)
            .detail("the access token is not valid")
            .header(header::WWW_AUTHENTICATE, "Bearer error=\"invalid_token\"")
    };
    let actor = if TokenSecret::is_meant(token) {
        crate::service::tokens::who(ctx, token).await?
    } else {
        crate::service::auth::who(ctx, token).await?
    };
    actor.ok_or_else(invalid)
}

impl<R: Needs> Can<R> {
    fn prove(request: &HttpRequest) -> ApiResult<Self> {
        let identity = request.extensions_mut().remove::<Identity>();
        let Some(Identity(actor)) = identity else {
            return Err(ApiError::internal("nobody asked who this is"));
        };
        let actor = actor?;
        if let Some(code) = first(&actor, request.path()) {
            return Err(ApiError::new(code));
        }
        if !policy::has(&actor.roles, R::RIGHT) {
            return Err(ApiError::new(Code::Forbidden));
        }
        if let Some(token) = &actor.token {
            within_scope(request, token)?;
        }
        let ctx = ctx(request)?;
        Ok(Self {
            actor,
            if_match: if_match(request)?,
            key: idempotency_key(request)?,
            address: client_address(request, &ctx),
            target: format!("{} {}", request.method(), request.uri()),
            right: PhantomData,
        })
    }
}

/// May this API token be used for this operation? What the table does not know, none may.
fn within_scope(request: &HttpRequest, token: &Grant) -> ApiResult<()> {
    let pattern = request.match_pattern().unwrap_or_default();
    match scope_of(request.method().as_str(), &pattern) {
        None => {
            Err(ApiError::new(Code::Forbidden)
                .detail("not with an API token: sign in with a password"))
        }
        Some(scope) if token.scopes.contains(&scope) => Ok(()),
        Some(scope) => {
            let scope = scope.as_str();
            Err(ApiError::new(Code::InsufficientScope)
                .detail(format!("the API token lacks the scope {scope}"))
                .header(
                    header::WWW_AUTHENTICATE,
                    format!("Bearer error=\"insufficient_scope\", scope=\"{scope}\""),
                ))
        }
    }
}

impl<R: Needs> FromRequest for Can<R> {
    type Error = ApiError;
    type Future = std::future::Ready<ApiResult<Self>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        std::future::ready(Self::prove(request))
    }
}

/// What the actor has to do before this address opens. Paths have one spelling each.
fn first(actor: &Actor, path: &str) -> Option<Code> {
    let open = ["/v1/auth/me", "/v1/auth/password", "/v1/auth/logout"];
    let setup = ["/v1/auth/totp", "/v1/auth/totp/confirm"];
    match actor.pending? {
        _ if open.contains(&path) => None,
        Pending::Password => Some(Code::PasswordChangeRequired),
        Pending::SecondFactor if setup.contains(&path) => None,
        Pending::SecondFactor => Some(Code::SecondFactorSetupRequired),
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
pub fn single<'a>(
    request: &'a HttpRequest,
    name: &header::HeaderName,
) -> ApiResult<Option<&'a str>> {
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
        match hop_address(hop) {
            Some(hop) => address = hop,
            // What a proxy could not name is a client of its own, not the proxy.
            None => {
                return hop
                    .chars()
                    .filter(char::is_ascii_graphic)
                    .take(45)
                    .collect();
            }
        }
    }
    address.to_string()
}

/// An address as proxies write it: bare, or with a port.
fn hop_address(text: &str) -> Option<std::net::IpAddr> {
    let address = match text.parse::<std::net::SocketAddr>() {
        Ok(with_port) => Some(with_port.ip()),
        Err(_) => text.trim_matches(['[', ']']).parse().ok(),
    };
    address.map(|address: std::net::IpAddr| address.to_canonical())
}

/// A JSON body: read under limits of size and time, parsed by `read` once the caller's right is
/// proven, so that nobody learns of field errors who may not write.
///
/// `MAX`: most bytes, where it is less than what the settings say; 0 otherwise.
pub struct Body<T, const MAX: usize = 0> {
    bytes: web::Bytes,
    parsed: PhantomData<T>,
}

impl<T: Deserr<Faults>, const MAX: usize> Body<T, MAX> {
    /// The value; 400 for what is not JSON, 422 with every fault otherwise.
    pub fn read(&self) -> ApiResult<T> {
        Ok(crate::domain::input::parse(self.value()?)?)
    }
}

impl<T: Deserr<Faults> + Default, const MAX: usize> Body<T, MAX> {
    /// The same, but for a request that may come without a body.
    pub fn read_or_default(&self) -> ApiResult<T> {
        if self.bytes.is_empty() {
            return Ok(T::default());
        }
        self.read()
    }
}

impl<T, const MAX: usize> Body<T, MAX> {
    /// The JSON as it is, for merge patches.
    pub fn value(&self) -> ApiResult<serde_json::Value> {
        if self.bytes.is_empty() {
            return Err(ApiError::new(Code::BadJson).detail("a JSON body is needed"));
        }
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

    pub fn digest(&self) -> [u8; 32] {
        Sha256::digest(&self.bytes).into()
    }
}

impl<T: 'static, const MAX: usize> FromRequest for Body<T, MAX> {
    type Error = ApiError;
    type Future = Extracted<Self>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let request = request.clone();
        let mut payload = payload.take();
        Box::pin(async move {
            let ctx = ctx(&request)?;
            let most = usize::try_from(ctx.settings.max_json).unwrap_or(usize::MAX);
            let most = if MAX == 0 { most } else { most.min(MAX) };
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

/// `application/json`, or a merge patch with PATCH; in UTF-8, not compressed.
fn is_json(request: &HttpRequest) -> ApiResult<bool> {
    if let Some(coding) = single(request, &header::CONTENT_ENCODING)?
        && !coding.eq_ignore_ascii_case("identity")
    {
        return Ok(false);
    }
    let Some(value) = single(request, &header::CONTENT_TYPE)? else {
        return Ok(false);
    };
    let value = value.to_ascii_lowercase();
    let mut parts = value.split(';').map(str::trim);
    let essence = parts.next().unwrap_or_default();
    let utf8 = parts.all(|parameter| {
        let charset = parameter.strip_prefix("charset=");
        charset.is_none_or(|name| matches!(name.trim_matches('"'), "utf-8" | "utf8"))
    });
    let patch = request.method() == Method::PATCH && essence == "application/merge-patch+json";
    Ok(utf8 && (essence == "application/json" || patch))
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
