//! The audit log: who may read it, what it tells, filters, the export, and refused sign-ins.

use actix_web::http::Method;
use serde_json::{Value, json};

use crate::support::spec::{document, validator};
use crate::support::{Answer, PASSWORD, Portal, sample};

const LOG: &str = "/v1/editorial/audit";
const OTHER: &str = "bầy cò trắng về đồng";

async fn log(portal: &Portal, query: &str) -> Vec<Value> {
    let admin = portal.admin().await;
    let list = admin.get(&format!("{LOG}?{query}")).await.ok();
    list["items"].as_array().unwrap().clone()
}

fn deeds(rows: &[Value]) -> Vec<String> {
    let word = |value: &Value| value.as_str().unwrap().to_owned();
    rows.iter()
        .map(|row| format!("{} {}", word(&row["object"]["type"]), word(&row["action"])))
        .collect()
}

/// Each line of an export, as the document describes it.
fn lines(answer: &Answer) -> Vec<Value> {
    answer.status_is(200);
    let schema = &document()["components"]["schemas"]["AuditEntry"];
    let validator = validator("AuditEntry", schema);
    answer
        .text()
        .lines()
        .map(|line| {
            let row: Value = serde_json::from_str(line).unwrap();
            assert!(validator.is_valid(&row), "{row:#}");
            row
        })
        .collect()
}

async fn sign_in(portal: &Portal, login: &str, password: &str) -> u16 {
    let body = json!({"login": login, "password": password});
    let ask = portal.ask(Method::POST, "/v1/auth/login").json(&body);
    ask.send().await.status
}

#[actix_web::test]
async fn a_row_says_who_did_what_to_what_when_and_from_where() {
    let portal = Portal::new().await;
    let category = portal.news().await;
    let editor = portal.editor().await;
    let draft = editor.draft(&sample::content("Ra quân", &category)).await;
    portal.advance(60);
    let editor = portal.editor().await;
    let saved = editor.edit(&draft, &json!({"title": "Ra quân sớm"})).await;
    let rows = log(&portal, "object_type=article").await;
    assert_eq!(deeds(&rows), ["article save", "article create"]);
    let row = &rows[0];
    assert_eq!(row["at"], "2026-03-21T09:01:00+07:00");
    assert_eq!(row["actor"]["login"], "editor");
    assert_eq!(row["actor"]["name"], "editor");
    assert_eq!(row["address"], "203.0.113.7");
    assert_eq!(row["object"]["id"], saved["id"]);
    assert_eq!(
        (&row["version_before"], &row["version_after"]),
        (&json!(1), &json!(2))
    );
    assert_eq!(row["token_id"], Value::Null);
    assert_eq!(row["hash"].as_str().unwrap().len(), 64);
    assert_eq!(rows[1]["version_before"], Value::Null);
}

#[actix_web::test]
async fn what_the_command_line_did_has_no_actor() {
    let portal = Portal::new().await;
    let rows = log(&portal, "action=create").await;
    assert_eq!(deeds(&rows), ["user create"; 4]);
    assert!(rows.iter().all(|row| row["actor"].is_null()), "{rows:#?}");
}

#[actix_web::test]
async fn the_reason_of_a_takedown_is_kept() {
    let portal = Portal::new().await;
    let category = portal.news().await;
    let publisher = portal.publisher().await;
    let draft = publisher.draft(&sample::content("Tin", &category)).await;
    let live = publisher.act(&draft, "publish", &json!({})).await;
    let body = json!({"reason_code": "privacy", "note": "Người trong ảnh yêu cầu gỡ."});
    publisher.act(&live, "take-down", &body).await;
    let rows = log(&portal, "action=take-down").await;
    let reason = rows[0]["reason"].as_str().unwrap();
    assert!(reason.contains("Người trong ảnh"), "{reason}");
}

