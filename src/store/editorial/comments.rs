//! What the newsroom says to itself of an article.

use diesel::prelude::*;

use super::schema::comments;
use crate::domain::article::{Comment, CommentText};
use crate::domain::id::{ArticleId, CommentId, EditionNumber, UserId};
use crate::domain::page::{Cursor, Limit, Page};
use crate::domain::time::Instant;
use crate::store::{Conn, Result};

type Row = (i64, i64, i64, String, i64, i64);

fn read((id, article, edition, text, by, at): Row) -> Comment {
    Comment {
        id: CommentId::stored(id),
        article_id: ArticleId::stored(article),
        edition: EditionNumber::stored(edition),
        text: CommentText::stored(text),
        created_by: UserId::stored(by),
        created_at: Instant::from_micros(at),
    }
}

/// Stores a comment; its id is made here.
pub fn insert(conn: &mut Conn, comment: &Comment) -> Result<CommentId> {
    let id: i64 = diesel::insert_into(comments::table)
        .values((
            comments::article_id.eq(comment.article_id.get()),
            comments::edition.eq(comment.edition.get()),
            comments::text.eq(comment.text.as_str()),
            comments::created_by.eq(comment.created_by.get()),
            comments::created_at.eq(comment.created_at.micros()),
        ))
        .returning(comments::id)
        .get_result(conn)?;
    Ok(CommentId::stored(id))
}

pub fn get(conn: &mut Conn, article: ArticleId, id: CommentId) -> Result<Comment> {
    let row: Row = comments::table
        .find(id.get())
        .filter(comments::article_id.eq(article.get()))
        .first(conn)?;
    Ok(read(row))
}

pub fn delete(conn: &mut Conn, id: CommentId) -> Result<()> {
    diesel::delete(comments::table.find(id.get())).execute(conn)?;
    Ok(())
}

/// An article's comments, newest first; the cursor's key is unused.
pub fn list(
    conn: &mut Conn,
    article: ArticleId,
    cursor: Option<Cursor>,
    limit: Limit,
) -> Result<Page<Comment>> {
    let rows = comments::table
        .filter(comments::article_id.eq(article.get()))
        .filter(comments::id.lt(cursor.map_or(i64::MAX, |cursor| cursor.id)))
        .order(comments::id.desc())
        .limit(limit.and_one())
        .load::<Row>(conn)?
        .into_iter()
        .map(read)
        .collect();
    Ok(Page::cut(rows, limit, |comment| Cursor {
        key: 0,
        id: comment.id.get(),
    }))
}
