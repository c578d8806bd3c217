//! The body of an article: Portable Text (<https://www.portabletext.org>) in Rust types. `Block`
//! is what editors write and editions keep, `LiveBlock` what readers get, with media expanded.

mod keys;
mod rules;
mod schema;

use deserr::{Deserr, IntoValue, Map, ValuePointerRef};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

pub use self::keys::{Key, adopt, assign_keys};
pub use self::rules::check;
use super::caption::{Figure, LiveFigure, LiveFigureItem, WithdrawnMedium};
use super::content::LinkUrl;
use super::id::{CaptionId, MediaId};
use super::input::{FaultCode, Faults, Refusal, pointer, string, text, words};
use super::media::{LiveMedium, Withdrawal};

text! {
    /// Text of one span; `\n` is a line break within the paragraph.
    SpanText(0..=20000, Multi, "Sáng nay, ");
    /// Caption of a table.
    TableCaption(1..=1000, Single, "Số liệu quý I");
    /// Title of an attachment or an embed.
    ItemTitle(1..=300, Single, "Kế hoạch (PDF)");
}

/// Most spans of one paragraph or cell.
pub const MAX_SPANS: usize = 500;
/// Most rows of a table, most cells of a row.
pub const MAX_ROWS: usize = 500;
pub const MAX_CELLS: usize = 50;
/// Most spans and cells of one body: what is filled in where clients leave it out must not make a
/// body that is too large to be sent back.
pub const MAX_PARTS: usize = 10_000;
/// Hosts whose players may be embedded.
pub const EMBED_HOSTS: &[&str] = &[
    "www.youtube.com",
    "youtube.com",
    "m.youtube.com",
    "youtu.be",
    "www.youtube-nocookie.com",
    "vimeo.com",
    "player.vimeo.com",
    "www.dailymotion.com",
    "dai.ly",
];

words! {
    /// Style of a text block.
    Style { Normal = "normal", H2 = "h2", H3 = "h3", H4 = "h4", Blockquote = "blockquote" }
    /// Kind of list that a text block is an item of.
    ListItem { Bullet = "bullet", Number = "number" }
    /// Marks that need no definition.
    Decorator {
        Strong = "strong", Em = "em", Underline = "underline",
        StrikeThrough = "strike-through", Sub = "sub", Sup = "sup",
    }
    SpanType { Span = "span" }
    LinkType { Link = "link" }
}

/// A run of text with the same marks.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Deserr, ToSchema)]
#[deserr(error = Faults, deny_unknown_fields)]
#[serde(deny_unknown_fields)]
pub struct Span {
    #[serde(rename = "_type")]
    #[deserr(rename = "_type", default = SpanType::Span)]
    #[schema(inline)]
    pub kind: SpanType,
    #[serde(rename = "_key", skip_serializing_if = "Option::is_none")]
    #[deserr(rename = "_key", default)]
    #[schema(nullable = false)]
    pub key: Option<Key>,
    pub text: SpanText,
    /// Decorators (strong, em, underline, strike-through, sub, sup) or `_key`s of `markDefs`.
    #[deserr(default)]
    #[schema(max_items = 20)]
    pub marks: Vec<Key>,
}

/// A link that spans refer to by its `_key`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Deserr, ToSchema)]
#[deserr(error = Faults, deny_unknown_fields)]
#[serde(deny_unknown_fields)]
pub struct MarkDef {
    #[serde(rename = "_type")]
    #[deserr(rename = "_type", default = LinkType::Link)]
    #[schema(inline)]
    pub kind: LinkType,
    #[serde(rename = "_key")]
    #[deserr(rename = "_key")]
    pub key: Key,
    pub href: LinkUrl,
}

