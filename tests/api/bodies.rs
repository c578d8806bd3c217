//! What editors write: limits on their boundary, Vietnamese text, and every block of a body.

use serde_json::{Value, json};

use crate::support::sample::{self, content, with};
use crate::support::{Answer, Portal};

/// The answer to a new article with these fields beside title and category.
async fn write(portal: &Portal, fields: &Value) -> Answer {
    let news = portal.get("/v1/categories").await.ok()["items"][0]["slug"].clone();
    let mut whole = content("Thử", news.as_str().unwrap());
    for (field, value) in fields.as_object().unwrap() {
        whole[field] = value.clone();
    }
    portal
        .editor()
        .await
        .post("/v1/editorial/articles", &whole)
        .await
}

/// The answer to a new article with this body.
async fn write_body(portal: &Portal, body: Value) -> Answer {
    write(portal, &json!({"body": body})).await
}

#[actix_web::test]
async fn limits_count_characters_after_normalisation() {
    let portal = Portal::new().await;
    portal.news().await;
    // Three code points that become one.
    let letter = "e\u{302}\u{301}";
    for (field, most) in [("title", 300), ("lead", 2000)] {
        let fits = write(&portal, &json!({field: letter.repeat(most)})).await;
        assert_eq!(fits.created()["content"][field], "ế".repeat(most));
        let long = write(&portal, &json!({field: letter.repeat(most + 1)})).await;
        long.faults(422, "invalid", &[&format!("/{field} too_long")]);
        let blank = write(&portal, &json!({field: " \u{a0} "})).await;
        blank.faults(422, "invalid", &[&format!("/{field} too_short")]);
    }
}

#[actix_web::test]
async fn a_body_has_at_most_500_blocks_and_200000_characters() {
    let portal = Portal::new().await;
    portal.news().await;
    let many = |count: usize| json!(vec![json!({"_type": "rule"}); count]);
    write_body(&portal, many(500)).await.created();
    let long = write_body(&portal, many(501)).await;
    long.faults(422, "invalid", &["/body too_many"]);

    let mut blocks = vec![sample::paragraph(&"ế".repeat(20_000)); 10];
    write_body(&portal, json!(blocks)).await.created();
    blocks.push(sample::paragraph("ế"));
    let long = write_body(&portal, json!(blocks)).await;
    long.faults(422, "invalid", &["/body too_long"]);
    let long = write_body(&portal, json!([sample::paragraph(&"ế".repeat(20_001))])).await;
    long.faults(422, "invalid", &["/body/0/children/0/text too_long"]);
}

#[actix_web::test]
async fn tags_are_at_most_ten_and_differ_when_folded() {
    let portal = Portal::new().await;
    portal.news().await;
    let tags = |count: usize| (0..count).map(|i| format!("tag {i}")).collect::<Vec<_>>();
    write(&portal, &json!({"tags": tags(10)})).await.created();
    let many = write(&portal, &json!({"tags": tags(11)})).await;
    many.faults(422, "invalid", &["/tags too_many"]);
    let twice = ["Nông thôn mới", "Đường", "nong thon moi", "DUONG", "đ"];
    let twice = write(&portal, &json!({"tags": twice})).await;
    twice.faults(422, "invalid", &["/tags/2 duplicate", "/tags/3 duplicate"]);
    let long = write(&portal, &json!({"tags": ["a".repeat(61), ""]})).await;
    long.faults(422, "invalid", &["/tags/0 too_long", "/tags/1 too_short"]);
}

#[actix_web::test]
async fn byline_source_and_language_have_their_rules() {
    let portal = Portal::new().await;
    portal.news().await;
    let author = json!({"name": "Minh An"});
    let full = json!({
        "byline": vec![author.clone(); 20], "language": "zh-Hant-TW",
        "source": {"name": "Báo tỉnh", "url": "https://bao.example.vn/tin/12?a=b%20c#d"},
    });
    let draft = write(&portal, &full).await.created();
    assert_eq!(
        draft["content"]["byline"][19],
        json!({"name": "Minh An", "unit": null, "role": null})
    );
    let many = write(&portal, &json!({"byline": vec![author; 21]})).await;
    many.faults(422, "invalid", &["/byline too_many"]);
    for language in ["", "VI", "vi_VN", "vi-vn", "tiếng Việt", "x-klingon-extra"] {
        let wrong = write(&portal, &json!({"language": language})).await;
        wrong.faults(422, "invalid", &["/language bad_format"]);
    }
    for url in [
        "",
        "bao.example.vn",
        "javascript:alert(1)",
        "ftp://a.example.vn/",
        "https://",
        "https://a b/",
    ] {
        let wrong = write(&portal, &json!({"source": {"name": "a", "url": url}})).await;
        wrong.faults(422, "invalid", &["/source/url bad_format"]);
    }
    let wrong = json!({"byline": [{"unit": "a"}, "Minh An"], "source": {"url": null, "by": 1}});
    write(&portal, &wrong).await.faults(
        422,
        "invalid",
        &[
            "/byline/0/name required",
            "/byline/1 wrong_type",
            "/source/by unknown_field",
            "/source/name required",
        ],
    );
}

