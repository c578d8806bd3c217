//! `bantin user …`: users from the command line, for the first admin and for emergencies.

use std::io::Read as _;

use clap::{Args, Subcommand, ValueEnum};

use crate::config::{Argon2, Place};
use crate::domain::content::PersonName;
use crate::domain::id::{UserId, Version};
use crate::domain::time::Instant;
use crate::domain::user::{Login, Role, User};
use crate::infra::clock::Clock;
use crate::infra::password::{self, Hasher};
use crate::infra::random;
use crate::store::db::{Conn, transaction};
use crate::store::editorial::{audit, sessions, users};
use crate::store::migrate::{self, State};
use crate::store::{self, Error};

#[derive(Debug, Args)]
pub struct UserCommand {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Make a user; prints a one-time password unless one comes on the standard input
    Add {
        #[command(flatten)]
        place: Place,
        #[command(flatten)]
        argon2: Argon2,
        /// Name to sign in with
        login: String,
        /// Name of the person; the login when absent
        #[arg(long)]
        name: Option<String>,
        /// What the user may do; may be given several times
        #[arg(long, required = true, value_enum)]
        role: Vec<RoleName>,
        /// Read the password from the standard input
        #[arg(long)]
        password_stdin: bool,
    },
    /// List all users
    List {
        #[command(flatten)]
        place: Place,
    },
    /// Refuse a user from now on
    Disable {
        #[command(flatten)]
        place: Place,
        /// Name to sign in with
        login: String,
    },
    /// Give a user a new password; prints it unless one comes on the standard input
    Password {
        #[command(flatten)]
        place: Place,
        #[command(flatten)]
        argon2: Argon2,
        /// Name to sign in with
        login: String,
        /// Read the password from the standard input
        #[arg(long)]
        password_stdin: bool,
    },
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum RoleName {
    Reporter,
    Editor,
    Publisher,
    Admin,
}

impl From<RoleName> for Role {
    fn from(name: RoleName) -> Self {
        match name {
            RoleName::Reporter => Self::Reporter,
            RoleName::Editor => Self::Editor,
            RoleName::Publisher => Self::Publisher,
            RoleName::Admin => Self::Admin,
        }
    }
}

impl UserCommand {
    pub fn run(self) -> Result<(), String> {
        match self.action {
            Action::Add { place, argon2, login, name, role, password_stdin } => {
                let mut conn = open(&place)?;
                let hasher = Hasher::new(argon2.params())?;
                let password = choose(password_stdin)?;
                let mut roles: Vec<Role> = role.into_iter().map(Role::from).collect();
                roles.sort();
                roles.dedup();
                add(&mut conn, &hasher, &login, name.as_deref(), &roles, &password)?;
                tell(&login, &password, password_stdin)
            }
            Action::List { place } => list(&mut open(&place)?),
            Action::Disable { place, login } => disable(&mut open(&place)?, &login),
            Action::Password { place, argon2, login, password_stdin } => {
                let mut conn = open(&place)?;
                let hasher = Hasher::new(argon2.params())?;
                let password = choose(password_stdin)?;
                set_password(&mut conn, &hasher, &login, &password)?;
                tell(&login, &password, password_stdin)
            }
        }
    }
}

/// A connection to a database that is up to date; an SQLite one is made when it is missing.
fn open(place: &Place) -> Result<Conn, String> {
    let address = place.address()?;
    if let store::db::Address::Sqlite(path) = &address
        && let Some(folder) = path.parent()
    {
        std::fs::create_dir_all(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    }
    let mut conn = address.connect().map_err(|error| error.to_string())?;
    match migrate::state(&mut conn).map_err(|error| error.to_string())? {
        State::Current => {}
        State::Behind(_) => {
            if matches!(address, store::db::Address::Postgres(_)) {
                return Err("the database is not up to date: run `bantin migrate`".to_owned());
            }
            crate::app::migrate_now(&mut conn)?;
        }
        State::Ahead(version) => {
            return Err(format!("the database has migration {version}, which this version does not know"));
        }
    }
    Ok(conn)
}

fn choose(from_stdin: bool) -> Result<String, String> {
    if !from_stdin {
        return Ok(random::password());
    }
    let mut text = String::new();
    std::io::stdin()
        .read_to_string(&mut text)
        .map_err(|error| error.to_string())?;
    let password = text.trim_end_matches(['\r', '\n']).to_owned();
    match password::refusal(&password) {
        Some(why) => Err(format!("the password {why}")),
        None => Ok(password),
    }
}

fn tell(login: &str, password: &str, was_given: bool) -> Result<(), String> {
    if was_given {
        return super::say(&format!("{login}: done"));
    }
    super::say(&format!("{login}: one-time password {password}"))?;
    super::say("it is shown only now; change it after signing in (POST /v1/auth/password)")
}

/// Makes a user; shared with the demo.
pub fn add(
    conn: &mut Conn,
    hasher: &Hasher,
    login: &str,
    name: Option<&str>,
    roles: &[Role],
    password: &str,
) -> Result<UserId, String> {
    let login = Login::parse(login).map_err(|refusal| format!("login: {}", refusal.message))?;
    let name = PersonName::parse(name.unwrap_or(login.as_str()))
        .map_err(|refusal| format!("name: {}", refusal.message))?;
    let hash = hasher.hash(password)?;
    let mut user = User {
        id: UserId::stored(0),
        version: Version::FIRST,
        login,
        name,
        roles: roles.to_vec(),
        disabled_at: None,
        created_at: now(),
    };
    transaction(conn, |conn| {
        user.id = users::insert(conn, &user, &hash)?;
        record(conn, "create", &user)?;
        Ok::<_, Error>(user.id)
    })
    .map_err(|error| match error {
        Error::Taken(_) => format!("there is a user {} already", user.login.as_str()),
        error => error.to_string(),
    })
}

fn list(conn: &mut Conn) -> Result<(), String> {
    let mut cursor = None;
    loop {
        let page = users::list(conn, cursor, crate::domain::page::Limit::of(100))
            .map_err(|error| error.to_string())?;
        for user in &page.items {
            let roles: Vec<&str> = user.roles.iter().map(|role| role.as_str()).collect();
            let state = if user.disabled_at.is_some() { "disabled" } else { "active" };
            super::say(&format!(
                "{}\t{}\t{}\t{}\t{state}",
                user.id,
                user.login.as_str(),
                user.name.as_str(),
                roles.join(",")
            ))?;
        }
        match page.next {
            Some(next) => cursor = Some(next),
            None => return Ok(()),
        }
    }
}

fn disable(conn: &mut Conn, login: &str) -> Result<(), String> {
    transaction(conn, |conn| {
        let Some((user, _)) = users::find(conn, login)? else {
            return Err(Error::NotFound);
        };
        if user.disabled_at.is_some() {
            return Ok(());
        }
        if user.roles.contains(&Role::Admin) && users::other_admins(conn, Some(user.id))? == 0 {
            return Err(Error::Referenced("the last admin must stay; make another one first".to_owned()));
        }
        let at = now();
        let user = User {
            version: user.version.next(),
            disabled_at: Some(at),
            ..user
        };
        users::update(conn, &user)?;
        sessions::end_others(conn, user.id, None, at)?;
        record(conn, "disable", &user)
    })
    .map_err(|error| named(error, login))?;
    super::say(&format!("{login}: disabled"))
}

fn set_password(conn: &mut Conn, hasher: &Hasher, login: &str, password: &str) -> Result<(), String> {
    let hash = hasher.hash(password)?;
    transaction(conn, |conn| {
        let Some((user, _)) = users::find(conn, login)? else {
            return Err(Error::NotFound);
        };
        users::set_password(conn, user.id, &hash)?;
        sessions::end_others(conn, user.id, None, now())?;
        let user = User {
            version: user.version.next(),
            ..user
        };
        users::update(conn, &user)?;
        record(conn, "set_password", &user)
    })
    .map_err(|error| named(error, login))
}

fn named(error: Error, login: &str) -> String {
    match error {
        Error::NotFound => format!("there is no user {login}"),
        Error::Referenced(why) => why,
        error => error.to_string(),
    }
}

fn now() -> Instant {
    Instant::from_micros(Clock::System.now_micros())
}

fn record(conn: &mut Conn, action: &str, user: &User) -> Result<(), Error> {
    audit::append(
        conn,
        &audit::Entry {
            at: now(),
            user_id: None,
            session_id: None,
            address: None,
            action,
            object_type: "user",
            object_id: Some(user.id.get()),
            version_before: None,
            version_after: Some(user.version),
            reason: Some("command line"),
        },
    )
}
