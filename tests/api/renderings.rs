//! Bodies as readers get them: `body=blocks`, `html` and `text` of every block type.

use serde_json::{Value, json};

use crate::support::newsroom::address;
use crate::support::sample::{self, content, figure, paragraph};
use crate::support::{BASE, Portal, User};

/// A text that would break out of HTML wherever it is not escaped.
const EVIL: &str = r#"</p><script>alert("1")</script>'&amp;<img src=x onerror=a()>"#;
const ESCAPED: &str = "&lt;/p&gt;&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt;&#39;&amp;amp;&lt;img src=x onerror=a()&gt;";

/// A published body; answers its address.
async fn address_of(portal: &Portal, body: Value) -> String {
    let mut content = content("Tin", &portal.news().await);
    content["body"] = body;
    address(&portal.published(&content).await)
}

async fn html(portal: &Portal, body: Value) -> String {
    let path = address_of(portal, body).await;
    let seen = portal.get(&format!("{path}?body=html")).await.ok();
    seen["body_html"].as_str().unwrap().to_owned()
}

async fn text(portal: &Portal, body: Value) -> String {
    let path = address_of(portal, body).await;
    let seen = portal.get(&format!("{path}?body=text")).await.ok();
    seen["body_text"].as_str().unwrap().to_owned()
}

fn styled(style: &str, text: &str) -> Value {
    json!({"_type": "block", "style": style, "children": [{"_type": "span", "text": text}]})
}

fn item(kind: &str, level: i64, text: &str) -> Value {
    let spans = json!([{"_type": "span", "text": text}]);
    json!({"_type": "block", "listItem": kind, "level": level, "children": spans})
}

fn cell(text: &str) -> Value {
    json!({"children": [{"_type": "span", "text": text}]})
}

async fn picture(editor: &User<'_>, shade: u8, alt: &str) -> (i64, String) {
    let bytes = crate::support::sample::picture(40, 30, shade);
    let answer = editor.upload("T 29.png", &bytes, &[("alt", alt)]).await;
    let medium = answer.created();
    (medium["id"].as_i64().unwrap(), alt.to_owned())
}

#[actix_web::test]
async fn the_form_of_the_body_is_asked_for() {
    let portal = Portal::new().await;
    let path = address_of(&portal, json!([paragraph("Một.")])).await;
    for (form, field) in [
        ("", "body"),
        ("?body=blocks", "body"),
        ("?body=html", "body_html"),
        ("?body=text", "body_text"),
    ] {
        let seen = portal.get(&format!("{path}{form}")).await.ok();
        for name in ["body", "body_html", "body_text"] {
            assert_eq!(seen.get(name).is_some(), name == field, "{form} {name}");
        }
    }
    for form in ["body=pdf", "body=", "body=html&body=text", "form=html"] {
        let answer = portal.get(&format!("{path}?{form}")).await;
        answer.problem(400, "bad_query");
    }
}

#[actix_web::test]
async fn paragraphs_headings_quotations_and_rules() {
    let portal = Portal::new().await;
    let body = json!([
        styled("h2", "Mục"),
        styled("h3", "Tiểu mục"),
        styled("h4", "Ý"),
        styled("normal", "Dòng một\ndòng hai"),
        {"_type": "rule"},
        styled("blockquote", "Lời dẫn"),
    ]);
    assert_eq!(
        html(&portal, body.clone()).await,
        "<h2>Mục</h2>\n<h3>Tiểu mục</h3>\n<h4>Ý</h4>\n<p>Dòng một<br>\ndòng hai</p>\n<hr>\n\
         <blockquote><p>Lời dẫn</p></blockquote>\n"
    );
    let portal = Portal::new().await;
    assert_eq!(
        text(&portal, body).await,
        "Mục\n\nTiểu mục\n\nÝ\n\nDòng một\ndòng hai\n\n***\n\nLời dẫn"
    );
}

