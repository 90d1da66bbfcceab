//! Certificates as the operator meets them: what is refused, what is warned of, and renewal under living workers.
//! The plain bind in front of the one with TLS is the one that the harness talks to.

use crate::kit::*;
use rcgen::{CertificateParams, KeyPair, date_time_ymd};
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};

const BINDS: &str = "--bind http://127.0.0.1:0 --bind https://127.0.0.1:0";
const FILES: &str = "--certfile cert.pem --keyfile key.pem";

/// A certificate of its own signature that is valid until the start of this year, and its key.
fn issue(until: i32) -> (String, String) {
    let key = KeyPair::generate().expect("a key");
    let mut params = CertificateParams::new(vec!["a.example.org".to_owned()]).expect("a name");
    params.not_before = date_time_ymd(2020, 1, 1);
    params.not_after = date_time_ymd(until, 1, 1);
    (params.self_signed(&key).expect("a certificate").pem(), key.serialize_pem())
}

/// Puts a pair in place as a deployment does: by renames, the key for its owner only.
fn install(lab: &Lab, (certificate, key): &(String, String)) {
    for (name, text) in [("cert.pem", certificate), ("key.pem", key)] {
        let fresh = lab.write(&format!("{name}.new"), text);
        fs::set_permissions(&fresh, fs::Permissions::from_mode(0o600)).expect("ours");
        fs::rename(fresh, lab.path(name)).expect("in place");
    }
}

fn launch(lab: &Lab) -> Launch<'_> {
    lab.launch().no_bind().args(BINDS).args(FILES).args("--workers 2 --log-level debug")
}

/// Waits until every worker has taken the certificates over that were renewed after the mark.
#[track_caller]
fn wait_taken(server: &Server, mark: usize) {
    for slot in 1..=2 {
        server.wait_log_since(mark, &[&format!("Worker {slot} has the renewed certificates")], SOON);
    }
}

#[test]
fn files_that_cannot_be_used_end_the_start_and_the_check_with_one_line() {
    let lab = Lab::new();
    let (good, other) = (issue(2090), issue(2090));
    lab.write("cert.pem", &good.0);
    lab.write("key.pem", &other.1);
    lab.write("empty.pem", "");
    lab.write("locked.pem", "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n");
    let cases = [
        ("--certfile cert.pem --keyfile key.pem", "does not belong to the first certificate in cert.pem"),
        ("--certfile gone.pem --keyfile key.pem", "cannot read gone.pem (option `certfile`): there is no such file"),
        ("--certfile cert.pem --keyfile gone.pem", "cannot read gone.pem (option `keyfile`): there is no such file"),
        ("--certfile cert.pem --keyfile locked.pem", "is encrypted; set ssl_keyfile_password"),
        ("--certfile key.pem --keyfile cert.pem", "are certfile and keyfile mixed up?"),
        ("--certfile empty.pem --keyfile key.pem", "holds no certificate in PEM form"),
        ("--certfile cert.pem", "holds no private key in PEM form; set keyfile"),
        ("--ssl-certfile cert.pem --keyfile key.pem --keyfile key.pem", "there must be one for each certfile"),
        ("--bind https://127.0.0.1:0", "https://127.0.0.1:0 (the command line) asks for TLS; set certfile"),
    ];
    for (args, words) in cases {
        for ending in ["", "--check-config"] {
            let outcome = lab.run(&format!("hello:router --bind 127.0.0.1:0 {args} {ending}"));
            let line = outcome.one_error(1);
            assert!(line.contains(words), "{args} {ending}: {line}");
            assert!(!outcome.stderr.contains("Listening at"), "{}", outcome.stderr);
        }
    }
}

#[test]
fn what_clients_will_object_to_is_warned_of() {
    let lab = Lab::new();
    install(&lab, &issue(2021));
    fs::set_permissions(lab.path("key.pem"), fs::Permissions::from_mode(0o644)).expect("ours");
    let outcome = lab.run(&format!("hello:router --bind 127.0.0.1:0 {FILES} --check-config"));
    assert_eq!(outcome.code, 0, "{}", outcome.stderr);
    for words in ["cert.pem expired at 2021-01-01 00:00 UTC: clients will refuse it", "read the private key in key.pem"]
    {
        assert!(outcome.stderr.contains(words), "no {words:?} in\n{}", outcome.stderr);
    }
}

#[test]
fn changed_files_reach_the_workers_without_a_restart_and_broken_ones_change_nothing() {
    let lab = Lab::new();
    install(&lab, &issue(2031));
    let server = launch(&lab).start();
    server.wait_log(&["Certificate cert.pem is for a.example.org, valid until 2031-01-01 00:00 UTC"]);
    let crew = server.workers();
    let mark = server.mark();
    install(&lab, &issue(2032));
    server.wait_log_since(mark, &["Certificate cert.pem renewed, valid until 2032-01-01 00:00 UTC"], SOON);
    wait_taken(&server, mark);
    let mark = server.mark();
    lab.write("cert.pem", "half a cert");
    server.wait_log_since(mark, &["[ERROR]", "cert.pem", "the certificates of before stay in use"], SOON);
    let mark = server.mark();
    install(&lab, &issue(2033));
    wait_taken(&server, mark);
    assert_eq!(server.workers(), crew, "nobody was restarted");
    assert!(!server.log().contains("PRIVATE KEY"));
    server.finish();
}

