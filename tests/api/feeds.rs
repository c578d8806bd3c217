//! Atom, RSS and JSON Feed, as other people's parsers read them.

use actix_web::http::Method;
use atom_syndication as atom;
use serde_json::{Value, json};

use crate::support::newsroom::{address, column};
use crate::support::sample::{content, figure, paragraph};
use crate::support::{BASE, Portal};

/// Signs that break XML or HTML written by hand.
const HARD: &str = r#"]]> & <b>"đậm"</b> 'x' &amp; 🌳 %20 {{x}}"#;

async fn atom(portal: &Portal, path: &str) -> atom::Feed {
    let answer = portal.get(path).await;
    assert_eq!(
        answer.header("content-type"),
        "application/atom+xml; charset=utf-8"
    );
    atom::Feed::read_from(&answer.body[..]).unwrap()
}

async fn rss(portal: &Portal, path: &str) -> rss::Channel {
    let answer = portal.get(path).await;
    assert_eq!(
        answer.header("content-type"),
        "application/rss+xml; charset=utf-8"
    );
    rss::Channel::read_from(&answer.body[..]).unwrap()
}

async fn json_feed(portal: &Portal, path: &str) -> Value {
    let answer = portal.get(path).await;
    assert_eq!(
        answer.header("content-type"),
        "application/feed+json; charset=utf-8"
    );
    answer.ok()
}

/// Titles of the three feeds of a place, which must agree.
async fn titles(portal: &Portal, place: &str) -> Vec<String> {
    let json = column(
        &json_feed(portal, &format!("/feeds/{place}json")).await,
        "title",
    );
    let atom = atom(portal, &format!("/feeds/{place}atom")).await;
    let atom: Vec<String> = atom
        .entries
        .into_iter()
        .map(|entry| entry.title.value)
        .collect();
    let rss = rss(portal, &format!("/feeds/{place}rss")).await;
    let rss: Vec<String> = rss
        .items
        .into_iter()
        .filter_map(|item| item.title)
        .collect();
    assert_eq!(atom, json, "{place}");
    assert_eq!(rss, json, "{place}");
    json
}

/// A portal with one article that has everything, its words full of hard signs.
async fn full_portal() -> (Portal, Value) {
    let portal = Portal::new().await;
    let medium = portal.editor().await.picture(1).await;
    let mut article = content(&format!("Tin {HARD}"), &portal.news().await);
    article["slug"] = json!("tin");
    article["lead"] = json!(format!("Dẫn\n{HARD}"));
    article["tags"] = json!(["Cây & rừng"]);
    article["published_at"] = json!("2026-03-20T08:30:00+07:00");
    article["byline"] =
        json!([{"name": "Lê Thơ", "unit": "Trung tâm VHTT & TT"}, {"name": "Minh An"}]);
    article["source"] = json!({"name": "Báo tỉnh", "url": "https://bao.example.vn/?a=1&b=2"});
    article["body"] = json!([paragraph(HARD), figure("Chú thích", &[medium])]);
    let live = portal.published(&article).await;
    let seen = portal.get(&address(&live)).await.ok();
    (portal, seen)
}

/// Text as HTML.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
        .replace('\'', "&#39;")
}

/// What the content of a feed should be: lead, body, byline.
async fn whole_content(portal: &Portal) -> String {
    let html = portal.get("/v1/articles/tin?body=html").await.ok();
    let hard = escaped(HARD);
    format!(
        "<p><strong>Dẫn<br>\n{hard}</strong></p>\n{}<p><em>Lê Thơ, Trung tâm VHTT &amp; TT</em></p>\n\
         <p><em>Minh An</em></p>\n",
        html["body_html"].as_str().unwrap()
    )
}

#[actix_web::test]
async fn atom_has_everything() {
    let (portal, seen) = full_portal().await;
    let feed = atom(&portal, "/feeds/atom").await;
    assert_eq!(feed.title.value, "Cổng thông tin điện tử");
    assert_eq!(json!(feed.id), portal.get("/v1/portal").await.ok()["uri"]);
    assert_eq!(feed.updated.to_rfc3339(), "2026-03-21T09:00:00+07:00");
    assert_eq!(feed.lang.as_deref(), Some("vi"));
    assert_eq!(feed.links[0].rel, "self");
    assert_eq!(feed.links[0].href, format!("{BASE}/feeds/atom"));

    let entry = &feed.entries[0];
    assert_eq!(json!(entry.id), seen["uri"]);
    assert_eq!(json!(entry.title.value), seen["title"]);
    assert_eq!(json!(entry.summary.as_ref().unwrap().value), seen["lead"]);
    assert_eq!(
        entry.published.unwrap().to_rfc3339(),
        "2026-03-20T08:30:00+07:00"
    );
    assert_eq!(entry.updated.to_rfc3339(), "2026-03-21T09:00:00+07:00");
    let authors: Vec<&str> = entry
        .authors
        .iter()
        .map(|author| author.name.as_str())
        .collect();
    assert_eq!(authors, ["Lê Thơ, Trung tâm VHTT & TT", "Minh An"]);
    let terms: Vec<&str> = entry.categories.iter().map(|c| c.term.as_str()).collect();
    assert_eq!(terms, ["Tin tức", "Cây & rừng"]);
    assert_eq!(json!(entry.links[0].href), seen["canonical_url"]);
    assert_eq!(entry.links[1].href, "https://bao.example.vn/?a=1&b=2");
    let content = entry.content.as_ref().unwrap();
    assert_eq!(content.content_type.as_deref(), Some("html"));
    assert_eq!(
        content.value.as_deref(),
        Some(&*whole_content(&portal).await)
    );
    assert!(whole_content(&portal).await.contains("alt=\"Một bức ảnh\""));
}

