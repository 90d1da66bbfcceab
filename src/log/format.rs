//! A record as one line of text or JSON. Pure: time and pid are handed in. The counterpart that writes is `sink`.

use crate::types::Level;
use jiff::Zoned;
use serde_json::{Map, Value};
use std::fmt::Write;

/// Names and values, in the order in which they were given.
pub(super) type Fields = Vec<(&'static str, Value)>;

/// A tracing span that was open around an event.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Span {
    pub name: &'static str,
    pub fields: Fields,
}

/// Everything that one line says.
#[derive(Clone, Debug)]
pub(super) struct Record<'a> {
    pub time: &'a Zoned,
    pub pid: u32,
    pub level: Level,
    pub message: &'a str,
    /// The part of the application that speaks; the supervisor's own lines have none.
    pub target: Option<&'a str>,
    pub fields: &'a [(&'static str, Value)],
    /// Outermost first.
    pub spans: &'a [Span],
}

/// Gunicorn's shape, with a line feed at the end: `[2026-11-21 01:33:00 +0000] [7] [INFO] message`.
///
/// An event of the application reads `span{key=value}: target: message key=value`. Control characters other than line
/// feed and tab are written as escapes, so that a request cannot play tricks with an operator's terminal.
pub(super) fn text(record: &Record, colors: bool) -> String {
    let mut line = String::with_capacity(64 + record.message.len());
    let name = level_name(record.level);
    let (on, off) = if colors { (level_color(record.level), "\x1b[0m") } else { ("", "") };
    push_time(&mut line, record.time, "%Y-%m-%d %H:%M:%S %z");
    line.insert(0, '[');
    let _ = write!(line, "] [{}] [{on}{name}{off}] ", record.pid);
    push_body(&mut line, record);
    line.push('\n');
    line
}

/// The line without what syslog says by itself: time, process and level.
pub(super) fn bare(record: &Record) -> String {
    let mut line = String::with_capacity(record.message.len());
    push_body(&mut line, record);
    line
}

fn push_body(line: &mut String, record: &Record) {
    for span in record.spans {
        line.push_str(span.name);
        if !span.fields.is_empty() {
            line.push('{');
            push_fields(line, &span.fields);
            line.push('}');
        }
        line.push_str(": ");
    }
    if let Some(target) = record.target {
        line.push_str(target);
        line.push_str(": ");
    }
    push_clean(line, record.message);
    if !record.fields.is_empty() {
        if !record.message.is_empty() {
            line.push(' ');
        }
        push_fields(line, record.fields);
    }
}

