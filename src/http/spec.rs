//! The OpenAPI document, its page, and what is true of every operation: error answers, headers,
//! conditional requests. Path and method are said once, in the route attributes.

use std::collections::BTreeMap;

use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, ResponseError as _, web};
use serde_json::{Value, json};
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa_actix_web::AppExt as _;

use super::caching::{JSON, conditional, etag_of};
use super::error::{ApiError, ApiResult, Code, PROBLEMS_PATH, Problem};
use crate::domain::content::Content;

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
        contact(name = "bantin", url = "https://bantin.example.vn"),
    ),
    components(schemas(Problem, Content)),
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
        (name = "users", description = "Who may do what"),
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
                    "Access token from `/v1/auth/login` (RFC 8725 rules apply)",
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
    input_schemas(&mut document);
    either_page(&mut document);
    let paths = document.get_mut("paths").and_then(Value::as_object_mut);
    for (path, item) in paths.into_iter().flatten() {
        for (method, operation) in item.as_object_mut().into_iter().flatten() {
            complete(path, method, operation);
        }
    }
    document
}

/// Inputs may leave out what has a default, answers never do: the same fields, other `required`.
fn input_schemas(document: &mut Value) {
    let Some(schemas) = document
        .pointer_mut("/components/schemas")
        .and_then(Value::as_object_mut)
    else {
        return;
    };
    for (name, required) in [
        ("Content", json!(["title", "category"])),
        ("UserContent", json!(["name", "roles"])),
        ("CategoryContent", json!(["name"])),
        ("MediaContent", json!([])),
        ("PortalContent", json!(["name", "language", "time_zone"])),
    ] {
        let Some(mut input) = schemas.get(name).cloned() else {
            continue;
        };
        let all: Vec<Value> = input
            .get("properties")
            .and_then(Value::as_object)
            .map(|properties| properties.keys().map(|key| json!(key)).collect())
            .unwrap_or_default();
        if let Some(output) = schemas.get_mut(name).and_then(Value::as_object_mut) {
            output.insert("required".to_owned(), json!(all));
        }
        let Some(object) = input.as_object_mut() else {
            continue;
        };
        let mut patch = object.clone();
        object.insert("required".to_owned(), required);
        patch.remove("required");
        if object.get("required") == Some(&json!([])) {
            object.remove("required");
        }
        schemas.insert(format!("{name}Input"), input);
        schemas.insert(format!("{name}Patch"), Value::Object(patch));
    }
}

/// A list of whole articles is one of summaries too, and an empty list is either: `oneOf`, which
/// utoipa makes of an untagged enum, would refuse both.
fn either_page(document: &mut Value) {
    let list = document.pointer_mut("/components/schemas/ArticleList");
    if let Some(list) = list.and_then(Value::as_object_mut)
        && let Some(kinds) = list.remove("oneOf")
    {
        list.insert("anyOf".to_owned(), kinds);
    }
}

