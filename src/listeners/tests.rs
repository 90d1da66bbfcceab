//! Opening, keeping and handing over, with real sockets on the loopback and in temporary directories.

mod files;
mod left;
mod overlap;

use super::*;
use crate::sys::privileges::Owner;
use crate::sys::{accepting, socket};
use std::ffi::OsString;
use std::io::ErrorKind;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::fd::{AsRawFd, IntoRawFd};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::rc::Rc;

const PLAIN: Options = Options {
    backlog: 64,
    reuse_port: false,
    lanes: 1,
    umask: 0,
    owner: Owner { uid: None, gid: None },
    certificates: false,
};

fn lanes(lanes: u16) -> Options {
    Options { reuse_port: true, lanes, ..PLAIN }
}

fn binds(texts: &[&str]) -> Vec<Bind> {
    texts.iter().map(|text| Bind::parse(text).unwrap()).collect()
}

fn open(texts: &[&str], options: &Options, keep: Option<&Listeners>) -> Listeners {
    Listeners::open(&binds(texts), options, keep.as_slice()).unwrap()
}

#[track_caller]
fn refused(texts: &[&str], options: &Options, keep: Option<&Listeners>) -> String {
    let line = Listeners::open(&binds(texts), options, keep.as_slice()).unwrap_err().to_string();
    assert!(!line.contains('\n'), "{line}");
    line
}

fn addresses(listeners: &Listeners) -> Vec<SocketAddr> {
    let address = |listener: &Listener| match listener.address() {
        SocketName::Tcp(address) => Some(*address),
        SocketName::Unix(_) => None,
    };
    listeners.iter().filter_map(address).collect()
}

fn numbers(listeners: &Listeners) -> Vec<i32> {
    listeners.iter().flat_map(Listener::sockets).map(|socket| socket.as_raw_fd()).collect()
}

fn unix(folder: &tempfile::TempDir, name: &str) -> (std::path::PathBuf, String) {
    let path = folder.path().join(name);
    let bind = format!("unix:{}", path.display());
    (path, bind)
}

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

/// Whether a socket of somebody else could be bound beside ours, and get connections that are meant for us.
fn lets_strangers_join(address: &str) -> bool {
    let address: SocketAddr = address.parse().unwrap();
    let stranger = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
    stranger.set_reuse_port(true).unwrap();
    stranger.bind(&address.into()).is_ok()
}

fn names(listeners: &Listeners) -> Vec<&str> {
    listeners.iter().map(|listener| listener.name.as_str()).collect()
}

#[test]
fn port_zero_becomes_a_port_and_two_of_them_two() {
    let listeners = open(&["127.0.0.1:0", "127.0.0.1:0", "localhost:0"], &PLAIN, None);
    let found = addresses(&listeners);
    assert_eq!(found.len(), 3);
    assert!(found[0] != found[1] && found.iter().all(|address| address.port() != 0 && address.is_ipv4()));
    let urls: Vec<_> = listeners.iter().map(Listener::url).collect();
    assert_eq!(urls[0], format!("http://127.0.0.1:{}", found[0].port()));
    TcpStream::connect(found[2]).unwrap();
}

#[test]
fn what_is_open_already_keeps_its_queue() {
    let first = open(&["127.0.0.1:0", "127.0.0.1:0"], &PLAIN, None);
    let _waiting = TcpStream::connect(addresses(&first)[1]).unwrap();
    let second = open(&["127.0.0.1:0", "127.0.0.1:0"], &Options { backlog: 8, ..PLAIN }, Some(&first));
    assert_eq!(numbers(&first), numbers(&second));
    drop(first);
    let kept = second.iter().nth(1).unwrap().sockets()[0].try_clone().unwrap();
    assert!(TcpListener::from(kept).accept().is_ok());
}

#[test]
fn a_dropped_bind_frees_its_port() {
    let first = open(&["127.0.0.1:0", "127.0.0.2:0"], &PLAIN, None);
    let gone = addresses(&first)[1];
    let second = open(&["127.0.0.1:0"], &PLAIN, Some(&first));
    assert!(TcpStream::connect(gone).is_ok(), "the former load still has it");
    drop(first);
    assert_eq!(TcpStream::connect(gone).unwrap_err().kind(), ErrorKind::ConnectionRefused);
    second.close();
    assert_eq!(numbers(&second), Vec::<i32>::new());
}

