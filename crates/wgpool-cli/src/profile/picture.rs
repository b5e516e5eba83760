//! The times as bars, one for each operation.

use plotters::backend::{DrawingBackend, SVGBackend};
use plotters::style::RGBColor;
use wgpool::Result;
use wgpool::text::escaped;
use wgpool_net::{Profile, StepTime};

use super::{heading, kernels, runs, share};
use crate::bench::plot::pen::{Anchor, Drawn, Pen};
use crate::bench::plot::{GPU, HOST, INK, SOFT, paint};
use crate::terminal::{ms, short};

const WIDTH: i32 = 1280;
const TOP: i32 = 96;
const ROW: i32 = 24;
/// Where names end and bars begin, and where the longest ends.
const LEFT: i32 = 330;
const RIGHT: i32 = 820;

/// Characters of the line below the title, of a name, and of what is behind a bar.
const HEADING: usize = 190;
const NAME: usize = 38;
const BEHIND: usize = 50;

/// Colours of the kinds of operations, the first that comes first.
const COLORS: [RGBColor; 6] =
    [GPU, HOST, RGBColor(47, 127, 79), RGBColor(126, 87, 160), RGBColor(158, 118, 24), RGBColor(150, 60, 90)];

/// The picture as SVG.
pub fn draw(profile: &Profile) -> Result<Vec<u8>> {
    let height = TOP + ROW * profile.steps.len() as i32 + 24;
    let mut text = String::new();
    let backend = SVGBackend::with_string(&mut text, (WIDTH as u32, height as u32));
    paint(backend, 1, |pen| rows(pen, profile))?;
    Ok(text.into_bytes())
}

fn rows<DB: DrawingBackend>(pen: &Pen<'_, DB>, profile: &Profile) -> Drawn<DB> {
    pen.bold((20, 26), &format!("{}: {} ms", escaped(&profile.name), ms(profile.total())), 22.0, INK)?;
    pen.text((20, 56), &short(&heading(profile), HEADING), 15.0, SOFT, Anchor::Left)?;
    let most = profile.steps.iter().map(StepTime::median).fold(f64::MIN_POSITIVE, f64::max);
    let mut kinds: Vec<&str> = Vec::new();
    for (step, row) in profile.steps.iter().zip(0..) {
        let kind = step.cost.explanation.op.as_ref();
        let at = kinds.iter().position(|&other| other == kind).unwrap_or_else(|| {
            kinds.push(kind);
            kinds.len() - 1
        });
        let color = COLORS[at % COLORS.len()];
        let middle = TOP + ROW * row;
        let end = LEFT + (f64::from(RIGHT - LEFT) * step.median() / most).round() as i32;
        pen.text((LEFT - 10, middle), &short(&step.cost.name, NAME), 13.0, INK, Anchor::Right)?;
        pen.bar([(LEFT, middle - 8), (end.max(LEFT + 1), middle + 8)], color)?;
        let behind = format!("{kind}: {}", kernels(step).join(" + "));
        let behind = format!(
            "{} ms  {}  {}",
            ms(step.median()),
            share(step.median(), profile),
            short(&behind, BEHIND)
        );
        pen.text((end + 8, middle), &behind, 12.0, color, Anchor::Left)?;
    }
    if runs(profile) == 0 {
        pen.text((20, TOP), "no operations", 15.0, SOFT, Anchor::Left)?;
    }
    Ok(())
}
