//! USR2: the binary on disk takes over the listeners while the old one serves on.

use crate::kit::notify::Notify;
use crate::kit::*;
use nix::sys::signal::kill;
use nix::unistd::Pid;

/// Waits for the new arbiter and for its workers; returns its pid.
#[track_caller]
pub fn wait_upgrade(lab: &Lab, old: &Server, pid_file: &str) -> i32 {
    let new: i32 = wait_until("the new arbiter's pid file", SOON, || lab.read(pid_file).trim().parse().ok());
    assert_ne!(new, old.pid());
    let wanted = old.workers().len();
    wait_until("the new arbiter's workers", SOON, || {
        let theirs = server::workers_of(new);
        let crew = old.crew(16);
        (theirs.len() == wanted && theirs.iter().all(|pid| crew.contains_key(pid))).then_some(())
    });
    new
}

/// Stops an arbiter that is no child of the test.
#[track_caller]
pub fn end(arbiter: i32) {
    kill(Pid::from_raw(arbiter), Signal::SIGTERM).expect("it lives");
    proc::wait_gone(arbiter, SOON);
}

#[test]
fn both_serve_until_the_old_one_goes_and_the_new_one_is_promoted() {
    let lab = Lab::new();
    let mut old = lab.launch().args("--workers 2").pid_file("web.pid").start();
    old.wait_ready(2);
    old.signal(Signal::SIGUSR2);
    let new = wait_upgrade(&lab, &old, "web.pid.2");
    assert_eq!(lab.read("web.pid").trim(), old.pid().to_string());
    let crew = old.crew(32);
    assert!(old.workers().iter().all(|pid| crew.contains_key(pid)), "the old workers serve no more");
    old.signal(Signal::SIGTERM);
    assert_eq!(old.wait_exit(SOON), 0);
    wait_until("the promotion", SOON, || (lab.read("web.pid").trim() == new.to_string()).then_some(()));
    assert!(!lab.path("web.pid.2").exists());
    assert_eq!(old.get("/").status, 200);
    end(new);
    old.assert_gone();
}

#[test]
fn a_unix_socket_passes_from_the_old_to_the_new() {
    let lab = Lab::new();
    let socket = lab.path("web.sock");
    let mut old = lab
        .launch()
        .no_bind()
        .arg("--bind")
        .arg(format!("unix:{}", socket.display()))
        .args("--workers 1")
        .pid_file("web.pid")
        .start();
    old.signal(Signal::SIGUSR2);
    let new = wait_upgrade(&lab, &old, "web.pid.2");
    old.signal(Signal::SIGTERM);
    assert_eq!(old.wait_exit(SOON), 0);
    assert!(socket.exists(), "the old one removed the socket that the new one serves");
    assert_eq!(old.get("/").status, 200);
    end(new);
    old.assert_gone();
    assert!(!socket.exists());
}

#[test]
fn a_unix_socket_that_only_the_old_one_wanted_goes_with_it() {
    let lab = Lab::new();
    let (kept, dropped, added) = (lab.path("kept.sock"), lab.path("dropped.sock"), lab.path("added.sock"));
    let write = |paths: [&std::path::Path; 2]| {
        let binds = paths.map(|path| format!("\"unix:{}\"", path.display()));
        lab.write("rustcorn.toml", &format!("bind = [{}]\n", binds.join(", ")));
    };
    let answers = |path: &std::path::Path| http::get(&Address::Unix(path.to_owned()), "/", SOON).is_ok();
    write([&kept, &dropped]);
    let mut old = lab.launch().no_bind().args("--workers 1").pid_file("web.pid").start();
    write([&kept, &added]);
    // An upgrade that comes to nothing: the old one serves from all its sockets, and the new one leaves none behind.
    old.signal(Signal::SIGUSR2);
    end(wait_upgrade(&lab, &old, "web.pid.2"));
    assert!(answers(&kept) && answers(&dropped) && !added.exists());
    wait_until("the end of the new one is noticed", SOON, || proc::zombies(old.pid()).is_empty().then_some(()));
    old.signal(Signal::SIGUSR2);
    let new = wait_upgrade(&lab, &old, "web.pid.2");
    assert!(answers(&dropped), "the old one serves from it still");
    old.signal(Signal::SIGTERM);
    assert_eq!(old.wait_exit(SOON), 0);
    wait_until("the new one removes it", SOON, || (!dropped.exists()).then_some(()));
    assert!(answers(&kept) && answers(&added));
    end(new);
    old.assert_gone();
    assert!(!kept.exists() && !added.exists());
}

