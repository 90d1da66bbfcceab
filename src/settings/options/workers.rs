//! How many workers there are, and how long each lives.

macro_rules! workers_rows {
    ({$($rows:tt)*} $($rest:ident)*) => {
        collect! { { $($rows)*

    /// How many worker processes serve.
    ///
    /// TTIN and TTOU change the number while it runs, until the next reload. The default is taken from WEB_CONCURRENCY
    /// in the environment, if that is set.
    workers: u16 = 1 => new(Section::Workers, MANY).short('w').foreign(Foreign::Value("WEB_CONCURRENCY"));

    /// How many threads each worker runs its event loop on.
    ///
    /// One is the fastest for handlers that do not block. More than one lets another thread go on while a handler
    /// computes.
    threads: usize = 1 => new(Section::Workers, MANY);

    /// How many connections each worker has open at most.
    ///
    /// A further one takes the place of the connection that has been idle longest, or else of one that has not sent a
    /// request for a second; if there is none either, it waits in the accept queue.
    worker_connections: usize = 1000 => new(Section::Workers, Kind::Integer { min: 1, max: 1_000_000 });

    /// Let the least loaded worker take the next connection.
    ///
    /// A worker holds back for about a millisecond at most while another has fewer connections. Without it the kernel
    /// tends to give most of the long connections to one worker.
    balance: bool = true => new(Section::Workers, Kind::Switch);

    /// Replace a worker after this many requests; 0: never.
    ///
    /// The successor is ready before the worker stops accepting, so that no request is lost.
    max_requests: u64 = 0 => new(Section::Recycling, ANY).aliases(&["limit-max-requests"]);

    /// Add up to this many requests to max_requests, at random for each worker.
    ///
    /// It keeps the workers from being replaced all at once.
    max_requests_jitter: u64 = 0 => new(Section::Recycling, ANY).aliases(&["limit-max-requests-jitter"]);

    /// Replace a worker at this age; 0: never.
    max_worker_lifetime: Duration = Duration::ZERO => new(Section::Recycling, Kind::Seconds);

    /// Add up to this much to max_worker_lifetime, at random for each worker.
    max_worker_lifetime_jitter: Duration = Duration::ZERO => new(Section::Recycling, Kind::Seconds);

    /// Replace a worker whose resident memory exceeds this; 0: never.
    ///
    /// In bytes, or with the suffix K, M or G as in 512M. If workers exceed it within 10 seconds after their start, the
    /// log warns, and their successors come after growing pauses (8 seconds at most).
    max_rss: u64 = 0 => new(Section::Recycling, Kind::Bytes);

        } $($rest)* }
    };
}
