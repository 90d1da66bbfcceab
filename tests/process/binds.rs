//! HUP with other binds than before: what is opened, what is closed, and what stays as it was.

use crate::kit::*;
use nix::sys::signal::kill;
use nix::unistd::Pid;
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;

#[test]
fn changed_binds_are_opened_and_closed() {
    let lab = Lab::new();
    let (kept, dropped, added) = (lab.path("kept.sock"), lab.path("dropped.sock"), lab.path("added.sock"));
    let write = |second: &std::path::Path| {
        let text = format!("bind = [\"unix:{}\", \"unix:{}\"]\n", kept.display(), second.display());
        lab.write("rustcorn.toml", &text);
    };
    write(&dropped);
    let server = lab.launch().no_bind().args("--workers 2").start();
    let answers = |path: &std::path::Path| http::get(&Address::Unix(path.to_owned()), "/", SOON).is_ok();
    assert!(answers(&kept) && answers(&dropped));
    write(&added);
    server.signal(Signal::SIGHUP);
    wait_until("the new bind answers", SOON, || (added.exists() && answers(&added)).then_some(()));
    wait_until("the old bind is gone", SOON, || (!dropped.exists()).then_some(()));
    assert!(answers(&kept));
    server.finish();
    assert!(!kept.exists() && !added.exists());
}

#[test]
fn a_tcp_bind_that_was_dropped_frees_its_port() {
    let lab = Lab::new();
    let socket = lab.path("web.sock");
    lab.write("rustcorn.toml", &format!("bind = [\"unix:{}\", \"127.0.0.1:0\"]\n", socket.display()));
    let server = lab.launch().no_bind().args("--workers 1").start();
    let tcp = server.addresses().into_iter().find(|address| matches!(address, Address::Tcp(_))).expect("a port");
    lab.write("rustcorn.toml", &format!("bind = [\"unix:{}\"]\n", socket.display()));
    server.signal(Signal::SIGHUP);
    wait_until("the port is free", SOON, || (!tcp.answers()).then_some(()));
    assert_eq!(server.get("/").status, 200);
    server.finish();
}

#[test]
fn a_bind_is_widened_and_narrowed_back_under_load_and_nothing_is_lost() {
    let lab = Lab::alone();
    lab.write("rustcorn.toml", "bind = [\"127.0.0.1:0\"]\n");
    let server = lab.launch().no_bind().args("--workers 2").start();
    server.wait_ready(2);
    let port = server.address().port();
    let elsewhere = Address::parse(&format!("http://127.0.0.2:{port}")).expect("an address");
    let load = Load::start(&server.address());
    for round in 0..3 {
        assert!(!elsewhere.answers(), "round {round}");
        lab.write("rustcorn.toml", &format!("bind = [\"0.0.0.0:{port}\"]\n"));
        server.reload(2);
        assert_eq!(http::get(&elsewhere, "/", SOON).expect("an answer").status, 200);
        lab.write("rustcorn.toml", &format!("bind = [\"127.0.0.1:{port}\"]\n"));
        server.reload(2);
        wait_until("the wide socket is closed", SOON, || (!elsewhere.answers()).then_some(()));
    }
    load.stop().assert_lossless("widening and narrowing a bind");
    server.assert_no_errors();
    server.finish();
}

/// Starts with the widest bind of `binds` at one port and reloads to the others, one after the other, each narrower than
/// the one before, under load at the address that all have in common; `elsewhere` says who is shut out in the end.
fn narrow_down(flags: &str, hosts: &[&str], elsewhere: &str) {
    let lab = Lab::alone();
    let port = std::net::TcpListener::bind("[::]:0").and_then(|free| free.local_addr()).expect("a port").port();
    let write = |host: &str| lab.write("rustcorn.toml", &format!("bind = [\"{host}:{port}\"]\n"));
    write(hosts[0]);
    let server = lab.launch().no_bind().args("--workers 2").args(flags).start();
    server.wait_ready(2);
    let at = |host: &str| Address::parse(&format!("http://{host}:{port}")).expect("an address");
    let reload = || {
        let mark = server.mark();
        server.signal(Signal::SIGHUP);
        server.wait_log_since(mark, &["Reload done"], SOON);
    };
    let load = Load::start(&at("127.0.0.1"));
    for host in &hosts[1..] {
        assert!(at(elsewhere).answers());
        write(host);
        reload();
    }
    wait_until("the wide socket is closed", SOON, || (!at(elsewhere).answers()).then_some(()));
    for _ in 0..3 {
        reload();
    }
    load.stop().assert_lossless("narrowing a bind");
    server.assert_no_errors();
    server.finish();
}

