//! A file in part and under conditions, as RFC 9110 has it: what players, download managers and
//! caches ask.

use actix_web::http::Method;
use actix_web::test::TestRequest;
use bantin::domain::time::Instant;
use bantin::http::files::{Audience, File, send};
use bantin::infra::blob::BYTES;

use crate::support::sample::{local, picture};
use crate::support::{Answer, NOW, Portal};

/// When the tests' file became public, and ten seconds before and after.
const DATE: &str = "Sat, 21 Mar 2026 02:00:00 GMT";
const BEFORE: &str = "Sat, 21 Mar 2026 01:59:50 GMT";
const AFTER: &str = "Sat, 21 Mar 2026 02:00:10 GMT";

/// A portal with a public picture, a minute after it was published, and the picture's address.
async fn shown() -> (Portal, String) {
    let portal = Portal::new().await;
    let editor = portal.editor().await;
    let medium = editor
        .upload("a.png", &picture(900, 600, 1), &[])
        .await
        .created();
    portal.show(&[&medium]).await;
    let public = portal
        .get(&format!("/v1/media/{}", medium["id"]))
        .await
        .ok();
    portal.advance(60);
    (portal, local(&public["renditions"][0]["url"]))
}

async fn ask(portal: &Portal, path: &str, headers: &[(&str, &str)]) -> Answer {
    let ask = portal.ask(Method::GET, path);
    headers
        .iter()
        .fold(ask, |ask, (name, value)| ask.header(name, value))
        .send()
        .await
}

/// The parts of a `multipart/byteranges` body: their headers and bytes.
fn parts(answer: &Answer) -> Vec<(Vec<String>, Vec<u8>)> {
    let kind = answer.header("content-type");
    let boundary = kind
        .strip_prefix("multipart/byteranges; boundary=")
        .unwrap_or_else(|| panic!("not several parts: {kind}"));
    let find = |hay: &[u8], needle: &[u8]| hay.windows(needle.len()).position(|w| w == needle);
    let first = format!("--{boundary}\r\n");
    let mut rest = answer.body.strip_prefix(first.as_bytes()).unwrap();
    let mut parts = Vec::new();
    let between = format!("\r\n--{boundary}");
    loop {
        let head = find(rest, b"\r\n\r\n").unwrap();
        let headers = String::from_utf8(rest[..head].to_vec()).unwrap();
        let body = &rest[head + 4..];
        let end = find(body, between.as_bytes()).unwrap();
        parts.push((
            headers.split("\r\n").map(str::to_owned).collect(),
            body[..end].to_vec(),
        ));
        let after = &body[end + between.len()..];
        if after == b"--\r\n" {
            return parts;
        }
        rest = after.strip_prefix(b"\r\n").unwrap();
    }
}

#[actix_web::test]
async fn several_ranges_are_parts_of_one_answer() {
    let (portal, path) = shown().await;
    let whole = ask(&portal, &path, &[]).await;
    let length = whole.body.len();
    assert!(length > 700, "{length}");
    let range = format!("bytes=-10, 0-99,{}-,250-299,290-310", length + 5);
    let answer = ask(&portal, &path, &[("range", &range)]).await;
    answer.status_is(206);
    assert_eq!(answer.header("content-range"), "");
    assert_eq!(answer.header("etag"), whole.header("etag"));
    let wanted = [(length - 10, length), (0, 100), (250, 311)];
    let parts = parts(&answer);
    assert_eq!(parts.len(), wanted.len());
    for ((headers, body), (from, to)) in parts.iter().zip(wanted) {
        let place = format!("Content-Range: bytes {from}-{}/{length}", to - 1);
        assert_eq!(headers, &["Content-Type: image/jpeg".to_owned(), place]);
        assert_eq!(body, &whole.body[from..to]);
    }
    // Another question, another boundary: no file can hold it on purpose.
    let again = ask(&portal, &path, &[("range", &range)]).await;
    assert_ne!(again.header("content-type"), answer.header("content-type"));
}

#[actix_web::test]
async fn one_range_that_is_left_is_a_plain_part_and_many_are_the_whole_file() {
    let (portal, path) = shown().await;
    let whole = ask(&portal, &path, &[]).await.body;
    let length = whole.len();
    for (range, to) in [
        (format!("bytes=0-9,{length}-"), 10),
        ("bytes=0-9,5-20,100-119".to_owned(), 120),
    ] {
        let part = ask(&portal, &path, &[("range", &range)]).await;
        part.status_is(206);
        let place = format!("bytes 0-{}/{length}", to - 1);
        assert_eq!(part.header("content-range"), place);
        assert_eq!(part.header("content-type"), "image/jpeg");
        assert_eq!(part.body, whole[..to]);
    }
    let nine = format!("bytes={}", ["0-0"; 9].join(","));
    let all = ask(&portal, &path, &[("range", &nine)]).await;
    all.status_is(200);
    assert_eq!(all.body, whole);
    let none = format!("bytes={length}-,{}-", length + 9);
    let none = ask(&portal, &path, &[("range", &none)]).await;
    none.problem(416, "range_not_satisfiable");
    assert_eq!(none.header("content-range"), format!("bytes */{length}"));
}

