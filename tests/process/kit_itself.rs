//! The harness is worth something only if it notices: a load on servers that lose requests in known ways.

use crate::kit::*;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

/// What a server does with every hundredth request, instead of answering it well.
#[derive(Clone, Copy, PartialEq)]
enum Fault {
    Nothing,
    Close,
    Truncate,
    ServerError,
    /// Announces nothing and ends an idle connection right after an answer.
    SilentEnd,
}

/// A server of 30 lines, in threads; lives as long as the test run.
fn faulty_server(fault: Fault) -> Address {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = Address::Tcp(listener.local_addr().expect("its address"));
    let count = Arc::new(AtomicU32::new(0));
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let count = Arc::clone(&count);
            std::thread::spawn(move || serve(stream, fault, &count));
        }
    });
    address
}

fn serve(stream: TcpStream, fault: Fault, count: &AtomicU32) -> Option<()> {
    let mut writer = stream.try_clone().ok()?;
    let mut reader = BufReader::new(stream);
    loop {
        let mut close = false;
        let mut line = String::from("begin");
        while line != "\r\n" {
            line.clear();
            if reader.read_line(&mut line).ok()? == 0 {
                return None;
            }
            close |= line.eq_ignore_ascii_case("connection: close\r\n");
        }
        let turn = count.fetch_add(1, Ordering::Relaxed) % 100 == 99;
        let announced = if close { "Connection: close\r\n" } else { "" };
        let status = if turn && fault == Fault::ServerError { "503 Busy" } else { "200 OK" };
        let answer = format!("HTTP/1.1 {status}\r\n{announced}Content-Length: 5\r\n\r\nhello");
        let bytes = answer.as_bytes();
        match fault {
            Fault::Close if turn => return None,
            Fault::Truncate if turn => return writer.write_all(&bytes[..bytes.len() - 3]).ok(),
            Fault::SilentEnd if turn => return writer.write_all(bytes).ok(),
            _ => writer.write_all(bytes).ok()?,
        }
        if close {
            return None;
        }
    }
}

fn tally(address: &Address) -> load::Tally {
    let load = Load::start(address);
    wait_until("some hundred requests", SOON, || (load.answered() + load.lost() > 500).then_some(()));
    load.stop()
}

#[test]
fn the_load_finds_nothing_wrong_with_a_good_server_and_keeps_its_pace() {
    let _turn = lab::Turn::alone();
    tally(&faulty_server(Fault::Nothing)).assert_lossless("a good server");
}

#[test]
fn the_load_notices_every_way_of_losing_a_request() {
    let _turn = lab::Turn::alone();
    for (fault, word) in [
        (Fault::Close, "closed before an answer"),
        (Fault::Truncate, "truncated"),
        (Fault::ServerError, "status 503"),
        (Fault::SilentEnd, ""),
    ] {
        let tally = tally(&faulty_server(fault));
        assert!(tally.lost.iter().any(|line| line.contains(word)), "nothing with {word:?} in {:?}", tally.lost);
    }
    let nobody = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a port");
    let load = Load::start(&Address::Tcp(nobody));
    wait_until("refusals", SOON, || (load.lost() > 20).then_some(()));
    assert!(load.stop().lost[0].contains("ConnectionRefused"));
}
