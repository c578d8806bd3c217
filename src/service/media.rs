//! Media: uploaded, described, deleted. Objects first, rows second on the way in; rows first on
//! the way out: a crash leaves only orphaned objects.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::{Command, Conflict, Deed, Error, IfMatch, audit, run};
use crate::ctx::Ctx;
use crate::domain::id::{MediaId, Version};
use crate::domain::input::{self, FaultCode, Faults};
use crate::domain::media::{Kind, MediaContent, Medium, Rendition};
use crate::domain::policy::{self, Right};
use crate::infra::image::{self, ImageError, Limits};
use crate::infra::random;
use crate::store::editorial::media;
use crate::store::public::media as live;

/// A file that has arrived.
pub struct Upload {
    pub path: PathBuf,
    pub file_name: String,
    /// SHA-256, lower-case hex.
    pub hash: String,
    pub content: MediaContent,
}

/// What became of an upload.
#[derive(Debug, Serialize, Deserialize)]
pub struct Uploaded {
    pub medium: Medium,
    /// False where the same bytes were there already.
    pub new: bool,
}

/// Why an upload was refused.
#[derive(Debug)]
pub enum UploadError {
    /// Nothing we can serve.
    UnsupportedType,
    Failed(Error),
}

impl From<Error> for UploadError {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

/// Makes a medium from a picture; known bytes answer the medium that there is, unchanged.
pub async fn upload(ctx: &Ctx, command: Command, upload: Upload) -> Result<Uploaded, UploadError> {
    let hash = upload.hash.clone();
    let known = ctx
        .db
        .read(move |conn| media::find(conn, &hash).map_err(Error::from))
        .await?;
    let made = match known {
        Some(_) => None,
        None => Some(make(ctx, upload.path).await?),
    };
    let (hash, file_name, content) = (upload.hash, upload.file_name, upload.content);
    let keys: Vec<String> = made
        .iter()
        .flat_map(|made| made.renditions.iter().map(|r| r.key.clone()).chain([made.original.clone()]))
        .collect();
    let outcome = run(ctx, command, move |conn, command| {
        if let Some(medium) = media::find(conn, &hash)? {
            return Ok(Uploaded { medium, new: false });
        }
        let made = made.ok_or_else(|| Error::Internal("the medium vanished during its upload".to_owned()))?;
        let mut medium = Medium {
            id: MediaId::stored(0),
            version: Version::FIRST,
            kind: Kind::Image,
            hash,
            file_name,
            mime: made.mime.to_owned(),
            bytes: made.bytes,
            width: Some(made.width),
            height: Some(made.height),
            content,
            original: made.original,
            renditions: made.renditions,
            created_by: command.actor.user_id,
            created_at: command.at,
        };
        medium.id = media::insert(conn, &medium)?;
        audit(conn, command, &deed("upload", &medium, None, Some(medium.version)))?;
        Ok(Uploaded { medium, new: true })
    })
    .await;
    // Lost a race, replayed or failed: our objects are nobody's.
    let kept = |key: &String| match &outcome {
        Ok(done) => done.medium.original == *key || done.medium.renditions.iter().any(|r| r.key == *key),
        Err(_) => false,
    };
    for key in keys.iter().filter(|key| !kept(key)) {
        drop_object(ctx, key.clone()).await;
    }
    Ok(outcome?)
}

struct Made {
    mime: &'static str,
    bytes: i64,
    width: i32,
    height: i32,
    original: String,
    renditions: Vec<Rendition>,
}

/// Decodes, cleans and scales a picture, and stores all its objects. A bounded number at once.
async fn make(ctx: &Ctx, path: PathBuf) -> Result<Made, UploadError> {
    let internal = |error: String| UploadError::Failed(Error::Internal(error));
    let turn = std::sync::Arc::clone(&ctx.decoding)
        .acquire_owned()
        .await
        .map_err(|error| internal(error.to_string()))?;
    let blobs = ctx.blobs.clone();
    let limits = Limits {
        max_pixels: u64::from(ctx.settings.max_pixels),
    };
    tokio::task::spawn_blocking(move || {
        let _turn = turn;
        let original = std::fs::read(&path).map_err(|error| internal(error.to_string()))?;
        let picture = image::process(&original, &limits).map_err(refused)?;
        let size = |value: u32| i32::try_from(value).map_err(|error| internal(error.to_string()));
        let length = |bytes: &[u8]| i64::try_from(bytes.len()).map_err(|error| internal(error.to_string()));
        let put = |bytes: &[u8]| {
            let key = random::token();
            let key = key.replace(['-', '_'], "0");
            blobs
                .put(&key, bytes)
                .map(|()| key)
                .map_err(|error| internal(error.to_string()))
        };
        let mut renditions = Vec::new();
        for made in &picture.renditions {
            renditions.push(Rendition {
                name: made.name.to_owned(),
                hash: hex::encode(Sha256::digest(&made.bytes)),
                key: put(&made.bytes)?,
                mime: made.mime.to_owned(),
                bytes: length(&made.bytes)?,
                width: size(made.width)?,
                height: size(made.height)?,
            });
        }
        Ok(Made {
            mime: picture.mime,
            bytes: length(&original)?,
            width: size(picture.width)?,
            height: size(picture.height)?,
            original: put(&original)?,
            renditions,
        })
    })
    .await
    .map_err(|error| internal(error.to_string()))?
}

fn refused(error: ImageError) -> UploadError {
    let (code, message) = match error {
        ImageError::UnknownType => return UploadError::UnsupportedType,
        ImageError::Empty => (FaultCode::TooShort, "is empty"),
        ImageError::Corrupt => (FaultCode::BadFormat, "is damaged or cut short"),
        ImageError::TooManyPixels => (FaultCode::OutOfRange, "has too many pixels"),
    };
    UploadError::Failed(Faults::one("/file", code, message).into())
}

/// How a save gives the content: whole, or as a merge patch.
pub enum Save {
    Replace(MediaContent),
    Patch(serde_json::Value),
}

/// Changes alt text and credit; public articles keep theirs until they are published again.
pub async fn save(
    ctx: &Ctx,
    command: Command,
    id: MediaId,
    if_match: IfMatch,
    save: Save,
) -> Result<Medium, Error> {
    run(ctx, command, move |conn, command| {
        let before = media::get(conn, id)?;
        let own = before.created_by == command.actor.user_id;
        if !own && !policy::has(&command.actor.roles, Right::Edit) {
            return Err(Error::Forbidden);
        }
        let content = match save {
            Save::Replace(content) => content,
            Save::Patch(patch) => {
                if_match.check(before.version)?;
                let mut merged = serde_json::to_value(&before.content)
                    .map_err(|error| Error::Internal(error.to_string()))?;
                input::merge(&mut merged, patch);
                input::parse(merged)?
            }
        };
        if content == before.content {
            return Ok(before);
        }
        if_match.check(before.version)?;
        let medium = Medium {
            version: before.version.next(),
            content,
            ..before.clone()
        };
        media::update(conn, id, medium.version, &medium.content)?;
        audit(conn, command, &deed("save", &medium, Some(before.version), Some(medium.version)))?;
        Ok(medium)
    })
    .await
}

/// Deletes a medium that nothing holds, and its objects.
pub async fn delete(ctx: &Ctx, command: Command, id: MediaId, if_match: IfMatch) -> Result<(), Error> {
    let keys = run(ctx, command, move |conn, command| {
        let medium = media::get(conn, id)?;
        if_match.check(medium.version)?;
        let articles = media::uses(conn, id)?;
        if !articles.is_empty() || live::is_public(conn, id)? {
            let ids: Vec<String> = articles.iter().map(ToString::to_string).collect();
            return Err(Error::Conflict {
                code: Conflict::MediaInUse,
                detail: if ids.is_empty() {
                    "a public article holds it".to_owned()
                } else {
                    format!("articles hold it: {}", ids.join(", "))
                },
            });
        }
        media::delete(conn, id)?;
        audit(conn, command, &deed("delete", &medium, Some(medium.version), None))?;
        let mut keys: Vec<String> = medium.renditions.into_iter().map(|r| r.key).collect();
        keys.push(medium.original);
        Ok(keys)
    })
    .await?;
    for key in keys {
        drop_object(ctx, key).await;
    }
    Ok(())
}

/// Removes an object whose row is gone; what fails is left to the cleaner.
async fn drop_object(ctx: &Ctx, key: String) {
    let blobs = ctx.blobs.clone();
    let done = tokio::task::spawn_blocking(move || blobs.delete(&key)).await;
    if let Ok(Err(error)) = done {
        tracing::warn!(%error, "an object without a row stays in media storage");
    }
}

fn deed<'a>(
    action: &'a str,
    medium: &Medium,
    before: Option<Version>,
    after: Option<Version>,
) -> Deed<'a> {
    Deed {
        action,
        object_type: "media",
        object_id: medium.id.get(),
        before,
        after,
        reason: None,
    }
}
