//! Users, their roles and password hashes.

use diesel::prelude::*;

use super::schema::{invitations, sessions, user_categories, users};
use crate::domain::content::PersonName;
use crate::domain::email::Email;
use crate::domain::id::{CategoryId, UserId, Version};
use crate::domain::page::{Cursor, Limit, Page};
use crate::domain::reach::{Granted, Reach};
use crate::domain::time::Instant;
use crate::domain::user::{Actor, Login, Role, User, UserKind};
use crate::store::db::each_backend;
use crate::store::public::categories;
use crate::store::{Conn, Error, Result, from_json, to_json};

#[rustfmt::skip]
type Row = (
    (i64, i64, String, String, String, Option<i64>, i64, Option<String>),
    (bool, String, String, bool, bool),
);

#[rustfmt::skip]
type Told = (
    users::id, users::version, users::login, users::name, users::roles, users::disabled_at,
    users::created_at, users::email,
);
#[rustfmt::skip]
type Access = (
    users::limited, users::kind, users::password_hash, users::must_change_password,
    users::second_factor,
);

#[rustfmt::skip]
const COLUMNS: (Told, Access) = (
    (users::id, users::version, users::login, users::name, users::roles, users::disabled_at,
        users::created_at, users::email),
    (users::limited, users::kind, users::password_hash, users::must_change_password,
        users::second_factor),
);

/// Stands for the hash of a user without a password; no password fits it.
pub const NO_PASSWORD: &str = "";

/// A user whose reach is still to be read, where the flag says that there is a limit.
fn read(row: Row) -> Result<(User, bool)> {
    let ((id, version, login, name, roles, disabled_at, created_at, email), access) = row;
    let (limited, kind, hash, must_change, second_factor) = access;
    let user = User {
        kind: UserKind::parse(&kind).ok_or_else(|| Error::Corrupt(format!("kind {kind}")))?,
        has_password: hash != NO_PASSWORD,
        id: UserId::stored(id),
        version: Version::stored(version),
        login: Login::stored(login),
        name: PersonName::stored(name),
        email: email.map(Email::stored),
        roles: from_json(&roles)?,
        reach: Reach::Everywhere,
        disabled_at: disabled_at.map(Instant::from_micros),
        created_at: Instant::from_micros(created_at),
        must_change_password: must_change,
        second_factor,
    };
    Ok((user, limited))
}

/// Rows with the categories that they are limited to.
fn complete(conn: &mut Conn, rows: Vec<Row>) -> Result<Vec<User>> {
    let users = rows.into_iter().map(read).collect::<Result<Vec<_>>>()?;
    let limited: Vec<i64> = users
        .iter()
        .filter(|(_, limited)| *limited)
        .map(|(user, _)| user.id.get())
        .collect();
    if limited.is_empty() {
        return Ok(users.into_iter().map(|(user, _)| user).collect());
    }
    let grants: Vec<(i64, i64)> = user_categories::table
        .filter(user_categories::user_id.eq_any(limited))
        .order((user_categories::user_id, user_categories::category_id))
        .load(conn)?;
    let ids: Vec<CategoryId> = grants
        .iter()
        .map(|(_, category)| CategoryId::stored(*category))
        .collect();
    let slugs = categories::slugs(conn, &ids)?;
    Ok(users
        .into_iter()
        .map(|(user, limited)| {
            let own = grants.iter().filter(|(id, _)| *id == user.id.get());
            let granted = own.filter_map(|(_, category)| {
                let id = CategoryId::stored(*category);
                let slug = slugs.get(&id)?.clone();
                Some(Granted { id, slug })
            });
            let reach = match limited {
                true => Reach::Only(granted.collect()),
                false => Reach::Everywhere,
            };
            User { reach, ..user }
        })
        .collect())
}

fn complete_one(conn: &mut Conn, row: Row) -> Result<User> {
    let users = complete(conn, vec![row])?;
    users
        .into_iter()
        .next()
        .ok_or(crate::store::Error::NotFound)
}

/// Stores how far a user's roles go.
fn keep_reach(conn: &mut Conn, id: UserId, reach: &Reach) -> Result<()> {
    let (limited, granted) = match reach {
        Reach::Everywhere => (false, &[][..]),
        Reach::Only(granted) => (true, granted.as_slice()),
    };
    diesel::update(users::table.find(id.get()))
        .set(users::limited.eq(limited))
        .execute(conn)?;
    diesel::delete(user_categories::table.filter(user_categories::user_id.eq(id.get())))
        .execute(conn)?;
    for one in granted {
        grant(conn, id.get(), one.id)?;
    }
    Ok(())
}