#[test]
fn a_turned_link_is_a_renewal() {
    let lab = Lab::new();
    for (folder, until) in [("..1", 2031), ("..2", 2032)] {
        fs::create_dir(lab.path(folder)).expect("a folder");
        let (certificate, key) = issue(until);
        lab.write(&format!("{folder}/cert.pem"), &certificate);
        lab.write(&format!("{folder}/key.pem"), &key);
    }
    symlink("..1", lab.path("..data")).expect("a link");
    for name in ["cert.pem", "key.pem"] {
        symlink(format!("..data/{name}"), lab.path(name)).expect("a link");
    }
    let server = launch(&lab).start();
    for (folder, until) in [("..2", "2032"), ("..1", "2031")] {
        let mark = server.mark();
        symlink(folder, lab.path("..fresh")).expect("a link");
        fs::rename(lab.path("..fresh"), lab.path("..data")).expect("turned");
        server.wait_log_since(mark, &["cert.pem renewed, valid until", until], SOON);
        wait_taken(&server, mark);
    }
    server.finish();
}

#[test]
fn a_reload_takes_new_files_and_refuses_broken_ones() {
    let lab = Lab::new();
    install(&lab, &issue(2031));
    let settings = |cert: &str| {
        let binds = "bind = [\"http://127.0.0.1:0\", \"https://127.0.0.1:0\"]\nworkers = 2\n";
        lab.write("rustcorn.toml", &format!("{binds}certfile = \"{cert}\"\nkeyfile = \"key.pem\"\n"));
    };
    settings("cert.pem");
    let server = lab.launch().no_bind().start();
    let crew = server.wait_ready(2);
    settings("gone.pem");
    let mark = server.mark();
    server.signal(Signal::SIGHUP);
    server.wait_log_since(mark, &["[ERROR]", "cannot read gone.pem"], SOON);
    assert_eq!(server.wait_ready(2), crew, "the old ones go on");
    fs::copy(lab.path("cert.pem"), lab.path("other.pem")).expect("copied");
    settings("other.pem");
    server.reload(2);
    server.wait_log(&["Certificate other.pem is for a.example.org"]);
    server.finish();
}

#[test]
fn after_an_abandoned_reload_the_files_of_before_are_watched_again() {
    let lab = Lab::new().with_testapps();
    install(&lab, &issue(2031));
    for (name, other) in [("cert.pem", "other.pem"), ("key.pem", "other.key")] {
        fs::copy(lab.path(name), lab.path(other)).expect("copied");
    }
    let settings = |app: &str, cert: &str, key: &str| {
        let binds = "bind = [\"http://127.0.0.1:0\", \"https://127.0.0.1:0\"]\nworkers = 2\nloglevel = \"debug\"\n";
        let app = format!("app = \"testapps:{app}\"\nboot_timeout = 1\n");
        lab.write("rustcorn.toml", &format!("{binds}{app}certfile = \"{cert}\"\nkeyfile = \"{key}\"\n"));
    };
    settings("router", "cert.pem", "key.pem");
    // Nobody is asked for a certificate, so nobody has to vouch: that file is not read.
    let server = lab.launch().no_app().no_bind().args("--ca-certs gone.pem").start();
    server.wait_ready(2);
    settings("hangs", "other.pem", "other.key");
    let mark = server.mark();
    server.signal(Signal::SIGHUP);
    server.wait_log_since(mark, &["Reload abandoned"], SOON);
    let mark = server.mark();
    install(&lab, &issue(2032));
    server.wait_log_since(mark, &["Certificate cert.pem renewed, valid until 2032"], SOON);
    wait_taken(&server, mark);
    server.finish();
}

#[test]
fn a_bind_turns_from_plain_to_tls_on_the_same_socket() {
    let lab = Lab::new();
    install(&lab, &issue(2031));
    let settings = |scheme: &str| {
        let binds = format!("bind = [\"http://127.0.0.1:0\", \"{scheme}127.0.0.1:0\"]\nworkers = 1\n");
        lab.write("rustcorn.toml", &format!("{binds}certfile = \"cert.pem\"\nkeyfile = \"key.pem\"\n"));
    };
    settings("http://");
    let server = lab.launch().no_bind().start();
    let ports: Vec<u16> = server.addresses().iter().map(Address::port).collect();
    settings("");
    let mark = server.mark();
    server.reload(1);
    server.wait_log_since(mark, &[&format!("Listening at: http://127.0.0.1:{}", ports[0])], SOON);
    server.wait_log_since(mark, &[&format!("Listening at: https://127.0.0.1:{}", ports[1])], SOON);
    server.finish();
}

#[test]
fn workers_without_the_right_to_read_the_key_get_it_and_its_renewal() {
    if !nix::unistd::geteuid().is_root() {
        println!("not root: nothing to give up");
        return;
    }
    let lab = Lab::new();
    install(&lab, &issue(2031));
    let server = launch(&lab).args("--user daemon").start();
    server.wait_ready(2);
    let mark = server.mark();
    install(&lab, &issue(2032));
    wait_taken(&server, mark);
    server.finish();
}

#[test]
fn an_idle_arbiter_with_certificates_sleeps() {
    let lab = Lab::alone();
    install(&lab, &issue(2031));
    let server = launch(&lab).start();
    server.wait_ready(2);
    let before = proc::status_number(server.pid(), "voluntary_ctxt_switches");
    std::thread::sleep(secs(5));
    let wakes = proc::status_number(server.pid(), "voluntary_ctxt_switches") - before;
    // One of them may be the look that follows a start, for what has changed meanwhile.
    assert!(wakes <= 5, "{wakes} wake-ups in 5 s");
    server.finish();
}
