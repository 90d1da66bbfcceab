//! The one thread of a worker that writes its access log. It may wait for a disk or a reader; the event loop never does.

use super::buffer::Buffer;
use super::losses::Losses;
use super::sink::{self, Output};
use crate::abi::AccessOrders;
use crate::sys::{clock, sigstack};
use std::os::fd::OwnedFd;
use std::sync::Arc;

/// Enough for a line of the operator log; only touched as far as it is used.
const STACK: usize = 256 << 10;

/// What the thread shares with those who make lines.
pub(super) struct Shared {
    pub buffer: Buffer,
    pub losses: Losses,
}

struct Writer {
    shared: Arc<Shared>,
    orders: AccessOrders,
    output: Option<Output>,
}

/// Starts the thread.
pub(super) fn start(shared: Arc<Shared>, orders: AccessOrders, fd: Option<OwnedFd>) -> std::io::Result<()> {
    let writer = Writer { shared, orders, output: fd.map(Output::new) };
    std::thread::Builder::new().name("access log".into()).stack_size(STACK).spawn(move || writer.run())?;
    Ok(())
}

impl Writer {
    fn run(mut self) {
        // Whoever asks for the stack traces of all threads gets this one too; without the memory it is a short one.
        let _ = sigstack::install();
        let mut batch = Vec::new();
        loop {
            let turn = self.shared.buffer.take(&mut batch);
            if turn.closing && batch.is_empty() {
                break;
            }
            self.write(&batch);
            Buffer::recycle(&mut batch);
            if turn.reopen {
                self.reopen();
            }
        }
        self.shared.buffer.finish();
    }

    fn write(&mut self, lines: &[u8]) {
        let written = self.output.as_mut().map_or(Ok(()), |output| output.write(lines));
        if let Err((lost, error)) = written {
            self.shared.losses.add(lost, &error);
        }
        if let Some(syslog) = &self.orders.syslog
            && let Err((lost, error)) = sink::send(syslog, std::process::id(), lines)
        {
            self.shared.losses.add(lost, &format_args!("syslog: {error}"));
        }
        self.shared.losses.tell(&"it did not keep up for a while", clock::now());
    }

    fn reopen(&mut self) {
        let Some(path) = self.orders.path.as_deref().filter(|_| self.output.is_some()) else { return };
        match super::open(path) {
            Ok(fd) => self.output = Some(Output::new(fd)),
            Err(error) => crate::log::error!("{error}; the access log goes on where it was"),
        }
    }
}
