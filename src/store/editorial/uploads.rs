//! Uploads that arrive in pieces, and their pieces.

use diesel::prelude::*;

use super::schema::{upload_parts, uploads};
use crate::domain::id::{MediaId, UserId};
use crate::domain::media::{Claim, FileName};
use crate::domain::time::Instant;
use crate::domain::upload::Arrival;
use crate::store::{Conn, Result, from_json, to_json};

#[derive(Queryable)]
struct Row {
    id: String,
    user_id: i64,
    length: i64,
    received: i64,
    file_name: String,
    content: String,
    expires_at: i64,
    media_id: Option<i64>,
    claim: Option<String>,
}

impl Row {
    fn read(self) -> Result<Arrival> {
        Ok(Arrival {
            id: self.id,
            user_id: UserId::stored(self.user_id),
            length: self.length,
            received: self.received,
            file_name: FileName::stored(self.file_name),
            claim: self.claim.map(Claim::stored),
            content: from_json(&self.content)?,
            expires_at: Instant::from_micros(self.expires_at),
            media_id: self.media_id.map(MediaId::stored),
        })
    }
}

pub fn insert(conn: &mut Conn, arrival: &Arrival) -> Result<()> {
    diesel::insert_into(uploads::table)
        .values((
            uploads::id.eq(&arrival.id),
            uploads::user_id.eq(arrival.user_id.get()),
            uploads::length.eq(arrival.length),
            uploads::received.eq(arrival.received),
            uploads::file_name.eq(arrival.file_name.as_str()),
            uploads::claim.eq(arrival.claim.as_ref().map(Claim::as_str)),
            uploads::content.eq(to_json(&arrival.content)?),
            uploads::expires_at.eq(arrival.expires_at.micros()),
        ))
        .execute(conn)?;
    Ok(())
}

pub fn get(conn: &mut Conn, id: &str) -> Result<Arrival> {
    uploads::table.find(id).first::<Row>(conn)?.read()
}

/// How many uploads of a user are not done.
pub fn count_open(conn: &mut Conn, user: UserId, now: Instant) -> Result<i64> {
    Ok(uploads::table
        .filter(uploads::user_id.eq(user.get()))
        .filter(uploads::media_id.is_null())
        .filter(uploads::expires_at.gt(now.micros()))
        .count()
        .get_result(conn)?)
}

/// Adds a piece that begins where the upload stood. False, and nothing done, where it stands elsewhere
/// by now.
pub fn add_part(conn: &mut Conn, before: &Arrival, after: &Arrival, key: &str) -> Result<bool> {
    if !advance(conn, before, after)? {
        return Ok(false);
    }
    diesel::insert_into(upload_parts::table)
        .values((
            upload_parts::upload_id.eq(&before.id),
            upload_parts::starts_at.eq(before.received),
            upload_parts::key.eq(key),
        ))
        .execute(conn)?;
    Ok(true)
}

/// How many pieces an upload has.
pub fn count_parts(conn: &mut Conn, id: &str) -> Result<i64> {
    Ok(upload_parts::table
        .filter(upload_parts::upload_id.eq(id))
        .count()
        .get_result(conn)?)
}

/// The upload has become a medium: it needs its pieces no more. False, and nothing done, where it does
/// not stand at `before`.
pub fn finish(conn: &mut Conn, before: &Arrival, after: &Arrival) -> Result<bool> {
    if !advance(conn, before, after)? {
        return Ok(false);
    }
    let parts = upload_parts::table.filter(upload_parts::upload_id.eq(&before.id));
    diesel::delete(parts).execute(conn)?;
    Ok(true)
}

fn advance(conn: &mut Conn, before: &Arrival, after: &Arrival) -> Result<bool> {
    let standing = uploads::table
        .find(&before.id)
        .filter(uploads::received.eq(before.received))
        .filter(uploads::media_id.is_null());
    let moved = diesel::update(standing)
        .set((
            uploads::received.eq(after.received),
            uploads::expires_at.eq(after.expires_at.micros()),
            uploads::media_id.eq(after.media_id.map(MediaId::get)),
        ))
        .execute(conn)?;
    Ok(moved == 1)
}

/// Keys of the pieces, in their order.
pub fn parts(conn: &mut Conn, id: &str) -> Result<Vec<String>> {
    Ok(upload_parts::table
        .filter(upload_parts::upload_id.eq(id))
        .order(upload_parts::starts_at)
        .select(upload_parts::key)
        .load(conn)?)
}

/// Removes an upload; answers the keys of its pieces.
pub fn delete(conn: &mut Conn, id: &str) -> Result<Vec<String>> {
    // No piece is added between the look and the deletion.
    diesel::update(uploads::table.find(id))
        .set(uploads::received.eq(uploads::received))
        .execute(conn)?;
    let keys = parts(conn, id)?;
    diesel::delete(uploads::table.find(id)).execute(conn)?;
    Ok(keys)
}

/// Removes an upload if it has expired: somebody may have gone on with it since it was looked at.
pub fn delete_expired(conn: &mut Conn, id: &str, now: Instant) -> Result<Vec<String>> {
    let held = diesel::update(uploads::table.find(id))
        .filter(uploads::expires_at.le(now.micros()))
        .set(uploads::received.eq(uploads::received))
        .execute(conn)?;
    match held {
        0 => Ok(Vec::new()),
        _ => delete(conn, id),
    }
}

/// Some uploads that have expired.
pub fn expired(conn: &mut Conn, now: Instant) -> Result<Vec<String>> {
    Ok(uploads::table
        .filter(uploads::expires_at.le(now.micros()))
        .order(uploads::expires_at)
        .limit(100)
        .select(uploads::id)
        .load(conn)?)
}
