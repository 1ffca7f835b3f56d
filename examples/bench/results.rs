//! All that was measured, and the medians of it.

use std::collections::BTreeMap;

use crate::job::Figures;

/// The row that all others are compared with.
pub const DIRECT: usize = 0;

/// One measurement that failed; path and job by their place in the plan.
pub struct Failure {
    /// The row.
    pub path: usize,
    /// The test.
    pub job: usize,
    /// Counted from 0.
    pub round: usize,
    /// Why.
    pub reason: String,
}

/// Samples by path, job and column; each with its round.
#[derive(Default)]
pub struct Results {
    samples: BTreeMap<(usize, usize, &'static str), BTreeMap<usize, f64>>,
    /// In the order in which they came.
    pub failures: Vec<Failure>,
}

impl Results {
    /// Keeps what one measurement found.
    pub fn add(&mut self, path: usize, job: usize, round: usize, figures: &Figures) {
        for (key, value) in figures {
            self.samples.entry((path, job, key)).or_default().insert(round, *value);
        }
    }

    /// Keeps why there is nothing.
    pub fn fail(&mut self, path: usize, job: usize, round: usize, reason: String) {
        self.failures.push(Failure { path, job, round, reason });
    }

    /// Whether the test has failed on the path: then it is not tried again, and its row has dashes.
    pub fn failed(&self, path: usize, job: usize) -> bool {
        self.failures.iter().any(|failure| (failure.path, failure.job) == (path, job))
    }

    /// The samples of one cell, round by round.
    pub fn rounds(&self, path: usize, job: usize, key: &'static str) -> Vec<f64> {
        let samples = self.samples.get(&(path, job, key));
        samples.map(|samples| samples.values().copied().collect()).unwrap_or_default()
    }

    /// The median of one cell; `None` when there is nothing or the test failed in any round.
    pub fn median(&self, path: usize, job: usize, key: &'static str) -> Option<f64> {
        median(self.rounds(path, job, key)).filter(|_| !self.failed(path, job))
    }

    /// The median of each round's ratio to the direct path.
    pub fn ratio(&self, path: usize, job: usize, key: &'static str) -> Option<f64> {
        let direct = self.samples.get(&(DIRECT, job, key))?;
        let samples = self.samples.get(&(path, job, key))?;
        let ratio = |(round, value): (&usize, &f64)| Some(value / direct.get(round)?);
        median(samples.iter().filter_map(ratio).collect()).filter(|_| !self.failed(path, job))
    }
}

fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    let upper = *values.get(middle)?;
    match values.len() % 2 {
        0 => Some((values.get(middle - 1)? + upper) / 2.0),
        _ => Some(upper),
    }
}

/// The value that a share of `sorted` (0 to 1) doesn't exceed; 0 when there is none.
pub fn percentile(sorted: &[f64], share: f64) -> f64 {
    let rank = (sorted.len() as f64 * share).ceil() as usize;
    sorted.get(rank.saturating_sub(1)).copied().unwrap_or_default()
}
