//! Links that show one edition as readers would get it if it were published now. What they show is
//! made by the code that publishes; nothing public is written.

use super::copy::{Copy, Model, dated, media_of, model};
use crate::ctx::Ctx;
use crate::domain::article::{Article, PublicState};
use crate::domain::id::{ArticleId, EditionNumber, MediaId, PreviewId, Seq};
use crate::domain::input::{FaultCode, Faults};
use crate::domain::policy::allowed_actions;
use crate::domain::preview::{NewPreview, Preview};
use crate::domain::time::Instant;
use crate::service::working_copy::load;
use crate::service::{Command, Deed, Error, authority, run, write_down};
use crate::store::Conn;
use crate::store::editorial::{articles, editions, previews};
use crate::store::public::{categories, portal};

/// Makes a link. Refused for what was taken down: nothing opens that to the world.
pub async fn create(
    ctx: &Ctx,
    command: Command,
    id: ArticleId,
    body: NewPreview,
) -> Result<Preview, Error> {
    let base = ctx.settings.base_url();
    run(ctx, command, move |conn, command| {
        let article = load(conn, command, id)?;
        if article.public_state == PublicState::TakenDown {
            let situation = article.situation();
            return Err(Error::IllegalMove {
                state: situation.describe(),
                allowed: allowed_actions(&command.actor, &situation),
            });
        }
        let edition = body.edition.unwrap_or(article.edition);
        match look(conn, &base, &article, edition, command.at) {
            Err(Error::NotFound) => {
                return Err(Faults::one(
                    "/edition",
                    FaultCode::NotFound,
                    "is not an edition of this article whose category and media are all there",
                )
                .into());
            }
            seen => seen.map(|_| ())?,
        }
        let zone = portal::get(conn)?.zone();
        let mut preview = Preview {
            id: PreviewId::stored(0),
            article_id: id,
            edition,
            created_by: command.actor.user_id,
            created_at: zone.show(command.at),
            expires_at: zone.show(command.at.plus_seconds(body.seconds())),
        };
        preview.id = previews::insert(conn, &preview)?;
        note(conn, command, "create_preview", &preview)?;
        Ok(preview)
    })
    .await
}

/// Ends a link at once.
pub async fn revoke(
    ctx: &Ctx,
    command: Command,
    id: ArticleId,
    preview: PreviewId,
) -> Result<(), Error> {
    run(ctx, command, move |conn, command| {
        load(conn, command, id)?;
        let preview = previews::get(conn, preview)?;
        if preview.article_id != id || !preview.opens_at(command.at) {
            return Err(Error::NotFound);
        }
        previews::delete(conn, preview.id)?;
        note(conn, command, "revoke_preview", &preview)
    })
    .await
}

fn note(conn: &mut Conn, command: &Command, action: &str, preview: &Preview) -> Result<(), Error> {
    let details = serde_json::json!({
        "preview": preview.id,
        "edition": preview.edition,
        "expires_at": preview.expires_at,
    });
    write_down(
        conn,
        command,
        &Deed {
            action,
            object_type: "article",
            object_id: preview.article_id.get(),
            before: None,
            after: None,
            reason: None,
            details: Some(&details.to_string()),
        },
    )
}

/// What publishing this edition would show. Not found where it could not be published: the article
/// was taken down, or the edition names a category or a medium that is gone.
pub fn look(
    conn: &mut Conn,
    base: &str,
    article: &Article,
    number: EditionNumber,
    now: Instant,
) -> Result<Copy, Error> {
    if article.public_state == PublicState::TakenDown {
        return Err(Error::NotFound);
    }
    let mut portal = portal::get(conn)?;
    if portal.authority.is_none() {
        portal.authority = Some(authority(base, &portal, now));
    }
    let tree = categories::tree(conn)?;
    // The slug of the working copy is the article's own; an older edition bears the one of its day.
    let (category, content) = if number == article.edition {
        (article.category_id, article.content.clone())
    } else {
        let (_, category, content) = editions::content(conn, &tree, article.id, number)?;
        (category, content)
    };
    let frozen = media_of(conn, &content)?;
    let is_there = |id: MediaId| frozen.iter().any(|medium| medium.id == id);
    if tree.get(category).is_none() || !content.media().into_iter().all(is_there) {
        return Err(Error::NotFound);
    }
    let (on, at) = dated(article, &content, &portal, now);
    let language = content.language.clone();
    model(Model {
        article,
        language: language.unwrap_or_else(|| portal.content.language.clone()),
        portal: &portal,
        category,
        edition: number,
        content,
        frozen: &frozen,
        publications: articles::publications(conn, article.id)?,
        on,
        at,
        now,
        // Its place in the log is nobody's yet, and not shown.
        seq: Seq::stored(0),
    })
}
