//! Files of strangers, thousands of damaged ones: what looks at them answers, and keeps to its memory.
//!
//! Each test is a fuzz target. `cargo test` gives each a fixed number of inputs, the same each time; with
//! `BANTIN_FUZZ_SECONDS` each runs that long on inputs of its own, and names the seed of one that fails.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a test fails by panicking, and tells how much it did"
)]

use std::io::{Cursor, Write as _};
use std::path::Path;
use std::time::{Duration, Instant};

use bantin::infra::av::{self, Found};
use bantin::infra::image::{Focus, ImageError, Limits, header, process};
use image::{DynamicImage, ImageFormat};
use xml::reader::XmlEvent;

/// Inputs of a target where no time is given.
const INPUTS: u64 = 3000;

fn limits() -> Limits {
    Limits {
        max_pixels: 1_000_000,
        // What decodes AVIF.
        program: Path::new(env!("CARGO_BIN_EXE_bantin")).into(),
    }
}

/// SplitMix64: small, and the same everywhere.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, most: usize) -> usize {
        let most = u64::try_from(most.max(1)).unwrap();
        usize::try_from(self.next() % most).unwrap()
    }

    fn byte(&mut self) -> u8 {
        self.next().to_le_bytes()[0]
    }
}

/// Numbers at which parsers stumble, as they stand in files.
const NUMBERS: &[&[u8]] = &[
    &[0, 0, 0, 0],
    &[0, 0, 0, 1],
    &[0xff, 0xff, 0xff, 0xff],
    &[0x7f, 0xff, 0xff, 0xff],
    &[0x80, 0, 0, 0],
    &[0xff, 0xff],
    &[0, 0],
    &[0xff; 8],
];

/// One of the good files, damaged here and there.
fn damaged(random: &mut Random, good: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes = good[random.below(good.len())].clone();
    for _ in 0..=random.below(6) {
        if bytes.is_empty() {
            return bytes;
        }
        // Headers are at the beginning, tables of archives at the end.
        let at = match random.below(3) {
            0 => random.below(bytes.len().min(64)),
            1 => bytes.len() - 1 - random.below(bytes.len().min(64)),
            _ => random.below(bytes.len()),
        };
        match random.below(7) {
            0 => bytes[at] = random.byte(),
            1 => bytes[at] ^= 1 << random.below(8),
            2 => bytes.truncate(at),
            3 => {
                let number = NUMBERS[random.below(NUMBERS.len())];
                let end = bytes.len().min(at + number.len());
                bytes[at..end].copy_from_slice(&number[..end - at]);
            }
            4 => {
                let end = bytes.len().min(at + random.below(64));
                bytes.drain(at..end);
            }
            5 => {
                let end = bytes.len().min(at + random.below(64));
                let again = bytes[at..end].to_vec();
                bytes.splice(at..at, again);
            }
            // A piece of another file.
            _ => {
                let other = &good[random.below(good.len())];
                let from = random.below(other.len());
                let to = other.len().min(from + random.below(256));
                let end = bytes.len().min(at + to - from);
                bytes.splice(at..end, other[from..to].iter().copied());
            }
        }
    }
    bytes
}

/// Runs a target, on damaged files and on good ones.
fn target(name: &str, good: &[Vec<u8>], look: impl Fn(&[u8]) + std::panic::RefUnwindSafe) {
    target_of(INPUTS, name, good, look);
}

fn target_of(
    most: u64,
    name: &str,
    good: &[Vec<u8>],
    look: impl Fn(&[u8]) + std::panic::RefUnwindSafe,
) {
    for file in good {
        look(file);
    }
    let seconds = std::env::var("BANTIN_FUZZ_SECONDS").ok();
    let seconds: Option<u64> = seconds.map(|text| text.parse().unwrap());
    let first = match seconds {
        None => 1,
        Some(_) => bantin::infra::random::bytes::<6>()
            .iter()
            .fold(0, |seed, byte| seed << 8 | u64::from(*byte)),
    };
    let begun = Instant::now();
    let (mut inputs, mut slowest) = (0, Duration::ZERO);
    loop {
        let done = match seconds {
            None => inputs == most,
            Some(seconds) => begun.elapsed() >= Duration::from_secs(seconds),
        };
        if done {
            break;
        }
        let seed = first + inputs;
        let bytes = damaged(&mut Random(seed), good);
        let start = Instant::now();
        if let Err(panic) = std::panic::catch_unwind(|| look(&bytes)) {
            println!("{name}: seed {seed} fails");
            std::panic::resume_unwind(panic);
        }
        slowest = slowest.max(start.elapsed());
        inputs += 1;
    }
    println!("{name}: {inputs} inputs from seed {first}, the slowest took {slowest:?}");
    assert!(peak_mib() < 1024, "{name}: {} MiB at the peak", peak_mib());
}

/// Most memory that this process has had, where the system tells it.
fn peak_mib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmHWM:"));
    let kib = line.and_then(|line| line.split_whitespace().nth(1));
    kib.and_then(|kib| kib.parse::<u64>().ok()).unwrap_or(0) / 1024
}

