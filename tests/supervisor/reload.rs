//! HUP: one generation rolls over the other, and at no moment do fewer than the wanted serve.

use crate::scene::{Scene, millis, secs, terms};
use rustcorn::supervisor::{Action, Event, Intent, Phase, SlotState, Terms};
use rustcorn::types::{ExitStatus, Generation, Level};

const FIRST: Generation = Generation::FIRST;

#[test]
fn new_workers_come_before_old_ones_go() {
    let mut scene = Scene::serving(terms(2));
    let old = scene.alive();
    let new = scene.reload(terms(2));
    assert_eq!(new, FIRST.next());
    assert_eq!(scene.announced(), [Phase::Reloading]);
    assert_eq!((scene.spawned().len(), scene.retired().len()), (1, 0), "one beyond the wanted");
    let newcomer = scene.of(new)[0];
    scene.ready(newcomer);
    assert_eq!(scene.retired(), [old[0]]);
    assert!(scene.spawned().is_empty(), "the one that leaves still counts");
    scene.leaves(old[0]);
    assert_eq!(scene.spawned().len(), 1);
    let newcomer = scene.of(new)[1];
    scene.ready(newcomer);
    assert_eq!(scene.retired(), [old[1]]);
    assert_eq!(scene.forgotten(), [FIRST]);
    assert_eq!(scene.serves(), Some((new, 2, 2, 0, None)));
    assert_eq!((scene.machine.target(), scene.machine.proven()), (new, Some(new)));
}

#[test]
fn listeners_settle_when_nobody_of_before_serves() {
    let mut scene = Scene::serving(terms(2));
    assert!(scene.settled().is_empty());
    let second = scene.reload(terms(2));
    let newcomer = scene.of(second)[0];
    assert!(scene.ready(newcomer).settled().is_empty(), "one of the first still serves");
    scene.roll();
    assert_eq!(scene.settled(), [second]);
    // The third takes over before the second has; the fourth cannot boot, and workers of the second still serve then.
    let third = scene.reload(terms(2));
    let newcomer = scene.of(third)[0];
    let leaving = scene.ready(newcomer).retired()[0];
    let fourth = scene.reload(terms(2));
    scene.leaves(leaving);
    let newcomer = scene.of(fourth)[0];
    scene.dies(newcomer, ExitStatus::Code(3));
    assert_eq!((scene.machine.target(), scene.of(second).len()), (third, 1));
    assert!(scene.settled().is_empty(), "what it needs is needed by one of the second, too");
    scene.roll();
    assert_eq!(scene.settled(), [third]);
    // A refusal leaves nothing behind either.
    scene.intent(Intent::Reload);
    let generation = scene.load_wanted().expect("a load");
    scene.tell(Event::LoadRefused { generation, reason: "no such key".into() });
    assert_eq!(scene.settled(), [third]);
}

#[test]
fn a_reload_waits_until_the_sockets_of_before_are_left() {
    let mut scene = Scene::serving(terms(1));
    scene.reload(terms(1));
    scene.roll();
    let until = scene.now.after(secs(2));
    scene.tell(Event::SocketsLeave { until });
    let loads = |step: &[Action]| step.iter().filter(|action| matches!(action, Action::Load { .. })).count();
    for _ in 0..2 {
        assert_eq!(loads(scene.intent(Intent::Reload).step()), 0);
    }
    scene.pass(secs(2));
    assert_eq!((scene.step().first(), loads(scene.step())), (Some(&Action::CloseLeft), 0));
    // Somebody waits in them.
    let until = scene.now.after(millis(50));
    assert_eq!(loads(scene.tell(Event::SocketsLeave { until }).intent(Intent::Reload).step()), 0);
    scene.pass(millis(50));
    assert_eq!((scene.step().first(), loads(scene.step())), (Some(&Action::CloseLeft), 0));
    assert_eq!(loads(scene.tell(Event::SocketsLeft).step()), 1);
    assert_eq!(loads(scene.intent(Intent::Reload).step()), 1, "the next one finds nothing in its way");
    // Who retires all workers does not want them back.
    let until = scene.now.after(secs(2));
    scene.tell(Event::SocketsLeave { until });
    scene.intent(Intent::Reload);
    scene.intent(Intent::RetireWorkers);
    scene.pass(secs(3));
    assert_eq!((scene.step().first(), loads(scene.step())), (Some(&Action::CloseLeft), 0));
    assert_eq!(loads(scene.tell(Event::SocketsLeft).step()), 0);
}

