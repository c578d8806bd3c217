//! `bantin migrate`: runs pending migrations, on either database.

use clap::Args;

use crate::app::{connect, known_state, migrate_now};
use crate::config::Place;

#[derive(Debug, Args)]
pub struct Migrate {
    #[command(flatten)]
    place: Place,
}

impl Migrate {
    pub fn run(self) -> Result<(), String> {
        let address = self.place.address()?;
        let mut conn = connect(&address)?;
        known_state(&mut conn)?;
        let ran = migrate_now(&mut conn, &address)?;
        if ran.is_empty() {
            return super::say("nothing to do");
        }
        for name in ran {
            super::say(&format!("ran {name}"))?;
        }
        Ok(())
    }
}
