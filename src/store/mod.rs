//! All SQL: synchronous functions over `&mut Conn`, named `verb(conn, what)`.
//!
//! `public` is what readers see, `editorial` what editors work on. The editorial side may use the
//! public one, never the other way round; only `public::changes` opens a public write.

pub mod db;
pub mod editorial;
mod error;
pub mod migrate;
pub mod public;

pub use db::{Conn, Db};
pub use error::{Error, Result};

/// Reads a JSON column that this program wrote.
fn from_json<T: serde::de::DeserializeOwned>(text: &str) -> Result<T> {
    serde_json::from_str(text).map_err(|error| Error::Corrupt(error.to_string()))
}

/// Writes a JSON column.
fn to_json<T: serde::Serialize>(value: &T) -> Result<String> {
    serde_json::to_string(value).map_err(|error| Error::Corrupt(error.to_string()))
}

/// Reads a closed word that this program wrote.
fn word<T>(parse: impl Fn(&str) -> Option<T>, text: &str) -> Result<T> {
    parse(text).ok_or_else(|| Error::Corrupt(format!("unknown word {text:?}")))
}
