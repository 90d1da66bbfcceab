//! What a request may be, and how long each part of it may take.

macro_rules! requests_rows {
    ({$($rows:tt)*} $($rest:ident)*) => {
        collect! { { $($rows)*

    /// The most bytes of a request line; 0: only what a whole request's head may have (64 KiB).
    ///
    /// A longer one is answered with 414.
    limit_request_line: usize = 4094 => new(Section::Requests, Kind::Integer { min: 0, max: 65536 });

    /// The most header fields of a request.
    ///
    /// More are answered with 431.
    limit_request_fields: usize = 100 => new(Section::Requests, Kind::Integer { min: 1, max: 32768 });

    /// The most bytes of one header field; 0: only what a whole request's head may have (64 KiB).
    ///
    /// A longer one is answered with 431.
    limit_request_field_size: usize = 8190 => new(Section::Requests, Kind::Integer { min: 0, max: 65536 })
        .long("limit-request-field_size").aliases(&["limit-request-field-size"]);

    /// The most bytes of a request's body; 0: any number.
    ///
    /// In bytes, or with the suffix K, M or G. A larger one is answered with 413: at once if the client says the
    /// length, or else when it has sent so much.
    limit_request_body: u64 = 0 => new(Section::Requests, Kind::Bytes);

    /// The most requests that a worker works on at a time; 0: any number.
    ///
    /// Further ones are answered with 503 and Retry-After.
    limit_concurrency: usize = 0 => new(Section::Requests, Kind::Integer { min: 0, max: 1_000_000 });

    /// Close a connection after this many requests; 0: never.
    keepalive_requests: u64 = 0 => new(Section::Requests, ANY);

    /// How long a TLS handshake or a proxy's header may take; 0: for ever.
    handshake_timeout: Duration = Duration::from_secs(10) => new(Section::Requests, Kind::Seconds)
        .aliases(&["ssl-handshake-timeout"]);

    /// How long the head of a request may take; 0: for ever.
    ///
    /// It is also the time that a new connection has for its first byte. Between two requests keepalive holds.
    header_timeout: Duration = Duration::from_secs(30) => new(Section::Requests, Kind::Seconds);

    /// How long a request's body may come to a halt; 0: for ever.
    ///
    /// A client that sends less than a kilobyte in this time, while the application waits for it, has come to a halt.
    /// It is answered with 408; if its response has begun, that is cut. Where the two talk to each other for long, as
    /// with streams of gRPC, let this be 0.
    body_timeout: Duration = Duration::from_secs(30) => new(Section::Requests, Kind::Seconds);

    /// How long a client may take nothing of its response; 0: for ever.
    ///
    /// Then the connection is cut. A client that takes less than a kilobyte in this time takes nothing.
    write_timeout: Duration = Duration::from_secs(30) => new(Section::Requests, Kind::Seconds);

    /// How long a request may take as a whole, from its head to the end of its response; 0: for ever.
    ///
    /// Then the handler is dropped, and the client gets 504; a response that has begun is cut. So it bounds downloads and
    /// streams too, and how fast their clients take them (write_timeout only wants some progress). A handler that
    /// blocks its thread cannot be dropped: that is what timeout is for.
    request_timeout: Duration = Duration::ZERO => new(Section::Requests, Kind::Seconds);

    /// Log a request that takes longer than this, once, with a stack trace of its worker; 0: never.
    ///
    /// To find the names in the trace a thread of its own reads the application's debug information, once for each place in
    /// the code: meanwhile, for a tenth of a second or so, the worker needs about as much memory again as its library
    /// is large (max_rss does not count that).
    slow_request: Duration = Duration::ZERO => new(Section::Requests, Kind::Seconds);

    /// Send a Server field with each response that has none.
    server_header: bool = true => new(Section::Requests, Kind::Switch);

    /// Send a Date field with each response that has none.
    date_header: bool = true => new(Section::Requests, Kind::Switch);

    /// Send this field with each response that has none of this name, as NAME:VALUE.
    ///
    /// May be repeated; several values of one name are all sent. Refusals of rustcorn's own have them too.
    header: Vec<String> = Vec::new() => new(Section::Requests, Kind::List(Item::Field)).aliases(&["headers"]);

    /// The field that holds a request's id, as in X-Request-ID.
    ///
    /// A trusted proxy's id is taken over, other requests get a new one. The application sees it in the request, the
    /// client in the response, and the access log has it.
    request_id_header: Option<String> = None => new(Section::Requests, Kind::Text { name: "FIELD" });

        } $($rest)* }
    };
}
