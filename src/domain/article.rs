//! States of an article and what may be done in each: the one state machine.

use deserr::Deserr;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::content::Content;
use super::id::{ArticleId, CategoryId, EditionNumber, UserId, Version};
use super::input::{FaultCode, Faults, text, words};
use super::slug::Slug;
use super::time::{Day, Instant};

text! {
    /// A public note: what was corrected, or why an article was withdrawn.
    Note(1..=1000, Multi, "Đính chính số liệu ở đoạn hai.");
}

words! {
    /// Stage of the working copy.
    Stage { Draft = "draft", Submitted = "submitted", Approved = "approved", Returned = "returned" }
    /// What readers see of an article.
    PublicState {
        None = "none", Live = "live", Withdrawn = "withdrawn", Archived = "archived",
        TakenDown = "taken_down",
    }
    /// The state of an article that readers can open.
    Status { Live = "live", Withdrawn = "withdrawn", Archived = "archived" }
    /// What publishing over something once public is.
    PublishKind { Minor = "minor", Correction = "correction" }
    /// Why something was taken down; public for ever.
    ReasonCode {
        Wrong = "wrong", CourtOrder = "court_order", AuthorityRequest = "authority_request",
        Privacy = "privacy", Copyright = "copyright", SourceWithdrawn = "source_withdrawn",
        Other = "other",
    }
    /// What can be done to an article.
    Action {
        Save = "save", Delete = "delete", Publish = "publish", Withdraw = "withdraw",
        TakeDown = "take-down", Restore = "restore",
    }
}

/// Body of `publish`.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, Deserr, ToSchema)]
#[deserr(error = Faults, deny_unknown_fields)]
#[serde(deny_unknown_fields)]
pub struct Publish {
    /// Absent at the first publication, required ever after.
    #[deserr(default)]
    #[schema(inline)]
    pub kind: Option<PublishKind>,
    /// Required and public with `correction`; otherwise kept in the audit log only.
    #[deserr(default)]
    pub note: Option<Note>,
}

impl Publish {
    /// The rules that depend on what is public now.
    pub fn check(&self, state: PublicState) -> Result<(), Faults> {
        let mut faults = Faults::default();
        match (state, self.kind) {
            (PublicState::None, Some(_)) => faults.push(
                "/kind",
                FaultCode::Conflict,
                "must be absent at the first publication",
            ),
            (PublicState::None, None) => {}
            (_, None) => faults.push(
                "/kind",
                FaultCode::Required,
                "is required for what was public before: minor or correction",
            ),
            (PublicState::TakenDown, Some(PublishKind::Minor)) => faults.push(
                "/kind",
                FaultCode::Conflict,
                "what was taken down comes back only as a correction",
            ),
            _ => {}
        }
        if self.kind == Some(PublishKind::Correction) && self.note.is_none() {
            faults.push(
                "/note",
                FaultCode::Required,
                "is required with a correction",
            );
        }
        faults.or(())
    }
}

/// Body of `withdraw`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Deserr, ToSchema)]
#[deserr(error = Faults, deny_unknown_fields)]
#[serde(deny_unknown_fields)]
pub struct Withdraw {
    /// Shown to readers.
    pub note: Note,
}

/// Body of `take-down`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Deserr, ToSchema)]
#[deserr(error = Faults, deny_unknown_fields)]
#[serde(deny_unknown_fields)]
pub struct TakeDown {
    #[schema(inline)]
    pub reason_code: ReasonCode,
    /// Never public; kept in the audit log.
    #[deserr(default)]
    pub note: Option<Note>,
}

/// The actions that a public state allows, whoever asks.
pub fn moves(state: PublicState) -> &'static [Action] {
    use Action::{Delete, Publish, Restore, Save, TakeDown, Withdraw};
    match state {
        PublicState::None => &[Save, Delete, Publish],
        PublicState::Live => &[Save, Publish, Withdraw, TakeDown],
        PublicState::Withdrawn => &[Save, Publish, TakeDown, Restore],
        PublicState::Archived => &[Save, Publish, Withdraw, TakeDown, Restore],
        PublicState::TakenDown => &[Save, Publish, Restore],
    }
}

/// An article as editors have it: identity, state and working copy.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Article {
    pub id: ArticleId,
    pub version: Version,
    pub uuid: String,
    /// Permanent identity; none before anything of the portal was public.
    pub uri: Option<String>,
    pub slug: Slug,
    pub category_id: CategoryId,
    pub stage: Stage,
    /// Number of the newest edition: the working copy.
    pub edition: EditionNumber,
    pub public_state: PublicState,
    pub public_edition: Option<EditionNumber>,
    /// Public note of a withdrawal.
    pub state_note: Option<Note>,
    /// Since when it is withdrawn, archived or taken down.
    pub state_at: Option<Instant>,
    pub reason_code: Option<ReasonCode>,
    /// As fixed at the first publication.
    pub published_on: Option<Day>,
    pub published_at: Option<Instant>,
    pub first_published_at: Option<Instant>,
    pub created_by: UserId,
    pub created_at: Instant,
    pub updated_at: Instant,
    pub content: Content,
}

impl Article {
    pub fn has_unpublished_changes(&self) -> bool {
        self.public_edition != Some(self.edition)
    }

    /// Passes for what the state machine allows.
    pub fn allows(&self, action: Action) -> bool {
        moves(self.public_state).contains(&action)
    }
}
