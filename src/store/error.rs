//! What can go wrong in the database, as the floors above need to tell it apart.

use diesel::result::{DatabaseErrorKind, Error as DieselError};

/// A failure of the store.
#[derive(Debug)]
pub enum Error {
    /// No such row.
    NotFound,
    /// The database is busy or out of reach for now; trying again may help.
    Busy(String),
    /// A unique value is taken.
    Taken(String),
    /// A row is still referred to, or refers to nothing.
    Referenced(String),
    /// A stored value cannot be read.
    Corrupt(String),
    /// Anything else.
    Database(String),
}

/// What store functions return.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl From<DieselError> for Error {
    fn from(error: DieselError) -> Self {
        match &error {
            DieselError::NotFound => Self::NotFound,
            DieselError::DatabaseError(kind, info) => {
                let message = info.message().to_owned();
                match kind {
                    DatabaseErrorKind::UniqueViolation => Self::Taken(message),
                    DatabaseErrorKind::ForeignKeyViolation => Self::Referenced(message),
                    DatabaseErrorKind::SerializationFailure
                    | DatabaseErrorKind::ReadOnlyTransaction
                    | DatabaseErrorKind::ClosedConnection
                    | DatabaseErrorKind::UnableToSendCommand => Self::Busy(message),
                    _ if is_busy(&message) => Self::Busy(message),
                    _ => Self::Database(message),
                }
            }
            _ => Self::Database(error.to_string()),
        }
    }
}

/// SQLite and PostgreSQL tell contention in words only.
fn is_busy(message: &str) -> bool {
    [
        "database is locked",
        "database table is locked",
        "deadlock detected",
        "lock timeout",
        "canceling statement due to statement timeout",
        "terminating connection",
        "server closed the connection",
    ]
    .iter()
    .any(|text| message.contains(text))
}

impl std::fmt::Display for Error {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::NotFound => f.write_str("no such row"),
            Self::Busy(text) => write!(f, "the database is busy: {text}"),
            Self::Taken(text) => write!(f, "already taken: {text}"),
            Self::Referenced(text) => write!(f, "still referred to: {text}"),
            Self::Corrupt(text) => write!(f, "a stored value cannot be read: {text}"),
            Self::Database(text) => write!(f, "database: {text}"),
        }
    }
}

impl std::error::Error for Error {}
