//! What is kept of a request while its application has it, for what is said of it later.

use http::request::Parts;
use http::{Method, Uri, Version};
use rustcorn::Connection;
use std::fmt;

/// A request.
pub struct Asked {
    method: Method,
    uri: Uri,
    version: Version,
    connection: Option<Connection>,
}

impl Asked {
    pub(crate) fn of(parts: &Parts) -> Self {
        Self {
            method: parts.method.clone(),
            uri: parts.uri.clone(),
            version: parts.version,
            connection: parts.extensions.get::<Connection>().cloned(),
        }
    }

    /// Where hints go; none: they cannot be sent.
    pub(crate) fn takes_hints(&self) -> Option<&Connection> {
        self.connection.as_ref().filter(|_| self.version == Version::HTTP_11)
    }
}

/// In the words of the worker's own log.
impl fmt::Display for Asked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let target = self.uri.path_and_query().map_or("*", |target| target.as_str());
        write!(f, "{} {target}", self.method)?;
        self.connection.as_ref().map_or(Ok(()), |connection| write!(f, " from {}", connection.peer()))
    }
}
