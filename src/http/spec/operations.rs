//! What is true of every operation: which errors it can answer, which headers it takes and gives,
//! conditional requests, and its examples.

mod headers;

use serde_json::{Map, Value, json};

use crate::http::error::Code;

/// Answers of the API's own tests, one for each operation and success; `just bless` records them.
const EXAMPLES: &str = include_str!("../../../openapi/examples.json");

/// What an operation is, as far as its neighbours are told apart by it.
struct Operation<'a> {
    path: &'a str,
    method: &'a str,
    /// Needs a token.
    secured: bool,
    has_body: bool,
}

impl Operation<'_> {
    /// For editors; previews are opened by their address alone.
    fn editorial(&self) -> bool {
        self.path.starts_with("/v1/editorial") && !self.preview()
    }

    fn preview(&self) -> bool {
        self.path.contains("/preview/")
    }

    /// A file out of media storage.
    fn file(&self) -> bool {
        self.path.ends_with("/{rendition}")
    }

    /// An answer of the moment: no ETag, and no reader to refuse.
    fn probe(&self) -> bool {
        matches!(self.path, "/healthz" | "/readyz" | "/metrics")
    }

    /// API tokens have no version: they are made and revoked.
    fn of_tokens(&self) -> bool {
        self.path.contains("/tokens")
    }

    /// Speaks tus: a repeated request is told by its offset.
    fn of_uploads(&self) -> bool {
        self.path.contains("/uploads")
    }

    /// Keeps what came of a request with an `Idempotency-Key`.
    fn keeps_keys(&self) -> bool {
        self.writes() && (self.editorial() || self.of_tokens()) && !self.of_uploads()
    }

    fn writes(&self) -> bool {
        matches!(self.method, "post" | "put" | "patch" | "delete")
    }

    /// A write that names the version it is based on: all but those that make something new. A
    /// caption is a part of its article.
    fn versioned(&self) -> bool {
        let action = self.method == "post" && self.path.contains("{id}/");
        let part = self.method == "post" && self.path.ends_with("/captions");
        let named = matches!(self.method, "put" | "patch" | "delete") || action || part;
        self.editorial() && named && !self.beside() && !self.of_tokens() && !self.of_uploads()
    }

    /// A write about an article that changes nothing which anybody saves.
    fn beside(&self) -> bool {
        let parts = ["{id}/comments", "{id}/lock", "{id}/previews"];
        parts.iter().any(|part| self.path.contains(part)) || self.path.ends_with("{id}/assign")
    }

    /// Answered a piece at a time: no ETag.
    fn streamed(&self) -> bool {
        self.path.ends_with("/audit/export")
    }

    /// One editorial object, whose ETag is its version.
    fn object(&self) -> bool {
        self.editorial()
            && !self.of_tokens()
            && !self.of_uploads()
            && self.method == "get"
            && (self.path.ends_with("{id}") || self.path.ends_with("/portal"))
    }

    /// Answers 304.
    fn conditional(&self) -> bool {
        let moment = self.probe() || self.streamed() || self.of_uploads();
        self.method == "get" && !moment && !self.object()
    }

    fn signs_in(&self) -> bool {
        matches!(
            self.path,
            "/v1/auth/login" | "/v1/auth/refresh" | "/v1/auth/invitation"
        )
    }

    /// Statuses of errors that it can answer whatever it does.
    fn errors(&self) -> Vec<u16> {
        let mut statuses = vec![404, 500, 503];
        if !self.probe() {
            statuses.extend([400, 414, 429]);
        }
        if self.has_body {
            statuses.extend([408, 413, 415, 422]);
        }
        if self.secured || self.signs_in() {
            statuses.push(401);
        }
        // Whoever has the right may still have sent an API token that does not reach so far.
        if self.secured {
            statuses.push(403);
        }
        if self.keeps_keys() {
            statuses.push(422);
        }
        if self.versioned() {
            statuses.extend([412, 428]);
        }
        statuses
    }

    fn parameters(&self) -> Vec<Value> {
        let mut parameters = Vec::new();
        if self.versioned() {
            parameters.push(json!({
                "name": "If-Match", "in": "header", "required": false,
                "description": "The version that the change is based on, as `\"7\"`; 428 without it.",
                "schema": {"type": "string", "maxLength": 100, "pattern": "^\"[1-9][0-9]{0,15}\"$"},
                "example": "\"7\"",
            }));
        }
        if self.keeps_keys() {
            parameters.push(json!({
                "name": "Idempotency-Key", "in": "header", "required": false,
                "description": "Makes a repeated request harmless: the first result is answered again for 24 hours.",
                "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$"},
            }));
        }
        if self.conditional() {
            parameters.push(json!({
                "name": "If-None-Match", "in": "header", "required": false,
                "description": "ETags that the client has; 304 when one of them is current.",
                "schema": {"type": "string", "maxLength": 1000, "pattern": "^[^\\r\\n]*$"},
            }));
        }
        parameters
    }
}

