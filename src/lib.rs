//! bantin (*bản tin*): a headless content API for public-sector news portals.
//!
//! The floors, top to bottom; imports go down only (`tests/architecture.rs` is the judge):
//!
//! - `cli`: one file a command. `app`: builds the server and runs it.
//! - `http`: JSON and XML in and out. Reads go straight to `store`, writes through `service`.
//! - `service`: commands: check, exactly one write, effects after the commit.
//! - `store`: all SQL; `store::public` is what readers see, `store::editorial` what editors work on.
//! - `domain`: the words of the newsroom, values and rules.
//! - `infra`: tools that know nothing of news. `config`: settings. `ctx`: what every request
//!   carries: the database, the clock, keys, storage.
//!
//! The same file stem on every floor: to follow articles, open the files called `articles.rs`.

pub mod app;
pub mod cli;
pub mod config;
pub mod ctx;
pub mod domain;
pub mod http;
pub mod infra;
pub mod service;
pub mod store;
