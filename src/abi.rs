//! The border between the arbiter and an application's library: one struct, one stamp, one symbol per application.
//!
//! Arbiter and application may be built by different compilers against different versions of everything, so nothing
//! but `repr(C)` data and JSON text crosses. Nothing crosses per request: the worker, with its event loop, lives on the
//! application's side (see `worker`). The counterpart that loads libraries is `app::library`.

mod access;
mod http2;
mod inherited;
mod proxies;
mod report;
mod requests;
mod tls;

pub use access::{AccessOrders, COMBINED_FORMAT, SyslogOrders, SyslogTarget};
pub use http2::Http2Orders;
pub use inherited::{Inherited, SeatError, Vouched};
pub use proxies::ProxyOrders;
pub use report::Report;
pub use requests::RequestOrders;
pub use tls::TlsOrders;

use serde::{Deserialize, Serialize};

/// The number of this border. It rises when `Seat`, the scoreboard's layout or the meaning of either changes.
pub const ABI: u32 = 3;

/// An application `name` exports its worker as `rustcorn_worker_name`.
pub const WORKER_PREFIX: &str = "rustcorn_worker_";

/// An application `name` exports its [`Stamp`] as `rustcorn_stamp_name`.
pub const STAMP_PREFIX: &str = "rustcorn_stamp_";

/// The worker's whole life: boots the application, serves, returns the exit code of the process.
///
/// # Safety
///
/// To be called with a seat as [`Inherited::read`] wants it.
pub type WorkerMain = unsafe extern "C" fn(seat: *const Seat) -> i32;

/// What a library says of itself before any of its code runs: read from the file, without loading it.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct Stamp {
    /// [`ABI`] of the rustcorn that the application was built with.
    pub abi: u32,
    /// Size of [`Seat`] there.
    pub seat_size: u32,
    /// Version of that rustcorn crate, padded with NUL.
    pub version: [u8; 24],
}

impl Stamp {
    /// The stamp of this build.
    #[must_use]
    pub const fn here() -> Self {
        let text = env!("CARGO_PKG_VERSION").as_bytes();
        let mut version = [0; 24];
        let mut i = 0;
        while i < text.len() && i < version.len() {
            version[i] = text[i];
            i += 1;
        }
        Self { abi: ABI, seat_size: size_of::<Seat>() as u32, version }
    }
}

/// Everything a worker is given. Pointers and descriptors are valid for the whole life of the process: whoever makes a
/// seat has to promise that ([`Vouched`]), so whoever has one may read it.
#[repr(C)]
#[derive(Debug)]
pub struct Seat {
    /// [`ABI`] of the arbiter.
    pub abi: u32,
    /// Size of this struct at the arbiter's.
    pub size: u32,
    /// The worker's slot, from 0.
    pub slot: u32,
    /// Its generation.
    pub generation: u32,
    /// [`Orders`] as JSON.
    pub orders: *const u8,
    /// Length of `orders` in bytes.
    pub orders_len: usize,
    /// The inherited listening sockets.
    pub listeners: *const SeatListener,
    /// How many.
    pub listeners_len: usize,
    /// Which lane of `SO_REUSEPORT` listeners is this worker's own.
    pub lane: u32,
    /// Where [`Report`]s go, one JSON object a line.
    pub report_fd: i32,
    /// EOF here means that the arbiter is gone.
    pub lifeline_fd: i32,
    /// The operator log (stderr or the opened `errorlog`).
    pub log_fd: i32,
    /// The vault with certificates and keys (see `tls`); -1: no listener speaks TLS.
    pub tls_fd: i32,
    /// The access log (standard output or the opened `accesslog`); -1: none.
    pub access_fd: i32,
    /// The scoreboard's mapping.
    pub scoreboard: *mut u8,
    /// Its length in bytes.
    pub scoreboard_len: usize,
    /// Takes no room.
    pub vouched: Vouched,
}

