//! Settings and their layers: what is checked, what is shown, and who wins.

use crate::kit::*;

#[test]
fn an_unknown_key_is_refused_with_its_place_and_the_nearest_name() {
    let lab = Lab::new();
    lab.write("rustcorn.toml", "bind = [\"127.0.0.1:0\"]\n\n  wrokers = 2\n");
    let outcome = lab.run("hello:router --check-config");
    let line = outcome.one_error(1);
    for word in ["rustcorn.toml", "3", "wrokers", "workers"] {
        assert!(line.contains(word), "no {word:?} in: {line}");
    }
    assert!(line.contains(":3:3"), "line and column are not named: {line}");
}

#[test]
fn a_bad_value_and_broken_toml_are_refused_with_their_place() {
    let lab = Lab::new();
    for (text, place) in [
        ("workers = \"many\"\n", ":1:"),
        ("timeout = 3\nworkers = -1\n", ":2:"),
        ("timeout = 3\nloglevel = \"loud\"\n", ":2:"),
        ("workers = 2\nbind = [\n", ":"),
    ] {
        lab.write("rustcorn.toml", text);
        let outcome = lab.run("hello:router --check-config");
        let line = outcome.one_error(1);
        assert!(line.contains(&format!("rustcorn.toml{place}")), "{text:?}: {line}");
    }
}

#[test]
fn a_good_configuration_is_checked_and_nothing_is_served() {
    let lab = Lab::new();
    lab.write("rustcorn.toml", "workers = 2\nbind = [\"127.0.0.1:0\"]\n");
    let outcome = lab.run("hello:router --check-config --pid checked.pid");
    assert_eq!(outcome.code, 0, "{}", outcome.stderr);
    assert!(!outcome.stderr.contains("Listening at"), "{}", outcome.stderr);
    assert!(!lab.path("checked.pid").exists());
}

#[test]
fn the_check_goes_as_far_as_the_application() {
    let lab = Lab::new().with_testapps();
    let missing = lab.run("nowhere:router --check-config");
    assert_ne!(missing.code, 0, "{}", missing.stderr);
    assert!(missing.stderr.contains("nowhere"), "{}", missing.stderr);
    let unnamed = lab.run("testapps:nothing --check-config");
    assert_ne!(unnamed.code, 0, "{}", unnamed.stderr);
    assert!(unnamed.stderr.contains("router"), "the names it has are not listed: {}", unnamed.stderr);
}

#[test]
fn a_check_that_hangs_in_the_application_can_be_interrupted() {
    let lab = Lab::new().with_testapps();
    lab.write("tar-pit", "");
    let mut command = lab.command();
    command.args(["testapps:router", "--check-config"]).stderr(std::process::Stdio::null());
    let mut check = command.spawn().expect("the program starts");
    let pid = i32::try_from(check.id()).expect("a pid");
    let maps = || std::fs::read_to_string(format!("/proc/{pid}/maps")).unwrap_or_default();
    wait_until("it loads", SOON, || maps().contains("libtestapps").then_some(()));
    nix::sys::signal::kill(nix::unistd::Pid::from_raw(pid), Signal::SIGINT).expect("it lives");
    let status = wait_until("it ends", secs(5), || check.try_wait().expect("our child"));
    assert_eq!(std::os::unix::process::ExitStatusExt::signal(&status), Some(Signal::SIGINT as i32));
}

#[test]
fn print_config_shows_each_value_and_where_it_is_from() {
    let lab = Lab::new();
    lab.write("rustcorn.toml", "timeout = 11\nkeepalive = 3\nworkers = 9\n");
    let mut command = lab.command();
    command.args(["hello:router", "--workers", "4", "--print-config"]);
    command.env("RUSTCORN_KEEPALIVE", "7").env("RUSTCORN_CMD_ARGS", "--graceful-timeout 13");
    let outcome = lab.outcome(command);
    assert_eq!(outcome.code, 0, "{}", outcome.stderr);
    let shown = |key: &str| {
        let mut lines = outcome.stdout.lines();
        let starts = |line: &&str| line.split(|c: char| !(c.is_alphanumeric() || c == '_')).next() == Some(key);
        lines.find(starts).unwrap_or_else(|| panic!("{key} is not shown:\n{}", outcome.stdout)).to_owned()
    };
    for (key, value, origin) in [
        ("workers", "4", "command line"),
        ("graceful_timeout", "13", "RUSTCORN_CMD_ARGS"),
        ("keepalive", "7", "RUSTCORN_KEEPALIVE"),
        ("timeout", "11", "rustcorn.toml"),
        ("backlog", "2048", "default"),
    ] {
        let line = shown(key);
        assert!(line.contains(value) && line.contains(origin), "{key} should be {value} from {origin}: {line}");
    }
}

#[test]
fn a_file_named_on_the_command_line_must_exist() {
    let lab = Lab::new();
    let outcome = lab.run("hello:router --config absent.toml");
    assert!(outcome.one_error(1).contains("absent.toml"), "{}", outcome.stderr);
}

#[test]
fn the_file_in_the_working_directory_is_read_by_itself() {
    let lab = Lab::new();
    lab.write("rustcorn.toml", "app = \"hello:router\"\nworkers = 3\nbind = [\"127.0.0.1:0\"]\n");
    let server = lab.launch().no_app().no_bind().start();
    server.wait_ready(3);
    server.finish();
}

#[test]
fn an_unknown_variable_of_ours_is_told_with_the_nearest_name() {
    let lab = Lab::new();
    let mut command = lab.command();
    command.args(["hello:router", "--check-config"]).env("RUSTCORN_WROKERS", "3");
    let outcome = lab.outcome(command);
    // Not refused: Kubernetes makes variables of this shape for a service of this name.
    assert_eq!(outcome.code, 0, "{}", outcome.stderr);
    assert!(outcome.stderr.contains("RUSTCORN_WORKERS"), "{}", outcome.stderr);
}

#[test]
fn the_shipped_configuration_passes_its_own_check() {
    let lab = Lab::new();
    let shipped = apps::root().join("config/rustcorn.toml");
    let outcome = lab.run(&format!("hello:router --config {} --check-config", shipped.display()));
    assert_eq!(outcome.code, 0, "{}", outcome.stderr);
}
