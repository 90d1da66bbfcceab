//! Who is believed, what of it, and what is refused.

use super::super::Trusted;
use super::*;
use http::HeaderName;
use http::HeaderValue;
use proptest::prelude::*;

const SECURE: [(&str, &str); 3] =
    [("X-FORWARDED-PROTOCOL", "ssl"), ("X-FORWARDED-PROTO", "https"), ("X-FORWARDED-SSL", "on")];

/// The proxy that every request here comes from, and its trusted friends.
const PROXY: Peer = Peer::Ip(std::net::IpAddr::V4(std::net::Ipv4Addr::new(10, 0, 0, 1)));

fn rules(which: ProxyHeaders, trusted: &str) -> Forwarding {
    Forwarding::new(which, Trusted::parse([trusted]).expect("a list"), SECURE).expect("names")
}

fn headers(lines: &[(&str, &str)]) -> HeaderMap {
    let pair = |(name, value): &(&str, &str)| {
        let name = HeaderName::from_bytes(name.as_bytes()).expect("a name");
        (name, HeaderValue::from_str(value).expect("a value"))
    };
    HeaderMap::from_iter([(http::header::HOST, HeaderValue::from_static("inside"))])
        .into_iter()
        .filter_map(|(name, value)| Some((name?, value)))
        .chain(lines.iter().map(pair))
        .fold(HeaderMap::new(), |mut map, (name, value)| {
            map.append(name, value);
            map
        })
}

/// `address scheme host` of what is believed, `-` for nothing.
fn told(rules: &Forwarding, lines: &[(&str, &str)]) -> String {
    let found = match rules.evaluate(PROXY, &headers(lines)) {
        Ok(found) => found.unwrap_or_default(),
        Err(error) => return format!("{error:?}"),
    };
    let client = found.client.map(|it| match it.port {
        Some(port) => format!("{}#{port}", it.ip),
        None => it.ip.to_string(),
    });
    let scheme = found.scheme.map(|scheme| format!("{scheme:?}"));
    let or_dash = |text: Option<String>| text.unwrap_or_else(|| "-".to_owned());
    format!("{} {} {}", or_dash(client), or_dash(scheme), or_dash(found.host.map(|host| host.to_string())))
}

#[test]
fn a_stranger_is_not_believed() {
    let lines = headers(&[("x-forwarded-for", "192.0.2.1"), ("forwarded", "for=\""), ("x-forwarded-proto", "https")]);
    let rules = rules(ProxyHeaders::Any, "10.0.0.1");
    let stranger = Peer::Ip([10, 0, 0, 2].into());
    assert_eq!(rules.evaluate(stranger, &lines), Ok(None));
    assert_eq!(rules.evaluate(Peer::Hidden, &lines), Ok(None));
    assert_eq!(rules.evaluate(Peer::Unix, &lines), Err(Contradiction::Malformed));
    assert_eq!(rules.evaluate(PROXY, &headers(&[("x-forwarded-other", "1"), ("from", "me")])), Ok(None));
}

#[test]
fn x_forwarded_for_is_walked_from_the_right() {
    let rules = rules(ProxyHeaders::Any, "10.0.0.0/8,::1");
    for (value, client) in [
        ("192.0.2.1", "192.0.2.1"),
        ("1.1.1.1, 192.0.2.1", "192.0.2.1"),
        ("1.1.1.1, 192.0.2.1, 10.0.0.9, ::1", "192.0.2.1"),
        ("192.0.2.1:4711 ,\t10.0.0.9:80", "192.0.2.1#4711"),
        ("[2001:db8::1]:80, [::1]:1", "2001:db8::1#80"),
        ("2001:db8::1, ::ffff:10.0.0.9", "2001:db8::1"),
        ("10.0.0.3, 10.0.0.4", "10.0.0.3"),
        (",, 192.0.2.1 ,,", "192.0.2.1"),
        ("192.0.2.1, unknown", "-"),
        ("192.0.2.1, _hidden, 10.0.0.4", "10.0.0.4"),
        ("192.0.2.1, nonsense, 10.0.0.3, 10.0.0.4", "10.0.0.3"),
        ("", "-"),
        ("192.0.2.1;10.0.0.1", "-"),
    ] {
        assert_eq!(told(&rules, &[("x-forwarded-for", value)]), format!("{client} - -"), "{value}");
    }
    let lines = [("x-forwarded-for", "1.1.1.1"), ("x-forwarded-for", "192.0.2.1"), ("x-forwarded-for", "10.0.0.7")];
    assert_eq!(told(&rules, &lines), "192.0.2.1 - -");
    // Who trusts everybody gets the first, as with uvicorn.
    assert_eq!(told(&self::rules(ProxyHeaders::Any, "*"), &lines), "1.1.1.1 - -");
}

