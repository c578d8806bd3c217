//! Captions on their own: each command is a save of the article that holds the figure.

use serde::{Deserialize, Serialize};

use super::working_copy::{at_version, load, save};
use super::{Command, Error, IfMatch, run};
use crate::ctx::Ctx;
use crate::domain::article::Article;
use crate::domain::body::Block;
use crate::domain::caption::Figure;
use crate::domain::id::{ArticleId, CaptionId};
use crate::domain::input::{self, FaultCode, Faults};
use crate::store::Conn;
use crate::store::editorial::captions;

/// A figure of a working copy: the article after the write, and where the figure stands in it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Placed {
    pub article: Article,
    pub position: usize,
}

/// Adds a figure to an article, at an index of its body or at its end.
pub async fn create(
    ctx: &Ctx,
    command: Command,
    if_match: IfMatch,
    article_id: ArticleId,
    position: Option<u16>,
    figure: Figure,
) -> Result<Placed, Error> {
    run(ctx, command, move |conn, command| {
        let article = match load(conn, command, article_id) {
            Err(Error::NotFound) => {
                return Err(
                    Faults::one("/article_id", FaultCode::NotFound, "is not an article").into(),
                );
            }
            other => other?,
        };
        at_version(conn, &article, if_match)?;
        let mut content = article.content.clone();
        let end = content.body.0.len();
        let position = position.map_or(end, usize::from);
        if position > end {
            return Err(Faults::one(
                "/position",
                FaultCode::OutOfRange,
                format!("must be 0 to {end}"),
            )
            .into());
        }
        if figure.caption_id.is_some() {
            return Err(
                Faults::one("/caption_id", FaultCode::Conflict, "is given by the server").into(),
            );
        }
        content.body.0.insert(position, Block::Figure(figure));
        // The body as a whole must stay valid: its length, its keys.
        let content = revalidated(&content).map_err(|error| placed(error, position))?;
        let article = save(conn, command, article, if_match, content, "add_caption")
            .map_err(|error| placed(error, position))?;
        Ok(Placed { article, position })
    })
    .await
}

/// Changes a figure by a merge patch.
pub async fn update(
    ctx: &Ctx,
    command: Command,
    id: CaptionId,
    if_match: IfMatch,
    patch: serde_json::Value,
) -> Result<Placed, Error> {
    run(ctx, command, move |conn, command| {
        let (article, position) = find(conn, command, id)?;
        at_version(conn, &article, if_match)?;
        let mut content = article.content.clone();
        let Some(Block::Figure(figure)) = content.body.0.get_mut(position) else {
            return Err(Error::NotFound);
        };
        let mut merged =
            serde_json::to_value(&*figure).map_err(|error| Error::Internal(error.to_string()))?;
        input::merge(&mut merged, patch);
        let changed: Figure = input::parse(merged)?;
        let mut faults = Faults::default();
        if changed.caption_id != Some(id) {
            faults.push("/caption_id", FaultCode::Conflict, "cannot be changed");
        }
        if changed.key != figure.key {
            faults.push("/_key", FaultCode::Conflict, "cannot be changed");
        }
        changed.check("", &mut faults);
        faults.or(())?;
        *figure = changed;
        let content = revalidated(&content).map_err(|error| placed(error, position))?;
        let article = save(conn, command, article, if_match, content, "change_caption")
            .map_err(|error| placed(error, position))?;
        Ok(Placed { article, position })
    })
    .await
}

/// Removes the whole figure from its article.
pub async fn delete(
    ctx: &Ctx,
    command: Command,
    id: CaptionId,
    if_match: IfMatch,
) -> Result<Article, Error> {
    run(ctx, command, move |conn, command| {
        let (article, position) = find(conn, command, id)?;
        at_version(conn, &article, if_match)?;
        let mut content = article.content.clone();
        content.body.0.remove(position);
        save(conn, command, article, if_match, content, "remove_caption")
    })
    .await
}

fn find(conn: &mut Conn, command: &Command, id: CaptionId) -> Result<(Article, usize), Error> {
    let (article, position) = captions::place(conn, id)?;
    let article = load(conn, command, article)?;
    // The article is held now; the figure may have moved since its place was read.
    let position = usize::try_from(position).ok();
    let is_it =
        |at: &usize| article.content.body.0.get(*at).and_then(Block::caption_id) == Some(id);
    match position.filter(is_it) {
        Some(position) => Ok((article, position)),
        None => article
            .content
            .body
            .0
            .iter()
            .position(|block| block.caption_id() == Some(id))
            .map(|position| (article, position))
            .ok_or(Error::NotFound),
    }
}

/// Faults of the figure with pointers into the body of the request, which is the figure.
fn placed(error: Error, position: usize) -> Error {
    let place = format!("/body/{position}");
    match error {
        Error::Invalid(mut faults) => {
            for fault in &mut faults.0 {
                if let Some(rest) = fault.pointer.strip_prefix(&place) {
                    fault.pointer = rest.to_owned();
                }
            }
            Error::Invalid(faults)
        }
        error => error,
    }
}

/// The content after its rules were checked again.
fn revalidated(
    content: &crate::domain::content::Content,
) -> Result<crate::domain::content::Content, Error> {
    let value =
        serde_json::to_value(content).map_err(|error| Error::Internal(error.to_string()))?;
    Ok(input::parse(value)?)
}
