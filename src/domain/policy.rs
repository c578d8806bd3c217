//! Who may do what: the one table of roles and rights.

use super::article::{Action, PublicState, moves};
use super::id::UserId;
use super::user::{Actor, Role};

/// What an operation needs. `http::extract::Can` proves one of these.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Right {
    /// Any user who is signed in.
    SignedIn,
    /// Read the editorial side, write own articles, upload media.
    Write,
    /// Change any article, caption or medium.
    Edit,
    /// Decide what readers see; manage categories.
    Publish,
    /// Manage users and the portal.
    Administer,
}

/// Does one of the roles carry the right?
pub fn has(roles: &[Role], right: Right) -> bool {
    roles.iter().any(|role| match right {
        Right::SignedIn => true,
        Right::Write => matches!(role, Role::Reporter | Role::Editor | Role::Publisher),
        Right::Edit => matches!(role, Role::Editor | Role::Publisher),
        Right::Publish => matches!(role, Role::Publisher),
        Right::Administer => matches!(role, Role::Admin),
    })
}

/// May the actor see and save this article? Reporters only their own.
pub fn may_edit(actor: &Actor, created_by: UserId) -> bool {
    has(&actor.roles, Right::Edit)
        || (has(&actor.roles, Right::Write) && actor.user_id == created_by)
}

/// The actions open to this actor on an article in this state.
pub fn allowed_actions(actor: &Actor, created_by: UserId, state: PublicState) -> Vec<Action> {
    moves(state)
        .iter()
        .copied()
        .filter(|action| match action {
            Action::Save | Action::Delete => may_edit(actor, created_by),
            _ => has(&actor.roles, Right::Publish),
        })
        .collect()
}