#[actix_web::test]
async fn addresses_are_kept_and_what_no_uri_holds_is_percent_encoded() {
    let portal = Portal::new().await;
    portal.news().await;
    let editor = portal.editor().await;
    for (written, kept) in [
        ("https://bao.example.vn", "https://bao.example.vn"),
        (
            "http://BAO.example.vn:8080/a%2Fb?c=d&e#f",
            "http://BAO.example.vn:8080/a%2Fb?c=d&e#f",
        ),
        (
            "https://bao.example.vn/tin/xã?đ=ơ#ư",
            "https://bao.example.vn/tin/x%C3%A3?%C4%91=%C6%A1#%C6%B0",
        ),
        ("https://xã.vn/a", "https://xn--x-yfa.vn/a"),
        (
            "https://bao.example.vn/100%?a={b}|[c]#d#e",
            "https://bao.example.vn/100%25?a=%7Bb%7D%7C%5Bc%5D#d%23e",
        ),
    ] {
        let link = json!([{"_type": "block", "children": [], "markDefs": [{"_key": "a", "href": written}]}]);
        let fields = json!({"source": {"name": "a", "url": written}, "body": link});
        let draft = write(&portal, &fields).await.created();
        assert_eq!(draft["content"]["source"]["url"], kept);
        assert_eq!(draft["content"]["body"][0]["markDefs"][0]["href"], kept);
        let same = editor.replace(&draft, &draft["content"]).await.ok();
        assert_eq!(same, draft);
    }
    let long = format!("https://bao.example.vn/{}", "ế".repeat(900));
    let long = write(&portal, &json!({"source": {"name": "a", "url": long}})).await;
    long.faults(422, "invalid", &["/source/url too_long"]);
}

#[actix_web::test]
async fn text_is_kept_in_its_composed_form_and_otherwise_as_it_is() {
    let portal = Portal::new().await;
    portal.news().await;
    let body = json!([sample::paragraph(
        "  hoà  bi\u{300}nh\nđê\u{309} \u{1f468}\u{200d}\u{1f33e} "
    )]);
    let fields =
        json!({"title": " Ho\u{300}a \u{feff}bi\u{300}n\u{ad}h ", "lead": "a\nb", "body": body});
    let draft = write(&portal, &fields).await.created();
    assert_eq!(draft["content"]["title"], "Hòa bình");
    assert_eq!(draft["content"]["lead"], "a\nb");
    assert_eq!(
        draft["content"]["body"][0]["children"][0]["text"],
        "  hoà  bình\nđể \u{1f468}\u{200d}\u{1f33e} "
    );
}

