//! Pictures in AVIF: decoded in a process of their own, otherwise as all others.

use std::io::{Read as _, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};

use actix_web::http::Method;
use bantin::infra::image::Limits;
use bantin::service::media::regeneration::{Regenerated, regenerate};
use bantin::service::media::work_once;
use serde_json::{Value, json};

use crate::support::sample::local;
use crate::support::{Answer, Portal, User};

const MEDIA: &str = "/v1/editorial/media";
const RED: [u8; 3] = [250, 0, 0];
const GREEN: [u8; 3] = [0, 250, 0];
const BLUE: [u8; 3] = [0, 0, 250];
const WHITE: [u8; 3] = [250, 250, 250];

fn file(name: &str) -> Vec<u8> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/avif");
    std::fs::read(folder.join(format!("{name}.avif"))).unwrap()
}

/// The bytes after a word, changed.
fn changed(name: &str, word: &[u8; 4], after: usize, to: &[u8]) -> Vec<u8> {
    let mut file = file(name);
    let at = file.windows(4).position(|bytes| bytes == word).unwrap() + 4 + after;
    file[at..at + to.len()].copy_from_slice(to);
    file
}

async fn upload(user: &User<'_>, bytes: &[u8]) -> Answer {
    user.upload("a.avif", bytes, &[("alt", "Bốn ô")]).await
}

/// All files of a medium, by name.
async fn files(portal: &Portal, medium: &Value) -> Vec<(String, Vec<u8>)> {
    let mut files = Vec::new();
    for made in medium["renditions"].as_array().unwrap() {
        let answer = portal.get(&local(&made["preview_url"])).await;
        answer.status_is(200);
        files.push((
            made["name"].as_str().unwrap().to_owned(),
            answer.body.to_vec(),
        ));
    }
    files
}

fn has(bytes: &[u8], word: &[u8]) -> bool {
    bytes.windows(word.len()).any(|window| window == word)
}

#[track_caller]
fn near(found: &[u8], wanted: &[u8], what: &str) {
    let off = found.iter().zip(wanted).map(|(a, b)| a.abs_diff(*b)).max();
    assert!(off < Some(14), "{what}: {found:?} is not {wanted:?}");
}

#[actix_web::test]
async fn each_kind_of_avif_is_seen_as_it_was_made() {
    let portal = Portal::new().await;
    let reporter = portal.reporter().await;
    let (wide, high) = ((48, 32), (32, 48));
    let upright = [RED, GREEN, BLUE, WHITE];
    for (name, (width, height), corners) in [
        ("420", wide, upright),
        ("422", wide, upright),
        ("444", wide, upright),
        ("limited", wide, upright),
        ("odd", (47, 31), upright),
        ("deep", wide, upright),
        ("deepest", wide, upright),
        ("identity", wide, upright),
        ("profile", wide, upright),
        ("moving", wide, [RED; 4]),
        ("cropped", (24, 30), [GREEN, GREEN, WHITE, WHITE]),
        ("grid", (70, 100), [GREEN, WHITE, RED, BLUE]),
        // As EXIF counts them.
        ("turned2", wide, [GREEN, RED, WHITE, BLUE]),
        ("turned3", wide, [WHITE, BLUE, GREEN, RED]),
        ("turned4", wide, [BLUE, WHITE, RED, GREEN]),
        ("turned5", high, [RED, BLUE, GREEN, WHITE]),
        ("turned6", high, [BLUE, RED, WHITE, GREEN]),
        ("turned7", high, [WHITE, GREEN, BLUE, RED]),
        ("turned8", high, [GREEN, WHITE, RED, BLUE]),
        // EXIF says so, too, and is not asked: it would be turned twice.
        ("camera", high, [BLUE, RED, WHITE, GREEN]),
    ] {
        let medium = upload(&reporter, &file(name)).await.created();
        assert_eq!(medium["type"], "image/avif", "{name}");
        assert_eq!(medium["status"], "ready", "{name}");
        assert_eq!(
            (&medium["width"], &medium["height"]),
            (&json!(width), &json!(height)),
            "{name}"
        );
        let files = files(&portal, &medium).await;
        let names: Vec<&str> = files.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["full", "full-webp"], "{name}");
        for (which, bytes) in &files {
            let shown = image::load_from_memory(bytes).unwrap().to_rgb8();
            assert_eq!((shown.width(), shown.height()), (width, height), "{name}");
            for ((x, y), colour) in [
                (3, 3),
                (width - 4, 3),
                (3, height - 4),
                (width - 4, height - 4),
            ]
            .into_iter()
            .zip(corners)
            {
                let what = format!("{name} {which} {x} {y}");
                near(&shown.get_pixel(x, y).0, &colour, &what);
            }
        }
    }
}