/// A paragraph, heading, quotation or list item.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Deserr, ToSchema)]
#[deserr(error = Faults, deny_unknown_fields)]
#[serde(deny_unknown_fields)]
pub struct TextBlock {
    #[serde(rename = "_key", skip_serializing_if = "Option::is_none")]
    #[deserr(rename = "_key", default)]
    #[schema(nullable = false)]
    pub key: Option<Key>,
    #[deserr(default = Style::Normal)]
    pub style: Style,
    #[serde(rename = "listItem", skip_serializing_if = "Option::is_none")]
    #[deserr(rename = "listItem", default)]
    #[schema(nullable = false)]
    pub list_item: Option<ListItem>,
    /// Depth of a list item, from 1; only with `listItem`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[deserr(default)]
    #[schema(minimum = 1, maximum = 6, nullable = false)]
    pub level: Option<u8>,
    #[schema(max_items = 500)]
    pub children: Vec<Span>,
    #[serde(rename = "markDefs")]
    #[deserr(rename = "markDefs", default)]
    #[schema(max_items = 500)]
    pub mark_defs: Vec<MarkDef>,
}

/// A table of text cells.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Deserr, ToSchema)]
#[deserr(error = Faults, deny_unknown_fields)]
#[serde(deny_unknown_fields)]
pub struct Table {
    #[serde(rename = "_key", skip_serializing_if = "Option::is_none")]
    #[deserr(rename = "_key", default)]
    #[schema(nullable = false)]
    pub key: Option<Key>,
    #[deserr(default)]
    pub caption: Option<TableCaption>,
    /// How many of the first rows are headings.
    #[deserr(default)]
    #[schema(minimum = 0, maximum = 500)]
    pub header_rows: u16,
    #[schema(min_items = 1, max_items = 500)]
    pub rows: Vec<Row>,
}

/// One row of a table.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Deserr, ToSchema)]
#[deserr(error = Faults, deny_unknown_fields)]
#[serde(deny_unknown_fields)]
pub struct Row {
    #[schema(min_items = 1, max_items = 50)]
    pub cells: Vec<Cell>,
}

/// One cell of a table.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Deserr, ToSchema)]
#[deserr(error = Faults, deny_unknown_fields)]
#[serde(deny_unknown_fields)]
pub struct Cell {
    #[schema(max_items = 500)]
    pub children: Vec<Span>,
    #[serde(rename = "markDefs")]
    #[deserr(rename = "markDefs", default)]
    #[schema(max_items = 500)]
    pub mark_defs: Vec<MarkDef>,
}

/// A video from an allow-listed host, or one of our own media: exactly one of the two.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Deserr, ToSchema)]
#[deserr(error = Faults, deny_unknown_fields)]
#[serde(deny_unknown_fields)]
pub struct Embed {
    #[serde(rename = "_key", skip_serializing_if = "Option::is_none")]
    #[deserr(rename = "_key", default)]
    #[schema(nullable = false)]
    pub key: Option<Key>,
    /// `https` address at YouTube, Vimeo or Dailymotion.
    #[deserr(default)]
    pub url: Option<LinkUrl>,
    #[deserr(default)]
    pub media_id: Option<MediaId>,
    #[deserr(default)]
    pub title: Option<ItemTitle>,
}

/// A file to download.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Deserr, ToSchema)]
#[deserr(error = Faults, deny_unknown_fields)]
#[serde(deny_unknown_fields)]
pub struct Attachment {
    #[serde(rename = "_key", skip_serializing_if = "Option::is_none")]
    #[deserr(rename = "_key", default)]
    #[schema(nullable = false)]
    pub key: Option<Key>,
    pub media_id: MediaId,
    pub title: ItemTitle,
}

/// A thematic break.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Deserr, ToSchema)]
#[deserr(error = Faults, deny_unknown_fields)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    #[serde(rename = "_key", skip_serializing_if = "Option::is_none")]
    #[deserr(rename = "_key", default)]
    #[schema(nullable = false)]
    pub key: Option<Key>,
}

/// One block of a body as editors write it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "_type", rename_all = "snake_case")]
pub enum Block {
    #[serde(rename = "block")]
    Text(TextBlock),
    Figure(Figure),
    Table(Table),
    Embed(Embed),
    Attachment(Attachment),
    Rule(Rule),
}

