//! From pixels to the bytes that are served.

use image::codecs::png::PngEncoder;
use image::{ExtendedColorType, ImageEncoder as _};
use jpeg_encoder::SamplingFactor;

use super::{Form, ImageError, Picture};

/// About what eyes cannot tell from the original, for each of the two.
const JPEG_QUALITY: u8 = 82;
const WEBP_QUALITY: f32 = 80.0;
/// Effort, 0 to 6. From 2 to 4 a picture takes twice the time to become 4 % smaller.
const WEBP_METHOD: u8 = 2;
/// WebP knows no longer side.
pub(super) const WEBP_MAX_SIDE: u32 = 16_383;

/// JPEG where nothing is transparent, PNG otherwise.
pub(super) fn classic(picture: &Picture) -> Result<(&'static str, Vec<u8>), ImageError> {
    match picture.form {
        Form::Grey => Ok(("image/jpeg", jpeg(picture, jpeg_encoder::ColorType::Luma)?)),
        Form::Rgb => Ok(("image/jpeg", jpeg(picture, jpeg_encoder::ColorType::Rgb)?)),
        Form::Rgba => Ok(("image/png", png(picture)?)),
    }
}

fn jpeg(picture: &Picture, kind: jpeg_encoder::ColorType) -> Result<Vec<u8>, ImageError> {
    let failed = |_| ImageError::Failed;
    let side = |length: u32| u16::try_from(length).map_err(|_| ImageError::Failed);
    let mut bytes = Vec::new();
    let mut encoder = jpeg_encoder::Encoder::new(&mut bytes, JPEG_QUALITY);
    encoder.set_sampling_factor(SamplingFactor::R_4_2_0);
    // Tables made to measure would put each channel into a scan of its own, and there are decoders
    // that read such files in wrong colours.
    if let Some(profile) = &picture.profile {
        encoder.add_icc_profile(profile).map_err(failed)?;
    }
    let (width, height) = (side(picture.width)?, side(picture.height)?);
    encoder
        .encode(&picture.pixels, width, height, kind)
        .map_err(failed)?;
    Ok(bytes)
}

fn png(picture: &Picture) -> Result<Vec<u8>, ImageError> {
    let failed = |_| ImageError::Failed;
    let mut bytes = Vec::new();
    let mut encoder = PngEncoder::new(&mut bytes);
    if let Some(profile) = &picture.profile {
        // A profile that the encoder cannot carry is left out.
        let _ = encoder.set_icc_profile(profile.clone());
    }
    encoder
        .write_image(
            &picture.pixels,
            picture.width,
            picture.height,
            ExtendedColorType::Rgba8,
        )
        .map_err(failed)?;
    Ok(bytes)
}

/// Lossy WebP, transparent where the picture is.
pub(super) fn webp(picture: &Picture) -> Result<Vec<u8>, ImageError> {
    let (width, height) = (picture.width, picture.height);
    // WebP has no grey; a profile for grey pixels says nothing of coloured ones.
    let coloured: Vec<u8>;
    let encoder = match picture.form {
        Form::Grey => {
            coloured = picture.pixels.iter().flat_map(|grey| [*grey; 3]).collect();
            webpx::Encoder::new_rgb(&coloured, width, height)
        }
        Form::Rgb => webpx::Encoder::new_rgb(&picture.pixels, width, height),
        Form::Rgba => webpx::Encoder::new_rgba(&picture.pixels, width, height),
    };
    let mut encoder = encoder.quality(WEBP_QUALITY).method(WEBP_METHOD);
    if let Some(profile) = &picture.profile
        && picture.form != Form::Grey
    {
        encoder = encoder.icc_profile(profile);
    }
    encoder
        .encode(webpx::Unstoppable)
        .map_err(|_| ImageError::Failed)
}
