//! The editorial list: articles in every state, narrowed and counted.

use diesel::prelude::*;

use super::Row;
use crate::domain::article::{PublicState, Situation, Stage};
use crate::domain::id::{ArticleId, CategoryId, EditionNumber, UserId, Version};
use crate::domain::page::{Cursor, Limit, Page};
use crate::domain::reach::Reach;
use crate::domain::slug::Slug;
use crate::domain::time::Instant;
use crate::store::editorial::schema::{articles, editions, schedules};
use crate::store::public::categories::Tree;
use crate::store::{Conn, Result, word};

/// One line of the editorial list.
#[derive(Debug, Clone, PartialEq)]
pub struct Line {
    pub id: ArticleId,
    pub version: Version,
    pub slug: Slug,
    pub title: String,
    pub category_id: CategoryId,
    pub stage_at: Option<Instant>,
    /// When an edition will be published by itself.
    pub scheduled_at: Option<Instant>,
    pub situation: Situation,
    pub updated_at: Instant,
}

/// To whom articles are assigned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Assigned {
    To(UserId),
    Nobody,
}

/// What the editorial list is narrowed to.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Only what this user made or has to go on with: all that a reporter knows of.
    pub known_to: Option<UserId>,
    /// Only what stands where the user's roles hold.
    pub within: Reach,
    pub created_by: Option<UserId>,
    pub assigned_to: Option<Assigned>,
    /// With or without a publication that is to come.
    pub scheduled: Option<bool>,
    /// With or without something that readers have not seen.
    pub unpublished: Option<bool>,
    pub stage: Option<Stage>,
    pub public_state: Option<PublicState>,
    pub category: Option<CategoryId>,
}

/// Narrows a boxed query over articles.
macro_rules! narrowed {
    ($query:ident, $filter:expr, $tree:expr) => {{
        let (mut query, filter, tree): (_, &Filter, &Tree) = ($query, $filter, $tree);
        if let Some(user) = filter.known_to {
            query = query.filter(
                articles::created_by.eq(user.get()).or(articles::assigned_to
                    .is_not_null()
                    .and(articles::assigned_to.assume_not_null().eq(user.get()))),
            );
        }
        if let Some(ids) = tree.covered_by(&filter.within) {
            query = query.filter(articles::category_id.eq_any(ids));
        }
        if let Some(user) = filter.created_by {
            query = query.filter(articles::created_by.eq(user.get()));
        }
        query = match filter.assigned_to {
            Some(Assigned::To(user)) => query.filter(articles::assigned_to.eq(user.get())),
            Some(Assigned::Nobody) => query.filter(articles::assigned_to.is_null()),
            None => query,
        };
        let scheduled = schedules::table.select(schedules::article_id);
        query = match filter.scheduled {
            Some(true) => query.filter(articles::id.eq_any(scheduled)),
            Some(false) => query.filter(articles::id.ne_all(scheduled)),
            None => query,
        };
        let shown = articles::public_edition.is_not_null().and(
            articles::public_edition
                .assume_not_null()
                .eq(articles::edition),
        );
        query = match filter.unpublished {
            Some(true) => query.filter(diesel::dsl::not(shown)),
            Some(false) => query.filter(shown),
            None => query,
        };
        if let Some(stage) = filter.stage {
            query = query.filter(articles::stage.eq(stage.as_str()));
        }
        if let Some(state) = filter.public_state {
            query = query.filter(articles::public_state.eq(state.as_str()));
        }
        if let Some(category) = filter.category {
            let ids: Vec<i64> = tree.subtree(category).iter().map(|c| c.id.get()).collect();
            query = query.filter(articles::category_id.eq_any(ids));
        }
        query
    }};
}

/// Newest id first; the cursor's key is unused.
pub fn list(
    conn: &mut Conn,
    tree: &Tree,
    filter: &Filter,
    cursor: Option<Cursor>,
    limit: Limit,
) -> Result<Page<Line>> {
    let query = articles::table
        .filter(articles::id.lt(cursor.map_or(i64::MAX, |cursor| cursor.id)))
        .order(articles::id.desc())
        .limit(limit.and_one())
        .into_boxed();
    let rows: Vec<Row> = narrowed!(query, filter, tree).load(conn)?;
    let ids: Vec<i64> = rows.iter().map(|row| row.id).collect();
    let scheduled: std::collections::HashMap<i64, (i64, i64)> = schedules::table
        .filter(schedules::article_id.eq_any(ids))
        .select((schedules::article_id, (schedules::edition, schedules::at)))
        .load::<(i64, (i64, i64))>(conn)?
        .into_iter()
        .collect();
    let places = public_places(conn, tree, &rows)?;
    let lines = rows
        .into_iter()
        .map(|row| {
            let scheduled = scheduled.get(&row.id).copied();
            Ok(Line {
                id: ArticleId::stored(row.id),
                version: Version::stored(row.version),
                slug: Slug::stored(row.slug),
                title: row.title,
                category_id: CategoryId::stored(row.category_id),
                stage_at: row.stage_at.map(Instant::from_micros),
                scheduled_at: scheduled.map(|(_, at)| Instant::from_micros(at)),
                situation: Situation {
                    created_by: UserId::stored(row.created_by),
                    assigned_to: row.assigned_to.map(UserId::stored),
                    stage: word(Stage::parse, &row.stage)?,
                    public_state: word(PublicState::parse, &row.public_state)?,
                    edition: EditionNumber::stored(row.edition),
                    public_edition: row.public_edition.map(EditionNumber::stored),
                    scheduled: scheduled.map(|(edition, _)| EditionNumber::stored(edition)),
                    expires: row.expire_at.is_some(),
                    path: tree.ids(CategoryId::stored(row.category_id)),
                    public_paths: places.get(&row.id).cloned().unwrap_or_default(),
                },
                updated_at: Instant::from_micros(row.updated_at),
            })
        })
        .collect::<Result<Vec<_>>>()?;
    Ok(Page::cut(lines, limit, |line| Cursor {
        key: 0,
        id: line.id.get(),
    }))
}

/// In which categories readers see articles, or are to see them.
fn public_places(
    conn: &mut Conn,
    tree: &Tree,
    rows: &[Row],
) -> Result<std::collections::HashMap<i64, Vec<Vec<CategoryId>>>> {
    let ids: Vec<i64> = rows.iter().map(|row| row.id).collect();
    let public: Vec<(i64, i64)> = editions::table
        .inner_join(
            articles::table.on(editions::article_id
                .eq(articles::id)
                .and(editions::number.nullable().eq(articles::public_edition))),
        )
        .filter(articles::id.eq_any(&ids))
        .select((articles::id, editions::category_id))
        .load(conn)?;
    let planned: Vec<(i64, i64)> = editions::table
        .inner_join(
            schedules::table.on(editions::article_id
                .eq(schedules::article_id)
                .and(editions::number.eq(schedules::edition))),
        )
        .filter(schedules::article_id.eq_any(&ids))
        .select((schedules::article_id, editions::category_id))
        .load(conn)?;
    let mut places = std::collections::HashMap::new();
    for (article, category) in public.into_iter().chain(planned) {
        let path = tree.ids(CategoryId::stored(category));
        places.entry(article).or_insert_with(Vec::new).push(path);
    }
    Ok(places)
}

/// How many articles the list holds in all.
pub fn count(conn: &mut Conn, tree: &Tree, filter: &Filter) -> Result<i64> {
    let query = articles::table
        .select(diesel::dsl::count_star())
        .into_boxed();
    Ok(narrowed!(query, filter, tree).first(conn)?)
}
