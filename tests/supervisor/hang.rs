//! Workers that stand still, and an arbiter that did.

use crate::scene::{Scene, killed, millis, secs, terms};
use rustcorn::supervisor::{Cause, Event, Intent, SlotState, Symptom, Terms};
use rustcorn::types::{Generation, Level, Pid, Signal};

/// A server whose first worker has not beaten for its whole `timeout`, and has just been found out.
fn found_hung() -> (Scene, Pid) {
    let mut scene = Scene::serving(terms(2));
    let pid = scene.alive()[0];
    scene.hangs(pid);
    for _ in 0..70 {
        if !scene.pass(secs(1)).autopsies().is_empty() {
            return (scene, pid);
        }
    }
    panic!("a worker that hangs is never found out");
}

#[test]
fn a_hung_worker_is_examined_before_it_is_killed() {
    let (mut scene, pid) = found_hung();
    assert!(scene.logs(Level::Critical, &format!("WORKER TIMEOUT (pid:{pid})")), "{:?}", scene.step());
    assert!(matches!(scene.autopsies()[..], [(who, Symptom::Hung(_))] if who == pid));
    assert!(scene.signals().is_empty(), "first the traces");
    assert_eq!(scene.tell(Event::Traced { pid }).signals(), [(pid, Signal::ABRT)]);
    assert!(scene.pass(millis(1_900)).signals().is_empty());
    assert_eq!(scene.pass(millis(100)).signals(), [(pid, Signal::KILL)]);
    scene.dies(pid, killed(Signal::KILL));
    assert!(matches!(scene.obituaries()[..], [(_, Cause::Killed(Symptom::Hung(_)))]), "{:?}", scene.step());
    assert_eq!(scene.alive().len(), 2, "and replaced");
}

#[test]
fn a_worker_that_writes_no_traces_is_killed_all_the_same() {
    let (mut scene, pid) = found_hung();
    let found = scene.now;
    assert!(scene.pass(millis(7_900)).signals().is_empty(), "it may take its time to find the names");
    scene.pass(millis(100));
    assert_eq!(scene.signals(), [(pid, Signal::ABRT)]);
    scene.pass(secs(2));
    assert_eq!(scene.signals(), [(pid, Signal::KILL)]);
    assert!(scene.now.since(found) <= secs(11));
}

#[test]
fn a_hang_is_found_soon_after_the_timeout() {
    let mut scene = Scene::serving(Terms { timeout: secs(10), ..terms(1) });
    scene.pass(millis(3_700));
    let pid = scene.alive()[0];
    scene.hangs(pid);
    assert!(scene.pass(millis(9_900)).autopsies().is_empty());
    assert!(!scene.pass(millis(1_100)).autopsies().is_empty(), "found at most a second late");
}

#[test]
fn a_worker_that_beats_is_left_alone() {
    let mut scene = Scene::serving(terms(2));
    let pid = scene.alive()[0];
    scene.hangs(pid);
    scene.pass(secs(25));
    scene.beats_again(pid);
    scene.pass(secs(600));
    assert!(scene.autopsies().is_empty() && scene.signals().is_empty());
}

#[test]
fn timeout_zero_asks_for_no_heartbeat() {
    let mut scene = Scene::serving(Terms { timeout: secs(0), ..terms(2) });
    let pid = scene.alive()[0];
    scene.hangs(pid);
    assert!(scene.pass(secs(86_400)).step().is_empty());
}

#[test]
fn the_timeout_is_that_of_the_workers_own_generation() {
    let mut scene = Scene::serving(Terms { timeout: secs(0), ..terms(1) });
    scene.reload(Terms { timeout: secs(5), ..terms(1) });
    scene.roll();
    let pid = scene.alive()[0];
    scene.hangs(pid);
    assert!(matches!(scene.pass(secs(7)).autopsies()[..], [(who, Symptom::Hung(_))] if who == pid));
}

#[test]
fn who_replaces_an_old_worker_during_a_reload_has_the_old_limits() {
    let mut scene = Scene::serving(Terms { boot_timeout: secs(5), ..terms(2) });
    let old = scene.alive()[0];
    scene.reload(Terms { boot_timeout: secs(0), ..terms(2) });
    scene.crashes(old);
    let replacement = scene.of(Generation::FIRST)[1];
    scene.pass(secs(5));
    assert_eq!(scene.autopsies(), [(replacement, Symptom::BootTimeout(secs(5)))]);
}

