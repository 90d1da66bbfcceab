//! Settings that a program makes.

use crate::settings::{Settings, validate};
use std::time::Duration;

fn complaint(settings: Settings) -> String {
    validate(&settings).unwrap_err().to_string()
}

#[test]
fn the_defaults_and_what_is_in_range_pass() {
    validate(&Settings::default()).unwrap();
    let settings = Settings {
        workers: 4,
        bind: vec!["127.0.0.1:8000".into(), "unix:/run/app.sock".into()],
        timeout: Duration::from_millis(1500),
        max_rss: 123_456_789,
        umask: Some(0o027),
        env: vec![("NAME".into(), "a=b".into())],
        user: Some("www-data".into()),
        ..Settings::default()
    };
    validate(&settings).unwrap();
}

#[test]
fn every_value_out_of_range_is_named() {
    let text = complaint(Settings {
        workers: 0,
        threads: 100_000,
        backlog: -1,
        umask: Some(0o7777),
        timeout: Duration::MAX,
        env: vec![(String::new(), "x".into())],
        ..Settings::default()
    });
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), 6, "{text}");
    for start in [
        "workers: must be an integer from 1 to ",
        "threads: must be an integer from 1 to ",
        "backlog: must be an integer",
        "umask: must be a mode from 0 to 0o777",
        "timeout: must be a number of seconds from 0 to ",
        "raw_env: must be NAME=VALUE",
    ] {
        assert!(lines.iter().any(|line| line.starts_with(start)), "no {start:?} in\n{text}");
    }
}

#[test]
fn conflicts_are_blamed_on_the_program() {
    let twice = vec!["127.0.0.1:8000".to_owned(); 2];
    let text = complaint(Settings { bind: twice, ..Settings::default() });
    assert_eq!(text, "bind: 127.0.0.1:8000 is listed twice (the program); name it once");
    let text = complaint(Settings { bind: Vec::new(), ..Settings::default() });
    assert_eq!(text, "bind: the list is empty (the program); name at least one address");
    let text = complaint(Settings { request_id_header: Some("no name".to_owned()), ..Settings::default() });
    assert!(text.starts_with("request_id_header: \"no name\" cannot be"), "{text}");
}
