//! `access_log_format`, read once: from text to steps. Pure; the steps are performed by `render`.
//!
//! The notation is Python's, as in Gunicorn: `%(h)s` is the value of the atom `h`, `%%` is a percent sign. An atom that
//! nobody knows is logged as `-`, also as in Gunicorn; the arbiter warns of it.

use super::basic;
use http::HeaderName;

/// The word that asks for JSON lines instead of a format.
pub const JSON: &str = "json";

/// What a line is made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// Text that is the same in every line.
    Text(Box<[u8]>),
    /// `h`
    Client,
    /// `u`, from the captured header of this number.
    User(usize),
    /// `t`
    Time,
    /// `r`
    RequestLine,
    /// `m`
    Method,
    /// Path and query as they came.
    Target,
    /// `U`
    Path,
    /// `q`
    Query,
    /// `H`
    Protocol,
    /// `s`
    Status,
    /// `b` and `B`
    Sent,
    /// `T`
    Seconds,
    /// `M`
    Millis,
    /// `D`
    Micros,
    /// `L`
    Decimal,
    /// `p`
    Pid,
    /// `{name}i`: the captured request header of this number.
    RequestHeader(usize),
    /// `{name}o`
    ResponseHeader(usize),
    /// `{request_id}e`
    RequestId,
}

/// A format that was read.
#[derive(Clone, Debug)]
pub struct Format {
    shape: Shape,
    request: Vec<HeaderName>,
    response: Vec<HeaderName>,
    unknown: Vec<String>,
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

    fn atom(&mut self, name: &str, variable: &impl Fn(&str) -> Option<String>, steps: &mut Steps) {
        let step = match name {
            "h" => Step::Client,
            "l" => return steps.text(b"-"),
            "u" => Step::User(index_of(&mut self.request, http::header::AUTHORIZATION)),
            "t" => Step::Time,
            "r" => Step::RequestLine,
            "m" => Step::Method,
            "U" => Step::Path,
            "q" => Step::Query,
            "H" => Step::Protocol,
            "s" => Step::Status,
            "b" | "B" => Step::Sent,
            "f" => Step::RequestHeader(index_of(&mut self.request, http::header::REFERER)),
            "a" => Step::RequestHeader(index_of(&mut self.request, http::header::USER_AGENT)),
            "T" => Step::Seconds,
            "M" => Step::Millis,
            "D" => Step::Micros,
            "L" => Step::Decimal,
            "p" => Step::Pid,
            _ => match self.named(name, variable, steps) {
                Some(step) => step,
                None => return,
            },
        };
        steps.0.push(step);
    }

    /// `{name}i`, `{name}o` and `{name}e`. None: it is text, and among the steps already.
    fn named(&mut self, atom: &str, variable: &impl Fn(&str) -> Option<String>, steps: &mut Steps) -> Option<Step> {
        let split = atom.strip_prefix('{').and_then(|rest| rest.split_once('}'));
        let header = |name: &str| HeaderName::from_bytes(name.as_bytes()).ok();
        let step = match split {
            Some((name, "i")) => header(name).map(|name| Step::RequestHeader(index_of(&mut self.request, name))),
            Some((name, "o")) => header(name).map(|name| Step::ResponseHeader(index_of(&mut self.response, name))),
            Some((name, "e")) => match self.of_the_request(name) {
                Some(step) => Some(step),
                // Set for the life of the process, so it is text; as foreign to us as any value.
                None => {
                    let value = variable(name).or_else(|| variable(&name.to_uppercase()));
                    let mut escaped = Vec::new();
                    super::escape::text(&mut escaped, value.as_deref().unwrap_or("-").as_bytes());
                    steps.text(&escaped);
                    return None;
                }
            },
            _ => None,
        };
        if step.is_none() {
            self.unknown.push(atom.to_owned());
            steps.text(b"-");
        }
        step
    }

    /// In Gunicorn `e` stands for the WSGI environment, which has much of the request: CGI's names for it.
    fn of_the_request(&mut self, name: &str) -> Option<Step> {
        let name = name.to_ascii_uppercase();
        Some(match name.as_str() {
            "REMOTE_ADDR" => Step::Client,
            "REQUEST_METHOD" => Step::Method,
            "RAW_URI" | "REQUEST_URI" => Step::Target,
            "PATH_INFO" => Step::Path,
            "QUERY_STRING" => Step::Query,
            "SERVER_PROTOCOL" => Step::Protocol,
            "REQUEST_ID" => Step::RequestId,
            "CONTENT_TYPE" | "CONTENT_LENGTH" => self.cgi_header(&name)?,
            _ => self.cgi_header(name.strip_prefix("HTTP_")?)?,
        })
    }

    fn cgi_header(&mut self, name: &str) -> Option<Step> {
        let name = HeaderName::from_bytes(name.replace('_', "-").as_bytes()).ok()?;
        Some(Step::RequestHeader(index_of(&mut self.request, name)))
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

/// The number of a name among those to capture; it is added if it is new.
fn index_of(names: &mut Vec<HeaderName>, name: HeaderName) -> usize {
    names.iter().position(|known| *known == name).unwrap_or_else(|| {
        names.push(name);
        names.len() - 1
    })
}

struct Steps(Vec<Step>);

impl Steps {
    /// Neighbouring texts become one.
    fn text(&mut self, bytes: &[u8]) {
        match self.0.last_mut() {
            _ if bytes.is_empty() => {}
            Some(Step::Text(before)) => *before = [before, bytes].concat().into(),
            _ => self.0.push(Step::Text(bytes.into())),
        }
    }
}

/// The user of an `Authorization` header as a value of the atom `u`.
pub(super) fn user(header: Option<&[u8]>) -> Option<Vec<u8>> {
    header.and_then(basic::user).filter(|user| !user.is_empty())
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
