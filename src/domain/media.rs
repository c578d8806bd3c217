//! Media: what is known of a file, and how readers get it.

mod claim;
mod file_name;
mod sniff;
mod tracks;

use deserr::Deserr;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::article::ReasonCode;
use super::caption::{Alt, Credit};
use super::id::{MediaId, UserId, Version};
use super::input::{FaultCode, Faults, words};
use super::time::{Instant, Zone};

pub use self::claim::Claim;
pub use self::file_name::FileName;
pub use self::sniff::{HEAD, sniff};
pub use self::tracks::{LiveTrack, MAX_TRACKS, TRACK_TYPE, Track, TrackKind, TrackLabel};

words! {
    /// What a medium is.
    Kind { Image = "image", Document = "document", Video = "video", Audio = "audio" }
    /// Whether a machine had a hand in it: not at all, it helped, or it made the thing.
    AiLabel { None = "none", Assisted = "assisted", Generated = "generated" }
    /// Whether readers can get it: large pictures are made ready after the upload, which may fail.
    Status { Ready = "ready", Processing = "processing", Failed = "failed" }
    /// Why a medium will never be ready: its pixels are damaged, too many, or of a kind that is not
    /// read; making its files failed again and again; or it was withdrawn before.
    Failure {
        Damaged = "damaged", TooLarge = "too_large", Misread = "misread", GaveUp = "gave_up",
        Withdrawn = "withdrawn",
    }
    /// What is left to do for a medium: make all its files, or those that a focal point decides.
    Work { All = "all", Crops = "crops" }
}

#[expect(clippy::derivable_impls, reason = "words! makes the enum")]
impl Default for Status {
    fn default() -> Self {
        Self::Ready
    }
}

#[expect(clippy::derivable_impls, reason = "words! makes the enum")]
impl Default for AiLabel {
    fn default() -> Self {
        Self::None
    }
}

/// A medium was withdrawn: nobody gets its files any more, figures keep their captions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Withdrawal {
    pub at: Instant,
    #[schema(inline)]
    pub reason_code: ReasonCode,
}

impl Withdrawal {
    /// The same with its time in the zone's offset.
    pub fn shown_in(self, zone: &Zone) -> Self {
        Self {
            at: zone.show(self.at),
            ..self
        }
    }
}

/// What matters most in a picture: crops are made around it.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, Deserr, ToSchema)]
#[deserr(error = Faults, deny_unknown_fields)]
#[serde(deny_unknown_fields)]
pub struct FocalPoint {
    /// From the left of the picture as seen, as a part of its width.
    #[schema(minimum = 0, maximum = 1)]
    pub x: f64,
    /// From the top, as a part of its height.
    #[schema(minimum = 0, maximum = 1)]
    pub y: f64,
}

/// What editors may say of a medium.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, Deserr, ToSchema)]
#[deserr(error = Faults, deny_unknown_fields)]
#[serde(deny_unknown_fields)]
pub struct MediaContent {
    /// The default text alternative; a figure may override it.
    #[deserr(default)]
    pub alt: Option<Alt>,
    #[deserr(default)]
    pub credit: Option<Credit>,
    /// The picture says nothing that the text around it does not; it has no alt text then.
    #[deserr(default)]
    #[serde(default)]
    pub decorative: bool,
    #[deserr(default)]
    #[serde(default)]
    #[schema(inline)]
    pub ai_label: AiLabel,
    /// Null: the middle. A picture's crops are made anew when it changes, soon after.
    #[deserr(default)]
    #[serde(default)]
    pub focal_point: Option<FocalPoint>,
}

impl MediaContent {
    /// What the fields say together.
    pub fn check(&self) -> Result<(), Faults> {
        let mut faults = Faults::default();
        if self.decorative && self.alt.is_some() {
            let message = "a decorative picture has no alt text";
            faults.push("/alt", FaultCode::Conflict, message);
        }
        if let Some(FocalPoint { x, y }) = self.focal_point {
            for (place, value) in [("/focal_point/x", x), ("/focal_point/y", y)] {
                if !(0.0..=1.0).contains(&value) {
                    faults.push(place, FaultCode::OutOfRange, "must be from 0 to 1");
                }
            }
        }
        faults.or(())
    }

    /// What they say of a medium of this kind.
    pub fn check_for(&self, kind: Kind) -> Result<(), Faults> {
        if kind != Kind::Image && self.focal_point.is_some() {
            let message = "only pictures have a focal point";
            return Err(Faults::one("/focal_point", FaultCode::Conflict, message));
        }
        Ok(())
    }

    /// Does it tell those who cannot see it what there is, be it nothing?
    pub fn has_alternative(&self) -> bool {
        self.decorative || self.alt.is_some()
    }
}

/// One file made from a medium.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Rendition {
    /// `full`; `w` and the width in pixels; `card`, or a shape and the width as `16x9-w640`, for crops;
    /// with `-webp` in WebP.
    pub name: String,
    /// SHA-256 of the bytes, lower-case hex: part of the address.
    pub hash: String,
    /// Key in media storage; begins with a random token.
    pub key: String,
    pub mime: String,
    pub bytes: i64,
    /// Of a picture or film as seen, in pixels.
    pub width: Option<i32>,
    pub height: Option<i32>,
}

