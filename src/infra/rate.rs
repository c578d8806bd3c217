//! Per-address rate limit of one node, for anonymous requests; and a pace for what need not happen
//! each time.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

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

/// Lets each of many things happen once in a while.
#[derive(Default)]
pub struct Pace {
    /// When each was last let through, in microseconds.
    last: Mutex<HashMap<i64, i64>>,
}

impl Pace {
    /// Is it time again? If so, the clock of this key starts anew.
    pub fn is_due(&self, key: i64, now_micros: i64, seconds: i64) -> bool {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let begins = now_micros.saturating_sub(seconds.saturating_mul(1_000_000));
        if last.get(&key).is_some_and(|at| *at > begins) {
            return false;
        }
        if last.len() >= ROOM {
            last.retain(|_, at| *at > begins);
        }
        last.insert(key, now_micros);
        true
    }
}

/// Whoever has an IPv6 address has 2^64 of them: the network counts.
pub fn network(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() & (u128::MAX << 64)).into(),
        address => address,
    }
}

/// The same for an address as it was written; what is none stays as it is.
pub fn network_of(address: &str) -> String {
    match address.parse() {
        Ok(address) => network(address).to_string(),
        Err(_) => address.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn each_key_has_a_pace_of_its_own() {
        let pace = Pace::default();
        assert!(pace.is_due(1, 0, 60) && pace.is_due(2, 0, 60));
        assert!(!pace.is_due(1, 59_999_999, 60));
        assert!(pace.is_due(1, 60_000_000, 60));
    }

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
