//! Files out of media storage: conditional, in whole or in byte ranges, in pieces that are read
//! off the async threads. What public files and editors' previews share.

mod ranges;

use std::io;
use std::time::{Duration, UNIX_EPOCH};

use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderMap, HttpDate};
use actix_web::{HttpMessage as _, HttpRequest, HttpResponse, web};
use futures_util::{Stream, StreamExt as _};

use self::ranges::{Part, Wanted};
use super::caching::{NO_STORE, is_known};
use super::error::{ApiError, ApiResult, Code};
use super::request::HeadOnly;
use crate::ctx::Ctx;
use crate::domain::media::{TRACK_TYPE, Withdrawal};
use crate::domain::time::Instant;
use crate::infra::blob::{self, Object};
use crate::infra::image::SVG;
use crate::infra::random;

/// A file to send.
pub struct File {
    /// Key in media storage.
    pub key: String,
    pub mime: String,
    /// Length.
    pub bytes: i64,
    /// SHA-256 of the bytes, lower-case hex: the ETag.
    pub hash: String,
    /// Since when it stands where it is asked for: `Last-Modified`.
    pub since: Instant,
}

/// Who asks for a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Audience {
    Readers,
    /// Somebody who may see what is not public.
    Editors,
}

/// The answer for a file that was withdrawn.
pub fn withdrawn(withdrawal: &Withdrawal) -> ApiError {
    let reason = withdrawal.reason_code.as_str();
    ApiError::new(Code::FileWithdrawn).detail(format!("withdrawn, for the reason {reason}"))
}

/// Answers a GET for a file: 304 for who has it, 206 for ranges, 416 for ranges that all lie beyond
/// its end, 200 with everything otherwise.
pub async fn send(request: &HttpRequest, ctx: &Ctx, file: File, to: Audience) -> ApiResult {
    // The bytes behind an address never change, so browsers may keep them; shared caches ask again
    // soon enough for a takedown.
    let seconds = ctx.settings.cache_seconds;
    let caching = match to {
        Audience::Readers => format!("public, max-age=86400, s-maxage={seconds}, immutable"),
        Audience::Editors => NO_STORE.to_owned(),
    };
    let tag = format!("\"{}\"", file.hash);
    let modified = http_date(file.since);
    let mut response = HttpResponse::Ok();
    response
        .insert_header((header::ETAG, tag.as_str()))
        .insert_header((header::LAST_MODIFIED, modified.to_string()))
        .insert_header((header::CACHE_CONTROL, caching))
        // Pages of any origin may show it.
        .insert_header((
            header::HeaderName::from_static("cross-origin-resource-policy"),
            "cross-origin",
        ));
    response
        .insert_header((header::ACCEPT_RANGES, "bytes"))
        .insert_header((header::CONTENT_DISPOSITION, disposition(&file)));
    if let Some(policy) = policy(&file.mime) {
        // With a 304 too, whose headers replace those of the copy that is kept.
        response.insert_header((header::CONTENT_SECURITY_POLICY, policy));
    }
    if has_it(request.headers(), &tag, modified) {
        response.status(StatusCode::NOT_MODIFIED);
        return Ok(response.finish());
    }
    if to == Audience::Readers
        && let Some(address) = elsewhere(request, ctx, &file).await?
    {
        // Good for a part of the time that the address is: nobody is sent to one that has expired.
        let seconds = (ctx.settings.media_redirect / 2).min(ctx.settings.cache_seconds);
        return Ok(HttpResponse::TemporaryRedirect()
            .insert_header((header::LOCATION, address))
            .insert_header((header::CACHE_CONTROL, format!("public, max-age={seconds}")))
            .finish());
    }
    let length = u64::try_from(file.bytes).map_err(ApiError::internal)?;
    let dated = (modified < http_date(ctx.now())).then_some(modified);
    let same = |headers: &HeaderMap| is_same(headers, &tag, dated);
    let pieces = match ranges::wanted(request.headers(), length, same) {
        Wanted::Nothing => {
            return Err(ApiError::new(Code::RangeNotSatisfiable)
                .detail(format!("the file has {length} bytes"))
                .header(header::CONTENT_RANGE, format!("bytes */{length}")));
        }
        Wanted::Whole => {
            response.content_type(file.mime.as_str());
            vec![Piece::Bytes(0, length)]
        }
        Wanted::One(part) => {
            response
                .status(StatusCode::PARTIAL_CONTENT)
                .content_type(file.mime.as_str())
                .insert_header((header::CONTENT_RANGE, part.of(length)));
            vec![Piece::Bytes(part.from, part.count())]
        }
        Wanted::Several(parts) => {
            // Random, so that no file holds it on purpose.
            let boundary = random::request_id();
            response
                .status(StatusCode::PARTIAL_CONTENT)
                .content_type(format!("multipart/byteranges; boundary={boundary}"));
            multipart(&parts, &file.mime, length, &boundary)
        }
    };
    let total = pieces.iter().map(Piece::length).sum();
    let object = ctx.blobs.open(&file.key).await.map_err(unread)?;
    // The first piece before the head of the answer: a storage that is away is a 503.
    let first = next((object, pieces.into_iter(), None))
        .await
        .map_err(unread)?;
    Ok(response.body(actix_web::body::SizedStream::new(total, stream(first))))
}

