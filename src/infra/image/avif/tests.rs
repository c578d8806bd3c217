//! Pictures of AVIF: what the container says, and pixels.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::as_conversions,
    reason = "tests"
)]

use std::path::Path;
use std::time::{Duration, Instant};

use super::child::{answer, decode_within};
use super::container::{Crop, Mirror, Source, read};
use super::pixels::{self, Raster, decode};
use super::{Form, ImageError, Limits, header, picture};

const RED: [u8; 3] = [250, 0, 0];
const GREEN: [u8; 3] = [0, 250, 0];
const BLUE: [u8; 3] = [0, 0, 250];
const WHITE: [u8; 3] = [250, 250, 250];

fn file(name: &str) -> Vec<u8> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/avif");
    std::fs::read(folder.join(format!("{name}.avif"))).unwrap()
}

fn limits(max_pixels: u64) -> Limits {
    Limits {
        max_pixels,
        program: Path::new("/nowhere/bantin").into(),
    }
}

/// In this process, which the service never does.
fn decoded(file: &[u8]) -> Result<Raster, ImageError> {
    decode(&read(file)?.ok_or(ImageError::UnknownType)?)
}

fn pixel(raster: &Raster, x: u32, y: u32) -> Vec<u8> {
    let channels = pixels::channels(raster.form);
    let at = (y * raster.width + x) as usize * channels;
    raster.pixels[at..at + channels].to_vec()
}

#[track_caller]
fn near(found: &[u8], wanted: &[u8]) {
    let off = found.iter().zip(wanted).map(|(a, b)| a.abs_diff(*b)).max();
    assert!(
        found.len() == wanted.len() && off <= Some(8),
        "{found:?} is not {wanted:?}"
    );
}

/// The bytes after a word, changed.
fn changed(file: &[u8], word: &[u8; 4], after: usize, to: &[u8]) -> Vec<u8> {
    let mut file = file.to_vec();
    let at = file.windows(4).position(|bytes| bytes == word).unwrap() + 4 + after;
    file[at..at + to.len()].copy_from_slice(to);
    file
}

#[test]
fn colours_come_out_of_every_kind_of_samples() {
    for name in [
        "420", "422", "444", "limited", "odd", "deep", "deepest", "identity", "grid", "profile",
        "camera", "turned5",
    ] {
        let raster = decoded(&file(name)).unwrap();
        let (width, height) = (raster.width, raster.height);
        assert_eq!(raster.form, Form::Rgb, "{name}");
        assert_eq!(raster.pixels.len(), (width * height * 3) as usize, "{name}");
        for (x, y, colour) in [
            (4, 4, RED),
            (width - 4, 4, GREEN),
            (4, height - 4, BLUE),
            (width - 1, height - 1, WHITE),
        ] {
            near(&pixel(&raster, x, y), &colour);
        }
    }
    let grey = decoded(&file("grey")).unwrap();
    assert_eq!(grey.form, Form::Grey);
    for x in [0, 20, 47] {
        near(&pixel(&grey, x, 9), &[x as u8 * 5]);
    }
}

#[test]
fn a_grid_is_whole_and_its_seams_are_right() {
    let avif = file("grid");
    let avif = read(&avif).unwrap().unwrap();
    assert_eq!((avif.size(), avif.turns), ((70, 100), 1));
    assert!(matches!(&avif.colour.source, Source::Grid(2, tiles) if tiles.len() == 4));
    let raster = decode(&avif).unwrap();
    assert_eq!((raster.width, raster.height), (100, 70));
    near(&pixel(&raster, 63, 63), &WHITE);
    near(&pixel(&raster, 64, 64), &WHITE);
    near(&pixel(&raster, 63, 20), &GREEN);
    near(&pixel(&raster, 64, 20), &GREEN);
    near(&pixel(&raster, 99, 69), &WHITE);
}

#[test]
fn transparency_is_there_and_colours_are_not_multiplied_by_it() {
    for name in ["alpha", "premultiplied"] {
        let raster = decoded(&file(name)).unwrap();
        assert_eq!(raster.form, Form::Rgba, "{name}");
        near(&pixel(&raster, 4, 12), &[250, 0, 0, 128]);
        near(&pixel(&raster, 4, 28), &[0, 0, 250, 255]);
        near(&pixel(&raster, 4, 2)[3..], &[0]);
    }
}

