//! Signing in and out, refresh tokens, and who stands behind an access token.

mod attempts;
mod ending;
pub mod provider;
pub mod second_factor;
mod session;

use std::sync::Arc;

use sha2::{Digest as _, Sha256};

use self::attempts::{Subjects, WINDOW_SECONDS, proven};
pub use self::ending::{end_others, end_session, own_sessions};
use self::second_factor::{Proof, prove};
use self::session::Beginning;
use super::{Error, hashing};
use crate::ctx::Ctx;
use crate::domain::id::UserId;
use crate::domain::input::{Fault, FaultCode, Faults};
use crate::domain::second_factor::SentCode;
use crate::domain::time::Instant;
use crate::domain::user::{Actor, NewPassword, Password, Pending, SentLogin, User};
use crate::infra::random;
use crate::store::editorial::{audit, identities, sessions, users};
use crate::store::{self, Conn};

/// The previous refresh token is honoured this long while its successor is unused: an answer
/// lost on a bad network is not theft.
const GRACE_SECONDS: i64 = 60;

/// What a client gets for its password or refresh token.
pub struct Tokens {
    pub access_token: String,
    /// Seconds.
    pub expires_in: i64,
    pub refresh_token: String,
    /// Seconds until the sign-in ends and the password is asked for again.
    pub refresh_expires_in: i64,
    pub user: User,
}

/// Who speaks for somebody that signs in.
#[derive(Debug, Clone)]
pub struct Client {
    pub address: String,
    /// What it calls itself.
    pub agent: Option<String>,
}

/// Seconds without use after which a sign-in is over.
fn idle_seconds(ctx: &Ctx) -> i64 {
    i64::from(ctx.settings.session_idle_hours) * 3600
}

/// Why somebody was not signed in.
#[derive(Debug)]
pub enum Refusal {
    /// Login or password is wrong, or the user is disabled: nobody learns which.
    Credentials,
    RefreshToken,
    /// The password is right, and a code of the second factor is needed too.
    SecondFactorRequired,
    /// The code is wrong, or was used before.
    SecondFactor,
    /// Seconds to wait.
    TooMany(i64),
    /// No provider is set.
    NoProvider,
    /// The provider does not answer as it should.
    ProviderFailed,
    /// What came from the provider does not prove who somebody is, or that user may not sign in.
    NotProven,
    /// What the provider says gives no role here.
    NoRole,
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

/// The actor behind an access token, with the roles that the user's row has now; none for a bad
/// token, an ended sign-in or a disabled user.
pub async fn who(ctx: &Ctx, token: &str) -> Result<Option<Actor>, Error> {
    let now = ctx.now();
    let mut checked = ctx.keys.verify(token, now.seconds());
    if checked.is_err() && ctx.keys.wants_reload(token, now.seconds()) {
        // Another node may sign with a key that was made since we looked.
        read_keys(ctx, false).await?;
        checked = ctx.keys.verify(token, now.seconds());
    }
    let Ok(claims) = checked else {
        return Ok(None);
    };
    let Ok(user) = claims.sub.parse::<UserId>() else {
        return Ok(None);
    };
    let settings = Arc::clone(&ctx.settings);
    ctx.db
        .read_brief(move |conn| {
            let demanded = settings.totp_roles();
            users::actor(conn, user, &claims.sid, now, demanded).map_err(Error::from)
        })
        .await
}

/// Reads the folder of keys again, off the async threads; `tidy` removes what no token can need
/// any more before. Trouble with the folder goes to the log: the keys that are known go on.
pub async fn read_keys(ctx: &Ctx, tidy: bool) -> Result<(), Error> {
    let (keys, now) = (Arc::clone(&ctx.keys), ctx.now().seconds());
    let read = tokio::task::spawn_blocking(move || match tidy {
        true => keys.tidy(now),
        false => keys.reload(now),
    });
    match read.await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(error)) => {
            tracing::warn!(error, "the folder of keys cannot be read");
            Ok(())
        }
        Err(error) => Err(Error::Internal(error.to_string())),
    }
}

