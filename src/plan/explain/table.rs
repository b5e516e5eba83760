//! Costs as a table.

use std::fmt;

use super::{Explanation, StepCost};
use crate::plan::Outcome;
use crate::tensor::TensorDesc;

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tensors = |descs: &[TensorDesc]| {
            let each = descs.iter().map(TensorDesc::to_string);
            each.collect::<Vec<_>>().join(", ")
        };
        writeln!(f, "{}: {} -> {}", self.op, tensors(&self.inputs), tensors(&self.outputs))?;
        let mut table = Table::new("kernel");
        self.rows(&mut table, |step| step.name());
        table.total("a run", self.bytes_by_direction(), self.flops());
        write!(f, "{table}")?;
        write!(f, "memory {}", bytes(self.peak_memory()))?;
        let parts = [("inputs", &self.inputs), ("outputs", &self.outputs)]
            .map(|(name, descs)| (name, descs.iter().map(TensorDesc::buffer_size).sum()));
        let parts = parts.into_iter().chain([("scratch", self.scratch), ("packed weights", self.packed)]);
        let parts: Vec<String> = parts
            .filter(|(_, size)| *size > 0)
            .map(|(name, size)| format!("{name} {}", bytes(size)))
            .collect();
        write!(f, " ({})", parts.join(", "))?;
        let width = self.considered.iter().map(|c| c.name.len()).max().unwrap_or(0);
        for (i, c) in self.considered.iter().enumerate() {
            let (head, name) = (if i == 0 { "\nkernels that were looked at" } else { "" }, c.name);
            match c.outcome {
                Outcome::Taken => write!(f, "{head}\n  {name:width$}  taken")?,
                Outcome::Measured => {
                    write!(f, "{head}\n  {name:width$}  taken: the fastest when all were measured")?
                }
                Outcome::DoesNotApply(why) => write!(f, "{head}\n  {name:width$}  does not apply: {why}")?,
                Outcome::CostsMore(why) => write!(f, "{head}\n  {name:width$}  costs more: {why}")?,
            }
        }
        Ok(())
    }
}

impl Explanation {
    /// Adds a row for each step, under the name that `name` gives it.
    pub fn rows(&self, table: &mut Table, name: impl Fn(&StepCost) -> String) {
        for step in &self.steps {
            let grid = match step.kernel {
                Some(_) if step.dispatches > 1 => format!("{} in {}", step.workgroups, step.dispatches),
                Some(_) => step.workgroups.to_string(),
                None if step.workgroups > 0 => step.workgroups.to_string(),
                None => String::new(),
            };
            let once = if step.prepack { "once: " } else { "" };
            let why = format!("{once}{}", step.why);
            table.row(name(step), grid, [step.bytes_read, step.bytes_written], step.flops, why);
        }
    }
}

/// Costs in aligned columns.
pub struct Table {
    rows: Vec<[String; 6]>,
}

impl Table {
    /// Without rows; `first` is the head of the first column.
    pub fn new(first: &str) -> Table {
        let heads = [first, "workgroups", "read", "written", "FLOP", "why"];
        Table { rows: vec![heads.map(String::from)] }
    }

    /// Adds a row: a name, workgroups, bytes read and written, FLOPs if they are known, and why.
    pub fn row(&mut self, name: String, grid: String, moved: [u64; 2], flops: Option<u64>, why: String) {
        let [read, written] = moved.map(bytes);
        let flops = flops.map_or_else(|| "depends".into(), scaled);
        self.rows.push([name, grid, read, written, flops, why]);
    }

    /// Adds a row of sums.
    pub fn total(&mut self, name: &str, moved: [u64; 2], flops: Option<u64>) {
        self.row(name.into(), String::new(), moved, flops, String::new());
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = |i: usize| self.rows.iter().map(|row| row[i].chars().count()).max().unwrap_or(0);
        let [name, grid, read, written, flops] = [0, 1, 2, 3, 4].map(width);
        for [a, b, c, d, e, why] in &self.rows {
            let row = format!("  {a:name$}  {b:>grid$}  {c:>read$}  {d:>written$}  {e:>flops$}  {why}");
            writeln!(f, "{}", row.trim_end())?;
        }
        Ok(())
    }
}

/// Bytes in powers of ten, as bandwidths are given.
pub fn bytes(n: u64) -> String {
    format!("{}B", scaled(n))
}

/// A number with three significant digits and a unit prefix.
fn scaled(n: u64) -> String {
    let mut value = n as f64;
    for prefix in ["", "k", "M", "G", "T"] {
        if value < 999.5 {
            return match prefix {
                "" => format!("{n} "),
                _ if value < 9.995 => format!("{value:.2} {prefix}"),
                _ if value < 99.95 => format!("{value:.1} {prefix}"),
                _ => format!("{value:.0} {prefix}"),
            };
        }
        value /= 1000.0;
    }
    format!("{value:.0} P")
}
