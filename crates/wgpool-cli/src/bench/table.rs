//! The figures as text.

use std::io::Write;

use wgpool::Result;
use wgpool_testing::bench::{CaseReport, Ceilings, Report, Scaling, Spread, Timing, rates};

use crate::terminal::{aligned, block, line, ms, number};

/// Prints everything that was measured.
pub fn print(report: &Report, out: &mut dyn Write) -> Result<()> {
    line(out, format_args!("wgpool {} bench, {}{}", env!("CARGO_PKG_VERSION"), report.date, quick(report)))?;
    line(
        out,
        format_args!(
            "host path, {} threads with {} of {}, {} ({}): {}",
            report.threads,
            report.simd,
            report.machine.cpu,
            report.machine.os,
            report.machine.arch,
            ceilings(&report.host)
        ),
    )?;
    match (&report.device, &report.gpu) {
        (Some(device), Some(gpu)) => {
            line(out, format_args!("{}, {}: {}", device.label(), device.driver, ceilings(gpu)))?;
        }
        _ => line(out, "no adapter: the host path alone (see --adapter)")?,
    }
    if !report.cases.is_empty() {
        line(out, "")?;
        cases(report, out)?;
        block(out, NOTES)?;
    }
    for row in &report.scaling {
        line(out, "")?;
        scaling(report, row, out)?;
    }
    if !report.fusion.is_empty() {
        line(out, "")?;
        fusion(report, out)?;
    }
    Ok(())
}

const NOTES: &str = "\
ms: wall time of a run in the steady state, median and 10th to 90th percentile of n measurements; timestamp: the device's own.
GB/s count each tensor once, GFLOP/s the definition (pooling: taps), both by timestamps where there are any.
share: of the nearer ceiling; above 100% where tensors stay in caches that the copy overflows, or an algorithm (by tile)
multiplies less than the definition.
checked: elements that were compared with the reference, of each result.
A whole model's run has its input copied in and its output read back; bytes and checks are those of its operations.";

fn quick(report: &Report) -> &'static str {
    if report.quick { ", a first look with few measurements (--quick)" } else { "" }
}

fn ceilings(c: &Ceilings) -> String {
    format!("copy {} GB/s, multiply-adds {} GFLOP/s", number(c.bandwidth / 1e9), number(c.flops / 1e9))
}

/// What the adapter's column is called.
fn adapter(report: &Report) -> &'static str {
    report.device.as_ref().map_or("adapter", |device| device.short())
}

fn cases(report: &Report, out: &mut dyn Write) -> Result<()> {
    let heads = [
        "case",
        "where",
        "ms",
        "p10-p90",
        "n",
        "timestamp",
        "GB/s",
        "GFLOP/s",
        "share",
        "first ms",
        "checked",
    ];
    let mut rows = vec![heads.map(String::from)];
    for case in &report.cases {
        let mut row = |name: &str, who: &str, timing: Option<&Timing>, of: Option<&Ceilings>, first| {
            rows.push(case_row(case, [name, who], timing.zip(of), first));
        };
        if !case.faults.is_empty() {
            row(&case.name, "WRONG", None, None, None);
            continue;
        }
        // Of several kernels, the host path was timed beside the first.
        let kernel = case.kernel.unwrap_or_default();
        if case.host.is_some() {
            let name = case.name.strip_suffix(kernel).unwrap_or(&case.name).trim_end();
            row(name, "host path", case.host.as_ref(), Some(&report.host), None);
        }
        if report.device.is_some() {
            let who = case.kernel.unwrap_or_else(|| adapter(report));
            row("", who, case.gpu.as_ref(), report.gpu.as_ref(), case.first_result);
        }
    }
    aligned(&rows, 2, out)
}

fn case_row(
    case: &CaseReport,
    [name, who]: [&str; 2],
    measured: Option<(&Timing, &Ceilings)>,
    first: Option<f64>,
) -> [String; 11] {
    let mut row: [String; 11] = Default::default();
    (row[0], row[1]) = (name.into(), who.into());
    if let Some((timing, ceilings)) = measured {
        let [gbs, gflops, share] = rates(case, timing, ceilings);
        row[2] = ms(timing.wall.median);
        row[3] = spread(&timing.wall);
        row[4] = timing.samples.len().to_string();
        row[5] = timing.device.as_ref().map_or("-".into(), |d| ms(d.median));
        row[6] = number(gbs);
        row[7] = number(gflops);
        row[8] = format!("{:.0}%", share * 100.0);
        row[9] = first.map(ms).unwrap_or_default();
    }
    if !name.is_empty() {
        row[10] = case.checked.to_string();
    }
    row
}

fn scaling(report: &Report, row: &Scaling, out: &mut dyn Write) -> Result<()> {
    line(
        out,
        format_args!("{}; x: time per byte as a multiple of the largest size's, 1 is linear", row.name),
    )?;
    let who = adapter(report);
    let mut rows = vec![["size".into(), "host ms".into(), "x".into(), format!("{who} ms"), "x".into()]];
    let host = row.deviations(|c| c.host.as_ref());
    let gpu = row.deviations(|c| c.gpu.as_ref());
    for ((case, host), gpu) in row.cases.iter().zip(host).zip(gpu) {
        let time = |timing: &Option<Timing>| match timing {
            Some(timing) => ms(timing.wall.median),
            None if !case.faults.is_empty() => "WRONG".into(),
            None => "-".into(),
        };
        let times = |x: Option<f64>| x.map_or("-".into(), |x| format!("{x:.2}"));
        rows.push([case.name.clone(), time(&case.host), times(host), time(&case.gpu), times(gpu)]);
    }
    aligned(&rows, 1, out)
}

fn fusion(report: &Report, out: &mut dyn Write) -> Result<()> {
    line(out, "convolution with pooling fused, beside two operations recorded in one pass")?;
    let heads = ["case", "where", "fused ms", "p10-p90", "two ms", "p10-p90", "speedup", "kernels"];
    let mut rows = vec![heads.map(String::from)];
    for case in &report.fusion {
        if !case.faults.is_empty() {
            let mut row: [String; 8] = Default::default();
            (row[0], row[1]) = (case.name.clone(), "WRONG".into());
            rows.push(row);
            continue;
        }
        rows.push(fusion_row(&case.name, "host path", case.host.as_ref(), String::new()));
        if report.device.is_some() {
            let kernels = format!("{} / {}", case.kernels[0].join(" + "), case.kernels[1].join(" + "));
            rows.push(fusion_row("", adapter(report), case.gpu.as_ref(), kernels));
        }
    }
    aligned(&rows, 2, out)
}

fn fusion_row(name: &str, who: &str, both: Option<&[Timing; 2]>, kernels: String) -> [String; 8] {
    let Some([fused, two]) = both else {
        return [name.into(), who.into(), "-".into(), "".into(), "-".into(), "".into(), "".into(), kernels];
    };
    let speedup = format!("{:.2}x", two.best_known() / fused.best_known());
    let known = |timing: &Timing| timing.device.unwrap_or(timing.wall);
    let [fused, two] = [known(fused), known(two)];
    let (name, who) = (name.into(), who.into());
    [name, who, ms(fused.median), spread(&fused), ms(two.median), spread(&two), speedup, kernels]
}

fn spread(spread: &Spread) -> String {
    format!("{}-{}", ms(spread.p10), ms(spread.p90))
}
