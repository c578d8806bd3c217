//! Settings: each is a flag and an environment variable with a documented default. The only
//! reader of the environment.

mod mail;
pub mod media;
mod oidc;

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

use clap::Args;

use crate::domain::policy::FourEyes;
use crate::domain::user::{Role, RoleSet};
use crate::infra::password::Params;
use crate::store::db::Address;

/// Where the database is: what every command needs.
#[derive(Debug, Clone, Args)]
pub struct Place {
    /// Folder for the database, media and keys; made when it is missing
    #[arg(
        long,
        env = "BANTIN_DATA_DIR",
        default_value = "./bantin-data",
        value_name = "DIR"
    )]
    pub data_dir: PathBuf,

    /// SQLite file (`sqlite:PATH`) or `postgres://` address [default: DATA_DIR/bantin.db]
    #[arg(
        long,
        env = "BANTIN_DATABASE_URL",
        value_name = "URL",
        hide_env_values = true
    )]
    pub database_url: Option<String>,
}

impl Place {
    pub fn address(&self) -> Result<Address, String> {
        match &self.database_url {
            Some(url) => Address::parse(url).map_err(|why| format!("BANTIN_DATABASE_URL: {why}")),
            None => Ok(Address::Sqlite(self.data_dir.join("bantin.db"))),
        }
    }
}

/// Where the signing keys are: what a command needs that has to do with them only.
#[derive(Debug, Clone, Args)]
pub struct KeysPlace {
    #[command(flatten)]
    pub place: Place,

    /// Folder for signing keys; required with PostgreSQL, shared by all nodes
    /// [default: DATA_DIR/keys]
    #[arg(long, env = "BANTIN_KEYS_DIR", value_name = "DIR")]
    keys_dir: Option<PathBuf>,
}

impl KeysPlace {
    pub fn dir(&self) -> Result<PathBuf, String> {
        keys_dir(&self.place, self.keys_dir.as_ref())
    }
}

/// Are drawings taken?
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Svg {
    On,
    Off,
}

/// What pictures may cost.
#[derive(Debug, Clone, Copy, Args)]
pub struct Pictures {
    /// Largest picture, in pixels
    #[arg(long, env = "BANTIN_MAX_PIXELS", default_value_t = 50_000_000, value_name = "PIXELS", value_parser = clap::value_parser!(u32).range(1..=1_000_000_000))]
    pub max_pixels: u32,
}

/// How long the audit log is kept.
#[derive(Debug, Clone, Args)]
pub struct Retention {
    /// Years that rows of the audit log are kept, at least 2; older ones are removed, and a signed
    /// checkpoint stands for them
    #[arg(long, env = "BANTIN_AUDIT_YEARS", default_value_t = 10, value_name = "YEARS", value_parser = clap::value_parser!(u16).range(2..=100))]
    pub audit_years: u16,
}

/// Everything that `serve` and `demo` can be told.
#[derive(Debug, Clone, Args)]
pub struct Settings {
    #[command(flatten)]
    pub place: Place,

