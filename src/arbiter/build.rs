//! The first build: an application that has no library yet is built before anything else happens. Signals are heard
//! meanwhile, since a build can take minutes.

use super::launcher::{Build, Launcher, PrepareError};
use super::load::LoadError;
use crate::log;
use crate::settings::Settings;
use crate::sys;
use crate::sys::signal::Inbox;
use crate::types::{ExitStatus, Generation, Pid, Signal, exit};
use std::os::fd::AsFd;

/// Takes the application for the first generation, building it if need be.
pub fn prepare(launcher: &mut dyn Launcher, settings: &Settings, inbox: &mut Inbox) -> Result<(), LoadError> {
    match launcher.prepare(Generation::FIRST, settings) {
        Err(PrepareError::NotBuilt { name, build }) => {
            log::info!("building {name}: it has no library yet");
            run(&name, &build, inbox)?;
            // Still not built means that cargo put it where nobody looks: its sentence says so well enough.
            Ok(launcher.prepare(Generation::FIRST, settings)?)
        }
        prepared => Ok(prepared?),
    }
}

fn run(name: &str, build: &Build, inbox: &mut Inbox) -> Result<(), LoadError> {
    let failed =
        |how: String| LoadError { code: exit::APP_LOAD, message: format!("cargo could not build {name}: {how}") };
    let pid = build.start().map_err(failed)?;
    let mut asked = false;
    let mut signals = Vec::new();
    let status = loop {
        sys::poll::wait(&[inbox.as_fd()], None).map_err(|error| failed(error.to_string()))?;
        inbox.drain(&mut signals);
        for signal in signals.drain(..) {
            if matches!(signal, Signal::TERM | Signal::INT | Signal::QUIT) {
                end(pid, asked);
                asked = true;
            }
        }
        if let Some(status) = reap(pid) {
            break status;
        }
    };
    match status {
        _ if asked => Err(LoadError { code: exit::OK, message: format!("stopped while {name} was being built") }),
        ExitStatus::Code(0) => Ok(()),
        status => Err(failed(format!("it {status}; its messages are above"))),
    }
}

fn end(leader: Pid, again: bool) {
    let signal = if again { Signal::KILL } else { Signal::TERM };
    // It may have ended by itself a moment ago.
    let _ = sys::signal::send_group(leader, signal);
}

/// How the build ended, if it has. As process 1 there may be others.
fn reap(build: Pid) -> Option<ExitStatus> {
    std::iter::from_fn(sys::wait::reap).find(|reaped| reaped.pid == build).map(|reaped| reaped.status)
}
