//! Tools that know nothing of news.

pub mod blob;
pub mod clock;
pub mod image;
pub mod oidc;
pub mod password;
pub mod random;
pub mod rate;
pub mod telemetry;
pub mod token;
