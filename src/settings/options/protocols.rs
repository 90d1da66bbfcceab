//! HTTP/2 and WebSockets.

macro_rules! protocols_rows {
    ({$($rows:tt)*} $($rest:ident)*) => {
        collect! { { $($rows)*

    /// Which versions of HTTP are offered in a TLS handshake (ALPN), the preferred one first.
    ///
    /// h1 and h2, with commas between them. A client that offers no version gets HTTP/1.
    http_protocols: String = "h2,h1".to_owned() => new(Section::Protocols, Kind::Text { name: "PROTOCOLS" });

    /// Whether HTTP/2 is spoken without TLS.
    ///
    /// With prior-knowledge a client that begins with HTTP/2 is served so, as proxies and gRPC do it. Gunicorn's
    /// default is off. Its upgrade and both are not known here: RFC 9113 has dropped the upgrade from HTTP/1.1, and a
    /// request that asks for it is answered over HTTP/1.1.
    http2_cleartext: Http2Cleartext = Http2Cleartext::PriorKnowledge => new(Section::Protocols, Kind::Choice {
        names: &["off", "prior-knowledge"],
        switch: None,
    });

    /// The most requests that a HTTP/2 connection may have in flight.
    http2_max_concurrent_streams: usize = 100 => new(Section::Protocols, Kind::Integer { min: 1, max: 65536 });

    /// How many bytes of a request's body a HTTP/2 client may send before the application has read them.
    ///
    /// A whole connection may have twice as many under way, and that is what it can make a worker keep. Gunicorn's
    /// default of 65535 lets one upload have 1.3 MB/s over a line with 50 ms of delay; this default lets it have 5
    /// MB/s. The range is narrower than Gunicorn's, which is from 1 to 2147483647.
    http2_initial_window_size: usize = 262_144 => new(Section::Protocols, Kind::Integer {
        min: 16384,
        max: 1_073_741_823,
    });

    /// The most bytes of one HTTP/2 frame that a client may send.
    http2_max_frame_size: usize = 16384 => new(Section::Protocols, Kind::Integer { min: 16384, max: 16_777_215 });

    /// The most bytes of a HTTP/2 request's head, counted without compression.
    ///
    /// A larger one is answered with 431. The limits of single fields (limit_request_fields and the like) hold too. In
    /// Gunicorn 0 means that there is no limit; here there always is one.
    http2_max_header_list_size: usize = 65536 => new(Section::Protocols, Kind::Integer {
        min: 1024,
        max: 16_777_216,
    });

    /// How many requests a HTTP/2 client may cancel beyond those that it lets be answered.
    ///
    /// Then its connection is closed: asking and cancelling without end is an attack (CVE-2023-44487).
    http2_reset_limit: usize = 200 => new(Section::Protocols, Kind::Integer { min: 20, max: 1_000_000 });

    /// Ask a HTTP/2 client that has sent nothing for this long whether it is still there; 0: never.
    http2_ping_interval: Duration = Duration::from_secs(30) => new(Section::Protocols, Kind::Seconds);

    /// How long a HTTP/2 client may take to answer that; then the connection is cut.
    ///
    /// With 0 none is asked, as with http2_ping_interval 0.
    http2_ping_timeout: Duration = Duration::from_secs(20) => new(Section::Protocols, Kind::Seconds);

        } $($rest)* }
    };
}
