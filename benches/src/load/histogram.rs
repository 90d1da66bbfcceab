//! Latencies in buckets: written by the clients of a load without a lock, read at any instant by the measurement.
//!
//! 32 buckets for each power of two, so that a quantile is exact to about 3 %. Owns no clock.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Buckets of one power of two, as a power of two itself.
const FINENESS: u32 = 5;

/// Every u64 has its bucket.
const BUCKETS: usize = ((64 - FINENESS as usize) << FINENESS) + (1 << FINENESS);

/// How many latencies fell into each bucket so far.
pub struct Histogram(Box<[AtomicU64]>);

impl Default for Histogram {
    fn default() -> Self {
        Self((0..BUCKETS).map(|_| AtomicU64::new(0)).collect())
    }
}

impl Histogram {
    /// Counts one latency.
    pub fn add(&self, latency: Duration) {
        let nanos = u64::try_from(latency.as_nanos()).unwrap_or(u64::MAX);
        self.0[bucket(nanos)].fetch_add(1, Ordering::Relaxed);
    }

    /// What has been counted until now.
    pub fn snapshot(&self) -> Counts {
        Counts(self.0.iter().map(|bucket| bucket.load(Ordering::Relaxed)).collect())
    }
}

/// A histogram at one instant, or between two.
pub struct Counts(Vec<u64>);

impl Counts {
    /// What has been counted since `earlier`.
    #[must_use]
    pub fn since(&self, earlier: &Self) -> Self {
        Self(self.0.iter().zip(&earlier.0).map(|(now, then)| now - then).collect())
    }

    /// These and those.
    #[must_use]
    pub fn with(&self, others: &Self) -> Self {
        Self(self.0.iter().zip(&others.0).map(|(here, there)| here + there).collect())
    }

    /// How many latencies these are.
    pub fn total(&self) -> u64 {
        self.0.iter().sum()
    }

    /// The latency that the given share (0 to 1) of all stays within; none of nothing.
    pub fn quantile(&self, share: f64) -> Option<Duration> {
        // Exact below 2^53 latencies, and never negative.
        #[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        let rank = ((self.total() as f64 * share).ceil() as u64).max(1);
        let mut passed = 0;
        let found = self.0.iter().position(|count| {
            passed += count;
            passed >= rank
        })?;
        Some(Duration::from_nanos(middle(found)))
    }
}

fn bucket(nanos: u64) -> usize {
    let shift = (63 - FINENESS).saturating_sub((nanos | 1).leading_zeros());
    // At most 2^(FINENESS + 1) after the shift.
    #[allow(clippy::cast_possible_truncation)]
    let within = (nanos >> shift) as usize;
    ((shift as usize) << FINENESS) + within
}

/// The middle of what falls into a bucket.
fn middle(bucket: usize) -> u64 {
    let shift = (bucket >> FINENESS).saturating_sub(1);
    let low = ((bucket - (shift << FINENESS)) as u64) << shift;
    low + (1_u64 << shift) / 2
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_is_near_the_middle_of_its_bucket() {
        for power in 0..63 {
            for number in [1_u64 << power, (1 << power) + 1, (1 << power) * 3 / 2] {
                let middle = middle(bucket(number));
                assert!(middle.abs_diff(number) * 32 <= number, "{number} counts as {middle}");
            }
        }
        assert!(bucket(0) == 0 && bucket(u64::MAX) < BUCKETS);
    }

    #[test]
    fn quantiles_are_found_between_two_instants() {
        let histogram = Histogram::default();
        histogram.add(Duration::from_secs(9));
        let before = histogram.snapshot();
        for micros in 1..=100 {
            histogram.add(Duration::from_micros(micros));
        }
        let counts = histogram.snapshot().since(&before);
        assert_eq!(counts.total(), 100);
        for (share, micros) in [(0.5, 50.0), (0.99, 99.0), (1.0, 100.0)] {
            let found = counts.quantile(share).unwrap().as_secs_f64() * 1e6;
            assert!((found / micros - 1.0).abs() < 0.04, "{share}: {found}");
        }
        assert!(before.since(&before).quantile(0.5).is_none());
        assert_eq!(counts.with(&before).total(), 101);
    }
}
