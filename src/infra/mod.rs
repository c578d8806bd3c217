//! Tools that know nothing of news.

pub mod av;
pub mod blob;
pub mod boxes;
pub mod checksum;
pub mod clock;
pub mod document;
pub mod image;
pub mod key_file;
pub mod mail;
pub mod oidc;
pub mod password;
pub mod random;
pub mod rate;
pub mod telemetry;
pub mod token;
pub mod totp;
pub mod vault;
