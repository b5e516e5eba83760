//! Whether one build is slower than another: rounds of `wgpool bench --json` of each, compared case by case.

mod interval;
mod round;

use std::collections::BTreeSet;

use wgpool::error::{Error, Result};

pub use interval::Interval;
use interval::{Estimate, FEWEST_ROUNDS, median};
use round::Time;
pub use round::{Place, Round};

/// How the times of a case compare.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Row {
    /// The case.
    pub case: String,
    /// Where it was timed.
    pub place: Place,
    /// The median of the rounds' medians on side A and side B, in milliseconds.
    pub median_ms: [f64; 2],
    /// B's time over A's.
    pub ratio: Interval,
}

/// The geometric mean of the ratios of a place.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Mean {
    /// The place.
    pub place: Place,
    /// How many cases.
    pub cases: usize,
    /// The mean.
    pub ratio: Interval,
}

/// Two sides, compared.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Comparison {
    /// Rounds of each side.
    pub rounds: usize,
    /// The cases that both have, in the order of A.
    pub rows: Vec<Row>,
    /// Over all cases of a place.
    pub means: Vec<Mean>,
    /// What the sides do not share: versions, adapters, cases.
    pub notes: Vec<String>,
}

/// What an interval says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It lies above 1.
    Slower,
    /// It lies below 1.
    Faster,
    /// It holds 1: no difference is shown.
    Same,
}

impl Interval {
    /// What it says about B beside A.
    pub fn verdict(&self) -> Verdict {
        match (self.low > 1.0, self.high < 1.0) {
            (true, _) => Verdict::Slower,
            (_, true) => Verdict::Faster,
            _ => Verdict::Same,
        }
    }
}

impl Verdict {
    /// In a word.
    pub fn name(self) -> &'static str {
        match self {
            Verdict::Slower => "slower",
            Verdict::Faster => "faster",
            Verdict::Same => "same",
        }
    }
}

/// Compares the wall times of two sides: B's over A's.
///
/// With several rounds the first of A belongs to the first of B and so on; they should have run right after one another,
/// so that whatever else the machine does meets both. The ratio of a case is the median, over the rounds, of the ratios of
/// medians, and its interval of 95 % that of the sign test, which takes six rounds. The geometric mean over the cases is
/// taken in each round first, so that its interval knows that cases of a round vary together.
///
/// With one round a side the ratio is that of the geometric means of the measurements in it, and the interval Welch's t on
/// their logarithms. That says how they scatter within a run of the program, not how one run differs from the next: it
/// is too narrow to judge a change by.
///
/// # Errors
/// [`Error::Document`] if the sides have not equally many rounds, from two to five of them, if a single round has no
/// measurements, or if there is no case that every round timed.
///
/// ```
/// use wgpool_testing::bench::compare::{Round, Verdict, compare};
/// let round = |ms: f64| {
///     let side = format!(r#"{{"wall": {{"median_ms": {ms}}}}}"#);
///     let json = format!(r#"{{"schema": 1, "version": "1", "cases": [{{"name": "P1", "host": {side}}}]}}"#);
///     Round::read("round.json", json.as_bytes())
/// };
/// let a = [2.0, 2.1, 1.9, 2.0, 2.0, 2.2].map(|ms| round(ms).unwrap());
/// let b = [2.4, 2.3, 2.2, 2.4, 2.5, 2.4].map(|ms| round(ms).unwrap());
/// let found = compare(&a, &b)?;
/// assert_eq!(found.rows[0].ratio.verdict(), Verdict::Slower);
/// # Ok::<(), wgpool::Error>(())
/// ```
pub fn compare(a: &[Round], b: &[Round]) -> Result<Comparison> {
    let wrong = |reason: String| Err(Error::Document { document: "comparison".into(), reason });
    let (rounds, others) = (a.len(), b.len());
    let (Some(first), true) = (a.first(), rounds == others) else {
        let rule = "each round of one belongs to one of the other";
        return wrong(format!("A has {rounds} rounds and B {others}, but {rule}"));
    };
    if (2..FEWEST_ROUNDS).contains(&rounds) {
        return wrong(format!(
            "there are {rounds} rounds, but an interval of 95 % takes {FEWEST_ROUNDS} or more"
        ));
    }
    let mut found = Comparison { rounds, rows: Vec::new(), means: Vec::new(), notes: settings(a, b) };
    // What the ratios of a row come from.
    let mut sources = Vec::new();
    for time in &first.times {
        let (case, place) = (time.case.as_str(), time.place);
        let of = |side: &[Round]| side.iter().map(|round| round.time(case, place).cloned()).collect();
        let (Some(of_a), Some(of_b)): (Option<Vec<_>>, Option<Vec<_>>) = (of(a), of(b)) else { continue };
        if of_a.iter().chain(&of_b).any(|other| other.work != time.work) {
            let place = place.name();
            found.notes.push(format!("{case}, {place}: other shapes or types under the same name, left out"));
            continue;
        }
        let Some(source) = Source::of(&of_a, &of_b) else {
            let rule = "one round without its measurements (`samples_ms`) has no interval; compare several";
            return wrong(format!("{case}, {}: {rule}", place.name()));
        };
        let Some(ratio) = source.interval() else { continue };
        let median_ms = [of_a, of_b].map(|side| {
            let mut medians: Vec<f64> = side.iter().map(|time| time.median).collect();
            medians.sort_unstable_by(f64::total_cmp);
            median(&medians)
        });
        found.rows.push(Row { case: case.to_owned(), place, median_ms, ratio });
        sources.push((place, source));
    }
    let absent = absent(a, b, &found.rows);
    found.notes.extend(absent);
    if found.rows.is_empty() {
        let notes = found.notes.join("; ");
        return wrong(format!("there is no case that all rounds of both sides timed ({notes})"));
    }
    for place in [Place::Host, Place::Adapter] {
        let of_place = || sources.iter().filter(|(at, _)| *at == place).map(|(_, source)| source);
        if let Some(ratio) = Source::mean(of_place()).and_then(|mean| mean.interval()) {
            found.means.push(Mean { place, cases: of_place().count(), ratio });
        }
    }
    Ok(found)
}

