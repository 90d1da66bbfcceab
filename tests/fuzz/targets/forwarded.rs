//! Forwarded headers: whatever a client sends, the address that its proxy adds is the one that counts.
//!
//! The input is lines of `name: value`, of which the names that matter and those that cannot be are kept.
#![no_main]

use http::{HeaderMap, HeaderName, HeaderValue};
use libfuzzer_sys::fuzz_target;
use rustcorn::proxies::{Contradiction, Forwarding, Peer, Trusted};
use rustcorn::types::ProxyHeaders;
use std::net::IpAddr;

const SECURE: [(&str, &str); 3] =
    [("X-FORWARDED-PROTOCOL", "ssl"), ("X-FORWARDED-PROTO", "https"), ("X-FORWARDED-SSL", "on")];
const CLIENT: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 1));
const PROXY: Peer = Peer::Ip(IpAddr::V4(std::net::Ipv4Addr::new(10, 0, 0, 1)));

fn rules(which: ProxyHeaders) -> Forwarding {
    let trusted = Trusted::parse(["10.0.0.0/8, ::1"]).expect("a list");
    Forwarding::new(which, trusted, SECURE).expect("names")
}

fn headers(data: &[u8]) -> HeaderMap {
    let mut map = HeaderMap::new();
    for line in data.split(|byte| *byte == b'\n') {
        let Some(colon) = line.iter().position(|byte| *byte == b':') else { continue };
        let (name, value) =
            (HeaderName::from_bytes(&line[..colon]), HeaderValue::from_bytes(line[colon + 1..].trim_ascii()));
        if let (Ok(name), Ok(value)) = (name, value) {
            map.append(name, value);
        }
    }
    map
}

/// The same headers with an element put behind the last line of one, as some proxies do, or on a line of its own.
fn added(sent: &HeaderMap, name: &'static str, element: &str, on_the_same_line: bool) -> HeaderMap {
    let mut map = sent.clone();
    let name = HeaderName::from_static(name);
    let mut lines: Vec<HeaderValue> = sent.get_all(&name).iter().cloned().collect();
    let element = match lines.last() {
        Some(last) if on_the_same_line => {
            let joined = [last.as_bytes(), b", ", element.as_bytes()].concat();
            lines.pop();
            HeaderValue::from_bytes(&joined).expect("two values and a comma")
        }
        _ => HeaderValue::from_str(element).expect("a value"),
    };
    map.remove(&name);
    for line in lines.into_iter().chain([element]) {
        map.append(name.clone(), line);
    }
    map
}

fuzz_target!(|data: &[u8]| {
    let sent = headers(data);
    let any = rules(ProxyHeaders::Any);
    let stranger = Peer::Ip([198, 51, 100, 1].into());
    assert_eq!(any.evaluate(stranger, &sent), Ok(None), "a stranger is believed");
    assert_eq!(any.evaluate(Peer::Hidden, &sent), Ok(None), "a stranger is believed");
    assert_eq!(rules(ProxyHeaders::Off).evaluate(PROXY, &sent), Ok(None));
    let seen = any.evaluate(PROXY, &sent);
    assert_eq!(any.evaluate(Peer::Unix, &sent), seen);
    if let Ok(Some(found)) = &seen {
        assert!(found.client.is_some() || found.scheme.is_some() || found.host.is_some());
        let host = found.host.as_ref().map_or("", |host| host.as_str());
        assert!(!host.contains(['@', '/', ' ', '\\', ',']), "{host}");
    }
    for on_the_same_line in [true, false] {
        let x = added(&sent, "x-forwarded-for", "192.0.2.1", on_the_same_line);
        match rules(ProxyHeaders::XForwarded).evaluate(PROXY, &x) {
            Ok(found) => assert_eq!(found.and_then(|it| it.client).map(|it| it.ip), Some(CLIENT)),
            Err(error) => assert_eq!(error, Contradiction::Scheme),
        }
        for own in ["for=192.0.2.1", "for=\"192.0.2.1:4711\";proto=https", "for=192.0.2.1;by=10.0.0.1, for=10.0.0.9"] {
            let forwarded = added(&sent, "forwarded", own, on_the_same_line);
            match rules(ProxyHeaders::Forwarded).evaluate(PROXY, &forwarded) {
                Ok(found) => assert_eq!(found.and_then(|it| it.client).map(|it| it.ip), Some(CLIENT)),
                Err(error) => assert_eq!(error, Contradiction::Malformed),
            }
            // With both families a client can have its request refused, never another address.
            match any.evaluate(PROXY, &forwarded) {
                Ok(found) => assert_eq!(found.and_then(|it| it.client).map(|it| it.ip), Some(CLIENT)),
                Err(_) => {}
            }
        }
    }
});
