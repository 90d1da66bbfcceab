//! Workers that somebody else forks, who takes his time: nothing waits for the answer, and none comes too late.

use crate::scene::{Scene, killed, millis, secs, terms};
use rustcorn::supervisor::{Action, Cause, Event, Intent, SlotState, Symptom};
use rustcorn::types::{Generation, Level, Signal, SlotId, exit};

/// Two workers serve, and one that has died is to be forked again, which takes its time.
fn scene() -> (Scene, SlotId) {
    let mut scene = Scene::serving(terms(2));
    scene.late_fork = true;
    let pid = scene.alive()[0];
    let slot = scene.slot_of(pid);
    assert_eq!(scene.crashes(pid).spawned(), [(slot, Generation::FIRST)]);
    assert_eq!((scene.count(SlotState::Starting), scene.ordered()), (1, vec![slot]));
    (scene, slot)
}

fn not_wanted(slot: SlotId) -> Event {
    Event::SpawnFailed { slot, reason: "it is not wanted any more".into() }
}

#[test]
fn a_late_worker_is_as_good_as_any() {
    let (mut scene, slot) = scene();
    scene.pass(secs(4));
    let pid = scene.forks(slot);
    scene.ready(pid);
    assert_eq!((scene.count(SlotState::Ready), scene.ordered()), (2, vec![]));
}

#[test]
fn a_stop_withdraws_it_and_waits_for_nobody_else() {
    for intent in [Intent::StopGracefully, Intent::StopQuickly] {
        let (mut scene, slot) = scene();
        scene.intent(intent);
        assert!(scene.withdrawn().contains(&slot), "{intent:?}: {:?}", scene.step());
        let other = scene.alive()[0];
        scene.tell(not_wanted(slot));
        assert!(!scene.logs(Level::Warning, ""), "nobody misses it: {:?}", scene.step());
        assert_eq!(scene.leaves(other).exits(), Some(exit::OK));
    }
}

#[test]
fn who_was_forked_all_the_same_is_told_what_was_said_meanwhile() {
    for (intent, pause, signal) in [
        (Intent::StopGracefully, secs(0), Signal::TERM),
        (Intent::StopQuickly, secs(0), Signal::QUIT),
        (Intent::StopQuickly, secs(3), Signal::KILL),
    ] {
        let (mut scene, slot) = scene();
        scene.intent(intent).pass(pause);
        let pid = scene.forks(slot);
        assert_eq!(scene.signals(), [(pid, signal)]);
        assert_eq!(scene.exits(), None, "not before it is gone");
    }
}

#[test]
fn a_reload_is_not_kept_from_its_end_by_what_is_still_to_be_forked() {
    let (mut scene, slot) = scene();
    scene.late_fork = false;
    let generation = scene.reload(terms(2));
    let first = scene.of(generation)[0];
    scene.ready(first);
    assert_eq!(scene.withdrawn(), [slot], "the generation that serves is another one now");
    scene.tell(not_wanted(slot)).roll();
    assert!(scene.logs(Level::Info, "Reload done: 2 workers"), "{:?}", scene.step());
}

#[test]
fn a_process_that_is_never_there_is_a_boot_that_takes_too_long() {
    let mut scene = Scene::serving(terms(2));
    scene.late_fork = true;
    scene.reload(terms(2));
    let slot = scene.ordered()[0];
    scene.pass(secs(60));
    assert_eq!(scene.withdrawn(), [slot]);
    scene.tell(not_wanted(slot));
    assert!(scene.logs(Level::Error, "abandoned: generation 2 cannot boot"), "{:?}", scene.step());
    assert_eq!(scene.count(SlotState::Ready), 2);
}

#[test]
fn a_process_that_comes_after_its_boot_timeout_is_killed_for_it() {
    let mut scene = Scene::serving(terms(2));
    scene.late_fork = true;
    scene.reload(terms(2));
    let slot = scene.ordered()[0];
    scene.pass(secs(60) + millis(100));
    let pid = scene.forks(slot);
    assert_eq!(scene.signals(), [(pid, Signal::KILL)]);
    scene.dies(pid, killed(Signal::KILL));
    let symptom = Symptom::BootTimeout(secs(60));
    assert_eq!(scene.obituaries(), [(pid, Cause::Killed(symptom))]);
    assert!(!scene.step().iter().any(|action| matches!(action, Action::Exit(_))));
}

#[test]
fn who_loads_for_a_worker_sits_in_its_seat_until_the_worker_is_there() {
    let mut scene = Scene::serving(terms(1));
    scene.reload(terms(1));
    let loads = scene.booting()[0];
    let slot = scene.slot_of(loads);
    let worker = rustcorn::types::Pid(4_000);
    scene.tell(Event::Started { slot, pid: worker });
    scene.tell(Event::Ready { pid: loads });
    assert_eq!(scene.count(SlotState::Ready), 1, "its own words are not the worker's");
    scene.tell(Event::Ready { pid: worker });
    assert_eq!(scene.count(SlotState::Ready) + scene.count(SlotState::Stopping), 2);
}
