//! Wide sockets that workers leave, until they end.

use super::*;

/// The workers have the wide one for a moment more, and somebody who is busy for longer.
#[test]
fn what_was_left_ends_and_is_in_nobodys_way() {
    for (widest, wide, narrow) in
        [("0.0.0.0", "0.0.0.0", "127.0.0.1"), ("[::]", "[::]", "[::1]"), ("[::]", "0.0.0.0", "[::1]")]
    {
        let port = port();
        let at = |host: &str| format!("{host}:{port}");
        let old = open(&[&at(widest)], &PLAIN, None);
        let of_a_worker = old.all[0].sockets();
        let mut new = open(&[&at(narrow)], &PLAIN, Some(&old));
        drop(old);
        assert!(new.settle().unwrap());
        assert!(TcpStream::connect(("127.0.0.2", port)).is_ok(), "the workers have time to leave it");
        new.close_left();
        assert!(TcpStream::connect(("127.0.0.2", port)).is_err());
        let _client = TcpStream::connect(at(narrow)).unwrap();
        // What is opened now takes every connection: none goes where nobody looks.
        let mut back = open(&[&at(wide)], &PLAIN, Some(&new));
        drop(new);
        assert!(!back.settle().unwrap());
        let _clients: Vec<_> = (0..20).map(|_| TcpStream::connect(("127.0.0.2", port)).unwrap()).collect();
        assert_eq!(waiting(&back)[0], 20, "{widest} to {narrow} to {wide}");
        assert!(back.iter().flat_map(Listener::sockets).all(|socket| !socket::reuses_port(&socket)));
        // Where every address is taken, Linux cannot be made to forget that they overlapped.
        assert!(wide == "[::]" || !lets_strangers_join(&at("127.0.0.1")), "{widest} to {narrow} to {wide}");
        drop(of_a_worker);
    }
}

#[test]
fn a_bind_to_and_fro_finds_nothing_of_ours_in_its_way() {
    let port = port();
    let (wide, narrow) = (format!("0.0.0.0:{port}"), format!("127.0.0.1:{port}"));
    let mut now = open(&[&narrow], &PLAIN, None);
    let mut of_busy_workers = Vec::new();
    for round in 0..3 {
        for bind in [&wide, &narrow] {
            of_busy_workers.extend(now.iter().flat_map(Listener::sockets));
            let mut next = open(&[bind], &PLAIN, Some(&now));
            assert_eq!(next.settle().unwrap(), *bind == narrow, "round {round}");
            next.close_left();
            now = next;
        }
        assert!(TcpStream::connect(("127.0.0.2", port)).is_err() && TcpStream::connect(&narrow).is_ok());
    }
}

/// Somebody else has it, too, and it is not ours to end.
#[test]
fn a_socket_that_was_passed_is_let_go_as_it_came() {
    let passed = TcpListener::bind("0.0.0.0:0").unwrap();
    let port = passed.local_addr().unwrap().port();
    let ours = passed.try_clone().unwrap().into_raw_fd();
    let narrow = format!("127.0.0.1:{port}");
    let old = open(&[&format!("fd://{ours}")], &PLAIN, None);
    let mut new = open(&[&narrow], &PLAIN, Some(&old));
    drop(old);
    assert!(!new.settle().unwrap());
    new.close_left();
    assert!(TcpStream::connect(&narrow).is_ok() && TcpStream::connect(("127.0.0.2", port)).is_ok());
    assert!(accepting::accepts_connections(&passed) && !socket::reuses_port(&passed));
}

/// Not even if it has been called by its address meanwhile, by a reload or by an upgrade.
#[test]
fn a_socket_that_was_passed_stays_somebody_elses_by_any_name() {
    for by_upgrade in [false, true] {
        let passed = TcpListener::bind("0.0.0.0:0").unwrap();
        let port = passed.local_addr().unwrap().port();
        let (wide, narrow) = (format!("0.0.0.0:{port}"), format!("127.0.0.1:{port}"));
        let ours = passed.try_clone().unwrap().into_raw_fd();
        let mut named = open(&[&wide], &PLAIN, Some(&open(&[&format!("fd://{ours}")], &PLAIN, None)));
        if by_upgrade {
            let inherited = inherit_upgrade(handed_over(&named)).unwrap().unwrap();
            named = open(&[&wide], &PLAIN, Some(&inherited));
        }
        let mut new = open(&[&narrow], &PLAIN, Some(&named));
        drop(named);
        assert!(!new.settle().unwrap());
        new.close_left();
        assert!(accepting::accepts_connections(&passed) && !socket::reuses_port(&passed));
    }
}

#[test]
fn who_waits_in_what_is_left_is_seen() {
    let port = port();
    let (wide, narrow) = (format!("0.0.0.0:{port}"), format!("127.0.0.1:{port}"));
    let old = open(&[&wide], &PLAIN, None);
    let mut new = open(&[&narrow], &PLAIN, Some(&old));
    assert!(!new.does_somebody_wait_in_left());
    let _client = TcpStream::connect(&narrow).unwrap();
    assert!(new.settle().unwrap() && new.does_somebody_wait_in_left());
    assert_eq!(waiting(&old), [1]);
    assert!(!new.does_somebody_wait_in_left());
}
