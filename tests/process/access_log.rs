//! The arbiter's part of the access log: who owns the file, what a rotation and a reload do to it, and the lines of
//! requests that died with their worker. And syslog, for both logs.

use crate::kit::*;
use nix::sys::signal::kill;
use nix::unistd::Pid;
use std::io::Read;
use std::os::unix::fs::MetadataExt;
use std::os::unix::net::UnixDatagram;

/// Columns that tell apart what these tests look for.
const FORMAT: &str = "%(h)s|%(r)s|%(s)s|%(T)s|%(p)s";

/// A line of this start, with the path in it, once it is there.
#[track_caller]
fn wait_line(lab: &Lab, file: &str, path: &str) -> String {
    wait_until(&format!("a line with {path} in {file}"), SOON, || {
        lab.read(file).lines().find(|line| line.contains(path)).map(str::to_owned)
    })
}

/// Waits until a worker is busy with a request of this path, and returns nothing: it is the only worker.
#[track_caller]
fn wait_busy(server: &Server) {
    wait_until("the worker blocks", SOON, || http::get(&server.address(), "/", ms(100)).is_err().then_some(()));
}

#[test]
fn a_request_that_dies_with_its_worker_has_a_line() {
    let lab = Lab::new();
    let launch = lab.launch().args("--workers 1 --access-logfile access.log --access-logformat").arg(FORMAT);
    let server = launch.start();
    let worker = server.wait_ready(1)[0].pid;
    let blocked = server.get_later("/block/60000?a=b");
    wait_busy(&server);
    kill(Pid::from_raw(worker), Signal::SIGKILL).expect("it lives");
    assert!(blocked.join().expect("no panic").is_err());
    let line = wait_line(&lab, "access.log", "/block/60000");
    assert!(line.starts_with("-|GET /block/60000?a=b -|502|"), "{line}");
    assert!(line.ends_with(&format!("|<{worker}>")), "{line}");
    server.finish();
}

#[test]
fn a_request_that_timeout_ends_is_told_as_such_in_json() {
    let lab = Lab::new();
    let server = lab.serve("--workers 1 --timeout 1 --access-logfile access.log --access-logformat json");
    server.wait_ready(1);
    let blocked = server.get_later("/block/60000");
    let line = wait_line(&lab, "access.log", "/block/60000");
    assert!(blocked.join().expect("no panic").is_err());
    for part in ["\"method\":\"GET\"", "\"status\":504", "\"end\":\"worker_killed\""] {
        assert!(line.starts_with('{') && line.contains(part), "no {part} in {line}");
    }
    server.finish();
}

#[test]
fn answers_that_go_out_together_have_their_own_lengths() {
    let lab = Lab::new();
    let server = lab.serve("--workers 1 --access-logfile access.log --access-logformat %(q)s|%(B)s");
    let greeting = server.get("/").body.len();
    let mut client = server.connect();
    client.send("GET /?together HTTP/1.1\r\nHost: a\r\n\r\n".repeat(3).as_bytes()).expect("sent");
    for _ in 0..3 {
        assert_eq!(client.reply().expect("an answer").status, 200);
    }
    let told = wait_until("three lines", SOON, || {
        let text = lab.read("access.log");
        (text.lines().filter(|line| line.starts_with("together|")).count() >= 3).then_some(text)
    });
    assert_eq!(told.lines().filter(|line| *line == format!("together|{greeting}")).count(), 3, "{told}");
    server.finish();
}

#[test]
fn a_dash_is_standard_output() {
    let lab = Lab::new();
    let (mut reader, writer) = std::io::pipe().expect("a pipe");
    let server = lab.launch().args("--workers 1 --access-log").stdout(writer).start();
    let worker = server.wait_ready(1)[0].pid;
    let blocked = server.get_later("/block/60000");
    wait_busy(&server);
    kill(Pid::from_raw(worker), Signal::SIGKILL).expect("it lives");
    assert!(blocked.join().expect("no panic").is_err());
    server.wait_log(&["was sent SIGKILL"]);
    server.finish();
    let mut text = String::new();
    reader.read_to_string(&mut text).expect("text");
    assert!(text.contains("\"GET /block/60000 -\" 502 - \"-\" \"-\"\n"), "{text}");
}

