//! Deaths of workers that served: one obituary, and the successor in the same breath.

use crate::scene::{Scene, killed, secs, terms};
use rustcorn::supervisor::{Action, Cause, Event, SlotState};
use rustcorn::types::{ExitStatus, Generation, Pid, Signal};

#[test]
fn a_crashed_worker_is_replaced_in_the_same_step() {
    let mut scene = Scene::serving(terms(2));
    let pid = scene.alive()[0];
    let slot = scene.slot_of(pid);
    scene.dies(pid, killed(Signal::KILL));
    let obituary = scene.step().iter().position(|action| matches!(action, Action::Obituary { .. }));
    let spawn = scene.step().iter().position(|action| matches!(action, Action::Spawn { .. }));
    assert!(obituary < spawn && obituary.is_some(), "{:?}", scene.step());
    assert_eq!(scene.obituaries(), [(pid, Cause::Unexpected)]);
    assert_eq!(scene.spawned(), [(slot, Generation::FIRST)]);
}

#[test]
fn exit_codes_of_the_boot_are_a_crash_like_any_other_later() {
    for code in [0, 1, 3, 4] {
        let mut scene = Scene::serving(terms(1));
        let pid = scene.alive()[0];
        scene.dies(pid, ExitStatus::Code(code));
        assert_eq!((scene.exits(), scene.spawned().len()), (None, 1), "code {code}");
    }
}

#[test]
fn all_workers_at_once_come_back_at_once() {
    let mut scene = Scene::serving(terms(4));
    for pid in scene.alive() {
        assert_eq!(scene.dies(pid, killed(Signal::KILL)).spawned().len(), 1);
    }
    assert_eq!(scene.count(SlotState::Starting), 4);
    scene.all_ready();
    assert_eq!(scene.count(SlotState::Ready), 4);
}

#[test]
fn strangers_are_nothing_to_the_machine() {
    let mut scene = Scene::serving(terms(1));
    let before = scene.machine.slots();
    let stranger = Pid(4242);
    for event in [
        Event::Exited { pid: stranger, status: ExitStatus::Code(0) },
        Event::Ready { pid: stranger },
        Event::Traced { pid: stranger },
        Event::BootFailed { pid: stranger, code: 3, reason: "who?".into() },
        Event::RecycleWanted { pid: stranger, reason: "who?".into(), due: true },
        Event::Leaving { pid: stranger },
        Event::UpgradeReady { pid: stranger },
    ] {
        let unmoved = scene.tell(event.clone()).step().iter().all(|action| matches!(action, Action::Log(..)));
        assert!(unmoved, "{event:?}: {:?}", scene.step());
    }
    assert_eq!(scene.machine.slots(), before);
}

#[test]
fn a_death_is_told_once() {
    let mut scene = Scene::serving(terms(1));
    let pid = scene.alive()[0];
    assert_eq!(scene.crashes(pid).obituaries().len(), 1);
    assert!(scene.crashes(pid).obituaries().is_empty());
}

#[test]
fn a_worker_reported_ready_twice_counts_once() {
    let mut scene = Scene::serving(terms(2));
    let pid = scene.alive()[0];
    assert!(scene.ready(pid).step().is_empty(), "{:?}", scene.step());
    assert_eq!(scene.count(SlotState::Ready), 2);
}

#[test]
fn one_slots_crash_leaves_the_others_alone() {
    let mut scene = Scene::serving(terms(3));
    let pids = scene.alive();
    scene.crashes(pids[1]).pass(secs(1));
    assert!(scene.signals().is_empty());
    assert_eq!(scene.count(SlotState::Ready), 2);
}
