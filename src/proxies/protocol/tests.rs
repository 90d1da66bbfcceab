//! Both versions against the specification's grammar, arrival in pieces, and the gate.

use super::crc32c::crc32c;
use super::*;
use proptest::prelude::*;
use std::net::IpAddr;

const AUTO: ProxyProtocol = ProxyProtocol::Auto;

fn tcp(source: &str, destination: &str) -> Claim {
    Claim::Tcp { source: source.parse().expect("an address"), destination: destination.parse().expect("an address") }
}

fn header(claim: Claim, len: usize) -> Outcome {
    Outcome::Header(Header { len, claim, tls: false })
}

fn v2(command: u8, family: u8, body: &[u8]) -> Vec<u8> {
    let len = u16::try_from(body.len()).expect("short").to_be_bytes();
    [v2::SIGNATURE, &[0x20 | command, family], &len, body].concat()
}

fn field(kind: u8, value: &[u8]) -> Vec<u8> {
    [&[kind][..], &u16::try_from(value.len()).expect("short").to_be_bytes(), value].concat()
}

/// 192.0.2.1:4711 to 198.51.100.2:443.
const V4: [u8; 12] = [192, 0, 2, 1, 198, 51, 100, 2, 0x12, 0x67, 0x01, 0xbb];

fn with_fields(fields: &[Vec<u8>]) -> Outcome {
    parse(&v2(1, 0x11, &[&V4[..], &fields.concat()].concat()), AUTO)
}

#[test]
fn lines_of_version_1_are_read() {
    for (line, claim) in [
        ("PROXY TCP4 192.0.2.1 198.51.100.2 4711 443\r\n", tcp("192.0.2.1:4711", "198.51.100.2:443")),
        ("PROXY TCP4 0.0.0.0 255.255.255.255 0 65535\r\n", tcp("0.0.0.0:0", "255.255.255.255:65535")),
        ("PROXY TCP6 2001:db8::1 ::1 1 2\r\n", tcp("[2001:db8::1]:1", "[::1]:2")),
        ("PROXY TCP6 ::ffff:192.0.2.1 ::1 1 2\r\n", tcp("192.0.2.1:1", "[::1]:2")),
        ("PROXY UNKNOWN\r\n", Claim::Unknown),
        ("PROXY UNKNOWN whatever it\tsays 1 2\r\n", Claim::Unknown),
    ] {
        let bytes = format!("{line}GET / HTTP/1.1\r\n");
        assert_eq!(parse(bytes.as_bytes(), AUTO), header(claim, line.len()), "{line}");
    }
    let longest = format!("PROXY UNKNOWN {}\r\n", "f".repeat(107 - 16));
    assert_eq!(parse(longest.as_bytes(), AUTO), header(Claim::Unknown, 107));
}

#[test]
fn other_lines_of_version_1_are_refused() {
    for (line, flaw) in [
        ("TCP5 1.1.1.1 2.2.2.2 1 2\r\n", Flaw::Protocol),
        ("tcp4 1.1.1.1 2.2.2.2 1 2\r\n", Flaw::Protocol),
        ("UNKNOWNX\r\n", Flaw::Protocol),
        (" TCP4 1.1.1.1 2.2.2.2 1 2\r\n", Flaw::Protocol),
        ("\r\n", Flaw::Protocol),
        ("TCP4\r\n", Flaw::Words),
        ("TCP4 1.1.1.1 2.2.2.2 1\r\n", Flaw::Words),
        ("TCP4 1.1.1.1 2.2.2.2 1 2 3\r\n", Flaw::Words),
        ("TCP4 1.1.1.1 2.2.2.2 1 2 \r\n", Flaw::Words),
        ("TCP4  1.1.1.1 2.2.2.2 1 2\r\n", Flaw::Words),
        ("TCP4 1.1.1.1\t2.2.2.2 1 2\r\n", Flaw::Words),
        ("TCP4 1.1.1.01 2.2.2.2 1 2\r\n", Flaw::Address),
        ("TCP4 1.1.1 2.2.2.2 1 2\r\n", Flaw::Address),
        ("TCP4 ::1 2.2.2.2 1 2\r\n", Flaw::Address),
        ("TCP6 1.1.1.1 ::1 1 2\r\n", Flaw::Address),
        ("TCP6 fe80::1%1 ::1 1 2\r\n", Flaw::Address),
        ("TCP4 1.1.1.1 2.2.2.2 01 2\r\n", Flaw::Port),
        ("TCP4 1.1.1.1 2.2.2.2 +1 2\r\n", Flaw::Port),
        ("TCP4 1.1.1.1 2.2.2.2 1 65536\r\n", Flaw::Port),
        ("TCP4 1.1.1.1 2.2.2.2 1 2\n", Flaw::LineEnd),
        ("TCP4 1.1.1.1 2.2.2.2 1 2\rX", Flaw::LineEnd),
    ] {
        assert_eq!(parse(format!("PROXY {line}").as_bytes(), AUTO), Outcome::Invalid(flaw), "{line:?}");
    }
    for endless in [format!("PROXY UNKNOWN {}", "f".repeat(93)), format!("PROXY UNKNOWN {}\r\n", "f".repeat(92))] {
        assert_eq!(parse(endless.as_bytes(), AUTO), Outcome::Invalid(Flaw::LineTooLong));
    }
}

