//! What a client says a file is. What it is shows its content; but who sends a document as a photo has taken the
//! wrong file, and is told so.

use super::Kind;

/// A MIME type that says something, in lower case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim(String);

impl Claim {
    /// Longest that is listened to.
    const MAX: usize = 100;

    /// None where nothing is said, or nothing that is a type.
    pub fn parse(header: &str) -> Option<Self> {
        let essence = header.split(';').next()?.trim().to_ascii_lowercase();
        let (kind, rest) = essence.split_once('/')?;
        let plain = |part: &str| {
            let fits = |c: char| c.is_ascii_alphanumeric() || "!#$&-^_.+".contains(c);
            !part.is_empty() && part.chars().all(fits)
        };
        let says = plain(kind) && plain(rest) && rest != "octet-stream";
        (says && essence.len() <= Self::MAX).then_some(Self(essence))
    }

    /// As the database keeps it.
    pub fn stored(text: String) -> Self {
        Self(text)
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// May a file of that kind be called so? Which picture, film or document it is is not asked: programs
    /// go by the name's ending, and names are often wrong.
    pub fn fits(&self, kind: Kind) -> bool {
        let (group, rest) = self.0.split_once('/').unwrap_or_default();
        match kind {
            Kind::Image => group == "image",
            // Containers hold both, and browsers say either.
            Kind::Video | Kind::Audio => {
                matches!(group, "video" | "audio") || matches!(rest, "ogg" | "mp4")
            }
            Kind::Document => !matches!(group, "image" | "video" | "audio"),
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn a_claim_is_a_kind_and_no_more() {
        for (text, kind, fits) in [
            ("image/jpeg", Kind::Image, true),
            ("IMAGE/PNG; x=y", Kind::Image, true),
            ("image/jpeg", Kind::Document, false),
            ("application/pdf", Kind::Image, false),
            ("application/msword", Kind::Document, true),
            ("audio/mp4", Kind::Video, true),
            ("application/ogg", Kind::Audio, true),
            ("text/html", Kind::Image, false),
        ] {
            assert_eq!(Claim::parse(text).unwrap().fits(kind), fits, "{text}");
        }
        let long = format!("image/{}", "a".repeat(100));
        for nothing in ["", "jpeg", "application/octet-stream", "a b/c", "/", &long] {
            assert_eq!(Claim::parse(nothing), None, "{nothing}");
        }
    }
}
