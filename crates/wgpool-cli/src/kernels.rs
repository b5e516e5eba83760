//! `wgpool kernels`: what plans choose from.

use std::io::Write;

use serde_json::json;
use wgpool::Result;
use wgpool::plan::candidates;

use super::args::KernelsArgs;
use super::terminal::line;

/// Runs the command.
pub fn run(args: &KernelsArgs, out: &mut dyn Write) -> Result<()> {
    if args.json {
        let list: Vec<_> = candidates()
            .map(|c| json!({ "name": c.name, "family": c.family.to_string(), "about": c.about }))
            .collect();
        return line(out, json!({ "kernels": list }));
    }
    let names = candidates().map(|c| c.name.len()).max().unwrap_or(0);
    let families = candidates().map(|c| c.family.to_string().len()).max().unwrap_or(0);
    for c in candidates() {
        let (name, family, about) = (c.name, c.family.to_string(), c.about);
        line(out, format_args!("{name:names$}  {family:families$}  {about}"))?;
    }
    Ok(())
}
