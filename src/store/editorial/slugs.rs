//! Every slug ever given to an article, drafts' and old ones included; never given to another.

use diesel::prelude::*;

use super::schema::slugs;
use crate::domain::id::ArticleId;
use crate::domain::slug::Slug;
use crate::store::db::each_backend;
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

/// Takes a slug for an article; false where another has or had it. On PostgreSQL this waits for a
/// transaction that takes the same one, so two cannot both succeed.
pub fn take(conn: &mut Conn, article: ArticleId, slug: &Slug) -> Result<bool> {
    each_backend!(conn, |c| diesel::insert_into(slugs::table)
        .values((
            slugs::slug.eq(slug.as_str()),
            slugs::article_id.eq(article.get())
        ))
        .on_conflict_do_nothing()
        .execute(c))?;
    Ok(owner(conn, slug)? == Some(article))
}

/// Takes the slug, or it with the first number that is free: `-2`, `-3` and so on.
pub fn take_free(conn: &mut Conn, article: ArticleId, wanted: &Slug) -> Result<Slug> {
    if take(conn, article, wanted)? {
        return Ok(wanted.clone());
    }
    // Titles like "Thông báo" come thousands of times: the numbers are galloped over, then halved.
    let (mut taken, mut free) = (1, 2);
    while owner(conn, &wanted.numbered(free))?.is_some() {
        (taken, free) = (free, free.saturating_mul(2));
    }
    while free - taken > 1 {
        let middle = taken + (free - taken) / 2;
        match owner(conn, &wanted.numbered(middle))? {
            Some(_) => taken = middle,
            None => free = middle,
        }
    }
    loop {
        let slug = wanted.numbered(free);
        if take(conn, article, &slug)? {
            return Ok(slug);
        }
        free += 1;
    }
}

/// Gives a slug back, unless something public was ever found under it.
pub fn release(conn: &mut Conn, slug: &Slug) -> Result<()> {
    if !knows_slug(conn, slug)? {
        diesel::delete(slugs::table.find(slug.as_str())).execute(conn)?;
    }
    Ok(())
}
