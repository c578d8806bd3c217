//! Nothing unpublished is visible: no public address shows a word that only editors know.

use serde_json::{Value, json};

use crate::support::newsroom::column;
use crate::support::sample::{content, figure, paragraph};
use crate::support::{BASE, Portal, document};

/// Every public GET of the document, with known values for its parameters, and the files.
async fn public_addresses(portal: &Portal, known: &[(&str, Vec<String>)]) -> Vec<String> {
    let mut addresses = Vec::new();
    for (pattern, item) in document()["paths"].as_object().unwrap() {
        let Some(operation) = item.get("get") else {
            continue;
        };
        let public = operation["security"] == json!([])
            && !pattern.starts_with("/v1/auth")
            && !pattern.starts_with("/v1/editorial");
        if public {
            addresses.extend(filled(pattern, known));
        }
    }
    let mut more = Vec::new();
    for address in &addresses {
        match address.as_str() {
            "/v1/articles" => more.extend(list_queries()),
            address if is_article(address) => {
                more.extend(["html", "text"].map(|form| format!("{address}?body={form}")));
            }
            _ => {}
        }
    }
    addresses.extend(more);
    // Whatever a public answer links to is public, too.
    let media = portal.get("/v1/media?limit=100").await.ok();
    for medium in media["items"].as_array().unwrap() {
        for rendition in medium["renditions"].as_array().unwrap() {
            let url = rendition["url"].as_str().unwrap();
            addresses.push(url.trim_start_matches(BASE).to_owned());
        }
    }
    addresses
}

/// A pattern with every known value in the place of each parameter.
fn filled(pattern: &str, known: &[(&str, Vec<String>)]) -> Vec<String> {
    let mut addresses = vec![pattern.to_owned()];
    for (name, values) in known {
        let fits = |address: &String| address.contains(name);
        if addresses.iter().any(fits) {
            addresses = addresses
                .iter()
                .flat_map(|address| values.iter().map(move |value| address.replace(name, value)))
                .collect();
        }
    }
    addresses
}

fn is_article(address: &str) -> bool {
    let below = address.strip_prefix("/v1/articles/");
    below.is_some_and(|below| !below.contains('/'))
}

fn list_queries() -> Vec<String> {
    [
        "view=full",
        "tag=dauhieu",
        "category=muc-khac",
        "language=en",
        "featured=true",
        "sort=oldest&count=true",
    ]
    .iter()
    .map(|query| format!("/v1/articles?{query}"))
    .collect()
}

/// Where a word is to be seen.
async fn sightings(portal: &Portal, addresses: &[String], word: &str) -> Vec<String> {
    let mut found = Vec::new();
    for address in addresses {
        let answer = portal.get(address).await;
        let location = answer.header("location");
        if answer.text().contains(word) || location.contains(word) {
            found.push(address.clone());
        }
    }
    found
}

/// Content in which each text holds the word.
fn marked(word: &str, category: &str, medium: i64) -> Value {
    let mut content = content(&format!("Tiêu đề {word}"), category);
    content["slug"] = json!(format!("bai-{word}"));
    content["lead"] = json!(format!("Dẫn {word}"));
    content["tags"] = json!([word]);
    content["language"] = json!("en");
    content["featured"] = json!(true);
    content["byline"] = json!([{"name": format!("Tên {word}"), "unit": word, "role": word}]);
    content["source"] = json!({"name": word, "url": format!("https://{word}.example.vn/")});
    let mut photo = figure(&format!("Chú thích {word}"), &[medium]);
    photo["credit"] = json!(format!("Ảnh: {word}"));
    content["body"] = json!([
        paragraph(&format!("Đoạn {word}")),
        photo,
        {"_type": "table", "caption": word, "rows": [{"cells": [{"children": [{"_type": "span", "text": word}]}]}]},
        {"_type": "attachment", "media_id": medium, "title": word},
        {"_type": "embed", "url": format!("https://youtu.be/{word}"), "title": word},
    ]);
    content
}

