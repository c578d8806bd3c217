//! Who may do what: the one table of roles and rights.

use super::article::{Action, PublishKind, Situation, Stage};
use super::input::words;
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

/// May the actor know of this article? Reporters know those that they made or that are assigned to
/// them.
pub fn may_edit(actor: &Actor, article: &Situation) -> bool {
    let own = actor.user_id == article.created_by || article.assigned_to == Some(actor.user_id);
    has(&actor.roles, Right::Edit) || (has(&actor.roles, Right::Write) && own)
}

/// May the actor do this to the article as it stands? The one table of states, actions and roles.
pub fn may(actor: &Actor, article: &Situation, action: Action) -> bool {
    let right = match action {
        // What was handed in is the editors' until it is recalled.
        Action::Save | Action::Delete
            if matches!(article.stage, Stage::Submitted | Stage::Approved) =>
        {
            Right::Edit
        }
        Action::Save | Action::Delete | Action::Submit | Action::Recall => Right::Write,
        Action::Return | Action::Approve => Right::Edit,
        Action::Publish
        | Action::Unschedule
        | Action::Withdraw
        | Action::Archive
        | Action::TakeDown
        | Action::Restore => Right::Publish,
    };
    may_edit(actor, article) && has(&actor.roles, right) && article.allows(action)
}

/// The actions open to this actor.
pub fn allowed_actions(actor: &Actor, article: &Situation) -> Vec<Action> {
    Action::ALL
        .iter()
        .copied()
        .filter(|action| may(actor, article, *action))
        .collect()
}

words! {
    /// Must somebody else publish what one has written?
    FourEyes { On = "on", ExceptMinor = "except_minor", Off = "off" }
}

impl FourEyes {
    /// May somebody publish who wrote an edition since the last public one?
    pub fn lets_authors(self, kind: Option<PublishKind>) -> bool {
        match self {
            Self::On => false,
            Self::ExceptMinor => kind == Some(PublishKind::Minor),
            Self::Off => true,
        }
    }
}
