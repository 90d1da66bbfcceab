//! TLS as clients meet it: handshakes with the real program, renewal and reload under them, several kinds of binds.

use crate::kit::*;
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::crypto::ring::default_provider;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject};
use rustls::{ClientConfig, ClientConnection, HandshakeKind, RootCertStore, StreamOwned};
use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Who signs for servers and clients.
struct Authority {
    pem: String,
    params: CertificateParams,
    key: KeyPair,
}

impl Authority {
    fn new() -> Self {
        let key = KeyPair::generate().expect("a key");
        let mut params = CertificateParams::new(Vec::new()).expect("no names");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Self { pem: params.self_signed(&key).expect("a certificate").pem(), params, key }
    }

    /// A certificate for these names and its key.
    fn issue(&self, names: &[&str], common_name: &str) -> (String, String) {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let mut params = CertificateParams::new(names).expect("names");
        params.distinguished_name.push(rcgen::DnType::CommonName, common_name);
        let key = KeyPair::generate().expect("a key");
        let issuer = Issuer::from_params(&self.params, &self.key);
        (params.signed_by(&key, &issuer).expect("a certificate").pem(), key.serialize_pem())
    }

    fn client(&self, shown: Option<&(String, String)>) -> Arc<ClientConfig> {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(self.pem.as_bytes()).expect("ours")).expect("ours");
        let builder = ClientConfig::builder_with_provider(Arc::new(default_provider()));
        let builder = builder.with_safe_default_protocol_versions().expect("both").with_root_certificates(roots);
        Arc::new(match shown {
            Some((certificate, key)) => {
                let chain = vec![CertificateDer::from_pem_slice(certificate.as_bytes()).expect("ours")];
                let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).expect("ours");
                builder.with_client_auth_cert(chain, key).expect("a pair")
            }
            None => builder.with_no_client_auth(),
        })
    }
}

type Tls = StreamOwned<ClientConnection, TcpStream>;

fn connect(port: u16, config: &Arc<ClientConfig>, name: &str) -> Tls {
    let stream = TcpStream::connect(("127.0.0.1", port)).expect("it listens");
    stream.set_read_timeout(Some(SOON)).expect("a timeout");
    let name = name.to_owned().try_into().expect("a name");
    StreamOwned::new(ClientConnection::new(config.clone(), name).expect("a client"), stream)
}

/// One request to the end of the connection: the whole answer, and the connection.
fn ask(port: u16, config: &Arc<ClientConfig>, name: &str, path: &str) -> std::io::Result<(String, Tls)> {
    let mut tls = connect(port, config, name);
    write!(tls, "GET {path} HTTP/1.1\r\nHost: {name}\r\nConnection: close\r\n\r\n")?;
    let mut answer = String::new();
    // An end without close_notify is an error here.
    tls.read_to_string(&mut answer)?;
    Ok((answer, tls))
}

/// The server's certificate, as that connection saw it.
fn shown(tls: &Tls) -> Vec<u8> {
    tls.conn.peer_certificates().expect("shown")[0].to_vec()
}

fn der((certificate, _): &(String, String)) -> Vec<u8> {
    CertificateDer::from_pem_slice(certificate.as_bytes()).expect("ours").to_vec()
}

fn install(lab: &Lab, stem: &str, (certificate, key): &(String, String)) {
    for (name, text) in [(format!("{stem}.pem"), certificate), (format!("{stem}.key"), key)] {
        let fresh = lab.write(&format!("{name}.new"), text);
        fs::set_permissions(&fresh, fs::Permissions::from_mode(0o600)).expect("ours");
        fs::rename(fresh, lab.path(&name)).expect("in place");
    }
}

/// The ports of all TCP listeners, in the order of the binds.
fn ports(server: &Server) -> Vec<u16> {
    let tcp = |address: &Address| matches!(address, Address::Tcp(_)).then(|| address.port());
    server.addresses().iter().filter_map(tcp).collect()
}

const BINDS: &str = "--bind http://127.0.0.1:0 --bind 127.0.0.1:0";