    /// Address and port to listen on
    #[arg(
        long,
        env = "BANTIN_LISTEN",
        default_value = "127.0.0.1:8080",
        value_name = "ADDR:PORT"
    )]
    pub listen: SocketAddr,

    /// The address under which clients reach this server; all links are built from it
    /// [default: http://LISTEN]
    #[arg(long, env = "BANTIN_PUBLIC_URL", value_name = "URL", value_parser = public_url)]
    pub public_url: Option<String>,

    #[command(flatten)]
    pub media: media::MediaPlace,

    /// Seconds that a signed address of a bucket is good for, to which readers of public pictures,
    /// sound and film are sent; 0: files go through this server
    #[arg(long, env = "BANTIN_MEDIA_REDIRECT", default_value_t = 0, value_name = "SECONDS", value_parser = clap::value_parser!(u16).range(0..=3600))]
    pub media_redirect: u16,

    /// Folder for signing keys; required with PostgreSQL, shared by all nodes
    /// [default: DATA_DIR/keys]
    #[arg(long, env = "BANTIN_KEYS_DIR", value_name = "DIR")]
    pub keys_dir: Option<PathBuf>,

    /// Origins of editorial front ends that browsers may call from, separated by commas
    #[arg(long, env = "BANTIN_CORS_ORIGINS", value_delimiter = ',', value_name = "ORIGINS", value_parser = origin)]
    pub cors_origins: Vec<String>,

    /// Addresses of reverse proxies whose X-Forwarded-For is believed, separated by commas
    #[arg(
        long,
        env = "BANTIN_TRUSTED_PROXIES",
        value_delimiter = ',',
        value_name = "IPS"
    )]
    pub trusted_proxies: Vec<IpAddr>,

    /// Page of the editorial front end where invited users choose their password; `{token}` stands
    /// in its fragment, as https://editor.example.vn/invite#{token} [default: none, only the token is
    /// answered]
    #[arg(long, env = "BANTIN_INVITE_URL", value_name = "URL", value_parser = invite_url)]
    pub invite_url: Option<String>,

    /// Worker threads [default: one per core]
    #[arg(long, env = "BANTIN_WORKERS", value_name = "N", value_parser = clap::value_parser!(u16).range(1..=512))]
    pub workers: Option<u16>,

    /// Database connections for reading
    #[arg(long, env = "BANTIN_DB_CONNECTIONS", default_value_t = 8, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=512))]
    pub db_connections: u16,

    /// Largest JSON body, in bytes
    #[arg(long, env = "BANTIN_MAX_JSON", default_value_t = 2 * 1024 * 1024, value_name = "BYTES", value_parser = clap::value_parser!(u32).range(1024..=67_108_864))]
    pub max_json: u32,

    #[command(flatten)]
    pub sizes: media::Sizes,

    /// Hours after which an upload in pieces that nobody goes on with is dropped
    #[arg(long, env = "BANTIN_UPLOAD_HOURS", default_value_t = 24, value_name = "HOURS", value_parser = clap::value_parser!(u16).range(1..=720))]
    pub upload_hours: u16,

    #[command(flatten)]
    pub pictures: Pictures,

    /// Are drawings (SVG) taken: `on` or `off`. Readers get a copy that can run and fetch nothing
    #[arg(
        long,
        env = "BANTIN_SVG",
        default_value = "off",
        value_name = "WHETHER"
    )]
    pub svg: Svg,

    /// Largest picture that is made ready while its upload waits, in pixels; larger ones are answered
    /// at once and made ready later
    #[arg(long, env = "BANTIN_INLINE_PIXELS", default_value_t = 16_000_000, value_name = "PIXELS", value_parser = clap::value_parser!(u32).range(0..=1_000_000_000))]
    pub inline_pixels: u32,

    /// Seconds that a request body may take to arrive
    #[arg(long, env = "BANTIN_BODY_TIMEOUT", default_value_t = 30, value_name = "SECONDS", value_parser = clap::value_parser!(u16).range(1..=3600))]
    pub body_timeout: u16,

    /// Seconds that requests in flight get to finish at shutdown
    #[arg(long, env = "BANTIN_SHUTDOWN_TIMEOUT", default_value_t = 20, value_name = "SECONDS", value_parser = clap::value_parser!(u16).range(0..=3600))]
    pub shutdown_timeout: u16,

    /// Seconds that caches may keep a public answer; at most twice this passes until a takedown
    /// has reached every reader behind one cache
    #[arg(long, env = "BANTIN_CACHE_SECONDS", default_value_t = 30, value_name = "SECONDS", value_parser = clap::value_parser!(u16).range(0..=30))]
    pub cache_seconds: u16,

    /// Requests per second and address that anonymous readers get on this node; 0: no limit
    #[arg(long, env = "BANTIN_RATE_LIMIT", default_value_t = 0, value_name = "N")]
    pub rate_limit: u32,

    /// Seconds that an access token is good for
    #[arg(long, env = "BANTIN_ACCESS_SECONDS", default_value_t = 900, value_name = "SECONDS", value_parser = clap::value_parser!(u32).range(60..=86_400))]
    pub access_seconds: u32,

    /// Days that a sign-in lasts without the password being asked again
    #[arg(long, env = "BANTIN_SESSION_DAYS", default_value_t = 30, value_name = "DAYS", value_parser = clap::value_parser!(u16).range(1..=365))]
    pub session_days: u16,

    /// Hours without use after which a sign-in ends
    #[arg(long, env = "BANTIN_SESSION_IDLE_HOURS", default_value_t = 72, value_name = "HOURS", value_parser = clap::value_parser!(u16).range(1..=8760))]
    pub session_idle_hours: u16,

    /// Failed sign-ins per account in 15 minutes before it has to wait
    #[arg(long, env = "BANTIN_LOGIN_FAILURES", default_value_t = 10, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1000))]
    pub login_failures: u16,

    /// Failed sign-ins per address in 15 minutes before it has to wait
    #[arg(long, env = "BANTIN_LOGIN_FAILURES_ADDRESS", default_value_t = 50, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=10_000))]
    pub login_failures_address: u16,

    /// Roles whose users must set up a second factor before anything else, as `publisher,admin`
    /// [default: none]
    #[arg(long, env = "BANTIN_TOTP_ROLES", value_name = "ROLES", value_parser = RoleSet::parse)]
    totp_roles: Option<RoleSet>,

    #[command(flatten)]
    pub retention: Retention,

    /// Must somebody else publish what one has written: `on`, `except_minor` or `off`
    #[arg(long, env = "BANTIN_FOUR_EYES", default_value = "on", value_name = "RULE", value_parser = four_eyes)]
    pub four_eyes: FourEyes,

    #[command(flatten)]
    pub argon2: Argon2,

    #[command(flatten)]
    pub oidc: oidc::Oidc,

    #[command(flatten)]
    pub smtp: mail::Mail,

    /// How log lines look [default: human on a terminal, JSON otherwise]
    #[arg(long, env = "BANTIN_LOG_FORMAT", value_name = "FORMAT")]
    pub log_format: Option<LogFormat>,

    /// Which log lines are written, as `info` or `bantin=debug,warn`
    #[arg(
        long,
        env = "BANTIN_LOG",
        default_value = "info",
        value_name = "FILTER"
    )]
    pub log: String,
}

