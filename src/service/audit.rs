//! The audit log as a whole: is the chain unbroken, and what is old enough to go?

use std::sync::Arc;

use super::Error;
use crate::domain::time::Instant;
use crate::infra::token::Keys;
use crate::store::editorial::audit::{self, GENESIS, chain};
use crate::store::editorial::refusals;
use crate::store::{self, Conn, Db};

/// Rows read at once.
const CHUNK: i64 = 1000;
/// Most rows pruned by one transaction: the audit log stands still meanwhile.
const BATCH: i64 = 5000;

/// What an unbroken chain holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    /// Rows of the chain that are there.
    pub rows: i64,
    /// Rows that are older than the chain, so that nothing can be said of them.
    pub unchained: i64,
    /// Rows that were pruned, and by how many checkpoints.
    pub pruned: i64,
    pub checkpoints: usize,
    /// Id and hash of the newest row: kept elsewhere, they prove later what stood here.
    pub last: i64,
    pub hash: String,
}

/// Why the chain is none.
#[derive(Debug)]
pub enum Fault {
    Broken {
        /// The first row that is wrong, if it is one.
        id: Option<i64>,
        why: String,
    },
    Failed(Error),
}

impl Fault {
    fn at(id: i64, why: impl Into<String>) -> Self {
        Self::Broken {
            id: Some(id),
            why: why.into(),
        }
    }

    fn of_checkpoint(id: i64, why: &str) -> Self {
        Self::Broken {
            id: None,
            why: format!("checkpoint {id} {why}"),
        }
    }
}

impl From<store::Error> for Fault {
    fn from(error: store::Error) -> Self {
        Self::Failed(error.into())
    }
}

impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Broken { id: Some(id), why } => write!(f, "row {id}: {why}"),
            Self::Broken { id: None, why } => f.write_str(why),
            Self::Failed(Error::Store(error)) => write!(f, "{error}"),
            Self::Failed(error) => write!(f, "{error:?}"),
        }
    }
}

/// A place in the chain: the last row before it, and that row's hash.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Place {
    id: i64,
    hash: String,
}

/// Checks every row, every checkpoint and the head, in one snapshot. `kept`: id and hash of a row as
/// somebody wrote them down. Without keys no checkpoint can be trusted.
pub async fn verify(
    db: &Db,
    keys: Option<Arc<Keys>>,
    kept: Option<(i64, String)>,
) -> Result<Verified, Fault> {
    db.read(move |conn| check(conn, keys.as_deref(), kept.as_ref()))
        .await
}

fn check(
    conn: &mut Conn,
    keys: Option<&Keys>,
    kept: Option<&(i64, String)>,
) -> Result<Verified, Fault> {
    let head = chain::head(conn)?;
    let checkpoints = chain::checkpoints(conn)?;
    let pruned = check_checkpoints(&checkpoints, keys)?;
    let start = start(checkpoints.last());
    let mut walk = Walk::new(&head, start.clone());
    if let Some(row) = chain::rows(conn, i64::MIN, 1)?.first()
        && row.id <= start.id
    {
        return Err(Fault::at(row.id, "stands before the first row there is"));
    }
    walk.on(conn, i64::MAX)?;
    if walk.place.id != head.seq {
        let id = walk.place.id.min(head.seq).saturating_add(1);
        return Err(Fault::at(id, "is missing, or the head of the log is wrong"));
    }
    if walk.place.hash != head.hash {
        return Err(Fault::at(head.seq, "is not what the head of the log says"));
    }
    if let Some((id, hash)) = kept {
        let found = match chain::row(conn, *id)? {
            Some(row) => row.hash,
            None => checkpoints
                .iter()
                .find(|checkpoint| checkpoint.last_id == *id)
                .map(|checkpoint| checkpoint.hash.clone()),
        };
        match found {
            None => return Err(Fault::at(*id, "is not there, or was pruned")),
            Some(found) if found != *hash => {
                return Err(Fault::at(
                    *id,
                    "has another hash than the one that was kept",
                ));
            }
            Some(_) => {}
        }
    }
    Ok(Verified {
        rows: walk.rows,
        unchained: walk.unchained,
        pruned,
        checkpoints: checkpoints.len(),
        last: head.seq,
        hash: head.hash,
    })
}

/// Where the rows begin.
fn start(checkpoint: Option<&chain::Checkpoint>) -> Place {
    match checkpoint {
        Some(checkpoint) => Place {
            id: checkpoint.last_id,
            hash: checkpoint.hash.clone(),
        },
        None => Place {
            id: 0,
            hash: GENESIS.to_owned(),
        },
    }
}

/// Answers how many rows they stand for.
fn check_checkpoints(all: &[chain::Checkpoint], keys: Option<&Keys>) -> Result<i64, Fault> {
    let (mut before, mut pruned) = (None::<&chain::Checkpoint>, 0_i64);
    for checkpoint in all {
        let id = checkpoint.id;
        let (last_id, last_removed) = before.map_or((0, 0), |before| (before.id, before.last_id));
        if id != last_id + 1 {
            return Err(Fault::of_checkpoint(last_id + 1, "is missing"));
        }
        let message = checkpoint.message(before)?;
        let signature = hex::decode(&checkpoint.signature).unwrap_or_default();
        let signed =
            keys.is_some_and(|keys| keys.verify_signature(&checkpoint.kid, &message, &signature));
        if !signed {
            return Err(Fault::of_checkpoint(
                id,
                "is not signed by a key of the keys folder",
            ));
        }
        if checkpoint.last_id <= last_removed || checkpoint.removed < 1 {
            return Err(Fault::of_checkpoint(id, "stands for no row"));
        }
        pruned = pruned.saturating_add(checkpoint.removed);
        before = Some(checkpoint);
    }
    Ok(pruned)
}

