//! Invitations: one open one for each user, found by the hash of its secret.

use diesel::prelude::*;

use super::schema::invitations;
use crate::domain::id::UserId;
use crate::domain::time::Instant;
use crate::store::{Conn, Result};

/// Opens an invitation; the one before is void.
pub fn open(
    conn: &mut Conn,
    user: UserId,
    hash: &str,
    by: UserId,
    at: Instant,
    expires_at: Instant,
) -> Result<()> {
    void(conn, user)?;
    diesel::insert_into(invitations::table)
        .values((
            invitations::user_id.eq(user.get()),
            invitations::hash.eq(hash),
            invitations::created_by.eq(by.get()),
            invitations::created_at.eq(at.micros()),
            invitations::expires_at.eq(expires_at.micros()),
        ))
        .execute(conn)?;
    Ok(())
}

/// Whose invitation this is, if it is open.
pub fn find(conn: &mut Conn, hash: &str, now: Instant) -> Result<Option<UserId>> {
    let user: Option<i64> = invitations::table
        .filter(invitations::hash.eq(hash))
        .filter(invitations::expires_at.gt(now.micros()))
        .select(invitations::user_id)
        .first(conn)
        .optional()?;
    Ok(user.map(UserId::stored))
}

/// Nobody can accept a user's invitation any more.
pub fn void(conn: &mut Conn, user: UserId) -> Result<()> {
    diesel::delete(invitations::table.find(user.get())).execute(conn)?;
    Ok(())
}
