//! Media as editors have them: upload, description; `preview` shows their files.

pub(super) mod preview;
mod replacing;
mod tracks;
mod uploads;
mod uses;

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, delete, get, patch, post, put, web};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;

use super::{created, deleted};
use crate::ctx::Ctx;
use crate::domain::caption::{Alt, Credit};
use crate::domain::id::{MediaId, UserId, Version};
use crate::domain::input::{FaultCode, Refusal};
use crate::domain::media::{AiLabel, Failure, Kind, MediaContent, Medium, Status, Withdrawal};
use crate::domain::time::{Instant, Zone};
use crate::http::caching::{object, private_list, written};
use crate::http::error::{ApiError, ApiResult, Code, Problem};
use crate::http::extract::{
    Body, Can, Edit, FromQuery, NoParams, PageParams, Paging, Params, Query, Segment, Write, flag,
};
use crate::http::{next_link, upload};
use crate::service::Save;
use crate::service::media::{self as service, Upload, UploadError};
use crate::store::editorial::media;
use crate::store::public::{media as live, portal};
use crate::store::{self, Conn};

pub fn routes(cfg: &mut ServiceConfig) {
    cfg.service(list_editorial_media)
        .service(upload_media)
        .service(get_editorial_media)
        .service(replace_media)
        .service(update_media)
        .service(delete_media)
        .service(replacing::replace_media_file)
        .service(tracks::put_media_track)
        .service(tracks::delete_media_track)
        .service(uses::list_media_uses)
        .service(uses::withdraw_media)
        .service(preview::get_media_preview);
    uploads::routes(cfg);
}

/// A file of a medium, with an address for `<img>`, which sends no token.
#[derive(Debug, Serialize, ToSchema)]
struct PreviewRendition {
    /// `full`; `w` and the width in pixels; `card`, or a shape and the width as `16x9-w640`, for crops;
    /// with `-webp` in WebP. New names may come.
    #[schema(max_length = 24, pattern = "^[a-z0-9-]{1,24}$")]
    name: String,
    /// Null for documents and sounds.
    #[schema(minimum = 1, maximum = 100000)]
    width: Option<i32>,
    #[schema(minimum = 1, maximum = 100000)]
    height: Option<i32>,
    #[serde(rename = "type")]
    #[schema(max_length = 100, pattern = "^[a-z]+/[a-z0-9.+-]+$")]
    mime: String,
    #[schema(minimum = 1, maximum = 9007199254740991i64)]
    bytes: i64,
    /// Signed, good for 14 to 15 minutes. Read the medium again, without `If-None-Match`, for
    /// another one.
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
    /// Of a film or a sound, in milliseconds; null where the file does not tell.
    #[schema(minimum = 1, maximum = 9007199254740991i64)]
    duration_ms: Option<i64>,
    /// Of a document; null where it does not tell.
    #[schema(minimum = 1, maximum = 1000000)]
    pages: Option<i32>,
    /// A blurred picture to show until the file has come: ThumbHash in Base64. Null for media made
    /// before there was one, and for withdrawn ones.
    #[schema(max_length = 40, pattern = "^[A-Za-z0-9+/]+=*$")]
    thumbhash: Option<String>,
    /// What there is most of.
    #[schema(max_length = 7, pattern = "^#[0-9a-f]{6}$")]
    colour: Option<String>,
    created_by: UserId,
    created_at: Instant,
    /// Whether a public article holds it.
    public: bool,
    content: MediaContent,
    #[schema(inline)]
    status: Status,
    #[schema(inline)]
    failure: Option<Failure>,
    /// Empty where it was withdrawn, and until it is ready.
    #[schema(max_items = 50)]
    renditions: Vec<PreviewRendition>,
    /// Subtitles and the like; empty where it was withdrawn.
    #[schema(max_items = 20)]
    tracks: Vec<tracks::PreviewTrack>,
    /// Null for all that can be seen.
    withdrawn: Option<Withdrawal>,
}

/// What a presenter of media needs to know.
struct Show<'a> {
    ctx: &'a Ctx,
    zone: Zone,
}

