//! A database for each test: a copied file on SQLite, a schema of its own on PostgreSQL.

use std::path::Path;
use std::sync::OnceLock;

use bantin::app::migrate_now;
use bantin::domain::content::PersonName;
use bantin::domain::time::Instant;
use bantin::domain::user::{Chosen, Login, NewPassword, Role};
use bantin::infra::password::{Hasher, Params};
use bantin::service::users::{Console, UserContent};
use bantin::store::Conn;
use bantin::store::db::Address;

use super::{NOW, PASSWORD};

pub enum Database {
    Sqlite(String),
    #[cfg_attr(
        not(feature = "postgres"),
        expect(dead_code, reason = "needs the feature")
    )]
    Postgres {
        server: String,
        schema: String,
    },
}

impl Database {
    pub fn new(folder: &Path) -> Self {
        match std::env::var("BANTIN_TEST_POSTGRES") {
            Ok(server) => Self::postgres(server),
            Err(_) => {
                let path = folder.join("bantin.db");
                std::fs::write(&path, template()).unwrap();
                Self::Sqlite(path.to_str().unwrap().to_owned())
            }
        }
    }

    #[cfg(feature = "postgres")]
    fn postgres(server: String) -> Self {
        let schema = format!("t_{}", bantin::infra::random::request_id());
        execute(&server, &format!("CREATE SCHEMA {schema}"));
        let database = Self::Postgres { server, schema };
        fill(&Address::parse(&database.url()).unwrap());
        database
    }

    #[cfg(not(feature = "postgres"))]
    fn postgres(_: String) -> Self {
        panic!("BANTIN_TEST_POSTGRES is set: run with --features postgres");
    }

    pub fn url(&self) -> String {
        match self {
            Self::Sqlite(path) => path.clone(),
            Self::Postgres { server, schema } => {
                let joint = if server.contains('?') { '&' } else { '?' };
                format!("{server}{joint}options=-csearch_path%3D{schema}")
            }
        }
    }
}

#[cfg(feature = "postgres")]
impl Drop for Database {
    fn drop(&mut self) {
        if let Self::Postgres { server, schema } = self {
            execute(server, &format!("DROP SCHEMA {schema} CASCADE"));
        }
    }
}

#[cfg(feature = "postgres")]
fn execute(server: &str, sql: &str) {
    use diesel::connection::SimpleConnection as _;
    match Address::parse(server).unwrap().connect().unwrap() {
        Conn::Pg(mut conn) => conn.batch_execute(sql).unwrap(),
        Conn::Sqlite(_) => panic!("BANTIN_TEST_POSTGRES must be a postgres:// address"),
    }
}

/// The bytes of an SQLite file with schema and users, made once.
fn template() -> &'static [u8] {
    static TEMPLATE: OnceLock<Vec<u8>> = OnceLock::new();
    TEMPLATE.get_or_init(|| {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("template.db");
        let mut conn = fill(&Address::Sqlite(path));
        let copy = folder.path().join("copy.db");
        bantin::store::migrate::copy_sqlite(&mut conn, &copy).unwrap();
        std::fs::read(copy).unwrap()
    })
}

/// Schema, and a user for each role, named after it.
fn fill(address: &Address) -> Conn {
    let mut connection = address.connect().unwrap();
    let conn = &mut connection;
    migrate_now(conn, address).unwrap();
    let cost = Params {
        memory_kib: 8,
        iterations: 1,
        parallelism: 1,
    };
    let hasher = Hasher::new(cost).unwrap();
    let console = Console {
        at: Instant::from_micros(NOW),
    };
    for role in [Role::Reporter, Role::Editor, Role::Publisher, Role::Admin] {
        let content = UserContent {
            name: PersonName::parse(role.as_str()).unwrap(),
            email: None,
            roles: vec![role],
            categories: None,
            disabled: false,
        };
        let login = Login::parse(role.as_str()).unwrap();
        let password = NewPassword::parse(PASSWORD).unwrap();
        console
            // Their own: tests of other things need not change it first.
            .add(conn, &hasher, login, content, &password, Chosen::ByUser)
            .unwrap();
    }
    connection
}