#[actix_web::test]
async fn rss_has_everything() {
    let (portal, seen) = full_portal().await;
    let channel = rss(&portal, "/feeds/rss").await;
    assert_eq!(channel.title, "Cổng thông tin điện tử");
    assert_eq!(channel.language.as_deref(), Some("vi"));
    assert_eq!(
        channel.last_build_date.as_deref(),
        Some("Sat, 21 Mar 2026 09:00:00 +0700")
    );
    assert_eq!(
        channel.atom_ext.unwrap().links[0].href,
        format!("{BASE}/feeds/rss")
    );

    let item = &channel.items[0];
    let guid = item.guid.as_ref().unwrap();
    assert_eq!(json!(guid.value), seen["uri"]);
    assert!(!guid.permalink);
    let raw = portal.get("/feeds/rss").await.text();
    assert!(raw.contains("<guid isPermaLink=\"false\">tag:"), "{raw}");
    assert_eq!(json!(item.title), seen["title"]);
    assert_eq!(json!(item.link), seen["canonical_url"]);
    // Readers take a description for HTML.
    let lead = format!("Dẫn<br>\n{}", escaped(HARD));
    assert_eq!(item.description.as_deref(), Some(lead.as_str()));
    assert_eq!(
        item.pub_date.as_deref(),
        Some("Fri, 20 Mar 2026 08:30:00 +0700")
    );
    // The parser trims.
    let content = whole_content(&portal).await;
    assert_eq!(item.content.as_deref(), Some(content.trim_end()));
    let core = item.dublin_core_ext.as_ref().unwrap();
    assert_eq!(core.creators, ["Lê Thơ, Trung tâm VHTT & TT", "Minh An"]);
    assert!(core.dates.is_empty());
    let names: Vec<&str> = item.categories.iter().map(|c| c.name.as_str()).collect();
    assert_eq!(names, ["Tin tức", "Cây & rừng"]);
}

#[actix_web::test]
async fn json_feed_has_everything() {
    let (portal, seen) = full_portal().await;
    let feed = json_feed(&portal, "/feeds/json").await;
    assert_eq!(feed["version"], "https://jsonfeed.org/version/1.1");
    assert_eq!(feed["feed_url"], format!("{BASE}/feeds/json"));
    assert_eq!(feed["language"], "vi");
    let item = &feed["items"][0];
    assert_eq!(item["id"], seen["uri"]);
    assert_eq!(item["url"], seen["canonical_url"]);
    assert_eq!(item["title"], seen["title"]);
    assert_eq!(item["summary"], seen["lead"]);
    assert_eq!(item["content_html"], whole_content(&portal).await);
    assert_eq!(item["date_published"], "2026-03-20T08:30:00+07:00");
    assert_eq!(item["date_modified"], "2026-03-21T09:00:00+07:00");
    assert_eq!(item["authors"][1], json!({"name": "Minh An"}));
    assert_eq!(item["tags"], json!(["Cây & rừng"]));
    assert_eq!(item["external_url"], "https://bao.example.vn/?a=1&b=2");
    assert_eq!(item["image"], seen["cover"]["renditions"][0]["url"]);
    assert_eq!(item["_bantin"]["published_on"], "2026-03-20");
    assert_eq!(item["_bantin"]["image_alt"], "Một bức ảnh");
}

#[actix_web::test]
async fn an_article_that_knows_only_its_day_gets_no_hour() {
    let portal = Portal::new().await;
    let mut day = content("Tin", &portal.news().await);
    day["published_on"] = json!("2024-03-21");
    let live = portal.published(&day).await;
    for updated in ["2026-03-21T09:00:00+07:00", "2026-03-21T09:05:00+07:00"] {
        let entry = atom(&portal, "/feeds/atom").await.entries.remove(0);
        assert_eq!(entry.published, None);
        assert_eq!(entry.updated.to_rfc3339(), updated);
        let item = rss(&portal, "/feeds/rss").await.items.remove(0);
        assert_eq!(item.pub_date, None);
        assert_eq!(item.dublin_core_ext.unwrap().dates, ["2024-03-21"]);
        let item = json_feed(&portal, "/feeds/json").await["items"][0].clone();
        assert_eq!(item.get("date_published"), None);
        assert_eq!(item["date_modified"], updated);
        assert_eq!(item["_bantin"]["published_on"], "2024-03-21");
        if updated.contains("09:00") {
            portal.advance(300);
            portal.publisher().await.update(&live, "correction").await;
        }
    }
}