/// Completes every operation of the document.
pub fn complete(document: &mut Value) {
    let examples: Value = serde_json::from_str(EXAMPLES).unwrap_or_default();
    let paged = pages(document);
    let paths = document.get_mut("paths").and_then(Value::as_object_mut);
    for (path, item) in paths.into_iter().flatten() {
        for (method, operation) in item.as_object_mut().into_iter().flatten() {
            let this = Operation {
                path,
                method,
                secured: operation
                    .get("security")
                    .and_then(Value::as_array)
                    .is_some_and(|schemes| {
                        schemes.iter().any(|scheme| scheme.get("bearer").is_some())
                    }),
                has_body: operation.get("requestBody").is_some(),
            };
            let id = operation
                .get("operationId")
                .and_then(Value::as_str)
                .unwrap_or_default();
            let examples = examples.get(id).cloned().unwrap_or_default();
            if let Some(operation) = operation.as_object_mut() {
                fill(&this, operation, &examples, &paged);
            }
        }
    }
    any_of(document, "ArticleList");
    share(document);
}

/// Says once, among the components, what many answers have in common: headers, and the problems
/// that any operation may answer.
fn share(document: &mut Value) {
    let (mut headers, mut problems) = (Map::new(), Map::new());
    let paths = document.get_mut("paths").and_then(Value::as_object_mut);
    for (_, item) in paths.into_iter().flatten() {
        for (_, operation) in item.as_object_mut().into_iter().flatten() {
            let responses = operation
                .get_mut("responses")
                .and_then(Value::as_object_mut);
            for (status, response) in responses.into_iter().flatten() {
                let members = response.get_mut("headers").and_then(Value::as_object_mut);
                for (name, header) in members.into_iter().flatten() {
                    let known = headers
                        .entry(name.clone())
                        .or_insert_with(|| header.clone());
                    if known == header {
                        *header = json!({"$ref": format!("#/components/headers/{name}")});
                    }
                }
                let is_problem = response
                    .pointer("/content/application~1problem+json")
                    .is_some();
                if is_problem {
                    let name = format!("Problem{status}");
                    let known = problems
                        .entry(name.clone())
                        .or_insert_with(|| response.clone());
                    if known == response {
                        *response = json!({"$ref": format!("#/components/responses/{name}")});
                    }
                }
            }
        }
    }
    if let Some(components) = document
        .get_mut("components")
        .and_then(Value::as_object_mut)
    {
        components.insert("headers".to_owned(), Value::Object(headers));
        components.insert("responses".to_owned(), Value::Object(problems));
    }
}

/// Names of the schemas that are pages of a list.
fn pages(document: &Value) -> Vec<String> {
    let schemas = document
        .pointer("/components/schemas")
        .and_then(Value::as_object);
    schemas
        .into_iter()
        .flatten()
        .filter(|(name, schema)| {
            schema
                .pointer("/properties/next/pattern")
                .is_some_and(|pattern| pattern != "^$")
                && !name.starts_with("Change")
                || *name == "ArticleList"
        })
        .map(|(name, _)| format!("#/components/schemas/{name}"))
        .collect()
}

