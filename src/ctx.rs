//! What every request carries. No global state: one process can host several portals.

use std::collections::HashSet;
use std::path::Path;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::{Notify, Semaphore};

use crate::config::Settings;
use crate::domain::time::Instant;
use crate::infra::blob::Blobs;
use crate::infra::clock::Clock;
use crate::infra::mail::Mailer;
use crate::infra::oidc::Provider;
use crate::infra::password::Hasher;
use crate::infra::rate::Pace;
use crate::infra::telemetry::Metrics;
use crate::infra::token::Keys;
use crate::infra::vault::Vault;
use crate::store::Db;

/// The running portal. Cheap to clone.
#[derive(Clone)]
pub struct Ctx {
    pub db: Db,
    pub blobs: Blobs,
    pub clock: Clock,
    pub keys: Arc<Keys>,
    /// Seals what must not be read in the database.
    pub vault: Arc<Vault>,
    pub hasher: Arc<Hasher>,
    /// Turns for hashing passwords.
    pub hashing: Arc<Semaphore>,
    /// This program, which is started once more for each AVIF picture.
    pub program: Arc<Path>,
    /// Turns for decoding pictures.
    pub decoding: Arc<Semaphore>,
    /// Turns for looking at pictures that are too large to be decoded at once.
    pub looking: Arc<Semaphore>,
    /// Told when there is work on media to do.
    pub media_work: Arc<Notify>,
    /// Who else users may sign in through.
    pub provider: Option<Arc<Provider>>,
    /// Turns for asking the provider.
    pub asking: Arc<Semaphore>,
    /// Who mails invitations.
    pub mailer: Option<Arc<Mailer>>,
    /// Turns for handing mail to the relay.
    pub mailing: Arc<Semaphore>,
    /// Uploads in pieces that are being put together here.
    pub finishing: Arc<Mutex<HashSet<String>>>,
    /// When something is published or archived by itself next, in unix microseconds, as far as this
    /// node knows.
    pub due: Arc<AtomicI64>,
    /// Paces what is written down of the use of API tokens.
    pub token_uses: Arc<Pace>,
    pub settings: Arc<Settings>,
    pub metrics: Arc<Metrics>,
}

impl Ctx {
    pub fn now(&self) -> Instant {
        Instant::from_micros(self.clock.now_micros())
    }

    /// Until something that readers see changes by itself.
    pub fn time_left(&self) -> Duration {
        let left = self
            .due
            .load(Ordering::SeqCst)
            .saturating_sub(self.clock.now_micros());
        Duration::from_micros(u64::try_from(left).unwrap_or(0))
    }
}
