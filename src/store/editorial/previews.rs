//! Links that open one edition. A row that is gone opens nothing.

use diesel::prelude::*;

use super::schema::previews;
use crate::domain::id::{ArticleId, EditionNumber, PreviewId, UserId};
use crate::domain::page::{Cursor, Limit, Page};
use crate::domain::preview::Preview;
use crate::domain::time::Instant;
use crate::store::{Conn, Result};

type Row = (i64, i64, i64, i64, i64, i64);

fn read((id, article, edition, by, at, expires): Row) -> Preview {
    Preview {
        id: PreviewId::stored(id),
        article_id: ArticleId::stored(article),
        edition: EditionNumber::stored(edition),
        created_by: UserId::stored(by),
        created_at: Instant::from_micros(at),
        expires_at: Instant::from_micros(expires),
    }
}

/// Stores a link, whose id is made here, and forgets those of the article that have expired.
pub fn insert(conn: &mut Conn, preview: &Preview) -> Result<PreviewId> {
    diesel::delete(
        previews::table
            .filter(previews::article_id.eq(preview.article_id.get()))
            .filter(previews::expires_at.le(preview.created_at.micros())),
    )
    .execute(conn)?;
    let id: i64 = diesel::insert_into(previews::table)
        .values((
            previews::article_id.eq(preview.article_id.get()),
            previews::edition.eq(preview.edition.get()),
            previews::created_by.eq(preview.created_by.get()),
            previews::created_at.eq(preview.created_at.micros()),
            previews::expires_at.eq(preview.expires_at.micros()),
        ))
        .returning(previews::id)
        .get_result(conn)?;
    Ok(PreviewId::stored(id))
}

pub fn get(conn: &mut Conn, id: PreviewId) -> Result<Preview> {
    Ok(read(previews::table.find(id.get()).first::<Row>(conn)?))
}

/// The links of an article that open at `now`, newest first; the cursor's key is unused.
pub fn list(
    conn: &mut Conn,
    article: ArticleId,
    now: Instant,
    cursor: Option<Cursor>,
    limit: Limit,
) -> Result<Page<Preview>> {
    let rows = previews::table
        .filter(previews::article_id.eq(article.get()))
        .filter(previews::expires_at.gt(now.micros()))
        .filter(previews::id.lt(cursor.map_or(i64::MAX, |cursor| cursor.id)))
        .order(previews::id.desc())
        .limit(limit.and_one())
        .load::<Row>(conn)?
        .into_iter()
        .map(read)
        .collect();
    Ok(Page::cut(rows, limit, |preview| Cursor {
        key: 0,
        id: preview.id.get(),
    }))
}

pub fn delete(conn: &mut Conn, id: PreviewId) -> Result<()> {
    diesel::delete(previews::table.find(id.get())).execute(conn)?;
    Ok(())
}

/// Voids every link of an article.
pub fn void(conn: &mut Conn, article: ArticleId) -> Result<()> {
    diesel::delete(previews::table.filter(previews::article_id.eq(article.get()))).execute(conn)?;
    Ok(())
}
