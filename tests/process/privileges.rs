//! `user`, `group`, `initgroups`, `umask`: the workers give up root, for good; the arbiter keeps it.

use crate::kit::*;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::process::Command;

/// Only root can give something up.
fn root() -> bool {
    let root = nix::unistd::geteuid().is_root();
    if !root {
        println!("not root: nothing to give up");
    }
    root
}

#[track_caller]
fn ids(pid: i32, key: &str) -> Vec<u32> {
    let status = proc::status(pid);
    let words = status.get(key).unwrap_or_else(|| panic!("no {key}")).split(' ');
    words.filter(|word| !word.is_empty()).map(|word| word.parse().expect("an id")).collect()
}

fn id(flag: &str, user: &str) -> Vec<u32> {
    let output = Command::new("id").args([flag, user]).output().expect("id(1)");
    let mut ids: Vec<u32> =
        String::from_utf8_lossy(&output.stdout).split_whitespace().filter_map(|word| word.parse().ok()).collect();
    ids.sort_unstable();
    ids
}

#[test]
fn workers_run_as_the_user_and_group_in_every_respect() {
    if !root() {
        return;
    }
    let lab = Lab::new();
    let server = lab.serve("--user daemon --group nogroup --workers 2");
    server.wait_ready(2);
    let (uid, gid) = (id("-u", "daemon")[0], id("-g", "nobody")[0]);
    for worker in server.workers() {
        assert_eq!(ids(worker, "Uid"), [uid; 4], "real, effective, saved, file system");
        assert_eq!(ids(worker, "Gid"), [gid; 4]);
        assert!(!ids(worker, "Groups").contains(&0), "root's group was kept");
        assert_eq!(proc::status(worker)["CapEff"], "0000000000000000");
    }
    assert_eq!(ids(server.pid(), "Uid"), [0; 4], "the arbiter stays root");
    server.reload(2);
    assert_eq!(ids(server.workers()[0], "Uid"), [uid; 4]);
    server.finish();
}

#[test]
fn ids_are_accepted_as_numbers() {
    if !root() {
        return;
    }
    let lab = Lab::new();
    let server = lab.serve("--user 65534 --group 65534");
    assert_eq!(ids(server.workers()[0], "Uid"), [65534; 4]);
    assert_eq!(ids(server.workers()[0], "Gid"), [65534; 4]);
    server.finish();
}

#[test]
fn initgroups_gives_the_groups_of_the_user() {
    if !root() {
        return;
    }
    let lab = Lab::new();
    let server = lab.serve("--user daemon --group daemon --initgroups");
    let mut groups = ids(server.workers()[0], "Groups");
    groups.sort_unstable();
    assert_eq!(groups, id("-G", "daemon"));
    server.finish();
}

#[test]
fn an_unknown_user_or_group_is_refused_at_the_start() {
    let lab = Lab::new();
    for option in ["--user", "--group"] {
        let outcome = lab.run(&format!("hello:router --bind 127.0.0.1:0 {option} nobody-of-this-name"));
        assert!(outcome.one_error(1).contains("nobody-of-this-name"), "{}", outcome.stderr);
    }
}

#[test]
fn a_user_that_cannot_be_become_is_told_also_by_a_daemon_without_a_log_file() {
    if !root() {
        return;
    }
    let lab = Lab::new();
    for daemon in ["", "--daemon"] {
        // Root without the one right that this takes, as in a container that has lost it.
        let mut command = Command::new("setpriv");
        command.args(["--bounding-set=-setuid", "--inh-caps=-setuid"]).arg(apps::program());
        lab.scrub(&mut command);
        command.args("hello:router --workers 2 --bind 127.0.0.1:0 --user daemon --pid f.pid".split(' '));
        command.args(daemon.split_whitespace());
        let outcome = lab.outcome(command);
        assert_eq!(outcome.code, 3, "{}", outcome.stderr);
        let told = |line: &&str| line.contains("cannot drop its privileges: cannot become user");
        assert!(outcome.errors().iter().any(told), "with {daemon:?}:\n{}", outcome.stderr);
        assert!(!lab.path("f.pid").exists());
        assert_eq!(lab.inhabitants(), Vec::<i32>::new());
    }
}

#[test]
fn the_umask_is_that_of_the_workers() {
    let lab = Lab::new();
    let server = lab.serve("--umask 027");
    let umask = &proc::status(server.workers()[0])["Umask"];
    assert_eq!(u32::from_str_radix(umask, 8), Ok(0o27), "{umask}");
    server.finish();
}

