//! Links that show one edition, as readers would see it, to who has them.

use deserr::Deserr;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::id::{ArticleId, EditionNumber, PreviewId, UserId};
use super::input::{Faults, Whole};
use super::time::Instant;

/// Seconds that a link opens where nobody says.
const DEFAULT_SECONDS: i64 = 24 * 60 * 60;

/// Body of a new link.
#[derive(Debug, Clone, Default, Deserr, ToSchema)]
#[deserr(error = Faults, deny_unknown_fields)]
pub struct NewPreview {
    /// The newest edition when absent. What is saved later is not shown.
    #[deserr(default)]
    pub edition: Option<EditionNumber>,
    /// Seconds, at most seven days; a day when absent.
    #[deserr(default)]
    #[schema(inline)]
    pub expires_in: Option<Whole<60, 604_800>>,
}

impl NewPreview {
    pub fn seconds(&self) -> i64 {
        self.expires_in.map_or(DEFAULT_SECONDS, Whole::get)
    }
}

/// A link as it is stored: without its seal.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Preview {
    pub id: PreviewId,
    pub article_id: ArticleId,
    pub edition: EditionNumber,
    pub created_by: UserId,
    pub created_at: Instant,
    pub expires_at: Instant,
}

impl Preview {
    pub fn opens_at(&self, now: Instant) -> bool {
        self.expires_at.micros() > now.micros()
    }

    /// What the seal of the link is made over: all that it opens, so that a number that a restored
    /// backup gives out again opens nothing else.
    pub fn sealed_text(&self) -> String {
        format!(
            "/v1/previews/{}?article={}&edition={}&created={}&expires={}",
            self.id,
            self.article_id,
            self.edition,
            self.created_at.micros(),
            self.expires_at.micros()
        )
    }
}
