//! One's own sign-ins: which there are, and their end.

use super::{idle_seconds, record};
use crate::ctx::Ctx;
use crate::domain::time::Zone;
use crate::domain::user::{Actor, Session, SessionId};
use crate::service::Error;
use crate::store::editorial::sessions;
use crate::store::public::portal;

/// Most sign-ins that are shown.
const MOST: i64 = 100;

/// The sign-ins of a user that are not over, the last used first, and the portal's time zone.
/// Here, because what both sides of the API share does not reach the editorial tables.
pub async fn own_sessions(ctx: &Ctx, actor: &Actor) -> Result<(Vec<Session>, Zone), Error> {
    let (user, now) = (actor.user_id, ctx.now());
    let idle_since = now.plus_seconds(-idle_seconds(ctx));
    ctx.db
        .read_brief(move |conn| {
            let zone = portal::get(conn)?.zone();
            Ok((sessions::list(conn, user, now, idle_since, MOST)?, zone))
        })
        .await
}

/// Ends one sign-in of the actor's.
pub async fn end_session(
    ctx: &Ctx,
    actor: Actor,
    address: String,
    id: SessionId,
) -> Result<(), Error> {
    let at = ctx.now();
    ctx.db
        .write(move |conn| {
            if !sessions::end_own(conn, actor.user_id, id.as_str(), at)? {
                return Err(Error::NotFound);
            }
            let session = actor.session_id.as_deref();
            record(
                conn,
                "end_session",
                actor.user_id,
                session,
                Some(&address),
                at,
            )
        })
        .await
}

/// Ends all sign-ins of the actor's but the one that asks.
pub async fn end_others(ctx: &Ctx, actor: Actor, address: String) -> Result<(), Error> {
    let at = ctx.now();
    ctx.db
        .write(move |conn| {
            let session = actor.session_id.as_deref();
            sessions::end_others(conn, actor.user_id, session, at)?;
            record(
                conn,
                "end_other_sessions",
                actor.user_id,
                session,
                Some(&address),
                at,
            )
        })
        .await
}