#[actix_web::test]
async fn every_mark_has_its_element() {
    let portal = Portal::new().await;
    let span = |text: &str, marks: &[&str]| json!({"_type": "span", "text": text, "marks": marks});
    let body = json!([{
        "_type": "block",
        "markDefs": [
            {"_type": "link", "_key": "web", "href": "https://vanban.example.vn/?a=1&b='2'"},
            {"_type": "link", "_key": "mail", "href": "mailto:vanthu@sonha.example.vn"},
            {"_type": "link", "_key": "tel", "href": "tel:+84236123456"},
        ],
        "children": [
            span("a", &["strong"]), span("b", &["em"]), span("c", &["underline"]),
            span("d", &["strike-through"]), span("e", &["sub"]), span("f", &["sup"]),
            span("g", &["strong", "em", "web"]), span("h", &["mail"]), span("i", &["tel"]),
        ],
    }]);
    assert_eq!(
        html(&portal, body).await,
        "<p><strong>a</strong><em>b</em><u>c</u><s>d</s><sub>e</sub><sup>f</sup>\
         <a href=\"https://vanban.example.vn/?a=1&amp;b=&#39;2&#39;\"><strong><em>g</em></strong></a>\
         <a href=\"mailto:vanthu@sonha.example.vn\">h</a><a href=\"tel:+84236123456\">i</a></p>\n"
    );
}

#[actix_web::test]
async fn a_link_is_one_link_however_its_words_are_decorated() {
    let portal = Portal::new().await;
    let span = |text: &str, marks: &[&str]| json!({"_type": "span", "text": text, "marks": marks});
    let link =
        |key: &str| json!({"_type": "link", "_key": key, "href": format!("https://{key}.vn/")});
    let body = json!([{
        "_type": "block",
        "markDefs": [link("a"), link("b")],
        "children": [
            span("Xem ", &["a"]), span("kế hoạch", &["strong", "a"]), span(" này", &["a"]),
            span("khác", &["b"]), span(" và ", &[]), span("nữa", &["b"]),
        ],
    }]);
    assert_eq!(
        html(&portal, body).await,
        "<p><a href=\"https://a.vn/\">Xem <strong>kế hoạch</strong> này</a>\
         <a href=\"https://b.vn/\">khác</a> và <a href=\"https://b.vn/\">nữa</a></p>\n"
    );
}

#[actix_web::test]
async fn lists_nest_by_level_and_kind() {
    let portal = Portal::new().await;
    let body = json!([
        paragraph("Gồm:"),
        item("number", 1, "Một"),
        item("bullet", 2, "a"),
        item("bullet", 2, "b"),
        item("number", 1, "Hai"),
        item("bullet", 1, "c"),
        item("number", 3, "sâu"),
        paragraph("Hết."),
    ]);
    assert_eq!(
        html(&portal, body).await.replace('\n', ""),
        "<p>Gồm:</p>\
         <ol><li>Một<ul><li>a</li><li>b</li></ul></li><li>Hai</li></ol>\
         <ul><li>c<ol><li><ol><li>sâu</li></ol></li></ol></li></ul>\
         <p>Hết.</p>"
    );
}

#[actix_web::test]
async fn numbers_in_plain_text_count_each_list_for_itself() {
    let portal = Portal::new().await;
    let body = json!([
        item("number", 1, "Một"),
        item("number", 2, "một một"),
        item("number", 2, "một hai"),
        item("number", 1, "Hai"),
        item("bullet", 2, "gạch"),
        item("number", 1, "Ba"),
        item("number", 2, "ba một"),
        paragraph("Nghỉ."),
        item("number", 1, "Lại một"),
        item("bullet", 1, "gạch"),
        item("number", 1, "lại một"),
    ]);
    assert_eq!(
        text(&portal, body).await,
        "1. Một\n\n  1. một một\n\n  2. một hai\n\n2. Hai\n\n  - gạch\n\n3. Ba\n\n  1. ba một\n\n\
         Nghỉ.\n\n1. Lại một\n\n- gạch\n\n1. lại một"
    );
}

