//! Migrations: embedded, in pairs of one name for both databases.

use std::path::Path;

use diesel::migration::{Migration, MigrationSource as _};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};

use super::db::{Conn, each_backend, transaction};
use super::{Error, Result};

const SQLITE: EmbeddedMigrations = embed_migrations!("migrations/sqlite");
#[cfg(feature = "postgres")]
const POSTGRES: EmbeddedMigrations = embed_migrations!("migrations/postgres");

/// How the schema stands to this binary.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    Current,
    /// Migrations still to run, by name.
    Behind(Vec<String>),
    /// The database has a migration that this binary does not know.
    Ahead(String),
}

fn failed(error: impl std::fmt::Display) -> Error {
    Error::Database(error.to_string())
}

macro_rules! with_source {
    ($conn:expr, |$c:ident, $source:ident $(, $backend:ident)?| $body:expr) => {
        match $conn {
            #[cfg(feature = "postgres")]
            Conn::Pg($c) => {
                let $source = POSTGRES;
                $(type $backend = diesel::pg::Pg;)?
                $body
            }
            Conn::Sqlite($c) => {
                let $source = SQLITE;
                $(type $backend = diesel::sqlite::Sqlite;)?
                $body
            }
        }
    };
}

/// Compares the schema with this binary. Creates only diesel's own bookkeeping table.
pub fn state(conn: &mut Conn) -> Result<State> {
    with_source!(conn, |c, source, Backend| {
        let all: Vec<Box<dyn Migration<Backend>>> = source.migrations().map_err(failed)?;
        let known: Vec<(String, String)> = all
            .iter()
            .map(|migration| {
                (
                    migration.name().version().to_string(),
                    migration.name().to_string(),
                )
            })
            .collect();
        let applied: Vec<String> = c
            .applied_migrations()
            .map_err(failed)?
            .iter()
            .map(ToString::to_string)
            .collect();
        if let Some(newer) = applied
            .iter()
            .find(|version| !known.iter().any(|(known, _)| known == *version))
        {
            return Ok(State::Ahead(newer.clone()));
        }
        let pending: Vec<String> = known
            .into_iter()
            .filter(|(version, _)| !applied.contains(version))
            .map(|(_, name)| name)
            .collect();
        Ok(if pending.is_empty() {
            State::Current
        } else {
            State::Behind(pending)
        })
    })
}

/// Runs what is pending, and makes the rows that exist exactly once: all of it or nothing. Answers
/// the names.
pub fn run(conn: &mut Conn, generation: &str, portal_uuid: &str) -> Result<Vec<String>> {
    alone(conn)?;
    transaction(conn, |conn| {
        let ran = with_source!(conn, |c, source| {
            c.run_pending_migrations(source)
                .map_err(failed)?
                .iter()
                .map(|version: &diesel::migration::MigrationVersion<'_>| version.to_string())
                .collect::<Vec<_>>()
        });
        super::public::portal::found(conn, generation, portal_uuid)?;
        Ok(ran)
    })
}

/// On PostgreSQL, one migration at a time: the lock is the session's and goes with it. On SQLite the
/// transaction is the lock, and what is pending is looked for inside it.
fn alone(conn: &mut Conn) -> Result<()> {
    match conn {
        #[cfg(feature = "postgres")]
        Conn::Pg(conn) => {
            use diesel::connection::SimpleConnection as _;
            Ok(conn.batch_execute("SELECT pg_advisory_lock(hashtext('bantin migrate'))")?)
        }
        Conn::Sqlite(_) => Ok(()),
    }
}

/// Takes every migration back; for tests of the `down` scripts.
pub fn revert(conn: &mut Conn) -> Result<()> {
    with_source!(conn, |c, source| {
        c.revert_all_migrations(source).map(|_| ()).map_err(failed)
    })
}

/// Was any migration ever run here?
pub fn is_used(conn: &mut Conn) -> Result<bool> {
    with_source!(conn, |c, source| {
        let _ = source;
        Ok(!c.applied_migrations().map_err(failed)?.is_empty())
    })
}

/// Copies an SQLite database into a new file, whole and consistent, while it is in use. The name
/// appears when the copy is complete.
pub fn copy_sqlite(conn: &mut Conn, to: &Path) -> Result<()> {
    use diesel::RunQueryDsl as _;
    let part = to.with_extension("part");
    // What an interrupted copy left behind.
    let _ = std::fs::remove_file(&part);
    let name = part.to_string_lossy().into_owned();
    each_backend!(conn, |c| diesel::sql_query("VACUUM INTO ?")
        .bind::<diesel::sql_types::Text, _>(name)
        .execute(c))?;
    std::fs::rename(&part, to).map_err(failed)
}
