//! The arbiter as PID 1 of a container: it reaps strangers, and its own signals work.

use crate::kit::*;
use nix::sys::signal::kill;
use nix::unistd::Pid;

const NAMESPACE: [&str; 5] = ["unshare", "--pid", "--fork", "--mount-proc", "--kill-child"];
/// For those who are not root.
const USER_NAMESPACE: [&str; 2] = ["--user", "--map-root-user"];

fn container() -> Vec<&'static str> {
    let mut words = NAMESPACE.to_vec();
    if !nix::unistd::geteuid().is_root() {
        words.extend(USER_NAMESPACE);
    }
    words
}

/// The arbiter's pid outside: the only child of `unshare`.
#[track_caller]
fn arbiter(server: &Server) -> i32 {
    wait_until("the arbiter", SOON, || proc::children(server.pid()).first().copied())
}

#[test]
fn strangers_are_reaped() {
    let lab = Lab::new().with_testapps();
    let mut server = lab.launch().app("testapps:router").through(&container()).args("--workers 2").start();
    let arbiter = arbiter(&server);
    assert!(server.log().contains("(1)"), "it is not PID 1:\n{}", server.log());
    let workers = server::workers_of(arbiter);
    assert_eq!(server.get("/stranger").status, 200);
    let stranger = wait_until("a stranger under PID 1", SOON, || {
        proc::children(arbiter).into_iter().find(|pid| !workers.contains(pid))
    });
    // Not merely dead: waited for.
    wait_until("the stranger is reaped", SOON, || proc::stat(stranger).is_none().then_some(()));
    assert_eq!(server::workers_of(arbiter), workers, "a stranger's death touched the workers");
    kill(Pid::from_raw(arbiter), Signal::SIGTERM).expect("it lives");
    assert_eq!(server.wait_exit(SOON), 0);
}

#[test]
fn every_signal_works_for_pid_1() {
    let lab = Lab::new();
    for signal in [Signal::SIGTERM, Signal::SIGINT, Signal::SIGQUIT] {
        let mut server = lab.launch().through(&container()).args("--workers 1").start();
        let arbiter = arbiter(&server);
        let old = server::workers_of(arbiter);
        kill(Pid::from_raw(arbiter), Signal::SIGHUP).expect("it lives");
        wait_until("a new worker", SOON, || {
            let now = server::workers_of(arbiter);
            (now.len() == 1 && now != old).then_some(())
        });
        kill(Pid::from_raw(arbiter), signal).expect("it lives");
        assert_eq!(server.wait_exit(SOON), 0, "{signal}");
    }
}

#[test]
fn a_pid_file_left_by_the_container_s_last_life_is_stale() {
    // It names PID 1, and PID 1 is ourselves: Gunicorn refuses to start.
    let lab = Lab::new();
    let file = lab.write("web.pid", "1\n");
    let mut server = lab.launch().through(&container()).arg("--pid").arg(&file).start();
    assert_eq!(server.get("/").status, 200);
    kill(Pid::from_raw(arbiter(&server)), Signal::SIGTERM).expect("it lives");
    assert_eq!(server.wait_exit(SOON), 0);
    assert!(!file.exists());
}
