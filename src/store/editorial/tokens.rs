//! API tokens: found by the hash of what a client sent.

use diesel::prelude::*;

use super::schema::{api_tokens as tokens, users};
use crate::domain::id::{TokenId, UserId};
use crate::domain::page::{Cursor, Limit, Page};
use crate::domain::time::Instant;
use crate::domain::token::{ApiToken, Grant, TokenName};
use crate::domain::user::Login;
use crate::store::{Conn, Result, from_json, to_json};

type Row = (
    (i64, i64, String, String, String, String),
    (i64, Option<i64>, Option<i64>, Option<i64>),
);

type Told = (
    tokens::id,
    tokens::user_id,
    users::login,
    tokens::name,
    tokens::hint,
    tokens::scopes,
);
type Times = (
    tokens::created_at,
    tokens::expires_at,
    tokens::revoked_at,
    tokens::last_used_at,
);

#[rustfmt::skip]
const COLUMNS: (Told, Times) = (
    (tokens::id, tokens::user_id, users::login, tokens::name, tokens::hint, tokens::scopes),
    (tokens::created_at, tokens::expires_at, tokens::revoked_at, tokens::last_used_at),
);

fn read(row: Row) -> Result<ApiToken> {
    let ((id, user_id, login, name, hint, scopes), (created_at, expires_at, revoked_at, used_at)) =
        row;
    Ok(ApiToken {
        id: TokenId::stored(id),
        user_id: UserId::stored(user_id),
        login: Login::stored(login),
        name: TokenName::stored(name),
        hint,
        scopes: from_json(&scopes)?,
        created_at: Instant::from_micros(created_at),
        expires_at: expires_at.map(Instant::from_micros),
        revoked_at: revoked_at.map(Instant::from_micros),
        last_used_at: used_at.map(Instant::from_micros),
    })
}

/// Stores a new token; answers the id, which is made here.
pub fn insert(conn: &mut Conn, token: &ApiToken, hash: &str, by: UserId) -> Result<TokenId> {
    let id: i64 = diesel::insert_into(tokens::table)
        .values((
            tokens::user_id.eq(token.user_id.get()),
            tokens::hash.eq(hash),
            tokens::hint.eq(&token.hint),
            tokens::name.eq(token.name.as_str()),
            tokens::scopes.eq(to_json(&token.scopes)?),
            tokens::created_by.eq(by.get()),
            tokens::created_at.eq(token.created_at.micros()),
            tokens::expires_at.eq(token.expires_at.map(Instant::micros)),
        ))
        .returning(tokens::id)
        .get_result(conn)?;
    Ok(TokenId::stored(id))
}

pub fn get(conn: &mut Conn, id: TokenId) -> Result<ApiToken> {
    read(
        tokens::table
            .inner_join(users::table)
            .filter(tokens::id.eq(id.get()))
            .select(COLUMNS)
            .first::<Row>(conn)?,
    )
}

/// Newest first, of one user or of all; the cursor's key is unused.
pub fn list(
    conn: &mut Conn,
    user: Option<UserId>,
    cursor: Option<Cursor>,
    limit: Limit,
) -> Result<Page<ApiToken>> {
    let mut query = tokens::table
        .inner_join(users::table)
        .order(tokens::id.desc())
        .limit(limit.and_one())
        .select(COLUMNS)
        .into_boxed();
    if let Some(user) = user {
        query = query.filter(tokens::user_id.eq(user.get()));
    }
    if let Some(cursor) = cursor {
        query = query.filter(tokens::id.lt(cursor.id));
    }
    let rows = query
        .load::<Row>(conn)?
        .into_iter()
        .map(read)
        .collect::<Result<Vec<_>>>()?;
    Ok(Page::cut(rows, limit, |token| Cursor {
        key: 0,
        id: token.id.get(),
    }))
}

/// Refuses a token from now on; false if that was so already.
pub fn revoke(conn: &mut Conn, id: TokenId, at: Instant) -> Result<bool> {
    let rows = diesel::update(
        tokens::table
            .filter(tokens::id.eq(id.get()))
            .filter(tokens::revoked_at.is_null()),
    )
    .set(tokens::revoked_at.eq(at.micros()))
    .execute(conn)?;
    Ok(rows == 1)
}

/// Refuses all tokens of a user from now on.
pub fn revoke_all(conn: &mut Conn, user: UserId, at: Instant) -> Result<()> {
    diesel::update(
        tokens::table
            .filter(tokens::user_id.eq(user.get()))
            .filter(tokens::revoked_at.is_null()),
    )
    .set(tokens::revoked_at.eq(at.micros()))
    .execute(conn)?;
    Ok(())
}

/// Notes when a token was used, unless that is known well enough.
pub fn touch(conn: &mut Conn, id: TokenId, at: Instant, known_since: Instant) -> Result<()> {
    diesel::update(
        tokens::table.filter(tokens::id.eq(id.get())).filter(
            tokens::last_used_at
                .is_null()
                .or(tokens::last_used_at.le(known_since.micros())),
        ),
    )
    .set(tokens::last_used_at.eq(at.micros()))
    .execute(conn)?;
    Ok(())
}

/// Whose token this is and what it may do: none when it is unknown, revoked or has expired. With it,
/// when it was last used.
pub fn find(
    conn: &mut Conn,
    hash: &str,
    now: Instant,
) -> Result<Option<(UserId, Grant, Option<Instant>)>> {
    let row = tokens::table
        .filter(tokens::hash.eq(hash))
        .filter(tokens::revoked_at.is_null())
        .filter(
            tokens::expires_at
                .is_null()
                .or(tokens::expires_at.gt(now.micros())),
        )
        .select((
            tokens::user_id,
            tokens::id,
            tokens::scopes,
            tokens::last_used_at,
        ))
        .first::<(i64, i64, String, Option<i64>)>(conn)
        .optional()?;
    let Some((user, id, scopes, used_at)) = row else {
        return Ok(None);
    };
    let grant = Grant {
        id: TokenId::stored(id),
        scopes: from_json(&scopes)?,
    };
    Ok(Some((
        UserId::stored(user),
        grant,
        used_at.map(Instant::from_micros),
    )))
}