#[test]
fn the_container_says_how_the_picture_is_shown() {
    let turned = |name: &str| {
        let file = file(name);
        let avif = read(&file).unwrap().unwrap();
        (avif.size(), avif.turns, avif.mirror)
    };
    let (wide, high) = ((48, 32), (32, 48));
    assert_eq!(turned("444"), (wide, 0, None));
    assert_eq!(turned("turned2"), (wide, 0, Some(Mirror::LeftAndRight)));
    assert_eq!(turned("turned3"), (wide, 2, None));
    assert_eq!(turned("turned4"), (wide, 0, Some(Mirror::TopAndBottom)));
    assert_eq!(turned("turned6"), (high, 3, None));
    assert_eq!(turned("turned8"), (high, 1, None));
    let cropped = file("cropped");
    let crop = Crop {
        left: 24,
        top: 0,
        width: 24,
        height: 30,
    };
    assert_eq!(read(&cropped).unwrap().unwrap().crop, Some(crop));
    // Of 48 pixels 23 cannot be in the middle.
    let odd = changed(&cropped, b"clap", 0, &23_u32.to_be_bytes());
    assert!(matches!(read(&odd), Err(ImageError::Misread(_))));
    let outside = changed(&cropped, b"clap", 16, &14_u32.to_be_bytes());
    assert_eq!(read(&outside).err(), Some(ImageError::Corrupt));
    let profile = file("profile");
    let found = read(&profile).unwrap().unwrap().profile;
    assert_eq!(found.map(|profile| &profile[36..40]), Some(&b"acsp"[..]));
}

#[test]
fn what_is_not_ours_is_told_from_what_is_damaged() {
    let good = file("420");
    assert!(read(b"").unwrap().is_none());
    assert!(read(b"\0\0\0\x0cftypmp42").unwrap().is_none());
    // HEIC: the same boxes, and mostly other brands.
    let mut heic = good.clone();
    for at in 0..heic.len() - 4 {
        if &heic[at..at + 4] == b"av01" {
            heic[at..at + 4].copy_from_slice(b"hvc1");
        }
    }
    assert!(read(&heic).unwrap().is_none());
    // One that only says to be a picture is looked into.
    let mut modest = good.clone();
    modest[8..12].copy_from_slice(b"mif1");
    modest[16..20].copy_from_slice(b"mif1");
    assert!(read(&modest).unwrap().is_some());
    for length in 0..good.len() {
        let cut = read(&good[..length]);
        assert!(
            matches!(cut, Err(ImageError::Corrupt) | Ok(None)),
            "{length}"
        );
        assert!(length < 32 || cut.is_err(), "{length}");
    }
    let unknown = changed(&file("turned6"), b"ipco", 0, b"\0\0\0\x14isp?");
    assert_eq!(read(&unknown).err(), Some(ImageError::Corrupt));
    let essential = changed(&file("turned6"), b"irot", 0, &[3]);
    let at = essential.windows(4).position(|bytes| bytes == b"irot");
    let mut essential = essential;
    essential[at.unwrap()] = b'x';
    assert!(matches!(read(&essential), Err(ImageError::Misread(_))));
}

#[test]
fn sizes_are_checked_before_anything_is_decoded_and_after() {
    let good = file("420");
    let size = |width: u32, height: u32| {
        let size = [width.to_be_bytes(), height.to_be_bytes()].concat();
        changed(&good, b"ispe", 4, &size)
    };
    assert_eq!(
        header(&size(50_000, 50_000), &limits(50_000_000)).err(),
        Some(ImageError::TooManyPixels)
    );
    assert_eq!(
        header(&size(70_000, 1), &limits(50_000_000)).err(),
        Some(ImageError::TooManyPixels)
    );
    assert_eq!(
        header(&size(0, 32), &limits(50_000_000)).err(),
        Some(ImageError::Corrupt)
    );
    let found = header(&file("camera"), &limits(2_000)).unwrap().unwrap();
    assert_eq!((found.width, found.height), (32, 48));
    // A frame of another size than the container says, larger or smaller.
    for (width, height) in [(47, 32), (48, 31), (96, 64), (32, 48)] {
        let lie = decoded(&size(width, height)).map(|_| ());
        assert_eq!(lie, Err(ImageError::Corrupt), "{width} x {height}");
    }
}

