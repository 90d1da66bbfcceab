//! The first start: all workers at once, and an application that cannot boot ends the arbiter.

use crate::scene::{Scene, killed, secs, terms};
use rustcorn::supervisor::{Cause, Intent, SlotState, Symptom};
use rustcorn::types::{ExitStatus, Generation, Level, Signal, SlotId, exit};

const FIRST: Generation = Generation::FIRST;

#[test]
fn all_workers_start_at_once() {
    let scene = Scene::start(terms(3));
    assert_eq!(scene.spawned(), [(SlotId(0), FIRST), (SlotId(1), FIRST), (SlotId(2), FIRST)]);
    assert_eq!(scene.count(SlotState::Starting), 3);
    assert_eq!((scene.machine.target(), scene.machine.proven()), (FIRST, None));
}

#[test]
fn it_serves_once_every_wanted_worker_is_ready() {
    let mut scene = Scene::start(terms(2));
    let pids = scene.alive();
    assert_eq!(scene.ready(pids[0]).serves(), None);
    assert_eq!(scene.ready(pids[1]).serves(), Some((FIRST, 2, 2, 0, None)));
    assert_eq!(scene.machine.proven(), Some(FIRST));
}

#[test]
fn it_serves_with_fewer_when_none_is_in_its_first_start_any_more() {
    let mut scene = Scene::start(terms(2));
    let pids = scene.alive();
    scene.ready(pids[0]);
    let (_, ready, wanted, ..) =
        scene.crashes(pids[1]).serves().expect("one is ready, nobody starts for the first time");
    assert_eq!((ready, wanted), (1, 2));
    assert_eq!(scene.exits(), None);
}

#[test]
fn an_application_that_cannot_boot_ends_the_arbiter_with_its_code() {
    let mut scene = Scene::start(terms(2));
    let pids = scene.alive();
    scene.boot_failed(pids[0], exit::APP_LOAD, "no symbol rustcorn_worker_router");
    assert!(scene.step().is_empty(), "its exit follows and is what counts");
    scene.dies(pids[0], ExitStatus::Code(4));
    assert!(scene.logs(Level::Critical, "no symbol rustcorn_worker_router"));
    assert_eq!(scene.signals(), [(pids[1], Signal::QUIT)]);
    assert!(scene.machine.is_stopping());
    let reason = "no symbol rustcorn_worker_router".to_owned();
    assert_eq!(scene.obituaries(), [(pids[0], Cause::BootFailed { code: exit::APP_LOAD, reason })]);
    assert_eq!((scene.exits(), scene.spawned()), (None, vec![]));
    assert_eq!(scene.dies(pids[1], killed(Signal::QUIT)).exits(), Some(exit::APP_LOAD));
}

#[test]
fn the_first_failure_names_the_code() {
    let mut scene = Scene::start(terms(2));
    let pids = scene.alive();
    scene.boot_failed(pids[0], exit::WORKER_BOOT, "the factory failed");
    scene.boot_failed(pids[1], exit::APP_LOAD, "no such library");
    scene.dies(pids[0], ExitStatus::Code(3));
    assert_eq!(scene.dies(pids[1], ExitStatus::Code(4)).exits(), Some(exit::WORKER_BOOT));
}

#[test]
fn a_silent_death_before_ready_is_a_boot_failure() {
    for status in [ExitStatus::Code(0), ExitStatus::Code(4), killed(Signal(11))] {
        let mut scene = Scene::start(terms(1));
        let pid = scene.alive()[0];
        scene.dies(pid, status);
        assert_eq!(scene.obituaries(), [(pid, Cause::DiedBooting)]);
        assert_eq!((scene.exits(), scene.spawned()), (Some(exit::WORKER_BOOT), vec![]), "{status}");
    }
}

#[test]
fn a_factory_that_never_returns_is_a_boot_failure() {
    let mut scene = Scene::start(terms(2));
    let pids = scene.alive();
    assert_eq!(scene.pass(secs(59)).autopsies(), []);
    scene.pass(secs(1));
    assert!(scene.autopsies().iter().all(|(_, symptom)| matches!(symptom, Symptom::BootTimeout(_))));
    assert!(!scene.autopsies().is_empty());
    scene.pass(secs(5));
    for pid in pids {
        assert!(scene.signals().contains(&(pid, Signal::KILL)), "{:?}", scene.step());
    }
    let pids = scene.alive();
    scene.dies(pids[0], killed(Signal::KILL));
    assert_eq!(scene.dies(pids[1], killed(Signal::KILL)).exits(), Some(exit::WORKER_BOOT));
}

#[test]
fn boot_timeout_zero_waits_for_ever() {
    let mut scene = Scene::start(rustcorn::supervisor::Terms { boot_timeout: secs(0), ..terms(1) });
    assert!(scene.pass(secs(86_400)).step().is_empty());
    assert_eq!(scene.machine.next_deadline(), None);
}

#[test]
fn a_failure_after_a_sibling_is_ready_stops_nothing() {
    let mut scene = Scene::start(terms(2));
    let pids = scene.alive();
    scene.ready(pids[0]);
    scene.boot_failed(pids[1], exit::WORKER_BOOT, "the database said no");
    scene.dies(pids[1], ExitStatus::Code(3));
    assert_eq!((scene.exits(), scene.spawned()), (None, vec![(SlotId(1), FIRST)]));
    assert!(!scene.machine.is_stopping());
}

#[test]
fn a_stop_before_the_first_ready_is_no_failure() {
    let mut scene = Scene::start(terms(1));
    let pid = scene.alive()[0];
    scene.intent(Intent::StopGracefully);
    assert_eq!(scene.retired(), [pid]);
    assert_eq!(scene.dies(pid, killed(Signal::TERM)).exits(), Some(exit::OK));
}

#[test]
fn a_boot_failure_keeps_its_code_when_somebody_stops_too() {
    let mut scene = Scene::start(terms(2));
    let pids = scene.alive();
    scene.boot_failed(pids[0], exit::APP_LOAD, "no such library");
    scene.dies(pids[0], ExitStatus::Code(4));
    scene.intent(Intent::StopGracefully);
    assert_eq!(scene.dies(pids[1], killed(Signal::QUIT)).exits(), Some(exit::APP_LOAD));
}

#[test]
fn what_cannot_be_forked_at_first_is_said_and_tried_again() {
    let mut scene = Scene::start(terms(1));
    let pid = scene.alive()[0];
    scene.ready(pid).pass(secs(2));
    scene.no_fork = true;
    scene.crashes(pid);
    assert!(scene.logs(Level::Error, "Resource temporarily unavailable"), "{:?}", scene.step());
    scene.pass(secs(3));
    assert!(scene.spawned().len() < 20, "fork is not tried without end: {:?}", scene.spawned());
    scene.no_fork = false;
    scene.pass(secs(60));
    assert_eq!(scene.alive().len(), 1);
}
