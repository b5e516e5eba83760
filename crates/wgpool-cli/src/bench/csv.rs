//! The figures as CSV, a row for each case and place.

use wgpool::{Error, Result};
use wgpool_testing::bench::{CaseReport, Ceilings, Report, Timing, rates};

use crate::terminal::shapes;

const COLUMNS: [&str; 26] = [
    "case",
    "where",
    "inputs",
    "outputs",
    "dtype",
    "median_ms",
    "p10_ms",
    "p90_ms",
    "samples",
    "timestamp_median_ms",
    "timestamp_p10_ms",
    "timestamp_p90_ms",
    "runs_together",
    "gbs",
    "gflops",
    "share",
    "first_result_ms",
    "compared",
    "elements",
    "faults",
    "cpu",
    "threads",
    "os",
    "adapter",
    "driver",
    "version",
];

/// All cases, and those of growing size.
pub fn of(report: &Report) -> Result<Vec<u8>> {
    let failed = |error: ::csv::Error| Error::document("CSV", error.to_string());
    let mut file = ::csv::Writer::from_writer(Vec::new());
    file.write_record(COLUMNS).map_err(failed)?;
    let scaled =
        report.scaling.iter().flat_map(|row| row.cases.iter().map(|case| (format!("{}, ", row.name), case)));
    for (prefix, case) in report.cases.iter().map(|case| (String::new(), case)).chain(scaled) {
        let name = format!("{prefix}{}", case.name);
        let sides = [
            ("host", case.host.as_ref(), Some(&report.host)),
            ("gpu", case.gpu.as_ref(), report.gpu.as_ref()),
        ];
        for (place, timing, ceilings) in sides {
            if let Some(measured) = timing.zip(ceilings) {
                file.write_record(row(report, case, [&name, place], Some(measured))).map_err(failed)?;
            }
        }
        if !case.faults.is_empty() {
            file.write_record(row(report, case, [&name, ""], None)).map_err(failed)?;
        }
    }
    file.into_inner().map_err(|error| Error::document("CSV", error.to_string()))
}

fn row(
    report: &Report,
    case: &CaseReport,
    [name, place]: [&str; 2],
    measured: Option<(&Timing, &Ceilings)>,
) -> [String; 26] {
    let ms = |seconds: f64| (seconds * 1e3).to_string();
    let timing = measured.map(|(timing, _)| timing);
    let time = |of: fn(&Timing) -> Option<f64>| timing.and_then(of).map(ms).unwrap_or_default();
    let count = |of: fn(&Timing) -> usize| timing.map(|t| of(t).to_string()).unwrap_or_default();
    let [gbs, gflops, share] = match measured {
        Some((timing, ceilings)) => rates(case, timing, ceilings).map(|rate| rate.to_string()),
        None => Default::default(),
    };
    let [compared, elements] = case.checked.counts().map(|n| n.to_string());
    let device = report.device.as_ref();
    [
        name.into(),
        place.into(),
        shapes(&case.inputs),
        shapes(&case.outputs),
        case.inputs.first().map(|desc| desc.dtype.to_string()).unwrap_or_default(),
        time(|t| Some(t.wall.median)),
        time(|t| Some(t.wall.p10)),
        time(|t| Some(t.wall.p90)),
        count(|t| t.samples.len()),
        time(|t| t.device.map(|d| d.median)),
        time(|t| t.device.map(|d| d.p10)),
        time(|t| t.device.map(|d| d.p90)),
        count(|t| t.runs),
        gbs,
        gflops,
        share,
        case.first_result.filter(|_| place == "gpu").map(ms).unwrap_or_default(),
        compared,
        elements,
        case.faults.join("; "),
        report.machine.cpu.clone(),
        report.threads.to_string(),
        report.machine.os.clone(),
        device.map(|device| device.name.clone()).unwrap_or_default(),
        device.map(|device| device.driver.clone()).unwrap_or_default(),
        env!("CARGO_PKG_VERSION").into(),
    ]
}
