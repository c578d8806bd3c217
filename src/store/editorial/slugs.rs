//! Every slug ever given to an article, drafts' and old ones included; never given to another.

use diesel::prelude::*;

use super::schema::slugs;
use crate::domain::id::ArticleId;
use crate::domain::slug::Slug;
use crate::store::public::articles::knows_slug;
use crate::store::{Conn, Result};

/// Whose slug this is or was.
pub fn owner(conn: &mut Conn, slug: &Slug) -> Result<Option<ArticleId>> {
    let id: Option<i64> = slugs::table
        .find(slug.as_str())
        .select(slugs::article_id)
        .first(conn)
        .optional()?;
    Ok(id.map(ArticleId::stored))
}

/// The slug, or it with the first number that is free: `-2`, `-3` and so on.
pub fn free(conn: &mut Conn, wanted: &Slug) -> Result<Slug> {
    let mut slug = wanted.clone();
    let mut number = 1;
    while owner(conn, &slug)?.is_some() {
        number += 1;
        slug = wanted.numbered(number);
    }
    Ok(slug)
}

pub fn reserve(conn: &mut Conn, article: ArticleId, slug: &Slug) -> Result<()> {
    diesel::insert_into(slugs::table)
        .values((
            slugs::slug.eq(slug.as_str()),
            slugs::article_id.eq(article.get()),
        ))
        .execute(conn)?;
    Ok(())
}

/// Gives a slug back, unless something public was ever found under it.
pub fn release(conn: &mut Conn, slug: &Slug) -> Result<()> {
    if !knows_slug(conn, slug)? {
        diesel::delete(slugs::table.find(slug.as_str())).execute(conn)?;
    }
    Ok(())
}
