//! Patience with workers and clients, and reloading.

macro_rules! timeouts_rows {
    ({$($rows:tt)*} $($rest:ident)*) => {
        collect! { { $($rows)*

    /// Kill and replace a worker that has given no sign of life for this long; 0: never.
    ///
    /// It is a limit for a worker that hangs, not for a request: a handler that waits does not stop the worker's heart.
    /// The requests that the worker holds and a stack trace are logged first.
    timeout: Duration = Duration::from_secs(30) => new(Section::Timeouts, Kind::Seconds).short('t')
        .aliases(&["timeout-worker-healthcheck"]);

    /// How long a worker that is being stopped or replaced may finish what it holds.
    ///
    /// What is left then is cut, and the count is logged.
    graceful_timeout: Duration = Duration::from_secs(30) => new(Section::Timeouts, Kind::Seconds)
        .aliases(&["timeout-graceful-shutdown"]);

    /// How long a worker may take to load the application; 0: for ever.
    ///
    /// On the first start the server then exits with code 3; on a reload the workers of before go on serving.
    boot_timeout: Duration = Duration::from_secs(60) => new(Section::Timeouts, Kind::Seconds);

    /// Close a connection that has been idle between two requests for this long; 0: after each request.
    keepalive: Duration = Duration::from_secs(2) => new(Section::Timeouts, Kind::Seconds).long("keep-alive")
        .aliases(&["timeout-keep-alive"]);

    /// How many workers beyond their number a reload may start at a time; 0: as many as there are workers.
    ///
    /// More is faster, fewer takes less memory.
    reload_surge: u16 = 0 => new(Section::Reloading, Kind::Integer { min: 0, max: 512 });

    /// For development: reload when the application changes, and build it before if it is a library.
    ///
    /// Of a library the sources and the file are watched: when the build fails, the compiler's errors are shown and the
    /// last good build goes on serving. Of a Python application the files of its folder and the modules that it has
    /// imported: when they cannot be imported, the traceback is shown and the old workers go on.
    reload: bool = false => new(Section::Reloading, Kind::Switch).at_start_only();

    /// With reload, watch this file or pattern too.
    ///
    /// May be repeated. Patterns are those of a shell, as in `templates/**/*.html`.
    reload_extra_files: Vec<String> = Vec::new() => new(Section::Reloading, Kind::List(Item::Text { name: "PATTERN" }))
        .long("reload-extra-file").at_start_only();

    /// With reload, wait this long after the last change.
    reload_delay: Duration = Duration::from_millis(250) => new(Section::Reloading, Kind::Seconds);

        } $($rest)* }
    };
}
