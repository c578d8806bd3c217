//! Uploads: what is taken and what is refused, and how bytes are cleaned.

use std::io::Cursor;

use actix_web::http::Method;
use image::{DynamicImage, ImageFormat};
use serde_json::{Value, json};

use crate::support::sample::{local, picture};
use crate::support::{Answer, BASE, Portal, User};

const MEDIA: &str = "/v1/editorial/media";

/// A picture with a different colour in each corner, so that turning it shows.
fn corners(width: u32, height: u32) -> DynamicImage {
    DynamicImage::ImageRgb8(image::RgbImage::from_fn(width, height, |x, y| {
        let (left, top) = (x < width / 2, y < height / 2);
        image::Rgb(match (left, top) {
            (true, true) => [250, 0, 0],
            (false, true) => [0, 250, 0],
            (true, false) => [0, 0, 250],
            (false, false) => [250, 250, 250],
        })
    }))
}

fn encoded(picture: &DynamicImage, format: ImageFormat) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    picture.write_to(&mut bytes, format).unwrap();
    bytes.into_inner()
}

/// A JPEG that is to be turned by 90 degrees, and tells where it was taken.
fn camera_jpeg(width: u32, height: u32) -> Vec<u8> {
    let plain = encoded(&corners(width, height), ImageFormat::Jpeg);
    let mut tiff = b"MM\0*\0\0\0\x08\0\x02".to_vec();
    tiff.extend(b"\x01\x12\0\x03\0\0\0\x01\0\x06\0\0");
    tiff.extend(b"\x88\x25\0\x04\0\0\0\x01\0\0\0\x26\0\0\0\0");
    tiff.extend(b"\0\x01\0\x01\0\x02\0\0\0\x02N\0\0\0\0\0\0\0 GPS 19.93N 105.53E");
    let mut out = plain[..2].to_vec();
    out.extend(b"\xff\xe1");
    out.extend(u16::try_from(tiff.len() + 8).unwrap().to_be_bytes());
    out.extend(b"Exif\0\0");
    out.extend(tiff);
    out.extend(&plain[2..]);
    out
}

fn one(medium: &Value) -> String {
    format!("{MEDIA}/{}", medium["id"])
}

/// Uploads a raw form.
async fn form(user: &User<'_>, parts: &[(&str, &[u8])]) -> Answer {
    let mut body = Vec::new();
    for (disposition, bytes) in parts {
        body.extend(
            format!("--zzz\r\ncontent-disposition: form-data{disposition}\r\n\r\n").bytes(),
        );
        body.extend(*bytes);
        body.extend(b"\r\n");
    }
    body.extend(b"--zzz--\r\n");
    user.ask(Method::POST, MEDIA)
        .bytes("multipart/form-data; boundary=zzz", &body)
        .send()
        .await
}

#[actix_web::test]
async fn pictures_are_known_by_their_content_and_not_by_their_name() {
    let portal = Portal::new().await;
    let reporter = portal.reporter().await;
    for (format, name, mime) in [
        (ImageFormat::Jpeg, "a.png", "image/jpeg"),
        (ImageFormat::Png, "b.exe", "image/png"),
        (ImageFormat::WebP, "c", "image/webp"),
        (ImageFormat::Gif, "d.jpg", "image/gif"),
    ] {
        let bytes = encoded(&corners(20, 10), format);
        let texts = [("alt", "Bốn ô"), ("credit", "Ảnh: An")];
        let answer = reporter.upload(name, &bytes, &texts).await;
        let medium = answer.created();
        assert_eq!(answer.header("location"), format!("{BASE}{}", one(&medium)));
        assert_eq!(answer.header("etag"), "\"1\"");
        assert_eq!(medium["type"], mime);
        assert_eq!(medium["file_name"], name);
        assert_eq!(medium["bytes"], bytes.len());
        assert_eq!(medium["colour"].as_str().unwrap().len(), 7);
        assert!(medium["thumbhash"].is_string());
        assert_eq!(
            (&medium["width"], &medium["height"]),
            (&json!(20), &json!(10))
        );
        let wanted = json!({
            "alt": "Bốn ô", "credit": "Ảnh: An", "decorative": false, "ai_label": "none",
            "focal_point": null
        });
        assert_eq!(medium["content"], wanted);
        assert_eq!(medium["public"], false);
        let file = portal
            .get(&local(&medium["renditions"][0]["preview_url"]))
            .await;
        file.status_is(200);
        let shown = image::load_from_memory(&file.body).unwrap();
        assert_eq!((shown.width(), shown.height()), (20, 10), "{name}");
    }
}

