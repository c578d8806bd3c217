//! Pages about the API itself, from assets in the binary: the document, its reader, the problems.

use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder, web};

use super::caching::{JSON, conditional, etag_of};
use super::error::{ApiError, ApiResult, Code, PROBLEMS_PATH};
use super::spec::Spec;
use crate::ctx::Ctx;

/// Not operations of the document, so they are routes rather than services.
pub fn routes(cfg: &mut web::ServiceConfig) {
    cfg.route("/", web::get().to(to_docs))
        .route("/openapi.json", web::get().to(openapi))
        .route("/docs", web::get().to(to_docs))
        .route(PROBLEMS_PATH, web::get().to(problems))
        .route("/docs/{file:.*}", web::get().to(docs));
}

async fn to_docs(ctx: web::Data<Ctx>) -> HttpResponse {
    HttpResponse::Found()
        .insert_header((
            header::LOCATION,
            format!("{}/docs/", ctx.settings.base_url()),
        ))
        .finish()
}

/// An answer that changes with the program only.
fn asset() -> HttpResponseBuilder {
    let mut response = HttpResponse::Ok();
    response.insert_header((header::CACHE_CONTROL, "public, max-age=300"));
    response
}

async fn openapi(request: HttpRequest, spec: web::Data<Spec>) -> HttpResponse {
    let json = spec.json();
    conditional(&request, asset(), &etag_of(json), JSON, json.to_vec())
}

/// The list of problem codes, as the repository has it, with an anchor for each.
async fn problems(request: HttpRequest) -> HttpResponse {
    let html = html(include_str!("../../docs/problems.md")).into_bytes();
    let mut response = asset();
    response.insert_header((
        header::CONTENT_SECURITY_POLICY,
        "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
    ));
    conditional(
        &request,
        response,
        &etag_of(&html),
        "text/html; charset=utf-8",
        html,
    )
}

/// The little Markdown that the list is written in: headings, paragraphs, list items, `code`, and
/// blocks of it without blank lines.
fn html(markdown: &str) -> String {
    let mut page = String::from(
        "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width\">\n<title>Problems</title>\n\
         <style>body{font:1rem/1.5 system-ui;max-width:45rem;margin:2rem auto;padding:0 1rem}\
         :target{background:#ff9}pre{overflow:auto;background:#eee;padding:.5rem}</style>\n",
    );
    for part in markdown
        .split("\n\n")
        .map(str::trim)
        .filter(|part| !part.is_empty())
    {
        let heading = part.trim_start_matches('#');
        let level = part.len() - heading.len();
        let text = heading.trim();
        if let Some(code) = part.strip_prefix("```") {
            let code = code
                .trim_end_matches("```")
                .split_once('\n')
                .map_or("", |(_, code)| code);
            page.push_str(&format!(
                "<pre>{}</pre>\n",
                crate::domain::render::escape(code)
            ));
        } else if level > 0 && !text.contains('\n') {
            page.push_str(&format!(
                "<h{level} id=\"{0}\">{0}</h{level}>\n",
                inline(text)
            ));
        } else if part.starts_with("- ") {
            let items: String = part
                .split("\n- ")
                .map(|item| format!("<li>{}</li>\n", inline(item.trim_start_matches("- "))))
                .collect();
            page.push_str(&format!("<ul>\n{items}</ul>\n"));
        } else {
            page.push_str(&format!("<p>{}</p>\n", inline(part)));
        }
    }
    page
}

fn inline(text: &str) -> String {
    let escaped = crate::domain::render::escape(text);
    let mut out = String::new();
    for (at, part) in escaped.split('`').enumerate() {
        match at % 2 {
            0 => out.push_str(part),
            _ => out.push_str(&format!("<code>{part}</code>")),
        }
    }
    out
}

/// Swagger UI.
async fn docs(request: HttpRequest, ctx: web::Data<Ctx>, file: web::Path<String>) -> ApiResult {
    let base = ctx.settings.base_url();
    let config = std::sync::Arc::new(
        utoipa_swagger_ui::Config::from(format!("{base}/openapi.json"))
            .try_it_out_enabled(true)
            .display_request_duration(true),
    );
    let found = utoipa_swagger_ui::serve(&file, config)
        .map_err(|error| ApiError::internal(error.to_string()))?;
    let Some(found) = found else {
        return Err(ApiError::new(Code::NotFound));
    };
    let bytes = found.bytes.into_owned();
    let mut response = asset();
    response.insert_header((
        header::CONTENT_SECURITY_POLICY,
        format!(
            "default-src 'self'; connect-src 'self' {base}; style-src 'self' 'unsafe-inline'; \
             img-src 'self' data:; frame-ancestors 'none'"
        ),
    ));
    Ok(conditional(
        &request,
        response,
        &etag_of(&bytes),
        &found.content_type,
        bytes,
    ))
}

#[cfg(test)]
mod tests {
    use super::html;

    #[test]
    fn every_heading_is_an_anchor_and_nothing_is_markup_by_accident() {
        let page = html(
            "# Problems\n\n## bad_json\n\nSend `{\"a\": 1}` <b>.\n\n- one\n- two\n\n```json\n{\n}\n```\n",
        );
        for part in [
            "<h2 id=\"bad_json\">bad_json</h2>",
            "<code>{&quot;a&quot;: 1}</code> &lt;b&gt;.",
            "<ul>\n<li>one</li>\n<li>two</li>\n</ul>",
            "<pre>{\n}\n</pre>",
        ] {
            assert!(page.contains(part), "{part} is not in {page}");
        }
    }
}