#[actix_web::test]
async fn zero_width_spaces_go_from_vietnamese_text_only() {
    let portal = Portal::new().await;
    portal.news().await;
    let editor = portal.editor().await;
    let medium = editor.picture(1).await;
    let z = "\u{200b}";
    let fields = |language: &str| {
        json!({
            "language": language, "title": format!("{z} Xã{z} Sơn Hà"), "lead": format!("a{z}\u{301}"),
            "tags": [format!("nông{z} thôn")],
            "byline": [{"name": format!("Minh{z} An"), "unit": null, "role": null}],
            "source": {"name": format!("Báo{z}"), "url": null, "author": null, "published_at": null},
            "body": [
                sample::paragraph(&format!("một{z}hai")),
                {"_type": "figure", "caption": format!("chú{z} thích"), "credit": format!("Ảnh{z}"),
                 "media": [{"media_id": medium, "alt": format!("mô{z} tả")}]},
                {"_type": "table", "caption": format!("bảng{z}"), "rows": [{"cells": [{"children": [{"text": format!("ô{z}")}]}]}]},
                {"_type": "attachment", "media_id": medium, "title": format!("tệp{z}")},
            ],
        })
    };
    let draft = write(&portal, &fields("vi-VN")).await.created();
    assert!(!draft.to_string().contains(z), "{draft:#}");
    assert_eq!(draft["content"]["title"], "Xã Sơn Hà");
    assert_eq!(draft["content"]["slug"], "xa-son-ha");
    assert_eq!(draft["content"]["lead"], "á");
    let same = editor.replace(&draft, &draft["content"]).await.ok();
    assert_eq!(same["version"], 1);

    let draft = write(&portal, &fields("km")).await.created();
    assert_eq!(draft["content"]["lead"], "a\u{200b}\u{301}");
    assert_eq!(
        draft["content"]["body"][0]["children"][0]["text"],
        "một\u{200b}hai"
    );
    let same = editor.replace(&draft, &draft["content"]).await.ok();
    assert_eq!(same["version"], 1);

    // Nothing but them is nothing, and they make no difference between tags.
    let blank = json!({"title": z, "lead": z, "tags": ["xa", format!("x{z}a")]});
    let blank = write(&portal, &blank).await;
    blank.faults(
        422,
        "invalid",
        &["/lead too_short", "/tags/1 duplicate", "/title too_short"],
    );
}

#[actix_web::test]
async fn forbidden_characters_are_refused_where_they_stand() {
    let portal = Portal::new().await;
    portal.news().await;
    for bad in ["\0", "\t", "\r", "\u{7f}", "\u{85}", "\u{fffe}", "\u{ffff}"] {
        let text = format!("a{bad}b");
        let fields = json!({
            "title": text, "lead": text, "tags": ["a", text],
            "byline": [{"name": text}], "body": [sample::paragraph("a"), sample::paragraph(&text)],
        });
        write(&portal, &fields).await.faults(
            422,
            "invalid",
            &[
                "/body/1/children/0/text forbidden_character",
                "/byline/0/name forbidden_character",
                "/lead forbidden_character",
                "/tags/1 forbidden_character",
                "/title forbidden_character",
            ],
        );
    }
    let line = write(&portal, &json!({"title": "a\nb"})).await;
    line.faults(422, "invalid", &["/title forbidden_character"]);
}

/// One of every block, complete, with keys: what comes back is exactly this.
fn every_block(medium: i64) -> Value {
    json!([
        {"_type": "block", "_key": "b1", "style": "h2", "markDefs": [],
         "children": [{"_type": "span", "_key": "s1", "text": "Đề mục", "marks": []}]},
        {"_type": "block", "_key": "b2", "style": "normal",
         "markDefs": [
            {"_type": "link", "_key": "web", "href": "https://vanban.example.vn/12?a=b#c"},
            {"_type": "link", "_key": "mail", "href": "mailto:vp@sonha.example.vn"},
            {"_type": "link", "_key": "phone", "href": "tel:+84-237-123"}],
         "children": [
            {"_type": "span", "_key": "s1", "text": "đậm ", "marks": ["strong", "em", "web"]},
            {"_type": "span", "_key": "s2", "text": "H", "marks": ["underline", "mail"]},
            {"_type": "span", "_key": "s3", "text": "2", "marks": ["sub", "phone"]},
            {"_type": "span", "_key": "s4", "text": "x\n", "marks": ["sup", "strike-through"]},
            {"_type": "span", "_key": "s5", "text": "", "marks": []}]},
        {"_type": "block", "_key": "b3", "style": "normal", "listItem": "bullet", "level": 1,
         "markDefs": [], "children": [{"_type": "span", "_key": "s1", "text": "một", "marks": []}]},
        {"_type": "block", "_key": "b4", "style": "normal", "listItem": "number", "level": 6,
         "markDefs": [], "children": [{"_type": "span", "_key": "s1", "text": "hai", "marks": []}]},
        {"_type": "block", "_key": "b5", "style": "blockquote", "markDefs": [], "children": []},
        {"_type": "figure", "_key": "b6", "caption": "Trồng cây", "credit": "Ảnh: Minh An",
         "media": [
            {"media_id": medium, "alt": "Năm người", "decorative": false},
            {"media_id": medium, "alt": null, "decorative": true}]},
        {"_type": "table", "_key": "b7", "caption": "Số liệu", "header_rows": 1, "rows": [
            {"cells": [
                {"children": [{"_type": "span", "_key": "s1", "text": "Thôn", "marks": ["strong"]}], "markDefs": []},
                {"children": [], "markDefs": []}]},
            {"cells": [{"children": [{"_type": "span", "_key": "s2", "text": "Một", "marks": ["l"]}],
                "markDefs": [{"_type": "link", "_key": "l", "href": "https://a.example.vn/"}]}]}]},
        {"_type": "embed", "_key": "b8", "url": "https://www.youtube.com/watch?v=abc", "media_id": null, "title": "Phim"},
        {"_type": "embed", "_key": "b9", "url": null, "media_id": medium, "title": null},
        {"_type": "attachment", "_key": "b10", "media_id": medium, "title": "Kế hoạch"},
        {"_type": "rule", "_key": "b11"},
    ])
}

