//! Media that public articles hold, and the files behind their addresses.

use std::collections::{BTreeMap, HashMap, HashSet};

use diesel::dsl::{exists, not};
use diesel::prelude::*;

use super::changes::PublicWrite;
use super::schema::{live_files, live_media, withdrawn_files};
use crate::domain::article::ReasonCode;
use crate::domain::caption::{Alt, Credit};
use crate::domain::id::{ArticleId, MediaId};
use crate::domain::media::{AiLabel, FrozenMedium, Kind, ObjectFacts, Rendition, Withdrawal};
use crate::domain::page::{Cursor, Limit, Page};
use crate::domain::time::Instant;
use crate::store::db::each_backend;
use crate::store::{Conn, Error, Result, from_json, to_json, word};

#[derive(Queryable, Selectable)]
#[diesel(table_name = live_media)]
struct Row {
    media_id: i64,
    kind: String,
    width: Option<i32>,
    height: Option<i32>,
    alt: Option<String>,
    credit: Option<String>,
    renditions: String,
    decorative: bool,
    ai_label: String,
    withdrawn_at: Option<i64>,
    withdrawn_reason: Option<String>,
    thumbhash: Option<String>,
    colour: Option<String>,
    duration_ms: Option<i64>,
    pages: Option<i32>,
    tracks: String,
}

impl Row {
    fn read(self) -> Result<FrozenMedium> {
        Ok(FrozenMedium {
            id: MediaId::stored(self.media_id),
            kind: word(Kind::parse, &self.kind)?,
            width: self.width,
            height: self.height,
            duration_ms: self.duration_ms,
            pages: self.pages,
            thumbhash: self.thumbhash,
            colour: self.colour,
            alt: self.alt.map(Alt::stored),
            decorative: self.decorative,
            credit: self.credit.map(Credit::stored),
            ai_label: word(AiLabel::parse, &self.ai_label)?,
            renditions: from_json::<Vec<Rendition>>(&self.renditions)?,
            tracks: from_json(&self.tracks)?,
            withdrawn: withdrawal(self.withdrawn_at, self.withdrawn_reason.as_deref())?,
        })
    }
}

/// When and why a medium was withdrawn, as its columns say.
pub fn withdrawal(at: Option<i64>, reason: Option<&str>) -> Result<Option<Withdrawal>> {
    let (Some(at), Some(reason)) = (at, reason) else {
        return Ok(None);
    };
    Ok(Some(Withdrawal {
        at: Instant::from_micros(at),
        reason_code: word(ReasonCode::parse, reason)?,
    }))
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
        .select(Row::as_select())
        .load(conn)?;
    let newest: BTreeMap<i64, Row> = rows.into_iter().map(|row| (row.media_id, row)).collect();
    newest.into_values().map(Row::read).collect()
}

/// A medium as one article has it.
pub fn of_article(conn: &mut Conn, article: ArticleId, id: MediaId) -> Result<FrozenMedium> {
    live_media::table
        .filter(live_media::media_id.eq(id.get()))
        .filter(live_media::article_id.eq(article.get()))
        .select(Row::as_select())
        .first(conn)?
        .read()
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
    /// When the article that has held it longest was published last.
    pub since: Instant,
}

/// What stands behind the address of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FoundFile {
    File(File),
    Withdrawn(Withdrawal),
}

/// A withdrawal counts for the bytes, whichever medium has them. A file that is there takes one query.
pub fn find_file(conn: &mut Conn, hash: &str, name: &str) -> Result<FoundFile> {
    let held = live_media::media_id
        .eq(live_files::media_id)
        .and(live_media::article_id.eq(live_files::article_id));
    let file = live_files::table
        .inner_join(live_media::table.on(held))
        .filter(live_files::hash.eq(hash))
        .filter(live_files::name.eq(name))
        .filter(not(exists(withdrawn_files::table.find(hash))))
        .order((live_media::frozen_at, live_files::media_id))
        .select((
            live_files::key,
            live_files::mime,
            live_files::bytes,
            live_media::frozen_at,
        ))
        .first::<(String, String, i64, i64)>(conn)
        .optional()?;
    if let Some((key, mime, bytes, since)) = file {
        return Ok(FoundFile::File(File {
            key,
            mime,
            bytes,
            since: Instant::from_micros(since),
        }));
    }
    let (at, reason) = withdrawn_files::table
        .find(hash)
        .select((withdrawn_files::at, withdrawn_files::reason_code))
        .first::<(i64, String)>(conn)?;
    withdrawal(Some(at), Some(&reason))?
        .map(FoundFile::Withdrawn)
        .ok_or(Error::NotFound)
}

