//! Categories: public at once, so every command is a public write.

mod merge;

pub use self::merge::merge;
use super::{
    Command, Conflict, Deed, Error, IfMatch, Save, founded, new_uuid, run_public, uri, write_down,
};
use serde::{Deserialize, Serialize};

use crate::ctx::Ctx;
use crate::domain::category::{Category, CategoryContent, MAX_DEPTH};
use crate::domain::changes::{NewChange, ObjectType, Op, Why};
use crate::domain::id::{CategoryId, Version};
use crate::domain::input::{FaultCode, Faults};
use crate::domain::portal::Portal;
use crate::domain::slug::Slug;
use crate::store;
use crate::store::editorial::articles::uses_category;
use crate::store::editorial::users;
use crate::store::public::changes::PublicWrite;
use crate::store::public::{articles, categories};

/// Most categories of one portal; trees are loaded whole.
const MOST: usize = 1000;

/// A category after a write, with its permanent identity.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Saved {
    pub category: Category,
    pub uri: String,
}

/// Makes a category.
pub async fn create(ctx: &Ctx, command: Command, content: CategoryContent) -> Result<Saved, Error> {
    let base = ctx.settings.base_url();
    run_public(ctx, command, move |write, command| {
        let portal = founded(write, &base, command.at)?;
        let tree = categories::tree(write.conn())?;
        if tree.all().len() >= MOST {
            return Err(Faults::one(
                "",
                FaultCode::TooMany,
                "a portal has at most 1000 categories",
            )
            .into());
        }
        let path = path_below(&tree, content.parent_id, None)?;
        reached(command, &tree, content.parent_id)?;
        let slug = choose_slug(write, None, &content)?;
        let category = categories::insert(
            write,
            &Category {
                id: CategoryId::stored(0),
                version: Version::FIRST,
                uuid: new_uuid(command.at),
                slug,
                name: content.name,
                parent_id: content.parent_id,
                path,
                position: content.position,
                legal_reference: content.legal_reference,
            },
        )?;
        record(write, command, &portal, &category, Why::Created, None)?;
        deed(write, command, "create", &category, None, None)?;
        Saved::new(category, &portal)
    })
    .await
}

/// Changes a category; moving it moves its subtree.
pub async fn save(
    ctx: &Ctx,
    command: Command,
    id: CategoryId,
    if_match: IfMatch,
    save: Save<CategoryContent>,
) -> Result<Saved, Error> {
    let base = ctx.settings.base_url();
    run_public(ctx, command, move |write, command| {
        let before = categories::get(write.conn(), id)?;
        let current = before.content();
        let mut content = save.onto(&current, if_match, before.version)?;
        content.slug = content.slug.or_else(|| Some(before.slug.clone()));
        let portal = founded(write, &base, command.at)?;
        if content == current {
            return Saved::new(before, &portal);
        }
        if_match.check(before.version)?;
        let tree = categories::tree(write.conn())?;
        reached(command, &tree, Some(id))?;
        if content.parent_id != before.parent_id {
            reached(command, &tree, before.parent_id)?;
            reached(command, &tree, content.parent_id)?;
        }
        let mut path = path_below(&tree, content.parent_id, Some(&before))?;
        path.push(id);
        let depth = height(&tree, &before);
        if path.len() + depth > MAX_DEPTH {
            return Err(too_deep("/parent_id"));
        }
        let after = Category {
            version: before.version.next(),
            slug: choose_slug(write, Some(&before), &content)?,
            name: content.name,
            parent_id: content.parent_id,
            path,
            position: content.position,
            legal_reference: content.legal_reference,
            ..before.clone()
        };
        categories::update(write, &after)?;
        let moved = before.path != after.path;
        let why = if moved { Why::Moved } else { Why::Updated };
        record(write, command, &portal, &after, why, Some(&before))?;
        // All that shows the category's name, address or place changes with it.
        if moved || before.name != after.name || before.slug != after.slug {
            change_below(write, command, &portal, (id, id), &tree, why)?;
        }
        deed(write, command, "save", &after, Some(before.version), None)?;
        Saved::new(after, &portal)
    })
    .await
}

/// Removes a category with no child and no article in any state.
pub async fn delete(
    ctx: &Ctx,
    command: Command,
    id: CategoryId,
    if_match: IfMatch,
) -> Result<(), Error> {
    let base = ctx.settings.base_url();
    run_public(ctx, command, move |write, command| {
        let category = categories::get(write.conn(), id)?;
        if_match.check(category.version)?;
        let tree = categories::tree(write.conn())?;
        reached(command, &tree, Some(id))?;
        if tree.children(Some(id)).next().is_some() {
            return Err(in_use("it has categories below it"));
        }
        if users::is_granted(write.conn(), id)? {
            return Err(in_use(
                "a user's roles are limited to it; change that first",
            ));
        }
        if uses_category(write.conn(), id)? {
            return Err(in_use("articles stand in it; move them first"));
        }
        let portal = founded(write, &base, command.at)?;
        remove(write, command, &portal, &category)?;
        deed(
            write,
            command,
            "delete",
            &category,
            Some(category.version),
            None,
        )
    })
    .await
}

impl Saved {
    fn new(category: Category, portal: &Portal) -> Result<Self, Error> {
        let uri = uri(portal, &category.uuid)?;
        Ok(Self { category, uri })
    }
}

/// Passes where the actor's roles hold: in a category, or at the top of the tree.
fn reached(
    command: &Command,
    tree: &categories::Tree,
    id: Option<CategoryId>,
) -> Result<(), Error> {
    let category = id.and_then(|id| tree.get(id));
    let path = category.map(|category| category.path.as_slice());
    if command.actor.reach.covers(path.unwrap_or_default()) {
        return Ok(());
    }
    Err(Error::NotGranted(match category {
        Some(category) => format!("your roles do not hold in the category {}", category.slug),
        None => "your roles do not hold at the top of the tree".to_owned(),
    }))
}