/// What a ratio and its interval come from.
enum Source {
    /// The logarithm of the ratio in each of several rounds.
    Rounds(Vec<f64>),
    /// The measurements of one round a side.
    Measurements(Estimate),
}

impl Source {
    /// Of the times of a case; nothing where one round lacks measurements.
    fn of(a: &[Time], b: &[Time]) -> Option<Source> {
        match (a, b) {
            ([a], [b]) => {
                let [a, b] = [a, b].map(|time| time.samples.iter().map(|ms| ms.ln()).collect::<Vec<_>>());
                Estimate::between(&a, &b).map(Source::Measurements)
            }
            _ => Some(Source::Rounds(a.iter().zip(b).map(|(a, b)| (b.median / a.median).ln()).collect())),
        }
    }

    /// The geometric mean of several: round by round.
    fn mean<'a>(all: impl Iterator<Item = &'a Source>) -> Option<Source> {
        let (mut sums, mut estimates, mut cases) = (Vec::new(), Vec::new(), 0.0);
        for source in all {
            cases += 1.0;
            match source {
                Source::Measurements(estimate) => estimates.push(*estimate),
                Source::Rounds(logs) => {
                    sums.resize(logs.len(), 0.0);
                    sums.iter_mut().zip(logs).for_each(|(sum, log)| *sum += log);
                }
            }
        }
        match Estimate::mean_of(&estimates) {
            Some(mean) => Some(Source::Measurements(mean)),
            None => Some(Source::Rounds(sums.into_iter().map(|sum: f64| sum / cases).collect())),
        }
    }

    fn interval(&self) -> Option<Interval> {
        match self {
            Source::Rounds(logs) => Interval::of_rounds(logs),
            Source::Measurements(estimate) => Some(estimate.interval()),
        }
    }
}

/// What the program, the machine or the arguments had of their own.
fn settings(a: &[Round], b: &[Round]) -> Vec<String> {
    let differs = |what: &str, of: &dyn Fn(&Round) -> String| {
        let [a, b] = [a, b].map(|side| side.iter().map(of).collect::<BTreeSet<_>>());
        let list = |values: &BTreeSet<String>| values.iter().cloned().collect::<Vec<_>>().join(" and ");
        (a != b || a.len() > 1).then(|| format!("{what} differ: A {}; B {}", list(&a), list(&b)))
    };
    let notes = [
        differs("versions", &|round| round.version.clone()),
        differs("adapters", &|round| round.adapter.clone().unwrap_or_else(|| "none".into())),
        differs("threads of the host path", &|round| round.threads.to_string()),
        differs("measurements", &|round| if round.quick { "few (--quick)" } else { "all" }.to_owned()),
    ];
    notes.into_iter().flatten().collect()
}

/// Cases that are not in every round.
fn absent(a: &[Round], b: &[Round], rows: &[Row]) -> Vec<String> {
    let mut notes = Vec::new();
    let mut seen = BTreeSet::new();
    for (side, rounds) in [("A", a), ("B", b)] {
        for round in rounds {
            for case in &round.wrong {
                if seen.insert((case.clone(), None)) {
                    notes.push(format!("{case}: wrong results in {} ({side}), left out", round.document));
                }
            }
        }
    }
    for time in a.iter().chain(b).flat_map(|round| &round.times) {
        let key = (time.case.clone(), Some(time.place));
        let known = rows.iter().any(|row| row.case == time.case && row.place == time.place);
        if known || seen.contains(&(time.case.clone(), None)) || !seen.insert(key) {
            continue;
        }
        let lacks = |rounds: &[Round]| {
            rounds
                .iter()
                .find(|round| round.time(&time.case, time.place).is_none())
                .map(|r| r.document.clone())
        };
        if let Some(document) = lacks(a).or_else(|| lacks(b)) {
            notes.push(format!("{}, {}: not in {document}, left out", time.case, time.place.name()));
        }
    }
    notes
}

#[cfg(test)]
mod tests;
