//! The command line: what cannot be understood is refused with a hint, and nothing is started.

use crate::kit::*;

#[test]
fn an_unknown_flag_is_a_usage_error_with_the_nearest_name() {
    let lab = Lab::new();
    let outcome = lab.run("hello:router --wrokers 4");
    assert_eq!(outcome.code, 2, "{}", outcome.stderr);
    assert!(outcome.stderr.contains("--wrokers") && outcome.stderr.contains("--workers"), "{}", outcome.stderr);
}

#[test]
fn a_value_out_of_range_is_refused_by_name() {
    let lab = Lab::new();
    for (flags, name) in [
        ("--workers many", "workers"),
        ("--workers -1", "workers"),
        ("--timeout soon", "timeout"),
        ("--log-level loud", "loglevel"),
        ("--umask 9", "umask"),
        ("--max-rss lots", "max"),
    ] {
        let outcome = lab.run(&format!("hello:router --bind 127.0.0.1:0 {flags}"));
        assert!(outcome.code == 1 || outcome.code == 2, "{flags}: code {}\n{}", outcome.code, outcome.stderr);
        let told = outcome.stderr.to_lowercase();
        let value = flags.split(' ').nth(1).expect("a value");
        assert!(told.replace('-', "").contains(&name.replace('-', "")), "{flags}: {told}");
        assert!(told.contains(value), "{flags}: the value is not shown: {told}");
    }
}

#[test]
fn no_application_is_an_error_that_says_what_to_give() {
    let lab = Lab::new();
    let outcome = lab.run("--bind 127.0.0.1:0");
    assert!(outcome.code == 1 || outcome.code == 2, "code {}", outcome.code);
    assert!(outcome.stderr.to_lowercase().contains("app"), "{}", outcome.stderr);
}

#[test]
fn help_names_every_option_and_version_is_ours() {
    let lab = Lab::new();
    let help = lab.run("--help");
    assert_eq!(help.code, 0);
    for option in [
        "--bind",
        "--backlog",
        "--reuse-port",
        "--workers",
        "--threads",
        "--worker-connections",
        "--max-requests",
        "--max-requests-jitter",
        "--max-worker-lifetime",
        "--max-rss",
        "--timeout",
        "--graceful-timeout",
        "--boot-timeout",
        "--keep-alive",
        "--reload-surge",
        "--pid",
        "--daemon",
        "--user",
        "--group",
        "--initgroups",
        "--umask",
        "--chdir",
        "--env",
        "--name",
        "--reload",
        "--error-logfile",
        "--log-level",
        "--log-format",
        "--check-config",
        "--print-config",
        "--config",
        "--app-dir",
    ] {
        assert!(help.stdout.contains(option), "{option} is not in the help");
    }
    let version = lab.run("--version");
    assert_eq!((version.code, version.stdout.trim()), (0, concat!("rustcorn ", env!("CARGO_PKG_VERSION"))));
}

#[test]
fn a_closed_output_ends_the_help_quietly() {
    let lab = Lab::new();
    let mut command = std::process::Command::new("sh");
    command.args(["-c", r#""$0" --help | true; echo done"#]).arg(apps::program());
    lab.scrub(&mut command);
    let outcome = lab.outcome(command);
    assert_eq!(outcome.stdout.trim(), "done");
    assert!(!outcome.stderr.contains("panic"), "{}", outcome.stderr);
}