#[test]
fn the_file_is_the_workers_also_after_a_rotation() {
    if !nix::unistd::geteuid().is_root() {
        return println!("not root: nothing to give away");
    }
    let lab = Lab::new();
    let server = lab.serve("--user 65534 --group 65534 --access-logfile access.log");
    let owner = || std::fs::metadata(lab.path("access.log")).map(|about| (about.uid(), about.gid())).ok();
    assert_eq!(owner(), Some((65534, 65534)));
    std::fs::rename(lab.path("access.log"), lab.path("access.log.1")).expect("renamed");
    server.signal(Signal::SIGUSR1);
    wait_until("the new file, given away", SOON, || (owner() == Some((65534, 65534))).then_some(()));
    // The workers take it a moment later.
    wait_until("a line in the new file", SOON, || {
        assert_eq!(server.get("/").status, 200);
        lab.read("access.log").contains("GET / ").then_some(())
    });
    server.assert_no_errors();
    server.finish();
}

#[test]
fn a_link_leads_root_nowhere_neither_at_a_start_nor_at_a_rotation() {
    if !nix::unistd::geteuid().is_root() {
        return println!("not root: nothing to give away");
    }
    let lab = Lab::new();
    lab.write("theirs", "");
    for (target, words) in
        [("theirs", "it is a symbolic link"), ("nothing", "a symbolic link to a place that does not")]
    {
        std::os::unix::fs::symlink(lab.path(target), lab.path(target).with_extension("log")).expect("a link");
        for option in ["--access-logfile", "--log-file"] {
            for mode in ["", "--check-config"] {
                let options = format!("--user 65534 --group 65534 {option} {target}.log {mode}");
                let outcome = lab.run(&format!("hello:router --bind 127.0.0.1:0 {options}"));
                assert!(outcome.one_error(1).contains(words), "{options}: {}", outcome.stderr);
            }
        }
    }
    let server = lab.serve("--user 65534 --group 65534 --access-logfile access.log");
    std::fs::rename(lab.path("access.log"), lab.path("access.log.1")).expect("renamed");
    std::os::unix::fs::symlink(lab.path("theirs"), lab.path("access.log")).expect("a link");
    let mark = server.mark();
    server.signal(Signal::SIGUSR1);
    server.wait_log_since(mark, &["it is a symbolic link", "the access log goes on where it was"], SOON);
    for untouched in ["theirs", "theirs.log"] {
        assert_eq!(std::fs::metadata(lab.path(untouched)).expect("a file").uid(), 0);
    }
    assert!(!lab.path("nothing").exists());
    assert_eq!(server.get("/").status, 200);
    server.finish();
}

#[test]
fn standard_streams_by_name_are_nobodys_to_give() {
    if !nix::unistd::geteuid().is_root() {
        return println!("not root: nothing to give away");
    }
    let lab = Lab::new();
    let options = "--user 65534 --group 65534 --log-file /dev/stderr --access-logfile /dev/null --check-config";
    let outcome = lab.run(&format!("hello:router --bind 127.0.0.1:0 {options}"));
    assert_eq!(outcome.code, 0, "{}", outcome.stderr);
}

