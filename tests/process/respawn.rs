//! A worker that dies is replaced, and the log says how it died and what it was doing.

use crate::kit::*;
use nix::sys::signal::kill;
use nix::unistd::Pid;

/// Asks for something that the worker does not survive; only this client may notice.
#[track_caller]
fn provoke(server: &Server, path: &str) {
    let outcome = http::get(&server.address(), path, SOON);
    assert!(outcome.is_err(), "GET {path} was answered: {outcome:?}");
}

#[test]
fn a_killed_worker_is_replaced_and_the_reason_is_logged() {
    let lab = Lab::new();
    let server = lab.serve("--workers 2");
    let victim = server.wait_ready(2)[0].clone();
    for _ in 0..5 {
        server.get("/");
    }
    let mark = server.mark();
    kill(Pid::from_raw(victim.pid), Signal::SIGKILL).expect("it lives");
    let line = server.wait_log_since(mark, &[&victim.pid.to_string(), "SIGKILL"], SOON);
    // Age and requests served belong to the reason; a kill from outside is not guessed to be a lack of memory.
    assert!(line.contains("request"), "the requests it served are not told: {line}");
    assert!(!line.to_lowercase().contains("perhaps"), "{line}");
    let crew = server.wait_crew(2, |worker| worker.pid != victim.pid);
    assert!(crew.iter().any(|worker| worker.slot == victim.slot), "its slot was not filled again: {crew:?}");
    server.finish();
}

#[test]
fn a_worker_that_is_told_to_leave_has_its_successor_while_it_still_answers() {
    for (signal, answers) in [(Signal::SIGTERM, true), (Signal::SIGQUIT, false)] {
        let lab = Lab::new();
        let server = lab.serve("--workers 1");
        let old = server.wait_ready(1)[0].pid;
        let mut client = server.connect();
        client.send_get("/sleep/6000").expect("sent");
        // The answer to a later request proves that the first one has been taken.
        assert_eq!(server.get("/").status, 200);
        kill(Pid::from_raw(old), signal).expect("it lives");
        server.wait_log(&["leaves, by somebody else's signal", "its successor is started"]);
        assert_eq!(server.get("/").status, 200);
        if answers {
            assert!(proc::alive(old), "a new connection waited for the end of the old worker");
            assert_eq!(client.reply().expect("an answer").status, 200);
        }
        let line = server.wait_log(&[&format!("(pid:{old}) exited with code 0")]);
        assert!(line.contains("[INFO]") && line.contains("it left, by somebody else's signal"), "{line}");
        server.wait_ready(1);
        server.finish();
    }
}

#[test]
fn a_handler_that_aborts_takes_only_its_own_worker_with_it() {
    let lab = Lab::new();
    let server = lab.serve("--workers 2");
    let before = server.wait_ready(2);
    let mark = server.mark();
    provoke(&server, "/abort");
    let line = server.wait_log_since(mark, &["SIGABRT"], SOON);
    assert!(line.contains("core") || !line.contains("core dumped"), "{line}");
    server.wait_log_since(mark, &["/abort"], SOON);
    let after = server.wait_ready(2);
    let survivors = after.iter().filter(|worker| before.iter().any(|old| old.pid == worker.pid)).count();
    assert_eq!(survivors, 1, "{before:?} became {after:?}");
    server.finish();
}

#[test]
fn a_handler_that_overflows_the_stack_takes_only_its_own_worker_with_it() {
    let lab = Lab::new();
    let server = lab.serve("--workers 2");
    server.wait_ready(2);
    let mark = server.mark();
    provoke(&server, "/overflow");
    // Rust's own guard page handler says so and aborts; without it the kernel would send a bare SEGV.
    server.wait_log_since(mark, &["has overflowed its stack"], SOON);
    let line = server.wait_log_since(mark, &["SIGABRT"], SOON);
    assert!(line.contains("pid"), "{line}");
    server.wait_ready(2);
    server.finish();
}

#[test]
fn a_segmentation_fault_and_an_exit_are_told_apart() {
    let lab = Lab::new().with_testapps();
    let server = lab.launch().app("testapps:router").args("--workers 1").start();
    server.wait_ready(1);
    let mark = server.mark();
    provoke(&server, "/segfault");
    server.wait_log_since(mark, &["SIGSEGV"], SOON);
    server.wait_ready(1);
    let mark = server.mark();
    provoke(&server, "/exit/9");
    server.wait_log_since(mark, &["code 9"], SOON);
    server.wait_ready(1);
    server.finish();
}

#[test]
fn a_worker_that_exits_3_or_4_after_a_healthy_start_never_stops_the_server() {
    let lab = Lab::new().with_testapps();
    let server = lab.launch().app("testapps:router").args("--workers 2").start();
    server.wait_ready(2);
    for code in [3, 4, 0] {
        let mark = server.mark();
        provoke(&server, &format!("/exit/{code}"));
        server.wait_log_since(mark, &[&format!("code {code}")], SOON);
        server.wait_ready(2);
    }
    server.finish();
}

#[test]
fn a_slot_that_keeps_dying_is_delayed_then_shown_as_broken_then_tried_again() {
    let lab = Lab::new().with_testapps();
    let server = lab.launch().app("testapps:poisonable").args("--workers 2").start();
    server.wait_ready(2);
    let poison = lab.write("poison", "");
    let mark = server.mark();
    let victim = server.workers()[0];
    kill(Pid::from_raw(victim), Signal::SIGKILL).expect("it lives");
    // The other worker goes on all the time.
    let broken = wait_until("the slot is given up for now", secs(90), || {
        assert_eq!(server.get("/").status, 200);
        std::thread::sleep(ms(50));
        let log = server.log_since(mark);
        log.lines().find(|line| line.to_lowercase().contains("broken")).map(str::to_owned)
    });
    println!("{broken}");
    let boots = server.log_since(mark).matches("Booting worker with pid").count();
    assert!((3..40).contains(&boots), "{boots} boots before it was given up: no sign of a growing delay");
    // HUP is the operator's way to have it tried at once.
    std::fs::remove_file(poison).expect("cured");
    server.reload(2);
    server.finish();
}

#[test]
fn every_slot_dying_at_once_is_survived() {
    let lab = Lab::new();
    let server = lab.serve("--workers 4");
    for worker in server.wait_ready(4) {
        kill(Pid::from_raw(worker.pid), Signal::SIGKILL).expect("it lives");
    }
    assert_eq!(server.get("/").status, 200);
    server.wait_ready(4);
    server.finish();
}

#[test]
fn a_stopped_worker_is_no_reason_to_touch_the_others() {
    let lab = Lab::new();
    let server = lab.serve("--workers 2 --timeout 30");
    let crew = server.wait_ready(2);
    kill(Pid::from_raw(crew[0].pid), Signal::SIGSTOP).expect("it lives");
    for _ in 0..10 {
        let reply = http::get(&server.address(), "/", secs(3));
        // A connection may have been taken by the stopped one just before it was stopped, never a new one.
        assert_eq!(reply.expect("an answer").status, 200);
    }
    kill(Pid::from_raw(crew[0].pid), Signal::SIGCONT).expect("it lives");
    server.wait_crew(2, |worker| crew.contains(worker));
    server.finish();
}
