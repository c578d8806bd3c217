//! Lists: filters, order, paging.

use serde_json::{Value, json};

use crate::support::newsroom::{column, slug};
use crate::support::sample::content;
use crate::support::{BASE, Portal};

/// Articles of a small portal: `Tin tức` with `Thôn bản` below it, and `Văn bản`.
async fn small_portal() -> Portal {
    let portal = Portal::new().await;
    let news = portal.category("Tin tức", None).await;
    portal
        .category("Thôn bản", Some(news["id"].as_i64().unwrap()))
        .await;
    portal.category("Văn bản", None).await;
    for (title, category, more) in [
        (
            "A",
            "tin-tuc",
            json!({"published_on": "2026-03-01", "tags": ["Nông thôn mới"]}),
        ),
        (
            "B",
            "thon-ban",
            json!({"published_on": "2026-03-02", "featured": true}),
        ),
        (
            "C",
            "van-ban",
            json!({"published_on": "2026-03-02", "language": "en", "tags": ["Cây", "NÔNG THÔN MỚI"]}),
        ),
        (
            "D",
            "tin-tuc",
            json!({"published_at": "2026-03-02T23:59:59.999999+07:00"}),
        ),
        (
            "E",
            "tin-tuc",
            json!({"published_at": "2026-03-03T00:00:00+07:00"}),
        ),
        ("F", "thon-ban", json!({"published_on": "2026-03-03"})),
    ] {
        let mut content = content(title, category);
        for (field, value) in more.as_object().unwrap() {
            content[field] = value.clone();
        }
        portal.published(&content).await;
    }
    portal
}

/// Titles of a list as one word.
async fn word(portal: &Portal, query: &str) -> String {
    portal
        .titles(&format!("/v1/articles{query}"))
        .await
        .concat()
}

#[actix_web::test]
async fn every_filter_narrows_the_list() {
    let portal = small_portal().await;
    for (query, expected) in [
        ("", "FEDCBA"),
        ("?sort=newest", "FEDCBA"),
        ("?sort=oldest", "ABCDEF"),
        ("?category=tin-tuc", "FEDBA"),
        ("?category=thon-ban", "FB"),
        ("?category=van-ban", "C"),
        ("?tag=N%C3%B4ng%20th%C3%B4n%20m%E1%BB%9Bi", "CA"),
        ("?tag=nong+thon+moi", "CA"),
        ("?tag=nong+thon+moi&category=tin-tuc", "A"),
        ("?tag=nong", ""),
        ("?language=vi", "FEDBA"),
        ("?language=en", "C"),
        ("?language=en&category=tin-tuc", ""),
        ("?featured=true", "B"),
        ("?featured=false", "FEDCA"),
        ("?featured=true&category=van-ban", ""),
        // Days are the portal's: D is the last microsecond of one, E the first of the next.
        ("?from=2026-03-02", "FEDCB"),
        ("?from=2026-03-03", "FE"),
        ("?to=2026-03-02", "DCBA"),
        ("?to=2026-03-01", "A"),
        ("?from=2026-03-02&to=2026-03-02", "DCB"),
        (
            "?from=2026-03-02&to=2026-03-02&sort=oldest&category=tin-tuc",
            "BD",
        ),
        ("?from=2026-03-04", ""),
        ("?to=2999-12-31", "FEDCBA"),
    ] {
        assert_eq!(word(&portal, query).await, expected, "{query}");
        let joint = if query.is_empty() { '?' } else { '&' };
        let path = format!("/v1/articles{query}{joint}count=true&limit=1");
        let counted = portal.get(&path).await.ok();
        assert_eq!(counted["count"], expected.len(), "{query}");
    }
}

#[actix_web::test]
async fn wrong_filters_are_named() {
    let portal = small_portal().await;
    for (query, faults) in [
        ("category=khong-co", vec!["category not_found"]),
        ("category=Tin", vec!["category bad_format"]),
        ("tag=", vec!["tag too_short"]),
        ("language=viet", vec!["language bad_format"]),
        ("from=2026-02-30", vec!["from bad_format"]),
        ("from=2026-03-02&to=2026-03-01", vec!["to out_of_range"]),
        (
            "featured=yes&count=1",
            vec!["featured unknown_value", "count unknown_value"],
        ),
        (
            "sort=best&view=all",
            vec!["sort unknown_value", "view unknown_value"],
        ),
        ("limit=0", vec!["limit out_of_range"]),
        ("limit=101", vec!["limit out_of_range"]),
        ("limit=-1", vec!["limit out_of_range"]),
        ("limit=%2B5", vec!["limit out_of_range"]),
        ("view=full&limit=21", vec!["limit out_of_range"]),
        ("limit=5&limit=6", vec!["limit duplicate"]),
        (
            "cursor=x&page=2",
            vec!["cursor bad_format", "page unknown_field"],
        ),
    ] {
        let answer = portal.get(&format!("/v1/articles?{query}")).await;
        answer.faults(400, "bad_query", &faults);
    }
    for query in ["limit=1", "limit=100", "view=full&limit=20"] {
        portal.get(&format!("/v1/articles?{query}")).await.ok();
    }
}

