//! Articles as editors have them, what was published of them and what is scheduled.

pub mod lists;
pub mod schedules;

use diesel::prelude::*;

use super::editions as edition_store;
use super::locks;
use super::schema::{articles, editions, publications, schedules as schedule_table};
use crate::domain::article::{
    Article, Note, PublicState, PublishKind, ReasonCode, Scheduled, Stage,
};
use crate::domain::content::{Content, Language};
use crate::domain::id::{ArticleId, CategoryId, EditionNumber, UserId, Version};
use crate::domain::lock::Lock;
use crate::domain::media::FrozenMedium;
use crate::domain::slug::Slug;
use crate::domain::time::{Day, Instant};
use crate::store::public::categories;
use crate::store::public::portal;
use crate::store::{Conn, Error, Result, from_json, to_json, word};

#[derive(Queryable)]
struct Row {
    id: i64,
    version: i64,
    uuid: String,
    slug: String,
    category_id: i64,
    title: String,
    stage: String,
    edition: i64,
    public_state: String,
    public_edition: Option<i64>,
    state_note: Option<String>,
    state_at: Option<i64>,
    reason_code: Option<String>,
    published_on: Option<String>,
    published_at: Option<i64>,
    first_published_at: Option<i64>,
    created_by: i64,
    created_at: i64,
    updated_at: i64,
    stage_by: Option<i64>,
    stage_at: Option<i64>,
    return_reason: Option<String>,
    assigned_to: Option<i64>,
    expire_at: Option<i64>,
}

impl Row {
    fn read(
        self,
        uri: Option<String>,
        scheduled: Option<Scheduled>,
        content: Content,
    ) -> Result<Article> {
        Ok(Article {
            id: ArticleId::stored(self.id),
            version: Version::stored(self.version),
            uuid: self.uuid,
            uri,
            slug: Slug::stored(self.slug),
            category_id: CategoryId::stored(self.category_id),
            path: Vec::new(),
            public_path: None,
            scheduled_path: None,
            stage: word(Stage::parse, &self.stage)?,
            stage_by: self.stage_by.map(UserId::stored),
            stage_at: self.stage_at.map(Instant::from_micros),
            return_reason: self.return_reason.map(Note::stored),
            assigned_to: self.assigned_to.map(UserId::stored),
            scheduled,
            expire_at: self.expire_at.map(Instant::from_micros),
            edition: EditionNumber::stored(self.edition),
            public_state: word(PublicState::parse, &self.public_state)?,
            public_edition: self.public_edition.map(EditionNumber::stored),
            state_note: self.state_note.map(Note::stored),
            state_at: self.state_at.map(Instant::from_micros),
            reason_code: self
                .reason_code
                .map(|code| word(ReasonCode::parse, &code))
                .transpose()?,
            published_on: self
                .published_on
                .map(|day| Day::parse(&day).map_err(|refusal| Error::Corrupt(refusal.message)))
                .transpose()?,
            published_at: self.published_at.map(Instant::from_micros),
            first_published_at: self.first_published_at.map(Instant::from_micros),
            created_by: UserId::stored(self.created_by),
            created_at: Instant::from_micros(self.created_at),
            updated_at: Instant::from_micros(self.updated_at),
            lock: None,
            content,
        })
    }
}

