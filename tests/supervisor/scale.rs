//! TTIN, TTOU, WINCH.

use crate::scene::{Scene, secs, terms};
use rustcorn::supervisor::{Cause, Event, Intent, SlotState};
use rustcorn::types::Generation;

#[test]
fn one_more_is_started_at_once() {
    let mut scene = Scene::serving(terms(2));
    scene.intent(Intent::MoreWorkers);
    assert_eq!((scene.machine.wanted(), scene.spawned().len()), (3, 1));
    scene.all_ready();
    assert_eq!(scene.count(SlotState::Ready), 3);
    assert!(scene.retired().is_empty());
}

#[test]
fn one_fewer_lets_the_eldest_go() {
    let mut scene = Scene::serving(terms(3));
    let pids = scene.alive();
    scene.intent(Intent::FewerWorkers);
    assert_eq!(scene.machine.wanted(), 2);
    assert_eq!(scene.retired().len(), 1);
    let pid = scene.retired()[0];
    assert!(pids.contains(&pid));
    scene.leaves(pid);
    assert_eq!(scene.obituaries(), [(pid, Cause::Asked)]);
    assert!(scene.spawned().is_empty());
    assert!(scene.pass(secs(100)).spawned().is_empty());
}

#[test]
fn the_last_worker_stays() {
    let mut scene = Scene::serving(terms(2));
    for _ in 0..5 {
        scene.intent(Intent::FewerWorkers);
        scene.roll();
    }
    assert_eq!((scene.machine.wanted(), scene.count(SlotState::Ready)), (1, 1));
}

#[test]
fn the_scoreboard_bounds_growth() {
    let mut scene = Scene::with_capacity(terms(2), 8);
    scene.all_ready();
    for _ in 0..20 {
        scene.intent(Intent::MoreWorkers);
        scene.all_ready();
    }
    let wanted = scene.machine.wanted();
    assert!((5..=8).contains(&wanted), "wanted {wanted}");
    assert_eq!(scene.count(SlotState::Ready), usize::from(wanted));
    assert!(scene.machine.slots().iter().all(|view| view.slot.index() < 8));
}

#[test]
fn a_full_scoreboard_can_still_reload() {
    let mut scene = Scene::with_capacity(terms(2), 8);
    scene.all_ready();
    for _ in 0..20 {
        scene.intent(Intent::MoreWorkers);
        scene.all_ready();
    }
    scene.pass(secs(2));
    let generation = scene.reload(terms(2));
    scene.roll();
    assert_eq!((scene.of(generation).len(), scene.alive().len()), (2, 2));
}

#[test]
fn a_storm_of_both_ends_where_it_sums_up_to() {
    let mut scene = Scene::serving(terms(4));
    for _ in 0..50 {
        scene.intent(Intent::MoreWorkers).intent(Intent::FewerWorkers);
    }
    scene.roll();
    assert_eq!(scene.machine.wanted(), 4);
    assert_eq!((scene.count(SlotState::Ready), scene.alive().len()), (4, 4));
}

#[test]
fn fewer_workers_rather_keep_those_that_serve() {
    let mut scene = Scene::serving(terms(2));
    let serving = scene.alive();
    scene.intent(Intent::MoreWorkers);
    scene.intent(Intent::FewerWorkers);
    scene.roll();
    assert!(scene.count(SlotState::Ready) == 2 && scene.alive().len() == 2);
    assert!(scene.alive().iter().any(|pid| serving.contains(pid)));
}

#[test]
fn all_workers_can_be_retired_while_the_arbiter_stays() {
    let mut scene = Scene::serving(terms(3));
    let pids = scene.alive();
    scene.intent(Intent::RetireWorkers);
    assert_eq!((scene.machine.wanted(), scene.retired()), (0, pids.clone()));
    for pid in pids {
        assert!(scene.leaves(pid).spawned().is_empty());
    }
    assert!(scene.pass(secs(3_600)).spawned().is_empty());
    assert_eq!(scene.exits(), None);
    assert!(!scene.machine.is_stopping());
}

#[test]
fn retired_workers_do_not_come_back_by_a_load_from_before() {
    let mut scene = Scene::serving(terms(2));
    scene.intent(Intent::Reload);
    let generation = scene.load_wanted().expect("a load");
    scene.intent(Intent::RetireWorkers);
    scene.tell(Event::Loaded { generation, terms: terms(2) });
    assert_eq!((scene.forgotten(), scene.spawned().len()), (vec![generation], 0));
    scene.roll();
    assert!(scene.alive().is_empty());
    assert!(scene.reload(terms(2)) > generation);
}

#[test]
fn retiring_ends_a_reload_without_calling_it_a_failure() {
    let mut scene = Scene::serving(terms(2));
    let new = scene.reload(terms(2));
    scene.intent(Intent::RetireWorkers);
    assert_eq!((scene.forgotten(), scene.retired().len()), (vec![new], 3));
    assert_eq!(scene.serves(), Some((Generation::FIRST, 0, 0, 0, None)));
    scene.roll();
    scene.intent(Intent::MoreWorkers);
    assert_eq!(scene.spawned()[0].1, Generation::FIRST);
}

#[test]
fn a_reload_brings_retired_workers_back() {
    let mut scene = Scene::serving(terms(2));
    scene.intent(Intent::RetireWorkers);
    scene.roll();
    let generation = scene.reload(terms(2));
    scene.roll();
    assert_eq!(scene.of(generation).len(), 2);
    assert_eq!(scene.count(SlotState::Ready), 2);
    assert_eq!(scene.machine.proven(), Some(generation));
}

#[test]
fn ttin_brings_one_back() {
    let mut scene = Scene::serving(terms(3));
    scene.intent(Intent::RetireWorkers);
    scene.roll();
    scene.intent(Intent::MoreWorkers);
    assert_eq!((scene.machine.wanted(), scene.spawned().len()), (1, 1));
    assert!(scene.all_ready().retired().is_empty());
    assert_eq!(scene.machine.target(), Generation::FIRST);
}

#[test]
fn a_crash_among_retired_workers_is_not_replaced() {
    let mut scene = Scene::serving(terms(2));
    scene.intent(Intent::RetireWorkers);
    let pid = scene.alive()[0];
    assert!(scene.crashes(pid).spawned().is_empty());
}

#[test]
fn ttou_does_not_wake_retired_workers() {
    let mut scene = Scene::serving(terms(2));
    scene.intent(Intent::RetireWorkers);
    scene.roll();
    scene.intent(Intent::FewerWorkers);
    assert_eq!((scene.machine.wanted(), scene.spawned().len()), (0, 0));
}