/// An embed as readers get it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct LiveEmbed {
    #[serde(rename = "_key")]
    pub key: Key,
    pub url: Option<LinkUrl>,
    pub media: Option<LiveMedium>,
    pub title: Option<ItemTitle>,
}

/// An attachment as readers get it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct LiveAttachment {
    #[serde(rename = "_key")]
    pub key: Key,
    pub media: LiveMedium,
    pub title: ItemTitle,
}

/// One block of a body as readers get it. Skip a `_type` you do not know: new ones may come.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "_type", rename_all = "snake_case")]
pub enum LiveBlock {
    #[serde(rename = "block")]
    Text(TextBlock),
    Figure(LiveFigure),
    Table(Table),
    Embed(LiveEmbed),
    Attachment(LiveAttachment),
    Rule(Rule),
}

impl LiveBlock {
    /// Closes a medium wherever the block shows it.
    pub fn withdraw(&mut self, id: MediaId, withdrawal: &Withdrawal) {
        match self {
            Self::Figure(figure) => {
                for item in figure.media.iter_mut().filter(|item| item.media_id() == id) {
                    *item = LiveFigureItem::Withdrawn(WithdrawnMedium {
                        media_id: id,
                        withdrawn: withdrawal.clone(),
                    });
                }
            }
            Self::Embed(LiveEmbed {
                media: Some(medium),
                ..
            })
            | Self::Attachment(LiveAttachment { media: medium, .. })
                if medium.id == id =>
            {
                medium.withdraw(withdrawal);
            }
            _ => {}
        }
    }

    /// Gives a medium other files of the same picture, wherever the block shows it.
    pub fn refresh(&mut self, files: &LiveMedium) {
        match self {
            Self::Figure(figure) => {
                for item in &mut figure.media {
                    match item {
                        LiveFigureItem::Shown(shown) if shown.media_id == files.id => {
                            shown.refresh(files);
                        }
                        _ => {}
                    }
                }
            }
            Self::Embed(LiveEmbed {
                media: Some(medium),
                ..
            })
            | Self::Attachment(LiveAttachment { media: medium, .. })
                if medium.id == files.id =>
            {
                medium.refresh(files);
            }
            _ => {}
        }
    }

    /// Makes stored media addresses, which are relative, absolute.
    pub fn rebase(&mut self, base: &str) {
        match self {
            Self::Figure(figure) => {
                for item in &mut figure.media {
                    if let LiveFigureItem::Shown(medium) = item {
                        medium.url.insert_str(0, base);
                        for rendition in &mut medium.renditions {
                            rendition.url.insert_str(0, base);
                        }
                    }
                }
            }
            Self::Embed(LiveEmbed {
                media: Some(medium),
                ..
            })
            | Self::Attachment(LiveAttachment { media: medium, .. }) => medium.rebase(base),
            _ => {}
        }
    }
}

const TAGS: &[&str] = &["block", "figure", "table", "embed", "attachment", "rule"];

impl Deserr<Faults> for Block {
    fn deserialize_from_value<V: IntoValue>(
        value: deserr::Value<V>,
        location: ValuePointerRef,
    ) -> Result<Self, Faults> {
        let deserr::Value::Map(mut map) = value else {
            return Err(
                Refusal::new(FaultCode::WrongType, "must be an object with a _type").at(location),
            );
        };
        let tag_location = location.push_key("_type");
        let Some(tag) = map.remove("_type") else {
            return Err(Refusal::new(FaultCode::Required, "is required").at(tag_location));
        };
        let tag = string(tag.into_value(), tag_location)?;
        let rest: deserr::Value<V> = deserr::Value::Map(map);
        let block = match tag.as_str() {
            "block" => TextBlock::deserialize_from_value(rest, location).map(Self::Text),
            "figure" => Figure::deserialize_from_value(rest, location).map(Self::Figure),
            "table" => Table::deserialize_from_value(rest, location).map(Self::Table),
            "embed" => Embed::deserialize_from_value(rest, location).map(Self::Embed),
            "attachment" => {
                Attachment::deserialize_from_value(rest, location).map(Self::Attachment)
            }
            "rule" => Rule::deserialize_from_value(rest, location).map(Self::Rule),
            _ => Err(Refusal::new(
                FaultCode::UnknownValue,
                format!("must be one of: {}", TAGS.join(", ")),
            )
            .at(tag_location)),
        }?;
        // Here, not with the rules of the whole body: a fault elsewhere must not hide these.
        let mut faults = Faults::default();
        block.check(&pointer(location), &mut faults);
        faults.or(block)
    }
}