#[test]
fn headers_of_version_2_are_read() {
    let v6 = [&[0x20, 1, 0xd, 0xb8][..], &[0; 11], &[7], &[0; 15], &[1], &[0, 80, 1, 187]].concat();
    for (bytes, claim) in [
        (v2(1, 0x11, &V4), tcp("192.0.2.1:4711", "198.51.100.2:443")),
        (v2(1, 0x21, &v6), tcp("[2001:db8::7]:80", "[::1]:443")),
        (v2(1, 0x31, &[b'/'; 216]), Claim::Unix),
        (v2(1, 0x00, b"whatever"), Claim::Unknown),
        (v2(0, 0x00, b""), Claim::Local),
        (v2(0, 0x11, &V4), Claim::Local),
        (v2(0, 0xff, b"?"), Claim::Local),
    ] {
        assert_eq!(parse(&[&bytes[..], b"GET /"].concat(), AUTO), header(claim, bytes.len()), "{bytes:?}");
    }
}

#[test]
fn other_headers_of_version_2_are_refused_at_the_first_wrong_byte() {
    let start = v2::SIGNATURE;
    for (rest, flaw) in [
        (&[0x11][..], Flaw::Version),
        (&[0x22][..], Flaw::Command),
        (&[0x21, 0x12][..], Flaw::Family),
        (&[0x21, 0x01][..], Flaw::Family),
        (&[0x21, 0x41][..], Flaw::Family),
        (&[0x21, 0x11, 0, 11][..], Flaw::TooShort),
        (&[0x21, 0x21, 0, 35][..], Flaw::TooShort),
        (&[0x21, 0x31, 0, 215][..], Flaw::TooShort),
        (&[0x20, 0x00, 0x0f, 0xf1][..], Flaw::TooLong),
    ] {
        assert_eq!(parse(&[start, rest].concat(), AUTO), Outcome::Invalid(flaw), "{rest:?}");
    }
    assert_eq!(parse(&[start, &[0x20, 0, 0x0f, 0xf0]].concat(), AUTO), Outcome::NeedMore);
}

#[test]
fn additional_fields_are_checked() {
    let over_tls = |tls| Outcome::Header(Header { len: 0, claim: tcp("192.0.2.1:4711", "198.51.100.2:443"), tls });
    let outcome = |fields: &[Vec<u8>]| match with_fields(fields) {
        Outcome::Header(header) => Outcome::Header(Header { len: 0, ..header }),
        other => other,
    };
    let ssl = |flags: u8, inner: &[u8]| field(0x20, &[&[flags, 0, 0, 0, 0], inner].concat());
    assert_eq!(outcome(&[field(0x04, &[0; 9]), field(0xee, b"")]), over_tls(false));
    assert_eq!(outcome(&[ssl(1, &field(0x21, b"TLSv1.3"))]), over_tls(true));
    assert_eq!(outcome(&[ssl(0, b"")]), over_tls(false));
    for wrong in [
        vec![1],
        vec![1, 0, 2, 9],
        field(0x20, b"\x01\0\0\0"),
        ssl(1, &[0x21, 0, 9, 1]),
        [ssl(1, b""), ssl(0, b"")].concat(),
        field(0x03, b"\0\0\0"),
    ] {
        assert_eq!(outcome(std::slice::from_ref(&wrong)), Outcome::Invalid(Flaw::Field), "{wrong:?}");
    }
}

#[test]
fn a_checksum_has_to_be_right() {
    let mut bytes = v2(1, 0x11, &[&V4[..], &field(0x03, &[0; 4]), &field(0xee, b"behind it")].concat());
    let sum = crc32c([&bytes[..]]).to_be_bytes();
    bytes[31..35].copy_from_slice(&sum);
    assert!(matches!(parse(&bytes, AUTO), Outcome::Header(_)));
    for at in [16, 31, 45] {
        let mut wrong = bytes.clone();
        wrong[at] ^= 1;
        assert_eq!(parse(&wrong, AUTO), Outcome::Invalid(Flaw::Checksum), "{at}");
    }
}

#[test]
fn only_the_versions_that_are_on_are_seen() {
    let (one, two) = (b"PROXY UNKNOWN\r\n".to_vec(), v2(0, 0, b""));
    let seen = |mode| [&one, &two].map(|bytes| matches!(parse(bytes, mode), Outcome::Header(_)));
    assert_eq!(seen(ProxyProtocol::Auto), [true, true]);
    assert_eq!(seen(ProxyProtocol::V1), [true, false]);
    assert_eq!(seen(ProxyProtocol::V2), [false, true]);
    assert_eq!(seen(ProxyProtocol::Off), [false, false]);
    assert_eq!(parse(b"", ProxyProtocol::Off), Outcome::NotProxy);
    // POST begins as PROXY does, and is known not to be it from the second byte on.
    assert_eq!(parse(b"P", AUTO), Outcome::NeedMore);
    assert_eq!(parse(b"PO", AUTO), Outcome::NotProxy);
}

