//! The lock of an article: it says who is at work on it, and stops nobody. What guards a save is
//! the version that it names.

use deserr::Deserr;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::input::{Faults, Whole};
use super::time::Instant;
use super::user::Who;

/// Seconds that a lock lasts where nobody says.
const DEFAULT_SECONDS: i64 = 5 * 60;

/// Body of taking or renewing a lock.
#[derive(Debug, Clone, Default, Deserr, ToSchema)]
#[deserr(error = Faults, deny_unknown_fields)]
pub struct TakeLock {
    /// For how long; 5 when absent.
    #[deserr(default)]
    #[schema(inline)]
    pub minutes: Option<Whole<1, 60>>,
    /// Take it from whoever holds it; the audit log remembers that.
    #[deserr(default)]
    #[schema(required = false, default = false)]
    pub force: bool,
}

impl TakeLock {
    pub fn seconds(&self) -> i64 {
        self.minutes
            .map_or(DEFAULT_SECONDS, |minutes| minutes.get() * 60)
    }
}

/// Who is at work on an article.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Lock {
    pub by: Who,
    pub since: Instant,
    /// Free again from then on, unless it is renewed.
    pub expires_at: Instant,
}

impl Lock {
    pub fn holds_at(&self, now: Instant) -> bool {
        self.expires_at.micros() > now.micros()
    }
}
