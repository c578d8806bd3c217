//! `bantin keys …`: the keys that sign access tokens.

use clap::{Args, Subcommand};

use crate::config::KeysPlace;
use crate::domain::time::Instant;
use crate::infra::clock::Clock;
use crate::infra::token::ring::{self, State};

#[derive(Debug, Args)]
pub struct KeysCommand {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// List all keys that ever were
    List {
        #[command(flatten)]
        place: KeysPlace,
    },
    /// Make a new key, which signs after two minutes; running nodes pick it up by themselves
    Rotate {
        #[command(flatten)]
        place: KeysPlace,
        /// Somebody else may have the key: the new one signs now, and what the others signed is
        /// refused (clients refresh)
        #[arg(long)]
        at_once: bool,
    },
}

impl KeysCommand {
    pub fn run(self) -> Result<(), String> {
        let now = Clock::System.now_micros() / 1_000_000;
        match self.action {
            Action::List { place } => {
                let dir = place.dir()?;
                if !dir.exists() {
                    return Err(format!("there is no folder {}", dir.display()));
                }
                for key in ring::list(&dir, now)? {
                    let state = match key.state {
                        State::Waits => "waits",
                        State::Signs => "signs",
                        State::Verifies => "verifies",
                        State::Retired => "retired",
                    };
                    super::say(&format!(
                        "jwt-{:04}\t{}\t{state}\t{}",
                        key.number,
                        key.kid,
                        from(key.signs_from)
                    ))?;
                }
                Ok(())
            }
            Action::Rotate { place, at_once } => {
                let dir = place.dir()?;
                crate::app::private_folder(&dir)
                    .map_err(|error| format!("BANTIN_KEYS_DIR {}: {error}", dir.display()))?;
                let made = ring::rotate(&dir, now, at_once)?;
                super::say(&format!(
                    "jwt-{:04}: {} signs from {}",
                    made.number,
                    made.kid,
                    from(made.signs_from)
                ))
            }
        }
    }
}

/// When a key begins to sign, in words.
fn from(seconds: i64) -> String {
    match seconds {
        0 => "the beginning".to_owned(),
        seconds => Instant::from_micros(seconds.saturating_mul(1_000_000)).to_string(),
    }
}
