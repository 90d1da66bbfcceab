//! The atoms of `access_log_format`: what each is called, and which step of a line it becomes. Gunicorn's, whose names are
//! those of Python's `%` and, for the environment of WSGI, CGI's.

use super::basic;
use super::format::Format;
use http::HeaderName;

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

impl Format {
    /// Adds what this atom means to the steps.
    pub(super) fn atom(&mut self, name: &str, variable: &impl Fn(&str) -> Option<String>, steps: &mut Steps) {
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
}

/// The number of a name among those to capture; it is added if it is new.
fn index_of(names: &mut Vec<HeaderName>, name: HeaderName) -> usize {
    names.iter().position(|known| *known == name).unwrap_or_else(|| {
        names.push(name);
        names.len() - 1
    })
}

/// Steps in the making.
pub(super) struct Steps(pub(super) Vec<Step>);

impl Steps {
    /// Neighbouring texts become one.
    pub(super) fn text(&mut self, bytes: &[u8]) {
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