#[actix_web::test]
async fn filters_narrow_the_log_and_all_have_to_fit() {
    let portal = Portal::new().await;
    let category = portal.news().await;
    let editor = portal.editor().await;
    let draft = editor.draft(&sample::content("Một", &category)).await;
    editor.draft(&sample::content("Hai", &category)).await;
    // The next day in the portal's zone.
    portal.advance(15 * 3600);
    let editor = portal.editor().await;
    editor.edit(&draft, &json!({"title": "Một, sửa"})).await;

    let id = &draft["id"];
    let of_one = log(&portal, &format!("object_type=article&object_id={id}")).await;
    assert_eq!(deeds(&of_one), ["article save", "article create"]);
    let me = of_one[0]["actor"]["id"].as_i64().unwrap();
    let query = format!("actor={me}&object_type=article");
    assert_eq!(log(&portal, &query).await.len(), 3);
    let query = format!("actor={me}&action=save");
    assert_eq!(deeds(&log(&portal, &query).await), ["article save"]);
    for (query, count) in [
        ("object_type=article&from=2026-03-21&to=2026-03-21", 2),
        ("object_type=article&from=2026-03-22", 1),
        ("object_type=article&to=2026-03-20", 0),
        ("object_type=article&address=203.0.113.7", 3),
        ("object_type=article&address=203.0.113.8", 0),
        ("action=no_such_thing", 0),
    ] {
        assert_eq!(log(&portal, query).await.len(), count, "{query}");
    }
}

#[actix_web::test]
async fn pages_follow_each_other_without_a_gap() {
    let portal = Portal::new().await;
    portal.news().await;
    let admin = portal.admin().await;
    let whole = log(&portal, "limit=100").await;
    let mut walked = Vec::new();
    let mut path = format!("{LOG}?limit=2");
    loop {
        let page = admin.get(&path).await.ok();
        walked.extend(page["items"].as_array().unwrap().clone());
        match page["next"].as_str() {
            Some(next) => path = format!("{LOG}?limit=2&cursor={next}"),
            None => break,
        }
    }
    assert!(whole.len() > 5);
    assert_eq!(walked, whole);
    let stolen = admin.get(&format!("{LOG}?limit=2")).await.ok();
    let next = stolen["next"].as_str().unwrap();
    let path = format!("{LOG}?action=login&cursor={next}");
    let answer = admin.get(&path).await;
    answer.faults(400, "bad_query", &["cursor bad_format"]);
}

#[actix_web::test]
async fn what_no_filter_can_be_is_refused() {
    let portal = Portal::new().await;
    let admin = portal.admin().await;
    let query = "actor=0&action=A&object_type=&address=%20&from=2026-13-01&to=x&khac=1";
    let wanted = [
        "actor bad_format",
        "action bad_format",
        "object_type bad_format",
        "address bad_format",
        "from bad_format",
        "to bad_format",
        "khac unknown_field",
    ];
    for path in [LOG.to_owned(), format!("{LOG}/export")] {
        let answer = admin.get(&format!("{path}?{query}")).await;
        answer.faults(400, "bad_query", &wanted);
    }
    let answer = admin.get(&format!("{LOG}?object_id=1")).await;
    answer.faults(400, "bad_query", &["object_type required"]);
    for path in [LOG.to_owned(), format!("{LOG}/refused-sign-ins")] {
        let path = format!("{path}?from=2026-03-02&to=2026-03-01");
        let answer = admin.get(&path).await;
        answer.faults(400, "bad_query", &["to out_of_range"]);
    }
}

#[actix_web::test]
async fn an_export_has_every_row_of_the_list_oldest_first() {
    let portal = Portal::new().await;
    let category = portal.news().await;
    let editor = portal.editor().await;
    editor.draft(&sample::content("Một", &category)).await;
    let admin = portal.admin().await;
    let answer = admin.get(&format!("{LOG}/export")).await;
    assert_eq!(answer.header("content-type"), "application/x-ndjson");
    assert_eq!(answer.header("cache-control"), "private, no-store");
    assert!(
        answer
            .header("content-disposition")
            .contains("audit.ndjson")
    );
    let mut rows = lines(&answer);
    rows.reverse();
    assert_eq!(rows, log(&portal, "limit=100").await);
    let some = lines(
        &admin
            .get(&format!("{LOG}/export?object_type=article"))
            .await,
    );
    assert_eq!(deeds(&some), ["article create"]);
}

