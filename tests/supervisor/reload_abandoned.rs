//! Reloads whose newcomers cannot boot: the old generation goes on as if nothing had been.

use crate::scene::{Scene, killed, secs, terms};
use rustcorn::supervisor::{Action, Intent, SlotState, Terms};
use rustcorn::types::{ExitStatus, Generation, Level, Signal, exit};

const FIRST: Generation = Generation::FIRST;

/// Asserts that the first generation serves alone, as before.
fn assert_untouched(scene: &Scene, workers: usize) {
    assert_eq!((scene.of(FIRST).len(), scene.alive().len()), (workers, workers));
    assert_eq!(scene.count(SlotState::Ready), workers);
    assert_eq!((scene.machine.target(), scene.machine.proven()), (FIRST, Some(FIRST)));
}

#[test]
fn a_newcomer_that_cannot_boot_ends_the_reload() {
    let mut scene = Scene::serving(terms(2));
    let new = scene.reload(terms(2));
    let newcomer = scene.of(new)[0];
    scene.boot_failed(newcomer, exit::WORKER_BOOT, "the migration is missing");
    let mut whole = scene.step().to_vec();
    scene.dies(newcomer, ExitStatus::Code(3));
    whole.extend_from_slice(scene.step());
    let told = |action: &Action| matches!(action, Action::Log(level, line) if *level >= Level::Error && line.contains("the migration is missing"));
    assert!(whole.iter().any(told), "{whole:?}");
    assert!(whole.contains(&Action::Forget { generation: new }), "{whole:?}");
    assert!(!whole.iter().any(|action| matches!(action, Action::Spawn { .. } | Action::Signal { .. })), "{whole:?}");
    assert_untouched(&scene, 2);
}

#[test]
fn the_trouble_is_shown_until_a_reload_succeeds() {
    let mut scene = Scene::serving(terms(1));
    let new = scene.reload(terms(1));
    let newcomer = scene.of(new)[0];
    scene.boot_failed(newcomer, exit::WORKER_BOOT, "the migration is missing");
    let said = scene.serves();
    let (generation, .., trouble) = scene.dies(newcomer, ExitStatus::Code(3)).serves().or(said).expect("serving");
    assert_eq!(generation, FIRST);
    assert!(trouble.is_some_and(|trouble| trouble.contains("the migration is missing")));
    let newest = scene.reload(terms(1));
    scene.roll();
    assert_eq!(scene.serves(), Some((newest, 1, 1, 0, None)));
}

#[test]
fn a_silent_death_ends_the_reload_too() {
    let mut scene = Scene::serving(terms(2));
    let new = scene.reload(terms(2));
    let newcomer = scene.of(new)[0];
    scene.crashes(newcomer);
    assert_eq!(scene.forgotten(), [new]);
    assert_untouched(&scene, 2);
}

#[test]
fn a_newcomer_that_never_boots_ends_the_reload() {
    let mut scene = Scene::serving(terms(2));
    let new = scene.reload(Terms { boot_timeout: secs(7), ..terms(2) });
    let newcomer = scene.of(new)[0];
    assert!(scene.pass(secs(6)).autopsies().is_empty());
    scene.pass(secs(2));
    assert_eq!(scene.autopsies().len(), 1);
    let mut whole = scene.step().to_vec();
    scene.pass(secs(5));
    whole.extend_from_slice(scene.step());
    assert!(whole.contains(&Action::Signal { pid: newcomer, signal: Signal::KILL }), "{whole:?}");
    scene.dies(newcomer, killed(Signal::KILL));
    whole.extend_from_slice(scene.step());
    assert!(whole.contains(&Action::Forget { generation: new }), "{whole:?}");
    assert_untouched(&scene, 2);
}

#[test]
fn all_newcomers_leave_when_one_cannot_boot() {
    let mut scene = Scene::serving(terms(3));
    let new = scene.reload(Terms { surge: 3, ..terms(3) });
    let newcomers = scene.of(new);
    scene.boot_failed(newcomers[0], exit::WORKER_BOOT, "no");
    let mut retired = scene.retired();
    scene.dies(newcomers[0], ExitStatus::Code(3));
    retired.extend(scene.retired());
    assert_eq!(retired, newcomers[1..]);
    scene.pass(secs(2));
    for pid in &newcomers[1..] {
        scene.leaves(*pid);
    }
    assert_untouched(&scene, 3);
}

#[test]
fn the_old_terms_hold_again() {
    let mut scene = Scene::serving(terms(2));
    let new = scene.reload(Terms { timeout: secs(1), ..terms(5) });
    let newcomer = scene.of(new)[0];
    scene.crashes(newcomer);
    scene.roll();
    assert_eq!(scene.machine.wanted(), 2);
    assert_untouched(&scene, 2);
    let pid = scene.alive()[0];
    scene.hangs(pid);
    assert!(scene.pass(secs(20)).autopsies().is_empty());
}

#[test]
fn newcomers_that_served_already_go_when_the_old_suffice_again() {
    let mut scene = Scene::serving(terms(3));
    let old = scene.alive();
    let new = scene.reload(terms(3));
    let first = scene.of(new)[0];
    scene.ready(first);
    assert_eq!(scene.retired(), [old[0]]);
    scene.leaves(old[0]);
    let second = scene.booting()[0];
    scene.boot_failed(second, exit::WORKER_BOOT, "the database has no seat left");
    assert!(!scene.retired().contains(&first), "two old ones do not suffice");
    scene.dies(second, ExitStatus::Code(3));
    assert!(!scene.retired().contains(&first), "{:?}", scene.step());
    scene.all_ready();
    scene.roll();
    assert_untouched(&scene, 3);
}

#[test]
fn a_reload_after_an_abandoned_one_takes_its_course() {
    let mut scene = Scene::serving(terms(2));
    for _ in 0..3 {
        let new = scene.reload(terms(2));
        let newcomer = scene.of(new)[0];
        scene.crashes(newcomer);
    }
    assert_untouched(&scene, 2);
    let new = scene.reload(terms(2));
    scene.roll();
    assert_eq!((scene.of(new).len(), scene.alive().len()), (2, 2));
}

#[test]
fn hup_after_winch_with_a_broken_application_is_abandoned_as_well() {
    let mut scene = Scene::serving(terms(2));
    scene.intent(Intent::RetireWorkers);
    scene.roll();
    let new = scene.reload(terms(2));
    for pid in scene.of(new) {
        scene.crashes(pid);
    }
    assert_eq!(scene.exits(), None);
    assert_eq!(scene.machine.target(), FIRST);
    assert!(scene.machine.next_deadline().is_some() || !scene.alive().is_empty() || scene.machine.wanted() == 0);
}
