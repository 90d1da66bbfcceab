//! What the operator reads when something is wrong.

use super::*;

#[test]
fn unknown_keys_are_told_with_the_nearest_one() {
    let text = "\n\n\n\n\n\nworker = 4\n";
    assert_eq!(complaint(&file(text)), "rustcorn.toml:7:1: unknown key \"worker\"; did you mean \"workers\"?");
    for (written, meant) in [("keep-alive", "keepalive"), ("pid", "pidfile"), ("env", "raw_env"), ("wsgi_app", "app")] {
        let told = complaint(&file(&format!("{written} = 1")));
        assert_eq!(told, format!("rustcorn.toml:1:1: unknown key \"{written}\"; did you mean \"{meant}\"?"));
    }
    assert_eq!(complaint(&file("colour = 1")), "rustcorn.toml:1:1: unknown key \"colour\"");
}

#[test]
fn every_problem_of_a_file_is_told_in_order() {
    let text = "workers = 0\ntimeuot = 1\nbind = [\"\", 3]\ntimeout = \"30\"\nconfig = 'x'\n[server]\nport = 1\n";
    let told = complaint(&file(text));
    let expected = [
        "rustcorn.toml:1:11: workers must be an integer from 1 to 512, found 0",
        "rustcorn.toml:2:1: unknown key \"timeuot\"; did you mean \"timeout\"?",
        "rustcorn.toml:3:9: bind must be a string that is not empty, or a list of them, found \"\"",
        "rustcorn.toml:4:11: timeout must be a number of seconds from 0 to 1000000000, found \"30\"",
        "rustcorn.toml:5:1: config cannot be set in the file; use --config",
        "rustcorn.toml:6:2: unknown key \"server\"; every option stands at the top level of the file, outside of tables",
    ];
    assert_eq!(told.lines().collect::<Vec<_>>(), expected);
}

#[test]
fn columns_count_characters() {
    assert!(complaint(&file("\"größe\" = 1")).starts_with("rustcorn.toml:1:1: "));
    assert!(complaint(&file("errorlog = 'ä'; workers = 1")).starts_with("rustcorn.toml:1:15: "));
}

#[test]
fn broken_toml_is_told_with_its_place() {
    let told = complaint(&file("workers = 2\nbind = [\"a\"\n"));
    assert!(told.starts_with("rustcorn.toml:"), "{told}");
    assert!(complaint(&file("workers = 2\nworkers = 3")).starts_with("rustcorn.toml:2:1: duplicate key"));
    assert!(complaint(&file("umask = 022")).contains("an octal number is written 0o22"));
    let mut python = file("import os\nworkers = os.cpu_count()");
    python.file = python.file.map(|file| ConfigFile { path: "gunicorn.conf.py".into(), ..file });
    assert!(complaint(&python).contains("the settings file is TOML, not Python"));
}

#[test]
fn words_of_the_command_line_and_variables_are_shown() {
    let mut sources = Sources { command_line: vec![given("workers", &["0"])], ..Sources::default() };
    assert_eq!(complaint(&sources), "--workers 0: must be an integer from 1 to 512");
    sources.command_line = vec![given("env", &[]), given("raw_env", &["A=1", "B C"])];
    assert_eq!(complaint(&sources), "--env 'B C': must be NAME=VALUE");
    sources.command_line.clear();
    sources.cmd_args = vec![given("loglevel", &["loud"])];
    let names = "\"trace\", \"debug\", \"info\", \"warning\", \"error\" or \"critical\"";
    assert_eq!(complaint(&sources), format!("RUSTCORN_CMD_ARGS: --log-level loud: must be {names}"));
    sources.cmd_args.clear();
    sources.environment = environment(&[("RUSTCORN_WORKERS", "x"), ("RUSTCORN_BIND", "'a")]);
    let quote = "RUSTCORN_BIND=\"'a\": a quote is not closed; the text is split into words as a shell does it";
    assert_eq!(complaint(&sources), format!("{quote}\nRUSTCORN_WORKERS=x: must be an integer from 1 to 512"));
}

#[test]
fn passwords_are_not_shown() {
    let environment = environment(&[("RUSTCORN_SSL_KEYFILE_PASSWORD", "open\0sesame")]);
    let mut sources = Sources { environment, ..Sources::default() };
    let told = "RUSTCORN_SSL_KEYFILE_PASSWORD=a value that is not shown: must be ";
    assert!(complaint(&sources).starts_with(told) && !complaint(&sources).contains("sesame"));
    let foreign = std::os::unix::ffi::OsStringExt::from_vec(b"open\xe4sesame".to_vec());
    sources.environment.insert("RUSTCORN_SSL_KEYFILE_PASSWORD".into(), foreign);
    assert_eq!(complaint(&sources), format!("{told}UTF-8"));
    sources.environment.clear();
    sources.command_line = vec![given("ssl_keyfile_password", &["open\0sesame"])];
    let told = "--ssl-keyfile-password a value that is not shown: must be ";
    assert!(complaint(&sources).starts_with(told) && !complaint(&sources).contains("sesame"));
}

#[test]
fn conflicts_name_both_origins() {
    let mut sources = file("pidfile = '/run/x'");
    sources.command_line = vec![given("errorlog", &["/run/x"])];
    let told = "pidfile: names the same file as errorlog (pidfile: rustcorn.toml:1; errorlog: the command line); give each its own";
    assert_eq!(complaint(&sources), told);
    let told = "bind: :80 is listed twice (rustcorn.toml:1); name it once";
    assert_eq!(complaint(&file("bind = [':80', 'unix:/x', ':80']")), told);
}

#[test]
fn an_id_has_a_field_of_its_own() {
    for (name, shown) in [("X Request", "\"X Request\""), ("Host", "\"Host\""), ("a:b", "\"a:b\"")] {
        let told = format!(
            "request_id_header: {shown} cannot be the name of a field with an id (rustcorn.toml:1); name a field of its own, as in X-Request-ID"
        );
        assert_eq!(complaint(&file(&format!("request_id_header = '{name}'"))), told);
    }
    assert!(resolve(&file("request_id_header = 'X-Request-ID'")).is_ok());
}

#[test]
fn waste_and_slips_are_warnings() {
    let mut sources = file("max_requests_jitter = 5\ndaemon = true");
    sources.environment = environment(&[("RUSTCORN_WORKER", "4"), ("RUSTCORN_PORT_80_TCP_ADDR", "10.0.0.1")]);
    let expected = [
        "the environment variable RUSTCORN_WORKER is not an option; did you mean RUSTCORN_WORKERS?",
        "max_requests_jitter (rustcorn.toml:1) has no effect without max_requests",
        "daemon (rustcorn.toml:2) sends the log to /dev/null as long as errorlog is \"-\"; name a file",
    ];
    assert_eq!(resolve(&sources).expect("only warnings").warnings, expected);
}
