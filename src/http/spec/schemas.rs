//! What clients send and what they get has one type in Rust and often two schemas: inputs may leave
//! out what has a default and refuse what they do not know; answers say every field, and may get
//! more.

use std::collections::BTreeSet;

use deserr::Deserr;
use serde_json::{Map, Value, json};

use crate::domain::body::{Attachment, Cell, Embed, MarkDef, Row, Rule, Span, Table, TextBlock};
use crate::domain::caption::{Figure, FigureMedium};
use crate::domain::category::CategoryContent;
use crate::domain::content::{Author, Content, Source};
use crate::domain::input::{self, FaultCode, Faults};
use crate::domain::media::MediaContent;
use crate::domain::portal::PortalContent;
use crate::service::users::UserContent;

const SCHEMAS: &str = "/components/schemas";
const REFERENCE: &str = "#/components/schemas/";

/// What the parser demands: told by itself, of an empty object.
fn demanded<T: Deserr<Faults>>() -> Vec<String> {
    let faults = input::parse::<T>(json!({})).err().unwrap_or_default();
    faults
        .0
        .into_iter()
        .filter(|fault| fault.code == FaultCode::Required)
        .map(|fault| fault.pointer.trim_start_matches('/').to_owned())
        .collect()
}

/// The fields that an input must have; none where its own schema says it already.
fn required(name: &str) -> Option<Vec<String>> {
    let block = |mut fields: Vec<String>| {
        fields.insert(0, "_type".to_owned());
        fields
    };
    Some(match name {
        "Content" => demanded::<Content>(),
        "Author" => demanded::<Author>(),
        "Source" => demanded::<Source>(),
        "CategoryContent" => demanded::<CategoryContent>(),
        "MediaContent" => demanded::<MediaContent>(),
        "PortalContent" => demanded::<PortalContent>(),
        "UserContent" => {
            let mut fields = demanded::<UserContent>();
            // Null is an answer to PUT, so that only its handler can tell it from silence.
            fields.extend(["categories", "email"].map(str::to_owned));
            fields
        }
        "Span" => demanded::<Span>(),
        "MarkDef" => demanded::<MarkDef>(),
        "Row" => demanded::<Row>(),
        "Cell" => demanded::<Cell>(),
        "FigureMedium" => demanded::<FigureMedium>(),
        "TextBlock" => block(demanded::<TextBlock>()),
        "Table" => block(demanded::<Table>()),
        "Embed" => block(demanded::<Embed>()),
        "Attachment" => block(demanded::<Attachment>()),
        "Rule" => block(demanded::<Rule>()),
        "Figure" => block(demanded::<Figure>()),
        _ => return None,
    })
}

/// Gives inputs and outputs their own schemas where they differ, and patches theirs.
pub fn split(document: &mut Value) {
    let Some(schemas) = document
        .pointer(SCHEMAS)
        .and_then(Value::as_object)
        .cloned()
    else {
        return;
    };
    let (sent, got) = reached(document, &schemas);
    let both: BTreeSet<String> = sent.intersection(&got).cloned().collect();
    let apart = differing(&both, &schemas);
    let mut made = Map::new();
    for (name, schema) in &schemas {
        let mut input = schema.clone();
        let mut output = schema.clone();
        if let Some(required) = required(name) {
            demand(&mut input, required);
        }
        rename(&mut input, &apart);
        open(&mut output);
        if apart.contains(name) {
            made.insert(format!("{name}Input"), input);
            made.insert(name.clone(), output);
        } else if sent.contains(name) {
            made.insert(name.clone(), input);
        } else {
            made.insert(name.clone(), output);
        }
    }
    let paths = document.get_mut("paths").and_then(Value::as_object_mut);
    for (_, item) in paths.into_iter().flatten() {
        for (method, operation) in item.as_object_mut().into_iter().flatten() {
            if let Some(body) = operation.get_mut("requestBody") {
                rename(body, &apart);
                if method == "patch" {
                    patch(body, &mut made);
                }
            }
        }
    }
    if let Some(schemas) = document.pointer_mut(SCHEMAS) {
        *schemas = Value::Object(made);
    }
}

/// Names reached from request bodies, and from answers.
fn reached(document: &Value, schemas: &Map<String, Value>) -> (BTreeSet<String>, BTreeSet<String>) {
    let (mut sent, mut got) = (BTreeSet::new(), BTreeSet::new());
    if let Some(problems) = document.pointer("/components/responses") {
        collect(problems, schemas, &mut got);
    }
    let paths = document.get("paths").and_then(Value::as_object);
    for (_, item) in paths.into_iter().flatten() {
        for (_, operation) in item.as_object().into_iter().flatten() {
            for (part, names) in [("requestBody", &mut sent), ("responses", &mut got)] {
                if let Some(part) = operation.get(part) {
                    collect(part, schemas, names);
                }
            }
        }
    }
    (sent, got)
}