/// Signs in with a password.
///
/// Three steps, because nothing is hashed inside a transaction: the attempt is counted as a failure
/// before anybody knows better, the password is checked, and the sign-in is written if the user
/// is still as the check saw them. A code of the second factor is used up in the third.
pub async fn login(
    ctx: &Ctx,
    client: Client,
    login: SentLogin,
    password: Password,
    code: Option<SentCode>,
) -> Result<Tokens, Refusal> {
    let Client { address, agent } = client;
    let login = login.as_str().to_lowercase();
    let subjects = Subjects::new(&login, &address);
    let proven = proven(ctx, &subjects, login, password).await?;
    let at = ctx.now();
    let beginning = Beginning::new(
        ctx,
        at,
        Client {
            address: address.clone(),
            agent,
        },
    );
    let (begun, refused) = (beginning.clone(), subjects.clone());
    let vault = Arc::clone(&ctx.vault);
    let signed_in = ctx
        .db
        .write(move |conn| {
            let (user, current) = users::hold(conn, proven.user.id)?;
            if user.disabled_at.is_some() || current != proven.hash {
                return Ok::<_, Error>(Err(Refusal::Credentials));
            }
            let proof = prove(conn, &vault, &user, code.as_ref(), at)?;
            match proof {
                // Neither a failure nor a success: whoever has the password alone must not wipe
                // out the codes that they guessed.
                Proof::Missing => {
                    subjects.uncount(conn)?;
                    return Ok(Err(Refusal::SecondFactorRequired));
                }
                Proof::Wrong => return Ok(Err(Refusal::SecondFactor)),
                Proof::NotAsked | Proof::App | Proof::RecoveryCode => {}
            }
            if let Some(renewed) = proven.renewed {
                users::set_password(conn, user.id, &renewed)?;
            }
            begun.write(conn, user.id)?;
            subjects.succeeded(conn)?;
            let session = Some(begun.id.as_str());
            audit::append(
                conn,
                &audit::Entry {
                    details: proof.details(),
                    ..entry("login", user.id, session, Some(&address), at)
                },
            )?;
            Ok(Ok(user))
        })
        .await?;
    match signed_in {
        Ok(user) => beginning.tokens(ctx, user),
        Err(refusal) => {
            if !matches!(refusal, Refusal::SecondFactorRequired) {
                refused.refused(ctx).await;
            }
            Err(refusal)
        }
    }
}

/// Exchanges a refresh token for a new pair. A token that was exchanged before ends the whole
/// sign-in, but for the grace above; so does one that the grace replaced.
pub async fn refresh(ctx: &Ctx, address: String, token: &str) -> Result<Tokens, Refusal> {
    let (old, new) = (digest(token), random::token());
    let (successor, at) = (digest(&new), ctx.now());
    let idle = idle_seconds(ctx);
    let exchanged = ctx
        .db
        .write(move |conn| {
            let Some((token, session)) = sessions::find_token(conn, &old)? else {
                return Ok::<_, Error>(None);
            };
            let user = users::get(conn, session.user_id)?;
            let over = session.ended
                || session.expires_at.micros() <= at.micros()
                || session.used_at.plus_seconds(idle).micros() <= at.micros();
            if over || user.disabled_at.is_some() {
                return Ok(None);
            }
            if let Some(used_at) = token.used_at {
                let in_grace = at.micros() < used_at.plus_seconds(GRACE_SECONDS).micros();
                let unused = match &token.successor {
                    Some(successor) => !sessions::is_used(conn, successor)?,
                    None => false,
                };
                if !(in_grace && unused) {
                    sessions::end(conn, &session.id, at)?;
                    record(
                        conn,
                        "refresh_reuse",
                        user.id,
                        Some(&session.id),
                        Some(&address),
                        at,
                    )?;
                    return Ok(None);
                }
            }
            sessions::add_token(conn, &session.id, &successor, at)?;
            sessions::exchange(conn, &old, &successor, token.used_at.unwrap_or(at), at)?;
            sessions::touch(conn, &session.id, &address, at)?;
            Ok(Some((user, session)))
        })
        .await?;
    match exchanged {
        Some((user, session)) => tokens(ctx, user, &session.id, new, session.expires_at),
        None => Err(Refusal::RefreshToken),
    }
}

/// Ends the sign-in that the access token belongs to.
pub async fn logout(ctx: &Ctx, actor: Actor, address: String) -> Result<(), Error> {
    let at = ctx.now();
    ctx.db
        .write(move |conn| {
            let session = actor.session_id.as_deref().unwrap_or_default();
            sessions::end(conn, session, at)?;
            record(
                conn,
                "logout",
                actor.user_id,
                Some(session),
                Some(&address),
                at,
            )
        })
        .await
}

