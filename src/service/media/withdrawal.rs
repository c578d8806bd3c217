//! Withdrawing a medium: its files close at once, everywhere, without a new edition of anything.

use super::deed;
use crate::ctx::Ctx;
use crate::domain::article::TakeDown;
use crate::domain::changes::Why;
use crate::domain::id::{ArticleId, MediaId};
use crate::domain::media::{Failure, Medium, Status, Withdrawal};
use crate::service::{Command, Conflict, Deed, Error, IfMatch, run_public, write_down};
use crate::store::editorial::{media, media_jobs};
use crate::store::public::changes::PublicWrite;
use crate::store::public::{articles as live, categories, media as live_media, portal};

/// Closes a medium. Every public article that shows it gets a row in the log; its figures keep their
/// captions. The bytes stay in storage, and nobody is given them.
pub async fn withdraw(
    ctx: &Ctx,
    command: Command,
    id: MediaId,
    if_match: IfMatch,
    body: TakeDown,
) -> Result<Medium, Error> {
    run_public(ctx, command, move |write, command| {
        let before = media::hold(write.conn(), id)?;
        if_match.check(before.version)?;
        if before.withdrawn.is_some() {
            return Err(Error::Conflict {
                code: Conflict::MediaWithdrawn,
                detail: "the medium was withdrawn before".to_owned(),
            });
        }
        let withdrawal = Withdrawal {
            at: portal::get(write.conn())?.zone().show(command.at),
            reason_code: body.reason_code,
        };
        for article in live_media::uses(write.conn(), id)? {
            close_in(write, command, article, id, &withdrawal)?;
        }
        // Files that were never public close with the others: a preview may have been seen.
        // So do those that it had before its file was replaced.
        let mut hashes = media::published_files(write.conn(), id)?;
        hashes.extend(before.renditions.iter().map(|made| made.hash.clone()));
        hashes.extend(before.tracks.iter().map(|track| track.hash.clone()));
        live_media::withdraw(write, id, &withdrawal, hashes)?;
        // Files that come now would be open.
        media_jobs::drop_for(write.conn(), id)?;
        let (status, failure) = match before.status {
            Status::Processing => (Status::Failed, Some(Failure::Withdrawn)),
            status => (status, before.failure),
        };
        let medium = Medium {
            version: before.version.next(),
            status,
            failure,
            withdrawn: Some(withdrawal),
            ..before.clone()
        };
        media::withdraw(write.conn(), &medium)?;
        let details = body.details();
        write_down(
            write.conn(),
            command,
            &Deed {
                reason: Some(&body.reason()),
                details: details.as_deref(),
                ..deed(
                    "withdraw",
                    &medium,
                    Some(before.version),
                    Some(medium.version),
                )
            },
        )?;
        Ok(medium)
    })
    .await
}

/// Closes the medium in what readers see of one article.
fn close_in(
    write: &mut PublicWrite<'_>,
    command: &Command,
    article: ArticleId,
    id: MediaId,
    withdrawal: &Withdrawal,
) -> Result<(), Error> {
    let mut public = live::get(write.conn(), article)?;
    let mut body = live::body(write.conn(), article)?;
    for block in &mut body {
        block.withdraw(id, withdrawal);
    }
    // A list with a hole is worse than a list without a picture.
    public.cover = public.cover.filter(|cover| cover.id != id);
    let path = categories::get(write.conn(), public.category_id)?.path;
    let change = public.changed(Why::MediaWithdrawn, path.clone(), path);
    public.seq = write.record(command.at, &change)?;
    Ok(live::put_media(write, &public, &body)?)
}
