//! What a service manager hears, and what it may find wrong with our units.

use crate::kit::notify::Notify;
use crate::kit::*;
use std::process::Command;

fn start<'lab>(lab: &'lab Lab, args: &str) -> (Launch<'lab>, Notify) {
    let notify = Notify::listen(lab.path("notify"));
    let launch = lab.launch().args(args).env("NOTIFY_SOCKET", notify.path());
    (launch, notify)
}

#[test]
fn ready_is_said_when_the_workers_are_ready_and_not_before() {
    let lab = Lab::new().with_testapps();
    let (launch, mut notify) = start(&lab, "--workers 2");
    let begun = Instant::now();
    // It boots for 700 ms.
    let server = launch.app("testapps:slow").spawn();
    notify.wait_for("READY=1", 0, SOON);
    assert!(begun.elapsed() > ms(700), "READY after {:?}", begun.elapsed());
    let (_, status) = notify.wait_for("STATUS=", 0, SOON);
    assert!(status.contains('2'), "{status}");
    let asked = Instant::now();
    assert_eq!(server.get("/").status, 200);
    assert!(asked.elapsed() < ms(500), "it was not ready");
    assert_eq!(notify.heard().iter().filter(|line| *line == "READY=1").count(), 1);
    server.finish();
}

#[test]
fn a_service_manager_that_has_no_room_for_ready_is_told_as_soon_as_it_has() {
    let lab = Lab::new();
    let (launch, mut notify) = start(&lab, "--workers 1");
    notify.fill();
    let server = launch.pid_file("web.pid").start();
    // The pid file is there: it was announced, and there was no room.
    assert!(notify.heard().iter().all(|line| line == "FULL=1"), "{:?}", notify.heard());
    notify.wait_for("READY=1", 0, SOON);
    server.finish();
    notify.wait_for("STOPPING=1", 0, SOON);
}

#[test]
fn a_reload_says_reloading_with_its_stamp_and_then_ready() {
    let lab = Lab::new();
    let (launch, mut notify) = start(&lab, "--workers 2");
    let server = launch.start();
    notify.wait_for("READY=1", 0, SOON);
    let from = notify.heard().len();
    server.reload(2);
    let (at, _) = notify.wait_for("RELOADING=1", from, SOON);
    let (_, stamp) = notify.wait_for("MONOTONIC_USEC=", from, SOON);
    let stamp: u64 = stamp.trim_start_matches("MONOTONIC_USEC=").parse().expect("a number");
    let uptime = std::fs::read_to_string("/proc/uptime").expect("uptime");
    let uptime: f64 = uptime.split(' ').next().and_then(|word| word.parse().ok()).expect("seconds");
    let seconds = stamp as f64 / 1e6;
    assert!((uptime - seconds).abs() < 60.0, "a stamp of {seconds} s when the machine is up for {uptime} s");
    notify.wait_for("READY=1", at, SOON);
    server.finish();
}

#[test]
fn a_reload_that_is_refused_says_ready_again_and_why_in_the_status() {
    let lab = Lab::new();
    let (launch, mut notify) = start(&lab, "--workers 1");
    let server = launch.start();
    notify.wait_for("READY=1", 0, SOON);
    let from = notify.heard().len();
    lab.write("rustcorn.toml", "wrokers = 2\n");
    server.signal(Signal::SIGHUP);
    notify.wait_for("READY=1", from, SOON);
    wait_until("the reason in the status", SOON, || {
        let told = |line: &String| line.starts_with("STATUS=") && line.contains("wrokers");
        notify.heard().iter().any(told).then_some(())
    });
    server.finish();
}

#[test]
fn a_stop_says_stopping_once() {
    let lab = Lab::new();
    let (launch, mut notify) = start(&lab, "");
    let server = launch.start();
    notify.wait_for("READY=1", 0, SOON);
    server.finish();
    notify.wait_for("STOPPING=1", 0, SOON);
    assert_eq!(notify.heard().iter().filter(|line| *line == "STOPPING=1").count(), 1);
}

