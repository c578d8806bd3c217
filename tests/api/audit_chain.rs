//! The chain of the audit log: what somebody does to its rows behind the program's back is found.

use std::sync::Arc;

use actix_web::http::Method;
use bantin::app::migrate_now;
use bantin::infra::token::{Keys, ring};
use bantin::service::audit::{Fault, Retention, Verified, prune, verify};
use bantin::store::Conn;
use bantin::store::db::Address;
use diesel::connection::SimpleConnection as _;
use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::support::{NOW, PASSWORD, Portal, sample};

const YEAR: i64 = 366 * 86_400;

fn execute(portal: &Portal, sql: &str) {
    let mut conn = portal.ctx.db.address().connect().unwrap();
    match &mut conn {
        Conn::Sqlite(conn) => conn.batch_execute(sql).unwrap(),
        #[cfg(feature = "postgres")]
        Conn::Pg(conn) => conn.batch_execute(sql).unwrap(),
    }
}

async fn check(portal: &Portal) -> Result<Verified, Fault> {
    verify(&portal.ctx.db, Some(Arc::clone(&portal.ctx.keys)), None).await
}

/// What is wrong, in words.
async fn wrong(portal: &Portal) -> String {
    match check(portal).await {
        Ok(found) => panic!("nothing is found: {found:?}"),
        Err(fault) => fault.to_string(),
    }
}

/// A portal with some rows of all kinds in its log.
async fn busy() -> Portal {
    let portal = Portal::new().await;
    let category = portal.news().await;
    let publisher = portal.publisher().await;
    let draft = publisher.draft(&sample::content("Tin", &category)).await;
    let live = publisher.act(&draft, "publish", &json!({})).await;
    let body =
        json!({"reason_code": "privacy", "note": "Có người yêu cầu.", "legal_basis": "Điều 4"});
    publisher.act(&live, "take-down", &body).await;
    portal
}

async fn prune_at(portal: &Portal, years: u16, slack: i64) -> Result<i64, Fault> {
    let retention = Retention::new(portal.ctx.now(), years, slack);
    prune(&portal.ctx.db, &portal.ctx.keys, retention).await
}

#[actix_web::test]
async fn a_log_that_nobody_touched_is_whole() {
    let portal = busy().await;
    let found = check(&portal).await.unwrap();
    assert!(found.rows > 8, "{found:?}");
    assert_eq!(found.last, found.rows);
    assert_eq!(
        (found.pruned, found.checkpoints, found.unchained),
        (0, 0, 0)
    );
    assert_eq!(found.hash.len(), 64);
}

#[actix_web::test]
async fn a_change_to_any_column_of_any_row_is_found() {
    let portal = busy().await;
    let last = check(&portal).await.unwrap().last;
    for (column, to) in [
        ("at", "at + 1"),
        ("user_id", "CASE WHEN user_id IS NULL THEN 1 ELSE NULL END"),
        ("token_id", "7"),
        ("session_id", "'x'"),
        ("address", "'192.0.2.1'"),
        ("action", "'nothing'"),
        ("object_type", "'nothing'"),
        ("object_id", "COALESCE(object_id, 0) + 1"),
        ("version_before", "COALESCE(version_before, 0) + 1"),
        ("version_after", "COALESCE(version_after, 0) + 1"),
        ("reason", "COALESCE(reason, '') || ' '"),
        ("details", "COALESCE(details, '') || ' '"),
        ("hash", "NULL"),
        ("hash", "upper(hash)"),
        ("id", "id + 1000"),
        ("id", "-id"),
    ] {
        for id in [1, last / 2, last] {
            let copy = "CREATE TABLE kept AS SELECT * FROM audit WHERE id =";
            execute(&portal, &format!("{copy} {id}"));
            let table = format!("UPDATE audit SET {column} = {to} WHERE id = {id}");
            execute(&portal, &table);
            let why = wrong(&portal).await;
            assert!(
                column == "id" || why.contains(&format!("row {id}: ")),
                "{table}: {why}"
            );
            let moved = if column == "id" {
                format!("{}", id + 1000)
            } else {
                id.to_string()
            };
            execute(
                &portal,
                &format!(
                    "DELETE FROM audit WHERE id IN ({moved}, -{id});
                     INSERT INTO audit SELECT * FROM kept; DROP TABLE kept;"
                ),
            );
        }
    }
    check(&portal).await.unwrap();
}

