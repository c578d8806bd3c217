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

mod addresses;
mod alternatives;
mod api_tokens;
mod article_rules;
mod articles;
mod audit;
mod audit_chain;
mod audit_order;
mod auth;
mod authz_matrix;
mod avif;
mod bodies;
mod both_databases;
mod caching;
mod captions;
mod changes;
mod documents;
mod drafts;
mod drawings;
mod editing;
mod editorial_categories;
mod editorial_portal;
mod examples;
mod feeds;
mod figures;
mod file_ranges;
mod grants;
mod headers;
mod hostile;
mod idempotency;
mod invitation_mail;
mod invitations;
mod lists;
mod media;
mod media_files;
mod media_jobs;
mod merging;
mod object_storage;
mod oidc;
mod openapi;
mod ops;
mod previews;
mod problems;
mod publishing;
mod random_newsroom;
mod real_provider;
mod recordings;
mod regenerating_media;
mod renderings;
mod replacing_media;
mod restoring;
mod schedule;
mod seed;
mod sessions;
mod slow;
mod support;
mod throttling;
mod token_scopes;
mod tokens;
mod totp;
mod tracks;
mod uploads;
mod users;
mod walk;
mod withdrawing_media;
mod workflow;
