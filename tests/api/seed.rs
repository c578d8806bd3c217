//! The page that the project began with, entered through the API and read back. It lies beside the
//! project, not in it; where it is absent, the test says so and `tests/databases.rs` too.

use serde_json::{Value, json};

use crate::support::sample::{local, version};
use crate::support::{Portal, User};

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/seed");

/// The page as data, if it is here.
#[expect(
    clippy::print_stdout,
    reason = "nobody may take a skipped test for a passed one"
)]
fn page() -> Option<Value> {
    match std::fs::read(format!("{FOLDER}/article.json")) {
        Ok(bytes) => Some(serde_json::from_slice(&bytes).unwrap()),
        Err(_) => {
            println!("NOT TESTED: the seed page, since {FOLDER} is not here");
            None
        }
    }
}

fn figures(page: &Value) -> Vec<&Value> {
    let blocks = page["body"].as_array().unwrap().iter();
    blocks.filter_map(|block| block.get("figure")).collect()
}

fn files(figure: &Value) -> Vec<&str> {
    let files = figure["files"].as_array().unwrap().iter();
    files.map(|file| file.as_str().unwrap()).collect()
}

/// The text alternative of a picture, which the page does not have.
fn alt(medium: &Value) -> String {
    format!("Mô tả ảnh {}", medium["bytes"])
}

/// Uploads a file of the page under its printed name; answers the medium.
async fn upload(user: &User<'_>, file: &str) -> Value {
    let bytes = std::fs::read(format!("{FOLDER}/media/{file}")).unwrap();
    let text = alt(&json!({"bytes": bytes.len()}));
    user.upload(file, &bytes, &[("alt", &text)]).await.created()
}

/// The page's content as an editor sends it, over media by file name.
fn written(page: &Value, category: &str, media: &[(&str, Value)]) -> Value {
    let id = |file: &str| media.iter().find(|(name, _)| *name == file).unwrap().1["id"].clone();
    let blocks = page["body"].as_array().unwrap().iter().map(|block| match block.get("figure") {
        Some(figure) => {
            let media: Vec<Value> = files(figure).iter().map(|file| json!({"media_id": id(file)})).collect();
            json!({"_type": "figure", "caption": figure["caption"], "media": media})
        }
        None => json!({"_type": "block", "children": [{"_type": "span", "text": block["paragraph"]}]}),
    });
    json!({
        "title": page["title"], "lead": page["lead"], "category": category,
        "published_on": page["published_on"], "byline": page["byline"],
        "body": blocks.collect::<Vec<_>>(),
    })
}

/// Every public path at which something of an article could show.
async fn public_paths(portal: &Portal, article: &Value, media: &[(&str, Value)]) -> Vec<String> {
    let slug = article["content"]["slug"].as_str().unwrap();
    let category = article["content"]["category"].as_str().unwrap();
    let mut paths: Vec<String> = [
        "/v1/home",
        "/v1/articles",
        "/v1/articles?view=full",
        "/v1/captions",
        "/v1/media",
        "/v1/changes?limit=100",
        "/v1/corrections",
        "/v1/categories",
        "/v1/portal",
        "/feeds/atom",
        "/feeds/rss",
        "/feeds/json",
    ]
    .map(str::to_owned)
    .into();
    paths.push(format!("/v1/articles?category={category}"));
    for form in ["atom", "rss", "json"] {
        paths.push(format!("/feeds/categories/{category}/{form}"));
    }
    for below in ["", "/others", "/corrections", "?body=html", "?body=text"] {
        paths.push(format!("/v1/articles/{slug}{below}"));
    }
    for block in article["content"]["body"].as_array().unwrap() {
        if let Some(id) = block["caption_id"].as_i64() {
            paths.push(format!("/v1/captions/{id}"));
        }
    }
    for (_, medium) in media {
        paths.push(format!("/v1/media/{}", medium["id"]));
        // The address that the file will have is known from the hash of its bytes.
        for rendition in medium["renditions"].as_array().unwrap() {
            let file = portal.get(&local(&rendition["preview_url"])).await;
            let hash = file.header("etag");
            let name = rendition["name"].as_str().unwrap();
            paths.push(format!("/media/{}/{name}", hash.trim_matches('"')));
        }
    }
    paths
}