/// An article with its working copy, its instants in the portal's zone.
pub fn get(conn: &mut Conn, id: ArticleId) -> Result<Article> {
    let (row, planned) = articles::table
        .left_join(schedule_table::table)
        .filter(articles::id.eq(id.get()))
        .first::<(Row, Option<schedules::Row>)>(conn)?;
    let portal = portal::get(conn)?;
    let tree = categories::tree(conn)?;
    let number = EditionNumber::stored(row.edition);
    let (_, _, mut content) = edition_store::content(conn, &tree, id, number)?;
    content.slug = Some(Slug::stored(row.slug.clone()));
    let uri = portal.uri(&row.uuid);
    let zone = portal.zone();
    let show = |at: Option<Instant>| at.map(|at| zone.show(at));
    let scheduled = planned.map(|planned| schedules::read(planned, &zone));
    let scheduled = scheduled.transpose()?;
    let article = row.read(uri, scheduled, content.shown_in(&zone))?;
    let mut place = |number: Option<EditionNumber>| -> Result<Option<Vec<CategoryId>>> {
        let category = number.map(|number| edition_store::category(conn, id, number));
        Ok(category.transpose()?.map(|category| tree.ids(category)))
    };
    let scheduled = article.scheduled.as_ref().map(|planned| planned.edition);
    Ok(Article {
        path: tree.ids(article.category_id),
        public_path: place(article.public_edition)?,
        scheduled_path: place(scheduled)?,
        stage_at: show(article.stage_at),
        expire_at: show(article.expire_at),
        state_at: show(article.state_at),
        published_at: show(article.published_at),
        first_published_at: show(article.first_published_at),
        created_at: zone.show(article.created_at),
        updated_at: zone.show(article.updated_at),
        lock: locks::find(conn, id)?.map(|lock| Lock {
            since: zone.show(lock.since),
            expires_at: zone.show(lock.expires_at),
            ..lock
        }),
        ..article
    })
}

/// The article, whose row nobody else changes until this transaction is over. What is checked
/// before a write is read here: on PostgreSQL two saves could both pass the check otherwise.
pub fn hold(conn: &mut Conn, id: ArticleId) -> Result<Article> {
    diesel::update(articles::table.find(id.get()))
        .set(articles::version.eq(articles::version))
        .execute(conn)?;
    get(conn, id)
}

/// Stores a new article without its first edition; answers its id.
pub fn insert(conn: &mut Conn, article: &Article) -> Result<ArticleId> {
    let id: i64 = diesel::insert_into(articles::table)
        .values((
            articles::version.eq(article.version.get()),
            articles::uuid.eq(&article.uuid),
            articles::slug.eq(article.slug.as_str()),
            articles::category_id.eq(article.category_id.get()),
            articles::title.eq(article.content.title.as_str()),
            articles::stage.eq(article.stage.as_str()),
            articles::edition.eq(article.edition.get()),
            articles::public_state.eq(article.public_state.as_str()),
            articles::created_by.eq(article.created_by.get()),
            articles::created_at.eq(article.created_at.micros()),
            articles::updated_at.eq(article.updated_at.micros()),
        ))
        .returning(articles::id)
        .get_result(conn)?;
    Ok(ArticleId::stored(id))
}

/// Stores identity and state of an article.
pub fn update(conn: &mut Conn, article: &Article) -> Result<()> {
    diesel::update(articles::table.find(article.id.get()))
        .set((
            articles::version.eq(article.version.get()),
            articles::slug.eq(article.slug.as_str()),
            articles::category_id.eq(article.category_id.get()),
            articles::title.eq(article.content.title.as_str()),
            articles::stage.eq(article.stage.as_str()),
            articles::edition.eq(article.edition.get()),
            articles::public_state.eq(article.public_state.as_str()),
            articles::public_edition.eq(article.public_edition.map(EditionNumber::get)),
            articles::state_note.eq(article.state_note.as_ref().map(Note::as_str)),
            articles::state_at.eq(article.state_at.map(Instant::micros)),
            articles::reason_code.eq(article.reason_code.map(ReasonCode::as_str)),
            articles::published_on.eq(article.published_on.map(|day| day.to_string())),
            articles::published_at.eq(article.published_at.map(Instant::micros)),
            articles::first_published_at.eq(article.first_published_at.map(Instant::micros)),
            articles::updated_at.eq(article.updated_at.micros()),
            articles::stage_by.eq(article.stage_by.map(UserId::get)),
            articles::stage_at.eq(article.stage_at.map(Instant::micros)),
            articles::return_reason.eq(article.return_reason.as_ref().map(Note::as_str)),
            articles::assigned_to.eq(article.assigned_to.map(UserId::get)),
            articles::expire_at.eq(article.expire_at.map(Instant::micros)),
        ))
        .execute(conn)?;
    Ok(())
}

/// Removes an article that was never public, with everything that hangs on it.
pub fn delete(conn: &mut Conn, id: ArticleId) -> Result<()> {
    diesel::delete(articles::table.find(id.get())).execute(conn)?;
    Ok(())
}

