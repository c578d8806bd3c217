//! Captions of public editions.

use diesel::prelude::*;

use super::schema::{live_articles, live_caption_media, live_captions};
use crate::domain::caption::LiveFigure;
use crate::domain::id::{ArticleId, CaptionId, MediaId};
use crate::domain::page::{Cursor, Limit, Page};
use crate::domain::slug::Slug;
use crate::store::{Conn, Result, from_json};

/// A public figure and where it stands.
#[derive(Debug, Clone, PartialEq)]
pub struct LiveCaption {
    pub id: CaptionId,
    pub article_id: ArticleId,
    pub article_slug: Slug,
    /// Index in the body.
    pub position: i32,
    pub figure: LiveFigure,
}

type Row = (i64, i64, String, i32, String);

fn read((id, article_id, slug, position, figure): Row) -> Result<LiveCaption> {
    Ok(LiveCaption {
        id: CaptionId::stored(id),
        article_id: ArticleId::stored(article_id),
        article_slug: Slug::stored(slug),
        position,
        figure: from_json(&figure)?,
    })
}

const COLUMNS: (
    live_captions::id,
    live_captions::article_id,
    live_articles::slug,
    live_captions::position,
    live_captions::figure,
) = (
    live_captions::id,
    live_captions::article_id,
    live_articles::slug,
    live_captions::position,
    live_captions::figure,
);

pub fn get(conn: &mut Conn, id: CaptionId) -> Result<LiveCaption> {
    read(
        live_captions::table
            .inner_join(live_articles::table)
            .filter(live_captions::id.eq(id.get()))
            .select(COLUMNS)
            .first::<Row>(conn)?,
    )
}

/// By id, oldest first; the cursor's key is unused.
pub fn list(
    conn: &mut Conn,
    article: Option<ArticleId>,
    medium: Option<MediaId>,
    cursor: Option<Cursor>,
    limit: Limit,
) -> Result<Page<LiveCaption>> {
    let mut query = live_captions::table
        .inner_join(live_articles::table)
        .filter(live_captions::id.gt(cursor.map_or(0, |cursor| cursor.id)))
        .order(live_captions::id)
        .limit(limit.and_one())
        .select(COLUMNS)
        .into_boxed();
    if let Some(article) = article {
        query = query.filter(live_captions::article_id.eq(article.get()));
    }
    if let Some(medium) = medium {
        query = query.filter(
            live_captions::id.eq_any(
                live_caption_media::table
                    .filter(live_caption_media::media_id.eq(medium.get()))
                    .select(live_caption_media::caption_id),
            ),
        );
    }
    let rows = query
        .load::<Row>(conn)?
        .into_iter()
        .map(read)
        .collect::<Result<Vec<_>>>()?;
    Ok(Page::cut(rows, limit, |caption| Cursor {
        key: 0,
        id: caption.id.get(),
    }))
}
