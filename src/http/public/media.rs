//! Public media and their files.

use actix_web::{HttpRequest, get, web};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;

use crate::ctx::Ctx;
use crate::domain::id::MediaId;
use crate::domain::media::LiveMedium;
use crate::http::caching::{JSON, public_bytes, public_json, to_bytes};
use crate::http::error::{ApiResult, Problem};
use crate::http::extract::{FromQuery, NoParams, PageParams, Paging, Params, Query, Segment};
use crate::http::files::{self, Audience, File};
use crate::http::next_link;
use crate::store;
use crate::store::public::media::{self, FoundFile};
use crate::store::public::portal;

pub fn routes(cfg: &mut ServiceConfig) {
    cfg.service(list_media)
        .service(get_media)
        .service(get_media_file);
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
            let zone = portal::get(conn)?.zone();
            let page = media::list(conn, query.0.cursor, query.0.limit)?;
            Ok::<_, store::Error>(MediaPage {
                next: page.next.map(|cursor| cursor.encode("media")),
                items: page
                    .items
                    .into_iter()
                    .map(|medium| medium.shown_in(&zone).live(&base))
                    .collect(),
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
    let medium = ctx
        .db
        .read_brief(move |conn| {
            let zone = portal::get(conn)?.zone();
            Ok::<_, store::Error>(media::get(conn, id.0)?.shown_in(&zone))
        })
        .await?;
    public_json(&request, &ctx, &medium.live(&ctx.settings.base_url()))
}

/// A media file.
///
/// The address names the hash of the bytes, so browsers may keep the file; shared caches recheck it
/// soon enough for a takedown. Up to eight byte ranges are honoured (several as
/// `multipart/byteranges`); more are answered with the whole file. Query parameters are ignored.
#[utoipa::path(operation_id = "get_media_file", tag = "media", security(()),
    params(
        ("hash" = String, Path, description = "SHA-256 of the file", max_length = 64, min_length = 64, pattern = "^[0-9a-f]{64}$"),
        ("rendition" = String, Path, description = "Name of the rendition", max_length = 24, pattern = "^[a-z0-9-]{1,24}$"),
        ("Range" = Option<String>, Header, description = "Up to eight byte ranges; what overlaps or nearly meets is sent as one", max_length = 400, pattern = "^bytes=[0-9, -]+$"),
        ("If-Range" = Option<String>, Header, description = "The ETag, or else the `Last-Modified`, of the file that the ranges are of; the whole file is answered where it is another", max_length = 100, pattern = "^(\"[0-9a-f]{64}\"|[A-Za-z0-9:, -]+ GMT)$"),
        ("If-Modified-Since" = Option<String>, Header, description = "304 when the file has not changed since; counts only without `If-None-Match`", max_length = 100, pattern = "^[A-Za-z0-9:, -]+ GMT$"),
    ),
    responses(
        (status = 200, content((Vec<u8> = "image/jpeg"), (Vec<u8> = "image/png"), (Vec<u8> = "image/webp"), (Vec<u8> = "image/svg+xml"), (Vec<u8> = "video/*"), (Vec<u8> = "audio/*"), (Vec<u8> = "application/*"), (Vec<u8> = "text/vtt"))),
        (status = 206, description = "The ranges: of one `Content-Range` tells which, several are parts with a `Content-Range` each", content((Vec<u8> = "image/jpeg"), (Vec<u8> = "image/png"), (Vec<u8> = "image/webp"), (Vec<u8> = "image/svg+xml"), (Vec<u8> = "video/*"), (Vec<u8> = "audio/*"), (Vec<u8> = "application/*"), (Vec<u8> = "text/vtt"), (Vec<u8> = "multipart/byteranges"))),
        (status = 304, description = "Not modified"),
        (status = 307, description = "Where readers are sent to a bucket (`BANTIN_MEDIA_REDIRECT`): a signed address, good for a while"),
        (status = 404, body = Problem, content_type = "application/problem+json"),
        (status = 410, description = "Withdrawn; it does not come back", body = Problem, content_type = "application/problem+json"),
        (status = 416, description = "All ranges begin beyond the end; `Content-Range` tells the length", body = Problem, content_type = "application/problem+json"),
    ))]
#[get("/media/{hash}/{rendition}")]
async fn get_media_file(
    request: HttpRequest,
    ctx: web::Data<Ctx>,
    hash: Segment<String, 0>,
    rendition: Segment<String, 1>,
) -> ApiResult {
    let (hash, name) = (hash.0, rendition.0);
    let wanted = hash.clone();
    let found = ctx
        .db
        .read_brief(move |conn| media::find_file(conn, &wanted, &name))
        .await?;
    let found = match found {
        FoundFile::File(file) => file,
        FoundFile::Withdrawn(withdrawal) => {
            return Err(files::withdrawn(&withdrawal));
        }
    };
    let file = File {
        key: found.key,
        mime: found.mime,
        bytes: found.bytes,
        hash,
        since: found.since,
    };
    files::send(&request, &ctx, file, Audience::Readers).await
}
