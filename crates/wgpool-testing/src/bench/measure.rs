//! Repeating what is timed, in turns, until a median can be stated.

use std::time::Duration;

use wgpool::error::Result;

/// Seconds of one run, as a mean over those that were recorded together.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sample {
    /// From recording to the end of the last run.
    pub wall: f64,
    /// By the device's own timestamps around the pass, where it offers them.
    pub device: Option<f64>,
}

/// Something that can be run `count` times and timed.
pub(crate) trait Timed {
    fn time(&self, count: usize) -> Result<Sample>;
}

/// Median and spread of repeated measurements, in seconds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Spread {
    /// The median.
    pub median: f64,
    /// A tenth of the measurements are below it.
    pub p10: f64,
    /// A tenth of the measurements are above it.
    pub p90: f64,
}

impl Spread {
    /// Of at least one measurement, by the nearest rank.
    ///
    /// ```
    /// let spread = wgpool_testing::bench::Spread::of((1..=11).map(f64::from).collect()).unwrap();
    /// assert_eq!((spread.p10, spread.median, spread.p90), (2.0, 6.0, 10.0));
    /// ```
    pub fn of(mut values: Vec<f64>) -> Option<Spread> {
        values.sort_unstable_by(f64::total_cmp);
        let last = values.len().checked_sub(1)?;
        let at = |share: f64| values.get((share * last as f64).round() as usize).copied();
        Some(Spread { median: at(0.5)?, p10: at(0.1)?, p90: at(0.9)? })
    }
}

/// How long something takes in the steady state.
#[derive(Clone, Debug, PartialEq)]
pub struct Timing {
    /// Wall time of one run.
    pub wall: Spread,
    /// The device's own time of one run, where it offers timestamps.
    pub device: Option<Spread>,
    /// Runs that were recorded together and waited for once.
    pub runs: usize,
    /// The measurements, in the order they were taken.
    pub samples: Vec<Sample>,
}

impl Timing {
    /// The time that rates are computed from: the device's own where it offers timestamps.
    pub fn best_known(&self) -> f64 {
        self.device.unwrap_or(self.wall).median
    }

    fn of(samples: Vec<Sample>, runs: usize) -> Option<Timing> {
        let wall = Spread::of(samples.iter().map(|s| s.wall).collect())?;
        let device: Option<Vec<f64>> = samples.iter().map(|s| s.device).collect();
        Some(Timing { wall, device: device.and_then(Spread::of), runs, samples })
    }
}

/// How much is measured.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Effort {
    /// Measurements of each.
    pub rounds: usize,
    /// How long the runs of a measurement take together, at least about.
    pub target: Duration,
    /// Fewer measurements are taken, though no less than three, where they would take longer.
    pub most: Duration,
}

impl Effort {
    /// For figures that are kept.
    pub const FULL: Effort =
        Effort { rounds: 15, target: Duration::from_millis(30), most: Duration::from_secs(6) };
    /// For a first look.
    pub const QUICK: Effort =
        Effort { rounds: 3, target: Duration::from_millis(3), most: Duration::from_millis(300) };
}

const FEWEST_ROUNDS: usize = 3;

/// Runs that are recorded together at most.
const MOST_RUNS: usize = 4096;

/// Times everything in turns, round by round, so that what else the machine does meets all alike.
pub(crate) fn interleaved(all: &[&dyn Timed], effort: Effort) -> Result<Vec<Timing>> {
    let counts = all.iter().map(|timed| calibrate(*timed, effort.target)).collect::<Result<Vec<_>>>()?;
    let round: f64 = counts.iter().map(|(count, run)| *count as f64 * run).sum();
    let affordable = (effort.most.as_secs_f64() / round.max(1e-9)) as usize;
    let rounds = effort.rounds.min(affordable.max(FEWEST_ROUNDS));
    let mut samples = vec![Vec::with_capacity(rounds); all.len()];
    for _ in 0..rounds {
        for ((timed, (count, _)), samples) in all.iter().zip(&counts).zip(&mut samples) {
            samples.push(timed.time(*count)?);
        }
    }
    Ok(samples.into_iter().zip(&counts).filter_map(|(s, (count, _))| Timing::of(s, *count)).collect())
}

/// How many runs take `target` together, and the seconds of one. What is done once is paid for here.
fn calibrate(timed: &dyn Timed, target: Duration) -> Result<(usize, f64)> {
    let target = target.as_secs_f64();
    let mut count = 1;
    loop {
        let run = timed.time(count)?.wall.max(1e-9);
        let took = run * count as f64;
        if took >= target / 2.0 || count >= MOST_RUNS {
            return Ok((count, run));
        }
        let more = (target / took).clamp(2.0, 16.0);
        count = ((count as f64 * more) as usize).min(MOST_RUNS);
    }
}