impl Rendition {
    /// Is it a part of the picture, cut around the focal point?
    pub fn is_crop(&self) -> bool {
        self.name == "card" || self.name.starts_with(|first: char| first.is_ascii_digit())
    }

    /// Path of the public file below the public URL.
    pub fn path(&self) -> String {
        format!("/media/{}/{}", self.hash, self.name)
    }
}

/// One file of a medium as clients get it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct LiveRendition {
    /// `full`; `w` and the width in pixels; `card`, or a shape and the width as `16x9-w640`, for crops;
    /// with `-webp` in WebP. New names may come.
    #[schema(max_length = 24, pattern = "^[a-z0-9-]{1,24}$")]
    pub name: String,
    #[schema(format = "uri", max_length = 2000)]
    pub url: String,
    /// Null for documents and sounds.
    #[schema(minimum = 1, maximum = 100000)]
    pub width: Option<i32>,
    #[schema(minimum = 1, maximum = 100000)]
    pub height: Option<i32>,
    /// MIME type.
    #[serde(rename = "type")]
    #[schema(max_length = 100, pattern = "^[a-z]+/[a-z0-9.+-]+$")]
    pub mime: String,
    /// Size of the file.
    #[schema(minimum = 1, maximum = 9007199254740991i64)]
    pub bytes: i64,
}

impl LiveRendition {
    /// Widest that a page shows; wider ones are there to look closely.
    const PAGE: i32 = 1920;
    /// Width of what programs show that take one file only.
    const USUAL: i32 = 1280;

    /// The width, if `<img srcset>` offers the file: the whole picture, not larger than pages are, in
    /// the format that everything reads. Mail programs and feed readers take `<img>` as it stands.
    fn page_width(&self) -> Option<i32> {
        let whole = self.name == "full" || self.name.strip_prefix('w').is_some_and(is_number);
        self.width.filter(|width| whole && *width <= Self::PAGE)
    }

    /// Those for `<img srcset>` with their widths, narrow ones first, and the one for `<img src>`.
    pub fn for_pages(renditions: &[Self]) -> (Option<&Self>, Vec<(&Self, i32)>) {
        let mut offered: Vec<(&Self, i32)> = renditions
            .iter()
            .filter_map(|one| Some((one, one.page_width()?)))
            .collect();
        offered.sort_by_key(|(_, width)| *width);
        let usual = offered.iter().rfind(|(_, width)| *width <= Self::USUAL);
        (usual.or(offered.first()).map(|(one, _)| *one), offered)
    }
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|digit| digit.is_ascii_digit())
}

/// What rows tell of an object in media storage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectFacts {
    /// SHA-256 of its bytes, lower-case hex.
    pub hash: String,
    pub mime: String,
}

/// A medium as readers get it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct LiveMedium {
    pub id: MediaId,
    #[schema(inline)]
    pub kind: Kind,
    #[schema(minimum = 1, maximum = 100000)]
    pub width: Option<i32>,
    #[schema(minimum = 1, maximum = 100000)]
    pub height: Option<i32>,
    /// Of a film or a sound, in milliseconds; null where the file does not tell.
    #[serde(default)]
    #[schema(minimum = 1, maximum = 9007199254740991i64)]
    pub duration_ms: Option<i64>,
    /// Of a document; null where it does not tell.
    #[serde(default)]
    #[schema(minimum = 1, maximum = 1000000)]
    pub pages: Option<i32>,
    /// A blurred picture to show until the file has come: ThumbHash in Base64.
    #[serde(default)]
    #[schema(max_length = 40, pattern = "^[A-Za-z0-9+/]+=*$")]
    pub thumbhash: Option<String>,
    /// What there is most of.
    #[serde(default)]
    #[schema(max_length = 7, pattern = "^#[0-9a-f]{6}$")]
    pub colour: Option<String>,
    pub alt: Option<Alt>,
    /// It has an empty alternative, which is not the same as none.
    #[serde(default)]
    pub decorative: bool,
    pub credit: Option<Credit>,
    #[serde(default)]
    #[schema(inline)]
    pub ai_label: AiLabel,
    /// Empty where it was withdrawn.
    #[schema(max_items = 50)]
    pub renditions: Vec<LiveRendition>,
    /// Of a film or a sound: subtitles and the like.
    #[serde(default)]
    #[schema(max_items = 20)]
    pub tracks: Vec<LiveTrack>,
    /// Absent for all that can be seen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub withdrawn: Option<Withdrawal>,
}

impl LiveMedium {
    /// Address of the full-size file.
    pub fn url(&self) -> &str {
        self.renditions
            .iter()
            .find(|rendition| rendition.name == "full")
            .map_or("", |rendition| rendition.url.as_str())
    }

