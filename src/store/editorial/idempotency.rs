//! Idempotency keys: kept for a day, in the same transaction as the write they belong to.

use diesel::prelude::*;

use super::schema::idempotency_keys as keys;
use crate::domain::id::UserId;
use crate::domain::time::Instant;
use crate::store::db::each_backend;
use crate::store::{Conn, Error, Result};

/// How long a key is remembered.
const LIFETIME_SECONDS: i64 = 24 * 60 * 60;

/// What is known of a key.
pub enum Claim {
    /// Never seen: this transaction owns it now.
    New,
    /// Used before: its request and what came of it.
    Known {
        fingerprint: String,
        outcome: String,
    },
}

/// Takes a key, or tells what came of it. On PostgreSQL a second request with the same key waits
/// here until the first has committed; on SQLite writers queue anyway.
pub fn claim(
    conn: &mut Conn,
    user: UserId,
    key: &str,
    fingerprint: &str,
    at: Instant,
) -> Result<Claim> {
    diesel::delete(
        keys::table.filter(keys::created_at.lt(at.plus_seconds(-LIFETIME_SECONDS).micros())),
    )
    .execute(conn)?;
    let row = (
        keys::user_id.eq(user.get()),
        keys::key.eq(key),
        keys::fingerprint.eq(fingerprint),
        keys::created_at.eq(at.micros()),
    );
    let inserted = each_backend!(conn, |c| diesel::insert_into(keys::table)
        .values(row)
        .on_conflict_do_nothing()
        .execute(c))?;
    if inserted == 1 {
        return Ok(Claim::New);
    }
    let (fingerprint, outcome): (String, Option<String>) = keys::table
        .find((user.get(), key))
        .select((keys::fingerprint, keys::outcome))
        .first(conn)?;
    Ok(Claim::Known {
        fingerprint,
        outcome: outcome.ok_or_else(|| Error::Corrupt("a key without an outcome".to_owned()))?,
    })
}

/// Keeps what came of the request.
pub fn keep(conn: &mut Conn, user: UserId, key: &str, outcome: &str) -> Result<()> {
    diesel::update(keys::table.find((user.get(), key)))
        .set(keys::outcome.eq(outcome))
        .execute(conn)?;
    Ok(())
}