#[test]
fn workers_that_gave_up_root_reopen_their_log() {
    if !root() {
        return;
    }
    let lab = Lab::new();
    let server = lab.launch().args("--user daemon --group nogroup --workers 1").log_file("web.log").start();
    server.wait_ready(1);
    std::fs::rename(lab.path("web.log"), lab.path("web.log.1")).expect("rotated");
    server.signal(Signal::SIGUSR1);
    wait_until("the new file", SOON, || lab.path("web.log").exists().then_some(()));
    // A handler's panic is logged by the worker itself.
    wait_until("the worker writes to the new file", SOON, || {
        assert_eq!(http::get(&old_address(&lab), "/panic", SOON).expect("an answer").status, 500);
        lab.read("web.log").contains("panic").then_some(())
    });
    server.signal(Signal::SIGTERM);
}

#[test]
fn workers_whose_user_may_not_open_their_logs_get_them_from_the_arbiter() {
    if !root() {
        return;
    }
    let lab = Lab::new();
    std::fs::create_dir(lab.path("logs")).expect("a directory");
    std::fs::set_permissions(lab.path("logs"), PermissionsExt::from_mode(0o700)).expect("of root alone");
    let access = lab.path("logs/access.log");
    let launch = lab.launch().args("--user daemon --group nogroup --workers 2 --access-logfile").arg(&access);
    let server = launch.log_file("logs/web.log").start();
    let old = server.wait_ready(2);
    let address = server.address();
    for name in ["logs/access.log", "logs/web.log"] {
        std::fs::rename(lab.path(name), lab.path(&format!("{name}.1"))).expect("rotated");
    }
    server.signal(Signal::SIGUSR1);
    wait_until("workers that have the new files", SOON, || {
        let workers = server.workers();
        (workers.len() == 2 && old.iter().all(|worker| !workers.contains(&worker.pid))).then_some(())
    });
    server.wait_log(&["Autorestarting worker", "it cannot open", "no permission", "the arbiter has it"]);
    assert_eq!(http::get(&address, "/after-the-rotation", SOON).expect("an answer").status, 404);
    wait_until("its line", SOON, || lab.read("logs/access.log").contains("/after-the-rotation").then_some(()));
    server.signal(Signal::SIGTERM);
}

#[test]
fn the_owner_of_a_directory_leads_root_to_no_other_file() {
    if !root() {
        return;
    }
    let lab = Lab::new();
    let (home, secret) = (lab.path("home"), lab.path("secret"));
    for folder in [&home, &home.join("logs"), &secret] {
        std::fs::create_dir(folder).expect("a directory");
    }
    for folder in [&home, &home.join("logs")] {
        std::os::unix::fs::chown(folder, Some(id("-u", "daemon")[0]), None).expect("given");
    }
    for name in ["error.log", "access.log"] {
        std::fs::write(secret.join(name), "another's").expect("a file");
    }
    let launch = lab.launch().args("--user daemon --workers 1 --access-logfile").arg(home.join("logs/access.log"));
    let server = launch.log_file("home/logs/error.log").start();
    server.wait_ready(1);
    std::fs::rename(home.join("logs"), home.join("old")).expect("moved away");
    std::os::unix::fs::symlink(&secret, home.join("logs")).expect("a trap");
    server.signal(Signal::SIGUSR1);
    let told = |words: &[&str]| {
        let log = lab.read("home/old/error.log");
        log.lines().any(|line| words.iter().all(|word| line.contains(word))).then_some(())
    };
    for option in ["errorlog", "accesslog"] {
        let words = [option, "home/logs is a symbolic link in a directory that others than root can write to"];
        wait_until("the refusal", SOON, || told(&words));
    }
    for name in ["error.log", "access.log"] {
        let about = std::fs::metadata(secret.join(name)).expect("it exists");
        assert_eq!((about.uid(), lab.read(&format!("secret/{name}")).as_str()), (0, "another's"), "{name}");
    }
    server.signal(Signal::SIGTERM);
}

fn old_address(lab: &Lab) -> Address {
    let text = lab.read("web.log.1");
    let (_, rest) = text.split_once("Listening at: ").expect("an address");
    Address::parse(rest.split(' ').next().expect("a word")).expect("an address")
}