/// A grid of so many rows of one tile each.
fn column(rows: u8, whole: (u16, u16), tile: (u32, u32)) -> Vec<u8> {
    let size = |(width, height): (u32, u32)| [width.to_be_bytes(), height.to_be_bytes()].concat();
    let file = changed(&file("grid"), b"dimg", 2, &[0, rows]);
    let file = changed(&file, b"ispe", 4, &size((whole.0.into(), whole.1.into())));
    let file = changed(&file, b"ispe", 24, &size(tile));
    let whole = [whole.0.to_be_bytes(), whole.1.to_be_bytes()].concat();
    let layout = [&[rows - 1, 0], &whole[..]].concat();
    changed(&file, b"idat", 2, &layout)
}

#[test]
fn tiles_are_not_much_more_than_their_grid() {
    let found = |file: &[u8], max_pixels| {
        let found = header(file, &limits(max_pixels));
        found.map(|found| found.unwrap().pixels())
    };
    let (most, corrupt, many) = (
        50_000_000,
        Err(ImageError::Corrupt),
        Err(ImageError::TooManyPixels),
    );
    let small = column(1, (1, 1), (64, 64));
    assert_eq!(found(&small, most), Ok(1));
    assert_eq!(decoded(&small).unwrap().pixels.len(), 3);
    assert_eq!(found(&column(2, (60, 100), (64, 64)), most), Ok(6_000));
    assert_eq!(found(&column(1, (1, 1), (65_535, 65_535)), most), corrupt);
    assert_eq!(found(&column(1, (1, 1), (2_000, 2_000)), most), Ok(1));
    assert_eq!(found(&column(1, (1, 1), (2_001, 2_001)), most), corrupt);
    assert_eq!(found(&column(4, (1, 256), (20_000, 64)), most), corrupt);
    // Each is held to the limit that the picture has.
    assert_eq!(found(&column(1, (1, 1), (2_000, 2_000)), 3_999_999), many);
    assert_eq!(
        found(&column(1, (7_000, 7_000), (8_000, 7_000)), most),
        many
    );
    assert_eq!(found(&column(1, (60_000, 9), (65_100, 9)), most), many);
    let mut other = Vec::new();
    let big = column(1, (1, 1), (2_000, 2_000));
    answer(&mut &big[..], &mut other, 1_000_000).unwrap();
    assert_eq!(other.last(), Some(&b'p'));
    let twice = changed(&file("grid"), b"dimg", 4, &[0, 2, 0, 2]);
    assert!(matches!(found(&twice, most), Err(ImageError::Misread(_))));
}

fn boxed(kind: &[u8; 4], body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(body.len() + 8).unwrap();
    [&length.to_be_bytes(), &kind[..], body].concat()
}

/// The same with boxes put at the end of one that is there, which is in one that is there.
fn with(file: &[u8], path: &[&[u8; 4]], more: &[u8]) -> Vec<u8> {
    let mut file = file.to_vec();
    let mut end = 0;
    for name in path {
        let at = file.windows(4).position(|bytes| bytes == *name).unwrap() - 4;
        let length = u32::from_be_bytes(file[at..at + 4].try_into().unwrap());
        end = at + length as usize;
        let longer = length + u32::try_from(more.len()).unwrap();
        file[at..at + 4].copy_from_slice(&longer.to_be_bytes());
    }
    file.splice(end..end, more.iter().copied());
    file
}