#[test]
fn a_taken_port_is_refused_also_with_lanes() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let bind = taken.local_addr().unwrap().to_string();
    for options in [PLAIN, lanes(2)] {
        let line = refused(&[&bind], &options, None);
        assert!(line.starts_with(&format!("cannot listen on {bind}: the address is in use")), "{line}");
    }
    let ours = open(&["127.0.0.1:0"], &lanes(2), None);
    let bind = addresses(&ours)[0].to_string();
    for options in [PLAIN, lanes(2)] {
        assert!(refused(&[&bind], &options, None).contains("in use"));
    }
}

#[test]
fn the_start_says_how_many_lanes_there_are() {
    let two = open(&["127.0.0.1:0"], &lanes(2), None);
    for later in [lanes(1), lanes(3), PLAIN] {
        let kept = open(&["127.0.0.1:0"], &later, Some(&two));
        assert_eq!((numbers(&kept), kept.lanes()), (numbers(&two), 2));
    }
    let more = open(&["127.0.0.1:0", "127.0.0.2:0"], &lanes(3), Some(&two));
    assert_eq!((numbers(&more).len(), more.lanes()), (4, 2));
    let one = open(&["127.0.0.1:0"], &lanes(1), None);
    assert_eq!(open(&["127.0.0.1:0"], &lanes(3), Some(&one)).lanes(), 1);
    let plain = open(&["127.0.0.1:0"], &PLAIN, None);
    assert_eq!(open(&["127.0.0.1:0"], &lanes(3), Some(&plain)).lanes(), 3, "lanes are laid for the first time");
}

#[test]
fn lanes_of_a_load_that_is_given_up_go_with_it() {
    let old = open(&["127.0.0.1:0"], &PLAIN, None);
    let address = addresses(&old)[0];
    drop(open(&["127.0.0.1:0"], &lanes(4), Some(&old)));
    // Had a lane stayed open, connections would wait in it for nobody.
    let clients: Vec<_> = (0..40).map(|_| TcpStream::connect(address).unwrap()).collect();
    let socket = old.iter().next().unwrap().sockets()[0].try_clone().unwrap();
    let listener = TcpListener::from(socket);
    assert_eq!(std::iter::from_fn(|| listener.accept().ok()).count(), clients.len());
}

#[test]
fn both_families_share_a_port() {
    let probe = TcpListener::bind("0.0.0.0:0").unwrap();
    let port = probe.local_addr().unwrap().port();
    drop(probe);
    let (four, six) = (format!("0.0.0.0:{port}"), format!("[::]:{port}"));
    let listeners = open(&[&six, &four], &lanes(2), None);
    assert_eq!(numbers(&listeners).len(), 4);
}

#[test]
fn nothing_stays_behind_when_one_bind_fails() {
    let folder = tempfile::tempdir().unwrap();
    let (kept, kept_bind) = unix(&folder, "kept.sock");
    let (fresh, fresh_bind) = unix(&folder, "fresh.sock");
    let old = open(&[&kept_bind], &PLAIN, None);
    let line = refused(&[&kept_bind, &fresh_bind, "unix:/no/such/folder/x.sock"], &PLAIN, Some(&old));
    assert!(line.ends_with("unix:/no/such/folder/x.sock: the directory /no/such/folder does not exist"), "{line}");
    assert!(!fresh.exists());
    assert!(UnixStream::connect(&kept).is_ok(), "the kept one is untouched");
}

#[test]
fn an_unusable_address_is_named_with_its_reason() {
    let long = format!("unix:/tmp/{}", "x".repeat(200));
    let cases = [
        ("192.0.2.1:0", "no interface of this machine has this address"),
        ("fd://987654", "no listening socket"),
        (long.as_str(), "107 bytes"),
    ];
    for (bind, reason) in cases {
        let line = refused(&[bind], &PLAIN, None);
        assert!(line.contains(bind) && line.contains(reason), "{line}");
    }
}

#[test]
fn a_listening_descriptor_is_taken_over_by_number() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let bind = format!("fd://{}", listener.into_raw_fd());
    let listeners = open(&[&bind], &lanes(2), None);
    assert_eq!(addresses(&listeners), [address]);
    assert_eq!(numbers(&listeners).len(), 1, "what is not ours gets no lanes");
    let again = open(&[&bind], &PLAIN, Some(&listeners));
    assert_eq!(numbers(&again), numbers(&listeners));
}

