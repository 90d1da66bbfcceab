//! Stopping: graceful, quick, impatient; and nobody is left behind.

use crate::scene::{Scene, killed, millis, secs, terms};
use rustcorn::supervisor::{Action, Cause, Event, Intent, Phase, SlotState, Symptom};
use rustcorn::types::{ExitStatus, Signal, exit};

#[test]
fn a_graceful_stop_asks_everybody_and_waits_for_them() {
    let mut scene = Scene::serving(terms(2));
    let pids = scene.alive();
    scene.intent(Intent::StopGracefully);
    assert_eq!(scene.announced(), [Phase::Stopping]);
    assert!(scene.step().contains(&Action::CloseListeners));
    assert_eq!(scene.retired(), pids);
    scene.leaves(pids[0]);
    assert_eq!(scene.obituaries(), [(pids[0], Cause::Asked)]);
    assert_eq!((scene.exits(), scene.spawned()), (None, vec![]));
    scene.leaves(pids[1]);
    assert_eq!(scene.exits(), Some(exit::OK));
    assert!(matches!(scene.step().last(), Some(Action::Exit(_))));
}

#[test]
fn a_crash_during_a_stop_is_not_replaced() {
    let mut scene = Scene::serving(terms(2));
    let pids = scene.alive();
    scene.intent(Intent::StopGracefully).crashes(pids[0]);
    assert!(scene.spawned().is_empty());
    assert!(scene.pass(secs(20)).spawned().is_empty());
}

#[test]
fn who_does_not_leave_in_time_is_killed() {
    let mut scene = Scene::serving(terms(1));
    let pid = scene.alive()[0];
    scene.intent(Intent::StopGracefully);
    assert!(scene.pass(secs(30)).signals().is_empty(), "{:?}", scene.step());
    scene.pass(secs(2));
    assert!(matches!(scene.autopsies()[..], [(who, Symptom::DrainOverdue(_))] if who == pid), "{:?}", scene.step());
    assert_eq!(scene.signals(), [(pid, Signal::KILL)]);
    scene.dies(pid, killed(Signal::KILL));
    assert!(matches!(scene.obituaries()[..], [(_, Cause::Killed(Symptom::DrainOverdue(_)))]), "{:?}", scene.step());
    assert_eq!(scene.exits(), Some(exit::OK));
}

#[test]
fn a_quick_stop_is_quick_whatever_the_worker_does() {
    let mut scene = Scene::serving(terms(2));
    let pids = scene.alive();
    scene.intent(Intent::StopQuickly);
    assert_eq!(scene.signals(), [(pids[0], Signal::QUIT), (pids[1], Signal::QUIT)]);
    scene.dies(pids[0], ExitStatus::Code(0));
    assert!(scene.pass(millis(1_400)).signals().is_empty());
    assert_eq!(scene.pass(millis(100)).signals(), [(pids[1], Signal::KILL)]);
    scene.dies(pids[1], killed(Signal::KILL));
    assert_eq!(scene.obituaries(), [(pids[1], Cause::QuickStop)]);
    assert_eq!(scene.exits(), Some(exit::OK));
}

#[test]
fn a_second_request_makes_a_graceful_stop_quick() {
    for second in [Intent::StopGracefully, Intent::StopQuickly] {
        let mut scene = Scene::serving(terms(2));
        let pids = scene.alive();
        scene.intent(Intent::StopGracefully).pass(secs(1));
        scene.intent(second);
        assert_eq!(scene.signals(), [(pids[0], Signal::QUIT), (pids[1], Signal::QUIT)], "{second:?}");
        let announced = scene.announced();
        assert!(!announced.contains(&Phase::Stopping), "said once: {announced:?}");
        scene.pass(millis(1_500));
        assert_eq!(scene.signals(), [(pids[0], Signal::KILL), (pids[1], Signal::KILL)], "{second:?}");
    }
}

#[test]
fn more_requests_during_a_quick_stop_change_nothing() {
    let mut scene = Scene::serving(terms(1));
    let pid = scene.alive()[0];
    scene.intent(Intent::StopQuickly);
    for _ in 0..3 {
        scene.pass(millis(300));
        scene.intent(Intent::StopGracefully);
        assert!(!scene.signals().contains(&(pid, Signal::TERM)));
    }
    scene.pass(millis(600));
    assert_eq!(scene.signals(), [(pid, Signal::KILL)]);
}

#[test]
fn workers_that_boot_are_stopped_as_well() {
    let mut scene = Scene::serving(terms(2));
    let pid = scene.alive()[0];
    scene.crashes(pid);
    let pids = scene.alive();
    scene.intent(Intent::StopGracefully);
    assert!(pids.iter().all(|pid| scene.retired().contains(pid)), "{:?}", scene.step());
    let newcomer = pids[1];
    scene.ready(newcomer);
    assert_eq!(scene.count(SlotState::Ready), 0, "it became ready too late to count");
    scene.leaves(newcomer);
    assert_eq!(scene.leaves(pids[0]).exits(), Some(exit::OK));
}

#[test]
fn a_stop_without_a_worker_ends_at_once() {
    let mut scene = Scene::serving(terms(1));
    scene.intent(Intent::RetireWorkers);
    let pid = scene.alive()[0];
    scene.leaves(pid);
    scene.intent(Intent::StopGracefully);
    assert_eq!(scene.exits(), Some(exit::OK));
    assert!(matches!(scene.step().last(), Some(Action::Exit(_))));
}

#[test]
fn a_stop_in_the_middle_of_a_reload_takes_both_generations() {
    let mut scene = Scene::serving(terms(2));
    scene.reload(terms(2));
    assert_eq!(scene.alive().len(), 3);
    let pids = scene.alive();
    scene.intent(Intent::StopGracefully);
    assert_eq!(scene.retired().len(), 3);
    assert!(pids.iter().all(|pid| scene.retired().contains(pid)));
    for pid in pids {
        assert!(scene.leaves(pid).spawned().is_empty());
    }
    assert_eq!(scene.exits(), Some(exit::OK));
}

#[test]
fn what_is_loaded_too_late_starts_nobody() {
    let mut scene = Scene::serving(terms(1));
    let pid = scene.alive()[0];
    scene.intent(Intent::Reload);
    let generation = scene.load_wanted().expect("a load");
    scene.intent(Intent::StopGracefully);
    scene.tell(Event::Loaded { generation, terms: terms(1) });
    assert!(scene.spawned().is_empty());
    assert_eq!(scene.leaves(pid).exits(), Some(exit::OK));
}

#[test]
fn nothing_else_is_begun_while_stopping() {
    let mut scene = Scene::serving(terms(2));
    scene.intent(Intent::StopGracefully);
    for intent in [Intent::Reload, Intent::MoreWorkers, Intent::FewerWorkers, Intent::Upgrade, Intent::RetireWorkers] {
        scene.intent(intent);
        let idle = |action: &Action| matches!(action, Action::Log(..));
        assert!(scene.step().iter().all(idle), "{intent:?}: {:?}", scene.step());
    }
}

#[test]
fn logs_are_reopened_even_while_stopping() {
    let mut scene = Scene::serving(terms(1));
    scene.intent(Intent::StopGracefully).intent(Intent::ReopenLogs);
    assert!(scene.step().contains(&Action::ReopenLogs));
}
