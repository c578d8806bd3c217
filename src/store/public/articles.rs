//! Articles that readers see: detail, lists, tombstones.

mod corrections;
mod listings;

use std::collections::BTreeSet;

use diesel::prelude::*;

pub use self::corrections::{Correction, all_corrections, corrections};
pub use self::listings::{Filter, count, cursor_of, list, list_in};
use super::changes::PublicWrite;
use super::schema::{
    live_articles, live_bodies, live_caption_media, live_captions, live_corrections, live_slugs,
    live_tombstones,
};
use crate::domain::article::{Note, ReasonCode, Status};
use crate::domain::body::LiveBlock;
use crate::domain::caption::LiveFigureItem;
use crate::domain::changes::{NewChange, ObjectType, Op, Why};
use crate::domain::content::{Author, Language, Lead, Source, Tag, Title};
use crate::domain::id::{ArticleId, CategoryId, EditionNumber, MediaId, Seq};
use crate::domain::media::{AiLabel, LiveMedium};
use crate::domain::slug::Slug;
use crate::domain::time::{Day, Instant};
use crate::store::db::each_backend;
use crate::store::{Conn, Error, Result, from_json, to_json, word};

/// A public article without its body. Addresses of media are relative to the public URL.
#[derive(Debug, Clone, PartialEq)]
pub struct LiveArticle {
    pub id: ArticleId,
    pub uri: String,
    pub slug: Slug,
    pub category_id: CategoryId,
    pub edition: EditionNumber,
    pub status: Status,
    pub status_note: Option<Note>,
    pub status_at: Option<Instant>,
    pub title: Title,
    pub lead: Option<Lead>,
    pub published_on: Day,
    pub published_at: Option<Instant>,
    /// What lists order by; never shown.
    pub sort_at: Instant,
    /// When it was first published in truth, whatever day it bears.
    pub first_published_at: Instant,
    /// Of the last correction.
    pub updated_at: Option<Instant>,
    pub language: Language,
    pub tags: Vec<Tag>,
    pub featured: bool,
    pub ai_label: AiLabel,
    pub cover: Option<LiveMedium>,
    pub byline: Vec<Author>,
    pub source: Option<Source>,
    /// Position in the log of its last change.
    pub seq: Seq,
}

impl LiveArticle {
    /// The row in the log when readers see it otherwise, though not another edition. `before` and
    /// `after`: its category with the ancestors.
    pub fn changed(&self, why: Why, before: Vec<CategoryId>, after: Vec<CategoryId>) -> NewChange {
        NewChange {
            op: Op::Put,
            why,
            object_type: ObjectType::Article,
            object_id: self.id.get(),
            uri: self.uri.clone(),
            edition: Some(self.edition),
            language: Some(self.language.clone()),
            before: Some(before),
            after: Some(after),
        }
    }
}

#[derive(Queryable)]
struct Row {
    id: i64,
    uri: String,
    slug: String,
    category_id: i64,
    edition: i64,
    status: String,
    status_note: Option<String>,
    status_at: Option<i64>,
    title: String,
    lead: Option<String>,
    published_on: String,
    published_at: Option<i64>,
    sort_at: i64,
    first_published_at: i64,
    updated_at: Option<i64>,
    language: String,
    tags: String,
    featured: bool,
    cover: Option<String>,
    byline: String,
    source: Option<String>,
    seq: i64,
    ai_label: String,
}

impl Row {
    fn read(self) -> Result<LiveArticle> {
        Ok(LiveArticle {
            id: ArticleId::stored(self.id),
            uri: self.uri,
            slug: Slug::stored(self.slug),
            category_id: CategoryId::stored(self.category_id),
            edition: EditionNumber::stored(self.edition),
            status: word(Status::parse, &self.status)?,
            status_note: self.status_note.map(Note::stored),
            status_at: self.status_at.map(Instant::from_micros),
            title: Title::stored(self.title),
            lead: self.lead.map(Lead::stored),
            published_on: Day::parse(&self.published_on)
                .map_err(|refusal| Error::Corrupt(refusal.message))?,
            published_at: self.published_at.map(Instant::from_micros),
            sort_at: Instant::from_micros(self.sort_at),
            first_published_at: Instant::from_micros(self.first_published_at),
            updated_at: self.updated_at.map(Instant::from_micros),
            language: Language::stored(self.language),
            tags: from_json(&self.tags)?,
            featured: self.featured,
            ai_label: word(AiLabel::parse, &self.ai_label)?,
            cover: self.cover.as_deref().map(from_json).transpose()?,
            byline: from_json(&self.byline)?,
            source: self.source.as_deref().map(from_json).transpose()?,
            seq: Seq::stored(self.seq),
        })
    }
}

/// What stands behind a slug.
#[derive(Debug, Clone, PartialEq)]
pub enum Found {
    Article(Box<LiveArticle>),
    /// An old slug; the article has this one now.
    Moved(Slug),
    TakenDown {
        uri: String,
        reason_code: ReasonCode,
        at: Instant,
    },
}

