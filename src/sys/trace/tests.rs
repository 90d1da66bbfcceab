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
    let lines = Names::default().of(&capture(tid, Duration::from_secs(5)).expect("no answer"));
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
        assert!(Names::default().of(&frames).iter().any(|line| line.contains("src/sys/trace/mod.rs:")));
    });
}

/// As a worker begins: one function looks after everything before, and the next one is the worker's life.
#[inline(never)]
fn the_outermost_that_counts() -> Vec<String> {
    #[inline(never)]
    fn begins() -> u32 {
        begin_stack_here();
        std::hint::black_box(7)
    }
    #[inline(never)]
    fn lives() -> Vec<String> {
        Names::default().of(&capture(own_tid(), Duration::from_secs(5)).expect("no answer"))
    }
    assert_eq!(begins(), 7);
    std::hint::black_box(lives())
}

#[test]
fn a_stack_ends_where_it_was_said_to_begin() {
    testkit::alone(module_path!(), "a_stack_ends_where_it_was_said_to_begin", || {
        install_tracer().unwrap();
        let lines = the_outermost_that_counts();
        let last = lines.last().expect("frames");
        assert!(last.contains("the_outermost_that_counts"), "{lines:#?}");
        assert!(lines.iter().any(|line| line.contains("lives at ")), "{lines:#?}");
        // Another thread has a stack of its own.
        let other = trace_of_a_stuck_thread(false);
        assert!(other.len() > lines.len() && !other.last().expect("frames").contains("stuck"), "{other:#?}");
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
fn a_late_answer_does_not_end_all_tracing() {
    testkit::alone(module_path!(), "a_late_answer_does_not_end_all_tracing", || {
        install_tracer().unwrap();
        // A handler was at work for so long that it was given up,
        ASKED.store(BUSY, Ordering::Release);
        assert_eq!(capture(own_tid(), Duration::from_millis(1)), None);
        // and finished after all.
        ASKED.store(DONE, Ordering::Release);
        assert!(capture(own_tid(), Duration::from_secs(5)).is_some());
        assert_eq!(ASKED.load(Ordering::Acquire), IDLE);
    });
}

#[test]
fn a_small_signal_stack_is_not_overrun() {
    // SAFETY: registers of zeros are as good as any; nothing returns to them.
    let mut context = unsafe { std::mem::zeroed::<nix::libc::ucontext_t>() };
    let here = (&raw const context).addr();
    let mut with = |flags: i32, below: usize| {
        let stack = nix::libc::stack_t { ss_sp: (here - below) as *mut _, ss_flags: flags, ss_size: below + 4096 };
        context.uc_stack = stack;
        handler::has_room((&raw mut context).cast())
    };
    assert!(with(0, 64 << 10));
    assert!(!with(0, 2 << 10));
    assert!(with(nix::libc::SS_DISABLE, 0), "the thread's ordinary stack");
    testkit::alone(module_path!(), "a_small_signal_stack_is_not_overrun", || {
        handler::record(Some(0x1000), false, usize::MAX);
        assert_eq!(handler::frames(), [0x1001], "the interrupted instruction only");
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
