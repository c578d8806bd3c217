//! Pictures made smaller, with SIMD where the processor has it.

use fast_image_resize::images::{Image, ImageRef};
use fast_image_resize::{FilterType, PixelType, ResizeAlg, ResizeOptions, Resizer};

use super::crop::Window;
use super::{Form, ImageError, Picture};

/// The height that goes with another width.
pub(super) fn height(whole: u32, of: u32, width: u32) -> u32 {
    let (whole, of) = (u64::from(whole.max(1)), u64::from(of));
    let height = (of * u64::from(width) + whole / 2) / whole;
    u32::try_from(height).unwrap_or(u32::MAX).max(1)
}

/// The picture in another size. Blends in the space that the picture is in, as browsers do; what is
/// transparent lends nothing to its neighbours.
pub(super) fn to(picture: &Picture, width: u32, height: u32) -> Result<Picture, ImageError> {
    resized(picture, width, height, options())
}

/// A part of the picture in another size.
pub(super) fn part(
    picture: &Picture,
    part: Window,
    width: u32,
    height: u32,
) -> Result<Picture, ImageError> {
    let options = options().crop(part.left, part.top, part.width, part.height);
    resized(picture, width, height, options)
}

fn options() -> ResizeOptions {
    ResizeOptions::new().resize_alg(ResizeAlg::Convolution(FilterType::Lanczos3))
}

fn resized(
    picture: &Picture,
    width: u32,
    height: u32,
    options: ResizeOptions,
) -> Result<Picture, ImageError> {
    let kind = match picture.form {
        Form::Grey => PixelType::U8,
        Form::Rgb => PixelType::U8x3,
        Form::Rgba => PixelType::U8x4,
    };
    let source = ImageRef::new(picture.width, picture.height, &picture.pixels, kind)
        .map_err(|_| ImageError::Failed)?;
    let mut made = Image::new(width, height, kind);
    Resizer::new()
        .resize(&source, &mut made, &options)
        .map_err(|_| ImageError::Failed)?;
    Ok(Picture {
        form: picture.form,
        width,
        height,
        pixels: made.into_vec(),
        profile: picture.profile.clone(),
    })
}
