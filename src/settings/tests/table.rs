//! The shape of the table: every row is usable, and fits its field.

use super::*;
use std::collections::HashSet;

#[test]
fn keys_flags_and_variables_are_unique() {
    let mut seen = HashSet::new();
    for spec in OPTIONS {
        assert!(seen.insert(spec.key.to_owned()), "{}", spec.key);
        let flags =
            [Some(spec.flag()), spec.no_flag().map(|flag| format!("--{flag}")), spec.short.map(|s| format!("-{s}"))];
        let aliases = spec.aliases.iter().map(|alias| format!("--{alias}"));
        for flag in flags.into_iter().flatten().chain(aliases) {
            assert!(seen.insert(flag.clone()), "{flag}");
        }
    }
}

#[test]
fn texts_are_sentences() {
    for spec in OPTIONS {
        let help = spec.help();
        assert!(
            help.starts_with(char::is_uppercase) && help.len() <= 100 && !help.ends_with('.'),
            "{}: {help}",
            spec.key
        );
        for paragraph in spec.paragraphs() {
            assert!(paragraph.ends_with('.'), "{}: {paragraph}", spec.key);
        }
    }
}

#[test]
fn sections_are_not_interleaved() {
    let mut sections: Vec<Section> = OPTIONS.iter().map(|spec| spec.section).collect();
    sections.dedup();
    let titles: HashSet<&str> = sections.iter().map(|section| section.title()).collect();
    assert_eq!(titles.len(), sections.len());
}

/// The proof that `resolve` may rely on `put`: the extremes of every kind reach the field and come back.
#[test]
fn every_kind_belongs_to_its_field() {
    for spec in OPTIONS {
        for text in samples(&spec.kind) {
            let value = spec.kind.parse(&text).unwrap_or_else(|| panic!("{} refuses {text}", spec.key));
            let mut settings = Settings::default();
            assert!(spec.put(&mut settings, &value), "{} cannot hold {text}", spec.key);
            assert_eq!(spec.of(&settings), Some(value), "{}", spec.key);
        }
    }
}

#[test]
fn every_default_is_a_value_that_may_be_given() {
    for spec in OPTIONS {
        let Some(default) = spec.default() else { continue };
        for text in default.plain() {
            assert!(spec.kind.parse(&text).is_some(), "{} refuses its default {text}", spec.key);
        }
        if spec.in_file {
            let text = format!("{} = {default}", spec.key);
            assert_eq!(resolve(&file(&text)).expect("the default").settings, Settings::default(), "{text}");
        }
    }
}

fn samples(kind: &Kind) -> Vec<String> {
    match kind {
        Kind::Switch => vec!["true".into(), "false".into()],
        Kind::Integer { min, max } => vec![min.to_string(), max.to_string()],
        Kind::Seconds => vec!["0".into(), "0.25".into(), "1000000000".into()],
        Kind::Bytes => vec!["0".into(), "3K".into(), i64::MAX.to_string()],
        Kind::Mode => vec!["0".into(), "0o777".into()],
        Kind::Choice { names, .. } => names.iter().map(|name| (*name).to_owned()).collect(),
        Kind::Text { .. } | Kind::Account { .. } => vec!["text".into()],
        Kind::List(Item::Text { .. }) => vec!["text".into()],
        Kind::List(Item::Header) => vec!["X-Name=value".into(), "X-Name=".into()],
        Kind::List(Item::Field) => vec!["X-Name: value".into(), "X-Name:".into(), "X:a:b".into()],
        Kind::List(Item::Peer) => vec!["*".into(), "10.0.0.0/8".into(), "2001:db8::1".into()],
        Kind::List(Item::Pair) => vec!["NAME=VALUE".into(), "NAME=".into(), "A=b=c".into()],
    }
}