#[actix_web::test]
async fn a_row_that_was_removed_is_missed_wherever_it_stood() {
    for place in ["MIN(id)", "MIN(id) + 3", "MAX(id)"] {
        let portal = busy().await;
        let sql = format!("DELETE FROM audit WHERE id = (SELECT {place} FROM audit)");
        execute(&portal, &sql);
        assert!(wrong(&portal).await.contains("missing"), "{place}");
    }
}

#[actix_web::test]
async fn rows_that_were_swapped_or_put_in_are_found() {
    let portal = busy().await;
    execute(
        &portal,
        "UPDATE audit SET id = 1000 WHERE id = 2; UPDATE audit SET id = 2 WHERE id = 3;
         UPDATE audit SET id = 3 WHERE id = 1000;",
    );
    assert!(wrong(&portal).await.contains("row 2"));
    let portal = busy().await;
    execute(
        &portal,
        "INSERT INTO audit (id, at, action, object_type) VALUES
         ((SELECT seq + 1 FROM audit_head), 0, 'login', 'user')",
    );
    assert!(wrong(&portal).await.contains("does not fit"));
}

#[actix_web::test]
async fn a_head_that_was_changed_is_found() {
    for change in ["seq = seq - 1", "seq = seq + 1", "hash = '00'", "began = 3"] {
        let portal = busy().await;
        execute(&portal, &format!("UPDATE audit_head SET {change}"));
        wrong(&portal).await;
    }
}

#[actix_web::test]
async fn a_hash_that_was_kept_elsewhere_finds_an_end_that_was_cut_off_with_the_head() {
    let portal = busy().await;
    let before = check(&portal).await.unwrap();
    let keys = || Some(Arc::clone(&portal.ctx.keys));
    let kept = Some((before.last, before.hash.clone()));
    verify(&portal.ctx.db, keys(), kept.clone()).await.unwrap();
    execute(
        &portal,
        "DELETE FROM audit WHERE id = (SELECT seq FROM audit_head);
         UPDATE audit_head SET seq = seq - 1,
            hash = (SELECT hash FROM audit ORDER BY id DESC LIMIT 1);",
    );
    check(&portal).await.unwrap();
    let found = verify(&portal.ctx.db, keys(), kept.clone()).await;
    assert!(found.is_err_and(|fault| fault.to_string().contains("not there")));
    portal.publisher().await;
    portal.sign_in("editor", PASSWORD).await;
    let found = verify(&portal.ctx.db, keys(), kept).await;
    assert!(found.is_err_and(|fault| fault.to_string().contains("another hash")));
}

#[actix_web::test]
async fn old_rows_are_pruned_and_a_signed_checkpoint_stands_for_them() {
    let portal = busy().await;
    let before = check(&portal).await.unwrap();
    // Not before they are old, and by the loop only when a day is due.
    assert_eq!(prune_at(&portal, 2, 0).await.unwrap(), 0);
    portal.advance(2 * YEAR + 3600);
    assert_eq!(prune_at(&portal, 2, 86_400).await.unwrap(), 0);
    portal.sign_in("editor", PASSWORD).await;
    assert_eq!(prune_at(&portal, 2, 0).await.unwrap(), before.rows);
    let after = check(&portal).await.unwrap();
    assert_eq!((after.pruned, after.checkpoints), (before.rows, 1));
    // The sign-in, and the pruning itself.
    assert_eq!((after.rows, after.last), (2, before.last + 2));
    let admin = portal.admin().await;
    let list = admin.get("/v1/editorial/audit?action=prune").await.ok();
    let row = &list["items"][0];
    assert_eq!(row["details"], json!({"removed": before.rows}));
    assert_eq!(row["object"], json!({"type": "audit", "id": before.last}));

    // Again, with keys that were rotated meanwhile; both checkpoints hold.
    portal.advance(3 * YEAR);
    let now = portal.ctx.now().seconds();
    let dir = portal.ctx.settings.keys_dir().unwrap();
    ring::rotate(&dir, now, true).unwrap();
    portal.ctx.keys.reload(now).unwrap();
    assert_eq!(prune_at(&portal, 2, 0).await.unwrap(), 3);
    let again = check(&portal).await.unwrap();
    assert_eq!((again.pruned, again.checkpoints), (before.rows + 3, 2));
    assert_eq!(prune_at(&portal, 2, 0).await.unwrap(), 0);
}

