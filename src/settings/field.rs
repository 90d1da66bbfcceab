//! From a value to the type of its field and back. The table ties each option to its field through this.

use super::kind::Kind;
use super::value::Value;
use crate::types::{Level, ProxyHeaders, ProxyProtocol, TlsVersion};
use std::path::PathBuf;
use std::time::Duration;

/// A type that a field of the settings can have.
pub trait Field: Sized {
    /// The field's value from a parsed one; none if the option's kind and the field's type do not belong together,
    /// which a test rules out for every option.
    fn from_value(value: &Value) -> Option<Self>;
    /// The way back, as the option's kind writes it; none: not set.
    fn to_value(&self, kind: &Kind) -> Option<Value>;
}

/// How a line of the log looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// Gunicorn's shape, for people.
    Text,
    /// One JSON object a line, for machines.
    Json,
}

/// Whether there is an access log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Toggle {
    /// If something else asks for it.
    Auto,
    /// In any case.
    On,
    /// In no case.
    Off,
}

/// When to colour the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Colors {
    /// If the log is a terminal.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// Who may speak HTTP/2 without TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Http2Cleartext {
    /// Nobody.
    Off,
    /// Who begins with it.
    PriorKnowledge,
}

/// What a Python application is called with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Interface {
    /// The application is looked at.
    Auto,
    /// `app(scope, receive, send)`.
    Asgi3,
    /// `app(scope)(receive, send)`.
    Asgi2,
    /// `app(environ, start_response)`.
    Wsgi,
}

/// Which event loop an ASGI application has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AsgiLoop {
    /// The one that serves best.
    Auto,
    /// asyncio's, with the worker's inside.
    Asyncio,
    /// uvloop's, which turns the worker's.
    Uvloop,
    /// What the interpreter has set up: asyncio's.
    None,
}

/// Whether to compress.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compression {
    /// If the client can.
    On,
    /// Never.
    Off,
}

/// What becomes of headers that WSGI cannot tell apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HeaderMap {
    /// They are left out.
    Drop,
    /// The request is refused.
    Refuse,
    /// They are passed on.
    Dangerous,
}

impl Colors {
    /// Whether to colour, given what the log goes to.
    #[must_use]
    pub fn wanted(self, on_terminal: bool) -> bool {
        match self {
            Self::Auto => on_terminal,
            Self::Always => true,
            Self::Never => false,
        }
    }
}

impl Field for bool {
    fn from_value(value: &Value) -> Option<Self> {
        match value {
            Value::Switch(on) => Some(*on),
            _ => None,
        }
    }

    fn to_value(&self, _: &Kind) -> Option<Value> {
        Some(Value::Switch(*self))
    }
}

/// Numbers that a count fits in; the option's range keeps it within the type.
macro_rules! whole_number {
    ($($type:ty),+) => {$(
        impl Field for $type {
            fn from_value(value: &Value) -> Option<Self> {
                match value {
                    Value::Integer(number) => (*number).try_into().ok(),
                    _ => None,
                }
            }

            fn to_value(&self, _: &Kind) -> Option<Value> {
                u64::try_from(*self).ok().map(Value::Integer)
            }
        }
    )+};
}

whole_number!(u16, i32, usize);

/// A count or an amount of memory: the kind says which.
impl Field for u64 {
    fn from_value(value: &Value) -> Option<Self> {
        match value {
            Value::Integer(number) | Value::Bytes(number) => Some(*number),
            _ => None,
        }
    }

    fn to_value(&self, kind: &Kind) -> Option<Value> {
        Some(if *kind == Kind::Bytes { Value::Bytes(*self) } else { Value::Integer(*self) })
    }
}

/// Permission bits.
impl Field for Option<u32> {
    fn from_value(value: &Value) -> Option<Self> {
        match value {
            Value::Mode(mode) => Some(Some(*mode)),
            Value::Text(text) if text.is_empty() => Some(None),
            _ => None,
        }
    }

