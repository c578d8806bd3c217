//! Subtitles of films and sounds: checked line by line, frozen with the article, gone with the medium.

use actix_web::http::Method;
use serde_json::{Value, json};

use crate::support::newsroom::address;
use crate::support::sample::{self, local};
use crate::support::{Answer, Portal, User};

const FILM: &[u8] = include_bytes!("../fixtures/av/film.mp4");
const BETTER: &[u8] = include_bytes!("../fixtures/av/frag.mp4");
const TEXT: &str = "WEBVTT\n\n00:00.000 --> 00:02.000\nBà con ra xem đua ghe.\n";

fn place(medium: &Value, rest: &str) -> String {
    format!("/v1/editorial/media/{}/tracks/{rest}", medium["id"])
}

async fn put(user: &User<'_>, medium: &Value, rest: &str, at: i64, text: &str) -> Answer {
    let ask = user.ask(Method::PUT, &place(medium, rest)).at(at);
    ask.bytes("text/vtt", text.as_bytes()).send().await
}

/// A published article with a film in it.
async fn shown(portal: &Portal, film: &Value) -> Value {
    let news = portal.news().await;
    let body = json!([{"_type": "embed", "media_id": film["id"], "title": "Đua ghe"}]);
    let content = sample::with(&sample::content("Đua ghe", &news), "body", body);
    portal.published(&content).await
}

#[actix_web::test]
async fn readers_get_the_tracks_that_were_there_at_publication() {
    let portal = Portal::new().await;
    let (editor, publisher) = (portal.editor().await, portal.publisher().await);
    let film = editor.upload("phim.mp4", FILM, &[]).await.created();
    assert_eq!(film["tracks"], json!([]));
    let marked = format!("\u{feff}{TEXT}");
    let put_vi = put(
        &editor,
        &film,
        "vi?label=Ti%E1%BA%BFng+Vi%E1%BB%87t",
        1,
        &marked,
    )
    .await;
    assert_eq!(put_vi.header("etag"), "\"2\"");
    let track = put_vi.ok()["tracks"][0].clone();
    assert_eq!(
        json!([
            track["language"],
            track["kind"],
            track["label"],
            track["bytes"]
        ]),
        json!(["vi", "subtitles", "Tiếng Việt", TEXT.len()])
    );
    let preview = local(&track["preview_url"]);
    assert_eq!(portal.get(&preview).await.body, TEXT.as_bytes());
    let other = put(&editor, &film, "zh-Hant-TW?kind=captions", 2, TEXT)
        .await
        .ok();
    assert_eq!(other["tracks"][1]["label"], Value::Null);
    // The same again changes nothing.
    let again = put(&editor, &film, "zh-Hant-TW?kind=captions", 3, TEXT)
        .await
        .ok();
    assert_eq!(again["version"], 3);

    let article = shown(&portal, &film).await;
    let path = address(&article);
    let live = portal.get(&path).await.ok();
    let tracks = live["body"][0]["media"]["tracks"].clone();
    assert_eq!(tracks.as_array().unwrap().len(), 2);
    let old = local(&tracks[0]["url"]);
    assert!(old.ends_with("/track-vi"), "{old}");
    assert!(local(&tracks[1]["url"]).ends_with("/track-zh-hant-tw"));
    let ask = portal.ask(Method::GET, &old);
    let file = ask.header("origin", "https://doc-bao.example").send().await;
    file.status_is(200);
    assert_eq!(file.body, TEXT.as_bytes());
    for (name, value) in [
        ("content-type", "text/vtt; charset=utf-8"),
        ("x-content-type-options", "nosniff"),
        ("access-control-allow-origin", "*"),
    ] {
        assert_eq!(file.header(name), value);
    }
    let html = portal.get(&format!("{path}?body=html")).await.ok();
    let html = html["body_html"].as_str().unwrap();
    let wanted = format!(
        "<track kind=\"subtitles\" srclang=\"vi\" src=\"{}\" label=\"Tiếng Việt\">\
         <track kind=\"captions\" srclang=\"zh-Hant-TW\" src=\"{}\"><a href",
        tracks[0]["url"].as_str().unwrap(),
        tracks[1]["url"].as_str().unwrap()
    );
    assert!(html.contains(&wanted), "{html}");
    let medium = portal.get(&format!("/v1/media/{}", film["id"])).await.ok();
    assert_eq!(medium["tracks"], tracks);

    // What editors do now, readers see with the next edition.
    let better = TEXT.replace("ra xem", "đi xem");
    put(&editor, &film, "vi", 3, &better).await.ok();
    let gone = editor.delete(&place(&film, "zh-Hant-TW"), 4).await.ok();
    assert_eq!(gone["tracks"].as_array().unwrap().len(), 1);
    let same = portal.get(&path).await.ok();
    assert_eq!(same["body"][0]["media"]["tracks"], tracks);
    assert_eq!(portal.get(&old).await.body, TEXT.as_bytes());
    // They stay beside another file.
    let form = format!("/v1/editorial/media/{}/file", film["id"]);
    let ask = editor.ask(Method::PUT, &form).at(5);
    let replaced = ask.form("b.mp4", BETTER, &[]).send().await.ok();
    assert_eq!(replaced["tracks"].as_array().unwrap().len(), 1);
    publisher
        .act(&article, "publish", &json!({"kind": "minor"}))
        .await;
    let live = portal.get(&path).await.ok();
    let tracks = &live["body"][0]["media"]["tracks"];
    assert_eq!(tracks.as_array().unwrap().len(), 1);
    let new = portal.get(&local(&tracks[0]["url"])).await;
    assert_eq!(new.body, better.as_bytes());
    portal.get(&old).await.problem(404, "not_found");
}

