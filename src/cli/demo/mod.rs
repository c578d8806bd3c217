//! `bantin demo`: a portal with content to look at, in one command.

mod load;
mod photos;
mod script;

use std::net::TcpListener;
use std::sync::Arc;
use std::time::Instant;

use clap::Args;

use self::load::{Access, Found, USERS};
use self::script::Script;
use crate::app;
use crate::config::Settings;
use crate::domain::user::Role;
use crate::infra::clock::Clock;
use crate::store::db::Address;

#[derive(Debug, Args)]
pub struct Demo {
    #[command(flatten)]
    settings: Settings,
}

impl Demo {
    pub fn run(self) -> Result<(), String> {
        let settings = self.settings;
        app::log(&settings)?;
        // Sooner than after the work: passwords are shown only once.
        TcpListener::bind(settings.listen)
            .map_err(|error| format!("BANTIN_LISTEN {}: {error}", settings.listen))?;
        let address = settings.place.address()?;
        app::prepare(&address)?;
        let ctx = app::context(settings, Clock::System)?;
        let script = Arc::new(Script::read()?);
        super::block_on(async {
            let access = match load::look(&ctx).await? {
                Found::Nothing => {
                    tracing::info!(
                        articles = script.articles.len(),
                        photographs = script.photos.len(),
                        "loading the demo portal; this takes some seconds"
                    );
                    let start = Instant::now();
                    let access = load::load(&ctx, &script).await?;
                    let seconds = start.elapsed().as_secs();
                    tracing::info!(seconds, "loaded the demo portal");
                    access
                }
                Found::Demo => Vec::new(),
                Found::Half => return Err(half(&address, &ctx.settings)),
                Found::Other => {
                    return Err(format!(
                        "{} holds a portal that is not the demo: start it with `bantin serve`, or give the demo a folder of its own with --data-dir",
                        place(&address)
                    ));
                }
            };
            let settings = Arc::clone(&ctx.settings);
            let mut shown = Ok(());
            app::serve(ctx, |base| {
                shown = super::say(&welcome(base, &settings, &script, &access));
            })
            .await?;
            shown
        })
    }
}

/// A database in words that hold no secret.
fn place(address: &Address) -> String {
    match address {
        Address::Sqlite(path) => path.display().to_string(),
        Address::Postgres(_) => "the PostgreSQL database".to_owned(),
    }
}

/// What to do about a demo that is not whole.
fn half(address: &Address, settings: &Settings) -> String {
    let media = settings.media.shown(&settings.place);
    match address {
        Address::Sqlite(path) => {
            let path = path.display();
            format!(
                "an earlier `bantin demo` was interrupted while it loaded: delete {path}, {path}-wal, {path}-shm and {media}, then start it again"
            )
        }
        Address::Postgres(_) => format!(
            "an earlier `bantin demo` was interrupted while it loaded: empty the PostgreSQL schema (DROP SCHEMA … CASCADE; CREATE SCHEMA …), delete {media}, run `bantin migrate`, then start it again"
        ),
    }
}

/// What a newcomer needs next.
fn welcome(base: &str, settings: &Settings, script: &Script, access: &[Access]) -> String {
    let example = script.articles.first().map(|piece| piece.slug());
    let example = example.map(|slug| slug.to_string()).unwrap_or_default();
    let mut lines = vec![
        String::new(),
        "The demo portal is open.".to_owned(),
        String::new(),
        format!("  Front page   {base}/v1/home"),
        format!("  An article   {base}/v1/articles/{example}"),
        format!("  Atom feed    {base}/feeds/atom"),
        format!("  Docs         {base}/docs/"),
        String::new(),
    ];
    // `bantin user` must find the same database.
    let set = match (
        &settings.place.database_url,
        settings.place.data_dir.to_str(),
    ) {
        (Some(_), _) => "bantin user password LOGIN --database-url …".to_owned(),
        (None, Some("./bantin-data") | None) => "bantin user password LOGIN".to_owned(),
        (None, Some(dir)) => format!("bantin user password LOGIN --data-dir {dir}"),
    };
    let logins = USERS.map(|(login, _, role)| {
        let known = access.iter().find(|access| access.login == login);
        row(
            login,
            role,
            known.map_or("", |access| access.password.as_str()),
        )
    });
    if access.is_empty() {
        lines.push("  Login        Role".to_owned());
        lines.extend(logins);
        lines.push(
            "  The logins exist since the first start; passwords are shown only once.".to_owned(),
        );
    } else {
        lines.push("  Login        Role        One-time password".to_owned());
        lines.extend(logins);
        lines.push("  The passwords are shown only now.".to_owned());
    }
    lines.push(format!("  To set a new one: {set}"));
    let editor = access.iter().find(|access| access.role == Role::Editor);
    let password = editor.map_or("PASSWORD", |access| access.password.as_str());
    lines.extend([
        String::new(),
        "  To sign in:".to_owned(),
        format!(
            "  curl -s {base}/v1/auth/login -H 'Content-Type: application/json' -d '{{\"login\":\"bientapvien\",\"password\":\"{password}\"}}'"
        ),
        String::new(),
        "  Ctrl-C ends it; started again, it goes on with the same data.".to_owned(),
        String::new(),
    ]);
    lines.join("\n")
}

fn row(login: &str, role: Role, password: &str) -> String {
    format!("  {login:<12} {:<11} {password}", role.as_str())
        .trim_end()
        .to_owned()
}
