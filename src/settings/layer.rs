//! A layer: what one source says, as an all-optional map; and the one merge that keeps where each value came from.

use super::value::Value;
use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

/// Where a value came from, highest rank first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The command line.
    CommandLine,
    /// The command line in the environment variable of this name.
    CmdArgs(&'static str),
    /// The environment variable of this name.
    Environment(String),
    /// The settings file.
    File {
        /// As the operator named it.
        path: PathBuf,
        /// Counted from 1.
        line: usize,
    },
    /// The program that rustcorn is linked into.
    Program,
    /// Nobody said anything.
    Default,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::CommandLine => f.write_str("the command line"),
            Self::CmdArgs(variable) => f.write_str(variable),
            Self::Environment(name) => write!(f, "{name} in the environment"),
            Self::File { path, line } => write!(f, "{}:{line}", path.display()),
            Self::Program => f.write_str("the program"),
            Self::Default => f.write_str("the default"),
        }
    }
}

/// A value and where it came from.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// Parsed and in range.
    pub value: Value,
    /// Its source.
    pub origin: Origin,
}

/// What one source says, by key.
pub type Layer = BTreeMap<&'static str, Entry>;

/// One layer out of many, the highest rank first. A key is taken whole from the highest layer that has it: a list is
/// replaced, not extended.
pub fn merge(layers: impl IntoIterator<Item = Layer>) -> Layer {
    let mut merged = Layer::new();
    for layer in layers {
        for (key, entry) in layer {
            merged.entry(key).or_insert(entry);
        }
    }
    merged
}