#[actix_web::test]
async fn old_slugs_of_a_category_filter_too() {
    let portal = small_portal().await;
    let publisher = portal.publisher().await;
    let category = publisher.get("/v1/editorial/categories").await.ok()["items"][0].clone();
    let path = format!("/v1/editorial/categories/{}", category["id"]);
    let version = category["version"].as_i64().unwrap();
    let renamed = publisher
        .patch(&path, version, &json!({"slug": "thoi-su"}))
        .await;
    assert_eq!(renamed.ok()["content"]["slug"], "thoi-su");
    assert_eq!(word(&portal, "?category=tin-tuc").await, "FEDBA");
    assert_eq!(word(&portal, "?category=thoi-su").await, "FEDBA");

    for (path, now) in [
        ("/v1/categories/tin-tuc", "/v1/categories/thoi-su"),
        (
            "/feeds/categories/tin-tuc/rss?a=b",
            "/feeds/categories/thoi-su/rss?a=b",
        ),
    ] {
        let answer = portal.get(path).await;
        answer.is(301);
        assert_eq!(answer.header("location"), format!("{BASE}{now}"));
        assert!(answer.header("cache-control").contains("max-age=30"));
    }
}

#[actix_web::test]
async fn the_full_view_has_whole_articles() {
    let portal = small_portal().await;
    let list = portal.get("/v1/articles?view=full&limit=2").await.ok();
    let detail = portal.get("/v1/articles/f").await.ok();
    assert_eq!(list["items"][0], detail);
    assert_eq!(list["items"][1]["title"], "E");
    let summaries = portal.get("/v1/articles").await.ok();
    assert_eq!(summaries["items"][0].get("body"), None);
    assert_eq!(
        summaries["items"][0]["category"]["path"],
        json!([
            {"slug": "tin-tuc", "name": "Tin tức"}, {"slug": "thon-ban", "name": "Thôn bản"},
        ])
    );
}

/// All titles behind an address, page by page; `between` runs after each page.
async fn walk(portal: &Portal, path: &str, mut between: impl AsyncFnMut(usize)) -> Vec<String> {
    let mut titles = Vec::new();
    let mut cursor = String::new();
    for page in 0.. {
        let answer = portal.get(&format!("{path}{cursor}")).await;
        let list = answer.ok();
        titles.extend(column(&list, "title"));
        let Some(next) = list["next"].as_str() else {
            assert_eq!(answer.header("link"), "");
            break;
        };
        cursor = format!("&cursor={next}");
        assert_eq!(
            answer.header("link"),
            format!("<{BASE}{path}{cursor}>; rel=\"next\"")
        );
        between(page).await;
    }
    titles
}

#[actix_web::test]
async fn pages_lose_and_repeat_nothing_while_news_arrive() {
    let portal = Portal::new().await;
    let category = portal.news().await;
    // Two thirds on one day: ties within the day are cut by the id.
    for i in 1..=63 {
        let mut content = content(&format!("Tin {i}"), &category);
        content["published_on"] = json!(if i % 3 == 0 {
            "2026-03-02"
        } else {
            "2026-03-01"
        });
        portal.published(&content).await;
    }
    let third = |rest: bool| (1..=63).filter(move |i| (i % 3 != 0) == rest);
    let mut expected: Vec<String> = third(true)
        .chain(third(false))
        .map(|i| format!("Tin {i}"))
        .collect();

    let oldest = walk(&portal, "/v1/articles?sort=oldest&limit=10", async |_| ()).await;
    assert_eq!(oldest, expected);
    expected.reverse();
    for path in [
        "/v1/articles?limit=10",
        "/v1/articles?limit=1&category=tin-tuc&from=2026-03-02",
        "/v1/articles?limit=9&view=full",
    ] {
        let expected: Vec<String> = match path.contains("from") {
            true => expected.iter().take(21).cloned().collect(),
            false => expected.clone(),
        };
        assert_eq!(walk(&portal, path, async |_| ()).await, expected, "{path}");
    }
    let busy = walk(&portal, "/v1/articles?limit=10", async |page| {
        portal
            .published(&content(&format!("Mới {page}"), &category))
            .await;
    })
    .await;
    assert_eq!(busy, expected);
    let first = portal.titles("/v1/articles?limit=7").await;
    let last = "Tin 63".to_owned();
    assert_eq!(first.iter().position(|title| *title == last), Some(6));
}

