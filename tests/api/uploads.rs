//! Uploads that are resumed: the protocol tus 1.0, as its clients speak it.

use actix_web::http::Method;
use bantin::domain::upload::Arrival;
use bantin::infra::blob::BYTES;
use bantin::store;
use bantin::store::editorial::uploads;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures_util::StreamExt as _;
use sha2::{Digest as _, Sha256};

use crate::support::sample::{local, picture};
use crate::support::{Answer, Ask, Portal, User};

const UPLOADS: &str = "/v1/editorial/uploads";
const BODY: &str = "application/offset+octet-stream";

fn resumable<'a>(user: &'a User<'_>, method: Method, path: &str) -> Ask<'a> {
    user.ask(method, path).header("tus-resumable", "1.0.0")
}

async fn begin(user: &User<'_>, length: usize, metadata: &str) -> Answer {
    let ask = resumable(user, Method::POST, UPLOADS);
    let ask = ask.header("upload-length", &length.to_string());
    match metadata {
        "" => ask.send().await,
        metadata => ask.header("upload-metadata", metadata).send().await,
    }
}

/// Begins an upload; answers its path.
async fn begun(user: &User<'_>, length: usize) -> String {
    let answer = begin(user, length, "").await;
    answer.is(201);
    local(&answer.header("location").into())
}

fn patch<'a>(user: &'a User<'_>, path: &str, offset: usize, bytes: &[u8]) -> Ask<'a> {
    resumable(user, Method::PATCH, path)
        .header("upload-offset", &offset.to_string())
        .bytes(BODY, bytes)
}

async fn send(user: &User<'_>, path: &str, offset: usize, bytes: &[u8]) -> Answer {
    patch(user, path, offset, bytes).send().await
}

async fn offset(user: &User<'_>, path: &str) -> String {
    let answer = resumable(user, Method::HEAD, path).send().await;
    answer.status_is(200);
    assert!(answer.body.is_empty());
    assert_eq!(answer.header("cache-control"), "private, no-store");
    answer.header("upload-offset").to_owned()
}

fn objects(portal: &Portal) -> usize {
    let mut count = 0;
    let each = &mut |_| {
        count += 1;
        Ok(())
    };
    portal.ctx.blobs.list(each).unwrap();
    count
}

#[actix_web::test]
async fn an_upload_goes_on_where_it_broke_off_and_becomes_a_medium() {
    let portal = Portal::new().await;
    let reporter = portal.reporter().await;
    let file = picture(900, 600, 1);
    let metadata = format!(
        "filename {},alt {},filetype {},is_confidential",
        STANDARD.encode("Ảnh lễ/../1.png"),
        STANDARD.encode("Bà con trồng cây"),
        STANDARD.encode("image/png")
    );
    let answer = begin(&reporter, file.len(), &metadata).await;
    answer.is(201);
    assert_eq!(answer.header("upload-offset"), "0");
    assert_eq!(answer.header("tus-resumable"), "1.0.0");
    // A day after Saturday, 21 March 2026, 02:00 UTC.
    let expires = answer.header("upload-expires");
    assert_eq!(expires, "Sun, 22 Mar 2026 02:00:00 GMT");
    let path = local(&answer.header("location").into());
    assert_eq!(offset(&reporter, &path).await, "0");
    let (first, rest) = file.split_at(1000);
    let answer = send(&reporter, &path, 0, first).await;
    answer.is(204);
    assert_eq!(answer.header("upload-offset"), "1000");
    assert!(!answer.headers.contains_key("location"));
    assert_eq!(offset(&reporter, &path).await, "1000");
    // The answer was lost: the client sends it again, and asks where it stands.
    let again = send(&reporter, &path, 0, first).await;
    again.problem(409, "offset_mismatch");
    let answer = send(&reporter, &path, 1000, rest).await;
    answer.is(204);
    assert_eq!(answer.header("upload-offset"), file.len().to_string());
    let place = local(&answer.header("location").into());
    let medium = reporter.get(&place).await.ok();
    assert_eq!(medium["file_name"], "Ảnh lễ_.._1.png");
    assert_eq!(medium["content"]["alt"], "Bà con trồng cây");
    assert_eq!(medium["width"], 900);
    let shown = reporter.get(&path).await.ok();
    assert_eq!(shown["media_id"], medium["id"]);
    assert_eq!(shown["offset"], shown["length"]);
    assert_eq!(
        objects(&portal),
        medium["renditions"].as_array().unwrap().len() + 1,
        "the pieces are gone"
    );
    // A client that lost the last answer: the upload is whole, there is nothing to send.
    assert_eq!(offset(&reporter, &path).await, file.len().to_string());
    let after = send(&reporter, &path, file.len(), b"").await;
    after.is(204);
    assert_eq!(local(&after.header("location").into()), place);
    // The same bytes once more lead to the same medium.
    let path = begun(&reporter, file.len()).await;
    let answer = send(&reporter, &path, 0, &file).await;
    assert_eq!(local(&answer.header("location").into()), place);
}

