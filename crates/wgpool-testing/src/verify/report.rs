//! What `verify` found, for people and for programs.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::case::{Fault, Outcome, Verdict};
use wgpool::text::escaped;

/// How many cases of an operation came to which end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Row {
    /// Right.
    pub passed: usize,
    /// Wrong.
    pub failed: usize,
    /// Not computed here.
    pub unsupported: usize,
    /// Of all, those whose tensors went in as another type that holds the same values.
    pub converted: usize,
    /// Of all, those in which the device took subnormal numbers for equal and an index names another of them.
    pub flushed: usize,
}

/// A case that failed.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Failure {
    /// Its name.
    pub case: String,
    /// Its operation.
    pub op: String,
    /// What is wrong.
    pub fault: Fault,
}

/// A case that was not computed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Skipped {
    /// Its name.
    pub case: String,
    /// Its operation.
    pub op: String,
    /// Why.
    pub reason: String,
}

/// The findings about all cases.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Report {
    /// What computed.
    pub backend: String,
    /// The seed, if the cases were random.
    pub seed: Option<u64>,
    /// Counts of each operation.
    pub rows: BTreeMap<String, Row>,
    /// What failed.
    pub failures: Vec<Failure>,
    /// What was not computed.
    pub unsupported: Vec<Skipped>,
    /// Distinct GPU pipelines that were built.
    pub pipelines: usize,
    /// How long it took.
    pub seconds: f64,
}

impl Report {
    /// Adds a case.
    pub fn add(&mut self, case: &str, op: &str, outcome: Outcome) {
        let row = self.rows.entry(op.to_owned()).or_default();
        row.converted += usize::from(outcome.converted);
        row.flushed += usize::from(outcome.flushed);
        let (case, op) = (case.to_owned(), op.to_owned());
        match outcome.verdict {
            Verdict::Passed => row.passed += 1,
            Verdict::Failed(fault) => {
                row.failed += 1;
                self.failures.push(Failure { case, op, fault });
            }
            Verdict::Unsupported(reason) => {
                row.unsupported += 1;
                self.unsupported.push(Skipped { case, op, reason });
            }
        }
    }

    /// Cases that were checked: those that passed or failed. Where there are none, nothing was shown.
    pub fn checked(&self) -> usize {
        let total = self.total();
        total.passed + total.failed
    }

    /// All rows together.
    pub fn total(&self) -> Row {
        self.rows.values().fold(Row::default(), |sum, row| Row {
            passed: sum.passed + row.passed,
            failed: sum.failed + row.failed,
            unsupported: sum.unsupported + row.unsupported,
            converted: sum.converted + row.converted,
            flushed: sum.flushed + row.flushed,
        })
    }

    /// The report as JSON; numbers that JSON does not have are text.
    pub fn to_json(&self) -> Value {
        let total = self.total();
        let row = |row: &Row| {
            json!({
                "passed": row.passed,
                "failed": row.failed,
                "unsupported": row.unsupported,
                "converted": row.converted,
                "flushed": row.flushed,
            })
        };
        let operations: serde_json::Map<String, Value> =
            self.rows.iter().map(|(op, r)| (op.clone(), row(r))).collect();
        let failures: Vec<Value> = self.failures.iter().map(failure_json).collect();
        let skipped = |s: &Skipped| json!({ "case": s.case, "op": s.op, "reason": s.reason });
        json!({
            "backend": self.backend,
            "seed": self.seed,
            "passed": total.passed,
            "failed": total.failed,
            "unsupported": total.unsupported,
            "converted": total.converted,
            "flushed": total.flushed,
            "operations": operations,
            "failures": failures,
            "unsupported_cases": self.unsupported.iter().map(skipped).collect::<Vec<_>>(),
            "pipelines": self.pipelines,
            "seconds": self.seconds,
        })
    }
}

fn failure_json(failure: &Failure) -> Value {
    let number = |v: f64| if v.is_finite() { json!(v) } else { json!(v.to_string()) };
    let worst = failure.fault.worst.as_ref().map(|w| {
        json!({
            "output": w.output,
            "at": w.at,
            "expected": number(w.expected),
            "got": number(w.got),
            "bound": number(w.bound),
            "count": w.count,
        })
    });
    json!({
        "case": failure.case,
        "op": failure.op,
        "what": failure.fault.what,
        "worst": worst,
        "reason": failure.fault.reason,
    })
}

impl std::fmt::Display for Report {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Names and reasons come from files: they must neither break the table nor steer the terminal.
        let rows: Vec<_> = self.rows.iter().map(|(op, row)| (escaped(op), row)).collect();
        let width = rows.iter().map(|(op, _)| op.chars().count()).max().unwrap_or(0).max("operation".len());
        let backend = escaped(&self.backend);
        writeln!(f, "{:width$}  {:>6}  {:>6}  {:>11}", "operation", "passed", "failed", "unsupported")?;
        for (op, row) in rows {
            let Row { passed, failed, unsupported, .. } = row;
            write!(f, "{op:width$}  {passed:>6}  {failed:>6}  {unsupported:>11}")?;
            match row.converted {
                0 => writeln!(f)?,
                n => writeln!(f, "  {n} by exact conversion")?,
            }
        }
        writeln!(f)?;
        if self.total().converted > 0 {
            writeln!(
                f,
                "Exact conversion: values of a type without kernels go in as f32, which must hold each of them; \
                 large integers that are only selected go in as their places in order. \
                 A value that would change is an error."
            )?;
        }
        if self.total().flushed > 0 {
            writeln!(
                f,
                "{backend} takes subnormal numbers for zero: in {} cases an index names another of them than the largest.",
                self.total().flushed
            )?;
        }
        let mut reasons: BTreeMap<(&str, &str), Vec<&str>> = BTreeMap::new();
        for skipped in &self.unsupported {
            reasons.entry((&skipped.op, &skipped.reason)).or_default().push(&skipped.case);
        }
        for ((op, reason), cases) in reasons {
            let first = cases.first().copied().unwrap_or_default();
            let [op, reason, first] = [op, reason, first].map(escaped);
            let more = if cases.len() > 1 { format!(" and {} more", cases.len() - 1) } else { String::new() };
            writeln!(f, "unsupported {op}: {reason} ({first}{more})")?;
        }
        for Failure { case, op, fault } in &self.failures {
            write!(f, "FAILED {} ({}): {}", escaped(case), escaped(op), fault.what)?;
            if let Some(worst) = &fault.worst {
                write!(f, ": {worst}")?;
            }
            if let Some(reason) = &fault.reason {
                write!(f, ": {}", escaped(reason))?;
            }
            writeln!(f)?;
        }
        if let Some(seed) = self.seed {
            writeln!(f, "seed {seed}")?;
        }
        writeln!(f, "{} pipelines built, {:.1} s on {backend}", self.pipelines, self.seconds)?;
        let Row { passed, failed, unsupported, .. } = self.total();
        write!(f, "{passed} passed, {failed} failed, {unsupported} unsupported")
    }
}
