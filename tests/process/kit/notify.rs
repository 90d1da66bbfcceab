//! A service manager's ear: the datagram socket that `NOTIFY_SOCKET` names.

use super::wait::wait_until;
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Collects what the program tells its service manager.
pub struct Notify {
    socket: UnixDatagram,
    path: PathBuf,
    heard: Vec<String>,
}

impl Notify {
    /// Listens at `path`.
    pub fn listen(path: PathBuf) -> Self {
        let socket = UnixDatagram::bind(&path).expect("the notify socket");
        socket.set_nonblocking(true).expect("non-blocking");
        Self { socket, path, heard: Vec::new() }
    }

    /// For `NOTIFY_SOCKET`.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Takes all the room that there is for words that nobody has heard yet.
    pub fn fill(&self) {
        let other = UnixDatagram::unbound().expect("a socket");
        other.set_nonblocking(true).expect("non-blocking");
        while other.send_to(b"FULL=1", &self.path).is_ok() {}
    }

    /// Every `KEY=VALUE` line so far, in order.
    pub fn heard(&mut self) -> &[String] {
        let mut buffer = [0; 8192];
        while let Ok(count) = self.socket.recv(&mut buffer) {
            let text = String::from_utf8_lossy(&buffer[..count]).into_owned();
            self.heard.extend(text.lines().map(str::to_owned));
        }
        &self.heard
    }

    /// Waits for a line that begins so, at or after the line number `from`; returns its number and the line.
    #[track_caller]
    pub fn wait_for(&mut self, start: &str, from: usize, limit: Duration) -> (usize, String) {
        wait_until(&format!("the service manager hears {start}"), limit, || {
            let heard = self.heard();
            let at = heard.iter().skip(from).position(|line| line.starts_with(start))? + from;
            Some((at, heard[at].clone()))
        })
    }
}
