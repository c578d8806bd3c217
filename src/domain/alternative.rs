//! Which pictures tell nothing to those who cannot see them.

use std::collections::HashMap;

use serde::Serialize;
use utoipa::ToSchema;

use super::body::Block;
use super::content::Content;
use super::id::MediaId;
use super::input::words;
use super::media::{Kind, Medium, Status};

words! {
    /// What an editor should know before readers see it. More may come.
    WarningCode { MissingAlt = "missing_alt", MediaWithdrawn = "media_withdrawn",
        MediaNotReady = "media_not_ready" }
}

/// Something in the content that deserves a second look; it keeps nobody from saving.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Warning {
    /// RFC 6901 pointer into the article's representation, as `/content/body/3/media/0`.
    #[schema(max_length = 100, format = "json-pointer")]
    pub pointer: String,
    #[schema(inline)]
    pub code: WarningCode,
    pub media_id: MediaId,
}

/// A place where content shows a medium.
struct Place {
    pointer: String,
    media_id: MediaId,
    /// Neither text nor the decorative mark is given here: the medium's own words count.
    bare: bool,
}

fn places(content: &Content) -> Vec<Place> {
    let mut places = Vec::new();
    let mut in_figures = Vec::new();
    for (i, block) in content.body.0.iter().enumerate() {
        if let Block::Figure(figure) = block {
            for (j, medium) in figure.media.iter().enumerate() {
                in_figures.push(medium.media_id);
                places.push(Place {
                    pointer: format!("/content/body/{i}/media/{j}"),
                    media_id: medium.media_id,
                    bare: medium.alt.is_none() && !medium.decorative,
                });
            }
        } else {
            places.extend(block.media().into_iter().map(|(below, media_id)| Place {
                pointer: format!("/content/body/{i}{below}"),
                media_id,
                bare: false,
            }));
        }
    }
    // A cover that a figure shows too says what is said there.
    places.extend(content.cover_media_id.map(|media_id| Place {
        pointer: "/content/cover_media_id".to_owned(),
        media_id,
        bare: !in_figures.contains(&media_id),
    }));
    places
}

/// What is to be said of content, by the media that it names.
pub fn warnings(content: &Content, media: &[Medium]) -> Vec<Warning> {
    let known: HashMap<MediaId, &Medium> = media.iter().map(|medium| (medium.id, medium)).collect();
    let told = places(content).into_iter().filter_map(|place| {
        let medium = known.get(&place.media_id)?;
        let code = if medium.withdrawn.is_some() {
            WarningCode::MediaWithdrawn
        } else if medium.status != Status::Ready {
            WarningCode::MediaNotReady
        } else if place.bare && medium.kind == Kind::Image && !medium.content.has_alternative() {
            WarningCode::MissingAlt
        } else {
            return None;
        };
        Some(Warning {
            pointer: place.pointer,
            code,
            media_id: place.media_id,
        })
    });
    told.collect()
}

/// The media that content shows: in figures, or as its cover. What is only attached is not looked at.
pub fn pictures(content: &Content) -> Vec<MediaId> {
    let figures = content.body.0.iter().filter_map(|block| match block {
        Block::Figure(figure) => Some(figure),
        _ => None,
    });
    figures
        .flat_map(|figure| &figure.media)
        .map(|medium| medium.media_id)
        .chain(content.cover_media_id)
        .collect()
}
