//! Comments of the newsroom on an article. They change nothing of it and need no version.

use super::working_copy::load;
use super::{Command, Deed, Error, run, write_down};
use crate::ctx::Ctx;
use crate::domain::article::{Comment, NewComment};
use crate::domain::id::{ArticleId, CommentId};
use crate::domain::policy::{Right, has};
use crate::store::Conn;
use crate::store::editorial::comments;
use crate::store::public::portal;

/// Says something of an article.
pub async fn create(
    ctx: &Ctx,
    command: Command,
    article: ArticleId,
    body: NewComment,
) -> Result<Comment, Error> {
    run(ctx, command, move |conn, command| {
        let article = load(conn, command, article)?;
        let mut comment = Comment {
            id: CommentId::stored(0),
            article_id: article.id,
            edition: article.edition,
            text: body.text,
            created_by: command.actor.user_id,
            created_at: portal::get(conn)?.zone().show(command.at),
        };
        comment.id = comments::insert(conn, &comment)?;
        deed(conn, command, "comment", &comment)?;
        Ok(comment)
    })
    .await
}

/// Removes one's own comment; editors may remove anybody's.
pub async fn delete(
    ctx: &Ctx,
    command: Command,
    article: ArticleId,
    id: CommentId,
) -> Result<(), Error> {
    run(ctx, command, move |conn, command| {
        let article = load(conn, command, article)?;
        let comment = comments::get(conn, article.id, id)?;
        let own = comment.created_by == command.actor.user_id;
        if !own && !has(&command.actor.roles, Right::Edit) {
            return Err(Error::Forbidden);
        }
        comments::delete(conn, id)?;
        deed(conn, command, "delete_comment", &comment)
    })
    .await
}

fn deed(conn: &mut Conn, command: &Command, action: &str, comment: &Comment) -> Result<(), Error> {
    let details = serde_json::json!({"comment": comment.id, "by": comment.created_by}).to_string();
    write_down(
        conn,
        command,
        &Deed {
            action,
            object_type: "article",
            object_id: comment.article_id.get(),
            before: None,
            after: None,
            reason: None,
            details: Some(&details),
        },
    )
}
