//! The picture benchmark: `cargo bench --bench images`.
//!
//! A 24-megapixel JPEG, made here, goes through what an upload goes through, bytes to all renditions,
//! on one thread. The ceiling is the same decoder alone, in the same run. Peak memory is of the whole
//! process (`VmHWM`); making the JPEG happens in a process of its own, so that it does not count.

#![expect(clippy::print_stdout, reason = "its output is the result")]

use std::error::Error;
use std::io::Cursor;
use std::process::Command;
use std::time::{Duration, Instant};

use bantin::infra::image::{Focus, Limits, process};

const WIDTH: u16 = 6000;
const HEIGHT: u16 = 4000;
const ROUNDS: usize = 5;

type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

fn main() -> Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    match args.as_slice() {
        [word, path] if word == "make" => Ok(std::fs::write(path, photo()?)?),
        args if args.iter().any(|arg| arg == "--bench") => bench(),
        // `cargo test --all-targets` comes by here too.
        _ => {
            println!("nothing measured: run `cargo bench --bench images`");
            Ok(())
        }
    }
}

fn bench() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("photo.jpg");
    let made = Command::new(std::env::current_exe()?)
        .arg("make")
        .arg(&path)
        .status()?;
    if !made.success() {
        return Err("the photo could not be made".into());
    }
    let photo = std::fs::read(&path)?;
    let at_start = peak()?;
    let decoded = best(|| Ok(image::load_from_memory(&photo).map(drop)?))?;
    let after_decoding = peak()?;
    let limits = Limits {
        max_pixels: 50_000_000,
        program: std::path::Path::new(env!("CARGO_BIN_EXE_bantin")).into(),
    };
    let mut files = Vec::new();
    let all = best(|| {
        let made = process(&photo, &limits, Focus::default()).map_err(|why| format!("{why:?}"))?;
        files = made.renditions;
        Ok(())
    })?;
    println!(
        "{WIDTH} x {HEIGHT} JPEG, {} KiB, best of {ROUNDS}",
        photo.len() / 1024
    );
    println!(
        "decoding alone          {:>6} ms, peak {} MiB",
        decoded.as_millis(),
        after_decoding / 1024
    );
    println!(
        "bytes to all renditions {:>6} ms, peak {} MiB",
        all.as_millis(),
        peak()? / 1024
    );
    println!(
        "before either                      peak {} MiB",
        at_start / 1024
    );
    for file in files {
        println!(
            "  {:<11} {:>4} x {:<4} {:>6} KiB",
            file.name,
            file.width,
            file.height,
            file.bytes.len() / 1024
        );
    }
    Ok(())
}

fn best(mut work: impl FnMut() -> Result<()>) -> Result<Duration> {
    let mut best = Duration::MAX;
    for _ in 0..ROUNDS {
        let start = Instant::now();
        work()?;
        best = best.min(start.elapsed());
    }
    Ok(best)
}

/// The most memory that this process ever had, in KiB.
fn peak() -> Result<u64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let number = line.and_then(|line| line.split_whitespace().next());
    Ok(number.ok_or("no VmHWM")?.parse()?)
}

/// Soft hills with grain, as a camera sees them.
fn photo() -> Result<Vec<u8>> {
    let mut seed = 1_u32;
    let wide = f32::from(WIDTH);
    let pixels: Vec<u8> = (0..HEIGHT)
        .flat_map(|y| (0..WIDTH).map(move |x| (f32::from(x), f32::from(y))))
        .flat_map(|(x, y)| {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let [.., grain] = seed.to_le_bytes();
            let grain = f32::from(grain) / 16.0;
            let hill = (x / 190.0).sin() * 40.0 + (y / 70.0).sin() * 30.0;
            [90.0 + hill, 120.0 + hill, 200.0 * x / wide].map(|tone| byte(tone + grain))
        })
        .collect();
    let mut bytes = Cursor::new(Vec::new());
    image::codecs::jpeg::JpegEncoder::new_with_quality(&mut bytes, 92).encode(
        &pixels,
        u32::from(WIDTH),
        u32::from(HEIGHT),
        image::ExtendedColorType::Rgb8,
    )?;
    Ok(bytes.into_inner())
}

#[expect(
    clippy::as_conversions,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "clamped before"
)]
fn byte(tone: f32) -> u8 {
    tone.clamp(0.0, 255.0) as u8
}
