//! The real binary, as an operator meets it: settings, commands, start and stop.
//!
//! With `BANTIN_TEST_POSTGRES` and the feature `postgres`, what is different there as well.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod audit;
mod demo;
mod keys;
mod mail;
mod media;
mod migrate;
#[cfg(feature = "postgres")]
mod postgres;
mod program;
#[expect(dead_code, reason = "the tests of the API need more of it")]
#[path = "../api/support/relay.rs"]
mod relay;
mod serve;
mod settings;
mod uploads;
mod user;
