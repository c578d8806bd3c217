//! What editors work on. Nothing in `store::public` or `http::public` can reach this.

pub mod articles;
pub mod audit;
pub mod captions;
pub mod comments;
pub mod editions;
pub mod idempotency;
pub mod identities;
pub mod invitations;
pub mod locks;
pub mod media;
pub mod media_jobs;
pub mod objects;
pub mod previews;
pub mod refusals;
mod schema;
pub mod second_factors;
pub mod sessions;
pub mod slugs;
pub mod tokens;
pub mod uploads;
pub mod users;
