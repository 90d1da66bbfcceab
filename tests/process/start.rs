//! A start: where it listens, how many workers, what the environment adds.

use crate::kit::*;
use std::os::unix::fs::PermissionsExt;

#[test]
fn serves_a_router_and_names_the_real_port() {
    let lab = Lab::new();
    let server = lab.serve("--workers 2");
    let Address::Tcp(address) = server.address() else { panic!("not TCP") };
    assert_ne!(address.port(), 0);
    assert!(address.ip().is_loopback());
    assert_eq!(server.get("/").status, 200);
    server.wait_ready(2);
    assert_eq!(server.get("/no-such-page").status, 404);
    server.assert_no_errors();
    server.finish();
}

#[test]
fn starts_one_worker_by_default() {
    let lab = Lab::new();
    let server = lab.serve("");
    assert_eq!(server.wait_ready(1).len(), 1);
    server.finish();
}

#[test]
fn logs_what_gunicorn_logs_at_a_start() {
    let lab = Lab::new();
    let server = lab.serve("");
    let pid = server.pid();
    let starting = server.wait_log(&["Starting rustcorn "]);
    assert!(starting.contains(&format!("[{pid}] [INFO]")), "{starting}");
    assert!(server.wait_log(&["Listening at: http://127.0.0.1:"]).ends_with(&format!("({pid})")));
    let worker = server.wait_ready(1)[0].pid;
    server.wait_log(&["Booting worker with pid: ", &worker.to_string()]);
    server.finish();
}

#[test]
fn answers_a_body_that_was_posted() {
    let lab = Lab::new();
    let server = lab.serve("");
    let body = vec![b'x'; 100_000];
    let reply = http::post(&server.address(), "/echo", &body, SOON).expect("an answer");
    assert_eq!((reply.status, reply.body.len()), (200, body.len()));
    server.finish();
}

#[test]
fn listens_at_every_bind_it_was_given() {
    let lab = Lab::new();
    let socket = lab.path("web.sock");
    let mut server = lab
        .launch()
        .args("--bind 127.0.0.1:0 --bind [::1]:0 --workers 2")
        .arg("--bind")
        .arg(format!("unix:{}", socket.display()))
        .start();
    let addresses =
        wait_until("four addresses", SOON, || Some(server.addresses()).filter(|addresses| addresses.len() == 4));
    assert!(addresses.contains(&Address::Unix(socket.clone())));
    for address in &addresses {
        assert_eq!(http::get(address, "/", SOON).expect("an answer").status, 200, "{address:?}");
    }
    server.signal(Signal::SIGTERM);
    assert_eq!(server.wait_exit(SOON), 0);
    server.assert_gone();
    assert!(!socket.exists());
}

#[test]
fn a_bare_port_and_an_empty_host_mean_what_gunicorn_means() {
    let lab = Lab::new();
    // The bare port is on the loopback like the default bind, the empty host is every interface.
    for (bind, host) in [("0", "127.0.0.1"), (":0", "0.0.0.0")] {
        let server = lab.launch().no_bind().args("--bind").arg(bind).spawn();
        let line = server.wait_log(&["Listening at: "]);
        let port: u16 = line
            .rsplit_once(':')
            .and_then(|(_, rest)| rest.split(' ').next())
            .and_then(|word| word.parse().ok())
            .unwrap_or_else(|| panic!("{line}"));
        let told = line.contains(&format!("http://{host}:{port}"));
        assert!(told || bind == "0", "--bind {bind}: {line}");
        let local = Address::Tcp(([127, 0, 0, 1], port).into());
        wait_until("an answer on the loopback", SOON, || http::get(&local, "/", secs(2)).ok());
    }
}

#[test]
fn the_socket_file_has_the_mode_that_the_umask_leaves() {
    let lab = Lab::new();
    for (umask, mode) in [("0", 0o777), ("0o117", 0o660), ("0077", 0o700)] {
        let socket = lab.path("web.sock");
        let server = lab
            .launch()
            .no_bind()
            .arg("--bind")
            .arg(format!("unix:{}", socket.display()))
            .args("--umask")
            .arg(umask.replace("0o", "0"))
            .start();
        let found = std::fs::metadata(&socket).expect("the socket").permissions().mode() & 0o777;
        assert_eq!(found, mode, "umask {umask}: {found:o}");
        server.finish();
    }
}

#[test]
fn a_socket_file_that_nobody_listens_on_is_replaced() {
    let lab = Lab::new();
    let socket = lab.path("web.sock");
    drop(std::os::unix::net::UnixListener::bind(&socket).expect("a socket to leave behind"));
    assert!(socket.exists());
    let server = lab.launch().no_bind().arg("--bind").arg(format!("unix:{}", socket.display())).start();
    assert_eq!(server.get("/").status, 200);
    server.finish();
}

#[test]
fn a_dead_unix_socket_that_another_start_is_at_is_left_to_that() {
    let lab = Lab::new();
    let socket = lab.path("web.sock");
    drop(std::os::unix::net::UnixListener::bind(&socket).expect("a socket to leave behind"));
    let other = std::fs::File::create(lab.path("web.sock.lock")).expect("a lock");
    other.lock().expect("it is free");
    let outcome = lab.run(&format!("hello:router --bind unix:{}", socket.display()));
    let line = outcome.one_error(1);
    assert!(line.contains("web.sock") && line.contains("another process is about to listen"), "{line}");
    assert!(socket.exists(), "it was the other's to replace");
    // A start that was killed holds it no more.
    drop(other);
    let server = lab.launch().no_bind().arg("--bind").arg(format!("unix:{}", socket.display())).start();
    assert!(!lab.path("web.sock.lock").exists(), "it is gone as soon as the socket listens");
    server.finish();
}

