//! Media as editors have them.

use std::collections::HashMap;

use diesel::prelude::*;

use super::schema::{article_media, articles, media, publications, scheduled_media};
use crate::domain::article::PublicState;
use crate::domain::caption::{Alt, Credit};
use crate::domain::id::{ArticleId, MediaId, UserId, Version};
use crate::domain::media::{
    AiLabel, Failure, FileName, FocalPoint, FrozenMedium, Kind, MediaContent, Medium, Status,
    Withdrawal,
};
use crate::domain::page::{Cursor, Limit, Page};
use crate::domain::time::Instant;
use crate::store::public::media::withdrawal;
use crate::store::{Conn, Result, from_json, to_json, word};

/// Ids asked for at once: databases limit the values of one statement.
const PORTION: usize = 500;

#[derive(Queryable)]
struct Row {
    id: i64,
    version: i64,
    kind: String,
    hash: String,
    file_name: String,
    mime: String,
    bytes: i64,
    width: Option<i32>,
    height: Option<i32>,
    alt: Option<String>,
    credit: Option<String>,
    original: String,
    renditions: String,
    created_by: i64,
    created_at: i64,
    decorative: bool,
    ai_label: String,
    withdrawn_at: Option<i64>,
    withdrawn_reason: Option<String>,
    thumbhash: Option<String>,
    colour: Option<String>,
    status: String,
    failure: Option<String>,
    duration_ms: Option<i64>,
    pages: Option<i32>,
    focal_x: Option<f64>,
    focal_y: Option<f64>,
    tracks: String,
}

impl Row {
    fn read(self) -> Result<Medium> {
        Ok(Medium {
            id: MediaId::stored(self.id),
            version: Version::stored(self.version),
            kind: word(Kind::parse, &self.kind)?,
            hash: self.hash,
            file_name: FileName::stored(self.file_name),
            mime: self.mime,
            bytes: self.bytes,
            width: self.width,
            height: self.height,
            duration_ms: self.duration_ms,
            pages: self.pages,
            thumbhash: self.thumbhash,
            colour: self.colour,
            content: MediaContent {
                alt: self.alt.map(Alt::stored),
                credit: self.credit.map(Credit::stored),
                decorative: self.decorative,
                ai_label: word(AiLabel::parse, &self.ai_label)?,
                focal_point: self
                    .focal_x
                    .zip(self.focal_y)
                    .map(|(x, y)| FocalPoint { x, y }),
            },
            status: word(Status::parse, &self.status)?,
            failure: self
                .failure
                .map(|failure| word(Failure::parse, &failure))
                .transpose()?,
            original: self.original,
            renditions: from_json(&self.renditions)?,
            tracks: from_json(&self.tracks)?,
            created_by: UserId::stored(self.created_by),
            created_at: Instant::from_micros(self.created_at),
            withdrawn: withdrawal(self.withdrawn_at, self.withdrawn_reason.as_deref())?,
        })
    }
}

/// Stores a new medium; its id is made here.
pub fn insert(conn: &mut Conn, medium: &Medium) -> Result<MediaId> {
    let id: i64 = diesel::insert_into(media::table)
        .values((
            media::version.eq(medium.version.get()),
            media::kind.eq(medium.kind.as_str()),
            media::hash.eq(&medium.hash),
            media::file_name.eq(medium.file_name.as_str()),
            media::mime.eq(&medium.mime),
            media::bytes.eq(medium.bytes),
            media::width.eq(medium.width),
            media::height.eq(medium.height),
            media::duration_ms.eq(medium.duration_ms),
            media::pages.eq(medium.pages),
            media::thumbhash.eq(&medium.thumbhash),
            media::colour.eq(&medium.colour),
            media::alt.eq(medium.content.alt.as_ref().map(Alt::as_str)),
            media::credit.eq(medium.content.credit.as_ref().map(Credit::as_str)),
            media::original.eq(&medium.original),
            media::renditions.eq(to_json(&medium.renditions)?),
            media::created_by.eq(medium.created_by.get()),
            media::created_at.eq(medium.created_at.micros()),
            media::decorative.eq(medium.content.decorative),
            media::ai_label.eq(medium.content.ai_label.as_str()),
            media::focal_x.eq(medium.content.focal_point.map(|point| point.x)),
            media::focal_y.eq(medium.content.focal_point.map(|point| point.y)),
            media::status.eq(medium.status.as_str()),
            media::failure.eq(medium.failure.map(Failure::as_str)),
        ))
        .returning(media::id)
        .get_result(conn)?;
    Ok(MediaId::stored(id))
}

