use super::super::entry::{Captured, End};
use super::super::stamp::{CLF, RFC3339};
use super::*;
use crate::abi::COMBINED_FORMAT;
use http::{HeaderMap, HeaderValue};
use proptest::prelude::*;
use serde_json::Value;

/// A line for `GET /a?b=1` with the time taken out.
fn rendered(format: &str, change: impl FnOnce(&mut Entry)) -> String {
    rendered_with(format, &[("user-agent", "curl/8"), ("x-id", "7")], change)
}

fn rendered_with(format: &str, headers: &[(&'static str, &str)], change: impl FnOnce(&mut Entry)) -> String {
    let mut map = HeaderMap::new();
    for (name, value) in headers {
        map.append(*name, HeaderValue::from_bytes(value.as_bytes()).unwrap());
    }
    let format = Format::parse(format, |_| None).unwrap();
    let (request, response) =
        (Captured::of(format.request_headers(), &map), Captured::of(format.response_headers(), &map));
    let mut entry = Entry {
        client: Some([192, 0, 2, 7].into()),
        method: "GET",
        target: b"/a?b=1",
        version: Some(Version::HTTP_11),
        status: 200,
        sent: Some(12),
        took: Duration::new(61, 42_999),
        end: End::Answered,
        request: &request,
        response: &response,
        request_id: None,
        pid: 99,
    };
    change(&mut entry);
    let mut out = Vec::new();
    let shape = if matches!(format.shape(), Shape::Json) { RFC3339 } else { CLF };
    let mut stamp = Stamp::new(shape);
    line(&mut out, &format, &mut stamp, &entry);
    let text = String::from_utf8(out).unwrap();
    // The second may have turned between the two calls, not within the stamp.
    let text = text.strip_suffix('\n').expect("a line feed").to_owned();
    match text.split_once('[').filter(|_| format.request_headers().len() == 3) {
        Some((before, rest)) => format!("{before}[TIME]{}", rest.split_once(']').expect("a time").1),
        None => text,
    }
}

#[test]
fn the_default_is_apaches_combined_format() {
    let line = rendered(COMBINED_FORMAT, |_| {});
    assert_eq!(line, r#"192.0.2.7 - - [TIME] "GET /a?b=1 HTTP/1.1" 200 12 "-" "curl/8""#);
}

#[test]
fn every_atom_is_what_gunicorn_says() {
    let all =
        "%(h)s|%(l)s|%(u)s|%(r)s|%(s)s|%(m)s|%(U)s|%(q)s|%(H)s|%(b)s|%(B)s|%(f)s|%(a)s|%(T)s|%(D)s|%(M)s|%(L)s|%(p)s";
    let headers = [("authorization", "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="), ("referer", "http://x/")];
    assert_eq!(
        rendered_with(all, &headers, |_| {}),
        "192.0.2.7|-|Aladdin|GET /a?b=1 HTTP/1.1|200|GET|/a|b=1|HTTP/1.1|12|12|http://x/|-|61|61000042|61000|61.000042|<99>"
    );
    assert_eq!(rendered("%({X-Id}i)s %({x-ID}o)s %({nope}i)s %({nope}o)s", |_| {}), "7 7 - -");
    assert_eq!(rendered("%({request_id}e)s", |entry| entry.request_id = Some("r\"1")), r#"r\"1"#);
    assert_eq!(rendered("%({remote_addr}e)s %({HTTP_USER_AGENT}e)s 5%%", |_| {}), "192.0.2.7 curl/8 5%");
}

#[test]
fn the_time_is_the_present() {
    let stamped = |shape| Stamp::new(shape).now().to_owned();
    let before = stamped(CLF);
    let line = rendered("%(t)s", |_| {});
    assert!([before, stamped(CLF)].contains(&line), "{line}");
}

#[test]
fn what_is_not_known_is_a_dash() {
    let unknown = |entry: &mut Entry| {
        (entry.client, entry.version, entry.sent) = (None, None, None);
        (entry.method, entry.target) = ("", b"");
    };
    assert_eq!(rendered("%(h)s %(m)s %(U)s %(H)s %(b)s %(r)s", unknown), "- - - - - -");
    let partly = |entry: &mut Entry| (entry.version, entry.sent) = (None, Some(0));
    assert_eq!(rendered("%(r)s %(b)s", partly), "GET /a?b=1 - 0");
}

#[test]
fn paths_of_every_form_of_target() {
    for (target, path, query) in [
        ("/", "/", ""),
        ("/a?", "/a", ""),
        ("/a?b?c", "/a", "b?c"),
        ("*", "*", ""),
        ("http://host/a?b", "/a", "b"),
        ("http://host", "/", ""),
        ("http://host?b", "/", "b"),
        ("host:443", "host:443", ""),
        ("/?u=http://x/y", "/", "u=http://x/y"),
    ] {
        let line = rendered("%(U)s %(q)s", |entry| entry.target = target.as_bytes());
        assert_eq!(line, format!("{path} {query}"), "{target}");
    }
}

#[test]
fn addresses_of_both_families() {
    assert_eq!(rendered("%(h)s", |entry| entry.client = Some([255, 0, 10, 1].into())), "255.0.10.1");
    assert_eq!(rendered("%(h)s", |entry| entry.client = Some("2001:db8::1".parse().unwrap())), "2001:db8::1");
}

#[test]
fn json_has_documented_names_and_leaves_out_what_is_not_there() {
    let line = rendered("json", |entry| entry.request_id = Some("r1"));
    let mut value: Value = serde_json::from_str(&line).unwrap();
    let time = value.as_object_mut().unwrap().remove("time").unwrap();
    assert!(time.as_str().unwrap().parse::<jiff::Timestamp>().is_ok(), "{time}");
    assert_eq!(
        value,
        serde_json::json!({
            "client": "192.0.2.7", "method": "GET", "path": "/a", "query": "b=1", "protocol": "HTTP/1.1",
            "status": 200, "bytes": 12, "duration": 61.000_042, "user_agent": "curl/8", "request_id": "r1",
            "pid": 99, "end": "answered",
        })
    );
    let bare = rendered("json", |entry| {
        (entry.client, entry.version, entry.sent, entry.end) = (None, None, None, End::WorkerKilled);
        (entry.method, entry.target, entry.status) = ("", b"", 502);
    });
    let value: Value = serde_json::from_str(&bare).unwrap();
    let names: Vec<&str> = value.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(names, ["duration", "end", "pid", "status", "time", "user_agent"]);
    assert_eq!(value["end"], "worker_killed");
}

#[test]
fn a_forged_line_stays_one_line_with_its_quotes_where_they_were() {
    let agent = "x\" 200 1 \"-\" \"y\\";
    let line = rendered_with(COMBINED_FORMAT, &[("user-agent", agent)], |entry| {
        entry.target = b"/\n6.6.6.6 - - [now] \"GET /forged HTTP/1.1\" 200\x1b[1A";
    });
    assert_eq!(
        line,
        r#"192.0.2.7 - - [TIME] "GET /\x0a6.6.6.6 - - [now] \"GET /forged HTTP/1.1\" 200\x1b[1A HTTP/1.1" 200 12 "-" "x\" 200 1 \"-\" \"y\\""#
    );
    // A user with the shape of the columns that follow.
    let header = "Basic YSBbbm93XSAiR0VUIC8gSFRUUC8xLjEiIDIwMDpw";
    let line = rendered_with("%(u)s %(s)s", &[("authorization", header)], |_| {});
    assert_eq!(line, r#"a\x20[now]\x20\"GET\x20/\x20HTTP/1.1\"\x20200 200"#);
}

proptest! {
    #[test]
    fn whatever_strangers_send_a_line_has_its_columns(
        target in any::<Vec<u8>>(), agent in proptest::collection::vec(32_u8..=255, 0..40), id in any::<String>(),
    ) {
        let mut headers = HeaderMap::new();
        let agent: Vec<u8> = agent.into_iter().filter(|byte| *byte != 127).collect();
        headers.insert("user-agent", HeaderValue::from_bytes(&agent).unwrap());
        for (text, shape) in [("\"%(r)s\" %({request_id}e)s \"%(a)s\"", CLF), ("json", RFC3339)] {
            let format = Format::parse(text, |_| None).unwrap();
            let request = Captured::of(format.request_headers(), &headers);
            let response = Captured::none();
            let entry = Entry {
                client: None, method: "GET", target: &target, version: Some(Version::HTTP_2), status: 499, sent: None,
                took: Duration::ZERO, end: End::ClientGone, request: &request, response: &response,
                request_id: Some(&id), pid: 1,
            };
            let mut out = Vec::new();
            line(&mut out, &format, &mut Stamp::new(shape), &entry);
            let text = String::from_utf8(out).unwrap();
            prop_assert!(text.ends_with('\n') && !text[..text.len() - 1].chars().any(char::is_control), "{text:?}");
            if shape == RFC3339 {
                let value: Value = serde_json::from_str(&text).unwrap();
                prop_assert_eq!(&value["end"], "client_gone");
            } else {
                let bare = text.replace("\\\\", "").replace("\\\"", "");
                prop_assert_eq!(bare.matches('"').count(), 4, "{}", text);
            }
        }
    }
}
