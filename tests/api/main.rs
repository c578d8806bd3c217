//! The API as clients see it: one binary, one file for each resource or promise. Every answer is
//! checked against the OpenAPI document on its way into the test.
//!
//! Runs on SQLite, or on PostgreSQL where `BANTIN_TEST_POSTGRES` names a server; each test has a
//! database of its own.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod both_databases;
mod support;

mod walk;
