//! API tokens: how they look, what they are called, and the words for what they may do.

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::id::{TokenId, UserId};
use super::input::{FaultCode, Refusal, text, words};
use super::time::Instant;
use super::user::{Login, UserKind};

words! {
    /// What an API token may be used for: never more than the roles of its user allow at that moment.
    /// `read:drafts` reads the newsroom: articles, captions, media, categories, the portal.
    /// `write:users` may make an admin, and so is worth as much as an admin's password.
    Scope {
        ReadDrafts = "read:drafts", WriteArticles = "write:articles",
        PublishArticles = "publish:articles", WriteMedia = "write:media",
        WriteCategories = "write:categories", WritePortal = "write:portal",
        ReadUsers = "read:users", WriteUsers = "write:users", ReadAudit = "read:audit",
    }
}

/// Each scope once, in the order of the list above.
pub fn ordered(scopes: Vec<Scope>) -> Result<Vec<Scope>, Refusal> {
    let ordered: Vec<Scope> = Scope::ALL
        .iter()
        .copied()
        .filter(|scope| scopes.contains(scope))
        .collect();
    if ordered.is_empty() {
        return Err(Refusal::new(
            FaultCode::TooShort,
            "must name at least one scope",
        ));
    }
    if ordered.len() < scopes.len() {
        return Err(Refusal::new(FaultCode::Duplicate, "names a scope twice"));
    }
    Ok(ordered)
}

text! {
    /// What a token is for, so that it can be told from others.
    TokenName(1..=100, Single, "Nhập tin từ cổng thông tin huyện");
}

/// An API token as stored, without the secret.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ApiToken {
    pub id: TokenId,
    pub user_id: UserId,
    pub login: Login,
    pub name: TokenName,
    /// The last characters of the secret.
    pub hint: String,
    pub scopes: Vec<Scope>,
    pub created_at: Instant,
    pub expires_at: Option<Instant>,
    pub revoked_at: Option<Instant>,
    pub last_used_at: Option<Instant>,
}

/// What the token of a request may do.
#[derive(Debug, Clone, PartialEq)]
pub struct Grant {
    pub id: TokenId,
    pub scopes: Vec<Scope>,
}

/// The secret that a client sends: `bantin_pat_` (a person's) or `bantin_svc_` (a service's), 192
/// random bits in base 62, and a checksum. So a scanner recognises a leaked one, and a mistyped
/// one is refused before anything is looked up. Never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct TokenSecret(String);

impl TokenSecret {
    const PREFIX: &str = "bantin_";
    const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    /// 62^33 > 2^192.
    const RANDOM: usize = 33;
    /// 62^6 > 2^32.
    const CHECK: usize = 6;
    /// How many characters tell tokens apart.
    const HINT: usize = 4;
    pub const PATTERN: &str = "^bantin_(pat|svc)_[0-9A-Za-z]{39}$";

    pub fn new(kind: UserKind, random: [u8; 24]) -> Self {
        let kind = match kind {
            UserKind::Person => "pat",
            UserKind::Service => "svc",
        };
        let text = format!(
            "{}{kind}_{}",
            Self::PREFIX,
            Self::base62(random.to_vec(), Self::RANDOM)
        );
        let check = Self::check(&text);
        Self(text + &check)
    }

    /// Does the text want to be an API token?
    pub fn is_meant(text: &str) -> bool {
        text.starts_with(Self::PREFIX)
    }

    /// None for what cannot be a token that was ever made.
    pub fn parse(text: &str) -> Option<Self> {
        let rest = text.strip_prefix(Self::PREFIX)?;
        let digits = rest
            .strip_prefix("pat_")
            .or_else(|| rest.strip_prefix("svc_"))?;
        let fits = digits.len() == Self::RANDOM + Self::CHECK
            && digits.bytes().all(|b| b.is_ascii_alphanumeric());
        let (body, check) = text.split_at_checked(text.len().checked_sub(Self::CHECK)?)?;
        (fits && Self::check(body) == check).then(|| Self(text.to_owned()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What is stored of it. A plain digest will do: nobody guesses 192 random bits.
    pub fn hash(&self) -> String {
        hex::encode(Sha256::digest(self.0.as_bytes()))
    }

    pub fn hint(&self) -> String {
        let from = self.0.len().saturating_sub(Self::HINT);
        self.0.get(from..).unwrap_or_default().to_owned()
    }

    fn check(text: &str) -> String {
        Self::base62(crc32(text.as_bytes()).to_be_bytes().to_vec(), Self::CHECK)
    }

    /// A number of many bytes, in `len` digits: divided by 62 again and again.
    fn base62(mut number: Vec<u8>, len: usize) -> String {
        let mut digits = Vec::with_capacity(len);
        for _ in 0..len {
            let mut rest: u16 = 0;
            for byte in &mut number {
                let value = rest * 256 + u16::from(*byte);
                *byte = u8::try_from(value / 62).unwrap_or(u8::MAX);
                rest = value % 62;
            }
            digits.push(Self::DIGITS.get(usize::from(rest)).copied().unwrap_or(b'0'));
        }
        digits
            .iter()
            .rev()
            .map(|digit| char::from(*digit))
            .collect()
    }
}

impl std::fmt::Debug for TokenSecret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("TokenSecret(…)")
    }
}

/// CRC-32 as in zip and PNG.
fn crc32(bytes: &[u8]) -> u32 {
    let mut sum = u32::MAX;
    for byte in bytes {
        sum ^= u32::from(*byte);
        for _ in 0..8 {
            sum = if sum & 1 == 1 {
                (sum >> 1) ^ 0xEDB8_8320
            } else {
                sum >> 1
            };
        }
    }
    !sum
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checksum_is_the_usual_crc_32() {
        assert_eq!(crc32(b"123456789"), 0xCBF4_3926);
        assert_eq!(crc32(b""), 0);
    }

    #[test]
    fn a_token_is_read_as_it_was_made_and_never_printed() {
        for (kind, start) in [
            (UserKind::Person, "bantin_pat_"),
            (UserKind::Service, "bantin_svc_"),
        ] {
            for random in [[0; 24], [255; 24], [7; 24]] {
                let secret = TokenSecret::new(kind, random);
                assert!(secret.as_str().starts_with(start));
                assert_eq!(secret.as_str().len(), 50);
                assert_eq!(TokenSecret::parse(secret.as_str()), Some(secret.clone()));
                assert!(secret.as_str().ends_with(&secret.hint()));
                assert!(!format!("{secret:?}").contains("bantin_"));
            }
        }
    }

    #[test]
    fn one_wrong_character_anywhere_is_found() {
        let good = TokenSecret::new(UserKind::Person, *b"con trau den ben bo ao!!");
        for at in 0..good.as_str().len() {
            let mut bytes = good.as_str().as_bytes().to_vec();
            if let Some(byte) = bytes.get_mut(at) {
                *byte = if *byte == b'a' { b'b' } else { b'a' };
            }
            let bad = String::from_utf8_lossy(&bytes).into_owned();
            assert_eq!(TokenSecret::parse(&bad), None, "{bad}");
        }
        for bad in ["", "bantin_", "bantin_pat_", "bantin_pat_ế", "x"] {
            assert_eq!(TokenSecret::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn the_largest_number_fits_and_the_smallest_keeps_its_zeros() {
        let body = |random| TokenSecret::base62(vec![random; 24], TokenSecret::RANDOM);
        assert_eq!(body(0), "0".repeat(33));
        assert_ne!(body(255), body(254));
        assert_eq!(TokenSecret::base62(vec![0, 62], 3), "010");
    }
}
