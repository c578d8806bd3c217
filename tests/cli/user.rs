//! Users from the command line.

use crate::program::{Done, Folder};

/// The one-time password that a command printed.
fn one_time(out: &str) -> String {
    let (_, rest) = out.split_once("one-time password ").unwrap();
    rest.lines().next().unwrap().to_owned()
}

fn add(folder: &Folder, login: &str, role: &str) -> Done {
    folder.run(&["user", "add", login, "--role", role])
}

fn sign_in(folder: &Folder, login: &str, password: &str) -> String {
    let server = folder.serve(&["serve"]);
    let body = serde_json::json!({"login": login, "password": password}).to_string();
    let answer = server.post("/v1/auth/login", &body);
    server.stop();
    answer.lines().next().unwrap().to_owned()
}

/// Writes into the database directly.
fn execute(folder: &Folder, sql: &str) {
    let address = bantin::store::db::Address::Sqlite(folder.database());
    match address.connect().unwrap() {
        bantin::store::Conn::Sqlite(mut conn) => {
            diesel::connection::SimpleConnection::batch_execute(&mut conn, sql).unwrap();
        }
        #[cfg(feature = "postgres")]
        bantin::store::Conn::Pg(_) => panic!("this is a file"),
    }
}

#[test]
fn the_first_admin_comes_from_the_command_line_and_can_sign_in() {
    let folder = Folder::new();
    let out = add(&folder, "quantri", "admin").ok();
    let password = one_time(&out);
    assert_eq!(password.len(), 23, "{out}");
    assert!(out.contains("shown only now"), "{out}");
    assert!(sign_in(&folder, "quantri", &password).contains(" 200 "));
    assert!(sign_in(&folder, "quantri", "not the password").contains(" 401 "));
}

#[test]
fn a_password_can_come_from_the_standard_input_and_is_not_repeated() {
    let folder = Folder::new();
    let secret = "đường về làng xa\n";
    let args = ["user", "add", "lan", "--role", "editor", "--role", "admin"];
    let stdin = [&args[..], &["--name", "Lan Chi", "--password-stdin"]].concat();
    let done = folder.run_with(&stdin, secret);
    assert!(!done.err.contains("làng"), "{done:?}");
    assert!(!done.ok().contains("làng"));
    assert!(sign_in(&folder, "lan", "đường về làng xa").contains(" 200 "));

    let list = folder.run(&["user", "list"]).ok();
    assert!(
        list.contains("lan\tLan Chi\teditor,admin\tactive"),
        "{list}"
    );

    let change = ["user", "password", "lan", "--password-stdin"];
    for weak in ["short", "", "password123456789", "a\u{7}bcdefghijklmn"] {
        let words = folder.run_with(&change, weak).refused(&["password"]);
        assert!(weak.is_empty() || !words.contains(weak), "{words}");
    }
    folder.run_with(&change, "sông dài biển rộng").ok();
    assert!(sign_in(&folder, "lan", "đường về làng xa").contains(" 401 "));
    assert!(sign_in(&folder, "lan", "sông dài biển rộng").contains(" 200 "));

    let out = folder.run(&["user", "password", "lan"]).ok();
    assert!(sign_in(&folder, "lan", "sông dài biển rộng").contains(" 401 "));
    assert!(sign_in(&folder, "lan", &one_time(&out)).contains(" 200 "));
}

#[test]
fn what_is_wrong_with_a_user_is_said() {
    let folder = Folder::new();
    add(&folder, "quantri", "admin").ok();
    add(&folder, "quantri", "editor").refused(&["quantri"]);
    add(&folder, "Quan Tri", "editor").refused(&["login"]);
    let at = ["user", "add", "lan", "--role", "editor", "--email", "lan@"];
    folder.run(&at).refused(&["--email"]);
    add(&folder, "lan", "king").refused(&["king", "reporter", "publisher"]);
    folder.run(&["user", "add", "lan"]).refused(&["--role"]);
    let twice = ["user", "add", "lan", "--role", "editor", "--role", "editor"];
    folder.run(&twice).refused(&["--role"]);
    for action in ["disable", "enable", "password", "reset-totp"] {
        let done = folder.run(&["user", action, "nobody"]);
        done.refused(&["no user nobody"]);
    }
    assert_eq!(folder.run(&["user", "list"]).ok().lines().count(), 1);
}

#[test]
fn the_last_admin_cannot_be_disabled() {
    let folder = Folder::new();
    let first = one_time(&add(&folder, "quantri", "admin").ok());
    let disable = ["user", "disable", "quantri"];
    folder.run(&disable).refused(&["another admin"]);
    add(&folder, "quantri2", "admin").ok();
    folder.run(&disable).ok();
    // Again is no fault, and no change.
    folder.run(&disable).ok();
    assert!(sign_in(&folder, "quantri", &first).contains(" 401 "));
    let list = folder.run(&["user", "list"]).ok();
    assert!(list.contains("quantri\tquantri\tadmin\tdisabled"), "{list}");
    folder.run(&["user", "enable", "quantri"]).ok();
    folder.run(&["user", "enable", "quantri"]).ok();
    let enabled = folder.run(&["user", "list"]).ok();
    assert!(
        enabled.contains("quantri\tquantri\tadmin\tactive"),
        "{enabled}"
    );
    folder.run(&disable).ok();
    let last = folder.run(&["user", "disable", "quantri2"]);
    last.refused(&["another admin"]);
}

#[test]
fn a_user_can_be_limited_to_categories() {
    let folder = Folder::new();
    let add = ["user", "add", "lan", "--role", "editor", "--category"];
    let to = |slug: &'static str| [&add[..], &[slug]].concat();
    folder.run(&to("khong-co")).refused(&["categories"]);
    folder.run(&to("Á")).refused(&["--category"]);
    let sql = "INSERT INTO categories (version, uuid, slug, name, sort_key, path, position)
         VALUES (1, 'a', 'nong-nghiep', 'Nông nghiệp', x'00', '[1]', 0);
         INSERT INTO category_slugs (slug, category_id) VALUES ('nong-nghiep', 1)";
    execute(&folder, sql);
    folder.run(&to("nong-nghiep")).ok();
    let list = folder.run(&["user", "list"]).ok();
    let wanted = "lan\tlan\teditor\tactive\tonly in: nong-nghiep";
    assert!(list.contains(wanted), "{list}");
}

#[test]
fn the_last_admin_gets_in_without_the_app_that_was_lost() {
    let folder = Folder::new();
    let password = one_time(&add(&folder, "quantri", "admin").ok());
    let app = "INSERT INTO second_factors VALUES (1, x'01', 0, 0);
         INSERT INTO recovery_codes VALUES (1, 'a');
         UPDATE users SET second_factor = 1";
    execute(&folder, app);
    assert!(sign_in(&folder, "quantri", &password).contains(" 401 "));
    let reset = ["user", "reset-totp", "quantri"];
    let out = folder.run(&reset).ok();
    assert!(out.contains("quantri: second factor is off"), "{out}");
    assert!(sign_in(&folder, "quantri", &password).contains(" 200 "));
    // Again is no fault.
    folder.run(&reset).ok();
}
