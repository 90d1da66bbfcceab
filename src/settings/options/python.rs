//! What only Python applications know.

macro_rules! python_rows {
    ({$($rows:tt)*} $($rest:ident)*) => {
        collect! { { $($rows)*

    /// What kind of Python application it is: asgi, wsgi, or one of the names that Gunicorn and uvicorn use.
    ///
    /// sync, gthread and gunicorn.workers.sync.SyncWorker are wsgi; asgi, uvicorn.workers.UvicornWorker and
    /// uvicorn_worker.UvicornWorker are asgi. Without it the application is looked at: what has an async call is ASGI.
    /// Workers of other libraries (gevent, eventlet, tornado) are refused.
    worker_class: Option<String> = None => new(Section::Python, Kind::Text { name: "CLASS" }).short('k');

    /// What a Python application is called with.
    ///
    /// As worker_class, in uvicorn's words. With auto the application is looked at.
    interface: Interface = Interface::Auto => new(Section::Python, Kind::Choice {
        names: &["auto", "asgi3", "asgi2", "wsgi"],
        switch: None,
    });

    /// The application is a function without arguments that returns the real one.
    factory: bool = false => new(Section::Python, Kind::Switch);

    /// Look for Python modules in these directories too, with commas between them.
    ///
    /// They come before the working directory.
    pythonpath: Option<String> = None => new(Section::Python, Kind::Text { name: "DIRS" });

    /// The path under which a proxy offers the application: ASGI's root_path.
    root_path: String = String::new() => new(Section::Python, Kind::Text { name: "PATH" });

    /// Which event loop an ASGI application has.
    ///
    /// asyncio's, with the worker's own loop inside, on one thread: auto, asyncio and none are the same. With uvloop it
    /// is uvloop's, which has to be installed, and the worker's loop is turned by it. That is for applications that move
    /// much through the loop's own transports (streams, subprocesses, clients in pure Python): these get cheaper, and each
    /// request gets dearer. An idle worker then wakes some 35 times a second, and its times (keep_alive and the like) may
    /// be over a tenth of a second too late.
    asgi_loop: AsgiLoop = AsgiLoop::Auto => new(Section::Python, Kind::Choice {
        names: &["auto", "asyncio", "uvloop", "none"],
        switch: None,
    }).aliases(&["loop"]);

    /// Whether an ASGI application hears of the start and the end of its worker.
    ///
    /// With auto one that does not know the lifespan protocol is served without; with on that is an error. With off
    /// none is told anything.
    asgi_lifespan: Toggle = Toggle::Auto => new(Section::Python, Kind::Choice {
        names: &["auto", "on", "off"],
        switch: None,
    }).aliases(&["lifespan"]);

    /// How long an ASGI application may take for the end of its lifespan; 0: no limit of its own.
    ///
    /// graceful_timeout limits the whole end of a worker in any case.
    lifespan_timeout: Duration = Duration::ZERO => new(Section::Python, Kind::Seconds);

    /// How long an ASGI application may go on with a request whose client is gone.
    ///
    /// Then its task is cancelled; with 0 at once.
    asgi_disconnect_grace_period: Duration = Duration::from_secs(3) => new(Section::Python, Kind::Seconds);

    /// The most bytes of a message of a WebSocket; 0: any number.
    ///
    /// A longer one ends the connection with the code 1009.
    websocket_max_message_size: u64 = 16_777_216 => new(Section::Python, Kind::Bytes).aliases(&["ws-max-size"]);

    /// How many messages of a WebSocket may wait for the application.
    ///
    /// Then nothing more is read from the client.
    ws_max_queue: usize = 32 => new(Section::Python, Kind::Integer { min: 1, max: 1_000_000 });

    /// Ask a WebSocket's client at this interval whether it is still there; 0: never.
    ws_ping_interval: Duration = Duration::from_secs(20) => new(Section::Python, Kind::Seconds);

    /// How long a WebSocket's client may take to answer that; 0: for ever.
    ///
    /// Then the connection is cut.
    ws_ping_timeout: Duration = Duration::from_secs(20) => new(Section::Python, Kind::Seconds);

    /// Compress messages of WebSockets with clients that can (permessage-deflate).
    ws_per_message_deflate: Compression = Compression::On => new(Section::Python, Kind::Choice {
        names: &["on", "off"],
        switch: Some(("on", "off")),
    });

    /// The directory for bodies of WSGI requests that are too large for memory.
    ///
    /// Without it, that of Python's tempfile.
    tmp_upload_dir: Option<PathBuf> = None => new(Section::Python, Kind::Text { name: "DIR" });

    /// Let the kernel copy files to the client.
    ///
    /// For WSGI's file_wrapper and ASGI's pathsend. The default is taken from SENDFILE in the environment, if that is
    /// set.
    sendfile: bool = true => new(Section::Python, Kind::Switch).foreign(Foreign::Value("SENDFILE"));

    /// Headers with underscores that a trusted proxy may send all the same, with commas between them.
    forwarder_headers: String = "SCRIPT_NAME,PATH_INFO".to_owned() =>
        new(Section::Python, Kind::Text { name: "NAMES" });

    /// What becomes of headers with underscores in their names.
    ///
    /// WSGI cannot tell them from those with dashes, and some frameworks of ASGI do not. With drop the application does
    /// not see them, with refuse the request is answered with 400, with dangerous they are passed on, as uvicorn does.
    header_map: HeaderMap = HeaderMap::Drop => new(Section::Python, Kind::Choice {
        names: &["drop", "refuse", "dangerous"],
        switch: None,
    });

    /// Set up Python's logging from this file in each worker.
    ///
    /// In the format of logging.config.fileConfig, or of dictConfig if the name ends with .json, .yaml or .yml (which
    /// takes the package PyYAML).
    logconfig: Option<PathBuf> = None => new(Section::Python, Kind::Text { name: "FILE" }).long("log-config");

    /// Set up Python's logging from this JSON file in each worker, as logging.config.dictConfig reads it.
    logconfig_json: Option<PathBuf> = None => new(Section::Python, Kind::Text { name: "FILE" })
        .long("log-config-json");

    /// With reload, watch this directory instead of the working directory.
    ///
    /// May be repeated.
    reload_dirs: Vec<String> = Vec::new() => new(Section::Python, Kind::List(Item::Text { name: "DIR" }))
        .long("reload-dir").at_start_only();

    /// With reload, watch files of these names in the directories too.
    ///
    /// May be repeated. Patterns are those of a shell. Python's own sources (*.py) are always watched.
    reload_includes: Vec<String> = Vec::new() => new(Section::Python, Kind::List(Item::Text { name: "PATTERN" }))
        .long("reload-include").at_start_only();

    /// With reload, do not watch files and directories of these names.
    ///
    /// May be repeated. Patterns are those of a shell.
    reload_excludes: Vec<String> = Vec::new() => new(Section::Python, Kind::List(Item::Text { name: "PATTERN" }))
        .long("reload-exclude").at_start_only();

    /// Import the application once in each generation, and fork its workers from there.
    ///
    /// They then share the memory of what the import has made. A reload imports anew. Threads that the import starts are
    /// not in the workers.
    preload_app: bool = false => new(Section::Python, Kind::Switch).long("preload");

        } $($rest)* }
    };
}
