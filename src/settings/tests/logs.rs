//! Where the access log goes, and what syslog needs.

use super::*;

fn output(texts: &[Given]) -> String {
    let settings = resolve(&Sources { command_line: texts.to_vec(), ..Sources::default() }).expect("fine").settings;
    format!("{:?}", settings.access_output())
}

#[test]
fn the_access_log_is_off_until_somebody_asks_for_it() {
    let file = given("accesslog", &["a.log"]);
    let (on, off, auto) =
        (given("access_log", &["on"]), given("access_log", &["false"]), given("access_log", &["auto"]));
    assert_eq!(output(&[]), "None");
    assert_eq!(output(std::slice::from_ref(&file)), "File(\"a.log\")");
    assert_eq!(output(&[given("accesslog", &["-"])]), "Stdout");
    assert_eq!(output(std::slice::from_ref(&on)), "Stdout");
    assert_eq!(output(&[file.clone(), on]), "File(\"a.log\")");
    assert_eq!(output(&[file.clone(), off]), "None");
    assert_eq!(output(&[file.clone(), auto]), "File(\"a.log\")");
    // The empty name takes back what a lower layer has set.
    let sources = Sources { command_line: vec![given("accesslog", &[""])], ..super::file("accesslog = \"a.log\"") };
    assert_eq!(resolve(&sources).expect("fine").settings.access_output(), AccessOutput::None);
}

#[test]
fn one_file_cannot_be_the_pid_file_and_a_log() {
    let text = complaint(&file("pidfile = \"x\"\naccesslog = \"x\""));
    assert!(text.starts_with("pidfile: names the same file as accesslog (pidfile: rustcorn.toml"), "{text}");
    let shared = file("errorlog = \"x.log\"\naccesslog = \"x.log\"");
    assert!(resolve(&shared).expect("both append").warnings.is_empty());
}

#[test]
fn a_syslog_that_cannot_be_is_an_error_once_it_is_wanted() {
    let text = complaint(&file("syslog = true\nsyslog_addr = \"tcp://logs\""));
    assert!(text.starts_with("syslog_addr: tcp://logs asks for TCP") && text.ends_with(")"), "{text}");
    let warnings = resolve(&file("syslog_addr = \"udp://logs\"")).expect("unused").warnings;
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    assert!(warnings[0].starts_with("syslog_addr (") && warnings[0].ends_with("has no effect without syslog"));
}

#[test]
fn a_daemon_without_streams_has_no_standard_output_to_log_to() {
    let warnings = |text: &str| resolve(&file(text)).expect("fine").warnings.join("\n");
    let text = "daemon = true\nerrorlog = \"e.log\"\naccess_log = true";
    assert!(warnings(text).contains("sends the access log to /dev/null"), "{}", warnings(text));
    assert_eq!(warnings(&format!("{text}\nenable_stdio_inheritance = true")), "");
}
