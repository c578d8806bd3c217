//! What happens to every request: an id, a log line, metrics, HEAD, security headers, and the
//! last net that turns foreign errors into problems.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Instant;

use actix_web::body::{BodySize, BoxBody, EitherBody, MessageBody};
use actix_web::dev::{Service, ServiceRequest, ServiceResponse};
use actix_web::http::header::{self, HeaderName, HeaderValue};
use actix_web::http::{Method, StatusCode};
use actix_web::middleware::Next;
use actix_web::{HttpMessage, ResponseError, web};
use tracing::Instrument as _;

use super::error::{ApiError, Code};
use crate::ctx::Ctx;
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
    // Routes know GET only; a HEAD is a GET whose body is dropped.
    if method == Method::HEAD {
        request.head_mut().method = Method::GET;
    }
    let (raw, _) = request.parts();
    let raw = raw.clone();
    let refused = if request.uri().path_and_query().is_some_and(|uri| uri.as_str().len() > MAX_URI) {
        Some(ApiError::new(Code::UriTooLong))
    } else {
        None
    };
    let mut response = match refused {
        Some(error) => ServiceResponse::new(raw, error.error_response()),
        None => match next.call(request).await {
            Ok(response) => response.map_into_boxed_body(),
            Err(error) => {
                let response = error.error_response();
                ServiceResponse::new(raw, response)
            }
        },
    };
    response = as_problem(response);
    let status = response.status();
    let id = current_id();
    let headers = response.headers_mut();
    if let Ok(value) = HeaderValue::from_str(&id) {
        headers.insert(REQUEST_ID, value);
    }
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    for (name, value) in [
        (header::X_FRAME_OPTIONS, "DENY"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'"),
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

/// Metrics must not grow with what clients invent.
fn known_method(method: &Method) -> String {
    match method.as_str() {
        known @ ("GET" | "HEAD" | "POST" | "PUT" | "PATCH" | "DELETE" | "OPTIONS") => known.to_owned(),
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
    let code = Code::ALL
        .iter()
        .copied()
        .find(|code| code.status() == status.as_u16())
        .unwrap_or(if status.is_client_error() { Code::BadRequest } else { Code::Internal });
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