impl Show<'_> {
    fn medium(&self, medium: Medium, public: bool) -> MediumOut {
        MediumOut {
            tracks: tracks::shown(self.ctx, &medium),
            renditions: medium
                .renditions
                .iter()
                .filter(|_| medium.withdrawn.is_none())
                .map(|rendition| PreviewRendition {
                    name: rendition.name.clone(),
                    width: rendition.width,
                    height: rendition.height,
                    mime: rendition.mime.clone(),
                    bytes: rendition.bytes,
                    preview_url: preview::address(self.ctx, medium.id, &rendition.name),
                })
                .collect(),
            id: medium.id,
            version: medium.version,
            kind: medium.kind,
            file_name: medium.file_name.as_str().to_owned(),
            mime: medium.mime,
            bytes: medium.bytes,
            width: medium.width,
            height: medium.height,
            duration_ms: medium.duration_ms,
            pages: medium.pages,
            thumbhash: medium.thumbhash.filter(|_| medium.withdrawn.is_none()),
            colour: medium.colour.filter(|_| medium.withdrawn.is_none()),
            created_by: medium.created_by,
            created_at: self.zone.show(medium.created_at),
            public,
            content: medium.content,
            status: medium.status,
            failure: medium.failure,
            withdrawn: medium.withdrawn.map(|w| w.shown_in(&self.zone)),
        }
    }
}

/// The answer to a write.
async fn show(ctx: &Ctx, medium: Medium) -> ApiResult<MediumOut> {
    let inner = ctx.clone();
    Ok(ctx
        .db
        .read_brief(move |conn| present(&inner, conn, medium))
        .await?)
}

fn present(ctx: &Ctx, conn: &mut Conn, medium: Medium) -> store::Result<MediumOut> {
    let zone = portal::get(conn)?.zone();
    let public = live::is_public(conn, medium.id)?;
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
            let ids: Vec<MediaId> = page.items.iter().map(|medium| medium.id).collect();
            let public = live::public_among(conn, &ids)?;
            let items = page
                .items
                .into_iter()
                .map(|medium| {
                    let public = public.contains(&medium.id);
                    show.medium(medium, public)
                })
                .collect();
            Ok::<_, store::Error>(MediumPage { items, next })
        })
        .await?;
    let links = next_link(&request, &ctx.settings.base_url(), page.next.as_deref());
    private_list(&request, &page, &links)
}

/// One medium.
///
/// With signed addresses of its files.
#[utoipa::path(operation_id = "get_editorial_media", tag = "media", security(("bearer" = [])), params(("id" = MediaId, Path, description = "Id of the medium")), responses(
    (status = 200, body = MediumOut), (status = 404, body = Problem, content_type = "application/problem+json"),
))]
#[get("/v1/editorial/media/{id}")]
async fn get_editorial_media(
    ctx: web::Data<Ctx>,
    _: Can<Write>,
    id: Segment<MediaId>,
    _: Params<NoParams>,
) -> ApiResult {
    let inner = ctx.clone();
    let medium = ctx
        .db
        .read_brief(move |conn| {
            let medium = media::get(conn, id.0)?;
            present(&inner, conn, medium)
        })
        .await?;
    object(medium.version, &medium)
}

fn label(text: &str) -> Result<AiLabel, Refusal> {
    let unknown = || {
        Refusal::new(
            FaultCode::UnknownValue,
            "must be none, assisted or generated",
        )
    };
    AiLabel::parse(text).ok_or_else(unknown)
}

/// An upload.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "describes the body; it is read as a stream")]
struct UploadForm {
    /// A picture (JPEG, PNG, WebP, GIF, AVIF; SVG where it is turned on), a document (PDF; DOCX, XLSX, PPTX; ODT, ODS, ODP; DOC, XLS,
    /// PPT), a film (MP4, WebM) or a sound (MP3, M4A, Ogg, WebM); known by its content, not its name.
    #[schema(
        format = "binary",
        content_media_type = "application/octet-stream",
        max_length = 68719476736
    )]
    file: String,
    #[schema(nullable = false)]
    alt: Option<Alt>,
    #[schema(nullable = false)]
    credit: Option<Credit>,
    /// `true`: it says nothing that the text around it does not.
    #[schema(nullable = false)]
    decorative: Option<bool>,
    #[schema(nullable = false)]
    ai_label: Option<AiLabel>,
}

