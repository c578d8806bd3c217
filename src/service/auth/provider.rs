//! Signing in through an OpenID Connect provider: sending a browser there, and what it brings back.
//!
//! Nothing is asked of the provider inside a transaction: a sign-in is taken out of the table, then
//! the provider is asked, then the user's row and the session are written.

use std::time::Duration;

use serde_json::json;
use subtle::ConstantTimeEq as _;

use super::attempts::wait;
use super::{Beginning, Client, Refusal, Subjects, Tokens, digest, entry, record};
use crate::ctx::Ctx;
use crate::domain::id::{UserId, Version};
use crate::domain::provider::{self, Claims};
use crate::domain::reach::Reach;
use crate::domain::time::Instant;
use crate::domain::user::{Role, User, UserKind};
use crate::infra::oidc::{Callback, Failure, Provider, Secrets};
use crate::infra::random;
use crate::service::{Error, turn};
use crate::store::editorial::{audit, identities, sessions, tokens, users};
use crate::store::{self, Conn};

/// Time for somebody to sign in at the provider.
const UNDER_WAY_SECONDS: i64 = 600;
/// Most sign-ins under way from one address, and from all.
const MOST_OF_ADDRESS: i64 = 100;
const MOST: i64 = 20_000;
/// Logins that are tried for somebody new.
const NUMBERS: u32 = 1000;

/// A sign-in that a front end may take over to the provider.
pub struct Started {
    pub authorization_url: String,
    pub state: String,
    /// Stays with the front end; `finish` asks for it.
    pub binding: String,
    /// Seconds.
    pub expires_in: i64,
}

/// What a front end got back, and what it kept.
pub struct Returned {
    pub code: String,
    pub state: String,
    pub binding: String,
    pub iss: Option<String>,
}

/// Begins a sign-in.
pub async fn start(ctx: &Ctx, address: String) -> Result<Started, Refusal> {
    let (now, address) = (ctx.now(), Subjects::new("", &address).address);
    let (state, binding) = (random::token(), random::token());
    let secrets = Secrets {
        nonce: random::token(),
        verifier: random::token(),
    };
    let under_way = identities::UnderWay {
        state: digest(&state),
        binding: digest(&binding),
        nonce: secrets.nonce.clone(),
        verifier: secrets.verifier.clone(),
        address,
        expires_at: now.plus_seconds(UNDER_WAY_SECONDS),
    };
    let (sent, asked) = (state.clone(), secrets);
    let authorization_url = ask(ctx, move |provider| {
        provider.authorization_url(&sent, &asked, now.seconds())
    })
    .await?;
    ctx.db
        .write(move |conn| {
            identities::tidy(conn, now)?;
            let (own, all) = identities::count(conn, &under_way.address, now)?;
            if own >= MOST_OF_ADDRESS {
                return Err(Refusal::TooMany(UNDER_WAY_SECONDS));
            }
            if all >= MOST {
                let why = "too many sign-ins are under way".to_owned();
                return Err(store::Error::Busy(why).into());
            }
            Ok(identities::begin(conn, &under_way)?)
        })
        .await?;
    Ok(Started {
        authorization_url,
        state,
        binding,
        expires_in: UNDER_WAY_SECONDS,
    })
}

/// Ends a sign-in with what the browser brought back. It counts as a failed attempt of the address
/// until it has succeeded.
pub async fn finish(ctx: &Ctx, client: Client, returned: Returned) -> Result<Tokens, Refusal> {
    let from = client.address.clone();
    let finished = prove(ctx, client, returned).await;
    if let Err(Refusal::NotProven | Refusal::NoRole | Refusal::TooMany(_)) = &finished {
        // Whose account it was, only the provider knows.
        crate::service::refused::count(ctx, "", &from).await;
    }
    finished
}

