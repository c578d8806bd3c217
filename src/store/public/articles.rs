//! Articles that readers see: detail, lists, tombstones.

use diesel::prelude::*;

use super::categories::Tree;
use super::changes::PublicWrite;
use super::schema::{
    live_articles, live_bodies, live_captions, live_corrections, live_listings, live_slugs,
    live_tombstones,
};
use crate::domain::article::{Note, ReasonCode, Status};
use crate::domain::body::LiveBlock;
use crate::domain::content::{Author, Language, Lead, Source, Tag, Title};
use crate::domain::id::{ArticleId, CategoryId, EditionNumber, Seq};
use crate::domain::media::LiveMedium;
use crate::domain::page::{Cursor, Limit, Page, Sort};
use crate::domain::slug::Slug;
use crate::domain::text;
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
    pub cover: Option<LiveMedium>,
    pub byline: Vec<Author>,
    pub source: Option<Source>,
    /// Position in the log of its last change.
    pub seq: Seq,
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
        .select((live_tombstones::uri, live_tombstones::reason_code, live_tombstones::at))
        .first::<(String, String, i64)>(conn)?;
    Ok(Found::TakenDown {
        uri,
        reason_code: word(ReasonCode::parse, &reason)?,
        at: Instant::from_micros(at),
    })
}

pub fn get(conn: &mut Conn, id: ArticleId) -> Result<LiveArticle> {
    live_articles::table.find(id.get()).first::<Row>(conn)?.read()
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

/// What a list is narrowed to.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// The category, descendants included.
    pub category: Option<CategoryId>,
    /// The category alone.
    pub own_category: Option<CategoryId>,
    pub tag: Option<Tag>,
    pub language: Option<Language>,
    pub featured: Option<bool>,
    /// First instant of the first day.
    pub from: Option<Instant>,
    /// First instant after the last day.
    pub until: Option<Instant>,
    /// Only `live` ones: front page, other news, feeds.
    pub live_only: bool,
}

impl Filter {
    /// The index range that holds the fewest rows of those that hold all we want.
    fn list(&self) -> String {
        if let Some(tag) = &self.tag {
            tag_list(tag)
        } else if let Some(id) = self.own_category {
            format!("d:{id}")
        } else if let Some(id) = self.category {
            format!("c:{id}")
        } else if self.featured == Some(true) {
            "featured".to_owned()
        } else if let Some(language) = &self.language {
            format!("l:{}", language.as_str())
        } else {
            "all".to_owned()
        }
    }
}

fn tag_list(tag: &Tag) -> String {
    format!("t:{}", text::fold(tag.as_str()))
}

/// One page of a list, in order of publication.
pub fn list(
    conn: &mut Conn,
    tree: &Tree,
    filter: &Filter,
    sort: Sort,
    cursor: Option<Cursor>,
    limit: Limit,
) -> Result<Page<LiveArticle>> {
    let mut query = live_listings::table
        .inner_join(live_articles::table)
        .filter(live_listings::list.eq(filter.list()))
        .select(live_articles::all_columns)
        .limit(limit.and_one())
        .into_boxed();
    if filter.tag.is_some() {
        let ids: Option<Vec<i64>> = match (filter.category, filter.own_category) {
            (Some(id), _) => Some(tree.subtree(id).iter().map(|c| c.id.get()).collect()),
            (None, Some(id)) => Some(vec![id.get()]),
            _ => None,
        };
        if let Some(ids) = ids {
            query = query.filter(live_articles::category_id.eq_any(ids));
        }
    }
    if let Some(language) = &filter.language {
        query = query.filter(live_articles::language.eq(language.as_str().to_owned()));
    }
    if let Some(featured) = filter.featured {
        query = query.filter(live_articles::featured.eq(featured));
    }
    if filter.live_only {
        query = query.filter(live_articles::status.eq(Status::Live.as_str()));
    }
    if let Some(from) = filter.from {
        query = query.filter(live_listings::sort_at.ge(from.micros()));
    }
    if let Some(until) = filter.until {
        query = query.filter(live_listings::sort_at.lt(until.micros()));
    }
    // The first condition gives the index range, the second cuts within one instant.
    query = match (sort, cursor) {
        (Sort::Newest, Some(at)) => query
            .filter(live_listings::sort_at.le(at.key))
            .filter(live_listings::sort_at.lt(at.key).or(live_listings::id.lt(at.id))),
        (Sort::Oldest, Some(at)) => query
            .filter(live_listings::sort_at.ge(at.key))
            .filter(live_listings::sort_at.gt(at.key).or(live_listings::id.gt(at.id))),
        (_, None) => query,
    };
    query = match sort {
        Sort::Newest => query.order((live_listings::sort_at.desc(), live_listings::id.desc())),
        Sort::Oldest => query.order((live_listings::sort_at.asc(), live_listings::id.asc())),
    };
    let rows = query
        .load::<Row>(conn)?
        .into_iter()
        .map(Row::read)
        .collect::<Result<Vec<_>>>()?;
    Ok(Page::cut(rows, limit, cursor_of))
}

