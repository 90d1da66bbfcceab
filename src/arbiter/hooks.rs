//! What an operator may have run in the arbiter, as Gunicorn's server hooks: the moments, and what is known in them.
//!
//! A launcher may bring some; without, nothing happens. Where a hook can fail, its sentence ends what it stands before: the
//! start, the reload, the fork of this worker. Whoever brings the others tells of their failures by itself, and the
//! arbiter goes on: it is not a mistake in a hook that ends a service.

use super::shell::Shell;
use crate::settings::Settings;
use crate::types::{Generation, Pid, SlotId};

/// The arbiter as a hook sees it.
#[derive(Debug)]
pub struct Server<'a> {
    /// Its process.
    pub pid: Pid,
    /// What it was started with, or has reloaded.
    pub settings: &'a Settings,
    /// Where it listens, as URLs.
    pub addresses: Vec<String>,
    /// How many workers shall serve.
    pub wanted: u16,
}

/// A worker that is made: before it is there, in itself, and when its process is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Newcomer {
    /// Where it sits.
    pub slot: SlotId,
    /// Which load it runs.
    pub generation: Generation,
    /// How many have been tried before it, and itself.
    pub age: u32,
}

/// The moments. Everything is done by default: nothing.
pub trait Hooks {
    /// Before anything of the server is there.
    ///
    /// # Errors
    /// One sentence, which ends the start.
    fn starting(&self, _server: &Server<'_>) -> Result<(), String> {
        Ok(())
    }

    /// The sockets listen; no worker is there.
    ///
    /// # Errors
    /// One sentence, which ends the start.
    fn listening(&self, _server: &Server<'_>) -> Result<(), String> {
        Ok(())
    }

    /// New settings were loaded; no worker has them.
    ///
    /// # Errors
    /// One sentence: the reload is refused.
    fn reloading(&self, _server: &Server<'_>) -> Result<(), String> {
        Ok(())
    }

    /// A worker is about to be forked.
    ///
    /// # Errors
    /// One sentence: it is not, and tried again later.
    fn forking(&self, _server: &Server<'_>, _newcomer: &Newcomer) -> Result<(), String> {
        Ok(())
    }

    /// It will be forked by another process, which knows nothing of what was done here: what is to be unpacked there.
    fn pack(&self, _newcomer: &Newcomer) -> String {
        String::new()
    }

    /// In the worker, before all else: what was packed for it.
    fn unpack(&self, _newcomer: &Newcomer, _packed: &str) {}

    /// It was forked. Others may have been announced meanwhile.
    fn forked(&self, _slot: SlotId, _pid: Pid) {}

    /// In the worker, before it becomes its user and before its application is loaded.
    ///
    /// # Errors
    /// One sentence, perhaps with a traceback below it: the worker cannot boot.
    fn in_worker(&self, _newcomer: &Newcomer) -> Result<(), String> {
        Ok(())
    }

    /// A worker was reaped.
    fn reaped(&self, _server: &Server<'_>, _pid: Pid) {}

    /// Another number of workers is wanted than before; at the start there was none.
    fn number_changed(&self, _server: &Server<'_>, _before: Option<u16>) {}

    /// Whether [`Self::upgrading`] does anything: nobody waits for the new program then.
    fn want_upgrades(&self) -> bool {
        false
    }

    /// In the process that becomes the next arbiter, before it is the program on disk.
    fn upgrading(&self, _server: &Server<'_>) {}

    /// All workers are gone.
    fn exiting(&self, _server: &Server<'_>) {}
}

/// No hooks.
#[derive(Debug)]
pub struct NoHooks;

impl Hooks for NoHooks {}

impl Shell<'_> {
    /// Calls a hook with the server as it is now.
    pub fn with_hooks<T>(&self, call: impl FnOnce(&dyn Hooks, &Server<'_>) -> T) -> Option<T> {
        let load = self.loads.newest()?;
        let addresses = load.listeners.lasting().map(|listener| listener.url().to_string()).collect();
        let server = Server { pid: self.own, settings: &load.settings, addresses, wanted: self.wanted.unwrap_or(0) };
        Some(call(self.launcher.hooks(), &server))
    }

    /// The number of workers that are wanted: tells if it has changed.
    pub fn note_wanted(&mut self, wanted: u16) {
        let before = self.wanted;
        if before != Some(wanted) {
            self.wanted = Some(wanted);
            self.with_hooks(|hooks, server| hooks.number_changed(server, before));
        }
    }
}
