//! From settings to what a worker has to know of them.

use super::load::Load;
use super::terms::app_name;
use crate::abi::{
    AccessOrders, Http2Orders, LogOrders, Orders, ProxyOrders, RequestOrders, SyslogOrders, SyslogTarget, TlsOrders,
};
use crate::settings::{self, AccessOutput, Http2Cleartext, LogFormat, Settings};
use std::hash::{BuildHasher, Hasher, RandomState};
use std::io::IsTerminal;

/// What one worker has to know. The jitters are drawn here, so that workers of one start do not recycle together.
pub fn orders(load: &Load) -> Orders {
    let settings = &load.settings;
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
        proxies: proxy_orders(settings),
        http_protocols: settings::protocols(settings).into_iter().map(str::to_owned).collect(),
        tls: tls_orders(settings),
        http2: http2_orders(settings),
        log: log_orders(settings, load.syslog.as_ref()),
        access: access_orders(settings, load.syslog.as_ref()),
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
        headers: settings.header.iter().filter_map(|field| header_field(field)).collect(),
        request_id_header: settings.request_id_header.clone().unwrap_or_default(),
    }
}

/// Name and value of a field that the settings want in each response.
fn header_field(field: &str) -> Option<(String, String)> {
    let (name, value) = field.split_once(':')?;
    Some((name.trim().to_owned(), value.trim().to_owned()))
}

/// Whom to believe about the client.
fn proxy_orders(settings: &Settings) -> ProxyOrders {
    ProxyOrders {
        protocol: settings.proxy_protocol,
        allow: settings.proxy_allow_ips.clone(),
        headers: settings.proxy_headers,
        forwarded_allow: settings.forwarded_allow_ips.clone(),
        secure_scheme_headers: settings.secure_scheme_headers.clone(),
    }
}

/// How TLS is spoken.
pub fn tls_orders(settings: &Settings) -> TlsOrders {
    TlsOrders {
        cert_reqs: settings.cert_reqs,
        min_version: settings.ssl_min_version,
        ciphers: settings.ciphers.clone(),
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

/// How the operator log looks. `syslog` is where its daemon was found, if it is wanted.
pub fn log_orders(settings: &Settings, syslog: Option<&SyslogTarget>) -> LogOrders {
    let path = settings.log_path().map(std::path::Path::to_owned);
    let colors = settings.use_colors.wanted(path.is_none() && std::io::stderr().is_terminal());
    let json = settings.log_format == LogFormat::Json;
    let syslog = syslog.map(|target| syslog_orders(settings, target, "error"));
    LogOrders { level: settings.loglevel, json, colors, capture: settings.capture_output, path, syslog }
}

/// How the access log looks.
pub fn access_orders(settings: &Settings, syslog: Option<&SyslogTarget>) -> AccessOrders {
    let path = match settings.access_output() {
        AccessOutput::File(path) => Some(path.to_owned()),
        AccessOutput::Stdout | AccessOutput::None => None,
    };
    let syslog = syslog.filter(|_| settings.access_to_syslog());
    let syslog = syslog.map(|target| syslog_orders(settings, target, "access"));
    AccessOrders { format: settings.access_log_format.clone(), path, syslog }
}

fn syslog_orders(settings: &Settings, target: &SyslogTarget, log: &str) -> SyslogOrders {
    let name = settings.syslog_prefix.clone().unwrap_or_else(|| app_name(settings));
    // A tag ends where a space or a colon is.
    let name = name.replace(|c: char| c == ':' || c.is_whitespace() || c.is_control(), ".");
    let facility = settings::facility(&settings.syslog_facility);
    SyslogOrders { target: target.clone(), facility, tag: format!("rustcorn.{name}.{log}") }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_syslog_tag_has_no_place_to_end_early() {
        let settings = Settings { app: Some("shop:router".into()), ..Settings::default() };
        let target = SyslogTarget::Unix("/dev/log".into());
        assert_eq!(syslog_orders(&settings, &target, "error").tag, "rustcorn.shop.router.error");
        let settings = Settings { syslog_prefix: Some("my shop".into()), ..settings };
        assert_eq!(syslog_orders(&settings, &target, "access").tag, "rustcorn.my.shop.access");
    }

    #[test]
    fn syslog_gets_the_access_log_unless_it_is_kept_out() {
        let target = SyslogTarget::Unix("/dev/log".into());
        let settings = Settings { syslog: true, ..Settings::default() };
        assert!(access_orders(&settings, Some(&target)).syslog.is_some());
        for kept_out in [
            Settings { disable_redirect_access_to_syslog: true, ..settings.clone() },
            Settings { access_log: settings::Toggle::Off, ..settings.clone() },
        ] {
            assert!(access_orders(&kept_out, Some(&target)).syslog.is_none());
            assert!(log_orders(&kept_out, Some(&target)).syslog.is_some());
        }
    }

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