#[actix_web::test]
async fn a_checksum_is_of_all_that_was_sent_or_nothing_counts() {
    let portal = Portal::new().await;
    let reporter = portal.reporter().await;
    let file = picture(300, 200, 1);
    let path = begun(&reporter, file.len()).await;
    let (first, rest) = file.split_at(500);
    let sum = |bytes: &[u8]| format!("sha256 {}", STANDARD.encode(Sha256::digest(bytes)));
    let wrong = patch(&reporter, &path, 0, first).header("upload-checksum", &sum(rest));
    wrong.send().await.problem(460, "checksum_mismatch");
    assert_eq!(offset(&reporter, &path).await, "0");
    let right = patch(&reporter, &path, 0, first).header("upload-checksum", &sum(first));
    right.send().await.is(204);
    // SHA-1 of "abc" (FIPS 180, appendix A.1).
    let words = begun(&reporter, 4).await;
    let sha1 = "sha1 qZk+NkcGgWq6PiVxeFDCbJzQ2J0=";
    let abc = patch(&reporter, &words, 0, b"abc").header("upload-checksum", sha1);
    abc.send().await.is(204);
    for bad in ["md5 YQ==", "sha256 !", "sha256", ""] {
        let ask = patch(&reporter, &path, 500, rest).header("upload-checksum", bad);
        ask.send().await.problem(400, "bad_header");
    }
    let right = patch(&reporter, &path, 500, rest).header("upload-checksum", &sum(rest));
    right.send().await.is(204);
}

