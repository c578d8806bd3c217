//! Media as editors have them: upload, description, previews.

use std::io::Write as _;
use std::time::Duration;

use actix_multipart::{Field, Multipart};
use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, delete, get, patch, post, put, web};
use futures_util::TryStreamExt as _;
use serde::Serialize;
use sha2::{Digest as _, Sha256};
use utoipa::{IntoParams, ToSchema};
use utoipa_actix_web::service_config::ServiceConfig;

use super::{created, deleted};
use crate::ctx::Ctx;
use crate::domain::caption::{Alt, Credit};
use crate::domain::id::{MediaId, UserId, Version};
use crate::domain::input::{FaultCode, Faults, Refusal};
use crate::domain::media::{Kind, MediaContent, Medium};
use crate::domain::time::{Instant, Zone};
use crate::http::caching::{NO_STORE, object, private_json, written};
use crate::http::error::{ApiError, ApiResult, Code, Problem};
use crate::http::extract::{
    Body, Can, Edit, FromQuery, NoParams, PageParams, Paging, Params, Query, Segment, Write,
};
use crate::service::media::{self as service, Save, Upload, UploadError};
use crate::store::editorial::media;
use crate::store::public::{media as live, portal};

pub fn routes(cfg: &mut ServiceConfig) {
    cfg.service(list_editorial_media)
        .service(upload_media)
        .service(get_editorial_media)
        .service(replace_media)
        .service(update_media)
        .service(delete_media)
        .service(get_media_preview);
}

/// Seconds that a preview address is good for.
const PREVIEW_SECONDS: i64 = 15 * 60;

/// A file of a medium, with an address for `<img>`, which sends no token.
#[derive(Debug, Serialize, ToSchema)]
struct PreviewRendition {
    #[schema(max_length = 20, pattern = "^(full|w[0-9]+)$")]
    name: String,
    #[schema(minimum = 1, maximum = 100000)]
    width: i32,
    #[schema(minimum = 1, maximum = 100000)]
    height: i32,
    #[serde(rename = "type")]
    #[schema(max_length = 100, pattern = "^[a-z]+/[a-z0-9.+-]+$")]
    mime: String,
    #[schema(minimum = 1, maximum = 9007199254740991i64)]
    bytes: i64,
    /// Signed, good for 15 minutes.
    #[schema(max_length = 2300, format = "uri")]
    preview_url: String,
}

/// A medium as editors see it.
#[derive(Debug, Serialize, ToSchema)]
struct MediumOut {
    id: MediaId,
    version: Version,
    #[schema(inline)]
    kind: Kind,
    /// As uploaded; never shown to readers.
    #[schema(max_length = 255, pattern = "^[^\\u0000-\\u001F]*$")]
    file_name: String,
    /// MIME type of the original.
    #[serde(rename = "type")]
    #[schema(max_length = 100, pattern = "^[a-z]+/[a-z0-9.+-]+$")]
    mime: String,
    /// Size of the original.
    #[schema(minimum = 1, maximum = 9007199254740991i64)]
    bytes: i64,
    #[schema(minimum = 1, maximum = 100000)]
    width: Option<i32>,
    #[schema(minimum = 1, maximum = 100000)]
    height: Option<i32>,
    created_by: UserId,
    created_at: Instant,
    /// Whether a public article holds it.
    public: bool,
    content: MediaContent,
    #[schema(max_items = 50)]
    renditions: Vec<PreviewRendition>,
}

/// What a presenter of media needs to know.
struct Show<'a> {
    ctx: &'a Ctx,
    zone: Zone,
}

impl Show<'_> {
    fn medium(&self, medium: Medium, public: bool) -> MediumOut {
        let base = self.ctx.settings.base_url();
        let expires = self.ctx.now().seconds() + PREVIEW_SECONDS;
        MediumOut {
            renditions: medium
                .renditions
                .iter()
                .map(|rendition| {
                    let path = preview_path(medium.id, &rendition.name, expires);
                    let seal = self.ctx.keys.seal(&path);
                    PreviewRendition {
                        name: rendition.name.clone(),
                        width: rendition.width,
                        height: rendition.height,
                        mime: rendition.mime.clone(),
                        bytes: rendition.bytes,
                        preview_url: format!("{base}{path}&signature={seal}"),
                    }
                })
                .collect(),
            id: medium.id,
            version: medium.version,
            kind: medium.kind,
            file_name: medium.file_name,
            mime: medium.mime,
            bytes: medium.bytes,
            width: medium.width,
            height: medium.height,
            created_by: medium.created_by,
            created_at: self.zone.show(medium.created_at),
            public,
            content: medium.content,
        }
    }
}

