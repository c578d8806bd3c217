//! What becomes of a file: its kind, its objects in storage.

use std::fs::File;
use std::io;
use std::panic::catch_unwind;

use super::pictures::make_picture;
use super::recordings::make_recording;
use super::{Upload, UploadError, internal, keys, unstored};
use crate::ctx::Ctx;
use crate::domain::id::{MediaId, Version};
use crate::domain::input::{FaultCode, Faults};
use crate::domain::media::{Claim, FileName, Kind, MediaContent, Medium, Rendition, Status};
use crate::infra::document::{self, Found};
use crate::infra::image::{ImageError, Look};
use crate::infra::random;
use crate::service::Command;

/// A file whose objects are in media storage and have no row yet.
#[derive(Debug, Clone)]
pub(super) struct Made {
    pub(super) kind: Kind,
    pub(super) mime: &'static str,
    pub(super) status: Status,
    pub(super) bytes: i64,
    pub(super) width: Option<i32>,
    pub(super) height: Option<i32>,
    pub(super) duration_ms: Option<i64>,
    pub(super) pages: Option<i32>,
    pub(super) look: Option<Look>,
    pub(super) original: String,
    pub(super) renditions: Vec<Rendition>,
}

impl Made {
    /// The medium that the file becomes, for the first time here.
    pub(super) fn medium(
        self,
        command: &Command,
        hash: String,
        file_name: FileName,
        content: MediaContent,
    ) -> Medium {
        Medium {
            // The database gives the id.
            id: MediaId::stored(0),
            version: Version::FIRST,
            kind: self.kind,
            hash,
            file_name,
            mime: self.mime.to_owned(),
            bytes: self.bytes,
            width: self.width,
            height: self.height,
            duration_ms: self.duration_ms,
            pages: self.pages,
            thumbhash: self.look.as_ref().map(|look| look.thumbhash.clone()),
            colour: self.look.and_then(|look| look.colour),
            content,
            status: self.status,
            failure: None,
            original: self.original,
            renditions: self.renditions,
            tracks: Vec::new(),
            created_by: command.actor.user_id,
            created_at: command.at,
            withdrawn: None,
        }
    }

    pub(super) fn keys(self) -> Vec<String> {
        keys(self.original, self.renditions)
    }
}

/// Makes of a file what readers get, and stores all its objects.
pub(super) async fn make(ctx: &Ctx, upload: &Upload) -> Result<Made, UploadError> {
    let path = upload.path.clone();
    let look = move || {
        let mut file = File::open(path)?;
        Ok::<_, io::Error>((document::look(&mut file)?, file.metadata()?.len()))
    };
    let (found, bytes) = tokio::task::spawn_blocking(look)
        .await
        .map_err(internal)?
        .map_err(internal)?;
    match found {
        Found::Document(mime) => {
            check_size(ctx, Kind::Document, bytes)?;
            check_claim(upload.claim.as_ref(), Kind::Document)?;
            store_document(ctx, upload, mime).await
        }
        Found::Damaged => Err(refused(ImageError::Corrupt)),
        Found::Macros => Err(UploadError::Macros),
        Found::Other => match make_recording(ctx, upload, bytes).await? {
            Some(made) => Ok(made),
            None => {
                // Before it is read into memory.
                check_size(ctx, Kind::Image, bytes)?;
                make_picture(ctx, upload).await
            }
        },
    }
}

/// May a file of that kind have so many bytes?
pub(super) fn check_size(ctx: &Ctx, kind: Kind, bytes: u64) -> Result<(), UploadError> {
    let most = ctx.settings.sizes.of(kind);
    match bytes <= most {
        true => Ok(()),
        false => Err(UploadError::TooLarge(kind, most)),
    }
}

/// May a file that turns out to be of that kind be called what it is called?
pub(super) fn check_claim(claim: Option<&Claim>, kind: Kind) -> Result<(), UploadError> {
    let Some(claim) = claim.filter(|claim| !claim.fits(kind)) else {
        return Ok(());
    };
    let (claim, kind) = (claim.as_str(), kind.as_str());
    let message = format!("is called {claim} and is of the kind {kind}");
    let faults = Faults::one("/file", FaultCode::Conflict, message);
    Err(UploadError::Failed(faults.into()))
}

/// Stores a document as it is: its one file is the original.
async fn store_document(
    ctx: &Ctx,
    upload: &Upload,
    mime: &'static str,
) -> Result<Made, UploadError> {
    let (blobs, path, key) = (ctx.blobs.clone(), upload.path.clone(), new_key());
    let place = key.clone();
    let (pages, bytes) = tokio::task::spawn_blocking(move || {
        // A parser that panics has met a damaged file, which is served as it is.
        let pages = catch_unwind(|| document::pages(&path, mime)).unwrap_or(None);
        blobs
            .put_file(&place, mime, &path)
            .map(|bytes| (pages, bytes))
    })
    .await
    .map_err(internal)?
    .map_err(unstored)?;
    let bytes = i64::try_from(bytes).map_err(internal)?;
    let file = Rendition {
        name: "full".to_owned(),
        hash: upload.hash.clone(),
        key: key.clone(),
        mime: mime.to_owned(),
        bytes,
        width: None,
        height: None,
    };
    Ok(Made {
        kind: Kind::Document,
        mime,
        status: Status::Ready,
        bytes,
        width: None,
        height: None,
        duration_ms: None,
        pages: pages.and_then(|pages| i32::try_from(pages).ok()),
        look: None,
        original: key,
        renditions: vec![file],
    })
}

/// A key for a new object: random, so that none is ever written twice.
pub(super) fn new_key() -> String {
    random::token().replace(['-', '_'], "0")
}

pub(super) fn refused(error: ImageError) -> UploadError {
    let (code, message) = match error {
        ImageError::UnknownType => return UploadError::UnsupportedType,
        ImageError::Failed => return internal("a rendition could not be made").into(),
        ImageError::Empty => (FaultCode::TooShort, "is empty"),
        ImageError::Corrupt => (FaultCode::BadFormat, "is damaged or cut short"),
        ImageError::Misread(what) => (FaultCode::BadFormat, what),
        ImageError::Drawing(why) => {
            let message = format!("is an SVG that {why}");
            return UploadError::Failed(Faults::one("/file", FaultCode::BadFormat, message).into());
        }
        ImageError::TooManyPixels => (FaultCode::OutOfRange, "has too many pixels"),
    };
    UploadError::Failed(Faults::one("/file", code, message).into())
}
