//! From bytes of strangers to pixels: the header first, which is enough to refuse a bomb.

use std::io::Cursor;

use image::metadata::Orientation;
use image::{DynamicImage, ImageDecoder, ImageFormat, ImageReader};

use super::{Form, ImageError, Limits, Picture};

/// Longest side of a picture: JPEG knows no longer one.
const MAX_SIDE: u32 = 65_000;
/// Largest profile worth carrying in every rendition.
const MAX_PROFILE: usize = 64 * 1024;

/// The picture as seen, without anything that came along but its colour profile. Of an animation the
/// first frame.
pub(super) fn picture(
    original: &[u8],
    limits: &Limits,
) -> Result<(&'static str, Picture), ImageError> {
    let (mime, mut decoder) = open(original, limits)?;
    let profile = decoder.icc_profile().unwrap_or(None);
    let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
    let mut seen = DynamicImage::from_decoder(decoder).map_err(corrupt)?;
    seen.apply_orientation(orientation);
    let (width, height) = (seen.width(), seen.height());
    let (form, pixels) = plain(seen);
    let profile = profile.filter(|profile| is_profile(profile, form));
    Ok((
        mime,
        Picture {
            form,
            width,
            height,
            pixels,
            profile,
        },
    ))
}

/// Reads the header and refuses what would be too much, before a pixel is decoded.
fn open<'a>(
    original: &'a [u8],
    limits: &Limits,
) -> Result<(&'static str, impl ImageDecoder + use<'a>), ImageError> {
    if original.is_empty() {
        return Err(ImageError::Empty);
    }
    let format = image::guess_format(original).map_err(|_| ImageError::UnknownType)?;
    let mime = match format {
        ImageFormat::Jpeg => "image/jpeg",
        ImageFormat::Png => "image/png",
        ImageFormat::WebP => "image/webp",
        ImageFormat::Gif => "image/gif",
        _ => return Err(ImageError::UnknownType),
    };
    let mut reader = ImageReader::with_format(Cursor::new(original), format);
    let mut caps = image::Limits::default();
    // 16 bits of four channels, and what the decoder needs beside them. The coefficients of a
    // progressive JPEG are not counted by anybody: with its pixels they are 12 bytes for each.
    caps.max_alloc = Some(
        limits
            .max_pixels
            .saturating_mul(8)
            .saturating_add(64 * 1024 * 1024),
    );
    reader.limits(caps);
    let decoder = reader.into_decoder().map_err(corrupt)?;
    let (width, height) = decoder.dimensions();
    if width == 0 || height == 0 {
        return Err(ImageError::Corrupt);
    }
    if u64::from(width) * u64::from(height) > limits.max_pixels || width.max(height) > MAX_SIDE {
        return Err(ImageError::TooManyPixels);
    }
    Ok((mime, decoder))
}

fn corrupt(error: image::ImageError) -> ImageError {
    match error {
        image::ImageError::Limits(_) => ImageError::TooManyPixels,
        _ => ImageError::Corrupt,
    }
}

/// Eight bits a channel, and an alpha channel only where something is transparent. In place where the
/// picture has the right form already: it may be large.
fn plain(picture: DynamicImage) -> (Form, Vec<u8>) {
    if picture.color().has_alpha() {
        let pixels = picture.into_rgba8();
        if pixels.pixels().any(|pixel| pixel.0.last() != Some(&255)) {
            return (Form::Rgba, pixels.into_raw());
        }
        let opaque = DynamicImage::ImageRgba8(pixels).into_rgb8();
        return (Form::Rgb, opaque.into_raw());
    }
    if picture.color().has_color() {
        return (Form::Rgb, picture.into_rgb8().into_raw());
    }
    (Form::Grey, picture.into_luma8().into_raw())
}

/// Is it a colour profile, and one for pixels of this form? Anything may stand where one should.
fn is_profile(profile: &[u8], form: Form) -> bool {
    let length = profile
        .first_chunk::<4>()
        .map(|length| u32::from_be_bytes(*length));
    let space: &[u8] = match form {
        Form::Grey => b"GRAY",
        Form::Rgb | Form::Rgba => b"RGB ",
    };
    profile.len() <= MAX_PROFILE
        && length.and_then(|length| usize::try_from(length).ok()) == Some(profile.len())
        && profile.get(16..20) == Some(space)
        && profile.get(36..40) == Some(b"acsp")
}
