//! The JSON schema of the settings file, for editors that complete and check TOML by one.

use crate::settings::{Item, Kind, OPTIONS, OptionSpec, Value};
use serde_json::{Map, Value as Json, json};

/// The schema.
pub fn text() -> String {
    let rows = OPTIONS.iter().filter(|spec| spec.in_file);
    let properties: Map<String, Json> = rows.map(|spec| (spec.key.to_owned(), property(spec))).collect();
    let schema = json!({
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "rustcorn.toml",
        "description": "The settings of rustcorn",
        "type": "object",
        "additionalProperties": false,
        "properties": properties,
    });
    format!("{schema:#}\n")
}

fn property(spec: &OptionSpec) -> Json {
    let mut property = shape(&spec.kind);
    let mut description = vec![format!("{}.", spec.help())];
    description.extend(spec.paragraphs());
    if let Json::Object(fields) = &mut property {
        fields.insert("description".to_owned(), description.join("\n\n").into());
        if let Some(default) = spec.default() {
            fields.insert("default".to_owned(), json(&default));
        }
    }
    property
}

fn shape(kind: &Kind) -> Json {
    match kind {
        Kind::Switch => json!({ "type": "boolean" }),
        Kind::Integer { min, max } => json!({ "type": "integer", "minimum": min, "maximum": max }),
        Kind::Seconds => json!({ "type": "number", "minimum": 0, "maximum": 1_000_000_000 }),
        Kind::Bytes => json!({ "type": ["integer", "string"], "minimum": 0, "pattern": "^[0-9]+[KMGkmg]?$" }),
        Kind::Mode => json!({ "type": ["integer", "string"], "minimum": 0, "maximum": 0o777, "pattern": "^[0-9]" }),
        Kind::Choice { names, switch: None } => json!({ "enum": names }),
        Kind::Choice { names, switch: Some(_) } => {
            let names = names.iter().map(|name| json!(name));
            json!({ "enum": names.chain([json!(true), json!(false)]).collect::<Vec<_>>() })
        }
        Kind::Text { .. } => json!({ "type": "string" }),
        Kind::Account { .. } => json!({ "type": ["string", "integer"], "minimum": 0 }),
        Kind::List(item) => {
            let element = match item {
                Item::Text { .. } => json!({ "type": "string", "minLength": 1 }),
                Item::Pair | Item::Header => json!({ "type": "string", "pattern": "^[^=]+=" }),
                Item::Field => json!({ "type": "string", "pattern": "^[^: ]+ *:" }),
                Item::Peer => json!({ "type": "string", "pattern": "^[0-9A-Fa-f.:/*, ]*$" }),
            };
            json!({ "anyOf": [element, { "type": "array", "items": element }] })
        }
    }
}

fn json(value: &Value) -> Json {
    match value {
        Value::Switch(on) => json!(on),
        Value::Integer(number) | Value::Bytes(number) => json!(number),
        Value::Seconds(span) if span.subsec_nanos() == 0 => json!(span.as_secs()),
        Value::Seconds(span) => json!(span.as_secs_f64()),
        Value::Mode(mode) => json!(mode),
        Value::Text(text) => json!(text),
        Value::List(texts) => json!(texts),
    }
}
