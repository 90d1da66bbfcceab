//! Every option, declared once, and how the layers become one set of settings.
//!
//! Owns the table of options ([`OPTIONS`]), the parsers of their values, the merge of the layers with the origin of each
//! value, and the checks that need more than one option. Pure: it opens no file, reads no environment and prints
//! nothing; texts are handed in through [`Sources`]. Its counterpart `cli` derives the command line, the man page, the
//! completions and the files under `config/` from the same table and reads the real sources.

mod check;
mod dotenv;
mod environment;
mod error;
mod field;
mod file;
mod given;
mod gunicorn;
mod kind;
mod layer;
mod options;
mod parse;
pub mod peers;
mod python;
mod resolve;
mod script;
mod secure;
mod spec;
mod spellings;
mod suggest;
mod syslog;
mod uvicorn;
mod validate;
mod value;

#[cfg(test)]
mod tests;

pub use dotenv::parse_dotenv;
pub use environment::{CMD_ARGS, Environment, GUNICORN_CMD_ARGS, PREFIX};
pub use error::{Fault, Place, Problem, SettingsError};
pub use field::{AsgiLoop, Colors, Compression, HeaderMap, Http2Cleartext, Interface, LogFormat, Toggle};
pub use given::Given;
pub use kind::{Item, Kind, SWITCH_OFF, SWITCH_ON};
pub use layer::{Entry, Layer, Origin};
pub use options::{AccessOutput, OPTIONS, Settings};
pub use python::{Protocol, WorkerClass, is_python, worker_class};
pub use resolve::{
    Change, ConfigFile, DEFAULT_FILE, Resolved, SettingsSource, Sources, changed, config_path, resolve, resolve_amended,
};
pub use script::{Amendment, Said, Script, ScriptValue};
pub use secure::protocols;
pub use spec::{Foreign, OptionSpec, Section, spec};
pub use syslog::{SyslogAddress, facility, parse_address as parse_syslog_address};
pub use validate::validate;
pub use value::Value;
