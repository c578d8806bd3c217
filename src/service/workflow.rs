//! The way of a working copy through the newsroom: submit, recall, return, approve, assign.

use super::working_copy::{at_version, load};
use super::{Command, Deed, Error, IfMatch, require, run, write_down};
use crate::ctx::Ctx;
use crate::domain::article::{Action, Article, Assign, Note, Return, Stage};
use crate::domain::id::ArticleId;
use crate::domain::input::{FaultCode, Faults};
use crate::domain::policy::{Right, has};
use crate::store;
use crate::store::editorial::{articles, users};
use crate::store::public::portal;

/// What moves a working copy from one stage to another.
pub enum Step {
    /// The newest edition is handed in.
    Submit,
    /// What was handed in is taken back.
    Recall,
    /// The author gets it back, and learns why.
    Return(Return),
    /// The newest edition is fit to be published. Holds for that edition only.
    Approve,
}

impl Step {
    /// The action it is, the stage it leads to, and what the author is told.
    fn parts(self) -> (Action, Stage, Option<Note>) {
        match self {
            Self::Submit => (Action::Submit, Stage::Submitted, None),
            Self::Recall => (Action::Recall, Stage::Draft, None),
            Self::Return(body) => (Action::Return, Stage::Returned, Some(body.reason)),
            Self::Approve => (Action::Approve, Stage::Approved, None),
        }
    }
}

/// Takes the working copy one step on its way.
pub async fn step(
    ctx: &Ctx,
    command: Command,
    id: ArticleId,
    if_match: IfMatch,
    step: Step,
) -> Result<Article, Error> {
    let (action, stage, reason) = step.parts();
    run(ctx, command, move |conn, command| {
        let mut article = load(conn, command, id)?;
        at_version(conn, &article, if_match)?;
        require(command, &article, action)?;
        let now = portal::get(conn)?.zone().show(command.at);
        let before = article.version;
        article.version = before.next();
        article.move_to(stage, command.actor.user_id, now);
        article.return_reason = reason;
        articles::update(conn, &article)?;
        write_down(
            conn,
            command,
            &Deed {
                reason: article.return_reason.as_ref().map(Note::as_str),
                ..Deed::of_article(action.as_str(), &article, before)
            },
        )?;
        Ok(article)
    })
    .await
}

/// Says who is to go on with an article. Changes nothing that anybody else saves, so it needs no
/// version and makes none.
pub async fn assign(
    ctx: &Ctx,
    command: Command,
    id: ArticleId,
    body: Assign,
) -> Result<Article, Error> {
    run(ctx, command, move |conn, command| {
        let mut article = load(conn, command, id)?;
        if let Some(user) = body.user_id {
            let fit = match users::get(conn, user) {
                Ok(user) => {
                    user.disabled_at.is_none()
                        && has(&user.roles, Right::Write)
                        && user.reach.covers(&article.path)
                }
                Err(store::Error::NotFound) => false,
                Err(error) => return Err(error.into()),
            };
            if !fit {
                return Err(Faults::one(
                    "/user_id",
                    FaultCode::NotFound,
                    "is nobody who can write articles in its category",
                )
                .into());
            }
        }
        if article.assigned_to == body.user_id {
            return Ok(article);
        }
        article.assigned_to = body.user_id;
        articles::update(conn, &article)?;
        let to = body
            .user_id
            .map_or("nobody".to_owned(), |user| format!("user {user}"));
        write_down(
            conn,
            command,
            &Deed {
                reason: Some(&to),
                ..Deed::of_article("assign", &article, article.version)
            },
        )?;
        Ok(article)
    })
    .await
}
