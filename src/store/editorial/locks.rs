//! Locks of articles: who says to be at work. One row for each article at most; rows that expired
//! stay until the next lock.

use diesel::prelude::*;

use super::schema::{article_locks, users};
use crate::domain::content::PersonName;
use crate::domain::id::{ArticleId, UserId};
use crate::domain::lock::Lock;
use crate::domain::time::Instant;
use crate::domain::user::Who;
use crate::store::{Conn, Result};

/// The last lock of an article, which may have expired.
pub fn find(conn: &mut Conn, article: ArticleId) -> Result<Option<Lock>> {
    let found = article_locks::table
        .inner_join(users::table)
        .filter(article_locks::article_id.eq(article.get()))
        .select((
            users::id,
            users::name,
            article_locks::since,
            article_locks::expires_at,
        ))
        .first::<(i64, String, i64, i64)>(conn)
        .optional()?;
    Ok(found.map(|(id, name, since, expires_at)| Lock {
        by: Who {
            id: UserId::stored(id),
            name: PersonName::stored(name),
        },
        since: Instant::from_micros(since),
        expires_at: Instant::from_micros(expires_at),
    }))
}

/// Puts a lock in the place of what was there. The caller holds the article.
pub fn put(conn: &mut Conn, article: ArticleId, lock: &Lock) -> Result<()> {
    delete(conn, article)?;
    diesel::insert_into(article_locks::table)
        .values((
            article_locks::article_id.eq(article.get()),
            article_locks::user_id.eq(lock.by.id.get()),
            article_locks::since.eq(lock.since.micros()),
            article_locks::expires_at.eq(lock.expires_at.micros()),
        ))
        .execute(conn)?;
    Ok(())
}

pub fn delete(conn: &mut Conn, article: ArticleId) -> Result<()> {
    diesel::delete(article_locks::table.find(article.get())).execute(conn)?;
    Ok(())
}
