//! The doors to the database: `read` (one snapshot), `write` (one transaction) and `publish` (one
//! transaction that changes what readers see). Nobody above this floor knows which database it is.

use std::sync::Arc;
use std::time::Duration;

use diesel::connection::{AnsiTransactionManager, SimpleConnection, TransactionManager};
use diesel::r2d2::R2D2Connection;
use diesel::{Connection, SqliteConnection};
use r2d2::{ManageConnection, Pool, PooledConnection};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::public::changes::PublicWrite;
use super::{Error, Result};

/// A connection to either database.
#[derive(diesel::MultiConnection)]
pub enum Conn {
    #[cfg(feature = "postgres")]
    Pg(diesel::PgConnection),
    Sqlite(SqliteConnection),
}

/// Runs the body once for the connection at hand, type-checked for both databases: for what the
/// enum cannot do (`on_conflict`, several rows in one insert).
macro_rules! each_backend {
    ($conn:expr, |$c:ident| $body:expr) => {
        match $conn {
            #[cfg(feature = "postgres")]
            $crate::store::db::Conn::Pg($c) => $body,
            $crate::store::db::Conn::Sqlite($c) => $body,
        }
    };
}
pub(crate) use each_backend;

/// Which database an address names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Address {
    /// Path of the SQLite file.
    Sqlite(std::path::PathBuf),
    /// A `postgres://` address.
    Postgres(String),
}

impl Address {
    /// `postgres://…`, `postgresql://…`, `sqlite:PATH`, or a plain path.
    pub fn parse(text: &str) -> Result<Self, String> {
        if text.starts_with("postgres://") || text.starts_with("postgresql://") {
            if cfg!(feature = "postgres") {
                return Ok(Self::Postgres(text.to_owned()));
            }
            return Err("this binary was built without the feature `postgres`".to_owned());
        }
        let named = text.strip_prefix("sqlite:");
        let path = named.unwrap_or(text);
        let path = path.strip_prefix("//").unwrap_or(path);
        // SQLite would read these as something other than a path.
        let special = path.starts_with("file:") || path == ":memory:";
        // A mistyped address must not quietly become a new file.
        let mistyped = named.is_none() && text.contains(':');
        if path.is_empty() || special || mistyped {
            return Err("must be the path of an SQLite file or a postgres:// address".to_owned());
        }
        Ok(Self::Sqlite(path.into()))
    }

    /// One connection outside the pools, for start-up work; nothing cuts a long migration short.
    pub fn connect(&self) -> Result<Conn> {
        self.open(true)
    }

    fn open(&self, writes: bool) -> Result<Conn> {
        let refused = |error: diesel::ConnectionError| Error::Busy(error.to_string());
        match self {
            Self::Sqlite(path) => {
                let name = path
                    .to_str()
                    .ok_or_else(|| Error::Database("the path is not UTF-8".to_owned()))?;
                let mut conn = SqliteConnection::establish(name).map_err(refused)?;
                // FULL: in WAL mode NORMAL loses acknowledged commits when the power fails.
                conn.batch_execute(
                    "PRAGMA busy_timeout = 5000; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; \
                     PRAGMA foreign_keys = ON; PRAGMA cache_size = -16000; PRAGMA mmap_size = 268435456; \
                     PRAGMA temp_store = MEMORY;",
                )?;
                if !writes {
                    conn.batch_execute("PRAGMA query_only = ON;")?;
                }
                Ok(Conn::Sqlite(conn))
            }
            #[cfg(feature = "postgres")]
            Self::Postgres(url) => {
                let mut conn = diesel::PgConnection::establish(url).map_err(refused)?;
                // Contention is told apart by words, and only a superuser may choose their language.
                let _ = conn.batch_execute("SET lc_messages = 'C'");
                Ok(Conn::Pg(conn))
            }
            #[cfg(not(feature = "postgres"))]
            Self::Postgres(_) => Err(Error::Database("built without `postgres`".to_owned())),
        }
    }
}

/// Opens connections of one kind for a pool.
struct Manager {
    address: Address,
    writes: bool,
}

impl ManageConnection for Manager {
    type Connection = Conn;
    type Error = Error;

