//! Which scope of an API token opens which operation.

use crate::domain::article::Action;
use crate::domain::token::Scope;

/// What an API token needs for each operation that asks who calls, beside the right of its user;
/// `None`: no token will do, somebody has to sign in. An operation that is missing here is closed
/// to all tokens, and `tests/api/token_scopes.rs` fails.
#[rustfmt::skip]
pub const SCOPES: &[(&str, &str, Option<Scope>)] = &[
    ("GET", "/v1/editorial/articles", Some(Scope::ReadDrafts)),
    ("POST", "/v1/editorial/articles", Some(Scope::WriteArticles)),
    ("GET", "/v1/editorial/articles/{id}", Some(Scope::ReadDrafts)),
    ("PUT", "/v1/editorial/articles/{id}", Some(Scope::WriteArticles)),
    ("PATCH", "/v1/editorial/articles/{id}", Some(Scope::WriteArticles)),
    ("DELETE", "/v1/editorial/articles/{id}", Some(Scope::WriteArticles)),
    ("GET", "/v1/editorial/articles/{id}/editions", Some(Scope::ReadDrafts)),
    ("GET", "/v1/editorial/articles/{id}/editions/{number}", Some(Scope::ReadDrafts)),
    ("GET", "/v1/editorial/articles/{id}/editions/{number}/diff", Some(Scope::ReadDrafts)),
    ("POST", "/v1/editorial/articles/{id}/editions/{number}/restore", Some(Scope::WriteArticles)),
    ("GET", "/v1/editorial/articles/{id}/lock", Some(Scope::ReadDrafts)),
    ("PUT", "/v1/editorial/articles/{id}/lock", Some(Scope::WriteArticles)),
    ("DELETE", "/v1/editorial/articles/{id}/lock", Some(Scope::WriteArticles)),
    // The list shows addresses that open drafts to anybody: it is for those who may make them.
    ("GET", "/v1/editorial/articles/{id}/previews", Some(Scope::WriteArticles)),
    ("POST", "/v1/editorial/articles/{id}/previews", Some(Scope::WriteArticles)),
    ("DELETE", "/v1/editorial/articles/{id}/previews/{preview_id}", Some(Scope::WriteArticles)),
    ("POST", "/v1/editorial/articles/{id}/publish", Some(Scope::PublishArticles)),
    ("POST", "/v1/editorial/articles/{id}/withdraw", Some(Scope::PublishArticles)),
    ("POST", "/v1/editorial/articles/{id}/take-down", Some(Scope::PublishArticles)),
    ("POST", "/v1/editorial/articles/{id}/restore", Some(Scope::PublishArticles)),
    ("POST", "/v1/editorial/articles/{id}/submit", Some(Scope::WriteArticles)),
    ("POST", "/v1/editorial/articles/{id}/recall", Some(Scope::WriteArticles)),
    ("POST", "/v1/editorial/articles/{id}/return", Some(Scope::WriteArticles)),
    ("POST", "/v1/editorial/articles/{id}/assign", Some(Scope::WriteArticles)),
    ("POST", "/v1/editorial/articles/{id}/approve", Some(Scope::PublishArticles)),
    ("POST", "/v1/editorial/articles/{id}/unschedule", Some(Scope::PublishArticles)),
    ("POST", "/v1/editorial/articles/{id}/archive", Some(Scope::PublishArticles)),
    ("POST", "/v1/editorial/articles/{id}/comments", Some(Scope::WriteArticles)),
    ("GET", "/v1/editorial/articles/{id}/comments", Some(Scope::ReadDrafts)),
    ("DELETE", "/v1/editorial/articles/{id}/comments/{comment_id}", Some(Scope::WriteArticles)),
    ("GET", "/v1/editorial/inbox", Some(Scope::ReadDrafts)),
    ("GET", "/v1/editorial/people", Some(Scope::ReadDrafts)),
    ("GET", "/v1/editorial/captions", Some(Scope::ReadDrafts)),
    ("POST", "/v1/editorial/captions", Some(Scope::WriteArticles)),
    ("GET", "/v1/editorial/captions/{id}", Some(Scope::ReadDrafts)),
    ("PATCH", "/v1/editorial/captions/{id}", Some(Scope::WriteArticles)),
    ("DELETE", "/v1/editorial/captions/{id}", Some(Scope::WriteArticles)),
    ("GET", "/v1/editorial/media", Some(Scope::ReadDrafts)),
    ("POST", "/v1/editorial/media", Some(Scope::WriteMedia)),
    ("GET", "/v1/editorial/media/{id}", Some(Scope::ReadDrafts)),
    ("PUT", "/v1/editorial/media/{id}", Some(Scope::WriteMedia)),
    ("PATCH", "/v1/editorial/media/{id}", Some(Scope::WriteMedia)),
    ("DELETE", "/v1/editorial/media/{id}", Some(Scope::WriteMedia)),
    ("PUT", "/v1/editorial/media/{id}/file", Some(Scope::WriteMedia)),
    ("PUT", "/v1/editorial/media/{id}/tracks/{language}", Some(Scope::WriteMedia)),
    ("DELETE", "/v1/editorial/media/{id}/tracks/{language}", Some(Scope::WriteMedia)),
    ("GET", "/v1/editorial/media/{id}/uses", Some(Scope::ReadDrafts)),
    // It changes what readers see.
    ("POST", "/v1/editorial/media/{id}/withdraw", Some(Scope::PublishArticles)),
    ("POST", "/v1/editorial/uploads", Some(Scope::WriteMedia)),
    ("GET", "/v1/editorial/uploads/{id}", Some(Scope::WriteMedia)),
    ("PATCH", "/v1/editorial/uploads/{id}", Some(Scope::WriteMedia)),
    ("DELETE", "/v1/editorial/uploads/{id}", Some(Scope::WriteMedia)),
    ("GET", "/v1/editorial/categories", Some(Scope::ReadDrafts)),
    ("POST", "/v1/editorial/categories", Some(Scope::WriteCategories)),
    ("GET", "/v1/editorial/categories/{id}", Some(Scope::ReadDrafts)),
    ("PUT", "/v1/editorial/categories/{id}", Some(Scope::WriteCategories)),
    ("PATCH", "/v1/editorial/categories/{id}", Some(Scope::WriteCategories)),
    ("DELETE", "/v1/editorial/categories/{id}", Some(Scope::WriteCategories)),
    ("POST", "/v1/editorial/categories/{id}/merge", Some(Scope::WriteCategories)),
    ("GET", "/v1/editorial/portal", Some(Scope::ReadDrafts)),
    ("PUT", "/v1/editorial/portal", Some(Scope::WritePortal)),
    ("GET", "/v1/editorial/users", Some(Scope::ReadUsers)),
    ("POST", "/v1/editorial/users", Some(Scope::WriteUsers)),
    ("GET", "/v1/editorial/users/{id}", Some(Scope::ReadUsers)),
    ("PUT", "/v1/editorial/users/{id}", Some(Scope::WriteUsers)),
    ("PATCH", "/v1/editorial/users/{id}", Some(Scope::WriteUsers)),
    ("POST", "/v1/editorial/users/{id}/password", Some(Scope::WriteUsers)),
    ("POST", "/v1/editorial/users/{id}/invitation", Some(Scope::WriteUsers)),
    ("GET", "/v1/editorial/audit", Some(Scope::ReadAudit)),
    ("GET", "/v1/editorial/audit/export", Some(Scope::ReadAudit)),
    ("GET", "/v1/editorial/audit/refused-sign-ins", Some(Scope::ReadAudit)),
    // A token that makes tokens would outlive its own revocation; passwords and sign-ins are for people.
    ("GET", "/v1/editorial/tokens", None),
    ("POST", "/v1/editorial/tokens", None),
    ("GET", "/v1/editorial/tokens/{id}", None),
    ("DELETE", "/v1/editorial/tokens/{id}", None),
    ("POST", "/v1/auth/logout", None),
    ("POST", "/v1/auth/password", None),
    ("GET", "/v1/auth/me", None),
    ("GET", "/v1/auth/sessions", None),
    ("DELETE", "/v1/auth/sessions", None),
    ("DELETE", "/v1/auth/sessions/{id}", None),
    ("POST", "/v1/editorial/users/{id}/sign-out", None),
    ("POST", "/v1/editorial/users/{id}/unlock", None),
    ("POST", "/v1/editorial/users/{id}/totp/reset", None),
    ("GET", "/v1/auth/totp", None),
    ("POST", "/v1/auth/totp", None),
    ("POST", "/v1/auth/totp/confirm", None),
    ("POST", "/v1/auth/totp/disable", None),
    ("POST", "/v1/auth/totp/recovery-codes", None),
    ("GET", "/v1/auth/tokens", None),
    ("POST", "/v1/auth/tokens", None),
    ("GET", "/v1/auth/tokens/{id}", None),
    ("DELETE", "/v1/auth/tokens/{id}", None),
];

/// The scope for a method and a path pattern; none where tokens are of no use.
pub fn scope_of(method: &str, pattern: &str) -> Option<Scope> {
    SCOPES
        .iter()
        .find(|(verb, path, _)| *verb == method && *path == pattern)
        .and_then(|(_, _, scope)| *scope)
}

/// The scope for an action on an article: that of its operation.
pub fn scope_of_action(action: Action) -> Option<Scope> {
    let article = "/v1/editorial/articles/{id}";
    match action {
        Action::Save => scope_of("PUT", article),
        Action::Delete => scope_of("DELETE", article),
        _ => scope_of("POST", &format!("{article}/{}", action.as_str())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_action_is_an_operation_that_some_scope_opens() {
        for action in Action::ALL {
            assert!(scope_of_action(*action).is_some(), "{action:?}");
        }
    }
}
