//! The operator log: its shapes, its rotation, and that nothing it writes to can stop or slow the service.

use crate::kit::*;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use std::fs::{File, OpenOptions};
use std::os::fd::AsFd;

/// A server whose log the test cannot read: it listens on a socket with a name that is known.
#[track_caller]
fn start_unheard(lab: &Lab, launch: Launch) -> (Server, Address) {
    let address = Address::Unix(lab.path("web.sock"));
    let server = launch.no_bind().arg("--bind").arg(format!("unix:{}", lab.path("web.sock").display())).spawn();
    wait_until("an answer", SOON, || http::get(&address, "/", secs(5)).ok());
    (server, address)
}

#[track_caller]
fn stop(mut server: Server) {
    server.signal(Signal::SIGTERM);
    assert_eq!(server.wait_exit(SOON), 0);
    server.assert_gone();
}

/// `[2026-11-21 01:33:00 +0000] [PID] [LEVEL] message`.
fn is_gunicorn_shaped(line: &str) -> bool {
    let shape = "[0000-00-00 00:00:00 +0000] [";
    let fits =
        |(c, wanted): (char, char)| if wanted == '0' { c.is_ascii_digit() } else { c == wanted || wanted == '+' };
    let Some((stamp, rest)) = line.split_at_checked(shape.len()) else { return false };
    let Some((pid, rest)) = rest.split_once("] [") else { return false };
    let Some((level, message)) = rest.split_once("] ") else { return false };
    stamp.chars().zip(shape.chars()).all(fits)
        && pid.parse::<u32>().is_ok()
        && ["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"].contains(&level)
        && !message.is_empty()
}

#[test]
fn every_line_has_gunicorn_s_shape() {
    let lab = Lab::new();
    let mut server = lab.serve("--workers 2 --log-level debug");
    server.wait_ready(2);
    server.reload(2);
    server.signal(Signal::SIGTERM);
    assert_eq!(server.wait_exit(SOON), 0);
    server.assert_gone();
    let log = server.log();
    assert!(log.lines().count() > 5, "{log}");
    for line in log.lines() {
        assert!(is_gunicorn_shaped(line), "not Gunicorn's shape: {line}");
    }
    assert!(log.contains("[DEBUG]") && !log.contains('\x1b'), "{log}");
}

#[test]
fn json_is_one_object_a_line() {
    let lab = Lab::new();
    let mut server = lab.launch().args("--log-format json --workers 1").spawn();
    wait_until("a listener", SOON, || server.log().contains("Listening at").then_some(()));
    wait_until("a worker", SOON, || server.log().contains("Booting worker").then_some(()));
    server.signal(Signal::SIGTERM);
    assert_eq!(server.wait_exit(SOON), 0);
    for line in server.log().lines() {
        let object: serde_json::Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
        for key in ["time", "pid", "level", "message"] {
            assert!(!object[key].is_null(), "no {key} in {line}");
        }
    }
}

#[test]
fn colours_are_for_terminals_unless_they_are_asked_for() {
    let lab = Lab::new();
    for (option, coloured) in [("", false), ("--no-use-colors", false), ("--use-colors", true)] {
        let server = lab.launch().args(option).spawn();
        wait_until("a line", SOON, || server.log().contains("Listening at").then_some(()));
        assert_eq!(server.log().contains("\x1b["), coloured, "{option}: {:?}", server.log());
    }
}

#[test]
fn the_level_decides_what_is_written() {
    let lab = Lab::new();
    let launch = lab.launch().args("--log-level error");
    let (server, _) = start_unheard(&lab, launch);
    assert_eq!(server.log(), "");
    stop(server);
}

#[test]
fn what_the_application_tells_through_tracing_is_in_the_log() {
    let lab = Lab::new().with_testapps();
    let server = lab.launch().app("testapps:router").start();
    assert_eq!(server.get("/tell").status, 200);
    let line = server.wait_log(&["the application has something to say"]);
    assert!(line.contains("[WARNING]") && line.contains("42"), "{line}");
    assert!(is_gunicorn_shaped(&line), "{line}");
    server.finish();
}

#[test]
fn usr1_reopens_the_file_in_the_arbiter_and_in_the_workers() {
    let lab = Lab::new();
    let server = lab.launch().args("--workers 2").log_file("web.log").start();
    server.wait_ready(2);
    let address = server.address();
    std::fs::rename(lab.path("web.log"), lab.path("web.log.1")).expect("rotated");
    server.signal(Signal::SIGUSR1);
    wait_until("the arbiter writes to the new file", SOON, || (!lab.read("web.log").is_empty()).then_some(()));
    let workers = server.workers();
    // A panic of a handler is told by its own worker: each of the two must have the new file.
    wait_until("both workers write to the new file", SOON, || {
        assert_eq!(http::get(&address, "/panic", SOON).expect("an answer").status, 500);
        let text = lab.read("web.log");
        workers.iter().all(|pid| text.contains(&format!("[{pid}] [ERROR]"))).then_some(())
    });
    let rotated = lab.read("web.log.1").len();
    assert_eq!(http::get(&address, "/panic", SOON).expect("an answer").status, 500);
    assert_eq!(lab.read("web.log.1").len(), rotated, "somebody still writes to the rotated file");
    stop(server);
}