/// One inherited listening socket.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SeatListener {
    /// The descriptor, non-blocking.
    pub fd: i32,
    /// [`KIND_TCP`] or [`KIND_UNIX`].
    pub kind: u32,
    /// [`SHARED_LANE`], or the lane of a `SO_REUSEPORT` socket.
    pub lane: u32,
    /// 1: its connections begin with a TLS handshake; 0: plain.
    pub tls: u32,
    /// 0: it stays; otherwise it is in no bind any more, and is accepted from until all others listen and handshakes that
    /// began at it have ended. [`LEAVING`]: the arbiter ends it then; [`LEAVING_PASSED`]: nobody does, for it is somebody
    /// else's.
    pub leaving: u32,
}

/// A socket of the arbiter's own that is in no bind any more.
pub const LEAVING: u32 = 1;
/// One that somebody else has opened, and may have still.
pub const LEAVING_PASSED: u32 = 2;
/// A TCP listener.
pub const KIND_TCP: u32 = 0;
/// A Unix stream listener.
pub const KIND_UNIX: u32 = 1;
/// Every worker accepts from this listener.
pub const SHARED_LANE: u32 = u32::MAX;

/// The settings that a worker needs. Fields that one side does not know are ignored or defaulted, so that they can be
/// added without a new ABI number. Times are in seconds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Orders {
    /// The application as the operator named it.
    pub app: String,
    /// Threads of the tokio runtime; 1: current-thread.
    pub threads: usize,
    /// Most connections open at once in this worker.
    pub worker_connections: usize,
    /// Hold back from accepting while a peer has fewer connections.
    pub balance: bool,
    /// An idle keep-alive connection is closed after this.
    pub keepalive: f64,
    /// The arbiter's heartbeat limit; 0: none. The worker beats often enough for it.
    pub timeout: f64,
    /// What a retiring worker may take before it cuts what is left.
    pub graceful_timeout: f64,
    /// Ask for a successor after this many requests; 0: never. Jitter is already added.
    pub max_requests: u64,
    /// Ask for a successor at this age; 0: never. Jitter is already added.
    pub max_worker_lifetime: f64,
    /// Ask for a successor above this resident set, in bytes; 0: never.
    pub max_rss: u64,
    /// Limits of requests.
    pub requests: RequestOrders,
    /// Whom to believe about the client.
    pub proxies: ProxyOrders,
    /// Versions of HTTP that a TLS handshake offers, the preferred one first: `h1`, `h2`.
    pub http_protocols: Vec<String>,
    /// How TLS is spoken, where it is.
    pub tls: TlsOrders,
    /// What a HTTP/2 client may do.
    pub http2: Http2Orders,
    /// How the operator log looks.
    pub log: LogOrders,
    /// The access log.
    pub access: AccessOrders,
}

impl Default for Orders {
    fn default() -> Self {
        Self {
            app: String::new(),
            threads: 1,
            worker_connections: 1000,
            balance: true,
            keepalive: 2.0,
            timeout: 30.0,
            graceful_timeout: 30.0,
            max_requests: 0,
            max_worker_lifetime: 0.0,
            max_rss: 0,
            requests: RequestOrders::default(),
            proxies: ProxyOrders::default(),
            http_protocols: vec!["h2".into(), "h1".into()],
            tls: TlsOrders::default(),
            http2: Http2Orders::default(),
            log: LogOrders::default(),
            access: AccessOrders::default(),
        }
    }
}

/// How the operator log looks and where it is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct LogOrders {
    /// The least level that is written.
    pub level: crate::types::Level,
    /// One JSON object a line instead of Gunicorn's shape.
    pub json: bool,
    /// Colour the level.
    pub colors: bool,
    /// The standard streams go to that file too.
    pub capture: bool,
    /// The file to reopen on USR1; none: stderr, never reopened.
    pub path: Option<std::path::PathBuf>,
    /// Lines go there too.
    pub syslog: Option<SyslogOrders>,
}

impl Default for LogOrders {
    fn default() -> Self {
        Self { level: crate::types::Level::Info, json: false, colors: false, capture: false, path: None, syslog: None }
    }
}
