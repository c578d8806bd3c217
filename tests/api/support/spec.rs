//! Holds every answer of the tests against the OpenAPI document: status, media type, body, headers.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock};

use actix_web::http::Method;
use jsonschema::Validator;
use serde_json::{Value, json};

use super::Answer;

/// The document as served.
pub fn document() -> &'static Value {
    static DOCUMENT: OnceLock<Value> = OnceLock::new();
    DOCUMENT.get_or_init(bantin::http::spec::document)
}

/// The pattern and operation that a request meets.
pub fn operation(method: &Method, path: &str) -> Option<(&'static str, &'static Value)> {
    let path = path.split('?').next().unwrap_or_default();
    let fits = |pattern: &str| {
        pattern.split('/').count() == path.split('/').count()
            && pattern
                .split('/')
                .zip(path.split('/'))
                .all(|(want, have)| want == have || (want.starts_with('{') && !have.is_empty()))
    };
    let name = if *method == Method::HEAD {
        "get".to_owned()
    } else {
        method.as_str().to_lowercase()
    };
    document()["paths"]
        .as_object()?
        .iter()
        .filter(|(pattern, _)| fits(pattern))
        .min_by_key(|(pattern, _)| pattern.matches('{').count())
        .and_then(|(pattern, item)| Some((pattern.as_str(), item.get(&name)?)))
}

#[track_caller]
pub fn check(method: &Method, path: &str, answer: &Answer) {
    let place = format!("{method} {path} -> {}", answer.status);
    assert!(
        !answer.header("x-request-id").is_empty(),
        "{place}: no request id"
    );
    assert_eq!(
        answer.header("x-content-type-options"),
        "nosniff",
        "{place}"
    );
    if answer.status >= 400 && *method != Method::HEAD {
        assert_eq!(
            answer.header("content-type"),
            "application/problem+json",
            "{place}"
        );
    }
    let Some((pattern, operation)) = operation(method, path) else {
        // Unknown addresses and methods, preflights, and the pages about the API itself.
        return;
    };
    let status = answer.status.to_string();
    let Some(documented) = operation["responses"].get(&status).map(resolved) else {
        panic!(
            "{place}: this status is not documented at {pattern}: {}",
            answer.text()
        );
    };
    for (name, header) in documented["headers"].as_object().into_iter().flatten() {
        let header = resolved(header);
        let value = answer.header(name);
        if value.is_empty() {
            assert!(
                header["required"] != true,
                "{place}: the header {name} is missing"
            );
            continue;
        }
        let value = match header["schema"]["type"].as_str() {
            Some("integer") => json!(value.parse::<i64>().unwrap()),
            _ => json!(value),
        };
        let key = format!("{method} {pattern} {status} header {name}");
        complain(&place, &validator(&key, &header["schema"]), &value);
    }
    let content = documented["content"].as_object();
    if *method == Method::HEAD || answer.body.is_empty() {
        let needs = content.is_some_and(|content| !content.is_empty());
        assert!(
            !needs || *method == Method::HEAD,
            "{place}: documented with a body, but has none"
        );
        return;
    }
    let kind = answer.header("content-type");
    let essence = kind.split(';').next().unwrap_or_default().trim();
    let range = format!("{}/*", essence.split('/').next().unwrap_or_default());
    let schema = content.and_then(|content| content.get(essence).or(content.get(&range)));
    let Some(schema) = schema else {
        panic!("{place}: {essence} is not documented at {pattern}");
    };
    // Not one JSON value, but a line for each.
    if essence.ends_with("json") && essence != "application/x-ndjson" {
        let key = format!("{method} {pattern} {status} {essence}");
        complain(&place, &validator(&key, &schema["schema"]), &answer.json());
    }
}

/// What a reference leads to.
pub fn resolved(value: &'static Value) -> &'static Value {
    match value["$ref"].as_str() {
        Some(reference) => document()
            .pointer(reference.trim_start_matches('#'))
            .unwrap(),
        None => value,
    }
}

#[track_caller]
fn complain(place: &str, validator: &Validator, value: &Value) {
    let errors: Vec<String> = validator
        .iter_errors(value)
        .map(|error| format!("{}: {error}", error.instance_path()))
        .collect();
    assert!(
        errors.is_empty(),
        "{place} is not as documented:\n{}\n{value:#}",
        errors.join("\n")
    );
}

/// Compiled once for each place of the document.
pub fn validator(key: &str, schema: &Value) -> Arc<Validator> {
    static KNOWN: OnceLock<Mutex<HashMap<String, Arc<Validator>>>> = OnceLock::new();
    let known = KNOWN.get_or_init(Mutex::default);
    if let Some(found) = known.lock().unwrap().get(key) {
        return Arc::clone(found);
    }
    let mut root = schema.clone();
    if let Some(object) = root.as_object_mut() {
        object.insert("components".to_owned(), document()["components"].clone());
    }
    let made = jsonschema::options()
        .with_draft(jsonschema::Draft::Draft202012)
        .should_validate_formats(true)
        .build(&root);
    let made = Arc::new(match made {
        Ok(made) => made,
        Err(error) => panic!("{key}: the schema is not one: {error}"),
    });
    known
        .lock()
        .unwrap()
        .insert(key.to_owned(), Arc::clone(&made));
    made
}
