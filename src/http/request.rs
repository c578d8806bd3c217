//! What happens to every request: an id, a log line, metrics, HEAD, security headers, and the
//! last net that turns foreign errors into problems.

use std::net::Ipv4Addr;
use std::panic::AssertUnwindSafe;
use std::time::Instant;

use actix_web::body::{BodySize, BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::error::InternalError;
use actix_web::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use actix_web::http::{Method, StatusCode};
use actix_web::middleware::Next;
use actix_web::{HttpMessage as _, ResponseError, web};
use futures_util::FutureExt as _;
use tracing::Instrument as _;

use super::cors::Access;
use super::error::{ApiError, Code};
use super::extract::{client_address, identify};
use crate::ctx::Ctx;
use crate::infra::rate::Limiter;
use crate::infra::telemetry::Route;

/// Longest path and query, in bytes.
const MAX_URI: usize = 8 * 1024;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// Requests a second and address, where there is a limit.
const RATE_LIMIT: HeaderName = HeaderName::from_static("x-ratelimit-limit");

/// What answers say of the request that is being answered.
struct Current {
    id: String,
    /// Base of the portal's addresses.
    base: String,
}

tokio::task_local! {
    static CURRENT: Current;
}

/// Id of the request being answered; empty outside one.
pub fn current_id() -> String {
    CURRENT
        .try_with(|current| current.id.clone())
        .unwrap_or_default()
}

/// Base of the portal's addresses, for answers that are made where no context is.
pub fn current_base() -> String {
    CURRENT
        .try_with(|current| current.base.clone())
        .unwrap_or_default()
}

/// Wraps the whole application.
pub async fn handle<B: MessageBody + 'static>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<BoxBody>, actix_web::Error> {
    let Some(ctx) = request.app_data::<web::Data<Ctx>>().cloned() else {
        return Err(ApiError::internal("no context").into());
    };
    let id = crate::infra::random::request_id();
    let span = tracing::info_span!("request", id = %id);
    let base = ctx.settings.base_url();
    CURRENT
        .scope(
            Current { id, base },
            answer(ctx, request, next).instrument(span),
        )
        .await
}

async fn answer<B: MessageBody + 'static>(
    ctx: web::Data<Ctx>,
    mut request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<BoxBody>, actix_web::Error> {
    let visit = Visit {
        begun: Instant::now(),
        method: request.method().clone(),
        path: loggable(request.path()).to_owned(),
        address: client_address(request.request(), &ctx),
        access: Access::of(&request, &ctx.settings.cors_origins),
        ctx,
    };
    visit.ctx.metrics.in_flight.inc();
    // Routes know GET only; a HEAD is a GET whose body is dropped. Ranges are for GET alone.
    if visit.method == Method::HEAD {
        request.head_mut().method = Method::GET;
        request.headers_mut().remove(header::RANGE);
        request.extensions_mut().insert(HeadOnly);
    }
    let early = match visit.access.preflight(&request) {
        Some(response) => Some(response),
        None => refused(&request, &visit.ctx)
            .await
            .map(|error| error.error_response()),
    };
    // No clone of the request may live on here: routing needs the only one.
    let outcome = match early {
        Some(response) => Ok(request.into_response(response)),
        None => AssertUnwindSafe(next.call(request))
            .catch_unwind()
            .await
            .unwrap_or_else(|_| Err(ApiError::internal("a handler panicked").into()))
            .map(ServiceResponse::map_into_boxed_body),
    };
    match outcome {
        Ok(response) => {
            let mut response = as_problem(response);
            let route = response.request().match_pattern();
            let status = response.status();
            visit.end(response.headers_mut(), status, route);
            if visit.method == Method::HEAD {
                response = response.map_body(|_, body| Headless(body.size()).boxed());
            }
            Ok(response)
        }
        // Handlers answer their errors themselves: a panic ends here, and the request went with it.
        Err(error) => {
            let problem = ApiError::from_foreign(&error);
            let mut response = problem.error_response();
            visit.end(response.headers_mut(), problem.status_code(), None);
            Err(InternalError::from_response(problem, response).into())
        }
    }
}

/// Marks a request that was a HEAD.
pub struct HeadOnly;

/// One request from its head to the head of its answer.
struct Visit {
    begun: Instant,
    method: Method,
    path: String,
    /// Of the client, as far as trusted proxies tell it.
    address: String,
    access: Access,
    ctx: web::Data<Ctx>,
}

