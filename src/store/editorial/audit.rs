//! The audit log: one row with every command, in its transaction. Rows are a chain: each carries a
//! hash over itself and the row before it. Nothing changes a row, and only pruning removes some.

use diesel::prelude::*;
use sha2::{Digest as _, Sha256};

use super::schema::{audit, audit_head};
use crate::domain::id::{UserId, Version};
use crate::domain::time::Instant;
use crate::store::{Conn, Error, Result, to_json};

/// What stands before the first row of the chain.
pub const GENESIS: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// One row on its way in.
pub struct Entry<'a> {
    pub at: Instant,
    pub user_id: Option<UserId>,
    /// The API token that the user let somebody act by.
    pub token_id: Option<i64>,
    pub session_id: Option<&'a str>,
    pub address: Option<&'a str>,
    pub action: &'a str,
    pub object_type: &'a str,
    pub object_id: Option<i64>,
    pub version_before: Option<Version>,
    pub version_after: Option<Version>,
    pub reason: Option<&'a str>,
    /// More facts, as the text of a JSON object.
    pub details: Option<&'a str>,
}

/// A row as it is stored.
#[derive(Debug, Clone, PartialEq, Queryable, Selectable, Insertable)]
#[diesel(table_name = audit)]
pub struct Row {
    pub id: i64,
    pub at: i64,
    pub user_id: Option<i64>,
    pub token_id: Option<i64>,
    pub session_id: Option<String>,
    pub address: Option<String>,
    pub action: String,
    pub object_type: String,
    pub object_id: Option<i64>,
    pub version_before: Option<i64>,
    pub version_after: Option<i64>,
    pub reason: Option<String>,
    pub details: Option<String>,
    /// None in rows that are older than the chain.
    pub hash: Option<String>,
}

impl Row {
    /// SHA-256 over the hash of the row before and every column, as one JSON array: lengths and
    /// kinds are part of it, so that no two rows read alike.
    pub fn digest(&self, previous: &str) -> Result<String> {
        let text = to_json(&(
            previous,
            (self.id, self.at),
            (self.user_id, self.token_id, &self.session_id, &self.address),
            (&self.action, &self.object_type, self.object_id),
            (self.version_before, self.version_after),
            (&self.reason, &self.details),
        ))?;
        Ok(hex::encode(Sha256::digest(text.as_bytes())))
    }
}

/// The end of the chain.
#[derive(Debug, Clone, PartialEq, Queryable, Selectable)]
#[diesel(table_name = audit_head)]
pub struct Head {
    /// The last id that is older than the chain.
    pub began: i64,
    /// Id and hash of the newest row.
    pub seq: i64,
    pub hash: String,
}

/// Appends one row. It locks the head of the log until the transaction is over, and every other
/// command waits for it there: so it is the last thing a transaction writes. The head of the public
/// log is always locked first, so that no two transactions wait for each other.
pub fn append(conn: &mut Conn, entry: &Entry<'_>) -> Result<()> {
    let (seq, previous) = diesel::update(audit_head::table.find(1))
        .set(audit_head::seq.eq(audit_head::seq + 1))
        .returning((audit_head::seq, audit_head::hash))
        .get_result::<(i64, String)>(conn)
        .optional()?
        .ok_or_else(|| Error::Corrupt("the audit log has no head".to_owned()))?;
    let mut row = Row {
        id: seq,
        at: entry.at.micros(),
        user_id: entry.user_id.map(UserId::get),
        token_id: entry.token_id,
        session_id: entry.session_id.map(ToOwned::to_owned),
        address: entry.address.map(ToOwned::to_owned),
        action: entry.action.to_owned(),
        object_type: entry.object_type.to_owned(),
        object_id: entry.object_id,
        version_before: entry.version_before.map(Version::get),
        version_after: entry.version_after.map(Version::get),
        reason: entry.reason.map(ToOwned::to_owned),
        details: entry.details.map(ToOwned::to_owned),
        hash: None,
    };
    let hash = row.digest(&previous)?;
    row.hash = Some(hash.clone());
    diesel::insert_into(audit::table)
        .values(row)
        .execute(conn)?;
    diesel::update(audit_head::table.find(1))
        .set(audit_head::hash.eq(hash))
        .execute(conn)?;
    Ok(())
}