#[test]
fn the_scheme_is_told_by_gunicorns_table() {
    let rules = rules(ProxyHeaders::Any, "10.0.0.1");
    for (lines, scheme) in [
        (&[("x-forwarded-proto", "https")][..], "- Https -"),
        (&[("x-forwarded-proto", "wss")], "- Https -"),
        (&[("x-forwarded-proto", "http")], "- Http -"),
        (&[("x-forwarded-proto", "HTTPS")], "- Http -"),
        (&[("x-forwarded-proto", "https, https")], "- Https -"),
        (&[("x-forwarded-proto", "https, http")], "- Http -"),
        (&[("x-forwarded-protocol", "ssl"), ("x-forwarded-ssl", "on"), ("x-forwarded-proto", "https")], "- Https -"),
        (&[("x-forwarded-ssl", "on"), ("x-forwarded-proto", "http")], "Scheme"),
        (&[("x-forwarded-proto", "https"), ("x-forwarded-proto", "http")], "Scheme"),
    ] {
        assert_eq!(told(&rules, lines), scheme, "{lines:?}");
    }
    let trusted = Trusted::parse(["10.0.0.1"]).expect("a list");
    let own = Forwarding::new(ProxyHeaders::Any, trusted, [("Front-End-Https", "on")]).expect("names");
    assert_eq!(told(&own, &[("front-end-https", "on"), ("x-forwarded-proto", "http")]), "- Https -");
}

#[test]
fn the_host_is_what_the_nearest_proxy_says() {
    let rules = rules(ProxyHeaders::Any, "10.0.0.1");
    for (value, host) in
        [("example.com:8443", "example.com:8443"), ("evil, example.com", "example.com"), ("a b", "-"), ("u@h", "-")]
    {
        assert_eq!(told(&rules, &[("x-forwarded-host", value)]), format!("- - {host}"), "{value}");
    }
}

#[test]
fn forwarded_is_read_as_the_rfc_writes_it() {
    let rules = rules(ProxyHeaders::Any, "10.0.0.0/8");
    for (value, expected) in [
        ("for=192.0.2.60;proto=http;by=203.0.113.43", "192.0.2.60 Http -"),
        ("For=\"[2001:db8:cafe::17]:4711\"", "2001:db8:cafe::17#4711 - -"),
        ("for=192.0.2.43, for=198.51.100.17", "198.51.100.17 - -"),
        (
            "for=192.0.2.43;proto=HTTPS;host=\"a.example:8443\",for=10.0.0.2;proto=http;host=b",
            "192.0.2.43 Https a.example:8443",
        ),
        ("for=\"\\1\\92.0.2.1\" ; proto = https", "Malformed"),
        ("for=\"\\1\\92.0.2.1\" ; proto=https", "192.0.2.1 Https -"),
        ("for=192.0.2.1:80;host=a:1", "192.0.2.1#80 - a:1"),
        ("for=[2001:db8::1]", "2001:db8::1 - -"),
        ("for=\"192.0.2.1:_port\"", "192.0.2.1 - -"),
        ("for=192.0.2.1;secret=x;secret=y;;", "192.0.2.1 - -"),
        (" , ,for=192.0.2.1, ", "192.0.2.1 - -"),
        ("for=192.0.2.1;proto=https, for=unknown;proto=http", "- Http -"),
        ("for=_SEVKISEK;proto=https, for=10.0.0.3;proto=http", "10.0.0.3 Https -"),
        ("for=192.0.2.1, proto=https;host=a", "- Https a"),
        ("for=192.0.2.1;proto=ftp;host=\"a b\"", "192.0.2.1 - -"),
        ("", "- - -"),
    ] {
        assert_eq!(told(&rules, &[("forwarded", value)]), expected, "{value}");
    }
    for wrong in [
        "for",
        "=1",
        "for=1;for=2",
        "by=1;BY=2",
        "for=\"1",
        "for=\"1\\",
        "for=\"1\"2",
        "for=a b",
        "for=(1)",
        "for=1;=",
        "for =1",
    ] {
        assert_eq!(told(&rules, &[("forwarded", wrong)]), "Malformed", "{wrong}");
    }
    let lines = [("forwarded", "for=1.1.1.1"), ("forwarded", "for=192.0.2.1"), ("forwarded", "for=10.0.0.7")];
    assert_eq!(told(&rules, &lines), "192.0.2.1 - -");
}

