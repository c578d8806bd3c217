//! What an admin does about the sign-ins of a user.

use super::By;
use crate::ctx::Ctx;
use crate::domain::id::UserId;
use crate::domain::user::User;
use crate::service::{Command, Error, IfMatch, run};
use crate::store::Conn;
use crate::store::editorial::{second_factors, sessions, users};

/// Ends all sign-ins of a user, who may sign in anew.
pub async fn sign_out(ctx: &Ctx, command: Command, id: UserId) -> Result<(), Error> {
    run(ctx, command, move |conn, command| {
        let (user, _) = users::hold(conn, id)?;
        sessions::end_others(conn, id, None, command.at)?;
        By::Api(command).audit(conn, "sign_out", &user, Some(user.version))
    })
    .await
}

/// Forgets the failed sign-ins of a user's account. Those of an address are left: they may be
/// many people's.
pub async fn unlock(ctx: &Ctx, command: Command, id: UserId) -> Result<(), Error> {
    run(ctx, command, move |conn, command| {
        let user = users::get(conn, id)?;
        sessions::forget_failures(conn, &sessions::account(user.login.as_str()))?;
        By::Api(command).audit(conn, "unlock", &user, Some(user.version))
    })
    .await
}

/// Turns a user's second factor off, for one who has lost the app and the recovery codes. All
/// sign-ins end: whoever asked may have been somebody else.
pub async fn reset_second_factor(
    ctx: &Ctx,
    command: Command,
    id: UserId,
    if_match: IfMatch,
) -> Result<User, Error> {
    run(ctx, command, move |conn, command| {
        let (before, _) = users::hold(conn, id)?;
        if_match.check(before.version)?;
        without_second_factor(conn, By::Api(command), before)
    })
    .await
}

/// The user's row is held. Nothing is written where there is no second factor.
pub(super) fn without_second_factor(
    conn: &mut Conn,
    by: By<'_>,
    before: User,
) -> Result<User, Error> {
    if !before.second_factor {
        return Ok(before);
    }
    let version = before.version;
    let user = User {
        version: version.next(),
        second_factor: false,
        ..before
    };
    second_factors::remove(conn, user.id)?;
    users::update(conn, &user)?;
    sessions::end_others(conn, user.id, None, by.at())?;
    by.audit(conn, "reset_totp", &user, Some(version))?;
    Ok(user)
}