/// What the new arbiter would inherit: the same sockets under numbers of its own.
fn handed_over(listeners: &Listeners) -> impl Fn(&str) -> Option<OsString> {
    let (mut variables, fds) = listeners.export_upgrade();
    let (name, mut text) = variables.pop().unwrap();
    let sockets: Vec<_> = listeners.iter().filter(|one| !one.is_dormant()).flat_map(Listener::sockets).collect();
    assert_eq!(fds, sockets.iter().map(|socket| socket.as_raw_fd()).collect::<Vec<_>>());
    for (old, socket) in fds.iter().zip(&sockets) {
        let number = socket.try_clone().unwrap().into_raw_fd();
        for (before, after) in [('[', ','), ('[', ']'), (',', ','), (',', ']')] {
            text = text.replace(&format!("{before}{old}{after}"), &format!("{before}#{number}{after}"));
        }
    }
    let text = text.replace('#', "");
    move |wanted| (wanted == name).then(|| text.clone().into())
}

#[test]
fn a_broken_inheritance_is_refused_and_none_is_none() {
    assert!(inherit_upgrade(|_| None).unwrap().is_none());
    assert!(inherit_systemd(|_| None).unwrap().is_none());
    let error = inherit_upgrade(|_| Some("nonsense".into())).unwrap_err().to_string();
    assert!(error.starts_with("cannot take over the sockets of the old arbiter: "), "{error}");
    let pipe = crate::sys::pipe::blocking().unwrap().0.into_raw_fd();
    let text = format!(r#"{{"activated":false,"listeners":[{{"name":"127.0.0.1:1","fds":[{pipe}]}}]}}"#);
    let error = inherit_upgrade(move |_| Some(text.clone().into())).unwrap_err().to_string();
    assert!(error.contains("is not a listening stream socket"), "{error}");
}

#[test]
fn an_activation_of_another_process_is_not_ours() {
    let of = |pid: u32| move |name: &str| Some(if name == "LISTEN_PID" { pid.to_string() } else { "1".into() }.into());
    assert!(inherit_systemd(of(1)).unwrap().is_none());
}

#[test]
fn what_systemd_opened_is_all_there_is() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.sock");
    let server = UnixListener::bind(&path).unwrap();
    let name = SocketName::Unix(path.clone());
    let listener = Listener::new(Place::Fd(3), "systemd:x".into(), name, vec![server.into()], None);
    let activated = Listeners { all: vec![listener], activated: true, backlog: 64, custody: Rc::default() };
    let listeners = open(&["127.0.0.1:1"], &lanes(3), Some(&activated));
    assert_eq!(numbers(&listeners), numbers(&activated));
    let inherited = inherit_upgrade(handed_over(&listeners)).unwrap().unwrap();
    assert!(inherited.activated, "an upgrade is told");
    drop((activated, listeners, inherited));
    assert!(Path::new(&path).exists(), "the file is systemd's");
}

#[test]
fn sockets_outlive_the_list_they_came_from() {
    let listeners = open(&["127.0.0.1:0"], &PLAIN, None);
    let socket: Rc<_> = listeners.iter().next().unwrap().sockets().remove(0);
    listeners.close();
    assert!(accepting::accepts_connections(&socket));
}

#[test]
fn what_is_spoken_changes_without_a_new_socket() {
    let spoken = |listeners: &Listeners| Vec::from_iter(listeners.iter().map(Listener::is_tls));
    let secure = Options { certificates: true, ..PLAIN };
    let folder = tempfile::tempdir().unwrap();
    let (_, bind) = unix(&folder, "x.sock");
    let plain = open(&["127.0.0.1:0", &bind], &PLAIN, None);
    let tls = open(&["127.0.0.1:0", &bind], &secure, Some(&plain));
    assert_eq!((spoken(&plain), spoken(&tls)), (vec![false, false], vec![true, false]));
    let again = open(&["http://127.0.0.1:0", &format!("https+{bind}")], &secure, Some(&tls));
    assert_eq!(spoken(&again), [false, true]);
    assert_eq!(numbers(&again), numbers(&plain), "the accept queues stay");
    assert!(tls.iter().next().unwrap().url().starts_with("https://127.0.0.1:"));
    assert_eq!(again.iter().nth(1).unwrap().url(), format!("https+{bind}"));
    let inherited = inherit_upgrade(handed_over(&again)).unwrap().unwrap();
    assert_eq!(spoken(&open(&["https://127.0.0.1:0", &bind], &secure, Some(&inherited))), [true, false]);
}
