//! The process's logger as a whole. One test, since there is one logger in a process; other modules' tests may write
//! to it meanwhile, so what is looked for is always a line of our own.

use super::*;
use crate::abi::LogOrders;
use crate::types::Level;
use serde_json::Value;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::time::{Duration, Instant};

fn lines(path: &Path, needle: &str) -> Vec<String> {
    let text = std::fs::read_to_string(path).unwrap();
    text.lines().filter(|line| line.contains(needle)).map(str::to_owned).collect()
}

#[test]
fn a_logger_from_boot_to_rotation_to_trouble() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("x.log");
    let orders = LogOrders { path: Some(path.clone()), ..LogOrders::default() };
    init(orders.clone(), destination(&orders).unwrap());

    // Levels and shape.
    debug!("unseen {}", 1);
    info!("seen {}", 2);
    write(Level::Critical, "seen 3");
    assert!(lines(&path, "unseen").is_empty());
    let seen = lines(&path, "seen");
    assert!(seen[0].ends_with(&format!("[{}] [INFO] seen 2", std::process::id())), "{seen:?}");
    assert!(seen[1].ends_with("[CRITICAL] seen 3"));

    // Rotation by renaming; then by copying and truncating.
    let old = home.path().join("x.log.1");
    std::fs::rename(&path, &old).unwrap();
    info!("into the renamed");
    reopen().unwrap();
    info!("into the new");
    assert_eq!(lines(&old, "into the").len(), 1);
    assert_eq!(lines(&path, "into the new").len(), 1);
    std::fs::File::options().write(true).open(&path).unwrap().set_len(0).unwrap();
    info!("after truncation");
    let bytes = std::fs::read(&path).unwrap();
    assert!(bytes.starts_with(b"["), "the file begins with a hole: it was not opened to append");

    // A reopen or a change that fails keeps what is there.
    let away = home.path().join("away");
    std::fs::rename(&path, &away).unwrap();
    std::fs::create_dir(&path).unwrap();
    assert!(reopen().unwrap_err().to_string().ends_with("it is a directory"));
    let nowhere = LogOrders { path: Some("/nope/x.log".into()), json: true, ..LogOrders::default() };
    assert!(reconfigure(nowhere).is_err());
    info!("still the old one");
    assert!(lines(&away, "still the old one")[0].ends_with("[INFO] still the old one"));
    std::fs::remove_dir(&path).unwrap();

    // A seat that hands on the descriptor which this process's logger has already.
    let again = crate::sys::fd::adopt(raw_fd()).unwrap();
    init(orders.clone(), again);
    info!("through the same descriptor");
    assert_eq!(lines(&away, "through the same").len(), 1);

    // JSON, and the application's own events.
    reconfigure(LogOrders { json: true, level: Level::Debug, ..orders.clone() }).unwrap();
    tracing::subscriber::with_default(bridge(), || {
        let span = tracing::info_span!("request", id = 7, user = tracing::field::Empty);
        span.record("user", "ann");
        let _inside = span.enter();
        tracing::warn!(target: "shop", left = 3, free = true, "stock is {}", "low");
        tracing::trace!("finest");
    });
    let event: Value = serde_json::from_str(&lines(&path, "stock")[0]).unwrap();
    assert_eq!(event["level"], "warning");
    assert_eq!(event["message"], "stock is low");
    assert_eq!(event["target"], "shop");
    assert_eq!(event["fields"], serde_json::json!({"left": 3, "free": true}));
    assert_eq!(event["spans"], serde_json::json!([{"name": "request", "id": 7, "user": "ann"}]));

    assert!(lines(&path, "finest").is_empty());
    reconfigure(LogOrders { level: Level::Trace, ..orders.clone() }).unwrap();
    tracing::subscriber::with_default(bridge(), || tracing::trace!(target: "shop", left = 3, "finest"));
    let traced = &lines(&path, "finest")[0];
    assert!(traced.contains("[TRACE] ") && traced.contains("left=3"), "{traced}");

    // A pipe that nobody reads, and one whose reader is gone: fast, and counted.
    let (reader, writer) = std::io::pipe().unwrap();
    init(LogOrders::default(), OwnedFd::from(writer));
    let before = dropped();
    let started = Instant::now();
    for _ in 0..200 {
        info!("{}", "y".repeat(1000));
    }
    assert!(dropped() >= before + 100, "a pipe holds 64 KiB, {} lines were lost", dropped() - before);
    drop(reader);
    error!("nobody will read this");
    assert!(started.elapsed() < Duration::from_secs(5), "a stuck log slowed its caller");

    // The next log that works is told of the losses.
    reconfigure(orders.clone()).unwrap();
    info!("at last");
    let told = lines(&path, "could not be written before this one");
    assert!(told[0].contains("[WARNING]"), "{told:?}");

    // Threads and the disk.
    let full = std::fs::File::options().write(true).open("/dev/full").unwrap();
    init(LogOrders::default(), full.into());
    let before = dropped();
    info!("no room");
    assert!(dropped() > before);
    reconfigure(orders).unwrap();
    std::thread::scope(|scope| {
        for thread in 0..4 {
            scope.spawn(move || (0..100).for_each(|i| info!("thread {thread} line {i} {}", "z".repeat(500))));
        }
    });
    let whole = lines(&path, "] thread ");
    assert_eq!(whole.len(), 400);
    assert!(whole.iter().all(|line| line.starts_with('[') && line.ends_with(&"z".repeat(500))));
}
