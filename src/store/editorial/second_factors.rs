//! The second factors of users: the sealed secret of the app, and what is left of the recovery
//! codes. Whether it is asked for is said by the user's row, which callers hold.

use diesel::prelude::*;

use super::schema::{recovery_codes, second_factors};
use crate::domain::id::UserId;
use crate::domain::time::Instant;
use crate::store::{Conn, Result};

/// Stores the secret of a new app; the one before is void, its recovery codes too.
pub fn start(conn: &mut Conn, user: UserId, sealed: &[u8], at: Instant) -> Result<()> {
    remove(conn, user)?;
    diesel::insert_into(second_factors::table)
        .values((
            second_factors::user_id.eq(user.get()),
            second_factors::sealed.eq(sealed),
            second_factors::last_step.eq(0),
            second_factors::created_at.eq(at.micros()),
        ))
        .execute(conn)?;
    Ok(())
}

/// The sealed secret.
pub fn find(conn: &mut Conn, user: UserId) -> Result<Option<Vec<u8>>> {
    Ok(second_factors::table
        .find(user.get())
        .select(second_factors::sealed)
        .first(conn)
        .optional()?)
}

/// Uses up the code of a time step; false where it, or a later one, was used before.
pub fn use_step(conn: &mut Conn, user: UserId, step: i64) -> Result<bool> {
    let used = diesel::update(
        second_factors::table
            .find(user.get())
            .filter(second_factors::last_step.lt(step)),
    )
    .set(second_factors::last_step.eq(step))
    .execute(conn)?;
    Ok(used == 1)
}

/// Replaces the recovery codes.
pub fn set_recovery_codes(conn: &mut Conn, user: UserId, hashes: &[String]) -> Result<()> {
    diesel::delete(recovery_codes::table.filter(recovery_codes::user_id.eq(user.get())))
        .execute(conn)?;
    for hash in hashes {
        diesel::insert_into(recovery_codes::table)
            .values((
                recovery_codes::user_id.eq(user.get()),
                recovery_codes::hash.eq(hash),
            ))
            .execute(conn)?;
    }
    Ok(())
}

/// Uses up a recovery code; false where there is no such code (any more).
pub fn use_recovery_code(conn: &mut Conn, user: UserId, hash: &str) -> Result<bool> {
    let used = diesel::delete(recovery_codes::table.find((user.get(), hash))).execute(conn)?;
    Ok(used == 1)
}

/// How many recovery codes are left.
pub fn recovery_codes_left(conn: &mut Conn, user: UserId) -> Result<i64> {
    Ok(recovery_codes::table
        .filter(recovery_codes::user_id.eq(user.get()))
        .count()
        .get_result(conn)?)
}

/// Forgets the secret and the recovery codes.
pub fn remove(conn: &mut Conn, user: UserId) -> Result<()> {
    set_recovery_codes(conn, user, &[])?;
    diesel::delete(second_factors::table.find(user.get())).execute(conn)?;
    Ok(())
}
