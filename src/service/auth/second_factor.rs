//! The second factor: set up with an app, asked for after the password, taken away again.

use super::attempts::{Subjects, attempt, proven};
use super::{Refusal, entry};
use crate::ctx::Ctx;
use crate::domain::id::UserId;
use crate::domain::input::{FaultCode, Faults};
use crate::domain::second_factor::{RECOVERY_CODES, RecoveryCode, SentCode};
use crate::domain::time::Instant;
use crate::domain::user::{Actor, Password, User};
use crate::infra::random;
use crate::infra::totp::Seed;
use crate::infra::vault::Vault;
use crate::service::{Conflict, Error};
use crate::store::Conn;
use crate::store::editorial::{audit, second_factors, sessions, users};
use crate::store::public::portal;

/// What the app needs; shown only now.
pub struct Enrolment {
    /// In base 32.
    pub secret: String,
    /// The address behind the QR code.
    pub url: String,
}

/// What somebody has proven beside the password.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Proof {
    /// Nothing is asked for.
    NotAsked,
    App,
    RecoveryCode,
    /// A code is asked for, and none was sent.
    Missing,
    /// The code is wrong, or was used before.
    Wrong,
}

impl Proof {
    /// How the audit log names it.
    pub(super) fn details(self) -> Option<&'static str> {
        match self {
            Self::App => Some(r#"{"second_factor":"app"}"#),
            Self::RecoveryCode => Some(r#"{"second_factor":"recovery_code"}"#),
            Self::NotAsked | Self::Missing | Self::Wrong => None,
        }
    }
}

/// Checks a code and uses it up; the user's row is held.
pub(super) fn prove(
    conn: &mut Conn,
    vault: &Vault,
    user: &User,
    code: Option<&SentCode>,
    at: Instant,
) -> Result<Proof, Error> {
    if !user.second_factor {
        return Ok(Proof::NotAsked);
    }
    let (good, proof) = match code {
        None => return Ok(Proof::Missing),
        Some(SentCode::App(digits)) => {
            let good = use_app_code(conn, vault, user.id, digits, at)?;
            (good, Proof::App)
        }
        Some(SentCode::Recovery(code)) => {
            let good = second_factors::use_recovery_code(conn, user.id, &code.hash())?;
            (good, Proof::RecoveryCode)
        }
    };
    Ok(if good { proof } else { Proof::Wrong })
}

fn use_app_code(
    conn: &mut Conn,
    vault: &Vault,
    user: UserId,
    digits: &str,
    at: Instant,
) -> Result<bool, Error> {
    let Some(sealed) = second_factors::find(conn, user)? else {
        return Ok(false);
    };
    let seed = vault.open(&purpose(user), &sealed);
    let seed = Seed::stored(
        seed.map_err(|why| Error::Internal(format!("the second factor of user {user} {why}")))?,
    );
    match seed.step(digits, at.seconds()) {
        Some(step) => Ok(second_factors::use_step(conn, user, step)?),
        None => Ok(false),
    }
}

fn purpose(user: UserId) -> String {
    format!("totp {user}")
}

/// How many recovery codes the actor has left; none without a second factor.
pub async fn recovery_codes_left(ctx: &Ctx, actor: &Actor) -> Result<Option<i64>, Error> {
    let id = actor.user_id;
    ctx.db
        .read_brief(move |conn| {
            let user = users::get(conn, id)?;
            let left = second_factors::recovery_codes_left(conn, id)?;
            Ok(user.second_factor.then_some(left))
        })
        .await
}

/// Makes a secret for the actor's app, which `confirm` puts to use; one that was not confirmed is
/// void. Asks for the password: a stolen access token must not shut its user out.
pub async fn start(
    ctx: &Ctx,
    actor: Actor,
    address: String,
    password: Password,
) -> Result<Enrolment, Refusal> {
    let login = actor.login.as_str().to_owned();
    let subjects = Subjects::new(&login, &address);
    let proven = proven(ctx, &subjects, login.clone(), password).await?;
    let seed = Seed::random();
    let sealed = ctx
        .vault
        .seal(&purpose(actor.user_id), seed.as_bytes())
        .map_err(Error::Internal)?;
    let at = ctx.now();
    let name = ctx
        .db
        .write(move |conn| {
            let (user, current) = users::hold(conn, actor.user_id)?;
            if user.disabled_at.is_some() || current != proven.hash {
                return Err(Refusal::Credentials);
            }
            if user.second_factor {
                return Err(on().into());
            }
            second_factors::start(conn, user.id, &sealed, at)?;
            subjects.succeeded(conn)?;
            let name = portal::get(conn)?.content.name;
            note(
                conn,
                &user,
                user.clone(),
                "start_totp",
                &actor,
                &address,
                at,
            )?;
            Ok(name)
        })
        .await?;
    Ok(Enrolment {
        secret: seed.to_base32(),
        url: seed.url(name.as_str(), &login).map_err(Error::Internal)?,
    })
}

/// Turns the second factor on, once the app shows the right code: answers the recovery codes, which
/// nobody sees again. All other sign-ins end, for they have proven less.
pub async fn confirm(
    ctx: &Ctx,
    actor: Actor,
    address: String,
    code: SentCode,
) -> Result<Vec<RecoveryCode>, Error> {
    let (codes, hashes) = recovery_codes();
    let (vault, at) = (ctx.vault.clone(), ctx.now());
    ctx.db
        .write(move |conn| {
            let (before, _) = users::hold(conn, actor.user_id)?;
            if before.second_factor {
                return Err(on());
            }
            if second_factors::find(conn, before.id)?.is_none() {
                return Err(Error::Conflict {
                    code: Conflict::SecondFactorOff,
                    detail: "ask for a secret first: POST /v1/auth/totp".to_owned(),
                });
            }
            let right = match &code {
                SentCode::App(digits) => use_app_code(conn, &vault, before.id, digits, at)?,
                SentCode::Recovery(_) => false,
            };
            if !right {
                // No sign-in depends on it yet: a fault of the form, not of who asks.
                let message = "is not what the app shows now; is its clock right?";
                let fault = Faults::one("/code", FaultCode::Conflict, message);
                return Err(fault.into());
            }
            second_factors::set_recovery_codes(conn, before.id, &hashes)?;
            sessions::end_others(conn, before.id, actor.session_id.as_deref(), at)?;
            let after = turned(&before, true);
            users::update(conn, &after)?;
            note(conn, &before, after, "enable_totp", &actor, &address, at)?;
            Ok(())
        })
        .await?;
    Ok(codes)
}

/// Turns the second factor off.
pub async fn disable(
    ctx: &Ctx,
    actor: Actor,
    address: String,
    code: SentCode,
) -> Result<(), Refusal> {
    with_code(ctx, actor, address, code, "disable_totp", |conn, before| {
        second_factors::remove(conn, before.id)?;
        let after = turned(before, false);
        users::update(conn, &after)?;
        Ok(after)
    })
    .await
}

/// Replaces the recovery codes, used or not; answers the new ones, which nobody sees again.
pub async fn renew_recovery_codes(
    ctx: &Ctx,
    actor: Actor,
    address: String,
    code: SentCode,
) -> Result<Vec<RecoveryCode>, Refusal> {
    let (codes, hashes) = recovery_codes();
    let action = "renew_recovery_codes";
    with_code(ctx, actor, address, code, action, move |conn, user| {
        second_factors::set_recovery_codes(conn, user.id, &hashes)?;
        Ok(user.clone())
    })
    .await?;
    Ok(codes)
}

/// Does something to the actor's second factor that a code is asked for. The attempt counts as a
/// failed sign-in until it has succeeded.
async fn with_code(
    ctx: &Ctx,
    actor: Actor,
    address: String,
    code: SentCode,
    action: &'static str,
    change: impl FnOnce(&mut Conn, &User) -> Result<User, Error> + Send + 'static,
) -> Result<(), Refusal> {
    let login = actor.login.as_str().to_owned();
    let subjects = Subjects::new(&login, &address);
    attempt(ctx, &subjects, login).await?;
    let (vault, at, refused) = (ctx.vault.clone(), ctx.now(), subjects.clone());
    let done = ctx
        .db
        .write(move |conn| {
            let (before, _) = users::hold(conn, actor.user_id)?;
            match prove(conn, &vault, &before, Some(&code), at)? {
                Proof::NotAsked => {
                    subjects.uncount(conn)?;
                    // Given back even so: a refusal here would be rolled back with it.
                    return Ok(Some(off()));
                }
                Proof::Missing | Proof::Wrong => return Err(Refusal::SecondFactor),
                Proof::App | Proof::RecoveryCode => {}
            }
            let after = change(conn, &before)?;
            subjects.succeeded(conn)?;
            note(conn, &before, after, action, &actor, &address, at)?;
            Ok(None)
        })
        .await;
    match done {
        Ok(None) => Ok(()),
        Ok(Some(error)) => Err(error.into()),
        Err(refusal) => {
            if matches!(refusal, Refusal::SecondFactor) {
                refused.refused(ctx).await;
            }
            Err(refusal)
        }
    }
}

fn turned(before: &User, on: bool) -> User {
    User {
        version: before.version.next(),
        second_factor: on,
        ..before.clone()
    }
}

fn recovery_codes() -> (Vec<RecoveryCode>, Vec<String>) {
    let made = (0..RECOVERY_CODES).map(|_| RecoveryCode::new(random::bytes()));
    made.map(|code| (code.clone(), code.hash())).unzip()
}

fn on() -> Error {
    Error::Conflict {
        code: Conflict::SecondFactorOn,
        detail: "turn the second factor off before another app is set up".to_owned(),
    }
}

fn off() -> Error {
    Error::Conflict {
        code: Conflict::SecondFactorOff,
        detail: "no second factor is set up".to_owned(),
    }
}

fn note(
    conn: &mut Conn,
    before: &User,
    after: User,
    action: &str,
    actor: &Actor,
    address: &str,
    at: Instant,
) -> Result<(), Error> {
    let session = actor.session_id.as_deref();
    Ok(audit::append(
        conn,
        &audit::Entry {
            version_before: Some(before.version),
            version_after: Some(after.version),
            ..entry(action, after.id, session, Some(address), at)
        },
    )?)
}