#[test]
fn what_was_left_ends_also_if_nothing_waits_for_it() {
    let mut scene = Scene::serving(terms(1));
    scene.reload(terms(1));
    scene.roll();
    let until = scene.now.after(secs(2));
    scene.tell(Event::SocketsLeave { until });
    scene.pass(secs(1));
    assert!(!scene.step().contains(&Action::CloseLeft));
    scene.pass(secs(1));
    assert!(scene.step().contains(&Action::CloseLeft));
    scene.tell(Event::SocketsLeft);
    scene.pass(secs(9));
    assert!(!scene.step().contains(&Action::CloseLeft));
}

#[test]
fn nothing_is_let_go_as_long_as_nobody_serves() {
    let mut scene = Scene::serving(terms(2));
    let new = scene.reload(terms(2));
    let newcomer = scene.of(new)[0];
    assert!(scene.ready(newcomer).settled().is_empty());
    assert!(scene.intent(Intent::RetireWorkers).settled().is_empty());
    for pid in scene.alive() {
        assert!(scene.leaves(pid).settled().is_empty());
    }
    scene.intent(Intent::MoreWorkers);
    assert!(scene.settled().is_empty(), "it boots");
    scene.all_ready();
    assert_eq!(scene.settled(), [new]);
}

#[test]
fn a_large_surge_starts_all_newcomers_together() {
    let mut scene = Scene::serving(terms(3));
    let new = scene.reload(Terms { surge: 3, ..terms(3) });
    assert_eq!(scene.of(new).len(), 3);
    assert!(scene.all_ready().retired().len() == 3);
    assert_eq!(scene.serves(), Some((new, 3, 3, 0, None)));
}

#[test]
fn the_settings_decide_how_many_serve_afterwards() {
    for (before, after) in [(2, 5), (5, 2), (1, 1), (1, 6)] {
        let mut scene = Scene::serving(terms(before));
        let new = scene.reload(terms(after));
        scene.roll();
        assert_eq!((scene.of(new).len(), scene.alive().len()), (usize::from(after), usize::from(after)));
        assert_eq!(scene.machine.wanted(), after);
    }
}

#[test]
fn a_reload_forgets_ttin() {
    let mut scene = Scene::serving(terms(2));
    scene.intent(Intent::MoreWorkers);
    scene.all_ready();
    scene.reload(terms(2));
    scene.roll();
    assert_eq!((scene.machine.wanted(), scene.alive().len()), (2, 2));
}

#[test]
fn refused_settings_change_nothing_but_the_status() {
    let mut scene = Scene::serving(terms(2));
    let before = scene.machine.slots();
    scene.intent(Intent::Reload);
    let generation = scene.load_wanted().expect("a load");
    scene.tell(Event::LoadRefused { generation, reason: "line 3 of rustcorn.toml: no such key".into() });
    assert!(scene.logs(Level::Error, "line 3 of rustcorn.toml"));
    let (serving, ready, wanted, _, trouble) = scene.serves().expect("the old generation goes on");
    assert_eq!((serving, ready, wanted), (FIRST, 2, 2));
    assert!(trouble.is_some_and(|trouble| trouble.contains("no such key")));
    assert_eq!(scene.machine.slots(), before);
    assert_eq!(scene.machine.target(), FIRST);
}

#[test]
fn trouble_ends_with_the_next_success() {
    let mut scene = Scene::serving(terms(1));
    scene.intent(Intent::Reload);
    let refused = scene.load_wanted().expect("a load");
    scene.tell(Event::LoadRefused { generation: refused, reason: "no such key".into() });
    let new = scene.reload(terms(1));
    assert!(new > refused, "a name is used once");
    scene.roll();
    assert_eq!(scene.serves(), Some((new, 1, 1, 0, None)));
}

#[test]
fn a_refusal_outlives_the_reload_that_it_came_into() {
    let mut scene = Scene::serving(terms(2));
    let new = scene.reload(terms(2));
    scene.intent(Intent::Reload);
    let refused = scene.load_wanted().expect("a load");
    scene.tell(Event::LoadRefused { generation: refused, reason: "no such key".into() });
    scene.roll();
    assert_eq!(scene.serves(), Some((new, 2, 2, 0, Some("no such key".into()))));
}

