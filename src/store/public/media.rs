//! Media that public articles hold, and the files behind their addresses.

use std::collections::{BTreeMap, HashSet};

use diesel::prelude::*;

use super::changes::PublicWrite;
use super::schema::{live_files, live_media};
use crate::domain::caption::{Alt, Credit};
use crate::domain::id::{ArticleId, MediaId};
use crate::domain::media::{FrozenMedium, Kind, Rendition};
use crate::domain::page::{Cursor, Limit, Page};
use crate::domain::time::Instant;
use crate::store::{Conn, Error, Result, from_json, to_json, word};

type Row = (
    i64,
    String,
    Option<i32>,
    Option<i32>,
    Option<String>,
    Option<String>,
    String,
);

const COLUMNS: (
    live_media::media_id,
    live_media::kind,
    live_media::width,
    live_media::height,
    live_media::alt,
    live_media::credit,
    live_media::renditions,
) = (
    live_media::media_id,
    live_media::kind,
    live_media::width,
    live_media::height,
    live_media::alt,
    live_media::credit,
    live_media::renditions,
);

fn read((id, kind, width, height, alt, credit, renditions): Row) -> Result<FrozenMedium> {
    Ok(FrozenMedium {
        id: MediaId::stored(id),
        kind: word(Kind::parse, &kind)?,
        width,
        height,
        alt: alt.map(Alt::stored),
        credit: credit.map(Credit::stored),
        renditions: from_json::<Vec<Rendition>>(&renditions)?,
    })
}

/// A medium as the article published last has it.
pub fn get(conn: &mut Conn, id: MediaId) -> Result<FrozenMedium> {
    load(conn, &[id.get()])?.pop().ok_or(Error::NotFound)
}

/// The media by id, oldest first, each as the article published last has it.
fn load(conn: &mut Conn, ids: &[i64]) -> Result<Vec<FrozenMedium>> {
    let rows: Vec<Row> = live_media::table
        .filter(live_media::media_id.eq_any(ids.to_vec()))
        .order((live_media::frozen_at, live_media::article_id))
        .select(COLUMNS)
        .load(conn)?;
    let newest: BTreeMap<i64, Row> = rows.into_iter().map(|row| (row.0, row)).collect();
    newest.into_values().map(read).collect()
}

pub fn is_public(conn: &mut Conn, id: MediaId) -> Result<bool> {
    Ok(!public_among(conn, &[id])?.is_empty())
}

/// Those of the media, a page at most, that are public.
pub fn public_among(conn: &mut Conn, ids: &[MediaId]) -> Result<HashSet<MediaId>> {
    let ids: Vec<i64> = ids.iter().map(|id| id.get()).collect();
    let found: Vec<i64> = live_media::table
        .filter(live_media::media_id.eq_any(ids))
        .select(live_media::media_id)
        .distinct()
        .load(conn)?;
    Ok(found.into_iter().map(MediaId::stored).collect())
}

/// Public articles that hold the medium.
pub fn uses(conn: &mut Conn, id: MediaId) -> Result<Vec<ArticleId>> {
    let ids: Vec<i64> = live_media::table
        .filter(live_media::media_id.eq(id.get()))
        .order(live_media::article_id)
        .select(live_media::article_id)
        .limit(100)
        .load(conn)?;
    Ok(ids.into_iter().map(ArticleId::stored).collect())
}

/// Newest first; the cursor's key is unused.
pub fn list(conn: &mut Conn, cursor: Option<Cursor>, limit: Limit) -> Result<Page<FrozenMedium>> {
    let ids: Vec<i64> = live_media::table
        .filter(live_media::media_id.lt(cursor.map_or(i64::MAX, |cursor| cursor.id)))
        .order(live_media::media_id.desc())
        .select(live_media::media_id)
        .distinct()
        .limit(limit.and_one())
        .load(conn)?;
    let mut rows = load(conn, &ids)?;
    rows.reverse();
    Ok(Page::cut(rows, limit, |medium| Cursor {
        key: 0,
        id: medium.id.get(),
    }))
}

/// A file to serve.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    pub key: String,
    pub mime: String,
    pub bytes: i64,
}

pub fn find_file(conn: &mut Conn, hash: &str, name: &str) -> Result<File> {
    let (key, mime, bytes) = live_files::table
        .filter(live_files::hash.eq(hash))
        .filter(live_files::name.eq(name))
        .order(live_files::media_id)
        .select((live_files::key, live_files::mime, live_files::bytes))
        .first::<(String, String, i64)>(conn)?;
    Ok(File { key, mime, bytes })
}

/// Puts the media of an article before readers, as they were at `frozen_at`. They go when the
/// article's row goes.
pub fn put(
    write: &mut PublicWrite<'_>,
    article: ArticleId,
    media: &[FrozenMedium],
    frozen_at: Instant,
) -> Result<()> {
    for medium in media {
        diesel::insert_into(live_media::table)
            .values((
                live_media::media_id.eq(medium.id.get()),
                live_media::article_id.eq(article.get()),
                live_media::frozen_at.eq(frozen_at.micros()),
                live_media::kind.eq(medium.kind.as_str()),
                live_media::width.eq(medium.width),
                live_media::height.eq(medium.height),
                live_media::alt.eq(medium.alt.as_ref().map(Alt::as_str)),
                live_media::credit.eq(medium.credit.as_ref().map(Credit::as_str)),
                live_media::renditions.eq(to_json(&medium.renditions)?),
            ))
            .execute(write.conn())?;
        for rendition in &medium.renditions {
            diesel::insert_into(live_files::table)
                .values((
                    live_files::hash.eq(&rendition.hash),
                    live_files::name.eq(&rendition.name),
                    live_files::media_id.eq(medium.id.get()),
                    live_files::article_id.eq(article.get()),
                    live_files::key.eq(&rendition.key),
                    live_files::mime.eq(&rendition.mime),
                    live_files::bytes.eq(rendition.bytes),
                ))
                .execute(write.conn())?;
        }
    }
    Ok(())
}
