//! The documents hold together, and are the ones in the repository.

use std::collections::BTreeSet;
use std::path::PathBuf;

use serde_json::Value;

use super::{ASYNCAPI, OPENAPI};

/// Set by `cargo xtask contract`: the files are written instead of compared.
const REWRITE: &str = "LAMPFIELD_CONTRACT_REWRITE";

fn parsed(text: &str) -> Value {
    serde_json::from_str(text).expect("JSON")
}

/// Calls `look` with every value of a document.
fn walk(value: &Value, look: &mut impl FnMut(&Value)) {
    look(value);
    match value {
        Value::Object(members) => members.values().for_each(|it| walk(it, look)),
        Value::Array(items) => items.iter().for_each(|it| walk(it, look)),
        _ => {}
    }
}

fn references(document: &Value) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    walk(document, &mut |value| {
        found.extend(value.get("$ref").and_then(Value::as_str).map(str::to_owned));
    });
    found
}

fn keep(name: &str, text: &str) {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../contract");
    let path = root.join(name);
    if std::env::var_os(REWRITE).is_some() {
        std::fs::create_dir_all(&root).expect("a folder");
        std::fs::write(&path, text).expect("a file");
    }
    let kept = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(kept == text, "contract/{name} is not what the code says; run: cargo xtask contract");
}

#[test]
fn the_kept_documents_are_what_the_code_says() {
    keep("openapi.json", &OPENAPI);
    keep("asyncapi.json", &ASYNCAPI);
}

#[test]
fn every_reference_leads_somewhere() {
    for document in [parsed(&OPENAPI), parsed(&ASYNCAPI)] {
        let all = references(&document);
        assert!(all.len() > 20);
        for reference in all {
            let pointer = reference.strip_prefix('#').expect("a reference into the document");
            assert!(document.pointer(pointer).is_some(), "{reference} leads nowhere");
        }
    }
}

#[test]
fn nothing_is_described_that_nobody_speaks_of() {
    // What is only spoken of in prose: lines of a batch.
    let in_prose = ["#/components/schemas/BatchLine", "#/components/schemas/BatchReceipt"];
    for document in [parsed(&OPENAPI), parsed(&ASYNCAPI)] {
        let used = references(&document);
        let components = document["components"].as_object().expect("components");
        for (part, named) in components.iter().filter(|(part, _)| *part != "securitySchemes") {
            for name in named.as_object().expect("named parts").keys() {
                let reference = format!("#/components/{part}/{name}");
                let is_used = used.contains(&reference) || in_prose.contains(&reference.as_str());
                assert!(is_used, "nobody speaks of {reference}");
            }
        }
    }
}

#[test]
fn every_operation_has_a_name_of_its_own_and_links_name_operations() {
    let document = parsed(&OPENAPI);
    let mut names = Vec::new();
    let mut linked = BTreeSet::new();
    walk(&document["paths"], &mut |value| {
        let name = value.get("operationId").and_then(Value::as_str).map(str::to_owned);
        if value.get("responses").is_some() {
            names.extend(name);
        } else {
            linked.extend(name);
        }
    });
    let unique: BTreeSet<_> = names.iter().cloned().collect();
    assert_eq!(unique.len(), names.len());
    assert!(linked.len() > 5);
    assert!(linked.is_subset(&unique), "{:?}", linked.difference(&unique));
}

#[test]
fn every_member_that_is_needed_is_described() {
    for document in [parsed(&OPENAPI), parsed(&ASYNCAPI)] {
        walk(&document, &mut |value| {
            let Some(required) = value.get("required").and_then(Value::as_array) else { return };
            for name in required.iter().filter_map(Value::as_str) {
                assert!(value["properties"].get(name).is_some(), "{name} is needed in {value}");
            }
        });
    }
}
