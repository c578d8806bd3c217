//! Work on media that is left for later: whichever node has a turn does it. It stands in rows, so it
//! outlives every process.

use std::sync::Arc;

use super::pictures::{Ready, Unready, limits, make_ready};
use super::{drop_objects, internal};
use crate::ctx::Ctx;
use crate::domain::id::MediaId;
use crate::domain::media::{Failure, Medium, Status, Work};
use crate::domain::time::Instant;
use crate::infra::image::ImageError;
use crate::infra::random;
use crate::service::{Deed, Error};
use crate::store::editorial::media_jobs::{Job, Load};
use crate::store::editorial::{audit, media, media_jobs};
use crate::store::{self, Conn};

/// Longer than any picture takes; after this another node takes what one has left lying.
const LEASE_SECONDS: i64 = 600;
/// Seconds until the next attempt, after so many that failed. There is none after the last.
const WAITS: [i64; 5] = [0, 10, 60, 300, 1800];
/// Seconds until the work is tried again that a storage which was away has ended.
const STORAGE_WAIT: i64 = 60;

/// Takes back what a process that is gone was at. Only for a database that has no other node. What it was
/// at again may be what ended it, and waits.
pub async fn recover(ctx: &Ctx) -> Result<(), Error> {
    let now = ctx.now();
    ctx.db
        .write(move |conn| {
            for (id, attempts, claimer) in media_jobs::claimed(conn)? {
                let due = now.plus_seconds(wait(attempts - 1).unwrap_or(LEASE_SECONDS));
                media_jobs::give_back(conn, id, &claimer, attempts, due)?;
            }
            Ok(())
        })
        .await
}

/// Seconds until the next attempt, where there is one.
fn wait(failed: i64) -> Option<i64> {
    WAITS.get(usize::try_from(failed).ok()?).copied()
}

/// How much is left to do.
pub async fn load(ctx: &Ctx) -> Result<Load, Error> {
    let now = ctx.now();
    ctx.db
        .read_brief(move |conn| media_jobs::load(conn, now).map_err(Error::from))
        .await
}

/// Does one thing that is left to do, if there is one. False if there was not.
pub async fn work_once(ctx: &Ctx) -> Result<bool, Error> {
    let now = ctx.now();
    let is_any = ctx
        .db
        .read_brief(move |conn| media_jobs::is_any_due(conn, now).map_err(Error::from))
        .await?;
    if !is_any {
        return Ok(false);
    }
    // First the turn, then the claim: what was taken is not to wait.
    let turn = Arc::clone(&ctx.decoding).acquire_owned().await;
    let turn = turn.map_err(internal)?;
    let claimer = random::token();
    let Some((job, medium)) = claim(ctx, claimer.clone()).await? else {
        return Ok(false);
    };
    let began = ctx.now();
    let made = match usize::try_from(job.attempts).is_ok_and(|n| n > WAITS.len()) {
        // Every attempt ended its process, or outlasted its lease.
        true => Err(Unready::Failed(internal("was tried too often"))),
        false => {
            let (blobs, limits, what) = (ctx.blobs.clone(), limits(ctx), job.what);
            tokio::task::spawn_blocking(move || {
                let _turn = turn;
                make_ready(&blobs, &medium, what, &limits)
            })
            .await
            .unwrap_or_else(|error| Err(Unready::Failed(internal(error))))
        }
    };
    let failure = match made {
        Ok(ready) => {
            keep(ctx, job.media_id, claimer.clone(), ready).await?;
            None
        }
        Err(Unready::Refused(error)) => Some(reason(error)),
        // The storage is away: that is no attempt, and there is no end to waiting for it.
        Err(Unready::Failed(error @ Error::Busy(_))) => {
            let id = job.media_id.get();
            tracing::warn!(medium = id, ?error, "a medium waits for its storage");
            let due = ctx.now().plus_seconds(STORAGE_WAIT);
            give_back(ctx, job.media_id, claimer, job.attempts - 1, due).await?;
            return Ok(true);
        }
        Err(Unready::Failed(error)) => {
            let wait = wait(job.attempts);
            let id = job.media_id.get();
            tracing::warn!(
                medium = id,
                ?error,
                ?wait,
                "a medium could not be made ready"
            );
            match wait {
                Some(wait) => {
                    let due = ctx.now().plus_seconds(wait);
                    give_back(ctx, job.media_id, claimer, job.attempts, due).await?;
                    return Ok(true);
                }
                None => Some(Failure::GaveUp),
            }
        }
    };
    if let Some(failure) = failure {
        fail(ctx, job, claimer, failure).await?;
    }
    let took = std::time::Duration::from_micros(ctx.now().micros().abs_diff(began.micros()));
    ctx.metrics.media_job_duration.observe(took.as_secs_f64());
    Ok(true)
}