    /// Closes it: no text, no files, no blur of them.
    pub fn withdraw(&mut self, withdrawal: &Withdrawal) {
        self.alt = None;
        self.thumbhash = None;
        self.colour = None;
        self.renditions.clear();
        self.tracks.clear();
        self.withdrawn = Some(withdrawal.clone());
    }

    /// Takes other files of the same picture; its words stay.
    pub fn refresh(&mut self, medium: &Self) {
        self.width = medium.width;
        self.height = medium.height;
        self.thumbhash.clone_from(&medium.thumbhash);
        self.colour.clone_from(&medium.colour);
        self.renditions.clone_from(&medium.renditions);
    }

    /// Makes stored addresses, which are relative, absolute.
    pub fn rebase(&mut self, base: &str) {
        for rendition in &mut self.renditions {
            rendition.url.insert_str(0, base);
        }
        for track in &mut self.tracks {
            track.url.insert_str(0, base);
        }
    }
}

/// A medium as editors have it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Medium {
    pub id: MediaId,
    pub version: Version,
    pub kind: Kind,
    /// SHA-256 of the original, lower-case hex.
    pub hash: String,
    pub file_name: FileName,
    pub mime: String,
    pub bytes: i64,
    pub width: Option<i32>,
    pub height: Option<i32>,
    #[serde(default)]
    pub duration_ms: Option<i64>,
    #[serde(default)]
    pub pages: Option<i32>,
    pub thumbhash: Option<String>,
    pub colour: Option<String>,
    pub content: MediaContent,
    #[serde(default)]
    pub status: Status,
    #[serde(default)]
    pub failure: Option<Failure>,
    /// Key of the original in media storage. Of pictures it is never served; documents, films and sounds
    /// have no other file.
    pub original: String,
    pub renditions: Vec<Rendition>,
    #[serde(default)]
    pub tracks: Vec<Track>,
    pub created_by: UserId,
    pub created_at: Instant,
    #[serde(default)]
    pub withdrawn: Option<Withdrawal>,
}

/// A medium as it was when an edition was published.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FrozenMedium {
    pub id: MediaId,
    pub kind: Kind,
    pub width: Option<i32>,
    pub height: Option<i32>,
    #[serde(default)]
    pub duration_ms: Option<i64>,
    #[serde(default)]
    pub pages: Option<i32>,
    #[serde(default)]
    pub thumbhash: Option<String>,
    #[serde(default)]
    pub colour: Option<String>,
    pub alt: Option<Alt>,
    #[serde(default)]
    pub decorative: bool,
    pub credit: Option<Credit>,
    #[serde(default)]
    pub ai_label: AiLabel,
    pub renditions: Vec<Rendition>,
    #[serde(default)]
    pub tracks: Vec<Track>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub withdrawn: Option<Withdrawal>,
}

impl From<Medium> for FrozenMedium {
    fn from(medium: Medium) -> Self {
        let frozen = Self {
            id: medium.id,
            kind: medium.kind,
            width: medium.width,
            height: medium.height,
            duration_ms: medium.duration_ms,
            pages: medium.pages,
            thumbhash: medium.thumbhash,
            colour: medium.colour,
            alt: medium.content.alt,
            decorative: medium.content.decorative,
            credit: medium.content.credit,
            ai_label: medium.content.ai_label,
            renditions: medium.renditions,
            tracks: medium.tracks,
            withdrawn: None,
        };
        match medium.withdrawn {
            Some(withdrawal) => frozen.closed(withdrawal),
            None => frozen,
        }
    }
}

impl FrozenMedium {
    /// The same once it was withdrawn: no text, no files, no blur of them.
    pub fn closed(self, withdrawal: Withdrawal) -> Self {
        Self {
            alt: None,
            thumbhash: None,
            colour: None,
            renditions: Vec::new(),
            tracks: Vec::new(),
            withdrawn: Some(withdrawal),
            ..self
        }
    }

    /// The same with its times in the zone's offset.
    pub fn shown_in(self, zone: &Zone) -> Self {
        Self {
            withdrawn: self.withdrawn.map(|withdrawal| withdrawal.shown_in(zone)),
            ..self
        }
    }

    /// As readers get it; addresses begin with `base`.
    pub fn live(&self, base: &str) -> LiveMedium {
        LiveMedium {
            id: self.id,
            kind: self.kind,
            width: self.width,
            height: self.height,
            duration_ms: self.duration_ms,
            pages: self.pages,
            thumbhash: self.thumbhash.clone(),
            colour: self.colour.clone(),
            alt: self.alt.clone(),
            decorative: self.decorative,
            credit: self.credit.clone(),
            ai_label: self.ai_label,
            withdrawn: self.withdrawn.clone(),
            tracks: self.tracks.iter().map(|track| track.live(base)).collect(),
            renditions: self
                .renditions
                .iter()
                .map(|rendition| LiveRendition {
                    name: rendition.name.clone(),
                    url: format!("{base}{}", rendition.path()),
                    width: rendition.width,
                    height: rendition.height,
                    mime: rendition.mime.clone(),
                    bytes: rendition.bytes,
                })
                .collect(),
        }
    }
}