impl Visit {
    /// Marks the answer, counts it, logs it.
    fn end(&self, headers: &mut HeaderMap, status: StatusCode, route: Option<String>) {
        let id = current_id();
        self.access.mark(headers);
        let mut set = |name: HeaderName, value: &str| {
            if !headers.contains_key(&name)
                && let Ok(value) = HeaderValue::from_str(value)
            {
                headers.insert(name, value);
            }
        };
        set(REQUEST_ID, &id);
        set(header::X_CONTENT_TYPE_OPTIONS, "nosniff");
        set(header::X_FRAME_OPTIONS, "DENY");
        set(header::REFERRER_POLICY, "no-referrer");
        set(
            header::CONTENT_SECURITY_POLICY,
            "default-src 'none'; frame-ancestors 'none'",
        );
        if current_base().starts_with("https:") {
            set(header::STRICT_TRANSPORT_SECURITY, "max-age=31536000");
        }
        if self.ctx.settings.rate_limit > 0 {
            set(RATE_LIMIT, &self.ctx.settings.rate_limit.to_string());
        }
        let route = route.unwrap_or_else(|| "unmatched".to_owned());
        let seconds = self.begun.elapsed().as_secs_f64();
        let metrics = &self.ctx.metrics;
        let labels = Route {
            method: known_method(&self.method),
            route: route.clone(),
            status: status.as_u16(),
        };
        metrics.in_flight.dec();
        metrics.requests.get_or_create(&labels).inc();
        metrics.duration.get_or_create(&labels).observe(seconds);
        tracing::info!(
            id,
            method = %self.method,
            path = self.path,
            address = self.address,
            route,
            status = status.as_u16(),
            ms = (seconds * 100_000.0).round() / 100.0,
            "answered"
        );
    }
}

/// What no handler needs to see: addresses that can lead nowhere, too many requests.
async fn refused(request: &ServiceRequest, ctx: &web::Data<Ctx>) -> Option<ApiError> {
    let uri = request.uri().path_and_query();
    if uri.is_some_and(|uri| uri.as_str().len() > MAX_URI) {
        return Some(ApiError::new(Code::UriTooLong));
    }
    let path = request.path();
    // None of our addresses needs an encoded character, and one spelling of each is enough: rules
    // that go by path cannot be got round with another.
    if path.contains('%') {
        return Some(ApiError::new(Code::NotFound).detail("no address here holds a %"));
    }
    if is_private(path) && identify(request.request(), ctx).await {
        return None;
    }
    // Probes and metrics must answer while everybody else is told to wait.
    if matches!(path, "/healthz" | "/readyz" | "/metrics") {
        return None;
    }
    let limiter = request.app_data::<web::Data<Option<Limiter>>>()?;
    // Those whom a proxy could not name share one limit.
    let address = client_address(request.request(), ctx)
        .parse()
        .unwrap_or(Ipv4Addr::UNSPECIFIED.into());
    let wait = limiter.as_ref().as_ref()?.check(address).err()?;
    Some(ApiError::new(Code::TooManyRequests).header(header::RETRY_AFTER, wait))
}

/// Does the path lead to something that depends on who asks?
pub fn is_private(path: &str) -> bool {
    path.starts_with("/v1/editorial") || path.starts_with("/v1/auth")
}

/// The path as the log may have it: whoever reads the log must not open previews with it.
fn loggable(path: &str) -> &str {
    const PREVIEWS: &str = "/v1/previews/";
    match path.starts_with(PREVIEWS) {
        true => PREVIEWS,
        false => path,
    }
}

/// Metrics must not grow with what clients invent.
fn known_method(method: &Method) -> String {
    match method.as_str() {
        known @ ("GET" | "HEAD" | "POST" | "PUT" | "PATCH" | "DELETE" | "OPTIONS") => {
            known.to_owned()
        }
        _ => "OTHER".to_owned(),
    }
}

/// Errors that actix or a middleware made in its own words become problems.
fn as_problem(response: ServiceResponse<BoxBody>) -> ServiceResponse<BoxBody> {
    let status = response.status();
    if !(status.is_client_error() || status.is_server_error())
        || response
            .headers()
            .get(header::CONTENT_TYPE)
            .is_some_and(|value| value.as_bytes().starts_with(b"application/problem+json"))
    {
        return response;
    }
    let code = Code::of_status(status);
    if status == StatusCode::INTERNAL_SERVER_ERROR {
        tracing::error!(error = ?response.response().error(), "a request failed");
    }
    let problem = ApiError::new(code).error_response();
    response.into_response(problem)
}

/// A body that says its size and sends nothing.
struct Headless(BodySize);

impl MessageBody for Headless {
    type Error = std::convert::Infallible;

    fn size(&self) -> BodySize {
        self.0
    }

    fn poll_next(
        self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Result<web::Bytes, Self::Error>>> {
        std::task::Poll::Ready(None)
    }
}

#[cfg(test)]
mod tests {
    use super::loggable;

    #[test]
    fn the_log_does_not_hold_what_opens_a_preview() {
        assert_eq!(loggable("/v1/previews/1-abcdef"), "/v1/previews/");
        assert_eq!(loggable("/v1/articles/tin"), "/v1/articles/tin");
    }
}