fn preview_path(id: MediaId, name: &str, expires: i64) -> String {
    format!("/v1/editorial/media/{id}/preview/{name}?expires={expires}")
}

async fn show(ctx: &Ctx, medium: Medium) -> ApiResult<MediumOut> {
    let id = medium.id;
    let (zone, public) = ctx
        .db
        .read_brief(move |conn| {
            Ok::<_, ApiError>((portal::get(conn)?.zone(), live::is_public(conn, id)?))
        })
        .await?;
    Ok(Show { ctx, zone }.medium(medium, public))
}

/// A page of media.
#[derive(Debug, Serialize, ToSchema)]
struct MediumPage {
    #[schema(max_items = 100)]
    items: Vec<MediumOut>,
    /// Cursor of the next page; null on the last.
    #[schema(max_length = 64, pattern = "^[A-Za-z0-9_-]+$")]
    next: Option<String>,
}

struct MediumQuery(Paging);

impl FromQuery for MediumQuery {
    fn read(query: &mut Query) -> Self {
        Self(Paging::read(query, "editorial media"))
    }
}

/// All media.
///
/// Newest first, published or not.
#[utoipa::path(operation_id = "list_editorial_media", tag = "media", security(("bearer" = [])), params(PageParams), responses((status = 200, body = MediumPage)))]
#[get("/v1/editorial/media")]
async fn list_editorial_media(
    request: HttpRequest,
    ctx: web::Data<Ctx>,
    _: Can<Write>,
    Params(query): Params<MediumQuery>,
) -> ApiResult {
    let inner = ctx.clone();
    let page = ctx
        .db
        .read_brief(move |conn| {
            let show = Show {
                ctx: &inner,
                zone: portal::get(conn)?.zone(),
            };
            let page = media::list(conn, query.0.cursor, query.0.limit)?;
            let next = page.next.map(|cursor| cursor.encode("editorial media"));
            let mut items = Vec::new();
            for medium in page.items {
                let public = live::is_public(conn, medium.id)?;
                items.push(show.medium(medium, public));
            }
            Ok::<_, ApiError>(MediumPage { items, next })
        })
        .await?;
    private_json(&request, &page)
}

/// One medium.
///
/// With signed addresses of its files.
#[utoipa::path(operation_id = "get_editorial_media", tag = "media", security(("bearer" = [])), params(("id" = MediaId, Path, description = "Id of the medium")), responses(
    (status = 200, body = MediumOut), (status = 404, body = Problem, content_type = "application/problem+json"),
))]
#[get("/v1/editorial/media/{id}")]
async fn get_editorial_media(
    request: HttpRequest,
    ctx: web::Data<Ctx>,
    _: Can<Write>,
    id: Segment<MediaId>,
    _: Params<NoParams>,
) -> ApiResult {
    let medium = ctx.db.read_brief(move |conn| media::get(conn, id.0)).await?;
    let medium = show(&ctx, medium).await?;
    object(&request, medium.version, &medium)
}

/// An upload.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes the body; it is read as a stream")]
struct UploadForm {
    /// JPEG, PNG, WebP or GIF; known by its content, not its name.
    #[schema(format = "binary", content_media_type = "application/octet-stream", max_length = 1073741824)]
    file: String,
    #[schema(nullable = false)]
    alt: Option<Alt>,
    #[schema(nullable = false)]
    credit: Option<Credit>,
}

