//! Users, their roles and password hashes.

use diesel::prelude::*;

use super::schema::{sessions, users};
use crate::domain::content::PersonName;
use crate::domain::id::{UserId, Version};
use crate::domain::page::{Cursor, Limit, Page};
use crate::domain::time::Instant;
use crate::domain::user::{Actor, Login, Role, User};
use crate::store::{Conn, Result, from_json, to_json};

type Row = (i64, i64, String, String, String, Option<i64>, i64);

const COLUMNS: (
    users::id,
    users::version,
    users::login,
    users::name,
    users::roles,
    users::disabled_at,
    users::created_at,
) = (
    users::id,
    users::version,
    users::login,
    users::name,
    users::roles,
    users::disabled_at,
    users::created_at,
);

fn read((id, version, login, name, roles, disabled_at, created_at): Row) -> Result<User> {
    Ok(User {
        id: UserId::stored(id),
        version: Version::stored(version),
        login: Login::stored(login),
        name: PersonName::stored(name),
        roles: from_json(&roles)?,
        disabled_at: disabled_at.map(Instant::from_micros),
        created_at: Instant::from_micros(created_at),
    })
}

/// Stores a new user; answers the id, which is made here.
pub fn insert(conn: &mut Conn, user: &User, password_hash: &str) -> Result<UserId> {
    let id: i64 = diesel::insert_into(users::table)
        .values((
            users::version.eq(user.version.get()),
            users::login.eq(user.login.as_str()),
            users::name.eq(user.name.as_str()),
            users::roles.eq(to_json(&user.roles)?),
            users::password_hash.eq(password_hash),
            users::disabled_at.eq(user.disabled_at.map(Instant::micros)),
            users::created_at.eq(user.created_at.micros()),
        ))
        .returning(users::id)
        .get_result(conn)?;
    Ok(UserId::stored(id))
}

pub fn get(conn: &mut Conn, id: UserId) -> Result<User> {
    read(
        users::table
            .find(id.get())
            .select(COLUMNS)
            .first::<Row>(conn)?,
    )
}

/// A user and the hash of the password, whose row nobody else changes until this transaction is
/// over. What is checked before a write is read here.
pub fn hold(conn: &mut Conn, id: UserId) -> Result<(User, String)> {
    diesel::update(users::table.find(id.get()))
        .set(users::login.eq(users::login))
        .execute(conn)?;
    let (row, hash) = users::table
        .find(id.get())
        .select((COLUMNS, users::password_hash))
        .first::<(Row, String)>(conn)?;
    Ok((read(row)?, hash))
}

/// Makes commands that could remove the last admin come one after the other: on PostgreSQL two
/// admins could demote each other otherwise. Taken before `hold`.
pub fn hold_admins(conn: &mut Conn) -> Result<()> {
    diesel::update(
        users::table
            .filter(users::disabled_at.is_null())
            .filter(users::roles.like("%\"admin\"%")),
    )
    .set(users::login.eq(users::login))
    .execute(conn)?;
    Ok(())
}

/// A user and the hash of the password, by login.
pub fn find(conn: &mut Conn, login: &str) -> Result<Option<(User, String)>> {
    users::table
        .filter(users::login.eq(login))
        .select((COLUMNS, users::password_hash))
        .first::<(Row, String)>(conn)
        .optional()?
        .map(|(row, hash)| Ok((read(row)?, hash)))
        .transpose()
}

pub fn update(conn: &mut Conn, user: &User) -> Result<()> {
    diesel::update(users::table.find(user.id.get()))
        .set((
            users::version.eq(user.version.get()),
            users::name.eq(user.name.as_str()),
            users::roles.eq(to_json(&user.roles)?),
            users::disabled_at.eq(user.disabled_at.map(Instant::micros)),
        ))
        .execute(conn)?;
    Ok(())
}

pub fn set_password(conn: &mut Conn, id: UserId, hash: &str) -> Result<()> {
    diesel::update(users::table.find(id.get()))
        .set(users::password_hash.eq(hash))
        .execute(conn)?;
    Ok(())
}

/// By id, oldest first; the cursor's key is unused.
pub fn list(conn: &mut Conn, cursor: Option<Cursor>, limit: Limit) -> Result<Page<User>> {
    let rows = users::table
        .filter(users::id.gt(cursor.map_or(0, |cursor| cursor.id)))
        .order(users::id)
        .limit(limit.and_one())
        .select(COLUMNS)
        .load::<Row>(conn)?
        .into_iter()
        .map(read)
        .collect::<Result<Vec<_>>>()?;
    Ok(Page::cut(rows, limit, |user| Cursor {
        key: 0,
        id: user.id.get(),
    }))
}

/// How many users there are.
pub fn count(conn: &mut Conn) -> Result<i64> {
    Ok(users::table.count().get_result(conn)?)
}

/// How many admins can sign in, one user left aside.
pub fn other_admins(conn: &mut Conn, aside: Option<UserId>) -> Result<usize> {
    let roles: Vec<String> = users::table
        .filter(users::disabled_at.is_null())
        .filter(users::id.ne(aside.map_or(0, UserId::get)))
        .select(users::roles)
        .load(conn)?;
    let mut admins = 0;
    for roles in roles {
        if from_json::<Vec<Role>>(&roles)?.contains(&Role::Admin) {
            admins += 1;
        }
    }
    Ok(admins)
}

/// Who an access token stands for now: none when the sign-in has ended or the user may not
/// sign in any more.
pub fn actor(conn: &mut Conn, id: UserId, session: &str, now: Instant) -> Result<Option<Actor>> {
    let row = users::table
        .inner_join(sessions::table)
        .filter(users::id.eq(id.get()))
        .filter(users::disabled_at.is_null())
        .filter(sessions::id.eq(session))
        .filter(sessions::ended_at.is_null())
        .filter(sessions::expires_at.gt(now.micros()))
        .select(COLUMNS)
        .first::<Row>(conn)
        .optional()?;
    row.map(|row| {
        let user = read(row)?;
        Ok(Actor {
            user_id: user.id,
            session_id: Some(session.to_owned()),
            login: user.login,
            name: user.name,
            roles: user.roles,
        })
    })
    .transpose()
}