    fn connect(&self) -> Result<Conn> {
        let conn = self.address.open(self.writes)?;
        #[cfg(feature = "postgres")]
        if let Conn::Pg(mut conn) = conn {
            conn.batch_execute(
                "SET lock_timeout = '10s'; SET statement_timeout = '30s'; \
                 SET idle_in_transaction_session_timeout = '30s';",
            )?;
            return Ok(Conn::Pg(conn));
        }
        Ok(conn)
    }

    fn is_valid(&self, conn: &mut Conn) -> Result<()> {
        match conn {
            // A file does not go away.
            Conn::Sqlite(_) => Ok(()),
            #[cfg(feature = "postgres")]
            Conn::Pg(conn) => conn.ping().map_err(Error::from),
        }
    }

    fn has_broken(&self, conn: &mut Conn) -> bool {
        each_backend!(conn, |c| c.is_broken() || std::thread::panicking())
    }
}

/// The database of one portal. Cheap to clone.
#[derive(Clone)]
pub struct Db {
    address: Address,
    readers: Pool<Manager>,
    writers: Pool<Manager>,
    /// Writers queue here, in order, instead of in threads.
    turns: Arc<Semaphore>,
    patience: Duration,
}

/// How long a request waits for a connection before it is told to come back.
const PATIENCE: Duration = Duration::from_secs(5);

impl Db {
    /// Opens the pools; the schema must be up to date already.
    pub fn open(address: &Address, readers: u32) -> Result<Self> {
        let writers = match address {
            Address::Sqlite(_) => 1,
            Address::Postgres(_) => readers.div_ceil(2).max(2),
        };
        let pool = |size: u32, writes: bool| {
            let manager = Manager {
                address: address.clone(),
                writes,
            };
            Pool::builder()
                .max_size(size)
                .min_idle(Some(1))
                .connection_timeout(PATIENCE)
                .error_handler(Box::new(LogErrors))
                .build(manager)
                .map_err(|error| Error::Busy(error.to_string()))
        };
        Ok(Self {
            address: address.clone(),
            readers: pool(readers, false)?,
            writers: pool(writers, true)?,
            turns: Arc::new(Semaphore::new(usize::try_from(writers).unwrap_or(1))),
            patience: PATIENCE,
        })
    }

    pub fn address(&self) -> &Address {
        &self.address
    }