#[test]
fn a_boot_that_takes_too_long_after_a_healthy_start_is_a_death_before_ready() {
    let mut scene = Scene::serving(terms(2));
    let pid = scene.alive()[0];
    scene.crashes(pid);
    let newcomer = scene.booting()[0];
    assert!(scene.pass(secs(59)).autopsies().is_empty());
    scene.pass(secs(1));
    assert!(matches!(scene.autopsies()[..], [(who, Symptom::BootTimeout(_))] if who == newcomer), "{:?}", scene.step());
    scene.tell(Event::Traced { pid: newcomer });
    assert_eq!(scene.signals(), [(newcomer, Signal::ABRT)]);
    scene.dies(newcomer, killed(Signal::ABRT));
    assert!(matches!(scene.obituaries()[..], [(_, Cause::Killed(Symptom::BootTimeout(_)))]), "{:?}", scene.step());
    assert_eq!((scene.exits(), scene.alive().len()), (None, 2));
}

#[test]
fn a_boot_that_was_overtaken_by_a_proven_reload_is_not_repeated() {
    let mut scene = Scene::serving(terms(2));
    let pid = scene.alive()[0];
    scene.crashes(pid);
    let slow = scene.booting()[0];
    scene.pass(secs(60));
    assert_eq!(scene.autopsies().len(), 1);
    let new = scene.reload(terms(2));
    let newcomer = scene.of(new)[0];
    scene.ready(newcomer);
    assert!(scene.dies(slow, killed(Signal::KILL)).spawned().iter().all(|(_, generation)| *generation == new));
    scene.roll();
    assert_eq!((scene.of(new).len(), scene.alive().len()), (2, 2));
}

#[test]
fn a_retired_worker_that_stays_is_examined_and_killed() {
    let mut scene = Scene::serving(terms(2));
    scene.intent(Intent::FewerWorkers);
    let pid = scene.retired()[0];
    assert!(scene.pass(secs(30)).signals().is_empty());
    scene.pass(millis(500));
    assert!(matches!(scene.autopsies()[..], [(who, Symptom::DrainOverdue(_))] if who == pid), "{:?}", scene.step());
    assert_eq!(scene.tell(Event::Traced { pid }).signals(), [(pid, Signal::KILL)]);
    assert!(scene.pass(secs(60)).signals().is_empty(), "nothing beyond KILL");
}

#[test]
fn a_hung_worker_counts_as_missing() {
    let (scene, _) = found_hung();
    assert_eq!(scene.count(SlotState::Ready), 1);
}

#[test]
fn an_arbiter_that_slept_blames_nobody() {
    let mut scene = Scene::serving(terms(3));
    let pids = scene.alive();
    let asleep_since = scene.now;
    for pid in &pids {
        scene.hangs(*pid);
    }
    scene.oversleep(secs(3_600));
    assert!(scene.autopsies().is_empty() && scene.signals().is_empty(), "{:?}", scene.step());
    scene.pass(secs(1));
    assert!(scene.autopsies().is_empty(), "asleep since {asleep_since:?}: {:?}", scene.step());
    for pid in &pids {
        scene.beats_again(*pid);
    }
    scene.pass(secs(120));
    assert!(scene.autopsies().is_empty() && scene.signals().is_empty());
}

#[test]
fn the_free_round_is_one_only() {
    let mut scene = Scene::serving(terms(1));
    let pid = scene.alive()[0];
    scene.hangs(pid);
    scene.oversleep(secs(3_600));
    scene.pass(secs(61));
    assert!(matches!(scene.autopsies()[..], [(who, Symptom::Hung(_))] if who == pid));
}

#[test]
fn boots_get_the_free_round_too() {
    let mut scene = Scene::serving(terms(2));
    let pid = scene.alive()[0];
    scene.crashes(pid).pass(secs(1));
    scene.oversleep(secs(3_600));
    assert!(scene.autopsies().is_empty(), "{:?}", scene.step());
    assert!(scene.pass(secs(30)).autopsies().is_empty());
    scene.all_ready();
    assert_eq!(scene.count(SlotState::Ready), 2);
}

#[test]
fn the_free_round_is_measured_by_the_workers_own_limits() {
    let mut scene = Scene::serving(terms(2));
    let pid = scene.alive()[0];
    scene.crashes(pid);
    scene.reload(Terms { boot_timeout: secs(0), timeout: secs(1), ..terms(2) });
    for pid in scene.alive() {
        scene.hangs(pid);
    }
    scene.oversleep(secs(3_600));
    assert!(scene.pass(secs(20)).autopsies().is_empty(), "{:?}", scene.step());
}

#[test]
fn whatever_woke_the_sleeper_changes_nothing() {
    let mut scene = Scene::serving(terms(2));
    for pid in scene.alive() {
        scene.hangs(pid);
    }
    scene.now = scene.now.after(secs(600));
    scene.intent(Intent::ReopenLogs);
    scene.tell(Event::Deadline);
    assert!(scene.autopsies().is_empty(), "{:?}", scene.step());
    assert!(scene.pass(secs(1)).autopsies().is_empty());
}
