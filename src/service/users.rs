//! Users: made, changed, disabled; never deleted, since content keeps its author.

mod access;
mod console;
pub mod invitations;
mod letters;

pub use self::access::{reset_second_factor, sign_out, unlock};
pub use self::console::Console;
use deserr::Deserr;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Command, Conflict, Deed, Error, IfMatch, Save, run, write_down};
use crate::ctx::Ctx;
use crate::domain::content::PersonName;
use crate::domain::email::Email;
use crate::domain::id::{CategoryId, UserId, Version};
use crate::domain::input::{FaultCode, Faults, Refusal};
use crate::domain::reach::{Granted, Reach};
use crate::domain::slug::Slug;
use crate::domain::time::Instant;
use crate::domain::user::{Chosen, Login, NewPassword, Role, User, UserKind};
use crate::store::editorial::{
    audit as audit_store, invitations as open_invitations, sessions, tokens, users,
};
use crate::store::public::categories;
use crate::store::{self, Conn};

/// What an admin says of a user; PUT takes exactly this, PATCH merges into it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Deserr, ToSchema)]
#[deserr(error = Faults, deny_unknown_fields)]
#[serde(deny_unknown_fields)]
pub struct UserContent {
    pub name: PersonName,
    /// Where invitations are mailed to; several users may share one.
    #[deserr(default)]
    pub email: Option<Email>,
    /// Each once; answered in the order of rank.
    #[deserr(try_from(Vec<Role>) = ranked -> Refusal)]
    #[schema(min_items = 1, max_items = 4)]
    pub roles: Vec<Role>,
    /// Slugs of the categories that the roles are limited to, descendants included; null is the
    /// whole portal, an empty list nowhere. Says nothing of media, users and the portal.
    #[deserr(default)]
    #[schema(max_items = 100)]
    pub categories: Option<Vec<Slug>>,
    /// A disabled user is refused at once; API tokens are revoked and stay so.
    pub disabled: bool,
}

/// Each role once, in the order of rank.
pub fn ranked(roles: Vec<Role>) -> Result<Vec<Role>, Refusal> {
    let ranked: Vec<Role> = Role::ALL
        .iter()
        .copied()
        .filter(|role| roles.contains(role))
        .collect();
    if ranked.is_empty() {
        return Err(Refusal::new(
            FaultCode::TooShort,
            "must name at least one role",
        ));
    }
    if ranked.len() < roles.len() {
        return Err(Refusal::new(FaultCode::Duplicate, "names a role twice"));
    }
    Ok(ranked)
}

impl UserContent {
    pub fn of(user: &User) -> Self {
        Self {
            name: user.name.clone(),
            email: user.email.clone(),
            roles: user.roles.clone(),
            categories: user.reach.slugs(),
            disabled: user.disabled_at.is_some(),
        }
    }

    fn is_admin(&self) -> bool {
        self.roles.contains(&Role::Admin) && !self.disabled
    }
}

/// Makes a user.
pub async fn create(
    ctx: &Ctx,
    command: Command,
    login: Login,
    content: UserContent,
    password: NewPassword,
    chosen: Chosen,
) -> Result<User, Error> {
    let hash = hash(ctx, password).await?;
    run(ctx, command, move |conn, command| {
        let new = New::person(login, content, (&hash, chosen));
        insert(conn, By::Api(command), new)
    })
    .await
}

/// Makes a service account: it has no password, an admin makes tokens for it.
pub async fn create_service(
    ctx: &Ctx,
    command: Command,
    login: Login,
    content: UserContent,
) -> Result<User, Error> {
    run(ctx, command, move |conn, command| {
        let new = New {
            kind: UserKind::Service,
            ..New::person(login, content, (users::NO_PASSWORD, Chosen::ByUser))
        };
        insert(conn, By::Api(command), new)
    })
    .await
}

/// Changes name, roles, or whether the user may sign in. Unchanged content is no write.
pub async fn save(
    ctx: &Ctx,
    command: Command,
    id: UserId,
    if_match: IfMatch,
    save: Save<UserContent>,
) -> Result<User, Error> {
    run(ctx, command, move |conn, command| {
        users::hold_admins(conn)?;
        let (before, _) = users::hold(conn, id)?;
        let mut content = save.onto(&UserContent::of(&before), if_match, before.version)?;
        let reach = reach(conn, content.categories.as_deref())?;
        content.categories = reach.slugs();
        if content == UserContent::of(&before) {
            return Ok(before);
        }
        if_match.check(before.version)?;
        let before = User { reach, ..before };
        update(conn, By::Api(command), before, content, "save")
    })
    .await
}

