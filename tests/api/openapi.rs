//! The OpenAPI document is true, complete and committed; the README names every setting.

use std::collections::BTreeSet;

use clap::CommandFactory as _;
use serde_json::Value;

use crate::support::operations::operations;
use crate::support::spec::{document, resolved};
use crate::support::{BASE, CommandLine, Portal};

fn read(path: &str) -> String {
    let path = format!("{}/{path}", env!("CARGO_MANIFEST_DIR"));
    match std::fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) => panic!("{path}: {error}"),
    }
}

#[test]
fn the_committed_document_is_the_generated_one() {
    let committed: Value = serde_json::from_str(&read("openapi/bantin.json")).unwrap();
    let generated = document();
    let Some(place) = difference("", &committed, generated) else {
        return;
    };
    panic!("openapi/bantin.json is stale, first at {place}: run `just bless` and read the diff");
}

/// Where two values first differ.
fn difference(place: &str, one: &Value, other: &Value) -> Option<String> {
    match (one, other) {
        (Value::Object(a), Value::Object(b)) => {
            let keys: BTreeSet<&String> = a.keys().chain(b.keys()).collect();
            keys.into_iter().find_map(|key| {
                let place = format!("{place}/{key}");
                match (a.get(key), b.get(key)) {
                    (Some(a), Some(b)) => difference(&place, a, b),
                    _ => Some(place),
                }
            })
        }
        (one, other) => (one != other).then(|| place.to_owned()),
    }
}

#[actix_web::test]
async fn the_served_document_is_the_committed_one_with_this_server_in_it() {
    let portal = Portal::new().await;
    let mut served = portal.get("/openapi.json").await.ok();
    assert_eq!(served["servers"][0]["url"], BASE);
    served["servers"] = document()["servers"].clone();
    assert_eq!(difference("", &served, document()), None);
    assert!(served["openapi"].as_str().unwrap().starts_with("3.1"));
}

