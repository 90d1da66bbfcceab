//! What takes every peer down: reloads that cannot succeed, code on disk that is broken, missing or half written.

use crate::kit::*;
use nix::sys::signal::kill;
use nix::unistd::Pid;
use std::fs;

/// Asks for a reload that cannot succeed, and asserts that the same workers go on serving.
#[track_caller]
fn refused(server: &Server, words: &[&str]) {
    let before = server.workers();
    let mark = server.mark();
    server.signal(Signal::SIGHUP);
    server.wait_log_since(mark, words, SOON);
    wait_until("the newcomers are gone", SOON, || (server.workers() == before).then_some(()));
    wait::stays_so("the old workers go on", server::REACTION, || server.workers() == before);
    assert_eq!(server.get("/").status, 200);
}

#[test]
fn broken_settings_keep_the_old_ones() {
    let lab = Lab::new();
    lab.write("rustcorn.toml", "workers = 2\n");
    let server = lab.serve("");
    server.wait_ready(2);
    for (text, word) in
        [("workers = [\n", "rustcorn.toml"), ("wrokers = 3\n", "wrokers"), ("workers = -3\n", "workers")]
    {
        lab.write("rustcorn.toml", text);
        refused(&server, &["[ERROR]", word]);
    }
    fs::remove_file(lab.path("rustcorn.toml")).expect("remove it");
    lab.write("rustcorn.toml", "workers = 3\n");
    server.reload(3);
    server.finish();
}

#[test]
fn a_bind_that_cannot_be_had_keeps_the_old_ones() {
    let lab = Lab::new();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let taken = taken.local_addr().map(|address| (taken, address)).expect("its address");
    let socket = lab.path("web.sock");
    lab.write("rustcorn.toml", &format!("bind = [\"unix:{}\"]\n", socket.display()));
    let server = lab.launch().no_bind().args("--workers 1").start();
    let other = lab.path("other.sock");
    let text = format!("bind = [\"unix:{}\", \"{}\"]\n", other.display(), taken.1);
    lab.write("rustcorn.toml", &text);
    refused(&server, &["[ERROR]", "in use", &taken.1.to_string()]);
    assert!(socket.exists(), "the old bind was closed");
    assert!(!other.exists(), "half of the new binds was left behind");
    server.finish();
}

#[test]
fn a_log_that_cannot_be_had_is_found_out_before_a_socket_is_opened() {
    let lab = Lab::new();
    let (socket, added) = (lab.path("web.sock"), lab.path("added/added.sock"));
    let folder = lab.path("added");
    fs::create_dir(&folder).expect("a directory");
    let write = |errorlog: &str, binds: &[String]| {
        let binds: Vec<String> = binds.iter().map(|bind| format!("{bind:?}")).collect();
        lab.write("rustcorn.toml", &format!("errorlog = \"{errorlog}\"\nbind = [{}]\n", binds.join(", ")));
    };
    let (kept, fresh) = (format!("unix:{}", socket.display()), format!("unix:{}", added.display()));
    write("-", std::slice::from_ref(&kept));
    let server = lab.launch().no_bind().args("--workers 1").start();
    let touched = || fs::metadata(&folder).and_then(|it| it.modified()).expect("its time");
    let before = touched();
    write("missing/web.log", &[kept.clone(), fresh]);
    refused(&server, &["[ERROR]", "missing/web.log"]);
    assert_eq!(touched(), before, "a socket was opened and closed again");
    // And the other way round: a log that is not needed after all.
    write("web.log", &[kept, "unix:/no/such/folder/x.sock".to_owned()]);
    refused(&server, &["[ERROR]", "/no/such/folder"]);
    assert!(!lab.path("web.log").exists(), "a log was left behind");
    server.finish();
}

#[test]
fn an_application_that_cannot_be_loaded_keeps_the_old_generation() {
    let lab = Lab::new();
    let library = lab.deploy(&apps::hello(), "swap");
    let server = lab.launch().app("swap:router").args("--workers 2").start();
    server.wait_ready(2);
    // A text, a torso, a foreign ABI, the wrong names, nothing at all.
    let whole = fs::read(&library).expect("the library");
    let deploy = |bytes: &[u8]| {
        fs::write(lab.path("fresh"), bytes).expect("a file");
        fs::rename(lab.path("fresh"), &library).expect("in place");
    };
    deploy(b"not a library");
    refused(&server, &["[ERROR]", "libswap.so"]);
    deploy(&whole[..whole.len() / 3]);
    refused(&server, &["[ERROR]", "libswap.so"]);
    deploy(&super::boot_failures::with_abi(&whole, 4242));
    refused(&server, &["[ERROR]", "4242"]);
    fs::remove_file(&library).expect("remove it");
    refused(&server, &["[ERROR]", "libswap.so"]);
    deploy(&whole);
    server.reload(2);
    server.finish();
}

