//! `access_log_format`, read once: from text to steps. Pure; the steps are performed by `render`.
//!
//! The notation is Python's, as in Gunicorn: `%(h)s` is the value of the atom `h`, `%%` is a percent sign. An atom that
//! nobody knows is logged as `-`, also as in Gunicorn; the arbiter warns of it. What each atom means: `atoms`.

use super::atoms::{Step, Steps};
use http::HeaderName;

/// The word that asks for JSON lines instead of a format.
pub const JSON: &str = "json";

/// A format that was read.
#[derive(Clone, Debug)]
pub struct Format {
    shape: Shape,
    pub(super) request: Vec<HeaderName>,
    pub(super) response: Vec<HeaderName>,
    pub(super) unknown: Vec<String>,
}

#[derive(Clone, Debug)]
pub(super) enum Shape {
    Text(Vec<Step>),
    Json,
}

/// Why a text is no format.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FormatError {
    /// Nothing at all.
    #[error("the format is empty; write atoms as in %(h)s, or json")]
    Empty,
    /// A percent sign with something else behind it than `(` or `%`.
    #[error("after the % at character {at} comes no atom; write it as in %(h)s, and a percent sign as %%")]
    NoAtom {
        /// Counted from 1.
        at: usize,
    },
    /// An atom without its closing parenthesis or without the `s` behind it.
    #[error("the atom at character {at} does not end; write it as in %(h)s")]
    Unfinished {
        /// Counted from 1.
        at: usize,
    },
    /// A line break or another control character.
    #[error("character {at} is a control character; a line must stay one line")]
    Control {
        /// Counted from 1.
        at: usize,
    },
}

impl Format {
    /// Reads a format. `variable` looks up the environment, for `%({NAME}e)s`.
    ///
    /// # Errors
    /// If it is none.
    pub fn parse(text: &str, variable: impl Fn(&str) -> Option<String>) -> Result<Self, FormatError> {
        let mut format = Self { shape: Shape::Json, request: Vec::new(), response: Vec::new(), unknown: Vec::new() };
        if text.is_empty() {
            return Err(FormatError::Empty);
        }
        if text.eq_ignore_ascii_case(JSON) {
            format.request = vec![http::header::REFERER, http::header::USER_AGENT];
            return Ok(format);
        }
        let place = |at: usize| text[..at].chars().count() + 1;
        if let Some((at, _)) = text.char_indices().find(|(_, c)| c.is_control() && *c != '\t') {
            return Err(FormatError::Control { at: place(at) });
        }
        let mut steps = Steps(Vec::new());
        let mut rest = text;
        while let Some(percent) = rest.find('%') {
            let at = place(text.len() - rest.len() + percent);
            steps.text(&rest.as_bytes()[..percent]);
            rest = &rest[percent + 1..];
            if let Some(behind) = rest.strip_prefix('%') {
                steps.text(b"%");
                rest = behind;
                continue;
            }
            let inside = rest.strip_prefix('(').ok_or(FormatError::NoAtom { at })?;
            let (name, behind) = inside.split_once(')').ok_or(FormatError::Unfinished { at })?;
            // Gunicorn's numbers may also be written as such.
            rest = behind.strip_prefix(['s', 'd', 'i']).ok_or(FormatError::Unfinished { at })?;
            format.atom(name, &variable, &mut steps);
        }
        steps.text(rest.as_bytes());
        format.shape = Shape::Text(steps.0);
        Ok(format)
    }

    /// Atoms that mean nothing and are logged as `-`.
    #[must_use]
    pub fn unknown(&self) -> &[String] {
        &self.unknown
    }

    /// The request headers that have to be captured, in the order of their numbers.
    #[must_use]
    pub fn request_headers(&self) -> &[HeaderName] {
        &self.request
    }

    /// The response headers that have to be captured, in the order of their numbers.
    #[must_use]
    pub fn response_headers(&self) -> &[HeaderName] {
        &self.response
    }

    pub(super) fn shape(&self) -> &Shape {
        &self.shape
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::abi::COMBINED_FORMAT;

    fn parse(text: &str) -> Result<Format, FormatError> {
        Format::parse(text, |name| (name == "SITE").then(|| "blue\n".to_owned()))
    }

    #[test]
    fn the_default_needs_three_headers_and_knows_every_atom() {
        let format = parse(COMBINED_FORMAT).unwrap();
        assert_eq!(format.request_headers(), ["authorization", "referer", "user-agent"]);
        assert!(format.response_headers().is_empty() && format.unknown().is_empty());
        assert_eq!(parse("JSON").unwrap().request_headers(), ["referer", "user-agent"]);
    }

    #[test]
    fn what_is_no_format_is_told_with_its_place() {
        let told = |text: &str| parse(text).unwrap_err();
        assert_eq!(told(""), FormatError::Empty);
        assert_eq!(told("ä %h"), FormatError::NoAtom { at: 3 });
        assert_eq!(told("100%"), FormatError::NoAtom { at: 4 });
        assert_eq!(told("%(h)s %(m"), FormatError::Unfinished { at: 7 });
        assert_eq!(told("%(h)x"), FormatError::Unfinished { at: 1 });
        assert_eq!(told("a\nb"), FormatError::Control { at: 2 });
        assert!(parse("a\tb 100%% %(D)d").is_ok());
    }

    #[test]
    fn unknown_atoms_and_constants_are_text() {
        let format = parse("%(z)s %(l)s %({bad name}i)s %({site}e)s %({nope}e)s%%").unwrap();
        assert_eq!(format.unknown(), ["z", "{bad name}i"]);
        let Shape::Text(steps) = format.shape() else { panic!("text") };
        assert_eq!(steps, &[Step::Text((*b"- - - blue\\x0a -%").into())]);
    }

    #[test]
    fn headers_are_named_once_and_in_any_case() {
        let format = parse("%(f)s %({Referer}i)s %({X-A}i)s %({x-a}o)s %({HTTP_X_A}e)s %({CONTENT_TYPE}e)s").unwrap();
        assert_eq!(format.request_headers(), ["referer", "x-a", "content-type"]);
        assert_eq!(format.response_headers(), ["x-a"]);
    }
}
