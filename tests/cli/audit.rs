//! `bantin audit`: verify, export, prune.

use crate::program::Folder;

fn with_users() -> Folder {
    let folder = Folder::new();
    for login in ["quantri", "minh.an"] {
        folder.run(&["user", "add", login, "--role", "admin"]).ok();
    }
    folder
}

fn execute(folder: &Folder, sql: &str) {
    use bantin::store::Conn;
    use bantin::store::db::Address;
    use diesel::connection::SimpleConnection as _;
    match Address::Sqlite(folder.database()).connect().unwrap() {
        Conn::Sqlite(mut conn) => conn.batch_execute(sql).unwrap(),
        #[cfg(feature = "postgres")]
        Conn::Pg(_) => panic!("is a file"),
    }
}

#[test]
fn a_whole_log_is_said_to_be_whole_and_a_row_can_be_kept_in_mind() {
    let folder = with_users();
    let out = folder.run(&["audit", "verify"]).ok();
    assert!(out.starts_with("the audit log is whole: 2 rows\n"), "{out}");
    let newest = out.trim_end().rsplit(' ').next().unwrap();
    assert!(newest.starts_with("2:"), "{out}");
    folder.run(&["audit", "verify", "--kept", newest]).ok();
    execute(
        &folder,
        "DELETE FROM audit WHERE id = 2;
         UPDATE audit_head SET seq = 1, hash = (SELECT hash FROM audit)",
    );
    folder.run(&["audit", "verify"]).ok();
    let done = folder.run(&["audit", "verify", "--kept", newest]);
    done.refused(&["row 2"]);
}

#[test]
fn a_changed_row_makes_verify_fail_and_name_it() {
    let folder = with_users();
    execute(&folder, "UPDATE audit SET action = 'nothing' WHERE id = 1");
    let done = folder.run(&["audit", "verify"]);
    done.refused(&["not whole", "row 1", "hash"]);
}

#[test]
fn the_export_of_the_command_line_has_the_lines_of_the_api() {
    let folder = with_users();
    let out = folder.run(&["audit", "export"]).ok();
    let rows: Vec<serde_json::Value> = out
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(rows.len(), 2);
    assert_eq!(rows[1]["action"], "create");
    assert_eq!(rows[1]["object"]["id"], 2);
    let one = [
        "audit",
        "export",
        "--object-type",
        "user",
        "--object-id",
        "2",
    ];
    assert_eq!(folder.run(&one).ok().lines().count(), 1);
    let none = ["audit", "export", "--to", "2001-01-01"];
    assert_eq!(folder.run(&none).ok(), "");
    folder
        .run(&["audit", "export", "--from", "hôm qua"])
        .refused(&["date"]);
}

#[test]
fn old_rows_are_pruned_and_what_stays_is_whole() {
    let folder = with_users();
    folder.serve(&["serve"]).stop();
    let out = folder.run(&["audit", "prune"]).ok();
    assert!(out.starts_with("removed 0 rows"), "{out}");
    for years in ["0", "1", "200"] {
        let args = ["audit", "prune", "--audit-years", years];
        folder.run(&args).refused(&["2..=100"]);
    }
    let serve = ["serve", "--audit-years", "1"];
    folder.run(&serve).refused(&["2..=100"]);
}

#[test]
fn nothing_is_made_where_there_is_nothing() {
    let folder = Folder::new();
    for args in [["audit", "verify"], ["audit", "export"], ["audit", "prune"]] {
        folder.run(&args).refused(&["there is no database"]);
    }
    assert!(!folder.database().exists());
}
