//! API tokens: made, revoked, and who stands behind one.

use super::{Command, Conflict, Deed, Error, run, run_once, write_down};
use crate::ctx::Ctx;
use crate::domain::id::{TokenId, UserId};
use crate::domain::input::{FaultCode, Faults};
use crate::domain::time::Instant;
use crate::domain::token::{ApiToken, Scope, TokenName, TokenSecret};
use crate::domain::user::{Actor, Pending, UserKind};
use crate::infra::random;
use crate::store::Conn;
use crate::store::editorial::{tokens, users};

/// A person's token lives at most this long.
const MOST_DAYS: i64 = 366;
/// The last use of a token is known as exactly as this.
const USE_SECONDS: i64 = 60;

/// A token to be made.
pub struct NewToken {
    pub name: TokenName,
    pub scopes: Vec<Scope>,
    pub expires_at: Option<Instant>,
}

/// A token with its secret, which nobody sees again.
pub struct Made {
    pub token: ApiToken,
    pub secret: TokenSecret,
    /// Path of the token.
    pub place: String,
}

/// For whom a token is made.
#[derive(Debug, Clone, Copy)]
pub enum Holder {
    /// The actor. Such a token has to expire.
    Oneself,
    Service(UserId),
}

/// The actor behind an API token, with the roles that the user's row has now. What cannot be a token
/// is refused without asking the database.
pub async fn who(ctx: &Ctx, text: &str) -> Result<Option<Actor>, Error> {
    let Some(secret) = TokenSecret::parse(text) else {
        return Ok(None);
    };
    let (hash, now) = (secret.hash(), ctx.now());
    let found = ctx
        .db
        .read_brief(move |conn| {
            let Some((user, grant, last_used)) = tokens::find(conn, &hash, now)? else {
                return Ok::<_, Error>(None);
            };
            let user = users::get(conn, user)?;
            Ok(user
                .disabled_at
                .is_none()
                .then_some((user, grant, last_used)))
        })
        .await?;
    Ok(found.map(|(user, grant, last_used)| {
        note_use(ctx, grant.id, last_used, now);
        // Who holds a token did not come with the password; the second factor is a demand on the
        // user, however they come.
        let lacks = user.lacks_second_factor(ctx.settings.totp_roles());
        let pending = lacks.then_some(Pending::SecondFactor);
        Actor {
            user_id: user.id,
            session_id: None,
            login: user.login,
            name: user.name,
            roles: user.roles,
            reach: user.reach,
            token: Some(grant),
            pending,
        }
    }))
}

/// Writes down that a token is used, beside the request and at most once a minute: a request that
/// only reads must not wait for a writer.
fn note_use(ctx: &Ctx, id: TokenId, last_used: Option<Instant>, now: Instant) {
    let known_since = now.plus_seconds(-USE_SECONDS);
    if last_used.is_some_and(|at| at.micros() > known_since.micros())
        || !ctx.token_uses.is_due(id.get(), now.micros(), USE_SECONDS)
    {
        return;
    }
    let db = ctx.db.clone();
    tokio::spawn(async move {
        let written = db
            .write(move |conn| tokens::touch(conn, id, now, known_since).map_err(Error::from))
            .await;
        if let Err(error) = written {
            tracing::warn!(?error, token = id.get(), "the use of a token was not noted");
        }
    });
}

/// Makes a token.
pub async fn create(
    ctx: &Ctx,
    command: Command,
    holder: Holder,
    new: NewToken,
) -> Result<Made, Error> {
    let (user, kind, latest) = match holder {
        Holder::Oneself => {
            let latest = command.at.plus_seconds(MOST_DAYS * 86_400);
            (command.actor.user_id, UserKind::Person, Some(latest))
        }
        Holder::Service(user) => (user, UserKind::Service, None),
    };
    expires_well(new.expires_at, command.at, latest)?;
    let secret = TokenSecret::new(kind, random::bytes());
    run_once(ctx, command, move |conn, command| {
        let (user, _) = match users::hold(conn, user) {
            Ok(found) => found,
            Err(crate::store::Error::NotFound) => {
                return Err(Faults::one("/user_id", FaultCode::NotFound, "is no user").into());
            }
            Err(error) => return Err(error.into()),
        };
        if user.kind != kind {
            let message = "is a person: people make their tokens themselves";
            return Err(Faults::one("/user_id", FaultCode::Conflict, message).into());
        }
        // The row is held: no token outlives the moment in which its user is disabled.
        if user.disabled_at.is_some() {
            return Err(Error::Conflict {
                code: Conflict::NoSignIn,
                detail: "the user is disabled".to_owned(),
            });
        }
        let mut token = ApiToken {
            id: TokenId::stored(0),
            user_id: user.id,
            login: user.login,
            name: new.name,
            hint: secret.hint(),
            scopes: new.scopes,
            created_at: command.at,
            expires_at: new.expires_at,
            revoked_at: None,
            last_used_at: None,
        };
        token.id = tokens::insert(conn, &token, &secret.hash(), command.actor.user_id)?;
        let details = serde_json::json!({
            "user_id": token.user_id, "scopes": token.scopes, "expires_at": token.expires_at,
        });
        record(
            conn,
            command,
            "create",
            token.id,
            Some(&details.to_string()),
        )?;
        let place = match kind {
            UserKind::Person => format!("/v1/auth/tokens/{}", token.id),
            UserKind::Service => format!("/v1/editorial/tokens/{}", token.id),
        };
        let made = Made {
            token,
            secret,
            place: place.clone(),
        };
        Ok((made, place))
    })
    .await
}

/// A token expires after now, and by the latest time where there is one.
fn expires_well(at: Option<Instant>, now: Instant, latest: Option<Instant>) -> Result<(), Faults> {
    let fault = |code, message: &str| Err(Faults::one("/expires_at", code, message));
    let Some(at) = at else {
        return match latest {
            Some(_) => fault(FaultCode::Required, "is required"),
            None => Ok(()),
        };
    };
    if latest.is_some_and(|latest| at.micros() > latest.micros()) {
        let message = format!("may lie at most {MOST_DAYS} days ahead");
        return fault(FaultCode::OutOfRange, &message);
    }
    if at.micros() <= now.micros() {
        return fault(FaultCode::OutOfRange, "must lie in the future");
    }
    Ok(())
}

/// Refuses a token from now on: one of the owner's, or anybody's where no owner is named.
pub async fn revoke(
    ctx: &Ctx,
    command: Command,
    id: TokenId,
    owner: Option<UserId>,
) -> Result<(), Error> {
    run(ctx, command, move |conn, command| {
        let token = tokens::get(conn, id)?;
        if owner.is_some_and(|owner| owner != token.user_id) {
            return Err(Error::NotFound);
        }
        if tokens::revoke(conn, id, command.at)? {
            record(conn, command, "revoke", id, None)?;
        }
        Ok(())
    })
    .await
}

fn record(
    conn: &mut Conn,
    command: &Command,
    action: &str,
    id: TokenId,
    details: Option<&str>,
) -> Result<(), Error> {
    let deed = Deed {
        action,
        object_type: "api_token",
        object_id: id.get(),
        before: None,
        after: None,
        reason: None,
        details,
    };
    write_down(conn, command, &deed)
}
