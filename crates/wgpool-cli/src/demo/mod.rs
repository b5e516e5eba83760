//! The demonstration: a small network reads 1,000 handwritten digits, and a seven is pooled before your eyes.

mod data;
mod digits;
mod draw;
mod seven;
mod sheets;
mod speed;

use std::io::Write;
use std::path::Path;

use wgpool::{Choice, Result};

use super::args::Place;
use super::backends::{self, HINT, Kind, Opened, kind};
use super::terminal::{heading, line};

/// Runs the demonstration; `pictures` is a folder for PNG files.
pub fn run(place: &Place, pictures: Option<&Path>, out: &mut dyn Write) -> Result<()> {
    let opened = open(place)?;
    line(out, format_args!("wgpool {}: pooling and convolution on the GPU", env!("CARGO_PKG_VERSION")))?;
    heading(out, "Adapter")?;
    line(out, format_args!("  {}", opened.backend.name()))?;
    for part in opened.reason.split("; ") {
        line(out, format_args!("  {part}"))?;
    }

    let model = data::model()?;
    let summary = model.summary()?;
    let (title, table) = summary.split_once('\n').unwrap_or((&summary, ""));
    heading(out, title)?;
    for row in table.lines() {
        line(out, format_args!(" {row}").to_string().trim_end())?;
    }

    let digits = data::digits()?;
    heading(out, "1,000 handwritten digits")?;
    digits::show(&opened, &model, &digits, out)?;
    heading(out, "Images per second")?;
    speed::show(&opened, &model, &digits.images, out)?;
    heading(out, "The tutorial's seven")?;
    seven::show(&opened, out)?;
    if let Some(folder) = pictures {
        heading(out, "Pictures")?;
        sheets::write(&opened, &digits, folder, out)?;
    }
    Ok(())
}

/// Opens the backend of the demonstration.
///
/// It is the shaders that are to be shown: where `auto` would take the host path, a software adapter comes first.
fn open(place: &Place) -> Result<Opened> {
    let opened = backends::open(place)?;
    if place.choice != Choice::Auto || kind(&opened.backend) != Some(Kind::Host) {
        return Ok(opened);
    }
    let (backend, reason) = match backends::open(&Place { choice: Choice::Software, ..place.clone() }) {
        Ok(software) => (
            software.backend,
            "no hardware adapter: the CPU runs the shaders; auto takes the host path".to_owned(),
        ),
        Err(_) => (opened.backend, format!("no adapter was found, so the host path computes; {HINT}")),
    };
    Ok(Opened { backend, reason })
}
