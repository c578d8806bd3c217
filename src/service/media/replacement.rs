//! Another file in the place of a medium's.

use super::making::{Made, make};
use super::{
    Command, Conflict, Error, IfMatch, Upload, UploadError, deed, drop_objects, is_needless,
    require_editor, require_open, run,
};
use crate::ctx::Ctx;
use crate::domain::id::MediaId;
use crate::domain::input::{FaultCode, Faults};
use crate::domain::media::{FileName, Medium, Status, Work};
use crate::service::write_down;
use crate::store::editorial::{media, media_jobs};

/// Puts a file in the place of a medium's. Working copies show it from then on, readers when their
/// articles are published again, at another address. What readers still see keeps its objects; the
/// others are left to the cleaner, which knows what is held.
pub async fn replace(
    ctx: &Ctx,
    command: Command,
    id: MediaId,
    if_match: IfMatch,
    upload: Upload,
) -> Result<Medium, UploadError> {
    let made = match is_there(ctx, command.clone(), id, if_match, &upload).await? {
        true => None,
        false => Some(make(ctx, &upload).await?),
    };
    let keys = made.clone().map(Made::keys).unwrap_or_default();
    let put = put(ctx, command, id, if_match, upload, made).await;
    if is_needless(&put, |medium| keys.contains(&medium.original)) {
        drop_objects(&ctx.blobs, keys).await;
    }
    let medium = put?;
    if medium.status == Status::Processing {
        ctx.media_work.notify_one();
    }
    Ok(medium)
}

/// Is it the file that the medium has? What cannot be done is told before the work; a request that may
/// have been answered before is looked at with its key.
async fn is_there(
    ctx: &Ctx,
    command: Command,
    id: MediaId,
    if_match: IfMatch,
    upload: &Upload,
) -> Result<bool, Error> {
    let hash = upload.hash.clone();
    ctx.db
        .read_brief(move |conn| {
            let medium = media::get(conn, id)?;
            if command.idempotency.is_none() {
                check(&medium, &command, if_match, &hash)?;
            }
            Ok(medium.hash == hash)
        })
        .await
}

fn check(medium: &Medium, command: &Command, if_match: IfMatch, hash: &str) -> Result<(), Error> {
    require_editor(medium, command)?;
    // The same file again changes nothing.
    if medium.hash != hash {
        if_match.check(medium.version)?;
    }
    require_open(medium)
}

async fn put(
    ctx: &Ctx,
    command: Command,
    id: MediaId,
    if_match: IfMatch,
    upload: Upload,
    made: Option<Made>,
) -> Result<Medium, Error> {
    run(ctx, command, move |conn, command| {
        let before = media::hold(conn, id)?;
        check(&before, command, if_match, &upload.hash)?;
        if before.hash == upload.hash {
            return Ok(before);
        }
        // It was the medium's file a moment ago.
        let made = made.ok_or_else(|| Error::Busy("the file was replaced meanwhile".to_owned()))?;
        if let Some(other) = media::find(conn, &upload.hash)? {
            return Err(Error::Conflict {
                code: Conflict::MediaKnown,
                detail: format!("medium {} has this file", other.id),
            });
        }
        if made.kind != before.kind {
            let message = format!("must be of the same kind: {}", before.kind.as_str());
            return Err(Faults::one("/file", FaultCode::Conflict, message).into());
        }
        let file_name = FileName::tidy(&upload.file_name);
        let medium = Medium {
            id,
            version: before.version.next(),
            tracks: before.tracks,
            created_by: before.created_by,
            created_at: before.created_at,
            ..made.medium(command, upload.hash, file_name, before.content)
        };
        media::put_file(conn, &medium)?;
        match medium.status {
            Status::Processing => media_jobs::put(conn, id, Work::All, command.at)?,
            _ => media_jobs::drop_for(conn, id)?,
        }
        let deed = deed(
            "replace",
            &medium,
            Some(before.version),
            Some(medium.version),
        );
        write_down(conn, command, &deed)?;
        Ok(medium)
    })
    .await
}
