//! Another file in the place of a medium's: what editors see at once, and readers later.

use actix_web::http::Method;
use serde_json::{Value, json};

use crate::support::sample::{local, picture, version};
use crate::support::{Answer, Portal, User};

fn place(medium: &Value) -> String {
    format!("/v1/editorial/media/{}", medium["id"])
}

async fn replace(user: &User<'_>, medium: &Value, at: i64, bytes: &[u8]) -> Answer {
    let ask = user.ask(Method::PUT, &format!("{}/file", place(medium)));
    ask.at(at).form("b.png", bytes, &[]).send().await
}

async fn upload(user: &User<'_>, shade: u8) -> Value {
    let texts = [("alt", "Trồng cây")];
    let answer = user
        .upload("a.png", &picture(300, 200, shade), &texts)
        .await;
    answer.created()
}

#[actix_web::test]
async fn readers_see_the_new_file_when_the_article_is_published_again() {
    let portal = Portal::new().await;
    let (editor, publisher) = (portal.editor().await, portal.publisher().await);
    let medium = upload(&editor, 1).await;
    let article = portal.show(&[&medium]).await;
    let public = format!("/v1/media/{}", medium["id"]);
    let old = local(&portal.get(&public).await.ok()["renditions"][0]["url"]);
    let new = replace(&editor, &medium, version(&medium), &picture(640, 480, 2)).await;
    let new = new.ok();
    assert_eq!(
        (&new["width"], &new["file_name"]),
        (&json!(640), &json!("b.png"))
    );
    assert_eq!(new["content"], medium["content"]);
    assert_eq!(new["version"], 2);
    // Nothing has happened to what is public.
    let shown = portal.get(&public).await.ok();
    assert_eq!(local(&shown["renditions"][0]["url"]), old);
    portal.get(&old).await.status_is(200);
    let correction = json!({"kind": "minor"});
    publisher.act(&article, "publish", &correction).await;
    let shown = portal.get(&public).await.ok();
    let address = local(&shown["renditions"][0]["url"]);
    assert_ne!(address, old);
    assert_eq!(shown["width"], 640);
    portal.get(&address).await.status_is(200);
    portal.get(&old).await.problem(404, "not_found");
}

#[actix_web::test]
async fn a_withdrawal_closes_the_files_from_before_a_replacement_too() {
    let portal = Portal::new().await;
    let (editor, publisher) = (portal.editor().await, portal.publisher().await);
    let medium = upload(&editor, 1).await;
    let article = portal.show(&[&medium]).await;
    let public = format!("/v1/media/{}", medium["id"]);
    let old = local(&portal.get(&public).await.ok()["renditions"][0]["url"]);
    let new = replace(&editor, &medium, 1, &picture(640, 480, 2)).await;
    new.ok();
    let minor = json!({"kind": "minor"});
    publisher.act(&article, "publish", &minor).await;
    portal.get(&old).await.problem(404, "not_found");
    let path = format!("{}/withdraw", place(&medium));
    let reason = json!({"reason_code": "privacy"});
    publisher.post_at(&path, 2, &reason).await.ok();
    portal.get(&old).await.problem(410, "file_withdrawn");
    // The old bytes uploaded anew are another medium, and stay closed for readers.
    let again = upload(&editor, 1).await;
    assert_ne!(again["id"], medium["id"]);
    portal.show(&[&again]).await;
    portal.get(&old).await.problem(410, "file_withdrawn");
}

#[actix_web::test]
async fn what_cannot_take_its_place_is_refused_and_leaves_nothing() {
    let portal = Portal::new().await;
    let (editor, reporter) = (portal.editor().await, portal.reporter().await);
    let (medium, other) = (upload(&editor, 1).await, upload(&editor, 2).await);
    let count = |portal: &Portal| {
        bantin::service::media::storage::list(&portal.ctx.blobs)
            .unwrap()
            .len()
    };
    let before = count(&portal);
    let new = picture(640, 480, 3);
    replace(&reporter, &medium, 1, &new)
        .await
        .problem(403, "forbidden");
    replace(&editor, &medium, 9, &new)
        .await
        .problem(412, "version_mismatch");
    let ask = editor.ask(Method::PUT, &format!("{}/file", place(&medium)));
    let missing = ask.form("b.png", &new, &[]).send().await;
    missing.problem(428, "precondition_required");
    let taken = replace(&editor, &medium, 1, &picture(300, 200, 2)).await;
    let problem = taken.problem(409, "media_known");
    let detail = problem["detail"].as_str().unwrap();
    assert!(detail.contains(&other["id"].to_string()), "{detail}");
    let pdf = b"%PDF-1.4\n1 0 obj\n<<>>\nendobj\ntrailer\n<<>>\nstartxref\n9\n%%EOF\n";
    let document = replace(&editor, &medium, 1, pdf).await;
    document.faults(422, "invalid", &["/file conflict"]);
    replace(&editor, &medium, 1, b"hello")
        .await
        .problem(415, "unsupported_media_type");
    let ask = editor.ask(Method::PUT, &format!("{}/file", place(&medium)));
    let ask = ask.at(1).form("b.png", &new, &[("alt", "x")]);
    ask.send()
        .await
        .faults(422, "invalid", &["/alt unknown_field"]);
    assert_eq!(count(&portal), before);
    // The same file is no change, whatever the version.
    let same = replace(&editor, &medium, 9, &picture(300, 200, 1))
        .await
        .ok();
    assert_eq!(same["version"], 1);
    let publisher = portal.publisher().await;
    let path = format!("{}/withdraw", place(&medium));
    publisher
        .post_at(&path, 1, &json!({"reason_code": "privacy"}))
        .await
        .ok();
    replace(&editor, &medium, 2, &new)
        .await
        .problem(409, "media_withdrawn");
}

#[actix_web::test]
async fn a_repeated_replacement_answers_the_first_result() {
    let portal = Portal::new().await;
    let editor = portal.editor().await;
    let medium = upload(&editor, 1).await;
    let path = format!("{}/file", place(&medium));
    let ask = || {
        let ask = editor.ask(Method::PUT, &path).at(1);
        let ask = ask.header("idempotency-key", "thay-anh");
        ask.form("b.png", &picture(640, 480, 2), &[])
    };
    let first = ask().send().await.ok();
    let content = json!({"credit": "Ảnh: Minh An"});
    editor.patch(&place(&medium), 2, &content).await.ok();
    let again = ask().send().await.ok();
    assert_eq!(again["version"], first["version"]);
}