#[actix_web::test]
async fn dates_are_conditions_where_no_etag_is_named() {
    let (portal, path) = shown().await;
    let whole = ask(&portal, &path, &[]).await;
    assert_eq!(whole.header("last-modified"), DATE);
    let tag = whole.header("etag");
    let obsolete = "Saturday, 21-Mar-26 02:00:00 GMT";
    for (headers, status) in [
        (vec![("if-modified-since", DATE)], 304),
        (vec![("if-modified-since", AFTER)], 304),
        (vec![("if-modified-since", obsolete)], 304),
        (
            vec![("if-modified-since", DATE), ("range", "bytes=0-1")],
            304,
        ),
        (vec![("if-modified-since", BEFORE)], 200),
        (vec![("if-modified-since", "yesterday")], 200),
        (
            vec![("if-modified-since", DATE), ("if-modified-since", AFTER)],
            200,
        ),
        // An ETag says more than a date.
        (
            vec![("if-none-match", "\"other\""), ("if-modified-since", AFTER)],
            200,
        ),
        (
            vec![("if-none-match", &tag), ("if-modified-since", BEFORE)],
            304,
        ),
    ] {
        let answer = ask(&portal, &path, &headers).await;
        assert_eq!(answer.status, status, "{headers:?}");
        for name in ["etag", "last-modified", "cache-control"] {
            assert_eq!(answer.header(name), whole.header(name), "{headers:?}");
        }
    }
}

#[actix_web::test]
async fn if_range_takes_the_etag_or_exactly_the_date() {
    let (portal, path) = shown().await;
    let tag = ask(&portal, &path, &[]).await.header("etag");
    for (condition, status) in [
        (tag.as_str(), 206),
        (DATE, 206),
        ("Saturday, 21-Mar-26 02:00:00 GMT", 206),
        (BEFORE, 200),
        (AFTER, 200),
        ("\"other\"", 200),
        (&format!("W/{tag}"), 200),
        (tag.trim_matches('"'), 200),
        ("*", 200),
    ] {
        for range in ["bytes=0-9", "bytes=0-9,200-209"] {
            let headers = [("range", range), ("if-range", condition)];
            let answer = ask(&portal, &path, &headers).await;
            assert_eq!(answer.status, status, "{condition}");
        }
    }
    // Beyond the end of a file that is another: the whole of it, not 416.
    let headers = [("range", "bytes=9999999-"), ("if-range", BEFORE)];
    ask(&portal, &path, &headers).await.status_is(200);
}

#[actix_web::test]
async fn a_date_of_this_very_second_is_no_strong_one() {
    let (portal, path) = shown().await;
    let headers = [("range", "bytes=0-9"), ("if-range", DATE)];
    ask(&portal, &path, &headers).await.status_is(206);
    portal.advance(-60);
    ask(&portal, &path, &headers).await.status_is(200);
    portal.advance(1);
    ask(&portal, &path, &headers).await.status_is(206);
}

#[actix_web::test]
async fn head_says_what_get_would_and_knows_no_ranges() {
    let (portal, path) = shown().await;
    let whole = ask(&portal, &path, &[]).await;
    for (headers, status) in [
        (vec![], 200),
        (vec![("range", "bytes=0-1")], 200),
        (vec![("range", "bytes=0-1,200-201")], 200),
        (vec![("range", "bytes=9999999-")], 200),
        (vec![("if-modified-since", DATE)], 304),
    ] {
        let ask = portal.ask(Method::HEAD, &path);
        let ask = headers
            .iter()
            .fold(ask, |ask, (name, value)| ask.header(name, value));
        let head = ask.send().await;
        assert_eq!(head.status, status, "{headers:?}");
        assert!(head.body.is_empty());
        for name in ["etag", "last-modified", "cache-control"] {
            assert_eq!(head.header(name), whole.header(name), "{name}");
        }
        if status == 200 {
            assert_eq!(head.header("content-type"), "image/jpeg");
            assert_eq!(head.header("content-disposition"), "inline");
        }
    }
}

#[actix_web::test]
async fn an_editors_preview_takes_ranges_and_dates_too() {
    let portal = Portal::new().await;
    let editor = portal.editor().await;
    let medium = editor
        .upload("a.png", &picture(300, 200, 1), &[])
        .await
        .created();
    portal.advance(60);
    let path = local(&medium["renditions"][0]["preview_url"]);
    let several = [("range", "bytes=0-9,200-209"), ("if-range", DATE)];
    let several = ask(&portal, &path, &several).await;
    several.status_is(206);
    assert_eq!(parts(&several).len(), 2);
    ask(&portal, &path, &[("if-modified-since", DATE)])
        .await
        .status_is(304);
}

#[actix_web::test]
async fn only_pictures_sound_and_film_are_shown_in_place() {
    let portal = Portal::new().await;
    portal
        .ctx
        .blobs
        .put("documentobject", BYTES, b"%PDF-")
        .unwrap();
    for (mime, shown) in [
        ("image/jpeg", true),
        ("video/mp4", true),
        ("audio/mpeg", true),
        ("application/pdf", false),
        ("text/vtt", false),
        ("text/html", false),
        ("image/svg+xml", true),
    ] {
        let file = File {
            key: "documentobject".to_owned(),
            mime: mime.to_owned(),
            bytes: 5,
            hash: "0".repeat(64),
            since: Instant::from_micros(NOW),
        };
        let request = TestRequest::default().to_http_request();
        let answer = send(&request, &portal.ctx, file, Audience::Editors)
            .await
            .unwrap();
        let header = |name| {
            let value = answer.headers().get(name).map(|v| v.to_str().unwrap());
            value.unwrap_or_default().to_owned()
        };
        let disposition = header("content-disposition");
        assert_eq!(disposition == "inline", shown, "{mime}");
        assert_eq!(disposition.starts_with("attachment"), !shown, "{mime}");
        let policy = header("content-security-policy");
        let sandboxed = policy.starts_with("sandbox; default-src 'none'");
        assert_eq!(sandboxed, !shown || mime == "image/svg+xml", "{mime}");
    }
}
