//! Starts that must not happen: one line that says which bind and why, exit 1, nothing left behind.

use crate::kit::*;
use std::net::TcpListener;

/// Starts `hello:router` at a bind that cannot be had; returns the one line.
#[track_caller]
fn refused(lab: &Lab, bind: &str, words: &[&str]) {
    let outcome = lab.run(&format!("hello:router --workers 2 --bind 127.0.0.1:0 --bind {bind} --pid refused.pid"));
    let line = outcome.one_error(1);
    assert!(line.contains(bind), "the bind {bind} is not named: {line}");
    for word in words {
        assert!(line.to_lowercase().contains(word), "no {word:?} in: {line}");
    }
    assert!(!lab.path("refused.pid").exists(), "a pid file was left behind");
    assert_eq!(lab.inhabitants(), Vec::<i32>::new(), "processes were left behind");
}

#[test]
fn a_port_in_use_is_refused_at_once() {
    let lab = Lab::new();
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let begun = Instant::now();
    refused(&lab, &taken.local_addr().expect("its address").to_string(), &["in use"]);
    assert!(begun.elapsed() < secs(5), "it took {:?}", begun.elapsed());
}

#[test]
fn a_second_start_on_the_same_port_is_refused_also_with_reuse_port() {
    let lab = Lab::new();
    for option in ["", "--reuse-port"] {
        let server = lab.serve(option);
        let bind = format!("127.0.0.1:{}", server.address().port());
        for second in ["", "--reuse-port"] {
            let outcome = lab.run(&format!("hello:router --bind {bind} {second}"));
            let line = outcome.one_error(1);
            assert!(line.contains(&bind) && line.contains("in use"), "{option} then {second}: {line}");
        }
        assert_eq!(server.get("/").status, 200, "the first goes on");
        server.finish();
    }
}

#[test]
fn a_privileged_port_is_refused_with_the_reason() {
    let lab = Lab::new();
    // A network of its own has the kernel's default for privileged ports and nobody on port 80.
    let mut command = std::process::Command::new("unshare");
    command.args(["--user", "--net", "setpriv", "--bounding-set=-net_bind_service", "--inh-caps=-net_bind_service"]);
    command.arg(apps::program()).args(["hello:router", "--bind", "0.0.0.0:80"]);
    lab.scrub(&mut command);
    let outcome = lab.outcome(command);
    let line = outcome.one_error(1);
    assert!(line.contains("0.0.0.0:80"), "{line}");
    assert!(line.contains("privilege") || line.contains("permission") || line.contains("root"), "{line}");
}

#[test]
fn a_bad_address_is_refused() {
    let lab = Lab::new();
    for bind in ["127.0.0.1:99999", "127.0.0.1:web", "[::1:8000", "unix:", "fd://x"] {
        refused(&lab, bind, &[]);
    }
}

#[test]
fn an_address_of_another_machine_is_refused() {
    let lab = Lab::new();
    refused(&lab, "192.0.2.1:8000", &["address"]);
}

#[test]
fn a_socket_path_without_its_directory_is_refused() {
    let lab = Lab::new();
    let path = lab.path("missing/web.sock");
    refused(&lab, &format!("unix:{}", path.display()), &["director"]);
}

#[test]
fn a_socket_path_in_an_unwritable_directory_is_refused() {
    let lab = Lab::new();
    // Nobody, root included, creates a file in /proc.
    refused(&lab, "unix:/proc/web.sock", &[]);
}

#[test]
fn a_file_that_is_no_socket_is_never_replaced() {
    let lab = Lab::new();
    let path = lab.write("notes.txt", "precious");
    refused(&lab, &format!("unix:{}", path.display()), &["socket"]);
    assert_eq!(lab.read("notes.txt"), "precious");
}

#[test]
fn a_socket_that_somebody_listens_on_is_never_stolen() {
    let lab = Lab::new();
    let path = lab.path("web.sock");
    let server = lab.launch().no_bind().arg("--bind").arg(format!("unix:{}", path.display())).start();
    let outcome = lab.run(&format!("hello:router --bind unix:{}", path.display()));
    assert!(outcome.one_error(1).contains("web.sock"), "{}", outcome.stderr);
    assert_eq!(server.get("/").status, 200, "the first goes on");
    server.finish();
}

#[test]
fn sockets_opened_before_the_one_that_failed_are_removed() {
    let lab = Lab::new();
    let first = lab.path("first.sock");
    let outcome = lab.run(&format!("hello:router --bind unix:{} --bind unix:/proc/second.sock", first.display()));
    outcome.one_error(1);
    assert!(!first.exists(), "the first socket was left behind");
}

#[test]
fn an_unwritable_log_or_pid_file_is_refused() {
    let lab = Lab::new();
    for option in ["--error-logfile", "--pid"] {
        let outcome = lab.run(&format!("hello:router --bind 127.0.0.1:0 {option} missing/file"));
        assert!(outcome.one_error(1).contains("missing/file"), "{option}: {}", outcome.stderr);
    }
}
