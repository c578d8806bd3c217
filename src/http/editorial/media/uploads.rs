//! Uploads that go on where they broke off: the protocol tus 1.0 (core, creation, checksum,
//! termination, expiration), for which clients of every kind have libraries.

use std::pin::Pin;
use std::time::Duration;

use actix_web::error::PayloadError;
use actix_web::http::header::{self, HeaderName};
use actix_web::{
    HttpRequest, HttpResponse, HttpResponseBuilder, delete, get, options, patch, post, web,
};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures_util::{Stream, StreamExt as _};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;

use super::refused;
use crate::ctx::Ctx;
use crate::domain::id::MediaId;
use crate::domain::media::HEAD;
use crate::domain::time::Instant;
use crate::domain::upload::{Arrival, Metadata, MetadataError};
use crate::http::caching::{JSON, NO_STORE, to_bytes};
use crate::http::error::{ApiError, ApiResult, Code, Problem};
use crate::http::extract::{Can, NoParams, Params, Segment, Write, single};
use crate::http::upload::{Spool, limited, most, most_of, patience, too_large, unreceived};
use crate::infra::checksum::{Algorithm, Hasher};
use crate::service::Command;
use crate::service::media::uploads::{self as service, Piece};
use crate::store::public::portal;

const VERSION: &str = "1.0.0";
const EXTENSIONS: &str = "creation,checksum,termination,expiration";
const CHECKSUMS: &str = "sha1,sha256";
/// What is stored at once: a request that breaks off loses nothing, and the last piece, which is sent
/// again when something fails, is small.
const PIECE: i64 = 8 * 1024 * 1024;
/// What putting the whole together and storing it may take beside.
const FINISHING: Duration = Duration::from_secs(3600);
const BODY: &str = "application/offset+octet-stream";

const TUS_RESUMABLE: HeaderName = HeaderName::from_static("tus-resumable");
const UPLOAD_OFFSET: HeaderName = HeaderName::from_static("upload-offset");
const UPLOAD_LENGTH: HeaderName = HeaderName::from_static("upload-length");
const UPLOAD_METADATA: HeaderName = HeaderName::from_static("upload-metadata");
const UPLOAD_CHECKSUM: HeaderName = HeaderName::from_static("upload-checksum");
const UPLOAD_EXPIRES: HeaderName = HeaderName::from_static("upload-expires");

pub fn routes(cfg: &mut ServiceConfig) {
    cfg.service(get_upload_options)
        .service(create_upload)
        .service(get_upload)
        .service(append_upload)
        .service(end_upload);
}

/// How far an upload is.
#[derive(Debug, Serialize, ToSchema)]
struct UploadOut {
    #[schema(max_length = 32, min_length = 32, pattern = "^[0-9a-f]{32}$")]
    id: String,
    /// Of the whole file, in bytes.
    #[schema(minimum = 1, maximum = 9007199254740991i64)]
    length: i64,
    /// Bytes that have arrived. All of them only when the medium is there.
    #[schema(minimum = 0, maximum = 9007199254740991i64)]
    offset: i64,
    expires_at: Instant,
    /// What it became; null until then.
    media_id: Option<MediaId>,
}

/// What this server can do with uploads.
///
/// The discovery of the protocol tus: `Tus-Version`, `Tus-Extension`, `Tus-Max-Size` (bytes) and
/// `Tus-Checksum-Algorithm`. No token needed.
#[utoipa::path(operation_id = "get_upload_options", tag = "media", security(()), responses((status = 204)))]
#[options("/v1/editorial/uploads")]
async fn get_upload_options(ctx: web::Data<Ctx>, _: Params<NoParams>) -> HttpResponse {
    HttpResponse::NoContent()
        .insert_header((TUS_RESUMABLE, VERSION))
        .insert_header(("tus-version", VERSION))
        .insert_header(("tus-extension", EXTENSIONS))
        .insert_header(("tus-max-size", most(&ctx)))
        .insert_header(("tus-checksum-algorithm", CHECKSUMS))
        .insert_header((header::CACHE_CONTROL, NO_STORE))
        .finish()
}

