//! `--reload`: files change, a build runs, the result is taken over.

use crate::scene::{Scene, millis, secs, terms};
use rustcorn::supervisor::{Action, Event, Intent, Terms};
use rustcorn::types::Level;

fn building() -> Terms {
    Terms { build_on_change: true, ..terms(1) }
}

fn builds(scene: &Scene) -> usize {
    scene.step().iter().filter(|action| **action == Action::StartBuild).count()
}

#[test]
fn a_change_reloads_after_the_delay() {
    let mut scene = Scene::serving(terms(1));
    assert!(scene.tell(Event::FilesChanged).load_wanted().is_none());
    assert!(scene.pass(millis(240)).load_wanted().is_none());
    assert!(scene.pass(millis(10)).load_wanted().is_some());
    assert_eq!(builds(&scene), 0);
}

#[test]
fn the_delay_counts_from_the_last_change() {
    let mut scene = Scene::serving(terms(1));
    for _ in 0..10 {
        scene.tell(Event::FilesChanged);
        assert!(scene.pass(millis(200)).load_wanted().is_none());
    }
    assert!(scene.pass(millis(50)).load_wanted().is_some());
    assert!(scene.pass(secs(5)).load_wanted().is_none(), "one reload for all of them");
}

#[test]
fn a_build_that_succeeds_is_taken_over() {
    let mut scene = Scene::serving(building());
    scene.tell(Event::FilesChanged).pass(millis(250));
    assert_eq!((builds(&scene), scene.load_wanted()), (1, None));
    assert!(scene.pass(secs(120)).load_wanted().is_none());
    assert!(scene.tell(Event::Built { ok: true }).load_wanted().is_some());
}

#[test]
fn a_build_that_fails_keeps_the_old_code_serving() {
    let mut scene = Scene::serving(building());
    scene.tell(Event::FilesChanged).pass(millis(250));
    scene.tell(Event::Built { ok: false });
    assert!(scene.logs(Level::Error, "build"), "{:?}", scene.step());
    assert_eq!((scene.load_wanted(), scene.alive().len()), (None, 1));
    scene.tell(Event::FilesChanged).pass(millis(250));
    assert_eq!(builds(&scene), 1, "the next change gets its own build");
}

#[test]
fn a_change_during_a_build_is_not_lost() {
    let mut scene = Scene::serving(building());
    scene.tell(Event::FilesChanged).pass(millis(250));
    scene.tell(Event::FilesChanged).pass(secs(1));
    let mut started = builds(&scene);
    let mut ended = scene.step().iter().filter(|action| **action == Action::CancelBuild).count();
    assert_eq!(started, ended, "never two builds at once");
    scene.tell(Event::Built { ok: true });
    started += builds(&scene);
    scene.pass(secs(1));
    started += builds(&scene);
    ended += scene.step().iter().filter(|action| **action == Action::CancelBuild).count();
    assert_eq!(started, 1, "and the change is built ({ended} cancelled)");
}

#[test]
fn a_stop_ends_the_build() {
    let mut scene = Scene::serving(building());
    scene.tell(Event::FilesChanged).pass(millis(250));
    assert!(scene.intent(Intent::StopGracefully).step().contains(&Action::CancelBuild));
}

#[test]
fn a_stop_forgets_the_change() {
    let mut scene = Scene::serving(building());
    scene.tell(Event::FilesChanged);
    scene.intent(Intent::StopGracefully);
    scene.pass(secs(5));
    assert_eq!((builds(&scene), scene.load_wanted()), (0, None));
}