#[test]
fn the_families_have_to_agree_or_one_is_chosen() {
    let any = rules(ProxyHeaders::Any, "10.0.0.1");
    let x = ("x-forwarded-for", "192.0.2.1");
    assert_eq!(told(&any, &[x, ("forwarded", "for=\"192.0.2.1:80\"")]), "192.0.2.1#80 - -");
    assert_eq!(told(&any, &[x, ("forwarded", "for=192.0.2.2")]), "Families(\"address\")");
    assert_eq!(told(&any, &[x, ("forwarded", "proto=https")]), "192.0.2.1 Https -");
    assert_eq!(told(&any, &[("x-forwarded-proto", "http"), ("forwarded", "proto=https")]), "Families(\"scheme\")");
    assert_eq!(told(&any, &[("x-forwarded-host", "a"), ("forwarded", "host=b")]), "Families(\"host\")");
    let lines = [x, ("forwarded", "for=192.0.2.2;proto=https"), ("x-forwarded-proto", "http")];
    assert_eq!(told(&rules(ProxyHeaders::XForwarded, "10.0.0.1"), &lines), "192.0.2.1 Http -");
    assert_eq!(told(&rules(ProxyHeaders::Forwarded, "10.0.0.1"), &lines), "192.0.2.2 Https -");
    assert_eq!(told(&rules(ProxyHeaders::Off, "*"), &lines), "- - -");
}

#[test]
fn a_name_that_no_header_has_is_told() {
    let error = |pair| Forwarding::new(ProxyHeaders::Any, Trusted::default(), [pair]).expect_err("wrong").to_string();
    assert_eq!(error(("X Y", "on")), "\"X Y\" can be no header's name");
    assert_eq!(error(("X-Y", "o\nn")), "\"o\\nn\" can be no header's value");
}

proptest! {
    /// Whatever a client sends, the address that the trusted proxy puts behind it is the one that counts.
    #[test]
    fn a_client_cannot_hide_what_its_proxy_adds(sent in "[ -~]{0,40}", crafted in "(for=|by=|\"|\\\\|;|,|1\\.1\\.1\\.1|10\\.0\\.0\\.1|x=| ){0,12}", same_line: bool) {
        let any = rules(ProxyHeaders::Any, "10.0.0.0/8");
        for (name, own) in [("x-forwarded-for", "192.0.2.1"), ("forwarded", "for=192.0.2.1"), ("forwarded", "for=\"192.0.2.1:80\"")] {
            for sent in [&sent, &crafted] {
                let joined = format!("{sent}, {own}");
                let lines = if same_line { vec![(name, joined.as_str())] } else { vec![(name, sent.as_str()), (name, own)] };
                match any.evaluate(PROXY, &headers(&lines)) {
                    Ok(Some(found)) => prop_assert_eq!(found.client.map(|client| client.ip), Some([192, 0, 2, 1].into())),
                    other => prop_assert_eq!(other, Err(Contradiction::Malformed)),
                }
            }
        }
    }
}
