//! Pictures made ready: decoded, cleaned and scaled, in turns.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use sha2::{Digest as _, Sha256};

use super::making::{Made, check_claim, new_key, refused};
use super::{Upload, UploadError, internal, remove, unstored};
use crate::config::Svg;
use crate::ctx::Ctx;
use crate::domain::media::{Kind, MediaContent, Medium, Rendition, Status, Work};
use crate::infra::blob::Blobs;
use crate::infra::image::{self, Focus, Header, ImageError, Limits, Look, Processed};
use crate::service::{Error, turn};

/// How long an upload waits for its turn to be decoded before that is left for later.
const PATIENCE: Duration = Duration::from_secs(2);

/// What a picture may cost here.
pub(super) fn limits(ctx: &Ctx) -> Limits {
    Limits {
        max_pixels: u64::from(ctx.settings.pictures.max_pixels),
        program: ctx.program.clone(),
    }
}

fn focus(content: &MediaContent) -> Focus {
    let point = content.focal_point;
    point.map_or(Focus::default(), |point| Focus {
        x: point.x,
        y: point.y,
    })
}

/// A decoder that panics has met a damaged file, not a fault of ours to answer 500 for.
fn caught<T>(work: impl FnOnce() -> Result<T, ImageError>) -> Result<T, ImageError> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or(Err(ImageError::Corrupt))
}

/// Looks at a picture, and decodes, cleans and scales it if it is not too large and has a turn soon.
/// Stores all its objects. A drawing is small, and cleaned without a turn to decode.
pub(super) async fn make_picture(ctx: &Ctx, upload: &Upload) -> Result<Made, UploadError> {
    let decoding = turn(&ctx.decoding, PATIENCE, "").await.ok();
    // What only waits for later is read whole, too, for a moment.
    let looking = Arc::clone(&ctx.looking).acquire_owned().await;
    let looking = looking.map_err(internal)?;
    let (blobs, claim) = (ctx.blobs.clone(), upload.claim.clone());
    let (path, focus) = (upload.path.clone(), focus(&upload.content));
    let limits = limits(ctx);
    let at_once = u64::from(ctx.settings.inline_pixels);
    let drawings = ctx.settings.svg == Svg::On;
    tokio::task::spawn_blocking(move || {
        let original = std::fs::read(&path).map_err(internal)?;
        let make = || caught(|| image::process(&original, &limits, focus)).map_err(refused);
        let picture = match image::is_svg(&original) {
            true if !drawings => return Err(UploadError::Drawing),
            true => {
                let drawing = make()?;
                check_claim(claim.as_ref(), Kind::Image)?;
                drawing
            }
            false => {
                let header = caught(|| image::header(&original, &limits)).map_err(refused)?;
                check_claim(claim.as_ref(), Kind::Image)?;
                let Some(_turn) = decoding.filter(|_| header.pixels() <= at_once) else {
                    drop(original);
                    return Ok(put_for_later(&blobs, &path, header)?);
                };
                drop(looking);
                make()?
            }
        };
        Ok(storing(&blobs, |stored| {
            put_objects(&blobs, &original, &picture, stored)
        })?)
    })
    .await
    .map_err(internal)?
}

/// The files of a picture in storage, and what is known of it now.
#[derive(Debug)]
pub(super) enum Ready {
    All {
        width: i32,
        height: i32,
        look: Option<Look>,
        renditions: Vec<Rendition>,
    },
    Crops(Vec<Rendition>),
}

impl Ready {
    /// Keys of the new files.
    pub(super) fn keys(&self) -> Vec<String> {
        let (Self::All { renditions, .. } | Self::Crops(renditions)) = self;
        renditions.iter().map(|made| made.key.clone()).collect()
    }

    /// Gives the medium its new files. Old ones stay in storage: public articles may show them.
    pub(super) fn put_into(self, medium: &mut Medium) {
        match self {
            Self::All {
                width,
                height,
                look,
                renditions,
            } => {
                medium.status = Status::Ready;
                medium.width = Some(width);
                medium.height = Some(height);
                medium.thumbhash = look.as_ref().map(|look| look.thumbhash.clone());
                medium.colour = look.and_then(|look| look.colour);
                medium.renditions = renditions;
            }
            Self::Crops(crops) => {
                medium.renditions.retain(|made| !made.is_crop());
                medium.renditions.extend(crops);
            }
        }
    }
}