#[test]
fn a_reload_takes_another_file_and_a_bad_format_is_refused() {
    let lab = Lab::new();
    let settings = |text: &str| lab.write("rustcorn.toml", text);
    settings("accesslog = \"one.log\"");
    let server = lab.serve("--workers 1");
    settings("accesslog = \"two.log\"\naccess_log_format = \"%(s)s %(nonsense)s\"");
    server.reload(1);
    assert!(lab.path("two.log").exists());
    server.wait_log(&["[WARNING]", "%(nonsense)s is no atom that is known"]);
    let mark = server.mark();
    settings("access_log_format = \"%h\"\naccesslog = \"three.log\"");
    server.signal(Signal::SIGHUP);
    server.wait_log_since(mark, &["access_log_format: after the % at character 1 comes no atom"], SOON);
    assert_eq!(server.get("/").status, 200);
    assert!(!lab.path("three.log").exists());
    server.finish();
}

#[test]
fn what_cannot_be_logged_to_is_refused_before_anything_starts() {
    let lab = Lab::new();
    for (options, words) in [
        (
            "--access-logfile nope/access.log",
            "cannot open accesslog nope/access.log: the directory nope does not exist",
        ),
        ("--access-log --access-logformat %h", "access_log_format: after the %"),
        ("--log-syslog --log-syslog-to tcp://localhost:514", "asks for TCP"),
        ("--log-syslog --log-syslog-to unix:///dev/log#stream", "asks for a stream"),
        ("--log-syslog --log-syslog-to udp://no-such-host.invalid", "cannot look up no-such-host.invalid"),
    ] {
        for mode in ["", "--check-config"] {
            let outcome = lab.run(&format!("hello:router --bind 127.0.0.1:0 {options} {mode}"));
            let line = outcome.one_error(1);
            assert!(line.contains(words), "{options} {mode}: {line}");
        }
    }
    let outcome = lab.run("hello:router --access-logfile access.log --check-config");
    assert_eq!(outcome.code, 0, "{}", outcome.stderr);
    assert!(!lab.path("access.log").exists(), "a check left a file behind");
}

#[test]
fn a_syslog_daemon_that_is_not_there_is_told_and_stops_nothing() {
    let lab = Lab::new();
    let server = lab.serve("--log-syslog --log-syslog-to unix://nobody.sock");
    server.wait_log(&["[WARNING]", "nothing is at nobody.sock"]);
    assert_eq!(server.get("/panic").status, 500);
    assert_eq!(server.get("/").status, 200);
    server.finish();
}

#[test]
fn both_logs_go_to_syslog_in_gunicorns_shape() {
    let lab = Lab::new();
    let daemon = UnixDatagram::bind(lab.path("log.sock")).expect("a socket");
    daemon.set_read_timeout(Some(SOON)).expect("a timeout");
    let heard = |words: &str| {
        let mut buffer = [0; 16 * 1024];
        loop {
            let count = daemon.recv(&mut buffer).unwrap_or_else(|error| panic!("waiting for {words}: {error}"));
            let text = String::from_utf8_lossy(&buffer[..count]).into_owned();
            if text.contains(words) {
                return text;
            }
        }
    };
    let address = format!("unix://{}", lab.path("log.sock").display());
    let launch = lab.launch().args("--workers 1 --log-syslog --log-syslog-prefix shop --log-syslog-facility local0");
    let server = launch.args("--log-syslog-to").arg(address).start();
    let arbiter = server.pid();
    assert!(heard("Starting rustcorn").starts_with(&format!("<134>rustcorn.shop.error: [{arbiter}] Starting")));
    let worker = server.wait_ready(1)[0].pid;
    // The worker's own words come from its own process.
    let panicked = server.get("/panic");
    assert_eq!(panicked.status, 500);
    let told = heard("panic");
    assert!(told.contains(&format!("[{worker}]")), "{told}");
    let blocked = server.get_later("/block/60000");
    wait_busy(&server);
    kill(Pid::from_raw(worker), Signal::SIGKILL).expect("it lives");
    assert!(blocked.join().expect("no panic").is_err());
    let line = heard("\"GET /block/60000 -\" 502");
    assert!(line.starts_with(&format!("<134>rustcorn.shop.access: [{worker}] - - - [")), "{line}");
    assert!(server.log().contains("Starting rustcorn"), "the log itself goes on");
    server.finish();
}