#[actix_web::test]
async fn every_block_comes_back_exactly_as_written() {
    let portal = Portal::new().await;
    portal.news().await;
    let publisher = portal.publisher().await;
    let medium = publisher.picture(1).await;
    let mut wanted = every_block(medium);
    let draft = write_body(&portal, wanted.clone()).await.created();
    let id = draft["content"]["body"][5]["caption_id"].clone();
    assert!(id.is_i64());
    wanted[5]["caption_id"] = id;
    assert_eq!(draft["content"]["body"], wanted);
    assert_eq!(publisher.read(&draft).await["content"]["body"], wanted);

    publisher.act(&draft, "publish", &json!({})).await;
    let public = portal.get("/v1/articles/thu").await.ok()["body"].clone();
    for place in [0, 1, 2, 3, 4, 6, 10] {
        assert_eq!(public[place], wanted[place], "{place}");
    }
    assert_eq!(public[5]["caption"], "Trồng cây");
    assert_eq!(public[5]["media"][0]["alt"], "Năm người");
    assert_eq!(public[5]["media"][1]["alt"], Value::Null);
    assert_eq!(public[5]["media"][1]["decorative"], true);
    assert_eq!(public[7]["url"], wanted[7]["url"]);
    assert_eq!(public[8]["media"]["id"], medium);
    assert_eq!(public[9]["media"]["id"], medium);
    assert_eq!(public[9]["title"], "Kế hoạch");
}

#[actix_web::test]
async fn what_a_body_cannot_hold_is_refused_where_it_stands() {
    let portal = Portal::new().await;
    portal.news().await;
    let medium = portal.editor().await.picture(1).await;
    let span =
        |marks: Value| json!({"_type": "block", "children": [{"text": "a", "marks": marks}]});
    let link = |href: &str| json!({"_type": "block", "children": [], "markDefs": [{"_key": "a", "href": href}]});
    let embed = |url: &str| json!({"_type": "embed", "url": url});
    let cases = [
        (
            json!({"_type": "html", "html": "<b>"}),
            "/_type unknown_value",
        ),
        (json!({"children": []}), "/_type required"),
        (json!({"_type": 1}), "/_type wrong_type"),
        (json!("a"), " wrong_type"),
        (json!({"_type": "block"}), "/children required"),
        (json!({"_type": "rule", "width": 1}), "/width unknown_field"),
        (
            json!({"_type": "block", "children": [{"_type": "image", "text": "a"}]}),
            "/children/0/_type unknown_value",
        ),
        (
            json!({"_type": "block", "children": [{"text": "a", "bold": true}]}),
            "/children/0/bold unknown_field",
        ),
        (
            json!({"_type": "block", "style": "h1", "children": []}),
            "/style unknown_value",
        ),
        (
            json!({"_type": "block", "listItem": "square", "children": []}),
            "/listItem unknown_value",
        ),
        (
            json!({"_type": "block", "level": 1, "children": []}),
            "/level conflict",
        ),
        (
            json!({"_type": "block", "listItem": "bullet", "level": 7, "children": []}),
            "/level out_of_range",
        ),
        (
            span(json!(["strong", "blink"])),
            "/children/0/marks/1 unknown_value",
        ),
        (span(json!("strong")), "/children/0/marks wrong_type"),
        (link("javascript:alert(1)"), "/markDefs/0/href bad_format"),
        (link("JAVASCRIPT:alert(1)"), "/markDefs/0/href bad_format"),
        (link("data:text/html,a"), "/markDefs/0/href bad_format"),
        (link("//a.example.vn/"), "/markDefs/0/href bad_format"),
        (link("/tin/a"), "/markDefs/0/href bad_format"),
        (
            link("https://a@b.example.vn/"),
            "/markDefs/0/href bad_format",
        ),
        (embed("https://evil.example/watch"), "/url unknown_value"),
        (embed("http://www.youtube.com/watch"), "/url unknown_value"),
        (
            embed("https://www.youtube.com.evil.example/"),
            "/url unknown_value",
        ),
        (json!({"_type": "embed"}), " conflict"),
        (
            json!({"_type": "embed", "url": "https://youtu.be/a", "media_id": medium}),
            " conflict",
        ),
        (
            json!({"_type": "attachment", "media_id": 99, "title": "a"}),
            "/media_id not_found",
        ),
        (
            json!({"_type": "attachment", "media_id": medium}),
            "/title required",
        ),
        (json!({"_type": "table", "rows": []}), "/rows too_short"),
        (
            json!({"_type": "table", "rows": [{"cells": []}]}),
            "/rows/0/cells too_short",
        ),
        (
            json!({"_type": "table", "header_rows": 2, "rows": [{"cells": [{"children": []}]}]}),
            "/header_rows out_of_range",
        ),
        (json!({"_type": "figure", "media": []}), "/media too_short"),
        (
            json!({"_type": "figure", "media": vec![json!({"media_id": medium}); 51]}),
            "/media too_many",
        ),
        (
            json!({"_type": "figure", "media": [{"media_id": medium, "alt": "a", "decorative": true}]}),
            "/media/0/alt conflict",
        ),
        (
            json!({"_type": "figure", "media": [{"media_id": medium, "width": 3}]}),
            "/media/0/width unknown_field",
        ),
    ];
    for (block, fault) in cases {
        let body = json!([{"_type": "rule"}, block]);
        let answer = write_body(&portal, body).await;
        answer.faults(422, "invalid", &[&format!("/body/1{fault}")]);
    }
}