#[actix_web::test]
async fn a_file_of_another_kind_than_it_is_called_is_refused() {
    let portal = Portal::new().await;
    let editor = portal.editor().await;
    let send = |mime: &'static str, file: Vec<u8>| {
        let ask = editor.ask(Method::POST, MEDIA);
        ask.form_of(mime, "a.jpg", &file, &[]).send()
    };
    let pdf = || b"%PDF-1.4\nstartxref\n9\n%%EOF\n".to_vec();
    let refused = send("image/jpeg", pdf()).await;
    refused.faults(422, "invalid", &["/file conflict"]);
    assert!(refused.text().contains("image/jpeg"), "{}", refused.text());
    let refused = send("application/pdf", picture(20, 10, 1)).await;
    refused.faults(422, "invalid", &["/file conflict"]);
    let sound = include_bytes!("../fixtures/av/sound.mp3");
    let refused = send("text/html", sound.to_vec()).await;
    refused.faults(422, "invalid", &["/file conflict"]);
    assert_eq!(editor.get(MEDIA).await.ok()["items"], json!([]));
    // Which picture it is the content tells.
    send("image/jpeg", picture(20, 10, 1)).await.created();
    send("audio/wav", sound.to_vec()).await.created();
    send("nonsense", pdf()).await.created();
}

#[actix_web::test]
async fn what_is_no_whole_picture_is_refused_and_leaves_nothing() {
    let portal = Portal::with(&["--max-pixels", "1000"]).await;
    let editor = portal.editor().await;
    let good = picture(30, 30, 1);
    for bytes in [
        &b"<svg xmlns='http://www.w3.org/2000/svg'/>"[..],
        b"hello",
        b"BM123456",
    ] {
        let answer = editor.upload("a.jpg", bytes, &[]).await;
        answer.problem(415, "unsupported_media_type");
    }
    let empty = editor.upload("a.png", b"", &[]).await;
    empty.faults(422, "invalid", &["/file too_short"]);
    for format in [
        ImageFormat::Png,
        ImageFormat::Jpeg,
        ImageFormat::WebP,
        ImageFormat::Gif,
    ] {
        let whole = encoded(&corners(30, 30), format);
        let cut = editor.upload("a.png", &whole[..whole.len() / 3], &[]).await;
        cut.faults(422, "invalid", &["/file bad_format"]);
    }
    let huge = editor.upload("a.png", &picture(40, 26, 1), &[]).await;
    huge.faults(422, "invalid", &["/file out_of_range"]);
    assert_eq!(editor.get(MEDIA).await.ok()["items"], json!([]));
    editor.upload("a.png", &good, &[]).await.created();
}

#[actix_web::test]
async fn a_file_has_no_more_than_the_allowed_bytes() {
    let portal = Portal::with(&["--max-image", "1024"]).await;
    let editor = portal.editor().await;
    let fits = picture(20, 20, 1);
    assert!(fits.len() <= 1024);
    editor.upload("a.png", &fits, &[]).await.created();
    for length in [1025, 2_000_000] {
        let large = editor.upload("a.png", &vec![7; length], &[]).await;
        large.problem(413, "too_large");
    }
}