/// Closes a medium everywhere: its rows say so and have no files, and the files' addresses, with
/// `more` of its hashes, are gone for ever. The articles that show it are the caller's.
pub fn withdraw(
    write: &mut PublicWrite<'_>,
    id: MediaId,
    withdrawal: &Withdrawal,
    more: Vec<String>,
) -> Result<()> {
    let mut hashes: Vec<String> = live_files::table
        .filter(live_files::media_id.eq(id.get()))
        .select(live_files::hash)
        .distinct()
        .load(write.conn())?;
    hashes.extend(more);
    hashes.sort();
    hashes.dedup();
    for hash in hashes {
        each_backend!(write.conn(), |c| diesel::insert_into(
            withdrawn_files::table
        )
        .values((
            withdrawn_files::hash.eq(&hash),
            withdrawn_files::media_id.eq(id.get()),
            withdrawn_files::at.eq(withdrawal.at.micros()),
            withdrawn_files::reason_code.eq(withdrawal.reason_code.as_str()),
        ))
        .on_conflict_do_nothing()
        .execute(c))?;
    }
    diesel::delete(live_files::table.filter(live_files::media_id.eq(id.get())))
        .execute(write.conn())?;
    diesel::update(live_media::table.filter(live_media::media_id.eq(id.get())))
        .set((
            live_media::alt.eq(None::<String>),
            live_media::renditions.eq("[]"),
            live_media::tracks.eq("[]"),
            live_media::thumbhash.eq(None::<String>),
            live_media::colour.eq(None::<String>),
            live_media::withdrawn_at.eq(withdrawal.at.micros()),
            live_media::withdrawn_reason.eq(withdrawal.reason_code.as_str()),
        ))
        .execute(write.conn())?;
    Ok(())
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
                live_media::duration_ms.eq(medium.duration_ms),
                live_media::pages.eq(medium.pages),
                live_media::thumbhash.eq(&medium.thumbhash),
                live_media::colour.eq(&medium.colour),
                live_media::alt.eq(medium.alt.as_ref().map(Alt::as_str)),
                live_media::credit.eq(medium.credit.as_ref().map(Credit::as_str)),
                live_media::renditions.eq(to_json(&medium.renditions)?),
                live_media::tracks.eq(to_json(&medium.tracks)?),
                live_media::decorative.eq(medium.decorative),
                live_media::ai_label.eq(medium.ai_label.as_str()),
                live_media::withdrawn_at.eq(medium.withdrawn.as_ref().map(|w| w.at.micros())),
                live_media::withdrawn_reason
                    .eq(medium.withdrawn.as_ref().map(|w| w.reason_code.as_str())),
            ))
            .execute(write.conn())?;
        for rendition in &medium.renditions {
            add_file(write, article, medium.id, rendition)?;
        }
        for track in &medium.tracks {
            add_file(write, article, medium.id, &track.file())?;
        }
    }
    Ok(())
}

fn add_file(
    write: &mut PublicWrite<'_>,
    article: ArticleId,
    medium: MediaId,
    rendition: &Rendition,
) -> Result<()> {
    diesel::insert_into(live_files::table)
        .values((
            live_files::hash.eq(&rendition.hash),
            live_files::name.eq(&rendition.name),
            live_files::media_id.eq(medium.get()),
            live_files::article_id.eq(article.get()),
            live_files::key.eq(&rendition.key),
            live_files::mime.eq(&rendition.mime),
            live_files::bytes.eq(rendition.bytes),
        ))
        .execute(write.conn())?;
    Ok(())
}

/// Gives an article other files of a picture that it holds. The old ones stay at their addresses: somebody
/// may have copied them.
pub fn refresh(
    write: &mut PublicWrite<'_>,
    article: ArticleId,
    medium: &FrozenMedium,
) -> Result<()> {
    let held = live_media::table
        .filter(live_media::media_id.eq(medium.id.get()))
        .filter(live_media::article_id.eq(article.get()));
    diesel::update(held)
        .set((
            live_media::width.eq(medium.width),
            live_media::height.eq(medium.height),
            live_media::thumbhash.eq(&medium.thumbhash),
            live_media::colour.eq(&medium.colour),
            live_media::renditions.eq(to_json(&medium.renditions)?),
        ))
        .execute(write.conn())?;
    let there: HashSet<(String, String)> = live_files::table
        .filter(live_files::media_id.eq(medium.id.get()))
        .filter(live_files::article_id.eq(article.get()))
        .select((live_files::hash, live_files::name))
        .load(write.conn())?
        .into_iter()
        .collect();
    for rendition in &medium.renditions {
        if !there.contains(&(rendition.hash.clone(), rendition.name.clone())) {
            add_file(write, article, medium.id, rendition)?;
        }
    }
    Ok(())
}

/// Keys of all public files, each with what is known of it.
pub fn file_keys(conn: &mut Conn) -> Result<HashMap<String, Option<ObjectFacts>>> {
    let rows: Vec<(String, String, String)> = live_files::table
        .select((live_files::key, live_files::hash, live_files::mime))
        .load(conn)?;
    Ok(rows
        .into_iter()
        .map(|(key, hash, mime)| (key, Some(ObjectFacts { hash, mime })))
        .collect())
}

/// Media that any public article holds.
pub fn held(conn: &mut Conn) -> Result<Vec<i64>> {
    Ok(live_media::table
        .select(live_media::media_id)
        .distinct()
        .load(conn)?)
}
