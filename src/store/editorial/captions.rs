//! Identities of figures, maintained from the body on every save.

use diesel::prelude::*;

use super::schema::{article_media, caption_media, captions};
use crate::domain::body::Block;
use crate::domain::id::{ArticleId, CaptionId, MediaId};
use crate::domain::page::{Cursor, Limit, Page};
use crate::store::{Conn, Result};

/// Makes a new identity for a figure of an article.
pub fn create(conn: &mut Conn, article: ArticleId) -> Result<CaptionId> {
    let id: i64 = diesel::insert_into(captions::table)
        .values(captions::article_id.eq(article.get()))
        .returning(captions::id)
        .get_result(conn)?;
    Ok(CaptionId::stored(id))
}

/// Whose figure it is or was.
pub fn owner(conn: &mut Conn, id: CaptionId) -> Result<Option<ArticleId>> {
    let id: Option<i64> = captions::table
        .find(id.get())
        .select(captions::article_id)
        .first(conn)
        .optional()?;
    Ok(id.map(ArticleId::stored))
}

/// The article in whose working copy the figure stands now, and its index in the body.
pub fn place(conn: &mut Conn, id: CaptionId) -> Result<(ArticleId, i32)> {
    let (article, position) = captions::table
        .find(id.get())
        .filter(captions::position.is_not_null())
        .select((captions::article_id, captions::position.assume_not_null()))
        .first::<(i64, i32)>(conn)?;
    Ok((ArticleId::stored(article), position))
}

/// Writes the tables anew after the body of an article.
pub fn sync(
    conn: &mut Conn,
    article: ArticleId,
    body: &[Block],
    cover: Option<MediaId>,
) -> Result<()> {
    let own = captions::table
        .filter(captions::article_id.eq(article.get()))
        .select(captions::id);
    diesel::delete(caption_media::table.filter(caption_media::caption_id.eq_any(own)))
        .execute(conn)?;
    diesel::delete(article_media::table.filter(article_media::article_id.eq(article.get())))
        .execute(conn)?;
    diesel::update(captions::table.filter(captions::article_id.eq(article.get())))
        .set(captions::position.eq(None::<i32>))
        .execute(conn)?;
    let mut media: std::collections::BTreeSet<MediaId> = cover.into_iter().collect();
    for (position, block) in (0_i32..).zip(body) {
        media.extend(block.media().into_iter().map(|(_, id)| id));
        let Block::Figure(figure) = block else {
            continue;
        };
        let Some(caption) = figure.caption_id else {
            continue;
        };
        diesel::update(captions::table.find(caption.get()))
            .set(captions::position.eq(position))
            .execute(conn)?;
        let used: std::collections::BTreeSet<MediaId> =
            figure.media.iter().map(|medium| medium.media_id).collect();
        for id in used {
            diesel::insert_into(caption_media::table)
                .values((
                    caption_media::caption_id.eq(caption.get()),
                    caption_media::media_id.eq(id.get()),
                ))
                .execute(conn)?;
        }
    }
    for id in media {
        diesel::insert_into(article_media::table)
            .values((
                article_media::article_id.eq(article.get()),
                article_media::media_id.eq(id.get()),
            ))
            .execute(conn)?;
    }
    Ok(())
}

/// Figures of working copies by id, oldest first; the cursor's key is unused. Narrowed to an
/// article, a medium, the articles that one user made or has to go on with, or the categories with
/// these ids.
pub fn list(
    conn: &mut Conn,
    article: Option<ArticleId>,
    medium: Option<MediaId>,
    known_to: Option<crate::domain::id::UserId>,
    within: Option<Vec<i64>>,
    cursor: Option<Cursor>,
    limit: Limit,
) -> Result<Page<(CaptionId, ArticleId, i32)>> {
    use super::schema::articles;
    let mut query = captions::table
        .filter(captions::position.is_not_null())
        .filter(captions::id.gt(cursor.map_or(0, |cursor| cursor.id)))
        .order(captions::id)
        .limit(limit.and_one())
        .select((
            captions::id,
            captions::article_id,
            captions::position.assume_not_null(),
        ))
        .into_boxed();
    if let Some(article) = article {
        query = query.filter(captions::article_id.eq(article.get()));
    }
    if let Some(medium) = medium {
        query = query.filter(
            captions::id.eq_any(
                caption_media::table
                    .filter(caption_media::media_id.eq(medium.get()))
                    .select(caption_media::caption_id),
            ),
        );
    }
    if let Some(user) = known_to {
        query = query.filter(
            captions::article_id.eq_any(
                articles::table
                    .filter(
                        articles::created_by.eq(user.get()).or(articles::assigned_to
                            .is_not_null()
                            .and(articles::assigned_to.assume_not_null().eq(user.get()))),
                    )
                    .select(articles::id),
            ),
        );
    }
    if let Some(categories) = within {
        query = query.filter(
            captions::article_id.eq_any(
                articles::table
                    .filter(articles::category_id.eq_any(categories))
                    .select(articles::id),
            ),
        );
    }
    let rows = query
        .load::<(i64, i64, i32)>(conn)?
        .into_iter()
        .map(|(id, article, position)| {
            (CaptionId::stored(id), ArticleId::stored(article), position)
        })
        .collect();
    Ok(Page::cut(rows, limit, |(id, _, _)| Cursor {
        key: 0,
        id: id.get(),
    }))
}
