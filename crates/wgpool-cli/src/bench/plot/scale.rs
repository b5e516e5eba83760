//! Logarithmic axes.

use plotters::backend::DrawingBackend;

use super::pen::{Anchor, Drawn, Pen};
use super::{FAINT, INK};

/// Positive values on pixels, by their logarithms.
#[derive(Clone, Copy, Debug)]
pub struct Scale {
    /// Values at both ends.
    pub ends: [f64; 2],
    /// Pixels at both ends.
    pub pixels: [i32; 2],
}

impl Scale {
    /// A scale on which all positive values of `values` lie, with room at both ends.
    pub fn around(values: impl IntoIterator<Item = f64>, room: [f64; 2], pixels: [i32; 2]) -> Scale {
        let (mut low, mut high) = (f64::INFINITY, 0f64);
        for value in values.into_iter().filter(|v| v.is_finite() && *v > 0.0) {
            (low, high) = (low.min(value), high.max(value));
        }
        if low > high {
            (low, high) = (0.1, 10.0);
        }
        Scale { ends: [low / room[0], high * room[1]], pixels }
    }

    /// The pixel of a value; values outside lie at the ends.
    pub fn at(&self, value: f64) -> i32 {
        let [low, high] = self.ends.map(f64::ln);
        let share = (value.max(f64::MIN_POSITIVE).ln() - low) / (high - low);
        let [from, to] = self.pixels.map(f64::from);
        (from + (to - from) * share.clamp(0.0, 1.0)).round() as i32
    }

    /// Powers of ten on the scale with what lies between them: a value, and its label if it has one.
    pub fn ticks(&self) -> Vec<(f64, Option<String>)> {
        let [low, high] = self.ends;
        let (first, last) = (low.log10().floor() as i32, high.log10().ceil() as i32);
        // Where there are few powers of ten, 2 and 5 are named too.
        let few = high / low < 300.0;
        let mut ticks = Vec::new();
        for power in first..=last {
            for digit in 1..10 {
                let value = f64::from(digit) * 10f64.powi(power);
                if value < low || value > high {
                    continue;
                }
                let named = digit == 1 || (few && (digit == 2 || digit == 5));
                ticks.push((value, named.then(|| label(value))));
            }
        }
        ticks
    }

    /// Draws the ticks below an area from `top` to `bottom`, and a line through it at those that are named.
    pub fn draw_below<DB: DrawingBackend>(&self, pen: &Pen<'_, DB>, [top, bottom]: [i32; 2]) -> Drawn<DB> {
        for (value, label) in self.ticks() {
            let at = self.at(value);
            if let Some(label) = label {
                pen.line(&[(at, top), (at, bottom)], FAINT, 1)?;
                pen.text((at, bottom + 16), &label, 14.0, INK, Anchor::Center)?;
            }
            pen.line(&[(at, bottom), (at, bottom + 4)], INK, 1)?;
        }
        Ok(())
    }
}

/// A tick's value without needless zeros.
fn label(value: f64) -> String {
    let digits = (-value.log10().floor()).max(0.0) as usize;
    format!("{value:.digits$}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_lie_by_their_logarithms() {
        let scale = Scale { ends: [0.1, 1000.0], pixels: [100, 500] };
        assert_eq!([0.1, 1.0, 1000.0].map(|v| scale.at(v)), [100, 200, 500]);
        let named: Vec<String> = scale.ticks().into_iter().filter_map(|(_, label)| label).collect();
        assert_eq!(named, ["0.1", "1", "10", "100", "1000"]);
    }
}