#[test]
fn a_log_that_cannot_be_reopened_goes_on_where_it_was() {
    let lab = Lab::new();
    std::fs::create_dir(lab.path("logs")).expect("a directory");
    let server = lab.launch().args("--workers 1").log_file("logs/web.log").start();
    let address = server.address();
    std::fs::rename(lab.path("logs"), lab.path("moved")).expect("moved");
    server.signal(Signal::SIGUSR1);
    wait_until("the trouble is told in the old file", SOON, || {
        lab.read("moved/web.log").contains("[ERROR]").then_some(())
    });
    assert_eq!(http::get(&address, "/", SOON).expect("an answer").status, 200);
    stop(server);
}

/// Serves, reloads, panics and respawns, whatever became of the log.
#[track_caller]
fn lives_on(server: &Server, address: &Address) {
    for _ in 0..20 {
        assert_eq!(http::get(address, "/panic", SOON).expect("an answer").status, 500);
        let asked = Instant::now();
        assert_eq!(http::get(address, "/", SOON).expect("an answer").status, 200);
        assert!(asked.elapsed() < secs(1), "an answer took {:?}", asked.elapsed());
    }
    let old = server.workers();
    server.signal(Signal::SIGHUP);
    wait_until("the reload", SOON, || {
        let now = server.workers();
        (now.len() == old.len() && now.iter().all(|pid| !old.contains(pid))).then_some(())
    });
    assert_eq!(http::get(address, "/", SOON).expect("an answer").status, 200);
}

#[test]
fn a_full_disk_stops_nothing() {
    let lab = Lab::new();
    let (server, address) = start_unheard(&lab, lab.launch().args("--workers 2 --error-logfile /dev/full"));
    lives_on(&server, &address);
    stop(server);
    let full = OpenOptions::new().write(true).open("/dev/full").expect("/dev/full");
    let (server, address) = start_unheard(&lab, lab.launch().args("--workers 2").stderr(full));
    lives_on(&server, &address);
    stop(server);
}

#[test]
fn a_closed_pipe_stops_nothing() {
    let lab = Lab::new();
    let (reader, writer) = std::io::pipe().expect("a pipe");
    let (server, address) = start_unheard(&lab, lab.launch().args("--workers 2").stderr(writer));
    drop(reader);
    lives_on(&server, &address);
    stop(server);
}

#[test]
fn a_pipe_that_nobody_reads_slows_nothing() {
    let lab = Lab::new();
    let (reader, writer) = std::io::pipe().expect("a pipe");
    let filler = writer.try_clone().expect("a second end");
    let (server, address) = start_unheard(&lab, lab.launch().args("--workers 2").stderr(writer));
    let full = overfill(&filler);
    drop(filler);
    lives_on(&server, &address);
    stop(server);
    drop(reader);
    let _ = full.join();
}

use std::io::Read;

/// Fills a pipe to the brim, and stays in the middle of more: the next blocking write of anybody would wait for a reader.
fn overfill(pipe: &std::io::PipeWriter) -> std::thread::JoinHandle<std::io::Result<u64>> {
    let own = pipe.try_clone().expect("another end");
    let filler = std::thread::spawn(move || std::io::copy(&mut std::io::repeat(b'.').take(1 << 20), &mut &own));
    wait_until("the pipe is full", SOON, || (!has_room(pipe)).then_some(()));
    filler
}

fn has_room(pipe: &std::io::PipeWriter) -> bool {
    let mut room = [PollFd::new(pipe.as_fd(), PollFlags::POLLOUT)];
    poll(&mut room, PollTimeout::ZERO).expect("a pipe can be polled") > 0
}

#[test]
fn lines_that_were_lost_are_counted_in_the_next_line_that_is_not() {
    let lab = Lab::new();
    let (mut reader, writer) = std::io::pipe().expect("a pipe");
    let filler = writer.try_clone().expect("a second end");
    let (server, address) = start_unheard(&lab, lab.launch().args("--workers 1").stderr(writer));
    let full = overfill(&filler);
    for _ in 0..10 {
        assert_eq!(http::get(&address, "/panic", SOON).expect("an answer").status, 500);
    }
    // Now somebody reads again.
    let heard = std::thread::spawn(move || {
        let mut text = Vec::new();
        reader.read_to_end(&mut text).map(|_| String::from_utf8_lossy(&text).into_owned())
    });
    full.join().expect("no panic").expect("filled");
    wait_until("room in the pipe", SOON, || has_room(&filler).then_some(()));
    drop(filler);
    assert_eq!(http::get(&address, "/panic", SOON).expect("an answer").status, 500);
    stop(server);
    let text = heard.join().expect("no panic").expect("text");
    let counted =
        text.lines().any(|line| line.contains("lost") || line.contains("dropped") || line.contains("could not be"));
    assert!(counted, "nothing tells of the lost lines:\n{}", text.trim_start_matches('.'));
}

#[test]
fn a_log_file_is_appended_to() {
    let lab = Lab::new();
    lab.write("web.log", "an earlier life\n");
    let server = lab.launch().log_file("web.log").start();
    assert!(lab.read("web.log").starts_with("an earlier life\n"));
    // copytruncate, as logrotate does it: writing goes on at the start, not behind a hole.
    File::create(lab.path("web.log")).expect("truncated");
    server.signal(Signal::SIGUSR1);
    wait_until("a new line", SOON, || (!lab.read("web.log").is_empty()).then_some(()));
    assert!(!lab.read("web.log").contains('\0'), "a hole in the file");
    server.signal(Signal::SIGTERM);
}
