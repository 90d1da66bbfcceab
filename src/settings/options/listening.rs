//! Where connections come from.

macro_rules! listening_rows {
    ({$($rows:tt)*} $($rest:ident)*) => {
        collect! { { $($rows)*

    /// Listen on this address.
    ///
    /// May be repeated. HOST:PORT, [IPV6]:PORT, :PORT or PORT (every IPv4 interface), HOST (port 8000), unix:PATH, or
    /// fd://N for a socket that was inherited. With a certfile, TCP speaks TLS: http://HOST:PORT does not,
    /// https://HOST:PORT insists on it, and https+unix:PATH does so on a Unix socket. Port 0 takes a free port and logs
    /// it. Sockets that a service manager passes (LISTEN_FDS) are used instead. If PORT is in the environment and
    /// nothing else says where to listen, the address is 0.0.0.0:$PORT. A reload may widen an address (127.0.0.1:8000
    /// to 0.0.0.0:8000) or make it narrower: the narrower one then takes over when the reload is done, and a HUP or USR2
    /// that follows within 2 s waits; the wider one is closed then, unless somebody waits there. While two arbiters
    /// serve (USR2), it takes over when the other one has gone. A host's name is looked up when its address is opened,
    /// and a reload that opens one waits for the answer: where that may take long, write the address.
    bind: Vec<String> = vec!["127.0.0.1:8000".to_owned()] => new(
        Section::Listening,
        Kind::List(Item::Text { name: "ADDRESS" }),
    ).short('b').foreign(Foreign::Port("PORT"));

    /// How many connections may wait to be accepted.
    ///
    /// The system may have a lower limit (net.core.somaxconn).
    backlog: i32 = 2048 => new(Section::Listening, Kind::Integer { min: 1, max: i32::MAX as u64 }).at_start_only();

    /// Give each worker a listening socket of its own (SO_REUSEPORT).
    ///
    /// The kernel then deals connections out by a hash of their addresses. Without it the workers share one socket,
    /// which spreads long connections more evenly. There are as many sockets as workers at the start; those that a reload
    /// or TTIN adds share them.
    reuse_port: bool = false => new(Section::Listening, Kind::Switch).at_start_only();

        } $($rest)* }
    };
}
