//! The OpenAPI document: generated from the route attributes and types, which say each path, method
//! and field once, and completed with what is true of every operation.

mod operations;
mod schemas;

use serde_json::{Value, json};
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa_actix_web::AppExt as _;

use super::error::{PROBLEMS_PATH, Problem};

/// The document, made once at start.
pub struct Spec {
    json: Vec<u8>,
    /// Method and path pattern of every operation.
    patterns: Vec<(String, Vec<String>)>,
}

#[derive(utoipa::OpenApi)]
#[openapi(
    info(
        title = "bantin",
        description = "Headless content API for the news portals of public bodies. `/v1/*` is public and cacheable; \
            `/v1/editorial/*` and `/v1/auth/*` need or give a token. Errors are RFC 9457 problems; lists are paged by \
            cursors; editorial writes need `If-Match` and take an `Idempotency-Key`.",
        license(name = "MIT OR Apache-2.0", identifier = "MIT OR Apache-2.0"),
        contact(name = "bantin", url = "https://bantin.example.vn", email = "bantin@example.vn"),
    ),
    components(schemas(Problem)),
    tags(
        (name = "portal", description = "The portal and its front page"),
        (name = "articles", description = "What readers see"),
        (name = "categories", description = "The tree of categories"),
        (name = "captions", description = "Figures with an identity"),
        (name = "media", description = "Pictures and their files"),
        (name = "changes", description = "The log of everything public"),
        (name = "feeds", description = "Atom, RSS and JSON Feed"),
        (name = "auth", description = "Signing in and out"),
        (name = "editorial articles", description = "What editors work on"),
        (name = "audit", description = "Who did what, when and from where"),
        (name = "users", description = "Who may do what"),
        (name = "tokens", description = "API tokens of people and services"),
        (name = "operations", description = "Health and metrics"),
    ),
)]
struct Base;

/// The document as committed: independent of where the server runs.
pub fn document() -> Value {
    let mut base = <Base as utoipa::OpenApi>::openapi();
    base.components.get_or_insert_default().add_security_scheme(
        "bearer",
        SecurityScheme::Http(
            HttpBuilder::new()
                .scheme(HttpAuthScheme::Bearer)
                .bearer_format("JWT")
                .description(Some(
                    "Access token from `/v1/auth/login` (checked as RFC8725 demands), or an API token (`bantin_pat_…`, `bantin_svc_…`)",
                ))
                .build(),
        ),
    );
    let (_, built) = actix_web::App::new()
        .into_utoipa_app()
        .openapi(base)
        .configure(super::routes)
        .split_for_parts();
    let mut document = serde_json::to_value(built).unwrap_or_default();
    if let Some(object) = document.as_object_mut() {
        // Where it runs is known when it is served.
        object.insert(
            "servers".to_owned(),
            json!([{"url": "https://api.example.vn", "x-internal": false}]),
        );
    }
    operations::complete(&mut document);
    schemas::split(&mut document);
    document
}

impl Spec {
    /// The document as served.
    pub fn json(&self) -> &[u8] {
        &self.json
    }

    pub fn new(base_url: &str) -> Self {
        let mut document = document();
        let mut patterns: Vec<(String, Vec<String>)> = Vec::new();
        for (path, item) in document
            .get("paths")
            .and_then(Value::as_object)
            .into_iter()
            .flatten()
        {
            let mut methods: Vec<String> = item
                .as_object()
                .into_iter()
                .flatten()
                .map(|(method, _)| method.to_ascii_uppercase())
                .collect();
            if methods.iter().any(|method| method == "GET") {
                methods.push("HEAD".to_owned());
            }
            patterns.push((path.clone(), methods));
        }
        for page in ["/", "/openapi.json", PROBLEMS_PATH, "/docs", "/docs/{file}"] {
            patterns.push((page.to_owned(), vec!["GET".to_owned(), "HEAD".to_owned()]));
        }
        if let Some(object) = document.as_object_mut() {
            object.insert(
                "servers".to_owned(),
                json!([{"url": base_url, "x-internal": false}]),
            );
        }
        Self {
            json: serde_json::to_vec(&document).unwrap_or_default(),
            patterns,
        }
    }

    /// The methods that an address answers; none where there is nothing.
    pub fn methods(&self, path: &str) -> Vec<&str> {
        let fits = |pattern: &str| {
            let (mut want, mut have) = (pattern.split('/'), path.split('/'));
            loop {
                match (want.next(), have.next()) {
                    (None, None) => return true,
                    (Some(w), Some(h)) if w == h || (w.starts_with('{') && !h.is_empty()) => {}
                    _ => return false,
                }
            }
        };
        // Literal patterns before those with parameters.
        self.patterns
            .iter()
            .filter(|(pattern, _)| fits(pattern))
            .min_by_key(|(pattern, _)| pattern.matches('{').count())
            .map(|(_, methods)| methods.iter().map(String::as_str).collect())
            .unwrap_or_default()
    }
}
