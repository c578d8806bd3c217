//! Users from the command line.

use super::{By, Error, New, UserContent, insert, replace_password, update, wants_password};
use crate::domain::time::Instant;
use crate::domain::user::{Chosen, Login, NewPassword, User};
use crate::infra::password::Hasher;
use crate::store::Conn;
use crate::store::db::transaction;
use crate::store::editorial::users;

/// Who sits at the command line: whoever may open the database. No user, no rights to check.
pub struct Console {
    pub at: Instant,
}

impl Console {
    /// Makes a user.
    pub fn add(
        &self,
        conn: &mut Conn,
        hasher: &Hasher,
        login: Login,
        content: UserContent,
        password: &NewPassword,
        chosen: Chosen,
    ) -> Result<User, Error> {
        let hash = hasher.hash(password.as_str()).map_err(Error::Internal)?;
        transaction(conn, |conn| {
            let new = New::person(login, content, (&hash, chosen));
            insert(conn, By::Console(self.at), new)
        })
    }

    /// Refuses a user from now on.
    pub fn disable(&self, conn: &mut Conn, login: &Login) -> Result<User, Error> {
        transaction(conn, |conn| {
            users::hold_admins(conn)?;
            let before = named(conn, login)?;
            if before.disabled_at.is_some() {
                return Ok(before);
            }
            let content = UserContent {
                disabled: true,
                ..UserContent::of(&before)
            };
            update(conn, By::Console(self.at), before, content, "disable")
        })
    }

    /// Lets a user in again.
    pub fn enable(&self, conn: &mut Conn, login: &Login) -> Result<User, Error> {
        transaction(conn, |conn| {
            let before = named(conn, login)?;
            if before.disabled_at.is_none() {
                return Ok(before);
            }
            let content = UserContent {
                disabled: false,
                ..UserContent::of(&before)
            };
            update(conn, By::Console(self.at), before, content, "enable")
        })
    }

    /// Turns a user's second factor off and ends all sign-ins.
    pub fn reset_second_factor(&self, conn: &mut Conn, login: &Login) -> Result<User, Error> {
        transaction(conn, |conn| {
            let before = named(conn, login)?;
            super::access::without_second_factor(conn, By::Console(self.at), before)
        })
    }

    /// Gives a user a new password and ends all sign-ins.
    pub fn set_password(
        &self,
        conn: &mut Conn,
        hasher: &Hasher,
        login: &Login,
        password: &NewPassword,
    ) -> Result<User, Error> {
        let hash = hasher.hash(password.as_str()).map_err(Error::Internal)?;
        transaction(conn, |conn| {
            let before = named(conn, login)?;
            wants_password(&before)?;
            replace_password(conn, By::Console(self.at), before, (&hash, Chosen::ByOther))
        })
    }
}

fn named(conn: &mut Conn, login: &Login) -> Result<User, Error> {
    let (user, _) = users::find(conn, login.as_str())?.ok_or(Error::NotFound)?;
    Ok(users::hold(conn, user.id)?.0)
}