#[test]
fn a_bind_that_a_start_has_opened_is_narrowed_under_load_and_nothing_is_lost() {
    narrow_down("", &["0.0.0.0", "127.0.0.1"], "127.0.0.2");
    narrow_down("", &["[::]", "0.0.0.0", "127.0.0.1"], "127.0.0.2");
}

#[test]
fn second_thoughts_come_into_force_when_the_wide_socket_has_been_left() {
    let lab = Lab::alone();
    let port = std::net::TcpListener::bind("0.0.0.0:0").and_then(|free| free.local_addr()).expect("a port").port();
    let at = |host: &str| Address::parse(&format!("http://{host}:{port}")).expect("an address");
    let write = |host: &str| lab.write("rustcorn.toml", &format!("bind = [\"{host}:{port}\"]\n"));
    write("0.0.0.0");
    let server = lab.launch().no_bind().args("--workers 2").start();
    server.wait_ready(2);
    let load = Load::start(&at("127.0.0.1"));
    for (host, is_wide) in [("127.0.0.1", false), ("0.0.0.0", true), ("127.0.0.1", false), ("0.0.0.0", true)] {
        let mark = server.mark();
        write(host);
        server.signal(Signal::SIGHUP);
        server.wait_log_since(mark, &["Reload done"], SOON);
        // A narrow one is given up at once.
        if is_wide {
            assert!(at("127.0.0.2").answers());
        }
    }
    assert!(server.log().contains("when the workers have left the wider sockets"), "{}", server.log());
    load.stop().assert_lossless("binds that change to and fro");
    server.assert_no_errors();
    server.finish();
}

#[test]
fn lanes_are_narrowed_under_load_and_nothing_is_lost() {
    narrow_down("--reuse-port", &["0.0.0.0", "127.0.0.1"], "127.0.0.2");
    // One after the other: the newcomers take lanes over whose owners have not left yet.
    narrow_down("--reuse-port --reload-surge 1", &["0.0.0.0", "127.0.0.1"], "127.0.0.2");
}

#[test]
fn a_bind_is_not_narrowed_by_workers_that_cannot_boot() {
    let lab = Lab::alone().with_testapps();
    let port = std::net::TcpListener::bind("0.0.0.0:0").and_then(|free| free.local_addr()).expect("a port").port();
    let write = |host: &str| lab.write("rustcorn.toml", &format!("bind = [\"{host}:{port}\"]\nreload_surge = 1\n"));
    write("0.0.0.0");
    let server = lab.launch().app("testapps:poisonable").no_bind().args("--workers 3").start();
    let before = server.wait_ready(3);
    let at = |host: &str| Address::parse(&format!("http://{host}:{port}")).expect("an address");
    let load = Load::start(&at("127.0.0.1"));
    let poison = lab.write("poison", "");
    write("127.0.0.1");
    let mark = server.mark();
    server.signal(Signal::SIGHUP);
    server.wait_log_since(mark, &["Reload abandoned"], SOON);
    assert_eq!(server.wait_ready(3), before);
    assert!(at("127.0.0.2").answers());
    std::fs::remove_file(&poison).expect("cured");
    // The first can boot, and no other.
    let mark = server.mark();
    server.signal(Signal::SIGHUP);
    server.wait_log_since(mark, &["ready (pid:", "generation 3"], SOON);
    std::fs::write(&poison, "").expect("poison");
    server.wait_log_since(mark, &["Reload "], SOON);
    std::fs::remove_file(poison).expect("cured");
    server.wait_ready(3);
    let mark = server.mark();
    server.signal(Signal::SIGHUP);
    server.wait_log_since(mark, &["Reload done"], SOON);
    wait_until("the wide socket is closed", SOON, || (!at("127.0.0.2").answers()).then_some(()));
    load.stop().assert_lossless("reloads that narrow a bind, of which the last one can boot");
    server.finish();
}

