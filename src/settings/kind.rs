//! What kind of value an option takes: its range, its sentence for an error, and the way from text or TOML to a value.

use super::error::quoted;
use super::parse;
use super::value::Value;
use crate::proxies::{self, BadEntry, Trusted};
use std::ops::Range;
use toml::de::DeValue;

/// The greatest integer of TOML: a count up to here has no limit of its own.
pub const NO_LIMIT: u64 = i64::MAX as u64;

/// The word for on.
pub const SWITCH_ON: &str = "true";
/// The word for off.
pub const SWITCH_OFF: &str = "false";

/// The kind of an option's value.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Kind {
    /// On or off; on the command line a flag with a `--no-` twin.
    Switch,
    /// A whole number within these bounds.
    Integer {
        /// The least.
        min: u64,
        /// The greatest.
        max: u64,
    },
    /// A span of time in seconds, decimals allowed.
    Seconds,
    /// An amount of memory.
    Bytes,
    /// Permission bits.
    Mode,
    /// One of these names, in any case of letters.
    Choice {
        /// The names.
        names: &'static [&'static str],
        /// What the bare flag and its `--no-` twin mean, for a choice that grew out of a switch.
        switch: Option<(&'static str, &'static str)>,
    },
    /// A text; the placeholder shows what it is.
    Text {
        /// What help shows for it, as in `--chdir <DIR>`.
        name: &'static str,
    },
    /// A user or a group: a name or a number.
    Account {
        /// What help shows for it.
        name: &'static str,
    },
    /// Any number of texts; the flag may be repeated.
    List(Item),
}

/// What an element of a list is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Item {
    /// A text that is not empty.
    Text {
        /// What help shows for it.
        name: &'static str,
    },
    /// `NAME=VALUE` for an environment.
    Pair,
    /// `HEADER=VALUE`: what a header of a request may say.
    Header,
    /// `NAME:VALUE`: a header field of a response.
    Field,
    /// Whom to trust: an address, a network or `*`; several in one text with commas between, as in Gunicorn.
    Peer,
}

impl Kind {
    /// What a value in the file must be, as the end of the sentence "must be ...".
    #[must_use]
    pub fn wanted_in_file(&self) -> String {
        let list = match self {
            Self::List(Item::Peer) => ", or a list of such",
            Self::List(_) => ", or a list of them",
            _ => "",
        };
        format!("{}{list}", self.wanted())
    }

    /// What a word must be, as the end of the sentence "must be ...".
    #[must_use]
    pub fn wanted(&self) -> String {
        match self {
            Self::Switch => "true or false".to_owned(),
            Self::Integer { min, max: NO_LIMIT } => format!("an integer, {min} or more"),
            Self::Integer { min, max } => format!("an integer from {min} to {max}"),
            Self::Seconds => format!("a number of seconds from 0 to {}", parse::MAX_SECONDS),
            Self::Bytes => "a number of bytes, or one with the suffix K, M or G as in \"512M\"".to_owned(),
            Self::Mode => {
                format!(
                    "a mode from 0 to 0o{:o}; octal is written with a leading 0o or 0, as in \"022\"",
                    parse::MAX_MODE
                )
            }
            Self::Choice { names, .. } => one_of(names),
            Self::Text { .. } => "a string".to_owned(),
            Self::Account { .. } => "a name or a number".to_owned(),
            Self::List(Item::Text { .. }) => "a string that is not empty".to_owned(),
            Self::List(Item::Pair) => "NAME=VALUE".to_owned(),
            Self::List(Item::Header) => "HEADER=VALUE, as in \"X-Forwarded-Proto=https\"".to_owned(),
            Self::List(Item::Field) => "NAME:VALUE, as in \"X-Frame-Options: DENY\"".to_owned(),
            Self::List(Item::Peer) => {
                "IP addresses, networks as in \"10.0.0.0/8\", or \"*\" for everybody, with commas between".to_owned()
            }
        }
    }

