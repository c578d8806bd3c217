//! The lock of an article: take or renew it, let go of it. It says who is at work, and no save asks
//! for it; so only what is done to somebody else's lock goes into the audit log.

use super::working_copy::load;
use super::{Command, Deed, Error, run, write_down};
use crate::ctx::Ctx;
use crate::domain::id::ArticleId;
use crate::domain::lock::{Lock, TakeLock};
use crate::domain::policy::{self, Right};
use crate::domain::user::Who;
use crate::store::Conn;
use crate::store::editorial::{locks, users};
use crate::store::public::portal;

/// Takes the lock, or holds it for longer.
pub async fn take(
    ctx: &Ctx,
    command: Command,
    id: ArticleId,
    body: TakeLock,
) -> Result<Lock, Error> {
    run(ctx, command, move |conn, command| {
        load(conn, command, id)?;
        let current = standing(conn, command, id)?;
        let (since, from) = match current {
            Some(lock) if lock.by.id == command.actor.user_id => (lock.since, None),
            Some(lock) if !body.force => return Err(held(conn, lock)?),
            other => (command.at, other),
        };
        let user = users::get(conn, command.actor.user_id)?;
        let lock = Lock {
            by: Who::from(&user),
            since,
            expires_at: command.at.plus_seconds(body.seconds()),
        };
        locks::put(conn, id, &lock)?;
        let lock = shown(conn, lock)?;
        if let Some(from) = from {
            note(conn, command, id, "take_over_lock", &from)?;
        }
        Ok(lock)
    })
    .await
}

/// Lets go of the lock. Who may edit every article may end anybody's.
pub async fn release(ctx: &Ctx, command: Command, id: ArticleId) -> Result<(), Error> {
    run(ctx, command, move |conn, command| {
        load(conn, command, id)?;
        let others =
            standing(conn, command, id)?.filter(|lock| lock.by.id != command.actor.user_id);
        match others {
            Some(lock) if !policy::has(&command.actor.roles, Right::Edit) => Err(held(conn, lock)?),
            Some(lock) => {
                locks::delete(conn, id)?;
                note(conn, command, id, "end_lock", &lock)
            }
            None => Ok(locks::delete(conn, id)?),
        }
    })
    .await
}

/// The lock that holds now.
fn standing(conn: &mut Conn, command: &Command, id: ArticleId) -> Result<Option<Lock>, Error> {
    let last = locks::find(conn, id)?;
    Ok(last.filter(|lock| lock.holds_at(command.at)))
}

fn held(conn: &mut Conn, lock: Lock) -> Result<Error, Error> {
    Ok(Error::Locked(Box::new(shown(conn, lock)?)))
}

/// With its instants in the portal's zone.
fn shown(conn: &mut Conn, lock: Lock) -> Result<Lock, Error> {
    let zone = portal::get(conn)?.zone();
    Ok(Lock {
        since: zone.show(lock.since),
        expires_at: zone.show(lock.expires_at),
        ..lock
    })
}

fn note(
    conn: &mut Conn,
    command: &Command,
    id: ArticleId,
    action: &str,
    lock: &Lock,
) -> Result<(), Error> {
    let details = serde_json::json!({"held_by": lock.by.id}).to_string();
    write_down(
        conn,
        command,
        &Deed {
            action,
            object_type: "article",
            object_id: id.get(),
            before: None,
            after: None,
            reason: None,
            details: Some(&details),
        },
    )
}