/// Gives a user a new password and ends all sign-ins.
pub async fn set_password(
    ctx: &Ctx,
    command: Command,
    id: UserId,
    if_match: IfMatch,
    password: NewPassword,
) -> Result<User, Error> {
    let hash = hash(ctx, password).await?;
    run(ctx, command, move |conn, command| {
        let (before, _) = users::hold(conn, id)?;
        if_match.check(before.version)?;
        wants_password(&before)?;
        // An admin's own password is their own choice, on whichever way it comes.
        let chosen = match command.actor.user_id == id {
            true => Chosen::ByUser,
            false => Chosen::ByOther,
        };
        replace_password(conn, By::Api(command), before, (&hash, chosen))
    })
    .await
}

/// From where users are changed.
#[derive(Clone, Copy)]
enum By<'a> {
    Api(&'a Command),
    Console(Instant),
    /// Somebody with an invitation, from an address.
    Invited(Instant, &'a str),
}

impl By<'_> {
    fn at(self) -> Instant {
        match self {
            Self::Api(command) => command.at,
            Self::Console(at) | Self::Invited(at, _) => at,
        }
    }

    fn audit(
        self,
        conn: &mut Conn,
        action: &str,
        user: &User,
        before: Option<Version>,
    ) -> Result<(), Error> {
        // A user has no editions: what the row does not tell, nobody knows later.
        let content = serde_json::json!(UserContent::of(user)).to_string();
        let deed = Deed {
            action,
            object_type: "user",
            object_id: user.id.get(),
            before,
            after: Some(user.version),
            reason: None,
            details: Some(&content),
        };
        match self {
            Self::Api(command) => write_down(conn, command, &deed),
            Self::Console(at) => Ok(audit_store::append(conn, &deed.by_nobody(at))?),
            Self::Invited(at, address) => invitations::record(conn, &deed, at, address),
        }
    }
}

/// Hashes a password that somebody chose, off the async threads.
async fn hash(ctx: &Ctx, password: NewPassword) -> Result<String, Error> {
    super::hashing(ctx, move |hasher| hasher.hash(password.as_str()))
        .await?
        .map_err(Error::Internal)
}

/// How far roles go, in words of ids; old slugs are read, and each category is there once.
fn reach(conn: &mut Conn, slugs: Option<&[Slug]>) -> Result<Reach, Error> {
    let Some(slugs) = slugs else {
        return Ok(Reach::Everywhere);
    };
    let mut faults = Faults::default();
    if slugs.len() > Reach::MOST {
        faults.push("/categories", FaultCode::TooMany, "100 are allowed");
        return Err(faults.into());
    }
    let mut ids: Vec<CategoryId> = Vec::new();
    for (at, slug) in slugs.iter().enumerate() {
        let place = format!("/categories/{at}");
        match categories::find(conn, slug) {
            Ok(id) if ids.contains(&id) => {
                faults.push(place, FaultCode::Duplicate, "names a category twice");
            }
            Ok(id) => ids.push(id),
            Err(store::Error::NotFound) => {
                faults.push(place, FaultCode::NotFound, "is not the slug of a category");
            }
            Err(error) => return Err(error.into()),
        }
    }
    faults.or(())?;
    let mut granted: Vec<Granted> = categories::slugs(conn, &ids)?
        .into_iter()
        .map(|(id, slug)| Granted { id, slug })
        .collect();
    granted.sort_by_key(|one| one.id.get());
    Ok(Reach::Only(granted))
}

/// A user to be made.
struct New<'a> {
    login: Login,
    content: UserContent,
    kind: UserKind,
    hash: &'a str,
    chosen: Chosen,
}