#[actix_web::test]
async fn a_table_has_its_caption_and_headings() {
    let portal = Portal::new().await;
    let table = json!([{
        "_type": "table", "caption": "Số cây", "header_rows": 1,
        "rows": [
            {"cells": [cell("Thôn"), cell("Cây")]},
            {"cells": [cell("Đông"), {
                "markDefs": [{"_type": "link", "_key": "l", "href": "https://a.example.vn/"}],
                "children": [{"_type": "span", "text": "120", "marks": ["strong", "l"]}],
            }]},
        ],
    }]);
    assert_eq!(
        html(&portal, table.clone()).await,
        "<table>\n<caption>Số cây</caption>\n\
         <thead>\n<tr><th>Thôn</th><th>Cây</th></tr>\n</thead>\n\
         <tbody>\n<tr><td>Đông</td><td><a href=\"https://a.example.vn/\"><strong>120</strong></a></td></tr>\n</tbody>\n\
         </table>\n"
    );
    let portal = Portal::new().await;
    assert_eq!(
        text(&portal, table).await,
        "Số cây\n\nThôn | Cây\n\nĐông | 120"
    );
}

#[actix_web::test]
async fn one_caption_stands_under_two_photos() {
    let portal = Portal::new().await;
    let editor = portal.editor().await;
    let (one, _) = picture(&editor, 1, "Ảnh \"một\"").await;
    let (two, _) = picture(&editor, 2, "Ảnh hai").await;
    let (three, _) = picture(&editor, 3, "Ảnh ba").await;
    let body = json!([{
        "_type": "figure", "caption": "Trồng cây\nở thôn Đông", "credit": "Ảnh: Lê Thơ",
        "media": [
            {"media_id": one},
            {"media_id": two, "alt": "Riêng ở đây"},
            {"media_id": three, "decorative": true},
        ],
    }]);
    let path = address_of(&portal, body).await;
    let seen = portal.get(&path).await.ok();
    let figure = &seen["body"][0];
    let alts: Vec<&Value> = figure["media"]
        .as_array()
        .unwrap()
        .iter()
        .map(|m| &m["alt"])
        .collect();
    assert_eq!(json!(alts), json!(["Ảnh \"một\"", "Riêng ở đây", null]));
    let url = |i: usize| figure["media"][i]["url"].as_str().unwrap().to_owned();
    assert!(url(0).starts_with(&format!("{BASE}/media/")), "{}", url(0));

    let html = portal.get(&format!("{path}?body=html")).await.ok();
    let images: String = [(0, "Ảnh &quot;một&quot;"), (1, "Riêng ở đây"), (2, "")]
        .map(|(i, alt)| {
            format!(
                "<img src=\"{}\" alt=\"{alt}\" width=\"40\" height=\"30\">\n",
                url(i)
            )
        })
        .concat();
    assert_eq!(
        html["body_html"],
        format!(
            "<figure>\n{images}<figcaption>Trồng cây<br>\nở thôn Đông <small>Ảnh: Lê Thơ</small>\
             </figcaption>\n</figure>\n"
        )
    );
    let text = portal.get(&format!("{path}?body=text")).await.ok();
    assert_eq!(text["body_text"], "Trồng cây\nở thôn Đông (Ảnh: Lê Thơ)");
    assert!(
        !html.to_string().contains("T 29"),
        "file names are never shown"
    );
}

