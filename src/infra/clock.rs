//! Time is handed in, so that tests can set it.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

/// Where the time comes from.
#[derive(Debug, Clone)]
pub enum Clock {
    System,
    /// Stands still until it is moved.
    Fixed(Arc<AtomicI64>),
}

impl Clock {
    pub fn fixed(micros: i64) -> Self {
        Self::Fixed(Arc::new(AtomicI64::new(micros)))
    }

    /// Unix microseconds.
    pub fn now_micros(&self) -> i64 {
        match self {
            Self::System => SystemTime::now()
                .duration_since(UNIX_EPOCH)
                .ok()
                .and_then(|since| i64::try_from(since.as_micros()).ok())
                .unwrap_or(0),
            Self::Fixed(micros) => micros.load(Ordering::SeqCst),
        }
    }

    /// Moves a fixed clock; the system's clock cannot be moved.
    pub fn advance(&self, micros: i64) {
        if let Self::Fixed(now) = self {
            now.fetch_add(micros, Ordering::SeqCst);
        }
    }
}
