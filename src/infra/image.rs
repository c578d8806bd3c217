//! Pictures: recognised by content, cleaned of metadata, scaled. Blocks: call it off the async
//! threads.

mod decode;
mod encode;
mod look;
mod scale;

pub use self::look::Look;

/// What a picture may cost.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Each takes up to 12 bytes while the picture is decoded.
    pub max_pixels: u64,
}

/// Widths for `srcset`. A picture gets those that are narrower than itself.
const WIDTHS: [u32; 5] = [320, 640, 960, 1280, 1920];

/// Why a file is no picture for us.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ImageError {
    Empty,
    UnknownType,
    Corrupt,
    TooManyPixels,
    /// A JPEG of a kind that the decoder gets wrong.
    Misread,
    /// Not the file's fault: an encoder found no memory, say.
    Failed,
}

/// A picture made ready.
#[derive(Debug)]
pub struct Processed {
    /// Of the original.
    pub mime: &'static str,
    /// As seen, after the orientation was applied.
    pub width: u32,
    pub height: u32,
    pub look: Look,
    pub renditions: Vec<Rendition>,
}

/// What the first bytes of a picture say.
#[derive(Debug, Clone, Copy)]
pub struct Header {
    /// Of the original.
    pub mime: &'static str,
    /// As seen, with the orientation applied.
    pub width: u32,
    pub height: u32,
}

impl Header {
    pub fn pixels(&self) -> u64 {
        u64::from(self.width) * u64::from(self.height)
    }
}

/// One file to serve: no metadata but the colour profile.
#[derive(Debug)]
pub struct Rendition {
    pub name: String,
    pub mime: &'static str,
    pub width: u32,
    pub height: u32,
    pub bytes: Vec<u8>,
}

/// How pixels lie in memory: eight bits a channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Grey,
    Rgb,
    Rgba,
}

/// Pixels in memory, row by row.
#[derive(Debug)]
struct Picture {
    form: Form,
    width: u32,
    height: u32,
    pixels: Vec<u8>,
    profile: Option<Vec<u8>>,
}

/// Looks at a picture without decoding it: enough to refuse most of what will be refused.
pub fn header(original: &[u8], limits: &Limits) -> Result<Header, ImageError> {
    decode::header(original, limits)
}

/// Makes the renditions: `full` in the picture's own size, then `w320` to `w1920`, and all that are
/// no wider than the last in WebP, too.
pub fn process(original: &[u8], limits: &Limits) -> Result<Processed, ImageError> {
    let (mime, picture) = decode::picture(original, limits)?;
    let mut renditions = vec![classic("full".to_owned(), &picture)?];
    let mut modern = Vec::new();
    modern.extend(webp("full", &picture)?);
    // Each from the widest: the steps are small, the picture may be large.
    let widest = WIDTHS.into_iter().rfind(|width| *width < picture.width);
    let base = widest
        .map(|width| scale::to(&picture, width, scale::height_for(&picture, width)))
        .transpose()?;
    let look = look::at(base.as_ref().unwrap_or(&picture))?;
    if let Some(base) = &base {
        for width in WIDTHS.into_iter().filter(|width| *width <= base.width) {
            let name = format!("w{width}");
            let smaller = match width < base.width {
                true => Some(scale::to(base, width, scale::height_for(&picture, width))?),
                false => None,
            };
            let scaled = smaller.as_ref().unwrap_or(base);
            modern.extend(webp(&name, scaled)?);
            renditions.push(classic(name, scaled)?);
        }
    }
    renditions.append(&mut modern);
    Ok(Processed {
        mime,
        width: picture.width,
        height: picture.height,
        look,
        renditions,
    })
}

fn classic(name: String, picture: &Picture) -> Result<Rendition, ImageError> {
    let (mime, bytes) = encode::classic(picture)?;
    Ok(Rendition {
        name,
        mime,
        width: picture.width,
        height: picture.height,
        bytes,
    })
}

