//! Text alternatives: what readers who cannot see a picture are told, and what is refused before.

use serde_json::{Value, json};

use crate::support::{Portal, User, sample};

async fn bare(user: &User<'_>, shade: u8) -> i64 {
    let bytes = sample::picture(40, 30, shade);
    let medium = user.upload("T 29.png", &bytes, &[]).await.created();
    medium["id"].as_i64().unwrap()
}

fn pointers(problem: &Value) -> Vec<&str> {
    let errors = problem["errors"].as_array().unwrap().iter();
    errors.map(|e| e["pointer"].as_str().unwrap()).collect()
}

async fn draft(portal: &Portal, media: Value) -> Value {
    let news = portal.news().await;
    let body = json!([sample::paragraph("Sáng nay."), {"_type": "figure", "media": media}]);
    let content = sample::with(&sample::content("Có ảnh", &news), "body", body);
    portal.reporter().await.draft(&content).await
}

#[actix_web::test]
async fn a_new_picture_without_alternative_is_not_published() {
    let portal = Portal::new().await;
    let reporter = portal.reporter().await;
    let (one, two) = (bare(&reporter, 1).await, bare(&reporter, 2).await);
    let told = reporter.picture(3).await;
    let media = json!([
        {"media_id": told}, {"media_id": one}, {"media_id": two, "alt": "Hàng cây"}
    ]);
    let article = draft(&portal, media).await;
    let warned = json!([{
        "pointer": "/content/body/1/media/1", "code": "missing_alt", "media_id": one
    }]);
    assert_eq!(article["warnings"], warned);
    let publisher = portal.publisher().await;
    for body in [json!({}), json!({"at": "2026-03-22T08:00:00+07:00"})] {
        let refused = publisher.try_act(&article, "publish", &body).await;
        refused.problem(422, "invalid");
        assert_eq!(pointers(&refused.json()), ["/content/body/1/media/1"]);
    }
    // The medium's own words count, and so does the mark that there is nothing to see.
    let path = format!("/v1/editorial/media/{one}");
    reporter
        .patch(&path, 1, &json!({"decorative": true}))
        .await
        .ok();
    let article = publisher.act(&article, "publish", &json!({})).await;
    assert_eq!(article["warnings"], json!([]));
    let live = portal.get(&sample_address(&article)).await.ok();
    let shown = live["body"][1]["media"].as_array().unwrap();
    assert_eq!(shown[0]["alt"], "Một bức ảnh");
    assert_eq!(
        (&shown[1]["alt"], &shown[1]["decorative"]),
        (&Value::Null, &json!(true))
    );
    assert_eq!(shown[2]["alt"], "Hàng cây");
}

fn sample_address(article: &Value) -> String {
    format!(
        "/v1/articles/{}",
        article["content"]["slug"].as_str().unwrap()
    )
}

#[actix_web::test]
async fn a_cover_needs_one_too_unless_a_figure_says_it() {
    let portal = Portal::new().await;
    let reporter = portal.reporter().await;
    let medium = bare(&reporter, 1).await;
    let news = portal.news().await;
    let mut content = sample::content("Ảnh bìa", &news);
    content["cover_media_id"] = json!(medium);
    let article = reporter.draft(&content).await;
    let publisher = portal.publisher().await;
    let refused = publisher.try_act(&article, "publish", &json!({})).await;
    refused.problem(422, "invalid");
    assert_eq!(pointers(&refused.json()), ["/content/cover_media_id"]);
    content["body"] = json!([
        {"_type": "figure", "media": [{"media_id": medium, "alt": "Hàng cây"}]}
    ]);
    let article = reporter.replace(&article, &content).await.ok();
    publisher.act(&article, "publish", &json!({})).await;
}

#[actix_web::test]
async fn what_was_public_before_holds_no_correction_up() {
    let portal = Portal::new().await;
    let reporter = portal.reporter().await;
    let old = reporter.picture(1).await;
    let article = draft(&portal, json!([{"media_id": old}])).await;
    let publisher = portal.publisher().await;
    let article = publisher.act(&article, "publish", &json!({})).await;
    // The text goes after the publication: readers keep what was frozen.
    let path = format!("/v1/editorial/media/{old}");
    reporter.patch(&path, 1, &json!({"alt": null})).await.ok();
    let article = publisher.edit(&article, &json!({"title": "Tên mới"})).await;
    assert_eq!(article["warnings"][0]["code"], "missing_alt");
    let article = publisher.update(&article, "minor").await;
    // A picture that is added now is another matter.
    let new = bare(&reporter, 2).await;
    let body = json!([{"_type": "figure", "media": [{"media_id": old}, {"media_id": new}]}]);
    let article = publisher.edit(&article, &json!({"body": body})).await;
    assert_eq!(article["warnings"].as_array().unwrap().len(), 2);
    let minor = json!({"kind": "minor"});
    let refused = publisher.try_act(&article, "publish", &minor).await;
    assert_eq!(pointers(&refused.json()), ["/content/body/0/media/1"]);
}

