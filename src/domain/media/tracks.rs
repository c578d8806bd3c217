//! Tracks of films and sounds: subtitles and what else is shown or read out while they play.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Rendition;
use crate::domain::content::Language;
use crate::domain::input::{text, words};

text! {
    /// What players call a track.
    TrackLabel(1..=100, Single, "Tiếng Việt");
}

words! {
    /// What a track is: what is said, the same with the sounds, what can be seen, or the parts.
    TrackKind {
        Subtitles = "subtitles", Captions = "captions", Descriptions = "descriptions",
        Chapters = "chapters",
    }
}

/// Most tracks of one medium.
pub const MAX_TRACKS: usize = 20;
/// MIME type of every track.
pub const TRACK_TYPE: &str = "text/vtt; charset=utf-8";

/// A track of a medium; a language has one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Track {
    pub language: Language,
    pub kind: TrackKind,
    pub label: Option<TrackLabel>,
    /// SHA-256 of the bytes, lower-case hex: part of the address.
    pub hash: String,
    /// Key in media storage.
    pub key: String,
    pub bytes: i64,
}

impl Track {
    /// What its file is called in addresses.
    pub fn name(&self) -> String {
        name(&self.language)
    }

    /// The file that it is.
    pub fn file(&self) -> Rendition {
        Rendition {
            name: self.name(),
            hash: self.hash.clone(),
            key: self.key.clone(),
            mime: TRACK_TYPE.to_owned(),
            bytes: self.bytes,
            width: None,
            height: None,
        }
    }

    /// As readers get it; the address begins with `base`.
    pub fn live(&self, base: &str) -> LiveTrack {
        LiveTrack {
            language: self.language.clone(),
            kind: self.kind,
            label: self.label.clone(),
            url: format!("{base}{}", self.file().path()),
            bytes: self.bytes,
        }
    }
}

/// A track as clients get it: a file in WebVTT.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct LiveTrack {
    pub language: Language,
    #[schema(inline)]
    pub kind: TrackKind,
    pub label: Option<TrackLabel>,
    #[schema(format = "uri", max_length = 2000)]
    pub url: String,
    /// Size of the file.
    #[schema(minimum = 1, maximum = 9007199254740991i64)]
    pub bytes: i64,
}

impl LiveTrack {
    /// What its file is called in addresses.
    pub fn name(&self) -> String {
        name(&self.language)
    }
}

fn name(language: &Language) -> String {
    format!("track-{}", language.as_str().to_ascii_lowercase())
}