#[actix_web::test]
async fn a_cursor_belongs_to_its_list() {
    let portal = small_portal().await;
    let list = portal.get("/v1/articles?limit=1").await.ok();
    let cursor = list["next"].as_str().unwrap();
    let mut tampered = cursor.to_owned();
    let first = if tampered.remove(0) == 'A' { 'B' } else { 'A' };
    tampered.insert(0, first);
    for query in [
        format!("/v1/articles?cursor={tampered}"),
        format!("/v1/articles?cursor={}", &cursor[1..]),
        "/v1/articles?cursor=".to_owned(),
        "/v1/articles?cursor=%00".to_owned(),
        format!("/v1/articles?sort=oldest&cursor={cursor}"),
        format!("/v1/articles?category=tin-tuc&cursor={cursor}"),
        format!("/v1/articles?from=2026-03-01&cursor={cursor}"),
        format!("/v1/captions?cursor={cursor}"),
        format!("/v1/media?cursor={cursor}"),
        format!("/v1/corrections?cursor={cursor}"),
    ] {
        let problem = portal.get(&query).await.problem(400, "bad_query");
        assert_eq!(problem["errors"][0]["parameter"], "cursor", "{query}");
    }
    // How many and how much of each may change on the way.
    let path = format!("/v1/articles?limit=2&view=full&count=true&cursor={cursor}");
    assert_eq!(portal.titles(&path).await, ["E", "D"]);
}

#[actix_web::test]
async fn the_front_page_has_featured_news_and_every_top_category() {
    let portal = small_portal().await;
    portal.category("Mục trống", None).await;
    for i in 1..=6 {
        let mut content = content(&format!("Nổi bật {i}"), "van-ban");
        content["featured"] = json!(true);
        portal.advance(1);
        portal.published(&content).await;
    }
    let home = portal.get("/v1/home").await.ok();
    assert_eq!(home["portal"], portal.get("/v1/portal").await.ok());
    assert_eq!(
        column(&home["featured"], "title"),
        [
            "Nổi bật 6",
            "Nổi bật 5",
            "Nổi bật 4",
            "Nổi bật 3",
            "Nổi bật 2"
        ]
    );
    let sections: Vec<(&Value, Vec<String>)> = home["categories"]
        .as_array()
        .unwrap()
        .iter()
        .map(|section| {
            (
                &section["category"]["slug"],
                column(&section["items"], "title"),
            )
        })
        .collect();
    let featured = column(&home["featured"], "title");
    let words = ["F", "E", "D", "B", "A"].map(str::to_owned).to_vec();
    assert_eq!(
        sections,
        [(&json!("tin-tuc"), words), (&json!("van-ban"), featured)]
    );
}

#[actix_web::test]
async fn other_news_are_of_the_same_category_around_the_article() {
    let portal = small_portal().await;
    for i in 1..=12 {
        portal.advance(1);
        portal
            .published(&content(&format!("T{i}"), "tin-tuc"))
            .await;
    }
    let around = |path: &'static str| {
        let portal = &portal;
        async move {
            let others = portal.get(path).await.ok();
            (
                column(&others["newer"], "title").join(" "),
                column(&others["older"], "title").join(" "),
            )
        }
    };
    let words = |newer: &str, older: &str| (newer.to_owned(), older.to_owned());
    let default = around("/v1/articles/t6/others").await;
    assert_eq!(default, words("T11 T10 T9 T8 T7", "T5 T4 T3 T2 T1"));
    let two = around("/v1/articles/t6/others?limit=2").await;
    assert_eq!(two, words("T8 T7", "T5 T4"));
    // Neither what is below the category nor what is in others.
    let most = around("/v1/articles/t1/others?limit=20").await;
    assert_eq!(most, words("T12 T11 T10 T9 T8 T7 T6 T5 T4 T3 T2", "E D A"));
    let below = around("/v1/articles/f/others").await;
    assert_eq!(below, words("", "B"));
    for limit in ["0", "21", "x"] {
        let answer = portal
            .get(&format!("/v1/articles/f/others?limit={limit}"))
            .await;
        answer.faults(400, "bad_query", &["limit out_of_range"]);
    }
}