async fn prove(ctx: &Ctx, client: Client, returned: Returned) -> Result<Tokens, Refusal> {
    let address = client.address.clone();
    if ctx.provider.is_none() {
        return Err(Refusal::NoProvider);
    }
    let subjects = Subjects::new("", &address);
    let Returned {
        code,
        state,
        binding,
        iss,
    } = returned;
    let secrets = take(ctx, &subjects, &state, &binding).await?;
    let (map, claim) = (
        ctx.settings.oidc.roles(),
        &ctx.settings.oidc.oidc_roles_claim,
    );
    let (wanted, now) = (claim.clone(), ctx.now().seconds());
    let claims = ask(ctx, move |provider| {
        provider.claims(
            &Callback { code, iss },
            &secrets,
            |claims| provider::member(claims, &wanted).is_some(),
            now,
        )
    })
    .await;
    if let Err(Refusal::ProviderFailed | Refusal::Failed(_)) = &claims {
        // Nobody was refused: somebody could not be asked.
        let address = subjects.address.clone();
        ctx.db
            .write(move |conn| sessions::uncount_attempt(conn, &address))
            .await?;
    }
    let claims = claims?;
    let roles = map.roles(&claims, claim);
    let at = ctx.now();
    let beginning = Beginning::new(ctx, at, client);
    let begun = beginning.clone();
    let issuer = ctx.settings.oidc.oidc_issuer.clone().unwrap_or_default();
    let signed_in = ctx
        .db
        .write(move |conn| {
            let somebody = Somebody {
                issuer: &issuer,
                claims: &claims,
                roles,
                address: &address,
                at,
            };
            let (user, deed) = match somebody.settle(conn)? {
                Ok(settled) => settled,
                Err(refusal) => return Ok::<_, Error>(Err(refusal)),
            };
            begun.write(conn, user.id)?;
            sessions::uncount_attempt(conn, &subjects.address)?;
            // The audit log comes last: see `audit::append`.
            if let Some(deed) = deed {
                somebody.audit(conn, &user, deed)?;
            }
            let session = Some(begun.id.as_str());
            record(conn, "login_oidc", user.id, session, Some(&address), at)?;
            Ok(Ok(user))
        })
        .await?;
    beginning.tokens(ctx, signed_in?)
}

/// Counts the attempt, and takes the sign-in out of the table, whatever comes of it.
async fn take(
    ctx: &Ctx,
    subjects: &Subjects,
    state: &str,
    binding: &str,
) -> Result<Secrets, Refusal> {
    let (at, address) = (ctx.now(), subjects.address.clone());
    let most = i64::from(ctx.settings.login_failures_address);
    let (state, binding) = (digest(state), digest(binding));
    let taken = ctx
        .db
        .write(move |conn| {
            let (count, since) =
                sessions::count_attempt(conn, &address, at, super::WINDOW_SECONDS)?;
            if count > most {
                return Err(Refusal::TooMany(wait(since, at)));
            }
            Ok(identities::take(conn, &state)?)
        })
        .await?;
    let good = taken.filter(|taken| {
        let bound = taken.binding.as_bytes().ct_eq(binding.as_bytes());
        bool::from(bound) && taken.expires_at.micros() > at.micros()
    });
    match good {
        Some(taken) => Ok(Secrets {
            nonce: taken.nonce,
            verifier: taken.verifier,
        }),
        None => Err(Refusal::NotProven),
    }
}

/// Asks the provider off the async threads, a bounded number at once. Causes go to the log.
async fn ask<T: Send + 'static>(
    ctx: &Ctx,
    work: impl FnOnce(&Provider) -> Result<T, Failure> + Send + 'static,
) -> Result<T, Refusal> {
    let provider = ctx.provider.clone().ok_or(Refusal::NoProvider)?;
    let patience = Duration::from_secs(5);
    let turn = turn(&ctx.asking, patience, "too many are asking the provider").await?;
    let asked = tokio::task::spawn_blocking(move || {
        let _turn = turn;
        work(&provider)
    })
    .await
    .map_err(|error| Error::Internal(error.to_string()))?;
    asked.map_err(|failure| match failure {
        Failure::Unavailable(why) => {
            tracing::warn!(why, "the sign-in provider does not answer as it should");
            Refusal::ProviderFailed
        }
        Failure::Refused(why) => {
            tracing::info!(why, "a sign-in through the provider was refused");
            Refusal::NotProven
        }
    })
}

