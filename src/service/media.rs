//! Media: uploaded, described, deleted. Objects first, rows second on the way in; rows first on
//! the way out: a crash leaves only orphaned objects.

pub mod storage;
pub mod uploads;
mod withdrawal;

use std::fs::File;
use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

pub use self::withdrawal::withdraw;
use super::{Command, Conflict, Deed, Error, IfMatch, Save, run, run_public, turn, write_down};
use crate::ctx::Ctx;
use crate::domain::id::{MediaId, Version};
use crate::domain::input::{FaultCode, Faults};
use crate::domain::media::{FileName, Kind, MediaContent, Medium, Rendition};
use crate::domain::policy::{self, Right};
use crate::domain::upload::Arrival;
use crate::infra::blob::{self, Blobs};
use crate::infra::document::{self, Found};
use crate::infra::image::{self, ImageError, Limits, Look, Processed};
use crate::infra::random;
use crate::store::editorial::media;
use crate::store::public::media as live;
use crate::store::{self, Conn};

/// How long an upload waits for its turn to be decoded before it is told to come back.
const PATIENCE: Duration = Duration::from_secs(30);

/// A file that has arrived.
pub struct Upload {
    pub path: PathBuf,
    /// As the client gave it.
    pub file_name: String,
    /// SHA-256, lower-case hex.
    pub hash: String,
    pub content: MediaContent,
    /// The upload in pieces that it was, as it stood before the last of them; with the expiry to be.
    pub arrival: Option<Arrival>,
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
    /// An office document with programs in it.
    Macros,
    Failed(Error),
}

impl From<Error> for UploadError {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

/// Makes a medium from a file; known bytes answer the medium that there is, unchanged.
pub async fn upload(ctx: &Ctx, command: Command, upload: Upload) -> Result<Uploaded, UploadError> {
    let hash = upload.hash.clone();
    let known = ctx
        .db
        .read_brief(move |conn| media::find(conn, &hash).map_err(Error::from))
        .await?;
    let made = match known {
        Some(_) => None,
        None => Some(make(ctx, &upload).await?),
    };
    let mut outcome = record(ctx, command.clone(), &upload, made.clone()).await;
    // Another node stored the same bytes meanwhile: now its medium is found.
    if matches!(outcome, Err(Error::Store(store::Error::Taken(_)))) {
        outcome = record(ctx, command, &upload, made.clone()).await;
    }
    if let Some(made) = made {
        let needless = match &outcome {
            // Known by now, or the answer to an earlier request.
            Ok(done) => done.medium.original != made.original,
            // Nobody knows whether a commit that failed is there; an orphan is better than a row
            // without its files.
            Err(Error::Store(_)) => false,
            Err(_) => true,
        };
        if needless {
            drop_objects(ctx, made.keys()).await;
        }
    }
    Ok(outcome?)
}

/// Writes the row of a medium whose objects are there.
async fn record(
    ctx: &Ctx,
    command: Command,
    upload: &Upload,
    made: Option<Made>,
) -> Result<Uploaded, Error> {
    let hash = upload.hash.clone();
    let file_name = FileName::tidy(&upload.file_name);
    let content = upload.content.clone();
    content.check()?;
    let arrival = upload.arrival.clone();
    run(ctx, command, move |conn, command| {
        if let Some(medium) = media::find(conn, &hash)? {
            arrive(conn, arrival.as_ref(), &medium)?;
            return Ok(Uploaded { medium, new: false });
        }
        // Found a moment ago and deleted since: the next attempt finds nothing and decodes.
        let made = made.ok_or_else(|| {
            Error::Store(store::Error::Busy(
                "the medium was deleted during its upload".to_owned(),
            ))
        })?;
        let mut medium = Medium {
            // The database gives the id.
            id: MediaId::stored(0),
            version: Version::FIRST,
            kind: made.kind,
            hash,
            file_name,
            mime: made.mime.to_owned(),
            bytes: made.bytes,
            width: made.width,
            height: made.height,
            thumbhash: made.look.as_ref().map(|look| look.thumbhash.clone()),
            colour: made.look.and_then(|look| look.colour),
            content,
            original: made.original,
            renditions: made.renditions,
            created_by: command.actor.user_id,
            created_at: command.at,
            withdrawn: None,
        };
        medium.id = media::insert(conn, &medium)?;
        arrive(conn, arrival.as_ref(), &medium)?;
        write_down(
            conn,
            command,
            &deed("upload", &medium, None, Some(medium.version)),
        )?;
        Ok(Uploaded { medium, new: true })
    })
    .await
}

/// An upload in pieces ends together with the row of what it became.
fn arrive(conn: &mut Conn, before: Option<&Arrival>, medium: &Medium) -> Result<(), Error> {
    let Some(before) = before else {
        return Ok(());
    };
    let after = Arrival {
        received: before.length,
        media_id: Some(medium.id),
        ..before.clone()
    };
    match store::editorial::uploads::finish(conn, before, &after)? {
        true => Ok(()),
        false => Err(uploads::elsewhere()),
    }
}

/// A file whose objects are in media storage and have no row yet.
#[derive(Debug, Clone)]
struct Made {
    kind: Kind,
    mime: &'static str,
    bytes: i64,
    width: Option<i32>,
    height: Option<i32>,
    look: Option<Look>,
    original: String,
    renditions: Vec<Rendition>,
}

impl Made {
    fn keys(self) -> Vec<String> {
        keys(self.original, self.renditions)
    }
}

fn keys(original: String, renditions: Vec<Rendition>) -> Vec<String> {
    let mut keys: Vec<String> = renditions
        .into_iter()
        .map(|rendition| rendition.key)
        .collect();
    if !keys.contains(&original) {
        keys.push(original);
    }
    keys
}

/// Makes of a file what readers get, and stores all its objects.
async fn make(ctx: &Ctx, upload: &Upload) -> Result<Made, UploadError> {
    let path = upload.path.clone();
    let found = tokio::task::spawn_blocking(move || document::look(&mut File::open(path)?))
        .await
        .map_err(internal)?
        .map_err(internal)?;
    match found {
        Found::Document(mime) => store_document(ctx, upload, mime).await,
        Found::Damaged => Err(refused(ImageError::Corrupt)),
        Found::Macros => Err(UploadError::Macros),
        Found::Other => make_picture(ctx, upload.path.clone()).await,
    }
}

/// Stores a document as it is: its one file is the original.
async fn store_document(
    ctx: &Ctx,
    upload: &Upload,
    mime: &'static str,
) -> Result<Made, UploadError> {
    let (blobs, path, key) = (ctx.blobs.clone(), upload.path.clone(), new_key());
    let place = key.clone();
    let bytes = tokio::task::spawn_blocking(move || blobs.put_file(&place, &path))
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
        bytes,
        width: None,
        height: None,
        look: None,
        original: key,
        renditions: vec![file],
    })
}