impl Block {
    pub fn key(&self) -> Option<&Key> {
        match self {
            Self::Text(b) => b.key.as_ref(),
            Self::Figure(b) => b.key.as_ref(),
            Self::Table(b) => b.key.as_ref(),
            Self::Embed(b) => b.key.as_ref(),
            Self::Attachment(b) => b.key.as_ref(),
            Self::Rule(b) => b.key.as_ref(),
        }
    }

    /// Identity of a figure.
    pub fn caption_id(&self) -> Option<CaptionId> {
        match self {
            Self::Figure(figure) => figure.caption_id,
            _ => None,
        }
    }

    fn key_mut(&mut self) -> &mut Option<Key> {
        match self {
            Self::Text(b) => &mut b.key,
            Self::Figure(b) => &mut b.key,
            Self::Table(b) => &mut b.key,
            Self::Embed(b) => &mut b.key,
            Self::Attachment(b) => &mut b.key,
            Self::Rule(b) => &mut b.key,
        }
    }

    /// The runs of text of this block: spans with the link definitions they may name, each with
    /// its place below the block.
    fn runs(&self) -> Vec<(String, &[Span], &[MarkDef])> {
        match self {
            Self::Text(b) => vec![(String::new(), &b.children, &b.mark_defs)],
            Self::Table(table) => (0..)
                .zip(&table.rows)
                .flat_map(|(r, row): (usize, _)| {
                    (0..).zip(&row.cells).map(move |(c, cell): (usize, _)| {
                        (
                            format!("/rows/{r}/cells/{c}"),
                            cell.children.as_slice(),
                            cell.mark_defs.as_slice(),
                        )
                    })
                })
                .collect(),
            _ => Vec::new(),
        }
    }

    fn spans_mut(&mut self) -> Vec<&mut Span> {
        match self {
            Self::Text(b) => b.children.iter_mut().collect(),
            Self::Table(b) => b
                .rows
                .iter_mut()
                .flat_map(|row| row.cells.iter_mut())
                .flat_map(|cell| cell.children.iter_mut())
                .collect(),
            _ => Vec::new(),
        }
    }

    /// Media that this block names, with the place of each below the block.
    pub fn media(&self) -> Vec<(String, MediaId)> {
        match self {
            Self::Figure(figure) => (0..)
                .zip(&figure.media)
                .map(|(i, medium): (usize, _)| (format!("/media/{i}/media_id"), medium.media_id))
                .collect(),
            Self::Embed(Embed {
                media_id: Some(id), ..
            })
            | Self::Attachment(Attachment { media_id: id, .. }) => {
                vec![("/media_id".to_owned(), *id)]
            }
            _ => Vec::new(),
        }
    }

    fn parts(&self) -> usize {
        let runs = self.runs();
        runs.len() + runs.iter().map(|(_, spans, _)| spans.len()).sum::<usize>()
    }

    fn characters(&self) -> usize {
        let count = |text: &str| text.chars().count();
        let runs: usize = self
            .runs()
            .iter()
            .flat_map(|(_, spans, _)| spans.iter())
            .map(|span| count(span.text.as_str()))
            .sum();
        runs + match self {
            Self::Figure(figure) => figure.characters(),
            Self::Table(Table {
                caption: Some(caption),
                ..
            }) => count(caption.as_str()),
            Self::Attachment(attachment) => count(attachment.title.as_str()),
            _ => 0,
        }
    }
}