    /// The placeholder of the value in help and manual; none for a switch.
    #[must_use]
    pub fn placeholder(&self) -> Option<&'static str> {
        Some(match self {
            Self::Switch => return None,
            Self::Integer { .. } => "N",
            Self::Seconds => "SECONDS",
            Self::Bytes => "BYTES",
            Self::Mode => "MODE",
            Self::Choice { .. } => "NAME",
            Self::Text { name } | Self::Account { name } | Self::List(Item::Text { name }) => name,
            Self::List(Item::Pair) => "NAME=VALUE",
            Self::List(Item::Header) => "HEADER=VALUE",
            Self::List(Item::Field) => "NAME:VALUE",
            Self::List(Item::Peer) => "IPS",
        })
    }

    /// Whether the flag may be repeated.
    #[must_use]
    pub fn is_list(&self) -> bool {
        matches!(self, Self::List(_))
    }

    /// From one word of the command line or the environment. A list takes one element.
    #[must_use]
    pub fn parse(&self, text: &str) -> Option<Value> {
        match self {
            Self::Switch => parse::switch(text).map(Value::Switch),
            Self::Integer { min, max } => {
                parse::digits(text).filter(|number| (min..=max).contains(&number)).map(Value::Integer)
            }
            Self::Seconds => parse::seconds(text).map(Value::Seconds),
            Self::Bytes => parse::size(text).map(Value::Bytes),
            // As with a text, the empty one takes back what a lower layer has set.
            Self::Mode if text.is_empty() => Some(Value::Text(String::new())),
            Self::Mode => parse::mode(text).map(Value::Mode),
            Self::Choice { names, switch } => choice(names, *switch, text),
            Self::Text { .. } | Self::Account { .. } => clean(text).then(|| Value::Text(text.to_owned())),
            Self::List(item) => item.read(text).map(Value::List),
        }
    }

    /// [`Kind::wanted`], with what is wrong about this very text where that is not plain to see.
    #[must_use]
    pub fn wanted_instead_of(&self, text: &str) -> String {
        match self {
            Self::List(Item::Peer) => match Trusted::parse([text]) {
                Err(BadEntry { entry, why }) => format!("{}; {} {why}", self.wanted(), quoted(&entry)),
                Ok(_) => self.wanted(),
            },
            _ => self.wanted(),
        }
    }

    /// From a value of a TOML document that stands at `span`.
    ///
    /// # Errors
    ///
    /// The place of what does not fit: the value, or the element of the list.
    pub fn read(&self, value: &DeValue<'_>, span: Range<usize>) -> Result<Value, Range<usize>> {
        let read = match (self, value) {
            (Self::List(item), DeValue::Array(elements)) => {
                let mut texts = Vec::new();
                for element in elements.iter() {
                    match element.get_ref().as_str().and_then(|text| item.read(text)) {
                        Some(more) => texts.extend(more),
                        None => return Err(element.span()),
                    }
                }
                Some(Value::List(texts))
            }
            (Self::Switch, DeValue::Boolean(on)) => Some(Value::Switch(*on)),
            (Self::Choice { switch: Some((on, off)), .. }, DeValue::Boolean(is_on)) => {
                Some(Value::Text((*if *is_on { on } else { off }).to_owned()))
            }
            (Self::Integer { min, max }, DeValue::Integer(_)) => {
                whole(value).filter(|number| (min..=max).contains(&number)).map(Value::Integer)
            }
            (Self::Seconds, DeValue::Integer(_)) => {
                whole(value).and_then(|number| parse::seconds(&number.to_string())).map(Value::Seconds)
            }
            (Self::Seconds, DeValue::Float(number)) => {
                number.as_str().parse().ok().and_then(parse::seconds_from).map(Value::Seconds)
            }
            (Self::Bytes, DeValue::Integer(_)) => whole(value).and_then(parse::size_from).map(Value::Bytes),
            (Self::Mode, DeValue::Integer(_)) => whole(value).and_then(parse::mode_from).map(Value::Mode),
            (Self::Account { .. }, DeValue::Integer(_)) => whole(value).map(|id| Value::Text(id.to_string())),
            // Sizes and modes have a notation of their own that TOML lacks, the rest here are texts by nature.
            (
                Self::Bytes
                | Self::Mode
                | Self::Choice { .. }
                | Self::Text { .. }
                | Self::Account { .. }
                | Self::List(_),
                DeValue::String(text),
            ) => self.parse(text),
            _ => None,
        };
        read.ok_or(span)
    }
}

impl Item {
    /// The elements that a text is: one, but for those with commas between.
    fn read(&self, text: &str) -> Option<Vec<String>> {
        let fits = match self {
            Self::Text { .. } => !text.trim().is_empty(),
            Self::Pair => text.split_once('=').is_some_and(|(name, _)| !name.trim().is_empty()),
            Self::Header => {
                text.split_once('=').is_some_and(|(name, value)| proxies::check_header(name.trim(), value).is_ok())
            }
            Self::Field => text
                .split_once(':')
                .is_some_and(|(name, value)| proxies::check_header(name.trim(), value.trim()).is_ok()),
            Self::Peer => {
                let all = || proxies::entries(text).map(str::to_owned).collect();
                return Trusted::parse([text]).is_ok().then(all);
            }
        };
        (fits && clean(text)).then(|| vec![text.to_owned()])
    }
}

/// No system call takes a text with NUL in it.
fn clean(text: &str) -> bool {
    !text.contains('\0')
}

fn whole(value: &DeValue<'_>) -> Option<u64> {
    let number = value.as_integer()?;
    u64::from_str_radix(number.as_str(), number.radix()).ok()
}

fn choice(names: &[&str], switch: Option<(&str, &str)>, text: &str) -> Option<Value> {
    let named = names.iter().find(|name| name.eq_ignore_ascii_case(text.trim())).copied();
    let switched = || {
        let (on, off) = switch?;
        parse::switch(text).map(|is_on| if is_on { on } else { off })
    };
    named.or_else(switched).map(|name| Value::Text(name.to_owned()))
}

fn one_of(names: &[&str]) -> String {
    let quoted: Vec<String> = names.iter().map(|name| quoted(name)).collect();
    match quoted.as_slice() {
        [many @ .., last] if !many.is_empty() => format!("{} or {last}", many.join(", ")),
        _ => quoted.join(""),
    }
}
