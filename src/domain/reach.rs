//! How far somebody's roles go: over the whole portal, or over some categories and all below them.

use serde::{Deserialize, Serialize};

use super::id::CategoryId;
use super::slug::Slug;

/// Where a user's roles hold. Users and the portal are not in a category, so that it limits no
/// admin; media are not either.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub enum Reach {
    #[default]
    Everywhere,
    /// In these and all below them; none at all where the list is empty.
    Only(Vec<Granted>),
}

/// A category that a user's roles are limited to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Granted {
    pub id: CategoryId,
    /// As it is now.
    pub slug: Slug,
}

impl Reach {
    /// Most categories of one user.
    pub const MOST: usize = 100;

    /// Does it cover a category, given by its ids from the top down? The top itself, an empty
    /// path, only where nothing limits it.
    pub fn covers(&self, path: &[CategoryId]) -> bool {
        match self {
            Self::Everywhere => true,
            Self::Only(granted) => granted.iter().any(|one| path.contains(&one.id)),
        }
    }

    /// As admins write it: null is everywhere.
    pub fn slugs(&self) -> Option<Vec<Slug>> {
        match self {
            Self::Everywhere => None,
            Self::Only(granted) => Some(granted.iter().map(|one| one.slug.clone()).collect()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn only(ids: &[i64]) -> Reach {
        let granted = ids.iter().map(|id| Granted {
            id: CategoryId::stored(*id),
            slug: Slug::stored(format!("muc-{id}")),
        });
        Reach::Only(granted.collect())
    }

    fn path(ids: &[i64]) -> Vec<CategoryId> {
        ids.iter().copied().map(CategoryId::stored).collect()
    }

    #[test]
    fn a_category_covers_what_is_below_it_and_nothing_beside_or_above() {
        let reach = only(&[2, 7]);
        for inside in [&[1, 2][..], &[1, 2, 3], &[7], &[7, 8, 9, 10]] {
            assert!(reach.covers(&path(inside)), "{inside:?}");
        }
        for outside in [&[][..], &[1], &[1, 3], &[6], &[8]] {
            assert!(!reach.covers(&path(outside)), "{outside:?}");
        }
    }

    #[test]
    fn no_limit_is_everywhere_and_an_empty_one_nowhere() {
        for place in [&[][..], &[1], &[1, 2]] {
            assert!(Reach::Everywhere.covers(&path(place)));
            assert!(!only(&[]).covers(&path(place)));
        }
        assert_eq!(Reach::Everywhere.slugs(), None);
        assert_eq!(only(&[]).slugs(), Some(Vec::new()));
    }
}
