//! Who may call what: a row for every operation of the document, and every caller walks all of
//! them.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::json;

use crate::support::operations::{Operation, World, operations};
use crate::support::{Answer, PASSWORD, Portal};

const CALLERS: [&str; 5] = ["anonymous", "reporter", "editor", "publisher", "admin"];

/// Who may call an operation. Admins manage people and the portal, and have no rights over content.
type Allowed = &'static [&'static str];
const ANYONE: Allowed = &CALLERS;
const SIGNED_IN: Allowed = &["reporter", "editor", "publisher", "admin"];
const REPORTERS: Allowed = &["reporter", "editor", "publisher"];
const EDITORS: Allowed = &["editor", "publisher"];
const PUBLISHERS: Allowed = &["publisher"];
const ADMINS: Allowed = &["admin"];

const MATRIX: &[(&str, Allowed)] = &[
    ("accept_invitation", ANYONE),
    ("approve_article", EDITORS),
    ("archive_article", PUBLISHERS),
    ("assign_article", EDITORS),
    ("change_password", SIGNED_IN),
    ("compare_editions", REPORTERS),
    ("confirm_totp", SIGNED_IN),
    ("create_article", REPORTERS),
    ("create_caption", REPORTERS),
    ("create_category", PUBLISHERS),
    ("create_comment", REPORTERS),
    ("create_own_token", SIGNED_IN),
    ("create_preview", REPORTERS),
    ("create_service_token", ADMINS),
    ("create_user", ADMINS),
    ("delete_article", REPORTERS),
    ("delete_caption", REPORTERS),
    ("delete_category", PUBLISHERS),
    ("delete_comment", REPORTERS),
    ("delete_media", EDITORS),
    ("delete_media_track", REPORTERS),
    ("disable_totp", SIGNED_IN),
    ("end_other_sessions", SIGNED_IN),
    ("end_session", SIGNED_IN),
    ("export_audit", ADMINS),
    ("finish_provider_sign_in", ANYONE),
    ("get_article", ANYONE),
    ("get_caption", ANYONE),
    ("get_category", ANYONE),
    ("get_category_feed", ANYONE),
    ("get_edition", REPORTERS),
    ("get_editorial_article", REPORTERS),
    ("get_editorial_caption", REPORTERS),
    ("get_editorial_category", SIGNED_IN),
    ("get_editorial_media", REPORTERS),
    ("get_editorial_portal", SIGNED_IN),
    ("get_feed", ANYONE),
    ("get_health", ANYONE),
    ("get_home", ANYONE),
    ("get_inbox", REPORTERS),
    ("get_jwks", ANYONE),
    ("get_lock", REPORTERS),
    ("get_me", SIGNED_IN),
    ("get_media", ANYONE),
    ("get_media_file", ANYONE),
    ("get_media_preview", ANYONE), // who has the signed address
    ("get_metrics", ANYONE),
    ("get_own_token", SIGNED_IN),
    ("get_portal", ANYONE),
    ("get_preview", ANYONE), // who has the sealed address
    ("get_readiness", ANYONE),
    ("get_token", ADMINS),
    ("get_totp", SIGNED_IN),
    ("get_user", ADMINS),
    ("invite_user", ADMINS),
    ("list_article_corrections", ANYONE),
    ("list_articles", ANYONE),
    ("list_audit", ADMINS),
    ("list_captions", ANYONE),
    ("list_categories", ANYONE),
    ("list_changes", ANYONE),
    ("list_comments", REPORTERS),
    ("list_corrections", ANYONE),
    ("list_editions", REPORTERS),
    ("list_editorial_articles", REPORTERS),
    ("list_editorial_captions", REPORTERS),
    ("list_editorial_categories", SIGNED_IN),
    ("list_editorial_media", REPORTERS),
    ("list_media", ANYONE),
    ("list_media_uses", REPORTERS),
    ("list_others", ANYONE),
    ("list_own_tokens", SIGNED_IN),
    ("list_people", REPORTERS),
    ("list_previews", REPORTERS),
    ("list_refused_sign_ins", ADMINS),
    ("list_sessions", SIGNED_IN),
    ("list_tokens", ADMINS),
    ("list_users", ADMINS),
    ("login", ANYONE),
    ("logout", SIGNED_IN),
    ("merge_category", PUBLISHERS),
    ("publish_article", PUBLISHERS),
    ("put_media_track", REPORTERS),
    ("recall_article", REPORTERS),
    ("refresh_token", ANYONE),
    ("release_lock", REPORTERS),
    ("renew_recovery_codes", SIGNED_IN),
    ("replace_article", REPORTERS),
    ("replace_category", PUBLISHERS),
    ("replace_media", REPORTERS),
    ("replace_media_file", REPORTERS),
    ("replace_portal", ADMINS),
    ("replace_user", ADMINS),
    ("reset_user_totp", ADMINS),
    ("restore_article", PUBLISHERS),
    ("restore_edition", REPORTERS),
    ("return_article", EDITORS),
    ("revoke_own_token", SIGNED_IN),
    ("revoke_preview", REPORTERS),
    ("revoke_token", ADMINS),
    ("set_user_password", ADMINS),
    ("sign_out_user", ADMINS),
    ("start_provider_sign_in", ANYONE),
    ("start_totp", SIGNED_IN),
    ("submit_article", REPORTERS),
    ("take_down_article", PUBLISHERS),
    ("take_lock", REPORTERS),
    ("unlock_user", ADMINS),
    ("unschedule_article", PUBLISHERS),
    ("update_article", REPORTERS),
    ("update_caption", REPORTERS),
    ("update_category", PUBLISHERS),
    ("update_media", REPORTERS),
    ("update_user", ADMINS),
    ("append_upload", REPORTERS),
    ("create_upload", REPORTERS),
    ("end_upload", REPORTERS),
    ("get_upload", REPORTERS),
    ("get_upload_options", ANYONE),
    ("upload_media", REPORTERS),
    ("withdraw_article", PUBLISHERS),
    ("withdraw_media", PUBLISHERS),
];