/// Begin an upload that can be resumed.
///
/// The protocol tus 1.0: tell the length, send the bytes with PATCH to `Location`, ask there with HEAD
/// how far it got. `Upload-Metadata` may have `filename`, `filetype`, `alt`, `credit`, `decorative` and `ai_label`,
/// each followed by its value in Base64. A user has at most 100 uploads open.
#[utoipa::path(operation_id = "create_upload", tag = "media", security(("bearer" = [])), params(
        ("Tus-Resumable" = String, Header, description = "`1.0.0`", max_length = 10, pattern = "^[0-9.]+$"),
        ("Upload-Length" = i64, Header, description = "Of the whole file, in bytes", minimum = 0, maximum = 9007199254740991i64),
        ("Upload-Metadata" = Option<String>, Header, description = "Pairs of a name and a value in Base64, separated by commas", max_length = 8000, pattern = "^[A-Za-z0-9+/=_, -]+$"),
    ), responses(
    (status = 201), (status = 409, body = Problem, content_type = "application/problem+json"),
    (status = 412, description = "Another version of the protocol", body = Problem, content_type = "application/problem+json"),
    (status = 413, body = Problem, content_type = "application/problem+json"),
    (status = 422, body = Problem, content_type = "application/problem+json"),
))]
#[post("/v1/editorial/uploads")]
async fn create_upload(
    request: HttpRequest,
    ctx: web::Data<Ctx>,
    can: Can<Write>,
    _: Params<NoParams>,
) -> ApiResult {
    resumable(&request)?;
    let length = number(&request, &UPLOAD_LENGTH)?;
    if u64::try_from(length).map_err(ApiError::internal)? > most(&ctx) {
        return Err(too_large(&ctx, None));
    }
    let metadata = match single(&request, &UPLOAD_METADATA)? {
        None => Metadata::default(),
        Some(header) => Metadata::parse(header).map_err(|error| match error {
            MetadataError::Malformed(why) => bad(&UPLOAD_METADATA, why),
            MetadataError::Wrong(faults) => faults.into(),
        })?,
    };
    let command = can.command(&ctx, None);
    let arrival = service::create(&ctx, command, length, metadata).await?;
    let place = format!(
        "{}/v1/editorial/uploads/{}",
        ctx.settings.base_url(),
        arrival.id
    );
    Ok(marked(HttpResponse::Created(), &arrival)
        .insert_header((header::LOCATION, place))
        .finish())
}

/// How far an upload is.
///
/// `Upload-Offset` is where to go on; HEAD, which tus clients send, has the same headers. One's own
/// uploads only.
#[utoipa::path(operation_id = "get_upload", tag = "media", security(("bearer" = [])), params(UploadPath), responses((status = 200, body = UploadOut)))]
#[get("/v1/editorial/uploads/{id}")]
async fn get_upload(
    ctx: web::Data<Ctx>,
    can: Can<Write>,
    id: Segment<String>,
    _: Params<NoParams>,
) -> ApiResult {
    let arrival = service::find(&ctx, &can.actor, id.0).await?;
    let zone = ctx
        .db
        .read_brief(|conn| portal::get(conn).map(|portal| portal.zone()))
        .await?;
    let shown = UploadOut {
        id: arrival.id.clone(),
        length: arrival.length,
        offset: arrival.received,
        expires_at: zone.show(arrival.expires_at),
        media_id: arrival.media_id,
    };
    Ok(marked(HttpResponse::Ok(), &arrival)
        .insert_header((UPLOAD_LENGTH, arrival.length))
        .content_type(JSON)
        .body(to_bytes(&shown)?))
}