/// What was done to a user on the way: the action, and the version before.
type Deed = (&'static str, Option<Version>);

/// Somebody whom the provider vouches for.
struct Somebody<'a> {
    issuer: &'a str,
    claims: &'a Claims,
    /// What the claim gives.
    roles: Vec<Role>,
    address: &'a str,
    at: Instant,
}

impl Somebody<'_> {
    /// The user with the roles of the claim, made where there is none; refused where they may not
    /// sign in.
    fn settle(&self, conn: &mut Conn) -> Result<Result<(User, Option<Deed>), Refusal>, Error> {
        // Roles may take the last admin away: see `users::hold_admins`.
        users::hold_admins(conn)?;
        let known = identities::find(conn, self.issuer, self.subject())?;
        let Some(id) = known else {
            if self.roles.is_empty() {
                return Ok(Err(Refusal::NoRole));
            }
            return self.create(conn).map(Ok);
        };
        let (user, _) = users::hold(conn, id)?;
        if user.disabled_at.is_some() {
            return Ok(Err(Refusal::NotProven));
        }
        if self.roles.is_empty() {
            // Whoever has no role any more does not go on under the old ones.
            sessions::end_others(conn, user.id, None, self.at)?;
            tokens::revoke_all(conn, user.id, self.at)?;
            record(
                conn,
                "no_role_oidc",
                user.id,
                None,
                Some(self.address),
                self.at,
            )?;
            return Ok(Err(Refusal::NoRole));
        }
        self.update(conn, user).map(Ok)
    }

    fn subject(&self) -> &str {
        let subject = self.claims.get("sub").and_then(|sub| sub.as_str());
        subject.unwrap_or_default()
    }

    /// Makes a user without a password. A login that is taken gets a number: nobody takes over a
    /// user whom the provider does not know.
    fn create(&self, conn: &mut Conn) -> Result<(User, Option<Deed>), Error> {
        let wanted = provider::login(self.claims);
        let mut login = wanted.clone();
        for number in 2..NUMBERS {
            if users::find(conn, login.as_str())?.is_none() {
                break;
            }
            login = provider::numbered(&wanted, number);
        }
        let mut user = User {
            id: UserId::stored(0),
            version: Version::FIRST,
            name: provider::name(self.claims, &wanted),
            login,
            roles: self.roles.clone(),
            reach: Reach::Everywhere,
            // What a provider says of addresses is not always proven.
            email: None,
            kind: UserKind::Person,
            has_password: false,
            must_change_password: false,
            second_factor: false,
            disabled_at: None,
            created_at: self.at,
        };
        user.id = users::insert(conn, &user, users::NO_PASSWORD)?;
        identities::link(conn, self.issuer, self.subject(), user.id, self.at)?;
        Ok((user, Some(("create", None))))
    }

    /// Gives the user the roles of the claim. The last admin who has a password stays one: the way in
    /// when the provider is away or says something wrong.
    fn update(&self, conn: &mut Conn, before: User) -> Result<(User, Option<Deed>), Error> {
        let mut roles = self.roles.clone();
        let is_admin = |roles: &[Role]| roles.contains(&Role::Admin);
        let loses_admin = before.can_sign_in() && is_admin(&before.roles) && !is_admin(&roles);
        if loses_admin && users::other_admins(conn, Some(before.id))? == 0 {
            tracing::warn!(
                user = before.id.get(),
                "the provider would take away the last admin"
            );
            roles.push(Role::Admin);
            roles.sort_unstable();
        }
        if roles == before.roles {
            return Ok((before, None));
        }
        let version = before.version;
        let user = User {
            version: version.next(),
            roles,
            ..before
        };
        users::update(conn, &user)?;
        Ok((user, Some(("roles_oidc", Some(version)))))
    }

    fn audit(&self, conn: &mut Conn, user: &User, (action, before): Deed) -> Result<(), Error> {
        let details = json!({
            "issuer": self.issuer, "subject": self.subject(), "roles": user.roles,
        });
        let row = entry(action, user.id, None, Some(self.address), self.at);
        Ok(audit::append(
            conn,
            &audit::Entry {
                version_before: before,
                version_after: Some(user.version),
                details: Some(&details.to_string()),
                ..row
            },
        )?)
    }
}
