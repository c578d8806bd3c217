//! What an admin does about the sign-ins of a user.

use super::By;
use crate::ctx::Ctx;
use crate::domain::id::UserId;
use crate::service::{Command, Error, run};
use crate::store::editorial::{sessions, users};

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
