//! The audit log: one row with every command, in its transaction.

use diesel::prelude::*;

use super::schema::audit;
use crate::domain::id::{UserId, Version};
use crate::domain::time::Instant;
use crate::store::{Conn, Result};

/// One row on its way in.
pub struct Entry<'a> {
    pub at: Instant,
    pub user_id: Option<UserId>,
    pub session_id: Option<&'a str>,
    pub address: Option<&'a str>,
    pub action: &'a str,
    pub object_type: &'a str,
    pub object_id: Option<i64>,
    pub version_before: Option<Version>,
    pub version_after: Option<Version>,
    pub reason: Option<&'a str>,
}

pub fn append(conn: &mut Conn, entry: &Entry<'_>) -> Result<()> {
    diesel::insert_into(audit::table)
        .values((
            audit::at.eq(entry.at.micros()),
            audit::user_id.eq(entry.user_id.map(UserId::get)),
            audit::session_id.eq(entry.session_id),
            audit::address.eq(entry.address),
            audit::action.eq(entry.action),
            audit::object_type.eq(entry.object_type),
            audit::object_id.eq(entry.object_id),
            audit::version_before.eq(entry.version_before.map(Version::get)),
            audit::version_after.eq(entry.version_after.map(Version::get)),
            audit::reason.eq(entry.reason),
        ))
        .execute(conn)?;
    Ok(())
}
