//! Media and their files: who sees which when, descriptions, deletion.

use actix_web::http::Method;
use serde_json::{Value, json};

use crate::support::Portal;
use crate::support::sample::{self, content, local, picture, version, with};

const MEDIA: &str = "/v1/editorial/media";

fn one(medium: &Value) -> String {
    format!("{MEDIA}/{}", medium["id"])
}

#[actix_web::test]
async fn hostile_names_are_data_and_no_reader_sees_a_name() {
    let portal = Portal::new().await;
    let editor = portal.editor().await;
    let mut media = Vec::new();
    for (shade, (name, kept)) in (1..).zip([
        ("../../etc/passwd-SECRET", ".._.._etc_passwd-SECRET"),
        ("C:\\\\anh\\\\SECRET.png", "C:_anh_SECRET.png"),
        (
            "<script>alert('SECRET')</script>",
            "<script>alert('SECRET')<_script>",
        ),
        ("SECRET\u{202e}gnp.exe", "SECRETgnp.exe"),
    ]) {
        let medium = editor
            .upload(name, &picture(20, 10, shade), &[])
            .await
            .created();
        assert_eq!(medium["file_name"], kept);
        media.push(medium);
    }
    let article = portal.show(&media.iter().collect::<Vec<_>>()).await;
    let slug = article["content"]["slug"].as_str().unwrap();
    let mut paths = vec![
        "/v1/media".to_owned(),
        "/v1/captions".to_owned(),
        "/feeds/atom".to_owned(),
    ];
    paths.extend(["blocks", "html", "text"].map(|form| format!("/v1/articles/{slug}?body={form}")));
    let list = portal.get("/v1/media").await.ok();
    paths.extend(
        list["items"]
            .as_array()
            .unwrap()
            .iter()
            .map(|medium| local(&medium["renditions"][0]["url"])),
    );
    for path in paths {
        let answer = portal.get(&path).await;
        answer.status_is(200);
        assert!(
            !format!("{:?} {}", answer.headers, answer.text()).contains("SECRET"),
            "{path}"
        );
    }
}

#[actix_web::test]
async fn a_medium_is_public_only_while_a_public_article_holds_it() {
    let portal = Portal::new().await;
    let publisher = portal.publisher().await;
    let medium = publisher
        .upload("a.png", &picture(20, 10, 1), &[])
        .await
        .created();
    let public = format!("/v1/media/{}", medium["id"]);
    let twin = publisher
        .upload("b.png", &picture(20, 10, 2), &[])
        .await
        .created();
    portal.get(&public).await.problem(404, "not_found");
    let first = portal.show(&[&medium]).await;
    let file = local(&portal.get(&public).await.ok()["renditions"][0]["url"]);
    portal.get(&file).await.status_is(200);
    assert_eq!(publisher.get(&one(&medium)).await.ok()["public"], true);
    portal
        .get(&format!("/v1/media/{}", twin["id"]))
        .await
        .problem(404, "not_found");
    let hash = file.split('/').nth(2).unwrap();
    for wrong in [
        format!("/media/{hash}/w640"),
        format!("/media/{}/full", "0".repeat(64)),
    ] {
        portal.get(&wrong).await.problem(404, "not_found");
    }

    let second = portal.show(&[&medium, &twin]).await;
    publisher
        .act(&first, "take-down", &json!({"reason_code": "privacy"}))
        .await;
    portal.get(&file).await.status_is(200);
    let without = json!({"body": [sample::figure("Một", &[twin["id"].as_i64().unwrap()])]});
    let changed = publisher.change(&second, &without).await.ok();
    portal.get(&file).await.status_is(200);
    publisher
        .act(&changed, "publish", &json!({"kind": "minor"}))
        .await;
    portal.get(&file).await.problem(404, "not_found");
    portal.get(&public).await.problem(404, "not_found");
    let list = portal.get("/v1/media").await.ok();
    assert_eq!(list["items"].as_array().unwrap().len(), 1);
    assert_eq!(list["items"][0]["id"], twin["id"]);
}

