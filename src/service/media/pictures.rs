//! Pictures made ready: decoded, cleaned and scaled, in turns.

use std::path::PathBuf;
use std::time::Duration;

use sha2::{Digest as _, Sha256};

use super::making::{Made, new_key, refused};
use super::{UploadError, internal, remove, unstored};
use crate::ctx::Ctx;
use crate::domain::media::{Kind, Rendition};
use crate::infra::blob::Blobs;
use crate::infra::image::{self, ImageError, Limits, Processed};
use crate::service::{Error, turn};

/// How long an upload waits for its turn to be decoded before it is told to come back.
const PATIENCE: Duration = Duration::from_secs(30);

/// Decodes, cleans and scales a picture, and stores all its objects. A bounded number at once.
pub(super) async fn make_picture(ctx: &Ctx, path: PathBuf) -> Result<Made, UploadError> {
    let turn = turn(
        &ctx.decoding,
        PATIENCE,
        "too many pictures are being decoded",
    )
    .await?;
    let blobs = ctx.blobs.clone();
    let limits = Limits {
        max_pixels: u64::from(ctx.settings.max_pixels),
    };
    tokio::task::spawn_blocking(move || {
        let _turn = turn;
        let original = std::fs::read(&path).map_err(internal)?;
        // A decoder that panics has met a damaged file, not a fault of ours to answer 500 for.
        let picture = std::panic::catch_unwind(|| image::process(&original, &limits))
            .unwrap_or(Err(ImageError::Corrupt))
            .map_err(refused)?;
        let mut stored = Vec::new();
        let made = put_objects(&blobs, &original, &picture, &mut stored);
        if made.is_err() {
            for key in &stored {
                remove(&blobs, key);
            }
        }
        Ok(made?)
    })
    .await
    .map_err(internal)?
}

/// Stores the original and its renditions; `stored` holds the keys written, also after a failure.
fn put_objects(
    blobs: &Blobs,
    original: &[u8],
    picture: &Processed,
    stored: &mut Vec<String>,
) -> Result<Made, Error> {
    let size = |value: u32| i32::try_from(value).map_err(internal);
    let length = |bytes: &[u8]| i64::try_from(bytes.len()).map_err(internal);
    let mut put = |bytes: &[u8]| {
        let key = new_key();
        blobs.put(&key, bytes).map_err(unstored)?;
        stored.push(key.clone());
        Ok::<_, Error>(key)
    };
    let mut renditions = Vec::new();
    for made in &picture.renditions {
        renditions.push(Rendition {
            name: made.name.clone(),
            hash: hex::encode(Sha256::digest(&made.bytes)),
            key: put(&made.bytes)?,
            mime: made.mime.to_owned(),
            bytes: length(&made.bytes)?,
            width: Some(size(made.width)?),
            height: Some(size(made.height)?),
        });
    }
    Ok(Made {
        kind: Kind::Image,
        mime: picture.mime,
        bytes: length(original)?,
        width: Some(size(picture.width)?),
        height: Some(size(picture.height)?),
        look: Some(picture.look.clone()),
        original: put(original)?,
        renditions,
    })
}
