//! Public corrections.

use diesel::prelude::*;

use super::{LiveArticle, Row};
use crate::domain::article::{Note, Status};
use crate::domain::id::{ArticleId, EditionNumber};
use crate::domain::page::{Cursor, Limit, Page};
use crate::domain::time::Instant;
use crate::store::public::schema::{live_articles, live_corrections};
use crate::store::{Conn, Result};

/// A public correction.
#[derive(Debug, Clone, PartialEq)]
pub struct Correction {
    /// Of the publication; grows with time.
    pub id: i64,
    pub at: Instant,
    pub edition: EditionNumber,
    pub note: Note,
}

/// An article's corrections, newest first.
pub fn corrections(conn: &mut Conn, id: ArticleId) -> Result<Vec<Correction>> {
    Ok(live_corrections::table
        .filter(live_corrections::article_id.eq(id.get()))
        .order(live_corrections::id.desc())
        .limit(1000)
        .select(COLUMNS)
        .load::<Columns>(conn)?
        .into_iter()
        .map(correction)
        .collect())
}

type Columns = (i64, i64, i64, String);

const COLUMNS: (
    live_corrections::id,
    live_corrections::at,
    live_corrections::edition,
    live_corrections::note,
) = (
    live_corrections::id,
    live_corrections::at,
    live_corrections::edition,
    live_corrections::note,
);

fn correction((id, at, edition, note): Columns) -> Correction {
    Correction {
        id,
        at: Instant::from_micros(at),
        edition: EditionNumber::stored(edition),
        note: Note::stored(note),
    }
}

/// The portal's corrections, newest first, each with its article; those of withdrawn articles are
/// left out, as in every list. The cursor's key is unused.
pub fn all_corrections(
    conn: &mut Conn,
    cursor: Option<Cursor>,
    limit: Limit,
) -> Result<Page<(Correction, LiveArticle)>> {
    let before = cursor.map_or(i64::MAX, |cursor| cursor.id);
    let rows = live_corrections::table
        .inner_join(live_articles::table)
        .filter(live_corrections::id.lt(before))
        .filter(live_articles::status.ne(Status::Withdrawn.as_str()))
        .order(live_corrections::id.desc())
        .limit(limit.and_one())
        .select((COLUMNS, live_articles::all_columns))
        .load::<(Columns, Row)>(conn)?
        .into_iter()
        .map(|(row, article)| Ok((correction(row), article.read()?)))
        .collect::<Result<Vec<_>>>()?;
    Ok(Page::cut(rows, limit, |(correction, _)| Cursor {
        key: 0,
        id: correction.id,
    }))
}
