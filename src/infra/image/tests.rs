//! Pictures in, renditions out.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::as_conversions,
    reason = "tests"
)]
use std::io::Cursor;
use std::path::Path;
use std::sync::LazyLock;

use image::{DynamicImage, ImageFormat};
use jpeg_encoder::SamplingFactor;

use super::{Focus, ImageError, Limits, Processed, crops};

/// Without a program: what is decoded elsewhere is not decoded here.
static LIMITS: LazyLock<Limits> = LazyLock::new(|| Limits {
    max_pixels: 4_000_000,
    program: Path::new("/nowhere/bantin").into(),
});

fn process(original: &[u8], limits: &Limits) -> Result<Processed, ImageError> {
    super::process(original, limits, Focus::default())
}

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
        ("1x1-w320", 320, 320),
        ("1x1-w320-webp", 320, 320),
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
            "w1920-webp",
            "1x1-w320",
            "1x1-w640",
            "4x3-w640",
            "4x3-w1280",
            "16x9-w640",
            "16x9-w1280",
            "card",
            "1x1-w320-webp",
            "1x1-w640-webp",
            "4x3-w640-webp",
            "4x3-w1280-webp",
            "16x9-w640-webp",
            "16x9-w1280-webp"
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
        let made = process(&bytes, &LIMITS).map(|made| made.look.unwrap().colour.unwrap());
        let told = match &made {
            Ok(colour) => colour == "#0000f9",
            Err(error) => matches!(error, ImageError::Misread(_)),
        };
        let same = told && made.is_ok() == right;
        assert!(same, "{sampling:?} {measured} {progressive} {made:?}");
    }
}

#[test]
fn crops_are_cut_around_the_focus_and_never_enlarged() {
    // Left blue, right red.
    let pixels = image::RgbImage::from_fn(1300, 640, |x, _| match x {
        0..650 => image::Rgb([0, 0, 250]),
        _ => image::Rgb([250, 0, 0]),
    });
    let mut bytes = Cursor::new(Vec::new());
    DynamicImage::ImageRgb8(pixels)
        .write_to(&mut bytes, ImageFormat::Png)
        .unwrap();
    let bytes = bytes.into_inner();
    for (x, colour) in [(0.1, [0, 0, 250]), (0.9, [250, 0, 0])] {
        let crops = crops(&bytes, &LIMITS, Focus { x, y: 0.5 }).unwrap();
        let sizes: Vec<_> = crops
            .iter()
            .map(|made| (made.name.as_str(), made.width, made.height))
            .collect();
        let wanted = [
            ("1x1-w320", 320, 320),
            ("1x1-w640", 640, 640),
            ("4x3-w640", 640, 480),
            ("16x9-w640", 640, 360),
            ("card", 1200, 630),
            ("1x1-w320-webp", 320, 320),
            ("1x1-w640-webp", 640, 640),
            ("4x3-w640-webp", 640, 480),
            ("16x9-w640-webp", 640, 360),
        ];
        assert_eq!(sizes, wanted);
        for made in crops.iter().filter(|made| made.name.starts_with("1x1")) {
            let read = image::load_from_memory(&made.bytes).unwrap().to_rgb8();
            assert_eq!((read.width(), read.height()), (made.width, made.height));
            for x in [5, made.width - 5] {
                let found = read.get_pixel(x, 20).0;
                let off = found.iter().zip(colour).map(|(a, b)| a.abs_diff(b)).max();
                assert!(off < Some(12), "{} {found:?}", made.name);
            }
        }
    }
}

#[test]
fn a_card_is_a_jpeg_on_white() {
    let glass = image::RgbaImage::from_pixel(1200, 630, image::Rgba([9, 9, 9, 0]));
    let mut bytes = Cursor::new(Vec::new());
    DynamicImage::ImageRgba8(glass)
        .write_to(&mut bytes, ImageFormat::Png)
        .unwrap();
    let crops = crops(&bytes.into_inner(), &LIMITS, Focus::default()).unwrap();
    let card = crops.iter().find(|made| made.name == "card").unwrap();
    assert_eq!(card.mime, "image/jpeg");
    let read = image::load_from_memory(&card.bytes).unwrap().to_rgb8();
    assert_eq!(read.get_pixel(600, 300).0, [255; 3]);
    let cut = crops.iter().find(|made| made.name == "4x3-w640").unwrap();
    assert_eq!(cut.mime, "image/png");
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
    let look = process(&bytes.into_inner(), &LIMITS).unwrap().look.unwrap();
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
    let look = process(&bytes.into_inner(), &LIMITS).unwrap().look.unwrap();
    assert_eq!(look.colour, None);
}

#[test]
fn each_bad_file_is_told_apart() {
    let error = |bytes: &[u8]| process(bytes, &LIMITS).err();
    assert_eq!(error(b""), Some(ImageError::Empty));
    assert_eq!(error(b"%PDF-1.7 hello"), Some(ImageError::UnknownType));
    assert_eq!(
        error(b"<!DOCTYPE a [<!ENTITY b 'c'>]><svg xmlns='http://www.w3.org/2000/svg'/>"),
        Some(ImageError::Drawing("declares entities"))
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

#[test]
fn the_names_of_all_files_are_known_from_the_size() {
    for (width, height) in [
        (1, 1),
        (320, 10),
        (321, 240),
        (640, 480),
        (700, 10),
        (1200, 630),
        (1280, 720),
        (1300, 2000),
        (2000, 1000),
        (64, 16_384),
    ] {
        let made = process(&picture(width, height, ImageFormat::Png), &LIMITS).unwrap();
        let made: Vec<String> = made.renditions.into_iter().map(|made| made.name).collect();
        assert_eq!(
            super::names("image/png", width, height),
            made,
            "{width} x {height}"
        );
    }
}
