//! The audit log as a chain: its head, its rows in order, and the checkpoints that stand for rows
//! that were pruned.

use diesel::prelude::*;
use sha2::{Digest as _, Sha256};

use super::Row;
use crate::domain::time::Instant;
use crate::store::editorial::schema::{audit, audit_checkpoints, audit_head};
use crate::store::{Conn, Error, Result, to_json};

/// The end of the chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// The last id that is older than the chain.
    pub began: i64,
    /// Id and hash of the newest row.
    pub seq: i64,
    pub hash: String,
}

/// Where the chain goes on after rows were removed.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = audit_checkpoints)]
pub struct Checkpoint {
    /// From 1, without gaps.
    pub id: i64,
    pub at: i64,
    /// The last row that was removed.
    pub last_id: i64,
    /// How many rows were removed.
    pub removed: i64,
    /// Hash of the last row that was removed; of none where that is older than the chain.
    pub hash: String,
    /// The key that signed.
    pub kid: String,
    pub signature: String,
}

impl Checkpoint {
    /// What is signed: what it says, and the checkpoint before, so that none can be left out.
    pub fn message(&self, before: Option<&Checkpoint>) -> Result<Vec<u8>> {
        let text = to_json(&(
            "bantin audit checkpoint 1",
            (self.id, self.at, self.last_id, self.removed, &self.hash),
            before.map(|before| &before.signature),
        ))?;
        Ok(Sha256::digest(text.as_bytes()).to_vec())
    }
}

pub fn head(conn: &mut Conn) -> Result<Head> {
    audit_head::table
        .find(1)
        .select((audit_head::began, audit_head::seq, audit_head::hash))
        .first(conn)
        .optional()?
        .map(|(began, seq, hash)| Head { began, seq, hash })
        .ok_or_else(|| Error::Corrupt("the audit log has no head".to_owned()))
}

/// Locks the head until the transaction is over, and reads it.
pub fn hold(conn: &mut Conn) -> Result<Head> {
    diesel::update(audit_head::table.find(1))
        .set(audit_head::seq.eq(audit_head::seq))
        .execute(conn)?;
    head(conn)
}

/// Up to `limit` rows after `after`, in order.
pub fn rows(conn: &mut Conn, after: i64, limit: i64) -> Result<Vec<Row>> {
    Ok(audit::table
        .filter(audit::id.gt(after))
        .order(audit::id)
        .limit(limit)
        .select(Row::as_select())
        .load(conn)?)
}

pub fn row(conn: &mut Conn, id: i64) -> Result<Option<Row>> {
    Ok(audit::table
        .find(id)
        .select(Row::as_select())
        .first(conn)
        .optional()?)
}

/// All checkpoints, oldest first.
pub fn checkpoints(conn: &mut Conn) -> Result<Vec<Checkpoint>> {
    Ok(audit_checkpoints::table
        .order(audit_checkpoints::id)
        .select(Checkpoint::as_select())
        .load(conn)?)
}

/// The newest checkpoint.
pub fn checkpoint(conn: &mut Conn) -> Result<Option<Checkpoint>> {
    Ok(audit_checkpoints::table
        .order(audit_checkpoints::id.desc())
        .select(Checkpoint::as_select())
        .first(conn)
        .optional()?)
}

/// The last of the rows to prune: at most `most` of the oldest ones, up to the first that is not
/// older than `before`; so that what is left is always the end of the chain.
pub fn prunable(conn: &mut Conn, before: Instant, most: i64) -> Result<Option<(i64, i64)>> {
    let oldest: Vec<(i64, i64)> = audit::table
        .order(audit::id)
        .limit(most)
        .select((audit::id, audit::at))
        .load(conn)?;
    let old = oldest
        .iter()
        .take_while(|(_, at)| *at < before.micros())
        .count();
    let last = oldest.get(..old).and_then(|old| old.last());
    let count = i64::try_from(old).unwrap_or(i64::MAX);
    Ok(last.map(|(id, _)| (*id, count)))
}

/// Removes the rows up to an id, and puts a checkpoint in their place. The head is held.
pub fn prune(conn: &mut Conn, checkpoint: Checkpoint) -> Result<()> {
    diesel::delete(audit::table.filter(audit::id.le(checkpoint.last_id))).execute(conn)?;
    diesel::insert_into(audit_checkpoints::table)
        .values(checkpoint)
        .execute(conn)?;
    Ok(())
}