#[test]
fn a_unix_socket_stays_with_the_old_one_that_dropped_it_until_the_upgrade_is_over() {
    let lab = Lab::new();
    let (kept, dropped) = (lab.path("kept.sock"), lab.path("dropped.sock"));
    let bind = |path: &std::path::Path| format!("\"unix:{}\"", path.display());
    let both = format!("bind = [{}, {}]\n", bind(&kept), bind(&dropped));
    lab.write("rustcorn.toml", &both);
    let old = lab.launch().no_bind().args("--workers 1").pid_file("web.pid").start();
    old.signal(Signal::SIGUSR2);
    let new = wait_upgrade(&lab, &old, "web.pid.2");
    lab.write("rustcorn.toml", &format!("bind = [{}]\n", bind(&kept)));
    let before = old.workers();
    old.signal(Signal::SIGHUP);
    wait_until("the reload", SOON, || (old.workers().len() == 1 && old.workers() != before).then_some(()));
    assert!(http::get(&Address::Unix(dropped.clone()), "/", SOON).is_ok(), "the new one serves from it");
    end(new);
    wait_until("the old one removes it", SOON, || (!dropped.exists()).then_some(()));
    assert!(http::get(&Address::Unix(kept), "/", SOON).is_ok());
    old.finish();
}

#[test]
fn the_old_one_goes_on_when_the_new_one_cannot_start() {
    let lab = Lab::new();
    let program = lab.path("rustcorn");
    std::fs::copy(apps::program(), &program).expect("a copy of the program");
    let replace = |with: &std::path::Path| {
        std::fs::copy(with, lab.path("fresh")).expect("copy");
        std::fs::rename(lab.path("fresh"), &program).expect("in place");
    };
    let mut old = lab.launch().program(program.clone()).args("--workers 1").pid_file("web.pid").start();
    let crew = old.wait_ready(1);
    // A program that ends at once, one that cannot be executed, none at all.
    let broken = lab.write("broken", "#!/bin/sh\nexit 1\n");
    std::fs::set_permissions(&broken, std::os::unix::fs::PermissionsExt::from_mode(0o755)).expect("executable");
    let plain = lab.write("plain", "no program\n");
    for with in [Some(&broken), Some(&plain), None] {
        match with {
            Some(with) => replace(with),
            None => std::fs::remove_file(&program).expect("removed"),
        }
        let mark = old.mark();
        old.signal(Signal::SIGUSR2);
        wait_until("the failure is told", SOON, || (!lab::error_lines(&old.log_since(mark)).is_empty()).then_some(()));
        assert_eq!(old.wait_ready(1), crew);
        assert_eq!(lab.read("web.pid").trim(), old.pid().to_string());
        wait_until("no second pid file", SOON, || (!lab.path("web.pid.2").exists()).then_some(()));
    }
    // And it can be tried again.
    replace(apps::program());
    old.signal(Signal::SIGUSR2);
    let new = wait_upgrade(&lab, &old, "web.pid.2");
    old.signal(Signal::SIGTERM);
    assert_eq!(old.wait_exit(SOON), 0);
    end(new);
    old.assert_gone();
}

