//! The operator log, and where settings come from.

macro_rules! logging_rows {
    ({$($rows:tt)*} $($rest:ident)*) => {
        collect! { { $($rows)*

    /// Write the log to this file; `-`: standard error.
    ///
    /// USR1 opens the file anew, for the sake of logrotate; workers whose user may not open it are replaced by workers
    /// that get it from the arbiter.
    errorlog: String = "-".to_owned() => new(Section::Logging, Kind::Text { name: "FILE" })
        .long("error-logfile").aliases(&["log-file"]);

    /// Log what is at least this important.
    ///
    /// trace is for what libraries of a Rust application trace; rustcorn itself has nothing below debug.
    loglevel: Level = Level::Info => new(Section::Logging, Kind::Choice {
        names: &["trace", "debug", "info", "warning", "error", "critical"],
        switch: None,
    }).long("log-level");

    /// Write what the application prints to the file of the log too.
    ///
    /// The workers' standard output and standard error then go to errorlog. Without a file there they stay as they are.
    capture_output: bool = false => new(Section::Logging, Kind::Switch);

    /// How a line of the log looks.
    ///
    /// Either Gunicorn's shape or one JSON object a line.
    log_format: LogFormat = LogFormat::Text => new(Section::Logging, Kind::Choice {
        names: &["text", "json"],
        switch: None,
    });

    /// Colour the log.
    ///
    /// With auto, if it goes to a terminal.
    use_colors: Colors = Colors::Auto => new(Section::Logging, Kind::Choice {
        names: &["auto", "always", "never"],
        switch: Some(("always", "never")),
    });

    /// Send the log and the access log to syslog too.
    ///
    /// The access log stays out of it with disable_redirect_access_to_syslog or with access_log off.
    syslog: bool = false => new(Section::Logging, Kind::Switch).long("log-syslog");

    /// Where syslog listens.
    ///
    /// As unix://PATH (unix:///dev/log is the system's) or udp://HOST:PORT; without a port it is 514. Each line is a
    /// datagram of its own. A host is looked up at the start, and at a reload that changes this address.
    syslog_addr: String = "udp://localhost:514".to_owned() => new(Section::Logging, Kind::Text { name: "ADDRESS" })
        .long("log-syslog-to");

    /// Name messages to syslog after this instead of the application.
    ///
    /// They begin with rustcorn.PREFIX.error or rustcorn.PREFIX.access.
    syslog_prefix: Option<String> = None => new(Section::Logging, Kind::Text { name: "PREFIX" })
        .long("log-syslog-prefix");

    /// Send messages to syslog under this facility.
    syslog_facility: String = "user".to_owned() => new(Section::Logging, Kind::Choice {
        names: FACILITIES,
        switch: None,
    }).long("log-syslog-facility");

    /// Read the settings from this TOML file.
    ///
    /// Without it, rustcorn.toml in the directory of the start is read if it exists. A reload reads it again.
    config: Option<PathBuf> = None => new(Section::Settings, Kind::Text { name: "FILE" }).short('c').not_in_file();

    /// Check the settings, load the application, serve nothing.
    ///
    /// The exit code says whether a start would succeed.
    check_config: bool = false => new(Section::Settings, Kind::Switch).not_in_file();

    /// Show every setting and where it comes from, as TOML, then check as check_config does.
    print_config: bool = false => new(Section::Settings, Kind::Switch).not_in_file();

        } $($rest)* }
    };
}
