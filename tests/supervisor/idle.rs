//! What a server costs on which nothing happens.

use crate::scene::{Scene, secs, terms};
use rustcorn::supervisor::{Action, Terms};

#[test]
fn an_idle_server_wakes_less_than_once_a_second() {
    let mut scene = Scene::serving(terms(4));
    let before = scene.deadlines();
    scene.pass(secs(600));
    assert!(scene.deadlines() - before <= 600, "{} wake-ups in 600 s", scene.deadlines() - before);
    assert!(scene.step().iter().all(|action| matches!(action, Action::ReadHeartbeat { .. })));
}

#[test]
fn without_a_timeout_it_never_wakes() {
    let scene = Scene::serving(Terms { timeout: secs(0), ..terms(4) });
    assert_eq!(scene.machine.next_deadline(), None);
}

#[test]
fn workers_that_started_together_are_looked_at_together() {
    let mut scene = Scene::serving(terms(8));
    let before = scene.deadlines();
    scene.pass(secs(300));
    assert!(scene.deadlines() - before <= 300);
}
