//! Merging a category into another: articles, categories below it, slugs and what users are limited
//! to; then it is gone.

use super::{Saved, change_below, deed, height, reached, remove, too_deep};
use crate::ctx::Ctx;
use crate::domain::category::{Category, CategoryMerge, MAX_DEPTH};
use crate::domain::changes::Why;
use crate::domain::id::CategoryId;
use crate::domain::input::{FaultCode, Faults};
use crate::service::{Command, Error, IfMatch, founded, run_public};
use crate::store;
use crate::store::editorial::articles::change_category;
use crate::store::editorial::users;
use crate::store::public::categories;
use crate::store::public::changes::PublicWrite;

/// Merges a category into another in one transaction; answers the other.
pub async fn merge(
    ctx: &Ctx,
    command: Command,
    id: CategoryId,
    if_match: IfMatch,
    body: CategoryMerge,
) -> Result<Saved, Error> {
    let base = ctx.settings.base_url();
    run_public(ctx, command, move |write, command| {
        let from = categories::get(write.conn(), id)?;
        if_match.check(from.version)?;
        let into = target(write, &from, &body)?;
        let portal = founded(write, &base, command.at)?;
        categories::close(write, id)?;
        let old = categories::tree(write.conn())?;
        reached(command, &old, Some(id))?;
        reached(command, &old, Some(into.id))?;
        if into.path.len() + height(&old, &from) > MAX_DEPTH {
            return Err(too_deep("/into"));
        }
        for child in old.children(Some(id)) {
            let mut path = into.path.clone();
            path.push(child.id);
            let moved = Category {
                version: child.version.next(),
                parent_id: Some(into.id),
                path,
                ..child.clone()
            };
            categories::update(write, &moved)?;
        }
        change_category(write.conn(), id, into.id)?;
        users::change_granted(write.conn(), id, into.id)?;
        categories::give_slugs(write, id, into.id)?;
        change_below(write, command, &portal, (id, into.id), &old, Why::Moved)?;
        remove(write, command, &portal, &from)?;
        let reason = format!("into {}", into.id);
        deed(
            write,
            command,
            "merge",
            &from,
            Some(from.version),
            Some(&reason),
        )?;
        Saved::new(into, &portal)
    })
    .await
}

/// The category that gets everything.
fn target(
    write: &mut PublicWrite<'_>,
    from: &Category,
    body: &CategoryMerge,
) -> Result<Category, Error> {
    let id = categories::find(write.conn(), &body.into).map_err(|error| match error {
        store::Error::NotFound => Faults::one(
            "/into",
            FaultCode::NotFound,
            "is not the slug of a category",
        )
        .into(),
        error => Error::from(error),
    })?;
    let into = categories::get(write.conn(), id)?;
    if into.path.contains(&from.id) {
        let message = "is the category itself or below it";
        return Err(Faults::one("/into", FaultCode::Conflict, message).into());
    }
    Ok(into)
}
