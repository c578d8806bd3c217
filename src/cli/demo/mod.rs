//! `bantin demo`.

use clap::Args;

use crate::config::Settings;

#[derive(Debug, Args)]
pub struct Demo {
    #[command(flatten)]
    settings: Settings,
}

impl Demo {
    pub fn run(self) -> Result<(), String> {
        let _ = self.settings;
        Err("not yet".to_owned())
    }
}
