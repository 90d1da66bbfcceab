//! Which layer wins, and what each can say.

use super::*;

#[test]
fn each_source_outranks_the_next() {
    let mut sources = file("workers = 2");
    sources.command_line = vec![given("workers", &["6"])];
    sources.cmd_args = vec![given("workers", &["5"])];
    sources.environment = environment(&[("RUSTCORN_WORKERS", "4"), ("WEB_CONCURRENCY", "3")]);
    let take = |sources: &Sources| {
        let resolved = resolve(sources).expect("good settings");
        (resolved.settings.workers, resolved.origin("workers").clone())
    };
    assert_eq!(take(&sources), (6, Origin::CommandLine));
    sources.command_line.clear();
    assert_eq!(take(&sources), (5, Origin::CmdArgs(CMD_ARGS)));
    sources.cmd_args.clear();
    assert_eq!(take(&sources), (4, Origin::Environment("RUSTCORN_WORKERS".into())));
    sources.environment.remove(std::ffi::OsStr::new("RUSTCORN_WORKERS"));
    assert_eq!(take(&sources), (2, Origin::File { path: "rustcorn.toml".into(), line: 1 }));
    sources.file = None;
    assert_eq!(take(&sources), (3, Origin::Environment("WEB_CONCURRENCY".into())));
    sources.environment.clear();
    assert_eq!(take(&sources), (1, Origin::Default));
}

#[test]
fn port_binds_every_interface_unless_somebody_says_where() {
    let mut sources = Sources { environment: environment(&[("PORT", "5000")]), ..Sources::default() };
    assert_eq!(resolve(&sources).expect("a port").settings.bind, ["0.0.0.0:5000"]);
    sources.command_line = vec![given("bind", &["127.0.0.1:80", "unix:/run/a b"])];
    assert_eq!(resolve(&sources).expect("binds").settings.bind, ["127.0.0.1:80", "unix:/run/a b"]);
}

#[test]
fn a_foreign_variable_is_read_only_when_it_counts() {
    let mut sources = Sources { environment: environment(&[("PORT", "tcp://10.0.0.1:80")]), ..Sources::default() };
    assert_eq!(complaint(&sources), "PORT=tcp://10.0.0.1:80: must be a port number from 0 to 65535");
    sources.command_line = vec![given("bind", &[":80"])];
    assert!(resolve(&sources).is_ok());
}

#[test]
fn an_empty_variable_is_unset() {
    let names = ["PORT", "WEB_CONCURRENCY", "RUSTCORN_WORKERS", "RUSTCORN_BIND", "RUSTCORN_RELOAD"];
    let pairs: Vec<_> = names.iter().map(|name| (*name, "")).collect();
    let sources = Sources { environment: environment(&pairs), ..Sources::default() };
    assert_eq!(resolve(&sources).expect("nothing set").settings, Settings::default());
}

#[test]
fn a_list_in_a_variable_is_split_as_by_a_shell() {
    let pairs = [("RUSTCORN_RAW_ENV", "A=1 'B=two words' C="), ("RUSTCORN_BIND", "127.0.0.1:1 unix:/x")];
    let sources = Sources { environment: environment(&pairs), ..Sources::default() };
    let settings = resolve(&sources).expect("lists").settings;
    let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    assert_eq!(settings.env, [pair("A", "1"), pair("B", "two words"), pair("C", "")]);
    assert_eq!(settings.bind, ["127.0.0.1:1", "unix:/x"]);
}

#[test]
fn a_higher_layer_turns_a_switch_off_and_takes_a_path_back() {
    let mut sources = file("daemon = true\nerrorlog = 'log'\npidfile = 'pid'\nuse_colors = true");
    sources.environment = environment(&[("RUSTCORN_DAEMON", "off"), ("RUSTCORN_USE_COLORS", "no")]);
    sources.command_line = vec![given("pidfile", &[""])];
    let settings = resolve(&sources).expect("good settings").settings;
    assert!(!settings.daemon);
    assert_eq!(settings.pidfile, None);
    assert_eq!(settings.use_colors, Colors::Never);
}

#[test]
fn every_type_is_read_from_the_file() {
    let text = r#"
        app = "hello:router"
        chdir = "/srv"
        raw_env = ["A=1"]
        bind = "127.0.0.1:0"
        balance = false
        max_rss = "512M"
        timeout = 0.5
        graceful_timeout = 7
        user = 1000
        umask = 0o022
        loglevel = "DEBUG"
        log_format = "json"
    "#;
    let settings = resolve(&file(text)).expect("good settings").settings;
    let expected = Settings {
        app: Some("hello:router".into()),
        chdir: Some("/srv".into()),
        env: vec![("A".into(), "1".into())],
        bind: vec!["127.0.0.1:0".into()],
        balance: false,
        max_rss: 512 << 20,
        timeout: Duration::from_millis(500),
        graceful_timeout: Duration::from_secs(7),
        user: Some("1000".into()),
        umask: Some(0o22),
        loglevel: Level::Debug,
        log_format: LogFormat::Json,
        ..Settings::default()
    };
    assert_eq!(settings, expected);
}

#[test]
fn the_file_is_named_by_flag_then_variable() {
    let mut sources = Sources { environment: environment(&[("RUSTCORN_CONFIG", "env.toml")]), ..Sources::default() };
    assert_eq!(config_path(&sources), Some(("env.toml".into(), Origin::Environment("RUSTCORN_CONFIG".into()))));
    sources.command_line = vec![given("config", &["flag.toml"])];
    assert_eq!(config_path(&sources), Some((PathBuf::from("flag.toml"), Origin::CommandLine)));
    assert_eq!(config_path(&Sources::default()), None);
}

#[test]
fn changes_are_told_with_what_a_reload_can_do() {
    let old = Settings::default();
    let new = Settings { workers: 3, pidfile: Some("p".into()), ..Settings::default() };
    let changes = changed(&old, &new);
    let expected = [Change { key: "workers", reloadable: true }, Change { key: "pidfile", reloadable: false }];
    assert_eq!(changes, expected);
    assert_eq!(changed(&new, &new), []);
}
