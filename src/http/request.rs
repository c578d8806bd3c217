//! What happens to every request: an id, a log line, metrics, HEAD, security headers, and the
//! last net that turns foreign errors into problems.

use std::panic::AssertUnwindSafe;
use std::time::Instant;

use actix_web::body::{BodySize, BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{self, HeaderName, HeaderValue};
use actix_web::http::{Method, StatusCode};
use actix_web::middleware::Next;
use actix_web::{ResponseError, web};
use futures_util::FutureExt as _;
use tracing::Instrument as _;

use super::cors::Access;
use super::error::{ApiError, Code};
use super::extract::client_address;
use crate::ctx::Ctx;
use crate::infra::rate::Limiter;
use crate::infra::telemetry::Route;

/// Longest path and query, in bytes.
const MAX_URI: usize = 8 * 1024;

pub const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

tokio::task_local! {
    static ID: String;
}

/// Id of the request being answered; empty outside one.
pub fn current_id() -> String {
    ID.try_with(Clone::clone).unwrap_or_default()
}

/// Wraps the whole application.
pub async fn handle<B: MessageBody + 'static>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<BoxBody>, actix_web::Error> {
    let id = crate::infra::random::request_id();
    let span = tracing::info_span!("request", id = %id);
    ID.scope(id, answer(request, next).instrument(span)).await
}

async fn answer<B: MessageBody + 'static>(
    mut request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<BoxBody>, actix_web::Error> {
    let begun = Instant::now();
    let method = request.method().clone();
    let path = request.path().to_owned();
    let ctx = request.app_data::<web::Data<Ctx>>().cloned();
    if let Some(ctx) = &ctx {
        ctx.metrics.in_flight.inc();
    }
    // Routes know GET only; a HEAD is a GET whose body is dropped. Ranges are for GET alone.
    if method == Method::HEAD {
        request.head_mut().method = Method::GET;
        request.headers_mut().remove(header::RANGE);
    }
    let access = match &ctx {
        Some(ctx) => Access::of(&request, &ctx.settings.cors_origins),
        None => Access::Nobody,
    };
    let early = access
        .preflight(&request)
        .or_else(|| Some(refused(&request)?.error_response()));
    // No clone of the request may live on here: routing needs the only one.
    let outcome = match early {
        Some(response) => Ok(request.into_response(response)),
        None => AssertUnwindSafe(next.call(request))
            .catch_unwind()
            .await
            .unwrap_or_else(|_| Err(ApiError::internal("a handler panicked").into()))
            .map(ServiceResponse::map_into_boxed_body),
    };
    let mut response = match outcome {
        Ok(response) => as_problem(response),
        // Handlers answer their errors themselves: a panic ends here, and the request went with it.
        Err(error) => {
            let problem = ApiError::from_foreign(&error).header(REQUEST_ID, current_id());
            if let Some(ctx) = &ctx {
                ctx.metrics.in_flight.dec();
            }
            return Err(problem.into());
        }
    };
    let status = response.status();
    let id = current_id();
    let headers = response.headers_mut();
    if let Ok(value) = HeaderValue::from_str(&id) {
        headers.insert(REQUEST_ID, value);
    }
    access.mark(headers);
    headers.insert(
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    );
    for (name, value) in [
        (header::X_FRAME_OPTIONS, "DENY"),
        (header::REFERRER_POLICY, "no-referrer"),
        (
            header::CONTENT_SECURITY_POLICY,
            "default-src 'none'; frame-ancestors 'none'",
        ),
        (header::STRICT_TRANSPORT_SECURITY, "max-age=31536000"),
    ] {
        if !headers.contains_key(&name) {
            headers.insert(name, HeaderValue::from_static(value));
        }
    }
    let route = response
        .request()
        .match_pattern()
        .unwrap_or_else(|| "unmatched".to_owned());
    let seconds = begun.elapsed().as_secs_f64();
    if let Some(ctx) = &ctx {
        ctx.metrics.in_flight.dec();
        let labels = Route {
            method: known_method(&method),
            route: route.clone(),
            status: status.as_u16(),
        };
        ctx.metrics.requests.get_or_create(&labels).inc();
        ctx.metrics.duration.get_or_create(&labels).observe(seconds);
    }
    tracing::info!(
        id,
        method = %method,
        path,
        route,
        status = status.as_u16(),
        ms = (seconds * 100_000.0).round() / 100.0,
        "answered"
    );
    if method == Method::HEAD {
        response = response.map_body(|_, body| Headless(body.size()).boxed());
    }
    Ok(response)
}

/// What no handler needs to see: too long an address, too many requests.
fn refused(request: &ServiceRequest) -> Option<ApiError> {
    let uri = request.uri().path_and_query();
    if uri.is_some_and(|uri| uri.as_str().len() > MAX_URI) {
        return Some(ApiError::new(Code::UriTooLong));
    }
    let limiter = request.app_data::<web::Data<Option<Limiter>>>()?;
    let ctx = request.app_data::<web::Data<Ctx>>()?;
    if is_unlimited(request.path()) {
        return None;
    }
    let address = client_address(request.request(), ctx).parse().ok()?;
    let wait = limiter.as_ref().as_ref()?.check(address).err()?;
    Some(ApiError::new(Code::TooManyRequests).header(header::RETRY_AFTER, wait))
}

/// Probes and metrics must answer while everybody else is told to wait; editors are known by name.
fn is_unlimited(path: &str) -> bool {
    matches!(path, "/healthz" | "/readyz" | "/metrics") || path.starts_with("/v1/editorial/")
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
