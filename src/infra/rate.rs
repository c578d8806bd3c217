//! Per-address rate limit of one node, for anonymous requests.

use std::net::{IpAddr, Ipv6Addr};
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicUsize, Ordering};

use governor::clock::{Clock as _, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};

/// Counts requests by address.
pub struct Limiter {
    limiter: DefaultKeyedRateLimiter<IpAddr>,
    /// How many addresses are known before those not seen for a while are forgotten.
    room: AtomicUsize,
}

const ROOM: usize = 10_000;

impl Limiter {
    /// `per_second` requests, twice as many in a burst; none when 0.
    pub fn new(per_second: u32) -> Option<Self> {
        let per_second = NonZeroU32::new(per_second)?;
        let quota =
            Quota::per_second(per_second).allow_burst(per_second.saturating_add(per_second.get()));
        Some(Self {
            limiter: RateLimiter::keyed(quota),
            room: AtomicUsize::new(ROOM),
        })
    }

    /// Counts one request; when it is one too many, the seconds to wait.
    pub fn check(&self, address: IpAddr) -> Result<(), u64> {
        if self.limiter.len() > self.room.load(Ordering::Relaxed) {
            self.limiter.retain_recent();
            // Not again before as many have come once more, or a crowd would pay with every request.
            let room = self.limiter.len().saturating_mul(2).max(ROOM);
            self.room.store(room, Ordering::Relaxed);
        }
        self.limiter
            .check_key(&network(address))
            .map_err(|wait| wait.wait_time_from(DefaultClock::default().now()).as_secs() + 1)
    }
}

/// Whoever has an IPv6 address has 2^64 of them: the network counts.
pub fn network(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() & (u128::MAX << 64)).into(),
        address => address,
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn one_network_has_one_limit() {
        let limiter = Limiter::new(1).unwrap();
        let at = |text: &str| limiter.check(text.parse().unwrap());
        assert_eq!((at("2001:db8::1"), at("2001:db8::2")), (Ok(()), Ok(())));
        assert!(at("2001:db8::3").is_err());
        assert_eq!(at("2001:db8:0:1::1"), Ok(()));
        assert!(Limiter::new(0).is_none());
    }
}
