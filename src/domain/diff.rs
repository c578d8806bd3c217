//! What differs between two editions: fields by their values, blocks of the body by `_key`, the
//! text of a paragraph by words.

mod words;

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use serde::Serialize;
use utoipa::ToSchema;
use utoipa::openapi::schema::{ObjectBuilder, OneOfBuilder, Schema, Type};
use utoipa::openapi::{Ref, RefOr};

use self::words::pieces;
pub use self::words::{Piece, PieceOp};
use super::body::{Block, Key, TextBlock};
use super::content::{Byline, Content, Language, Lead, Source, Tags, Title};
use super::id::MediaId;
use super::media::AiLabel;
use super::slug::Slug;
use super::time::{Day, Instant};

/// A field before and after.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FieldChange<T> {
    pub before: Option<T>,
    pub after: Option<T>,
}

impl<T: ToSchema> utoipa::PartialSchema for FieldChange<T> {
    fn schema() -> RefOr<Schema> {
        // What has no name of its own is said in place.
        let value: RefOr<Schema> = match T::name().as_ref() {
            "bool" => T::schema(),
            name => Ref::from_schema_name(name).into(),
        };
        let null = ObjectBuilder::new().schema_type(Type::Null);
        let either: RefOr<Schema> = OneOfBuilder::new().item(value).item(null).into();
        ObjectBuilder::new()
            .description(Some("A field before and after."))
            .property("before", either.clone())
            .property("after", either)
            .into()
    }
}

impl<T: ToSchema> ToSchema for FieldChange<T> {
    fn name() -> Cow<'static, str> {
        match T::name().as_ref() {
            "bool" => "FlagChange".into(),
            name => format!("{name}Change").into(),
        }
    }

    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        if T::name() != "bool" {
            schemas.push((T::name().into_owned(), T::schema()));
        }
        T::schemas(schemas);
    }
}

// Names for utoipa, which sees no schema of its own in a type with parameters.
type TitleChange = FieldChange<Title>;
type SlugChange = FieldChange<Slug>;
type TagsChange = FieldChange<Tags>;
type FlagChange = FieldChange<bool>;
type AiLabelChange = FieldChange<AiLabel>;
type BylineChange = FieldChange<Byline>;
type LeadChange = FieldChange<Lead>;
type DayChange = FieldChange<Day>;
type InstantChange = FieldChange<Instant>;
type LanguageChange = FieldChange<Language>;
type MediaIdChange = FieldChange<MediaId>;
type SourceChange = FieldChange<Source>;

/// `fields! { always {name: Change} maybe {name: Change} }`: those that content always says, and those
/// that it may leave null.
macro_rules! fields {
    (always { $($always:ident: $sure:ty,)* } maybe { $($maybe:ident: $type:ty,)* }) => {
        /// The fields that differ, beside the body; the others are absent.
        #[derive(Debug, Clone, PartialEq, Default, Serialize, ToSchema)]
        pub struct FieldChanges {
            $(
                #[serde(skip_serializing_if = "Option::is_none")]
                #[schema(nullable = false)]
                pub $always: Option<$sure>,
            )*
            $(
                #[serde(skip_serializing_if = "Option::is_none")]
                #[schema(nullable = false)]
                pub $maybe: Option<$type>,
            )*
        }

        impl FieldChanges {
            fn between(before: &Content, after: &Content) -> Self {
                Self {
                    $($always: (before.$always != after.$always).then(|| FieldChange {
                        before: Some(before.$always.clone()),
                        after: Some(after.$always.clone()),
                    }),)*
                    $($maybe: (before.$maybe != after.$maybe).then(|| FieldChange {
                        before: before.$maybe.clone(),
                        after: after.$maybe.clone(),
                    }),)*
                }
            }

            #[cfg(test)]
            fn apply(&self, content: &mut Content) {
                $(if let Some(FieldChange { after: Some(after), .. }) = &self.$always {
                    content.$always = after.clone();
                })*
                $(if let Some(change) = &self.$maybe {
                    content.$maybe = change.after.clone();
                })*
            }
        }
    };
}

fields! {
    always {
        title: TitleChange, category: SlugChange, tags: TagsChange, featured: FlagChange,
        byline: BylineChange, ai_label: AiLabelChange,
    }
    maybe {
        slug: SlugChange, lead: LeadChange, published_on: DayChange, published_at: InstantChange,
        language: LanguageChange, cover_media_id: MediaIdChange, source: SourceChange,
    }
}

/// A block that only one of the bodies has.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct BlockAt {
    /// Its index in the body that has it.
    #[schema(minimum = 0, maximum = 499, format = "int32")]
    pub index: usize,
    pub block: Block,
}

/// A block that stands elsewhere among those that both bodies have.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct BlockMove {
    #[serde(rename = "_key")]
    pub key: Key,
    /// Its index in the body before.
    #[schema(minimum = 0, maximum = 499, format = "int32")]
    pub from: usize,
    /// Its index in the body after.
    #[schema(minimum = 0, maximum = 499, format = "int32")]
    pub to: usize,
}

