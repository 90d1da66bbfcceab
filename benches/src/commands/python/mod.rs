//! Python applications: what rustcorn's package costs beside the servers that people run today.

mod compare;
mod workloads;

use anyhow::Result;

use crate::contenders::{Field, PEERS};
use crate::options::Effort;
use crate::process::Artifacts;
use crate::report::{Report, Sheet, spread};
use compare::{COST, MIDDLE, RATE, SLOW, Way, compare, field, sheets};
use workloads::{ALONE, ASGI, App, WSGI};

/// The parts of `--seconds` and of `--warmup` that a measurement here takes: there are many.
const PART: u32 = 4;
const WARM_PART: u32 = 2;

/// The clients of the wide page, and the part of the rounds that it has.
const CROWDS: &[usize] = &[1, 64, 256];
const SCARCE: usize = 5;

const US: &str = "rustcorn, 1 worker";
const GRANIAN: &str = "granian, 1 worker";
const UVICORN: &str = "uvicorn, 1 worker";
const GUNICORN: &str = "gunicorn uvicorn worker, 1 worker";

/// So many requests/s at least, over another's: the workload's key, the other, how many times as many.
const GOALS_ASGI: &[(&str, &str, f64)] = &[
    ("raw", GRANIAN, 1.4),
    ("varied", GRANIAN, 1.4),
    ("raw", UVICORN, 2.0),
    ("fastapi", GRANIAN, 1.25),
    ("fastapi", GUNICORN, 1.4),
    ("post", GRANIAN, 1.4),
];
const GOALS_WSGI: &[(&str, &str, f64)] = &[("raw-wsgi", GRANIAN, 2.0), ("varied-wsgi", GRANIAN, 2.0)];

/// At most so much of uvicorn's with one client.
const GOALS_ALONE: &[(&str, &str, f64)] = &[(MIDDLE, "p50", 1.0), (SLOW, "p99", 1.0), (COST, "CPU per request", 0.8)];

/// ASGI with many clients.
pub fn asgi(artifacts: &Artifacts, effort: &Effort) -> Result<Report> {
    let clients = [usize::from(effort.connections)];
    let (mut report, sheets) = page(("asgi", "ASGI applications"), ASGI, &clients, artifacts, effort)?;
    throughput(&mut report, &sheets, GOALS_ASGI);
    Ok(report)
}

/// WSGI with many clients.
pub fn wsgi(artifacts: &Artifacts, effort: &Effort) -> Result<Report> {
    let clients = [usize::from(effort.connections)];
    let (mut report, sheets) = page(("wsgi", "WSGI applications"), WSGI, &clients, artifacts, effort)?;
    throughput(&mut report, &sheets, GOALS_WSGI);
    Ok(report)
}

/// One client alone: the latency of a server that is not saturated.
pub fn latency(artifacts: &Artifacts, effort: &Effort) -> Result<Report> {
    let (mut report, sheets) = page(("latency", "One client alone"), ALONE, &[1], artifacts, effort)?;
    for sheet in &sheets {
        for (metric, what, most) in GOALS_ALONE {
            let what = format!("{}: {what} of {US} over {UVICORN}", sheet.key());
            report.goal_within(sheet.ratio(US, UVICORN, metric).as_ref(), *most, &what);
        }
    }
    Ok(report)
}

/// Everything with few, many and very many clients, with one worker and with as many as processors: fewer rounds, no goals.
pub fn scale(artifacts: &Artifacts, effort: &Effort) -> Result<Report> {
    let cores = std::thread::available_parallelism().map_or(2, usize::from).max(2);
    let apps: Vec<&App> = ASGI.iter().chain(WSGI).collect();
    let rounds = usize::from(effort.rounds).div_ceil(SCARCE);
    let way = Way { rounds, labelled: true, ..way(1, CROWDS, effort) };
    let fields = |workers| apps.iter().map(move |app| field(app, workers, artifacts, effort));
    let (one, many) = (fields(1).collect::<Result<Vec<_>>>()?, fields(cores).collect::<Result<Vec<_>>>()?);
    let all: Vec<&Field<'_>> = one.iter().chain(&many).collect();
    let mut report = Report::new("scale", "Python with few and many clients, one worker and many", &all);
    report.say(&explained(&way));
    for (app, (one, many)) in apps.iter().zip(one.iter().zip(&many)) {
        let mut sheets = sheets(app);
        compare(app, &way, one, effort, &mut sheets)?;
        compare(app, &Way { workers: cores, ..way }, many, effort, &mut sheets)?;
        for (workload, sheet) in app.workloads.iter().zip(&sheets) {
            report.say(workload.title);
            report.sheet_unplotted(sheet);
        }
    }
    Ok(report)
}

/// A page of one worker.
fn page(
    (key, title): (&'static str, &str),
    apps: &[App],
    clients: &[usize],
    artifacts: &Artifacts,
    effort: &Effort,
) -> Result<(Report, Vec<Sheet>)> {
    let way = way(1, clients, effort);
    let fields = apps.iter().map(|app| field(app, 1, artifacts, effort)).collect::<Result<Vec<_>>>()?;
    let mut report = Report::new(key, title, &fields.iter().collect::<Vec<_>>());
    report.say(&explained(&way));
    let mut all = Vec::new();
    for (app, field) in apps.iter().zip(&fields) {
        let mut sheets = sheets(app);
        compare(app, &way, field, effort, &mut sheets)?;
        for (workload, sheet) in app.workloads.iter().zip(&sheets) {
            report.say(workload.title);
            report.sheet(sheet);
        }
        all.extend(sheets);
    }
    Ok((report, all))
}

fn way<'a>(workers: usize, clients: &'a [usize], effort: &Effort) -> Way<'a> {
    let (warmup, span) = (effort.warmup() / WARM_PART, effort.span() / PART);
    Way { workers, clients, rounds: effort.rounds.into(), warmup, span, labelled: false }
}

fn throughput(report: &mut Report, sheets: &[Sheet], goals: &[(&str, &str, f64)]) {
    for (key, peer, least) in goals {
        let sheet = sheets.iter().find(|sheet| sheet.key() == *key);
        if let Some(ratio) = sheet.and_then(|sheet| sheet.ratio(US, peer, RATE)) {
            let what = format!("{key}: requests/s of {US} over {peer} at least {least:.2}: {}", spread(&ratio, 3));
            report.goal(ratio.median() >= *least, &what);
        }
    }
}

/// What the page says of itself.
fn explained(way: &Way<'_>) -> String {
    let clients: Vec<String> = way.clients.iter().map(ToString::to_string).collect();
    let installed = PEERS.lines().filter(|line| line.contains("==")).map(|line| line.replace("==", " "));
    format!(
        "Closed loop of {} clients over keep-alive connections; {} rounds, each measurement {:.2} s after {:.2} s \
         of warming up, in turns of a quarter of a second: median (min - max). One worker has a processor of its own, the load another; more are placed by the \
         kernel, the load among them. The ratios: requests/s of rustcorn over this one's (more is better), CPU of rustcorn \
         over this one's (less is better). CPU: user and system time of the server's whole process tree over the answers \
         meanwhile. Context switches: of all its threads. System calls: counted by perf in the first round; `-` where perf \
         is not there or may not trace. p50 and p99: a client's wait. Python peers: {}.",
        clients.join(", "),
        way.rounds,
        way.span.as_secs_f64(),
        way.warmup.as_secs_f64(),
        installed.collect::<Vec<_>>().join(", ")
    )
}
