//! `wgpool adapters`: what there is to run on.

use std::io::Write;

use serde_json::json;
use wgpool::{Choice, Result};

use super::args::AdaptersArgs;
use super::backends::{self, Adapter, HINT};
use super::terminal::line;

/// Runs the command.
pub fn run(args: &AdaptersArgs, out: &mut dyn Write) -> Result<()> {
    let adapters = backends::adapters();
    let auto = backends::open(&Choice::Auto)?;
    let name = auto.backend.name();
    let taken = |adapter: &Adapter| auto.is(adapter);
    if args.json {
        let list: Vec<_> = adapters
            .iter()
            .map(|a| {
                json!({
                    "name": a.name, "backend": a.backend, "type": a.device_type, "driver": a.driver,
                    "auto": taken(a),
                })
            })
            .collect();
        return line(out, json!({ "adapters": list, "auto": name, "reason": auto.reason }));
    }
    if adapters.is_empty() {
        line(out, format_args!("no adapters; {HINT}"))?;
    }
    let width = |of: fn(&Adapter) -> &str| adapters.iter().map(|a| of(a).chars().count()).max().unwrap_or(0);
    let (names, backends, types) = (width(|a| &a.name), width(|a| &a.backend), width(|a| &a.device_type));
    for adapter in &adapters {
        let mark = if taken(adapter) { '*' } else { ' ' };
        let Adapter { name, backend, device_type, driver } = adapter;
        line(out, format_args!("{mark} {name:names$}  {backend:backends$}  {device_type:types$}  {driver}"))?;
    }
    line(out, format_args!("auto takes {name}: {}", auto.reason))
}