/// Cost of a password hash (OWASP: 19 MiB, 2 passes, 1 lane).
#[derive(Debug, Clone, Args)]
pub struct Argon2 {
    /// Memory of one argon2id hash, in KiB
    #[arg(long, env = "BANTIN_ARGON2_MEMORY", default_value_t = 19_456, value_name = "KIB", value_parser = clap::value_parser!(u32).range(8..=1_048_576))]
    pub argon2_memory: u32,

    /// Passes of one argon2id hash
    #[arg(long, env = "BANTIN_ARGON2_PASSES", default_value_t = 2, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=100))]
    pub argon2_passes: u32,

    /// Lanes of one argon2id hash
    #[arg(long, env = "BANTIN_ARGON2_LANES", default_value_t = 1, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=64))]
    pub argon2_lanes: u32,
}

impl Argon2 {
    pub fn params(&self) -> Params {
        Params {
            memory_kib: self.argon2_memory,
            iterations: self.argon2_passes,
            parallelism: self.argon2_lanes,
        }
    }
}

/// A setting that is never printed.
#[derive(Clone)]
pub struct Secret(String);

impl From<String> for Secret {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret(…)")
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum LogFormat {
    Human,
    Json,
}

impl Settings {
    /// Base of every absolute address, without a slash at its end.
    pub fn base_url(&self) -> String {
        self.public_url
            .clone()
            .unwrap_or_else(|| format!("http://{}", self.listen))
    }

