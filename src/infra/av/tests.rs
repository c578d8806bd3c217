//! Films and sounds made with ffmpeg: whole, cut short, mutated.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::as_conversions,
    clippy::panic,
    reason = "tests"
)]
use std::io::Cursor;

use sha2::{Digest as _, Sha256};

use super::{Found, Known, look};

/// Made with ffmpeg: two seconds of a test picture, a tone, or both.
macro_rules! sample {
    ($name:literal) => {
        include_bytes!(concat!("../../../tests/fixtures/av/", $name)).as_slice()
    };
}

const SAMPLES: &[(&str, &[u8])] = &[
    ("drone.mp4", sample!("drone.mp4")),
    ("film.mp4", sample!("film.mp4")),
    ("frag.mp4", sample!("frag.mp4")),
    ("sound.m4a", sample!("sound.m4a")),
    ("film.webm", sample!("film.webm")),
    ("live.webm", sample!("live.webm")),
    ("sound.webm", sample!("sound.webm")),
    ("sound.mp3", sample!("sound.mp3")),
    ("vbr.mp3", sample!("vbr.mp3")),
    ("sound.ogg", sample!("sound.ogg")),
    ("sound.opus", sample!("sound.opus")),
    ("flac.ogg", sample!("flac.ogg")),
];

fn bytes(name: &str) -> Vec<u8> {
    let found = SAMPLES.iter().find(|(known, _)| *known == name);
    found.unwrap().1.to_vec()
}

fn found(bytes: &[u8]) -> Found {
    look(&mut Cursor::new(bytes)).unwrap()
}

fn known(bytes: &[u8]) -> Known {
    match found(bytes) {
        Found::Known(known) => known,
        other => panic!("{other:?}"),
    }
}

fn cleaned(bytes: &[u8]) -> Vec<u8> {
    let mut file = Cursor::new(bytes.to_vec());
    let hash = known(bytes).cleaning.clean(&mut file).unwrap();
    let clean = file.into_inner();
    assert_eq!(hash, hex::encode(Sha256::digest(&clean)));
    assert_eq!(clean.len(), bytes.len());
    clean
}

fn holds(bytes: &[u8], what: &[u8]) -> bool {
    bytes.windows(what.len()).any(|window| window == what)
}

#[test]
fn containers_tell_type_size_and_length() {
    let told = SAMPLES.iter().map(|(name, bytes)| {
        let known = known(bytes);
        let size = known.width.zip(known.height);
        (*name, known.mime, size, known.duration_ms)
    });
    let told: Vec<_> = told.collect();
    let film = Some((64, 36));
    assert_eq!(
        told,
        [
            ("drone.mp4", "video/mp4", film, Some(2000)),
            ("film.mp4", "video/mp4", film, Some(2000)),
            ("frag.mp4", "video/mp4", film, None),
            ("sound.m4a", "audio/mp4", None, Some(2000)),
            ("film.webm", "video/webm", film, Some(2008)),
            ("live.webm", "video/webm", film, None),
            ("sound.webm", "audio/webm", None, Some(2008)),
            ("sound.mp3", "audio/mpeg", None, Some(2063)),
            ("vbr.mp3", "audio/mpeg", None, Some(2063)),
            ("sound.ogg", "audio/ogg", None, Some(2000)),
            ("sound.opus", "audio/ogg", None, Some(2000)),
            ("flac.ogg", "audio/ogg", None, Some(200)),
        ]
    );
}

#[test]
fn a_film_on_its_side_is_as_wide_as_it_is_seen() {
    let mut film = bytes("film.mp4");
    let track = film.windows(4).position(|kind| kind == b"tkhd").unwrap();
    // Body of version 0: the matrix stands 40 bytes in.
    let matrix = track + 4 + 40;
    for (at, value) in [(0, 0), (4, 0x0001_0000), (12, 0xFFFF_0000), (16, 0_u32)] {
        film[matrix + at..matrix + at + 4].copy_from_slice(&value.to_be_bytes());
    }
    let known = known(&film);
    assert_eq!((known.width, known.height), (Some(36), Some(64)));
}

#[test]
fn places_and_names_do_not_leave() {
    for (name, secret) in [
        // The place in a box `loci` ends with the planet.
        ("film.mp4", &b"earth\0"[..]),
        ("film.mp4", "Bí mật".as_bytes()),
        ("drone.mp4", b"earth\0"),
        // In the samples of a track of text, as drones write it.
        ("drone.mp4", b"GPS 21.0278,105.8342"),
        ("drone.mp4", b"GPS 21.0279,105.8343"),
        ("film.webm", b"+21.0278+105.8342"),
        ("sound.mp3", "Bí mật".as_bytes()),
        ("sound.ogg", b"encoder=Lavc"),
        ("sound.opus", b"encoder=Lavc"),
        ("flac.ogg", b"encoder=Lavc"),
    ] {
        let film = bytes(name);
        assert!(holds(&film, secret), "{name}");
        assert!(!holds(&cleaned(&film), secret), "{name}");
    }
}

/// An element of WebM whose body is shorter than 127 bytes.
fn element(id: &[u8], body: &[u8]) -> Vec<u8> {
    [id, &[0x80 | body.len() as u8], body].concat()
}