#[test]
fn every_operation_says_what_it_does() {
    let mut faults = Vec::new();
    let mut ids = BTreeSet::new();
    for operation in operations() {
        let id = operation.id;
        let mut need = |fine: bool, what: &str| {
            if !fine {
                faults.push(format!(
                    "{} {}: {what}",
                    operation.method, operation.pattern
                ));
            }
        };
        need(ids.insert(id), "its id is not unique");
        let words: Vec<&str> = id.split('_').collect();
        let plain = id.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
        // Two verbs that need no noun.
        let named = words.len() > 1 || matches!(id, "login" | "logout");
        need(plain && named, "its id is not verb_noun");
        for part in ["summary", "description"] {
            let text = operation.entry[part].as_str().unwrap_or_default();
            need(!text.trim().is_empty(), &format!("has no {part}"));
        }
        let tags = operation.entry["tags"].as_array();
        need(tags.is_some_and(|tags| !tags.is_empty()), "has no tag");
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn every_tag_is_described() {
    let known: BTreeSet<&str> = document()["tags"]
        .as_array()
        .into_iter()
        .flatten()
        .filter(|tag| tag["description"].as_str().is_some_and(|d| !d.is_empty()))
        .filter_map(|tag| tag["name"].as_str())
        .collect();
    for operation in operations() {
        for tag in operation.entry["tags"].as_array().into_iter().flatten() {
            assert!(known.contains(tag.as_str().unwrap()), "{tag}");
        }
    }
}

#[test]
fn every_operation_lists_the_errors_that_it_can_answer() {
    let mut faults = Vec::new();
    for operation in operations() {
        let responses = operation.entry["responses"].as_object().unwrap();
        let mut wanted = vec!["500", "503"];
        if operation.is_secured() {
            wanted.push("401");
        }
        if operation.entry.get("requestBody").is_some() {
            wanted.extend(["400", "408", "413", "415", "422"]);
        }
        if operation.pattern.contains('{') && operation.method == "GET" {
            wanted.push("404");
        }
        for status in wanted {
            if !responses.contains_key(status) {
                faults.push(format!("{} does not say {status}", operation.id));
            }
        }
        for (status, response) in responses {
            let response = resolved(response);
            let text = response["description"].as_str().unwrap_or_default();
            let error = status.starts_with(['4', '5']);
            let problem = &response["content"]["application/problem+json"];
            if text.is_empty() || error && !problem.is_object() {
                faults.push(format!("{} {status} is not described", operation.id));
            }
        }
        if !responses.keys().any(|status| status.starts_with('2')) {
            faults.push(format!("{} has no success", operation.id));
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn no_parameter_is_there_twice() {
    for operation in operations() {
        let mut seen = BTreeSet::new();
        let parameters = operation.entry["parameters"].as_array();
        for parameter in parameters.into_iter().flatten() {
            let name = parameter["name"].as_str().unwrap().to_lowercase();
            let place = parameter["in"].as_str().unwrap();
            assert!(seen.insert((place, name)), "{} {parameter}", operation.id);
        }
    }
}

#[test]
fn every_parameter_is_described() {
    let mut faults = Vec::new();
    for operation in operations() {
        let parameters = operation.entry["parameters"].as_array();
        for parameter in parameters.into_iter().flatten() {
            let name = &parameter["name"];
            let described = parameter["description"]
                .as_str()
                .is_some_and(|d| !d.is_empty());
            let words = parameter["schema"].to_string().contains("enum");
            if !described && !words {
                faults.push(format!("{} {name} is not described", operation.id));
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn blocks_of_a_body_are_told_apart_by_their_type() {
    let schemas = &document()["components"]["schemas"];
    for (name, count) in [("Block", 6), ("LiveBlock", 6)] {
        let schema = &schemas[name];
        assert_eq!(schema["discriminator"]["propertyName"], "_type", "{name}");
        let mapping = schema["discriminator"]["mapping"].as_object().unwrap();
        let variants = schema["oneOf"].as_array().unwrap();
        assert_eq!((mapping.len(), variants.len()), (count, count), "{name}");
        for (tag, reference) in mapping {
            let variant = reference.as_str().unwrap().rsplit('/').next().unwrap();
            let variant = &schemas[variant];
            let types = &variant["properties"]["_type"]["enum"];
            assert_eq!(types, &serde_json::json!([tag]), "{name} {tag}");
            let required = variant["required"].as_array().unwrap();
            assert!(required.contains(&"_type".into()), "{name} {tag}");
        }
    }
}

#[test]
fn every_reference_leads_somewhere() {
    let text = document().to_string();
    for part in text.split("\"$ref\":\"#").skip(1) {
        let pointer = part.split('"').next().unwrap();
        assert!(document().pointer(pointer).is_some(), "{pointer}");
    }
}

#[test]
fn the_readme_names_every_setting_with_its_default() {
    let command = CommandLine::command();
    let mut faults = Vec::new();
    for file in ["README.md", "README.vi.md"] {
        let readme = read(file);
        for argument in command.get_arguments() {
            let Some(variable) = argument.get_env().and_then(|name| name.to_str()) else {
                continue;
            };
            let row = readme
                .lines()
                .find(|line| line.starts_with('|') && line.contains(&format!("`{variable}`")));
            let Some(row) = row else {
                faults.push(format!("{file} has no row for {variable}"));
                continue;
            };
            let flag = argument.get_long().unwrap_or_default();
            if !row.contains(&format!("`--{flag}`")) {
                faults.push(format!("{file}: the row of {variable} lacks --{flag}"));
            }
            for value in argument.get_default_values() {
                let value = value.to_string_lossy();
                if !row.contains(&format!("`{value}`")) {
                    faults.push(format!("{file}: the default of {variable} is {value}"));
                }
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn the_readme_names_no_setting_that_is_not_there() {
    let files = [
        "config.rs",
        "config/mail.rs",
        "config/media.rs",
        "config/oidc.rs",
    ];
    let config: String = files.map(|file| read(&format!("src/{file}"))).concat();
    let readme = read("README.md");
    for row in readme.lines().filter(|line| line.starts_with("| `--")) {
        let variable = row.split('`').find(|part| part.starts_with("BANTIN_"));
        let quoted = format!("\"{}\"", variable.unwrap_or_default());
        assert!(config.contains(&quoted), "{row}");
    }
}