#[test]
fn every_operation_has_a_row_and_every_row_an_operation() {
    let rows: BTreeSet<&str> = MATRIX.iter().map(|(id, _)| *id).collect();
    let all = operations();
    let operations: BTreeSet<&str> = all.iter().map(|operation| operation.id).collect();
    assert_eq!(rows.len(), MATRIX.len(), "an operation has two rows");
    let missing: Vec<_> = operations.difference(&rows).collect();
    let stale: Vec<_> = rows.difference(&operations).collect();
    assert!(
        missing.is_empty() && stale.is_empty(),
        "operations without a row: {missing:?}; rows without an operation: {stale:?}"
    );
}

#[test]
fn the_document_asks_for_a_token_where_the_matrix_does() {
    let rows: BTreeMap<&str, Allowed> = MATRIX.iter().copied().collect();
    for operation in operations() {
        let wants = rows.get(operation.id).is_some_and(|row| *row != ANYONE);
        assert_eq!(operation.is_secured(), wants, "{}", operation.id);
    }
}

#[test]
fn the_document_says_403_where_somebody_who_is_signed_in_is_refused() {
    let rows: BTreeMap<&str, Allowed> = MATRIX.iter().copied().collect();
    for operation in operations().iter().filter(|op| op.is_secured()) {
        let refuses = rows.get(operation.id).is_some_and(|row| row.len() < 4);
        let says = operation.entry["responses"].get("403").is_some();
        assert!(says || !refuses, "{}", operation.id);
    }
}

#[actix_web::test]
async fn every_caller_is_let_in_or_refused_as_the_matrix_says() {
    let portal = Portal::new().await;
    let world = World::new(&portal).await;
    let rows: BTreeMap<&str, Allowed> = MATRIX.iter().copied().collect();
    let mut wrong = Vec::new();
    for operation in operations() {
        for caller in CALLERS {
            let status = call(&portal, &world, &operation, caller).await.status;
            let right = match rows.get(operation.id) {
                None => continue,
                Some(row) if row.contains(&caller) => !matches!(status, 401 | 403),
                Some(_) if caller == "anonymous" => status == 401,
                Some(_) => status == 403,
            };
            if !right {
                wrong.push(format!("{} by {caller}: {status}", operation.id));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[actix_web::test]
async fn nobody_learns_of_faults_who_may_not_call() {
    let portal = Portal::new().await;
    let world = World::new(&portal).await;
    let rows: BTreeMap<&str, Allowed> = MATRIX.iter().copied().collect();
    for operation in operations().iter().filter(|op| op.is_secured()) {
        let path = world.path(operation);
        for caller in CALLERS {
            if rows
                .get(operation.id)
                .is_some_and(|row| row.contains(&caller))
            {
                continue;
            }
            let wanted = if caller == "anonymous" { 401 } else { 403 };
            // A query, a body, a media type, an id and a header that are wrong.
            for (path, kind, body) in [
                (format!("{path}?khong_co=1"), "application/json", "{}"),
                (path.clone(), "application/json", "{"),
                (path.clone(), "text/plain", "x"),
                (path.replace("/1", "/0"), "application/json", "{}"),
            ] {
                let method = operation.method.clone();
                let ask = match caller {
                    "anonymous" => portal.ask(method, &path),
                    login => portal.user(login).await.ask(method, &path),
                };
                let ask = ask.header("if-match", "x").header("idempotency-key", "");
                let answer = ask.bytes(kind, body.as_bytes()).send().await;
                assert_eq!(answer.status, wanted, "{} by {caller}", operation.id);
            }
        }
    }
}

async fn call(portal: &Portal, world: &World, operation: &Operation, caller: &str) -> Answer {
    let path = world.path(operation);
    let mut ask = portal.ask(operation.method.clone(), &path);
    if caller != "anonymous" {
        // Some operations end sign-ins, so that every call gets one of its own.
        let pair = portal.sign_in(caller, PASSWORD).await;
        let token = pair["access_token"].as_str().unwrap();
        ask = ask.header("authorization", &format!("Bearer {token}"));
    }
    if operation.id == "accept_invitation" {
        let admin = portal.admin().await;
        let login = format!("moi.{}", bantin::infra::random::request_id());
        let user = json!({"login": login, "name": "Mới", "roles": ["reporter"]});
        let user = admin.post("/v1/editorial/users", &user).await.created();
        let body = json!({"token": user["invitation"]["token"], "new_password": PASSWORD});
        return ask.json(&body).send().await;
    }
    if operation.id == "refresh_token" {
        let pair = portal.sign_in("editor", PASSWORD).await;
        let body = json!({"refresh_token": pair["refresh_token"]});
        return ask.json(&body).send().await;
    }
    world.fill(ask, operation).send().await
}
