//! States of an article and what may be done in each: the one state machine.

use deserr::Deserr;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::content::Content;
use super::id::{ArticleId, CategoryId, CommentId, EditionNumber, UserId, Version};
use super::input::{FaultCode, Faults, text, words};
use super::lock::Lock;
use super::slug::Slug;
use super::time::{Day, Instant};
use super::user::Who;

text! {
    /// A public note: what was corrected, or why an article was withdrawn.
    Note(1..=1000, Multi, "Đính chính số liệu ở đoạn hai.");
    /// What somebody in the newsroom says of an article; never public.
    CommentText(1..=4000, Multi, "Đã gọi lại Phòng Nông nghiệp: số liệu đúng.");
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
        Save = "save", Delete = "delete", Submit = "submit", Recall = "recall",
        Return = "return", Approve = "approve", Publish = "publish", Unschedule = "unschedule",
        Withdraw = "withdraw", Archive = "archive", TakeDown = "take-down", Restore = "restore",
    }
    /// Something that happens to an article by itself when its time has come.
    Event { Publication = "publication", Expiry = "expiry" }
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
    /// When to publish, in the future; now when absent.
    #[deserr(default)]
    pub at: Option<Instant>,
    /// When the article leaves the news and becomes archived. Absent: as it was said before; null:
    /// never.
    #[deserr(default)]
    #[serde(default)]
    #[schema(value_type = Option<Instant>)]
    pub expire_at: Expiry,
}

/// What a publication says of the end of an article.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub enum Expiry {
    /// Nothing: what was said before holds.
    #[default]
    AsBefore,
    Never,
    At(Instant),
}

impl Deserr<Faults> for Expiry {
    fn deserialize_from_value<V: deserr::IntoValue>(
        value: deserr::Value<V>,
        location: deserr::ValuePointerRef,
    ) -> Result<Self, Faults> {
        Option::<Instant>::deserialize_from_value(value, location)
            .map(|at| at.map_or(Self::Never, Self::At))
    }
}

impl Publish {
    /// The rules that depend on what is public now, and on the time.
    pub fn check(&self, state: PublicState, now: Instant) -> Result<(), Faults> {
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
        if self.at.is_some_and(|at| at.micros() <= now.micros()) {
            faults.push("/at", FaultCode::OutOfRange, "must lie in the future");
        }
        let begins = self.at.unwrap_or(now);
        if matches!(self.expire_at, Expiry::At(end) if end.micros() <= begins.micros()) {
            faults.push(
                "/expire_at",
                FaultCode::OutOfRange,
                "must lie after the publication",
            );
        }
        faults.or(())
    }

    /// The end of an article that is public from `begins` on, where `before` was said of it earlier.
    pub fn expiry(&self, before: Option<Instant>, begins: Instant) -> Option<Instant> {
        match self.expire_at {
            Expiry::AsBefore => before.filter(|end| end.micros() > begins.micros()),
            Expiry::Never => None,
            Expiry::At(end) => Some(end),
        }
    }
}

/// A publication that is to come.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Scheduled {
    /// Exactly this one, whatever is saved later.
    pub edition: EditionNumber,
    pub at: Instant,
    #[schema(inline)]
    pub kind: Option<PublishKind>,
    pub note: Option<Note>,
    /// Until when the article is to stay in the news.
    pub expire_at: Option<Instant>,
    /// Who said so.
    pub by: UserId,
}

/// Body of `return`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Deserr, ToSchema)]
#[deserr(error = Faults, deny_unknown_fields)]
#[serde(deny_unknown_fields)]
pub struct Return {
    /// What is to be done; shown to the author, never public.
    pub reason: Note,
}

/// Body of `unschedule`.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, Deserr, ToSchema)]
#[deserr(error = Faults, deny_unknown_fields)]
#[serde(deny_unknown_fields)]
pub struct Unschedule {
    /// What is not to happen; everything that is scheduled when absent.
    #[deserr(default)]
    #[schema(inline)]
    pub event: Option<Event>,
}

/// Body of `assign`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Deserr, ToSchema)]
#[deserr(error = Faults, deny_unknown_fields)]
#[serde(deny_unknown_fields)]
pub struct Assign {
    /// Who is to go on with it; null: nobody.
    pub user_id: Option<UserId>,
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
    /// On what ground, as a decision and its number. Never public; kept in the audit log.
    #[deserr(default)]
    pub legal_basis: Option<Note>,
    /// Who asked for it. Never public; kept in the audit log.
    #[deserr(default)]
    pub requester: Option<Note>,
}

/// Body of a new comment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Deserr, ToSchema)]
#[deserr(error = Faults, deny_unknown_fields)]
#[serde(deny_unknown_fields)]
pub struct NewComment {
    pub text: CommentText,
}

impl TakeDown {
    /// For the audit log.
    pub fn reason(&self) -> String {
        match &self.note {
            Some(note) => format!("{}: {}", self.reason_code.as_str(), note.as_str()),
            None => self.reason_code.as_str().to_owned(),
        }
    }

    /// For the audit log, as JSON: who wanted it and on what ground, where that is known.
    pub fn details(&self) -> Option<String> {
        let known = self.legal_basis.is_some() || self.requester.is_some();
        let details = serde_json::json!({
            "legal_basis": self.legal_basis,
            "requester": self.requester,
        });
        known.then(|| details.to_string())
    }

    pub fn because(reason_code: ReasonCode, note: Option<Note>) -> Self {
        Self {
            reason_code,
            note,
            legal_basis: None,
            requester: None,
        }
    }
}

