//! Pictures that are made ready after their upload: by whichever node has a turn, once, and in the end.

use std::sync::Arc;

use actix_web::http::Method;
use bantin::domain::id::MediaId;
use bantin::service::media::{load, recover, work_once};
use bantin::store::editorial::media_jobs;
use bantin::store::{self, Db};
use futures_util::future::join;
use serde_json::{Value, json};

use crate::support::sample::{content, figure, local, picture, with};
use crate::support::{Portal, User};

const MEDIA: &str = "/v1/editorial/media";
const LATER: [&str; 2] = ["--inline-pixels", "100"];

/// What the server's loop does.
async fn work(portal: &Portal) -> bool {
    work_once(&portal.ctx).await.unwrap()
}

async fn left(portal: &Portal) -> (i64, i64) {
    let load = load(&portal.ctx).await.unwrap();
    (load.queued, load.running)
}

async fn large(user: &User<'_>, shade: u8) -> Value {
    let bytes = picture(400, 300, shade);
    let answer = user.upload("a.png", &bytes, &[("alt", "Ảnh lớn")]).await;
    let medium = answer.is(202);
    assert_eq!(answer.header("etag"), "\"1\"");
    assert!(answer.header("location").ends_with(&one(&medium)));
    medium
}

fn one(medium: &Value) -> String {
    format!("{MEDIA}/{}", medium["id"])
}

async fn now(user: &User<'_>, medium: &Value) -> Value {
    user.get(&one(medium)).await.ok()
}

fn stands(medium: &Value) -> (&str, Option<&str>) {
    (
        medium["status"].as_str().unwrap(),
        medium["failure"].as_str(),
    )
}

/// The next attempt is none.
async fn is_given_up(portal: &Portal, medium: &Value) {
    assert!(work(portal).await);
    let reporter = portal.reporter().await;
    let failed = now(&reporter, medium).await;
    assert_eq!(stands(&failed), ("failed", Some("gave_up")));
}

/// Keys in media storage.
fn objects(portal: &Portal) -> usize {
    let mut count = 0;
    portal
        .ctx
        .blobs
        .list(&mut |_| {
            count += 1;
            Ok(())
        })
        .unwrap();
    count
}

/// A node that takes the work and dies.
async fn claim_and_die(db: &Db, at: bantin::domain::time::Instant) -> MediaId {
    let claimed = db.write(move |conn| {
        media_jobs::claim(conn, at, at.plus_seconds(600), "a node that is no more")
    });
    let claimed: store::Result<_> = claimed.await;
    claimed.unwrap().unwrap().media_id
}

#[actix_web::test]
async fn a_large_picture_is_ready_some_time_after_its_upload() {
    let portal = Portal::with(&LATER).await;
    let reporter = portal.reporter().await;
    let medium = large(&reporter, 1).await;
    assert_eq!(stands(&medium), ("processing", None));
    assert_eq!(medium["renditions"], json!([]));
    assert_eq!(
        (&medium["width"], &medium["height"]),
        (&json!(400), &json!(300))
    );
    assert_eq!(left(&portal).await, (1, 0));
    // The same bytes are no second medium, and no second work.
    let again = reporter.upload("b.png", &picture(400, 300, 1), &[]).await;
    assert_eq!(again.ok()["id"], medium["id"]);
    // What is said of it meanwhile stays.
    let patch = json!({"alt": "Đập nước"});
    reporter.patch(&one(&medium), 1, &patch).await.ok();
    assert!(work(&portal).await);
    assert!(!work(&portal).await);
    let ready = now(&reporter, &medium).await;
    assert_eq!(stands(&ready), ("ready", None));
    assert_eq!(
        (&ready["version"], &ready["content"]["alt"]),
        (&json!(3), &patch["alt"])
    );
    assert!(ready["thumbhash"].is_string() && ready["colour"].is_string());
    let names: Vec<&str> = ready["renditions"]
        .as_array()
        .unwrap()
        .iter()
        .map(|made| made["name"].as_str().unwrap())
        .collect();
    assert!(
        names.contains(&"full") && names.contains(&"w320-webp"),
        "{names:?}"
    );
    let file = local(&ready["renditions"][0]["preview_url"]);
    portal.get(&file).await.is_file();
    let metrics = portal.get("/metrics").await.text();
    for line in [
        "bantin_media_jobs_queued 0",
        "bantin_media_jobs_running 0",
        "bantin_media_jobs_done_total 1",
        "bantin_media_jobs_failed_total 0",
        "bantin_media_job_duration_seconds_count 1",
    ] {
        assert!(metrics.contains(line), "{line}");
    }
    // What is small is ready at once.
    let small = reporter.upload("c.png", &picture(10, 10, 1), &[]).await;
    assert_eq!(stands(&small.created()), ("ready", None));
}