#[actix_web::test]
async fn the_categories_are_a_tree_with_paths() {
    let portal = small_portal().await;
    let tree = portal.get("/v1/categories").await.ok();
    assert_eq!(column(&tree, "slug"), ["tin-tuc", "van-ban"]);
    assert_eq!(column(&tree["items"][0]["children"], "slug"), ["thon-ban"]);
    let one = portal.get("/v1/categories/thon-ban").await.ok();
    assert_eq!(
        one["path"],
        json!([
            {"slug": "tin-tuc", "name": "Tin tức"}, {"slug": "thon-ban", "name": "Thôn bản"},
        ])
    );
    assert_eq!(
        one["canonical_url"],
        format!("{BASE}/v1/categories/thon-ban")
    );
    portal
        .get("/v1/categories/khong-co")
        .await
        .problem(404, "not_found");
}

#[actix_web::test]
async fn old_slugs_lead_to_the_new_one_with_path_and_query() {
    let portal = Portal::new().await;
    let publisher = portal.publisher().await;
    let category = portal.news().await;
    // Slugs that occur elsewhere in the address, too.
    for old in ["articles", "v1", "a", "tin-dau-xuan"] {
        let mut content = content("Tin", &category);
        content["slug"] = json!(old);
        let live = portal.published(&content).await;
        let new = format!("moi-{old}");
        let edited = publisher.edit(&live, &json!({"slug": new})).await;
        portal
            .get(&format!("/v1/articles/{new}"))
            .await
            .problem(404, "not_found");
        portal.get(&format!("/v1/articles/{old}")).await.ok();
        let live = publisher.update(&edited, "minor").await;
        assert_eq!(slug(&live), new);
        for below in ["", "?body=html", "/others?limit=2", "/corrections"] {
            let answer = portal.get(&format!("/v1/articles/{old}{below}")).await;
            answer.is(301);
            let location = answer.header("location");
            assert_eq!(location, format!("{BASE}/v1/articles/{new}{below}"));
            assert!(answer.header("cache-control").contains("max-age=30"));
            portal.get(location.trim_start_matches(BASE)).await.ok();
        }
    }
    // A slug that was never public leaves nothing behind.
    let draft = publisher.draft(&content("Nháp", &category)).await;
    let edited = publisher.edit(&draft, &json!({"slug": "nhap-moi"})).await;
    publisher.act(&edited, "publish", &json!({})).await;
    portal
        .get("/v1/articles/nhap")
        .await
        .problem(404, "not_found");
}

#[actix_web::test]
async fn pages_of_the_front_end_are_named_as_the_portal_says() {
    let portal = small_portal().await;
    let admin = portal.admin().await;
    let settings = admin.get("/v1/editorial/portal").await.ok();
    let mut wanted = settings["content"].clone();
    wanted["article_url"] = json!("https://sonha.example.vn/tin/{slug}.html");
    wanted["category_url"] = json!("https://sonha.example.vn/muc/{slug}");
    let version = settings["version"].as_i64().unwrap();
    admin
        .put("/v1/editorial/portal", version, &wanted)
        .await
        .ok();

    let page = "https://sonha.example.vn/tin/f.html";
    let list = portal.get("/v1/articles").await.ok();
    assert_eq!(list["items"][0]["canonical_url"], page);
    let feed = portal.get("/feeds/categories/thon-ban/json").await.ok();
    assert_eq!(feed["items"][0]["url"], page);
    assert_eq!(
        feed["home_page_url"],
        "https://sonha.example.vn/muc/thon-ban"
    );
    let tree = portal.get("/v1/categories").await.ok();
    let page = "https://sonha.example.vn/muc/tin-tuc";
    assert_eq!(tree["items"][0]["canonical_url"], page);
}

#[actix_web::test]
async fn a_changed_article_stands_where_it_belongs_now() {
    let portal = small_portal().await;
    let publisher = portal.publisher().await;
    let editorial = publisher.get("/v1/editorial/articles").await.ok();
    let b = &editorial["items"][4];
    assert_eq!(b["title"], "B");
    let change = json!({
        "category": "van-ban", "featured": false, "tags": ["mới"], "language": "en",
        "published_on": "2026-03-10",
    });
    let edited = publisher.edit(b, &change).await;
    assert_eq!(word(&portal, "").await, "FEDCBA");
    let live = publisher.update(&edited, "minor").await;
    for (query, expected) in [
        ("", "BFEDCA"),
        ("?category=tin-tuc", "FEDA"),
        ("?category=thon-ban", "F"),
        ("?category=van-ban", "BC"),
        ("?featured=true", ""),
        ("?tag=moi", "B"),
        ("?language=vi", "FEDA"),
        ("?from=2026-03-10", "B"),
    ] {
        assert_eq!(word(&portal, query).await, expected, "{query}");
    }
    let without_tag = publisher.edit(&live, &json!({"tags": []})).await;
    publisher.update(&without_tag, "minor").await;
    assert_eq!(word(&portal, "?tag=moi").await, "");
}
