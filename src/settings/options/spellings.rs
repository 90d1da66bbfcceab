//! Other people's words: uvicorn's for where to listen, and options that have nothing to say here.

macro_rules! spelling_rows {
    ({$($rows:tt)*} $($rest:ident)*) => {
        collect! { { $($rows)*

    /// Listen on this host: uvicorn's spelling of bind, with port.
    ///
    /// With port it is another way to write `bind`; the two cannot stand together.
    host: Option<String> = None => new(Section::Spellings, Kind::Text { name: "HOST" });

    /// Listen on this port: uvicorn's spelling of bind, with host.
    ///
    /// Without host it is that of 127.0.0.1. Port 0 takes a free port.
    port: Option<String> = None => new(Section::Spellings, Kind::Account { name: "PORT" });

    /// Listen on this Unix socket: uvicorn's spelling of bind.
    uds: Option<String> = None => new(Section::Spellings, Kind::Text { name: "FILE" });

    /// Listen on this inherited socket: uvicorn's spelling of bind.
    fd: Option<String> = None => new(Section::Spellings, Kind::Account { name: "FD" });

    /// Has no effect: heartbeats are in shared memory, not in files.
    worker_tmp_dir: Option<String> = None => new(Section::Spellings, Kind::Text { name: "DIR" });

    /// Has no effect: there is one parser of HTTP, in Rust (Gunicorn's option).
    http_parser: Option<String> = None => new(Section::Spellings, Kind::Text { name: "NAME" });

    /// Has no effect: there is one implementation of HTTP, in Rust (uvicorn's option).
    http: Option<String> = None => new(Section::Spellings, Kind::Text { name: "NAME" });

    /// Has no effect: there is one implementation of WebSockets, in Rust (uvicorn's option).
    ws: Option<String> = None => new(Section::Spellings, Kind::Text { name: "NAME" });

    /// Has no effect: a setting of Python's ssl module, which is not used.
    suppress_ragged_eofs: bool = false => new(Section::Spellings, Kind::Switch);

    /// Has no effect: a setting of Python's ssl module, which is not used.
    do_handshake_on_connect: bool = false => new(Section::Spellings, Kind::Switch);

    /// Has no effect: each request is a task with contextvars of its own.
    reset_contextvars: bool = false => new(Section::Spellings, Kind::Switch);

    /// Has no effect: there is no control socket.
    control_socket: Option<String> = None => new(Section::Spellings, Kind::Text { name: "FILE" });

    /// Has no effect: there is no control socket.
    control_socket_mode: Option<String> = None => new(Section::Spellings, Kind::Account { name: "MODE" });

    /// Has no effect: there is no control socket.
    control_socket_disable: bool = false => new(Section::Spellings, Kind::Switch).long("no-control-socket");

    /// Has no effect: see ssl_min_version.
    ssl_version: Option<String> = None => new(Section::Spellings, Kind::Text { name: "VERSION" });

    /// Has no effect: a setting of h11, which is not used; see limit_request_line.
    h11_max_incomplete_event_size: Option<String> = None => new(Section::Spellings, Kind::Text { name: "BYTES" });

    /// Has no effect: changed files are told by the kernel (inotify).
    reload_engine: Option<String> = None => new(Section::Spellings, Kind::Text { name: "NAME" });

        } $($rest)* }
    };
}
