//! Films and sounds: what is neither picture nor sound in them is made empty, and the rest stays as it is.

use std::fs::OpenOptions;

use super::making::{Made, check_claim, check_size, new_key, refused};
use super::{Upload, UploadError, internal, unstored};
use crate::ctx::Ctx;
use crate::domain::media::{Kind, Rendition, Status};
use crate::infra::av::{self, Found};
use crate::infra::image::ImageError;

/// Cleans a film or a sound where it lies and stores its one file. None where the file is neither.
pub(super) async fn make_recording(
    ctx: &Ctx,
    upload: &Upload,
    bytes: u64,
) -> Result<Option<Made>, UploadError> {
    let (ctx, path, claim) = (ctx.clone(), upload.path.clone(), upload.claim.clone());
    tokio::task::spawn_blocking(move || {
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .open(&path)
            .map_err(internal)?;
        let found = match av::look(&mut file).map_err(internal)? {
            Found::Known(found) => found,
            Found::Damaged => return Err(refused(ImageError::Corrupt)),
            Found::Unsupported(what) => return Err(UploadError::Recording(what)),
            Found::Other => return Ok(None),
        };
        let kind = match found.mime.starts_with("video/") {
            true => Kind::Video,
            false => Kind::Audio,
        };
        check_size(&ctx, kind, bytes)?;
        check_claim(claim.as_ref(), kind)?;
        // The file as it was is gone: what leaves here must not lie about either.
        let hash = found.cleaning.clean(&mut file).map_err(internal)?;
        let key = new_key();
        let bytes = ctx
            .blobs
            .put_file(&key, found.mime, &path)
            .map_err(unstored)?;
        let bytes = i64::try_from(bytes).map_err(internal)?;
        let side = |side: Option<u32>| side.and_then(|side| i32::try_from(side).ok());
        let (width, height) = (side(found.width), side(found.height));
        Ok(Some(Made {
            kind,
            mime: found.mime,
            status: Status::Ready,
            bytes,
            width,
            height,
            duration_ms: found.duration_ms,
            pages: None,
            look: None,
            original: key.clone(),
            renditions: vec![Rendition {
                name: "full".to_owned(),
                hash,
                key,
                mime: found.mime.to_owned(),
                bytes,
                width,
                height,
            }],
        }))
    })
    .await
    .map_err(internal)?
}
