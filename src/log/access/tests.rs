//! The access log of a worker as a whole: from a request's end to the file, through trouble of every kind.

use super::*;
use crate::abi::{COMBINED_FORMAT, SyslogOrders, SyslogTarget};
use http::{HeaderValue, Version};
use std::fs::File;
use std::io::Read;
use std::time::Instant;

const SOON: Duration = Duration::from_secs(10);

fn orders(path: Option<&Path>) -> AccessOrders {
    AccessOrders { format: "%(m)s %(U)s %(s)s".into(), path: path.map(Path::to_owned), syslog: None }
}

fn record(access: &Access, target: &str) {
    access.record(&entry(target));
}

fn entry(target: &str) -> Entry<'_> {
    static NOTHING: Captured = Captured::none();
    Entry {
        client: None,
        method: "GET",
        target: target.as_bytes(),
        version: Some(Version::HTTP_11),
        status: 200,
        sent: Some(0),
        took: Duration::ZERO,
        end: End::Answered,
        request: &NOTHING,
        response: &NOTHING,
        request_id: None,
        pid: 1,
    }
}

#[track_caller]
fn wait_until(what: &str, done: impl Fn() -> bool) {
    let begun = Instant::now();
    while !done() {
        assert!(begun.elapsed() < SOON, "waited for {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn no_log_is_none_and_a_format_that_is_none_is_refused() {
    assert!(Access::start(&orders(None), None).unwrap().is_none());
    let bad = AccessOrders { format: "%h".into(), ..orders(None) };
    let error = Access::start(&bad, Some(tempfile::tempfile().unwrap().into())).err().unwrap();
    assert!(error.to_string().starts_with("access_log_format: after the % at character 1"), "{error}");
}

#[test]
fn lines_reach_the_file_soon_and_all_of_them_at_the_end() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("x.log");
    let access = Access::start(&orders(Some(&path)), Some(open(&path).unwrap())).unwrap().unwrap();
    record(&access, "/first");
    let text = || std::fs::read_to_string(&path).unwrap();
    wait_until("the first line, without any more", || text() == "GET /first 200\n");
    for _ in 0..20_000 {
        record(&access, "/more");
    }
    assert!(access.close(SOON));
    assert_eq!((text().lines().count(), access.dropped()), (20_001, 0));
    record(&access, "/too-late");
    assert_eq!(access.dropped(), 1);
}

#[test]
fn several_threads_and_workers_do_not_mix_their_lines() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("x.log");
    let start = || Access::start(&orders(Some(&path)), Some(open(&path).unwrap())).unwrap().unwrap();
    let workers = [start(), start()];
    std::thread::scope(|scope| {
        for worker in workers.iter().chain(&workers) {
            scope.spawn(|| (0..5_000).for_each(|_| record(worker, "/0123456789/0123456789")));
        }
    });
    assert!(workers.iter().all(|worker| worker.close(SOON)));
    let text = std::fs::read_to_string(&path).unwrap();
    assert_eq!(text.lines().filter(|line| *line == "GET /0123456789/0123456789 200").count(), 20_000);
    assert_eq!(text.lines().count(), 20_000);
}

#[test]
fn rotation_takes_the_new_file_and_keeps_the_old_if_it_cannot() {
    let home = tempfile::tempdir().unwrap();
    let (path, old) = (home.path().join("x.log"), home.path().join("x.log.1"));
    let access = Access::start(&orders(Some(&path)), Some(open(&path).unwrap())).unwrap().unwrap();
    record(&access, "/one");
    std::fs::rename(&path, &old).unwrap();
    access.reopen();
    wait_until("the new file", || path.exists());
    assert_eq!(std::fs::read_to_string(&old).unwrap(), "GET /one 200\n", "what was there goes to the old file");
    record(&access, "/two");
    wait_until("the second line", || std::fs::read_to_string(&path).unwrap() == "GET /two 200\n");
    std::fs::rename(&path, &old).unwrap();
    std::fs::create_dir(&path).unwrap();
    access.reopen();
    record(&access, "/three");
    assert!(access.close(SOON));
    assert_eq!(std::fs::read_to_string(&old).unwrap(), "GET /two 200\nGET /three 200\n");
}

#[test]
fn a_full_disk_is_counted_and_slows_nobody() {
    let full = File::options().write(true).open("/dev/full").unwrap();
    let access = Access::start(&orders(None), Some(full.into())).unwrap().unwrap();
    let begun = Instant::now();
    for _ in 0..1_000 {
        record(&access, "/");
    }
    assert!(access.close(SOON) && begun.elapsed() < SOON);
    assert_eq!(access.dropped(), 1_000);
}

