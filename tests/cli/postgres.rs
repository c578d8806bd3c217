//! What is different on PostgreSQL: nobody migrates by accident, and keys are shared.

use bantin::store::Conn;
use bantin::store::db::Address;
use diesel::connection::SimpleConnection as _;

use crate::program::{Folder, Server, done};

/// A schema that goes with its test.
struct Schema {
    server: String,
    name: String,
}

impl Schema {
    /// None where no server is named; `tests/databases.rs` says so.
    fn new() -> Option<Self> {
        let server = std::env::var("BANTIN_TEST_POSTGRES").ok()?;
        let name = format!("c_{}", bantin::infra::random::request_id());
        let schema = Self { server, name };
        schema.execute(&format!("CREATE SCHEMA {}", schema.name));
        Some(schema)
    }

    fn url(&self) -> String {
        let joint = if self.server.contains('?') { '&' } else { '?' };
        format!(
            "{}{joint}options=-csearch_path%3D{}",
            self.server, self.name
        )
    }

    fn execute(&self, sql: &str) {
        match Address::parse(&self.server).unwrap().connect().unwrap() {
            Conn::Pg(mut conn) => conn.batch_execute(sql).unwrap(),
            Conn::Sqlite(_) => panic!("BANTIN_TEST_POSTGRES must be a postgres:// address"),
        }
    }
}

impl Drop for Schema {
    fn drop(&mut self) {
        self.execute(&format!("DROP SCHEMA {} CASCADE", self.name));
    }
}

#[test]
fn an_empty_schema_is_refused_until_it_was_migrated_and_keys_are_shared() {
    let Some(schema) = Schema::new() else { return };
    let folder = Folder::new();
    let url = schema.url();
    let keys = ["--keys-dir", "keys"];
    for command in ["serve", "demo"] {
        let args = [&[command, "--listen", "127.0.0.1:0"][..], &keys].concat();
        let mut command = folder.command(&args);
        command.env("BANTIN_DATABASE_URL", &url);
        done(&mut command).refused(&["bantin migrate"]);
    }
    let migrate = || {
        let mut command = folder.command(&["migrate"]);
        done(command.env("BANTIN_DATABASE_URL", &url)).ok()
    };
    assert!(migrate().contains("ran 0001"));
    assert_eq!(migrate(), "nothing to do\n");

    let mut command = folder.command(&["serve", "--listen", "127.0.0.1:0"]);
    command.env("BANTIN_DATABASE_URL", &url);
    done(&mut command).refused(&["BANTIN_KEYS_DIR"]);

    let mut command = folder.command(&["serve"]);
    command
        .env("BANTIN_DATABASE_URL", &url)
        .env("BANTIN_KEYS_DIR", "keys");
    let server = Server::start(&mut command);
    assert!(server.get("/readyz").starts_with("HTTP/1.1 200 "));
    let password = schema
        .server
        .split(['/', '@'])
        .find(|part| part.contains(':'));
    let secret = password
        .and_then(|part| part.split_once(':'))
        .map(|(_, p)| p);
    if let Some(secret) = secret.filter(|secret| secret.len() > 6) {
        assert!(!server.log().contains(secret), "the log holds the password");
    }
    server.stop();

    schema.execute(&format!(
        "INSERT INTO {}.__diesel_schema_migrations (version) VALUES ('9999')",
        schema.name
    ));
    let mut command = folder.command(&["serve"]);
    command.env("BANTIN_DATABASE_URL", &url);
    done(&mut command).refused(&["9999", "run a newer bantin"]);
}