/// A block that says something else under the same key.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct BlockChange {
    #[serde(rename = "_key")]
    pub key: Key,
    #[schema(minimum = 0, maximum = 499, format = "int32")]
    pub from: usize,
    #[schema(minimum = 0, maximum = 499, format = "int32")]
    pub to: usize,
    pub before: Block,
    pub after: Block,
    /// The text by words, where both are text blocks and their texts differ.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, max_items = 20000)]
    pub text: Option<Vec<Piece>>,
}

/// How one body becomes the other: take the removed blocks out, put each added and each moved one
/// at its index after, and the rest, in the order before, into the places left.
#[derive(Debug, Clone, PartialEq, Default, Serialize, ToSchema)]
pub struct BodyChanges {
    /// Blocks that are the same and in the same order.
    #[schema(minimum = 0, maximum = 500, format = "int32")]
    pub unchanged: usize,
    #[schema(max_items = 500)]
    pub removed: Vec<BlockAt>,
    #[schema(max_items = 500)]
    pub added: Vec<BlockAt>,
    #[schema(max_items = 500)]
    pub moved: Vec<BlockMove>,
    /// A block may be moved as well as changed.
    #[schema(max_items = 500)]
    pub changed: Vec<BlockChange>,
}

/// What differs between two contents.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Difference {
    pub fields: FieldChanges,
    pub body: BodyChanges,
}

impl Difference {
    pub fn between(before: &Content, after: &Content) -> Self {
        Self {
            fields: FieldChanges::between(before, after),
            body: BodyChanges::between(&before.body.0, &after.body.0),
        }
    }
}

impl BodyChanges {
    fn between(before: &[Block], after: &[Block]) -> Self {
        let mut known: HashMap<&Key, usize> = HashMap::new();
        for (index, block) in before.iter().enumerate() {
            if let Some(key) = block.key() {
                known.entry(key).or_insert(index);
            }
        }
        let mut changes = Self::default();
        // Index before, index after, and the block as it was and is.
        let mut kept: Vec<(usize, usize, &Key, &Block, &Block)> = Vec::new();
        for (to, block) in after.iter().enumerate() {
            let old = block.key().and_then(|key| {
                let from = known.remove(key)?;
                Some((from, to, key, before.get(from)?, block))
            });
            match old {
                Some(pair) => kept.push(pair),
                None => changes.added.push(BlockAt {
                    index: to,
                    block: block.clone(),
                }),
            }
        }
        kept.sort_by_key(|(from, ..)| *from);
        let stayed: HashSet<usize> = kept.iter().map(|(from, ..)| *from).collect();
        for (index, block) in before.iter().enumerate() {
            if !stayed.contains(&index) {
                changes.removed.push(BlockAt {
                    index,
                    block: block.clone(),
                });
            }
        }
        let places: Vec<usize> = kept.iter().map(|(_, to, ..)| *to).collect();
        let in_order = longest_run(&places);
        for (from, to, key, old, new) in kept {
            let is_moved = !in_order.contains(&to);
            if is_moved {
                let key = key.clone();
                changes.moved.push(BlockMove { key, from, to });
            }
            if old != new {
                changes.changed.push(BlockChange {
                    key: key.clone(),
                    from,
                    to,
                    before: old.clone(),
                    after: new.clone(),
                    text: pieces_of(old, new),
                });
            }
            changes.unchanged += usize::from(!is_moved && old == new);
        }
        changes
    }
}

/// Of different numbers: as many as possible that rise in the order given. The others moved.
fn longest_run(places: &[usize]) -> HashSet<usize> {
    /// The longest run that ends with a place, and the index of the one before it.
    struct Run {
        length: usize,
        place: usize,
        previous: Option<usize>,
    }
    let mut runs: Vec<Run> = Vec::new();
    for &place in places {
        let before = runs
            .iter()
            .enumerate()
            .filter(|(_, run)| run.place < place)
            .max_by_key(|(_, run)| run.length);
        runs.push(Run {
            length: before.map_or(1, |(_, run)| run.length + 1),
            place,
            previous: before.map(|(index, _)| index),
        });
    }
    let longest = runs.iter().enumerate().max_by_key(|(_, run)| run.length);
    let mut at = longest.map(|(index, _)| index);
    let mut kept = HashSet::new();
    while let Some(run) = at.and_then(|index| runs.get(index)) {
        kept.insert(run.place);
        at = run.previous;
    }
    kept
}

