//! What connections cost that do nothing.

use crate::client::Client;
use crate::seat::serve;
use crate::usage::resident;
use serde_json::json;

/// Bytes per connection, for connections that have done `what`.
fn cost(what: impl Fn(&mut Client)) -> usize {
    const COUNT: usize = 2000;
    rustcorn::sys::stats::raise_max_fds().unwrap();
    let worker = serve("probe", json!({ "keepalive": 600, "worker_connections": 100_000 }));
    // What the first ones bring along is there to stay.
    let mut clients: Vec<Client> = (0..200).map(|_| Client::of(&worker)).collect();
    clients.iter_mut().for_each(&what);
    let before = resident(&worker);
    for _ in 0..COUNT {
        let mut client = Client::of(&worker);
        what(&mut client);
        clients.push(client);
    }
    let cost = (resident(&worker).saturating_sub(before)) / COUNT;
    assert_eq!(Client::of(&worker).get("/").status, 200);
    cost
}

/// With `--nocapture`, for those who want the number.
fn show(text: &str) {
    std::io::Write::write_all(&mut std::io::stderr(), format!("{text}\n").as_bytes()).unwrap();
}

#[test]
fn an_idle_connection_costs_less_than_a_page() {
    let cost = cost(|client| {
        assert_eq!(client.get("/fields").status, 200);
    });
    show(&format!("an idle connection costs {cost} bytes"));
    assert!(cost < 4096, "{cost} bytes");
}

#[test]
fn half_a_request_costs_not_much_more() {
    let cost = cost(|client| {
        assert_eq!(client.get("/").status, 200);
        client.send("GET / HTTP/1.1\r\nHo");
    });
    show(&format!("a connection with half a request costs {cost} bytes"));
    assert!(cost < 6144, "{cost} bytes");
}