/// Send the next bytes of an upload.
///
/// From `Upload-Offset` on, which must be where the upload stands (409 `offset_mismatch` otherwise).
/// Bytes that arrive before a connection breaks are kept, save with `Upload-Checksum`, which is of the
/// whole request. The last bytes make the file a medium, in `Location` of the answer; a file that is
/// refused (413, 415, 422) ends the upload, and one that is too long for what it looks like does so with
/// its first bytes.
#[utoipa::path(operation_id = "append_upload", tag = "media", security(("bearer" = [])), params(UploadPath,
        ("Tus-Resumable" = String, Header, description = "`1.0.0`", max_length = 10, pattern = "^[0-9.]+$"),
        ("Upload-Offset" = i64, Header, description = "Where the bytes belong", minimum = 0, maximum = 9007199254740991i64),
        ("Upload-Checksum" = Option<String>, Header, description = "`sha1` or `sha256`, a space, and the digest of the body in Base64", max_length = 100, pattern = "^[a-z0-9]+ [A-Za-z0-9+/]+=*$"),
    ), request_body(content = Vec<u8>, content_type = "application/offset+octet-stream"), responses(
    (status = 204, description = "The bytes are stored; `Upload-Offset` says how many there are"),
    (status = 409, body = Problem, content_type = "application/problem+json"),
    (status = 412, description = "Another version of the protocol", body = Problem, content_type = "application/problem+json"),
    (status = 460, description = "The checksum is of other bytes, which are dropped", body = Problem, content_type = "application/problem+json"),
))]
#[patch("/v1/editorial/uploads/{id}")]
async fn append_upload(
    request: HttpRequest,
    ctx: web::Data<Ctx>,
    can: Can<Write>,
    id: Segment<String>,
    payload: web::Payload,
    _: Params<NoParams>,
) -> ApiResult {
    resumable(&request)?;
    if single(&request, &header::CONTENT_TYPE)? != Some(BODY) {
        return Err(ApiError::new(Code::UnsupportedMediaType)
            .detail(format!("send {BODY}"))
            .header(header::ACCEPT, BODY));
    }
    let offset = number(&request, &UPLOAD_OFFSET)?;
    let checksum = single(&request, &UPLOAD_CHECKSUM)?
        .map(checksum)
        .transpose()?;
    let arrival = service::find(&ctx, &can.actor, id.0).await?;
    if arrival.received != offset {
        let detail = format!("the upload stands at {}", arrival.received);
        return Err(ApiError::new(Code::OffsetMismatch).detail(detail));
    }
    let left = arrival.length - arrival.received;
    let declared = single(&request, &header::CONTENT_LENGTH)?.and_then(|text| text.parse().ok());
    if declared.is_some_and(|bytes: i64| bytes > left) {
        return Err(too_long(left));
    }
    let command = can.command(&ctx, None);
    // In a task of its own: what has arrived is stored also when the client, and so this future, is gone.
    let bytes = u64::try_from(left).map_err(ApiError::internal)?;
    let patience = patience(&ctx, bytes).saturating_add(FINISHING);
    let taken = take(ctx.clone(), command, arrival, payload, checksum);
    let taken = tokio::time::timeout(patience, taken);
    let arrival = actix_web::rt::spawn(taken)
        .await
        .map_err(ApiError::internal)?
        .map_err(|_| ApiError::new(Code::RequestTimeout))??;
    let mut response = marked(HttpResponse::NoContent(), &arrival);
    if let Some(id) = arrival.media_id {
        let place = format!("{}/v1/editorial/media/{id}", ctx.settings.base_url());
        response.insert_header((header::LOCATION, place));
    }
    Ok(response.finish())
}

/// End an upload.
///
/// Its bytes are dropped; a medium that it became stays.
#[utoipa::path(operation_id = "end_upload", tag = "media", security(("bearer" = [])), params(UploadPath,
        ("Tus-Resumable" = String, Header, description = "`1.0.0`", max_length = 10, pattern = "^[0-9.]+$"),
    ), responses(
    (status = 204),
    (status = 412, description = "Another version of the protocol", body = Problem, content_type = "application/problem+json"),
))]
#[delete("/v1/editorial/uploads/{id}")]
async fn end_upload(
    request: HttpRequest,
    ctx: web::Data<Ctx>,
    can: Can<Write>,
    id: Segment<String>,
    _: Params<NoParams>,
) -> ApiResult {
    resumable(&request)?;
    service::end(&ctx, &can.actor, id.0).await?;
    Ok(HttpResponse::NoContent()
        .insert_header((TUS_RESUMABLE, VERSION))
        .insert_header((header::CACHE_CONTROL, NO_STORE))
        .finish())
}

#[derive(utoipa::IntoParams)]
#[into_params(parameter_in = Path)]
#[expect(dead_code, reason = "describes the path")]
struct UploadPath {
    /// Id of the upload
    #[param(max_length = 32, min_length = 32, pattern = "^[0-9a-f]{32}$")]
    id: String,
}

