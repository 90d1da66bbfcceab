//! Binds that include each other, and reloads from one to the other.

use super::*;

/// A port that is free at every address, more or less for certain.
fn port() -> u16 {
    let probe = TcpListener::bind("[::]:0").unwrap();
    probe.local_addr().unwrap().port()
}

/// How many connections wait in each of the listeners.
fn waiting(listeners: &Listeners) -> Vec<usize> {
    let count = |listener: &Listener| {
        let socket = TcpListener::from(listener.sockets()[0].try_clone().unwrap());
        std::iter::from_fn(|| socket.accept().ok()).count()
    };
    listeners.iter().map(count).collect()
}

fn names(listeners: &Listeners) -> Vec<&str> {
    listeners.iter().map(|listener| listener.name.as_str()).collect()
}

#[test]
fn a_bind_is_widened_without_losing_who_waits() {
    for (narrow, wide, elsewhere) in
        [("127.0.0.1", "0.0.0.0", "127.0.0.2"), ("127.0.0.1", "[::]", "127.0.0.2"), ("[::1]", "[::]", "127.0.0.1")]
    {
        let port = port();
        let (narrow, wide) = (format!("{narrow}:{port}"), format!("{wide}:{port}"));
        let old = open(&[&narrow], &PLAIN, None);
        let _before = TcpStream::connect(&narrow).unwrap();
        let new = open(&[&wide], &PLAIN, Some(&old));
        drop(old);
        let _after = [TcpStream::connect(&narrow).unwrap(), TcpStream::connect((elsewhere, port)).unwrap()];
        assert_eq!(names(&new), [&wide, &narrow]);
        assert_eq!(waiting(&new), [1, 2], "{narrow} to {wide}");
        // It stays so as long as the wide one is wanted, and the way back is open.
        let later = open(&[&wide], &PLAIN, Some(&new));
        assert_eq!(numbers(&later), numbers(&new));
        let back = open(&[&narrow], &PLAIN, Some(&later));
        assert_eq!(numbers(&back), numbers(&later)[1..]);
        drop((new, later));
        assert!(TcpStream::connect(&narrow).is_ok());
    }
}

#[test]
fn a_widened_bind_lets_no_stranger_in() {
    let port = port();
    let (narrow, wide) = (format!("127.0.0.1:{port}"), format!("0.0.0.0:{port}"));
    let old = open(&[&narrow], &PLAIN, None);
    let _new = open(&[&wide], &PLAIN, Some(&old));
    for bind in [&narrow, &wide] {
        assert!(refused(&[bind], &PLAIN, None).contains("in use by another process"));
    }
}

#[test]
fn a_stranger_in_the_wider_place_is_called_one() {
    let port = port();
    let ours = open(&[&format!("127.0.0.1:{port}")], &PLAIN, None);
    let _stranger = TcpListener::bind(("127.0.0.2", port)).unwrap();
    assert!(refused(&[&format!("0.0.0.0:{port}")], &PLAIN, Some(&ours)).contains("in use by another process"));
    assert!(refused(&[&format!("127.0.0.2:{port}")], &PLAIN, Some(&ours)).contains("in use by another process"));
}

#[test]
fn a_bind_is_not_narrowed() {
    for (wide, narrow) in [("0.0.0.0", "127.0.0.1"), ("[::]", "127.0.0.1"), ("[::]", "[::1]"), ("[::]", "0.0.0.0")] {
        let port = port();
        let (wide, narrow) = (format!("{wide}:{port}"), format!("{narrow}:{port}"));
        let old = open(&[&wide], &PLAIN, None);
        let line = refused(&[&narrow], &PLAIN, Some(&old));
        assert!(line.starts_with(&format!("cannot listen on {narrow}: this server listens on {wide}")), "{line}");
        assert!(line.ends_with("needs a restart"), "{line}");
        assert!(TcpStream::connect(("127.0.0.1", port)).or_else(|_| TcpStream::connect(&narrow)).is_ok());
    }
}

#[test]
fn two_binds_of_which_one_includes_the_other_are_refused_at_any_time() {
    let port = port();
    let (wide, narrow) = (format!("0.0.0.0:{port}"), format!("127.0.0.1:{port}"));
    let old = open(&[&narrow], &PLAIN, None);
    for (binds, keep) in [
        ([&wide, &narrow], Some(&old)),
        ([&narrow, &wide], Some(&old)),
        ([&wide, &narrow], None),
        ([&narrow, &wide], None),
    ] {
        if keep.is_none() {
            old.close();
        }
        let line = refused(&binds.map(String::as_str), &PLAIN, keep);
        assert!(line.ends_with("leave one of the two out"), "{line}");
    }
}

#[test]
fn another_name_for_the_same_address_keeps_the_socket() {
    let port = port();
    let old = open(&[&format!("127.0.0.1:{port}")], &PLAIN, None);
    let new = open(&[&format!("localhost:{port}")], &PLAIN, Some(&old));
    assert_eq!(numbers(&new), numbers(&old));
    assert_eq!(names(&new), [format!("localhost:{port}")]);
}

#[test]
fn lanes_are_widened_too() {
    let port = port();
    let (narrow, wide) = (format!("127.0.0.1:{port}"), format!("0.0.0.0:{port}"));
    let old = open(&[&narrow], &lanes(2), None);
    let new = open(&[&wide], &lanes(2), Some(&old));
    assert_eq!(numbers(&new).len(), 4);
    assert_eq!(numbers(&new)[2..], numbers(&old));
}
