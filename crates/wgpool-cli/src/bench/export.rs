//! `wgpool bench --export DIR`: the workloads for other programs.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::ExitCode;

use serde_json::{Value, json};
use wgpool::{Error, Result};
use wgpool_testing::bench::{self, SCHEMA, cases::Case};

use super::WRONG;
use crate::files::OutputFile;
use crate::terminal::line;

/// Writes `cases.json`, and for each case `P1.in0.npy` and so on and `P1.out.npy`.
pub fn run(dir: &Path, wanted: &[Case], out: &mut dyn Write) -> Result<ExitCode> {
    fs::create_dir_all(dir).map_err(|source| Error::File { path: dir.to_owned(), source })?;
    let mut list = OutputFile::create(&dir.join("cases.json"))?;
    let mut cases = Vec::with_capacity(wanted.len());
    let mut status = ExitCode::SUCCESS;
    for case in wanted {
        let exported = bench::export(case)?;
        if let Some(fault) = exported.fault {
            line(out, format_args!("FAILED {}: {fault}", case.name))?;
            status = ExitCode::from(WRONG);
            continue;
        }
        let inputs = exported.inputs.iter().enumerate().map(|(i, tensor)| (format!("in{i}"), tensor));
        for (role, tensor) in inputs.chain([("out".to_owned(), &exported.output)]) {
            let mut file = OutputFile::create_for_tensor(&dir.join(format!("{}.{role}.npy", case.short())))?;
            file.write_tensor(tensor)?;
            file.publish()?;
        }
        cases.push(exported.json);
    }
    let list_of =
        json!({ "schema": SCHEMA, "version": env!("CARGO_PKG_VERSION"), "cases": Value::from(cases) });
    list.write(format!("{list_of:#}\n").as_bytes())?;
    list.publish()?;
    Ok(status)
}