pub fn find(conn: &mut Conn, slug: &Slug) -> Result<Found> {
    let id: i64 = live_slugs::table
        .find(slug.as_str())
        .select(live_slugs::article_id)
        .first(conn)?;
    match live_articles::table.find(id).first::<Row>(conn) {
        Ok(row) if row.slug == slug.as_str() => Ok(Found::Article(Box::new(row.read()?))),
        Ok(row) => Ok(Found::Moved(Slug::stored(row.slug))),
        Err(diesel::result::Error::NotFound) => tombstone(conn, ArticleId::stored(id)),
        Err(error) => Err(error.into()),
    }
}

/// What remains of an article that was taken down.
pub fn tombstone(conn: &mut Conn, id: ArticleId) -> Result<Found> {
    let (uri, reason, at) = live_tombstones::table
        .find(id.get())
        .select((
            live_tombstones::uri,
            live_tombstones::reason_code,
            live_tombstones::at,
        ))
        .first::<(String, String, i64)>(conn)?;
    Ok(Found::TakenDown {
        uri,
        reason_code: word(ReasonCode::parse, &reason)?,
        at: Instant::from_micros(at),
    })
}

/// Uri and time of what was taken down last, newest first.
pub fn tombstones(conn: &mut Conn, limit: u8) -> Result<Vec<(String, Instant)>> {
    Ok(live_tombstones::table
        .order(live_tombstones::seq.desc())
        .limit(i64::from(limit))
        .select((live_tombstones::uri, live_tombstones::at))
        .load::<(String, i64)>(conn)?
        .into_iter()
        .map(|(uri, at)| (uri, Instant::from_micros(at)))
        .collect())
}

pub fn get(conn: &mut Conn, id: ArticleId) -> Result<LiveArticle> {
    live_articles::table
        .find(id.get())
        .first::<Row>(conn)?
        .read()
}

pub fn body(conn: &mut Conn, id: ArticleId) -> Result<Vec<LiveBlock>> {
    let body: String = live_bodies::table
        .find(id.get())
        .select(live_bodies::body)
        .first(conn)?;
    from_json(&body)
}

/// Bodies of several articles, for feeds and full lists.
pub fn bodies(
    conn: &mut Conn,
    ids: &[ArticleId],
) -> Result<std::collections::HashMap<ArticleId, Vec<LiveBlock>>> {
    let ids: Vec<i64> = ids.iter().map(|id| id.get()).collect();
    live_bodies::table
        .filter(live_bodies::article_id.eq_any(ids))
        .load::<(i64, String)>(conn)?
        .into_iter()
        .map(|(id, body)| Ok((ArticleId::stored(id), from_json(&body)?)))
        .collect()
}

/// Puts an article before readers, or over what they saw of it.
pub fn put(
    write: &mut PublicWrite<'_>,
    article: &LiveArticle,
    body: &[LiveBlock],
    path: &[CategoryId],
    corrections: &[Correction],
) -> Result<()> {
    let values = (
        live_articles::id.eq(article.id.get()),
        live_articles::uri.eq(&article.uri),
        live_articles::slug.eq(article.slug.as_str()),
        live_articles::category_id.eq(article.category_id.get()),
        live_articles::edition.eq(article.edition.get()),
        live_articles::status.eq(article.status.as_str()),
        live_articles::status_note.eq(article.status_note.as_ref().map(Note::as_str)),
        live_articles::status_at.eq(article.status_at.map(Instant::micros)),
        live_articles::title.eq(article.title.as_str()),
        live_articles::lead.eq(article.lead.as_ref().map(Lead::as_str)),
        live_articles::published_on.eq(article.published_on.to_string()),
        live_articles::published_at.eq(article.published_at.map(Instant::micros)),
        live_articles::sort_at.eq(article.sort_at.micros()),
        live_articles::first_published_at.eq(article.first_published_at.micros()),
        live_articles::updated_at.eq(article.updated_at.map(Instant::micros)),
        live_articles::language.eq(article.language.as_str()),
        live_articles::tags.eq(to_json(&article.tags)?),
        live_articles::featured.eq(article.featured),
        live_articles::cover.eq(article.cover.as_ref().map(to_json).transpose()?),
        live_articles::byline.eq(to_json(&article.byline)?),
        live_articles::source.eq(article.source.as_ref().map(to_json).transpose()?),
        live_articles::seq.eq(article.seq.get()),
        live_articles::ai_label.eq(article.ai_label.as_str()),
    );
    // Everything that hangs on the old row goes with it.
    remove(write, article.id)?;
    diesel::insert_into(live_articles::table)
        .values(values)
        .execute(write.conn())?;
    diesel::insert_into(live_bodies::table)
        .values((
            live_bodies::article_id.eq(article.id.get()),
            live_bodies::body.eq(to_json(&body)?),
        ))
        .execute(write.conn())?;
    for correction in corrections {
        diesel::insert_into(live_corrections::table)
            .values((
                live_corrections::id.eq(correction.id),
                live_corrections::article_id.eq(article.id.get()),
                live_corrections::at.eq(correction.at.micros()),
                live_corrections::edition.eq(correction.edition.get()),
                live_corrections::note.eq(correction.note.as_str()),
            ))
            .execute(write.conn())?;
    }
    for (position, block) in (0_i32..).zip(body) {
        if let LiveBlock::Figure(figure) = block {
            diesel::insert_into(live_captions::table)
                .values((
                    live_captions::id.eq(figure.caption_id.get()),
                    live_captions::article_id.eq(article.id.get()),
                    live_captions::position.eq(position),
                    live_captions::figure.eq(to_json(figure)?),
                ))
                .execute(write.conn())?;
            let shown: BTreeSet<MediaId> =
                figure.media.iter().map(LiveFigureItem::media_id).collect();
            for medium in shown {
                diesel::insert_into(live_caption_media::table)
                    .values((
                        live_caption_media::caption_id.eq(figure.caption_id.get()),
                        live_caption_media::media_id.eq(medium.get()),
                    ))
                    .execute(write.conn())?;
            }
        }
    }
    keep_slug(write, article.id, &article.slug)?;
    list_in(write, article, path)
}

