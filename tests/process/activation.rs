//! Sockets that somebody else opened: `fd://N` and systemd's socket activation.

use crate::kit::*;
use std::net::TcpListener;
use std::os::fd::OwnedFd;

/// Hands over descriptor 0 as descriptor 3, without the environment of an activation.
const AS_FD_3: &str = r#"exec 3<&0 0</dev/null; exec "$@""#;
/// The same as systemd does it: the pid in `LISTEN_PID` is the program's own, since exec keeps it.
const AS_SYSTEMD: &str = r#"exec 3<&0 0</dev/null; LISTEN_FDS=1 LISTEN_PID=$$ exec "$@""#;
/// Descriptors 0 and 1 become 3 and 4.
const TWO_AS_SYSTEMD: &str = r#"exec 3<&0 4<&1 0</dev/null 1>/dev/null; LISTEN_FDS=2 LISTEN_PID=$$ exec "$@""#;

fn listener() -> (OwnedFd, Address) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = Address::Tcp(listener.local_addr().expect("its address"));
    (listener.into(), address)
}

#[test]
fn serves_on_a_descriptor_by_number() {
    let lab = Lab::new();
    let (socket, address) = listener();
    let server =
        lab.launch().no_bind().args("--bind fd://3").stdin(socket).through(&["sh", "-c", AS_FD_3, "sh"]).start();
    assert_eq!(server.address(), address);
    assert_eq!(server.get("/").status, 200);
    server.finish();
}

#[test]
fn a_descriptor_that_is_no_listener_is_refused() {
    let lab = Lab::new();
    let outcome = lab.run("hello:router --bind fd://77");
    assert!(outcome.one_error(1).contains("fd://77"), "{}", outcome.stderr);
}

#[test]
fn serves_what_systemd_passes_and_nothing_else() {
    let lab = Lab::new();
    let (socket, address) = listener();
    // The bind is ignored, as Gunicorn does it.
    let server = lab.launch().stdin(socket).through(&["sh", "-c", AS_SYSTEMD, "sh"]).start();
    assert_eq!(server.addresses(), [address]);
    assert_eq!(server.get("/").status, 200);
    server.finish();
}

#[test]
fn serves_every_socket_that_systemd_passes() {
    let lab = Lab::new();
    let ((one, first), (two, second)) = (listener(), listener());
    let server = lab.launch().no_bind().stdin(one).stdout(two).through(&["sh", "-c", TWO_AS_SYSTEMD, "sh"]).start();
    for address in [&first, &second] {
        assert_eq!(http::get(address, "/", SOON).expect("an answer").status, 200);
    }
    server.finish();
}

#[test]
fn an_activation_for_another_process_is_not_ours() {
    let lab = Lab::new();
    let server = lab.launch().env("LISTEN_FDS", "1").env("LISTEN_PID", "1").start();
    assert_eq!(server.get("/").status, 200);
    server.finish();
}

#[test]
fn workers_are_not_told_of_the_activation() {
    let lab = Lab::new().with_testapps();
    let (socket, _) = listener();
    let server =
        lab.launch().app("testapps:router").no_bind().stdin(socket).through(&["sh", "-c", AS_SYSTEMD, "sh"]).start();
    assert_eq!(server.get("/env/LISTEN_FDS").status, 404);
    assert_eq!(server.get("/env/LISTEN_PID").status, 404);
    server.finish();
}

#[test]
fn a_unix_socket_of_systemd_stays_when_we_go() {
    let lab = Lab::new();
    let path = lab.path("activated.sock");
    let socket: OwnedFd = std::os::unix::net::UnixListener::bind(&path).expect("a socket").into();
    let mut server = lab.launch().no_bind().stdin(socket).through(&["sh", "-c", AS_SYSTEMD, "sh"]).start();
    assert_eq!(server.get("/").status, 200);
    server.signal(Signal::SIGTERM);
    assert_eq!(server.wait_exit(SOON), 0);
    assert!(path.exists(), "a socket that systemd owns was removed");
}
