//! The time of a line as text, made once a second.

use crate::sys::clock;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use std::fmt::Write;

/// Apache's time, with its brackets: `[21/Nov/2026:12:00:05 +0100]`.
pub(super) const CLF: &str = "[%d/%b/%Y:%H:%M:%S %z]";
/// RFC 3339: `2026-11-21T12:00:05+01:00`.
pub(super) const RFC3339: &str = "%Y-%m-%dT%H:%M:%S%:z";

/// The present second in one shape.
pub(super) struct Stamp {
    zone: TimeZone,
    shape: &'static str,
    second: i64,
    text: String,
}

impl Stamp {
    /// In the system's time zone, which is looked up here and never again.
    pub(super) fn new(shape: &'static str) -> Self {
        Self::of(TimeZone::system(), shape)
    }

    fn of(zone: TimeZone, shape: &'static str) -> Self {
        Self { zone, shape, second: i64::MIN, text: String::with_capacity(32) }
    }

    /// The present as text.
    pub(super) fn now(&mut self) -> &str {
        self.at(clock::wall_seconds())
    }

    fn at(&mut self, second: i64) -> &str {
        if second != self.second {
            self.second = second;
            self.text.clear();
            let time = Timestamp::from_second(second).map(|time| time.to_zoned(self.zone.clone()));
            // A clock beyond the year 9999 is no reason to lose the line.
            let written = time.is_ok_and(|time| write!(self.text, "{}", time.strftime(self.shape)).is_ok());
            if !written {
                self.text.replace_range(.., "-");
            }
        }
        &self.text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_second_is_told_in_the_local_zone() {
        let zone = TimeZone::get("Europe/Berlin").unwrap_or_else(|_| TimeZone::fixed(jiff::tz::offset(1)));
        let mut stamp = Stamp::of(zone.clone(), CLF);
        // 2026-11-21 11:00:05 UTC.
        assert_eq!(stamp.at(1_795_258_805), "[21/Nov/2026:12:00:05 +0100]");
        assert_eq!(stamp.at(1_795_258_805), "[21/Nov/2026:12:00:05 +0100]");
        assert_eq!(stamp.at(1_795_258_806), "[21/Nov/2026:12:00:06 +0100]");
        assert_eq!(stamp.at(i64::MAX), "-");
        assert_eq!(Stamp::of(zone, RFC3339).at(1_795_258_805), "2026-11-21T12:00:05+01:00");
    }
}