/// A signed address of the bucket, where readers are sent to one. What browsers must not show stays here:
/// the bucket would send it without our headers. So does a HEAD, which such an address does not answer.
async fn elsewhere(request: &HttpRequest, ctx: &Ctx, file: &File) -> ApiResult<Option<String>> {
    let seconds = ctx.settings.media_redirect;
    let head = request.extensions().contains::<HeadOnly>();
    if seconds == 0 || head || policy(&file.mime).is_some() {
        return Ok(None);
    }
    let good_for = Duration::from_secs(u64::from(seconds));
    let signed = ctx.blobs.signed_url(&file.key, good_for).await;
    signed.map_err(unread)
}

fn unread(error: io::Error) -> ApiError {
    match blob::is_away(&error) {
        true => ApiError::busy(error),
        false => ApiError::internal(error),
    }
}

/// Whole seconds, as HTTP has them.
fn http_date(at: Instant) -> HttpDate {
    let seconds = u64::try_from(at.seconds()).unwrap_or(0);
    HttpDate::from(UNIX_EPOCH + Duration::from_secs(seconds))
}

/// Has the client the file already? A date is asked only where no ETags are named (RFC 9110, 13.2.2).
fn has_it(headers: &HeaderMap, tag: &str, modified: HttpDate) -> bool {
    if headers.contains_key(header::IF_NONE_MATCH) {
        return is_known(headers, tag);
    }
    let mut dates = headers.get_all(header::IF_MODIFIED_SINCE);
    match (dates.next().and_then(date), dates.next()) {
        (Some(since), None) => modified <= since,
        _ => false,
    }
}

/// Is `If-Range` absent, or does it name the file as it is: by its strong ETag, or by exactly its
/// date, where that is old enough to be a strong one (RFC 9110, 8.8.2.2)?
fn is_same(headers: &HeaderMap, tag: &str, modified: Option<HttpDate>) -> bool {
    headers.get_all(header::IF_RANGE).all(|value| {
        value.as_bytes() == tag.as_bytes() || (modified.is_some() && date(value) == modified)
    })
}

fn date(value: &header::HeaderValue) -> Option<HttpDate> {
    value.to_str().ok()?.trim().parse().ok()
}

/// What browsers show in place: pictures, sound and film.
fn is_shown(mime: &str) -> bool {
    let kinds = ["image/", "audio/", "video/"];
    kinds.iter().any(|kind| mime.starts_with(kind))
}