#[actix_web::test]
async fn two_media_with_the_same_cleaned_bytes_share_an_address() {
    let portal = Portal::new().await;
    let publisher = portal.publisher().await;
    let plain = picture(20, 10, 1);
    let mut padded = plain.clone();
    padded.extend(b"what no decoder reads");
    let media = [
        publisher.upload("a.png", &plain, &[]).await.created(),
        publisher.upload("b.png", &padded, &[]).await.created(),
    ];
    let articles = [
        portal.show(&[&media[0]]).await,
        portal.show(&[&media[1]]).await,
    ];
    let shown = portal
        .get(&format!("/v1/media/{}", media[1]["id"]))
        .await
        .ok();
    let file = local(&shown["renditions"][0]["url"]);
    for (article, status) in articles.iter().zip([200, 404]) {
        publisher
            .act(article, "take-down", &json!({"reason_code": "other"}))
            .await;
        portal.get(&file).await.status_is(status);
    }
}

#[actix_web::test]
async fn a_preview_address_opens_one_file_for_a_quarter_of_an_hour() {
    let portal = Portal::new().await;
    let medium = portal
        .reporter()
        .await
        .upload("a.png", &picture(20, 10, 1), &[])
        .await
        .created();
    let preview = local(&medium["renditions"][0]["preview_url"]);
    let file = portal.get(&preview).await;
    file.status_is(200);
    assert_eq!(file.header("content-type"), "image/jpeg");
    assert!(file.header("cache-control").contains("no-store"));
    let (path, query) = preview.split_once('?').unwrap();
    let flipped = match preview.strip_suffix('0') {
        Some(head) => format!("{head}1"),
        None => format!("{}0", &preview[..preview.len() - 1]),
    };
    let later = preview.replace("expires=17", "expires=18");
    let other = preview.replace(&format!("/{}/", medium["id"]), "/99/");
    let small = preview.replace("/full?", "/w640?");
    for tampered in [
        flipped,
        later,
        other,
        small,
        path.to_owned(),
        format!("{path}?{}", &query[..18]),
    ] {
        portal.get(&tampered).await.problem(403, "forbidden");
    }
    portal
        .get(&format!("{preview}&x=1"))
        .await
        .problem(400, "bad_query");
    portal.advance(14 * 60);
    portal.get(&preview).await.status_is(200);
    portal.advance(61);
    portal.get(&preview).await.problem(403, "forbidden");
}

#[actix_web::test]
async fn a_public_file_answers_conditions_ranges_and_head() {
    let portal = Portal::new().await;
    let medium = portal
        .editor()
        .await
        .upload("a.png", &picture(200, 100, 1), &[])
        .await
        .created();
    portal.show(&[&medium]).await;
    let public = portal
        .get(&format!("/v1/media/{}", medium["id"]))
        .await
        .ok();
    let path = local(&public["renditions"][0]["url"]);
    let ask = |headers: &[(&str, &str)]| {
        let ask = portal.ask(Method::GET, &path);
        let ask = headers
            .iter()
            .fold(ask, |ask, (name, value)| ask.header(name, value));
        ask.send()
    };
    let whole = ask(&[]).await;
    whole.status_is(200);
    let tag = whole.header("etag");
    assert!(path.contains(tag.trim_matches('"')));
    assert!(whole.header("cache-control").contains("immutable"));
    assert_eq!(whole.header("content-disposition"), "inline");
    assert_eq!(whole.header("accept-ranges"), "bytes");
    let length = whole.body.len();

    for known in [tag.as_str(), "*", &format!("\"a\", W/{tag}")] {
        let known = ask(&[("if-none-match", known), ("range", "bytes=0-1")]).await;
        known.status_is(304);
        assert!(known.body.is_empty());
        assert_eq!(known.header("etag"), tag);
    }
    for (range, from, to) in [
        ("bytes=0-9", 0, 10),
        ("bytes=10-", 10, length),
        ("bytes=-5", length - 5, length),
        ("bytes=5-999999", 5, length),
    ] {
        for condition in [("x-none", "x"), ("if-range", tag.as_str())] {
            let part = ask(&[("range", range), condition]).await;
            part.status_is(206);
            assert_eq!(part.body, whole.body[from..to], "{range}");
            assert_eq!(
                part.header("content-range"),
                format!("bytes {from}-{}/{length}", to - 1)
            );
        }
    }
    let beyond = ask(&[("range", &format!("bytes={length}-"))]).await;
    beyond.problem(416, "range_not_satisfiable");
    assert_eq!(beyond.header("content-range"), format!("bytes */{length}"));
    for headers in [
        [("range", "bytes=0-9"), ("if-range", "\"other\"")],
        [
            ("range", "bytes=0-9"),
            ("if-range", "Sat, 21 Mar 2026 02:00:00 GMT"),
        ],
        [("range", "lines=0-1"), ("x-none", "x")],
    ] {
        let all = ask(&headers).await;
        all.status_is(200);
        assert_eq!(all.body, whole.body);
    }
    let head = portal.ask(Method::HEAD, &path).send().await;
    head.status_is(200);
    assert!(head.body.is_empty());
    for name in ["etag", "content-type", "cache-control", "accept-ranges"] {
        assert_eq!(head.header(name), whole.header(name), "{name}");
    }
}