#[test]
fn an_application_that_cannot_boot_keeps_the_old_generation() {
    let lab = Lab::new().with_testapps();
    let server = lab.launch().app("testapps:poisonable").args("--workers 2").start();
    server.wait_ready(2);
    let poison = lab.write("poison", "");
    refused(&server, &["[ERROR]", "SIGABRT"]);
    fs::remove_file(poison).expect("cured");
    server.reload(2);
    server.finish();
}

#[test]
fn an_application_that_never_boots_keeps_the_old_generation() {
    let lab = Lab::new().with_testapps();
    lab.write("rustcorn.toml", "app = \"testapps:router\"\nworkers = 2\nboot_timeout = 1\n");
    let server = lab.launch().no_app().start();
    server.wait_ready(2);
    lab.write("rustcorn.toml", "app = \"testapps:hangs\"\nworkers = 2\nboot_timeout = 1\n");
    refused(&server, &["boot_timeout"]);
    lab.write("rustcorn.toml", "app = \"testapps:panics\"\nworkers = 2\nboot_timeout = 1\n");
    refused(&server, &["the database is on fire"]);
    server.finish();
}

#[test]
fn a_library_that_hangs_while_it_is_loaded_keeps_the_old_generation() {
    let lab = Lab::new().with_testapps();
    let server = lab.launch().app("testapps:router").args("--workers 2 --boot-timeout 1").start();
    server.wait_ready(2);
    let pit = lab.write("tar-pit", "");
    refused(&server, &["Reload abandoned", "boot_timeout"]);
    fs::remove_file(pit).expect("cured");
    server.reload(2);
    server.finish();
}

#[test]
fn a_worker_that_dies_while_the_code_on_disk_is_broken_comes_back_from_the_snapshot() {
    let lab = Lab::new();
    let library = lab.deploy(&apps::hello(), "swap");
    let server = lab.launch().app("swap:router").args("--workers 2").start();
    let before = server.get("/").text();
    for stage in ["overwritten", "deleted"] {
        let crew = server.wait_ready(2);
        match stage {
            "overwritten" => fs::write(&library, b"half a deployment").expect("overwritten in place"),
            _ => fs::remove_file(&library).expect("deleted"),
        }
        kill(Pid::from_raw(crew[0].pid), Signal::SIGKILL).expect("it lives");
        server.wait_crew(2, |worker| worker.pid != crew[0].pid);
        assert_eq!(server.get("/").text(), before, "{stage}");
    }
    server.finish();
}

#[test]
fn overwriting_the_library_in_place_harms_nobody() {
    let lab = Lab::new();
    let library = lab.deploy(&apps::hello(), "swap");
    let server = lab.launch().app("swap:router").args("--workers 2").start();
    let crew = server.wait_ready(2);
    // The same inode gets other bytes under the running workers: with a mapping of the file that is a SIGBUS.
    let file = fs::OpenOptions::new().write(true).open(&library).expect("open it");
    file.set_len(0).expect("truncate it");
    for _ in 0..50 {
        assert_eq!(server.get("/whoami").status, 200);
        assert_eq!(server.get("/panic").status, 500);
    }
    fs::copy(apps::testapps(), &library).expect("overwrite it");
    assert_eq!(server.wait_ready(2), crew, "a worker died of it");
    server.reload(2);
    assert_eq!(server.get("/").text(), "the second version\n");
    server.finish();
}

#[test]
fn respawns_of_one_generation_run_the_code_of_that_generation() {
    let lab = Lab::new();
    lab.deploy(&apps::hello(), "swap");
    let server = lab.launch().app("swap:router").args("--workers 2").start();
    let crew = server.wait_ready(2);
    let old = server.get("/").text();
    lab.deploy(&apps::testapps(), "swap");
    for worker in &crew {
        kill(Pid::from_raw(worker.pid), Signal::SIGKILL).expect("it lives");
    }
    server.wait_crew(2, |worker| crew.iter().all(|one| one.pid != worker.pid));
    assert_eq!(server.get("/").text(), old, "a respawn picked up code that nobody reloaded");
    server.finish();
}

#[test]
fn a_crash_in_the_middle_of_a_reload_is_respawned_at_once() {
    let lab = Lab::new().with_testapps();
    let server = lab.launch().app("testapps:slow").args("--workers 2 --reload-surge 1").start();
    let old = server.wait_ready(2);
    server.signal(Signal::SIGHUP);
    wait_until("a newcomer boots", SOON, || (server.workers().len() > 2).then_some(()));
    kill(Pid::from_raw(old[0].pid), Signal::SIGKILL).expect("it lives");
    assert_eq!(server.get("/").status, 200);
    server.wait_crew(2, |worker| old.iter().all(|one| one.pid != worker.pid));
    server.finish();
}
