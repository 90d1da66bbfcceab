//! A value of any option, between the text it came from and the typed field it goes to.

use std::fmt;
use std::time::Duration;

/// What a layer holds for one key: parsed and in range. Displayed as TOML.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// On or off.
    Switch(bool),
    /// A count.
    Integer(u64),
    /// A span of time.
    Seconds(Duration),
    /// An amount of memory.
    Bytes(u64),
    /// Permission bits.
    Mode(u32),
    /// A text, a path or one of several names.
    Text(String),
    /// Several texts.
    List(Vec<String>),
}

impl Value {
    /// The value as it is written on the command line and in the environment (a list: one text per element).
    #[must_use]
    pub fn plain(&self) -> Vec<String> {
        match self {
            Self::Text(text) => vec![text.clone()],
            Self::List(texts) => texts.clone(),
            Self::Bytes(bytes) => vec![size_text(*bytes)],
            other => vec![other.to_string()],
        }
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Switch(on) => write!(f, "{on}"),
            Self::Integer(number) => write!(f, "{number}"),
            Self::Seconds(span) => f.write_str(&seconds_text(*span)),
            Self::Bytes(0) => f.write_str("0"),
            Self::Bytes(bytes) => write!(f, "\"{}\"", size_text(*bytes)),
            Self::Mode(mode) => write!(f, "0o{mode:03o}"),
            Self::Text(text) => write!(f, "{}", toml::Value::String(text.clone())),
            Self::List(texts) => {
                f.write_str("[")?;
                for (index, text) in texts.iter().enumerate() {
                    let comma = if index == 0 { "" } else { ", " };
                    write!(f, "{comma}{}", toml::Value::String(text.clone()))?;
                }
                f.write_str("]")
            }
        }
    }
}

/// Seconds without needless decimals: `30`, `0.25`.
fn seconds_text(span: Duration) -> String {
    let whole = span.as_secs();
    match span.subsec_nanos() {
        0 => whole.to_string(),
        nanos => format!("{whole}.{nanos:09}").trim_end_matches('0').to_owned(),
    }
}

/// Bytes with the largest suffix that loses nothing: `512M`.
fn size_text(bytes: u64) -> String {
    match super::parse::SIZE_SUFFIXES.iter().rev().find(|(_, unit)| bytes != 0 && bytes.is_multiple_of(*unit)) {
        Some((suffix, unit)) => format!("{}{suffix}", bytes / unit),
        None => bytes.to_string(),
    }
}