    /// One snapshot, on a blocking thread.
    pub async fn read<T, E>(
        &self,
        work: impl FnOnce(&mut Conn) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<Error> + Send + 'static,
    {
        let readers = self.readers.clone();
        off_thread(move || {
            let mut conn = connection(&readers)?;
            snapshot(&mut conn, work)
        })
        .await
    }

    /// May other nodes be at work on this database?
    pub fn is_shared(&self) -> bool {
        !matches!(self.address, Address::Sqlite(_))
    }

    /// One snapshot for a bounded point read or a short list: on SQLite it runs right here when a
    /// connection is free, which saves the hop to another thread (it costs half the request again).
    pub async fn read_brief<T, E>(
        &self,
        work: impl FnOnce(&mut Conn) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<Error> + Send + 'static,
    {
        if !self.is_shared()
            && let Some(mut conn) = self.readers.try_get()
        {
            return snapshot(&mut conn, work);
        }
        self.read(work).await
    }

    /// One snapshot: a brief one where the caller knows that it is bounded.
    pub async fn read_when<T, E>(
        &self,
        brief: bool,
        work: impl FnOnce(&mut Conn) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<Error> + Send + 'static,
    {
        if brief {
            self.read_brief(work).await
        } else {
            self.read(work).await
        }
    }

    /// One transaction. It goes on to its end even if the caller is dropped.
    pub async fn write<T, E>(
        &self,
        work: impl FnOnce(&mut Conn) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<Error> + Send + 'static,
    {
        let turn = self.turn().await?;
        let writers = self.writers.clone();
        off_thread(move || {
            let _turn = turn;
            let mut conn = connection(&writers)?;
            transaction(&mut conn, work)
        })
        .await
    }

    /// One transaction that changes what readers see: it holds the head of the log from its first
    /// statement on, so that the order of commits is the order of `seq`.
    pub async fn publish<T, E>(
        &self,
        work: impl FnOnce(&mut PublicWrite<'_>) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<Error> + Send + 'static,
    {
        self.write(move |conn| work(&mut PublicWrite::open(conn)?))
            .await
    }

    /// Is the database there? For readiness probes.
    pub async fn ping(&self) -> Result<()> {
        self.read(|conn| super::public::changes::head(conn).map(|_| ()))
            .await
    }

    /// Empties the write-ahead log into the file, at the end of a run; nothing on PostgreSQL.
    pub async fn checkpoint(&self) -> Result<()> {
        if matches!(self.address, Address::Postgres(_)) {
            return Ok(());
        }
        let _turn = self.turn().await?;
        let writers = self.writers.clone();
        off_thread(move || {
            let mut conn = connection(&writers)?;
            each_backend!(&mut *conn, |c| c
                .batch_execute("PRAGMA wal_checkpoint(TRUNCATE)"))
            .map_err(Error::from)
        })
        .await
    }

    async fn turn(&self) -> Result<OwnedSemaphorePermit> {
        let turns = Arc::clone(&self.turns);
        match tokio::time::timeout(self.patience, turns.acquire_owned()).await {
            Ok(Ok(turn)) => Ok(turn),
            _ => Err(Error::Busy("too many writers are waiting".to_owned())),
        }
    }
}

async fn off_thread<T, E>(work: impl FnOnce() -> Result<T, E> + Send + 'static) -> Result<T, E>
where
    T: Send + 'static,
    E: From<Error> + Send + 'static,
{
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(error) => Err(E::from(Error::Database(error.to_string()))),
    }
}

fn connection(pool: &Pool<Manager>) -> Result<PooledConnection<Manager>> {
    pool.get().map_err(|error| Error::Busy(error.to_string()))
}

/// A read transaction: deferred on SQLite, repeatable read on PostgreSQL.
fn snapshot<T, E: From<Error>>(
    conn: &mut Conn,
    work: impl FnOnce(&mut Conn) -> Result<T, E>,
) -> Result<T, E> {
    in_transaction(
        conn,
        match conn {
            #[cfg(feature = "postgres")]
            Conn::Pg(_) => "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
            Conn::Sqlite(_) => "BEGIN DEFERRED",
        },
        work,
    )
}

/// A write transaction: immediate on SQLite (a deferred one fails under contention), read
/// committed on PostgreSQL.
pub fn transaction<T, E: From<Error>>(
    conn: &mut Conn,
    work: impl FnOnce(&mut Conn) -> Result<T, E>,
) -> Result<T, E> {
    in_transaction(
        conn,
        match conn {
            #[cfg(feature = "postgres")]
            Conn::Pg(_) => "BEGIN",
            Conn::Sqlite(_) => "BEGIN IMMEDIATE",
        },
        work,
    )
}

fn in_transaction<T, E: From<Error>>(
    conn: &mut Conn,
    begin: &str,
    work: impl FnOnce(&mut Conn) -> Result<T, E>,
) -> Result<T, E> {
    each_backend!(conn, |c| AnsiTransactionManager::begin_transaction_sql(
        c, begin
    ))
    .map_err(Error::from)?;
    match work(conn) {
        Ok(value) => {
            each_backend!(conn, |c| AnsiTransactionManager::commit_transaction(c))
                .map_err(Error::from)?;
            Ok(value)
        }
        Err(error) => {
            if let Err(failed) =
                each_backend!(conn, |c| AnsiTransactionManager::rollback_transaction(c))
            {
                tracing::error!(error = %failed, "a rollback failed");
            }
            Err(error)
        }
    }
}

#[derive(Debug)]
struct LogErrors;

impl r2d2::HandleError<Error> for LogErrors {
    fn handle_error(&self, error: Error) {
        tracing::warn!(%error, "no database connection");
    }
}

#[cfg(test)]
mod tests {
    use super::Address;

    #[test]
    fn an_address_is_a_path_or_says_which_database_it_is() {
        for good in [
            "bantin.db",
            "./data/bantin.db",
            "sqlite:bantin.db",
            "sqlite:///srv/tin.db",
        ] {
            assert!(
                matches!(Address::parse(good), Ok(Address::Sqlite(_))),
                "{good}"
            );
        }
        for bad in [
            "",
            "sqlite:",
            ":memory:",
            "file:a.db",
            "sqlite:file:a.db",
            "postgre://h/d",
            "foo:",
            "mysql://h",
        ] {
            assert!(Address::parse(bad).is_err(), "{bad}");
        }
    }
}
