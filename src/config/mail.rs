//! Settings of the mail relay.

use std::time::Duration;

use clap::Args;

use super::Secret;
use crate::infra::mail::{Options, Relay, Sender};

/// Through which relay invitations are mailed.
#[derive(Debug, Clone, Args)]
pub struct Mail {
    /// Relay that invitations are mailed through: smtps://USER:PASSWORD@HOST or
    /// smtp://USER:PASSWORD@HOST (STARTTLS), `:PORT` after it; a relay without a password may have
    /// ?tls=none or ?tls=opportunistic after smtp [default: none]
    #[arg(
        long,
        env = "BANTIN_SMTP_URL",
        value_name = "URL",
        hide_env_values = true
    )]
    smtp_url: Option<Secret>,

    /// Sender of the mail, as `Toà soạn <toasoan@sonha.example.vn>`; required with a relay
    /// [default: none]
    #[arg(long, env = "BANTIN_SMTP_FROM", value_name = "MAILBOX")]
    smtp_from: Option<String>,

    /// Seconds that the relay may take for one mail
    #[arg(long, env = "BANTIN_SMTP_TIMEOUT", default_value_t = 10, value_name = "SECONDS", value_parser = clap::value_parser!(u16).range(1..=60))]
    smtp_timeout: u16,
}

impl Mail {
    /// The relay as its client needs it, none where none is set. `links`: is the page of a link
    /// known? `base`: where this server is.
    pub fn options(&self, links: bool, base: &str) -> Result<Option<Options>, String> {
        let (url, from) = match (&self.smtp_url, &self.smtp_from) {
            (None, None) => return Ok(None),
            (None, Some(_)) => {
                return Err("BANTIN_SMTP_FROM means nothing without BANTIN_SMTP_URL".to_owned());
            }
            (Some(url), from) => (url, from),
        };
        let relay = Relay::parse(&url.0).map_err(|why| format!("BANTIN_SMTP_URL: {why}"))?;
        let Some(from) = from else {
            return Err("BANTIN_SMTP_FROM is required with BANTIN_SMTP_URL".to_owned());
        };
        let sender = Sender::parse(from).map_err(|why| format!("BANTIN_SMTP_FROM: {why}"))?;
        if !links {
            return Err(
                "BANTIN_INVITE_URL is required with BANTIN_SMTP_URL: the mail is a link to it"
                    .to_owned(),
            );
        }
        let base = url::Url::parse(base).ok();
        let host = base.as_ref().and_then(url::Url::host_str);
        Ok(Some(Options {
            relay,
            sender,
            host: host.unwrap_or_default().to_owned(),
            timeout: Duration::from_secs(u64::from(self.smtp_timeout)),
        }))
    }
}