#[actix_web::test]
async fn nothing_comes_along_but_the_colour_profile() {
    let portal = Portal::new().await;
    let reporter = portal.reporter().await;
    let original = file("camera");
    assert!(has(&original, b"Exif") && has(&original, b"GPS-HERE"));
    let medium = upload(&reporter, &original).await.created();
    for (name, bytes) in files(&portal, &medium).await {
        for word in [&b"Exif"[..], b"EXIF", b"GPS-HERE", b"xmpmeta", b"XMP "] {
            assert!(!has(&bytes, word), "{name}");
        }
    }
    let medium = upload(&reporter, &file("profile")).await.created();
    for (name, bytes) in files(&portal, &medium).await {
        assert!(has(&bytes, b"acsp"), "{name}");
    }
}

#[actix_web::test]
async fn grey_stays_grey_and_what_is_transparent_stays_so() {
    let portal = Portal::new().await;
    let reporter = portal.reporter().await;
    let medium = upload(&reporter, &file("grey")).await.created();
    let files_of_grey = files(&portal, &medium).await;
    let grey = image::load_from_memory(&files_of_grey[0].1).unwrap();
    assert!(!grey.color().has_color());
    near(&[grey.to_luma8().get_pixel(40, 9).0[0]], &[200], "grey");
    for name in ["alpha", "premultiplied"] {
        let medium = upload(&reporter, &file(name)).await.created();
        assert_eq!(medium["renditions"][0]["type"], "image/png");
        for (which, bytes) in files(&portal, &medium).await {
            let shown = image::load_from_memory(&bytes).unwrap().to_rgba8();
            let what = format!("{name} {which}");
            near(&shown.get_pixel(4, 2).0[3..], &[0], &what);
            near(&shown.get_pixel(4, 12).0, &[250, 0, 0, 128], &what);
            near(&shown.get_pixel(4, 28).0, &[0, 0, 250, 255], &what);
        }
    }
}

#[actix_web::test]
async fn a_large_one_has_all_sizes_and_crops_and_is_made_again() {
    let portal = Portal::new().await;
    let reporter = portal.reporter().await;
    let medium = upload(&reporter, &file("large")).await.created();
    let names = |medium: &Value| -> Vec<String> {
        let all = medium["renditions"].as_array().unwrap().iter();
        all.map(|made| made["name"].as_str().unwrap().to_owned())
            .collect()
    };
    for name in ["full", "w320", "w640", "w640-webp", "1x1-w320", "4x3-w640"] {
        assert!(names(&medium).contains(&name.to_owned()), "{name}");
    }
    let path = format!("{MEDIA}/{}", medium["id"]);
    let point = json!({"focal_point": {"x": 0.0, "y": 0.5}});
    reporter.patch(&path, 1, &point).await.ok();
    assert!(work_once(&portal.ctx).await.unwrap());
    let focused = reporter.get(&path).await.ok();
    assert_eq!(names(&focused).len(), names(&medium).len());
    let crop = files(&portal, &focused).await;
    let (_, crop) = crop.iter().find(|(name, _)| name == "1x1-w320").unwrap();
    let crop = image::load_from_memory(crop).unwrap().to_rgb8();
    // Of 700 pixels the left 500: the colours change beyond the middle of that.
    near(&crop.get_pixel(215, 9).0, &RED, "left of the change");
    near(&crop.get_pixel(235, 9).0, &GREEN, "right of it");
    let limits = Limits {
        max_pixels: 1_000_000,
        program: portal.ctx.program.clone(),
    };
    let id = medium["id"].to_string().parse().unwrap();
    let now = portal.ctx.now();
    let again = regenerate(&portal.ctx.db, &portal.ctx.blobs, limits, now, id).await;
    assert_eq!(again.unwrap(), Regenerated::Same);
}

#[actix_web::test]
async fn what_is_no_whole_avif_is_refused_and_leaves_nothing() {
    let portal = Portal::new().await;
    let editor = portal.editor().await;
    let damaged: &[&str] = &["/file bad_format"];
    for name in ["420", "alpha", "grid", "camera", "deep", "moving"] {
        let whole = file(name);
        for length in [whole.len() / 3, whole.len() / 2, whole.len() - 1] {
            let cut = upload(&editor, &whole[..length]).await;
            cut.faults(422, "invalid", damaged);
        }
    }
    // The container says another size than the frame has.
    for (width, height) in [(47_u32, 32_u32), (48, 33), (96, 64), (4_000, 4_000)] {
        let size = [width.to_be_bytes(), height.to_be_bytes()].concat();
        let lie = upload(&editor, &changed("420", b"ispe", 4, &size)).await;
        lie.faults(422, "invalid", damaged);
    }
    // The frame is noise, or not there.
    let start = changed("420", b"mdat", 0, &[0xff; 24]);
    upload(&editor, &start)
        .await
        .faults(422, "invalid", damaged);
    // Too many pixels, which are not decoded.
    let size = [50_000_u32.to_be_bytes(), 50_000_u32.to_be_bytes()].concat();
    let bomb = upload(&editor, &changed("420", b"ispe", 4, &size)).await;
    bomb.faults(422, "invalid", &["/file out_of_range"]);
    // What would look wrong.
    let hdr = upload(&editor, &file("hdr")).await;
    hdr.faults(422, "invalid", damaged);
    assert!(hdr.text().contains("HDR"));
    // HEIC lies in the same boxes.
    let mut heic = file("420");
    for at in 0..heic.len() - 4 {
        if &heic[at..at + 4] == b"av01" {
            heic[at..at + 4].copy_from_slice(b"hvc1");
        }
    }
    let heic = upload(&editor, &heic).await;
    heic.problem(415, "unsupported_media_type");
    assert_eq!(editor.get(MEDIA).await.ok()["items"], json!([]));
    upload(&editor, &file("420")).await.created();
}

