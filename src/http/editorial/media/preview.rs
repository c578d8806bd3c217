//! Files of media that are not public, by signed addresses: `<img>` sends no token. The key of the
//! signatures lies beside the signing keys, so an address made by one node opens on all.

use actix_web::{HttpRequest, get, web};
use utoipa::IntoParams;

use crate::ctx::Ctx;
use crate::domain::id::MediaId;
use crate::domain::input::{FaultCode, Refusal};
use crate::domain::media::Track;
use crate::domain::time::Instant;
use crate::http::error::{ApiError, ApiResult, Code, Problem};
use crate::http::extract::{FromQuery, Params, Query, Segment};
use crate::http::files::{self, Audience, File};
use crate::store::editorial::media;

/// Most seconds that a preview address is good for.
const PREVIEW_SECONDS: i64 = 15 * 60;
/// Addresses made within this many seconds are the same, so that an answer's ETag has a meaning.
const PREVIEW_STEP: i64 = 60;

/// When addresses made now expire, in unix seconds.
fn expiry(now: Instant) -> i64 {
    now.seconds().div_euclid(PREVIEW_STEP) * PREVIEW_STEP + PREVIEW_SECONDS
}

/// An address of a file that opens it for the next minutes, and nothing else.
pub fn address(ctx: &Ctx, id: MediaId, rendition: &str) -> String {
    let signed = path(id, rendition, expiry(ctx.now()));
    let seal = ctx.keys.seal(&signed);
    format!("{}{signed}&signature={seal}", ctx.settings.base_url())
}

/// The same below the public URL, for a link that is good until then: no longer than the link.
pub fn path_until(ctx: &Ctx, id: MediaId, rendition: &str, until: Instant) -> String {
    let signed = path(id, rendition, expiry(ctx.now()).min(until.seconds()));
    let seal = ctx.keys.seal(&signed);
    format!("{signed}&signature={seal}")
}

fn path(id: MediaId, name: &str, expires: i64) -> String {
    format!("/v1/editorial/media/{id}/preview/{name}?expires={expires}")
}

#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(
    dead_code,
    reason = "describes the parameters; PreviewQuery is what handlers read"
)]
struct PreviewParams {
    /// Unix seconds.
    #[param(minimum = 1, maximum = 9007199254740991i64)]
    expires: i64,
    /// Seal over the address, hexadecimal.
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
        ("rendition" = String, Path, description = "Name of the rendition", max_length = 24, pattern = "^[a-z0-9-]{1,24}$"),
        PreviewParams,
    ), responses(
    (status = 200, content((Vec<u8> = "image/jpeg"), (Vec<u8> = "image/png"), (Vec<u8> = "image/webp"), (Vec<u8> = "image/svg+xml"), (Vec<u8> = "video/*"), (Vec<u8> = "audio/*"), (Vec<u8> = "application/*"), (Vec<u8> = "text/vtt"))),
    (status = 206, description = "The ranges that were asked for", content((Vec<u8> = "image/jpeg"), (Vec<u8> = "image/png"), (Vec<u8> = "image/webp"), (Vec<u8> = "image/svg+xml"), (Vec<u8> = "video/*"), (Vec<u8> = "audio/*"), (Vec<u8> = "application/*"), (Vec<u8> = "text/vtt"), (Vec<u8> = "multipart/byteranges"))),
    (status = 403, body = Problem, content_type = "application/problem+json"),
    (status = 404, body = Problem, content_type = "application/problem+json"),
    (status = 410, body = Problem, content_type = "application/problem+json"),
    (status = 416, body = Problem, content_type = "application/problem+json"),
))]
#[get("/v1/editorial/media/{id}/preview/{rendition}")]
pub async fn get_media_preview(
    request: HttpRequest,
    ctx: web::Data<Ctx>,
    id: Segment<MediaId, 0>,
    rendition: Segment<String, 1>,
    Params(query): Params<PreviewQuery>,
) -> ApiResult {
    let signed = path(id.0, &rendition.0, query.expires);
    if query.expires < ctx.now().seconds() || !ctx.keys.is_seal(&signed, &query.signature) {
        return Err(ApiError::new(Code::Forbidden).detail("the address has expired or was changed"));
    }
    let medium = ctx
        .db
        .read_brief(move |conn| media::get(conn, id.0))
        .await?;
    if let Some(withdrawal) = &medium.withdrawn {
        return Err(files::withdrawn(withdrawal));
    }
    let tracks = medium.tracks.iter().map(Track::file);
    let mut files = medium.renditions.into_iter().chain(tracks);
    let Some(found) = files.find(|made| made.name == rendition.0) else {
        return Err(ApiError::new(Code::NotFound));
    };
    let file = File {
        key: found.key,
        mime: found.mime,
        bytes: found.bytes,
        hash: found.hash,
        since: medium.created_at,
    };
    files::send(&request, &ctx, file, Audience::Editors).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_good_for_14_to_15_minutes() {
        for second in 0..120 {
            let now = Instant::from_micros(1_800_000_000_000_000).plus_seconds(second);
            let left = expiry(now) - now.seconds();
            assert!((14 * 60..=15 * 60).contains(&left), "{left}");
        }
    }
}
