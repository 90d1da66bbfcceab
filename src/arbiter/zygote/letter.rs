//! The order for a worker, on its way from the arbiter to the zygote: what the worker is told, with its descriptors.

use crate::abi::SeatListener;
use crate::arbiter::certificates::Certificates;
use crate::arbiter::child::{self, Plan};
use crate::arbiter::orders;
use crate::log;
use crate::sys::{self, passing};
use serde::{Deserialize, Serialize};
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, OwnedFd};

/// No order for a worker is longer.
pub(super) const LONGEST: usize = 128 << 10;

/// What a zygote is told of a worker; its descriptors come along.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Order {
    pub(super) slot: u16,
    pub(super) lane: u32,
    pub(super) age: u32,
    pub(super) orders: String,
    /// What hooks want the worker to have.
    pub(super) packed: String,
    pub(super) tls: bool,
    pub(super) access: bool,
    /// Listeners that the zygote itself must not have, since it would keep open what is to close.
    pub(super) leaving: Vec<SeatListener>,
}

/// An order that is ready to be sent.
pub struct Letter {
    order: Vec<u8>,
    fds: Vec<i32>,
    reports: OwnedFd,
    /// Held open until the order is sent.
    _report_end: OwnedFd,
}

impl Letter {
    /// Makes what a worker needs.
    pub fn write(plan: &Plan<'_>) -> io::Result<Self> {
        let (reports, report_end) = sys::pipe::nonblocking()?;
        plan.scoreboard.reset(plan.slot, plan.generation, sys::clock::now());
        plan.scoreboard.slot(plan.slot).set_lane(plan.lane);
        let orders = serde_json::to_string(&orders::orders(plan.load)).map_err(io::Error::from)?;
        let (tls, access) = (tls_fd(plan), plan.load.access.raw_fd());
        let (slot, lane, age) = (plan.slot.0, plan.lane, plan.age);
        let packed = plan.launcher.hooks().pack(&plan.newcomer());
        let mut fds = vec![report_end.as_raw_fd(), plan.lifeline.as_raw_fd(), log_fd(plan)];
        fds.extend([tls, access].into_iter().filter(|fd| *fd >= 0));
        let mut leaving = child::seat_listeners(plan.load.listeners.iter().filter(|listener| listener.is_leaving()));
        leaving.truncate(passing::MOST - fds.len());
        fds.extend(leaving.iter().map(|listener| listener.fd));
        let order = Order { slot, lane, age, orders, packed, tls: tls >= 0, access: access >= 0, leaving };
        let order = serde_json::to_vec(&order).map_err(io::Error::from)?;
        Ok(Self { order, fds, reports, _report_end: report_end })
    }

    /// Sends it, at once or not at all; the arbiter's end of the worker's pipe.
    pub fn send(self, socket: BorrowedFd<'_>) -> io::Result<OwnedFd> {
        passing::send(socket, &self.order, &self.fds)?;
        Ok(self.reports)
    }
}

/// Where the worker's log goes.
pub(super) fn log_fd(plan: &Plan<'_>) -> i32 {
    if child::is_mute(&plan.load.settings) { child::STDERR } else { log::raw_fd() }
}

/// Its certificates; -1: none.
pub(super) fn tls_fd(plan: &Plan<'_>) -> i32 {
    plan.load.certificates.as_ref().map_or(-1, Certificates::raw_fd)
}