    /// Roles that demand a second factor.
    pub fn totp_roles(&self) -> &[Role] {
        self.totp_roles.as_ref().map_or(&[], RoleSet::as_slice)
    }

    /// The mail relay, if there is one.
    pub fn mail(&self) -> Result<Option<crate::infra::mail::Options>, String> {
        self.smtp
            .options(self.invite_url.is_some(), &self.base_url())
    }

    /// What only several settings together can get wrong.
    pub fn check(&self) -> Result<(), String> {
        if self.public_url.is_none() && self.listen.ip().is_unspecified() {
            return Err(format!(
                "BANTIN_PUBLIC_URL is required when BANTIN_LISTEN is {}: links cannot name it",
                self.listen
            ));
        }
        self.oidc.options()?;
        self.mail()?;
        self.media.check()?;
        self.keys_dir().map(|_| ())
    }

    /// The folder of the signing keys, or why there is none.
    pub fn keys_dir(&self) -> Result<PathBuf, String> {
        keys_dir(&self.place, self.keys_dir.as_ref())
    }
}

/// A variable that is there but empty counts as one that is not set: so Compose passes on what is
/// not set. A flag counts as it is given.
pub fn without_empty(command: clap::Command) -> clap::Command {
    command
        .mut_args(|argument| {
            let value = argument.get_env().and_then(std::env::var_os);
            match value.is_some_and(|value| value.is_empty()) {
                true => argument.env(clap::builder::Resettable::Reset),
                false => argument,
            }
        })
        .mut_subcommands(without_empty)
}

/// This program, to be started once more. On Linux by a name that leads to it even when its file was
/// replaced meanwhile, as an upgrade does.
pub fn program() -> PathBuf {
    match cfg!(target_os = "linux") {
        true => PathBuf::from("/proc/self/exe"),
        false => std::env::current_exe().unwrap_or_default(),
    }
}

fn keys_dir(place: &Place, keys_dir: Option<&PathBuf>) -> Result<PathBuf, String> {
    match (keys_dir, place.address()?) {
        (Some(dir), _) => Ok(dir.clone()),
        (None, Address::Sqlite(_)) => Ok(place.data_dir.join("keys")),
        (None, Address::Postgres(_)) => Err(
            "BANTIN_KEYS_DIR is required with PostgreSQL: all nodes must share the signing keys"
                .to_owned(),
        ),
    }
}

fn four_eyes(text: &str) -> Result<FourEyes, String> {
    FourEyes::parse(text).ok_or_else(|| "must be on, except_minor or off".to_owned())
}

fn public_url(text: &str) -> Result<String, String> {
    let url = url::Url::parse(text).map_err(|error| error.to_string())?;
    if !matches!(url.scheme(), "http" | "https") || url.host().is_none() {
        return Err("must be an absolute http or https address".to_owned());
    }
    if url.query().is_some() || url.fragment().is_some() || !url.username().is_empty() {
        return Err("must have no query, fragment or user name".to_owned());
    }
    Ok(text.trim_end_matches('/').to_owned())
}

/// A secret stands in the fragment only: browsers send that to nobody.
fn invite_url(text: &str) -> Result<String, String> {
    let url = url::Url::parse(text).map_err(|error| error.to_string())?;
    let fragment = text.split_once('#').map_or("", |(_, fragment)| fragment);
    let fits = matches!(url.scheme(), "http" | "https")
        && text.matches("{token}").count() == 1
        && fragment.contains("{token}");
    match fits {
        true => Ok(text.to_owned()),
        false => Err("must be an http or https address with {token} after its #".to_owned()),
    }
}

/// An empty text is none: so Compose passes on what is not set.
fn origin(text: &str) -> Result<String, String> {
    if text.is_empty() {
        return Ok(String::new());
    }
    let url = url::Url::parse(text).map_err(|error| error.to_string())?;
    if matches!(url.scheme(), "http" | "https") && url.origin().ascii_serialization() == text {
        Ok(text.to_owned())
    } else {
        Err("must be an origin, as https://editor.example.vn".to_owned())
    }
}
