//! `bantin user …`: users from the command line, for the first admin and for emergencies.

use std::io::Read as _;

use clap::{Args, Subcommand, ValueEnum};

use crate::config::{Argon2, Place};
use crate::domain::content::PersonName;
use crate::domain::email::Email;
use crate::domain::input::Refusal;
use crate::domain::slug::Slug;
use crate::domain::time::Instant;
use crate::domain::user::{Chosen, Login, NewPassword, Role};
use crate::infra::clock::Clock;
use crate::infra::password::Hasher;
use crate::infra::random;
use crate::service::Error;
use crate::service::users::{Console, UserContent, ranked};
use crate::store::Conn;
use crate::store::db::Address;
use crate::store::editorial::users;

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
        /// Where invitations are mailed to
        #[arg(long)]
        email: Option<String>,
        /// What the user may do; may be given several times
        #[arg(long, required = true, value_enum)]
        role: Vec<RoleName>,
        /// Limit the roles to a category, by its slug, and all below it; may be given several times
        #[arg(long)]
        category: Vec<String>,
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
    /// Let a user in again
    Enable {
        #[command(flatten)]
        place: Place,
        /// Name to sign in with
        login: String,
    },
    /// Turn a user's second factor off, for one who has lost the app and the recovery codes
    ResetTotp {
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
            Action::Add {
                place,
                argon2,
                login,
                name,
                email,
                role,
                category,
                password_stdin,
            } => {
                let login = self::login(&login)?;
                let name = PersonName::parse(name.as_deref().unwrap_or(login.as_str()))
                    .map_err(|refusal| said("name", &refusal))?;
                let email = email
                    .map(|email| Email::parse(&email).map_err(|refusal| said("--email", &refusal)))
                    .transpose()?;
                let roles = ranked(role.into_iter().map(Role::from).collect())
                    .map_err(|refusal| said("--role", &refusal))?;
                let categories: Vec<Slug> = category
                    .iter()
                    .map(|slug| Slug::parse(slug).map_err(|refusal| said("--category", &refusal)))
                    .collect::<Result<_, _>>()?;
                let mut conn = open(&place, true)?;
                let hasher = Hasher::new(argon2.params())?;
                let password = choose(password_stdin)?;
                let content = UserContent {
                    name,
                    email,
                    roles,
                    categories: (!categories.is_empty()).then_some(categories),
                    disabled: false,
                };
                console()
                    .add(
                        &mut conn,
                        &hasher,
                        login.clone(),
                        content,
                        &password,
                        Chosen::ByOther,
                    )
                    .map_err(|error| told(error, &login))?;
                tell(&login, &password, password_stdin)
            }
            Action::List { place } => list(&mut open(&place, false)?),
            Action::Disable { place, login } => {
                let login = self::login(&login)?;
                let mut conn = open(&place, false)?;
                console()
                    .disable(&mut conn, &login)
                    .map_err(|error| told(error, &login))?;
                super::say(&format!("{}: disabled", login.as_str()))
            }
            Action::Enable { place, login } => {
                let login = self::login(&login)?;
                let mut conn = open(&place, false)?;
                console()
                    .enable(&mut conn, &login)
                    .map_err(|error| told(error, &login))?;
                super::say(&format!("{}: enabled", login.as_str()))
            }
            Action::ResetTotp { place, login } => {
                let login = self::login(&login)?;
                let mut conn = open(&place, false)?;
                console()
                    .reset_second_factor(&mut conn, &login)
                    .map_err(|error| told(error, &login))?;
                super::say(&format!("{}: second factor is off", login.as_str()))
            }
            Action::Password {
                place,
                argon2,
                login,
                password_stdin,
            } => {
                let login = self::login(&login)?;
                let mut conn = open(&place, false)?;
                let hasher = Hasher::new(argon2.params())?;
                let password = choose(password_stdin)?;
                console()
                    .set_password(&mut conn, &hasher, &login, &password)
                    .map_err(|error| told(error, &login))?;
                tell(&login, &password, password_stdin)
            }
        }
    }
}

fn console() -> Console {
    Console {
        at: Instant::from_micros(Clock::System.now_micros()),
    }
}

fn login(text: &str) -> Result<Login, String> {
    Login::parse(text).map_err(|refusal| said("login", &refusal))
}

fn said(what: &str, refusal: &Refusal) -> String {
    format!("{what} {}", refusal.message)
}

/// A refusal in words, for a terminal.
fn told(error: Error, login: &Login) -> String {
    match error {
        Error::NotFound => format!("there is no user {}", login.as_str()),
        Error::Invalid(faults) => faults
            .0
            .iter()
            .map(|fault| {
                format!(
                    "{} {}",
                    fault.pointer.trim_start_matches('/'),
                    fault.message
                )
            })
            .collect::<Vec<_>>()
            .join("; "),
        Error::Conflict { detail, .. } => detail,
        Error::Store(error) => error.to_string(),
        error => format!("{error:?}"),
    }
}

/// A connection to a database that is up to date; a first user may come before the database.
fn open(place: &Place, may_make: bool) -> Result<Conn, String> {
    let address = place.address()?;
    if let Address::Sqlite(path) = &address
        && !may_make
        && !path.exists()
    {
        return Err(format!("there is no database {}", path.display()));
    }
    crate::app::prepare(&address)?;
    address.connect().map_err(|error| error.to_string())
}

fn choose(from_stdin: bool) -> Result<NewPassword, String> {
    let mut text = random::password();
    if from_stdin {
        text.clear();
        std::io::stdin()
            .read_to_string(&mut text)
            .map_err(|error| error.to_string())?;
    }
    NewPassword::parse(text.trim_end_matches(['\r', '\n']))
        .map_err(|refusal| said("the password", &refusal))
}

fn tell(login: &Login, password: &NewPassword, was_given: bool) -> Result<(), String> {
    let login = login.as_str();
    if was_given {
        return super::say(&format!("{login}: done"));
    }
    super::say(&format!("{login}: one-time password {}", password.as_str()))?;
    super::say(
        "it is shown only now; the first thing after signing in is to change it (POST /v1/auth/password)",
    )
}

fn list(conn: &mut Conn) -> Result<(), String> {
    let mut cursor = None;
    loop {
        let page = users::list(conn, cursor, crate::domain::page::Limit::of(100))
            .map_err(|error| error.to_string())?;
        for user in &page.items {
            let roles: Vec<&str> = user.roles.iter().map(|role| role.as_str()).collect();
            let state = if user.disabled_at.is_some() {
                "disabled"
            } else {
                "active"
            };
            let limit = user.reach.slugs().map(|slugs| {
                let slugs: Vec<&str> = slugs.iter().map(Slug::as_str).collect();
                format!("\tonly in: {}", slugs.join(","))
            });
            super::say(&format!(
                "{}\t{}\t{}\t{}\t{state}{}",
                user.id,
                user.login.as_str(),
                user.name.as_str(),
                roles.join(","),
                limit.unwrap_or_default()
            ))?;
        }
        match page.next {
            Some(next) => cursor = Some(next),
            None => return Ok(()),
        }
    }
}
