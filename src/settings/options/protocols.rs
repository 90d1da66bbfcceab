//! HTTP/2 and WebSockets.

macro_rules! protocols_rows {
    ({$($rows:tt)*} $($rest:ident)*) => {
        collect! { { $($rows)*

    /// Which versions of HTTP are offered in a TLS handshake (ALPN), the preferred one first.
    ///
    /// h1 and h2, with commas between them. A client that offers no version gets HTTP/1.
    http_protocols: String = "h2,h1".to_owned() => new(Section::Protocols, Kind::Text { name: "PROTOCOLS" });

        } $($rest)* }
    };
}