/// A comment on an article, for the newsroom only.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Comment {
    pub id: CommentId,
    pub article_id: ArticleId,
    /// The newest edition when it was said.
    pub edition: EditionNumber,
    pub text: CommentText,
    pub created_by: UserId,
    pub created_at: Instant,
}

/// Everything about an article that decides what may be done to it, and by whom.
#[derive(Debug, Clone, PartialEq)]
pub struct Situation {
    pub created_by: UserId,
    pub assigned_to: Option<UserId>,
    pub stage: Stage,
    pub public_state: PublicState,
    /// Number of the newest edition.
    pub edition: EditionNumber,
    pub public_edition: Option<EditionNumber>,
    /// The edition of a publication that is to come.
    pub scheduled: Option<EditionNumber>,
    /// Will it be archived by itself?
    pub expires: bool,
    /// Category of the working copy, by its ids from the top down.
    pub path: Vec<CategoryId>,
    /// The same of what readers see, would see again, or are to see.
    pub public_paths: Vec<Vec<CategoryId>>,
}

impl Situation {
    pub fn has_unpublished_changes(&self) -> bool {
        self.public_edition != Some(self.edition)
    }

    /// The state machine: may this be done, whoever asks?
    pub fn allows(&self, action: Action) -> bool {
        use PublicState::{Archived, Live, TakenDown, Withdrawn};
        let public = self.public_state;
        match action {
            Action::Save | Action::Publish => true,
            Action::Delete => public == PublicState::None && self.scheduled.is_none(),
            Action::Submit => {
                matches!(self.stage, Stage::Draft | Stage::Returned)
                    && self.has_unpublished_changes()
            }
            // What will be published by itself is not in anybody's hands: unschedule it first.
            Action::Recall | Action::Return => {
                matches!(self.stage, Stage::Submitted | Stage::Approved)
                    && self.scheduled != Some(self.edition)
            }
            Action::Approve => self.stage == Stage::Submitted,
            Action::Unschedule => self.scheduled.is_some() || self.expires,
            Action::Withdraw => matches!(public, Live | Archived),
            Action::Archive => public == Live,
            Action::TakeDown => matches!(public, Live | Withdrawn | Archived),
            Action::Restore => matches!(public, Withdrawn | Archived | TakenDown),
        }
    }

    /// Where it stands, for people.
    pub fn describe(&self) -> String {
        let public = match self.public_state {
            PublicState::None => "was never public",
            state => state.as_str(),
        };
        let scheduled = match self.scheduled {
            Some(edition) => format!(", edition {edition} is scheduled"),
            None => String::new(),
        };
        format!(
            "the article: public state {public}, stage {}{scheduled}",
            self.stage.as_str()
        )
    }
}

impl Stage {
    /// The stage after a save: what was handed in stays handed in, and an approval held only for
    /// the edition that it named.
    pub fn saved(self) -> Self {
        match self {
            Self::Draft | Self::Returned => Self::Draft,
            Self::Submitted | Self::Approved => Self::Submitted,
        }
    }
}

/// The newest version of an article: what a client that comes too late is told.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Saved {
    pub version: Version,
    /// The newest edition. Actions make a new version, too, but no edition.
    pub edition: EditionNumber,
    /// Who made this version, by a save or an action.
    pub saved_by: Who,
    pub saved_at: Instant,
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
    /// The category and its ancestors, from the top down.
    #[serde(default)]
    pub path: Vec<CategoryId>,
    /// The same of the public edition.
    #[serde(default)]
    pub public_path: Option<Vec<CategoryId>>,
    /// The same of the edition that is scheduled.
    #[serde(default)]
    pub scheduled_path: Option<Vec<CategoryId>>,
    pub stage: Stage,
    /// Who brought it to this stage and when; none for a draft.
    pub stage_by: Option<UserId>,
    pub stage_at: Option<Instant>,
    /// Why it was returned, until it is handed in again.
    pub return_reason: Option<Note>,
    pub assigned_to: Option<UserId>,
    /// Number of the newest edition: the working copy.
    pub edition: EditionNumber,
    pub public_state: PublicState,
    pub public_edition: Option<EditionNumber>,
    pub scheduled: Option<Scheduled>,
    /// When it becomes archived.
    pub expire_at: Option<Instant>,
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
    /// Who said last to be at work on it; may have expired.
    pub lock: Option<Lock>,
    pub content: Content,
}

impl Article {
    pub fn situation(&self) -> Situation {
        Situation {
            created_by: self.created_by,
            assigned_to: self.assigned_to,
            stage: self.stage,
            public_state: self.public_state,
            edition: self.edition,
            public_edition: self.public_edition,
            scheduled: self.scheduled.as_ref().map(|scheduled| scheduled.edition),
            expires: self.expire_at.is_some(),
            path: self.path.clone(),
            public_paths: self
                .public_path
                .iter()
                .chain(self.scheduled.as_ref().and(self.scheduled_path.as_ref()))
                .cloned()
                .collect(),
        }
    }

    /// Brings it to a stage; what was said at the one before is over.
    pub fn move_to(&mut self, stage: Stage, by: UserId, at: Instant) {
        let is_draft = stage == Stage::Draft;
        self.stage = stage;
        self.stage_by = (!is_draft).then_some(by);
        self.stage_at = (!is_draft).then_some(at);
        if !is_draft {
            self.return_reason = None;
        }
    }
}