/// Upload a picture.
///
/// `multipart/form-data` with one `file`, and optionally `alt` and `credit`. Metadata is stripped,
/// the orientation applied. Bytes that are here already answer 200 with the medium there is,
/// unchanged.
#[utoipa::path(operation_id = "upload_media", tag = "media", security(("bearer" = [])), request_body(content = UploadForm, content_type = "multipart/form-data"), responses(
    (status = 200, description = "The same bytes were here already", body = MediumOut), (status = 201, body = MediumOut),
))]
#[post("/v1/editorial/media")]
async fn upload_media(
    request: HttpRequest,
    ctx: web::Data<Ctx>,
    can: Can<Write>,
    payload: web::Payload,
) -> ApiResult {
    let boundary = request
        .headers()
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .is_some_and(|value| value.to_ascii_lowercase().starts_with("multipart/form-data"));
    if !boundary {
        return Err(ApiError::new(Code::UnsupportedMediaType).detail("send multipart/form-data"));
    }
    // Uploads are larger than JSON bodies, so they get ten times the time.
    let limit = Duration::from_secs(u64::from(ctx.settings.body_timeout) * 10);
    let parts = tokio::time::timeout(limit, read_parts(&ctx, &request, payload))
        .await
        .map_err(|_| ApiError::new(Code::RequestTimeout))??;
    let command = can.command(&ctx, Some(parts.digest()));
    let upload = Upload {
        path: parts.file.path().to_owned(),
        file_name: parts.file_name.clone(),
        hash: parts.hash.clone(),
        content: parts.content.clone(),
    };
    let done = service::upload(&ctx, command, upload).await.map_err(|error| match error {
        UploadError::UnsupportedType => ApiError::new(Code::UnsupportedMediaType)
            .detail("the file is not a JPEG, PNG, WebP or GIF picture"),
        UploadError::Failed(error) => error.into(),
    })?;
    let response = match done.new {
        true => created(&ctx, "media", done.medium.id.get()),
        false => HttpResponse::Ok(),
    };
    let medium = show(&ctx, done.medium).await?;
    written(response, medium.version, &medium)
}

/// The parts of an upload; the file is removed when this is dropped.
struct Parts {
    file: tempfile::NamedTempFile,
    file_name: String,
    hash: String,
    content: MediaContent,
}

impl Parts {
    fn digest(&self) -> [u8; 32] {
        let text = format!("{:?}", (&self.hash, &self.file_name, &self.content));
        Sha256::digest(text.as_bytes()).into()
    }
}

async fn read_parts(ctx: &Ctx, request: &HttpRequest, payload: web::Payload) -> ApiResult<Parts> {
    let malformed = |error: actix_multipart::MultipartError| {
        ApiError::new(Code::BadRequest).detail(error.to_string())
    };
    let mut form = Multipart::new(request.headers(), payload);
    let mut file: Option<(tempfile::NamedTempFile, String, String)> = None;
    let mut content = MediaContent { alt: None, credit: None };
    let mut faults = Faults::default();
    let mut seen = std::collections::HashSet::new();
    while let Some(mut field) = form.try_next().await.map_err(malformed)? {
        let name = field.name().unwrap_or_default().to_owned();
        if !seen.insert(name.clone()) {
            faults.push(format!("/{name}"), FaultCode::Duplicate, "is there twice");
            drain(&mut field, ctx).await?;
            continue;
        }
        let place = format!("/{name}");
        let mut keep = |refusal: Refusal| faults.push(place.clone(), refusal.code, refusal.message);
        match name.as_str() {
            "file" => {
                let file_name = field
                    .content_disposition()
                    .and_then(|disposition| disposition.get_filename())
                    .map(tidy_name)
                    .unwrap_or_default();
                let (temp, hash) = receive(&mut field, ctx).await?;
                file = Some((temp, file_name, hash));
            }
            "alt" => match Alt::parse(&text(&mut field).await?) {
                Ok(alt) => content.alt = Some(alt),
                Err(refusal) => keep(refusal),
            },
            "credit" => match Credit::parse(&text(&mut field).await?) {
                Ok(credit) => content.credit = Some(credit),
                Err(refusal) => keep(refusal),
            },
            _ => {
                keep(Refusal::new(FaultCode::UnknownField, "is not a field; the fields are: file, alt, credit"));
                drain(&mut field, ctx).await?;
            }
        }
    }
    let Some((file, file_name, hash)) = file else {
        faults.push("/file", FaultCode::Required, "is required");
        return Err(faults.into());
    };
    faults.or(())?;
    Ok(Parts {
        file,
        file_name,
        hash,
        content,
    })
}