/// Pages of either kind may look alike, so one of the two must not be demanded.
fn any_of(document: &mut Value, name: &str) {
    let schema = document.pointer_mut(&format!("/components/schemas/{name}"));
    if let Some(schema) = schema.and_then(Value::as_object_mut)
        && let Some(variants) = schema.remove("oneOf")
    {
        schema.insert("anyOf".to_owned(), variants);
    }
}

fn fill(
    this: &Operation<'_>,
    operation: &mut Map<String, Value>,
    examples: &Value,
    paged: &[String],
) {
    let parameters = this.parameters();
    if !parameters.is_empty() {
        let list = operation.entry("parameters").or_insert_with(|| json!([]));
        if let Some(list) = list.as_array_mut() {
            for parameter in parameters {
                if !list
                    .iter()
                    .any(|known| known.get("name") == parameter.get("name"))
                {
                    list.push(parameter);
                }
            }
        }
    }
    let bodies = operation
        .get_mut("requestBody")
        .and_then(|body| body.get_mut("content"))
        .and_then(Value::as_object_mut);
    for (_, content) in bodies.into_iter().flatten() {
        bytes(content);
    }
    // An empty requirement would read as "optional"; none at all is what public means.
    if !this.secured {
        operation.insert("security".to_owned(), json!([]));
    }
    if let Some(sent) = examples.get("request")
        && let Some(body) = operation.get_mut("requestBody")
        && let Some(content) = body.pointer_mut("/content/application~1json")
        && let Some(content) = content.as_object_mut()
    {
        content.insert("example".to_owned(), sent.clone());
    }
    let Some(responses) = operation
        .get_mut("responses")
        .and_then(Value::as_object_mut)
    else {
        return;
    };
    let problem = json!({"content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}});
    for status in this.errors() {
        responses
            .entry(status.to_string())
            .or_insert_with(|| problem.clone());
    }
    if this.conditional() {
        responses.entry("304").or_insert_with(|| json!({}));
    }
    for (status, response) in responses.iter_mut() {
        let reference = response
            .pointer("/content/application~1json/schema/$ref")
            .and_then(Value::as_str);
        let is_page = reference.is_some_and(|reference| paged.iter().any(|page| page == reference));
        let headers = this.headers(status, is_page);
        if let Some(response) = response.as_object_mut() {
            describe(status, response);
            response.insert("headers".to_owned(), json!(headers));
            let content = response.get_mut("content").and_then(Value::as_object_mut);
            for (kind, content) in content.into_iter().flatten() {
                if kind.ends_with("xml") || kind.ends_with("text") || kind.ends_with("ndjson") {
                    content["schema"] = json!({"type": "string", "maxLength": 268435456_u32, "pattern": "^[^\\u0000]*$"});
                }
                bytes(content);
                if let Some(example) = examples.get(status).and_then(|by_kind| by_kind.get(kind)) {
                    content["example"] = example.clone();
                }
            }
        }
    }
    responses.sort_keys();
}

/// utoipa's word for bytes is a list of numbers.
fn bytes(content: &mut Value) {
    let list = content.pointer("/schema/type");
    if list.is_some_and(|kind| kind == "array") {
        content["schema"] =
            json!({"type": "string", "format": "binary", "maxLength": 1073741824_u32});
    }
}

fn describe(status: &str, response: &mut Map<String, Value>) {
    let said = response.get("description").and_then(Value::as_str);
    if said.is_some_and(|text| !text.is_empty()) {
        return;
    }
    let text = match status {
        "200" => "Success",
        "201" => "Created",
        "204" => "Done",
        "304" => "Not modified",
        code => code
            .parse::<u16>()
            .ok()
            .and_then(|status| Code::ALL.iter().find(|code| code.status() == status))
            .map_or("Answer", |code| code.title()),
    };
    response.insert("description".to_owned(), json!(text));
}