fn pictures() -> Vec<Vec<u8>> {
    let pixels = image::RgbaImage::from_fn(48, 40, |x, y| {
        let [x, y] = [x, y].map(|n| u8::try_from(n).unwrap());
        image::Rgba([x * 5, y * 6, x ^ y, 255 - x])
    });
    let picture = DynamicImage::ImageRgba8(pixels);
    let write = |picture: &DynamicImage, format| {
        let mut bytes = Cursor::new(Vec::new());
        picture.write_to(&mut bytes, format).unwrap();
        bytes.into_inner()
    };
    let opaque = DynamicImage::ImageRgb8(picture.to_rgb8());
    let mut files = vec![
        write(&picture, ImageFormat::Png),
        write(&picture, ImageFormat::WebP),
        write(&picture, ImageFormat::Gif),
        write(&opaque, ImageFormat::Jpeg),
        write(
            &DynamicImage::ImageLuma8(picture.to_luma8()),
            ImageFormat::Png,
        ),
    ];
    for progressive in [false, true] {
        let mut bytes = Vec::new();
        let mut encoder = jpeg_encoder::Encoder::new(&mut bytes, 80);
        encoder.set_progressive(progressive);
        encoder.set_sampling_factor(jpeg_encoder::SamplingFactor::R_4_2_0);
        let pixels = opaque.as_bytes();
        encoder
            .encode(pixels, 48, 40, jpeg_encoder::ColorType::Rgb)
            .unwrap();
        files.push(bytes);
    }
    files
}

fn archive(entries: &[(&str, &str)]) -> Vec<u8> {
    let mut archive = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, text) in entries {
        let options = zip::write::SimpleFileOptions::default();
        archive.start_file(*name, options).unwrap();
        archive.write_all(text.as_bytes()).unwrap();
    }
    archive.finish().unwrap().into_inner()
}