fn collect(value: &Value, schemas: &Map<String, Value>, names: &mut BTreeSet<String>) {
    match value {
        Value::String(text) => {
            if let Some(name) = text.strip_prefix(REFERENCE)
                && names.insert(name.to_owned())
                && let Some(schema) = schemas.get(name)
            {
                collect(schema, schemas, names);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| collect(item, schemas, names)),
        Value::Object(members) => members
            .values()
            .for_each(|member| collect(member, schemas, names)),
        _ => {}
    }
}

/// Those of the names whose input and output differ: objects, and all that hold one.
fn differing(both: &BTreeSet<String>, schemas: &Map<String, Value>) -> BTreeSet<String> {
    both.iter()
        .filter(|name| {
            let mut below = BTreeSet::new();
            if let Some(schema) = schemas.get(*name) {
                collect(schema, schemas, &mut below);
            }
            below.insert((*name).clone());
            below
                .iter()
                .filter_map(|name| schemas.get(name))
                .any(|schema| schema.get("properties").is_some())
        })
        .cloned()
        .collect()
}

/// References to the input side.
fn rename(value: &mut Value, apart: &BTreeSet<String>) {
    match value {
        Value::String(text) if is_among(text, apart) => text.push_str("Input"),
        Value::Array(items) => items.iter_mut().for_each(|item| rename(item, apart)),
        Value::Object(members) => members
            .values_mut()
            .for_each(|member| rename(member, apart)),
        _ => {}
    }
}

fn is_among(reference: &str, names: &BTreeSet<String>) -> bool {
    let name = reference.strip_prefix(REFERENCE);
    name.is_some_and(|name| names.contains(name))
}

fn demand(schema: &mut Value, required: Vec<String>) {
    if let Some(object) = schema.as_object_mut() {
        match required.is_empty() {
            true => object.remove("required"),
            false => object.insert("required".to_owned(), json!(required)),
        };
    }
}

/// An answer has every field that may be null, and clients are told to skip what they do not know.
fn open(schema: &mut Value) {
    let Some(object) = schema.as_object_mut() else {
        return;
    };
    object.remove("additionalProperties");
    let nullable: Vec<String> = object
        .get("properties")
        .and_then(Value::as_object)
        .into_iter()
        .flatten()
        .filter(|(_, property)| may_be_null(property))
        .map(|(name, _)| name.clone())
        .collect();
    if !nullable.is_empty() {
        let required = object.entry("required").or_insert_with(|| json!([]));
        if let Some(required) = required.as_array_mut() {
            for name in nullable {
                if !required.contains(&json!(name)) {
                    required.push(json!(name));
                }
            }
        }
    }
    for part in ["allOf", "oneOf", "anyOf"] {
        let parts = object.get_mut(part).and_then(Value::as_array_mut);
        parts.into_iter().flatten().for_each(open);
    }
}

fn may_be_null(property: &Value) -> bool {
    let null = json!("null");
    let kinds = property.get("type").and_then(Value::as_array);
    let choices = property.get("oneOf").and_then(Value::as_array);
    kinds.is_some_and(|kinds| kinds.contains(&null))
        || choices
            .into_iter()
            .flatten()
            .any(|choice| choice.get("type") == Some(&null))
}

/// A merge patch (RFC 7396) may leave out everything; both media types say so.
fn patch(body: &mut Value, schemas: &mut Map<String, Value>) {
    let Some(content) = body.get_mut("content").and_then(Value::as_object_mut) else {
        return;
    };
    let Some(json) = content.get_mut("application/json") else {
        return;
    };
    if let Some(Value::String(reference)) = json.pointer_mut("/schema/$ref")
        && let Some(name) = reference.strip_prefix(REFERENCE)
        && let Some(stem) = name.strip_suffix("Input")
        && let Some(mut schema) = schemas.get(name).cloned()
    {
        let name = match stem.strip_suffix("Content") {
            None | Some("") => format!("{stem}Patch"),
            Some(stem) => format!("{stem}Patch"),
        };
        demand(&mut schema, Vec::new());
        *reference = format!("{REFERENCE}{name}");
        schemas.insert(name, schema);
    }
    let json = json.clone();
    content.insert("application/merge-patch+json".to_owned(), json);
}
