//! Categories: public tables that the editorial side may refer to, since they have no draft state.

use std::collections::HashMap;

use diesel::prelude::*;

use super::changes::PublicWrite;
use super::schema::{categories, category_slugs, live_articles};
use crate::domain::category::{Category, CategoryName, LegalReference};
use crate::domain::id::{ArticleId, CategoryId, Version};
use crate::domain::reach::Reach;
use crate::domain::slug::Slug;
use crate::domain::text;
use crate::store::{Conn, Error, Result, from_json, to_json};

/// All categories, each level in its order.
#[derive(Debug, Clone, Default)]
pub struct Tree {
    ordered: Vec<Category>,
    by_id: HashMap<CategoryId, usize>,
}

impl Tree {
    fn new(ordered: Vec<Category>) -> Self {
        let by_id = ordered.iter().enumerate().map(|(i, c)| (c.id, i)).collect();
        Self { ordered, by_id }
    }

    pub fn get(&self, id: CategoryId) -> Option<&Category> {
        self.by_id.get(&id).and_then(|at| self.ordered.get(*at))
    }

    pub fn children(&self, parent: Option<CategoryId>) -> impl Iterator<Item = &Category> {
        self.ordered.iter().filter(move |c| c.parent_id == parent)
    }

    /// From the top down to the category, itself included.
    pub fn path(&self, id: CategoryId) -> Vec<&Category> {
        self.get(id)
            .map(|c| c.path.iter().filter_map(|id| self.get(*id)).collect())
            .unwrap_or_default()
    }

    /// The ids of the same; none for what is not there.
    pub fn ids(&self, id: CategoryId) -> Vec<CategoryId> {
        self.get(id).map(|c| c.path.clone()).unwrap_or_default()
    }

    /// The category and everything below it.
    pub fn subtree(&self, id: CategoryId) -> Vec<&Category> {
        self.ordered
            .iter()
            .filter(|c| c.path.contains(&id))
            .collect()
    }

    /// The ids, as stored, of all categories where a user's roles hold; none where all do.
    pub fn covered_by(&self, reach: &Reach) -> Option<Vec<i64>> {
        let covered = |category: &&Category| reach.covers(&category.path);
        match reach {
            Reach::Everywhere => None,
            Reach::Only(_) => Some(
                self.ordered
                    .iter()
                    .filter(covered)
                    .map(|c| c.id.get())
                    .collect(),
            ),
        }
    }

    /// Every category, parents before children.
    pub fn all(&self) -> &[Category] {
        &self.ordered
    }
}

#[derive(Queryable)]
struct Row {
    id: i64,
    version: i64,
    uuid: String,
    slug: String,
    name: String,
    _sort_key: Vec<u8>,
    parent_id: Option<i64>,
    path: String,
    position: i32,
    legal_reference: Option<String>,
}

impl Row {
    fn read(self) -> Result<Category> {
        Ok(Category {
            id: CategoryId::stored(self.id),
            version: Version::stored(self.version),
            uuid: self.uuid,
            slug: Slug::stored(self.slug),
            name: CategoryName::stored(self.name),
            parent_id: self.parent_id.map(CategoryId::stored),
            path: from_json(&self.path)?,
            position: u16::try_from(self.position).map_err(|e| Error::Corrupt(e.to_string()))?,
            legal_reference: self.legal_reference.map(LegalReference::stored),
        })
    }
}

pub fn tree(conn: &mut Conn) -> Result<Tree> {
    let rows: Vec<Row> = categories::table
        .order((categories::position, categories::sort_key, categories::id))
        .load(conn)?;
    let mut ordered = rows
        .into_iter()
        .map(Row::read)
        .collect::<Result<Vec<_>>>()?;
    // Parents before children; the sort is stable, so each level keeps its order.
    ordered.sort_by_key(|category| category.path.len());
    Ok(Tree::new(ordered))
}

pub fn get(conn: &mut Conn, id: CategoryId) -> Result<Category> {
    categories::table.find(id.get()).first::<Row>(conn)?.read()
}

/// Id by any slug that the category ever had.
pub fn find(conn: &mut Conn, slug: &Slug) -> Result<CategoryId> {
    let id: i64 = category_slugs::table
        .inner_join(categories::table.on(categories::id.eq(category_slugs::category_id)))
        .filter(category_slugs::slug.eq(slug.as_str()))
        .select(categories::id)
        .first(conn)?;
    Ok(CategoryId::stored(id))
}

/// The present slugs of some categories.
pub fn slugs(conn: &mut Conn, ids: &[CategoryId]) -> Result<HashMap<CategoryId, Slug>> {
    let ids: Vec<i64> = ids.iter().map(|id| id.get()).collect();
    let found: Vec<(i64, String)> = categories::table
        .filter(categories::id.eq_any(ids))
        .select((categories::id, categories::slug))
        .load(conn)?;
    Ok(found
        .into_iter()
        .map(|(id, slug)| (CategoryId::stored(id), Slug::stored(slug)))
        .collect())
}