#[test]
fn the_old_one_goes_on_when_the_new_one_s_application_cannot_boot() {
    let lab = Lab::new().with_testapps();
    let old = lab.launch().app("testapps:poisonable").args("--workers 1").pid_file("web.pid").start();
    let before = old.workers();
    lab.write("poison", "");
    let mark = old.mark();
    old.signal(Signal::SIGUSR2);
    wait_until("the failure is told", SOON, || (!lab::error_lines(&old.log_since(mark)).is_empty()).then_some(()));
    wait_until("the new one is gone", SOON, || (!lab.path("web.pid.2").exists()).then_some(()));
    wait_until("the old one's workers only", SOON, || (proc::children(old.pid()) == before).then_some(()));
    assert_eq!(old.get("/").status, 200);
    std::fs::remove_file(lab.path("poison")).expect("cured");
    old.finish();
}

#[test]
fn a_new_one_that_dies_later_is_noticed_and_the_old_one_goes_on() {
    let lab = Lab::new();
    let mut notify = Notify::listen(lab.path("notify"));
    let old = lab.launch().args("--workers 1").env("NOTIFY_SOCKET", notify.path()).pid_file("web.pid").start();
    notify.wait_for("READY=1", 0, SOON);
    let crew = old.wait_ready(1);
    old.signal(Signal::SIGUSR2);
    let new = wait_upgrade(&lab, &old, "web.pid.2");
    let (at, _) = notify.wait_for(&format!("MAINPID={new}"), 0, SOON);
    let theirs = server::workers_of(new);
    kill(Pid::from_raw(new), Signal::SIGKILL).expect("it lives");
    for worker in theirs {
        proc::wait_gone(worker, secs(5));
    }
    notify.wait_for(&format!("MAINPID={}", old.pid()), at + 1, SOON);
    assert_eq!(old.wait_ready(1), crew);
    assert_eq!(proc::zombies(old.pid()), Vec::<i32>::new());
    std::fs::remove_file(lab.path("web.pid.2")).ok();
    old.finish();
}

#[test]
fn a_second_usr2_is_ignored_while_the_upgrade_lives() {
    let lab = Lab::new();
    let mut old = lab.launch().args("--workers 1").pid_file("web.pid").start();
    old.signal(Signal::SIGUSR2);
    let new = wait_upgrade(&lab, &old, "web.pid.2");
    let mark = old.mark();
    old.signal(Signal::SIGUSR2);
    old.wait_log_since(mark, &["USR2", "ignored"], SOON);
    let mark = old.mark();
    kill(Pid::from_raw(new), Signal::SIGUSR2).expect("it lives");
    old.wait_log_since(mark, &["USR2", "ignored"], SOON);
    old.signal(Signal::SIGTERM);
    assert_eq!(old.wait_exit(SOON), 0);
    end(new);
    old.assert_gone();
}

#[test]
fn the_upgrade_runs_the_program_that_is_on_disk_now() {
    let lab = Lab::new();
    let program = lab.path("rustcorn");
    std::fs::copy(apps::program(), &program).expect("a copy of the program");
    let mut old = lab.launch().program(program.clone()).args("--workers 1").pid_file("web.pid").start();
    // A deployment: another file under the same name, the old inode gone.
    std::fs::copy(apps::program(), lab.path("fresh")).expect("copy");
    std::fs::rename(lab.path("fresh"), &program).expect("in place");
    old.signal(Signal::SIGUSR2);
    let new = wait_upgrade(&lab, &old, "web.pid.2");
    let running = std::fs::read_link(format!("/proc/{new}/exe")).expect("its program");
    assert_eq!(running, std::fs::canonicalize(&program).expect("its path"));
    old.signal(Signal::SIGTERM);
    assert_eq!(old.wait_exit(SOON), 0);
    end(new);
    old.assert_gone();
}

/// Each arbiter opens what the settings say and serves beside the one before; it narrows a bind when that one has gone.
#[test]
fn upgrades_change_the_width_of_a_bind_and_lose_nothing() {
    change_the_width("");
    change_the_width("--reuse-port");
}