#[test]
fn plain_tls_and_unix_binds_serve_side_by_side_and_names_have_their_certificates() {
    let (lab, ca) = (Lab::new(), Authority::new());
    let (first, second) = (ca.issue(&["a.org"], "a"), ca.issue(&["b.org"], "b"));
    install(&lab, "a", &first);
    install(&lab, "b", &second);
    let files = "--certfile a.pem --keyfile a.key --certfile b.pem --keyfile b.key";
    let server = lab.launch().no_bind().args(BINDS).args("--bind unix:web.sock").args(files).start();
    let ports = ports(&server);
    assert_eq!(http::get(&Address::Unix(lab.path("web.sock")), "/", SOON).expect("unix").status, 200);
    for (name, pair) in [("a.org", &first), ("b.org", &second)] {
        let (answer, tls) = ask(ports[1], &ca.client(None), name, "/").expect("tls");
        assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
        assert_eq!(shown(&tls), der(pair), "{name}");
    }
    assert!(ask(ports[0], &ca.client(None), "a.org", "/").is_err(), "plain HTTP is not TLS");
    server.finish();
}

#[test]
fn a_renewed_certificate_is_shown_by_the_same_workers_even_without_rights_to_read_it() {
    let (lab, ca) = (Lab::new(), Authority::new());
    let (old, new) = (ca.issue(&["a.org"], "old"), ca.issue(&["a.org"], "new"));
    install(&lab, "a", &old);
    let user = if nix::unistd::geteuid().is_root() { "--user daemon" } else { "" };
    let files = "--certfile a.pem --keyfile a.key --workers 2";
    let server = lab.launch().no_bind().args(BINDS).args(files).args(user).start();
    server.wait_ready(2);
    let (crew, port) = (server.workers(), ports(&server)[1]);
    let mut held = connect(port, &ca.client(None), "a.org");
    held.write_all(b"GET / HTTP/1.1\r\nHost: a.org\r\n").expect("half a request");
    install(&lab, "a", &new);
    // Fresh clients, so that no session is continued; in a row, until all workers show the new one.
    wait_until("only the new certificate", SOON, || {
        let all_new = (0..8).all(|_| {
            let (_, tls) = ask(port, &ca.client(None), "a.org", "/").expect("tls");
            shown(&tls) == der(&new)
        });
        all_new.then_some(())
    });
    held.write_all(b"Connection: close\r\n\r\n").expect("the rest of it");
    let mut answer = String::new();
    held.read_to_string(&mut answer).expect("an answer on the old connection");
    assert!(answer.starts_with("HTTP/1.1 200 ") && shown(&held) == der(&old));
    assert_eq!(server.workers(), crew);
    server.finish();
}

#[test]
fn sessions_continue_at_any_worker_and_across_a_reload() {
    let (lab, ca) = (Lab::new(), Authority::new());
    install(&lab, "a", &ca.issue(&["a.org"], "a"));
    let files = "--certfile a.pem --keyfile a.key --workers 3";
    let server = lab.launch().no_bind().args(BINDS).args(files).start();
    server.wait_ready(3);
    let (port, client) = (ports(&server)[1], ca.client(None));
    let kind = || ask(port, &client, "a.org", "/").expect("tls").1.conn.handshake_kind();
    assert_eq!(kind(), Some(HandshakeKind::Full));
    for _ in 0..12 {
        assert_eq!(kind(), Some(HandshakeKind::Resumed));
    }
    server.reload(3);
    assert_eq!(kind(), Some(HandshakeKind::Resumed));
    server.finish();
}

#[test]
fn clients_that_must_show_a_certificate_are_refused_without_one() {
    let (lab, ca) = (Lab::new(), Authority::new());
    install(&lab, "a", &ca.issue(&["a.org"], "a"));
    lab.write("ca.pem", &ca.pem);
    let alice = ca.issue(&[], "alice");
    let files = "--certfile a.pem --keyfile a.key --ca-certs ca.pem --cert-reqs 2";
    let server = lab.launch().no_bind().args(BINDS).args(files).start();
    let port = ports(&server)[1];
    let (answer, _) = ask(port, &ca.client(Some(&alice)), "a.org", "/").expect("alice");
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    assert!(ask(port, &ca.client(None), "a.org", "/").is_err(), "nobody");
    let mallory = Authority::new().issue(&[], "alice");
    assert!(ask(port, &ca.client(Some(&mallory)), "a.org", "/").is_err(), "a stranger");
    server.assert_no_errors();
    server.finish();
}

