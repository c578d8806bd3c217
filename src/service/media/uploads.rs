//! Uploads that arrive in pieces. Each piece is an object in media storage before the row says that it
//! has arrived; the last one moves the row together with the row of the medium, so an upload is whole
//! only when its medium is there, and a client that lost the answer is never told otherwise.

use std::io::{ErrorKind, Write as _};
use std::path::PathBuf;
use std::sync::PoisonError;

use tempfile::NamedTempFile;

use super::making::new_key;
use super::storage::sha256;
use super::{Upload, UploadError, drop_objects, internal, is_needless, unstored, upload};
use crate::ctx::Ctx;
use crate::domain::input::{FaultCode, Faults};
use crate::domain::media::FileName;
use crate::domain::time::Instant;
use crate::domain::upload::{Arrival, Metadata};
use crate::domain::user::Actor;
use crate::infra::blob::BYTES;
use crate::infra::random;
use crate::service::{Command, Conflict, Error};
use crate::store::editorial::{uploads, users};

/// Uploads that one user may have open at once.
pub const OPEN: i64 = 100;

/// Pieces that an upload may have before its last: the largest file in those that a client sends without
/// a break, and many breaks.
const PIECES: i64 = 10_000;

/// The next bytes of an upload, in a local file.
pub struct Piece {
    pub path: PathBuf,
    pub bytes: i64,
}

/// Begins an upload of so many bytes.
pub async fn create(
    ctx: &Ctx,
    command: Command,
    length: i64,
    metadata: Metadata,
) -> Result<Arrival, Error> {
    if length < 1 {
        return Err(Faults::one("/file", FaultCode::TooShort, "is empty").into());
    }
    metadata.content.check()?;
    let arrival = Arrival {
        id: hex::encode(random::bytes::<16>()),
        user_id: command.actor.user_id,
        length,
        received: 0,
        file_name: FileName::tidy(&metadata.file_name),
        claim: metadata.claim,
        content: metadata.content,
        expires_at: expiry(ctx, command.at),
        media_id: None,
    };
    ctx.db
        .write(move |conn| {
            // One after the other, or several at once would pass the limit together.
            users::hold(conn, arrival.user_id)?;
            if uploads::count_open(conn, arrival.user_id, command.at)? >= OPEN {
                return Err(Error::Conflict {
                    code: Conflict::TooManyUploads,
                    detail: format!("finish or end one of your {OPEN} uploads first"),
                });
            }
            uploads::insert(conn, &arrival)?;
            Ok(arrival)
        })
        .await
}

/// An upload of one's own that has not expired.
pub async fn find(ctx: &Ctx, actor: &Actor, id: String) -> Result<Arrival, Error> {
    let arrival = ctx
        .db
        .read_brief(move |conn| uploads::get(conn, &id))
        .await?;
    match arrival.user_id == actor.user_id && arrival.expires_at.micros() > ctx.now().micros() {
        true => Ok(arrival),
        false => Err(Error::NotFound),
    }
}

/// Adds a piece to an upload that stands at `before`. With the last one the file becomes a medium; one
/// that cannot become one is gone with its upload.
pub async fn append(
    ctx: &Ctx,
    command: Command,
    before: Arrival,
    piece: Piece,
) -> Result<Arrival, UploadError> {
    let received = before.received.saturating_add(piece.bytes);
    if received == before.length {
        return finish(ctx, command, before, piece).await;
    }
    let after = Arrival {
        received,
        expires_at: expiry(ctx, command.at),
        ..before.clone()
    };
    let (blobs, key) = (ctx.blobs.clone(), new_key());
    let place = key.clone();
    tokio::task::spawn_blocking(move || blobs.put_file(&place, BYTES, &piece.path))
        .await
        .map_err(internal)?
        .map_err(unstored)?;
    let (next, part) = (after.clone(), key.clone());
    let added = ctx
        .db
        .write(move |conn| {
            if uploads::count_parts(conn, &before.id)? >= PIECES {
                return Err(Error::Conflict {
                    code: Conflict::TooManyPieces,
                    detail: format!("{PIECES} pieces have come; send all that is left as one"),
                });
            }
            Ok(uploads::add_part(conn, &before, &next, &part)?)
        })
        .await;
    if is_needless(&added, |added| *added) {
        drop_objects(&ctx.blobs, vec![key]).await;
    }
    match added? {
        true => Ok(after),
        false => Err(elsewhere().into()),
    }
}

/// Somebody else, or an earlier request that still ran, has gone on with the upload.
pub(super) fn elsewhere() -> Error {
    Error::Conflict {
        code: Conflict::OffsetMismatch,
        detail: "the upload has gone on elsewhere; ask where it stands".to_owned(),
    }
}

