//! Curves of epochs in a frame with an axis of numbers.

use plotters::backend::DrawingBackend;
use plotters::style::RGBColor;

use crate::bench::plot::pen::{Anchor, Drawn, Pen};
use crate::bench::plot::{INK, SOFT};

const FAINT: RGBColor = RGBColor(222, 222, 222);

/// A line of one number an epoch.
pub struct Line {
    pub name: String,
    pub color: RGBColor,
    /// Of examples that the network has not seen.
    pub unseen: bool,
    pub values: Vec<f64>,
}

/// The least and the largest number of an axis, and how far its marks are apart.
fn axis(values: impl Iterator<Item = f64>, most: Option<f64>) -> [f64; 3] {
    let finite = values.filter(|v| v.is_finite());
    let (least, largest) = finite.fold((f64::INFINITY, 0.0f64), |(a, b), v| (a.min(v), b.max(v)));
    let (least, largest) = match most {
        Some(most) => (least.min(most), most),
        None => (0.0, largest.max(1e-6)),
    };
    let room = (largest - least).max(1e-6);
    let power = 10f64.powf((room / 4.0).log10().floor());
    let step =
        [1.0, 2.0, 5.0, 10.0].into_iter().map(|m| m * power).find(|step| room / step <= 5.0).unwrap_or(room);
    [(least / step).floor() * step, most.unwrap_or((largest / step).ceil() * step), step]
}

/// Draws them between left, top, right and bottom; `most` is the end of the axis where that is known.
pub fn draw<DB: DrawingBackend>(
    pen: &Pen<'_, DB>,
    title: &str,
    lines: &[Line],
    most: Option<f64>,
    [left, top, right, bottom]: [i32; 4],
) -> Drawn<DB> {
    pen.bold((left, top - 22), title, 16.0, INK)?;
    let [low, high, step] = axis(lines.iter().flat_map(|line| line.values.iter().copied()), most);
    let y = |v: f64| bottom - ((v - low) / (high - low).max(1e-9) * f64::from(bottom - top)).round() as i32;
    let marks = ((high - low) / step).round() as i32;
    for mark in 0..=marks {
        let value = low + f64::from(mark) * step;
        pen.line(&[(left, y(value)), (right, y(value))], FAINT, 1)?;
        let digits = if step >= 1.0 { 0 } else { 2 };
        pen.text((left - 8, y(value)), &format!("{value:.digits$}"), 13.0, SOFT, Anchor::Right)?;
    }
    let epochs = lines.iter().map(|line| line.values.len()).max().unwrap_or(0);
    let x = |epoch: usize| left + 14 + (right - left - 28) * epoch as i32 / (epochs.max(2) as i32 - 1);
    let every = epochs.div_ceil(10).max(1);
    for epoch in (0..epochs).step_by(every) {
        pen.text((x(epoch), bottom + 14), &(epoch + 1).to_string(), 13.0, SOFT, Anchor::Center)?;
    }
    for (number, line) in lines.iter().enumerate() {
        let points: Vec<(i32, i32)> = (line.values.iter().enumerate())
            .filter(|(_, v)| v.is_finite())
            .map(|(epoch, &v)| (x(epoch), y(v)))
            .collect();
        pen.line(&points, line.color, if line.unseen { 3 } else { 1 })?;
        for &point in &points {
            pen.mark(point, line.unseen, line.color)?;
        }
        let at = (left + 14 + 220 * (number as i32 / 2), bottom + 38 + 20 * (number as i32 % 2));
        pen.mark(at, line.unseen, line.color)?;
        pen.text((at.0 + 12, at.1), &line.name, 13.0, line.color, Anchor::Left)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn axes_hold_their_numbers() {
        let close = |a: [f64; 3], b: [f64; 3]| {
            assert!(a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-9), "{a:?} {b:?}");
        };
        close(axis([0.1, 0.62].into_iter(), None), [0.0, 0.8, 0.2]);
        close(axis([0.65, 0.94].into_iter(), Some(1.0)), [0.6, 1.0, 0.1]);
        // No number at all: marks lie close to each other, but apart.
        let [least, most, step] = axis([f64::NAN].into_iter(), Some(1.0));
        assert!((least, most) == (1.0, 1.0) && step > 0.0, "{least} {most} {step}");
    }
}
