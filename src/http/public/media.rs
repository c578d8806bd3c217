//! Public media and their files.

use std::io::{Read as _, Seek as _};

use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderMap};
use actix_web::{HttpRequest, HttpResponse, get, web};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;

use crate::ctx::Ctx;
use crate::domain::id::MediaId;
use crate::domain::media::LiveMedium;
use crate::http::caching::{JSON, is_known, public_bytes, public_json, to_bytes};
use crate::http::error::{ApiError, ApiResult, Code, Problem};
use crate::http::extract::{FromQuery, NoParams, PageParams, Paging, Params, Query, Segment};
use crate::http::next_link;
use crate::store::public::media;

pub fn routes(cfg: &mut ServiceConfig) {
    cfg.service(list_media).service(get_media).service(get_media_file);
}

/// A page of media.
#[derive(Debug, Serialize, ToSchema)]
struct MediaPage {
    #[schema(max_items = 100)]
    items: Vec<LiveMedium>,
    /// Cursor of the next page; null on the last.
    #[schema(max_length = 64, pattern = "^[A-Za-z0-9_-]+$")]
    next: Option<String>,
}

struct MediaQuery(Paging);

impl FromQuery for MediaQuery {
    fn read(query: &mut Query) -> Self {
        Self(Paging::read(query, "media"))
    }
}

/// Public media.
///
/// Media that a public article holds, newest first.
#[utoipa::path(operation_id = "list_media", tag = "media", security(()), params(PageParams), responses((status = 200, body = MediaPage)))]
#[get("/v1/media")]
async fn list_media(
    request: HttpRequest,
    ctx: web::Data<Ctx>,
    Params(query): Params<MediaQuery>,
) -> ApiResult {
    let base = ctx.settings.base_url();
    let page = ctx
        .db
        .read_brief(move |conn| {
            let page = media::list(conn, query.0.cursor, query.0.limit)?;
            Ok::<_, ApiError>(MediaPage {
                next: page.next.map(|cursor| cursor.encode("media")),
                items: page.items.iter().map(|medium| medium.live(&base)).collect(),
            })
        })
        .await?;
    let links = next_link(&request, &ctx.settings.base_url(), page.next.as_deref());
    public_bytes(&request, &ctx, JSON, to_bytes(&page)?, &links)
}

/// One medium.
///
/// With its files; 404 unless a public article holds it.
#[utoipa::path(operation_id = "get_media", tag = "media", security(()), params(("id" = MediaId, Path, description = "Id of the medium")), responses(
    (status = 200, body = LiveMedium),
    (status = 404, body = Problem, content_type = "application/problem+json"),
))]
#[get("/v1/media/{id}")]
async fn get_media(
    request: HttpRequest,
    ctx: web::Data<Ctx>,
    id: Segment<MediaId>,
    _: Params<NoParams>,
) -> ApiResult {
    let medium = ctx.db.read_brief(move |conn| media::get(conn, id.0)).await?;
    public_json(&request, &ctx, &medium.live(&ctx.settings.base_url()))
}

/// A media file.
///
/// The address names the hash of the bytes, so browsers may keep the file; shared caches recheck it
/// soon enough for a takedown. One byte range is honoured; several are answered with the whole file.
/// Query parameters are ignored.
#[utoipa::path(operation_id = "get_media_file", tag = "media", security(()),
    params(
        ("hash" = String, Path, description = "SHA-256 of the file", max_length = 64, min_length = 64, pattern = "^[0-9a-f]{64}$"),
        ("rendition" = String, Path, description = "Name of the rendition", max_length = 20, pattern = "^(full|w[0-9]+)$"),
        ("Range" = Option<String>, Header, description = "One byte range", max_length = 200, pattern = "^bytes=[0-9]*-[0-9]*$"),
    ),
    responses(
        (status = 200, content((Vec<u8> = "image/jpeg"), (Vec<u8> = "image/png"))),
        (status = 206, description = "The range", content((Vec<u8> = "image/jpeg"), (Vec<u8> = "image/png"))),
        (status = 404, body = Problem, content_type = "application/problem+json"),
        (status = 416, body = Problem, content_type = "application/problem+json"),
    ))]
#[get("/media/{hash}/{rendition}")]
async fn get_media_file(
    request: HttpRequest,
    ctx: web::Data<Ctx>,
    hash: Segment<String, 0>,
    rendition: Segment<String, 1>,
) -> ApiResult {
    let (hash, name) = (hash.0, rendition.0);
    let tag = format!("\"{hash}\"");
    let file = ctx
        .db
        .read_brief(move |conn| media::find_file(conn, &hash, &name))
        .await?;
    let caching = format!(
        "public, max-age=86400, s-maxage={}, immutable",
        ctx.settings.cache_seconds
    );
    send(&request, &ctx, file, &tag, &caching).await
}

/// Which bytes a request wants of a file of this length.
#[derive(Debug, PartialEq, Eq)]
enum Wanted {
    Whole,
    Part { from: u64, to: u64 },
    Nothing,
}