fn pieces_of(before: &Block, after: &Block) -> Option<Vec<Piece>> {
    let (Block::Text(before), Block::Text(after)) = (before, after) else {
        return None;
    };
    let text = |block: &TextBlock| -> String {
        let spans = block.children.iter();
        spans.map(|span| span.text.as_str()).collect()
    };
    let (before, after) = (text(before), text(after));
    (before != after).then(|| pieces(&before, &after))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]
    use super::*;
    use crate::domain::content::Body;
    use crate::domain::input::parse;
    use serde_json::{Value, json};

    /// Does what a difference says.
    fn apply(difference: &Difference, before: &Content) -> Content {
        let mut content = before.clone();
        difference.fields.apply(&mut content);
        let body = &difference.body;
        let gone: HashSet<usize> = body.removed.iter().map(|block| block.index).collect();
        let moved: HashSet<usize> = body.moved.iter().map(|block| block.from).collect();
        let now = |index: usize| {
            let changed = body.changed.iter().find(|change| change.from == index);
            changed.map_or(before.body.0[index].clone(), |change| change.after.clone())
        };
        let mut rest = (0..before.body.0.len())
            .filter(|index| !gone.contains(index) && !moved.contains(index))
            .map(now);
        let length = before.body.0.len() - gone.len() + body.added.len();
        let blocks = (0..length).map(|place| {
            let added = body.added.iter().find(|block| block.index == place);
            let here = body.moved.iter().find(|block| block.to == place);
            match (added, here) {
                (Some(added), _) => added.block.clone(),
                (_, Some(moved)) => now(moved.from),
                _ => rest.next().unwrap(),
            }
        });
        content.body = Body(blocks.collect());
        content
    }

    /// Numbers that look random and are the same every time.
    struct Dice(u64);

    impl Dice {
        fn below(&mut self, most: usize) -> usize {
            self.0 = self
                .0
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            usize::try_from(self.0 >> 33).unwrap() % most
        }

        fn text(&mut self) -> String {
            let words = ["trồng", "cây", "ven", "sông", "thôn", "ba", "bốn"];
            let count = self.below(12);
            let picked: Vec<&str> = (0..count).map(|_| words[self.below(words.len())]).collect();
            picked.join([" ", "  ", "\n"][self.below(3)])
        }

        fn block(&mut self, key: &str) -> Value {
            match self.below(6) {
                0 => json!({"_type": "rule", "_key": key}),
                1 => json!({"_type": "figure", "_key": key, "caption_id": 1 + self.below(900),
                    "media": [{"media_id": 1 + self.below(3)}]}),
                _ => json!({"_type": "block", "_key": key, "children": [
                    {"_key": "a", "text": self.text()},
                    {"_key": "b", "text": self.text(), "marks": ["strong"]},
                ]}),
            }
        }

        fn content(&mut self) -> Content {
            let mut keys: Vec<String> = (0..14).map(|key| format!("k{key}")).collect();
            let mut body = Vec::new();
            let mut captions = HashSet::new();
            for _ in 0..self.below(12) {
                let key = keys.remove(self.below(keys.len()));
                let block = self.block(&key);
                let caption = &block["caption_id"];
                if caption.is_null() || captions.insert(caption.to_string()) {
                    body.push(block);
                }
            }
            let maybe = |dice: &mut Self, value: Value| match dice.below(2) {
                0 => Value::Null,
                _ => value,
            };
            parse(json!({
                "title": (["Một", "Hai"][self.below(2)]),
                "category": (["tin", "van-hoa"][self.below(2)]),
                "slug": maybe(self, json!("mot-bai")),
                "lead": maybe(self, json!("Dẫn")),
                "published_on": maybe(self, json!("2026-03-21")),
                "published_at": maybe(self, json!("2026-03-21T09:00:00+07:00")),
                "language": maybe(self, json!("vi")),
                "featured": self.below(2) == 0,
                "tags": ([["a"], ["b"]][self.below(2)]),
                "cover_media_id": maybe(self, json!(1)),
                "byline": ([json!([]), json!([{"name": "Minh An"}])][self.below(2)]),
                "source": maybe(self, json!({"name": "Báo tỉnh"})),
                "body": body,
            }))
            .unwrap()
        }
    }

    #[test]
    fn applying_a_difference_gives_the_other_content() {
        let mut dice = Dice(7);
        for _ in 0..2_000 {
            let (before, after) = (dice.content(), dice.content());
            let difference = Difference::between(&before, &after);
            assert_eq!(apply(&difference, &before), after);
            let body = &difference.body;
            let touched: HashSet<usize> = (body.moved.iter().map(|block| block.from))
                .chain(body.changed.iter().map(|change| change.from))
                .chain(body.removed.iter().map(|block| block.index))
                .collect();
            assert_eq!(body.unchanged + touched.len(), before.body.0.len());
        }
    }

    #[test]
    fn content_does_not_differ_from_itself() {
        let mut dice = Dice(11);
        for _ in 0..200 {
            let content = dice.content();
            let difference = Difference::between(&content, &content);
            assert_eq!(difference.fields, FieldChanges::default());
            let unchanged = content.body.0.len();
            let nothing = BodyChanges {
                unchanged,
                ..BodyChanges::default()
            };
            assert_eq!(difference.body, nothing);
        }
    }

    #[test]
    fn one_block_that_went_to_the_front_is_the_only_one_that_moved() {
        assert_eq!(longest_run(&[1, 2, 3, 0]), HashSet::from([1, 2, 3]));
        assert_eq!(longest_run(&[]), HashSet::new());
    }
}