#[actix_web::test]
async fn a_figure_offers_browsers_the_sizes_that_pages_show() {
    let portal = Portal::new().await;
    let editor = portal.editor().await;
    let wide = sample::picture(2000, 100, 90);
    let medium = editor.upload("a.png", &wide, &[("alt", "Đê")]).await;
    let medium = medium.created()["id"].clone();
    let body = json!([{"_type": "figure", "media": [{"media_id": medium}]}]);
    let path = address_of(&portal, body).await;
    let seen = portal.get(&path).await.ok();
    let shown = &seen["body"][0]["media"][0];
    assert_eq!(shown["colour"], "#5a5a78");
    assert!(shown["thumbhash"].is_string());
    let url = |name: &str| {
        let made = shown["renditions"].as_array().unwrap();
        let found = made.iter().find(|made| made["name"] == name).unwrap();
        found["url"].as_str().unwrap().to_owned()
    };
    let set: Vec<String> = [320, 640, 960, 1280, 1920]
        .map(|width| format!("{} {width}w", url(&format!("w{width}"))))
        .to_vec();
    let html = portal.get(&format!("{path}?body=html")).await.ok();
    let wanted = format!(
        "<img src=\"{}\" srcset=\"{}\" sizes=\"100vw\" alt=\"Đê\" width=\"1280\" height=\"64\">",
        url("w1280"),
        set.join(", ")
    );
    let html = html["body_html"].as_str().unwrap();
    assert!(html.contains(&wanted), "{html}");
}

#[actix_web::test]
async fn embeds_and_attachments_are_links() {
    let portal = Portal::new().await;
    let medium = portal.editor().await.picture(1).await;
    let video = "https://www.youtube.com/watch?v=a&t=5";
    let body = json!([
        {"_type": "embed", "url": video, "title": "Phóng sự"},
        {"_type": "embed", "url": video},
        {"_type": "embed", "media_id": medium, "title": "Clip"},
        {"_type": "attachment", "media_id": medium, "title": "Kế hoạch & phụ lục"},
    ]);
    let path = address_of(&portal, body).await;
    let seen = portal.get(&path).await.ok();
    assert_eq!(seen["body"][0]["url"], video);
    assert_eq!(seen["body"][0]["media"], Value::Null);
    let file = seen["body"][3]["media"]["renditions"][0]["url"]
        .as_str()
        .unwrap();
    assert_eq!(seen["body"][2]["media"]["renditions"][0]["url"], file);
    let html = portal.get(&format!("{path}?body=html")).await.ok();
    let escaped = video.replace('&', "&amp;");
    assert_eq!(
        html["body_html"],
        format!(
            "<p><a href=\"{escaped}\">Phóng sự</a></p>\n<p><a href=\"{escaped}\">{escaped}</a></p>\n\
             <p><a href=\"{file}\">Clip</a></p>\n\
             <p><a href=\"{file}\" download>Kế hoạch &amp; phụ lục</a></p>\n"
        )
    );
    let text = portal.get(&format!("{path}?body=text")).await.ok();
    assert_eq!(
        text["body_text"],
        format!("Phóng sự: {video}\n\n{video}\n\nClip: {file}\n\nKế hoạch & phụ lục: {file}")
    );
}

#[actix_web::test]
async fn no_text_can_become_html() {
    let portal = Portal::new().await;
    let (medium, _) = picture(&portal.editor().await, 1, EVIL).await;
    let body = json!([
        paragraph(EVIL),
        styled("h2", EVIL),
        styled("blockquote", EVIL),
        item("bullet", 1, EVIL),
        {"_type": "figure", "caption": EVIL, "credit": EVIL, "media": [{"media_id": medium}, {"media_id": medium, "alt": EVIL}]},
        {"_type": "table", "caption": EVIL, "header_rows": 1, "rows": [{"cells": [cell(EVIL)]}, {"cells": [cell(EVIL)]}]},
        {"_type": "embed", "url": "https://youtu.be/a", "title": EVIL},
        {"_type": "attachment", "media_id": medium, "title": EVIL},
        {"_type": "block", "markDefs": [{"_type": "link", "_key": "l", "href": "https://a.example.vn/'onclick='a()"}],
         "children": [{"_type": "span", "text": EVIL, "marks": ["l"]}]},
    ]);
    let html = html(&portal, body).await;
    assert_eq!(html.matches(ESCAPED).count(), 14, "{html}");
    assert_eq!(html.matches("<script").count(), 0);
    assert_eq!(html.matches("onerror").count(), 14);
    assert_eq!(html.matches("<img").count(), 2);
    assert!(html.contains("href=\"https://a.example.vn/&#39;onclick=&#39;a()\""));
}