#[actix_web::test]
async fn counters_of_refused_sign_ins_go_with_the_old_rows() {
    let portal = Portal::new().await;
    let body = json!({"login": "editor", "password": "sai mật khẩu rồi"});
    let ask = portal.ask(Method::POST, "/v1/auth/login").json(&body);
    ask.send().await.is(401);
    let count = || async {
        let admin = portal.admin().await;
        let list = admin.get("/v1/editorial/audit/refused-sign-ins").await;
        list.ok()["items"].as_array().unwrap().len()
    };
    portal.advance(2 * YEAR);
    prune_at(&portal, 2, 0).await.unwrap();
    assert_eq!(count().await, 1);
    portal.advance(60);
    prune_at(&portal, 2, 0).await.unwrap();
    assert_eq!(count().await, 0);
}

#[actix_web::test]
async fn a_checkpoint_that_was_changed_or_removed_is_found() {
    for change in [
        "UPDATE audit_checkpoints SET at = at + 1 WHERE id = 1",
        "UPDATE audit_checkpoints SET last_id = last_id + 1 WHERE id = 2",
        "UPDATE audit_checkpoints SET removed = removed + 1 WHERE id = 1",
        "UPDATE audit_checkpoints SET hash = '00' WHERE id = 2",
        "UPDATE audit_checkpoints SET kid = 'x' WHERE id = 1",
        "UPDATE audit_checkpoints SET signature = '' WHERE id = 1",
        "UPDATE audit_checkpoints SET id = 3 WHERE id = 2",
        "DELETE FROM audit_checkpoints WHERE id = 1",
        "DELETE FROM audit_checkpoints WHERE id = 2",
        "DELETE FROM audit_checkpoints",
        "DELETE FROM audit_checkpoints WHERE id = 1; UPDATE audit_checkpoints SET id = 1",
        // More rows than the checkpoint stands for.
        "DELETE FROM audit WHERE id = (SELECT MIN(id) FROM audit)",
        "INSERT INTO audit (id, at, action, object_type) VALUES (1, 0, 'a', 'b')",
        "DELETE FROM audit",
    ] {
        let portal = busy().await;
        portal.advance(2 * YEAR + 60);
        assert!(prune_at(&portal, 2, 0).await.unwrap() > 0);
        portal.sign_in("editor", PASSWORD).await;
        portal.advance(2 * YEAR + 60);
        assert!(prune_at(&portal, 2, 0).await.unwrap() > 0);
        portal.sign_in("editor", PASSWORD).await;
        check(&portal).await.unwrap();
        execute(&portal, change);
        wrong(&portal).await;
    }
}

#[actix_web::test]
async fn a_checkpoint_by_a_foreign_key_is_not_believed() {
    let portal = busy().await;
    let folder = tempfile::tempdir().unwrap();
    let foreign =
        Keys::load_or_create(folder.path(), "bantin", "bantin-editorial", NOW / 1_000_000);
    let foreign = Arc::new(foreign.unwrap());
    portal.advance(2 * YEAR + 60);
    let retention = Retention::new(portal.ctx.now(), 2, 0);
    prune(&portal.ctx.db, &foreign, retention).await.unwrap();
    assert!(wrong(&portal).await.contains("not signed"));
    verify(&portal.ctx.db, Some(foreign), None).await.unwrap();
    let found = verify(&portal.ctx.db, None, None).await;
    assert!(found.is_err_and(|fault| fault.to_string().contains("not signed")));
}

#[actix_web::test]
async fn a_log_that_is_not_whole_is_not_pruned() {
    for damage in [
        "UPDATE audit SET action = 'x' WHERE id = 2",
        "DELETE FROM audit WHERE id < 3",
        "DELETE FROM audit WHERE id = 4",
    ] {
        let portal = busy().await;
        execute(&portal, damage);
        portal.advance(2 * YEAR + 60);
        let refused = prune_at(&portal, 2, 0).await;
        assert!(matches!(refused, Err(Fault::Broken { .. })), "{damage}");
        // Everything stays to be looked at.
        let admin = portal.admin().await;
        let list = admin.get("/v1/editorial/audit?action=publish").await.ok();
        assert_eq!(list["items"].as_array().unwrap().len(), 1);
    }
}

