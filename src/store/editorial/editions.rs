//! Editions: one immutable snapshot for each save. Bodies are zstd-compressed JSON.

use std::io::Read as _;

use diesel::prelude::*;

use super::schema::{edition_bodies, editions};
use crate::domain::content::{Body, Content, Title};
use crate::domain::id::{ArticleId, CategoryId, EditionNumber, UserId};
use crate::domain::page::{Cursor, Limit, Page};
use crate::domain::time::Instant;
use crate::store::public::categories::Tree;
use crate::store::{Conn, Error, Result, from_json, to_json};

/// Compression level: the default; higher ones cost more than they save on texts of this size.
const LEVEL: i32 = 3;
/// More than any body can be, so that a damaged row cannot fill the memory.
const MAX_BODY: u64 = 64 * 1024 * 1024;

/// What a list of editions says of each.
#[derive(Debug, Clone, PartialEq)]
pub struct Edition {
    pub number: EditionNumber,
    pub title: Title,
    pub created_by: UserId,
    pub created_at: Instant,
}

pub fn insert(
    conn: &mut Conn,
    article: ArticleId,
    edition: &Edition,
    category: CategoryId,
    content: &Content,
) -> Result<()> {
    let body = to_json(&content.body)?;
    let rest = Content {
        body: Body::default(),
        ..content.clone()
    };
    let packed = zstd::bulk::compress(body.as_bytes(), LEVEL)
        .map_err(|error| Error::Database(error.to_string()))?;
    diesel::insert_into(editions::table)
        .values((
            editions::article_id.eq(article.get()),
            editions::number.eq(edition.number.get()),
            editions::title.eq(edition.title.as_str()),
            editions::category_id.eq(category.get()),
            editions::content.eq(to_json(&rest)?),
            editions::created_by.eq(edition.created_by.get()),
            editions::created_at.eq(edition.created_at.micros()),
        ))
        .execute(conn)?;
    diesel::insert_into(edition_bodies::table)
        .values((
            edition_bodies::article_id.eq(article.get()),
            edition_bodies::number.eq(edition.number.get()),
            edition_bodies::body.eq(packed),
        ))
        .execute(conn)?;
    Ok(())
}

type Row = (i64, String, i64, i64);

const COLUMNS: (
    editions::number,
    editions::title,
    editions::created_by,
    editions::created_at,
) = (
    editions::number,
    editions::title,
    editions::created_by,
    editions::created_at,
);

fn read((number, title, by, at): Row) -> Edition {
    Edition {
        number: EditionNumber::stored(number),
        title: Title::stored(title),
        created_by: UserId::stored(by),
        created_at: Instant::from_micros(at),
    }
}

/// An edition without content.
pub fn get(conn: &mut Conn, article: ArticleId, number: EditionNumber) -> Result<Edition> {
    let row = editions::table
        .find((article.get(), number.get()))
        .select(COLUMNS)
        .first::<Row>(conn)?;
    Ok(read(row))
}

/// The content of an edition, its category by the slug that it has now.
pub fn content(
    conn: &mut Conn,
    tree: &Tree,
    article: ArticleId,
    number: EditionNumber,
) -> Result<(Edition, CategoryId, Content)> {
    let key = (article.get(), number.get());
    let (row, category, content) = editions::table
        .find(key)
        .select((COLUMNS, editions::category_id, editions::content))
        .first::<(Row, i64, String)>(conn)?;
    let packed: Vec<u8> = edition_bodies::table
        .find(key)
        .select(edition_bodies::body)
        .first(conn)?;
    let corrupt = |error: std::io::Error| Error::Corrupt(error.to_string());
    let mut body = String::new();
    zstd::stream::read::Decoder::new(packed.as_slice())
        .map_err(corrupt)?
        .take(MAX_BODY)
        .read_to_string(&mut body)
        .map_err(corrupt)?;
    let mut content: Content = from_json(&content)?;
    content.body = from_json(&body)?;
    let category = CategoryId::stored(category);
    if let Some(current) = tree.get(category) {
        content.category = current.slug.clone();
    }
    Ok((read(row), category, content))
}

/// In which category an edition stands.
pub fn category(conn: &mut Conn, article: ArticleId, number: EditionNumber) -> Result<CategoryId> {
    let id: i64 = editions::table
        .find((article.get(), number.get()))
        .select(editions::category_id)
        .first(conn)?;
    Ok(CategoryId::stored(id))
}

/// An article's editions without content, newest first; the cursor's key is unused.
pub fn list(
    conn: &mut Conn,
    article: ArticleId,
    cursor: Option<Cursor>,
    limit: Limit,
) -> Result<Page<Edition>> {
    let rows = editions::table
        .filter(editions::article_id.eq(article.get()))
        .filter(editions::number.lt(cursor.map_or(i64::MAX, |cursor| cursor.id)))
        .order(editions::number.desc())
        .limit(limit.and_one())
        .select(COLUMNS)
        .load::<Row>(conn)?
        .into_iter()
        .map(read)
        .collect();
    Ok(Page::cut(rows, limit, |edition| Cursor {
        key: 0,
        id: edition.number.get(),
    }))
}

/// Did the user write an edition after this one, or any at all where there is none?
pub fn wrote(
    conn: &mut Conn,
    article: ArticleId,
    after: Option<EditionNumber>,
    user: UserId,
) -> Result<bool> {
    let found: Option<i64> = editions::table
        .filter(editions::article_id.eq(article.get()))
        .filter(editions::number.gt(after.map_or(0, EditionNumber::get)))
        .filter(editions::created_by.eq(user.get()))
        .select(editions::number)
        .first(conn)
        .optional()?;
    Ok(found.is_some())
}
