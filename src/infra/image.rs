//! Pictures: recognised by content, cleaned of metadata, scaled. Blocks: call it off the async
//! threads.

use std::io::Cursor;

use image::codecs::jpeg::JpegEncoder;
use image::codecs::png::PngEncoder;
use image::imageops::FilterType;
use image::{DynamicImage, ImageDecoder as _, ImageEncoder as _, ImageFormat, ImageReader};

/// What a picture may cost.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    pub max_pixels: u64,
}

/// Width of the small rendition.
const SMALL: u32 = 640;
const JPEG_QUALITY: u8 = 85;

/// Why a file is no picture for us.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ImageError {
    Empty,
    UnknownType,
    Corrupt,
    TooManyPixels,
}

/// A picture made ready.
#[derive(Debug)]
pub struct Processed {
    /// Of the original.
    pub mime: &'static str,
    /// As seen, after the orientation was applied.
    pub width: u32,
    pub height: u32,
    pub renditions: Vec<Rendition>,
}

/// One file to serve: no metadata but the colour profile.
#[derive(Debug)]
pub struct Rendition {
    pub name: &'static str,
    pub mime: &'static str,
    pub width: u32,
    pub height: u32,
    pub bytes: Vec<u8>,
}

/// Makes the renditions `full` and, for wider pictures, `w640`.
pub fn process(original: &[u8], limits: &Limits) -> Result<Processed, ImageError> {
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
    let corrupt = |error| match error {
        image::ImageError::Limits(_) => ImageError::TooManyPixels,
        _ => ImageError::Corrupt,
    };
    let mut reader = ImageReader::with_format(Cursor::new(original), format);
    let mut caps = image::Limits::default();
    // 16 bits of four channels, and what the decoder needs beside them.
    caps.max_alloc = Some(
        limits
            .max_pixels
            .saturating_mul(8)
            .saturating_add(64 * 1024 * 1024),
    );
    reader.limits(caps);
    let mut decoder = reader.into_decoder().map_err(corrupt)?;
    // The header is enough to refuse a bomb.
    let (width, height) = decoder.dimensions();
    if width == 0 || height == 0 {
        return Err(ImageError::Corrupt);
    }
    if u64::from(width) * u64::from(height) > limits.max_pixels || width.max(height) > 65_000 {
        return Err(ImageError::TooManyPixels);
    }
    let profile = decoder.icc_profile().unwrap_or(None);
    let orientation = decoder
        .orientation()
        .unwrap_or(image::metadata::Orientation::NoTransforms);
    let mut picture = DynamicImage::from_decoder(decoder).map_err(corrupt)?;
    picture.apply_orientation(orientation);
    // In place where the picture has the right form already: it may be large.
    let picture = match picture.color().has_alpha() {
        false => DynamicImage::ImageRgb8(picture.into_rgb8()),
        true => {
            let pixels = picture.into_rgba8();
            if pixels.pixels().any(|pixel| pixel.0.last() != Some(&255)) {
                DynamicImage::ImageRgba8(pixels)
            } else {
                DynamicImage::ImageRgb8(DynamicImage::ImageRgba8(pixels).into_rgb8())
            }
        }
    };
    let mut renditions = vec![encode("full", &picture, profile.as_deref())?];
    if picture.width() > SMALL {
        let height = u64::from(picture.height()) * u64::from(SMALL) / u64::from(picture.width());
        let height = u32::try_from(height).unwrap_or(1).max(1);
        let small = picture.resize_exact(SMALL, height, FilterType::Lanczos3);
        renditions.push(encode("w640", &small, profile.as_deref())?);
    }
    Ok(Processed {
        mime,
        width: picture.width(),
        height: picture.height(),
        renditions,
    })
}

/// JPEG where nothing is transparent, PNG otherwise.
fn encode(
    name: &'static str,
    picture: &DynamicImage,
    profile: Option<&[u8]>,
) -> Result<Rendition, ImageError> {
    let failed = |_| ImageError::Corrupt;
    let mut bytes = Vec::new();
    let mime = if picture.color().has_alpha() {
        let mut encoder = PngEncoder::new(&mut bytes);
        if let Some(profile) = profile {
            // A profile that the encoder cannot carry is left out.
            let _ = encoder.set_icc_profile(profile.to_vec());
        }
        picture.write_with_encoder(encoder).map_err(failed)?;
        "image/png"
    } else {
        let mut encoder = JpegEncoder::new_with_quality(&mut bytes, JPEG_QUALITY);
        if let Some(profile) = profile {
            let _ = encoder.set_icc_profile(profile.to_vec());
        }
        picture.write_with_encoder(encoder).map_err(failed)?;
        "image/jpeg"
    };
    Ok(Rendition {
        name,
        mime,
        width: picture.width(),
        height: picture.height(),
        bytes,
    })
}

