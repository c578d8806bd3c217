//! What stands in a picture's place until it has come: a blur and one colour.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::{Form, ImageError, Picture, scale};

/// Longest side of what is looked at: ThumbHash takes no longer one.
const SIDE: u32 = 100;

/// First sight of a picture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Look {
    /// ThumbHash in Base64.
    pub thumbhash: String,
    /// `#rrggbb`; none where nothing can be seen.
    pub colour: Option<String>,
}

pub(super) fn at(picture: &Picture) -> Result<Look, ImageError> {
    let side = |length: u32, other: u32| {
        let scaled = u64::from(length) * u64::from(SIDE) / u64::from(length.max(other).max(1));
        u32::try_from(scaled)
            .unwrap_or(SIDE)
            .clamp(1, length.max(1))
    };
    let (width, height) = (picture.width, picture.height);
    let small = scale::to(picture, side(width, height), side(height, width))?;
    let pixels = rgba(&small);
    let length = |side: u32| usize::try_from(side).map_err(|_| ImageError::Failed);
    let hash = thumbhash::rgba_to_thumb_hash(length(small.width)?, length(small.height)?, &pixels);
    Ok(Look {
        thumbhash: STANDARD.encode(hash),
        colour: dominant(&pixels),
    })
}

fn rgba(picture: &Picture) -> Vec<u8> {
    match picture.form {
        Form::Grey => picture
            .pixels
            .iter()
            .flat_map(|grey| [*grey, *grey, *grey, 255])
            .collect(),
        Form::Rgb => picture
            .pixels
            .chunks(3)
            .flat_map(|pixel| pixel.iter().copied().chain([255]))
            .collect(),
        Form::Rgba => picture.pixels.clone(),
    }
}

/// The mean of the largest group of like colours: a mean of all would be brown.
fn dominant(pixels: &[u8]) -> Option<String> {
    let mut groups: BTreeMap<[u8; 3], [u32; 4]> = BTreeMap::new();
    for pixel in pixels.chunks(4) {
        if let [red, green, blue, alpha] = *pixel
            && alpha >= 128
        {
            let [count, reds, greens, blues] =
                groups.entry([red >> 5, green >> 5, blue >> 5]).or_default();
            *count += 1;
            *reds += u32::from(red);
            *greens += u32::from(green);
            *blues += u32::from(blue);
        }
    }
    let [count, reds, greens, blues] = groups.into_values().max_by_key(|[count, ..]| *count)?;
    let mean = |sum: u32| (sum + count / 2) / count;
    Some(format!(
        "#{:02x}{:02x}{:02x}",
        mean(reds),
        mean(greens),
        mean(blues)
    ))
}