/// Changes the actor's own password; all other sign-ins end.
pub async fn change_password(
    ctx: &Ctx,
    actor: Actor,
    address: String,
    current: Password,
    new: NewPassword,
) -> Result<(), Refusal> {
    // The one that somebody else knows is no choice.
    if actor.pending == Some(Pending::Password) && current.as_str() == new.as_str() {
        let same = Fault {
            pointer: "/new_password".to_owned(),
            code: FaultCode::Duplicate,
            message: "is the password that you have to change".to_owned(),
        };
        return Err(Error::Invalid(Faults(vec![same])).into());
    }
    let login = actor.login.as_str().to_owned();
    let subjects = Subjects::new(&login, &address);
    let proven = proven(ctx, &subjects, login, current).await?;
    let hash = hashing(ctx, move |hasher| hasher.hash(new.as_str()))
        .await?
        .map_err(Error::Internal)?;
    let (at, refused) = (ctx.now(), subjects.clone());
    let done = ctx
        .db
        .write(move |conn| {
            let (user, current) = users::hold(conn, actor.user_id)?;
            if user.disabled_at.is_some() || current != proven.hash {
                return Ok::<_, Error>(false);
            }
            let before = user.version;
            let user = User {
                version: before.next(),
                must_change_password: false,
                ..user
            };
            users::set_password(conn, user.id, &hash)?;
            users::update(conn, &user)?;
            let session = actor.session_id.as_deref();
            sessions::end_others(conn, user.id, session, at)?;
            subjects.succeeded(conn)?;
            audit::append(
                conn,
                &audit::Entry {
                    version_before: Some(before),
                    version_after: Some(user.version),
                    ..entry("change_password", user.id, session, Some(&address), at)
                },
            )?;
            Ok(true)
        })
        .await?;
    if done {
        return Ok(());
    }
    refused.refused(ctx).await;
    Err(Refusal::Credentials)
}

/// Removes what nobody can use any more: counters of windows that are over, refresh tokens of
/// sign-ins that are over. For a loop; each kind in its own transaction, so that it never waits
/// for a sign-in that waits for it.
pub async fn tidy(ctx: &Ctx) -> Result<usize, Error> {
    let now = ctx.now();
    let before = now.plus_seconds(-WINDOW_SECONDS);
    let mut removed = 0;
    for kind in ["account:", "address:"] {
        removed += ctx
            .db
            .write(move |conn| sessions::tidy_failures(conn, kind, before))
            .await?;
    }
    removed += ctx
        .db
        .write(move |conn| sessions::tidy_tokens(conn, now))
        .await?;
    removed += ctx
        .db
        .write(move |conn| identities::tidy(conn, now))
        .await?;
    Ok(removed)
}

fn tokens(
    ctx: &Ctx,
    user: User,
    session: &str,
    refresh_token: String,
    session_ends: Instant,
) -> Result<Tokens, Refusal> {
    let now = ctx.now().seconds();
    let left = (session_ends.seconds() - now).max(0);
    // No access token outlives its sign-in.
    let lifetime = i64::from(ctx.settings.access_seconds)
        .min(left)
        .min(idle_seconds(ctx));
    let access_token = ctx
        .keys
        .issue(&user.id.to_string(), session, now, lifetime)
        .map_err(Error::Internal)?;
    Ok(Tokens {
        access_token,
        expires_in: lifetime,
        refresh_token,
        refresh_expires_in: left,
        user,
    })
}

fn digest(token: &str) -> String {
    hex::encode(Sha256::digest(token.as_bytes()))
}

fn record(
    conn: &mut Conn,
    action: &str,
    user: UserId,
    session: Option<&str>,
    address: Option<&str>,
    at: Instant,
) -> Result<(), Error> {
    Ok(audit::append(
        conn,
        &entry(action, user, session, address, at),
    )?)
}

fn entry<'a>(
    action: &'a str,
    user: UserId,
    session: Option<&'a str>,
    address: Option<&'a str>,
    at: Instant,
) -> audit::Entry<'a> {
    audit::Entry {
        at,
        user_id: Some(user),
        token_id: None,
        session_id: session,
        address,
        action,
        object_type: "user",
        object_id: Some(user.get()),
        version_before: None,
        version_after: None,
        reason: None,
        details: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refresh_tokens_are_stored_as_their_sha_256() {
        assert_eq!(
            digest("abc"),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
    }
}
