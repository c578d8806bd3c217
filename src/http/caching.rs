//! Answers and what caches may do with them: strong ETags, 304, `Cache-Control`.

use actix_web::http::header::{self, HeaderMap};
use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder};
use serde::Serialize;
use sha2::{Digest as _, Sha256};

use super::error::{ApiError, ApiResult};
use crate::ctx::Ctx;
use crate::domain::id::Version;

pub const JSON: &str = "application/json";
/// For everything that depends on who asks.
pub const NO_STORE: &str = "private, no-store";

/// How long shared and private caches may keep a public answer: never beyond what is scheduled next.
pub fn public_cache(ctx: &Ctx) -> String {
    let (most, left) = (
        u64::from(ctx.settings.cache_seconds),
        ctx.time_left().as_secs(),
    );
    let fresh = most.min(left);
    let stale = most.min(left - fresh);
    format!("public, max-age={fresh}, s-maxage={fresh}, stale-while-revalidate={stale}")
}

/// A strong ETag: the hash of the bytes.
pub fn etag_of(bytes: &[u8]) -> String {
    let digest = Sha256::digest(bytes);
    format!("\"{}\"", hex::encode(digest.get(..16).unwrap_or(&digest)))
}

/// The editorial ETag: the version in quotes.
pub fn version_tag(version: Version) -> String {
    format!("\"{version}\"")
}

/// Does `If-None-Match` name this ETag? Weak comparison, as RFC 9110 wants for GET.
pub fn is_known(headers: &HeaderMap, etag: &str) -> bool {
    headers.get_all(header::IF_NONE_MATCH).any(|value| {
        value.to_str().is_ok_and(|list| {
            list.split(',')
                .map(str::trim)
                .any(|tag| tag == "*" || tag.strip_prefix("W/").unwrap_or(tag) == etag)
        })
    })
}

/// A JSON answer that every cache may share.
pub fn public_json<T: Serialize>(request: &HttpRequest, ctx: &Ctx, value: &T) -> ApiResult {
    public_bytes(request, ctx, JSON, to_bytes(value)?, &[])
}

/// Bytes that every cache may share.
pub fn public_bytes(
    request: &HttpRequest,
    ctx: &Ctx,
    content_type: &str,
    bytes: Vec<u8>,
    links: &[String],
) -> ApiResult {
    let mut response = HttpResponse::Ok();
    for link in links {
        response.append_header((header::LINK, link.as_str()));
    }
    response.insert_header((header::CACHE_CONTROL, public_cache(ctx)));
    Ok(conditional(
        request,
        response,
        &etag_of(&bytes),
        content_type,
        bytes,
    ))
}

/// An editorial object: its ETag is its version, for `If-Match`. There is no 304: what the answer
/// says beside the content (the category's slug, allowed actions, addresses of previews) may have
/// changed without the version.
pub fn object<T: Serialize>(version: Version, value: &T) -> ApiResult {
    written(HttpResponse::Ok(), version, value)
}

/// An editorial answer without a version of its own.
pub fn private_json<T: Serialize>(request: &HttpRequest, value: &T) -> ApiResult {
    private_list(request, value, &[])
}

/// A page of an editorial list, with the link to the next.
pub fn private_list<T: Serialize>(request: &HttpRequest, value: &T, links: &[String]) -> ApiResult {
    let bytes = to_bytes(value)?;
    let mut response = HttpResponse::Ok();
    for link in links {
        response.append_header((header::LINK, link.as_str()));
    }
    response.insert_header((header::CACHE_CONTROL, NO_STORE));
    Ok(conditional(
        request,
        response,
        &etag_of(&bytes),
        JSON,
        bytes,
    ))
}

/// The answer to a write: the object as it is now, with its version as ETag.
pub fn written<T: Serialize>(
    mut response: HttpResponseBuilder,
    version: Version,
    value: &T,
) -> ApiResult {
    Ok(response
        .insert_header((header::CACHE_CONTROL, NO_STORE))
        .insert_header((header::ETAG, version_tag(version)))
        .content_type(JSON)
        .body(to_bytes(value)?))
}

/// 304 when the client has it already, the answer otherwise.
pub fn conditional(
    request: &HttpRequest,
    mut response: HttpResponseBuilder,
    etag: &str,
    content_type: &str,
    bytes: Vec<u8>,
) -> HttpResponse {
    response.insert_header((header::ETAG, etag));
    if is_known(request.headers(), etag) {
        return response
            .status(actix_web::http::StatusCode::NOT_MODIFIED)
            .finish();
    }
    response.content_type(content_type).body(bytes)
}

pub fn to_bytes<T: Serialize>(value: &T) -> ApiResult<Vec<u8>> {
    serde_json::to_vec(value).map_err(ApiError::internal)
}