#[test]
fn names_and_times_in_webm_do_not_leave() {
    let info = [
        element(b"\xBF", b"crc!"),
        element(b"\xEC", b"old space"),
        element(b"\x3E\x83\xBB", b"next.webm"),
        element(b"\x2A\xD7\xB1", &[0x0F, 0x42, 0x40]),
        element(b"\x7B\xA9", "Nhà ông Bảy".as_bytes()),
        element(b"\x44\x61", b"moment!!"),
        element(b"\x73\x84", b""),
    ];
    let track = [
        element(b"\x83", &[2]),
        element(b"\x53\x6E", "Máy của Lan".as_bytes()),
    ];
    let track = element(b"\xAE", &track.concat());
    let segment = [
        element(b"\x15\x49\xA9\x66", &info.concat()),
        element(b"\x16\x54\xAE\x6B", &track),
        element(b"\x1F\x43\xB6\x75", b""),
    ];
    let file = [
        element(b"\x1A\x45\xDF\xA3", &element(b"\x42\x82", b"webm")),
        element(b"\x18\x53\x80\x67", &segment.concat()),
    ];
    let clean = cleaned(&file.concat());
    for gone in [
        "crc!",
        "old space",
        "next.webm",
        "Nhà ông Bảy",
        "moment!!",
        "Máy của Lan",
    ] {
        assert!(!holds(&clean, gone.as_bytes()), "{gone}");
    }
    assert_eq!(cleaned(&clean), clean);
    assert_eq!(known(&clean).mime, "audio/webm");
}

#[test]
fn tracks_within_tracks_are_not_followed() {
    let mut deep = Vec::new();
    for _ in 0..600_000_u32 {
        let length = (deep.len() as u32 | 0x1000_0000).to_be_bytes();
        // Written backwards, since each holds what came before.
        deep.extend(length.iter().rev());
        deep.push(0xAE);
    }
    deep.reverse();
    let length = (deep.len() as u32 | 0x1000_0000).to_be_bytes();
    let tracks = [&b"\x16\x54\xAE\x6B"[..], &length, &deep].concat();
    let file = [
        element(b"\x1A\x45\xDF\xA3", &element(b"\x42\x82", b"webm")),
        b"\x18\x53\x80\x67\xFF".to_vec(),
        tracks,
    ];
    assert!(!matches!(found(&file.concat()), Found::Known(_)));
}

#[test]
fn what_was_cleaned_is_the_same_film_and_clean() {
    for (name, bytes) in SAMPLES {
        let before = known(bytes);
        let clean = cleaned(bytes);
        let after = known(&clean);
        assert_eq!(
            (before.mime, before.width, before.height, before.duration_ms),
            (after.mime, after.width, after.height, after.duration_ms),
            "{name}"
        );
        assert_eq!(cleaned(&clean), clean, "{name}");
    }
}

#[test]
fn what_is_not_served_says_what_it_is() {
    let unsupported = |bytes: &[u8]| matches!(found(bytes), Found::Unsupported(_));
    assert!(unsupported(sample!("theora.ogv")));
    let mut film = bytes("film.mp4");
    film[8..12].copy_from_slice(b"qt  ");
    assert!(unsupported(&film));
    film[8..12].copy_from_slice(b"heic");
    assert!(unsupported(&film));
    film[8..12].copy_from_slice(b"avif");
    assert_eq!(found(&film), Found::Other);
    let matroska = b"\x1A\x45\xDF\xA3\x8B\x42\x82\x88matroska\x18\x53\x80\x67\x80";
    assert!(unsupported(matroska));
    for other in [
        &b""[..],
        b"hello",
        b"\xFF\xFB",
        b"\xFF\xFB\x90\x00 is no sound",
    ] {
        assert_eq!(found(other), Found::Other);
    }
}

#[test]
fn what_is_cut_short_is_damaged() {
    for (name, bytes) in SAMPLES {
        // Frames without a word of how many there are: nobody can tell.
        if *name == "vbr.mp3" {
            continue;
        }
        for part in 1..8 {
            let cut = &bytes[..bytes.len() * part / 8];
            assert_eq!(found(cut), Found::Damaged, "{name} {part}");
        }
    }
}

#[test]
fn damaged_files_never_panic_nor_loop() {
    let mut seed = 7_u64;
    let mut next = move || {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (seed >> 33) as usize
    };
    for (_, good) in SAMPLES {
        for round in 0..2000 {
            let mut bad = good.to_vec();
            for _ in 0..=next() % 4 {
                // Heads of containers are where a byte counts most.
                let at = next()
                    % if round % 2 == 0 {
                        bad.len()
                    } else {
                        1500.min(bad.len())
                    };
                bad[at] = match next() % 3 {
                    0 => 0xFF,
                    1 => 0,
                    _ => next() as u8,
                };
            }
            if round % 5 == 0 {
                bad.truncate(next() % (bad.len() + 1));
            }
            let mut file = Cursor::new(bad);
            if let Found::Known(known) = look(&mut file).unwrap() {
                let length = file.get_ref().len();
                let mut file = Cursor::new(file.into_inner());
                known.cleaning.clean(&mut file).unwrap();
                assert_eq!(file.get_ref().len(), length);
            }
        }
    }
}
