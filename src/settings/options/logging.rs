//! The operator log, and where settings come from.

macro_rules! logging_rows {
    ({$($rows:tt)*} $($rest:ident)*) => {
        collect! { { $($rows)*

    /// Write the log to this file; `-`: standard error.
    ///
    /// USR1 opens the file anew, for the sake of logrotate.
    errorlog: String = "-".to_owned() => new(Section::Logging, Kind::Text { name: "FILE" })
        .long("error-logfile").aliases(&["log-file"]);

    /// Log what is at least this important.
    loglevel: Level = Level::Info => new(Section::Logging, Kind::Choice {
        names: &["debug", "info", "warning", "error", "critical"],
        switch: None,
    }).long("log-level");

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