#[actix_web::test]
async fn without_its_process_it_is_our_fault_and_goes_well_later() {
    let portal = Portal::with(&["--inline-pixels", "2000"]).await;
    let reporter = portal.reporter().await;
    std::fs::remove_file(&*portal.ctx.program).unwrap();
    let ask = reporter.ask(Method::POST, MEDIA);
    let ask = ask.form("a.avif", &file("420"), &[("alt", "Bốn ô")]);
    ask.send_to_broken().await.problem(500, "internal");
    // One that is made later waits, and is not told to be damaged.
    let waiting = upload(&reporter, &file("large")).await.is(202);
    assert_eq!(
        (&waiting["width"], &waiting["type"]),
        (&json!(700), &json!("image/avif"))
    );
    assert!(work_once(&portal.ctx).await.unwrap());
    let path = format!("{MEDIA}/{}", waiting["id"]);
    assert_eq!(reporter.get(&path).await.ok()["status"], "processing");
    let program = env!("CARGO_BIN_EXE_bantin");
    std::os::unix::fs::symlink(program, &*portal.ctx.program).unwrap();
    upload(&reporter, &file("420")).await.created();
    portal.advance(10);
    assert!(work_once(&portal.ctx).await.unwrap());
    let ready = portal.reporter().await.get(&path).await.ok();
    assert_eq!(ready["status"], "ready");
    // Damage that only decoding finds.
    let mut damaged = file("large");
    let at = damaged.windows(4).position(|bytes| bytes == b"mdat");
    damaged[at.unwrap() + 4..].fill(0xff);
    let reporter = portal.reporter().await;
    let damaged = upload(&reporter, &damaged).await.is(202);
    assert!(work_once(&portal.ctx).await.unwrap());
    let path = format!("{MEDIA}/{}", damaged["id"]);
    let failed = reporter.get(&path).await.ok();
    assert_eq!(
        (&failed["status"], &failed["failure"]),
        (&json!("failed"), &json!("damaged"))
    );
}

#[cfg(target_os = "linux")]
#[test]
fn the_process_has_its_limits_before_it_reads() {
    let mut decoder = Command::new(env!("CARGO_BIN_EXE_bantin"))
        .args(["decode-avif", "50000000"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let id = decoder.id();
    let out = decoder.stdout.as_mut().unwrap();
    out.read_exact(&mut [0; 8]).unwrap();
    let limits = std::fs::read_to_string(format!("/proc/{id}/limits")).unwrap();
    for (what, most) in [
        ("Max cpu time", 82_u64),
        ("Max core file size", 0),
        ("Max address space", 512 * 1024 * 1024 + 50_000_000 * 24),
    ] {
        let line = limits.lines().find_map(|line| line.strip_prefix(what));
        let found: Vec<&str> = line.unwrap().split_whitespace().take(2).collect();
        assert_eq!(found, [&most.to_string(); 2], "{what}");
    }
    // Nothing is no picture.
    drop(decoder.stdin.take());
    let mut rest = Vec::new();
    out.read_to_end(&mut rest).unwrap();
    assert_eq!(rest, b"c");
    assert!(decoder.wait().unwrap().success());
}

#[cfg(target_os = "linux")]
#[test]
fn want_of_memory_is_not_the_files_fault() {
    let size = [7_000_u32.to_be_bytes(), 7_000_u32.to_be_bytes()].concat();
    let large = changed("420", b"ispe", 4, &size);
    for (most, wanted) in [("600000", b"f"), ("unlimited", b"c")] {
        let mut decoder = Command::new("/bin/sh")
            .args(["-c", r#"ulimit -v "$1"; exec "$0" decode-avif 50000000"#])
            .args([env!("CARGO_BIN_EXE_bantin"), most])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        decoder.stdin.take().unwrap().write_all(&large).unwrap();
        let answer = decoder.wait_with_output().unwrap().stdout;
        // After the greeting: the frame is smaller than the file says, if it comes to that.
        assert_eq!(answer[8..], *wanted, "{most}");
    }
}