/// The one request of this node that puts an upload together: clients ask again when a proxy has lost
/// patience, and the work is much.
struct Finishing {
    ctx: Ctx,
    id: String,
}

impl Finishing {
    fn begin(ctx: &Ctx, id: &str) -> Result<Self, Error> {
        let mut all = ctx.finishing.lock().unwrap_or_else(PoisonError::into_inner);
        match all.insert(id.to_owned()) {
            true => Ok(Self {
                ctx: ctx.clone(),
                id: id.to_owned(),
            }),
            false => Err(Error::Busy("the upload is being put together".to_owned())),
        }
    }
}

impl Drop for Finishing {
    fn drop(&mut self) {
        let all = self.ctx.finishing.lock();
        all.unwrap_or_else(PoisonError::into_inner).remove(&self.id);
    }
}

async fn finish(
    ctx: &Ctx,
    command: Command,
    before: Arrival,
    last: Piece,
) -> Result<Arrival, UploadError> {
    let _turn = Finishing::begin(ctx, &before.id)?;
    let id = before.id.clone();
    let parts = ctx
        .db
        .read_brief(move |conn| uploads::parts(conn, &id))
        .await
        .map_err(Error::from)?;
    let (blobs, keys) = (ctx.blobs.clone(), parts.clone());
    let (file, hash) = tokio::task::spawn_blocking(move || {
        let mut whole = NamedTempFile::new_in(blobs.incoming())?;
        for key in &keys {
            blobs.copy_to(key, whole.as_file_mut())?;
        }
        std::io::copy(&mut std::fs::File::open(&last.path)?, whole.as_file_mut())?;
        whole.flush()?;
        let hash = sha256(whole.path())?;
        Ok((whole, hash))
    })
    .await
    .map_err(internal)?
    .map_err(|error: std::io::Error| match error.kind() {
        // Another node has finished it, and its pieces are gone.
        ErrorKind::NotFound => elsewhere(),
        _ => unstored(error),
    })?;
    let whole = Upload {
        path: file.path().to_owned(),
        file_name: before.file_name.as_str().to_owned(),
        hash,
        claim: before.claim.clone(),
        content: before.content.clone(),
        arrival: Some(Arrival {
            expires_at: expiry(ctx, command.at),
            ..before.clone()
        }),
    };
    let done = upload(ctx, command, whole).await;
    match done {
        Ok(done) => {
            drop_objects(&ctx.blobs, parts).await;
            Ok(Arrival {
                received: before.length,
                media_id: Some(done.medium.id),
                ..before
            })
        }
        // The same bytes sent again would be refused again.
        Err(
            error @ (UploadError::UnsupportedType
            | UploadError::Drawing
            | UploadError::Macros
            | UploadError::Recording(_)
            | UploadError::TooLarge(..)
            | UploadError::Failed(Error::Invalid(_))),
        ) => {
            remove(ctx, before.id).await?;
            Err(error)
        }
        Err(error) => Err(error),
    }
}

/// Ends an upload of one's own; a medium that it became stays.
pub async fn end(ctx: &Ctx, actor: &Actor, id: String) -> Result<(), Error> {
    let arrival = find(ctx, actor, id).await?;
    remove(ctx, arrival.id).await
}

/// Rows first, objects second: a crash leaves orphans and no row without its object.
async fn remove(ctx: &Ctx, id: String) -> Result<(), Error> {
    let keys = ctx
        .db
        .write(move |conn| Ok::<_, Error>(uploads::delete(conn, &id)?))
        .await?;
    drop_objects(&ctx.blobs, keys).await;
    Ok(())
}

/// Removes uploads that have expired; answers how many.
pub async fn tidy(ctx: &Ctx) -> Result<usize, Error> {
    let now = ctx.now();
    let ids = ctx
        .db
        .read_brief(move |conn| uploads::expired(conn, now))
        .await?;
    let count = ids.len();
    for id in ids {
        let keys = ctx
            .db
            .write(move |conn| Ok::<_, Error>(uploads::delete_expired(conn, &id, now)?))
            .await?;
        drop_objects(&ctx.blobs, keys).await;
    }
    // What requests left on their way that ended with their process.
    let blobs = ctx.blobs.clone();
    tokio::task::spawn_blocking(move || blobs.sweep())
        .await
        .map_err(internal)?
        .map_err(internal)?;
    Ok(count)
}

fn expiry(ctx: &Ctx, at: Instant) -> Instant {
    at.plus_seconds(i64::from(ctx.settings.upload_hours) * 3600)
}