#[actix_web::test]
async fn no_public_address_shows_what_is_not_published() {
    let word = "dauhieu";
    let portal = Portal::new().await;
    let publisher = portal.publisher().await;
    let category = portal.news().await;
    let open = publisher.picture(1).await;
    let bytes = crate::support::sample::picture(41, 30, 9);
    let texts = [("alt", "Mô tả dauhieu"), ("credit", "Của dauhieu")];
    let secret = publisher.upload("dauhieu.png", &bytes, &texts).await;
    let secret = secret.created()["id"].as_i64().unwrap();
    // The category is public from its first moment; that articles will move there is not.
    let other = portal.category("Mục khác", None).await;
    let other = other["content"]["slug"].as_str().unwrap();

    let mut first = content("Tin đã đăng", &category);
    first["body"] = json!([figure("Chú thích đã đăng", &[open])]);
    let live = portal.published(&first).await;
    portal.published(&content("Tin bên cạnh", &category)).await;
    let editor = portal.editor().await;
    let reporter = portal.reporter().await;
    let draft = reporter.draft(&marked(word, &category, secret)).await;
    let mut change = marked(word, other, secret);
    change["slug"] = json!("moi-dauhieu");
    let changed = editor.edit(&live, &change).await;
    let shown = portal.get("/v1/articles/tin-da-dang").await.ok();

    let captions: Vec<String> = (1..=4).map(|id| id.to_string()).collect();
    let mut slugs = vec!["tin-da-dang".to_owned(), "bai-dauhieu".to_owned()];
    slugs.extend(["moi-dauhieu", "tin-ben-canh", category.as_str(), other].map(str::to_owned));
    let hash = "0".repeat(64);
    let known = [
        ("{slug}", slugs),
        ("{id}", captions),
        (
            "{format}",
            ["atom", "rss", "json"].map(str::to_owned).to_vec(),
        ),
        ("{hash}", vec![hash.clone()]),
        ("{token}", vec![format!("1-{hash}")]),
        ("{rendition}", ["full", "w640"].map(str::to_owned).to_vec()),
    ];
    let addresses = public_addresses(&portal, &known).await;
    assert!(
        addresses.iter().all(|address| !address.contains('{')),
        "{addresses:#?}"
    );
    assert_eq!(
        sightings(&portal, &addresses, word).await,
        Vec::<String>::new()
    );
    assert_eq!(
        column(&portal.get("/v1/media").await.ok(), "alt"),
        ["Một bức ảnh"]
    );
    let others = portal.get(&format!("/v1/articles?category={other}")).await;
    assert_eq!(others.ok()["items"], json!([]));
    for slug in ["bai-dauhieu", "moi-dauhieu"] {
        let path = format!("/v1/articles/{slug}");
        portal.get(&path).await.problem(404, "not_found");
    }
    // Nor is the file, at the address that it will have.
    let medium = format!("/v1/editorial/media/{secret}");
    let preview = publisher.get(&medium).await.ok();
    assert_eq!(preview["public"], json!(false), "{preview}");

    // The same addresses do show the word once it is published, so this test can fail.
    publisher.act(&draft, "publish", &json!({})).await;
    publisher.update(&changed, "minor").await;
    assert_ne!(portal.get("/v1/articles/moi-dauhieu").await.ok(), shown);
    let addresses = public_addresses(&portal, &known).await;
    let seen = sightings(&portal, &addresses, word).await;
    for address in [
        "/v1/articles",
        "/v1/articles/bai-dauhieu",
        "/v1/articles/bai-dauhieu?body=html",
        "/v1/articles/moi-dauhieu?body=text",
        "/v1/articles/tin-da-dang",
        "/v1/articles/tin-ben-canh/others",
        "/v1/articles?category=muc-khac",
        "/v1/articles?tag=dauhieu",
        "/v1/captions",
        "/v1/changes",
        "/v1/home",
        "/v1/media",
        "/feeds/atom",
        "/feeds/rss",
        "/feeds/json",
        "/feeds/categories/muc-khac/rss",
    ] {
        assert!(
            seen.iter().any(|found| found == address),
            "{address}: {seen:#?}"
        );
    }
}

#[actix_web::test]
async fn a_file_is_served_only_while_something_public_holds_it() {
    let portal = Portal::new().await;
    let publisher = portal.publisher().await;
    let category = portal.news().await;
    let medium = publisher.picture(1).await;
    let mut content = content("Tin", &category);
    content["body"] = json!([figure("Ảnh", &[medium])]);
    let draft = publisher.draft(&content).await;
    // The address can be known: the same picture is public elsewhere.
    let elsewhere = Portal::new().await;
    elsewhere.news().await;
    assert_eq!(elsewhere.publisher().await.picture(1).await, medium);
    elsewhere.published(&content).await;
    let path = format!("/v1/media/{medium}");
    let file = elsewhere.get(&path).await.ok()["renditions"][0]["url"].clone();
    let file = file.as_str().unwrap().trim_start_matches(BASE);
    assert_eq!(elsewhere.get(file).await.status, 200);
    portal.get(file).await.problem(404, "not_found");

    let live = publisher.act(&draft, "publish", &json!({})).await;
    assert_eq!(portal.get(file).await.status, 200);
    let down = publisher.take_down(&live).await;
    portal.get(file).await.problem(404, "not_found");
    // A draft that holds it does not bring it back.
    publisher.draft(&content).await;
    portal.get(file).await.problem(404, "not_found");
    portal.get(&path).await.problem(404, "not_found");
    publisher.restore(&down).await;
    assert_eq!(portal.get(file).await.status, 200);
}
