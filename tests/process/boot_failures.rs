//! First starts that cannot boot: exit 3 or 4, and one clear reason.

use crate::kit::*;
use std::fs;

/// Starts an application that cannot boot; returns everything that was said.
#[track_caller]
fn fails(lab: &Lab, app: &str, args: &str, code: i32, words: &[&str]) -> String {
    let outcome = lab.run(&format!("{app} --workers 2 --bind 127.0.0.1:0 --pid failed.pid {args}"));
    assert_eq!(outcome.code, code, "{app}:\n{}", outcome.stderr);
    for word in words {
        assert!(outcome.stderr.contains(word), "{app}: no {word:?} in:\n{}", outcome.stderr);
    }
    assert!(!lab.path("failed.pid").exists(), "{app}: a pid file was left behind");
    assert_eq!(lab.inhabitants(), Vec::<i32>::new(), "{app}: processes were left behind");
    outcome.stderr
}

#[test]
fn a_factory_that_panics_ends_the_start_with_3() {
    let lab = Lab::new().with_testapps();
    let told =
        fails(&lab, "testapps:panics", "", 3, &["the database is on fire", "faulty.rs:", "Worker failed to boot"]);
    assert!(told.contains("[ERROR]") || told.contains("[CRITICAL]"), "{told}");
}

#[test]
fn a_factory_that_returns_an_error_ends_the_start_with_3() {
    let lab = Lab::new().with_testapps();
    fails(&lab, "testapps:fails", "", 3, &["DATABASE_URL is not set"]);
}

#[test]
fn a_reason_that_is_longer_than_a_pipe_is_told_by_both_of_its_ends() {
    let lab = Lab::new().with_testapps();
    let told = fails(&lab, "testapps:rambles", "", 3, &["The application cannot start", "the schema is wrong"]);
    for word in ["it begins here", "bytes left out", "it ends here"] {
        assert_eq!(told.matches(word).count(), 1, "{word:?}, and once for all workers");
    }
}

#[test]
fn a_factory_that_never_returns_ends_the_start_with_3_after_the_boot_timeout() {
    let lab = Lab::new().with_testapps();
    let begun = Instant::now();
    let told = fails(&lab, "testapps:hangs", "--boot-timeout 1", 3, &["boot_timeout"]);
    assert!(begun.elapsed() < secs(10), "it took {:?}", begun.elapsed());
    // Where it hangs is worth more than that it hangs.
    assert!(told.contains("hangs"), "the function is not named:\n{told}");
}

#[test]
fn a_library_whose_initialiser_never_returns_ends_the_start_with_3_after_the_boot_timeout() {
    let lab = Lab::new().with_testapps();
    lab.write("tar-pit", "");
    let begun = Instant::now();
    fails(&lab, "testapps:router", "--boot-timeout 1", 3, &["boot_timeout", "an initialiser of a library"]);
    assert!(begun.elapsed() < secs(10), "it took {:?}", begun.elapsed());
}

#[test]
fn a_start_that_hangs_in_the_library_s_initialiser_can_be_stopped() {
    let lab = Lab::new().with_testapps();
    lab.write("tar-pit", "");
    for signal in [Signal::SIGTERM, Signal::SIGINT] {
        let mut server = lab.launch().app("testapps:router").args("--workers 2").spawn();
        server.wait_workers(2);
        // Not before the workers have got so far: a title of their own is the last that they do before they load.
        wait_until("the workers load", SOON, || {
            server.workers().iter().all(|pid| proc::title(*pid).contains("worker")).then_some(())
        });
        let begun = Instant::now();
        server.signal(signal);
        server.wait_exit(SOON);
        assert!(begun.elapsed() < secs(4), "{signal}: it took {:?}", begun.elapsed());
        server.assert_gone();
    }
}

#[test]
fn a_factory_that_leaves_or_is_killed_ends_the_start_with_3() {
    let lab = Lab::new().with_testapps();
    fails(&lab, "testapps:exits", "", 3, &["code 7"]);
    fails(&lab, "testapps:dies", "", 3, &["SIGABRT"]);
}

#[test]
fn a_missing_library_ends_the_start_with_4_and_says_where_it_was_looked_for() {
    let lab = Lab::new();
    fails(&lab, "nowhere:router", "", 4, &["libnowhere.so", "target/release", "target/debug"]);
    fails(&lab, "./missing/libgone.so:router", "", 4, &["missing/libgone.so"]);
}

#[test]
fn a_wrong_name_ends_the_start_with_4_and_lists_the_right_ones() {
    let lab = Lab::new().with_testapps();
    fails(&lab, "testapps:ruoter", "", 4, &["ruoter", "router", "slow", "panics"]);
}

#[test]
fn what_is_no_library_ends_the_start_with_4() {
    let lab = Lab::new();
    lab.write("libnotes.so", "These are notes, not a library.\n");
    fails(&lab, "notes:router", "", 4, &["libnotes.so"]);
    lab.write("libempty.so", "");
    fails(&lab, "empty:router", "", 4, &["libempty.so"]);
    fs::create_dir(lab.path("libdir.so")).expect("a directory");
    fails(&lab, "./libdir.so:router", "", 4, &["libdir.so"]);
    // A program is ELF too, but nothing that can be loaded by name.
    fs::copy("/bin/true", lab.path("libtrue.so")).expect("a program");
    fails(&lab, "true:router", "", 4, &["libtrue.so"]);
}

#[test]
fn a_truncated_library_ends_the_start_with_4() {
    let lab = Lab::new();
    let whole = fs::read(apps::testapps()).expect("the library");
    fs::write(lab.path("libhalf.so"), &whole[..whole.len() / 2]).expect("half of it");
    fails(&lab, "half:router", "", 4, &["libhalf.so"]);
}

#[test]
fn a_library_of_another_abi_ends_the_start_with_4_and_names_both_numbers() {
    let lab = Lab::new();
    let theirs = rustcorn::abi::ABI + 41;
    fs::write(lab.path("libforeign.so"), with_abi(&fs::read(apps::testapps()).expect("the library"), theirs))
        .expect("a foreign library");
    let ours = rustcorn::abi::ABI.to_string();
    fails(&lab, "foreign:router", "", 4, &["libforeign.so", &theirs.to_string(), &ours]);
}

/// The library as if it had been built with a rustcorn of another ABI: every stamp in it changed.
pub fn with_abi(library: &[u8], abi: u32) -> Vec<u8> {
    let here = rustcorn::abi::Stamp::here();
    let mut old = here.abi.to_le_bytes().to_vec();
    old.extend(here.seat_size.to_le_bytes());
    old.extend(here.version);
    let mut patched = library.to_vec();
    let stamps: Vec<usize> =
        library.windows(old.len()).enumerate().filter(|(_, window)| *window == old).map(|(at, _)| at).collect();
    assert!(!stamps.is_empty(), "no stamp in the library");
    for at in stamps {
        patched[at..at + 4].copy_from_slice(&abi.to_le_bytes());
    }
    patched
}

#[test]
fn a_boot_that_fails_in_every_worker_at_once_still_ends_with_its_own_code() {
    // Gunicorn ends with 1 when several workers fail together.
    let lab = Lab::new().with_testapps();
    for workers in [1, 4, 8] {
        let outcome = lab.run(&format!("testapps:fails --workers {workers} --bind 127.0.0.1:0"));
        assert_eq!(outcome.code, 3, "{workers} workers:\n{}", outcome.stderr);
    }
}