impl<'a> New<'a> {
    fn person(login: Login, content: UserContent, (hash, chosen): (&'a str, Chosen)) -> Self {
        Self {
            login,
            content,
            kind: UserKind::Person,
            hash,
            chosen,
        }
    }
}

fn insert(conn: &mut Conn, by: By<'_>, new: New<'_>) -> Result<User, Error> {
    let user = insert_row(conn, by, new)?;
    by.audit(conn, "create", &user, None)?;
    Ok(user)
}

/// The same without its audit row, which comes after all that belongs to the user.
fn insert_row(conn: &mut Conn, by: By<'_>, new: New<'_>) -> Result<User, Error> {
    let New {
        login,
        content,
        kind,
        hash,
        chosen,
    } = new;
    let taken = || Error::Conflict {
        code: Conflict::LoginTaken,
        detail: format!("there is a user {} already", login.as_str()),
    };
    if users::find(conn, login.as_str())?.is_some() {
        return Err(taken());
    }
    let mut user = User {
        id: UserId::stored(0),
        version: Version::FIRST,
        login: login.clone(),
        name: content.name,
        email: content.email,
        roles: content.roles,
        reach: reach(conn, content.categories.as_deref())?,
        disabled_at: content.disabled.then_some(by.at()),
        created_at: by.at(),
        kind,
        has_password: hash != users::NO_PASSWORD,
        must_change_password: chosen == Chosen::ByOther,
        second_factor: false,
    };
    // Two requests at once may both have found the login free.
    user.id = users::insert(conn, &user, hash).map_err(|error| match error {
        store::Error::Taken(_) => taken(),
        error => error.into(),
    })?;
    Ok(user)
}

/// Stores changed content; the rows of the admins and of this user are held.
fn update(
    conn: &mut Conn,
    by: By<'_>,
    before: User,
    content: UserContent,
    action: &str,
) -> Result<User, Error> {
    // Only who can sign in counts among the admins.
    let loses_admin =
        before.can_sign_in() && UserContent::of(&before).is_admin() && !content.is_admin();
    if loses_admin && users::other_admins(conn, Some(before.id))? == 0 {
        return Err(Error::Conflict {
            code: Conflict::LastAdmin,
            detail: "make another admin first".to_owned(),
        });
    }
    let version = before.version;
    let user = User {
        version: version.next(),
        name: content.name,
        email: content.email,
        roles: content.roles,
        disabled_at: content
            .disabled
            .then(|| before.disabled_at.unwrap_or(by.at())),
        ..before
    };
    users::update(conn, &user)?;
    if content.disabled {
        sessions::end_others(conn, user.id, None, by.at())?;
        open_invitations::void(conn, user.id)?;
        // Enabling the user again must not bring back what nobody thinks of any more.
        tokens::revoke_all(conn, user.id, by.at())?;
    }
    by.audit(conn, action, &user, Some(version))?;
    Ok(user)
}

/// Services send tokens and nothing else.
fn wants_password(user: &User) -> Result<(), Error> {
    match user.kind {
        UserKind::Person => Ok(()),
        UserKind::Service => Err(Error::Conflict {
            code: Conflict::NoSignIn,
            detail: "a service has no password; make an API token for it".to_owned(),
        }),
    }
}

/// Stores a new password; the user's row is held.
fn replace_password(
    conn: &mut Conn,
    by: By<'_>,
    before: User,
    (hash, chosen): (&str, Chosen),
) -> Result<User, Error> {
    let version = before.version;
    let user = User {
        version: version.next(),
        has_password: true,
        must_change_password: chosen == Chosen::ByOther,
        ..before
    };
    users::set_password(conn, user.id, hash)?;
    users::update(conn, &user)?;
    sessions::end_others(conn, user.id, None, by.at())?;
    // Whoever was locked out by somebody's guesses gets in with it.
    sessions::forget_failures(conn, &sessions::account(user.login.as_str()))?;
    by.audit(conn, "set_password", &user, Some(version))?;
    Ok(user)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::input;

    #[test]
    fn roles_are_a_set_in_the_order_of_rank() {
        assert_eq!(
            ranked(vec![Role::Admin, Role::Editor]),
            Ok(vec![Role::Editor, Role::Admin])
        );
        assert!(
            ranked(vec![Role::Admin, Role::Admin]).is_err_and(|r| r.code == FaultCode::Duplicate)
        );
        assert!(ranked(Vec::new()).is_err_and(|r| r.code == FaultCode::TooShort));
    }

    #[test]
    fn every_fault_of_a_user_is_named_at_once() {
        let body = serde_json::json!({"name": "", "roles": ["admin", "king"], "disabled": 1, "login": "x"});
        let places: Vec<String> = input::parse::<UserContent>(body)
            .err()
            .map(|faults| faults.0.into_iter().map(|fault| fault.pointer).collect())
            .unwrap_or_default();
        for place in ["/name", "/roles/1", "/disabled", "/login"] {
            assert!(
                places.iter().any(|found| found == place),
                "{place} is not in {places:?}"
            );
        }
    }
}
