//! The public log and the right to write to the public tables: they are the same thing.

use diesel::prelude::*;

use super::schema::{categories, changes, live_articles, log_head};
use crate::domain::changes::{Change, NewChange, ObjectType, Op, Token, Why};
use crate::domain::content::Language;
use crate::domain::id::{CategoryId, EditionNumber, Seq};
use crate::domain::slug::Slug;
use crate::domain::time::Instant;
use crate::store::{Conn, Error, Result, from_json, to_json, word};

/// The right to change public tables. It holds the head of the log, so that the order of commits
/// is the order of `seq`, without gaps.
pub struct PublicWrite<'a> {
    conn: &'a mut Conn,
}

impl<'a> PublicWrite<'a> {
    /// Locks the head of the log. Must be the first statement of its transaction.
    pub fn open(conn: &'a mut Conn) -> Result<Self> {
        let held = diesel::update(log_head::table.find(1))
            .set(log_head::seq.eq(log_head::seq))
            .execute(conn)?;
        match held {
            1 => Ok(Self { conn }),
            _ => Err(Error::Corrupt("the log has no head".to_owned())),
        }
    }

    /// The connection, for reads and for the editorial tables of the same transaction.
    pub fn conn(&mut self) -> &mut Conn {
        self.conn
    }

    /// Appends one row to the log.
    pub fn record(&mut self, at: Instant, change: &NewChange) -> Result<Seq> {
        let seq: i64 = diesel::update(log_head::table.find(1))
            .set(log_head::seq.eq(log_head::seq + 1))
            .returning(log_head::seq)
            .get_result(self.conn)?;
        let ids = |ids: &Option<Vec<CategoryId>>| ids.as_ref().map(to_json).transpose();
        diesel::insert_into(changes::table)
            .values((
                changes::seq.eq(seq),
                changes::at.eq(at.micros()),
                changes::op.eq(change.op.as_str()),
                changes::why.eq(change.why.as_str()),
                changes::object_type.eq(change.object_type.as_str()),
                changes::object_id.eq(change.object_id),
                changes::uri.eq(&change.uri),
                changes::edition.eq(change.edition.map(EditionNumber::get)),
                changes::language.eq(change.language.as_ref().map(Language::as_str)),
                changes::categories_before.eq(ids(&change.before)?),
                changes::categories_after.eq(ids(&change.after)?),
            ))
            .execute(self.conn)?;
        Ok(Seq::stored(seq))
    }
}

/// The head of the log: its generation and the newest `seq`.
pub fn head(conn: &mut Conn) -> Result<Token> {
    let (generation, seq) = log_head::table
        .find(1)
        .select((log_head::generation, log_head::seq))
        .first(conn)?;
    Ok(Token { generation, seq })
}

/// When the log began; the start of time while it is empty.
pub fn beginning(conn: &mut Conn) -> Result<Instant> {
    let at: Option<i64> = changes::table
        .order(changes::seq)
        .select(changes::at)
        .first(conn)
        .optional()?;
    Ok(Instant::from_micros(at.unwrap_or(0)))
}

#[derive(Queryable)]
struct Row {
    seq: i64,
    at: i64,
    op: String,
    why: String,
    object_type: String,
    object_id: i64,
    uri: String,
    edition: Option<i64>,
    language: Option<String>,
    categories_before: Option<String>,
    categories_after: Option<String>,
}

impl Row {
    fn read(self) -> Result<Change> {
        let ids = |text: Option<String>| text.as_deref().map(from_json).transpose();
        Ok(Change {
            seq: Seq::stored(self.seq),
            at: Instant::from_micros(self.at),
            op: word(Op::parse, &self.op)?,
            why: word(Why::parse, &self.why)?,
            object_type: word(ObjectType::parse, &self.object_type)?,
            object_id: self.object_id,
            uri: self.uri,
            edition: self.edition.map(EditionNumber::stored),
            language: self.language.map(Language::stored),
            before: ids(self.categories_before)?,
            after: ids(self.categories_after)?,
        })
    }
}

/// Up to `limit` rows after `seq`, oldest first, each with the slug its object has now (none for
/// what is gone: a slug would outlive a takedown).
pub fn list(conn: &mut Conn, after: i64, limit: i64) -> Result<Vec<(Change, Option<Slug>)>> {
    let rows: Vec<Row> = changes::table
        .filter(changes::seq.gt(after))
        .order(changes::seq)
        .limit(limit)
        .load(conn)?;
    let of = |kind: ObjectType| -> Vec<i64> {
        rows.iter()
            .filter(|row| row.object_type == kind.as_str())
            .map(|row| row.object_id)
            .collect()
    };
    let articles: std::collections::HashMap<i64, String> = live_articles::table
        .filter(live_articles::id.eq_any(of(ObjectType::Article)))
        .select((live_articles::id, live_articles::slug))
        .load::<(i64, String)>(conn)?
        .into_iter()
        .collect();
    let sections: std::collections::HashMap<i64, String> = categories::table
        .filter(categories::id.eq_any(of(ObjectType::Category)))
        .select((categories::id, categories::slug))
        .load::<(i64, String)>(conn)?
        .into_iter()
        .collect();
    rows.into_iter()
        .map(|row| {
            let change = row.read()?;
            let slug = match change.object_type {
                ObjectType::Article => articles.get(&change.object_id),
                ObjectType::Category => sections.get(&change.object_id),
                ObjectType::Portal => None,
            };
            Ok((change, slug.map(|slug| Slug::stored(slug.clone()))))
        })
        .collect()
}
