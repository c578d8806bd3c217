//! Media that public articles hold, and the files behind their addresses.

use std::collections::HashSet;

use diesel::prelude::*;

use super::changes::PublicWrite;
use super::schema::{live_files, live_media, live_media_uses};
use crate::domain::caption::{Alt, Credit};
use crate::domain::id::{ArticleId, CaptionId, MediaId};
use crate::domain::media::{FrozenMedium, Kind, Rendition};
use crate::domain::page::{Cursor, Limit, Page};
use crate::store::{Conn, Result, from_json, to_json, word};

type Row = (
    i64,
    String,
    Option<i32>,
    Option<i32>,
    Option<String>,
    Option<String>,
    String,
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

pub fn get(conn: &mut Conn, id: MediaId) -> Result<FrozenMedium> {
    read(live_media::table.find(id.get()).first::<Row>(conn)?)
}

pub fn is_public(conn: &mut Conn, id: MediaId) -> Result<bool> {
    Ok(!public_among(conn, &[id])?.is_empty())
}

/// Those of the media, a page at most, that are public.
pub fn public_among(conn: &mut Conn, ids: &[MediaId]) -> Result<HashSet<MediaId>> {
    let ids: Vec<i64> = ids.iter().map(|id| id.get()).collect();
    let found: Vec<i64> = live_media::table
        .filter(live_media::id.eq_any(ids))
        .select(live_media::id)
        .load(conn)?;
    Ok(found.into_iter().map(MediaId::stored).collect())
}

/// Public articles that hold the medium.
pub fn uses(conn: &mut Conn, id: MediaId) -> Result<Vec<ArticleId>> {
    let ids: Vec<i64> = live_media_uses::table
        .filter(live_media_uses::media_id.eq(id.get()))
        .order(live_media_uses::article_id)
        .select(live_media_uses::article_id)
        .distinct()
        .limit(100)
        .load(conn)?;
    Ok(ids.into_iter().map(ArticleId::stored).collect())
}

/// Media that a public article holds. Asked before its row is replaced, which takes its uses along.
pub fn held_by(conn: &mut Conn, article: ArticleId) -> Result<Vec<MediaId>> {
    let ids: Vec<i64> = live_media_uses::table
        .filter(live_media_uses::article_id.eq(article.get()))
        .select(live_media_uses::media_id)
        .distinct()
        .load(conn)?;
    Ok(ids.into_iter().map(MediaId::stored).collect())
}

/// Newest first; the cursor's key is unused.
pub fn list(conn: &mut Conn, cursor: Option<Cursor>, limit: Limit) -> Result<Page<FrozenMedium>> {
    let rows = live_media::table
        .filter(live_media::id.lt(cursor.map_or(i64::MAX, |cursor| cursor.id)))
        .order(live_media::id.desc())
        .limit(limit.and_one())
        .load::<Row>(conn)?
        .into_iter()
        .map(read)
        .collect::<Result<Vec<_>>>()?;
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

/// Puts the media of an article before readers. Those of `held` (what it held until now) that
/// nothing public holds any more are gone.
pub fn put(
    write: &mut PublicWrite<'_>,
    media: &[FrozenMedium],
    article: ArticleId,
    uses: &[(MediaId, Option<CaptionId>)],
    held: &[MediaId],
) -> Result<()> {
    for medium in media {
        put_medium(write, medium)?;
    }
    clear_uses(write, article)?;
    for (medium, caption) in uses {
        diesel::insert_into(live_media_uses::table)
            .values((
                live_media_uses::media_id.eq(medium.get()),
                live_media_uses::article_id.eq(article.get()),
                live_media_uses::caption_id.eq(caption.map_or(0, CaptionId::get)),
            ))
            .execute(write.conn())?;
    }
    drop_unused(write, held)
}

/// Takes an article's hold off its media; those that no other public article holds are gone.
pub fn remove_uses(write: &mut PublicWrite<'_>, article: ArticleId) -> Result<()> {
    let held = held_by(write.conn(), article)?;
    clear_uses(write, article)?;
    drop_unused(write, &held)
}

fn put_medium(write: &mut PublicWrite<'_>, medium: &FrozenMedium) -> Result<()> {
    let values = (
        live_media::kind.eq(medium.kind.as_str()),
        live_media::width.eq(medium.width),
        live_media::height.eq(medium.height),
        live_media::alt.eq(medium.alt.as_ref().map(Alt::as_str)),
        live_media::credit.eq(medium.credit.as_ref().map(Credit::as_str)),
        live_media::renditions.eq(to_json(&medium.renditions)?),
    );
    if is_public(write.conn(), medium.id)? {
        diesel::update(live_media::table.find(medium.id.get()))
            .set(values)
            .execute(write.conn())?;
    } else {
        diesel::insert_into(live_media::table)
            .values((live_media::id.eq(medium.id.get()), values))
            .execute(write.conn())?;
    }
    diesel::delete(live_files::table.filter(live_files::media_id.eq(medium.id.get())))
        .execute(write.conn())?;
    for rendition in &medium.renditions {
        diesel::insert_into(live_files::table)
            .values((
                live_files::hash.eq(&rendition.hash),
                live_files::name.eq(&rendition.name),
                live_files::media_id.eq(medium.id.get()),
                live_files::key.eq(&rendition.key),
                live_files::mime.eq(&rendition.mime),
                live_files::bytes.eq(rendition.bytes),
            ))
            .execute(write.conn())?;
    }
    Ok(())
}

fn clear_uses(write: &mut PublicWrite<'_>, article: ArticleId) -> Result<()> {
    diesel::delete(live_media_uses::table.filter(live_media_uses::article_id.eq(article.get())))
        .execute(write.conn())?;
    Ok(())
}

/// Looks at the candidates only: a scan of all media with every publication would make loading an
/// archive quadratic. Their files go with them.
fn drop_unused(write: &mut PublicWrite<'_>, candidates: &[MediaId]) -> Result<()> {
    for ids in candidates.chunks(500) {
        let ids: Vec<i64> = ids.iter().map(|id| id.get()).collect();
        let used = live_media_uses::table
            .filter(live_media_uses::media_id.eq(live_media::id))
            .select(live_media_uses::media_id);
        diesel::delete(
            live_media::table
                .filter(live_media::id.eq_any(ids))
                .filter(diesel::dsl::not(diesel::dsl::exists(used))),
        )
        .execute(write.conn())?;
    }
    Ok(())
}
