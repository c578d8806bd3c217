//! Tracks of films and sounds: subtitles and the like, in WebVTT.

use std::time::Duration;

use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, delete, put, web};
use futures_util::TryStreamExt as _;
use serde::Serialize;
use sha2::{Digest as _, Sha256};
use utoipa::{IntoParams, ToSchema};

use super::{MediumOut, preview, show};
use crate::ctx::Ctx;
use crate::domain::content::Language;
use crate::domain::id::MediaId;
use crate::domain::input::{FaultCode, Refusal};
use crate::domain::media::{Medium, TrackKind, TrackLabel};
use crate::domain::webvtt;
use crate::http::caching::written;
use crate::http::error::{ApiError, ApiResult, Code, Problem};
use crate::http::extract::{Can, FromQuery, NoParams, Params, Query, Segment, Write};
use crate::http::upload::{limited, unreceived};
use crate::service::media::tracks::{self as service, NewTrack};

/// A track, with an address for `<track>`, which sends no token.
#[derive(Debug, Serialize, ToSchema)]
pub struct PreviewTrack {
    language: Language,
    #[schema(inline)]
    kind: TrackKind,
    label: Option<TrackLabel>,
    #[schema(minimum = 1, maximum = 9007199254740991i64)]
    bytes: i64,
    /// Signed, good for 14 to 15 minutes.
    #[schema(max_length = 2300, format = "uri")]
    preview_url: String,
}

/// The tracks that editors see of a medium.
pub fn shown(ctx: &Ctx, medium: &Medium) -> Vec<PreviewTrack> {
    let tracks = medium.tracks.iter();
    tracks
        .filter(|_| medium.withdrawn.is_none())
        .map(|track| PreviewTrack {
            language: track.language.clone(),
            kind: track.kind,
            label: track.label.clone(),
            bytes: track.bytes,
            preview_url: preview::address(ctx, medium.id, &track.name()),
        })
        .collect()
}

#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(
    dead_code,
    reason = "describes the parameters; TrackQuery is what handlers read"
)]
struct TrackParams {
    /// What the track is; `subtitles` where it is absent.
    #[param(inline)]
    kind: Option<TrackKind>,
    /// What players call it.
    label: Option<TrackLabel>,
}

struct TrackQuery {
    kind: TrackKind,
    label: Option<TrackLabel>,
}

impl FromQuery for TrackQuery {
    fn read(query: &mut Query) -> Self {
        let kind = query.take("kind", |text| {
            let message = "must be subtitles, captions, descriptions or chapters";
            TrackKind::parse(text).ok_or_else(|| Refusal::new(FaultCode::UnknownValue, message))
        });
        Self {
            kind: kind.unwrap_or(TrackKind::Subtitles),
            label: query.take("label", TrackLabel::parse),
        }
    }
}

/// Put subtitles beside a film or a sound.
///
/// The body is a file in WebVTT, of at most 1 MiB, 20,000 cues and 1,000 characters in a line. Each
/// fault of it is told with its line: `/line/12` is the pointer. A medium has one track in a language,
/// which this replaces, and 20 at most. Public articles keep the tracks they have until they are
/// published again.
#[utoipa::path(operation_id = "put_media_track", tag = "media", security(("bearer" = [])), params(
        ("id" = MediaId, Path, description = "Id of the medium"),
        ("language" = Language, Path, description = "Language of the track"),
        TrackParams,
    ), request_body(content = Vec<u8>, content_type = "text/vtt"), responses(
    (status = 200, body = MediumOut), (status = 404, body = Problem, content_type = "application/problem+json"),
    (status = 409, body = Problem, content_type = "application/problem+json"),
))]
#[put("/v1/editorial/media/{id}/tracks/{language}")]
pub async fn put_media_track(
    request: HttpRequest,
    ctx: web::Data<Ctx>,
    can: Can<Write>,
    id: Segment<MediaId, 0>,
    language: Segment<String, 1>,
    payload: web::Payload,
    Params(query): Params<TrackQuery>,
) -> ApiResult {
    let language = tag(&language.0)?;
    let bytes = receive(&ctx, &request, payload).await?;
    let mut hasher = Sha256::new();
    hasher.update(format!("{:?}", (language.as_str(), query.kind, &query.label)).as_bytes());
    hasher.update(&bytes);
    let if_match = can.if_match;
    let command = can.command(&ctx, Some(hasher.finalize().into()));
    let new = NewTrack {
        language,
        kind: query.kind,
        label: query.label,
        bytes,
    };
    let medium = service::put(&ctx, command, id.0, if_match, new).await?;
    let medium = show(&ctx, medium).await?;
    written(HttpResponse::Ok(), medium.version, &medium)
}

/// Take a track away.
///
/// Public articles keep theirs until they are published again.
#[utoipa::path(operation_id = "delete_media_track", tag = "media", security(("bearer" = [])), params(
        ("id" = MediaId, Path, description = "Id of the medium"),
        ("language" = Language, Path, description = "Language of the track"),
    ), responses(
    (status = 200, body = MediumOut), (status = 404, body = Problem, content_type = "application/problem+json"),
    (status = 409, body = Problem, content_type = "application/problem+json"),
))]
#[delete("/v1/editorial/media/{id}/tracks/{language}")]
pub async fn delete_media_track(
    ctx: web::Data<Ctx>,
    can: Can<Write>,
    id: Segment<MediaId, 0>,
    language: Segment<String, 1>,
    _: Params<NoParams>,
) -> ApiResult {
    let (language, if_match) = (tag(&language.0)?, can.if_match);
    let command = can.command(&ctx, None);
    let medium = service::delete(&ctx, command, id.0, if_match, language).await?;
    let medium = show(&ctx, medium).await?;
    written(HttpResponse::Ok(), medium.version, &medium)
}

fn tag(text: &str) -> ApiResult<Language> {
    Language::parse(text).map_err(|refusal| {
        ApiError::new(Code::NotFound).detail(format!("the language {}", refusal.message))
    })
}

/// The body, which must call itself WebVTT in UTF-8.
async fn receive(ctx: &Ctx, request: &HttpRequest, payload: web::Payload) -> ApiResult<Vec<u8>> {
    let kind = request.headers().get(header::CONTENT_TYPE);
    let kind = kind.and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let kind = kind.to_ascii_lowercase().replace([' ', '"'], "");
    let plain = !request.headers().contains_key(header::CONTENT_ENCODING);
    if !plain || !["text/vtt", "text/vtt;charset=utf-8"].contains(&kind.as_str()) {
        return Err(ApiError::new(Code::UnsupportedMediaType)
            .detail("send text/vtt in UTF-8, not compressed")
            .header(header::ACCEPT, "text/vtt"));
    }
    let idle = Duration::from_secs(u64::from(ctx.settings.body_timeout));
    let most = u64::try_from(webvtt::MAX).map_err(ApiError::internal)?;
    let bytes = limited(payload, most, idle)
        .try_fold(Vec::new(), |mut bytes, chunk| async move {
            bytes.extend_from_slice(&chunk);
            Ok(bytes)
        })
        .await;
    bytes.map_err(|error| {
        unreceived(error, || {
            ApiError::new(Code::TooLarge).detail(format!("a track may have {most} bytes"))
        })
    })
}