/// Goes along the chain.
struct Walk<'a> {
    head: &'a chain::Head,
    place: Place,
    rows: i64,
    unchained: i64,
}

impl<'a> Walk<'a> {
    fn new(head: &'a chain::Head, place: Place) -> Self {
        Self {
            head,
            place,
            rows: 0,
            unchained: 0,
        }
    }

    /// Checks the rows up to `last`.
    fn on(&mut self, conn: &mut Conn, last: i64) -> Result<(), Fault> {
        let mut after = self.place.id;
        loop {
            let rows = chain::rows(conn, after, CHUNK)?;
            for row in rows.iter().filter(|row| row.id <= last) {
                self.step(row)?;
            }
            match rows.last() {
                Some(row) if row.id < last => after = row.id,
                _ => break,
            }
        }
        // What is older than the chain may have gaps, also at its end.
        self.place.id = self.place.id.max(self.head.began.min(last));
        Ok(())
    }

    fn step(&mut self, row: &audit::Row) -> Result<(), Fault> {
        if row.id <= self.head.began {
            if row.hash.is_some() {
                return Err(Fault::at(row.id, "is older than the chain, but has a hash"));
            }
            self.unchained += 1;
            self.place.id = row.id;
            return Ok(());
        }
        let expected = self.place.id.max(self.head.began) + 1;
        if row.id != expected {
            return Err(Fault::at(expected, "is missing"));
        }
        let hash = row.digest(&self.place.hash)?;
        if row.hash.as_ref() != Some(&hash) {
            let why = "does not fit its hash: it, or the row before, was changed";
            return Err(Fault::at(row.id, why));
        }
        self.rows += 1;
        self.place = Place { id: row.id, hash };
        Ok(())
    }
}

/// What is old enough to go: everything from before `before`, and only when some of it is older by
/// `slack_seconds`, so that a loop makes no checkpoint for every row.
#[derive(Debug, Clone, Copy)]
pub struct Retention {
    pub now: Instant,
    pub before: Instant,
    pub slack_seconds: i64,
}

impl Retention {
    pub fn new(now: Instant, years: u16, slack_seconds: i64) -> Self {
        Self {
            now,
            // As if every year were a leap year: never too early.
            before: now.plus_seconds(-i64::from(years) * 366 * 86_400),
            slack_seconds,
        }
    }
}

/// Removes what the retention lets go, and leaves a signed checkpoint for the rows of the log. Rows
/// that do not fit the chain are not pruned: what somebody did to them would be lost with them.
/// Answers how many rows of the log went.
pub async fn prune(db: &Db, keys: &Arc<Keys>, retention: Retention) -> Result<i64, Fault> {
    let mut pruned: i64 = 0;
    loop {
        let keys = Arc::clone(keys);
        let removed = db
            .write(move |conn| prune_some(conn, &keys, retention))
            .await?;
        pruned = pruned.saturating_add(removed);
        if removed < BATCH {
            break;
        }
    }
    db.write(move |conn| refusals::prune(conn, retention.before))
        .await?;
    Ok(pruned)
}

fn prune_some(conn: &mut Conn, keys: &Keys, retention: Retention) -> Result<i64, Fault> {
    let due = retention.before.plus_seconds(-retention.slack_seconds);
    let oldest = chain::rows(conn, i64::MIN, 1)?;
    if oldest.first().is_none_or(|row| row.at >= due.micros()) {
        return Ok(0);
    }
    let head = chain::hold(conn)?;
    let Some((last_id, removed)) = chain::prunable(conn, retention.before, BATCH)? else {
        return Ok(0);
    };
    let before = chain::checkpoint(conn)?;
    let mut walk = Walk::new(&head, start(before.as_ref()));
    walk.on(conn, last_id)?;
    let mut checkpoint = chain::Checkpoint {
        id: before.as_ref().map_or(0, |before| before.id) + 1,
        at: retention.now.micros(),
        last_id,
        removed,
        hash: walk.place.hash,
        kid: String::new(),
        signature: String::new(),
    };
    let message = checkpoint.message(before.as_ref())?;
    let (kid, signature) = keys
        .sign(&message)
        .map_err(|why| Fault::Failed(Error::Internal(why)))?;
    checkpoint.kid = kid;
    checkpoint.signature = hex::encode(signature);
    chain::prune(conn, checkpoint)?;
    let details = format!("{{\"removed\":{removed}}}");
    audit::append(
        conn,
        &audit::Entry {
            at: retention.now,
            user_id: None,
            token_id: None,
            session_id: None,
            address: None,
            action: "prune",
            object_type: "audit",
            object_id: Some(last_id),
            version_before: None,
            version_after: None,
            reason: None,
            details: Some(&details),
        },
    )?;
    Ok(removed)
}
