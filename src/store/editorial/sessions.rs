//! Sign-ins, their refresh tokens, and failed attempts.

use diesel::prelude::*;

use super::schema::{login_failures, refresh_tokens, sessions};
use crate::domain::id::UserId;
use crate::domain::time::Instant;
use crate::domain::user::Session;
use crate::store::db::each_backend;
use crate::store::{Conn, Result};

type Row = (
    String,
    i64,
    i64,
    i64,
    i64,
    Option<i64>,
    Option<String>,
    Option<String>,
);

const COLUMNS: (
    sessions::id,
    sessions::user_id,
    sessions::created_at,
    sessions::used_at,
    sessions::expires_at,
    sessions::ended_at,
    sessions::address,
    sessions::agent,
) = (
    sessions::id,
    sessions::user_id,
    sessions::created_at,
    sessions::used_at,
    sessions::expires_at,
    sessions::ended_at,
    sessions::address,
    sessions::agent,
);

fn read((id, user_id, created_at, used_at, expires_at, ended_at, address, agent): Row) -> Session {
    Session {
        id,
        user_id: UserId::stored(user_id),
        created_at: Instant::from_micros(created_at),
        used_at: Instant::from_micros(used_at),
        expires_at: Instant::from_micros(expires_at),
        ended: ended_at.is_some(),
        address,
        agent,
    }
}

pub fn begin(conn: &mut Conn, session: &Session) -> Result<()> {
    diesel::insert_into(sessions::table)
        .values((
            sessions::id.eq(&session.id),
            sessions::user_id.eq(session.user_id.get()),
            sessions::created_at.eq(session.created_at.micros()),
            sessions::used_at.eq(session.used_at.micros()),
            sessions::expires_at.eq(session.expires_at.micros()),
            sessions::address.eq(session.address.as_deref()),
            sessions::agent.eq(session.agent.as_deref()),
        ))
        .execute(conn)?;
    Ok(())
}

/// Notes that a sign-in was used.
pub fn touch(conn: &mut Conn, id: &str, address: &str, at: Instant) -> Result<()> {
    diesel::update(sessions::table.find(id))
        .set((
            sessions::used_at.eq(at.micros()),
            sessions::address.eq(address),
        ))
        .execute(conn)?;
    Ok(())
}

/// The sign-ins of a user that are not over, the newest `most` by use; `idle_since`: those not
/// used since then are over.
pub fn list(
    conn: &mut Conn,
    user: UserId,
    now: Instant,
    idle_since: Instant,
    most: i64,
) -> Result<Vec<Session>> {
    let rows = sessions::table
        .filter(sessions::user_id.eq(user.get()))
        .filter(sessions::ended_at.is_null())
        .filter(sessions::expires_at.gt(now.micros()))
        .filter(sessions::used_at.gt(idle_since.micros()))
        .order((sessions::used_at.desc(), sessions::id))
        .limit(most)
        .select(COLUMNS)
        .load::<Row>(conn)?;
    Ok(rows.into_iter().map(read).collect())
}

/// Ends one of a user's sign-ins; false when there is none of this id that has not ended.
pub fn end_own(conn: &mut Conn, user: UserId, id: &str, at: Instant) -> Result<bool> {
    let ended = diesel::update(
        sessions::table
            .find(id)
            .filter(sessions::user_id.eq(user.get()))
            .filter(sessions::expires_at.gt(at.micros()))
            .filter(sessions::ended_at.is_null()),
    )
    .set(sessions::ended_at.eq(at.micros()))
    .execute(conn)?;
    Ok(ended > 0)
}

/// Ends one sign-in.
pub fn end(conn: &mut Conn, id: &str, at: Instant) -> Result<()> {
    diesel::update(
        sessions::table
            .find(id)
            .filter(sessions::ended_at.is_null()),
    )
    .set(sessions::ended_at.eq(at.micros()))
    .execute(conn)?;
    Ok(())
}

/// Ends all of a user's sign-ins but one.
pub fn end_others(conn: &mut Conn, user: UserId, keep: Option<&str>, at: Instant) -> Result<()> {
    diesel::update(
        sessions::table
            .filter(sessions::user_id.eq(user.get()))
            .filter(sessions::id.ne(keep.unwrap_or_default()))
            .filter(sessions::ended_at.is_null()),
    )
    .set(sessions::ended_at.eq(at.micros()))
    .execute(conn)?;
    Ok(())
}

/// A refresh token, found by its hash.
#[derive(Debug, Clone, PartialEq)]
pub struct RefreshToken {
    pub used_at: Option<Instant>,
    /// Hash of the token that it was exchanged for.
    pub successor: Option<String>,
}

pub fn add_token(conn: &mut Conn, session: &str, hash: &str, at: Instant) -> Result<()> {
    diesel::insert_into(refresh_tokens::table)
        .values((
            refresh_tokens::hash.eq(hash),
            refresh_tokens::session_id.eq(session),
            refresh_tokens::issued_at.eq(at.micros()),
        ))
        .execute(conn)?;
    Ok(())
}

