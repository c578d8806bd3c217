//! Films and sounds: known by content, cleaned, embedded and played.

use serde_json::{Value, json};

use crate::support::newsroom::address;
use crate::support::{BASE, Portal, sample};

const FILM: &[u8] = include_bytes!("../fixtures/av/film.mp4");
const SOUND: &[u8] = include_bytes!("../fixtures/av/sound.mp3");
const THEORA: &[u8] = include_bytes!("../fixtures/av/theora.ogv");

fn local(url: &Value) -> String {
    url.as_str().unwrap().strip_prefix(BASE).unwrap().to_owned()
}

fn holds(bytes: &[u8], what: &[u8]) -> bool {
    bytes.windows(what.len()).any(|window| window == what)
}

#[actix_web::test]
async fn films_and_sounds_have_a_kind_a_size_and_a_length() {
    let portal = Portal::new().await;
    let editor = portal.editor().await;
    let samples: [(&[u8], &str, &str, Value, Value); 6] = [
        (FILM, "video", "video/mp4", json!([64, 36]), json!(2000)),
        (
            include_bytes!("../fixtures/av/film.webm"),
            "video",
            "video/webm",
            json!([64, 36]),
            json!(2008),
        ),
        (
            include_bytes!("../fixtures/av/live.webm"),
            "video",
            "video/webm",
            json!([64, 36]),
            Value::Null,
        ),
        (
            include_bytes!("../fixtures/av/sound.m4a"),
            "audio",
            "audio/mp4",
            json!([null, null]),
            json!(2000),
        ),
        (
            SOUND,
            "audio",
            "audio/mpeg",
            json!([null, null]),
            json!(2063),
        ),
        (
            include_bytes!("../fixtures/av/sound.opus"),
            "audio",
            "audio/ogg",
            json!([null, null]),
            json!(2000),
        ),
    ];
    for (bytes, kind, mime, size, duration) in samples {
        let medium = editor.upload("tệp.bin", bytes, &[]).await.created();
        assert_eq!(medium["kind"], kind);
        assert_eq!(medium["type"], mime);
        assert_eq!(json!([medium["width"], medium["height"]]), size);
        assert_eq!(medium["duration_ms"], duration);
        assert_eq!(medium["bytes"], bytes.len());
        assert_eq!(medium["renditions"][0]["type"], mime);
        // The hash of what was sent, so that it is known again.
        let again = editor.upload("tệp.bin", bytes, &[]).await.ok();
        assert_eq!(again["id"], medium["id"]);
    }
}

#[actix_web::test]
async fn a_film_is_embedded_and_played_in_parts_without_its_secrets() {
    let portal = Portal::new().await;
    let editor = portal.editor().await;
    let film = editor.upload("phim.mp4", FILM, &[]).await.created();
    let sound = editor.upload("loa.mp3", SOUND, &[]).await.created();
    let news = portal.news().await;
    let body = json!([
        {"_type": "embed", "media_id": film["id"], "title": "Lễ hội đua ghe"},
        {"_type": "embed", "media_id": sound["id"]},
        {"_type": "attachment", "media_id": sound["id"], "title": "Bản tin truyền thanh"},
    ]);
    let content = sample::with(&sample::content("Đua ghe", &news), "body", body);
    let article = portal.published(&content).await;
    // Words are asked for pictures only.
    assert_eq!(article["warnings"], json!([]));
    let live = portal.get(&address(&article)).await.ok();
    // No cover comes of a film.
    assert_eq!(live["cover"], Value::Null);
    let shown = &live["body"][0]["media"];
    assert_eq!(shown["kind"], "video");
    assert_eq!(shown["duration_ms"], 2000);
    assert_eq!(shown["pages"], Value::Null);
    assert_eq!(shown["width"], 64);
    let url = &shown["renditions"][0]["url"];
    let file = portal.get(&local(url)).await;
    file.status_is(200);
    assert_eq!(file.header("content-type"), "video/mp4");
    assert_eq!(file.header("content-disposition"), "inline");
    assert_eq!(file.body.len(), FILM.len());
    for secret in ["earth\0", "Bí mật"] {
        assert!(holds(FILM, secret.as_bytes()));
        assert!(!holds(&file.body, secret.as_bytes()));
    }
    let ask = portal.ask(actix_web::http::Method::GET, &local(url));
    let part = ask.header("range", "bytes=4-7").send().await;
    part.status_is(206);
    assert_eq!(part.body, b"ftyp");
    let address = format!("{}?body=html", address(&article));
    let html = portal.get(&address).await.ok();
    let html = html["body_html"].as_str().unwrap();
    let (film_url, sound_url) = (
        url.as_str().unwrap(),
        live["body"][1]["media"]["renditions"][0]["url"]
            .as_str()
            .unwrap(),
    );
    let wanted = format!(
        "<video controls preload=\"metadata\" src=\"{film_url}\" title=\"Lễ hội đua ghe\" \
         width=\"64\" height=\"36\"><a href=\"{film_url}\">Lễ hội đua ghe</a></video>\n\
         <audio controls preload=\"none\" src=\"{sound_url}\"><a href=\"{sound_url}\">{sound_url}</a></audio>\n"
    );
    assert!(html.starts_with(&wanted), "{html}");
    let medium = portal.get(&format!("/v1/media/{}", film["id"])).await.ok();
    assert_eq!(medium["duration_ms"], 2000);
}

