//! Slugs: the public handle of an article or category, made by Vietnamese folding.

use serde::{Deserialize, Serialize};

use super::input::{FaultCode, Refusal, from_text};
use super::text;

/// Lower-case ASCII words joined by hyphens, at most 100 characters.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Slug(String);

impl Slug {
    pub const PATTERN: &str = "^[a-z0-9]+(-[a-z0-9]+)*$";
    pub const MAX: usize = 100;

    pub fn parse(raw: &str) -> Result<Self, Refusal> {
        if raw.len() > Self::MAX {
            return Err(Refusal::new(
                FaultCode::TooLong,
                "has more than 100 characters",
            ));
        }
        let fits = raw.split('-').all(|word| {
            !word.is_empty()
                && word
                    .bytes()
                    .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
        });
        if fits {
            Ok(Self(raw.to_owned()))
        } else {
            Err(Refusal::new(
                FaultCode::BadFormat,
                format!("must match {}", Self::PATTERN),
            ))
        }
    }

    /// A slug that this program stored itself.
    pub fn stored(text: String) -> Self {
        Self(text)
    }

    /// From a title: folded, cut at a word; `tin` where nothing usable remains.
    pub fn from_title(title: &str) -> Self {
        let mut slug = String::new();
        for word in text::fold(title).split(|c: char| !c.is_ascii_alphanumeric()) {
            if word.is_empty() {
                continue;
            }
            let joint = usize::from(!slug.is_empty());
            if slug.len() + joint + word.len() > Self::MAX {
                if slug.is_empty() {
                    slug.extend(word.chars().take(Self::MAX));
                }
                break;
            }
            if joint == 1 {
                slug.push('-');
            }
            slug.push_str(word);
        }
        if slug.is_empty() {
            slug.push_str("tin");
        }
        Self(slug)
    }

    /// The same with a number at its end, still within 100 characters.
    pub fn numbered(&self, number: u32) -> Self {
        let tail = format!("-{number}");
        let head: String = self.0.chars().take(Self::MAX - tail.len()).collect();
        Self(format!("{}{tail}", head.trim_end_matches('-')))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Display for Slug {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::str::FromStr for Slug {
    type Err = Refusal;

    fn from_str(text: &str) -> Result<Self, Refusal> {
        Self::parse(text)
    }
}

from_text!(Slug, |schema| schema
    .description(Some(
        "Public handle: lower-case ASCII words joined by hyphens.",
    ))
    .pattern(Some(Slug::PATTERN))
    .min_length(Some(1))
    .max_length(Some(Slug::MAX))
    .examples(["ra-quan-trong-cay-dau-xuan"]));

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn titles_are_folded_and_cut_at_a_word() {
        assert_eq!(
            Slug::from_title("Đẩy mạnh chuyển đổi số, quý I/2026!").as_str(),
            "day-manh-chuyen-doi-so-quy-i-2026"
        );
        assert_eq!(Slug::from_title("…").as_str(), "tin");
        let long = Slug::from_title(&"xây dựng ".repeat(30));
        assert!(long.as_str().len() <= 100 && long.as_str().ends_with("-dung"));
        assert_eq!(Slug::from_title(&"a".repeat(300)).as_str().len(), 100);
        assert!(Slug::parse(Slug::from_title(&"a".repeat(300)).numbered(12).as_str()).is_ok());
    }

    #[test]
    fn only_plain_slugs_are_read() {
        for bad in ["", "-a", "a-", "a--b", "A", "á", "a b", "a_b", "a/b"] {
            assert!(Slug::parse(bad).is_err(), "{bad}");
        }
    }
}
