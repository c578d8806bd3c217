//! `bantin migrate`: runs pending migrations, on either database.

use clap::Args;

use crate::app::migrate_now;
use crate::config::Place;
use crate::store::db::Address;
use crate::store::migrate::{self, State};

#[derive(Debug, Args)]
pub struct Migrate {
    #[command(flatten)]
    place: Place,
}

impl Migrate {
    pub fn run(self) -> Result<(), String> {
        let address = self.place.address()?;
        if let Address::Sqlite(path) = &address
            && let Some(folder) = path.parent()
        {
            std::fs::create_dir_all(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
        }
        let mut conn = address.connect().map_err(|error| error.to_string())?;
        if let State::Ahead(version) = migrate::state(&mut conn).map_err(|error| error.to_string())? {
            return Err(format!(
                "the database has migration {version}, which this version of bantin does not know: run a newer bantin"
            ));
        }
        let ran = migrate_now(&mut conn)?;
        if ran.is_empty() {
            return super::say("nothing to do");
        }
        for name in ran {
            super::say(&format!("ran {name}"))?;
        }
        Ok(())
    }
}
