//! Invitations: a link, good once, with which users choose their password themselves.

use sha2::{Digest as _, Sha256};

use super::{By, Error, New, UserContent, insert_row, letters, replace_password, wants_password};
use crate::ctx::Ctx;
use crate::domain::id::UserId;
use crate::domain::portal::Portal;
use crate::domain::time::Instant;
use crate::domain::user::{Chosen, Login, NewPassword, User};
use crate::infra::{random, rate};
use crate::service::{Command, Conflict, Deed, IfMatch, refused, run_once, write_down};
use crate::store::editorial::{audit as audit_store, invitations, sessions, users};
use crate::store::public::portal;
use crate::store::{self, Conn};

/// How long an invitation is open.
const LIFETIME_SECONDS: i64 = 72 * 60 * 60;
/// Failures are counted over this time, together with failed sign-ins of the address.
const WINDOW_SECONDS: i64 = 15 * 60;

/// A user with the secret of their invitation, which nobody sees again.
pub struct Invited {
    pub user: User,
    pub secret: String,
    /// The page of the front end with the secret in its fragment, where that page is known.
    pub url: Option<String>,
    pub expires_at: Instant,
    /// The relay has taken a mail with the link.
    pub mailed: bool,
    /// Who invites.
    pub portal: Portal,
}

/// Why an invitation was not accepted.
pub enum Refusal {
    /// Unknown, used, void or expired: nobody learns which.
    Invitation,
    /// Seconds to wait.
    TooMany(i64),
    Failed(Error),
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

impl From<store::Error> for Refusal {
    fn from(error: store::Error) -> Self {
        Self::Failed(error.into())
    }
}

/// Makes a user who has yet to choose a password.
pub async fn invite(
    ctx: &Ctx,
    command: Command,
    login: Login,
    content: UserContent,
) -> Result<Invited, Error> {
    let opening = Opening::new(ctx);
    let invited = run_once(ctx, command, move |conn, command| {
        let new = New::person(login, content, (users::NO_PASSWORD, Chosen::ByUser));
        let user = insert_row(conn, By::Api(command), new)?;
        let invited = opening.open(conn, command, user)?;
        By::Api(command).audit(conn, "create", &invited.user, None)?;
        let place = format!("/v1/editorial/users/{}", invited.user.id);
        Ok((invited, place))
    })
    .await?;
    Ok(letters::send(ctx, invited).await)
}

/// Opens an invitation for a user who is there; the one before is void. The old password, if there
/// is one, is good until the new one is chosen.
pub async fn renew(
    ctx: &Ctx,
    command: Command,
    id: UserId,
    if_match: IfMatch,
) -> Result<Invited, Error> {
    let opening = Opening::new(ctx);
    let invited = run_once(ctx, command, move |conn, command| {
        let (user, _) = users::hold(conn, id)?;
        if_match.check(user.version)?;
        wants_password(&user)?;
        if user.disabled_at.is_some() {
            return Err(Error::Conflict {
                code: Conflict::NoSignIn,
                detail: "the user is disabled".to_owned(),
            });
        }
        let invited = opening.open(conn, command, user)?;
        let deed = Deed {
            action: "invite",
            object_type: "user",
            object_id: id.get(),
            before: None,
            after: None,
            reason: None,
            details: None,
        };
        write_down(conn, command, &deed)?;
        Ok((invited, format!("/v1/editorial/users/{id}")))
    })
    .await?;
    Ok(letters::send(ctx, invited).await)
}

/// An invitation before it is stored.
struct Opening {
    secret: String,
    url: Option<String>,
}

impl Opening {
    fn new(ctx: &Ctx) -> Self {
        let secret = random::token();
        let page = ctx.settings.invite_url.as_deref();
        Self {
            url: page.map(|page| page.replace("{token}", &secret)),
            secret,
        }
    }

    fn open(self, conn: &mut Conn, command: &Command, user: User) -> Result<Invited, Error> {
        let (at, by) = (command.at, command.actor.user_id);
        let expires_at = at.plus_seconds(LIFETIME_SECONDS);
        invitations::open(conn, user.id, &digest(&self.secret), by, at, expires_at)?;
        Ok(Invited {
            user,
            secret: self.secret,
            url: self.url,
            expires_at,
            mailed: false,
            portal: portal::get(conn)?,
        })
    }
}

/// Sets the password of the invited user. A refusal is counted under the address: whose invitation it
/// was meant to be, nobody knows.
pub async fn accept(
    ctx: &Ctx,
    address: String,
    secret: &str,
    password: NewPassword,
) -> Result<(), Refusal> {
    let accepted = take(ctx, address.clone(), secret, password).await;
    if let Err(Refusal::Invitation | Refusal::TooMany(_)) = &accepted {
        refused::count(ctx, "", &address).await;
    }
    accepted
}

/// Uses the invitation up. Nothing is hashed for a secret that is wrong, nor inside a transaction.
async fn take(
    ctx: &Ctx,
    address: String,
    secret: &str,
    password: NewPassword,
) -> Result<(), Refusal> {
    let subject = format!("address:{}", rate::network_of(&address));
    let (hash, at) = (digest(secret), ctx.now());
    let most = i64::from(ctx.settings.login_failures_address);
    let (sought, counted) = (hash.clone(), subject.clone());
    let known = ctx
        .db
        .write(move |conn| {
            let (count, since) = sessions::count_attempt(conn, &counted, at, WINDOW_SECONDS)?;
            if count > most {
                let left = since.plus_seconds(WINDOW_SECONDS).seconds() - at.seconds();
                return Err(Refusal::TooMany(left.max(1)));
            }
            Ok(invitations::find(conn, &sought, at)?)
        })
        .await?;
    if known.is_none() {
        return Err(Refusal::Invitation);
    }
    let password = super::hash(ctx, password).await?;
    let accepted = ctx
        .db
        .write(move |conn| {
            let Some(user) = invitations::find(conn, &hash, at)? else {
                return Ok::<_, Error>(false);
            };
            let (user, _) = users::hold(conn, user)?;
            // Another one with the same link may have been faster, until the row was held.
            let open = invitations::find(conn, &hash, at)?.is_some();
            if !open || user.disabled_at.is_some() {
                return Ok(false);
            }
            sessions::uncount_attempt(conn, &subject)?;
            replace_password(
                conn,
                By::Invited(at, &address),
                user,
                (&password, Chosen::ByUser),
            )?;
            Ok(true)
        })
        .await?;
    match accepted {
        true => Ok(()),
        false => Err(Refusal::Invitation),
    }
}

/// The audit row of somebody who accepted an invitation: the user, by nothing but the link.
pub(super) fn record(
    conn: &mut Conn,
    deed: &Deed<'_>,
    at: Instant,
    address: &str,
) -> Result<(), Error> {
    Ok(audit_store::append(
        conn,
        &audit_store::Entry {
            user_id: Some(UserId::stored(deed.object_id)),
            address: Some(address),
            action: "accept_invitation",
            ..deed.by_nobody(at)
        },
    )?)
}

fn digest(secret: &str) -> String {
    hex::encode(Sha256::digest(secret.as_bytes()))
}
