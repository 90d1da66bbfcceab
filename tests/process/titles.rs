//! What `ps` shows: role, slot, generation and application of each process.

use crate::kit::*;

#[test]
fn each_process_says_who_it_is() {
    let lab = Lab::new();
    let server = lab.serve("--workers 2");
    server.wait_ready(2);
    let arbiter = proc::title(server.pid());
    assert!(arbiter.starts_with("rustcorn: "), "{arbiter}");
    assert!(arbiter.contains("hello:router"), "{arbiter}");
    let titles: Vec<String> = server.workers().into_iter().map(proc::title).collect();
    for slot in ["1", "2"] {
        let named = |title: &&String| title.contains("worker") && title.contains(&format!("worker {slot}"));
        assert!(titles.iter().any(|title| named(&title)), "nobody is worker {slot}: {titles:?}");
    }
    assert!(titles.iter().all(|title| title.contains("hello:router") && !title.contains("--bind")), "{titles:?}");
    assert_ne!(titles[0], arbiter);
    server.finish();
}

#[test]
fn the_generation_is_in_the_title() {
    let lab = Lab::new();
    let server = lab.serve("--workers 1");
    server.wait_ready(1);
    let first = proc::title(server.workers()[0]);
    let worker = server.reload(1).remove(0);
    let second = proc::title(worker.pid);
    assert_ne!(first, second, "both generations have the same title");
    assert!(second.contains(&worker.generation.to_string()), "{second}");
    server.finish();
}

#[test]
fn proc_name_is_the_base_of_every_title() {
    let lab = Lab::new();
    let server = lab.serve("--name shop --workers 1");
    server.wait_ready(1);
    for pid in [server.pid(), server.workers()[0]] {
        let title = proc::title(pid);
        assert!(title.contains("shop"), "{title}");
        let comm = std::fs::read_to_string(format!("/proc/{pid}/comm")).expect("its short name");
        assert!(!comm.trim().is_empty());
    }
    server.finish();
}
