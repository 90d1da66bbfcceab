//! `kill -9` of the arbiter: no worker outlives it, and the port is free.

use crate::kit::*;

#[test]
fn idle_workers_are_gone_and_the_port_is_free_within_a_second() {
    let lab = Lab::new();
    let mut server = lab.serve("--workers 4");
    let crew = server.wait_ready(4);
    let address = server.address();
    let begun = Instant::now();
    server.kill_arbiter();
    for worker in &crew {
        proc::wait_gone(worker.pid, secs(5));
    }
    wait_until("the port is free", secs(5), || (!address.answers()).then_some(()));
    let took = begun.elapsed();
    println!("4 idle workers gone {took:?} after their arbiter");
    assert!(took < secs(1), "it took {took:?}");
    let again = lab.launch().no_bind().args("--bind").arg(format!("127.0.0.1:{}", address.port())).start();
    again.finish();
}

#[test]
fn a_request_in_flight_is_answered_first() {
    let lab = Lab::new();
    let mut server = lab.serve("--workers 1");
    let crew = server.wait_ready(1);
    let mut client = server.connect();
    client.send_get("/sleep/1500").expect("sent");
    // The head of an answer to a later request proves that the first one has been taken.
    assert_eq!(server.get("/").status, 200);
    server.kill_arbiter();
    assert_eq!(client.reply().expect("an answer").status, 200);
    proc::wait_gone(crew[0].pid, secs(6));
}

#[test]
fn a_blocked_worker_is_gone_after_the_grace() {
    let lab = Lab::new();
    let mut server = lab.serve("--workers 1 --graceful-timeout 1");
    let crew = server.wait_ready(1);
    let blocked = server.get_later("/block/60000");
    wait_until("the worker blocks", SOON, || http::get(&server.address(), "/", ms(200)).is_err().then_some(()));
    let begun = Instant::now();
    server.kill_arbiter();
    proc::wait_gone(crew[0].pid, secs(10));
    println!("a blocked worker gone {:?} after its arbiter, with a grace of 1 s", begun.elapsed());
    assert!(begun.elapsed() < secs(3), "it took {:?}", begun.elapsed());
    assert!(blocked.join().expect("no panic").is_err());
}

#[test]
fn workers_that_still_boot_are_gone_too() {
    let lab = Lab::new().with_testapps();
    let mut server = lab.launch().app("testapps:hangs").args("--workers 2 --graceful-timeout 1").spawn();
    let workers = server.wait_workers(2);
    server.kill_arbiter();
    for worker in workers {
        proc::wait_gone(worker, secs(5));
    }
}
