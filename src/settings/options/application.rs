//! What is served, and in which surroundings.

macro_rules! application_rows {
    ({$($rows:tt)*} $($rest:ident)*) => {
        collect! { { $($rows)*

    /// The application: LIBRARY:ROUTER or MODULE:NAME, as in `hello:router`.
    ///
    /// LIBRARY is a name or a path of a library that exports a router. A name is looked for as libNAME.so in app_dir,
    /// the working directory, target/release and target/debug; if there is none but a cargo package of that name is,
    /// the package is built first. ROUTER is the exported name, `router` if it is left out.
    ///
    /// A Python application is written as an import would name it, with a callable: `main:app`, `mysite.wsgi`,
    /// `shop:create_app("prod")`. If no callable is named it is `application`, or else `app`.
    app: Option<String> = None => new(Section::Application, Kind::Text { name: "APP" }).positional();

    /// Look for the application's library or module in this directory first.
    app_dir: Option<PathBuf> = None => new(Section::Application, Kind::Text { name: "DIR" });

    /// Change to this directory before anything is loaded.
    ///
    /// Relative paths in the settings, other than that of the settings file, are relative to it.
    chdir: Option<PathBuf> = None => new(Section::Application, Kind::Text { name: "DIR" }).at_start_only();

    /// Set an environment variable for the application, as NAME=VALUE.
    ///
    /// May be repeated. A reload that no longer has it takes it back.
    env: Vec<(String, String)> = Vec::new() => new(Section::Application, Kind::List(Item::Pair))
        .key("raw_env").short('e').long("env");

    /// Set environment variables for the application as this file says, one NAME=VALUE a line.
    ///
    /// Lines may begin with export, values may stand in quotes, and what follows a # is a comment. Nothing is expanded.
    /// What the environment has, or raw_env sets, stays as it is there. A reload reads it again. It is for the
    /// application: rustcorn itself takes no setting from it.
    env_file: Option<PathBuf> = None => new(Section::Application, Kind::Text { name: "FILE" });

        } $($rest)* }
    };
}
