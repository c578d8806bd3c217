//! Media: uploaded, described, deleted. Objects first, rows second on the way in; rows first on
//! the way out: a crash leaves only orphaned objects.

mod jobs;
mod making;
mod pictures;
mod recordings;
pub mod regeneration;
mod replacement;
pub mod storage;
pub mod tracks;
pub mod uploads;
mod withdrawal;

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

pub use self::jobs::{load, recover, work_once};
use self::making::{Made, make};
pub use self::replacement::replace;
pub use self::withdrawal::withdraw;
use super::{Command, Conflict, Deed, Error, IfMatch, Save, run, run_public, write_down};
use crate::ctx::Ctx;
use crate::domain::id::{MediaId, Version};
use crate::domain::media::{Claim, FileName, Kind, MediaContent, Medium, Rendition, Status, Work};
use crate::domain::policy::{self, Right};
use crate::domain::upload::Arrival;
use crate::infra::blob::{self, Blobs};
use crate::store::editorial::{media, media_jobs};
use crate::store::public::media as live;
use crate::store::{self, Conn};

/// A file that has arrived.
pub struct Upload {
    pub path: PathBuf,
    /// As the client gave it.
    pub file_name: String,
    /// SHA-256, lower-case hex.
    pub hash: String,
    pub claim: Option<Claim>,
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
    /// A drawing, where none are taken.
    Drawing,
    /// A film or a sound of a kind that is not served; which.
    Recording(&'static str),
    /// More bytes than its kind may have.
    TooLarge(Kind, u64),
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
    if let Some(made) = made
        && is_needless(&outcome, |done| done.medium.original == made.original)
    {
        drop_objects(&ctx.blobs, made.keys()).await;
    }
    let done = outcome?;
    if done.medium.status == Status::Processing {
        ctx.media_work.notify_one();
    }
    Ok(done)
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
        let mut medium = made.medium(command, hash, file_name, content);
        medium.id = media::insert(conn, &medium)?;
        if medium.status == Status::Processing {
            media_jobs::put(conn, medium.id, Work::All, command.at)?;
        }
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

/// Keys of all that a medium has in storage.
fn keys_of(medium: Medium) -> Vec<String> {
    let mut keys = keys(medium.original, medium.renditions);
    keys.extend(medium.tracks.into_iter().map(|track| track.key));
    keys
}

/// Are objects without a row that were stored before a write? `holds`: has its outcome taken them?
fn is_needless<T>(outcome: &Result<T, Error>, holds: impl FnOnce(&T) -> bool) -> bool {
    match outcome {
        // Known by now, or the answer to an earlier request.
        Ok(done) => !holds(done),
        // Nobody knows whether a commit that failed is there; an orphan is better than a row
        // without its files.
        Err(Error::Store(_)) => false,
        Err(_) => true,
    }
}

/// Passes for whoever uploaded the medium, and for editors.
fn require_editor(medium: &Medium, command: &Command) -> Result<(), Error> {
    let own = medium.created_by == command.actor.user_id;
    match own || policy::has(&command.actor.roles, Right::Edit) {
        true => Ok(()),
        false => Err(Error::Forbidden),
    }
}

/// Nothing is done to the files of a medium that was withdrawn.
fn require_open(medium: &Medium) -> Result<(), Error> {
    match &medium.withdrawn {
        None => Ok(()),
        Some(_) => Err(Error::Conflict {
            code: Conflict::MediaWithdrawn,
            detail: "the medium was withdrawn".to_owned(),
        }),
    }
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

/// Changes alt text and credit; public articles keep theirs until they are published again.
pub async fn save(
    ctx: &Ctx,
    command: Command,
    id: MediaId,
    if_match: IfMatch,
    save: Save<MediaContent>,
) -> Result<Medium, Error> {
    let medium = run(ctx, command, move |conn, command| {
        let before = media::hold(conn, id)?;
        require_editor(&before, command)?;
        let content = save.onto(&before.content, if_match, before.version)?;
        content.check()?;
        content.check_for(before.kind)?;
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
        if medium.content.focal_point != before.content.focal_point
            && medium.status != Status::Failed
            && medium.withdrawn.is_none()
        {
            media_jobs::put(conn, id, Work::Crops, command.at)?;
        }
        write_down(
            conn,
            command,
            &deed("save", &medium, Some(before.version), Some(medium.version)),
        )?;
        Ok(medium)
    })
    .await?;
    ctx.media_work.notify_one();
    Ok(medium)
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
        Ok(keys_of(medium))
    })
    .await?;
    drop_objects(&ctx.blobs, keys).await;
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
async fn drop_objects(blobs: &Blobs, keys: Vec<String>) {
    let blobs = blobs.clone();
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
