//! Commands: each checks, makes exactly one write, and has its effects after the commit.
//!
//! What they share stands here: who asks (`Command`), how they fail (`Error`), and `run` and
//! `run_public`, which keep idempotency keys in the same transaction as the write they belong to.

pub mod articles;
pub mod audit;
pub mod auth;
pub mod captions;
pub mod categories;
pub mod comments;
pub mod locks;
pub mod media;
pub mod portal;
pub mod publishing;
mod refused;
pub mod tokens;
pub mod users;
pub mod workflow;
mod working_copy;

use std::sync::Arc;
use std::time::Duration;

use deserr::Deserr;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::ctx::Ctx;
use crate::domain::article::{Action, Article, Saved};
use crate::domain::id::{TokenId, Version};
use crate::domain::input::{self, Faults};
use crate::domain::lock::Lock;
use crate::domain::policy::{allowed_actions, may, reaches};
use crate::domain::portal::Portal;
use crate::domain::time::Instant;
use crate::domain::user::Actor;
use crate::store::editorial::{audit as audit_store, idempotency};
use crate::store::public::changes::PublicWrite;
use crate::store::{self, Conn};

/// Who asks for a write, when and from where.
#[derive(Debug, Clone)]
pub struct Command {
    pub actor: Actor,
    pub at: Instant,
    /// Client address; none for the command line.
    pub address: Option<String>,
    /// Makes a repeated request harmless.
    pub idempotency: Option<Idempotency>,
}

/// An `Idempotency-Key` and the digest of everything that the request asked for.
#[derive(Debug, Clone)]
pub struct Idempotency {
    pub key: String,
    pub fingerprint: String,
}

/// What `If-Match` said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IfMatch {
    /// Not there, or `*`: the client does not say which version it saw.
    Missing,
    /// A strong ETag of one version.
    Version(Version),
    /// Something that can match no version.
    Never,
}

impl IfMatch {
    /// Passes only for the version that the client based its change on.
    pub fn check(self, current: Version) -> Result<(), Error> {
        match self {
            Self::Missing => Err(Error::PreconditionRequired { current }),
            Self::Version(version) if version == current => Ok(()),
            _ => Err(Error::Stale {
                current,
                saved: None,
            }),
        }
    }
}

/// How a save gives the content: whole, or as a merge patch on what is there.
pub enum Save<T> {
    Replace(Box<T>),
    Patch(serde_json::Value),
}

impl<T: Serialize + Deserr<Faults>> Save<T> {
    pub fn replace(content: T) -> Self {
        Self::Replace(Box::new(content))
    }

    /// The content that is to be. A patch means nothing without the version that it was made for;
    /// whole content may turn out to be no change at all, so its version is checked later.
    pub fn onto(self, current: &T, if_match: IfMatch, version: Version) -> Result<T, Error> {
        match self {
            Self::Replace(content) => Ok(*content),
            Self::Patch(patch) => {
                if_match.check(version)?;
                let mut merged = serde_json::to_value(current)
                    .map_err(|error| Error::Internal(error.to_string()))?;
                input::merge(&mut merged, patch);
                Ok(input::parse(merged)?)
            }
        }
    }
}

/// Why a command was not carried out.
#[derive(Debug)]
pub enum Error {
    Store(store::Error),
    /// Something that is needed has no time or does not answer; trying again may help.
    Busy(String),
    /// The body is well-formed but wrong.
    Invalid(Faults),
    NotFound,
    Forbidden,
    /// The actor's roles are limited to other categories: which one is in the way.
    NotGranted(String),
    /// The change is based on an old version.
    Stale {
        current: Version,
        /// Who saved it last, where that is known.
        saved: Option<Box<Saved>>,
    },
    PreconditionRequired {
        current: Version,
    },
    /// The state machine does not allow it.
    IllegalMove {
        /// Where the article stands, for people.
        state: String,
        allowed: Vec<Action>,
    },
    /// A rule of the newsroom stands against it.
    Conflict {
        code: Conflict,
        detail: String,
    },
    /// Somebody else is at work on the article.
    Locked(Box<Lock>),
    /// The key was used for a different request.
    IdempotencyMismatch,
    /// A repeated request, whose answer held a secret that is shown once. Path of the object.
    SecretShown {
        place: String,
    },
    /// Media storage or another tool failed.
    Internal(String),
}

/// Rules of the newsroom that answer 409.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Conflict {
    WasPublic,
    SlugTaken,
    CategoryInUse,
    MediaInUse,
    LoginTaken,
    LastAdmin,
    FourEyes,
    NoSignIn,
    SecondFactorOn,
    SecondFactorOff,
    MediaWithdrawn,
    OffsetMismatch,
    TooManyUploads,
    TooManyPieces,
    MediaKnown,
}

