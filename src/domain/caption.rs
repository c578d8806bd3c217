//! Captions are figures with an identity: one or more media under one caption text and credit.

use deserr::Deserr;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::body::Key;
use super::id::{CaptionId, MediaId};
use super::input::{FaultCode, Faults, text, words};
use super::media::{AiLabel, LiveMedium, LiveRendition, Withdrawal};

text! {
    /// Text under a figure: up to 1,000 characters after NFC.
    CaptionText(1..=1000, Multi, "Đoàn viên trồng cây ven sông");
    /// Who made the picture.
    Credit(1..=200, Single, "Ảnh: Minh An");
    /// Text alternative of one picture, for those who cannot see it.
    Alt(1..=1000, Multi, "Năm người đang trồng cây bên bờ sông");
}

words! {
    /// A figure on its own says what it is, as it does in a body.
    FigureType { Figure = "figure" }
}

/// Most media under one caption.
pub const MAX_FIGURE_MEDIA: usize = 50;

/// One or more media under one caption, as editors write it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Deserr, ToSchema)]
#[deserr(error = Faults, deny_unknown_fields)]
#[serde(deny_unknown_fields)]
pub struct Figure {
    #[serde(rename = "_key", skip_serializing_if = "Option::is_none")]
    #[deserr(rename = "_key", default)]
    #[schema(nullable = false)]
    pub key: Option<Key>,
    /// Identity of the caption: kept when named, made by the server when absent.
    #[deserr(default)]
    pub caption_id: Option<CaptionId>,
    #[deserr(default)]
    pub caption: Option<CaptionText>,
    #[deserr(default)]
    pub credit: Option<Credit>,
    #[schema(min_items = 1, max_items = 50)]
    pub media: Vec<FigureMedium>,
}

/// One medium of a figure.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Deserr, ToSchema)]
#[deserr(error = Faults, deny_unknown_fields)]
#[serde(deny_unknown_fields)]
pub struct FigureMedium {
    pub media_id: MediaId,
    /// Null: the medium's own alt text.
    #[deserr(default)]
    pub alt: Option<Alt>,
    /// The picture says nothing that the text does not; it gets an empty alternative.
    #[deserr(default)]
    pub decorative: bool,
}

impl Figure {
    pub fn check(&self, place: &str, faults: &mut Faults) {
        if self.media.is_empty() || self.media.len() > MAX_FIGURE_MEDIA {
            faults.push(
                format!("{place}/media"),
                if self.media.is_empty() {
                    FaultCode::TooShort
                } else {
                    FaultCode::TooMany
                },
                format!("must have 1 to {MAX_FIGURE_MEDIA} media"),
            );
        }
        for (i, medium) in self.media.iter().enumerate() {
            if medium.decorative && medium.alt.is_some() {
                faults.push(
                    format!("{place}/media/{i}/alt"),
                    FaultCode::Conflict,
                    "a decorative picture has no alt text",
                );
            }
        }
    }

    pub fn characters(&self) -> usize {
        let caption = self
            .caption
            .as_ref()
            .map_or(0, |text| text.as_str().chars().count());
        let alts: usize = self
            .media
            .iter()
            .filter_map(|medium| medium.alt.as_ref())
            .map(|alt| alt.as_str().chars().count())
            .sum();
        caption + alts
    }
}

/// A figure as readers get it: every medium expanded, alt texts and credit as frozen when the
/// edition was published.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct LiveFigure {
    #[serde(rename = "_key")]
    pub key: Key,
    pub caption_id: CaptionId,
    pub caption: Option<CaptionText>,
    pub credit: Option<Credit>,
    #[schema(min_items = 1, max_items = 50)]
    pub media: Vec<LiveFigureItem>,
}

impl LiveFigure {
    /// The media that can be seen: not withdrawn, and with files.
    pub fn shown(&self) -> impl Iterator<Item = &LiveFigureMedium> {
        self.media.iter().filter_map(|item| match item {
            LiveFigureItem::Shown(medium) => {
                Some(medium).filter(|shown| !shown.renditions.is_empty())
            }
            LiveFigureItem::Withdrawn(_) => None,
        })
    }
}

/// One place of a public figure: a medium, or what remains of one that was withdrawn (it has
/// `withdrawn`, and no `url`).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(untagged)]
pub enum LiveFigureItem {
    Shown(LiveFigureMedium),
    Withdrawn(WithdrawnMedium),
}

impl LiveFigureItem {
    pub fn media_id(&self) -> MediaId {
        match self {
            Self::Shown(medium) => medium.media_id,
            Self::Withdrawn(medium) => medium.media_id,
        }
    }
}

/// What remains in a figure of a medium that was withdrawn.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct WithdrawnMedium {
    pub media_id: MediaId,
    pub withdrawn: Withdrawal,
}

/// One medium of a public figure.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct LiveFigureMedium {
    pub media_id: MediaId,
    #[schema(inline)]
    pub kind: super::media::Kind,
    /// The full-size file.
    #[schema(format = "uri", max_length = 2000)]
    pub url: String,
    #[schema(minimum = 1, maximum = 100000)]
    pub width: Option<i32>,
    #[schema(minimum = 1, maximum = 100000)]
    pub height: Option<i32>,
    /// A blurred picture to show until the file has come: ThumbHash in Base64.
    #[serde(default)]
    #[schema(max_length = 40, pattern = "^[A-Za-z0-9+/]+=*$")]
    pub thumbhash: Option<String>,
    /// What there is most of.
    #[serde(default)]
    #[schema(max_length = 7, pattern = "^#[0-9a-f]{6}$")]
    pub colour: Option<String>,
    /// Null where nobody wrote one; empty for a decorative picture is `decorative`, not "".
    pub alt: Option<Alt>,
    pub decorative: bool,
    /// The medium's own credit.
    pub credit: Option<Credit>,
    #[serde(default)]
    #[schema(inline)]
    pub ai_label: AiLabel,
    #[schema(max_items = 50)]
    pub renditions: Vec<LiveRendition>,
}

impl LiveFigureMedium {
    /// Takes other files of the same picture; its words stay.
    pub fn refresh(&mut self, medium: &LiveMedium) {
        medium.url().clone_into(&mut self.url);
        self.width = medium.width;
        self.height = medium.height;
        self.thumbhash.clone_from(&medium.thumbhash);
        self.colour.clone_from(&medium.colour);
        self.renditions.clone_from(&medium.renditions);
    }
}
