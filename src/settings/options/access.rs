//! One line for each request.

macro_rules! access_rows {
    ({$($rows:tt)*} $($rest:ident)*) => {
        collect! { { $($rows)*

    /// Write the access log to this file; "-": standard output.
    ///
    /// One line for each request. Without it there is no access log, unless access_log or syslog asks for one. USR1
    /// opens the file anew, for the sake of logrotate; workers whose user may not open it are replaced by workers that
    /// get it from the arbiter.
    accesslog: Option<String> = None => new(Section::AccessLog, Kind::Text { name: "FILE" }).long("access-logfile");

    /// Turn the access log on or off.
    ///
    /// With auto there is one if accesslog or syslog is set. With on it goes to standard output if accesslog names
    /// nothing else; with off there is none, in syslog neither.
    access_log: Toggle = Toggle::Auto => new(Section::AccessLog, Kind::Choice {
        names: &["auto", "on", "off"],
        switch: Some(("on", "off")),
    });

    /// How a line of the access log looks.
    ///
    /// Atoms stand in the text as %(NAME)s: h (client), l, u (user), t (time), r (request line), s (status), m
    /// (method), U (path), q (query), H (protocol), b and B (bytes of the body), f (referer), a (user agent), T, M, D
    /// and L (time taken in seconds, milliseconds, microseconds and decimal seconds), p (process), {NAME}i (request
    /// header), {NAME}o (response header), {NAME}e (variable of the environment or of CGI, as in {REQUEST_ID}e). What
    /// is not known is "-", and %% is a percent sign. Quotes, backslashes and what is not printable ASCII are escaped
    /// with a backslash.
    ///
    /// The word json makes each line a JSON object with the names time, client, method, path, query, protocol, status,
    /// bytes, duration (seconds), referer, user_agent, request_id, pid and end (answered, client_gone, timed_out, cut
    /// or worker_killed); what a request does not have is left out.
    access_log_format: String = COMBINED_FORMAT.to_owned() => new(Section::AccessLog, Kind::Text { name: "FORMAT" })
        .long("access-logformat");

    /// Keep the access log out of syslog.
    disable_redirect_access_to_syslog: bool = false => new(Section::AccessLog, Kind::Switch);
        } $($rest)* }
    };
}