/// Upload a file.
///
/// `multipart/form-data` with one `file`, and optionally `alt`, `credit`, `decorative` and `ai_label`. Pictures lose their
/// metadata and get their orientation applied; documents stay as they are, and readers get them as a
/// download; films and sounds lose what is neither picture nor sound. A part that is called `image/jpeg` and holds a document is 422. A large picture is answered 202 with `status` `processing`, and made ready afterwards:
/// read it again until it is `ready`. Bytes that are here already answer 200 with the medium there is,
/// unchanged.
#[utoipa::path(operation_id = "upload_media", tag = "media", security(("bearer" = [])), request_body(content = UploadForm, content_type = "multipart/form-data"), responses(
    (status = 200, description = "The same bytes were here already", body = MediumOut), (status = 201, body = MediumOut),
    (status = 202, description = "It is here, its files are not ready yet", body = MediumOut),
))]
#[post("/v1/editorial/media")]
async fn upload_media(
    request: HttpRequest,
    ctx: web::Data<Ctx>,
    can: Can<Write>,
    payload: web::Payload,
    _: Params<NoParams>,
) -> ApiResult {
    let mut form = upload::receive(
        &ctx,
        &request,
        payload,
        &["alt", "credit", "decorative", "ai_label"],
    )
    .await?;
    let content = MediaContent {
        alt: form.text("alt", Alt::parse),
        credit: form.text("credit", Credit::parse),
        decorative: form.text("decorative", flag).unwrap_or(false),
        ai_label: form.text("ai_label", label).unwrap_or_default(),
        focal_point: None,
    };
    let Some(arrived) = form.file else {
        return Err(form.faults.into());
    };
    form.faults.or(())?;
    let parts = format!("{:?}", (&arrived.hash, &arrived.name, &content));
    let command = can.command(&ctx, Some(Sha256::digest(parts.as_bytes()).into()));
    let upload = Upload {
        // The file stays until the end of this function.
        path: arrived.file.path().to_owned(),
        file_name: arrived.name,
        hash: arrived.hash,
        claim: arrived.claim,
        content,
        arrival: None,
    };
    let done = service::upload(&ctx, command, upload)
        .await
        .map_err(refused)?;
    let mut response = match done.new {
        true => created(&ctx, "media", done.medium.id.get()),
        false => HttpResponse::Ok(),
    };
    if done.new && done.medium.status == Status::Processing {
        response.status(StatusCode::ACCEPTED);
    }
    let medium = show(&ctx, done.medium).await?;
    written(response, medium.version, &medium)
}

fn refused(error: UploadError) -> ApiError {
    match error {
        UploadError::UnsupportedType => ApiError::new(Code::UnsupportedMediaType)
            .detail("the file is no JPEG, PNG, WebP, GIF or AVIF picture, no PDF, no office document, and no film or sound in MP4, WebM, MP3 or Ogg"),
        UploadError::Drawing => ApiError::new(Code::UnsupportedMediaType)
            .detail("the file is an SVG, which this portal does not take (BANTIN_SVG)"),
        UploadError::Recording(what) => {
            ApiError::new(Code::UnsupportedMediaType).detail(format!("the file is not served: {what}"))
        }
        UploadError::Macros => ApiError::new(Code::UnsupportedMediaType)
            .detail("the office document brings programs (macros) along; save it without them"),
        UploadError::TooLarge(kind, most) => ApiError::new(Code::TooLarge).detail(format!(
            "a file of the kind {} may have {most} bytes",
            kind.as_str()
        )),
        UploadError::Failed(error) => error.into(),
    }
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
    _: Params<NoParams>,
) -> ApiResult {
    let save = Save::replace(body.read()?);
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
    _: Params<NoParams>,
) -> ApiResult {
    let save = Save::Patch(body.patch()?);
    save_media(ctx, can, id.0, save, body.digest()).await
}

async fn save_media(
    ctx: web::Data<Ctx>,
    can: Can<Write>,
    id: MediaId,
    save: Save<MediaContent>,
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
async fn delete_media(
    ctx: web::Data<Ctx>,
    can: Can<Edit>,
    id: Segment<MediaId>,
    _: Params<NoParams>,
) -> ApiResult {
    let if_match = can.if_match;
    service::delete(&ctx, can.command(&ctx, None), id.0, if_match).await?;
    Ok(deleted())
}