#[actix_web::test]
async fn a_description_is_changed_by_editors_and_by_who_uploaded_it() {
    let portal = Portal::new().await;
    let (reporter, publisher) = (portal.reporter().await, portal.publisher().await);
    let own = reporter
        .upload("a.png", &picture(20, 10, 1), &[])
        .await
        .created();
    let other = publisher
        .upload("b.png", &picture(20, 10, 2), &[])
        .await
        .created();
    let patch = json!({"alt": "Mô tả"});
    reporter
        .patch(&one(&other), 1, &patch)
        .await
        .problem(403, "forbidden");
    let told = reporter.patch(&one(&own), 1, &patch).await.ok();
    let wanted = json!({
        "alt": "Mô tả", "credit": null, "decorative": false, "ai_label": "none",
        "focal_point": null
    });
    assert_eq!(told["content"], wanted);
    portal.show(&[&own]).await;
    let put = json!({
        "alt": "Khác", "credit": "Ảnh: An", "decorative": false, "ai_label": "assisted",
        "focal_point": null
    });
    publisher
        .put(&one(&own), 1, &put)
        .await
        .problem(412, "version_mismatch");
    let told = publisher.put(&one(&own), 2, &put).await.ok();
    assert_eq!((version(&told), &told["content"]), (3, &put));
    let same = publisher.put(&one(&own), 1, &put).await;
    assert_eq!(version(&same.ok()), 3);
    let wrong = publisher
        .patch(&one(&own), 3, &json!({"alt": " ", "x": 1}))
        .await;
    wrong.faults(422, "invalid", &["/alt too_short", "/x unknown_field"]);
    // Readers keep what was frozen.
    let public = portal.get(&format!("/v1/media/{}", own["id"])).await.ok();
    assert_eq!(public["alt"], "Mô tả");
}

#[actix_web::test]
async fn a_medium_in_use_is_not_deleted_and_its_articles_are_named() {
    let portal = Portal::new().await;
    let publisher = portal.publisher().await;
    let medium = publisher
        .upload("a.png", &picture(20, 10, 1), &[])
        .await
        .created();
    let live = portal.show(&[&medium]).await;
    let news = live["content"]["category"].as_str().unwrap();
    let cover = with(
        &content("Bìa", news),
        "cover_media_id",
        medium["id"].clone(),
    );
    let draft = publisher.draft(&cover).await;
    let in_use = async |ids: &str| {
        let refused = publisher.delete(&one(&medium), 1).await;
        let detail = refused.problem(409, "media_in_use")["detail"].clone();
        assert!(
            detail.as_str().unwrap().ends_with(&format!(": {ids}")),
            "{detail}"
        );
    };
    in_use(&format!("{}, {}", live["id"], draft["id"])).await;
    publisher.delete(&sample::path(&draft), 1).await.is(204);
    // Public still, though the working copy has let it go.
    let changed = publisher.change(&live, &json!({"body": []})).await.ok();
    in_use(&live["id"].to_string()).await;
    // Taken down, it could be restored with it.
    let down = publisher
        .act(&changed, "take-down", &json!({"reason_code": "wrong"}))
        .await;
    in_use(&live["id"].to_string()).await;
    let correction = json!({"kind": "correction", "note": "Bỏ ảnh"});
    publisher.act(&down, "publish", &correction).await;
    portal
        .reporter()
        .await
        .delete(&one(&medium), 1)
        .await
        .problem(403, "forbidden");
    publisher
        .ask(Method::DELETE, &one(&medium))
        .send()
        .await
        .problem(428, "precondition_required");
    publisher.delete(&one(&medium), 1).await.is(204);
    publisher.get(&one(&medium)).await.problem(404, "not_found");
    portal
        .get(&local(&medium["renditions"][0]["preview_url"]))
        .await
        .problem(404, "not_found");
    // Its bytes may come again.
    let again = publisher
        .upload("a.png", &picture(20, 10, 1), &[])
        .await
        .created();
    assert_ne!(again["id"], medium["id"]);
}