#[actix_web::test]
async fn keys_are_kept_made_and_unique() {
    let portal = Portal::new().await;
    let news = portal.news().await;
    let editor = portal.editor().await;
    let body = json!([
        {"_type": "rule", "_key": "mine"}, {"_type": "rule"}, sample::paragraph("a"),
    ]);
    let draft = editor
        .draft(&with(&content("Khóa", &news), "body", body))
        .await;
    let blocks = draft["content"]["body"].as_array().unwrap();
    assert_eq!(blocks[0]["_key"], "mine");
    let mut keys: Vec<&str> = blocks
        .iter()
        .map(|block| block["_key"].as_str().unwrap())
        .collect();
    keys.sort_unstable();
    keys.dedup();
    assert_eq!(keys.len(), 3);
    assert!(blocks[2]["children"][0]["_key"].is_string());

    let rule = |key: &str| json!({"_type": "rule", "_key": key});
    let twice = editor
        .change(&draft, &json!({"body": [rule("a"), rule("b"), rule("a")]}))
        .await;
    twice.faults(422, "invalid", &["/body/2/_key duplicate"]);
    for bad in ["", "a b", "á", &"a".repeat(65)] {
        let wrong = editor.change(&draft, &json!({"body": [rule(bad)]})).await;
        wrong.faults(422, "invalid", &["/body/0/_key bad_format"]);
    }
    let spans = json!([{"_type": "block", "children": [{"_key": "a", "text": ""}, {"_key": "a", "text": ""}]}]);
    let twice = editor.change(&draft, &json!({"body": spans})).await;
    twice.faults(422, "invalid", &["/body/0/children/1/_key duplicate"]);
}

#[actix_web::test]
async fn a_copy_without_a_key_never_takes_the_key_of_what_was_moved_down() {
    let portal = Portal::new().await;
    let news = portal.news().await;
    let editor = portal.editor().await;
    let medium = editor.picture(1).await;
    let body = json!([sample::figure("Chú thích", &[medium])]);
    let draft = editor
        .draft(&with(&content("Bản sao", &news), "body", body.clone()))
        .await;
    let old = &draft["content"]["body"][0];
    let copied = json!({"body": [body[0], old]});
    let saved = editor.change(&draft, &copied).await.ok();
    let blocks = &saved["content"]["body"];
    assert_eq!(&blocks[1], old);
    assert_ne!(blocks[0]["_key"], old["_key"]);
    assert_ne!(blocks[0]["caption_id"], old["caption_id"]);
    let same = editor.replace(&saved, &saved["content"]).await.ok();
    assert_eq!(same["version"], saved["version"]);
}