/// Takes an article out of the public tables; its slugs stay.
fn remove(write: &mut PublicWrite<'_>, id: ArticleId) -> Result<()> {
    diesel::delete(live_tombstones::table.find(id.get())).execute(write.conn())?;
    diesel::delete(live_articles::table.find(id.get())).execute(write.conn())?;
    Ok(())
}

fn keep_slug(write: &mut PublicWrite<'_>, id: ArticleId, slug: &Slug) -> Result<()> {
    each_backend!(write.conn(), |c| diesel::insert_into(live_slugs::table)
        .values((
            live_slugs::slug.eq(slug.as_str()),
            live_slugs::article_id.eq(id.get()),
        ))
        .on_conflict_do_nothing()
        .execute(c))?;
    Ok(())
}

/// Was anything ever public?
pub fn was_any(conn: &mut Conn) -> Result<bool> {
    let found: Option<String> = live_slugs::table
        .select(live_slugs::slug)
        .first(conn)
        .optional()?;
    Ok(found.is_some())
}

/// Was anything ever public under this slug?
pub fn knows_slug(conn: &mut Conn, slug: &Slug) -> Result<bool> {
    let found: i64 = live_slugs::table
        .filter(live_slugs::slug.eq(slug.as_str()))
        .count()
        .get_result(conn)?;
    Ok(found > 0)
}

/// Changes what readers are told about an article's standing, its category, and its place in lists.
pub fn set_status(
    write: &mut PublicWrite<'_>,
    article: &LiveArticle,
    path: &[CategoryId],
) -> Result<()> {
    diesel::update(live_articles::table.find(article.id.get()))
        .set((
            live_articles::status.eq(article.status.as_str()),
            live_articles::status_note.eq(article.status_note.as_ref().map(Note::as_str)),
            live_articles::status_at.eq(article.status_at.map(Instant::micros)),
            live_articles::category_id.eq(article.category_id.get()),
            live_articles::seq.eq(article.seq.get()),
        ))
        .execute(write.conn())?;
    list_in(write, article, path)
}

/// Puts a body in which media were closed in the place of the one before; the row's cover and
/// position in the log with it.
pub fn put_media(
    write: &mut PublicWrite<'_>,
    article: &LiveArticle,
    body: &[LiveBlock],
) -> Result<()> {
    diesel::update(live_articles::table.find(article.id.get()))
        .set((
            live_articles::cover.eq(article.cover.as_ref().map(to_json).transpose()?),
            live_articles::seq.eq(article.seq.get()),
        ))
        .execute(write.conn())?;
    diesel::update(live_bodies::table.find(article.id.get()))
        .set(live_bodies::body.eq(to_json(&body)?))
        .execute(write.conn())?;
    for block in body {
        if let LiveBlock::Figure(figure) = block {
            diesel::update(live_captions::table.find(figure.caption_id.get()))
                .set(live_captions::figure.eq(to_json(figure)?))
                .execute(write.conn())?;
        }
    }
    Ok(())
}

/// Leaves only the tombstone.
pub fn take_down(
    write: &mut PublicWrite<'_>,
    article: &LiveArticle,
    reason: ReasonCode,
    at: Instant,
    seq: Seq,
) -> Result<()> {
    remove(write, article.id)?;
    diesel::insert_into(live_tombstones::table)
        .values((
            live_tombstones::article_id.eq(article.id.get()),
            live_tombstones::uri.eq(&article.uri),
            live_tombstones::reason_code.eq(reason.as_str()),
            live_tombstones::at.eq(at.micros()),
            live_tombstones::seq.eq(seq.get()),
        ))
        .execute(write.conn())?;
    Ok(())
}