#[test]
fn port_in_the_environment_binds_every_interface() {
    let lab = Lab::new();
    let server = lab.launch().no_bind().env("PORT", "0").spawn();
    let line = server.wait_log(&["Listening at: "]);
    assert!(line.contains("http://0.0.0.0:"), "{line}");
}

#[test]
fn web_concurrency_in_the_environment_is_the_number_of_workers() {
    let lab = Lab::new();
    let server = lab.launch().env("WEB_CONCURRENCY", "3").start();
    server.wait_ready(3);
    server.finish();
    // The command line has the last word.
    let server = lab.launch().env("WEB_CONCURRENCY", "3").args("--workers 2").start();
    server.wait_ready(2);
    server.finish();
    // Empty is unset, not an error: a container's variable that nobody filled in.
    let server = lab.launch().env("WEB_CONCURRENCY", "").start();
    server.wait_ready(1);
    server.finish();
}

#[test]
fn several_threads_answer_at_once_in_one_worker() {
    let lab = Lab::new();
    let server = lab.serve("--threads 4");
    let begun = Instant::now();
    let slow: Vec<_> = (0..3).map(|_| server.get_later("/block/1500")).collect();
    let quick = server.get("/");
    assert_eq!(quick.status, 200);
    assert!(begun.elapsed() < ms(1400), "waited {:?} behind a blocked thread", begun.elapsed());
    for request in slow {
        assert_eq!(request.join().expect("no panic").expect("an answer").status, 200);
    }
    assert!(begun.elapsed() < ms(3500), "three threads took {:?}", begun.elapsed());
    server.finish();
}

#[test]
fn a_router_may_be_built_by_an_async_or_a_fallible_function() {
    let lab = Lab::new().with_testapps();
    for name in ["testapps:router", "testapps:later", "testapps:fallible", "testapps"] {
        let server = lab.launch().app(name).start();
        assert_eq!(server.get("/").text(), "the second version\n", "{name}");
        server.finish();
    }
}

#[test]
fn the_application_is_found_by_path_and_in_app_dir() {
    let lab = Lab::new();
    std::fs::create_dir(lab.path("apps")).expect("a directory");
    std::fs::copy(apps::testapps(), lab.path("apps/libtestapps.so")).expect("a copy");
    let server = lab.launch().app("testapps:router").args("--app-dir apps").start();
    assert_eq!(server.get("/").text(), "the second version\n");
    server.finish();
    let server = lab.launch().app("apps/libtestapps.so:router").start();
    assert_eq!(server.get("/").text(), "the second version\n");
    server.finish();
}

#[test]
fn an_idle_keep_alive_connection_is_closed_after_its_time() {
    let lab = Lab::new();
    let server = lab.serve("--keep-alive 1");
    let mut client = server.connect();
    assert_eq!(client.get("/").expect("an answer").status, 200);
    let begun = Instant::now();
    client.wait_closed().expect("a clean end");
    let waited = begun.elapsed();
    assert!(waited > ms(800) && waited < secs(5), "closed after {waited:?}");
    server.finish();
}

#[test]
fn worker_connections_bounds_what_one_worker_holds() {
    let lab = Lab::new();
    let server = lab.serve("--worker-connections 2 --keep-alive 30");
    let mut held: Vec<Client> = (0..2).map(|_| server.connect()).collect();
    for client in &mut held {
        client.send_get("/sleep/1500").expect("sent");
    }
    // The third waits in the accept queue; it is neither refused nor answered before one of the two has left.
    let mut third = Client::connect(&server.address(), ms(500)).expect("queued");
    third.send_get("/").expect("sent");
    assert!(third.reply().is_err(), "answered beyond the limit");
    drop(third);
    for client in &mut held {
        assert_eq!(client.reply().expect("an answer").status, 200);
    }
    // Idle connections make room: the one that has been so for longest, and one only.
    let mut fourth = server.connect();
    assert_eq!(fourth.get("/").expect("an answer").status, 200);
    let served = held.iter_mut().filter_map(|client| client.get("/").ok()).count();
    assert_eq!(served, 1, "one of the idle connections has made room");
    drop((held, fourth));
    server.finish();
}

#[test]
fn chdir_and_env_are_what_the_application_sees() {
    let lab = Lab::new().with_testapps();
    std::fs::create_dir(lab.path("home")).expect("a directory");
    // `poisonable` looks at its working directory.
    lab.write("home/poison", "");
    let app = format!("{}:poisonable", apps::testapps().display());
    let outcome = lab.run(&format!("{app} --bind 127.0.0.1:0 --chdir home"));
    assert_eq!(outcome.code, 3, "{}", outcome.stderr);
    let server = lab.launch().app("testapps:router").args("--env GREETING=salve -e EMPTY=").start();
    assert_eq!(server.get("/env/GREETING").text(), "salve");
    assert_eq!(server.get("/env/EMPTY").text(), "");
    server.finish();
}