#[test]
fn a_load_that_takes_its_time_hides_nothing() {
    let mut scene = Scene::serving(terms(2));
    scene.intent(Intent::Reload);
    let generation = scene.load_wanted().expect("a load");
    let pid = scene.alive()[0];
    assert_eq!(scene.crashes(pid).spawned().len(), 1, "it goes on looking after its workers");
    scene.all_ready();
    assert!(scene.announced().is_empty(), "still reloading");
    scene.tell(Event::Loaded { generation, terms: terms(2) });
    assert_eq!(scene.roll().serves(), Some((generation, 2, 2, 0, None)));
}

#[test]
fn no_generation_is_named_twice() {
    let mut scene = Scene::serving(terms(1));
    let mut newest = FIRST;
    for _ in 0..50 {
        let new = scene.reload(terms(1));
        assert!(new > newest);
        newest = new;
        scene.roll();
    }
    assert_eq!((scene.alive().len(), scene.machine.proven()), (1, Some(newest)));
}

#[test]
fn reload_upon_reload_ends_with_the_newest() {
    let mut scene = Scene::serving(terms(3));
    let mut newest = FIRST;
    for _ in 0..20 {
        newest = scene.reload(terms(3));
    }
    let mut whole = scene.forgotten();
    scene.roll().pass(secs(2));
    scene.roll();
    whole.extend(scene.forgotten());
    assert_eq!((scene.of(newest).len(), scene.alive().len()), (3, 3));
    assert_eq!(scene.count(SlotState::Ready), 3);
}

#[test]
fn newcomers_of_an_overtaken_reload_leave() {
    let mut scene = Scene::serving(terms(2));
    let overtaken = scene.reload(terms(2));
    let pid = scene.of(overtaken)[0];
    let newest = scene.reload(terms(2));
    assert_eq!((scene.retired(), scene.forgotten()), (vec![pid], vec![overtaken]));
    assert_eq!(scene.machine.target(), newest);
    scene.pass(secs(1));
    assert!(scene.signals().contains(&(pid, rustcorn::types::Signal::KILL)), "{:?}", scene.step());
    scene.leaves(pid);
    scene.roll();
    assert_eq!((scene.of(newest).len(), scene.of(overtaken).len(), scene.of(FIRST).len()), (2, 0, 0));
}

#[test]
fn a_crash_of_an_old_worker_is_replaced_from_what_is_proven() {
    let mut scene = Scene::serving(terms(2));
    let old = scene.alive();
    let new = scene.reload(terms(2));
    scene.crashes(old[1]);
    assert_eq!(scene.spawned().iter().map(|(_, generation)| *generation).collect::<Vec<_>>(), [FIRST]);
    let newcomer = scene.of(new)[0];
    scene.ready(newcomer);
    scene.crashes(old[0]);
    assert!(scene.spawned().iter().all(|(_, generation)| *generation == new), "{:?}", scene.spawned());
    scene.all_ready();
    scene.roll();
    assert_eq!((scene.of(new).len(), scene.alive().len()), (2, 2));
}

#[test]
fn a_crash_among_newcomers_does_not_stop_the_roll() {
    let mut scene = Scene::serving(terms(2));
    let new = scene.reload(terms(2));
    let newcomer = scene.of(new)[0];
    scene.ready(newcomer);
    scene.crashes(newcomer);
    scene.roll();
    assert_eq!((scene.of(new).len(), scene.alive().len()), (2, 2));
    assert_eq!(scene.machine.proven(), Some(new));
}

#[test]
fn more_workers_during_a_reload_are_of_the_new_generation() {
    let mut scene = Scene::serving(terms(2));
    let new = scene.reload(terms(2));
    scene.intent(Intent::MoreWorkers);
    scene.roll();
    assert_eq!((scene.machine.wanted(), scene.of(new).len(), scene.alive().len()), (3, 3, 3));
}

#[test]
fn a_reload_is_announced_before_it_is_loaded() {
    let mut scene = Scene::serving(terms(1));
    scene.intent(Intent::Reload);
    let load = scene.step().iter().position(|action| matches!(action, Action::Load { .. }));
    assert!(load.is_some());
    assert_eq!(scene.announced(), [Phase::Reloading]);
}
