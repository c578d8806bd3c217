//! Every code that an error can have is described, and raised by some test.

use std::collections::BTreeMap;

use actix_web::http::Method;
use bantin::domain::input::FaultCode;
use bantin::http::error::Code;
use serde_json::{Value, json};

use crate::support::operations::World;
use crate::support::{BASE, PASSWORD, Portal, sample};

/// Codes that no test of this folder can raise, each with the reason.
const NOT_RAISED: &[(&str, &str)] = &[];

/// The headings of docs/problems.md of one level, with how often each is there.
fn headings(level: &str) -> BTreeMap<String, usize> {
    let text = include_str!("../../docs/problems.md");
    let mut found = BTreeMap::new();
    for line in text.lines() {
        if let Some(name) = line.strip_prefix(level).and_then(|l| l.strip_prefix(' ')) {
            *found.entry(name.trim().to_owned()).or_default() += 1;
        }
    }
    found
}

/// The text below a heading, without the empty lines.
fn entry(level: &str, name: &str) -> String {
    let text = include_str!("../../docs/problems.md");
    let lines = text
        .lines()
        .skip_while(|line| *line != format!("{level} {name}"));
    let body = lines.skip(1).take_while(|line| !line.starts_with('#'));
    body.filter(|line| !line.trim().is_empty())
        .collect::<Vec<_>>()
        .join("\n")
}

#[test]
fn every_code_has_one_entry_and_every_entry_a_code() {
    let mut found = headings("##");
    // The one section that is not a code holds those of fields.
    assert_eq!(found.remove("Field codes"), Some(1));
    let codes = Code::ALL.iter().map(|code| (code.as_str().to_owned(), 1));
    assert_eq!(found, codes.collect());
}

#[test]
fn every_field_code_has_one_entry_and_every_entry_a_code() {
    let codes = FaultCode::ALL
        .iter()
        .map(|code| (code.as_str().to_owned(), 1));
    assert_eq!(headings("###"), codes.collect());
}

#[test]
fn every_entry_begins_with_its_status_and_says_something() {
    for code in Code::ALL {
        let text = entry("##", code.as_str());
        let status = format!("{}. ", code.status());
        assert!(text.starts_with(&status), "{}: {text}", code.as_str());
        // What it means, and what to do.
        assert!(text.len() > 40, "{}: {text}", code.as_str());
    }
    for code in FaultCode::ALL {
        assert!(entry("###", code.as_str()).len() > 20, "{}", code.as_str());
    }
}

#[test]
fn every_code_is_raised_by_a_test() {
    let folder = format!("{}/tests/api", env!("CARGO_MANIFEST_DIR"));
    let mut sources = String::new();
    for file in std::fs::read_dir(folder).unwrap() {
        let path = file.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "rs") {
            sources += &std::fs::read_to_string(path).unwrap();
        }
    }
    let sources: String = sources.split_whitespace().collect();
    for code in Code::ALL {
        let word = code.as_str();
        // As in `problem(409, "slug_taken")`, whatever the line breaks.
        let raised = sources.contains(&format!("{},\"{word}\"", code.status()));
        let excused = NOT_RAISED.iter().any(|(name, _)| *name == word);
        assert!(
            raised != excused,
            "{word}: raised {raised}, excused {excused}"
        );
    }
}

#[actix_web::test]
async fn a_problem_says_where_its_entry_is_and_which_request_it_was() {
    let portal = Portal::new().await;
    let answer = portal.get("/v1/articles/khong-co").await;
    let problem = answer.problem(404, "not_found");
    let entry = format!("{BASE}/docs/problems#not_found");
    assert_eq!(problem["type"], entry);
    assert_eq!(problem["status"], 404);
    assert_eq!(problem["title"], "Not found");
    assert_eq!(problem["instance"], answer.header("x-request-id"));
    let page = portal.get("/docs/problems").await;
    assert_eq!(page.status, 200);
    assert!(page.text().contains("<h2 id=\"not_found\">"));
}

