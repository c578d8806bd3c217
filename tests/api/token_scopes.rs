//! Which scope of an API token opens which operation: a row for every operation that asks who
//! calls, and a token of every scope walks all of them.

use std::collections::{BTreeMap, BTreeSet};

use bantin::domain::policy::scopes::SCOPES;
use bantin::domain::token::Scope;
use serde_json::json;

use crate::support::operations::{World, operations};
use crate::support::{PASSWORD, Portal};

/// The operations that each scope opens; a new operation needs a place here and in
/// `domain::policy::scopes::SCOPES`.
const MATRIX: &[(&str, &[&str])] = &[
    (
        "read:drafts",
        &[
            "compare_editions",
            "get_edition",
            "get_lock",
            "get_editorial_article",
            "get_editorial_caption",
            "get_editorial_category",
            "get_editorial_media",
            "get_editorial_portal",
            "get_inbox",
            "list_comments",
            "list_editions",
            "list_editorial_articles",
            "list_editorial_captions",
            "list_editorial_categories",
            "list_editorial_media",
            "list_media_uses",
            "list_people",
        ],
    ),
    (
        "write:articles",
        &[
            "create_article",
            "assign_article",
            "create_caption",
            "create_comment",
            "create_preview",
            "list_previews",
            "release_lock",
            "restore_edition",
            "revoke_preview",
            "take_lock",
            "delete_article",
            "delete_caption",
            "delete_comment",
            "recall_article",
            "replace_article",
            "return_article",
            "submit_article",
            "update_article",
            "update_caption",
        ],
    ),
    (
        "publish:articles",
        &[
            "approve_article",
            "archive_article",
            "publish_article",
            "restore_article",
            "take_down_article",
            "unschedule_article",
            "withdraw_article",
            "withdraw_media",
        ],
    ),
    (
        "write:media",
        &[
            "append_upload",
            "create_upload",
            "delete_media",
            "delete_media_track",
            "end_upload",
            "get_upload",
            "put_media_track",
            "replace_media",
            "replace_media_file",
            "update_media",
            "upload_media",
        ],
    ),
    (
        "write:categories",
        &[
            "create_category",
            "delete_category",
            "merge_category",
            "replace_category",
            "update_category",
        ],
    ),
    ("write:portal", &["replace_portal"]),
    ("read:users", &["get_user", "list_users"]),
    (
        "write:users",
        &[
            "create_user",
            "invite_user",
            "replace_user",
            "set_user_password",
            "update_user",
        ],
    ),
    (
        "read:audit",
        &["export_audit", "list_audit", "list_refused_sign_ins"],
    ),
    // For people who have signed in.
    (
        "",
        &[
            "change_password",
            "confirm_totp",
            "create_own_token",
            "create_service_token",
            "disable_totp",
            "end_other_sessions",
            "end_session",
            "get_me",
            "get_own_token",
            "get_token",
            "get_totp",
            "list_own_tokens",
            "list_sessions",
            "list_tokens",
            "logout",
            "renew_recovery_codes",
            "reset_user_totp",
            "revoke_own_token",
            "revoke_token",
            "sign_out_user",
            "start_totp",
            "unlock_user",
        ],
    ),
];

fn scope_of(id: &str) -> Option<&'static str> {
    let found = MATRIX.iter().find(|(_, ids)| ids.contains(&id));
    found.map(|(scope, _)| *scope)
}

#[test]
fn every_operation_that_asks_who_calls_has_a_scope_or_is_closed_to_tokens() {
    let mut decided: BTreeMap<(String, String), Option<Scope>> = SCOPES
        .iter()
        .map(|(method, path, scope)| (((*method).to_owned(), (*path).to_owned()), *scope))
        .collect();
    assert_eq!(decided.len(), SCOPES.len(), "an operation has two rows");
    for operation in operations().iter().filter(|op| op.is_secured()) {
        let key = (operation.method.to_string(), operation.pattern.to_owned());
        let Some(scope) = decided.remove(&key) else {
            panic!(
                "{} has no row in domain::policy::scopes::SCOPES",
                operation.id
            );
        };
        let wanted = scope_of(operation.id);
        let found = scope.map_or("", Scope::as_str);
        assert_eq!(wanted, Some(found), "{}", operation.id);
    }
    assert!(decided.is_empty(), "rows without an operation: {decided:?}");
}

#[test]
fn every_scope_is_in_the_matrix() {
    let rows: BTreeSet<&str> = MATRIX.iter().map(|(scope, _)| *scope).collect();
    for scope in Scope::ALL {
        assert!(rows.contains(scope.as_str()), "{}", scope.as_str());
    }
}

#[actix_web::test]
async fn a_token_opens_what_its_scope_says_and_nothing_else() {
    let portal = Portal::new().await;
    let world = World::new(&portal).await;
    let admin = portal.admin().await;
    // Somebody whose roles allow everything, so that only the scope decides.
    let all = json!({
        "login": "moi.viec", "name": "Mọi Việc", "roles": ["publisher", "admin"], "password": PASSWORD
    });
    admin.post("/v1/editorial/users", &all).await.created();
    let person = portal.user("moi.viec").await;
    for scope in Scope::ALL {
        let token = person.token(&[scope.as_str()]).await;
        let bearer = portal.bearer(&token);
        for operation in operations().iter().filter(|op| op.is_secured()) {
            let ask = bearer.ask(operation.method.clone(), &world.path(operation));
            let answer = world.fill(ask, operation).send().await;
            let said = answer.header("www-authenticate");
            match scope_of(operation.id).unwrap() {
                "" => {
                    answer.problem(403, "forbidden");
                }
                wanted if wanted == scope.as_str() => assert!(
                    !matches!(answer.status, 401 | 403),
                    "{} with {wanted}: {}",
                    operation.id,
                    answer.text()
                ),
                wanted => {
                    answer.problem(403, "insufficient_scope");
                    let says = format!("Bearer error=\"insufficient_scope\", scope=\"{wanted}\"");
                    assert_eq!(said, says, "{}", operation.id);
                }
            }
        }
    }
}

#[actix_web::test]
async fn a_token_with_every_scope_does_no_more_than_the_roles_of_its_user() {
    let portal = Portal::new().await;
    let world = World::new(&portal).await;
    let every: Vec<&str> = Scope::ALL.iter().map(|scope| scope.as_str()).collect();
    for login in ["reporter", "editor", "publisher", "admin"] {
        let token = portal.user(login).await.token(&every).await;
        for operation in operations().iter().filter(|op| op.is_secured()) {
            if scope_of(operation.id) == Some("") {
                continue;
            }
            let path = world.path(operation);
            let status = async |user: crate::support::User<'_>| {
                let ask = user.ask(operation.method.clone(), &path);
                world.fill(ask, operation).send().await.status
            };
            let signed_in = status(portal.user(login).await).await;
            let with_token = status(portal.bearer(&token)).await;
            assert_eq!(
                with_token == 403,
                signed_in == 403,
                "{} by {login}: {with_token}, signed in {signed_in}",
                operation.id
            );
        }
    }
}
