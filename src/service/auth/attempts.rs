//! Attempts to prove who one is: counted before anybody knows better, by account and by address.
//! Passwords and second factors count alike.

use super::Refusal;
use crate::ctx::Ctx;
use crate::domain::time::Instant;
use crate::domain::user::{Password, User};
use crate::infra::rate::network_of;
use crate::service::{Error, hashing, refused};
use crate::store::editorial::{sessions, users};
use crate::store::{self, Conn};

/// Failures are counted over this time.
pub const WINDOW_SECONDS: i64 = 15 * 60;

/// Whose failures an attempt counts among.
#[derive(Clone)]
pub struct Subjects {
    account: String,
    pub address: String,
}

impl Subjects {
    pub fn new(login: &str, address: &str) -> Self {
        Self {
            account: sessions::account(login),
            address: format!("address:{}", network_of(address)),
        }
    }

    /// The password was right: the account begins anew, the address gets this attempt back.
    pub fn succeeded(&self, conn: &mut Conn) -> Result<(), Error> {
        sessions::forget_failures(conn, &self.account)?;
        Ok(sessions::uncount_attempt(conn, &self.address)?)
    }

    /// The attempt proved neither way: as if it had not been.
    pub fn uncount(&self, conn: &mut Conn) -> Result<(), Error> {
        sessions::uncount_attempt(conn, &self.account)?;
        Ok(sessions::uncount_attempt(conn, &self.address)?)
    }

    pub async fn refused(&self, ctx: &Ctx) {
        refused::count(ctx, &self.account, &self.address).await;
    }
}

/// Counts an attempt before anything is hashed, and finds the user it is for. One too many is
/// refused and leaves no trace, so that hammering a locked account does not lock its whole office.
pub async fn attempt(
    ctx: &Ctx,
    subjects: &Subjects,
    login: String,
) -> Result<Option<(User, String)>, Refusal> {
    let at = ctx.now();
    let Subjects { account, address } = subjects.clone();
    let limits = [
        (account, i64::from(ctx.settings.login_failures)),
        (address, i64::from(ctx.settings.login_failures_address)),
    ];
    let counted = ctx
        .db
        .write(move |conn| {
            for (subject, most) in &limits {
                let (count, since) = sessions::count_attempt(conn, subject, at, WINDOW_SECONDS)?;
                if count > *most {
                    return Err(Refusal::TooMany(wait(since, at)));
                }
            }
            Ok(users::find(conn, &login)?)
        })
        .await;
    if matches!(counted, Err(Refusal::TooMany(_))) {
        subjects.refused(ctx).await;
    }
    counted
}

/// Whole seconds until a window is over, at least one.
pub fn wait(since: Instant, now: Instant) -> i64 {
    let left = since.plus_seconds(WINDOW_SECONDS).micros() - now.micros();
    ((left + 999_999) / 1_000_000).max(1)
}

/// A user whose password was right.
pub struct Proven {
    pub user: User,
    /// The hash that it was checked against.
    pub hash: String,
    /// The same password by today's cost, where that has changed.
    pub renewed: Option<String>,
}

/// Counts an attempt and checks a password: the user, if it is right and the user may sign in.
pub async fn proven(
    ctx: &Ctx,
    subjects: &Subjects,
    login: String,
    password: Password,
) -> Result<Proven, Refusal> {
    let known = attempt(ctx, subjects, login).await?;
    match verified(ctx, subjects, known, password).await? {
        Some(proven) => Ok(proven),
        None => {
            subjects.refused(ctx).await;
            Err(Refusal::Credentials)
        }
    }
}

/// Takes as long when there is no such user. An attempt that could not be checked for want of a turn
/// is no failure.
async fn verified(
    ctx: &Ctx,
    subjects: &Subjects,
    known: Option<(User, String)>,
    password: Password,
) -> Result<Option<Proven>, Error> {
    let checked = hashing(ctx, move |hasher| {
        // Who has no password cannot be told from nobody by the time that it takes.
        let Some((user, hash)) = known.filter(|(user, _)| user.has_password) else {
            hasher.verify_dummy(password.as_str());
            return Ok(None);
        };
        if !hasher.verify(password.as_str(), &hash) || user.disabled_at.is_some() {
            return Ok(None);
        }
        let renewed = hasher
            .needs_rehash(&hash)
            .then(|| hasher.hash(password.as_str()))
            .transpose()?;
        Ok(Some(Proven {
            user,
            hash,
            renewed,
        }))
    })
    .await;
    if matches!(
        checked,
        Err(Error::Busy(_) | Error::Store(store::Error::Busy(_)))
    ) {
        let subjects = subjects.clone();
        ctx.db.write(move |conn| subjects.uncount(conn)).await?;
    }
    checked?.map_err(Error::Internal)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_waits_until_the_window_is_over_and_never_zero_seconds() {
        let since = Instant::from_micros(1_000_000_000);
        assert_eq!(wait(since, since), 900);
        assert_eq!(wait(since, Instant::from_micros(1_000_000_001)), 900);
        assert_eq!(wait(since, since.plus_seconds(899)), 1);
        assert_eq!(wait(since, since.plus_seconds(2000)), 1);
    }
}