pub fn get(conn: &mut Conn, id: MediaId) -> Result<Medium> {
    media::table.find(id.get()).first::<Row>(conn)?.read()
}

/// A medium whose row nobody else changes until this transaction is over.
pub fn hold(conn: &mut Conn, id: MediaId) -> Result<Medium> {
    diesel::update(media::table.find(id.get()))
        .set(media::version.eq(media::version))
        .execute(conn)?;
    get(conn, id)
}

/// The medium made from a file with this SHA-256.
pub fn find(conn: &mut Conn, hash: &str) -> Result<Option<Medium>> {
    media::table
        .filter(media::hash.eq(hash))
        .first::<Row>(conn)
        .optional()?
        .map(Row::read)
        .transpose()
}

/// All pictures, oldest first.
pub fn pictures(conn: &mut Conn) -> Result<Vec<Medium>> {
    let rows = media::table
        .filter(media::kind.eq(Kind::Image.as_str()))
        .order(media::id)
        .load::<Row>(conn)?;
    rows.into_iter().map(Row::read).collect()
}

/// Those of the media that there are.
pub fn load(conn: &mut Conn, ids: &[MediaId]) -> Result<Vec<Medium>> {
    let mut found = Vec::new();
    for ids in ids.chunks(PORTION) {
        let ids: Vec<i64> = ids.iter().map(|id| id.get()).collect();
        let rows: Vec<Row> = media::table.filter(media::id.eq_any(ids)).load(conn)?;
        for row in rows {
            found.push(row.read()?);
        }
    }
    Ok(found)
}

/// Newest first; the cursor's key is unused.
pub fn list(conn: &mut Conn, cursor: Option<Cursor>, limit: Limit) -> Result<Page<Medium>> {
    let rows = media::table
        .filter(media::id.lt(cursor.map_or(i64::MAX, |cursor| cursor.id)))
        .order(media::id.desc())
        .limit(limit.and_one())
        .load::<Row>(conn)?
        .into_iter()
        .map(Row::read)
        .collect::<Result<Vec<_>>>()?;
    Ok(Page::cut(rows, limit, |medium| Cursor {
        key: 0,
        id: medium.id.get(),
    }))
}

pub fn update(
    conn: &mut Conn,
    id: MediaId,
    version: Version,
    content: &MediaContent,
) -> Result<()> {
    diesel::update(media::table.find(id.get()))
        .set((
            media::version.eq(version.get()),
            media::alt.eq(content.alt.as_ref().map(Alt::as_str)),
            media::credit.eq(content.credit.as_ref().map(Credit::as_str)),
            media::decorative.eq(content.decorative),
            media::ai_label.eq(content.ai_label.as_str()),
            media::focal_x.eq(content.focal_point.map(|point| point.x)),
            media::focal_y.eq(content.focal_point.map(|point| point.y)),
        ))
        .execute(conn)?;
    Ok(())
}

/// Keeps the tracks of a medium.
pub fn put_tracks(conn: &mut Conn, medium: &Medium) -> Result<()> {
    diesel::update(media::table.find(medium.id.get()))
        .set((
            media::version.eq(medium.version.get()),
            media::tracks.eq(to_json(&medium.tracks)?),
        ))
        .execute(conn)?;
    Ok(())
}

/// Keeps what was made of a medium.
pub fn put_made(conn: &mut Conn, medium: &Medium) -> Result<()> {
    diesel::update(media::table.find(medium.id.get()))
        .set((
            media::version.eq(medium.version.get()),
            media::width.eq(medium.width),
            media::height.eq(medium.height),
            media::duration_ms.eq(medium.duration_ms),
            media::pages.eq(medium.pages),
            media::thumbhash.eq(&medium.thumbhash),
            media::colour.eq(&medium.colour),
            media::status.eq(medium.status.as_str()),
            media::failure.eq(medium.failure.map(Failure::as_str)),
            media::renditions.eq(to_json(&medium.renditions)?),
        ))
        .execute(conn)?;
    Ok(())
}

/// Puts another file in the place of a medium's.
pub fn put_file(conn: &mut Conn, medium: &Medium) -> Result<()> {
    diesel::update(media::table.find(medium.id.get()))
        .set((
            media::hash.eq(&medium.hash),
            media::file_name.eq(medium.file_name.as_str()),
            media::mime.eq(&medium.mime),
            media::bytes.eq(medium.bytes),
            media::original.eq(&medium.original),
            media::duration_ms.eq(medium.duration_ms),
            media::pages.eq(medium.pages),
        ))
        .execute(conn)?;
    put_made(conn, medium)
}

