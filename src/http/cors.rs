//! Which browsers may read what (Fetch standard): anyone the public side, configured origins the
//! editorial one. Written here because the rule goes by path, and public answers must be the same
//! bytes and headers for every origin, or shared caches would keep one copy for each.

use actix_web::HttpResponse;
use actix_web::dev::ServiceRequest;
use actix_web::http::Method;
use actix_web::http::header::{self, HeaderMap, HeaderValue};

use super::request::is_private;

const METHODS: HeaderValue = HeaderValue::from_static("GET, HEAD, POST, PUT, PATCH, DELETE");
const READ_METHODS: HeaderValue = HeaderValue::from_static("GET, HEAD");
const REQUEST_HEADERS: HeaderValue = HeaderValue::from_static(
    "Authorization, Content-Type, Idempotency-Key, If-Match, If-None-Match, If-Range, Range, \
     Tus-Resumable, Upload-Checksum, Upload-Length, Upload-Metadata, Upload-Offset",
);
const EXPOSED: HeaderValue = HeaderValue::from_static(
    "Accept-Ranges, Content-Range, ETag, Link, Location, Retry-After, Tus-Checksum-Algorithm, \
     Tus-Extension, Tus-Max-Size, Tus-Resumable, Tus-Version, Upload-Expires, Upload-Length, \
     Upload-Offset, X-RateLimit-Limit, X-Request-Id",
);
/// Seconds that a browser may remember the answer to a preflight.
const MAX_AGE: HeaderValue = HeaderValue::from_static("3600");

/// What a request's origin may do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Access {
    /// Read; the answer is the same for all.
    Anyone,
    /// Everything that its token allows.
    Origin(HeaderValue),
    /// A browser keeps the answer from the page.
    Nobody,
}

impl Access {
    pub fn of(request: &ServiceRequest, origins: &[String]) -> Self {
        if !is_private(request.path()) {
            return Self::Anyone;
        }
        match request.headers().get(header::ORIGIN) {
            Some(origin)
                if origins
                    .iter()
                    .any(|known| known.as_bytes() == origin.as_bytes()) =>
            {
                Self::Origin(origin.clone())
            }
            _ => Self::Nobody,
        }
    }

    /// The answer to a browser that asks whether it may send a request; none for other requests.
    pub fn preflight(&self, request: &ServiceRequest) -> Option<HttpResponse> {
        let asks = request.method() == Method::OPTIONS
            && request.headers().contains_key(header::ORIGIN)
            && request
                .headers()
                .contains_key(header::ACCESS_CONTROL_REQUEST_METHOD);
        if !asks {
            return None;
        }
        let mut response = HttpResponse::NoContent();
        if *self != Self::Nobody {
            let methods = if *self == Self::Anyone {
                READ_METHODS
            } else {
                METHODS
            };
            response
                .insert_header((header::ACCESS_CONTROL_ALLOW_METHODS, methods))
                .insert_header((header::ACCESS_CONTROL_ALLOW_HEADERS, REQUEST_HEADERS))
                .insert_header((header::ACCESS_CONTROL_MAX_AGE, MAX_AGE));
        }
        Some(response.finish())
    }

    /// Marks an answer.
    pub fn mark(&self, headers: &mut HeaderMap) {
        if *self != Self::Anyone {
            headers.append(header::VARY, HeaderValue::from_static("Origin"));
        }
        let origin = match self {
            Self::Anyone => HeaderValue::from_static("*"),
            Self::Origin(origin) => origin.clone(),
            Self::Nobody => return,
        };
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED);
    }
}
