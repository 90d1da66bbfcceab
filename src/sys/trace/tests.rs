use super::*;
use crate::sys::signal::Inbox;
use crate::sys::{poll, testkit};
use std::os::fd::AsFd;
use std::sync::mpsc;

/// Says its thread id, then is stuck as an application's handler would be.
#[inline(never)]
fn stuck_in_the_application(tell: &mpsc::Sender<i32>, release: &mpsc::Receiver<()>, asleep: bool) -> u32 {
    tell.send(own_tid()).unwrap();
    if asleep {
        std::thread::sleep(Duration::from_millis(300));
    }
    release.recv().unwrap();
    std::hint::black_box(7)
}

fn trace_of_a_stuck_thread(asleep: bool) -> Vec<String> {
    let (tell, told) = mpsc::channel();
    let (release, released) = mpsc::channel();
    let thread = std::thread::spawn(move || stuck_in_the_application(&tell, &released, asleep));
    let tid = told.recv().unwrap();
    // The thread has answered and is on its way into the wait, or in it: the function is on its stack either way.
    let lines = resolve(&capture(tid, Duration::from_secs(5)).expect("no answer"));
    release.send(()).unwrap();
    assert_eq!(thread.join().unwrap(), 7, "the interrupted thread goes on undisturbed");
    lines
}

#[test]
fn the_function_that_blocks_is_named_with_its_line() {
    testkit::alone(module_path!(), "the_function_that_blocks_is_named_with_its_line", || {
        install_tracer().unwrap();
        for asleep in [false, true, false] {
            let lines = trace_of_a_stuck_thread(asleep);
            let text = lines.join("\n");
            // How much of its path is in the name depends on how much debug information there is.
            let stuck = lines.iter().find(|line| line.contains("stuck_in_the_application at "));
            let stuck = stuck.unwrap_or_else(|| panic!("not found in\n{text}"));
            assert!(stuck.contains("src/sys/trace/tests.rs:"), "{stuck}");
            assert!(!stuck.contains("::h"), "hash in {stuck}");
            assert!(!text.contains("on_power"), "the handler's own frames are in\n{text}");
            assert!(!text.contains("__restore_rt"), "the trampoline is in\n{text}");
        }
    });
}

#[test]
fn a_thread_can_capture_itself() {
    testkit::alone(module_path!(), "a_thread_can_capture_itself", || {
        install_tracer().unwrap();
        let frames = capture(own_tid(), Duration::from_secs(5)).unwrap();
        assert!(resolve(&frames).iter().any(|line| line.contains("src/sys/trace/mod.rs:")));
    });
}

#[test]
fn who_does_not_answer_is_given_up_and_the_next_one_is_served() {
    testkit::alone(module_path!(), "who_does_not_answer_is_given_up_and_the_next_one_is_served", || {
        install_tracer().unwrap();
        let (tell, told) = mpsc::channel();
        let (release, released) = mpsc::channel::<()>();
        let deaf = std::thread::spawn(move || {
            let mask = crate::sys::signal::block_all().unwrap();
            tell.send(own_tid()).unwrap();
            released.recv().unwrap();
            crate::sys::signal::restore(&mask).unwrap();
        });
        assert_eq!(capture(told.recv().unwrap(), Duration::from_millis(20)), None);
        let lines = trace_of_a_stuck_thread(false);
        assert!(lines.iter().any(|line| line.contains("stuck_in_the_application")));
        release.send(()).unwrap();
        deaf.join().unwrap();
        assert!(capture(own_tid(), Duration::from_secs(5)).is_some());
    });
}

#[test]
fn nobody_has_no_stack() {
    testkit::alone(module_path!(), "nobody_has_no_stack", || {
        install_tracer().unwrap();
        assert_eq!(capture(0, Duration::from_secs(1)), None);
        assert_eq!(capture(i32::MAX, Duration::from_secs(1)), None);
    });
}

#[test]
fn power_from_outside_goes_to_the_inbox() {
    testkit::alone(module_path!(), "power_from_outside_goes_to_the_inbox", || {
        let mut inbox = Inbox::install(&[]).unwrap();
        install_tracer().unwrap();
        let me = crate::types::Pid(nix::unistd::getpid().as_raw());
        crate::sys::signal::send(me, crate::types::Signal::PWR).unwrap();
        let mut got = Vec::new();
        while got.is_empty() && poll::wait(&[inbox.as_fd()], Some(Duration::from_secs(5))).is_ok() {
            inbox.drain(&mut got);
        }
        assert_eq!(got, [crate::types::Signal::PWR]);
    });
}

#[test]
fn threads_are_listed_by_name() {
    let (tell, told) = mpsc::channel();
    let (release, released) = mpsc::channel::<()>();
    let thread = std::thread::Builder::new()
        .name("a-named-thread".into())
        .spawn(move || {
            tell.send(own_tid()).unwrap();
            let _ = released.recv();
        })
        .unwrap();
    let tid = told.recv().unwrap();
    assert!(threads().contains(&(tid, "a-named-thread".into())));
    drop(release);
    thread.join().unwrap();
}

#[test]
fn paths_are_shortened() {
    let here = Some(Path::new("/home/me/shop"));
    let cases = [
        ("/home/me/shop/src/lib.rs", "src/lib.rs"),
        ("/home/me/other/src/lib.rs", "/home/me/other/src/lib.rs"),
        ("/home/me/.cargo/registry/src/index.crates.io-123/axum-0.8.9/src/lib.rs", "axum-0.8.9/src/lib.rs"),
        ("/rustc/0123abcd/library/std/src/thread/mod.rs", "library/std/src/thread/mod.rs"),
    ];
    for (path, shown) in cases {
        assert_eq!(short(Path::new(path), here), shown);
    }
    assert_eq!(line("shop::pay", Some(Path::new("/home/me/shop/src/a.rs")), Some(3), here), "shop::pay at src/a.rs:3");
    assert_eq!(line("memcpy", None, None, here), "memcpy");
}