/// Why a picture was not made ready.
#[derive(Debug)]
pub(super) enum Unready {
    Refused(ImageError),
    /// Not the picture's fault.
    Failed(Error),
}

/// Makes a picture ready whose original is in storage. Where only crops are wanted, the other files stay.
pub(super) fn make_ready(
    blobs: &Blobs,
    medium: &Medium,
    what: Work,
    limits: &Limits,
) -> Result<Ready, Unready> {
    let away = |error| Unready::Failed(unstored(error));
    let original = blobs.fetch(&medium.original).map_err(away)?;
    let original = std::fs::read(original.path()).map_err(away)?;
    let focus = focus(&medium.content);
    match what {
        Work::All => {
            let picture = caught(|| image::process(&original, limits, focus)).map_err(unready)?;
            storing(blobs, |stored| {
                Ok(Ready::All {
                    width: size(picture.width)?,
                    height: size(picture.height)?,
                    look: picture.look.clone(),
                    renditions: put_renditions(blobs, &picture.renditions, stored)?,
                })
            })
        }
        Work::Crops => {
            let crops = caught(|| image::crops(&original, limits, focus)).map_err(unready)?;
            storing(blobs, |stored| {
                Ok(Ready::Crops(put_renditions(blobs, &crops, stored)?))
            })
        }
    }
    .map_err(Unready::Failed)
}

fn unready(error: ImageError) -> Unready {
    match error {
        ImageError::Failed => Unready::Failed(internal("a rendition could not be made")),
        error => Unready::Refused(error),
    }
}

/// Stores objects; those that were written before one fails are removed.
fn storing<T>(
    blobs: &Blobs,
    put: impl FnOnce(&mut Vec<String>) -> Result<T, Error>,
) -> Result<T, Error> {
    let mut stored = Vec::new();
    let done = put(&mut stored);
    if done.is_err() {
        for key in &stored {
            remove(blobs, key);
        }
    }
    done
}

fn size(value: u32) -> Result<i32, Error> {
    i32::try_from(value).map_err(internal)
}

fn length(bytes: &[u8]) -> Result<i64, Error> {
    i64::try_from(bytes.len()).map_err(internal)
}

/// Stores one object; `stored` learns its key.
fn put(blobs: &Blobs, mime: &str, bytes: &[u8], stored: &mut Vec<String>) -> Result<String, Error> {
    let key = new_key();
    blobs.put(&key, mime, bytes).map_err(unstored)?;
    stored.push(key.clone());
    Ok(key)
}

fn put_renditions(
    blobs: &Blobs,
    renditions: &[image::Rendition],
    stored: &mut Vec<String>,
) -> Result<Vec<Rendition>, Error> {
    renditions
        .iter()
        .map(|made| {
            Ok(Rendition {
                name: made.name.clone(),
                hash: hex::encode(Sha256::digest(&made.bytes)),
                key: put(blobs, made.mime, &made.bytes, stored)?,
                mime: made.mime.to_owned(),
                bytes: length(&made.bytes)?,
                width: Some(size(made.width)?),
                height: Some(size(made.height)?),
            })
        })
        .collect()
}

/// Stores the original and its renditions.
fn put_objects(
    blobs: &Blobs,
    original: &[u8],
    picture: &Processed,
    stored: &mut Vec<String>,
) -> Result<Made, Error> {
    Ok(Made {
        kind: Kind::Image,
        mime: picture.mime,
        status: Status::Ready,
        bytes: length(original)?,
        width: Some(size(picture.width)?),
        height: Some(size(picture.height)?),
        duration_ms: None,
        pages: None,
        look: picture.look.clone(),
        renditions: put_renditions(blobs, &picture.renditions, stored)?,
        original: put(blobs, picture.mime, original, stored)?,
    })
}

/// Stores the original; the rest is left to do.
fn put_for_later(blobs: &Blobs, original: &Path, header: Header) -> Result<Made, Error> {
    let key = new_key();
    let bytes = blobs
        .put_file(&key, header.mime, original)
        .map_err(unstored)?;
    Ok(Made {
        kind: Kind::Image,
        mime: header.mime,
        status: Status::Processing,
        bytes: i64::try_from(bytes).map_err(internal)?,
        width: Some(size(header.width)?),
        height: Some(size(header.height)?),
        duration_ms: None,
        pages: None,
        look: None,
        renditions: Vec::new(),
        original: key,
    })
}
