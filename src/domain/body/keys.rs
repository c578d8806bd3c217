//! Keys of blocks and spans: what diffs match on.

use std::collections::HashSet;

use serde::{Deserialize, Serialize};

use super::Block;
use crate::domain::id::CaptionId;
use crate::domain::input::{FaultCode, Refusal, from_text};

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

from_text!(Key, |schema| schema
    .description(Some("Kept when sent, made by the server when absent."))
    .pattern(Some(Key::PATTERN))
    .max_length(Some(64))
    .examples(["3f9c2ab81d04"]));

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
/// otherwise unchanged block (the one with the same key, or without a key the one at the same
/// place), so that sending the same text again is no change. What another block of the new body
/// names already is not taken.
pub fn adopt(blocks: &mut [Block], current: &[Block]) {
    let mut keys: HashSet<Key> = blocks.iter().filter_map(Block::key).cloned().collect();
    let mut captions: HashSet<CaptionId> = blocks.iter().filter_map(Block::caption_id).collect();
    for (place, block) in blocks.iter_mut().enumerate() {
        let old = match block.key() {
            Some(key) => current.iter().find(|old| old.key() == Some(key)),
            None => current.get(place),
        };
        let Some(old) = old.filter(|old| block.bare() == old.bare()) else {
            continue;
        };
        if block.key().is_none()
            && let Some(key) = old.key().filter(|key| !keys.contains(key))
        {
            keys.insert(key.clone());
            *block.key_mut() = Some(key.clone());
        }
        if let Block::Figure(figure) = block
            && figure.caption_id.is_none()
            && let Some(id) = old.caption_id().filter(|id| !captions.contains(id))
        {
            captions.insert(id);
            figure.caption_id = Some(id);
        }
        // The spans of a run that has some keys of its own could be given one of them twice.
        if block.spans_mut().iter().all(|span| span.key.is_none()) {
            let mut old = old.clone();
            for (span, old) in block.spans_mut().into_iter().zip(old.spans_mut()) {
                span.key = old.key.take();
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

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]
    use super::*;
    use crate::domain::content::Body;
    use crate::domain::input::parse;
    use serde_json::{Value, json};

    fn body(value: Value) -> Vec<Block> {
        parse::<Body>(value).unwrap().0
    }

    fn paragraph(key: Option<&str>, text: &str) -> Value {
        let mut block = json!({"_type": "block", "children": [{"text": text}]});
        if let Some(key) = key {
            block["_key"] = json!(key);
        }
        block
    }

    #[test]
    fn the_same_text_again_keeps_its_keys() {
        let mut current = body(
            json!([paragraph(Some("a"), "x"), {"_type": "figure", "caption_id": 7,
            "media": [{"media_id": 1}]}]),
        );
        assign_keys(&mut current, &mut || "new".to_owned());
        let mut again =
            body(json!([paragraph(None, "x"), {"_type": "figure", "media": [{"media_id": 1}]}]));
        adopt(&mut again, &current);
        assert_eq!(again, current);
        let mut keyed = body(json!([paragraph(Some("a"), "x")]));
        adopt(&mut keyed, &current);
        assert_eq!(keyed[0], current[0]);
    }

    #[test]
    fn a_key_or_caption_that_another_block_names_is_not_taken() {
        let current = body(
            json!([paragraph(Some("a"), "x"), {"_type": "figure", "_key": "f", "caption_id": 7,
            "media": [{"media_id": 1}]}]),
        );
        let mut new = body(json!([
            paragraph(None, "x"),
            {"_type": "figure", "media": [{"media_id": 1}]},
            paragraph(Some("a"), "x"),
            {"_type": "figure", "_key": "f", "caption_id": 7, "media": [{"media_id": 1}]},
        ]));
        adopt(&mut new, &current);
        assert_eq!(
            (new[0].key(), new[1].key(), new[1].caption_id()),
            (None, None, None)
        );
    }
}