/// Writes a field into a temporary file beside the objects, under the limit of size.
async fn receive(field: &mut Field, ctx: &Ctx) -> ApiResult<(tempfile::NamedTempFile, String)> {
    let most = usize::try_from(ctx.settings.max_upload).unwrap_or(usize::MAX);
    let mut file =
        tempfile::NamedTempFile::new_in(ctx.blobs.incoming()).map_err(ApiError::internal)?;
    let (mut digest, mut length) = (Sha256::new(), 0);
    while let Some(chunk) = field
        .try_next()
        .await
        .map_err(|error| ApiError::new(Code::BadRequest).detail(error.to_string()))?
    {
        length += chunk.len();
        if length > most {
            return Err(ApiError::new(Code::TooLarge).detail(format!("a file may have {most} bytes")));
        }
        digest.update(&chunk);
        file = tokio::task::spawn_blocking(move || file.write_all(&chunk).map(|()| file))
            .await
            .map_err(ApiError::internal)?
            .map_err(ApiError::internal)?;
    }
    Ok((file, hex::encode(digest.finalize())))
}

async fn drain(field: &mut Field, ctx: &Ctx) -> ApiResult<()> {
    receive(field, ctx).await.map(|_| ())
}

async fn text(field: &mut Field) -> ApiResult<String> {
    let mut bytes = Vec::new();
    while let Some(chunk) = field
        .try_next()
        .await
        .map_err(|error| ApiError::new(Code::BadRequest).detail(error.to_string()))?
    {
        bytes.extend_from_slice(&chunk);
        if bytes.len() > 64 * 1024 {
            return Err(ApiError::new(Code::TooLarge).detail("a text field may have 64 KiB"));
        }
    }
    String::from_utf8(bytes).map_err(|_| ApiError::new(Code::BadRequest).detail("a text field is not UTF-8"))
}

/// A file name as data: no controls, no direction marks, no separators, 255 characters.
fn tidy_name(name: &str) -> String {
    crate::domain::text::nfc(name)
        .chars()
        .filter(|c| !c.is_control() && !matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{fffe}' | '\u{ffff}'))
        .map(|c| if matches!(c, '/' | '\\') { '_' } else { c })
        .take(255)
        .collect()
}

/// Replace alt text and credit.
///
/// Reporters may describe their own uploads. Public articles keep what was frozen until they are
/// published again.
#[utoipa::path(operation_id = "replace_media", tag = "media", security(("bearer" = [])), params(("id" = MediaId, Path, description = "Id of the medium")), request_body = MediaContent, responses(
    (status = 200, body = MediumOut), (status = 404, body = Problem, content_type = "application/problem+json"),
))]
#[put("/v1/editorial/media/{id}")]
async fn replace_media(
    ctx: web::Data<Ctx>,
    can: Can<Write>,
    id: Segment<MediaId>,
    body: Body<MediaContent>,
) -> ApiResult {
    let save = Save::Replace(body.read()?);
    save_media(ctx, can, id.0, save, body.digest()).await
}

/// Change alt text or credit.
///
/// A merge patch (RFC 7396) on the content.
#[utoipa::path(operation_id = "update_media", tag = "media", security(("bearer" = [])), params(("id" = MediaId, Path, description = "Id of the medium")), request_body = MediaContent, responses(
    (status = 200, body = MediumOut), (status = 404, body = Problem, content_type = "application/problem+json"),
))]
#[patch("/v1/editorial/media/{id}")]
async fn update_media(
    ctx: web::Data<Ctx>,
    can: Can<Write>,
    id: Segment<MediaId>,
    body: Body<MediaContent>,
) -> ApiResult {
    let save = Save::Patch(body.patch()?);
    save_media(ctx, can, id.0, save, body.digest()).await
}