#[cfg(test)]
mod tests {
    #![expect(
        clippy::unwrap_used,
        clippy::indexing_slicing,
        clippy::as_conversions,
        reason = "tests"
    )]
    use super::*;

    const LIMITS: Limits = Limits {
        max_pixels: 4_000_000,
    };

    fn picture(width: u32, height: u32, format: ImageFormat) -> Vec<u8> {
        let mut bytes = Cursor::new(Vec::new());
        let pixels = image::RgbImage::from_fn(width, height, |x, y| {
            image::Rgb([(x % 256) as u8, (y % 256) as u8, 90])
        });
        DynamicImage::ImageRgb8(pixels)
            .write_to(&mut bytes, format)
            .unwrap();
        bytes.into_inner()
    }

    /// A JPEG with an EXIF block: orientation 6 and a GPS pointer.
    fn rotated() -> Vec<u8> {
        let plain = picture(80, 40, ImageFormat::Jpeg);
        let mut tiff = b"MM\0*\0\0\0\x08\0\x02".to_vec();
        tiff.extend(b"\x01\x12\0\x03\0\0\0\x01\0\x06\0\0");
        tiff.extend(b"\x88\x25\0\x04\0\0\0\x01\0\0\0\x26\0\0\0\0");
        tiff.extend(b"\0\0\0\0\0\0");
        let mut out = plain[..2].to_vec();
        out.extend(b"\xff\xe1");
        out.extend(u16::try_from(tiff.len() + 8).unwrap().to_be_bytes());
        out.extend(b"Exif\0\0");
        out.extend(tiff);
        out.extend(&plain[2..]);
        out
    }

    #[test]
    fn orientation_is_applied_and_metadata_is_gone() {
        let made = process(&rotated(), &LIMITS).unwrap();
        assert_eq!((made.width, made.height), (40, 80));
        let bytes = &made.renditions[0].bytes;
        assert!(!bytes.windows(4).any(|window| window == b"Exif"));
    }

    #[test]
    fn only_wide_pictures_get_a_small_rendition() {
        let wide = process(&picture(1000, 500, ImageFormat::Png), &LIMITS).unwrap();
        assert_eq!(wide.renditions.len(), 2);
        assert_eq!(
            (wide.renditions[1].width, wide.renditions[1].height),
            (640, 320)
        );
        assert_eq!(
            process(&picture(640, 10, ImageFormat::Jpeg), &LIMITS)
                .unwrap()
                .renditions
                .len(),
            1
        );
    }

    #[test]
    fn each_bad_file_is_told_apart() {
        let error = |bytes: &[u8]| process(bytes, &LIMITS).err();
        assert_eq!(error(b""), Some(ImageError::Empty));
        assert_eq!(error(b"%PDF-1.7 hello"), Some(ImageError::UnknownType));
        assert_eq!(
            error(b"<svg xmlns='http://www.w3.org/2000/svg'/>"),
            Some(ImageError::UnknownType)
        );
        assert_eq!(
            error(&picture(3000, 2000, ImageFormat::Png)),
            Some(ImageError::TooManyPixels)
        );
        let jpeg = picture(100, 100, ImageFormat::Png);
        assert_eq!(error(&jpeg[..jpeg.len() / 2]), Some(ImageError::Corrupt));
        // The header of a 50,000 × 50,000 PNG, and nothing else.
        let mut bomb = picture(1, 1, ImageFormat::Png);
        bomb[16..24].copy_from_slice(b"\0\0\xc3\x50\0\0\xc3\x50");
        let refused = error(&bomb);
        assert!(matches!(
            refused,
            Some(ImageError::TooManyPixels | ImageError::Corrupt)
        ));
    }

    #[test]
    fn damaged_files_never_panic() {
        let mut seed = 7_u64;
        for format in [
            ImageFormat::Jpeg,
            ImageFormat::Png,
            ImageFormat::Gif,
            ImageFormat::WebP,
        ] {
            let good = picture(32, 32, format);
            for _ in 0..200 {
                let mut bad = good.clone();
                for _ in 0..4 {
                    seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                    let at = (seed >> 33) as usize % bad.len();
                    bad[at] = (seed >> 20) as u8;
                }
                let _ = process(&bad, &LIMITS);
            }
        }
    }
}