fn change_the_width(flags: &str) {
    let lab = Lab::alone();
    let port = std::net::TcpListener::bind("0.0.0.0:0").and_then(|free| free.local_addr()).expect("a port").port();
    let write = |host: &str| lab.write("rustcorn.toml", &format!("bind = [\"{host}:{port}\"]\n"));
    let at = |host: &str| Address::parse(&format!("http://{host}:{port}")).expect("an address");
    write("0.0.0.0");
    let mut first = lab.launch().no_bind().args("--workers 2").args(flags).pid_file("web.pid").start();
    first.wait_ready(2);
    let mut arbiter = first.pid();
    let load = Load::start(&at("127.0.0.1"));
    for host in ["127.0.0.1", "127.0.0.1", "0.0.0.0", "127.0.0.1"] {
        let (mark, was_wide) = (first.mark(), at("127.0.0.2").answers());
        write(host);
        kill(Pid::from_raw(arbiter), Signal::SIGUSR2).expect("it lives");
        first.wait_log_since(mark, &["Upgrade: the new arbiter", "serves"], SOON);
        let new = lab.read("web.pid.2").trim().parse().expect("a pid");
        assert_eq!(at("127.0.0.2").answers(), was_wide || host == "0.0.0.0", "{host}, both serving");
        kill(Pid::from_raw(arbiter), Signal::SIGTERM).expect("it lives");
        if arbiter == first.pid() {
            assert_eq!(first.wait_exit(SOON), 0);
        }
        proc::wait_gone(arbiter, SOON);
        first.wait_log_since(mark, &["Master has been promoted"], SOON);
        wait_until("it listens where it was told to", SOON, || {
            (at("127.0.0.2").answers() == (host == "0.0.0.0")).then_some(())
        });
        let seen = load.answered();
        wait_until("it serves alone", SOON, || (load.answered() > seen + 100).then_some(()));
        arbiter = new;
    }
    load.stop().assert_lossless("upgrades that narrow and widen a bind");
    end(arbiter);
    first.assert_gone();
}

#[test]
fn an_upgrade_in_the_middle_of_a_reload_that_narrows_a_bind_loses_nothing() {
    let lab = Lab::alone().with_testapps();
    let port = std::net::TcpListener::bind("0.0.0.0:0").and_then(|free| free.local_addr()).expect("a port").port();
    let write = |host: &str| lab.write("rustcorn.toml", &format!("bind = [\"{host}:{port}\"]\nreload_surge = 1\n"));
    let at = |host: &str| Address::parse(&format!("http://{host}:{port}")).expect("an address");
    write("0.0.0.0");
    let mut old = lab.launch().app("testapps:slow").no_bind().args("--workers 3").pid_file("web.pid").start();
    old.wait_ready(3);
    let load = Load::start(&at("127.0.0.1"));
    write("127.0.0.1");
    let mark = old.mark();
    old.signal(Signal::SIGHUP);
    old.wait_log_since(mark, &["ready (pid:", "generation 2"], SOON);
    assert!(!old.log().contains("Reload done"), "two of three are to come");
    old.signal(Signal::SIGUSR2);
    old.wait_log_since(mark, &["Upgrade: the new arbiter", "serves"], SOON);
    let new: i32 = lab.read("web.pid.2").trim().parse().expect("a pid");
    old.signal(Signal::SIGTERM);
    assert_eq!(old.wait_exit(SOON), 0);
    old.wait_log_since(mark, &["Master has been promoted"], SOON);
    wait_until("the wide socket is closed", SOON, || (!at("127.0.0.2").answers()).then_some(()));
    let seen = load.answered();
    wait_until("it serves alone", SOON, || (load.answered() > seen + 100).then_some(()));
    load.stop().assert_lossless("an upgrade in the middle of a reload that narrows a bind");
    end(new);
    old.assert_gone();
}