fn documents() -> Vec<Vec<u8>> {
    let word = "application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml";
    let types = format!(
        "<Types><Override PartName=\"/word/document.xml\" ContentType=\"{word}\"/></Types>"
    );
    let pdf = b"%PDF-1.4\n1 0 obj\n<</Type/Catalog/Pages 2 0 R>>\nendobj\n2 0 obj\n<</Type/Pages/Kids[3 0 R]/Count 1>>\nendobj\n3 0 obj\n<</Type/Page/Parent 2 0 R>>\nendobj\nxref\n0 4\n0000000000 65535 f \n0000000009 00000 n \n0000000054 00000 n \n0000000105 00000 n \ntrailer\n<</Size 4/Root 1 0 R>>\nstartxref\n148\n%%EOF\n";
    vec![
        pdf.to_vec(),
        archive(&[
            ("[Content_Types].xml", &types),
            ("word/document.xml", "<w/>"),
        ]),
        archive(&[
            ("mimetype", "application/vnd.oasis.opendocument.text"),
            ("content.xml", "<c/>"),
        ]),
        [&b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"[..], &[0; 4096]].concat(),
    ]
}

fn recordings() -> Vec<Vec<u8>> {
    fixtures("av")
}

/// Pictures in AVIF.
fn modern() -> Vec<Vec<u8>> {
    let files = fixtures("avif").into_iter();
    files
        .filter(|file| file.get(4..8) == Some(b"ftyp"))
        .collect()
}

fn fixtures(folder: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fixtures")
        .join(folder);
    let files = std::fs::read_dir(folder).unwrap();
    let mut paths: Vec<_> = files.map(|file| file.unwrap().path()).collect();
    paths.sort();
    let read = paths.iter().map(|path| std::fs::read(path).unwrap());
    read.collect()
}

#[test]
fn films_and_sounds_are_known_and_cleaned_in_place() {
    target("recordings", &recordings(), |bytes| {
        let mut file = Cursor::new(bytes.to_vec());
        if let Found::Known(known) = av::look(&mut file).unwrap() {
            known.cleaning.clean(&mut file).unwrap();
            assert_eq!(file.get_ref().len(), bytes.len());
        }
    });
}

#[test]
fn damaged_pictures_are_told_and_cost_little() {
    let limits = limits();
    target("pictures", &pictures(), |bytes| {
        // As the service does: a decoder that panics has met a damaged file.
        let _ = std::panic::catch_unwind(|| process(bytes, &limits, Focus::default()));
    });
}

fn drawings() -> Vec<Vec<u8>> {
    let texts = [
        r##"<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"
        width="10mm" viewBox="0 0 40 30"><style>.a { fill: url(#g) }</style><defs><linearGradient id="g"><stop
        offset="0" stop-color="#c8102e"/></linearGradient></defs><g class="a" onload="x()"><path d="M0 0h9v9z"/>
        <use xlink:href="#g"/><script>alert(1)</script><text>Phường &amp; xã</text></g></svg>"##,
        r##"<svg xmlns="http://www.w3.org/2000/svg"><image href="data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAAB
        CAAAAAA6fptVAAAACklEQVR4nGNgAAAAAgABSK+kcQAAAABJRU5ErkJggg=="/><a href="javascript:x"><circle r="3"/></a>
        <animate attributeName="href" to="javascript:x"/><foreignObject/></svg>"##,
        r##"<s:svg xmlns:s="http://www.w3.org/2000/svg" xmlns:x="http://www.w3.org/1999/xlink"><s:style type="text/css">
        <![CDATA[@media print { .a { fill: url( '#g' ) } }]]></s:style><s:use x:href="#a" href="#b" data-a="1"/>
        <s:rect style="fill: url(#g)" xml:space="preserve"/></s:svg>"##,
    ];
    texts.map(|text| text.as_bytes().to_vec()).into()
}

/// Does a style fetch anything?
fn fetches(css: &str) -> bool {
    let css = css.to_ascii_lowercase();
    let elsewhere = |rest: &str| {
        !rest
            .trim_start_matches([' ', '\t', '\n', '\r', '"', '\''])
            .starts_with('#')
    };
    css.contains("@import")
        || css.contains("image-set(")
        || css.split("url(").skip(1).any(elsewhere)
}

#[test]
fn drawings_are_told_or_can_do_nothing() {
    let limits = limits();
    target("drawings", &drawings(), |bytes| {
        let made = process(bytes, &limits, Focus::default());
        for file in made.into_iter().flat_map(|made| made.renditions) {
            let mut in_style = false;
            for event in xml::EventReader::new(&file.bytes[..]) {
                match event.unwrap() {
                    XmlEvent::StartElement {
                        name, attributes, ..
                    } => {
                        let bad = ["script", "foreignobject", "iframe", "handler"];
                        let name = name.local_name.to_ascii_lowercase();
                        assert!(!bad.contains(&name.as_str()), "{name}");
                        for one in attributes {
                            let name = one.name.local_name.to_ascii_lowercase();
                            let value = one.value.trim().to_ascii_lowercase();
                            let scheme = value.split(['/', '?', '#']).next().unwrap().contains(':');
                            let elsewhere = name == "href" && (scheme || value.starts_with("//"));
                            let inside = ["data:image/jpeg;", "data:image/png;"];
                            let inside = inside.iter().any(|begin| value.starts_with(begin));
                            let runs = name.starts_with("on") || name.starts_with("data-");
                            assert!(!runs && (!elsewhere || inside), "{one}");
                            assert!(name == "href" || !fetches(&value), "{one}");
                        }
                        // Nothing stands in a style but its text.
                        assert!(!in_style, "{name}");
                        in_style = name == "style";
                    }
                    XmlEvent::EndElement { .. } => in_style = false,
                    XmlEvent::Characters(text) => assert!(!in_style || !fetches(&text), "{text}"),
                    other => assert!(
                        !matches!(
                            other,
                            XmlEvent::Doctype { .. } | XmlEvent::ProcessingInstruction { .. }
                        ),
                        "more than a drawing"
                    ),
                }
            }
        }
    });
}

#[test]
fn containers_of_avif_are_read_or_told() {
    let limits = limits();
    target("containers of AVIF", &modern(), |bytes| {
        if let Ok(header) = header(bytes, &limits) {
            assert!(header.pixels() <= limits.max_pixels);
        }
    });
}

/// Fewer than of others: each that comes so far takes a process.
#[test]
fn damaged_avif_ends_no_process_but_its_own() {
    let limits = limits();
    target_of(INPUTS / 10, "AVIF", &modern(), |bytes| {
        let made = process(bytes, &limits, Focus::default());
        // Whatever the decoder did, it was there.
        assert_ne!(made.err(), Some(ImageError::Failed));
    });
}

#[test]
fn every_file_is_known_for_something_or_nothing() {
    let good = [pictures(), modern(), documents(), recordings(), drawings()].concat();
    target("sniffing", &good, |bytes| {
        bantin::infra::document::look(&mut Cursor::new(bytes)).unwrap();
    });
}

fn subtitles() -> Vec<Vec<u8>> {
    let texts = [
        "WEBVTT\n\n00:00.000 --> 00:02.000\nBà con ra xem đua ghe.\n",
        "\u{feff}WEBVTT Bản tin\r\n\r\nNOTE ghi chú\r\n\r\nSTYLE\r\n::cue { color: yellow }\r\n\r\nREGION\r\nid:duoi \
         width:40% lines:3 regionanchor:0%,100% viewportanchor:10%,90% scroll:up\r\n\r\n1\r\n\
         00:00.000 --> 01:02:03.500 region:duoi align:left line:-1,end position:10.5%,line-left size:50%\r\n\
         <v Lan>Chào &amp; mời</v>\r\n",
    ];
    texts.map(|text| text.as_bytes().to_vec()).into()
}

#[test]
fn subtitles_are_taken_whole_or_told_by_line() {
    target(
        "subtitles",
        &subtitles(),
        |bytes| match bantin::domain::webvtt::check(bytes) {
            Ok(text) => assert!(bytes.ends_with(text.as_bytes()) && text.starts_with("WEBVTT")),
            Err(faults) => assert!((1..=100).contains(&faults.0.len())),
        },
    );
}