/// Where an article stands in every list.
pub fn cursor_of(article: &LiveArticle) -> Cursor {
    Cursor {
        key: article.sort_at.micros(),
        id: article.id.get(),
    }
}

/// How many articles a list holds in all.
pub fn count(conn: &mut Conn, tree: &Tree, filter: &Filter) -> Result<i64> {
    let mut query = live_listings::table
        .inner_join(live_articles::table)
        .filter(live_listings::list.eq(filter.list()))
        .select(diesel::dsl::count_star())
        .into_boxed();
    if filter.tag.is_some()
        && let Some(id) = filter.category
    {
        let ids: Vec<i64> = tree.subtree(id).iter().map(|c| c.id.get()).collect();
        query = query.filter(live_articles::category_id.eq_any(ids));
    }
    if let Some(language) = &filter.language {
        query = query.filter(live_articles::language.eq(language.as_str().to_owned()));
    }
    if let Some(featured) = filter.featured {
        query = query.filter(live_articles::featured.eq(featured));
    }
    if let Some(from) = filter.from {
        query = query.filter(live_listings::sort_at.ge(from.micros()));
    }
    if let Some(until) = filter.until {
        query = query.filter(live_listings::sort_at.lt(until.micros()));
    }
    Ok(query.first(conn)?)
}

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
        .select((live_corrections::at, live_corrections::edition, live_corrections::note))
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
            (live_corrections::at, live_corrections::edition, live_corrections::note),
            live_articles::all_columns,
        ))
        .load::<(i64, (i64, i64, String), Row)>(conn)?
        .into_iter()
        .map(|(id, row, article)| Ok((id, correction(row), article.read()?)))
        .collect::<Result<Vec<_>>>()?;
    Ok(Page::cut(rows, limit, |(id, _, _)| Cursor { key: 0, id: *id }))
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

/// Was anything ever public under this slug?
pub fn knows_slug(conn: &mut Conn, slug: &Slug) -> Result<bool> {
    let found: i64 = live_slugs::table
        .filter(live_slugs::slug.eq(slug.as_str()))
        .count()
        .get_result(conn)?;
    Ok(found > 0)
}

/// Writes the article's rows in every list where it stands; `path` is its category with ancestors.
pub fn list_in(write: &mut PublicWrite<'_>, article: &LiveArticle, path: &[CategoryId]) -> Result<()> {
    unlist(write, article.id)?;
    if article.status == Status::Withdrawn {
        return Ok(());
    }
    let mut lists = vec![
        "all".to_owned(),
        format!("d:{}", article.category_id),
        format!("l:{}", article.language.as_str()),
    ];
    if article.featured {
        lists.push("featured".to_owned());
    }
    lists.extend(path.iter().map(|id| format!("c:{id}")));
    lists.extend(article.tags.iter().map(tag_list));
    for list in lists {
        diesel::insert_into(live_listings::table)
            .values((
                live_listings::list.eq(list),
                live_listings::sort_at.eq(article.sort_at.micros()),
                live_listings::id.eq(article.id.get()),
            ))
            .execute(write.conn())?;
    }
    Ok(())
}

fn unlist(write: &mut PublicWrite<'_>, id: ArticleId) -> Result<()> {
    diesel::delete(live_listings::table.filter(live_listings::id.eq(id.get())))
        .execute(write.conn())?;
    Ok(())
}

/// Changes what readers are told about an article's standing, and its place in lists.
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
            live_articles::seq.eq(article.seq.get()),
        ))
        .execute(write.conn())?;
    list_in(write, article, path)
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