async fn save_media(
    ctx: web::Data<Ctx>,
    can: Can<Write>,
    id: MediaId,
    save: Save,
    digest: [u8; 32],
) -> ApiResult {
    let if_match = can.if_match;
    let medium = service::save(&ctx, can.command(&ctx, Some(digest)), id, if_match, save).await?;
    let medium = show(&ctx, medium).await?;
    written(HttpResponse::Ok(), medium.version, &medium)
}

/// Delete a medium.
///
/// Only one that no article holds, in its working copy or publicly.
#[utoipa::path(operation_id = "delete_media", tag = "media", security(("bearer" = [])), params(("id" = MediaId, Path, description = "Id of the medium")), responses(
    (status = 204), (status = 404, body = Problem, content_type = "application/problem+json"),
    (status = 409, body = Problem, content_type = "application/problem+json"),
))]
#[delete("/v1/editorial/media/{id}")]
async fn delete_media(ctx: web::Data<Ctx>, can: Can<Edit>, id: Segment<MediaId>) -> ApiResult {
    let if_match = can.if_match;
    service::delete(&ctx, can.command(&ctx, None), id.0, if_match).await?;
    Ok(deleted())
}

#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "describes the parameters; PreviewQuery is what handlers read")]
struct PreviewParams {
    /// Unix seconds.
    #[param(minimum = 1, maximum = 9007199254740991i64)]
    expires: i64,
    #[param(max_length = 64, min_length = 64, pattern = "^[0-9a-f]{64}$")]
    signature: String,
}

struct PreviewQuery {
    expires: i64,
    signature: String,
}

impl FromQuery for PreviewQuery {
    fn read(query: &mut Query) -> Self {
        let bad = || Refusal::new(FaultCode::BadFormat, "must be a number");
        let expires = query.take("expires", |text| text.parse().map_err(|_| bad()));
        let signature = query.take("signature", |text| Ok(text.to_owned()));
        Self {
            // What is missing can match no signature.
            expires: expires.unwrap_or(0),
            signature: signature.unwrap_or_default(),
        }
    }
}

/// A file that is not public yet.
///
/// By a signed address from the medium's representation; no token needed.
#[utoipa::path(operation_id = "get_media_preview", tag = "media", security(()), params(
        ("id" = MediaId, Path, description = "Id of the medium"),
        ("rendition" = String, Path, description = "Name of the rendition", max_length = 20, pattern = "^(full|w[0-9]+)$"),
        PreviewParams,
    ), responses(
    (status = 200, content((Vec<u8> = "image/jpeg"), (Vec<u8> = "image/png"))),
    (status = 403, body = Problem, content_type = "application/problem+json"),
    (status = 404, body = Problem, content_type = "application/problem+json"),
))]
#[get("/v1/editorial/media/{id}/preview/{rendition}")]
async fn get_media_preview(
    ctx: web::Data<Ctx>,
    id: Segment<MediaId, 0>,
    rendition: Segment<String, 1>,
    Params(query): Params<PreviewQuery>,
) -> ApiResult {
    let path = preview_path(id.0, &rendition.0, query.expires);
    if query.expires < ctx.now().seconds() || !ctx.keys.is_seal(&path, &query.signature) {
        return Err(ApiError::new(Code::Forbidden).detail("the address has expired or was changed"));
    }
    let medium = ctx.db.read_brief(move |conn| media::get(conn, id.0)).await?;
    let Some(found) = medium.renditions.into_iter().find(|made| made.name == rendition.0) else {
        return Err(ApiError::new(Code::NotFound));
    };
    let blobs = ctx.blobs.clone();
    // Renditions are bounded by the limits of uploads, so one is read whole.
    let bytes = tokio::task::spawn_blocking(move || {
        let mut bytes = Vec::new();
        std::io::Read::read_to_end(&mut blobs.open_object(&found.key)?, &mut bytes)?;
        Ok::<_, std::io::Error>((found.mime, bytes))
    })
    .await
    .map_err(ApiError::internal)?
    .map_err(ApiError::internal)?;
    Ok(HttpResponse::Ok()
        .insert_header((header::CACHE_CONTROL, NO_STORE))
        .insert_header((
            header::HeaderName::from_static("cross-origin-resource-policy"),
            "cross-origin",
        ))
        .content_type(bytes.0)
        .body(bytes.1))
}
