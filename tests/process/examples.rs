//! The examples do what their first lines promise.

use crate::kit::*;

#[test]
fn the_statically_linked_application_has_the_whole_command_line() {
    let lab = Lab::new();
    let program = apps::executable("static-link");
    let server = lab.launch().program(program.clone()).no_app().args("--workers 2").start();
    server.wait_ready(2);
    server.reload(2);
    server.finish();
    let mut help = std::process::Command::new(&program);
    help.arg("--help");
    lab.scrub(&mut help);
    let help = lab.outcome(help);
    assert_eq!(help.code, 0);
    assert!(help.stdout.contains("--graceful-timeout"), "{}", help.stdout);
}

#[test]
fn the_workers_of_a_statically_linked_application_log_too() {
    let lab = Lab::new();
    let server = lab.launch().program(apps::executable("static-link")).no_app().log_file("web.log").start();
    for _ in 0..2 {
        let mark = server.mark();
        assert_eq!(server.get("/panic").status, 500);
        let worker = server.wait_ready(1)[0].pid;
        server.wait_log_since(mark, &[&format!("[{worker}] [ERROR]"), "panic"], SOON);
        // Reopening closes the descriptor in use, which must be the log's.
        server.signal(Signal::SIGUSR1);
        server.wait_log_since(mark, &["logs reopened"], SOON);
        assert_eq!(server.get("/").status, 200);
    }
    server.finish();
}

#[test]
fn the_statically_linked_application_upgrades_itself() {
    let lab = Lab::new();
    let program = lab.path("shop");
    std::fs::copy(apps::executable("static-link"), &program).expect("a copy");
    let mut old = lab.launch().program(program).no_app().args("--workers 1").pid_file("web.pid").start();
    old.signal(Signal::SIGUSR2);
    let new = super::upgrade::wait_upgrade(&lab, &old, "web.pid.2");
    old.signal(Signal::SIGTERM);
    assert_eq!(old.wait_exit(SOON), 0);
    assert_eq!(old.get("/").status, 200);
    super::upgrade::end(new);
    old.assert_gone();
}

#[test]
fn the_list_of_things_to_do_keeps_what_it_is_given() {
    let lab = Lab::new();
    let library = apps::library("todo");
    let server = lab.launch().app(&format!("{}:app", library.display())).args("--workers 1").spawn();
    wait_until("an address", SOON, || server.addresses().into_iter().next());
    let address = server.address();
    let json = br#"{"title": "write tests"}"#;
    let head = format!(
        "POST /todos HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
        json.len()
    );
    let mut client = Client::connect(&address, SOON).expect("connected");
    client.send(&[head.as_bytes(), json].concat()).expect("sent");
    let made = client.reply().expect("an answer");
    assert!(matches!(made.status, 200 | 201), "{} {}", made.status, made.text());
    let list = client.get("/todos").expect("an answer");
    assert!(list.text().contains("write tests"), "{}", list.text());
    server.finish();
}
