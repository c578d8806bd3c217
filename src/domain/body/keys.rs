//! Keys of blocks and spans: what diffs match on.

use deserr::{Deserr, IntoValue, ValuePointerRef};
use serde::{Deserialize, Serialize};
use utoipa::openapi::schema::Schema;
use utoipa::openapi::{ObjectBuilder, RefOr};
use utoipa::{PartialSchema, ToSchema};

use super::Block;
use crate::domain::input::{FaultCode, Faults, Refusal, string};

/// Identifies a block, span or mark definition; what diffs match on.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Key(String);

impl Key {
    pub const PATTERN: &str = "^[A-Za-z0-9_-]{1,64}$";

    pub fn parse(raw: &str) -> Result<Self, Refusal> {
        let fits = (1..=64).contains(&raw.len())
            && raw
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-');
        if fits {
            Ok(Self(raw.to_owned()))
        } else {
            Err(Refusal::new(
                FaultCode::BadFormat,
                format!("must match {}", Self::PATTERN),
            ))
        }
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Deserr<Faults> for Key {
    fn deserialize_from_value<V: IntoValue>(
        value: deserr::Value<V>,
        location: ValuePointerRef,
    ) -> Result<Self, Faults> {
        Self::parse(&string(value, location)?).map_err(|refusal| refusal.at(location))
    }
}

impl PartialSchema for Key {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(utoipa::openapi::schema::Type::String)
            .description(Some("Kept when sent, made by the server when absent."))
            .pattern(Some(Self::PATTERN))
            .max_length(Some(64))
            .examples(["3f9c2ab81d04"])
            .into()
    }
}
impl ToSchema for Key {
    fn name() -> std::borrow::Cow<'static, str> {
        "Key".into()
    }
}

impl Block {
    /// This block without what the server adds: keys, and the identity of a figure.
    fn bare(&self) -> Self {
        let mut bare = self.clone();
        *bare.key_mut() = None;
        for span in bare.spans_mut() {
            span.key = None;
        }
        if let Self::Figure(figure) = &mut bare {
            figure.caption_id = None;
        }
        bare
    }
}

/// Takes keys and caption ids over from the current body where the client left them out of an
/// otherwise unchanged block at the same place, so that sending the same text again is no change.
pub fn adopt(blocks: &mut [Block], current: &[Block]) {
    for (block, old) in blocks.iter_mut().zip(current) {
        if block.key().is_none() && block.bare() == old.bare() {
            let caption_id = match (&*block, old) {
                (Block::Figure(new), Block::Figure(old)) => new.caption_id.or(old.caption_id),
                _ => None,
            };
            *block = old.clone();
            if let Block::Figure(figure) = block {
                figure.caption_id = caption_id;
            }
        }
    }
}

/// Gives every block and span that has none a key from `make`, which must not repeat itself.
pub fn assign_keys(blocks: &mut [Block], make: &mut dyn FnMut() -> String) {
    for block in blocks {
        if block.key().is_none() {
            *block.key_mut() = Some(Key(make()));
        }
        for span in block.spans_mut() {
            if span.key.is_none() {
                span.key = Some(Key(make()));
            }
        }
    }
}
