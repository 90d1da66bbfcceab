//! Whom to believe about the client.

macro_rules! proxies_rows {
    ({$($rows:tt)*} $($rest:ident)*) => {
        collect! { { $($rows)*

    /// Believe what these proxies say of their clients in the headers of a request.
    ///
    /// IP addresses, networks as in 10.0.0.0/8, or * for everybody, with commas between; the flag may be repeated. An
    /// empty text trusts nobody. The client is the first address from the right that is not in this list. With * it is
    /// the first of all, which a client can invent unless the proxy removes what the client sent. Peers on Unix sockets
    /// are always trusted. The default is taken from FORWARDED_ALLOW_IPS in the environment, if that is set.
    forwarded_allow_ips: Vec<String> = proxies::loopback() => new(Section::Proxies, Kind::List(Item::Peer))
        .foreign(Foreign::Value("FORWARDED_ALLOW_IPS"));

    /// Which headers a trusted proxy speaks of its client with.
    ///
    /// With x-forwarded: X-Forwarded-For, X-Forwarded-Host and those of secure_scheme_headers. With forwarded:
    /// Forwarded (RFC 7239). With any: both; if they contradict each other the request is refused (400), because the
    /// proxy may have passed one of them on as the client sent it. Name the one that the proxy writes if clients or
    /// other proxies send the other. With off nothing is believed.
    proxy_headers: ProxyHeaders = ProxyHeaders::Any => new(Section::Proxies, Kind::Choice {
        names: &["off", "x-forwarded", "forwarded", "any"],
        switch: Some(("any", "off")),
    });

    /// What a trusted proxy says of a client that came over TLS, as HEADER=VALUE.
    ///
    /// May be repeated. Any other value of such a header says that the client came in the clear. If two of them
    /// disagree the request is refused (400).
    secure_scheme_headers: Vec<(String, String)> = proxies::secure_scheme_headers() =>
        new(Section::Proxies, Kind::List(Item::Header));

    /// Take the client's address from a PROXY header in front of each connection.
    ///
    /// HAProxy's protocol in version 1 (text), version 2 (binary), or either (auto, and the bare flag). Peers in
    /// proxy_allow_ips then have to send one: a connection of theirs without it is refused, be it a health check or a
    /// browser on the same machine. Gunicorn would serve it as the proxy's own. The headers of a request
    /// are then believed if the client that the PROXY header names is in forwarded_allow_ips.
    proxy_protocol: ProxyProtocol = ProxyProtocol::Off => new(Section::Proxies, Kind::Choice {
        names: &["off", "v1", "v2", "auto"],
        switch: Some(("auto", "off")),
    });

    /// Demand PROXY headers from these peers, and forbid them to others.
    ///
    /// Written as forwarded_allow_ips. Peers on Unix sockets are always in it. A connection of somebody else is refused
    /// if it begins with a PROXY header, and is served as it is if it does not.
    proxy_allow_ips: Vec<String> = proxies::loopback() => new(Section::Proxies, Kind::List(Item::Peer))
        .long("proxy-allow-from");

        } $($rest)* }
    };
}

/// The proxy on the same machine.
pub(super) fn loopback() -> Vec<String> {
    ["127.0.0.1", "::1"].map(str::to_owned).into()
}

/// Gunicorn's.
pub(super) fn secure_scheme_headers() -> Vec<(String, String)> {
    let pairs = [("X-FORWARDED-PROTOCOL", "ssl"), ("X-FORWARDED-PROTO", "https"), ("X-FORWARDED-SSL", "on")];
    pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).into()
}
