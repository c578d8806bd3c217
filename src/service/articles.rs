//! Articles: create, save, delete. Publishing has its own file.

use super::working_copy::{
    at_version, check, load, save as save_copy, slug_taken, store as store_copy,
};
use super::{Command, Conflict, Deed, Error, IfMatch, Save, new_uuid, require, run, write_down};
use crate::ctx::Ctx;
use crate::domain::article::{Action, Article, PublicState, Stage};
use crate::domain::content::Content;
use crate::domain::id::{ArticleId, EditionNumber, Version};
use crate::domain::input::{FaultCode, Faults};
use crate::domain::slug::Slug;
use crate::store::editorial::{articles, editions, slugs};
use crate::store::public::categories;

/// Makes a draft.
pub async fn create(ctx: &Ctx, command: Command, content: Content) -> Result<Article, Error> {
    run(ctx, command, move |conn, command| {
        let checked = check(conn, command, content, None)?;
        let uuid = new_uuid(command.at);
        let zone = checked.portal.zone();
        let mut article = Article {
            id: ArticleId::stored(0),
            version: Version::FIRST,
            uri: checked.portal.uri(&uuid),
            // The slug belongs to the id, which the database gives; until then any unique word.
            slug: Slug::stored(uuid.clone()),
            uuid,
            category_id: checked.category_id,
            path: Vec::new(),
            public_path: None,
            scheduled_path: None,
            stage: Stage::Draft,
            stage_by: None,
            stage_at: None,
            return_reason: None,
            assigned_to: None,
            scheduled: None,
            expire_at: None,
            edition: EditionNumber::FIRST,
            public_state: PublicState::None,
            public_edition: None,
            state_note: None,
            state_at: None,
            reason_code: None,
            published_on: None,
            published_at: None,
            first_published_at: None,
            created_by: command.actor.user_id,
            created_at: zone.show(command.at),
            updated_at: zone.show(command.at),
            lock: None,
            content: checked.content.clone(),
        };
        article.id = articles::insert(conn, &article)?;
        article.slug = match &checked.content.slug {
            Some(slug) if !slugs::take(conn, article.id, slug)? => return Err(slug_taken(slug)),
            Some(slug) => slug.clone(),
            None => {
                let wanted = Slug::from_title(checked.content.title.as_str());
                slugs::take_free(conn, article.id, &wanted)?
            }
        };
        store_copy(conn, command, article, checked, "create")
    })
    .await
}

/// Saves the working copy. Identical content makes no edition.
pub async fn save(
    ctx: &Ctx,
    command: Command,
    id: ArticleId,
    if_match: IfMatch,
    save: Save<Content>,
) -> Result<Article, Error> {
    run(ctx, command, move |conn, command| {
        let article = load(conn, command, id)?;
        if matches!(save, Save::Patch(_)) {
            at_version(conn, &article, if_match)?;
        }
        let content = save.onto(&article.content, if_match, article.version)?;
        save_copy(conn, command, article, if_match, content, "save")
    })
    .await
}

/// Makes an old edition the working copy again, as a new edition. The article keeps its slug: what
/// comes back is a text, and addresses are nobody's text.
pub async fn restore_edition(
    ctx: &Ctx,
    command: Command,
    id: ArticleId,
    if_match: IfMatch,
    number: EditionNumber,
) -> Result<Article, Error> {
    run(ctx, command, move |conn, command| {
        let article = load(conn, command, id)?;
        let tree = categories::tree(conn)?;
        let (_, category, mut content) = editions::content(conn, &tree, id, number)?;
        // Its old slug may name another category by now.
        if tree.get(category).is_none() {
            return Err(Faults::one(
                "/category",
                FaultCode::NotFound,
                "the category of this edition is gone",
            )
            .into());
        }
        content.slug = Some(article.slug.clone());
        save_copy(conn, command, article, if_match, content, "restore_edition")
    })
    .await
}

/// Deletes what was never public.
pub async fn delete(
    ctx: &Ctx,
    command: Command,
    id: ArticleId,
    if_match: IfMatch,
) -> Result<(), Error> {
    run(ctx, command, move |conn, command| {
        let article = load(conn, command, id)?;
        at_version(conn, &article, if_match)?;
        if article.public_state != PublicState::None {
            return Err(Error::Conflict {
                code: Conflict::WasPublic,
                detail: "readers have seen it; take it down with the action take-down".to_owned(),
            });
        }
        require(command, &article, Action::Delete)?;
        articles::delete(conn, id)?;
        write_down(
            conn,
            command,
            &Deed {
                after: None,
                ..Deed::of_article("delete", &article, article.version)
            },
        )
    })
    .await
}
