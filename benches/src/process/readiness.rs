//! How a contender is known to serve: it says where, or it answers where it was told to.

use anyhow::{Context, Result, bail};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::time::{Duration, Instant};

use crate::load::first_answer;

/// The time between two looks: what the time to Ready is exact to.
const LOOK: Duration = Duration::from_millis(1);

/// How a contender tells that it serves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ready {
    /// It binds a free port by itself and logs, after these words, the address.
    Says(&'static str),
    /// It says nothing of use: it is told a free port and asked until it answers.
    Answers,
}

impl Ready {
    /// The address in a line of the log, if it is said there.
    pub fn address(self, line: &str) -> Option<SocketAddr> {
        let Self::Says(words) = self else { return None };
        let (_, rest) = line.split_once(words)?;
        rest.split_whitespace().next()?.parse().ok()
    }

    /// The port that the contender is told. Free now; somebody could take it before the contender does, which would
    /// then say so and fail to start.
    pub fn port(self) -> Result<u16> {
        match self {
            Self::Says(_) => Ok(0),
            Self::Answers => {
                let probe = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("cannot bind 127.0.0.1")?;
                Ok(probe.local_addr().context("cannot tell the port")?.port())
            }
        }
    }
}

/// Asks until the first whole answer is there; gives up when `alive` says that nobody will.
pub fn wait_for_an_answer(address: SocketAddr, deadline: Instant, mut alive: impl FnMut() -> bool) -> Result<()> {
    loop {
        let problem = match first_answer(address, deadline) {
            Ok(()) => return Ok(()),
            Err(problem) => problem,
        };
        if !alive() {
            bail!("it has ended");
        }
        if Instant::now() > deadline {
            return Err(problem.context(format!("it never answered at {address}")));
        }
        std::thread::sleep(LOOK);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_is_read_from_the_log() {
        let ready = Ready::Says("Listening at: http://");
        let line = "[2026-11-21 01:33:00 +0000] [12] [INFO] Listening at: http://127.0.0.1:8123 (12)";
        assert_eq!(ready.address(line), Some(SocketAddr::from(([127, 0, 0, 1], 8123))));
        assert_eq!(ready.address("[12] [INFO] Listening at: unix:/run/x (12)"), None);
        assert_eq!(ready.address("Starting rustcorn"), None);
    }
}
