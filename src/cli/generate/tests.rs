//! The committed texts are those of this build, and say what they should.

use super::*;
use crate::settings::{ConfigFile, OPTIONS, Settings, Sources, resolve};

fn committed(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("config").join(name);
    fs::read_to_string(path).unwrap_or_default()
}

#[test]
fn what_is_committed_is_what_would_be_generated() {
    let stale: Vec<_> = files().iter().filter(|(name, text)| committed(name) != *text).map(|(name, _)| *name).collect();
    assert!(stale.is_empty(), "stale in config/: {}; refresh with `cargo run -- generate all`", stale.join(", "));
}

#[test]
fn the_sample_loads_as_it_is_and_with_every_option_brought_in() {
    let load = |text: String| {
        let file = Some(ConfigFile { path: "rustcorn.toml".into(), text });
        resolve(&Sources { file, ..Sources::default() }).expect("the sample")
    };
    let text = sample::text();
    assert_eq!(load(text.clone()).settings, Settings::default());
    let brought_in: Vec<&str> = text
        .lines()
        .map(|line| line.strip_prefix('#').filter(|rest| rest.starts_with(char::is_alphabetic)).unwrap_or(line))
        .collect();
    let resolved = load(brought_in.join("\n"));
    assert_eq!(resolved.settings, Settings::default());
    let in_file: Vec<_> = OPTIONS.iter().filter(|spec| spec.in_file).map(|spec| spec.key).collect();
    assert!(in_file.iter().all(|key| resolved.provenance.contains_key(key)));
    assert_eq!(resolved.provenance.len(), in_file.len());
}

#[test]
fn every_option_is_in_every_text() {
    for (name, text) in files() {
        for spec in OPTIONS {
            let flag = spec.long_flag();
            let is_there = match name {
                "rustcorn.toml" => text.contains(&format!("\n#{} = ", spec.key)) == spec.in_file,
                "rustcorn.schema.json" => text.contains(&format!("    \"{}\": {{", spec.key)) == spec.in_file,
                // Of other people's options only.
                "PEERS.md" => true,
                "REFERENCE.md" => text.contains(&format!("### {}\n", spec.key)),
                "completions/rustcorn.fish" => spec.positional || text.contains(&format!("-l {flag}")),
                "rustcorn.1" => spec.positional || text.contains(&format!("--{flag}").replace('-', "\\-")),
                _ => spec.positional || text.contains(&format!("--{flag}")),
            };
            assert!(is_there, "{name}: {}", spec.key);
        }
    }
}

#[test]
fn the_schema_is_json() {
    let schema: serde_json::Value = serde_json::from_str(&schema::text()).expect("JSON");
    assert_eq!(schema["properties"]["workers"]["maximum"], 512);
    assert_eq!(schema["properties"]["bind"]["default"][0], "127.0.0.1:8000");
    assert_eq!(schema["additionalProperties"], false);
}

#[test]
fn paragraphs_are_wrapped_between_words() {
    assert_eq!(wrapped("one two  three", 7), ["one two", "three"]);
    assert_eq!(wrapped("unbreakable x", 4), ["unbreakable", "x"]);
    assert!(wrapped(" ", 4).is_empty());
}