/// Whose slug this is or was; also of a category that is gone.
pub fn slug_owner(conn: &mut Conn, slug: &Slug) -> Result<Option<CategoryId>> {
    let id: Option<i64> = category_slugs::table
        .find(slug.as_str())
        .select(category_slugs::category_id)
        .first(conn)
        .optional()?;
    Ok(id.map(CategoryId::stored))
}

/// Stores a new category; its id and path are made here.
pub fn insert(write: &mut PublicWrite<'_>, category: &Category) -> Result<Category> {
    let id: i64 = diesel::insert_into(categories::table)
        .values((
            categories::version.eq(category.version.get()),
            categories::uuid.eq(&category.uuid),
            categories::slug.eq(category.slug.as_str()),
            categories::name.eq(category.name.as_str()),
            categories::sort_key.eq(text::collation_key(category.name.as_str())),
            categories::parent_id.eq(category.parent_id.map(CategoryId::get)),
            categories::path.eq("[]"),
            categories::position.eq(i32::from(category.position)),
            categories::legal_reference.eq(category
                .legal_reference
                .as_ref()
                .map(LegalReference::as_str)),
        ))
        .returning(categories::id)
        .get_result(write.conn())?;
    let id = CategoryId::stored(id);
    let mut path = category.path.clone();
    path.push(id);
    diesel::update(categories::table.find(id.get()))
        .set(categories::path.eq(to_json(&path)?))
        .execute(write.conn())?;
    keep_slug(write, id, &category.slug)?;
    Ok(Category {
        id,
        path,
        ..category.clone()
    })
}

/// Stores a changed category, and the paths of everything below it.
pub fn update(write: &mut PublicWrite<'_>, category: &Category) -> Result<()> {
    let before = get(write.conn(), category.id)?;
    diesel::update(categories::table.find(category.id.get()))
        .set((
            categories::version.eq(category.version.get()),
            categories::slug.eq(category.slug.as_str()),
            categories::name.eq(category.name.as_str()),
            categories::sort_key.eq(text::collation_key(category.name.as_str())),
            categories::parent_id.eq(category.parent_id.map(CategoryId::get)),
            categories::path.eq(to_json(&category.path)?),
            categories::position.eq(i32::from(category.position)),
            categories::legal_reference.eq(category
                .legal_reference
                .as_ref()
                .map(LegalReference::as_str)),
        ))
        .execute(write.conn())?;
    keep_slug(write, category.id, &category.slug)?;
    if before.path == category.path {
        return Ok(());
    }
    for below in tree(write.conn())?.all() {
        let Some(at) = below.path.iter().position(|id| *id == category.id) else {
            continue;
        };
        let tail = below.path.get(at + 1..).unwrap_or_default();
        if below.id == category.id {
            continue;
        }
        let path: Vec<CategoryId> = category.path.iter().chain(tail).copied().collect();
        diesel::update(categories::table.find(below.id.get()))
            .set(categories::path.eq(to_json(&path)?))
            .execute(write.conn())?;
    }
    Ok(())
}

/// Keeps anything new from standing in a category until this transaction is over, and waits for
/// what is on its way into it. SQLite has one writer: nothing is on its way.
pub fn close(write: &mut PublicWrite<'_>, id: CategoryId) -> Result<()> {
    match write.conn() {
        #[cfg(feature = "postgres")]
        Conn::Pg(conn) => {
            categories::table
                .find(id.get())
                .select(categories::id)
                .for_update()
                .first::<i64>(conn)?;
        }
        Conn::Sqlite(_) => {
            let _ = id;
        }
    }
    Ok(())
}

/// Lets every slug that one category has or had lead to another.
pub fn give_slugs(write: &mut PublicWrite<'_>, from: CategoryId, into: CategoryId) -> Result<()> {
    diesel::update(category_slugs::table.filter(category_slugs::category_id.eq(from.get())))
        .set(category_slugs::category_id.eq(into.get()))
        .execute(write.conn())?;
    Ok(())
}

/// Removes a category; its slugs stay taken.
pub fn delete(write: &mut PublicWrite<'_>, id: CategoryId) -> Result<()> {
    diesel::delete(categories::table.find(id.get())).execute(write.conn())?;
    Ok(())
}

fn keep_slug(write: &mut PublicWrite<'_>, id: CategoryId, slug: &Slug) -> Result<()> {
    crate::store::db::each_backend!(write.conn(), |c| diesel::insert_into(category_slugs::table)
        .values((
            category_slugs::slug.eq(slug.as_str()),
            category_slugs::category_id.eq(id.get()),
        ))
        .on_conflict_do_nothing()
        .execute(c))?;
    Ok(())
}

/// The public articles that stand directly in one of these categories.
pub fn articles_in(conn: &mut Conn, ids: &[CategoryId]) -> Result<Vec<ArticleId>> {
    let ids: Vec<i64> = ids.iter().map(|id| id.get()).collect();
    let found: Vec<i64> = live_articles::table
        .filter(live_articles::category_id.eq_any(ids))
        .order(live_articles::id)
        .select(live_articles::id)
        .load(conn)?;
    Ok(found.into_iter().map(ArticleId::stored).collect())
}