#[actix_web::test]
async fn a_form_holds_one_file_and_known_texts() {
    let portal = Portal::new().await;
    let editor = portal.editor().await;
    let png = picture(20, 10, 1);
    let file = "; name=\"file\"; filename=\"a.png\"";
    let alt = "; name=\"alt\"";
    form(&editor, &[(alt, b"a")])
        .await
        .faults(422, "invalid", &["/file required"]);
    form(&editor, &[])
        .await
        .faults(422, "invalid", &["/file required"]);
    let twice = form(&editor, &[(file, &png), (file, &png)]).await;
    twice.faults(422, "invalid", &["/file duplicate"]);
    let long = "a".repeat(1001);
    let wrong = [
        ("; name=\"titel/~\"", &b"b"[..]),
        (alt, long.as_bytes()),
        ("; name=\"credit\"", b"a\0b"),
        (file, &png),
        (alt, b"again"),
    ];
    form(&editor, &wrong).await.faults(
        422,
        "invalid",
        &[
            "/alt duplicate",
            "/alt too_long",
            "/credit forbidden_character",
            "/titel~1~0 unknown_field",
        ],
    );
    let bytes = form(&editor, &[(file, &png), (alt, b"\xff\xfe")]).await;
    bytes.problem(400, "bad_request");
    let many = vec![("; name=\"x\"", &b""[..]); 21];
    let many = form(&editor, &many).await;
    assert_eq!(
        many.problem(422, "invalid")["errors"]
            .as_array()
            .unwrap()
            .len(),
        21
    );

    let ask = || editor.ask(Method::POST, MEDIA);
    let other = ask().bytes("image/png", &png).send().await;
    other.problem(415, "unsupported_media_type");
    ask()
        .json(&json!({}))
        .send()
        .await
        .problem(415, "unsupported_media_type");
    ask().send().await.problem(415, "unsupported_media_type");
    for (kind, body) in [
        ("multipart/form-data", &b""[..]),
        ("multipart/form-data; boundary=zzz", b""),
        ("multipart/form-data; boundary=zzz", b"hello"),
        (
            "multipart/form-data; boundary=zzz",
            b"--zzz\r\ncontent-disposition: form-data; name=\"file\"\r\n\r\nabc",
        ),
    ] {
        let broken = ask().bytes(kind, body).send().await;
        broken.problem(400, "bad_request");
    }
    assert_eq!(editor.get(MEDIA).await.ok()["items"], json!([]));
}

#[actix_web::test]
async fn what_is_transparent_stays_so_and_nothing_is_made_wider_than_it_is() {
    let portal = Portal::new().await;
    let editor = portal.editor().await;
    let glass = image::RgbaImage::from_pixel(700, 70, image::Rgba([9, 9, 9, 100]));
    let glass = encoded(&DynamicImage::ImageRgba8(glass), ImageFormat::Png);
    let wide = encoded(&corners(641, 10), ImageFormat::Png);
    let narrow = encoded(&corners(640, 10), ImageFormat::Png);
    for (bytes, mime, names) in [
        (glass, "image/png", vec!["full", "w320", "w640"]),
        (wide, "image/jpeg", vec!["full", "w320", "w640"]),
        (narrow, "image/jpeg", vec!["full", "w320"]),
    ] {
        let medium = editor.upload("a.png", &bytes, &[]).await.created();
        let made = medium["renditions"].as_array().unwrap();
        let found: Vec<_> = made.iter().map(|rendition| &rendition["name"]).collect();
        let modern = names.iter().map(|name| format!("{name}-webp"));
        let wanted: Vec<String> = names
            .iter()
            .map(ToString::to_string)
            .chain(modern)
            .collect();
        assert_eq!(json!(found), json!(wanted));
        for (place, rendition) in made.iter().enumerate() {
            let mime = if place < names.len() {
                mime
            } else {
                "image/webp"
            };
            assert_eq!(rendition["type"], mime);
            let file = portal.get(&local(&rendition["preview_url"])).await;
            assert_eq!(file.header("content-type"), mime);
            let shown = image::load_from_memory(&file.body).unwrap();
            assert_eq!(rendition["width"], shown.width());
            assert_eq!(rendition["height"], shown.height());
            let transparent = made[0]["type"] == "image/png";
            assert_eq!(shown.color().has_alpha(), transparent);
        }
    }
}

