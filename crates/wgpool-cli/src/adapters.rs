//! `wgpool adapters`: what there is to run on.

use std::io::Write;

use serde_json::json;
use wgpool::Result;

use super::args::{AdaptersArgs, Place};
use super::backends::{self, Adapter, HINT};
use super::terminal::line;

/// Runs the command.
pub fn run(args: &AdaptersArgs, out: &mut dyn Write) -> Result<()> {
    let adapters = backends::adapters();
    let auto = backends::open(&Place::default())?;
    let name = auto.backend.name();
    // Of adapters that go by one name, the first is taken.
    let taken = adapters.iter().position(|adapter| backends::is_on(&auto.backend, adapter));
    if args.json {
        let list: Vec<_> = adapters
            .iter()
            .enumerate()
            .map(|(i, a)| {
                json!({
                    "name": a.name, "backend": a.backend, "type": a.kind, "driver": a.driver,
                    "auto": taken == Some(i),
                })
            })
            .collect();
        return line(out, json!({ "adapters": list, "auto": name, "reason": auto.reason }));
    }
    if adapters.is_empty() {
        line(out, format_args!("no adapters; {HINT}"))?;
    }
    let widest = |column: fn(&Adapter) -> &str| adapters.iter().map(|a| column(a).chars().count()).max();
    let names = widest(|a| &a.name).unwrap_or(0);
    let backends = widest(|a| &a.backend).unwrap_or(0);
    let kinds = widest(|a| a.kind).unwrap_or(0);
    for (i, a) in adapters.iter().enumerate() {
        let mark = if taken == Some(i) { '*' } else { ' ' };
        let (name, backend, kind, driver) = (&a.name, &a.backend, a.kind, &a.driver);
        line(out, format_args!("{mark} {name:names$}  {backend:backends$}  {kind:kinds$}  {driver}"))?;
    }
    line(out, format_args!("auto takes {name}: {}", auto.reason))
}