/// RFC 9110, 14.2: a range counts only if `If-Range` fits; what is malformed is ignored.
fn wanted(headers: &HeaderMap, tag: &str, length: u64) -> Wanted {
    let Some(range) = headers.get(header::RANGE).and_then(|value| value.to_str().ok()) else {
        return Wanted::Whole;
    };
    if headers
        .get(header::IF_RANGE)
        .is_some_and(|value| value.as_bytes() != tag.as_bytes())
    {
        return Wanted::Whole;
    }
    let Some(spec) = range.trim().strip_prefix("bytes=").map(str::trim) else {
        return Wanted::Whole;
    };
    let Some((from, to)) = spec.split_once('-') else {
        return Wanted::Whole;
    };
    let number = |text: &str| -> Option<u64> {
        let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        digits.then(|| text.parse().unwrap_or(u64::MAX))
    };
    let last = length.saturating_sub(1);
    match (number(from), number(to), from.is_empty(), to.is_empty()) {
        (Some(from), Some(to), ..) if from > to => Wanted::Whole,
        (Some(from), ..) if from >= length && !spec.contains(',') => Wanted::Nothing,
        (Some(from), Some(to), ..) => Wanted::Part { from, to: to.min(last) },
        (Some(from), None, _, true) => Wanted::Part { from, to: last },
        (None, Some(0), true, _) => Wanted::Nothing,
        (None, Some(count), true, _) if length > 0 => Wanted::Part {
            from: length.saturating_sub(count),
            to: last,
        },
        _ => Wanted::Whole,
    }
}

async fn send(
    request: &HttpRequest,
    ctx: &Ctx,
    file: media::File,
    tag: &str,
    caching: &str,
) -> ApiResult {
    let mut response = HttpResponse::Ok();
    response
        .insert_header((header::ETAG, tag))
        .insert_header((header::CACHE_CONTROL, caching))
        .insert_header((header::ACCEPT_RANGES, "bytes"))
        .insert_header((header::HeaderName::from_static("cross-origin-resource-policy"), "cross-origin"));
    if is_known(request.headers(), tag) {
        return Ok(response.status(StatusCode::NOT_MODIFIED).finish());
    }
    let length = u64::try_from(file.bytes).map_err(ApiError::internal)?;
    let (from, to) = match wanted(request.headers(), tag, length) {
        Wanted::Nothing => {
            return Err(ApiError::new(Code::RangeNotSatisfiable)
                .header(header::CONTENT_RANGE, format!("bytes */{length}")));
        }
        Wanted::Whole => (0, length.saturating_sub(1)),
        Wanted::Part { from, to } => {
            response
                .status(StatusCode::PARTIAL_CONTENT)
                .insert_header((header::CONTENT_RANGE, format!("bytes {from}-{to}/{length}")));
            (from, to)
        }
    };
    let count = (to + 1).saturating_sub(from);
    let blobs = ctx.blobs.clone();
    let opened = tokio::task::spawn_blocking(move || {
        let mut file = blobs.open_object(&file.key)?;
        file.seek(std::io::SeekFrom::Start(from))?;
        Ok::<_, std::io::Error>(file)
    })
    .await
    .map_err(ApiError::internal)?
    .map_err(ApiError::internal)?;
    let body = actix_web::body::SizedStream::new(count, chunks(opened, count));
    Ok(response.content_type(file.mime).body(body))
}

/// A file in pieces, each read off the async threads.
fn chunks(
    file: std::fs::File,
    count: u64,
) -> impl futures_util::Stream<Item = Result<web::Bytes, std::io::Error>> {
    const CHUNK: u64 = 64 * 1024;
    futures_util::stream::try_unfold((file, count), |(mut file, left)| async move {
        if left == 0 {
            return Ok(None);
        }
        let take = left.min(CHUNK);
        tokio::task::spawn_blocking(move || {
            let mut bytes = vec![0; usize::try_from(take).unwrap_or(0)];
            file.read_exact(&mut bytes)?;
            Ok(Some((web::Bytes::from(bytes), (file, left - take))))
        })
        .await
        .map_err(std::io::Error::other)?
    })
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn ask(range: &str, if_range: Option<&str>) -> Wanted {
        let mut headers = HeaderMap::new();
        headers.insert(header::RANGE, range.parse().unwrap());
        if let Some(tag) = if_range {
            headers.insert(header::IF_RANGE, tag.parse().unwrap());
        }
        wanted(&headers, "\"t\"", 100)
    }

    #[test]
    fn ranges_follow_rfc_9110() {
        assert_eq!(ask("bytes=0-9", None), Wanted::Part { from: 0, to: 9 });
        assert_eq!(ask("bytes=90-", None), Wanted::Part { from: 90, to: 99 });
        assert_eq!(ask("bytes=90-500", None), Wanted::Part { from: 90, to: 99 });
        assert_eq!(ask("bytes=-10", None), Wanted::Part { from: 90, to: 99 });
        assert_eq!(ask("bytes=-500", None), Wanted::Part { from: 0, to: 99 });
        assert_eq!(ask("bytes=100-", None), Wanted::Nothing);
        assert_eq!(ask("bytes=-0", None), Wanted::Nothing);
        for whole in ["bytes=9-1", "items=0-1", "bytes=a-b", "bytes=-", "bytes=0-1,5-6", "bytes"] {
            assert_eq!(ask(whole, None), Wanted::Whole, "{whole}");
        }
        assert_eq!(ask("bytes=0-9", Some("\"t\"")), Wanted::Part { from: 0, to: 9 });
        assert_eq!(ask("bytes=0-9", Some("\"other\"")), Wanted::Whole);
        assert_eq!(ask("bytes=0-9", Some("W/\"t\"")), Wanted::Whole);
    }
}
