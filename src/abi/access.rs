//! What a worker is told of the access log, and any process of syslog. Part of [`Orders`](super::Orders).

use serde::{Deserialize, Serialize};
use std::net::SocketAddr;
use std::path::PathBuf;

/// Gunicorn's default for `access_log_format`: Apache's combined format.
pub const COMBINED_FORMAT: &str = r#"%(h)s %(l)s %(u)s %(t)s "%(r)s" %(s)s %(b)s "%(f)s" "%(a)s""#;

/// How the access log looks and where it is. There is one if the seat has a descriptor for it, or if `syslog` is given.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct AccessOrders {
    /// `access_log_format`, checked by the arbiter: atoms as in `%(h)s`, or the word `json`.
    pub format: String,
    /// The file behind the descriptor, reopened on USR1; none: standard output, never reopened.
    pub path: Option<PathBuf>,
    /// Lines go there too.
    pub syslog: Option<SyslogOrders>,
}

/// How one of the two logs speaks to syslog.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SyslogOrders {
    /// Where datagrams go.
    pub target: SyslogTarget,
    /// The facility's number (RFC 5424, 6.2.1), from 0 to 23.
    pub facility: u8,
    /// What stands before the process id of each message: `rustcorn.NAME.access` or `rustcorn.NAME.error`.
    pub tag: String,
}

/// Where a syslog daemon listens for datagrams.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SyslogTarget {
    /// At a path, as in `/dev/log`.
    Unix(PathBuf),
    /// At an address.
    Udp(SocketAddr),
}
