//! The schema and its version.

use std::path::{Path, PathBuf};

use bantin::store::Conn;
use bantin::store::db::Address;
use diesel::connection::SimpleConnection as _;

use crate::program::Folder;

fn execute(path: &Path, sql: &str) {
    match Address::Sqlite(path.to_owned()).connect().unwrap() {
        Conn::Sqlite(mut conn) => conn.batch_execute(sql).unwrap(),
        #[cfg(feature = "postgres")]
        Conn::Pg(_) => panic!("this is a file"),
    }
}

/// Makes a database what the version before this one left behind; answers the version that it
/// lacks now.
fn take_newest_back(path: &Path) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations/sqlite");
    let folders = std::fs::read_dir(folder).unwrap();
    let newest = folders.map(|entry| entry.unwrap().path()).max().unwrap();
    let down = std::fs::read_to_string(newest.join("down.sql")).unwrap();
    let name = newest.file_name().unwrap().to_str().unwrap();
    let (version, _) = name.split_once('_').unwrap();
    execute(path, &down);
    execute(
        path,
        &format!("DELETE FROM __diesel_schema_migrations WHERE version = '{version}'"),
    );
    execute(path, "CREATE TABLE kept (word TEXT)");
    version.to_owned()
}

fn copies(folder: &Folder) -> Vec<PathBuf> {
    let files = std::fs::read_dir(folder.database().parent().unwrap()).unwrap();
    let paths = files.map(|file| file.unwrap().path());
    paths
        .filter(|path| path.to_str().unwrap().contains("before-"))
        .collect()
}

#[test]
fn migrating_twice_is_nothing_to_do() {
    let folder = Folder::new();
    let out = folder.run(&["migrate"]).ok();
    assert!(out.contains("ran 0001"), "{out}");
    assert_eq!(folder.run(&["migrate"]).ok(), "nothing to do\n");
    assert!(copies(&folder).is_empty(), "an empty file was copied");
}

#[test]
fn a_database_newer_than_the_binary_is_refused() {
    let folder = Folder::new();
    folder.run(&["migrate"]).ok();
    execute(
        &folder.database(),
        "INSERT INTO __diesel_schema_migrations (version, run_on) VALUES ('9999', CURRENT_TIMESTAMP)",
    );
    let listen = ["--listen", "127.0.0.1:0"];
    for (command, settings) in [("serve", &listen[..]), ("migrate", &[]), ("demo", &listen)] {
        let done = folder.run(&[&[command], settings].concat());
        done.refused(&["9999", "run a newer bantin"]);
    }
    folder.run(&["user", "list"]).refused(&["9999"]);
}

#[test]
fn an_older_database_is_copied_before_it_is_migrated() {
    for command in ["serve", "migrate"] {
        let folder = Folder::new();
        folder.run(&["migrate"]).ok();
        let version = take_newest_back(&folder.database());
        if command == "serve" {
            folder.serve(&["serve"]).stop();
        } else {
            folder.run(&["migrate"]).ok();
        }
        let copies = copies(&folder);
        assert_eq!(copies.len(), 1, "{copies:?}");
        // The copy is the database as it was: with what it held, without what was to come.
        let kept = "INSERT INTO kept VALUES ('a')";
        execute(&copies[0], kept);
        execute(&folder.database(), kept);
        execute(
            &copies[0],
            &format!("INSERT INTO __diesel_schema_migrations (version) VALUES ('{version}')"),
        );
        assert_eq!(folder.run(&["migrate"]).ok(), "nothing to do\n");
    }
}

#[test]
fn the_data_folder_is_for_its_owner_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = Folder::new();
    folder.serve(&["serve"]).stop();
    let data = folder.path().join("bantin-data");
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&data), 0o700);
    for key in std::fs::read_dir(data.join("keys")).unwrap() {
        let path = key.unwrap().path();
        assert_eq!(mode(&path), 0o600, "{}", path.display());
    }
}

#[test]
fn commands_that_start_at_once_on_nothing_do_not_meet() {
    let folder = Folder::new();
    let mut children: Vec<_> = (0..4)
        .map(|_| folder.command(&["migrate"]).spawn().unwrap())
        .collect();
    for child in &mut children {
        assert!(child.wait().unwrap().success());
    }
    folder.run(&["user", "list"]).ok();
}