/// Adds what every operation has in common.
fn complete(path: &str, method: &str, operation: &mut Value) {
    let editorial = path.starts_with("/v1/editorial") && !path.contains("/preview/");
    let probe = is_probe(path);
    // What an editorial object says beside its content may change without its version.
    let object = editorial && (path.ends_with("/{id}") || path.ends_with("/portal"));
    let revalidates = method == "get" && !probe && !object;
    let writes = matches!(method, "post" | "put" | "patch" | "delete");
    let secured = operation
        .get("security")
        .and_then(Value::as_array)
        .is_some_and(|schemes| schemes.iter().any(|scheme| scheme.get("bearer").is_some()));
    let has_body = operation.get("requestBody").is_some();
    let suffix = if method == "patch" { "Patch" } else { "Input" };
    if let Some(schema) =
        operation.pointer_mut("/requestBody/content/application~1json/schema/$ref")
        && let Some(name) = schema.as_str().map(str::to_owned)
        && [
            "Content",
            "UserContent",
            "CategoryContent",
            "MediaContent",
            "PortalContent",
        ]
        .iter()
        .any(|known| name.ends_with(&format!("/{known}")))
    {
        *schema = json!(format!("{name}{suffix}"));
    }
    if method == "patch"
        && let Some(content) = operation
            .pointer_mut("/requestBody/content")
            .and_then(Value::as_object_mut)
        && let Some(json) = content.get("application/json").cloned()
    {
        content.insert("application/merge-patch+json".to_owned(), json);
    }
    let login = path == "/v1/auth/login" || path == "/v1/auth/refresh";
    // Actions and changes of captions carry the version in If-Match; creation does not.
    let action = method == "post" && path.contains("{id}/");
    let conditional_write = editorial
        && (matches!(method, "put" | "patch" | "delete")
            || action
            || path.ends_with("/captions") && method == "post");
    let mut statuses: Vec<u16> = vec![500, 503];
    if !probe {
        statuses.extend([400, 414, 429]);
    }
    if has_body {
        statuses.extend([408, 413, 415, 422]);
    }
    if secured || login || path == "/v1/auth/password" {
        statuses.push(401);
    }
    if secured {
        statuses.push(403);
    }
    if editorial && writes {
        statuses.push(422);
    }
    if conditional_write {
        statuses.extend([412, 428]);
    }
    let mut parameters = Vec::new();
    if conditional_write {
        parameters.push(json!({
            "name": "If-Match", "in": "header", "required": false,
            "description": "The version that the change is based on, as `\"7\"`; 428 without it.",
            "schema": {"type": "string", "maxLength": 100, "pattern": "^\"[1-9][0-9]{0,15}\"$"}, "example": "\"7\"",
        }));
    }
    if editorial && writes {
        parameters.push(json!({
            "name": "Idempotency-Key", "in": "header", "required": false,
            "description": "Makes a repeated request harmless: the first result is answered again for 24 hours.",
            "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$"},
        }));
    }
    if revalidates {
        parameters.push(json!({
            "name": "If-None-Match", "in": "header", "required": false,
            "description": "ETags that the client has; 304 when one of them is current.",
            "schema": {"type": "string", "maxLength": 1000, "pattern": "^[!-~ ]*$"},
        }));
    }
    if let Some(object) = operation.as_object_mut() {
        if !parameters.is_empty() {
            let list = object.entry("parameters").or_insert_with(|| json!([]));
            if let Some(list) = list.as_array_mut() {
                list.extend(parameters);
            }
        }
        // An empty requirement would read as "optional"; none at all is what public means.
        if !secured {
            object.insert("security".to_owned(), json!([]));
        }
    }
    let Some(responses) = operation
        .get_mut("responses")
        .and_then(Value::as_object_mut)
    else {
        return;
    };
    statuses.sort_unstable();
    statuses.dedup();
    for status in statuses {
        responses
            .entry(status.to_string())
            .or_insert_with(|| json!({"content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}}));
    }
    if revalidates {
        responses
            .entry("304")
            .or_insert_with(|| json!({"description": "Not modified"}));
    }
    for (status, response) in responses.iter_mut() {
        describe(status, method, path, response);
    }
}

/// Answers of the moment: no ETag, and no reader to refuse.
fn is_probe(path: &str) -> bool {
    matches!(path, "/healthz" | "/readyz" | "/metrics")
}

/// Description and headers of one answer.
fn describe(status: &str, method: &str, path: &str, response: &mut Value) {
    let Some(object) = response.as_object_mut() else {
        return;
    };
    let empty = object
        .get("description")
        .and_then(Value::as_str)
        .is_none_or(str::is_empty);
    if empty {
        let text = match status {
            "200" => "Success",
            "201" => "Created",
            "204" => "Done",
            code => code
                .parse::<u16>()
                .ok()
                .and_then(|status| Code::ALL.iter().find(|code| code.status() == status))
                .map_or("Answer", |code| code.title()),
        };
        object.insert("description".to_owned(), json!(text));
    }
    let text = |description: &str, most: u32, pattern: &str| json!({"description": description, "schema": {"type": "string", "maxLength": most, "pattern": pattern}});
    let mut headers = BTreeMap::new();
    headers.insert(
        "X-Request-Id",
        text("Names the request in the log", 64, "^[0-9a-f]+$"),
    );
    let ok = status.starts_with('2');
    let tagged = ok
        && (path.starts_with("/v1/editorial") || method == "get")
        && !is_probe(path)
        && (status != "204" || path.contains("captions"))
        && !path.contains("/preview/");
    if tagged || status == "304" || status == "412" {
        headers.insert(
            "ETag",
            text(
                "Strong entity tag; the version in quotes on the editorial side",
                100,
                "^\".*\"$",
            ),
        );
    }
    match status {
        "201" | "301" => {
            headers.insert("Location", json!({"description": "Where it is", "schema": {"type": "string", "format": "uri", "maxLength": 2300}}));
        }
        "401" => {
            headers.insert(
                "WWW-Authenticate",
                text("The scheme to use", 100, "^Bearer"),
            );
        }
        "429" | "503" => {
            headers.insert("Retry-After", json!({"description": "Seconds to wait", "schema": {"type": "integer", "format": "int32", "minimum": 1, "maximum": 86400}}));
        }
        _ => {}
    }
    object.insert("headers".to_owned(), json!(headers));
}

impl Spec {
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
        for page in ["/openapi.json", PROBLEMS_PATH, "/docs"] {
            patterns.push((page.to_owned(), vec!["GET".to_owned(), "HEAD".to_owned()]));
        }
        if let Some(object) = document.as_object_mut() {
            object.insert("servers".to_owned(), json!([{"url": base_url}]));
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

/// The document and its pages: not operations of the document themselves.
pub fn pages(cfg: &mut web::ServiceConfig) {
    cfg.route("/", web::get().to(to_docs))
        .route("/openapi.json", web::get().to(openapi))
        .route("/docs", web::get().to(to_docs))
        .route(PROBLEMS_PATH, web::get().to(problems))
        .route("/docs/{file:.*}", web::get().to(docs));
}

async fn to_docs() -> HttpResponse {
    HttpResponse::Found()
        .insert_header((header::LOCATION, "/docs/"))
        .finish()
}

async fn openapi(request: HttpRequest, spec: web::Data<Spec>) -> HttpResponse {
    let mut response = HttpResponse::Ok();
    response.insert_header((header::CACHE_CONTROL, "public, max-age=300"));
    conditional(
        &request,
        response,
        &etag_of(&spec.json),
        JSON,
        spec.json.clone(),
    )
}

/// The list of problem codes, as the repository has it.
async fn problems(request: HttpRequest) -> HttpResponse {
    let text = include_bytes!("../../docs/problems.md").to_vec();
    let mut response = HttpResponse::Ok();
    response.insert_header((header::CACHE_CONTROL, "public, max-age=300"));
    conditional(
        &request,
        response,
        &etag_of(&text),
        "text/markdown; charset=utf-8",
        text,
    )
}

/// Swagger UI, from assets in the binary.
async fn docs(file: web::Path<String>) -> ApiResult {
    let config = std::sync::Arc::new(
        utoipa_swagger_ui::Config::from("/openapi.json")
            .try_it_out_enabled(true)
            .display_request_duration(true),
    );
    let found = utoipa_swagger_ui::serve(&file, config)
        .map_err(|error| ApiError::internal(error.to_string()))?;
    Ok(match found {
        Some(file) => HttpResponse::Ok()
            .content_type(file.content_type)
            .insert_header((
                header::CONTENT_SECURITY_POLICY,
                "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; frame-ancestors 'none'",
            ))
            .body(file.bytes.into_owned()),
        None => ApiError::new(Code::NotFound).error_response(),
    })
}