/// The policy of what could be more than it should: whatever a browser takes it for, it runs nothing and
/// loads nothing. A drawing keeps its styles and the pictures inside it.
fn policy(mime: &str) -> Option<&'static str> {
    match mime {
        SVG => Some(
            "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'none'",
        ),
        _ if is_shown(mime) => None,
        _ => Some("sandbox; default-src 'none'; frame-ancestors 'none'"),
    }
}

/// Documents are downloads. Their name is made of the hash: what the file was called when it was
/// uploaded is nobody's business.
fn disposition(file: &File) -> String {
    if is_shown(&file.mime) {
        return "inline".to_owned();
    }
    let name: String = file.hash.chars().take(12).collect();
    let ending = EXTENSIONS.iter().find(|(mime, _)| *mime == file.mime);
    let ending = ending.map_or("bin", |(_, ending)| ending);
    format!("attachment; filename=\"{name}.{ending}\"")
}

/// How files of a type are called.
#[rustfmt::skip]
const EXTENSIONS: &[(&str, &str)] = &[
    (TRACK_TYPE, "vtt"),
    ("application/pdf", "pdf"),
    ("application/msword", "doc"),
    ("application/vnd.ms-excel", "xls"),
    ("application/vnd.ms-powerpoint", "ppt"),
    ("application/vnd.openxmlformats-officedocument.wordprocessingml.document", "docx"),
    ("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", "xlsx"),
    ("application/vnd.openxmlformats-officedocument.presentationml.presentation", "pptx"),
    ("application/vnd.oasis.opendocument.text", "odt"),
    ("application/vnd.oasis.opendocument.spreadsheet", "ods"),
    ("application/vnd.oasis.opendocument.presentation", "odp"),
];

/// A part of an answer's body.
enum Piece {
    Text(web::Bytes),
    /// From where in the file, and how many.
    Bytes(u64, u64),
}

impl Piece {
    fn length(&self) -> u64 {
        match self {
            Self::Text(text) => u64::try_from(text.len()).unwrap_or(u64::MAX),
            Self::Bytes(_, count) => *count,
        }
    }
}

/// The body of several ranges (RFC 9110, 14.6).
fn multipart(parts: &[Part], mime: &str, length: u64, boundary: &str) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut before = "";
    for part in parts {
        let range = part.of(length);
        let head = format!(
            "{before}--{boundary}\r\nContent-Type: {mime}\r\nContent-Range: {range}\r\n\r\n"
        );
        pieces.push(Piece::Text(head.into()));
        pieces.push(Piece::Bytes(part.from, part.count()));
        before = "\r\n";
    }
    pieces.push(Piece::Text(format!("\r\n--{boundary}--\r\n").into()));
    pieces
}

/// What is left of an answer: its object, the pieces to come, and where the piece at hand goes on.
type Rest = (Object, std::vec::IntoIter<Piece>, Option<(u64, u64)>);

/// The next bytes of an answer, and what is left after them.
async fn next((object, mut pieces, at): Rest) -> io::Result<Option<(web::Bytes, Rest)>> {
    let (from, left) = match at {
        Some(at) => at,
        None => match pieces.next() {
            None => return Ok(None),
            Some(Piece::Text(text)) => return Ok(Some((text, (object, pieces, None)))),
            Some(Piece::Bytes(from, count)) => (from, count),
        },
    };
    let take = left.min(object.piece());
    let (object, bytes) = object.read(from..from + take).await?;
    let at = (left > take).then(|| (from + take, left - take));
    Ok(Some((bytes, (object, pieces, at))))
}

/// The pieces in turn. A file that ends too soon breaks the answer off, so that the client sees that
/// it is not whole.
fn stream(first: Option<(web::Bytes, Rest)>) -> impl Stream<Item = io::Result<web::Bytes>> {
    let (bytes, rest) = first.unzip();
    let others = futures_util::stream::try_unfold(rest, |rest| async move {
        match rest {
            None => Ok(None),
            Some(rest) => Ok(next(rest).await?.map(|(bytes, rest)| (bytes, Some(rest)))),
        }
    });
    futures_util::stream::iter(bytes.map(Ok)).chain(others)
}