#[actix_web::test]
async fn what_was_only_attached_was_not_shown() {
    let portal = Portal::new().await;
    let reporter = portal.reporter().await;
    let medium = bare(&reporter, 1).await;
    let news = portal.news().await;
    let attached = json!([{"_type": "attachment", "media_id": medium, "title": "Tải ảnh"}]);
    let content = sample::with(&sample::content("Đính kèm", &news), "body", attached);
    let article = portal.published(&content).await;
    let publisher = portal.publisher().await;
    let figure = json!([{"_type": "figure", "media": [{"media_id": medium}]}]);
    let article = publisher.edit(&article, &json!({"body": figure})).await;
    let minor = json!({"kind": "minor"});
    let refused = publisher.try_act(&article, "publish", &minor).await;
    refused.problem(422, "invalid");
    assert_eq!(pointers(&refused.json()), ["/content/body/0/media/0"]);
}

#[actix_web::test]
async fn a_decorative_medium_has_no_text() {
    let portal = Portal::new().await;
    let editor = portal.editor().await;
    let bytes = sample::picture(40, 30, 1);
    let both = [("alt", "Hàng cây"), ("decorative", "true")];
    let refused = editor.upload("a.png", &bytes, &both).await;
    refused.problem(422, "invalid");
    let odd = [("decorative", "yes"), ("ai_label", "robot")];
    let refused = editor.upload("a.png", &bytes, &odd).await;
    refused.problem(422, "invalid");
    let mut places = pointers(&refused.json())
        .iter()
        .map(ToString::to_string)
        .collect::<Vec<_>>();
    places.sort();
    assert_eq!(places, ["/ai_label", "/decorative"]);
    let mark = [("decorative", "true")];
    let medium = editor.upload("a.png", &bytes, &mark).await.created();
    assert_eq!(medium["content"]["decorative"], true);
    let path = format!("/v1/editorial/media/{}", medium["id"]);
    let refused = editor.patch(&path, 1, &json!({"alt": "Hàng cây"})).await;
    refused.problem(422, "invalid");
    let change = json!({"alt": "Hàng cây", "decorative": false});
    editor.patch(&path, 1, &change).await.ok();
}

#[actix_web::test]
async fn readers_learn_what_a_machine_had_a_hand_in() {
    let portal = Portal::new().await;
    let reporter = portal.reporter().await;
    let bytes = sample::picture(40, 30, 1);
    let texts = [("alt", "Hàng cây"), ("ai_label", "generated")];
    let medium = reporter.upload("a.png", &bytes, &texts).await.created();
    let article = draft(&portal, json!([{"media_id": medium["id"]}])).await;
    assert_eq!(article["content"]["ai_label"], "none");
    let change = json!({"ai_label": "assisted"});
    let article = reporter.edit(&article, &change).await;
    let diff = format!("{}/editions/2/diff?against=1", sample::path(&article));
    let diff = reporter.get(&diff).await.ok();
    let wanted = json!({"before": "none", "after": "assisted"});
    assert_eq!(diff["fields"]["ai_label"], wanted, "{diff}");
    let publisher = portal.publisher().await;
    let article = publisher.act(&article, "publish", &json!({})).await;
    let live = portal.get(&sample_address(&article)).await.ok();
    assert_eq!(live["ai_label"], "assisted");
    assert_eq!(live["cover"]["ai_label"], "generated");
    assert_eq!(live["body"][1]["media"][0]["ai_label"], "generated");
    let public = portal
        .get(&format!("/v1/media/{}", medium["id"]))
        .await
        .ok();
    assert_eq!(public["ai_label"], "generated");
    let list = portal.get("/v1/articles").await.ok();
    assert_eq!(list["items"][0]["ai_label"], "assisted");
}
