//! The application's and its libraries' `log` records, into the operator log: `tracing`'s elder sister has its own slot.

use super::format::Fields;
use super::global::{emit, enabled};
use crate::types::Level;
use ::log::{LevelFilter, Log, Metadata, Record};

/// Takes the slot of the `log` crate, unless the application has a logger of its own there.
pub fn hear_log_records() {
    if ::log::set_logger(&Facade).is_ok() {
        let levels = [
            (Level::Trace, LevelFilter::Trace),
            (Level::Debug, LevelFilter::Debug),
            (Level::Info, LevelFilter::Info),
            (Level::Warning, LevelFilter::Warn),
            (Level::Error, LevelFilter::Error),
        ];
        let lowest = levels.into_iter().find(|(level, _)| enabled(*level));
        ::log::set_max_level(lowest.map_or(LevelFilter::Off, |(_, filter)| filter));
    }
}

struct Facade;

impl Log for Facade {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        enabled(level_of(metadata.level()))
    }

    fn log(&self, record: &Record<'_>) {
        let level = level_of(record.level());
        if enabled(level) {
            emit(level, &record.args().to_string(), Some(record.target()), &Fields::new(), &[]);
        }
    }

    fn flush(&self) {}
}

fn level_of(level: ::log::Level) -> Level {
    match level {
        ::log::Level::Error => Level::Error,
        ::log::Level::Warn => Level::Warning,
        ::log::Level::Info => Level::Info,
        ::log::Level::Debug => Level::Debug,
        ::log::Level::Trace => Level::Trace,
    }
}