fn reason(error: ImageError) -> Failure {
    match error {
        ImageError::TooManyPixels => Failure::TooLarge,
        ImageError::Misread(_) => Failure::Misread,
        _ => Failure::Damaged,
    }
}

async fn claim(ctx: &Ctx, claimer: String) -> Result<Option<(Job, Medium)>, Error> {
    let now = ctx.now();
    ctx.db
        .write(move |conn| {
            let until = now.plus_seconds(LEASE_SECONDS);
            let Some(job) = media_jobs::claim(conn, now, until, &claimer)? else {
                return Ok(None);
            };
            let medium = media::get(conn, job.media_id)?;
            Ok::<_, Error>(Some((job, medium)))
        })
        .await
}

/// Ends a piece of work: `change` says what the medium is now. False where the claim does not hold any
/// more, because the medium is gone, was withdrawn, or somebody else has taken the work.
fn end(
    conn: &mut Conn,
    (id, claimer, at): (MediaId, &str, Instant),
    action: &str,
    change: impl FnOnce(&mut Medium),
) -> Result<bool, Error> {
    let mut medium = match media::hold(conn, id) {
        Err(store::Error::NotFound) => return Ok(false),
        held => held?,
    };
    if !media_jobs::finish(conn, id, claimer)? {
        return Ok(false);
    }
    let before = medium.version;
    medium.version = before.next();
    change(&mut medium);
    media::put_made(conn, &medium)?;
    let deed = Deed {
        details: None,
        ..super::deed(action, &medium, Some(before), Some(medium.version))
    };
    audit::append(conn, &deed.by_nobody(at))?;
    Ok(true)
}

/// The objects are there; the row follows.
async fn keep(ctx: &Ctx, id: MediaId, claimer: String, ready: Ready) -> Result<(), Error> {
    let (at, keys) = (ctx.now(), ready.keys());
    let kept = ctx
        .db
        .write(move |conn| {
            end(conn, (id, &claimer, at), "make_ready", |medium| {
                ready.put_into(medium);
            })
        })
        .await?;
    if kept {
        ctx.metrics.media_jobs_done.inc();
    } else {
        drop_objects(&ctx.blobs, keys).await;
    }
    Ok(())
}

/// What was ready before stays so with the files that it has.
async fn fail(ctx: &Ctx, job: Job, claimer: String, failure: Failure) -> Result<(), Error> {
    let at = ctx.now();
    let failed = ctx
        .db
        .write(move |conn| {
            if job.what == Work::Crops {
                return Ok(media_jobs::finish(conn, job.media_id, &claimer)?);
            }
            end(conn, (job.media_id, &claimer, at), "fail", |medium| {
                medium.status = Status::Failed;
                medium.failure = Some(failure);
            })
        })
        .await?;
    if failed {
        ctx.metrics.media_jobs_failed.inc();
    }
    Ok(())
}

async fn give_back(
    ctx: &Ctx,
    id: MediaId,
    claimer: String,
    attempts: i64,
    due: Instant,
) -> Result<(), Error> {
    ctx.db
        .write(move |conn| Ok(media_jobs::give_back(conn, id, &claimer, attempts, due)?))
        .await
}