/// Says of a medium that it was withdrawn.
pub fn withdraw(conn: &mut Conn, medium: &Medium) -> Result<()> {
    let withdrawn = medium.withdrawn.as_ref();
    diesel::update(media::table.find(medium.id.get()))
        .set((
            media::version.eq(medium.version.get()),
            media::withdrawn_at.eq(withdrawn.map(|w| w.at.micros())),
            media::withdrawn_reason.eq(withdrawn.map(|w| w.reason_code.as_str())),
            media::status.eq(medium.status.as_str()),
            media::failure.eq(medium.failure.map(Failure::as_str)),
        ))
        .execute(conn)?;
    Ok(())
}

/// Those of the media that were withdrawn.
pub fn withdrawn_among(conn: &mut Conn, ids: &[MediaId]) -> Result<HashMap<MediaId, Withdrawal>> {
    let mut found = HashMap::new();
    for ids in ids.chunks(PORTION) {
        let ids: Vec<i64> = ids.iter().map(|id| id.get()).collect();
        let rows: Vec<(i64, Option<i64>, Option<String>)> = media::table
            .filter(media::id.eq_any(ids))
            .filter(media::withdrawn_at.is_not_null())
            .select((media::id, media::withdrawn_at, media::withdrawn_reason))
            .load(conn)?;
        for (id, at, reason) in rows {
            let withdrawal = withdrawal(at, reason.as_deref())?;
            found.extend(withdrawal.map(|withdrawal| (MediaId::stored(id), withdrawal)));
        }
    }
    Ok(found)
}

pub fn delete(conn: &mut Conn, id: MediaId) -> Result<()> {
    diesel::delete(media::table.find(id.get())).execute(conn)?;
    Ok(())
}

/// Articles whose working copy holds the medium.
pub fn uses(conn: &mut Conn, id: MediaId) -> Result<Vec<ArticleId>> {
    let ids: Vec<i64> = article_media::table
        .filter(article_media::media_id.eq(id.get()))
        .order(article_media::article_id)
        .select(article_media::article_id)
        .load(conn)?;
    Ok(ids.into_iter().map(ArticleId::stored).collect())
}

/// Articles of which an edition that holds the medium is scheduled.
pub fn scheduled_uses(conn: &mut Conn, id: MediaId) -> Result<Vec<ArticleId>> {
    let ids: Vec<i64> = scheduled_media::table
        .filter(scheduled_media::media_id.eq(id.get()))
        .order(scheduled_media::article_id)
        .select(scheduled_media::article_id)
        .load(conn)?;
    Ok(ids.into_iter().map(ArticleId::stored).collect())
}

/// Hashes of all files that any publication has given readers of the medium.
pub fn published_files(conn: &mut Conn, id: MediaId) -> Result<Vec<String>> {
    let media: Vec<String> = publications::table
        .filter(publications::media.like(frozen(id)))
        .select(publications::media)
        .load(conn)?;
    let mut hashes = Vec::new();
    for media in media {
        for medium in from_json::<Vec<FrozenMedium>>(&media)? {
            if medium.id == id {
                hashes.extend(medium.renditions.into_iter().map(|made| made.hash));
                hashes.extend(medium.tracks.into_iter().map(|track| track.hash));
            }
        }
    }
    Ok(hashes)
}

/// How the JSON of a publication names a medium. Spelled as `FrozenMedium` is serialised; ids of other
/// things have other neighbours.
fn frozen(id: MediaId) -> String {
    format!("%{{\"id\":{id},\"kind\":%")
}

/// Articles taken down whose last publication holds the medium: restoring one brings it back.
pub fn restorable_uses(conn: &mut Conn, id: MediaId) -> Result<Vec<ArticleId>> {
    let found: Vec<(i64, i64)> = publications::table
        .filter(publications::media.like(frozen(id)))
        .filter(
            publications::article_id.eq_any(
                articles::table
                    .filter(articles::public_state.eq(PublicState::TakenDown.as_str()))
                    .select(articles::id),
            ),
        )
        .order(publications::article_id)
        .select((publications::id, publications::article_id))
        .load(conn)?;
    let mut held = Vec::new();
    for (publication, article) in found {
        let last: Option<i64> = publications::table
            .filter(publications::article_id.eq(article))
            .select(diesel::dsl::max(publications::id))
            .first(conn)?;
        if last == Some(publication) {
            held.push(ArticleId::stored(article));
        }
    }
    Ok(held)
}