/// A token with its session. The session's row is locked, so that two exchanges of one token
/// come one after the other.
pub fn find_token(conn: &mut Conn, hash: &str) -> Result<Option<(RefreshToken, Session)>> {
    let session: Option<String> = refresh_tokens::table
        .find(hash)
        .select(refresh_tokens::session_id)
        .first(conn)
        .optional()?;
    let Some(session) = session else {
        return Ok(None);
    };
    diesel::update(sessions::table.find(&session))
        .set(sessions::user_id.eq(sessions::user_id))
        .execute(conn)?;
    let (used_at, successor): (Option<i64>, Option<String>) = refresh_tokens::table
        .find(hash)
        .select((refresh_tokens::used_at, refresh_tokens::successor))
        .first(conn)?;
    let session = sessions::table
        .find(&session)
        .select(COLUMNS)
        .first::<Row>(conn)?;
    Ok(Some((
        RefreshToken {
            used_at: used_at.map(Instant::from_micros),
            successor,
        },
        read(session),
    )))
}

/// Was this token exchanged already?
pub fn is_used(conn: &mut Conn, hash: &str) -> Result<bool> {
    let used: Option<Option<i64>> = refresh_tokens::table
        .find(hash)
        .select(refresh_tokens::used_at)
        .first(conn)
        .optional()?;
    Ok(used.flatten().is_some())
}

/// Notes for which token one was exchanged. A successor that nobody used is spent with it, but
/// stays known: whoever holds it and comes later is found out.
pub fn exchange(
    conn: &mut Conn,
    hash: &str,
    successor: &str,
    first_used: Instant,
    at: Instant,
) -> Result<()> {
    let old: Option<String> = refresh_tokens::table
        .find(hash)
        .select(refresh_tokens::successor)
        .first(conn)?;
    if let Some(old) = old {
        diesel::update(refresh_tokens::table.find(old))
            .set(refresh_tokens::used_at.eq(at.micros()))
            .execute(conn)?;
    }
    diesel::update(refresh_tokens::table.find(hash))
        .set((
            refresh_tokens::successor.eq(successor),
            refresh_tokens::used_at.eq(first_used.micros()),
        ))
        .execute(conn)?;
    Ok(())
}

/// Counts one attempt in advance, so that concurrent ones cannot slip by; answers how many there
/// were in the window, this one included, and when the window began. Touches no other subject's
/// row: transactions that lock account before address cannot wait for each other in a circle.
pub fn count_attempt(
    conn: &mut Conn,
    subject: &str,
    at: Instant,
    window_seconds: i64,
) -> Result<(i64, Instant)> {
    let begins = at.plus_seconds(-window_seconds).micros();
    diesel::delete(
        login_failures::table
            .find(subject)
            .filter(login_failures::window_start.le(begins)),
    )
    .execute(conn)?;
    each_backend!(conn, |c| diesel::insert_into(login_failures::table)
        .values((
            login_failures::subject.eq(subject),
            login_failures::failures.eq(1),
            login_failures::window_start.eq(at.micros()),
        ))
        .on_conflict(login_failures::subject)
        .do_update()
        .set(login_failures::failures.eq(login_failures::failures + 1))
        .execute(c))?;
    let (failures, start) = login_failures::table
        .find(subject)
        .select((login_failures::failures, login_failures::window_start))
        .first::<(i64, i64)>(conn)?;
    Ok((failures, Instant::from_micros(start)))
}

/// Takes one attempt back: it was no failure.
pub fn uncount_attempt(conn: &mut Conn, subject: &str) -> Result<()> {
    diesel::update(
        login_failures::table
            .find(subject)
            .filter(login_failures::failures.gt(0)),
    )
    .set(login_failures::failures.eq(login_failures::failures - 1))
    .execute(conn)?;
    Ok(())
}

/// Under what an account's failures are counted.
pub fn account(login: &str) -> String {
    format!("account:{login}")
}

/// Forgets an account's failures: after a success, or with a new password.
pub fn forget_failures(conn: &mut Conn, subject: &str) -> Result<()> {
    diesel::delete(login_failures::table.find(subject)).execute(conn)?;
    Ok(())
}

/// Removes counters whose window is over, of one kind of subject (`account:` or `address:`).
pub fn tidy_failures(conn: &mut Conn, kind: &str, before: Instant) -> Result<usize> {
    let rows = diesel::delete(
        login_failures::table
            .filter(login_failures::subject.like(format!("{kind}%")))
            .filter(login_failures::window_start.le(before.micros())),
    )
    .execute(conn)?;
    Ok(rows)
}

/// Removes the refresh tokens of sign-ins that are over; the sign-ins stay, since audit rows
/// name them.
pub fn tidy_tokens(conn: &mut Conn, now: Instant) -> Result<usize> {
    let over = sessions::table
        .filter(
            sessions::ended_at
                .is_not_null()
                .or(sessions::expires_at.le(now.micros())),
        )
        .select(sessions::id);
    let rows =
        diesel::delete(refresh_tokens::table.filter(refresh_tokens::session_id.eq_any(over)))
            .execute(conn)?;
    Ok(rows)
}
