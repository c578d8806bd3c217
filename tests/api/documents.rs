//! Documents: known by content, attached, and handed to readers as downloads.

use serde_json::{Value, json};

use crate::support::newsroom::address;
use crate::support::{BASE, Portal, sample};

const PDF: &[u8] = b"%PDF-1.7\n1 0 obj\n<<>>\nendobj\ntrailer\n<<>>\n%%EOF\n";

fn local(url: &Value) -> String {
    url.as_str().unwrap().strip_prefix(BASE).unwrap().to_owned()
}

#[actix_web::test]
async fn a_document_is_attached_and_downloaded() {
    let portal = Portal::new().await;
    let editor = portal.editor().await;
    let medium = editor.upload("Kế hoạch.exe", PDF, &[]).await.created();
    assert_eq!(medium["kind"], "document");
    assert_eq!(medium["type"], "application/pdf");
    assert_eq!(
        (&medium["width"], &medium["height"]),
        (&Value::Null, &Value::Null)
    );
    let preview = portal
        .get(&local(&medium["renditions"][0]["preview_url"]))
        .await;
    preview.status_is(200);
    assert_eq!(preview.body, PDF);
    let news = portal.news().await;
    let body = json!([
        sample::paragraph("Xem kế hoạch."),
        {"_type": "attachment", "media_id": medium["id"], "title": "Kế hoạch số 12"}
    ]);
    let content = sample::with(&sample::content("Kế hoạch", &news), "body", body);
    let article = portal.published(&content).await;
    // No words are asked for what is no picture.
    assert_eq!(article["warnings"], json!([]));
    let live = portal.get(&address(&article)).await.ok();
    let attached = &live["body"][1]["media"];
    assert_eq!(attached["kind"], "document");
    assert_eq!(live["cover"], Value::Null);
    let rendition = &attached["renditions"][0];
    assert_eq!(rendition["bytes"], PDF.len());
    assert_eq!(rendition["width"], Value::Null);
    let file = portal.get(&local(&rendition["url"])).await;
    file.status_is(200);
    assert_eq!(file.body, PDF);
    assert_eq!(file.header("content-type"), "application/pdf");
    assert_eq!(file.header("x-content-type-options"), "nosniff");
    assert_eq!(
        file.header("content-security-policy"),
        "sandbox; default-src 'none'; frame-ancestors 'none'"
    );
    let disposition = file.header("content-disposition");
    assert!(
        disposition.starts_with("attachment; filename=\""),
        "{disposition}"
    );
    assert!(
        disposition.ends_with(".pdf\"") && !disposition.contains("exe"),
        "{disposition}"
    );
    // What a cache learns with a 304 keeps the sandbox.
    let etag = file.header("etag").to_owned();
    let ask = portal.ask(actix_web::http::Method::GET, &local(&rendition["url"]));
    let known = ask.header("if-none-match", &etag).send().await;
    known.status_is(304);
    assert_eq!(
        known.header("content-security-policy"),
        file.header("content-security-policy")
    );
    // Known bytes are known.
    let again = editor.upload("b.pdf", PDF, &[]).await.ok();
    assert_eq!(again["id"], medium["id"]);
}

#[actix_web::test]
async fn a_document_is_no_picture() {
    let portal = Portal::new().await;
    let editor = portal.editor().await;
    let medium = editor.upload("a.pdf", PDF, &[]).await.created();
    let news = portal.news().await;
    let mut content = sample::content("Sai chỗ", &news);
    content["cover_media_id"] = medium["id"].clone();
    content["body"] = json!([
        {"_type": "figure", "media": [{"media_id": medium["id"], "alt": "Kế hoạch"}]},
        {"_type": "embed", "media_id": medium["id"]},
    ]);
    let refused = editor.post("/v1/editorial/articles", &content).await;
    let wanted = [
        "/cover_media_id conflict",
        "/body/0/media/0/media_id conflict",
        "/body/1/media_id conflict",
    ];
    refused.faults(422, "invalid", &wanted);
}

#[actix_web::test]
async fn what_is_no_whole_or_harmless_document_is_refused() {
    let portal = Portal::new().await;
    let editor = portal.editor().await;
    let cut = editor.upload("a.pdf", &PDF[..20], &[]).await;
    cut.faults(422, "invalid", &["/file bad_format"]);
    let archive = editor
        .upload("a.docx", b"PK\x03\x04 and nothing more", &[])
        .await;
    archive.faults(422, "invalid", &["/file bad_format"]);
    let page = b"<!doctype html><script>alert(1)</script>";
    for name in ["a.pdf", "a.html"] {
        let refused = editor.upload(name, page, &[]).await;
        refused.problem(415, "unsupported_media_type");
    }
    let all = editor.get("/v1/editorial/media").await.ok();
    assert_eq!(all["items"], json!([]));
}

#[actix_web::test]
async fn a_document_says_how_many_pages_it_has() {
    use std::io::Write as _;
    let portal = Portal::new().await;
    let editor = portal.editor().await;
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let options = zip::write::SimpleFileOptions::default();
    let main = "application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml";
    for (name, text) in [
        (
            "[Content_Types].xml",
            format!("<Types><Override ContentType=\"{main}\"/></Types>"),
        ),
        (
            "docProps/app.xml",
            "<Properties><Pages>12</Pages></Properties>".to_owned(),
        ),
    ] {
        zip.start_file(name, options).unwrap();
        zip.write_all(text.as_bytes()).unwrap();
    }
    let file = zip.finish().unwrap().into_inner();
    let medium = editor.upload("Nghị quyết.docx", &file, &[]).await.created();
    assert_eq!(medium["pages"], 12);
    let silent = editor.upload("a.pdf", PDF, &[]).await.created();
    assert_eq!(silent["pages"], Value::Null);
    let news = portal.news().await;
    let body = json!([{"_type": "attachment", "media_id": medium["id"], "title": "Nghị quyết"}]);
    let content = sample::with(&sample::content("Nghị quyết", &news), "body", body);
    let article = portal.published(&content).await;
    let live = portal.get(&address(&article)).await.ok();
    assert_eq!(live["body"][0]["media"]["pages"], 12);
    assert_eq!(live["body"][0]["media"]["duration_ms"], Value::Null);
}
