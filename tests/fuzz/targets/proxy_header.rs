//! PROXY headers: however the bytes arrive the answer is the same, and what a proxy writes is read.
#![no_main]

use arbitrary::Arbitrary;
use libfuzzer_sys::fuzz_target;
use rustcorn::proxies::{Claim, Gate, Header, MAX_HEADER, Outcome, Peer, Trusted, Verdict, parse};
use rustcorn::types::ProxyProtocol;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};

const MODES: [ProxyProtocol; 4] = [ProxyProtocol::Off, ProxyProtocol::V1, ProxyProtocol::V2, ProxyProtocol::Auto];
const SIGNATURE: &[u8] = b"\r\n\r\n\0\r\nQUIT\n";

#[derive(Arbitrary, Debug)]
enum Input<'a> {
    Bytes(&'a [u8]),
    /// A line after its signature.
    Line(&'a str),
    /// A binary header that is right but for what its fields hold.
    Binary {
        command: u8,
        family: u8,
        body: &'a [u8],
        behind: &'a [u8],
    },
    /// What a proxy would write.
    Written {
        client: Ends,
        behind: &'a [u8],
    },
}

#[derive(Arbitrary, Clone, Copy, Debug)]
enum Ends {
    V4((Ipv4Addr, u16), (Ipv4Addr, u16)),
    V6((Ipv6Addr, u16), (Ipv6Addr, u16)),
}

fn binary(command: u8, family: u8, body: &[u8]) -> Vec<u8> {
    let len = u16::try_from(body.len()).unwrap_or(u16::MAX).to_be_bytes();
    [SIGNATURE, &[command, family], &len, body].concat()
}

fn written(ends: Ends) -> (Claim, [Vec<u8>; 2]) {
    let (family, name, source, destination) = match ends {
        Ends::V4(source, destination) => (0x11, "TCP4", SocketAddr::from(source), SocketAddr::from(destination)),
        Ends::V6(source, destination) => (0x21, "TCP6", SocketAddr::from(source), SocketAddr::from(destination)),
    };
    let ends = [source, destination];
    let line =
        format!("PROXY {name} {} {} {} {}\r\n", source.ip(), destination.ip(), source.port(), destination.port());
    let ips = ends.iter().flat_map(|end| match end.ip() {
        std::net::IpAddr::V4(ip) => ip.octets().to_vec(),
        std::net::IpAddr::V6(ip) => ip.octets().to_vec(),
    });
    let body: Vec<u8> = ips.chain(ends.iter().flat_map(|end| end.port().to_be_bytes())).collect();
    let plain = |end: SocketAddr| SocketAddr::new(end.ip().to_canonical(), end.port());
    let claim = Claim::Tcp { source: plain(source), destination: plain(destination) };
    (claim, [line.into_bytes(), binary(0x21, family, &body)])
}

fn check(bytes: &[u8]) {
    let allowed = Trusted::parse(["10.0.0.0/8"]).expect("a list");
    for mode in MODES {
        let whole = parse(bytes, mode);
        let mut first = None;
        for len in 0..=bytes.len().min(MAX_HEADER + 1) {
            let outcome = parse(&bytes[..len], mode);
            match &first {
                None if outcome != Outcome::NeedMore => first = Some(outcome),
                // Once told, it stays.
                Some(first) => assert_eq!(&outcome, first),
                None => {}
            }
        }
        assert_eq!(first.unwrap_or(Outcome::NeedMore), whole);
        assert!(whole != Outcome::NeedMore || bytes.len() < MAX_HEADER);
        if let Outcome::Header(header) = &whole {
            assert!(header.len <= bytes.len() && header.len <= MAX_HEADER);
        }
        let gate = Gate::new(mode, allowed.clone());
        let stranger = gate.judge(Peer::Ip([192, 0, 2, 1].into()), bytes);
        assert!(!matches!(stranger, Verdict::For(_)), "a stranger is believed");
        if mode != ProxyProtocol::Off {
            let friend = gate.judge(Peer::Ip([10, 0, 0, 1].into()), bytes);
            assert!(friend != Verdict::Plain, "a friend is guessed at");
        }
    }
}

fuzz_target!(|input: Input| match input {
    Input::Bytes(bytes) => check(bytes),
    Input::Line(line) => check(format!("PROXY {line}").as_bytes()),
    Input::Binary { command, family, body, behind } => check(&[&binary(command, family, body), behind].concat()),
    Input::Written { client, behind } => {
        let (claim, forms) = written(client);
        for form in forms {
            let bytes = [&form, behind].concat();
            let header = Header { len: form.len(), claim, tls: false };
            assert_eq!(parse(&bytes, ProxyProtocol::Auto), Outcome::Header(header));
            check(&bytes);
        }
    }
});