#[test]
fn a_pipe_that_nobody_reads_costs_a_bounded_amount_and_slows_nobody() {
    let (mut reader, pipe) = std::io::pipe().unwrap();
    let access = Access::start(&orders(None), Some(pipe.into())).unwrap().unwrap();
    let target = format!("/{}", "x".repeat(1_000));
    let begun = Instant::now();
    for _ in 0..10_000 {
        record(&access, &target);
    }
    assert!(begun.elapsed() < SOON);
    // 10 MB were recorded; the pipe, the batch on its way and the buffer hold little more than 8 at most.
    assert!(access.dropped() > 1_000, "{} of 10000 lines were lost", access.dropped());
    assert!(!access.close(Duration::from_millis(50)), "nobody reads, and yet all is written");
    // Somebody reads again: every line that was kept comes, whole.
    let heard = std::thread::spawn(move || {
        let mut text = String::new();
        reader.read_to_string(&mut text).map(|_| text)
    });
    assert!(access.close(SOON));
    let lost = access.dropped();
    drop(access);
    let text = heard.join().unwrap().unwrap();
    assert_eq!(text.lines().filter(|line| **line == *format!("GET {target} 200")).count() as u64 + lost, 10_000);
}

#[test]
fn a_pipe_that_somebody_made_nonblocking_is_waited_for() {
    let (mut reader, pipe) = std::io::pipe().unwrap();
    crate::sys::fd::set_nonblocking(&pipe).unwrap();
    let access = Access::start(&orders(None), Some(pipe.into())).unwrap().unwrap();
    for _ in 0..20_000 {
        record(&access, "/");
    }
    let heard = std::thread::spawn(move || {
        let mut text = String::new();
        reader.read_to_string(&mut text).map(|_| text)
    });
    assert!(access.close(SOON));
    drop(access);
    assert_eq!(heard.join().unwrap().unwrap().lines().count(), 20_000);
}

#[test]
fn syslog_alone_is_a_log_too() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("log");
    let server = std::os::unix::net::UnixDatagram::bind(&path).unwrap();
    server.set_read_timeout(Some(SOON)).unwrap();
    let syslog = SyslogOrders { target: SyslogTarget::Unix(path), facility: 1, tag: "rustcorn.x.access".into() };
    let orders = AccessOrders { syslog: Some(syslog), ..orders(None) };
    let access = Access::start(&orders, None).unwrap().unwrap();
    record(&access, "/a");
    let mut buffer = [0; 256];
    let count = server.recv(&mut buffer).unwrap();
    let line = format!("<14>rustcorn.x.access: [{}] GET /a 200", std::process::id());
    assert_eq!(std::str::from_utf8(&buffer[..count]).unwrap(), line);
    // The arbiter's way, for a worker that is gone.
    let lost = Entry { pid: 77, status: 502, end: End::WorkerKilled, ..entry("/b") };
    assert_eq!(write_now(&read(&orders).unwrap(), orders.syslog.as_ref(), None, &[lost]), 0);
    let count = server.recv(&mut buffer).unwrap();
    assert_eq!(&buffer[..count], b"<14>rustcorn.x.access: [77] GET /b 502");
}

/// Prints what a line costs the event loop, writer thread included:
/// `cargo test --release --lib log::access -- --ignored --nocapture`.
#[test]
#[ignore = "a measurement, of use in a release build only"]
#[allow(clippy::print_stderr)]
fn what_a_line_costs() {
    const LINES: u32 = 1_000_000;
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("x.log");
    let agent = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0 Safari/537.36";
    let mut headers = HeaderMap::new();
    headers.insert("host", HeaderValue::from_static("127.0.0.1:8000"));
    headers.insert("user-agent", HeaderValue::from_maybe_shared(bytes::Bytes::from(agent)).unwrap());
    headers.insert("accept", HeaderValue::from_static("*/*"));
    for format in [COMBINED_FORMAT, JSON] {
        let orders = AccessOrders { format: format.into(), path: Some(path.clone()), syslog: None };
        let access = Access::start(&orders, Some(open(&path).unwrap())).unwrap().unwrap();
        let (cpu, begun) = (cpu_nanos(), Instant::now());
        let mut paused = Duration::ZERO;
        for n in 0..LINES {
            let request = access.capture_request(&headers);
            let client = Some([127, 0, 0, 1].into());
            access.record(&Entry { client, request: &request, sent: Some(u64::from(n)), ..entry("/hello?name=x") });
            // A line each 4 us on average, the pace of a busy worker. The pause is not counted.
            if n % 1000 == 999 {
                let pause = Instant::now();
                std::thread::sleep(Duration::from_millis(4));
                paused += pause.elapsed();
            }
        }
        let wall = (begun.elapsed() - paused).as_nanos() as u64 / u64::from(LINES);
        // Before the writer, and its account, are gone.
        std::thread::sleep(Duration::from_millis(300));
        let cpu = (cpu_nanos() - cpu) / u64::from(LINES);
        let name = if format == JSON { "json" } else { "combined" };
        assert!(access.close(SOON));
        eprintln!("{name}: {wall} ns of the loop, {cpu} ns of CPU in all a line; {} lost", access.dropped());
    }
}

/// The CPU time of all threads that live.
fn cpu_nanos() -> u64 {
    let tasks = std::fs::read_dir("/proc/self/task").unwrap().flatten();
    tasks
        .filter_map(|task| std::fs::read_to_string(task.path().join("schedstat")).ok())
        .filter_map(|stat| stat.split_whitespace().next()?.parse::<u64>().ok())
        .sum()
}
