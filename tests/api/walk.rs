//! The main job, end to end: an article goes from an editor's hands to a reader.

use serde_json::json;

use crate::support::{Portal, sample};

#[actix_web::test]
async fn an_article_goes_from_the_editor_to_the_reader() {
    let portal = Portal::new().await;
    let category = portal.news().await;
    let editor = portal.editor().await;
    let medium = editor.picture(1).await;
    let mut content = sample::content("Ra quân trồng cây đầu xuân", &category);
    content["body"] = json!([
        sample::paragraph("Sáng 12/2."),
        sample::figure("Trồng cây", &[medium])
    ]);
    let draft = editor.draft(&content).await;
    let path = format!(
        "/v1/articles/{}",
        draft["content"]["slug"].as_str().unwrap()
    );

    portal.get(&path).await.problem(404, "not_found");
    let published = portal
        .publisher()
        .await
        .act(&draft, "publish", &json!({}))
        .await;
    assert_eq!(published["public_state"], "live");

    let article = portal.get(&path).await.ok();
    assert_eq!(article["title"], content["title"]);
    assert_eq!(article["body"][0]["children"][0]["text"], "Sáng 12/2.");
    assert_eq!(article["body"][1]["caption"], "Trồng cây");
    assert_eq!(article["body"][1]["media"][0]["alt"], "Một bức ảnh");

    let changes = portal.get("/v1/changes").await.ok();
    let last = changes["items"].as_array().unwrap().last().unwrap();
    assert_eq!(last["object"]["uri"], article["uri"]);
    assert_eq!(last["why"], "published");
}