    fn to_value(&self, _: &Kind) -> Option<Value> {
        self.map(Value::Mode)
    }
}

impl Field for Duration {
    fn from_value(value: &Value) -> Option<Self> {
        match value {
            Value::Seconds(span) => Some(*span),
            _ => None,
        }
    }

    fn to_value(&self, _: &Kind) -> Option<Value> {
        Some(Value::Seconds(*self))
    }
}

impl Field for String {
    fn from_value(value: &Value) -> Option<Self> {
        match value {
            Value::Text(text) => Some(text.clone()),
            _ => None,
        }
    }

    fn to_value(&self, _: &Kind) -> Option<Value> {
        Some(Value::Text(self.clone()))
    }
}

/// The empty text unsets, so that a higher layer can take back what a lower one set.
impl Field for Option<String> {
    fn from_value(value: &Value) -> Option<Self> {
        String::from_value(value).map(|text| Some(text).filter(|text| !text.is_empty()))
    }

    fn to_value(&self, _: &Kind) -> Option<Value> {
        self.clone().map(Value::Text)
    }
}

impl Field for Option<PathBuf> {
    fn from_value(value: &Value) -> Option<Self> {
        Option::<String>::from_value(value).map(|text| text.map(PathBuf::from))
    }

    fn to_value(&self, _: &Kind) -> Option<Value> {
        self.as_ref().map(|path| Value::Text(path.to_string_lossy().into_owned()))
    }
}

impl Field for Vec<String> {
    fn from_value(value: &Value) -> Option<Self> {
        match value {
            Value::List(texts) => Some(texts.clone()),
            _ => None,
        }
    }

    fn to_value(&self, _: &Kind) -> Option<Value> {
        Some(Value::List(self.clone()))
    }
}

impl Field for Vec<(String, String)> {
    fn from_value(value: &Value) -> Option<Self> {
        let pair = |text: &String| text.split_once('=').map(|(name, value)| (name.trim().to_owned(), value.to_owned()));
        Vec::<String>::from_value(value)?.iter().map(pair).collect()
    }

    fn to_value(&self, _: &Kind) -> Option<Value> {
        Some(Value::List(self.iter().map(|(name, value)| format!("{name}={value}")).collect()))
    }
}

/// Types with one value per name.
macro_rules! named {
    ($type:ty { $($variant:ident = $name:literal),+ }) => {
        impl Field for $type {
            fn from_value(value: &Value) -> Option<Self> {
                match String::from_value(value)?.as_str() {
                    $($name => Some(Self::$variant),)+
                    _ => None,
                }
            }

            fn to_value(&self, _: &Kind) -> Option<Value> {
                Some(Value::Text(match self { $(Self::$variant => $name,)+ }.to_owned()))
            }
        }
    };
}

named!(Level { Trace = "trace", Debug = "debug", Info = "info", Warning = "warning", Error = "error", Critical = "critical" });
named!(Http2Cleartext { Off = "off", PriorKnowledge = "prior-knowledge" });
named!(LogFormat { Text = "text", Json = "json" });
named!(Interface { Auto = "auto", Asgi3 = "asgi3", Asgi2 = "asgi2", Wsgi = "wsgi" });
named!(AsgiLoop { Auto = "auto", Asyncio = "asyncio", Uvloop = "uvloop", None = "none" });
named!(Compression { On = "on", Off = "off" });
named!(HeaderMap { Drop = "drop", Refuse = "refuse", Dangerous = "dangerous" });
named!(Toggle { Auto = "auto", On = "on", Off = "off" });
named!(Colors { Auto = "auto", Always = "always", Never = "never" });
named!(ProxyProtocol { Off = "off", V1 = "v1", V2 = "v2", Auto = "auto" });
named!(ProxyHeaders { Off = "off", XForwarded = "x-forwarded", Forwarded = "forwarded", Any = "any" });
named!(TlsVersion { V1_2 = "1.2", V1_3 = "1.3" });
