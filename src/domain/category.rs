//! Categories: the tree laid down by decree.

use deserr::Deserr;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::id::CategoryId;
use super::input::{Faults, text};
use super::slug::Slug;

text! {
    /// Name of a category.
    CategoryName(1..=200, Single, "Tin tức - Sự kiện");
    /// The legal text that demands the category.
    LegalReference(1..=500, Single, "Điều 4 Nghị định 42/2022/NĐ-CP");
}

/// Deepest level of the tree; the top is 1.
pub const MAX_DEPTH: usize = 4;

/// What a publisher says of a category; POST and PUT take exactly this, PATCH merges into it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Deserr, ToSchema)]
#[deserr(error = Faults, deny_unknown_fields)]
#[serde(deny_unknown_fields)]
pub struct CategoryContent {
    pub name: CategoryName,
    /// Made from the name when absent at creation; later null keeps the current one.
    #[deserr(default)]
    pub slug: Option<Slug>,
    /// The category above; null at the top.
    #[deserr(default)]
    pub parent_id: Option<CategoryId>,
    /// Order among its siblings, then by name.
    #[deserr(default)]
    #[schema(minimum = 0, maximum = 65535)]
    pub position: u16,
    #[deserr(default)]
    pub legal_reference: Option<LegalReference>,
}

/// Where a category is merged into.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Deserr, ToSchema)]
#[deserr(error = Faults, deny_unknown_fields)]
#[serde(deny_unknown_fields)]
pub struct CategoryMerge {
    /// Slug of the category that gets everything; an old one will do.
    pub into: Slug,
}

/// A category as stored.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Category {
    pub id: CategoryId,
    pub version: super::id::Version,
    pub uuid: String,
    pub slug: Slug,
    pub name: CategoryName,
    pub parent_id: Option<CategoryId>,
    /// Ids from the top down to this one, itself included.
    pub path: Vec<CategoryId>,
    pub position: u16,
    pub legal_reference: Option<LegalReference>,
}

impl Category {
    pub fn content(&self) -> CategoryContent {
        CategoryContent {
            name: self.name.clone(),
            slug: Some(self.slug.clone()),
            parent_id: self.parent_id,
            position: self.position,
            legal_reference: self.legal_reference.clone(),
        }
    }
}
