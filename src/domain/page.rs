//! Keyset paging: limits, sort directions and opaque cursors.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest as _, Sha256};

use super::input::{FaultCode, Refusal};

/// How many items a list answers: 1 to 100, 20 by default.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limit(u8);

impl Limit {
    pub const DEFAULT: Limit = Limit(20);
    pub const MAX: u8 = 100;

    pub fn parse(text: &str, most: u8) -> Result<Self, Refusal> {
        let digits = text.len() <= 3 && text.bytes().all(|b| b.is_ascii_digit());
        match text.parse::<u8>() {
            Ok(value) if digits && (1..=most).contains(&value) => Ok(Self(value)),
            _ => Err(Refusal::new(
                FaultCode::OutOfRange,
                format!("must be a whole number from 1 to {most}"),
            )),
        }
    }

    pub const fn of(value: u8) -> Self {
        Self(value)
    }

    pub fn get(self) -> usize {
        usize::from(self.0)
    }

    /// For SQL: one more than asked, to learn whether there is a next page.
    pub fn and_one(self) -> i64 {
        i64::from(self.0) + 1
    }
}

/// Order by publication.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sort {
    Newest,
    Oldest,
}

/// The last row of a page: its sort key and id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cursor {
    pub key: i64,
    pub id: i64,
}

impl Cursor {
    /// Opaque text, bound to the list (`context`: its name and filters) by a checksum, so that a
    /// mistyped cursor or one of another list is refused instead of answering the wrong page.
    pub fn encode(self, context: &str) -> String {
        let mut bytes = Vec::with_capacity(24);
        bytes.extend(self.key.to_be_bytes());
        bytes.extend(self.id.to_be_bytes());
        bytes.extend(checksum(&bytes, context));
        URL_SAFE_NO_PAD.encode(bytes)
    }

    pub fn decode(text: &str, context: &str) -> Result<Self, Refusal> {
        let bad = || Refusal::new(FaultCode::BadFormat, "is not a cursor of this list");
        let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| bad())?;
        let (payload, sum) = bytes.split_at_checked(16).ok_or_else(bad)?;
        if sum != checksum(payload, context) {
            return Err(bad());
        }
        let (key, id) = payload.split_at(8);
        let number = |part: &[u8]| part.try_into().map(i64::from_be_bytes).map_err(|_| bad());
        Ok(Self {
            key: number(key)?,
            id: number(id)?,
        })
    }
}

fn checksum(payload: &[u8], context: &str) -> [u8; 8] {
    let digest = Sha256::new()
        .chain_update(b"bantin cursor 1\0")
        .chain_update(context.as_bytes())
        .chain_update([0])
        .chain_update(payload)
        .finalize();
    let mut sum = [0; 8];
    for (to, from) in sum.iter_mut().zip(digest) {
        *to = from;
    }
    sum
}

/// One page and the cursor of the next.
#[derive(Debug, Clone)]
pub struct Page<T> {
    pub items: Vec<T>,
    pub next: Option<Cursor>,
}

impl<T> Page<T> {
    /// Makes a page of rows fetched with `Limit::and_one`.
    pub fn cut(mut items: Vec<T>, limit: Limit, cursor: impl Fn(&T) -> Cursor) -> Self {
        let more = items.len() > limit.get();
        items.truncate(limit.get());
        let next = if more { items.last().map(cursor) } else { None };
        Self { items, next }
    }

    pub fn map<U>(self, f: impl FnMut(T) -> U) -> Page<U> {
        Page {
            items: self.items.into_iter().map(f).collect(),
            next: self.next,
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn a_cursor_comes_back_and_a_tampered_one_is_refused() {
        let cursor = Cursor { key: -5, id: 77 };
        let text = cursor.encode("articles?category=a");
        assert_eq!(
            Cursor::decode(&text, "articles?category=a").unwrap(),
            cursor
        );
        assert!(Cursor::decode(&text, "articles?category=b").is_err());
        assert!(Cursor::decode("", "articles?category=a").is_err());
        assert!(Cursor::decode("AAAA", "x").is_err());
        let mut other = text.clone();
        let last = if other.pop() == Some('A') { 'B' } else { 'A' };
        other.push(last);
        assert!(Cursor::decode(&other, "articles?category=a").is_err());
    }
}
