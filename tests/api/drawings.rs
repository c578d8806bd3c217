//! SVG: refused unless it is turned on, and then a picture that can do nothing.

use bantin::service::media::work_once;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::support::Portal;
use crate::support::sample::{local, picture};

const MEDIA: &str = "/v1/editorial/media";
const ON: [&str; 2] = ["--svg", "on"];
const HEAD: &str = r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 200 100""#;

fn drawing(inside: &str) -> Vec<u8> {
    format!(r##"{HEAD}>{inside}<circle cx="50" cy="50" r="40" fill="#c8102e"/></svg>"##)
        .into_bytes()
}

async fn file_of(portal: &Portal, medium: &Value) -> String {
    let path = local(&medium["renditions"][0]["preview_url"]);
    let file = portal.get(&path).await;
    file.status_is(200);
    file.text().to_owned()
}

#[actix_web::test]
async fn a_drawing_is_refused_unless_it_is_turned_on() {
    let portal = Portal::new().await;
    let editor = portal.editor().await;
    let answer = editor.upload("a.svg", &drawing(""), &[]).await;
    let problem = answer.problem(415, "unsupported_media_type");
    let damaged = editor.upload("a.svg", b"<svg", &[]).await;
    damaged.problem(415, "unsupported_media_type");
    assert!(
        problem["detail"].as_str().unwrap().contains("SVG"),
        "{problem}"
    );
}

#[actix_web::test]
async fn what_a_drawing_could_do_is_gone() {
    let portal = Portal::with(&ON).await;
    let editor = portal.editor().await;
    let hidden = [picture(20, 10, 3), b"VI TRI 15.9 108.2".to_vec()].concat();
    let inside = STANDARD.encode(&hidden);
    let bytes = drawing(&format!(
        r##"<!-- RAC bí mật --><?xml-stylesheet href="http://RAC.example/a.css"?>
        <metadata>RAC</metadata><script>alert("RAC")</script>
        <style>.b {{ fill: red; clip-path: url( "#anh" ) }}</style>
        <foreignObject><body xmlns="http://www.w3.org/1999/xhtml"><iframe src="RAC"/></body></foreignObject>
        <g onload="RAC()" xmlns:s="http://sodipodi.sourceforge.net/DTD/sodipodi-0.dtd" s:docname="C:\RAC.svg"
        data-path="C:\RAC" fill="url(http://RAC.example/d)"/>
        <a href="javascript:RAC()"><text><tspan>Phường</tspan><tspan>Một</tspan></text></a>
        <use xmlns:x="http://www.w3.org/1999/xlink" x:href="#anh" href="#anh"/>
        <set attributeName="href" to="javascript:RAC()"/>
        <image href="http://RAC.example/c.png" width="5" height="5"/>
        <image href="data:image/svg+xml,RAC" width="5" height="5" onerror="RAC()"/>
        <image id="anh" href="data:image/png;base64,{inside}" width="20" height="10"/>"##
    ));
    // A drawing inside a drawing is not read.
    let refused = editor.upload("a.svg", &bytes, &[]).await;
    refused.faults(422, "invalid", &["/file bad_format"]);
    let bytes = String::from_utf8(bytes).unwrap();
    let bytes = bytes.replace(r#" href="data:image/svg+xml,RAC""#, "");
    let medium = editor
        .upload("a.svg", bytes.as_bytes(), &[])
        .await
        .created();
    assert_eq!(medium["kind"], "image");
    assert_eq!(
        (&medium["width"], &medium["height"]),
        (&json!(200), &json!(100))
    );
    assert_eq!(medium["thumbhash"], Value::Null);
    let renditions = medium["renditions"].as_array().unwrap();
    assert_eq!(renditions.len(), 1);
    assert_eq!(renditions[0]["name"], "full");
    assert_eq!(renditions[0]["type"], "image/svg+xml");
    let file = file_of(&portal, &medium).await;
    for gone in [
        "RAC", "script", "onload", "onerror", "iframe", "metadata", "C:", "set",
    ] {
        assert!(!file.contains(gone), "{gone}: {file}");
    }
    for kept in [
        "<circle",
        "#c8102e",
        ".b { fill: red",
        r##"<use href="#anh""##,
        r#"id="anh""#,
        // No blank comes between them.
        "<tspan>Phường</tspan><tspan>Một</tspan>",
    ] {
        assert!(file.contains(kept), "{kept}: {file}");
    }
    // The picture inside is one of ours now.
    let at = file.find("data:image/jpeg;base64,").unwrap();
    let data = file[at..].split([',', '"']).nth(1).unwrap();
    let data = base64::engine::general_purpose::STANDARD
        .decode(data)
        .unwrap();
    let shown = image::load_from_memory(&data).unwrap();
    assert_eq!((shown.width(), shown.height()), (20, 10));
    assert!(!String::from_utf8_lossy(&data).contains("VI TRI"));
}

#[actix_web::test]
async fn a_drawing_is_served_locked_in() {
    let portal = Portal::with(&ON).await;
    let editor = portal.editor().await;
    let medium = editor
        .upload("a.svg", &drawing(""), &[("alt", "Hình tròn")])
        .await
        .created();
    let article = portal.show(&[&medium]).await;
    let slug = article["content"]["slug"].as_str().unwrap();
    let shown = portal
        .get(&format!("/v1/articles/{slug}?body=html"))
        .await
        .ok();
    assert!(
        shown["body_html"].to_string().contains("<img src="),
        "{shown}"
    );
    let live = portal.get("/v1/media").await.ok();
    let path = local(&live["items"][0]["renditions"][0]["url"]);
    let file = portal.get(&path).await;
    file.status_is(200);
    assert_eq!(file.header("content-type"), "image/svg+xml");
    assert_eq!(file.header("content-disposition"), "inline");
    assert_eq!(file.header("x-content-type-options"), "nosniff");
    assert_eq!(
        file.header("content-security-policy"),
        "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'none'"
    );
}

#[actix_web::test]
async fn a_focal_point_makes_no_crops_of_a_drawing() {
    let portal = Portal::with(&ON).await;
    let editor = portal.editor().await;
    let big = String::from_utf8(drawing(""))
        .unwrap()
        .replace("0 0 200 100", "0 0 2000 1500");
    let medium = editor.upload("a.svg", big.as_bytes(), &[]).await.created();
    let path = format!("{MEDIA}/{}", medium["id"]);
    let point = json!({"focal_point": {"x": 0.1, "y": 0.1}});
    editor.patch(&path, 1, &point).await.ok();
    assert!(work_once(&portal.ctx).await.unwrap());
    let now = editor.get(&path).await.ok();
    assert_eq!(now["status"], "ready");
    assert_eq!(now["renditions"].as_array().unwrap().len(), 1);
}

#[actix_web::test]
async fn drawings_that_are_none_are_told_apart() {
    let portal = Portal::with(&ON).await;
    let editor = portal.editor().await;
    let sizes = [
        (r#"width="2in" height="48pt""#, (192, 64)),
        (r#"width="50%" height="50%""#, (200, 100)),
        (r#"width="100""#, (100, 50)),
        (r#"width="1e9" height="-3""#, (65_000, 65_000)),
    ];
    for (size, (width, height)) in sizes {
        let bytes = format!(r#"{HEAD} {size}><path d="M0 0h9v9z"/></svg>"#);
        let medium = editor
            .upload("a.svg", bytes.as_bytes(), &[])
            .await
            .created();
        assert_eq!(
            (&medium["width"], &medium["height"]),
            (&json!(width), &json!(height)),
            "{size}"
        );
    }
    let long = drawing(&"<g/>".repeat(300_000));
    let bomb = [
        b"<!DOCTYPE svg [<!ENTITY a \"aaaaaaaaaa\">]>".to_vec(),
        drawing("<text>&a;</text>"),
    ]
    .concat();
    let whole = drawing("");
    let deep = drawing(&"<g>".repeat(100_000));
    let styled = |css: &str| drawing(&format!("<style>{css}</style>"));
    let fetching = [
        "@import url(https://example.net/a.css);",
        "@IMPORT 'a.css';",
        ".a { fill: URL( https://example.net/x ) }",
        ".a { background: image-set('https://example.net/x.png' 1x) }",
        "@font-face { font-family: a; src: url(data:font/woff2;base64,AAAA) }",
        ".a { fill: u\\72l(https://example.net/x) }",
        "<g/>@import url(https://example.net/a.css);",
        "<![CDATA[@import 'a.css';]]>",
    ];
    for css in fetching {
        let answer = editor.upload("a.svg", &styled(css), &[]).await;
        answer.faults(422, "invalid", &["/file bad_format"]);
    }
    let style = drawing(r#"<g style="fill: url('//example.net/x')"/>"#);
    for (why, bytes) in [
        ("long", &long[..]),
        ("a style that fetches", &style),
        ("entities", &bomb),
        ("cut short", &whole[..whole.len() - 9]),
        ("never closed", &deep),
        (
            "not UTF-8",
            b"<svg xmlns='http://www.w3.org/2000/svg'>\xff</svg>",
        ),
        ("empty", b"<svg"),
    ] {
        let answer = editor.upload("a.svg", bytes, &[]).await;
        answer.faults(422, "invalid", &["/file bad_format"]);
        assert!(!answer.text().is_empty(), "{why}");
    }
    // With a prefix it is the same drawing.
    let prefixed = b"<s:svg xmlns:s='http://www.w3.org/2000/svg' viewBox='0 0 9 9'><s:g/></s:svg>";
    let medium = editor.upload("a.svg", prefixed, &[]).await.created();
    let file = file_of(&portal, &medium).await;
    assert!(
        file.contains(r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9"><g"#),
        "{file}"
    );
    let page = b"<html xmlns='http://www.w3.org/1999/xhtml'><svg xmlns='http://www.w3.org/2000/svg'/></html>";
    for bytes in [&page[..], b"<svg/>"] {
        let answer = editor.upload("a.svg", bytes, &[]).await;
        assert!([415, 422].contains(&answer.status), "{}", answer.text());
    }
}
