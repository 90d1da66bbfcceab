//! Workers that somebody else's signal tells to leave: `kill -TERM` of a worker.

use crate::scene::{Scene, millis, secs, terms};
use rustcorn::supervisor::{Cause, Event, Intent, SlotState, Symptom};
use rustcorn::types::{Generation, Level, Pid};

fn told(scene: &mut Scene, pid: Pid) {
    scene.tell(Event::Leaving { pid });
}

#[test]
fn the_successor_is_started_before_it_is_gone() {
    let mut scene = Scene::serving(terms(1));
    let leaving = scene.alive()[0];
    told(&mut scene, leaving);
    assert_eq!((scene.spawned().len(), scene.signals().len()), (1, 0), "{:?}", scene.step());
    assert!(scene.logs(Level::Info, "leaves, by somebody else's signal"));
    scene.all_ready();
    assert_eq!((scene.count(SlotState::Ready), scene.alive().len()), (1, 2));
    scene.leaves(leaving);
    assert_eq!(scene.obituaries(), [(leaving, Cause::Told)]);
    assert!(scene.spawned().is_empty());
    assert_eq!((scene.count(SlotState::Ready), scene.alive().len()), (1, 1));
}

#[test]
fn all_of_them_at_once_have_successors_beyond_the_cap() {
    let mut scene = Scene::serving(terms(4));
    for pid in scene.alive() {
        told(&mut scene, pid);
        assert_eq!(scene.spawned().len(), 1);
    }
    scene.all_ready();
    assert_eq!((scene.count(SlotState::Ready), scene.alive().len()), (4, 8));
}

#[test]
fn whom_we_have_told_only_says_so() {
    let mut scene = Scene::serving(terms(2));
    scene.intent(Intent::FewerWorkers);
    let leaving = scene.retired()[0];
    told(&mut scene, leaving);
    assert!(scene.step().is_empty(), "{:?}", scene.step());
    scene.leaves(leaving);
    assert_eq!(scene.obituaries(), [(leaving, Cause::Asked)]);
}

#[test]
fn it_has_the_grace_of_a_retired_one() {
    let mut scene = Scene::serving(terms(1));
    let leaving = scene.alive()[0];
    told(&mut scene, leaving);
    scene.all_ready();
    assert!(scene.pass(secs(30)).autopsies().is_empty());
    assert_eq!(scene.pass(secs(1)).autopsies(), [(leaving, Symptom::DrainOverdue(secs(30)))]);
}

#[test]
fn a_signal_before_ready_is_heard_wants_a_successor_and_is_no_boot_failure() {
    let mut scene = Scene::start(terms(1));
    let leaving = scene.booting()[0];
    told(&mut scene, leaving);
    assert_eq!(scene.spawned().len(), 1);
    scene.ready(leaving);
    assert_eq!(scene.count(SlotState::Ready), 0, "it accepts nothing");
    scene.leaves(leaving);
    assert_eq!((scene.exits(), scene.obituaries()), (None, vec![(leaving, Cause::Told)]));
    scene.all_ready();
    assert_eq!(scene.count(SlotState::Ready), 1);
}

#[test]
fn during_a_reload_the_generation_that_serves_is_kept_whole() {
    let mut scene = Scene::serving(terms(2));
    scene.reload(terms(2));
    let old = scene.of(Generation::FIRST);
    for pid in &old {
        told(&mut scene, *pid);
    }
    assert_eq!(scene.spawned().iter().filter(|(_, generation)| *generation == Generation::FIRST).count(), 1);
    let leaving = old[0];
    scene.leaves(old[1]);
    scene.leaves(leaving).roll();
    assert_eq!((scene.of(Generation::FIRST).len(), scene.alive().len()), (0, 2));
}

#[test]
fn workers_that_end_themselves_as_soon_as_they_serve_are_no_storm() {
    let mut scene = Scene::serving(terms(1));
    let mut boots = 0;
    for _ in 0..60 {
        if let Some(pid) = scene.booting().first().copied() {
            boots += 1;
            scene.ready(pid);
        }
        if let Some(pid) = scene.alive().first().copied() {
            told(&mut scene, pid);
            scene.leaves(pid);
        }
        scene.pass(millis(100));
    }
    assert!((10..18).contains(&boots), "{boots} boots in 6 s");
}

#[test]
fn a_stop_waits_for_it_and_sends_nothing_more() {
    let mut scene = Scene::serving(terms(1));
    let leaving = scene.alive()[0];
    told(&mut scene, leaving);
    let successor = scene.booting()[0];
    assert_eq!(scene.intent(Intent::StopGracefully).retired(), [successor]);
    scene.leaves(successor);
    assert_eq!(scene.exits(), None);
    assert_eq!(scene.leaves(leaving).exits(), Some(0));
}