/// Stores a body piece by piece.
async fn take(
    ctx: web::Data<Ctx>,
    command: Command,
    mut arrival: Arrival,
    payload: web::Payload,
    checksum: Option<(Algorithm, Vec<u8>)>,
) -> ApiResult<Arrival> {
    let left = arrival.length - arrival.received;
    let idle = Duration::from_secs(u64::from(ctx.settings.body_timeout));
    let most = u64::try_from(left).map_err(ApiError::internal)?;
    let mut body = std::pin::pin!(limited(payload, most, idle));
    // A checksum is of the whole body: nothing of it counts before it is there.
    let (most, hasher) = match &checksum {
        Some((algorithm, _)) => (i64::MAX, Some(Hasher::new(*algorithm))),
        None => (PIECE, None),
    };
    loop {
        let spool = Spool::new(&ctx, hasher.clone()).await?;
        let (spool, ended) = fill(spool, body.as_mut(), most, left).await?;
        let bytes = spool.bytes;
        let begun = arrival.received == 0 && spool.head.len() == HEAD;
        let (kind, allowed) = most_of(&ctx, &spool.head);
        if begun && u64::try_from(arrival.length).map_err(ApiError::internal)? > allowed {
            // It would be refused when it is whole: nobody needs to send the rest.
            service::end(&ctx, &command.actor, arrival.id).await?;
            return Err(too_large(&ctx, Some(kind)));
        }
        let (file, digest) = spool.close();
        if let Some((_, wanted)) = &checksum {
            if let Err(error) = ended {
                return Err(error);
            }
            if digest.as_ref() != Some(wanted) {
                return Err(ApiError::new(Code::ChecksumMismatch));
            }
        }
        if bytes > 0 {
            let path = file.path().to_owned();
            let piece = Piece { path, bytes };
            let added = service::append(&ctx, command.clone(), arrival, piece).await;
            arrival = added.map_err(refused)?;
        }
        match ended {
            Ok(true) => return Ok(arrival),
            Ok(false) => {}
            Err(error) => return Err(error),
        }
    }
}

/// Fills a piece; what has come is there also when the body breaks off. True: the body has ended.
async fn fill(
    mut spool: Spool,
    mut body: Pin<&mut impl Stream<Item = Result<web::Bytes, PayloadError>>>,
    most: i64,
    left: i64,
) -> ApiResult<(Spool, ApiResult<bool>)> {
    while spool.bytes < most {
        match body.next().await {
            None => return Ok((spool, Ok(true))),
            Some(Ok(chunk)) => spool = spool.push(chunk).await?,
            Some(Err(error)) => {
                return Ok((spool, Err(unreceived(error, || too_long(left)))));
            }
        }
    }
    Ok((spool, Ok(false)))
}

/// What every answer about an upload says of it.
fn marked(mut response: HttpResponseBuilder, arrival: &Arrival) -> HttpResponseBuilder {
    let seconds = u64::try_from(arrival.expires_at.seconds()).unwrap_or(0);
    let expires = std::time::UNIX_EPOCH + Duration::from_secs(seconds);
    response
        .insert_header((TUS_RESUMABLE, VERSION))
        .insert_header((UPLOAD_OFFSET, arrival.received))
        .insert_header((UPLOAD_EXPIRES, header::HttpDate::from(expires).to_string()))
        .insert_header((header::CACHE_CONTROL, NO_STORE));
    response
}

fn resumable(request: &HttpRequest) -> ApiResult<()> {
    match single(request, &TUS_RESUMABLE)? {
        Some(VERSION) => Ok(()),
        _ => Err(ApiError::new(Code::TusVersion)
            .detail("Tus-Resumable must be 1.0.0")
            .header(HeaderName::from_static("tus-version"), VERSION)),
    }
}

fn number(request: &HttpRequest, name: &HeaderName) -> ApiResult<i64> {
    let digits = single(request, name)?.filter(|text| text.bytes().all(|b| b.is_ascii_digit()));
    let number = digits.and_then(|digits| digits.parse().ok());
    number
        .filter(|number| (0..1 << 53).contains(number))
        .ok_or_else(|| bad(name, "must be a number of bytes"))
}

fn checksum(text: &str) -> ApiResult<(Algorithm, Vec<u8>)> {
    let (name, digest) = text.split_once(' ').unwrap_or((text, ""));
    let algorithm =
        Algorithm::parse(name).ok_or_else(|| bad(&UPLOAD_CHECKSUM, "must be of sha1 or sha256"))?;
    match STANDARD.decode(digest) {
        Ok(digest) if digest.len() == algorithm.length() => Ok((algorithm, digest)),
        _ => Err(bad(&UPLOAD_CHECKSUM, "must have a digest in Base64")),
    }
}

fn bad(name: &HeaderName, why: &str) -> ApiError {
    ApiError::new(Code::BadHeader).detail(format!("{name}: {why}"))
}

fn too_long(left: i64) -> ApiError {
    ApiError::new(Code::TooLarge).detail(format!("the upload lacks {left} bytes, no more"))
}
