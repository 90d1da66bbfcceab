//! HUP: new settings and new code; and what 50 of them leave behind. Changed binds are in `binds`.

use crate::kit::*;

#[test]
fn a_reload_serves_the_new_code_with_new_workers() {
    let lab = Lab::new();
    lab.deploy(&apps::hello(), "swap");
    let server = lab.launch().app("swap:router").args("--workers 2").start();
    let old = server.wait_ready(2);
    let before = server.get("/").text();
    lab.deploy(&apps::testapps(), "swap");
    // Code on disk is nothing before the reload.
    assert_eq!(server.get("/").text(), before);
    server.reload(2);
    assert_eq!(server.get("/").text(), "the second version\n");
    for worker in old {
        proc::wait_gone(worker.pid, SOON);
    }
    server.assert_no_errors();
    server.finish();
}

#[test]
fn workers_know_the_generation_they_were_born_in() {
    let lab = Lab::new();
    let server = lab.serve("--workers 2");
    let first = server.wait_ready(2)[0].generation;
    let second = server.reload(2);
    assert!(second.iter().all(|worker| worker.generation > first), "{second:?}");
    server.finish();
}

#[test]
fn a_reload_reads_the_settings_again() {
    let lab = Lab::new();
    lab.write("rustcorn.toml", "workers = 1\n");
    let server = lab.serve("");
    server.wait_ready(1);
    lab.write("rustcorn.toml", "workers = 3\n");
    server.reload(3);
    lab.write("rustcorn.toml", "workers = 2\n");
    server.reload(2);
    server.finish();
}

#[test]
fn a_reload_changes_the_environment_of_the_application() {
    let lab = Lab::new().with_testapps();
    lab.write("rustcorn.toml", "raw_env = [\"COLOUR=red\", \"ONLY=first\"]\n");
    let server = lab.launch().app("testapps:router").start();
    assert_eq!(server.get("/env/COLOUR").text(), "red");
    assert_eq!(server.get("/env/ONLY").text(), "first");
    lab.write("rustcorn.toml", "raw_env = [\"COLOUR=blue\"]\n");
    let old = server.wait_workers(1)[0];
    server.signal(Signal::SIGHUP);
    proc::wait_gone(old, SOON);
    assert_eq!(server.get("/env/COLOUR").text(), "blue");
    assert_eq!(server.get("/env/ONLY").status, 404);
    server.finish();
}

#[test]
fn a_setting_that_a_reload_cannot_change_is_named_in_a_warning() {
    let lab = Lab::new();
    lab.write("rustcorn.toml", "proc_name = \"first\"\npidfile = \"a.pid\"\n");
    let server = lab.serve("--workers 1");
    server.wait_ready(1);
    let mark = server.mark();
    lab.write("rustcorn.toml", "proc_name = \"second\"\npidfile = \"a.pid\"\ndaemon = true\n");
    server.reload(1);
    let line = server.wait_log_since(mark, &["daemon"], SOON);
    assert!(line.contains("[WARNING]"), "{line}");
    server.finish();
}

#[test]
fn twenty_hups_in_a_second_end_with_exactly_n_workers_of_the_newest_generation() {
    let lab = Lab::new();
    let server = lab.serve("--workers 3");
    let old = server.wait_ready(3);
    let begun = Instant::now();
    for number in 1..=20 {
        server.signal(Signal::SIGHUP);
        let due = ms(50) * number;
        std::thread::sleep(due.saturating_sub(begun.elapsed()));
        assert!(proc::alive(server.pid()), "{}", server.log());
    }
    let crew = server.wait_crew(3, |worker| old.iter().all(|one| one.generation < worker.generation));
    let newest = crew.iter().map(|worker| worker.generation).max();
    // One generation, and it stays: no reload is still under way.
    let same = server.wait_crew(3, |worker| Some(worker.generation) >= newest);
    let generations: std::collections::BTreeSet<u32> = same.iter().map(|worker| worker.generation).collect();
    wait_until("one generation", SOON, || {
        let crew = server.crew(12);
        let generations: std::collections::BTreeSet<u32> = crew.values().map(|worker| worker.generation).collect();
        (crew.len() == 3 && generations.len() == 1 && server.workers().len() == 3).then_some(())
    });
    println!("generations after the storm: {generations:?}");
    server.assert_no_errors();
    server.finish();
}

#[test]
fn reload_surge_bounds_how_many_are_alive_at_once() {
    let lab = Lab::new().with_testapps();
    let server = lab.launch().app("testapps:slow").args("--workers 3 --reload-surge 1").start();
    server.wait_ready(3);
    let old = server.workers();
    server.signal(Signal::SIGHUP);
    let mut most = 0;
    wait_until("the reload is over", SOON, || {
        let now = server.workers();
        most = most.max(now.len());
        (now.len() == 3 && now.iter().all(|pid| !old.contains(pid))).then_some(())
    });
    assert_eq!(most, 4, "workers alive at once");
    server.finish();
}

#[test]
fn no_old_worker_leaves_before_its_successor_serves() {
    let lab = Lab::new().with_testapps();
    let server = lab.launch().app("testapps:slow").args("--workers 2").start();
    server.wait_ready(2);
    let old = server.workers();
    server.signal(Signal::SIGHUP);
    // The newcomers need 700 ms to boot; a request in that time is answered at once.
    wait_until("newcomers boot", SOON, || (server.workers().len() > 2).then_some(()));
    let begun = Instant::now();
    for _ in 0..20 {
        let asked = Instant::now();
        assert_eq!(server.get("/").status, 200);
        assert!(asked.elapsed() < ms(500), "a client waited {:?} for the reload", asked.elapsed());
    }
    if begun.elapsed() < ms(500) {
        assert!(old.iter().all(|pid| proc::alive(*pid)), "an old worker left before its successor was ready");
    }
    server.wait_crew(2, |worker| !old.contains(&worker.pid));
    server.finish();
}

#[test]
fn fifty_reloads_leave_nothing_behind_in_the_arbiter() {
    let lab = Lab::alone();
    let server = lab.serve("--workers 2");
    server.wait_ready(2);
    // The first few may warm up allocator and caches.
    for _ in 0..5 {
        server.reload(2);
    }
    let settled = || server.workers().len() == 2 && proc::zombies(server.pid()).is_empty();
    wait_until("only two workers are left", SOON, || settled().then_some(()));
    let descriptors = proc::descriptor_targets(server.pid());
    let memory = proc::anonymous_kb(server.pid());
    let files = std::fs::read_dir(lab.dir()).expect("the lab").count();
    for _ in 0..50 {
        server.reload(2);
    }
    wait_until("only two workers are left again", SOON, || settled().then_some(()));
    let after = proc::anonymous_kb(server.pid());
    println!("anonymous memory: {memory} kB before, {after} kB after 50 reloads");
    let now = proc::descriptor_targets(server.pid());
    assert_eq!(now.len(), descriptors.len(), "descriptors: {descriptors:#?} became {now:#?}");
    assert!(after <= memory + 512, "anonymous memory grew from {memory} kB to {after} kB");
    assert_eq!(std::fs::read_dir(lab.dir()).expect("the lab").count(), files, "files were left in the directory");
    server.assert_no_errors();
    server.finish();
}
