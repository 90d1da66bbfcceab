//! The pid file: who is there, and nobody else.

use crate::kit::*;
use std::os::unix::fs::PermissionsExt;

#[test]
fn it_holds_the_arbiter_s_pid_while_it_serves() {
    let lab = Lab::new();
    let server = lab.launch().pid_file("web.pid").start();
    assert_eq!(lab.read("web.pid"), format!("{}\n", server.pid()));
    let mode = std::fs::metadata(lab.path("web.pid")).expect("it exists").permissions().mode() & 0o777;
    assert_eq!(mode, 0o644, "{mode:o}");
    server.finish();
}

#[test]
fn one_of_a_dead_process_is_stale_and_replaced() {
    let lab = Lab::new();
    let mut dead = std::process::Command::new("true").spawn().expect("a process");
    let pid = dead.id();
    dead.wait().expect("it ends");
    for text in [format!("{pid}\n"), "not a number\n".to_owned(), String::new()] {
        lab.write("web.pid", &text);
        let server = lab.launch().pid_file("web.pid").start();
        assert_eq!(lab.read("web.pid"), format!("{}\n", server.pid()));
        server.finish();
    }
}

#[test]
fn what_is_no_file_is_refused_before_anything_serves() {
    let lab = Lab::new();
    std::fs::create_dir(lab.path("pids")).expect("a directory");
    let outcome = lab.run("hello:router --bind 127.0.0.1:0 --pid pids");
    assert!(outcome.one_error(1).contains("a directory is there"), "{}", outcome.stderr);
    std::os::unix::fs::symlink("nowhere", lab.path("link")).expect("a link");
    let outcome = lab.run("hello:router --bind 127.0.0.1:0 --pid link");
    assert!(outcome.one_error(1).contains("a link to nothing is there"), "{}", outcome.stderr);
}

#[test]
fn one_that_somebody_keeps_locked_is_refused_before_anything_serves() {
    let lab = Lab::new();
    lab.write("web.pid", "123456789\n");
    let somebody = std::fs::File::open(lab.path("web.pid")).expect("it exists");
    somebody.lock_shared().expect("locked");
    let outcome = lab.run("hello:router --bind 127.0.0.1:0 --pid web.pid");
    assert!(outcome.one_error(1).contains("keeps the file there locked"), "{}", outcome.stderr);
    somebody.unlock().expect("unlocked");
    let server = lab.launch().pid_file("web.pid").start();
    assert_eq!(lab.read("web.pid"), format!("{}\n", server.pid()));
    server.finish();
}

#[test]
fn one_of_a_living_arbiter_is_refused() {
    let lab = Lab::new();
    let server = lab.launch().pid_file("web.pid").start();
    let outcome = lab.run("hello:router --bind 127.0.0.1:0 --pid web.pid");
    let line = outcome.one_error(1);
    assert!(line.contains("web.pid") && line.contains(&server.pid().to_string()), "{line}");
    assert_eq!(lab.read("web.pid"), format!("{}\n", server.pid()), "the file was touched");
    server.finish();
}

#[test]
fn one_that_somebody_else_has_written_since_is_not_removed() {
    let lab = Lab::new();
    let path = lab.path("web.pid");
    let mut server = lab.launch().arg("--pid").arg(&path).start();
    wait_until("the pid file", SOON, || path.exists().then_some(()));
    lab.write("web.pid", "123456789\n");
    server.signal(Signal::SIGTERM);
    assert_eq!(server.wait_exit(SOON), 0);
    assert_eq!(lab.read("web.pid"), "123456789\n");
}
