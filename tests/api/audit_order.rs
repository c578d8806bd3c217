//! What every command does to the audit log: which row it leaves there, and that it locks the head
//! of the log last, so that no two commands wait for each other.

use std::collections::BTreeMap;
use std::sync::Mutex;

use actix_web::http::Method;
use diesel::connection::{Instrumentation, InstrumentationEvent, set_default_instrumentation};

use crate::examples::walk;
use crate::support::operations::operations;
use crate::support::provider::Provider;

/// The row that each writing operation leaves: object and action. A new operation needs a line.
#[rustfmt::skip]
const ROWS: &[(&str, &str)] = &[
    ("change_password", "user change_password"),
    ("confirm_totp", "user enable_totp"),
    ("create_article", "article create"),
    ("create_caption", "article add_caption"),
    ("create_category", "category create"),
    ("create_own_token", "api_token create"),
    ("create_preview", "article create_preview"),
    ("create_service_token", "api_token create"),
    ("create_user", "user create"),
    ("delete_article", "article delete"),
    ("delete_caption", "article remove_caption"),
    ("delete_category", "category delete"),
    ("delete_media", "media delete"),
    ("disable_totp", "user disable_totp"),
    ("finish_provider_sign_in", "user create, user login_oidc"),
    ("end_other_sessions", "user end_other_sessions"),
    ("end_session", "user end_session"),
    ("invite_user", "user invite"),
    ("login", "user login"),
    ("logout", "user logout"),
    ("merge_category", "category merge"),
    ("publish_article", "article publish, article schedule"),
    ("accept_invitation", "user accept_invitation"),
    ("approve_article", "article approve"),
    ("archive_article", "article archive"),
    ("assign_article", "article assign"),
    ("create_comment", "article comment"),
    ("delete_comment", "article delete_comment"),
    ("put_media_track", "media put_track"),
    ("delete_media_track", "media delete_track"),
    ("recall_article", "article recall"),
    ("return_article", "article return"),
    ("submit_article", "article submit"),
    ("take_lock", ""),
    ("unschedule_article", "article unschedule"),
    // Every client does so every few minutes; what is no mere renewal leaves `refresh_reuse`.
    ("refresh_token", ""),
    // Locks change nothing: they are gone in minutes.
    ("release_lock", ""),
    ("renew_recovery_codes", "user renew_recovery_codes"),
    ("replace_article", "article save"),
    ("replace_category", "category save"),
    ("replace_media", "media save"),
    ("replace_media_file", "media replace"),
    ("replace_portal", "portal replace"),
    ("replace_user", "user save"),
    ("reset_user_totp", "user reset_totp"),
    ("restore_article", "article restore"),
    ("restore_edition", "article restore_edition"),
    ("revoke_own_token", "api_token revoke"),
    ("revoke_preview", "article revoke_preview"),
    ("revoke_token", "api_token revoke"),
    ("set_user_password", "user set_password"),
    ("sign_out_user", "user sign_out"),
    ("start_provider_sign_in", ""),
    ("start_totp", "user start_totp"),
    ("take_down_article", "article take-down"),
    ("unlock_user", "user unlock"),
    ("update_article", "article save"),
    ("update_caption", "article change_caption"),
    ("update_category", "category save"),
    ("update_media", "media save"),
    ("update_user", "user save"),
    // Nothing came of it yet.
    ("create_upload", ""),
    ("append_upload", "media upload"),
    ("end_upload", ""),
    ("upload_media", "media upload"),
    ("withdraw_article", "article withdraw"),
    ("withdraw_media", "media withdraw"),
];

#[actix_web::test]
async fn every_command_leaves_its_row_in_the_audit_log() {
    let provider = Provider::new();
    let portal = provider.portal(&[]).await;
    *portal.record.borrow_mut() = Some(Vec::new());
    walk(&portal, &provider).await;
    let rows: BTreeMap<&str, &str> = ROWS.iter().copied().collect();
    let mut met: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for exchange in portal.record.take().unwrap() {
        let seen = met.entry(exchange.operation).or_default();
        if exchange.status < 300 {
            seen.extend(exchange.audited);
        } else {
            assert!(exchange.audited.is_empty(), "{:?}", exchange.audited);
        }
    }
    let mut faults = Vec::new();
    for operation in operations() {
        let mut left = met.remove(operation.id).unwrap_or_default();
        left.sort();
        left.dedup();
        let wanted = rows.get(operation.id).copied();
        let right = match wanted {
            None | Some("") => left.is_empty(),
            // One of several, as the body says; the walk meets them all.
            Some(rows) => left.join(", ") == rows,
        };
        let writes = !matches!(operation.method, Method::GET | Method::OPTIONS);
        if !right || writes != wanted.is_some() {
            faults.push(format!(
                "{}: wanted {wanted:?}, left {left:?}",
                operation.id
            ));
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    let ids: Vec<&str> = operations().iter().map(|operation| operation.id).collect();
    for (id, _) in ROWS {
        assert!(ids.contains(id), "{id} is no operation");
    }
}

/// What was written after the head of the audit log was locked, in any test of this binary.
static LATE: Mutex<Vec<String>> = Mutex::new(Vec::new());
/// Transactions that locked it.
static LOCKED: Mutex<usize> = Mutex::new(0);

/// Watches the transactions of one connection.
#[derive(Default)]
struct Watch {
    locked: bool,
}

impl Instrumentation for Watch {
    fn on_connection_event(&mut self, event: InstrumentationEvent<'_>) {
        match event {
            InstrumentationEvent::StartQuery { query, .. } => self.see(&query.to_string()),
            InstrumentationEvent::BeginTransaction { .. }
            | InstrumentationEvent::CommitTransaction { .. }
            | InstrumentationEvent::RollbackTransaction { .. } => self.locked = false,
            _ => {}
        }
    }
}

impl Watch {
    fn see(&mut self, sql: &str) {
        let sql = sql.replace(['`', '"'], "");
        let writes = ["INSERT", "UPDATE", "DELETE"];
        if !writes.iter().any(|word| sql.starts_with(word)) {
            return;
        }
        if sql.starts_with("UPDATE audit_head") {
            *LOCKED.lock().unwrap() += usize::from(!self.locked);
            self.locked = true;
            return;
        }
        // Its own rows, and the outcome under a key that this very transaction has claimed.
        let own = [
            "INSERT INTO audit ",
            "DELETE FROM audit ",
            "INSERT INTO audit_checkpoints ",
            "UPDATE idempotency_keys ",
        ];
        if self.locked && !own.iter().any(|start| sql.starts_with(start)) {
            LATE.lock().unwrap().push(sql);
        }
    }
}

#[actix_web::test]
async fn the_head_of_the_audit_log_is_the_last_lock_of_every_transaction() {
    set_default_instrumentation(|| Some(Box::new(Watch::default()))).unwrap();
    let provider = Provider::new();
    let portal = provider.portal(&[]).await;
    walk(&portal, &provider).await;
    assert!(*LOCKED.lock().unwrap() > 30);
    let late = LATE.lock().unwrap().clone();
    assert!(late.is_empty(), "after the audit row: {late:#?}");
}

#[test]
fn a_late_write_is_seen() {
    let mut watch = Watch::default();
    watch.see("UPDATE `users` SET `name` = ? -- binds: [\"a\"]");
    watch.see("UPDATE `audit_head` SET `seq` = ?");
    assert!(watch.locked);
    let before = LATE.lock().unwrap().len();
    watch.see("SELECT `users`.`id` FROM `users`");
    watch.see("INSERT INTO `audit` (`id`) VALUES (?)");
    assert_eq!(LATE.lock().unwrap().len(), before);
}