/// How many levels there are below a category.
fn height(tree: &categories::Tree, category: &Category) -> usize {
    tree.subtree(category.id)
        .iter()
        .map(|below| below.path.len() - category.path.len())
        .max()
        .unwrap_or(0)
}

fn too_deep(place: &str) -> Error {
    Faults::one(
        place,
        FaultCode::OutOfRange,
        "the tree may be 4 levels deep",
    )
    .into()
}

/// Ids from the top down to the parent; refuses what is not there, a circle, and too much depth.
fn path_below(
    tree: &categories::Tree,
    parent: Option<CategoryId>,
    own: Option<&Category>,
) -> Result<Vec<CategoryId>, Error> {
    let Some(parent) = parent else {
        return Ok(Vec::new());
    };
    let Some(parent) = tree.get(parent) else {
        return Err(Faults::one("/parent_id", FaultCode::NotFound, "is not a category").into());
    };
    if own.is_some_and(|own| parent.path.contains(&own.id)) {
        return Err(Faults::one(
            "/parent_id",
            FaultCode::Conflict,
            "is the category itself or below it",
        )
        .into());
    }
    if parent.path.len() >= MAX_DEPTH {
        return Err(too_deep("/parent_id"));
    }
    Ok(parent.path.clone())
}

/// The wanted slug if it is free or the category's own, a numbered one made from the name else.
fn choose_slug(
    write: &mut PublicWrite<'_>,
    own: Option<&Category>,
    content: &CategoryContent,
) -> Result<Slug, Error> {
    let own = own.map(|own| own.id);
    if let Some(slug) = &content.slug {
        return match categories::slug_owner(write.conn(), slug)? {
            Some(owner) if Some(owner) != own => Err(Error::Conflict {
                code: Conflict::SlugTaken,
                detail: format!("the slug {slug} belongs to category {owner}"),
            }),
            _ => Ok(slug.clone()),
        };
    }
    let wanted = Slug::from_title(content.name.as_str());
    let mut slug = wanted.clone();
    let mut number = 1;
    while categories::slug_owner(write.conn(), &slug)?.is_some_and(|owner| Some(owner) != own) {
        number += 1;
        slug = wanted.numbered(number);
    }
    Ok(slug)
}

/// What a move, a merge or another name changes in a subtree: a log row for every category below
/// its root and every public article, whose lists are written anew. `home`: where the root's own
/// articles stand now.
fn change_below(
    write: &mut PublicWrite<'_>,
    command: &Command,
    portal: &Portal,
    (root, home): (CategoryId, CategoryId),
    old: &categories::Tree,
    why: Why,
) -> Result<(), Error> {
    let ids: Vec<CategoryId> = old.subtree(root).iter().map(|below| below.id).collect();
    let new = categories::tree(write.conn())?;
    for below in ids.iter().filter(|id| **id != root) {
        if let Some(after) = new.get(*below) {
            record(write, command, portal, after, why, old.get(*below))?;
        }
    }
    for id in categories::articles_in(write.conn(), &ids)? {
        let article = articles::get(write.conn(), id)?;
        let from = article.category_id;
        let category_id = if from == root { home } else { from };
        let path = |tree: &categories::Tree, id: CategoryId| {
            tree.get(id)
                .map(|category| category.path.clone())
                .unwrap_or_default()
        };
        let (before, after) = (path(old, from), path(&new, category_id));
        let seq = write.record(command.at, &article.changed(why, before, after.clone()))?;
        let moved = articles::LiveArticle {
            seq,
            category_id,
            ..article
        };
        articles::set_status(write, &moved, &after)?;
    }
    Ok(())
}

/// Removes what nothing stands in any more, with its row in the log.
fn remove(
    write: &mut PublicWrite<'_>,
    command: &Command,
    portal: &Portal,
    category: &Category,
) -> Result<(), Error> {
    categories::delete(write, category.id).map_err(|error| match error {
        // An article came between the look and the deletion.
        store::Error::Referenced(_) => in_use("an article stands in it; move it first"),
        error => error.into(),
    })?;
    write.record(
        command.at,
        &NewChange {
            op: Op::Delete,
            why: Why::Deleted,
            object_type: ObjectType::Category,
            object_id: category.id.get(),
            uri: uri(portal, &category.uuid)?,
            edition: None,
            language: None,
            before: Some(category.path.clone()),
            after: None,
        },
    )?;
    Ok(())
}

fn in_use(detail: &str) -> Error {
    Error::Conflict {
        code: Conflict::CategoryInUse,
        detail: detail.to_owned(),
    }
}

fn record(
    write: &mut PublicWrite<'_>,
    command: &Command,
    portal: &Portal,
    category: &Category,
    why: Why,
    before: Option<&Category>,
) -> Result<(), Error> {
    write.record(
        command.at,
        &NewChange {
            op: Op::Put,
            why,
            object_type: ObjectType::Category,
            object_id: category.id.get(),
            uri: uri(portal, &category.uuid)?,
            edition: None,
            language: None,
            before: before.map(|before| before.path.clone()),
            after: Some(category.path.clone()),
        },
    )?;
    Ok(())
}

fn deed(
    write: &mut PublicWrite<'_>,
    command: &Command,
    action: &str,
    category: &Category,
    before: Option<Version>,
    reason: Option<&str>,
) -> Result<(), Error> {
    let gone = matches!(action, "delete" | "merge");
    write_down(
        write.conn(),
        command,
        &Deed {
            action,
            object_type: "category",
            object_id: category.id.get(),
            before,
            after: (!gone).then_some(category.version),
            reason,
            details: None,
        },
    )
}