#[test]
fn the_watchdog_is_fed_in_time_and_only_when_asked_for() {
    let lab = Lab::new();
    let (launch, mut notify) = start(&lab, "");
    let server = launch.start();
    notify.wait_for("READY=1", 0, SOON);
    assert!(!notify.heard().iter().any(|line| line == "WATCHDOG=1"));
    server.finish();
    std::fs::remove_file(lab.path("notify")).expect("removed");
    let (launch, mut notify) = start(&lab, "");
    let launch = launch.env("WATCHDOG_USEC", "600000");
    let server = launch.through(&["sh", "-c", r#"WATCHDOG_PID=$$ exec "$@""#, "sh"]).start();
    let mut last = Instant::now();
    let mut from = 0;
    for _ in 0..6 {
        (from, _) = notify.wait_for("WATCHDOG=1", from, SOON);
        from += 1;
        assert!(last.elapsed() < ms(600), "fed after {:?}, the limit is 600 ms", last.elapsed());
        last = Instant::now();
    }
    server.finish();
}

#[test]
fn the_upgrade_tells_the_new_main_pid() {
    let lab = Lab::new();
    let (launch, mut notify) = start(&lab, "--workers 1");
    let mut old = launch.pid_file("web.pid").start();
    notify.wait_for("READY=1", 0, SOON);
    old.signal(Signal::SIGUSR2);
    let new = super::upgrade::wait_upgrade(&lab, &old, "web.pid.2");
    notify.wait_for(&format!("MAINPID={new}"), 0, SOON);
    old.signal(Signal::SIGTERM);
    assert_eq!(old.wait_exit(SOON), 0);
    super::upgrade::end(new);
}

#[test]
fn the_shipped_units_pass_systemd_s_own_check() {
    let lab = Lab::new();
    let folder = apps::root().join("config/systemd");
    let mut units = Vec::new();
    for entry in std::fs::read_dir(&folder).expect("config/systemd").flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        if !name.ends_with(".service") && !name.ends_with(".socket") {
            continue;
        }
        let text = std::fs::read_to_string(entry.path()).expect("a unit");
        // The check wants the program to exist; where it will be installed it does not exist here.
        let text: String = text
            .lines()
            .map(|line| match line.split_once("=/") {
                Some((key, rest)) if key == "ExecStart" => {
                    let args = rest.split_once(' ').map_or("", |(_, args)| args);
                    format!("{key}={} {args}\n", apps::program().display())
                }
                _ => format!("{line}\n"),
            })
            .collect();
        units.push(lab.write(&name, &text));
    }
    assert!(units.iter().any(|unit| unit.extension().is_some_and(|it| it == "service")), "{units:?}");
    assert!(units.iter().any(|unit| unit.extension().is_some_and(|it| it == "socket")), "{units:?}");
    let output = Command::new("systemd-analyze").args(["verify", "--man=no", "--generators=no"]).args(&units).output();
    let output = output.expect("systemd-analyze is installed (make test does it)");
    let told = String::from_utf8_lossy(&output.stderr);
    let ours: Vec<&str> = told.lines().filter(|line| line.contains("rustcorn")).collect();
    assert!(output.status.success() && ours.is_empty(), "{told}");
}

#[test]
fn the_shipped_service_is_what_the_program_speaks() {
    let folder = apps::root().join("config/systemd");
    let services: Vec<String> = std::fs::read_dir(folder)
        .expect("config/systemd")
        .flatten()
        .filter(|entry| entry.path().extension().is_some_and(|it| it == "service"))
        .map(|entry| std::fs::read_to_string(entry.path()).expect("a unit"))
        .collect();
    for service in services {
        assert!(service.contains("Type=notify"), "{service}");
        assert!(service.lines().any(|line| line.starts_with("ExecReload=") && line.contains("HUP")), "{service}");
    }
}
