//! Slots that keep dying: the patience between attempts grows, then the slot is called broken, visibly.

use crate::scene::{Scene, millis, secs, terms};
use rustcorn::supervisor::{Phase, SlotState};
use rustcorn::types::{ExitStatus, Pid, Signal};
use std::time::Duration;

/// A server whose second slot has lost its worker to a crash; its successor boots.
fn with_a_booting_slot() -> (Scene, Pid) {
    let mut scene = Scene::serving(terms(2));
    let pid = scene.alive()[1];
    scene.crashes(pid);
    let newcomer = scene.booting()[0];
    (scene, newcomer)
}

/// Lets `pid` die while booting and waits for the next attempt; how long that took, and who it is.
fn next_attempt(scene: &mut Scene, pid: Pid) -> (Duration, Pid) {
    let died = scene.now;
    scene.dies(pid, ExitStatus::Code(3));
    while scene.booting().is_empty() {
        let due = scene.machine.next_deadline().expect("somebody will try again");
        scene.pass(due.since(scene.now));
        assert!(scene.now.since(died) < secs(300), "nobody tries again");
    }
    (scene.now.since(died), scene.booting()[0])
}

#[test]
fn deaths_before_ready_are_answered_with_growing_patience() {
    let (mut scene, mut pid) = with_a_booting_slot();
    for expected in [0, 500, 1_000, 2_000, 4_000] {
        let (waited, newcomer) = next_attempt(&mut scene, pid);
        assert_eq!(waited, millis(expected));
        pid = newcomer;
    }
}

/// Lets the booting slot die until it is broken.
fn break_slot(scene: &mut Scene, mut pid: Pid) {
    for _ in 0..8 {
        scene.dies(pid, ExitStatus::Code(3));
        if scene.count(SlotState::Broken) == 1 {
            return;
        }
        let mut announcements = scene.announced();
        scene.pass(secs(9));
        announcements.extend(scene.announced());
        pid = scene.booting()[0];
    }
    panic!("eight deaths before Ready do not break a slot");
}

#[test]
fn a_slot_that_never_boots_is_broken_and_said_to_be() {
    let (mut scene, pid) = with_a_booting_slot();
    break_slot(&mut scene, pid);
    let (_, ready, wanted, broken, _) = scene.serves().expect("a broken slot is announced");
    assert_eq!((ready, wanted, broken), (1, 2, 1));
    assert_eq!(scene.exits(), None);
}

#[test]
fn a_broken_slot_is_tried_every_minute_and_mended_when_it_boots() {
    let (mut scene, pid) = with_a_booting_slot();
    break_slot(&mut scene, pid);
    for _ in 0..3 {
        assert!(scene.pass(millis(59_900)).spawned().is_empty());
        assert_eq!(scene.pass(millis(100)).spawned().len(), 1);
        let pid = scene.booting()[0];
        scene.dies(pid, ExitStatus::Code(3));
        assert_eq!(scene.count(SlotState::Broken), 1);
    }
    scene.pass(secs(60));
    let pid = scene.booting()[0];
    let (_, ready, wanted, broken, _) = scene.ready(pid).serves().expect("the mended slot is announced");
    assert_eq!((ready, wanted, broken), (2, 2, 0));
}

#[test]
fn a_ready_worker_that_lives_ends_the_patience() {
    let (mut scene, mut pid) = with_a_booting_slot();
    for _ in 0..4 {
        pid = next_attempt(&mut scene, pid).1;
    }
    scene.ready(pid).pass(secs(2));
    assert_eq!(scene.crashes(pid).spawned().len(), 1);
    let pid = scene.booting()[0];
    assert_eq!(next_attempt(&mut scene, pid).0, millis(0));
}

/// Makes the newcomer ready and lets it die a moment later; how long the slot then waited.
fn early_death(scene: &mut Scene) -> Duration {
    let pid = scene.booting()[0];
    scene.ready(pid).pass(millis(100));
    next_attempt(scene, pid).0
}

#[test]
fn workers_that_die_right_after_ready_are_replaced_at_once_ten_times() {
    let (mut scene, _) = with_a_booting_slot();
    for attempt in 1..=10 {
        assert_eq!(early_death(&mut scene), millis(0), "early death {attempt}");
    }
    let later: Vec<Duration> = (0..3).map(|_| early_death(&mut scene)).collect();
    assert!(later.last() > Some(&millis(400)), "{later:?}");
}

#[test]
fn a_kill_is_no_crash_loop_however_often() {
    let (mut scene, _) = with_a_booting_slot();
    for attempt in 1..=30 {
        let pid = scene.booting()[0];
        scene.ready(pid).pass(millis(100));
        scene.dies(pid, ExitStatus::Signal { signal: Signal::KILL, core_dumped: false });
        assert_eq!(scene.booting().len(), 1, "after kill {attempt}");
    }
}

#[test]
fn a_longer_life_forgives_early_deaths() {
    let (mut scene, _) = with_a_booting_slot();
    for _ in 0..10 {
        early_death(&mut scene);
    }
    let pid = scene.booting()[0];
    scene.ready(pid).pass(secs(5));
    scene.crashes(pid);
    for _ in 0..10 {
        assert_eq!(early_death(&mut scene), millis(0));
    }
}

#[test]
fn a_waiting_slot_is_visible_and_costs_nothing_else() {
    let (mut scene, pid) = with_a_booting_slot();
    let (_, pid) = next_attempt(&mut scene, pid);
    scene.dies(pid, ExitStatus::Code(3));
    assert_eq!((scene.count(SlotState::Waiting), scene.count(SlotState::Ready)), (1, 1));
    assert!(!scene.announced().iter().any(|phase| matches!(phase, Phase::Stopping)));
}
