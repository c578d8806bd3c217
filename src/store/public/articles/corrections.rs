//! Public corrections.

use diesel::prelude::*;

use super::{LiveArticle, Row};
use crate::domain::article::Note;
use crate::domain::id::{ArticleId, EditionNumber};
use crate::domain::page::{Cursor, Limit, Page};
use crate::domain::time::Instant;
use crate::store::public::schema::{live_articles, live_corrections};
use crate::store::{Conn, Result};

/// A public correction.
#[derive(Debug, Clone, PartialEq)]
pub struct Correction {
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
        .select((
            live_corrections::at,
            live_corrections::edition,
            live_corrections::note,
        ))
        .load::<(i64, i64, String)>(conn)?
        .into_iter()
        .map(correction)
        .collect())
}

fn correction((at, edition, note): (i64, i64, String)) -> Correction {
    Correction {
        at: Instant::from_micros(at),
        edition: EditionNumber::stored(edition),
        note: Note::stored(note),
    }
}

/// The portal's corrections, newest first, each with its article; the cursor's `id` counts, its
/// key is unused.
pub fn all_corrections(
    conn: &mut Conn,
    cursor: Option<Cursor>,
    limit: Limit,
) -> Result<Page<(i64, Correction, LiveArticle)>> {
    let before = cursor.map_or(i64::MAX, |cursor| cursor.id);
    let rows = live_corrections::table
        .inner_join(live_articles::table)
        .filter(live_corrections::id.lt(before))
        .order(live_corrections::id.desc())
        .limit(limit.and_one())
        .select((
            live_corrections::id,
            (
                live_corrections::at,
                live_corrections::edition,
                live_corrections::note,
            ),
            live_articles::all_columns,
        ))
        .load::<(i64, (i64, i64, String), Row)>(conn)?
        .into_iter()
        .map(|(id, row, article)| Ok((id, correction(row), article.read()?)))
        .collect::<Result<Vec<_>>>()?;
    Ok(Page::cut(rows, limit, |(id, _, _)| Cursor {
        key: 0,
        id: *id,
    }))
}