#[actix_web::test]
async fn the_rules_of_the_newsroom_have_codes_of_their_own() {
    let portal = Portal::new().await;
    let world = World::new(&portal).await;
    let publisher = portal.publisher().await;
    let article = format!("/v1/editorial/articles/{}", world.article["id"]);
    let version = world.article["version"].as_i64().unwrap();
    let at = |action: &str| format!("{article}/{action}");

    let answer = publisher.post_at(&at("restore"), version, &json!({})).await;
    let problem = answer.problem(409, "illegal_move");
    let actions = problem["allowed_actions"].as_array().unwrap();
    assert!(actions.contains(&"take-down".into()), "{problem:#}");

    let answer = publisher.delete(&article, version).await;
    answer.problem(409, "was_public");

    let slug = world.category["content"]["slug"].as_str().unwrap();
    let mut other = sample::content("Bài khác", slug);
    other["slug"] = json!(world.slug);
    let answer = publisher.post("/v1/editorial/articles", &other).await;
    answer.problem(409, "slug_taken");

    let category = format!("/v1/editorial/categories/{}", world.category["id"]);
    let answer = publisher.delete(&category, 1).await;
    answer.problem(409, "category_in_use");

    let medium = format!("/v1/editorial/media/{}", world.medium);
    publisher
        .delete(&medium, 1)
        .await
        .problem(409, "media_in_use");

    let ask = portal.ask(Method::GET, &world.file);
    let answer = ask.header("range", "bytes=99999999-").send().await;
    answer.problem(416, "range_not_satisfiable");

    let body = json!({"reason_code": "privacy", "note": "Theo yêu cầu"});
    publisher
        .post_at(&at("take-down"), version, &body)
        .await
        .ok();
    let gone = portal.get(&format!("/v1/articles/{}", world.slug)).await;
    let problem = gone.problem(410, "taken_down");
    assert_eq!(problem["tombstone"]["reason_code"], "privacy");
    assert!(!gone.text().contains("yêu cầu"), "the note is internal");

    let since = "/v1/changes?since=000000000000.1";
    portal.get(since).await.problem(410, "resync");
}

#[actix_web::test]
async fn readers_who_ask_too_often_are_told_to_wait() {
    let portal = Portal::with(&["--rate-limit", "1"]).await;
    let mut refused: Option<Value> = None;
    for _ in 0..50 {
        let answer = portal.get("/v1/portal").await;
        if answer.status == 429 {
            assert!(answer.header("retry-after").parse::<u64>().unwrap() >= 1);
            refused = Some(answer.problem(429, "too_many_requests"));
            break;
        }
    }
    assert!(
        refused.is_some(),
        "50 requests at once are not one a second"
    );
    assert_eq!(portal.get("/healthz").await.status, 200);
}

#[actix_web::test]
async fn a_token_that_somebody_invented_lifts_no_limit() {
    let portal = Portal::with(&["--rate-limit", "1"]).await;
    let editor = portal.editor().await;
    let mut refused = 0;
    for _ in 0..50 {
        let ask = portal.ask(Method::GET, "/v1/editorial/articles");
        let answer = ask.header("authorization", "Bearer a.b.c").send().await;
        refused += i32::from(answer.status == 429);
        editor.get("/v1/editorial/articles").await.ok();
    }
    assert!(refused > 0, "nobody was told to wait");
}

#[actix_web::test]
async fn who_cannot_be_served_now_is_told_when_to_come_again() {
    let portal = Portal::with(&["--login-failures", "1"]).await;
    portal.ctx.hashing.close();
    // What was not checked is no failure: the account is not locked by it.
    for _ in 0..3 {
        let body = json!({"login": "editor", "password": PASSWORD});
        let ask = portal.ask(Method::POST, "/v1/auth/login").json(&body);
        let answer = ask.send_to_broken().await;
        answer.problem(503, "busy");
        assert_eq!(answer.header("retry-after"), "1");
    }
}

#[actix_web::test]
async fn a_fault_of_ours_keeps_its_cause_to_itself() {
    let portal = Portal::new().await;
    let world = World::new(&portal).await;
    let files = portal.ctx.blobs.incoming().parent().unwrap().to_owned();
    std::fs::remove_dir_all(&files).unwrap();
    let ask = portal.ask(Method::GET, &world.file);
    let answer = ask.send_to_broken().await;
    let problem = answer.problem(500, "internal");
    assert_eq!(problem["instance"], answer.header("x-request-id"));
    assert!(problem.get("detail").is_none(), "{problem:#}");
    assert!(!answer.text().contains(files.to_str().unwrap()));
    assert_eq!(answer.header("cache-control"), "no-store");
}
