//! Numbers of the same kind, one for each round, and what is said of them.

/// The outcomes of the rounds, in their order.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Series(Vec<f64>);

impl Series {
    /// Adds the next round's number.
    pub fn push(&mut self, value: f64) {
        self.0.push(value);
    }

    /// All of them.
    pub fn values(&self) -> &[f64] {
        &self.0
    }

    /// The number in the middle; of two, their mean. Of nothing: not a number.
    pub fn median(&self) -> f64 {
        let mut sorted = self.0.clone();
        sorted.sort_by(f64::total_cmp);
        let middle = sorted.len() / 2;
        match sorted.len() {
            0 => f64::NAN,
            odd if odd % 2 == 1 => sorted[middle],
            _ => f64::midpoint(sorted[middle - 1], sorted[middle]),
        }
    }

    /// The least number.
    pub fn min(&self) -> f64 {
        self.0.iter().copied().fold(f64::INFINITY, f64::min)
    }

    /// The greatest number.
    pub fn max(&self) -> f64 {
        self.0.iter().copied().fold(f64::NEG_INFINITY, f64::max)
    }

    /// This series divided by another, round by round: neighbours in time shared the machine's mood.
    #[must_use]
    pub fn over(&self, other: &Self) -> Self {
        self.0.iter().zip(&other.0).map(|(ours, theirs)| ours / theirs).collect()
    }
}

impl FromIterator<f64> for Series {
    fn from_iter<I: IntoIterator<Item = f64>>(values: I) -> Self {
        Self(values.into_iter().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn series(values: &[f64]) -> Series {
        values.iter().copied().collect()
    }

    #[test]
    fn the_median_is_in_the_middle_whatever_the_order() {
        assert!((series(&[3.0, 100.0, 1.0]).median() - 3.0).abs() < 1e-9);
        assert!((series(&[4.0, 1.0, 2.0, 100.0]).median() - 3.0).abs() < 1e-9);
        assert!(series(&[]).median().is_nan());
    }

    #[test]
    fn extremes_are_found() {
        let some = series(&[3.0, -1.0, 7.5]);
        assert!((some.min() + 1.0).abs() < 1e-9);
        assert!((some.max() - 7.5).abs() < 1e-9);
    }

    #[test]
    fn ratios_pair_the_rounds() {
        assert_eq!(series(&[1.0, 6.0]).over(&series(&[2.0, 3.0])), series(&[0.5, 2.0]));
    }
}
