//! Commands: one file each.

mod audit;
mod decode_avif;
mod demo;
mod keys;
mod media;
mod migrate;
mod openapi;
mod serve;
mod user;

use std::io::Write as _;

use clap::{CommandFactory as _, FromArgMatches as _, Parser, Subcommand};

use crate::config::Place;
use crate::domain::input::Refusal;
use crate::service::Error;
use crate::store::Db;
use crate::store::db::Address;

/// Headless content API for the news portals of public bodies.
///
/// Every setting is a flag or an environment variable; `bantin serve --help` lists them.
#[derive(Debug, Parser)]
#[command(name = "bantin", version, about, arg_required_else_help = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve the API
    Serve(Box<serve::Serve>),
    /// Load a portal with content and serve it; running it again keeps the data
    Demo(Box<demo::Demo>),
    /// Bring the database up to date
    Migrate(migrate::Migrate),
    /// Print the OpenAPI document
    Openapi,
    /// Manage the keys that sign access tokens
    Keys(keys::KeysCommand),
    /// Move media to other storage, and clean it
    Media(media::MediaCommand),
    /// Check, export and prune the audit log
    Audit(audit::AuditCommand),
    /// Manage users
    User(user::UserCommand),
    /// Read an AVIF picture, write its pixels: what the server starts to decode one
    #[command(hide = true)]
    DecodeAvif(decode_avif::DecodeAvif),
}

/// Runs the command line; the exit code says whether it went well.
pub fn run() -> i32 {
    let matches = crate::config::without_empty(Cli::command()).get_matches();
    let cli = Cli::from_arg_matches(&matches).unwrap_or_else(|error| error.exit());
    let done = match cli.command {
        Command::Serve(command) => command.run(),
        Command::Demo(command) => command.run(),
        Command::Migrate(command) => command.run(),
        Command::Openapi => openapi::run(),
        Command::Keys(command) => command.run(),
        Command::Media(command) => command.run(),
        Command::Audit(command) => command.run(),
        Command::User(command) => command.run(),
        Command::DecodeAvif(command) => command.run(),
    };
    match done {
        Ok(()) => 0,
        Err(why) => {
            // Nobody is left to tell when the standard error is gone.
            let _ = writeln!(std::io::stderr(), "bantin: {why}");
            1
        }
    }
}

/// One line on the standard output.
fn say(line: &str) -> Result<(), String> {
    writeln!(std::io::stdout(), "{line}").map_err(|error| error.to_string())
}

/// Runs a future to its end, on the runtime that the server uses.
fn block_on<T>(work: impl Future<Output = T>) -> T {
    actix_web::rt::System::new().block_on(work)
}

/// A database that is there and up to date.
fn open(place: &Place) -> Result<Db, String> {
    let address = place.address()?;
    if let Address::Sqlite(path) = &address
        && !path.exists()
    {
        return Err(format!("there is no database {}", path.display()));
    }
    crate::app::prepare(&address)?;
    Db::open(&address, 1).map_err(|error| error.to_string())
}

/// What went wrong, for people.
fn why(error: Error) -> String {
    match error {
        Error::Internal(why) | Error::Busy(why) => why,
        Error::Store(error) => error.to_string(),
        other => format!("{other:?}"),
    }
}

/// A parser of the domain, for clap.
fn parsed<T>(
    parse: impl Fn(&str) -> Result<T, Refusal> + Clone,
) -> impl Fn(&str) -> Result<T, String> + Clone {
    move |text| parse(text).map_err(|refusal| refusal.message)
}
