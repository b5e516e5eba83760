//! What became of the shaders that a compiler was given.

use std::path::PathBuf;
use std::time::Duration;

use crate::pipelines::Pipeline;
use crate::windows::Outcome;

/// How many of the slowest it names.
const SLOWEST: usize = 12;

pub struct Table<'a> {
    compiler: &'static str,
    pipelines: &'a [Pipeline],
    files: &'a [PathBuf],
    outcomes: Vec<Outcome>,
}

impl<'a> Table<'a> {
    pub fn new(
        compiler: &'static str,
        pipelines: &'a [Pipeline],
        files: &'a [PathBuf],
        outcomes: Vec<Outcome>,
    ) -> Table<'a> {
        Table { compiler, pipelines, files, outcomes }
    }

    /// The numbers of those that took longer, but were built.
    pub fn slower_than(&self, most: f64) -> Vec<usize> {
        let slow = |&i: &usize| matches!(self.outcomes[i], Outcome::Built(ms) if ms > most);
        (0..self.outcomes.len()).filter(slow).collect()
    }

    /// Other outcomes of these, where they took less time.
    pub fn improve(&mut self, numbers: &[usize], outcomes: Vec<Outcome>) {
        for (&number, outcome) in numbers.iter().zip(outcomes) {
            match (&self.outcomes[number], &outcome) {
                (Outcome::Built(before), Outcome::Built(ms)) if before <= ms => {}
                _ => self.outcomes[number] = outcome,
            }
        }
    }

    pub fn all_built(&self) -> bool {
        self.outcomes.iter().all(|outcome| matches!(outcome, Outcome::Built(_)))
    }

    /// Prints how many were built, those that failed, and the slowest, beside the reference's time and how many times it
    /// they may take.
    pub fn print(&self, elapsed: Duration, reference: Option<(f64, f64)>) {
        let built = self.outcomes.iter().filter(|outcome| matches!(outcome, Outcome::Built(_))).count();
        let total: f64 = (self.outcomes.iter())
            .map(|outcome| match outcome {
                Outcome::Built(ms) => *ms,
                Outcome::Failed(_) => 0.0,
            })
            .sum();
        println!(
            "{}: {built} of {} built in {:.0} s, {:.0} s of processor time",
            self.compiler,
            self.outcomes.len(),
            elapsed.as_secs_f64(),
            total / 1e3
        );
        for (number, outcome) in self.outcomes.iter().enumerate() {
            if let Outcome::Failed(why) = outcome {
                println!("  FAILED {}: {why}", self.name(number));
            }
        }
        let mut slowest: Vec<(f64, usize)> = (self.outcomes.iter().enumerate())
            .filter_map(|(number, outcome)| match outcome {
                Outcome::Built(ms) => Some((*ms, number)),
                Outcome::Failed(_) => None,
            })
            .collect();
        slowest.sort_by(|a, b| b.0.total_cmp(&a.0));
        if let Some((ms, most)) = reference {
            println!("  {ms:6.0} ms  the reference; the others may take {most} times as long");
        }
        for &(ms, number) in slowest.iter().take(SLOWEST) {
            let times = match reference {
                Some((reference, most)) if ms > most * reference => {
                    format!(" {:4.1}x TOO SLOW", ms / reference)
                }
                Some((reference, _)) => format!(" {:4.1}x", ms / reference),
                None => String::new(),
            };
            println!("  {ms:6.0} ms{times}  {}", self.name(number));
        }
    }

    /// The pipeline, and the file to look at.
    fn name(&self, number: usize) -> String {
        let file = self.files[number].file_name().unwrap_or_default();
        format!("{} ({})", self.pipelines[number], file.display())
    }
}