impl From<store::Error> for Error {
    fn from(error: store::Error) -> Self {
        match error {
            store::Error::NotFound => Self::NotFound,
            error => Self::Store(error),
        }
    }
}

impl From<Faults> for Error {
    fn from(faults: Faults) -> Self {
        Self::Invalid(faults)
    }
}

/// One write to the editorial tables.
pub async fn run<T: Serialize + DeserializeOwned + Send + 'static>(
    ctx: &Ctx,
    command: Command,
    work: impl FnOnce(&mut Conn, &Command) -> Result<T, Error> + Send + 'static,
) -> Result<T, Error> {
    ctx.db
        .write(move |conn| once(conn, &command, |conn| work(conn, &command)))
        .await
}

/// One write whose outcome holds a secret, so that it is never kept: a repeated request is told
/// where the object is, whose path stands beside the outcome.
pub async fn run_once<T: Send + 'static>(
    ctx: &Ctx,
    command: Command,
    work: impl FnOnce(&mut Conn, &Command) -> Result<(T, String), Error> + Send + 'static,
) -> Result<T, Error> {
    ctx.db
        .write(move |conn| {
            if let Some(place) = replay(conn, &command)? {
                return Err(Error::SecretShown { place });
            }
            let (outcome, place) = work(conn, &command)?;
            keep(conn, &command, &place)?;
            Ok(outcome)
        })
        .await
}

/// One write that readers see.
pub async fn run_public<T: Serialize + DeserializeOwned + Send + 'static>(
    ctx: &Ctx,
    command: Command,
    work: impl FnOnce(&mut PublicWrite<'_>, &Command) -> Result<T, Error> + Send + 'static,
) -> Result<T, Error> {
    ctx.db
        .publish(move |write| {
            if let Some(outcome) = replay(write.conn(), &command)? {
                return Ok(outcome);
            }
            let outcome = work(write, &command)?;
            keep(write.conn(), &command, &outcome)?;
            Ok(outcome)
        })
        .await
}

fn once<T: Serialize + DeserializeOwned>(
    conn: &mut Conn,
    command: &Command,
    work: impl FnOnce(&mut Conn) -> Result<T, Error>,
) -> Result<T, Error> {
    if let Some(outcome) = replay(conn, command)? {
        return Ok(outcome);
    }
    let outcome = work(conn)?;
    keep(conn, command, &outcome)?;
    Ok(outcome)
}

/// The first outcome of a repeated request. A request still in progress elsewhere is waited for:
/// its row is locked until it commits.
fn replay<T: DeserializeOwned>(conn: &mut Conn, command: &Command) -> Result<Option<T>, Error> {
    let Some(idempotency) = &command.idempotency else {
        return Ok(None);
    };
    match idempotency::claim(
        conn,
        command.actor.user_id,
        &idempotency.key,
        &idempotency.fingerprint,
        command.at,
    )? {
        idempotency::Claim::New => Ok(None),
        idempotency::Claim::Known { fingerprint, .. } if fingerprint != idempotency.fingerprint => {
            Err(Error::IdempotencyMismatch)
        }
        idempotency::Claim::Known { outcome, .. } => serde_json::from_str(&outcome)
            .map(Some)
            .map_err(|error| Error::Internal(error.to_string())),
    }
}

fn keep<T: Serialize>(conn: &mut Conn, command: &Command, outcome: &T) -> Result<(), Error> {
    if let Some(idempotency) = &command.idempotency {
        let outcome =
            serde_json::to_string(outcome).map_err(|error| Error::Internal(error.to_string()))?;
        idempotency::keep(conn, command.actor.user_id, &idempotency.key, &outcome)?;
    }
    Ok(())
}

/// What an audit row says beside who and when.
pub struct Deed<'a> {
    pub action: &'a str,
    pub object_type: &'a str,
    pub object_id: i64,
    pub before: Option<Version>,
    pub after: Option<Version>,
    pub reason: Option<&'a str>,
    /// More facts, as the text of a JSON object.
    pub details: Option<&'a str>,
}

impl<'a> Deed<'a> {
    /// What was done to an article that was at version `before`.
    pub fn of_article(action: &'a str, article: &Article, before: Version) -> Self {
        Self {
            action,
            object_type: "article",
            object_id: article.id.get(),
            before: Some(before),
            after: Some(article.version),
            reason: None,
            details: None,
        }
    }