#[actix_web::test]
async fn a_camera_picture_is_turned_and_forgets_where_it_was_taken() {
    let portal = Portal::new().await;
    let original = camera_jpeg(1600, 800);
    assert!(original.windows(3).any(|bytes| bytes == b"GPS"));
    let medium = portal
        .editor()
        .await
        .upload("68.jpg", &original, &[])
        .await
        .created();
    assert_eq!(
        (&medium["width"], &medium["height"]),
        (&json!(800), &json!(1600))
    );
    portal.show(&[&medium]).await;
    let public = portal
        .get(&format!("/v1/media/{}", medium["id"]))
        .await
        .ok();
    let sizes = [
        ("full", 800, 1600),
        ("w320", 320, 640),
        ("w640", 640, 1280),
        ("full-webp", 800, 1600),
        ("w320-webp", 320, 640),
        ("w640-webp", 640, 1280),
        ("1x1-w320", 320, 320),
        ("1x1-w640", 640, 640),
        ("4x3-w640", 640, 480),
        ("16x9-w640", 640, 360),
        ("1x1-w320-webp", 320, 320),
        ("1x1-w640-webp", 640, 640),
        ("4x3-w640-webp", 640, 480),
        ("16x9-w640-webp", 640, 360),
    ];
    for (place, (name, width, height)) in sizes.into_iter().enumerate() {
        let rendition = &public["renditions"][place];
        assert_eq!(public["renditions"].as_array().unwrap().len(), 14);
        assert_eq!(rendition["name"], name);
        assert_eq!(
            (&rendition["width"], &rendition["height"]),
            (&json!(width), &json!(height))
        );
        for address in [
            &rendition["url"],
            &medium["renditions"][place]["preview_url"],
        ] {
            let file = portal.get(&local(address)).await;
            assert_eq!(rendition["bytes"], file.body.len());
            for mark in [&b"Exif"[..], b"GPS", b"105.53E"] {
                assert!(!file.body.windows(mark.len()).any(|bytes| bytes == mark));
            }
            let shown = image::load_from_memory(&file.body).unwrap().to_rgb8();
            assert_eq!(shown.dimensions(), (width, height));
            // Turned clockwise, what was at the bottom left is at the top left.
            let [red, green, blue] = shown.get_pixel(20, 20).0;
            assert!(red < 60 && green < 60 && blue > 190, "{red} {green} {blue}");
        }
    }
}

#[actix_web::test]
async fn known_bytes_answer_the_medium_that_there_is_unchanged() {
    let portal = Portal::new().await;
    let first = portal.reporter().await;
    let bytes = picture(20, 10, 1);
    let medium = first
        .upload("a.png", &bytes, &[("alt", "Một")])
        .await
        .created();
    let again = portal
        .editor()
        .await
        .upload("b.png", &bytes, &[("alt", "Hai")])
        .await;
    assert_eq!(again.ok(), medium);
    let list = first.get(MEDIA).await.ok();
    assert_eq!(list["items"].as_array().unwrap().len(), 1);
}

#[actix_web::test]
async fn the_same_bytes_at_the_same_time_make_one_medium() {
    let portal = Portal::new().await;
    let users = [
        portal.reporter().await,
        portal.editor().await,
        portal.publisher().await,
    ];
    let bytes = picture(200, 100, 1);
    let uploads = users.iter().map(|user| user.upload("a.png", &bytes, &[]));
    let answers = futures_util::future::join_all(uploads).await;
    let made = answers.iter().filter(|answer| answer.status == 201).count();
    assert_eq!(made, 1);
    for answer in &answers {
        assert_eq!(answer.json()["id"], answers[0].json()["id"]);
        assert!([200, 201].contains(&answer.status));
    }
    let list = users[0].get(MEDIA).await.ok();
    assert_eq!(list["items"].as_array().unwrap().len(), 1);
}
