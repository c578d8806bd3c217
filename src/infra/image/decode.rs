//! From bytes of strangers to pixels: the header first, which is enough to refuse a bomb.

use std::io::Cursor;

use image::metadata::Orientation;
use image::{DynamicImage, ImageDecoder, ImageFormat, ImageReader};

use super::{Form, Header, ImageError, Limits, Picture, avif};

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
    match avif::picture(original, limits)? {
        Some(picture) => Ok((avif::MIME, picture)),
        None => here(original, limits.max_pixels),
    }
}

/// The same without what takes another process.
pub(super) fn here(
    original: &[u8],
    max_pixels: u64,
) -> Result<(&'static str, Picture), ImageError> {
    let (mime, mut decoder) = open(original, max_pixels)?;
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

/// Type and size as seen.
pub(super) fn header(original: &[u8], limits: &Limits) -> Result<Header, ImageError> {
    if let Some(header) = avif::header(original, limits)? {
        return Ok(header);
    }
    let (mime, mut decoder) = open(original, limits.max_pixels)?;
    let (width, height) = decoder.dimensions();
    let is_turned = matches!(
        decoder.orientation(),
        Ok(Orientation::Rotate90
            | Orientation::Rotate270
            | Orientation::Rotate90FlipH
            | Orientation::Rotate270FlipH)
    );
    let (width, height) = match is_turned {
        true => (height, width),
        false => (width, height),
    };
    Ok(Header {
        mime,
        width,
        height,
    })
}

/// Reads the header and refuses what would be too much, before a pixel is decoded.
fn open<'a>(
    original: &'a [u8],
    max_pixels: u64,
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
        max_pixels
            .saturating_mul(8)
            .saturating_add(64 * 1024 * 1024),
    );
    reader.limits(caps);
    let decoder = reader.into_decoder().map_err(corrupt)?;
    let (width, height) = decoder.dimensions();
    check_size(width, height, max_pixels)?;
    if format == ImageFormat::Jpeg && is_misread(original) {
        return Err(ImageError::Misread(
            "is a JPEG with each channel in a scan of its own, which is not read: save it as another kind",
        ));
    }
    Ok((mime, decoder))
}

/// Is that a size that is decoded?
pub(super) fn check_size(width: u32, height: u32, max_pixels: u64) -> Result<(), ImageError> {
    if width == 0 || height == 0 {
        return Err(ImageError::Corrupt);
    }
    if u64::from(width) * u64::from(height) > max_pixels || width.max(height) > MAX_SIDE {
        return Err(ImageError::TooManyPixels);
    }
    Ok(())
}

/// A JPEG that is not progressive, has fewer samples of colour than of light, and each channel in a
/// scan of its own: the decoder shows it, in wrong colours. Hardly anything writes such files.
fn is_misread(original: &[u8]) -> bool {
    let mut rest = original.get(2..).unwrap_or_default();
    let mut subsampled = None;
    loop {
        rest = match rest {
            // Markers without a length, and fill.
            [0xff, 0x01 | 0xd0..=0xd9, after @ ..] => after,
            [0xff, 0xff, ..] => rest.get(1..).unwrap_or_default(),
            [0xff, marker, high, low, after @ ..] => {
                let length = usize::from(u16::from_be_bytes([*high, *low])).saturating_sub(2);
                let Some((segment, after)) = after.split_at_checked(length) else {
                    return false;
                };
                match (marker, segment) {
                    // Depth, height, width, and how many channels; three bytes for each.
                    (0xc0 | 0xc1, [_, _, _, _, _, channels, each @ ..]) => {
                        let differs = each.chunks(3).any(|one| one.get(1) != Some(&0x11));
                        subsampled = differs.then_some(*channels);
                    }
                    (0xda, [channels, ..]) => {
                        return subsampled.is_some_and(|all| *channels < all);
                    }
                    _ => {}
                }
                after
            }
            _ => return false,
        };
    }
}

fn corrupt(error: image::ImageError) -> ImageError {
    match error {
        image::ImageError::Limits(_) => ImageError::TooManyPixels,
        _ => ImageError::Corrupt,
    }
}

/// Eight bits a channel, and an alpha channel only where something is transparent. In place where the
/// picture has the right form already: it may be large.
pub(super) fn plain(picture: DynamicImage) -> (Form, Vec<u8>) {
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
pub(super) fn is_profile(profile: &[u8], form: Form) -> bool {
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