    /// The row of a deed that no user did: the command line's.
    pub fn by_nobody(&self, at: Instant) -> audit_store::Entry<'a> {
        audit_store::Entry {
            at,
            user_id: None,
            token_id: None,
            session_id: None,
            address: None,
            action: self.action,
            object_type: self.object_type,
            object_id: Some(self.object_id),
            version_before: self.before,
            version_after: self.after,
            reason: self.reason,
            details: self.details,
        }
    }
}

/// Writes the audit row of a command, in its transaction: the last of its writes, since every other
/// command waits for the head of the audit log from here to the commit.
pub fn write_down(conn: &mut Conn, command: &Command, deed: &Deed<'_>) -> Result<(), Error> {
    audit_store::append(
        conn,
        &audit_store::Entry {
            user_id: Some(command.actor.user_id),
            token_id: command.actor.token_id().map(TokenId::get),
            session_id: command.actor.session_id.as_deref(),
            address: command.address.as_deref(),
            ..deed.by_nobody(command.at)
        },
    )
    .map_err(Error::from)
}

/// Passes for what this actor may do to the article as it stands.
pub fn require(command: &Command, article: &Article, action: Action) -> Result<(), Error> {
    let situation = article.situation();
    if may(&command.actor, &situation, action) {
        return Ok(());
    }
    if !reaches(&command.actor, &situation, action) {
        let mut paths = situation.public_paths.iter();
        let public = paths.find(|path| !command.actor.reach.covers(path));
        let public = public.and_then(|path| path.last());
        return Err(Error::NotGranted(match public {
            Some(id) => {
                format!("readers see it, or are to, in category {id}, where your roles do not hold")
            }
            None => "your roles do not hold in its category".to_owned(),
        }));
    }
    Err(Error::IllegalMove {
        state: situation.describe(),
        allowed: allowed_actions(&command.actor, &situation),
    })
}

/// The portal with the authority of its uris, which the first public write fixes for ever.
pub fn founded(write: &mut PublicWrite<'_>, base: &str, at: Instant) -> Result<Portal, Error> {
    let current = store::public::portal::get(write.conn())?;
    if current.authority.is_some() {
        return Ok(current);
    }
    let (host, year) = authority(base, &current, at);
    store::public::portal::fix_authority(write, &host, year)?;
    tracing::info!(
        authority = host,
        year,
        "fixed the authority of all uris for ever"
    );
    Ok(store::public::portal::get(write.conn())?)
}

/// Host and year that the uris would bear if they were fixed now.
pub fn authority(base: &str, portal: &Portal, at: Instant) -> (String, i16) {
    let host = url::Url::parse(base)
        .ok()
        // A tag names a host; the brackets of an IPv6 address have no place in it.
        .and_then(|url| {
            url.host_str()
                .filter(|host| !host.starts_with('['))
                .map(str::to_owned)
        })
        .unwrap_or_else(|| "localhost".to_owned());
    (host, portal.zone().day_of(at).year())
}

/// The permanent identity of an object of this portal.
pub fn uri(portal: &Portal, uuid: &str) -> Result<String, Error> {
    portal
        .uri(uuid)
        .ok_or_else(|| Error::Internal("the portal has no authority yet".to_owned()))
}

/// A new permanent name for an object.
pub fn new_uuid(at: Instant) -> String {
    crate::infra::random::uuid_v7(u64::try_from(at.micros() / 1000).unwrap_or(0))
}

/// A turn among those that do something heavy; busy for who would wait longer than `patience`.
async fn turn(
    turns: &Arc<Semaphore>,
    patience: Duration,
    why: &str,
) -> Result<OwnedSemaphorePermit, Error> {
    match tokio::time::timeout(patience, Arc::clone(turns).acquire_owned()).await {
        Ok(Ok(turn)) => Ok(turn),
        _ => Err(Error::Busy(why.to_owned())),
    }
}

/// Hashes passwords off the async threads, a bounded number at once: each takes megabytes.
pub async fn hashing<T: Send + 'static>(
    ctx: &Ctx,
    work: impl FnOnce(&crate::infra::password::Hasher) -> T + Send + 'static,
) -> Result<T, Error> {
    let patience = Duration::from_secs(5);
    let turn = turn(
        &ctx.hashing,
        patience,
        "too many passwords are being checked",
    )
    .await?;
    let hasher = Arc::clone(&ctx.hasher);
    tokio::task::spawn_blocking(move || {
        let _turn = turn;
        work(&hasher)
    })
    .await
    .map_err(|error| Error::Internal(error.to_string()))
}