/// One JSON object and a line feed: `{"time":…,"pid":…,"level":…,"message":…}`, and for an event of the application
/// also `target`, `fields` and `spans` where it has them.
pub(super) fn json(record: &Record) -> String {
    let mut time = String::new();
    push_time(&mut time, record.time, "%Y-%m-%dT%H:%M:%S%.3f%:z");
    // Built by hand so that the keys come in the order in which people read them.
    let mut line = String::with_capacity(96 + record.message.len());
    let level = level_name(record.level).to_ascii_lowercase();
    let _ = write!(line, r#"{{"time":"{time}","pid":{},"level":"{level}","message":"#, record.pid);
    let _ = write!(line, "{}", Value::from(record.message));
    if let Some(target) = record.target {
        let _ = write!(line, r#","target":{}"#, Value::from(target));
    }
    if !record.fields.is_empty() {
        let _ = write!(line, r#","fields":{}"#, object(record.fields));
    }
    if !record.spans.is_empty() {
        let spans = record.spans.iter().map(|span| {
            let mut map = object(&span.fields);
            if let Value::Object(map) = &mut map {
                map.insert("name".to_owned(), Value::from(span.name));
            }
            map
        });
        let _ = write!(line, r#","spans":{}"#, spans.collect::<Value>());
    }
    line.push_str("}\n");
    line
}

/// Gunicorn's (that is, Python's) name of a level.
fn level_name(level: Level) -> &'static str {
    match level {
        Level::Trace => "TRACE",
        Level::Debug => "DEBUG",
        Level::Info => "INFO",
        Level::Warning => "WARNING",
        Level::Error => "ERROR",
        Level::Critical => "CRITICAL",
    }
}

/// The terminal's words for a level's colour.
fn level_color(level: Level) -> &'static str {
    match level {
        Level::Trace | Level::Debug => "\x1b[2m",
        Level::Info => "\x1b[32m",
        Level::Warning => "\x1b[33m",
        Level::Error => "\x1b[31m",
        Level::Critical => "\x1b[1;31m",
    }
}

fn push_time(line: &mut String, time: &Zoned, shape: &str) {
    let before = line.len();
    // `Display` of a time can only fail for a shape that it does not know; a line without a time is still a line.
    if write!(line, "{}", time.strftime(shape)).is_err() {
        line.truncate(before);
    }
}

fn push_fields(line: &mut String, fields: &[(&'static str, Value)]) {
    for (i, (name, value)) in fields.iter().enumerate() {
        let gap = if i == 0 { "" } else { " " };
        let _ = write!(line, "{gap}{name}=");
        match value {
            // Quotes only where the value could not be told from its neighbours.
            Value::String(word) if is_word(word) => line.push_str(word),
            other => push_clean(line, &other.to_string()),
        }
    }
}

fn is_word(text: &str) -> bool {
    !text.is_empty() && !text.chars().any(|c| c.is_whitespace() || c.is_control() || matches!(c, '"' | '=' | '{' | '}'))
}

fn push_clean(line: &mut String, text: &str) {
    for c in text.chars() {
        match c {
            '\n' | '\t' => line.push(c),
            c if c.is_control() => line.extend(c.escape_default()),
            c => line.push(c),
        }
    }
}

fn object(fields: &[(&'static str, Value)]) -> Value {
    Value::Object(fields.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect::<Map<_, _>>())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn noon() -> Zoned {
        "2026-11-21T12:00:05.25+01:00[+01:00]".parse().unwrap()
    }

    fn record<'a>(time: &'a Zoned, message: &'a str) -> Record<'a> {
        Record { time, pid: 7, level: Level::Info, message, target: None, fields: &[], spans: &[] }
    }

    #[test]
    fn a_plain_line_is_gunicorns() {
        let time = noon();
        let line = text(&record(&time, "Booting worker with pid: 9"), false);
        assert_eq!(line, "[2026-11-21 12:00:05 +0100] [7] [INFO] Booting worker with pid: 9\n");
    }

    #[test]
    fn each_level_has_pythons_name_and_only_the_level_is_coloured() {
        let time = noon();
        for (level, name) in [
            (Level::Debug, "DEBUG"),
            (Level::Info, "INFO"),
            (Level::Warning, "WARNING"),
            (Level::Error, "ERROR"),
            (Level::Critical, "CRITICAL"),
        ] {
            let record = Record { level, ..record(&time, "x") };
            assert!(text(&record, false).contains(&format!("[{name}] x")));
            let coloured = text(&record, true);
            let (before, after) = coloured.split_once(name).unwrap();
            assert!(before.contains("[\x1b[") && after.starts_with("\x1b[0m] x"), "{coloured:?}");
        }
    }

    #[test]
    fn an_event_names_its_spans_target_and_fields() {
        let time = noon();
        let spans = [Span { name: "request", fields: vec![("id", Value::from(3))] }];
        let fields = [("user", Value::from("ann")), ("why", Value::from("no such row"))];
        let record = Record { target: Some("todo::store"), fields: &fields, spans: &spans, ..record(&time, "lost") };
        assert!(
            text(&record, false).ends_with("[INFO] request{id=3}: todo::store: lost user=ann why=\"no such row\"\n")
        );
        let parsed: Value = serde_json::from_str(&json(&record)).unwrap();
        assert_eq!(parsed["target"], "todo::store");
        assert_eq!(parsed["fields"]["why"], "no such row");
        assert_eq!(parsed["spans"][0]["name"], "request");
        assert_eq!(parsed["spans"][0]["id"], 3);
    }

    #[test]
    fn json_has_an_rfc3339_time_and_no_empty_parts() {
        let time = noon();
        assert_eq!(
            json(&record(&time, "a \"b\"\nc")),
            "{\"time\":\"2026-11-21T12:00:05.250+01:00\",\"pid\":7,\"level\":\"info\",\"message\":\"a \\\"b\\\"\\nc\"}\n"
        );
    }

    #[test]
    fn several_lines_stay_several_lines_but_escapes_are_defused() {
        let time = noon();
        let line = text(&record(&time, "one\n\ttwo\x1b[2J\r"), false);
        assert!(line.ends_with("one\n\ttwo\\u{1b}[2J\\r\n"), "{line:?}");
    }

    proptest! {
        #[test]
        fn json_is_one_parsable_line_and_text_has_no_controls(message in any::<String>(), value in any::<String>()) {
            let time = noon();
            let fields = [("v", Value::from(value.clone()))];
            let record = Record { fields: &fields, ..record(&time, &message) };
            let line = json(&record);
            prop_assert_eq!(line.matches('\n').count(), 1);
            let parsed: Value = serde_json::from_str(&line).unwrap();
            prop_assert_eq!(parsed["message"].as_str().unwrap(), message.as_str());
            prop_assert_eq!(parsed["fields"]["v"].as_str().unwrap(), value.as_str());
            prop_assert!(text(&record, false).chars().all(|c| !c.is_control() || c == '\n' || c == '\t'));
        }
    }
}