/// A key for a new object: random, so that none is ever written twice.
fn new_key() -> String {
    random::token().replace(['-', '_'], "0")
}

/// Decodes, cleans and scales a picture, and stores all its objects. A bounded number at once.
async fn make_picture(ctx: &Ctx, path: PathBuf) -> Result<Made, UploadError> {
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

fn internal(error: impl std::fmt::Display) -> Error {
    Error::Internal(error.to_string())
}

/// A storage that does not answer may do so in a moment.
fn unstored(error: std::io::Error) -> Error {
    match blob::is_away(&error) {
        true => Error::Busy(error.to_string()),
        false => internal(error),
    }
}

fn refused(error: ImageError) -> UploadError {
    let (code, message) = match error {
        ImageError::UnknownType => return UploadError::UnsupportedType,
        ImageError::Failed => return internal("a rendition could not be made").into(),
        ImageError::Empty => (FaultCode::TooShort, "is empty"),
        ImageError::Corrupt => (FaultCode::BadFormat, "is damaged or cut short"),
        ImageError::TooManyPixels => (FaultCode::OutOfRange, "has too many pixels"),
    };
    UploadError::Failed(Faults::one("/file", code, message).into())
}

/// Changes alt text and credit; public articles keep theirs until they are published again.
pub async fn save(
    ctx: &Ctx,
    command: Command,
    id: MediaId,
    if_match: IfMatch,
    save: Save<MediaContent>,
) -> Result<Medium, Error> {
    run(ctx, command, move |conn, command| {
        let before = media::hold(conn, id)?;
        let own = before.created_by == command.actor.user_id;
        if !own && !policy::has(&command.actor.roles, Right::Edit) {
            return Err(Error::Forbidden);
        }
        let content = save.onto(&before.content, if_match, before.version)?;
        content.check()?;
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
        write_down(
            conn,
            command,
            &deed("save", &medium, Some(before.version), Some(medium.version)),
        )?;
        Ok(medium)
    })
    .await
}

/// Deletes a medium that nothing holds, and its objects. Holds the head of the log, so that no
/// publication puts it before readers meanwhile.
pub async fn delete(
    ctx: &Ctx,
    command: Command,
    id: MediaId,
    if_match: IfMatch,
) -> Result<(), Error> {
    let keys = run_public(ctx, command, move |write, command| {
        let conn = write.conn();
        let medium = media::hold(conn, id)?;
        if_match.check(medium.version)?;
        require_unused(conn, id)?;
        media::delete(conn, id).map_err(|error| match error {
            // An article took it between the look and the deletion.
            store::Error::Referenced(_) => in_use("an article holds it".to_owned()),
            error => error.into(),
        })?;
        write_down(
            conn,
            command,
            &deed("delete", &medium, Some(medium.version), None),
        )?;
        Ok(keys(medium.original, medium.renditions))
    })
    .await?;
    drop_objects(ctx, keys).await;
    Ok(())
}

fn require_unused(conn: &mut Conn, id: MediaId) -> Result<(), Error> {
    let mut articles = media::uses(conn, id)?;
    articles.extend(media::scheduled_uses(conn, id)?);
    articles.extend(live::uses(conn, id)?);
    articles.extend(media::restorable_uses(conn, id)?);
    articles.sort();
    articles.dedup();
    if articles.is_empty() {
        return Ok(());
    }
    let ids: Vec<String> = articles.iter().take(100).map(ToString::to_string).collect();
    Err(in_use(format!("articles hold it: {}", ids.join(", "))))
}

fn in_use(detail: String) -> Error {
    Error::Conflict {
        code: Conflict::MediaInUse,
        detail,
    }
}

/// Removes objects that have no row; what fails stays behind, unseen.
async fn drop_objects(ctx: &Ctx, keys: Vec<String>) {
    let blobs = ctx.blobs.clone();
    let done =
        tokio::task::spawn_blocking(move || keys.iter().for_each(|key| remove(&blobs, key))).await;
    if let Err(error) = done {
        tracing::warn!(%error, "objects without a row stay in media storage");
    }
}

fn remove(blobs: &Blobs, key: &str) {
    if let Err(error) = blobs.delete(key) {
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
        details: None,
    }
}