#[actix_web::test]
async fn an_export_of_more_rows_than_one_chunk_is_whole() {
    let portal = Portal::new().await;
    let first = portal.newest_audit_row().await;
    portal
        .ctx
        .db
        .write(|conn| {
            use bantin::domain::time::Instant;
            use bantin::store::editorial::audit::{Entry, append};
            for number in 0..1203 {
                append(
                    conn,
                    &Entry {
                        at: Instant::from_micros(crate::support::NOW),
                        user_id: None,
                        token_id: None,
                        session_id: None,
                        address: None,
                        action: "drill",
                        object_type: "portal",
                        object_id: Some(number),
                        version_before: None,
                        version_after: None,
                        reason: None,
                        details: Some(r#"{"lan":"thử"}"#),
                    },
                )?;
            }
            Ok::<_, bantin::store::Error>(())
        })
        .await
        .unwrap();
    let admin = portal.admin().await;
    let rows = lines(&admin.get(&format!("{LOG}/export?action=drill")).await);
    let ids: Vec<i64> = rows.iter().map(|row| row["id"].as_i64().unwrap()).collect();
    assert_eq!(ids, (first + 1..=first + 1203).collect::<Vec<_>>());
    assert_eq!(rows[0]["details"], json!({"lan": "thử"}));
}

#[actix_web::test]
async fn refused_sign_ins_are_counted_by_minute_account_and_address() {
    let portal = Portal::with(&["--login-failures", "3"]).await;
    // Three wrong passwords, one with a capital in the login, and one that has to wait.
    for login in ["editor", "Editor", "editor"] {
        assert_eq!(sign_in(&portal, login, OTHER).await, 401);
    }
    assert_eq!(sign_in(&portal, "editor", PASSWORD).await, 429);
    assert_eq!(sign_in(&portal, "khong.co.ai", OTHER).await, 401);
    portal.advance(60);
    assert_eq!(sign_in(&portal, "khong.co.ai", OTHER).await, 401);
    assert_eq!(sign_in(&portal, "publisher", PASSWORD).await, 200);
    let admin = portal.admin().await;
    let list = admin.get(&format!("{LOG}/refused-sign-ins")).await.ok();
    let row = |minute: &str, account: &str, count: i64| json!({"minute": minute, "account": account, "address": "203.0.113.7", "count": count});
    assert_eq!(
        list["items"],
        json!([
            row("2026-03-21T09:01:00+07:00", "khong.co.ai", 1),
            row("2026-03-21T09:00:00+07:00", "khong.co.ai", 1),
            row("2026-03-21T09:00:00+07:00", "editor", 4),
        ])
    );
    // They are no rows of the log.
    let logins = log(&portal, "action=login").await;
    assert_eq!(logins.len(), 2);
    let page = admin.get(&format!("{LOG}/refused-sign-ins?limit=2")).await;
    let next = page.ok()["next"].as_str().unwrap().to_owned();
    let path = format!("{LOG}/refused-sign-ins?limit=2&cursor={next}");
    let rest = admin.get(&path).await.ok();
    assert_eq!(rest["items"][0]["account"], "editor");
    assert_eq!(rest["next"], Value::Null);
    for (days, count) in [
        ("from=2026-03-22", 0),
        ("to=2026-03-20", 0),
        ("to=2026-03-21", 3),
    ] {
        let path = format!("{LOG}/refused-sign-ins?{days}");
        let list = admin.get(&path).await.ok();
        assert_eq!(list["items"].as_array().unwrap().len(), count, "{days}");
    }
}

#[actix_web::test]
async fn a_wrong_current_password_is_counted_as_a_refused_sign_in() {
    let portal = Portal::new().await;
    let editor = portal.editor().await;
    let body = json!({"current_password": OTHER, "new_password": OTHER});
    editor.post("/v1/auth/password", &body).await.is(401);
    let admin = portal.admin().await;
    let list = admin.get(&format!("{LOG}/refused-sign-ins")).await.ok();
    assert_eq!(list["items"][0]["account"], "editor");
    assert_eq!(list["items"][0]["count"], 1);
}

#[actix_web::test]
async fn invented_names_fill_no_more_than_a_thousand_rows_a_minute() {
    let portal = Portal::new().await;
    portal
        .ctx
        .db
        .write(|conn| {
            use bantin::domain::time::Instant;
            use bantin::store::editorial::refusals::count;
            let at = Instant::from_micros(crate::support::NOW);
            for number in 0..1100 {
                count(conn, at, &format!("ten{number}"), "192.0.2.1")?;
            }
            count(conn, at, "ten7", "192.0.2.1")
        })
        .await
        .unwrap();
    let admin = portal.admin().await;
    let list = admin.get(&format!("{LOG}/refused-sign-ins?limit=1")).await;
    let others = &list.ok()["items"][0];
    assert_eq!(others["account"], Value::Null);
    assert_eq!(others["address"], Value::Null);
    assert_eq!(others["count"], 100);
}
