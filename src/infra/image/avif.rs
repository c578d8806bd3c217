//! AVIF: its container is read here, its frames are decoded in a process of their own.

mod child;
mod container;
mod pixels;

use std::io::{Read, Write};

use image::metadata::Orientation;
use image::{DynamicImage, GrayImage, RgbImage, RgbaImage};

use self::container::{Avif, Mirror};
use super::decode::{check_size, is_profile, plain};
use super::{Form, Header, ImageError, Limits, Picture};

pub(super) const MIME: &str = "image/avif";

/// Type and size as seen; none where it is no AVIF.
pub(super) fn header(original: &[u8], limits: &Limits) -> Result<Option<Header>, ImageError> {
    let avif = open(original, limits.max_pixels)?;
    Ok(avif.map(|avif| {
        let (width, height) = avif.size();
        Header {
            mime: MIME,
            width,
            height,
        }
    }))
}

/// Reads the container and refuses what would be too much, before a pixel is decoded: the picture, and
/// each frame, whose sizes the decoder is held to.
fn open(original: &[u8], max_pixels: u64) -> Result<Option<Avif<'_>>, ImageError> {
    let avif = container::read(original)?;
    if let Some(avif) = &avif {
        check_size(avif.colour.width, avif.colour.height, max_pixels)?;
        for frame in avif.frames() {
            check_size(frame.width, frame.height, max_pixels)?;
        }
    }
    Ok(avif)
}

/// The picture as seen; none where it is no AVIF. Of an animation the still one.
pub(super) fn picture(original: &[u8], limits: &Limits) -> Result<Option<Picture>, ImageError> {
    let Some(avif) = open(original, limits.max_pixels)? else {
        return Ok(None);
    };
    let size = (avif.colour.width, avif.colour.height);
    let raster = child::decode(original, limits, size)?;
    let (width, height, pixels) = (raster.width, raster.height, raster.pixels);
    let seen = match raster.form {
        Form::Grey => GrayImage::from_raw(width, height, pixels).map(DynamicImage::from),
        Form::Rgb => RgbImage::from_raw(width, height, pixels).map(DynamicImage::from),
        Form::Rgba => RgbaImage::from_raw(width, height, pixels).map(DynamicImage::from),
    };
    let mut seen = seen.ok_or(ImageError::Failed)?;
    if let Some(crop) = avif.crop {
        seen = seen.crop_imm(crop.left, crop.top, crop.width, crop.height);
    }
    // Against the clock there, with it here.
    seen.apply_orientation(match avif.turns {
        0 => Orientation::NoTransforms,
        1 => Orientation::Rotate270,
        2 => Orientation::Rotate180,
        _ => Orientation::Rotate90,
    });
    seen.apply_orientation(match avif.mirror {
        None => Orientation::NoTransforms,
        Some(Mirror::TopAndBottom) => Orientation::FlipVertical,
        Some(Mirror::LeftAndRight) => Orientation::FlipHorizontal,
    });
    let (width, height) = (seen.width(), seen.height());
    let (form, pixels) = plain(seen);
    let profile = avif.profile.filter(|profile| is_profile(profile, form));
    Ok(Some(Picture {
        form,
        width,
        height,
        pixels,
        profile: profile.map(<[u8]>::to_vec),
    }))
}

/// Decodes a file for the process that asked for one: what `bantin decode-avif` does.
pub fn decode(from: &mut impl Read, to: &mut impl Write, max_pixels: u64) -> std::io::Result<()> {
    child::limit(max_pixels)?;
    child::answer(from, to, max_pixels)
}

#[cfg(test)]
mod tests;
