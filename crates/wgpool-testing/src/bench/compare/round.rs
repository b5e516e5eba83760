//! One file that `wgpool bench --json` wrote, as far as a comparison needs it.

use serde_json::Value;

use crate::bench::SCHEMA;
use wgpool::error::{Error, Result};

/// Where something was timed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Place {
    /// On the host path.
    Host,
    /// On the adapter.
    Adapter,
}

impl Place {
    /// What it is called in tables.
    pub fn name(self) -> &'static str {
        match self {
            Place::Host => "host path",
            Place::Adapter => "adapter",
        }
    }
}

/// What one run of `wgpool bench` measured.
#[derive(Clone, Debug, PartialEq)]
pub struct Round {
    /// The file's name.
    pub(super) document: String,
    /// Version of the program.
    pub(super) version: String,
    /// Name, API, driver and kernels of the adapter; nothing where the host path ran alone.
    pub(super) adapter: Option<String>,
    /// Threads of the host path.
    pub(super) threads: u64,
    /// Whether there were few measurements.
    pub(super) quick: bool,
    /// The wall times, in the file's order.
    pub(super) times: Vec<Time>,
    /// Cases whose results were wrong, so that there are no times.
    pub(super) wrong: Vec<String>,
}

/// The wall times of a case in one place.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Time {
    pub(super) case: String,
    pub(super) place: Place,
    /// What tells other work under the same name: bytes and arithmetic, where the file gives them.
    pub(super) work: [Option<u64>; 2],
    /// The median, in milliseconds.
    pub(super) median: f64,
    /// Every measurement; none in files of versions that did not write them.
    pub(super) samples: Vec<f64>,
}

impl Round {
    /// Reads the JSON of [`Report::to_json`](crate::bench::Report::to_json), which came from the file `document`.
    ///
    /// # Errors
    /// [`Error::Document`] if it is no such JSON, or one of another schema.
    pub fn read(document: &str, bytes: &[u8]) -> Result<Round> {
        let wrong = |reason: String| Error::Document { document: document.to_owned(), reason };
        let json: Value = serde_json::from_slice(bytes).map_err(|e| wrong(format!("it is no JSON: {e}")))?;
        match json.get("schema").and_then(Value::as_u64) {
            Some(schema) if schema == u64::from(SCHEMA) => {}
            Some(schema) => return Err(wrong(format!("its schema is {schema}, but {SCHEMA} is read here"))),
            None => return Err(wrong("it has no `schema`, so it is not from `wgpool bench --json`".into())),
        }
        read(document, &json).map_err(wrong)
    }
}

type Part<T> = std::result::Result<T, String>;

fn read(document: &str, json: &Value) -> Part<Round> {
    let mut round = Round {
        document: document.to_owned(),
        version: text(json, "version")?,
        adapter: json.get("adapter").filter(|a| !a.is_null()).map(adapter).transpose()?,
        threads: json.pointer("/host/threads").and_then(Value::as_u64).unwrap_or(0),
        quick: json.get("quick").and_then(Value::as_bool).unwrap_or(false),
        times: Vec::new(),
        wrong: Vec::new(),
    };
    for case in list(json, "cases")? {
        round.add(case, &text(case, "name")?, "")?;
    }
    for row in list(json, "scaling")? {
        for case in list(row, "cases")? {
            round.add(case, &format!("{}, {}", text(row, "name")?, text(case, "name")?), "")?;
        }
    }
    for case in list(json, "fusion")? {
        let name = text(case, "name")?;
        round.add(case, &format!("{name}, fused"), "fused")?;
        round.add(case, &format!("{name}, two kernels"), "two_kernels")?;
    }
    Ok(round)
}

impl Round {
    /// Adds the times of a case, which lie under `way` in what the JSON says of a place, or directly in it.
    fn add(&mut self, case: &Value, name: &str, way: &str) -> Part<()> {
        let faulty = case.get("faults").and_then(Value::as_array).is_some_and(|faults| !faults.is_empty());
        if faulty {
            self.wrong.push(name.to_owned());
            return Ok(());
        }
        let work = ["bytes", "flops"].map(|key| case.get(key).and_then(Value::as_u64));
        for (place, key) in [(Place::Host, "host"), (Place::Adapter, "gpu")] {
            let Some(side) = case.get(key).filter(|side| !side.is_null()) else { continue };
            let side = if way.is_empty() { Some(side) } else { side.get(way) };
            let wall = side.and_then(|side| side.get("wall"));
            let wall = wall.ok_or_else(|| format!("{name}: `{key}` has no `wall`"))?;
            let within = |what: &str| format!("{name}: `{key}.wall.{what}` must be positive");
            let median = positive(wall.get("median_ms")).ok_or_else(|| within("median_ms"))?;
            let samples = match wall.get("samples_ms") {
                None => Vec::new(),
                Some(all) => {
                    let all = all.as_array().map(|all| all.iter().map(|v| positive(Some(v))).collect());
                    all.flatten().ok_or_else(|| within("samples_ms"))?
                }
            };
            self.times.push(Time { case: name.to_owned(), place, work, median, samples });
        }
        Ok(())
    }

    /// The time of a case in one place.
    pub(super) fn time(&self, case: &str, place: Place) -> Option<&Time> {
        self.times.iter().find(|time| time.case == case && time.place == place)
    }
}

fn positive(value: Option<&Value>) -> Option<f64> {
    value.and_then(Value::as_f64).filter(|v| *v > 0.0 && v.is_finite())
}

fn text(json: &Value, key: &str) -> Part<String> {
    json.get(key).and_then(Value::as_str).map(str::to_owned).ok_or_else(|| format!("`{key}` is no text"))
}

fn list<'a>(json: &'a Value, key: &str) -> Part<&'a [Value]> {
    match json.get(key) {
        None => Ok(&[]),
        Some(value) => value.as_array().map(Vec::as_slice).ok_or_else(|| format!("`{key}` is no list")),
    }
}

/// What must be alike for two runs to have used the same kernels.
fn adapter(json: &Value) -> Part<String> {
    let is = |key: &str| json.get(key).and_then(Value::as_bool) == Some(true);
    let hardware = if is("hardware_kernels") && is("software") { ", kernels of hardware" } else { "" };
    let matrices = if is("cooperative_matrices") { ", cooperative matrices" } else { "" };
    let [name, api, driver] = ["name", "api", "driver"].map(|key| text(json, key));
    Ok(format!("{} ({}), {}{hardware}{matrices}", name?, api?, driver?))
}