#[actix_web::test]
async fn only_harmless_links_are_taken() {
    let portal = Portal::new().await;
    let category = portal.news().await;
    let editor = portal.editor().await;
    for href in [
        "javascript:alert(1)",
        " javascript:alert(1)",
        "java\tscript:alert(1)",
        "JAVASCRIPT:alert(1)",
        "data:text/html,x",
        "vbscript:x",
        "//evil.example/",
        "/tin/a",
        "https://a.example.vn/\"onclick=\"a()",
        "https://user:pass@a.example.vn/",
        "file:///etc/passwd",
        "",
    ] {
        let mut content = content("Tin", &category);
        content["body"] = json!([{
            "_type": "block", "markDefs": [{"_type": "link", "_key": "l", "href": href}],
            "children": [{"_type": "span", "text": "a", "marks": ["l"]}],
        }]);
        let answer = editor.post("/v1/editorial/articles", &content).await;
        answer.faults(422, "invalid", &["/body/0/markDefs/0/href bad_format"]);
    }
}

#[actix_web::test]
async fn a_figure_without_words_and_an_empty_body_render_too() {
    let portal = Portal::new().await;
    let medium = portal.editor().await.picture(1).await;
    let mut bare = figure("x", &[medium]);
    bare["caption"] = Value::Null;
    let rendered = html(&portal, json!([bare.clone()])).await;
    assert!(!rendered.contains("figcaption"), "{rendered}");
    let portal = Portal::new().await;
    assert_eq!(html(&portal, json!([])).await, "");
    let portal = Portal::new().await;
    assert_eq!(text(&portal, json!([])).await, "");
}

#[actix_web::test]
async fn each_picture_keeps_its_own_credit() {
    let portal = Portal::new().await;
    let editor = portal.editor().await;
    let mut ids = Vec::new();
    for (shade, credit) in [(1, Some("Người Một")), (2, Some("Người Hai")), (3, None)] {
        let credit = credit.map(|credit| ("credit", credit));
        let texts: Vec<(&str, &str)> = credit.into_iter().chain([("alt", "Ảnh")]).collect();
        let bytes = sample::picture(20, 20, shade);
        let medium = editor.upload("a.png", &bytes, &texts).await.created();
        ids.push(medium["id"].as_i64().unwrap());
    }
    // By different people: each beside its picture, and nobody's name under a stranger's.
    let made = html(&portal, json!([sample::figure("Chung", &ids)])).await;
    let credits: Vec<usize> = ["Người Một", "Người Hai", "<figcaption>Chung</figcaption>"]
        .iter()
        .map(|part| made.find(part).unwrap())
        .collect();
    let pictures: Vec<usize> = made.match_indices("<img").map(|(at, _)| at).collect();
    assert!(
        pictures[0] < credits[0] && credits[0] < pictures[1],
        "{made}"
    );
    assert!(
        pictures[1] < credits[1] && credits[1] < pictures[2],
        "{made}"
    );
    assert!(pictures[2] < credits[2], "{made}");
    // By one person, or as the figure says: once, under all.
    let made = html(&portal, json!([sample::figure("Một", &ids[..1])])).await;
    assert!(
        made.contains("<figcaption>Một <small>Người Một</small></figcaption>"),
        "{made}"
    );
    let mut figure = sample::figure("Chung", &ids);
    figure["credit"] = json!("Ảnh: Tòa soạn");
    let made = html(&portal, json!([figure])).await;
    assert!(
        made.contains("Chung <small>Ảnh: Tòa soạn</small>"),
        "{made}"
    );
    assert!(!made.contains("Người"), "{made}");
}
