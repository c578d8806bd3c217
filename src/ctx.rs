//! What every request carries. No global state: one process can host several portals.

use std::sync::Arc;

use tokio::sync::Semaphore;

use crate::config::Settings;
use crate::domain::time::Instant;
use crate::infra::blob::Blobs;
use crate::infra::clock::Clock;
use crate::infra::password::Hasher;
use crate::infra::telemetry::Metrics;
use crate::infra::token::Keys;
use crate::store::Db;

/// The running portal. Cheap to clone.
#[derive(Clone)]
pub struct Ctx {
    pub db: Db,
    pub blobs: Blobs,
    pub clock: Clock,
    pub keys: Arc<Keys>,
    pub hasher: Arc<Hasher>,
    /// Turns for hashing passwords.
    pub hashing: Arc<Semaphore>,
    /// Turns for decoding pictures.
    pub decoding: Arc<Semaphore>,
    pub settings: Arc<Settings>,
    pub metrics: Arc<Metrics>,
}

impl Ctx {
    pub fn now(&self) -> Instant {
        Instant::from_micros(self.clock.now_micros())
    }
}
