//! The audit log as admins read it: who did what, when, from where. The same lines leave by the API
//! and by the command line.

use serde::Serialize;
use utoipa::ToSchema;

use super::content::PersonName;
use super::id::{UserId, Version};
use super::input::{FaultCode, Refusal};
use super::time::Instant;
use super::user::Login;

/// One row of the audit log. Rows never change.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct AuditEntry {
    /// Position in the log; no gaps but where old rows were removed.
    #[schema(minimum = 1, maximum = 9007199254740991_i64)]
    pub id: i64,
    pub at: Instant,
    /// Null for what was done at the server's command line or by the server itself.
    pub actor: Option<AuditActor>,
    /// The API token that was used; null for a user's own sign-in.
    #[schema(minimum = 1, maximum = 9007199254740991_i64)]
    pub token_id: Option<i64>,
    /// The sign-in that was used.
    #[schema(max_length = 64, pattern = "^[A-Za-z0-9_-]*$")]
    pub session_id: Option<String>,
    /// Where the request came from.
    #[schema(max_length = 100, pattern = "^[!-~]*$")]
    pub address: Option<String>,
    /// What was done. More may come.
    #[schema(max_length = 40, pattern = "^[a-z_-]+$")]
    pub action: String,
    pub object: AuditObject,
    pub version_before: Option<Version>,
    pub version_after: Option<Version>,
    /// As it was given with the action.
    #[schema(max_length = 10000, pattern = "^[^\\u0000]*$")]
    pub reason: Option<String>,
    /// More facts, by kind of action.
    #[schema(value_type = Option<Object>)]
    pub details: Option<serde_json::Value>,
    /// SHA-256 over this row and the hash of the row before; null in rows that are older than the
    /// chain.
    #[schema(min_length = 64, max_length = 64, pattern = "^[0-9a-f]{64}$")]
    pub hash: Option<String>,
}

/// Who did it; login and name as they are now.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct AuditActor {
    pub id: UserId,
    pub login: Login,
    pub name: PersonName,
}

/// What it was done to.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct AuditObject {
    /// Kind of object. More may come.
    #[serde(rename = "type")]
    #[schema(max_length = 40, pattern = "^[a-z_-]+$")]
    pub kind: String,
    #[schema(minimum = 0, maximum = 9007199254740991_i64)]
    pub id: Option<i64>,
}

/// How many sign-ins were refused within one minute.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct RefusedSignIns {
    /// When the minute began.
    pub minute: Instant,
    /// The login as it was typed, in small letters; null for a sign-in through a provider, and in
    /// the row that counts all that one minute had too many of.
    #[schema(max_length = 64, pattern = "^[^\\u0000-\\u001F]+$")]
    pub account: Option<String>,
    /// The client's address; of an IPv6 address its network. Null in the row that counts the rest.
    #[schema(max_length = 100, pattern = "^[!-~]+$")]
    pub address: Option<String>,
    #[schema(minimum = 1, maximum = 9007199254740991_i64)]
    pub count: i64,
}

/// Which rows are wanted; nothing set: all of them.
#[derive(Debug, Clone, Default)]
pub struct AuditFilter {
    pub actor: Option<UserId>,
    pub action: Option<String>,
    pub object_type: Option<String>,
    pub object_id: Option<i64>,
    pub address: Option<String>,
    pub from: Option<Instant>,
    pub before: Option<Instant>,
}

/// An action or a kind of object, as filters name it.
pub fn word(text: &str) -> Result<String, Refusal> {
    let fits = (1..=40).contains(&text.len())
        && text
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b"_-".contains(&b));
    if fits {
        Ok(text.to_owned())
    } else {
        Err(Refusal::new(
            FaultCode::BadFormat,
            "must match ^[a-z_-]{1,40}$",
        ))
    }
}

/// An address, as filters name it: exactly as rows do.
pub fn address(text: &str) -> Result<String, Refusal> {
    let fits = (1..=100).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic());
    if fits {
        Ok(text.to_owned())
    } else {
        Err(Refusal::new(
            FaultCode::BadFormat,
            "must be 1 to 100 visible ASCII characters",
        ))
    }
}