#[test]
fn the_gate_demands_a_header_of_some_and_forbids_it_to_others() {
    let allowed = Trusted::parse(["10.0.0.0/8"]).expect("a list");
    let gate = Gate::new(AUTO, allowed.clone());
    let peer = |text: &str| Peer::Ip(text.parse::<IpAddr>().expect("an address"));
    let (friend, stranger) = (peer("10.1.1.1"), peer("192.0.2.1"));
    let line = b"PROXY UNKNOWN\r\nGET /";
    let claim = Header { len: 15, claim: Claim::Unknown, tls: false };
    assert_eq!(gate.judge(friend, line), Verdict::For(claim.clone()));
    assert_eq!(gate.judge(Peer::Unix, line), Verdict::For(claim));
    assert_eq!(gate.judge(friend, b"GET / HTTP/1.1\r\n"), Verdict::Refuse(Refusal::Missing));
    assert_eq!(gate.judge(friend, b"PROXY nonsense\r\n"), Verdict::Refuse(Refusal::Invalid(Flaw::Protocol)));
    assert_eq!(gate.judge(friend, b"PRO"), Verdict::NeedMore);
    assert_eq!(gate.judge(stranger, b"PRO"), Verdict::NeedMore);
    assert_eq!(gate.judge(stranger, b"PROXY "), Verdict::Refuse(Refusal::Forbidden));
    assert_eq!(gate.judge(stranger, v2::SIGNATURE), Verdict::Refuse(Refusal::Forbidden));
    assert_eq!(gate.judge(stranger, b"PRI * HTTP/2.0\r\n"), Verdict::Plain);
    let off = Gate::new(ProxyProtocol::Off, allowed);
    assert_eq!((off.is_on(), off.judge(stranger, line)), (false, Verdict::Plain));
}

#[test]
fn the_proxy_is_trusted_for_itself_only() {
    let proxy = Peer::Ip(IpAddr::from([127, 0, 0, 1]));
    assert_eq!(Claim::Local.peer(proxy), proxy);
    assert_eq!(tcp("192.0.2.1:1", "10.0.0.1:2").peer(proxy), Peer::Ip(IpAddr::from([192, 0, 2, 1])));
    assert_eq!(Claim::Unknown.peer(Peer::Unix), Peer::Hidden);
    assert_eq!(Claim::Unix.peer(Peer::Unix), Peer::Hidden);
}

/// Bytes that get past the first checks more often than not.
fn likely() -> impl Strategy<Value = Vec<u8>> {
    let line = "PROXY (TCP4|TCP6|UNKNOWN) [0-9.:]{1,9} [0-9.]{1,9} [0-9]{1,5} [0-9]{1,5}\r?\n?.{0,9}";
    let binary = (0_u8..3, prop_oneof![Just(0x11_u8), Just(0x21), Just(0x31), Just(0), any::<u8>()], 0_usize..300);
    prop_oneof![
        line.prop_map(String::into_bytes),
        (binary, any::<u8>()).prop_map(|((command, family, len), fill)| v2(command, family, &vec![fill; len])),
        proptest::collection::vec(any::<u8>(), 0..64).prop_map(|bytes| [v2::SIGNATURE, &bytes].concat()),
        proptest::collection::vec(any::<u8>(), 0..64),
    ]
}

proptest! {
    /// However the bytes arrive, the answer is the same.
    #[test]
    fn pieces_give_what_the_whole_gives(bytes in likely()) {
        let whole = parse(&bytes, AUTO);
        let first = (0..=bytes.len()).map(|len| parse(&bytes[..len], AUTO)).find(|it| *it != Outcome::NeedMore);
        prop_assert_eq!(first.unwrap_or(Outcome::NeedMore), whole.clone());
        if let Outcome::Header(header) = whole {
            prop_assert!(header.len <= bytes.len());
            prop_assert_eq!(parse(&bytes[..header.len - 1], AUTO), Outcome::NeedMore);
        }
    }

    #[test]
    fn what_is_written_is_read(source: (IpAddr, u16), destination: (IpAddr, u16)) {
        let family = |ip: &IpAddr| if ip.is_ipv4() { "TCP4" } else { "TCP6" };
        prop_assume!(family(&source.0) == family(&destination.0));
        let line = format!("PROXY {} {} {} {} {}\r\n", family(&source.0), source.0, destination.0, source.1, destination.1);
        let plain = |(ip, port): (IpAddr, u16)| SocketAddr::new(ip.to_canonical(), port);
        let claim = Claim::Tcp { source: plain(source), destination: plain(destination) };
        prop_assert_eq!(parse(line.as_bytes(), AUTO), header(claim, line.len()));
    }
}
