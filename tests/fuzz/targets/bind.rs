//! `--bind`: what is read can be written again, and an error is one line.
#![no_main]

use libfuzzer_sys::fuzz_target;
use rustcorn::listeners::{Bind, Place};

fuzz_target!(|text: &str| {
    let bind = match Bind::parse(text) {
        Ok(bind) => bind,
        Err(error) => {
            assert_eq!(error.to_string().lines().count(), 1, "{error}");
            return;
        }
    };
    assert_eq!(bind.to_string(), text);
    let written = match bind.place() {
        Place::Tcp { host, port } if host.contains(':') => format!("tcp://[{host}]:{port}"),
        Place::Tcp { host, port } => format!("tcp://{host}:{port}"),
        Place::Unix(path) => format!("unix://{}", path.display()),
        Place::Fd(number) => format!("fd://{number}"),
    };
    let again = Bind::parse(&written).expect("what a bind means is a bind");
    assert_eq!(again.place(), bind.place(), "{written}");
});