#[actix_web::test]
async fn the_newest_fifty_are_in_it() {
    let portal = Portal::new().await;
    let category = portal.news().await;
    assert!(titles(&portal, "").await.is_empty());
    let mut expected = Vec::new();
    for i in 1..=53 {
        portal.advance(1);
        portal
            .published(&content(&format!("T{i}"), &category))
            .await;
        expected.insert(0, format!("T{i}"));
    }
    expected.truncate(50);
    assert_eq!(titles(&portal, "").await, expected);
}

#[actix_web::test]
async fn each_category_has_feeds_with_what_is_below_it() {
    let portal = Portal::new().await;
    let top = portal.category("Tin & ảnh", None).await;
    portal.category("Thôn", top["id"].as_i64()).await;
    portal.category("Khác", None).await;
    for (title, category) in [("A", "tin-anh"), ("B", "thon"), ("C", "khac")] {
        portal.advance(1);
        portal.published(&content(title, category)).await;
    }
    assert_eq!(titles(&portal, "").await, ["C", "B", "A"]);
    assert_eq!(titles(&portal, "categories/tin-anh/").await, ["B", "A"]);
    assert_eq!(titles(&portal, "categories/thon/").await, ["B"]);
    let feed = atom(&portal, "/feeds/categories/tin-anh/atom").await;
    assert_eq!(feed.title.value, "Tin & ảnh - Cổng thông tin điện tử");
    assert_eq!(
        feed.links[0].href,
        format!("{BASE}/feeds/categories/tin-anh/atom")
    );
    let category = portal.get("/v1/categories/tin-anh").await.ok();
    assert_eq!(json!(feed.id), category["uri"]);
    for path in [
        "/feeds/categories/khong-co/atom",
        "/feeds/categories/khac/pdf",
        "/feeds/xml",
    ] {
        portal.get(path).await.problem(404, "not_found");
    }
}

#[actix_web::test]
async fn what_is_no_news_any_more_is_in_no_feed() {
    let portal = Portal::new().await;
    let publisher = portal.publisher().await;
    let category = portal.news().await;
    let mut live = Vec::new();
    for title in ["A", "B", "C", "D"] {
        portal.advance(1);
        live.push(portal.published(&content(title, &category)).await);
    }
    publisher.withdraw(&live[0]).await;
    publisher.take_down(&live[1]).await;
    publisher.archive(&live[2]).await;
    assert_eq!(titles(&portal, "").await, ["D"]);
    assert_eq!(titles(&portal, "categories/tin-tuc/").await, ["D"]);
}

#[actix_web::test]
async fn atom_tells_its_readers_what_was_taken_down() {
    let portal = Portal::new().await;
    let publisher = portal.publisher().await;
    let live = portal
        .published(&content("Tin mật", &portal.news().await))
        .await;
    let uri = portal.get(&address(&live)).await.ok()["uri"].clone();
    portal.advance(60);
    let down = publisher.take_down(&live).await;
    for place in ["", "categories/tin-tuc/"] {
        let path = format!("/feeds/{place}atom");
        let feed = atom(&portal, &path).await;
        assert!(feed.entries.is_empty());
        assert_eq!(feed.updated.to_rfc3339(), "2026-03-21T09:01:00+07:00");
        let gone = &feed.extensions["at"]["deleted-entry"][0];
        assert_eq!(json!(gone.attrs["ref"]), uri);
        assert_eq!(gone.attrs["when"], "2026-03-21T09:01:00+07:00");
        let text = portal.get(&path).await.text();
        assert!(!text.contains("mật"), "{text}");
    }
    publisher.restore(&down).await;
    assert!(atom(&portal, "/feeds/atom").await.extensions.is_empty());
    assert_eq!(titles(&portal, "").await, ["Tin mật"]);
}

#[actix_web::test]
async fn readers_ask_again_cheaply_and_with_any_parameters() {
    let (portal, _) = full_portal().await;
    for path in [
        "/feeds/atom",
        "/feeds/rss",
        "/feeds/categories/tin-tuc/json",
    ] {
        let first = portal.get(path).await;
        assert!(first.header("cache-control").contains("max-age=30"));
        let etag = first.header("etag");
        let known = portal.ask(Method::GET, path).header("if-none-match", &etag);
        let known = known.send().await;
        assert_eq!((known.status, known.body.len()), (304, 0), "{path}");
        assert_eq!(known.header("etag"), etag);
        let marked = portal
            .get(&format!("{path}?utm_source=x&limit=0&utm_source=%ff"))
            .await;
        assert_eq!(marked.body, first.body, "{path}");
        let head = portal.ask(Method::HEAD, path).send().await;
        assert_eq!((head.status, head.header("etag")), (200, etag.clone()));
        portal
            .published(&content(&format!("Mới {}", path.len()), "tin-tuc"))
            .await;
        let now = portal.ask(Method::GET, path).header("if-none-match", &etag);
        assert_eq!(now.send().await.status, 200, "{path}");
    }
}