/// Does any article, in any state, stand in this category: by its working copy, by the edition
/// that is public or would come back, or by one that is scheduled?
pub fn uses_category(conn: &mut Conn, id: CategoryId) -> Result<bool> {
    let working: i64 = articles::table
        .filter(articles::category_id.eq(id.get()))
        .count()
        .get_result(conn)?;
    let public: i64 = articles::table
        .inner_join(
            editions::table.on(editions::article_id
                .eq(articles::id)
                .and(editions::number.nullable().eq(articles::public_edition))),
        )
        .filter(editions::category_id.eq(id.get()))
        .count()
        .get_result(conn)?;
    let scheduled: i64 = schedule_table::table
        .inner_join(
            editions::table.on(editions::article_id
                .eq(schedule_table::article_id)
                .and(editions::number.eq(schedule_table::edition))),
        )
        .filter(editions::category_id.eq(id.get()))
        .count()
        .get_result(conn)?;
    Ok(working + public + scheduled > 0)
}

/// Moves working copies and editions of every age, so that what comes back comes back there.
pub fn change_category(conn: &mut Conn, from: CategoryId, into: CategoryId) -> Result<()> {
    diesel::update(articles::table.filter(articles::category_id.eq(from.get())))
        .set(articles::category_id.eq(into.get()))
        .execute(conn)?;
    diesel::update(editions::table.filter(editions::category_id.eq(from.get())))
        .set(editions::category_id.eq(into.get()))
        .execute(conn)?;
    Ok(())
}

/// One publication of an article.
#[derive(Debug, Clone, PartialEq)]
pub struct Publication {
    /// Made by the database; 0 on the way in.
    pub id: i64,
    pub edition: EditionNumber,
    pub kind: Option<PublishKind>,
    pub note: Option<Note>,
    pub at: Instant,
    /// The portal's language then, where the content names none.
    pub language: Language,
    /// Media of the edition, as frozen then.
    pub media: Vec<FrozenMedium>,
}

pub fn add_publication(
    conn: &mut Conn,
    article: ArticleId,
    by: UserId,
    publication: &Publication,
) -> Result<()> {
    diesel::insert_into(publications::table)
        .values((
            publications::article_id.eq(article.get()),
            publications::edition.eq(publication.edition.get()),
            publications::kind.eq(publication.kind.map(PublishKind::as_str)),
            publications::note.eq(publication.note.as_ref().map(Note::as_str)),
            publications::at.eq(publication.at.micros()),
            publications::by_user.eq(by.get()),
            publications::language.eq(publication.language.as_str()),
            publications::media.eq(to_json(&publication.media)?),
        ))
        .execute(conn)?;
    Ok(())
}

/// Everything that was published of an article, oldest first.
pub fn publications(conn: &mut Conn, article: ArticleId) -> Result<Vec<Publication>> {
    publications::table
        .filter(publications::article_id.eq(article.get()))
        .order(publications::id)
        .select((
            publications::id,
            publications::edition,
            publications::kind,
            publications::note,
            publications::at,
            publications::language,
            publications::media,
        ))
        .load::<(
            i64,
            i64,
            Option<String>,
            Option<String>,
            i64,
            String,
            String,
        )>(conn)?
        .into_iter()
        .map(|(id, edition, kind, note, at, language, media)| {
            Ok(Publication {
                id,
                edition: EditionNumber::stored(edition),
                kind: kind
                    .map(|kind| word(PublishKind::parse, &kind))
                    .transpose()?,
                note: note.map(Note::stored),
                at: Instant::from_micros(at),
                language: Language::stored(language),
                media: from_json(&media)?,
            })
        })
        .collect()
}

/// Who published an article last.
pub fn last_publisher(conn: &mut Conn, article: ArticleId) -> Result<UserId> {
    let id: i64 = publications::table
        .filter(publications::article_id.eq(article.get()))
        .order(publications::id.desc())
        .select(publications::by_user)
        .first(conn)?;
    Ok(UserId::stored(id))
}
