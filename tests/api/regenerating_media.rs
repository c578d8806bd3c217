//! Files of pictures made again: who gets them, and what stays as it was.

use actix_web::http::Method;
use bantin::domain::id::MediaId;
use bantin::infra::image::Limits;
use bantin::service::media::regeneration::{Regenerated, pictures, regenerate};
use bantin::store;
use bantin::store::editorial::media;
use serde_json::{Value, json};

use crate::support::Portal;
use crate::support::sample::{local, picture};

/// A picture as an older version would have made it: without crops.
async fn old(portal: &Portal, shade: u8) -> Value {
    let editor = portal.editor().await;
    let texts = [("alt", "Trồng cây")];
    let bytes = picture(640, 480, shade);
    let medium = editor.upload("a.png", &bytes, &texts).await.created();
    strip(portal, id(&medium)).await;
    medium
}

fn id(medium: &Value) -> MediaId {
    medium["id"]
        .to_string()
        .parse()
        .unwrap_or_else(|_| panic!())
}

async fn strip(portal: &Portal, id: MediaId) {
    let done = portal.ctx.db.write(move |conn| {
        let mut medium = media::get(conn, id)?;
        medium.renditions.retain(|made| !made.name.contains('x'));
        media::put_made(conn, &medium)?;
        Ok::<_, store::Error>(())
    });
    done.await.unwrap();
}

async fn again(portal: &Portal, id: MediaId) -> Regenerated {
    let limits = Limits {
        max_pixels: 1_000_000,
        program: portal.ctx.program.clone(),
    };
    let (db, blobs) = (&portal.ctx.db, &portal.ctx.blobs);
    let done = regenerate(db, blobs, limits, portal.ctx.now(), id).await;
    done.unwrap()
}

fn names(medium: &Value) -> Vec<&str> {
    let renditions = medium["renditions"].as_array().unwrap().iter();
    renditions
        .map(|made| made["name"].as_str().unwrap())
        .collect()
}

#[actix_web::test]
async fn editors_and_readers_get_the_new_files_and_the_log_tells() {
    let portal = Portal::new().await;
    let medium = old(&portal, 1).await;
    let article = portal.show(&[&medium]).await;
    let public = format!("/v1/media/{}", medium["id"]);
    let before = portal.get(&public).await.ok();
    assert!(!names(&before).contains(&"1x1-w320"));
    let db = &portal.ctx.db;
    assert_eq!(pictures(db, true).await.unwrap(), [id(&medium)]);
    assert_eq!(again(&portal, id(&medium)).await, Regenerated::Changed);
    assert_eq!(pictures(db, true).await.unwrap(), []);
    let after = portal.get(&public).await.ok();
    assert_eq!(names(&after), names(&medium));
    let slug = article["content"]["slug"].as_str().unwrap();
    let shown = portal.get(&format!("/v1/articles/{slug}")).await.ok();
    let figures = shown["body"].as_array().unwrap().iter();
    let figure = figures
        .clone()
        .find(|block| block["_type"] == "figure")
        .unwrap();
    assert_eq!(names(&figure["media"][0]), names(&medium));
    assert_eq!(names(&shown["cover"]), names(&medium));
    let caption = format!("/v1/captions/{}", figure["caption_id"]);
    let caption = portal.get(&caption).await.ok();
    assert_eq!(names(&caption["media"][0]), names(&medium));
    for made in after["renditions"].as_array().unwrap() {
        portal.get(&local(&made["url"])).await.status_is(200);
    }
    for made in before["renditions"].as_array().unwrap() {
        portal.get(&local(&made["url"])).await.status_is(200);
    }
    let log = portal.get("/v1/changes?limit=100").await.ok();
    let last = log["items"].as_array().unwrap().last().unwrap();
    assert_eq!(last["why"], "media_regenerated");
    assert_eq!(last["object"]["id"], article["id"]);
    // No edition, no correction.
    assert_eq!(shown["updated_at"], Value::Null);
    // Nothing is left to do, and nothing is done.
    let seq = last["seq"].clone();
    assert_eq!(again(&portal, id(&medium)).await, Regenerated::Same);
    let log = portal.get("/v1/changes?limit=100").await.ok();
    assert_eq!(log["items"].as_array().unwrap().last().unwrap()["seq"], seq);
    let listed = bantin::service::media::storage::list(&portal.ctx.blobs).unwrap();
    let known = bantin::service::media::storage::known(db).await.unwrap();
    let later = portal.ctx.now().plus_seconds(1_000_000_000);
    // What the first run replaced is the cleaner's, unless readers may still ask for it.
    let orphans = bantin::service::media::storage::orphans(listed, &known, later).unwrap();
    assert!(
        orphans
            .iter()
            .all(|orphan| !known.contains_key(&orphan.key))
    );
}

#[actix_web::test]
async fn readers_keep_an_older_file_that_was_replaced_since() {
    let portal = Portal::new().await;
    let editor = portal.editor().await;
    let medium = old(&portal, 1).await;
    portal.show(&[&medium]).await;
    let public = format!("/v1/media/{}", medium["id"]);
    let before = portal.get(&public).await.ok();
    let path = format!("/v1/editorial/media/{}/file", medium["id"]);
    let ask = editor.ask(Method::PUT, &path).at(1);
    ask.form("b.png", &picture(800, 600, 2), &[])
        .send()
        .await
        .ok();
    strip(&portal, id(&medium)).await;
    assert_eq!(again(&portal, id(&medium)).await, Regenerated::Changed);
    assert_eq!(portal.get(&public).await.ok(), before);
}

#[actix_web::test]
async fn documents_and_withdrawn_media_are_passed_over() {
    let portal = Portal::new().await;
    let (editor, publisher) = (portal.editor().await, portal.publisher().await);
    let pdf = b"%PDF-1.4\n1 0 obj\n<<>>\nendobj\ntrailer\n<<>>\nstartxref\n9\n%%EOF\n";
    let document = editor.upload("a.pdf", pdf, &[]).await.created();
    assert_eq!(again(&portal, id(&document)).await, Regenerated::Passed);
    let medium = old(&portal, 1).await;
    let path = format!("/v1/editorial/media/{}/withdraw", medium["id"]);
    let reason = json!({"reason_code": "privacy"});
    publisher.post_at(&path, 1, &reason).await.ok();
    assert_eq!(again(&portal, id(&medium)).await, Regenerated::Passed);
}