#[actix_web::test]
async fn what_the_protocol_does_not_allow_is_told() {
    let portal = Portal::with(&[
        "--max-image",
        "2000",
        "--max-document",
        "1024",
        "--max-audio",
        "1024",
        "--max-video",
        "20000",
    ])
    .await;
    let reporter = portal.reporter().await;
    let plain = reporter
        .ask(Method::POST, UPLOADS)
        .header("upload-length", "5");
    let answer = plain.send().await;
    answer.problem(412, "tus_version");
    assert_eq!(answer.header("tus-version"), "1.0.0");
    let old = reporter
        .ask(Method::POST, UPLOADS)
        .header("tus-resumable", "0.2.2");
    old.send().await.problem(412, "tus_version");
    let no_length = resumable(&reporter, Method::POST, UPLOADS).send().await;
    no_length.problem(400, "bad_header");
    for bad in ["-1", "1.5", "a lot", "99999999999999999999"] {
        let ask = resumable(&reporter, Method::POST, UPLOADS).header("upload-length", bad);
        ask.send().await.problem(400, "bad_header");
    }
    begin(&reporter, 20_001, "").await.problem(413, "too_large");
    begin(&reporter, 0, "").await.problem(422, "invalid");
    begin(&reporter, 5, "alt ???")
        .await
        .problem(400, "bad_header");
    let both = format!(
        "alt {},decorative {},ai_label {}",
        STANDARD.encode("a"),
        STANDARD.encode("perhaps"),
        STANDARD.encode("robot")
    );
    let problem = begin(&reporter, 5, &both).await.problem(422, "invalid");
    let pointers: Vec<_> = problem["errors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|fault| fault["pointer"].as_str().unwrap())
        .collect();
    assert_eq!(pointers, ["/decorative", "/ai_label"]);
    let path = begun(&reporter, 10).await;
    let ask = resumable(&reporter, Method::PATCH, &path);
    let ask = ask
        .header("upload-offset", "0")
        .bytes("image/png", b"hello");
    ask.send().await.problem(415, "unsupported_media_type");
    let ask = resumable(&reporter, Method::PATCH, &path);
    let ask = ask.bytes(BODY, b"hello");
    ask.send().await.problem(400, "bad_header");
    let more = send(&reporter, &path, 0, b"hello world").await;
    more.problem(413, "too_large");
    assert_eq!(offset(&reporter, &path).await, "0");
    let capabilities = portal.ask(Method::OPTIONS, UPLOADS).send().await;
    capabilities.is(204);
    assert_eq!(capabilities.header("tus-max-size"), "20000");
    let known = capabilities.header("tus-extension").to_owned();
    assert_eq!(known, "creation,checksum,termination,expiration");
}

#[actix_web::test]
async fn a_file_that_is_refused_ends_its_upload() {
    let portal = Portal::new().await;
    let reporter = portal.reporter().await;
    let before = objects(&portal);
    for (file, status, code) in [
        (&b"#!/bin/sh\nrm -rf /\n"[..], 415, "unsupported_media_type"),
        (&picture(50, 50, 1)[..90], 422, "invalid"),
    ] {
        let path = begun(&reporter, file.len()).await;
        send(&reporter, &path, 0, &file[..10]).await.is(204);
        let answer = send(&reporter, &path, 10, &file[10..]).await;
        answer.problem(status, code);
        resumable(&reporter, Method::HEAD, &path)
            .send()
            .await
            .status_is(404);
    }
    assert_eq!(objects(&portal), before);
}

#[actix_web::test]
async fn an_upload_is_its_owners_until_it_ends_or_expires() {
    let portal = Portal::new().await;
    let (reporter, publisher) = (portal.reporter().await, portal.publisher().await);
    let before = objects(&portal);
    let path = begun(&reporter, 100).await;
    send(&reporter, &path, 0, &[7; 40]).await.is(204);
    for method in [Method::GET, Method::DELETE] {
        let answer = resumable(&publisher, method, &path).send().await;
        answer.problem(404, "not_found");
    }
    send(&publisher, &path, 40, b"x")
        .await
        .problem(404, "not_found");
    resumable(&reporter, Method::DELETE, &path)
        .send()
        .await
        .is(204);
    reporter.get(&path).await.problem(404, "not_found");
    assert_eq!(objects(&portal), before);
    // A day without a word; every piece is a word.
    let path = begun(&reporter, 100).await;
    portal.advance(20 * 3600);
    let reporter = portal.reporter().await;
    send(&reporter, &path, 0, &[7; 40]).await.is(204);
    portal.advance(20 * 3600);
    let reporter = portal.reporter().await;
    assert_eq!(offset(&reporter, &path).await, "40");
    let tidy = bantin::service::media::uploads::tidy;
    assert_eq!(tidy(&portal.ctx).await.unwrap(), 0);
    portal.advance(5 * 3600);
    let reporter = portal.reporter().await;
    reporter.get(&path).await.problem(404, "not_found");
    assert_eq!(tidy(&portal.ctx).await.unwrap(), 1);
    assert_eq!(objects(&portal), before);
}

#[actix_web::test]
async fn one_user_has_so_many_uploads_open() {
    let portal = Portal::new().await;
    let (reporter, publisher) = (portal.reporter().await, portal.publisher().await);
    let mut path = String::new();
    for _ in 0..bantin::service::media::uploads::OPEN {
        path = begun(&reporter, 5).await;
    }
    let refused = begin(&reporter, 5, "").await;
    refused.problem(409, "too_many_uploads");
    begun(&publisher, 5).await;
    resumable(&reporter, Method::DELETE, &path)
        .send()
        .await
        .is(204);
    begun(&reporter, 5).await;
}

#[actix_web::test]
async fn a_file_of_another_kind_than_it_is_called_ends_its_upload() {
    let portal = Portal::new().await;
    let reporter = portal.reporter().await;
    let file = b"%PDF-1.4\nstartxref\n9\n%%EOF\n";
    let metadata = format!("filetype {}", STANDARD.encode("image/heic"));
    let begun = begin(&reporter, file.len(), &metadata).await;
    let path = local(&begun.header("location").into());
    let refused = send(&reporter, &path, 0, file).await;
    refused.faults(422, "invalid", &["/file conflict"]);
    reporter.get(&path).await.problem(404, "not_found");
}

#[actix_web::test]
async fn uploads_begun_at_once_do_not_pass_the_limit_together() {
    let portal = Portal::new().await;
    let reporter = portal.reporter().await;
    let most = bantin::service::media::uploads::OPEN;
    let begun: Vec<Answer> = futures_util::stream::iter(0..most + 20)
        .map(|_| begin(&reporter, 5, ""))
        .buffer_unordered(20)
        .collect()
        .await;
    let refused = begun.iter().filter(|answer| answer.status == 409);
    assert_eq!(refused.count(), 20);
}

#[actix_web::test]
async fn an_upload_has_so_many_pieces_and_one_that_ends_it() {
    let portal = Portal::new().await;
    let reporter = portal.reporter().await;
    let path = begun(&reporter, 11_000).await;
    let id = path.rsplit('/').next().unwrap().to_owned();
    portal.ctx.blobs.put("onebyte00", BYTES, b"%").unwrap();
    portal
        .ctx
        .db
        .write(move |conn| {
            let mut before = uploads::get(conn, &id)?;
            for _ in 0..10_000 {
                let after = Arrival {
                    received: before.received + 1,
                    ..before.clone()
                };
                assert!(uploads::add_part(conn, &before, &after, "onebyte00")?);
                before = after;
            }
            Ok::<_, store::Error>(())
        })
        .await
        .unwrap();
    let there = objects(&portal);
    let refused = send(&reporter, &path, 10_000, &[b'%'; 500]).await;
    refused.problem(409, "too_many_pieces");
    assert_eq!(objects(&portal), there);
    assert_eq!(offset(&reporter, &path).await, "10000");
    // All that is left is one piece; the file is of no kind that is taken.
    let last = send(&reporter, &path, 10_000, &[b'%'; 1000]).await;
    last.problem(415, "unsupported_media_type");
}

#[actix_web::test]
async fn two_requests_from_the_same_place_store_one_piece() {
    let portal = Portal::new().await;
    let reporter = portal.reporter().await;
    let path = begun(&reporter, 1000).await;
    let (one, two) = (vec![1; 600], vec![2; 700]);
    let (one, two) = futures_util::future::join(
        patch(&reporter, &path, 0, &one).send(),
        patch(&reporter, &path, 0, &two).send(),
    )
    .await;
    let mut statuses = [one.status, two.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [204, 409]);
    let stands = if one.status == 204 { "600" } else { "700" };
    assert_eq!(offset(&reporter, &path).await, stands);
    assert_eq!(objects(&portal), 1);
}

#[actix_web::test]
async fn browsers_of_configured_origins_may_upload() {
    let origin = "https://editor.example.vn";
    let portal = Portal::with(&["--cors-origins", origin]).await;
    let ask = portal
        .ask(Method::OPTIONS, UPLOADS)
        .header("origin", origin)
        .header("access-control-request-method", "POST")
        .header(
            "access-control-request-headers",
            "tus-resumable,upload-length",
        );
    let answer = ask.send().await;
    let allowed = answer.header("access-control-allow-headers").to_lowercase();
    for name in [
        "tus-resumable",
        "upload-length",
        "upload-offset",
        "upload-metadata",
    ] {
        assert!(allowed.contains(name), "{name}");
    }
    let reporter = portal.reporter().await;
    let ask = resumable(&reporter, Method::POST, UPLOADS).header("upload-length", "5");
    let answer = ask.header("origin", origin).send().await;
    let exposed = answer
        .header("access-control-expose-headers")
        .to_lowercase();
    for name in [
        "location",
        "upload-offset",
        "tus-resumable",
        "upload-expires",
    ] {
        assert!(exposed.contains(name), "{name}");
    }
}

#[actix_web::test]
async fn a_file_too_long_for_what_it_looks_like_ends_with_its_first_bytes() {
    let portal = Portal::with(&["--max-image", "2000"]).await;
    let reporter = portal.reporter().await;
    let path = begun(&reporter, 5000).await;
    let answer = send(&reporter, &path, 0, b"\x89PNG\r\n\x1a\n and the rest of it").await;
    let problem = answer.problem(413, "too_large");
    assert_eq!(
        problem["detail"],
        "a file of the kind image may have 2000 bytes"
    );
    let gone = resumable(&reporter, Method::GET, &path).send().await;
    gone.problem(404, "not_found");
}