/// None for what is larger than a page shows, or than WebP can be.
fn webp(name: &str, picture: &Picture) -> Result<Option<Rendition>, ImageError> {
    let widest = WIDTHS.last().copied().unwrap_or_default();
    if picture.width > widest || picture.height > encode::WEBP_MAX_SIDE {
        return Ok(None);
    }
    Ok(Some(Rendition {
        name: format!("{name}-webp"),
        mime: "image/webp",
        width: picture.width,
        height: picture.height,
        bytes: encode::webp(picture)?,
    }))
}

#[cfg(test)]
mod tests {
    #![expect(
        clippy::unwrap_used,
        clippy::indexing_slicing,
        clippy::as_conversions,
        reason = "tests"
    )]
    use std::io::Cursor;

    use image::{DynamicImage, ImageFormat};
    use jpeg_encoder::SamplingFactor;

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
        let plain = picture(800, 400, ImageFormat::Jpeg);
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

    fn has(bytes: &[u8], word: &[u8]) -> bool {
        bytes.windows(word.len()).any(|window| window == word)
    }

    #[test]
    fn orientation_is_applied_and_metadata_is_gone() {
        let original = rotated();
        assert!(has(&original, b"Exif"));
        let made = process(&original, &LIMITS).unwrap();
        assert_eq!((made.width, made.height), (400, 800));
        let sizes: Vec<_> = made
            .renditions
            .iter()
            .map(|made| (made.name.as_str(), made.width, made.height))
            .collect();
        let wanted = [
            ("full", 400, 800),
            ("w320", 320, 640),
            ("full-webp", 400, 800),
            ("w320-webp", 320, 640),
        ];
        assert_eq!(sizes, wanted);
        for rendition in &made.renditions {
            // A JPEG segment, the chunks of WebP and of PNG.
            for word in [b"Exif".as_slice(), b"EXIF", b"eXIf", b"XMP ", b"ns.adobe"] {
                assert!(!has(&rendition.bytes, word), "{}", rendition.name);
            }
        }
    }

    #[test]
    fn nothing_is_made_wider_than_it_is() {
        let names = |width, height| -> Vec<String> {
            let made = process(&picture(width, height, ImageFormat::Png), &LIMITS).unwrap();
            for rendition in &made.renditions {
                let read = image::load_from_memory(&rendition.bytes).unwrap();
                assert_eq!(
                    (read.width(), read.height()),
                    (rendition.width, rendition.height)
                );
                assert!(rendition.width <= width && rendition.height <= height);
            }
            made.renditions.into_iter().map(|made| made.name).collect()
        };
        assert_eq!(names(320, 10), ["full", "full-webp"]);
        assert_eq!(
            names(700, 10),
            [
                "full",
                "w320",
                "w640",
                "full-webp",
                "w320-webp",
                "w640-webp"
            ]
        );
        assert_eq!(
            names(2000, 1000),
            [
                "full",
                "w320",
                "w640",
                "w960",
                "w1280",
                "w1920",
                "w320-webp",
                "w640-webp",
                "w960-webp",
                "w1280-webp",
                "w1920-webp"
            ]
        );
        // No WebP is higher than 16,383 pixels.
        assert_eq!(names(64, 16_384), ["full"]);
    }

    #[test]
    fn colours_are_those_of_the_original_in_every_file() {
        let pixels = image::RgbImage::from_fn(400, 300, |x, _| match x {
            0..200 => image::Rgb([0, 0, 250]),
            _ => image::Rgb([250, 0, 0]),
        });
        let pixels = DynamicImage::ImageRgb8(pixels);
        for format in [ImageFormat::Jpeg, ImageFormat::Png, ImageFormat::WebP] {
            let mut bytes = Cursor::new(Vec::new());
            pixels.write_to(&mut bytes, format).unwrap();
            for made in process(&bytes.into_inner(), &LIMITS).unwrap().renditions {
                let read = image::load_from_memory(&made.bytes).unwrap().to_rgb8();
                for (x, colour) in [(20, [0, 0, 250]), (made.width - 20, [250, 0, 0])] {
                    let found = read.get_pixel(x, 20).0;
                    let off = found.iter().zip(colour).map(|(a, b)| a.abs_diff(b)).max();
                    assert!(off < Some(12), "{} {format:?} {found:?}", made.name);
                }
            }
        }
    }

    #[test]
    fn a_jpeg_that_the_decoder_gets_wrong_is_refused() {
        for (sampling, measured, progressive, right) in [
            (SamplingFactor::R_4_2_0, true, false, false),
            (SamplingFactor::R_4_4_0, true, false, false),
            (SamplingFactor::R_4_2_0, false, false, true),
            (SamplingFactor::R_4_2_0, true, true, true),
            (SamplingFactor::R_4_4_4, true, false, true),
        ] {
            let mut bytes = Vec::new();
            let mut encoder = jpeg_encoder::Encoder::new(&mut bytes, 90);
            encoder.set_sampling_factor(sampling);
            encoder.set_optimized_huffman_tables(measured);
            encoder.set_progressive(progressive);
            let pixels = [0, 0, 250].repeat(64 * 64);
            encoder
                .encode(&pixels, 64, 64, jpeg_encoder::ColorType::Rgb)
                .unwrap();
            let made = process(&bytes, &LIMITS).map(|made| made.look.colour.unwrap());
            let wanted = if right {
                Ok("#0000f9".to_owned())
            } else {
                Err(ImageError::Misread)
            };
            assert_eq!(made, wanted, "{sampling:?} {measured} {progressive}");
        }
    }

    #[test]
    fn a_grey_picture_stays_grey() {
        let grey = image::GrayImage::from_fn(400, 300, |x, _| image::Luma([(x % 256) as u8]));
        let mut bytes = Cursor::new(Vec::new());
        DynamicImage::ImageLuma8(grey)
            .write_to(&mut bytes, ImageFormat::Png)
            .unwrap();
        let made = process(&bytes.into_inner(), &LIMITS).unwrap();
        for rendition in &made.renditions {
            let read = image::load_from_memory(&rendition.bytes).unwrap();
            assert_eq!(read.color().has_color(), rendition.mime == "image/webp");
        }
    }

    /// A JPEG with a colour profile of this space, which is none but for its header.
    fn with_profile(space: &[u8; 4]) -> Vec<u8> {
        let mut profile = vec![0; 128];
        profile[..4].copy_from_slice(&128_u32.to_be_bytes());
        profile[16..20].copy_from_slice(space);
        profile[36..40].copy_from_slice(b"acsp");
        let mut bytes = Vec::new();
        let mut encoder = jpeg_encoder::Encoder::new(&mut bytes, 90);
        encoder.add_icc_profile(&profile).unwrap();
        encoder
            .encode(&[90; 400 * 3], 400, 1, jpeg_encoder::ColorType::Rgb)
            .unwrap();
        bytes
    }

    #[test]
    fn a_colour_profile_goes_along_if_it_fits_the_pixels() {
        for (space, kept) in [(b"RGB ", true), (b"GRAY", false), (b"CMYK", false)] {
            let made = process(&with_profile(space), &LIMITS).unwrap();
            assert_eq!(made.renditions.len(), 4);
            for rendition in made.renditions {
                let found = rendition.bytes.windows(4).any(|bytes| bytes == b"acsp");
                assert_eq!(found, kept, "{}", rendition.name);
            }
        }
    }

    #[test]
    fn the_first_sight_is_of_what_there_is_most_of() {
        let pixels = image::RgbImage::from_fn(200, 100, |x, _| match x {
            0..140 => image::Rgb([200, 16, 46]),
            _ => image::Rgb([255, 255, 255]),
        });
        let mut bytes = Cursor::new(Vec::new());
        DynamicImage::ImageRgb8(pixels)
            .write_to(&mut bytes, ImageFormat::Png)
            .unwrap();
        let look = process(&bytes.into_inner(), &LIMITS).unwrap().look;
        assert_eq!(look.colour.as_deref(), Some("#c8102e"));
        assert!(
            (20..=40).contains(&look.thumbhash.len()),
            "{}",
            look.thumbhash
        );
        let glass = image::RgbaImage::from_pixel(9, 9, image::Rgba([9, 9, 9, 0]));
        let mut bytes = Cursor::new(Vec::new());
        DynamicImage::ImageRgba8(glass)
            .write_to(&mut bytes, ImageFormat::Png)
            .unwrap();
        let look = process(&bytes.into_inner(), &LIMITS).unwrap().look;
        assert_eq!(look.colour, None);
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