#[actix_web::test]
async fn nothing_is_published_before_its_pictures_are_ready() {
    let portal = Portal::with(&LATER).await;
    let reporter = portal.reporter().await;
    let medium = large(&reporter, 1).await;
    let id = medium["id"].as_i64().unwrap();
    let text = content("Đập nước", &portal.news().await);
    let text = with(&text, "body", json!([figure("Đập nước", &[id])]));
    let text = with(&text, "cover_media_id", json!(id));
    let article = reporter.draft(&text).await;
    let codes: Vec<&Value> = article["warnings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|warning| &warning["code"])
        .collect();
    assert_eq!(codes, ["media_not_ready", "media_not_ready"]);
    let publisher = portal.publisher().await;
    for body in [json!({}), json!({"at": "2026-03-22T08:00:00+07:00"})] {
        let refused = publisher.try_act(&article, "publish", &body).await;
        let wanted = [
            "/content/body/0/media/0 media_not_ready",
            "/content/cover_media_id media_not_ready",
        ];
        refused.faults(422, "invalid", &wanted);
    }
    // A preview shows the rest meanwhile.
    let links = format!("/v1/editorial/articles/{}/previews", article["id"]);
    let link = reporter.post(&links, &json!({})).await.created();
    let html = portal
        .get(&format!("{}?body=html", local(&link["url"])))
        .await;
    html.status_is(200);
    let html = html.text();
    assert!(
        html.contains("<figure>") && !html.contains("<img"),
        "{html}"
    );
    assert!(work(&portal).await);
    let article = publisher.act(&article, "publish", &json!({})).await;
    assert_eq!(article["warnings"], json!([]));
}

#[actix_web::test]
async fn every_picture_has_a_turn_when_all_turns_are_taken() {
    let portal = Portal::new().await;
    let reporter = portal.reporter().await;
    let mut turns = Vec::new();
    while let Ok(turn) = Arc::clone(&portal.ctx.decoding).try_acquire_owned() {
        turns.push(turn);
    }
    let medium = large(&reporter, 1).await;
    drop(turns);
    assert!(work(&portal).await);
    assert_eq!(stands(&now(&reporter, &medium).await), ("ready", None));
}

#[actix_web::test]
async fn what_a_node_left_lying_is_done_by_another() {
    let portal = Portal::with(&LATER).await;
    let medium = large(&portal.reporter().await, 1).await;
    claim_and_die(&portal.ctx.db, portal.ctx.now()).await;
    assert_eq!(left(&portal).await, (0, 1));
    assert!(!work(&portal).await);
    portal.advance(599);
    assert!(!work(&portal).await);
    portal.advance(1);
    assert!(work(&portal).await);
    let reporter = portal.reporter().await;
    assert_eq!(stands(&now(&reporter, &medium).await), ("ready", None));
    assert_eq!(left(&portal).await, (0, 0));
}

#[actix_web::test]
async fn two_nodes_never_do_the_same() {
    let portal = Portal::with(&LATER).await;
    let reporter = portal.reporter().await;
    for shade in 0..5 {
        let medium = large(&reporter, shade).await;
        let (one, two) = join(work_once(&portal.ctx), work_once(&portal.ctx)).await;
        // Both may have looked before one took it.
        assert_eq!(u8::from(one.unwrap()) + u8::from(two.unwrap()), 1);
        let ready = now(&reporter, &medium).await;
        assert_eq!(
            (stands(&ready), &ready["version"]),
            (("ready", None), &json!(2))
        );
    }
    let made = "/v1/editorial/audit?action=make_ready&limit=100";
    let rows = portal.admin().await.get(made).await.ok();
    assert_eq!(rows["items"].as_array().unwrap().len(), 5);
}

#[actix_web::test]
async fn a_damaged_picture_fails_for_ever() {
    let portal = Portal::with(&LATER).await;
    let reporter = portal.reporter().await;
    let whole = picture(400, 300, 1);
    let cut = &whole[..whole.len() / 2];
    let medium = reporter.upload("a.png", cut, &[]).await.is(202);
    assert!(work(&portal).await);
    let failed = now(&reporter, &medium).await;
    assert_eq!(stands(&failed), ("failed", Some("damaged")));
    assert!(!work(&portal).await);
    let again = reporter.upload("a.png", cut, &[]).await.ok();
    assert_eq!(again["id"], medium["id"]);
    let metrics = portal.get("/metrics").await.text();
    assert!(metrics.contains("bantin_media_jobs_failed_total 1"));
    portal.editor().await.delete(&one(&medium), 2).await.is(204);
    assert_eq!(objects(&portal), 0);
    // What the header says is refused at once.
    let cut = reporter.upload("a.png", &whole[..20], &[]).await;
    cut.faults(422, "invalid", &["/file bad_format"]);
}

#[actix_web::test]
async fn what_fails_for_other_reasons_is_tried_again_five_times() {
    let portal = Portal::with(&LATER).await;
    let medium = large(&portal.reporter().await, 1).await;
    // Storage has lost it.
    let id = MediaId::stored(medium["id"].as_i64().unwrap());
    let original = portal
        .ctx
        .db
        .read(move |conn| store::editorial::media::get(conn, id))
        .await
        .unwrap()
        .original;
    portal.ctx.blobs.delete(&original).unwrap();
    for wait in [10, 60, 300, 1800] {
        assert!(work(&portal).await);
        assert_eq!(left(&portal).await, (1, 0));
        portal.advance(wait - 1);
        assert!(!work(&portal).await, "{wait}");
        portal.advance(1);
    }
    is_given_up(&portal, &medium).await;
    assert_eq!(left(&portal).await, (0, 0));
}

#[actix_web::test]
async fn what_kills_every_node_is_given_up() {
    let portal = Portal::with(&LATER).await;
    let medium = large(&portal.reporter().await, 1).await;
    for _ in 0..5 {
        let claimed = claim_and_die(&portal.ctx.db, portal.ctx.now()).await;
        assert_eq!(json!(claimed), medium["id"]);
        portal.advance(600);
    }
    is_given_up(&portal, &medium).await;
}

#[actix_web::test]
async fn a_server_that_starts_goes_on_at_once_and_not_again_and_again() {
    let portal = Portal::with(&LATER).await;
    let medium = large(&portal.reporter().await, 1).await;
    for wait in [0, 10, 60, 300, 1800] {
        claim_and_die(&portal.ctx.db, portal.ctx.now()).await;
        recover(&portal.ctx).await.unwrap();
        assert_eq!(left(&portal).await, (1, 0));
        if wait > 0 {
            portal.advance(wait - 1);
            assert!(!work(&portal).await, "{wait}");
            portal.advance(1);
        }
    }
    is_given_up(&portal, &medium).await;
}

#[actix_web::test]
async fn what_was_withdrawn_or_deleted_meanwhile_leaves_no_files() {
    let portal = Portal::with(&LATER).await;
    let reporter = portal.reporter().await;
    let (editor, publisher) = (portal.editor().await, portal.publisher().await);
    for shade in 0..6 {
        let medium = large(&reporter, shade).await;
        let path = one(&medium);
        let delete = editor
            .ask(Method::DELETE, &path)
            .header("if-match", "\"1\"");
        let (_, gone) = join(work_once(&portal.ctx), delete.send()).await;
        if gone.status == 412 {
            editor.delete(&path, 2).await.is(204);
        }
        assert_eq!(objects(&portal), 0);
        assert_eq!(left(&portal).await, (0, 0));
    }
    let medium = large(&reporter, 9).await;
    let withdraw = format!("{}/withdraw", one(&medium));
    let reason = json!({"reason_code": "privacy"});
    let withdrawn = publisher.post_at(&withdraw, 1, &reason).await.ok();
    assert_eq!(stands(&withdrawn), ("failed", Some("withdrawn")));
    assert!(!work(&portal).await);
}

/// Hashes of the crops and of the other files, by name.
fn files(medium: &Value) -> (Vec<String>, Vec<String>) {
    let renditions = medium["renditions"].as_array().unwrap().iter();
    let named = renditions.map(|made| {
        let place = made["url"].as_str().or(made["preview_url"].as_str());
        let place = place.unwrap().split('?').next().unwrap();
        (
            made["name"].as_str().unwrap().to_owned(),
            format!("{} {}", place, made["bytes"]),
        )
    });
    let (crops, others): (Vec<_>, Vec<_>) = named.partition(|(name, _)| name.contains('x'));
    let second = |files: Vec<(String, String)>| files.into_iter().map(|(_, file)| file).collect();
    (second(crops), second(others))
}

/// A picture whose left and right differ.
fn two_sides() -> Vec<u8> {
    let pixels = image::RgbImage::from_fn(900, 400, |x, y| match x {
        0..450 => image::Rgb([0, 0, 250]),
        _ => image::Rgb([y.to_le_bytes()[0], x.to_le_bytes()[0], 0]),
    });
    let mut bytes = std::io::Cursor::new(Vec::new());
    let png = image::ImageFormat::Png;
    pixels.write_to(&mut bytes, png).unwrap();
    bytes.into_inner()
}

#[actix_web::test]
async fn crops_follow_the_focal_point_and_public_articles_keep_theirs() {
    let portal = Portal::new().await;
    let reporter = portal.reporter().await;
    let medium = reporter
        .upload("a.png", &two_sides(), &[("alt", "Hai bờ")])
        .await;
    let medium = medium.created();
    assert_eq!(medium["content"]["focal_point"], Value::Null);
    let (crops, others) = files(&medium);
    assert_eq!((crops.len(), others.len()), (4, 6), "{crops:?} {others:?}");
    let id = medium["id"].as_i64().unwrap();
    let text = content("Hai bờ", &portal.news().await);
    let text = with(&text, "body", json!([figure("Hai bờ", &[id])]));
    let article = portal.published(&text).await;
    let public = format!("/v1/media/{id}");
    let before = files(&portal.get(&public).await.ok());
    for (point, wanted) in [
        (
            json!({"x": 1.5, "y": -0.1}),
            vec!["/focal_point/x out_of_range", "/focal_point/y out_of_range"],
        ),
        (json!({"x": 0.5}), vec!["/focal_point/y required"]),
        (json!("left"), vec!["/focal_point wrong_type"]),
    ] {
        let body = json!({"alt": "Hai bờ", "focal_point": point});
        let put = reporter
            .ask(Method::PUT, &one(&medium))
            .header("if-match", "\"1\"");
        put.json(&body).send().await.faults(422, "invalid", &wanted);
    }
    let point = json!({"focal_point": {"x": 0.9, "y": 0.25}});
    let saved = reporter.patch(&one(&medium), 1, &point).await.ok();
    // It is ready all the time, with the old crops at first.
    assert_eq!(stands(&saved), ("ready", None));
    assert_eq!(saved["content"]["focal_point"], point["focal_point"]);
    assert_eq!(files(&saved).0, crops);
    assert!(work(&portal).await);
    assert!(!work(&portal).await);
    let made = now(&reporter, &medium).await;
    assert_eq!(made["version"], 3);
    assert_eq!(files(&made).1, others);
    assert_ne!(files(&made).0, crops);
    // Readers get them with the next publication.
    assert_eq!(files(&portal.get(&public).await.ok()), before);
    let file = portal
        .get(&local(&json!(before.0[0].split(' ').next())))
        .await;
    file.is_file();
    let publisher = portal.publisher().await;
    publisher
        .act(&article, "publish", &json!({"kind": "minor"}))
        .await;
    let after = files(&portal.get(&public).await.ok());
    assert_eq!(after.1, before.1);
    assert_ne!(after.0, before.0);
    // Saying the same again, or something else, is no work.
    reporter
        .patch(&one(&medium), 3, &json!({"alt": "Hai bờ sông"}))
        .await
        .ok();
    assert!(!work(&portal).await);
}

#[actix_web::test]
async fn crops_that_cannot_be_made_leave_the_old_ones() {
    let portal = Portal::new().await;
    let reporter = portal.reporter().await;
    let medium = reporter.upload("a.png", &two_sides(), &[]).await.created();
    let id = MediaId::stored(medium["id"].as_i64().unwrap());
    let read = portal
        .ctx
        .db
        .read(move |conn| store::editorial::media::get(conn, id));
    let original = read.await.unwrap().original;
    portal.ctx.blobs.delete(&original).unwrap();
    let point = json!({"focal_point": {"x": 0, "y": 0}});
    reporter.patch(&one(&medium), 1, &point).await.ok();
    for wait in [10, 60, 300, 1800, 0] {
        assert!(work(&portal).await);
        portal.advance(wait);
    }
    assert!(!work(&portal).await);
    let kept = now(&portal.reporter().await, &medium).await;
    assert_eq!(
        (stands(&kept), &kept["version"]),
        (("ready", None), &json!(2))
    );
    assert_eq!(files(&kept), files(&medium));
    // A document has none.
    let pdf = portal
        .reporter()
        .await
        .upload("a.pdf", b"%PDF-1.7\n%%EOF\n", &[])
        .await;
    let path = one(&pdf.created());
    let refused = portal.reporter().await.patch(&path, 1, &point).await;
    refused.faults(422, "invalid", &["/focal_point conflict"]);
}