#[test]
fn counts_are_of_the_whole_file() {
    let good = file("420");
    let again = |path: &[&[u8; 4]], kind| {
        let at = good.windows(4).position(|bytes| bytes == kind).unwrap() - 4;
        let length = u32::from_be_bytes(good[at..at + 4].try_into().unwrap()) as usize;
        read(&with(&good, path, &good[at..at + length])).map(|found| found.is_some())
    };
    for kind in [b"pitm", b"iloc", b"iinf", b"iprp"] {
        assert_eq!(again(&[b"meta"], kind), Err(ImageError::Corrupt));
    }
    assert_eq!(again(&[b"meta"], b"hdlr"), Ok(true));
    assert_eq!(
        again(&[b"meta", b"iprp"], b"ipma"),
        Err(ImageError::Corrupt)
    );
    // In other numbers there may be another, which counts on.
    let map = |items: u32| {
        let mut map = [vec![1, 0, 0, 0], items.to_be_bytes().to_vec()].concat();
        for id in 100..100 + items {
            map.extend([&id.to_be_bytes()[..], &[255], &[1; 255]].concat());
        }
        read(&with(&good, &[b"meta", b"iprp"], &boxed(b"ipma", &map))).map(|_| ())
    };
    assert_eq!(map(64), Ok(()));
    assert!(matches!(map(65), Err(ImageError::Misread(_))));
}

#[test]
fn what_says_often_that_it_is_the_transparency_is_asked_once() {
    let mut map = [vec![1, 0, 0, 0], 60_u32.to_be_bytes().to_vec()].concat();
    for _ in 0..60 {
        map.extend([&7_u32.to_be_bytes()[..], &[255], &[0x83; 255]].concat());
    }
    let file = with(&file("420"), &[b"meta", b"iprp"], &boxed(b"ipma", &map));
    let one = boxed(b"auxl", &[0, 7, 0, 1, 0, 1]);
    let references = boxed(b"iref", &[vec![0; 4], one.repeat(4000)].concat());
    let file = with(&file, &[b"meta"], &references);
    // Some milliseconds: not 60 million properties.
    assert!(read(&file).unwrap().unwrap().alpha.is_none());
}

#[test]
fn hdr_is_told_and_not_shown_flat() {
    // Where the container says so, and where only the frame does.
    let told = changed(&file("420"), b"nclx", 2, &16_u16.to_be_bytes());
    let silent = changed(&file("hdr"), b"nclx", 2, &2_u16.to_be_bytes());
    for file in [told, file("hdr"), silent] {
        assert!(matches!(decoded(&file), Err(ImageError::Misread(_))));
    }
    let strange = changed(&file("420"), b"nclx", 4, &10_u16.to_be_bytes());
    assert!(matches!(decoded(&strange), Err(ImageError::Misread(_))));
}

#[test]
fn without_its_program_nothing_is_said_about_the_file() {
    assert_eq!(
        picture(&file("420"), &limits(2_000)).err(),
        Some(ImageError::Failed)
    );
    // What needs no decoding is known all the same.
    assert_eq!(
        picture(&file("420"), &limits(1_000)).err(),
        Some(ImageError::TooManyPixels)
    );
}

#[test]
fn what_becomes_of_the_process_is_the_files_fault_or_not() {
    let good = file("420");
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/avif/decoder.sh");
    let played = |part: u64, patience| {
        let limits = Limits {
            max_pixels: part,
            program: script.clone().into(),
        };
        let made = decode_within(patience, &good, &limits, (48, 32));
        made.map(|raster| raster.pixels.len())
    };
    let long = Duration::from_secs(20);
    for (part, wanted) in [
        // It says nothing, or something else.
        (2000, Err(ImageError::Failed)),
        (2001, Err(ImageError::Failed)),
        // It aborts, ends too early, answers what nobody knows.
        (2002, Err(ImageError::Corrupt)),
        (2003, Err(ImageError::Corrupt)),
        (2004, Err(ImageError::Corrupt)),
        // Somebody ends it.
        (2005, Err(ImageError::Failed)),
        (2006, Err(ImageError::Failed)),
        // It has no environment.
        (2007, Err(ImageError::TooManyPixels)),
        // It says more than it should.
        (2008, Ok(48 * 32)),
    ] {
        assert_eq!(played(part, long), wanted, "{part}");
    }
    let start = Instant::now();
    let hung = played(2009, Duration::from_millis(300));
    assert_eq!(hung, Err(ImageError::Failed));
    // It would have gone on for ten minutes.
    assert!(start.elapsed() < Duration::from_secs(300));
}
