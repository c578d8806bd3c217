//! `bantin serve`.

use clap::Args;

use crate::app;
use crate::config::Settings;
use crate::infra::clock::Clock;
use crate::store::editorial::users;

#[derive(Debug, Args)]
pub struct Serve {
    #[command(flatten)]
    settings: Settings,
}

impl Serve {
    pub fn run(self) -> Result<(), String> {
        app::log(&self.settings)?;
        app::prepare(&self.settings.place.address()?)?;
        let ctx = app::context(self.settings, Clock::System)?;
        super::block_on(async {
            let admins = ctx
                .db
                .read(|conn| users::other_admins(conn, None))
                .await
                .map_err(|error| error.to_string())?;
            if admins == 0 {
                tracing::warn!(
                    "nobody can sign in as admin yet; make one with `bantin user add LOGIN --name NAME --role admin`"
                );
            }
            app::serve(ctx, |_| {}).await
        })
    }
}
