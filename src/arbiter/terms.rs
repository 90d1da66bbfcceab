//! From settings to what the two other parties need of them: the supervisor's terms and a worker's orders.

use crate::abi::{Http2Orders, LogOrders, Orders, RequestOrders};
use crate::settings::{Http2Cleartext, LogFormat, Settings};
use crate::supervisor::Terms;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::io::IsTerminal;
use std::path::Path;
use std::time::Duration;

/// What the supervisor has to know.
pub fn terms(settings: &Settings, builds: bool) -> Terms {
    let surge = if settings.reload_surge == 0 { settings.workers } else { settings.reload_surge };
    Terms {
        workers: settings.workers,
        surge: surge.max(1),
        timeout: settings.timeout,
        graceful_timeout: settings.graceful_timeout,
        boot_timeout: settings.boot_timeout,
        reload_delay: settings.reload_delay,
        build_on_change: builds,
    }
}

/// What one worker has to know. The jitters are drawn here, so that workers of one start do not recycle together.
pub fn orders(settings: &Settings) -> Orders {
    let lifetime = settings.max_worker_lifetime.as_secs_f64();
    let lifetime_jitter = settings.max_worker_lifetime_jitter.as_secs_f64() * random_fraction();
    Orders {
        app: app_name(settings),
        threads: settings.threads,
        worker_connections: settings.worker_connections,
        balance: settings.balance,
        keepalive: settings.keepalive.as_secs_f64(),
        timeout: settings.timeout.as_secs_f64(),
        graceful_timeout: settings.graceful_timeout.as_secs_f64(),
        max_requests: jittered(settings.max_requests, settings.max_requests_jitter, random()),
        max_worker_lifetime: if lifetime > 0.0 { lifetime + lifetime_jitter } else { 0.0 },
        max_rss: settings.max_rss,
        requests: request_orders(settings),
        http2: http2_orders(settings),
        log: log_orders(settings),
    }
}

fn request_orders(settings: &Settings) -> RequestOrders {
    RequestOrders {
        limit_request_line: settings.limit_request_line,
        limit_request_fields: settings.limit_request_fields,
        limit_request_field_size: settings.limit_request_field_size,
        limit_request_body: settings.limit_request_body,
        limit_concurrency: settings.limit_concurrency,
        keepalive_requests: settings.keepalive_requests,
        handshake_timeout: settings.handshake_timeout.as_secs_f64(),
        header_timeout: settings.header_timeout.as_secs_f64(),
        body_timeout: settings.body_timeout.as_secs_f64(),
        write_timeout: settings.write_timeout.as_secs_f64(),
        request_timeout: settings.request_timeout.as_secs_f64(),
        slow_request: settings.slow_request.as_secs_f64(),
        server_header: settings.server_header,
        date_header: settings.date_header,
        request_id_header: settings.request_id_header.clone().unwrap_or_default(),
    }
}

fn http2_orders(settings: &Settings) -> Http2Orders {
    // The options' ranges are within the type.
    let count = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
    Http2Orders {
        cleartext: settings.http2_cleartext == Http2Cleartext::PriorKnowledge,
        max_concurrent_streams: count(settings.http2_max_concurrent_streams),
        initial_window_size: count(settings.http2_initial_window_size),
        max_frame_size: count(settings.http2_max_frame_size),
        max_header_list_size: count(settings.http2_max_header_list_size),
        reset_limit: count(settings.http2_reset_limit),
        ping_interval: settings.http2_ping_interval.as_secs_f64(),
        ping_timeout: settings.http2_ping_timeout.as_secs_f64(),
    }
}

/// How the operator log looks.
pub fn log_orders(settings: &Settings) -> LogOrders {
    let path = settings.log_path().map(Path::to_owned);
    let colors = settings.use_colors.wanted(path.is_none() && std::io::stderr().is_terminal());
    let json = settings.log_format == LogFormat::Json;
    LogOrders { level: settings.loglevel, json, colors, path }
}

/// The name that process titles and the status line show.
pub fn app_name(settings: &Settings) -> String {
    let app = settings.proc_name.clone().or_else(|| settings.app.clone());
    app.unwrap_or_else(|| "linked application".to_owned())
}

/// `limit` plus up to `jitter`; no limit stays none.
fn jittered(limit: u64, jitter: u64, random: u64) -> u64 {
    if limit == 0 { 0 } else { limit.saturating_add(random % jitter.saturating_add(1).max(1)) }
}

/// The standard library's own seed is random enough to spread workers, and needs no further crate.
fn random() -> u64 {
    RandomState::new().build_hasher().finish()
}

fn random_fraction() -> f64 {
    // 53 bits are what an f64 holds exactly.
    (random() >> 11) as f64 / (1u64 << 53) as f64
}

/// A time as operators read it.
pub fn seconds(span: Duration) -> String {
    let seconds = span.as_secs_f64();
    if seconds < 10.0 { format!("{seconds:.2} s") } else { format!("{seconds:.0} s") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn jitter_only_adds_and_only_to_a_limit() {
        assert_eq!(jittered(0, 50, 7), 0);
        assert_eq!(jittered(100, 0, 7), 100);
        for random in [0, 1, 49, 50, 51, u64::MAX] {
            assert!((100..=150).contains(&jittered(100, 50, random)));
        }
        assert_eq!(jittered(u64::MAX, u64::MAX, 9), u64::MAX);
    }

    #[test]
    fn fractions_stay_below_one() {
        assert!((0..100).all(|_| (0.0..1.0).contains(&random_fraction())));
    }
}