#[actix_web::test]
async fn what_is_refused_leaves_nothing_and_says_in_which_line() {
    let portal = Portal::new().await;
    let (editor, reporter) = (portal.editor().await, portal.reporter().await);
    let film = editor.upload("phim.mp4", FILM, &[]).await.created();
    let count = || {
        let listed = bantin::service::media::storage::list(&portal.ctx.blobs);
        listed.unwrap().len()
    };
    let before = count();
    let bad = "WEBVTT\n\n00:02.000 --> 00:01.000\n\nlạc\n";
    put(&editor, &film, "vi", 1, bad).await.faults(
        422,
        "invalid",
        &["/line/3 out_of_range", "/line/5 bad_format"],
    );
    let answer = put(&editor, &film, "vi?kind=noi&label=", 1, TEXT).await;
    answer.faults(400, "bad_query", &["kind unknown_value", "label too_short"]);
    put(&editor, &film, "tieng-viet", 1, TEXT)
        .await
        .problem(404, "not_found");
    put(&editor, &film, "vi", 7, TEXT)
        .await
        .problem(412, "version_mismatch");
    put(&reporter, &film, "vi", 1, TEXT)
        .await
        .problem(403, "forbidden");
    let ask = editor.ask(Method::PUT, &place(&film, "vi")).at(1);
    let srt = ask.bytes("application/x-subrip", TEXT.as_bytes());
    srt.send().await.problem(415, "unsupported_media_type");
    let long = "x".repeat(1024 * 1024 + 1);
    put(&editor, &film, "vi", 1, &long)
        .await
        .problem(413, "too_large");
    editor
        .delete(&place(&film, "vi"), 1)
        .await
        .problem(404, "not_found");
    assert_eq!(count(), before);
    let picture = json!({"id": editor.picture(3).await});
    let before = count();
    put(&editor, &picture, "vi", 1, TEXT)
        .await
        .faults(422, "invalid", &[" conflict"]);
    assert_eq!(count(), before);
    let codes = ["aa", "ab", "ac", "ad", "ae", "af", "ag", "ah", "ai", "aj"];
    let more = codes.map(|code| format!("{code}-VN"));
    let all = codes.iter().map(|code| (*code).to_owned()).chain(more);
    for (at, language) in (1..).zip(all) {
        put(&editor, &film, &language, at, TEXT).await.ok();
    }
    put(&editor, &film, "vi", 21, TEXT)
        .await
        .faults(422, "invalid", &[" too_many"]);
    assert_eq!(count(), before + 20);
    // All of them are known to the cleaner, and go with the medium.
    let known = bantin::service::media::storage::known(&portal.ctx.db);
    assert_eq!(known.await.unwrap().len(), before + 20);
    let path = format!("/v1/editorial/media/{}", film["id"]);
    editor.delete(&path, 21).await.is(204);
    assert_eq!(count(), before - 1);
}

#[actix_web::test]
async fn tracks_go_with_a_medium_that_is_withdrawn() {
    let portal = Portal::new().await;
    let (editor, publisher) = (portal.editor().await, portal.publisher().await);
    let film = editor.upload("phim.mp4", FILM, &[]).await.created();
    put(&editor, &film, "vi", 1, TEXT).await.ok();
    let article = shown(&portal, &film).await;
    let path = address(&article);
    let live = portal.get(&path).await.ok();
    let file = local(&live["body"][0]["media"]["tracks"][0]["url"]);
    portal.get(&file).await.status_is(200);
    let unseen = TEXT.replace("ra xem", "đi xem");
    let changed = put(&editor, &film, "vi", 2, &unseen).await.ok();
    let preview = local(&changed["tracks"][0]["preview_url"]);
    portal.get(&preview).await.status_is(200);
    let withdraw = format!("/v1/editorial/media/{}/withdraw", film["id"]);
    let reason = json!({"reason_code": "privacy"});
    let medium = publisher.post_at(&withdraw, 3, &reason).await.ok();
    assert_eq!(medium["tracks"], json!([]));
    portal.get(&file).await.problem(410, "file_withdrawn");
    portal.get(&preview).await.problem(410, "file_withdrawn");
    let live = portal.get(&path).await.ok();
    assert_eq!(live["body"][0]["media"]["tracks"], json!([]));
    put(&editor, &film, "vi", 4, TEXT)
        .await
        .problem(409, "media_withdrawn");
}

#[actix_web::test]
async fn preview_links_open_the_tracks_of_a_draft() {
    let portal = Portal::new().await;
    let editor = portal.editor().await;
    let film = editor.upload("phim.mp4", FILM, &[]).await.created();
    put(&editor, &film, "vi", 1, TEXT).await.ok();
    let news = portal.news().await;
    let body = json!([{"_type": "embed", "media_id": film["id"]}]);
    let content = sample::with(&sample::content("Đua ghe", &news), "body", body);
    let draft = editor.draft(&content).await;
    let links = format!("/v1/editorial/articles/{}/previews", draft["id"]);
    let link = editor.post(&links, &json!({})).await.created();
    let seen = portal.get(&local(&link["url"])).await.ok();
    let track = &seen["article"]["body"][0]["media"]["tracks"][0];
    let track = match track.is_null() {
        true => &seen["body"][0]["media"]["tracks"][0],
        false => track,
    };
    let file = portal.get(&local(&track["url"])).await;
    assert_eq!(file.body, TEXT.as_bytes());
}
