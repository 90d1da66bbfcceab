//! Binds that include each other, and reloads from one to the other.

use super::*;

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
        let mut back = open(&[&narrow], &PLAIN, Some(&later));
        drop((new, later));
        back.settle().unwrap();
        assert_eq!(names(&back), [&narrow]);
        assert!(TcpStream::connect(&narrow).is_ok());
    }
}

#[test]
fn a_widened_bind_lets_no_stranger_in() {
    let port = port();
    let (narrow, wide) = (format!("127.0.0.1:{port}"), format!("0.0.0.0:{port}"));
    let old = open(&[&narrow], &PLAIN, None);
    let mut new = open(&[&wide], &PLAIN, Some(&old));
    new.settle().unwrap();
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
fn a_narrower_bind_takes_over_when_the_reload_is_done() {
    for (wide, narrow, elsewhere) in [
        ("0.0.0.0", "127.0.0.1", "127.0.0.2"),
        ("[::]", "127.0.0.1", "[::1]"),
        ("[::]", "[::1]", "127.0.0.1"),
        ("[::]", "0.0.0.0", "[::1]"),
    ] {
        let port = port();
        let (wide, narrow) = (format!("{wide}:{port}"), format!("{narrow}:{port}"));
        let client = narrow.replace("0.0.0.0", "127.0.0.1");
        let elsewhere = format!("{elsewhere}:{port}");
        let old = open(&[&wide], &PLAIN, None);
        let mut new = open(&[&narrow], &PLAIN, Some(&old));
        assert_eq!(names(&new), [&narrow, &wide]);
        assert_eq!(new.lasting().count(), 1);
        let _before = TcpStream::connect(&client).unwrap();
        assert_eq!(waiting(&new), [0, 1], "{wide} to {narrow}: nobody listens there yet");
        new.settle().unwrap();
        let _after = [TcpStream::connect(&client).unwrap(), TcpStream::connect(&elsewhere).unwrap()];
        assert_eq!((names(&new), waiting(&new), waiting(&old)), (vec![&*narrow], vec![1], vec![1]));
        new.close_left();
        assert!(TcpStream::connect(&elsewhere).is_err() && TcpStream::connect(&client).is_ok());
        drop(old);
        assert!(refused(&[&narrow], &PLAIN, None).contains("in use by another process"));
        assert!(!socket::reuses_port(&new.all[0].sockets()[0]));
    }
}

#[test]
fn a_unix_socket_beside_a_narrower_bind_is_left_alone() {
    let (folder, port) = (tempfile::tempdir().unwrap(), port());
    let (wide, narrow) = (format!("0.0.0.0:{port}"), format!("127.0.0.1:{port}"));
    let (path, socket) = unix(&folder, "web.sock");
    let old = open(&[&socket, &wide], &PLAIN, None);
    let mut new = open(&[&socket, &narrow], &PLAIN, Some(&old));
    new.settle().unwrap();
    new.close_left();
    drop(old);
    assert!(UnixStream::connect(&path).is_ok() && TcpStream::connect(&narrow).is_ok());
    assert!(TcpStream::connect(("127.0.0.2", port)).is_err());
}

#[test]
fn a_narrower_bind_whose_workers_cannot_boot_leaves_no_trace() {
    let port = port();
    let (wide, narrow) = (format!("0.0.0.0:{port}"), format!("127.0.0.1:{port}"));
    let mut old = open(&[&wide], &PLAIN, None);
    for _ in 0..2 {
        let new = open(&[&narrow], &PLAIN, Some(&old));
        let _client = TcpStream::connect(&narrow).unwrap();
        drop(new);
        old.settle().unwrap();
        assert_eq!(waiting(&old), [1]);
        assert!(!socket::reuses_port(&old.all[0].sockets()[0]));
    }
    assert!(TcpStream::connect(("127.0.0.2", port)).is_ok());
}

#[test]
fn second_thoughts_about_a_narrower_bind_find_the_wide_one() {
    let port = port();
    let at = |host: &str| format!("{host}:{port}");
    let (widest, wide, narrow, other) = (at("[::]"), at("0.0.0.0"), at("127.0.0.1"), at("127.0.0.2"));
    let again = |bind: &[&str], keep: &[&Listeners]| Listeners::open(&binds(bind), &PLAIN, keep).unwrap();
    let old = open(&[&wide], &PLAIN, None);
    let first = open(&[&narrow], &PLAIN, Some(&old));
    // Nobody has listened to it: the same once more, one more, the way back, and even further.
    assert_eq!(numbers(&again(&[&narrow], &[&first, &old])), numbers(&first));
    let both = again(&[&other, &narrow], &[&first, &old]);
    assert_eq!(names(&both), [&other, &narrow, &wide]);
    assert_eq!(numbers(&again(&[&wide], &[&both, &old])), numbers(&old));
    let mut further = again(&[&widest], &[&both, &old]);
    assert_eq!(names(&further), [&widest, &wide]);
    // What failed in between takes nothing from what is to come.
    let line = Listeners::open(&binds(&[&narrow, &other, "192.0.2.1:9"]), &PLAIN, &[&both, &old]).unwrap_err();
    assert!(line.to_string().contains("192.0.2.1"), "{line}");
    let mut done = both;
    done.settle().unwrap();
    let _clients = [&narrow, &other].map(|bind| TcpStream::connect(bind).unwrap());
    assert_eq!((names(&done), waiting(&done)), (vec![&*other, &*narrow], vec![1, 1]));
    further.settle().unwrap();
    let all = [&old, &further, &done].map(|load| load.iter().flat_map(Listener::sockets).collect::<Vec<_>>());
    assert!(all.iter().flatten().all(|socket| !socket::reuses_port(socket)));
}

#[test]
fn an_upgrade_that_lays_lanes_keeps_them() {
    let port = port();
    let bind = format!("127.0.0.1:{port}");
    let old = open(&[&bind], &PLAIN, None);
    let inherited = inherit_upgrade(handed_over(&old)).unwrap().unwrap();
    let mut new = open(&[&bind], &lanes(3), Some(&inherited));
    drop((old, inherited));
    new.settle().unwrap();
    let sockets = new.all[0].sockets();
    assert!(sockets.len() == 3 && sockets.iter().all(socket::reuses_port));
    let _clients: Vec<_> = (0..60).map(|_| TcpStream::connect(&bind).unwrap()).collect();
    let waits = |lane: &Rc<std::os::fd::OwnedFd>| TcpListener::from(lane.try_clone().unwrap()).accept().is_ok();
    assert!(sockets.iter().all(waits));
}

#[test]
fn what_an_upgrade_is_given_speaks_as_before_until_it_leaves() {
    let port = port();
    let (wide, narrow) = (format!("0.0.0.0:{port}"), format!("127.0.0.1:{port}"));
    let tls = Options { certificates: true, ..PLAIN };
    let old = open(&[&wide], &tls, None);
    let inherited = inherit_upgrade(handed_over(&old)).unwrap().unwrap();
    let new = open(&[&narrow], &tls, Some(&inherited));
    assert!(new.iter().count() == 2 && new.iter().all(Listener::is_tls));
}

#[test]
fn an_upgrade_that_is_gone_leaves_nothing_to_join() {
    let port = port();
    let (wide, narrow) = (format!("0.0.0.0:{port}"), format!("127.0.0.1:{port}"));
    let mut old = open(&[&wide], &PLAIN, None);
    let inherited = inherit_upgrade(handed_over(&old)).unwrap().unwrap();
    old.share();
    drop((open(&[&narrow], &PLAIN, Some(&inherited)), inherited));
    assert!(socket::reuses_port(&old.all[0].sockets()[0]));
    old.settle().unwrap();
    assert!(!socket::reuses_port(&old.all[0].sockets()[0]));
    assert!(!lets_strangers_join(&wide));
}

#[test]
fn an_upgrade_in_the_middle_of_a_reload_is_given_what_listens() {
    let port = port();
    let (wide, narrow) = (format!("0.0.0.0:{port}"), format!("127.0.0.1:{port}"));
    let old = open(&[&wide], &PLAIN, None);
    let new = open(&[&narrow], &PLAIN, Some(&old));
    let inherited = inherit_upgrade(handed_over(&new)).unwrap().unwrap();
    assert_eq!(names(&inherited), [&wide]);
    let mut successor = open(&[&narrow], &PLAIN, Some(&inherited));
    drop((old, new, inherited));
    let _client = TcpStream::connect(&narrow).unwrap();
    assert_eq!(waiting(&successor), [0, 1]);
    assert!(lets_strangers_join(&narrow));
    successor.settle().unwrap();
    assert!(!lets_strangers_join(&narrow));
    let _client = TcpStream::connect(&narrow).unwrap();
    assert_eq!(waiting(&successor), [1]);
    assert!(!socket::reuses_port(&successor.all[0].sockets()[0]));
}

#[test]
fn binds_that_include_each_other_are_refused_also_where_a_socket_of_before_includes_both() {
    let port = port();
    let (one, all) = (format!("127.0.0.1:{port}"), format!("0.0.0.0:{port}"));
    let old = open(&[&one], &PLAIN, None);
    let line = refused(&[&all, &format!("localhost:{port}")], &PLAIN, Some(&old));
    assert!(line.ends_with("leave one of the two out"), "{line}");
}

#[test]
fn a_new_arbiter_narrows_what_the_old_one_goes_on_with() {
    let port = port();
    let (wide, narrow) = (format!("0.0.0.0:{port}"), format!("127.0.0.1:{port}"));
    let mut old = open(&[&wide], &PLAIN, None);
    let inherited = inherit_upgrade(handed_over(&old)).unwrap().unwrap();
    let mut new = open(&[&narrow], &PLAIN, Some(&inherited));
    // The old one has a reload of its own meanwhile.
    socket::set_reuse_port(&old.all[0].sockets()[0], false).unwrap();
    old.settle().unwrap();
    new.settle().unwrap();
    let _client = TcpStream::connect(&narrow).unwrap();
    assert_eq!((waiting(&new), waiting(&old)), (vec![1], vec![0]));
}

#[test]
fn lanes_are_narrowed_too() {
    let port = port();
    let (wide, narrow) = (format!("0.0.0.0:{port}"), format!("127.0.0.1:{port}"));
    let old = open(&[&wide], &lanes(2), None);
    let mut new = open(&[&narrow], &lanes(2), Some(&old));
    let _before = TcpStream::connect(&narrow).unwrap();
    assert_eq!(waiting(&new)[0], 0);
    new.settle().unwrap();
    let _after: Vec<_> = (0..40).map(|_| TcpStream::connect(&narrow).unwrap()).collect();
    let lanes = new.all[0].sockets();
    let waits = |lane: &Rc<std::os::fd::OwnedFd>| TcpListener::from(lane.try_clone().unwrap()).accept().is_ok();
    assert!(lanes.len() == 2 && lanes.iter().all(waits) && lanes.iter().all(socket::reuses_port));
}

/// Linux lets only sockets of one user overlap.
#[test]
fn a_bind_of_somebody_else_is_not_narrowed() {
    if !nix::unistd::geteuid().is_root() {
        return;
    }
    crate::sys::testkit::in_fork(|| {
        nix::unistd::seteuid(54321.into()).unwrap();
        let wide = TcpListener::bind("0.0.0.0:0").unwrap();
        nix::unistd::seteuid(0.into()).unwrap();
        let narrow = format!("127.0.0.1:{}", wide.local_addr().unwrap().port());
        let name = format!("fd://{}", wide.into_raw_fd());
        let old = open(&[&name], &PLAIN, None);
        let line = refused(&[&narrow], &PLAIN, Some(&old));
        assert!(line.starts_with(&format!("cannot listen on {narrow}: this server listens on {name}")), "{line}");
        assert!(line.ends_with("takes a restart"), "{line}");
        assert!(TcpStream::connect(&narrow).is_ok());
    });
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
