//! Work that is left to do for media; any node takes it.

use diesel::prelude::*;

use super::schema::media_jobs as jobs;
use crate::domain::id::MediaId;
use crate::domain::media::Work;
use crate::domain::time::Instant;
use crate::store::db::each_backend;
use crate::store::{Conn, Result, word};

/// A piece of work that was taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Job {
    pub media_id: MediaId,
    pub what: Work,
    /// How often it was taken, this time included.
    pub attempts: i64,
}

/// How many there are, and how many of them somebody is at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Load {
    pub queued: i64,
    pub running: i64,
}

/// Leaves work for a medium. Who is at it already will not be listened to: it began with what was there
/// before. Work on everything stays work on everything.
pub fn put(conn: &mut Conn, id: MediaId, what: Work, now: Instant) -> Result<()> {
    let before: Option<String> = jobs::table
        .find(id.get())
        .select(jobs::what)
        .first(conn)
        .optional()?;
    let what = match before {
        Some(before) if word(Work::parse, &before)? == Work::All => Work::All,
        _ => what,
    };
    each_backend!(conn, |c| diesel::insert_into(jobs::table)
        .values((
            jobs::media_id.eq(id.get()),
            jobs::what.eq(what.as_str()),
            jobs::queued_at.eq(now.micros()),
            jobs::due_at.eq(now.micros()),
            jobs::attempts.eq(0),
        ))
        .on_conflict(jobs::media_id)
        .do_update()
        .set((
            jobs::what.eq(what.as_str()),
            jobs::due_at.eq(now.micros()),
            jobs::attempts.eq(0),
            jobs::claimed_by.eq(None::<String>),
        ))
        .execute(c))?;
    Ok(())
}

/// Is there something to take?
pub fn is_any_due(conn: &mut Conn, now: Instant) -> Result<bool> {
    Ok(first_due(conn, now)?.is_some())
}

fn first_due(conn: &mut Conn, now: Instant) -> Result<Option<(i64, i64)>> {
    Ok(jobs::table
        .filter(jobs::due_at.le(now.micros()))
        .order((jobs::due_at, jobs::media_id))
        .select((jobs::media_id, jobs::due_at))
        .first(conn)
        .optional()?)
}

/// Takes what has waited longest, until `until`; counts the attempt before it is made, since it may
/// end this process. `claimer` is a name that is used once.
pub fn claim(conn: &mut Conn, now: Instant, until: Instant, claimer: &str) -> Result<Option<Job>> {
    while let Some((id, due_at)) = first_due(conn, now)? {
        let taken = diesel::update(jobs::table.find(id))
            // Unless somebody else has taken it since.
            .filter(jobs::due_at.eq(due_at))
            .set((
                jobs::due_at.eq(until.micros()),
                jobs::attempts.eq(jobs::attempts + 1),
                jobs::claimed_by.eq(claimer),
            ))
            .execute(conn)?;
        if taken == 1 {
            let (what, attempts): (String, i64) = jobs::table
                .find(id)
                .select((jobs::what, jobs::attempts))
                .first(conn)?;
            return Ok(Some(Job {
                media_id: MediaId::stored(id),
                what: word(Work::parse, &what)?,
                attempts,
            }));
        }
    }
    Ok(None)
}

/// Ends the work of this claim; false where it is not ours any more.
pub fn finish(conn: &mut Conn, id: MediaId, claimer: &str) -> Result<bool> {
    let gone = diesel::delete(jobs::table.find(id.get()))
        .filter(jobs::claimed_by.eq(claimer))
        .execute(conn)?;
    Ok(gone == 1)
}

/// Gives the work back after so many attempts, to be tried again at `due`.
pub fn give_back(
    conn: &mut Conn,
    id: MediaId,
    claimer: &str,
    attempts: i64,
    due: Instant,
) -> Result<()> {
    diesel::update(jobs::table.find(id.get()))
        .filter(jobs::claimed_by.eq(claimer))
        .set((
            jobs::due_at.eq(due.micros()),
            jobs::attempts.eq(attempts),
            jobs::claimed_by.eq(None::<String>),
        ))
        .execute(conn)?;
    Ok(())
}

/// What somebody is at, or was when the process ended.
pub fn claimed(conn: &mut Conn) -> Result<Vec<(MediaId, i64, String)>> {
    let rows: Vec<(i64, i64, Option<String>)> = jobs::table
        .filter(jobs::claimed_by.is_not_null())
        .select((jobs::media_id, jobs::attempts, jobs::claimed_by))
        .load(conn)?;
    let rows = rows.into_iter();
    Ok(rows
        .filter_map(|(id, attempts, by)| Some((MediaId::stored(id), attempts, by?)))
        .collect())
}

/// Drops the work for a medium, whoever is at it.
pub fn drop_for(conn: &mut Conn, id: MediaId) -> Result<()> {
    diesel::delete(jobs::table.find(id.get())).execute(conn)?;
    Ok(())
}

pub fn load(conn: &mut Conn, now: Instant) -> Result<Load> {
    let all: i64 = jobs::table.count().get_result(conn)?;
    let running: i64 = jobs::table
        .filter(jobs::claimed_by.is_not_null())
        .filter(jobs::due_at.gt(now.micros()))
        .count()
        .get_result(conn)?;
    Ok(Load {
        queued: all - running,
        running,
    })
}
