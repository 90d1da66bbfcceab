//! max_requests, max_rss, max_worker_lifetime: the successor first.

use crate::scene::{Scene, millis, secs, terms};
use rustcorn::supervisor::{Cause, Event, Intent, SlotState};
use rustcorn::types::{Level, Pid};

fn recycle(scene: &mut Scene, pid: Pid) {
    scene.tell(Event::RecycleWanted { pid, reason: "max_requests reached (1000)".into(), due: true });
}

fn outgrows(scene: &mut Scene, pid: Pid) {
    scene.tell(Event::RecycleWanted { pid, reason: "it uses 60 MB of memory".into(), due: false });
}

#[test]
fn a_limit_that_no_worker_can_keep_is_a_warning_and_the_pauses_grow() {
    let mut scene = Scene::serving(terms(1));
    for wait in [0, 500, 1_000, 2_000, 4_000, 8_000, 8_000] {
        let worn = scene.alive()[0];
        outgrows(&mut scene, worn);
        assert!(scene.logs(Level::Warning, "less than the application needs"), "{:?}", scene.step());
        if wait > 0 {
            assert!(
                scene.spawned().is_empty() && scene.pass(millis(wait - 1)).spawned().is_empty(),
                "before {wait} ms"
            );
            assert_eq!((scene.pass(millis(1)).spawned().len(), scene.retired().len()), (1, 0), "after {wait} ms");
        }
        let successor = scene.booting()[0];
        assert_eq!(scene.ready(successor).retired(), [worn]);
        scene.leaves(worn);
    }
    // One that has worked for long has not outgrown its limit at once.
    scene.pass(secs(11));
    let worn = scene.alive()[0];
    outgrows(&mut scene, worn);
    assert!(scene.spawned().len() == 1 && !scene.logs(Level::Warning, "needs"), "{:?}", scene.step());
    scene.roll();
    let worn = scene.alive()[0];
    outgrows(&mut scene, worn);
    assert_eq!(scene.spawned().len(), 1, "the row has ended");
}

#[test]
fn work_that_is_done_soon_delays_nothing() {
    let mut scene = Scene::serving(terms(1));
    for _ in 0..30 {
        let worn = scene.alive()[0];
        recycle(&mut scene, worn);
        assert!(scene.spawned().len() == 1 && !scene.logs(Level::Warning, ""), "{:?}", scene.step());
        scene.roll();
    }
}

#[test]
fn new_settings_are_a_new_chance_and_a_crash_does_not_wait_for_the_pause() {
    let mut scene = Scene::serving(terms(1));
    for _ in 0..6 {
        let worn = scene.alive()[0];
        outgrows(&mut scene, worn);
        scene.pass(secs(8)).roll();
    }
    let worn = scene.alive()[0];
    outgrows(&mut scene, worn);
    assert!(scene.spawned().is_empty());
    assert_eq!(scene.crashes(worn).spawned().len(), 1, "who serves nobody is replaced at once");
    scene.pass(secs(9));
    assert_eq!(scene.alive().len(), 1, "and once");
    scene.reload(terms(1));
    scene.roll();
    let worn = scene.alive()[0];
    outgrows(&mut scene, worn);
    assert_eq!(scene.spawned().len(), 1);
}

#[test]
fn the_successor_is_ready_before_the_worn_worker_goes() {
    let mut scene = Scene::serving(terms(2));
    let worn = scene.alive()[1];
    recycle(&mut scene, worn);
    assert_eq!((scene.spawned().len(), scene.retired().len()), (1, 0));
    let successor = scene.booting()[0];
    assert_eq!(scene.ready(successor).retired(), [worn], "the worn one, not the eldest");
    scene.leaves(worn);
    assert_eq!(scene.obituaries(), [(worn, Cause::Asked)]);
    assert!(scene.spawned().is_empty());
    assert_eq!((scene.count(SlotState::Ready), scene.alive().len()), (2, 2));
}

#[test]
fn asking_twice_is_asking_once() {
    let mut scene = Scene::serving(terms(2));
    let worn = scene.alive()[0];
    recycle(&mut scene, worn);
    recycle(&mut scene, worn);
    assert!(scene.spawned().is_empty());
    scene.roll();
    assert_eq!(scene.alive().len(), 2);
}

#[test]
fn all_at_once_stays_within_the_cap() {
    let mut scene = Scene::serving(terms(4));
    let worn = scene.alive();
    for pid in &worn {
        recycle(&mut scene, *pid);
        assert!(scene.alive().len() <= 5);
    }
    scene.roll();
    assert_eq!((scene.count(SlotState::Ready), scene.alive().len()), (4, 4));
    assert!(scene.alive().iter().all(|pid| !worn.contains(pid)));
}

#[test]
fn a_worn_worker_that_dies_first_has_its_successor_already() {
    let mut scene = Scene::serving(terms(2));
    let worn = scene.alive()[0];
    recycle(&mut scene, worn);
    scene.crashes(worn);
    scene.all_ready();
    scene.roll();
    assert_eq!((scene.count(SlotState::Ready), scene.alive().len()), (2, 2));
}

#[test]
fn a_successor_that_cannot_boot_keeps_the_worn_worker_serving() {
    let mut scene = Scene::serving(terms(1));
    let worn = scene.alive()[0];
    recycle(&mut scene, worn);
    for _ in 0..4 {
        let successor = scene.booting()[0];
        scene.crashes(successor);
        assert!(scene.retired().is_empty());
        scene.pass(secs(9));
    }
    assert_eq!(scene.count(SlotState::Ready), 1);
    let successor = scene.booting()[0];
    assert_eq!(scene.ready(successor).retired(), [worn]);
}

#[test]
fn a_reload_replaces_worn_workers_on_its_way() {
    let mut scene = Scene::serving(terms(2));
    let worn = scene.alive()[1];
    recycle(&mut scene, worn);
    let new = scene.reload(terms(2));
    scene.roll();
    assert_eq!((scene.of(new).len(), scene.alive().len()), (2, 2));
}

#[test]
fn a_reload_does_not_wait_for_a_worn_workers_successor() {
    let mut scene = Scene::serving(terms(2));
    let worn = scene.alive()[1];
    recycle(&mut scene, worn);
    let successor = scene.booting()[0];
    let new = scene.reload(terms(2));
    assert_eq!(scene.retired(), [successor], "it has the place of the first newcomer");
    scene.leaves(successor);
    assert_eq!(scene.of(new).len(), 1);
}

#[test]
fn ttou_during_a_reload_leaves_the_newcomers_a_place() {
    let mut scene = Scene::serving(terms(4));
    let new = scene.reload(terms(4));
    for _ in 0..3 {
        scene.intent(Intent::FewerWorkers);
    }
    scene.roll();
    assert_eq!((scene.of(new).len(), scene.alive().len()), (1, 1));
}

#[test]
fn ttou_takes_the_worn_one() {
    let mut scene = Scene::serving(terms(3));
    let worn = scene.alive()[2];
    recycle(&mut scene, worn);
    scene.intent(Intent::FewerWorkers);
    scene.roll();
    assert_eq!((scene.count(SlotState::Ready), scene.alive().len()), (2, 2));
    assert!(!scene.alive().contains(&worn));
}

#[test]
fn one_that_leaves_already_need_not_ask() {
    let mut scene = Scene::serving(terms(2));
    scene.intent(Intent::FewerWorkers);
    let leaving = scene.retired()[0];
    recycle(&mut scene, leaving);
    assert!(scene.spawned().is_empty() && scene.signals().is_empty());
}