#[actix_web::test]
async fn a_log_from_before_the_chain_is_kept_and_the_chain_begins_after_it() {
    let portal = Portal::new().await;
    // As 0002 left it: rows without hashes, some ids never used.
    let database = match portal.ctx.db.address() {
        Address::Sqlite(_) => "sqlite",
        Address::Postgres(_) => "postgres",
    };
    let root = env!("CARGO_MANIFEST_DIR");
    let down = format!("{root}/migrations/{database}/0004_audit/down.sql");
    execute(&portal, &std::fs::read_to_string(down).unwrap());
    execute(
        &portal,
        "DELETE FROM __diesel_schema_migrations WHERE version = '0004';
         DELETE FROM audit WHERE id = 2;",
    );
    let address = portal.ctx.db.address();
    let ran = migrate_now(&mut address.connect().unwrap(), address).unwrap();
    assert_eq!(ran, ["0004"]);
    portal.sign_in("editor", PASSWORD).await;
    let found = check(&portal).await.unwrap();
    assert_eq!((found.unchained, found.rows, found.last), (3, 1, 5));
    execute(&portal, "UPDATE audit SET hash = 'x' WHERE id = 3");
    assert!(wrong(&portal).await.contains("older than the chain"));
    execute(&portal, "UPDATE audit SET hash = NULL WHERE id = 3");
    portal.advance(2 * YEAR + 60);
    portal.sign_in("editor", PASSWORD).await;
    assert_eq!(prune_at(&portal, 2, 0).await.unwrap(), 4);
    let found = check(&portal).await.unwrap();
    assert_eq!((found.unchained, found.rows, found.pruned), (0, 2, 4));
}

#[actix_web::test]
async fn many_different_writes_at_once_leave_one_whole_chain() {
    // Half of them write: on PostgreSQL as many transactions are under way at once.
    let portal = Portal::with(&["--db-connections", "16"]).await;
    let category = portal.news().await;
    let publisher = portal.publisher().await;
    let admin = portal.admin().await;
    for round in 0..3 {
        let mut drafts = Vec::new();
        for number in 0..4 {
            let title = format!("Tin {round} {number}");
            drafts.push(publisher.draft(&sample::content(&title, &category)).await);
        }
        let before = portal.newest_audit_row().await;
        let mut asks = Vec::new();
        for (number, draft) in drafts.iter().enumerate() {
            let path = format!("/v1/editorial/articles/{}", draft["id"]);
            let ask = match number % 2 {
                0 => publisher
                    .ask(Method::POST, &format!("{path}/publish"))
                    .header("idempotency-key", &format!("k{round}{number}"))
                    .at(1)
                    .json(&json!({})),
                _ => publisher
                    .ask(Method::PATCH, &path)
                    .at(1)
                    .json(&json!({"title": "Tên khác"})),
            };
            asks.push(ask);
            let name = json!({"name": format!("Mục {round} {number}")});
            asks.push(
                publisher
                    .ask(Method::POST, "/v1/editorial/categories")
                    .json(&name),
            );
            let user = json!({
                "login": format!("nguoi{round}{number}"), "name": "Lan", "roles": ["reporter"],
                "password": PASSWORD,
            });
            asks.push(admin.ask(Method::POST, "/v1/editorial/users").json(&user));
            let login = json!({"login": "editor", "password": PASSWORD});
            asks.push(portal.ask(Method::POST, "/v1/auth/login").json(&login));
        }
        let wanted = i64::try_from(asks.len()).unwrap();
        let answers = join_all(asks.into_iter().map(|ask| ask.send())).await;
        for answer in answers {
            assert!(answer.status < 300, "{}", answer.text());
        }
        assert_eq!(portal.newest_audit_row().await, before + wanted);
    }
    let found = check(&portal).await.unwrap();
    let rows: Vec<Value> = {
        let admin = portal.admin().await;
        let export = admin.get("/v1/editorial/audit/export").await;
        let text = export.text();
        text.lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    };
    assert_eq!(i64::try_from(rows.len()).unwrap(), found.rows);
}
