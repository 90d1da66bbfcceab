//! USR2: another arbiter beside us, from its start to its death or ours; and the end of our own being one.

use crate::scene::{Scene, killed, secs, terms};
use rustcorn::supervisor::{Action, Event, Intent, Phase};
use rustcorn::types::{ExitStatus, Generation, Level, Pid, Signal};

const NEW: Pid = Pid(9_000);

fn upgrading() -> Scene {
    let mut scene = Scene::serving(terms(2));
    scene.intent(Intent::Upgrade);
    assert!(scene.step().contains(&Action::StartUpgrade));
    scene.tell(Event::UpgradeStarted { pid: NEW });
    scene
}

#[test]
fn the_upgrade_is_announced_when_it_serves() {
    let mut scene = upgrading();
    assert!(scene.announced().is_empty(), "nothing before it is true");
    assert_eq!(scene.tell(Event::UpgradeReady { pid: NEW }).announced(), [Phase::Upgraded { pid: NEW }]);
    assert!(scene.signals().is_empty(), "the operator decides when we go");
}

#[test]
fn one_upgrade_at_a_time() {
    let mut scene = upgrading();
    assert!(!scene.intent(Intent::Upgrade).step().contains(&Action::StartUpgrade));
    scene.tell(Event::UpgradeReady { pid: NEW });
    assert!(!scene.intent(Intent::Upgrade).step().contains(&Action::StartUpgrade));
}

#[test]
fn an_upgrade_that_dies_makes_us_the_main_process_again() {
    let mut scene = upgrading();
    scene.tell(Event::UpgradeReady { pid: NEW });
    scene.tell(Event::Exited { pid: NEW, status: ExitStatus::Code(1) });
    // Who follows us now is told how things stand, too.
    assert!(matches!(scene.announced()[..], [Phase::UpgradeLost, Phase::Serving { ready: 2, .. }]));
    assert!(scene.logs(Level::Warning, "exited with code 1"), "{:?}", scene.step());
    assert!(scene.obituaries().is_empty(), "it was no worker");
    assert!(scene.intent(Intent::Upgrade).step().contains(&Action::StartUpgrade));
}

#[test]
fn an_upgrade_that_dies_before_it_serves_is_told() {
    let mut scene = upgrading();
    scene.tell(Event::Exited { pid: NEW, status: killed(Signal(11)) });
    assert!(scene.logs(Level::Warning, "SIGSEGV"), "{:?}", scene.step());
    assert_eq!(scene.alive().len(), 2);
    assert!(scene.spawned().is_empty());
}

#[test]
fn an_upgrade_that_cannot_start_is_told_and_may_be_tried_again() {
    let mut scene = Scene::serving(terms(1));
    scene.intent(Intent::Upgrade);
    scene.tell(Event::UpgradeFailed { reason: "cannot execute rustcorn: no such file".into() });
    assert!(scene.logs(Level::Error, "no such file"));
    assert!(scene.intent(Intent::Upgrade).step().contains(&Action::StartUpgrade));
}

#[test]
fn the_old_arbiter_stops_without_its_upgrade() {
    let mut scene = upgrading();
    scene.tell(Event::UpgradeReady { pid: NEW });
    scene.intent(Intent::StopGracefully);
    let pids = scene.alive();
    assert!(scene.signals().iter().all(|(pid, _)| *pid != NEW), "{:?}", scene.signals());
    scene.leaves(pids[0]);
    assert_eq!(scene.leaves(pids[1]).exits(), Some(0), "it waits for its workers, not for its upgrade");
}

#[test]
fn workers_are_looked_after_while_an_upgrade_runs() {
    let mut scene = upgrading();
    let pid = scene.alive()[0];
    assert_eq!(scene.crashes(pid).spawned().len(), 1);
    scene.all_ready().pass(secs(60));
    assert_eq!(scene.alive().len(), 2);
}

#[test]
fn the_upgrade_alone_is_the_main_process() {
    let mut scene = Scene::serving(terms(1));
    assert!(matches!(scene.tell(Event::Promoted).announced()[..], [Phase::Promoted, Phase::Serving { .. }]));
}

#[test]
fn listeners_settle_when_the_arbiter_before_us_is_gone() {
    let mut scene = Scene::beside_another(terms(2));
    scene.all_ready();
    assert!(scene.settled().is_empty());
    let generation = scene.reload(terms(2));
    scene.roll();
    assert!(scene.settled().is_empty(), "the other one's workers still serve");
    assert_eq!(scene.tell(Event::Promoted).settled(), [generation]);
    assert!(scene.tell(Event::Promoted).settled().is_empty());
}

#[test]
fn whoever_is_promoted_before_it_serves_settles_when_it_does() {
    let mut scene = Scene::beside_another(terms(1));
    assert!(scene.tell(Event::Promoted).settled().is_empty());
    assert_eq!(scene.all_ready().settled(), [Generation::FIRST]);
}

#[test]
fn listeners_do_not_settle_while_another_arbiter_serves_from_them() {
    let mut scene = upgrading();
    let generation = scene.reload(terms(2));
    scene.roll();
    assert!(scene.settled().is_empty());
    scene.tell(Event::Exited { pid: NEW, status: ExitStatus::Code(1) });
    assert_eq!(scene.settled(), [generation]);
}

#[test]
fn an_upgrade_waits_until_the_sockets_of_before_are_left() {
    let mut scene = Scene::serving(terms(1));
    let until = scene.now.after(secs(2));
    scene.tell(Event::SocketsLeave { until });
    for _ in 0..2 {
        assert!(!scene.intent(Intent::Upgrade).step().contains(&Action::StartUpgrade));
    }
    scene.pass(secs(2));
    assert!(matches!(scene.step(), [Action::CloseLeft]), "{:?}", scene.step());
    assert!(scene.tell(Event::SocketsLeft).step().contains(&Action::StartUpgrade));
    assert!(!scene.logs(Level::Warning, "ignored"));
}