fn grant(conn: &mut Conn, user: i64, category: CategoryId) -> Result<()> {
    each_backend!(conn, |c| diesel::insert_into(user_categories::table)
        .values((
            user_categories::user_id.eq(user),
            user_categories::category_id.eq(category.get()),
        ))
        .on_conflict_do_nothing()
        .execute(c))?;
    Ok(())
}

/// Are anybody's roles limited to this category?
pub fn is_granted(conn: &mut Conn, category: CategoryId) -> Result<bool> {
    let found: i64 = user_categories::table
        .filter(user_categories::category_id.eq(category.get()))
        .count()
        .get_result(conn)?;
    Ok(found > 0)
}

/// Whoever's roles are limited to the one category has the other instead.
pub fn change_granted(conn: &mut Conn, from: CategoryId, into: CategoryId) -> Result<()> {
    let users: Vec<i64> =
        diesel::delete(user_categories::table.filter(user_categories::category_id.eq(from.get())))
            .returning(user_categories::user_id)
            .get_results(conn)?;
    for user in users {
        grant(conn, user, into)?;
    }
    Ok(())
}

/// Stores a new user; answers the id, which is made here.
pub fn insert(conn: &mut Conn, user: &User, password_hash: &str) -> Result<UserId> {
    let id: i64 = diesel::insert_into(users::table)
        .values((
            users::version.eq(user.version.get()),
            users::login.eq(user.login.as_str()),
            users::name.eq(user.name.as_str()),
            users::email.eq(user.email.as_ref().map(Email::as_str)),
            users::roles.eq(to_json(&user.roles)?),
            users::password_hash.eq(password_hash),
            users::disabled_at.eq(user.disabled_at.map(Instant::micros)),
            users::created_at.eq(user.created_at.micros()),
            users::kind.eq(user.kind.as_str()),
            users::must_change_password.eq(user.must_change_password),
        ))
        .returning(users::id)
        .get_result(conn)?;
    let id = UserId::stored(id);
    keep_reach(conn, id, &user.reach)?;
    Ok(id)
}

pub fn get(conn: &mut Conn, id: UserId) -> Result<User> {
    let row = users::table.find(id.get()).select(COLUMNS).first(conn)?;
    complete_one(conn, row)
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
    Ok((complete_one(conn, row)?, hash))
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
        .map(|(row, hash)| Ok((complete_one(conn, row)?, hash)))
        .transpose()
}

pub fn update(conn: &mut Conn, user: &User) -> Result<()> {
    diesel::update(users::table.find(user.id.get()))
        .set((
            users::version.eq(user.version.get()),
            users::name.eq(user.name.as_str()),
            users::email.eq(user.email.as_ref().map(Email::as_str)),
            users::roles.eq(to_json(&user.roles)?),
            users::disabled_at.eq(user.disabled_at.map(Instant::micros)),
            users::must_change_password.eq(user.must_change_password),
            users::second_factor.eq(user.second_factor),
        ))
        .execute(conn)?;
    keep_reach(conn, user.id, &user.reach)
}

/// A new password; an open invitation to choose one is void.
pub fn set_password(conn: &mut Conn, id: UserId, hash: &str) -> Result<()> {
    diesel::delete(invitations::table.find(id.get())).execute(conn)?;
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
        .load::<Row>(conn)?;
    let users = complete(conn, rows)?;
    Ok(Page::cut(users, limit, |user| Cursor {
        key: 0,
        id: user.id.get(),
    }))
}

/// How many users there are.
pub fn count(conn: &mut Conn) -> Result<i64> {
    Ok(users::table.count().get_result(conn)?)
}

/// How many admins can sign in, one user left aside: no services, nobody without a password.
pub fn other_admins(conn: &mut Conn, aside: Option<UserId>) -> Result<usize> {
    let roles: Vec<String> = users::table
        .filter(users::disabled_at.is_null())
        .filter(users::id.ne(aside.map_or(0, UserId::get)))
        .filter(users::kind.eq(UserKind::Person.as_str()))
        .filter(users::password_hash.ne(NO_PASSWORD))
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
/// sign in any more. `demanded`: roles that need a second factor.
pub fn actor(
    conn: &mut Conn,
    id: UserId,
    session: &str,
    now: Instant,
    demanded: &[Role],
) -> Result<Option<Actor>> {
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
        let user = complete_one(conn, row)?;
        Ok(Actor {
            pending: user.pending(demanded),
            user_id: user.id,
            session_id: Some(session.to_owned()),
            login: user.login,
            name: user.name,
            roles: user.roles,
            reach: user.reach,
            token: None,
        })
    })
    .transpose()
}
