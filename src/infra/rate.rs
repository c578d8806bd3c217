//! Per-address rate limit of one node, for anonymous requests.

use std::net::IpAddr;
use std::num::NonZeroU32;

use governor::clock::{Clock as _, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};

/// Counts requests by address.
pub struct Limiter(DefaultKeyedRateLimiter<IpAddr>);

impl Limiter {
    /// `per_second` requests, twice as many in a burst; none when 0.
    pub fn new(per_second: u32) -> Option<Self> {
        let rate = NonZeroU32::new(per_second)?;
        let quota = Quota::per_second(rate).allow_burst(rate.saturating_add(per_second));
        Some(Self(RateLimiter::keyed(quota)))
    }

    /// Counts one request; when it is one too many, the seconds to wait.
    pub fn check(&self, address: IpAddr) -> Result<(), u64> {
        // Addresses not seen for a while are forgotten now and then, so that the table stays small.
        if self.0.len() > 10_000 {
            self.0.retain_recent();
        }
        self.0
            .check_key(&address)
            .map_err(|wait| wait.wait_time_from(DefaultClock::default().now()).as_secs() + 1)
    }
}
