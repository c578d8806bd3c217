//! The public log: one immutable row for each public object that a write changes.

use super::content::Language;
use super::id::{CategoryId, EditionNumber, Seq};
use super::input::{FaultCode, Refusal, words};
use super::time::Instant;

words! {
    /// `put`: read the object again. `delete`: drop it.
    Op { Put = "put", Delete = "delete" }
    /// What happened. More may come; go by `op` when it is unknown to you.
    Why {
        Published = "published", Minor = "minor", Correction = "correction", Moved = "moved",
        Withdrawn = "withdrawn", Archived = "archived", Restored = "restored",
        TakenDown = "taken_down", Created = "created", Updated = "updated", Deleted = "deleted",
        MediaWithdrawn = "media_withdrawn", MediaRegenerated = "media_regenerated",
    }
    /// What kind of thing a row is about.
    ObjectType { Article = "article", Category = "category", Portal = "portal" }
}

/// A row of the log as stored.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    pub seq: Seq,
    pub at: Instant,
    pub op: Op,
    pub why: Why,
    pub object_type: ObjectType,
    pub object_id: i64,
    pub uri: String,
    pub edition: Option<EditionNumber>,
    pub language: Option<Language>,
    /// Category and its ancestors, top down, as they were before and after.
    pub before: Option<Vec<CategoryId>>,
    pub after: Option<Vec<CategoryId>>,
}

/// A change on its way into the log.
#[derive(Debug, Clone, PartialEq)]
pub struct NewChange {
    pub op: Op,
    pub why: Why,
    pub object_type: ObjectType,
    pub object_id: i64,
    pub uri: String,
    pub edition: Option<EditionNumber>,
    pub language: Option<Language>,
    pub before: Option<Vec<CategoryId>>,
    pub after: Option<Vec<CategoryId>>,
}

/// A position in the log: its generation, and the last `seq` that the reader has (0: none).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    pub generation: String,
    pub seq: i64,
}

impl Token {
    pub const PATTERN: &str = "^[0-9a-f]{12}\\.[0-9]{1,16}$";

    pub fn parse(text: &str) -> Result<Self, Refusal> {
        let bad = || Refusal::new(FaultCode::BadFormat, "is not a token of the log");
        let (generation, seq) = text.split_once('.').ok_or_else(bad)?;
        let hex = generation.len() == 12
            && generation
                .bytes()
                .all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
        let digits = (1..=16).contains(&seq.len()) && seq.bytes().all(|b| b.is_ascii_digit());
        let seq: i64 = seq.parse().map_err(|_| bad())?;
        if !(hex && digits) || seq > super::id::MAX {
            return Err(bad());
        }
        Ok(Self {
            generation: generation.to_owned(),
            seq,
        })
    }
}

impl std::fmt::Display for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}", self.generation, self.seq)
    }
}
