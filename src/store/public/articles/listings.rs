//! Lists of public articles: each is one range of `live_listings`.

use diesel::prelude::*;

use super::{LiveArticle, Row};
use crate::domain::article::Status;
use crate::domain::content::{Language, Tag};
use crate::domain::id::{ArticleId, CategoryId};
use crate::domain::page::{Cursor, Limit, Page, Sort};
use crate::domain::text;
use crate::domain::time::Instant;
use crate::store::public::categories::Tree;
use crate::store::public::changes::PublicWrite;
use crate::store::public::schema::{live_articles, live_listings};
use crate::store::{Conn, Result};

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

/// What a filter asks beyond its list; for the rows of a list and for their number alike. A macro,
/// because the two queries have different types.
macro_rules! narrowed {
    ($query:ident, $filter:ident, $tree:ident) => {{
        let mut query = $query;
        let filter: &Filter = $filter;
        if filter.tag.is_some() {
            let ids: Option<Vec<i64>> = match (filter.category, filter.own_category) {
                (Some(id), _) => Some($tree.subtree(id).iter().map(|c| c.id.get()).collect()),
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
        query
    }};
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
    query = narrowed!(query, filter, tree);
    // The first condition gives the index range, the second cuts within one instant.
    query = match (sort, cursor) {
        (Sort::Newest, Some(at)) => query.filter(live_listings::sort_at.le(at.key)).filter(
            live_listings::sort_at
                .lt(at.key)
                .or(live_listings::id.lt(at.id)),
        ),
        (Sort::Oldest, Some(at)) => query.filter(live_listings::sort_at.ge(at.key)).filter(
            live_listings::sort_at
                .gt(at.key)
                .or(live_listings::id.gt(at.id)),
        ),
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
    query = narrowed!(query, filter, tree);
    Ok(query.first(conn)?)
}

/// Writes the article's rows in every list where it stands; `path` is its category with ancestors.
pub fn list_in(
    write: &mut PublicWrite<'_>,
    article: &LiveArticle,
    path: &[CategoryId],
) -> Result<()> {
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