#[test]
fn a_reload_loses_no_request_over_tls() {
    let (lab, ca) = (Lab::new(), Authority::new());
    install(&lab, "a", &ca.issue(&["a.org"], "a"));
    let files = "--certfile a.pem --keyfile a.key --workers 2";
    let server = lab.launch().no_bind().args(BINDS).args(files).start();
    server.wait_ready(2);
    let port = ports(&server)[1];
    with_clients(&ca, port, || {
        server.reload(2);
        server.reload(2);
    });
    server.assert_no_errors();
    server.finish();
}

/// Four clients ask over TLS, one connection after the other, while this is done; each request is answered.
fn with_clients(ca: &Authority, port: u16, meanwhile: impl FnOnce()) {
    let done = &AtomicBool::new(false);
    std::thread::scope(|scope| {
        let clients = [(); 4].map(|()| {
            scope.spawn(move || {
                let (client, mut count) = (ca.client(None), 0);
                while !done.load(Ordering::Relaxed) {
                    let (answer, _) = ask(port, &client, "a.org", "/").expect("no request is lost");
                    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
                    count += 1;
                }
                count
            })
        });
        let outcome = catch_unwind(AssertUnwindSafe(meanwhile));
        done.store(true, Ordering::Relaxed);
        if let Err(panic) = outcome {
            resume_unwind(panic);
        }
        assert!(clients.into_iter().all(|client| client.join().expect("a client") > 0));
    });
}

#[test]
fn a_tls_bind_that_an_upgrade_narrows_speaks_tls_all_the_time() {
    let (lab, ca) = (Lab::alone(), Authority::new());
    install(&lab, "a", &ca.issue(&["a.org"], "a"));
    let port = std::net::TcpListener::bind("0.0.0.0:0").and_then(|free| free.local_addr()).expect("a port").port();
    let plain = lab.path("web.sock");
    let write = |host: &str| {
        let text = format!("bind = [\"unix:{}\", \"{host}:{port}\"]\n", plain.display());
        lab.write("rustcorn.toml", &text);
    };
    write("0.0.0.0");
    let files = "--certfile a.pem --keyfile a.key --workers 2";
    let mut old = lab.launch().no_bind().args(files).pid_file("web.pid").start();
    old.wait_ready(2);
    let elsewhere = Address::parse(&format!("http://127.0.0.2:{port}")).expect("an address");
    let mut new = 0;
    with_clients(&ca, port, || {
        let mark = old.mark();
        write("127.0.0.1");
        old.signal(Signal::SIGUSR2);
        old.wait_log_since(mark, &["Upgrade: the new arbiter", "serves"], SOON);
        for host in ["127.0.0.1", "127.0.0.2"] {
            let plain = Address::parse(&format!("http://{host}:{port}")).expect("an address");
            assert!(http::get(&plain, "/", SOON).is_err(), "plain HTTP is answered at {host}");
        }
        new = lab.read("web.pid.2").trim().parse().expect("a pid");
        old.signal(Signal::SIGTERM);
        assert_eq!(old.wait_exit(SOON), 0);
        old.wait_log_since(mark, &["Master has been promoted"], SOON);
        wait_until("the wide socket is closed", SOON, || (!elsewhere.answers()).then_some(()));
    });
    super::upgrade::end(new);
    old.assert_gone();
}

#[test]
fn a_handshake_that_is_never_begun_is_cut() {
    let (lab, ca) = (Lab::new(), Authority::new());
    install(&lab, "a", &ca.issue(&["a.org"], "a"));
    let files = "--certfile a.pem --keyfile a.key --handshake-timeout 0.5";
    let server = lab.launch().no_bind().args(BINDS).args(files).start();
    let mut silent = TcpStream::connect(("127.0.0.1", ports(&server)[1])).expect("it listens");
    silent.set_read_timeout(Some(SOON)).expect("a timeout");
    let begun = Instant::now();
    // The end, or a reset: either way the server has let go.
    let _ = silent.read(&mut [0; 16]);
    assert!(begun.elapsed() >= ms(400) && begun.elapsed() < secs(5), "{:?}", begun.elapsed());
    server.finish();
}