/// Whoever waits for a worker that has its hands full does so in the wide socket, however long that takes.
#[test]
fn a_bind_is_narrowed_while_workers_are_busy_and_nobody_who_waits_is_sent_away() {
    let lab = Lab::alone();
    let port = std::net::TcpListener::bind("0.0.0.0:0").and_then(|free| free.local_addr()).expect("a port").port();
    let at = |host: &str| Address::parse(&format!("http://{host}:{port}")).expect("an address");
    let write = |host: &str| lab.write("rustcorn.toml", &format!("bind = [\"{host}:{port}\"]\n"));
    write("0.0.0.0");
    let server = lab.launch().no_bind().args("--workers 1 --slow-request 0.1").start();
    server.wait_ready(1);
    let address = at("127.0.0.1");
    let ask = |path: &'static str| {
        let address = address.clone();
        std::thread::spawn(move || http::get(&address, path, SOON).map(|response| response.status))
    };
    let mut clients = vec![ask("/block/5000")];
    server.wait_log_since(server.mark(), &["/block/5000"], SOON);
    // One of those who wait keeps the newcomer busy beyond the time in which sockets are left.
    clients.push(ask("/block/3500"));
    clients.extend((0..20).map(|_| ask("/")));
    write("127.0.0.1");
    let mark = server.mark();
    server.signal(Signal::SIGHUP);
    server.wait_log_since(mark, &["Reload done"], SOON);
    for client in clients {
        assert_eq!(client.join().expect("a client").expect("an answer"), 200);
    }
    wait_until("the wide socket is closed", SOON, || (!at("127.0.0.2").answers()).then_some(()));
    server.finish();
}

#[test]
fn nobody_waits_in_a_socket_that_is_left_for_a_worker_that_is_gone() {
    let lab = Lab::alone();
    let port = std::net::TcpListener::bind("0.0.0.0:0").and_then(|free| free.local_addr()).expect("a port").port();
    let write =
        |host: &str| lab.write("rustcorn.toml", &format!("bind = [\"{host}:{port}\"]\ngraceful_timeout = 60\n"));
    write("0.0.0.0");
    let server = lab.launch().no_bind().args("--workers 1").start();
    server.wait_ready(1);
    write("127.0.0.1");
    let mark = server.mark();
    server.signal(Signal::SIGHUP);
    server.wait_log_since(mark, &["Reload done"], SOON);
    wait_until("the worker of before has gone", SOON, || (server.workers().len() == 1).then_some(()));
    // The only one that has the wide socket.
    let [worker] = server.workers()[..] else { panic!("one worker") };
    kill(Pid::from_raw(worker), Signal::SIGKILL).expect("it lives");
    let waiting = TcpStream::connect(("127.0.0.2", port)).expect("it listens for a moment more");
    let elsewhere = Address::parse(&format!("http://127.0.0.2:{port}")).expect("an address");
    wait_until("the wide socket is closed", secs(20), || (!elsewhere.answers()).then_some(()));
    drop(waiting);
    server.wait_ready(1);
    assert_eq!(server.get("/").status, 200);
    server.finish();
}

#[test]
fn an_open_unix_socket_keeps_its_mode() {
    let lab = Lab::new();
    let socket = lab.path("web.sock");
    let write = |umask: &str| {
        lab.write("rustcorn.toml", &format!("umask = {umask}\nbind = [\"unix:{}\"]\n", socket.display()));
    };
    let mode = || std::fs::metadata(&socket).expect("the socket").permissions().mode() & 0o777;
    write("0o027");
    let server = lab.launch().no_bind().args("--workers 1").start();
    assert_eq!(mode(), 0o750);
    write("0o077");
    let mark = server.mark();
    server.reload(1);
    server.wait_log_since(mark, &["[WARNING]", "umask", "restart"], SOON);
    assert_eq!(mode(), 0o750);
    assert_eq!(proc::status(server.workers()[0])["Umask"], "0027", "nor do the workers differ from it");
    server.finish();
}