#[actix_web::test]
async fn the_seed_page_comes_back_whole_and_nothing_of_it_shows_before() {
    let Some(page) = page() else {
        return;
    };
    let portal = Portal::new().await;
    let (admin, editor) = (portal.admin().await, portal.editor().await);
    let publisher = portal.publisher().await;

    // Portal and category as on the page.
    let now = admin.get("/v1/editorial/portal").await.ok();
    let portal_put = admin
        .put("/v1/editorial/portal", version(&now), &page["portal"])
        .await;
    assert_eq!(
        portal_put.ok()["content"]["slogan"],
        page["portal"]["slogan"]
    );
    let category = portal
        .category(page["category"].as_str().unwrap(), None)
        .await;
    let category = category["content"]["slug"].as_str().unwrap();

    let mut media: Vec<(&str, Value)> = Vec::new();
    for file in figures(&page).into_iter().flat_map(files) {
        media.push((file, upload(&editor, file).await));
    }
    assert_eq!(media.len(), 6);
    for (file, medium) in &media {
        assert_eq!(medium["file_name"], *file);
    }
    let content = written(&page, category, &media);
    let draft = editor.draft(&content).await;

    // A draft is nowhere.
    let paths = public_paths(&portal, &draft, &media).await;
    let sentence = page["body"][1]["paragraph"].as_str().unwrap();
    let beginning: String = sentence.chars().take(40).collect();
    let secrets = [page["title"].as_str().unwrap(), &beginning];
    for path in &paths {
        let answer = portal.get(path).await;
        assert!(
            [200, 404].contains(&answer.status),
            "{path}: {}",
            answer.status
        );
        let text = answer.text();
        for secret in secrets {
            assert!(!text.contains(secret), "{path} shows a draft");
        }
        let slug = draft["content"]["slug"].as_str().unwrap();
        if path.starts_with("/media/") || path.contains(slug) || path.starts_with("/v1/media/") {
            answer.problem(404, "not_found");
        }
    }

    publisher.act(&draft, "publish", &json!({})).await;
    for path in &paths {
        let answer = portal.get(path).await;
        answer.status_is(200);
        // On the page they had leaked into the text.
        for (file, _) in &media {
            assert!(
                !answer.text().contains(file),
                "{path} shows the name of a file"
            );
        }
    }
    let article = portal
        .get(&format!(
            "/v1/articles/{}",
            draft["content"]["slug"].as_str().unwrap()
        ))
        .await
        .ok();
    compare(&page, &media, &article);
    let feed = portal.get("/feeds/rss").await.text();
    assert!(
        feed.contains("2024-03-21") && !feed.contains("<pubDate>"),
        "{feed}"
    );

    // What was entered is what editors read, too.
    let read = editor.read(&draft).await;
    for field in ["title", "lead", "published_on"] {
        assert_eq!(read["content"][field], page[field], "{field}");
    }
    assert_eq!(read["content"]["published_at"], Value::Null);
}

/// The article as readers get it against the page.
fn compare(page: &Value, media: &[(&str, Value)], article: &Value) {
    assert_eq!(article["title"], page["title"]);
    assert_eq!(article["lead"], page["lead"]);
    assert_eq!(article["category"]["name"], page["category"]);
    assert_eq!(article["published_on"], page["published_on"]);
    assert_eq!(article["published_at"], Value::Null);
    assert_eq!(article["updated_at"], Value::Null);
    let byline = &article["byline"];
    assert_eq!(byline.as_array().unwrap().len(), 1);
    for field in ["name", "unit"] {
        assert_eq!(byline[0][field], page["byline"][0][field]);
    }
    let (wanted, found) = (
        page["body"].as_array().unwrap(),
        article["body"].as_array().unwrap(),
    );
    assert_eq!(found.len(), wanted.len());
    let mut over_two = 0;
    for (wanted, found) in wanted.iter().zip(found) {
        let Some(figure) = wanted.get("figure") else {
            assert_eq!(found["_type"], "block");
            assert_eq!(found["children"].as_array().unwrap().len(), 1);
            assert_eq!(found["children"][0]["text"], wanted["paragraph"]);
            continue;
        };
        assert_eq!(found["_type"], "figure");
        assert_eq!(found["caption"], figure["caption"]);
        let shown = found["media"].as_array().unwrap();
        assert_eq!(shown.len(), files(figure).len());
        over_two += usize::from(shown.len() == 2);
        for (file, shown) in files(figure).into_iter().zip(shown) {
            let medium = &media.iter().find(|(name, _)| *name == file).unwrap().1;
            assert_eq!(shown["media_id"], medium["id"]);
            assert_eq!(shown["alt"], alt(medium));
        }
    }
    assert_eq!((figures(page).len(), over_two), (5, 1));
    // 90.jpg lies on its side in the camera's file.
    let turned = &media.iter().find(|(name, _)| *name == "90.jpg").unwrap().1;
    assert!(turned["height"].as_i64() > turned["width"].as_i64());
    let first = figures(page)[0];
    assert_eq!(
        article["cover"]["id"],
        media
            .iter()
            .find(|(name, _)| *name == files(first)[0])
            .unwrap()
            .1["id"]
    );
}