#[actix_web::test]
async fn a_film_is_no_picture() {
    let portal = Portal::new().await;
    let editor = portal.editor().await;
    let film = editor.upload("phim.mp4", FILM, &[]).await.created();
    let news = portal.news().await;
    let mut content = sample::content("Sai chỗ", &news);
    content["cover_media_id"] = film["id"].clone();
    content["body"] =
        json!([{"_type": "figure", "media": [{"media_id": film["id"], "alt": "Ghe"}]}]);
    let refused = editor.post("/v1/editorial/articles", &content).await;
    let wanted = [
        "/cover_media_id conflict",
        "/body/0/media/0/media_id conflict",
    ];
    refused.faults(422, "invalid", &wanted);
}

#[actix_web::test]
async fn what_cannot_be_played_is_refused_with_the_reason() {
    let portal = Portal::new().await;
    let editor = portal.editor().await;
    let cut = editor.upload("a.mp4", &FILM[..FILM.len() / 2], &[]).await;
    cut.faults(422, "invalid", &["/file bad_format"]);
    let theora = editor.upload("a.ogv", THEORA, &[]).await;
    let problem = theora.problem(415, "unsupported_media_type");
    assert!(problem["detail"].as_str().unwrap().contains("Theora"));
    let mut apple = FILM.to_vec();
    apple[8..12].copy_from_slice(b"qt  ");
    let apple = editor.upload("a.mov", &apple, &[]).await;
    let problem = apple.problem(415, "unsupported_media_type");
    assert!(problem["detail"].as_str().unwrap().contains("QuickTime"));
}

#[actix_web::test]
async fn each_kind_has_a_limit_of_its_own() {
    let portal = Portal::with(&[
        "--max-image",
        "1024",
        "--max-audio",
        "4000",
        "--max-video",
        "9000",
    ])
    .await;
    let editor = portal.editor().await;
    editor.upload("phim.mp4", FILM, &[]).await.created();
    let detail = |problem: Value| problem["detail"].as_str().unwrap().to_owned();
    let sound = editor.upload("loa.mp3", SOUND, &[]).await;
    let told = detail(sound.problem(413, "too_large"));
    assert_eq!(told, "a file of the kind audio may have 4000 bytes");
    // While it arrives, by its first bytes: nobody waits for the rest.
    let mut jpeg = vec![0; 8000];
    jpeg[..4].copy_from_slice(b"\xFF\xD8\xFF\xE0");
    let jpeg = editor.upload("a.jpg", &jpeg, &[]).await;
    let told = detail(jpeg.problem(413, "too_large"));
    assert_eq!(told, "a file of the kind image may have 1024 bytes");
    // What looks like a film and is a sound, when it is there.
    let sound = include_bytes!("../fixtures/av/sound.webm");
    assert!(sound.len() < 4000);
    editor.upload("a.webm", sound, &[]).await.created();
    let sound = include_bytes!("../fixtures/av/sound.m4a");
    let mut film = sound.to_vec();
    film[8..12].copy_from_slice(b"isom");
    let told = detail(
        editor
            .upload("a.mp4", &film, &[])
            .await
            .problem(413, "too_large"),
    );
    assert_eq!(told, "a file of the kind audio may have 4000 bytes");
}

#[actix_web::test]
async fn a_replaced_film_has_the_length_of_the_new_one() {
    let portal = Portal::new().await;
    let editor = portal.editor().await;
    let medium = editor.upload("phim.mp4", FILM, &[]).await.created();
    let path = format!("/v1/editorial/media/{}/file", medium["id"]);
    let live = include_bytes!("../fixtures/av/live.webm");
    let ask = editor.ask(actix_web::http::Method::PUT, &path);
    let ask = ask.at(1).form("phim.webm", live, &[]);
    let replaced = ask.send().await.ok();
    assert_eq!(replaced["type"], "video/webm");
    assert_eq!(replaced["duration_ms"], Value::Null);
    let again = editor
        .get(&format!("/v1/editorial/media/{}", medium["id"]))
        .await
        .ok();
    assert_eq!(again["duration_ms"], Value::Null);
}
