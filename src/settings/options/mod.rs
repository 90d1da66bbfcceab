//! The table: every option, once.
//!
//! One row gives the field of [`Settings`] with its type and default, the flag, the variable, the TOML key, the range,
//! the help (the first line of its comment), the manual's text (the rest) and whether a reload can change it.
//! Everything else is derived. Names, flags and meanings are Gunicorn's where Gunicorn has them.

use super::field::{AsgiLoop, Colors, Compression, Field, HeaderMap, Http2Cleartext, Interface, LogFormat, Toggle};
use super::kind::{Item, Kind, NO_LIMIT};
use super::spec::{Foreign, OptionSpec, Section};
use super::syslog::FACILITIES;
use crate::abi::COMBINED_FORMAT;
use crate::types::{Level, ProxyHeaders, ProxyProtocol, TlsVersion};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Chains the sections: each adds its rows and passes the rest on. The last step makes the table.
macro_rules! collect {
    ({$($rows:tt)*}) => {
        options! { $($rows)* }
    };
    ({$($rows:tt)*} $next:ident $($rest:ident)*) => {
        $next! { {$($rows)*} $($rest)* }
    };
}

#[macro_use]
mod access;
#[macro_use]
mod application;
#[macro_use]
mod listening;
#[macro_use]
mod logging;
#[macro_use]
mod process;
#[macro_use]
mod protocols;
#[macro_use]
mod proxies;
#[macro_use]
mod python;
#[macro_use]
mod requests;
#[macro_use]
mod spellings;
#[macro_use]
mod timeouts;
#[macro_use]
mod tls;
#[macro_use]
mod workers;

/// Any count.
const ANY: Kind = Kind::Integer { min: 0, max: NO_LIMIT };

/// The most workers and the most threads: far beyond any use, and within the scoreboard.
const MANY: Kind = Kind::Integer { min: 1, max: 512 };

const fn new(section: Section, kind: Kind) -> OptionSpec {
    OptionSpec::new(section, kind)
}

macro_rules! options {
    ($($(#[doc = $doc:literal])+ $field:ident: $type:ty = $default:expr => $row:expr;)+) => {
        /// Every option with its value.
        #[derive(Clone, Debug, PartialEq)]
        pub struct Settings {
            $($(#[doc = $doc])+ pub $field: $type,)+
        }

        impl Default for Settings {
            fn default() -> Self {
                Self { $($field: $default,)+ }
            }
        }

        /// Every option, in the order in which help, manual and reference show them.
        pub static OPTIONS: &[OptionSpec] = &[$($row.field(
            stringify!($field),
            &[$($doc),+],
            |settings, kind| settings.$field.to_value(kind),
            |settings, value| match <$type as Field>::from_value(value) {
                Some(value) => {
                    settings.$field = value;
                    true
                }
                None => false,
            },
            |settings, from| settings.$field.clone_from(&from.$field),
        ),)+];
    };
}

collect! { {}
    application_rows listening_rows tls_rows proxies_rows protocols_rows requests_rows
    workers_rows timeouts_rows python_rows process_rows access_rows logging_rows spelling_rows
}

/// Where the access log goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AccessOutput<'a> {
    /// Nowhere.
    None,
    /// To standard output.
    Stdout,
    /// To this file.
    File(&'a Path),
}

impl Settings {
    /// Keeps the values of `current` wherever only a new start could change them.
    pub fn keep_fixed(&mut self, current: &Self) {
        for spec in OPTIONS.iter().filter(|spec| !spec.reloadable) {
            spec.copy(self, current);
        }
    }

    /// The file of the operator log; none: standard error.
    #[must_use]
    pub fn log_path(&self) -> Option<&Path> {
        match self.errorlog.as_str() {
            "-" | "" => None,
            path => Some(Path::new(path)),
        }
    }

    /// Where the access log goes, besides syslog.
    #[must_use]
    pub fn access_output(&self) -> AccessOutput<'_> {
        match (self.access_log, self.accesslog.as_deref()) {
            (Toggle::Off, _) | (Toggle::Auto, None) => AccessOutput::None,
            (Toggle::On, None) | (_, Some("-")) => AccessOutput::Stdout,
            (_, Some(path)) => AccessOutput::File(Path::new(path)),
        }
    }

    /// Whether the access log goes to syslog.
    #[must_use]
    pub fn access_to_syslog(&self) -> bool {
        self.syslog && !self.disable_redirect_access_to_syslog && self.access_log != Toggle::Off
    }
}
