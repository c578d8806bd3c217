//! The audit log: one row with every command, in its transaction. Rows are a chain: each carries a
//! hash over itself and the row before it. Nothing changes a row, and only pruning removes some.

pub mod chain;

use std::collections::{BTreeSet, HashMap};

use diesel::prelude::*;
use sha2::{Digest as _, Sha256};

use super::schema::{audit, audit_head, users};
use crate::domain::audit::{AuditActor, AuditEntry, AuditFilter, AuditObject};
use crate::domain::content::PersonName;
use crate::domain::id::{UserId, Version};
use crate::domain::page::{Cursor, Limit, Page};
use crate::domain::time::{Instant, Zone};
use crate::domain::user::Login;
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

/// Who brought an object to a version, and when; none where that row was pruned.
pub fn who_made(
    conn: &mut Conn,
    object_type: &str,
    object_id: i64,
    version: Version,
) -> Result<Option<(UserId, Instant)>> {
    // What leaves the version as it was did not make it.
    let made = audit::version_before
        .is_null()
        .or(audit::version_before.lt(audit::version_after));
    let row: Option<(Option<i64>, i64)> = audit::table
        .filter(audit::object_type.eq(object_type))
        .filter(audit::object_id.eq(object_id))
        .filter(audit::version_after.eq(version.get()))
        .filter(made)
        .order(audit::id.desc())
        .select((audit::user_id, audit::at))
        .first(conn)
        .optional()?;
    Ok(row.and_then(|(user, at)| Some((UserId::stored(user?), Instant::from_micros(at)))))
}

/// Newest first.
pub fn list(
    conn: &mut Conn,
    zone: &Zone,
    filter: &AuditFilter,
    cursor: Option<Cursor>,
    limit: Limit,
) -> Result<Page<AuditEntry>> {
    let mut query = matching(filter)
        .order((audit::at.desc(), audit::id.desc()))
        .limit(limit.and_one());
    if let Some(Cursor { key, id }) = cursor {
        query = query.filter(
            audit::at
                .lt(key)
                .or(audit::at.eq(key).and(audit::id.lt(id))),
        );
    }
    let rows: Vec<Row> = query.load(conn)?;
    let page = Page::cut(rows, limit, |row| Cursor {
        key: row.at,
        id: row.id,
    });
    Ok(Page {
        items: shown(conn, zone, page.items)?,
        next: page.next,
    })
}

/// Up to `limit` rows after one id and up to another, in the order of the chain.
pub fn following(
    conn: &mut Conn,
    zone: &Zone,
    filter: &AuditFilter,
    after: i64,
    last: i64,
    limit: i64,
) -> Result<Vec<AuditEntry>> {
    let rows: Vec<Row> = matching(filter)
        .filter(audit::id.gt(after))
        .filter(audit::id.le(last))
        .order(audit::id.asc())
        .limit(limit)
        .load(conn)?;
    shown(conn, zone, rows)
}

fn matching(filter: &AuditFilter) -> audit::BoxedQuery<'_, <Conn as Connection>::Backend> {
    let mut query = audit::table.into_boxed();
    if let Some(actor) = filter.actor {
        query = query.filter(audit::user_id.eq(actor.get()));
    }
    if let Some(action) = &filter.action {
        query = query.filter(audit::action.eq(action));
    }
    if let Some(kind) = &filter.object_type {
        query = query.filter(audit::object_type.eq(kind));
    }
    if let Some(id) = filter.object_id {
        query = query.filter(audit::object_id.eq(id));
    }
    if let Some(address) = &filter.address {
        query = query.filter(audit::address.eq(address));
    }
    if let Some(from) = filter.from {
        query = query.filter(audit::at.ge(from.micros()));
    }
    if let Some(before) = filter.before {
        query = query.filter(audit::at.lt(before.micros()));
    }
    query
}

/// Rows as admins read them: with login and name of each user.
fn shown(conn: &mut Conn, zone: &Zone, rows: Vec<Row>) -> Result<Vec<AuditEntry>> {
    let ids: BTreeSet<i64> = rows.iter().filter_map(|row| row.user_id).collect();
    let people: HashMap<i64, (String, String)> = users::table
        .filter(users::id.eq_any(ids))
        .select((users::id, (users::login, users::name)))
        .load(conn)?
        .into_iter()
        .collect();
    let show = |row: Row| AuditEntry {
        id: row.id,
        at: zone.show(Instant::from_micros(row.at)),
        actor: row.user_id.and_then(|id| {
            people.get(&id).map(|(login, name)| AuditActor {
                id: UserId::stored(id),
                login: Login::stored(login.clone()),
                name: PersonName::stored(name.clone()),
            })
        }),
        token_id: row.token_id,
        session_id: row.session_id,
        address: row.address,
        action: row.action,
        object: AuditObject {
            kind: row.object_type,
            id: row.object_id,
        },
        version_before: row.version_before.map(Version::stored),
        version_after: row.version_after.map(Version::stored),
        reason: row.reason,
        // What somebody has damaged is shown as it is.
        details: row.details.map(|text| {
            serde_json::from_str(&text).unwrap_or_else(|_| serde_json::json!({ "damaged": text }))
        }),
        hash: row.hash,
    };
    Ok(rows.into_iter().map(show).collect())
}
