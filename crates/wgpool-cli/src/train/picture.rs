//! A run as a picture: curves of loss and accuracy, and what the first layer has learnt.

use plotters::backend::DrawingBackend;
use plotters::style::RGBColor;
use wgpool::text::escaped;
use wgpool::{Result, Tensor};
use wgpool_net::train::{EpochReport, Metrics};

use super::curves::{self, Line};
use super::maps::Maps;
use crate::bench::plot::pen::{Anchor, Drawn, Pen, Pixel};
use crate::bench::plot::{GPU, HOST, INK, SOFT, png};

const WIDTH: u32 = 1280;
/// Where curves end and maps begin.
const MIDDLE: i32 = 440;
/// Pixels of a tile, and from one to the next.
const TILE: i32 = 100;
const PITCH: i32 = 108;
const LEFT: i32 = 150;

/// The epochs of a network.
pub struct Curve<'a> {
    pub name: &'a str,
    pub epochs: &'a [EpochReport],
}

/// The picture as PNG.
pub fn draw(title: &str, curves: &[Curve<'_>], maps: Option<&Maps>) -> Result<Vec<u8>> {
    let rows = if maps.is_some() { 4 } else { 0 };
    let height = MIDDLE + 70 + rows * (PITCH + 4);
    png(WIDTH, height as u32, |pen| {
        pen.bold((20, 26), &escaped(title), 22.0, INK)?;
        let loss = lines(curves, |metrics| Some(metrics.loss));
        curves::draw(pen, "Loss", &loss, None, [80, 90, 610, MIDDLE - 70])?;
        let accuracy = lines(curves, |metrics| metrics.accuracy);
        curves::draw(pen, "Accuracy", &accuracy, Some(1.0), [710, 90, 1240, MIDDLE - 70])?;
        match maps {
            Some(maps) => first_layer(pen, maps),
            None => Ok(()),
        }
    })
}

/// Two lines of each network: of the examples that it is trained by, and of others.
fn lines(curves: &[Curve<'_>], of: fn(&Metrics) -> Option<f64>) -> Vec<Line> {
    let mut lines = Vec::new();
    for (curve, color) in curves.iter().zip([HOST, GPU]) {
        let name = escaped(curve.name);
        let training = curve.epochs.iter().map(|epoch| of(&epoch.training));
        let validation = curve.epochs.iter().map(|epoch| epoch.validation.as_ref().and_then(of));
        for (unseen, what, values) in
            [(false, "training", training.collect::<Vec<_>>()), (true, "validation", validation.collect())]
        {
            let values: Vec<f64> = values.into_iter().map(|value| value.unwrap_or(f64::NAN)).collect();
            if values.iter().any(|value| value.is_finite()) {
                lines.push(Line { name: format!("{name}, {what}"), color, unseen, values });
            }
        }
    }
    lines
}

fn first_layer<DB: DrawingBackend>(pen: &Pen<'_, DB>, maps: &Maps) -> Drawn<DB> {
    let top = |row: i32| MIDDLE + 40 + row * (PITCH + 4);
    let said = |pen: &Pen<'_, DB>, row: i32, text: [&str; 2]| -> Drawn<DB> {
        for (text, line) in text.iter().zip(0..) {
            pen.text((20, top(row) + TILE / 2 - 9 + 18 * line), text, 14.0, SOFT, Anchor::Left)?;
        }
        Ok(())
    };
    pen.bold((20, MIDDLE + 16), "The first layer of the network with pooling", 16.0, INK)?;
    said(pen, 0, ["a photograph", ""])?;
    photograph(pen, &maps.photograph, (LEFT, top(0)))?;
    said(pen, 1, ["its filters", ""])?;
    filters(pen, &maps.filters, top(1))?;
    said(pen, 2, ["the photograph", "convolved"])?;
    channels(pen, &maps.convolved, top(2))?;
    said(pen, 3, ["the same after", "2x2 max pooling"])?;
    channels(pen, &maps.pooled, top(3))
}

/// A tile, of which `color` gives the colour at a row and a column of so many.
fn tile<DB: DrawingBackend>(
    pen: &Pen<'_, DB>,
    (left, top): Pixel,
    [rows, columns]: [usize; 2],
    color: impl Fn(usize, usize) -> [u8; 3],
) -> Drawn<DB> {
    for y in 0..TILE {
        for x in 0..TILE {
            let of = |at: i32, count: usize| at as usize * count / TILE as usize;
            let [r, g, b] = color(of(y, rows), of(x, columns));
            let at = (left + x, top + y);
            pen.bar([at, (at.0 + 1, at.1 + 1)], RGBColor(r, g, b))?;
        }
    }
    Ok(())
}

/// A number from `low` to `high` as a level.
fn level(value: f32, [low, high]: [f32; 2]) -> u8 {
    // The conversion saturates, and NaN becomes black.
    ((value - low) / (high - low).max(f32::MIN_POSITIVE) * 255.0).round() as u8
}

fn elements(tensor: &Tensor) -> &[f32] {
    tensor.as_f32().unwrap_or_default()
}

/// The least and the largest number.
fn ends(values: &[f32]) -> [f32; 2] {
    values.iter().fold([f32::INFINITY, f32::NEG_INFINITY], |[low, high], &v| [low.min(v), high.max(v)])
}

fn photograph<DB: DrawingBackend>(pen: &Pen<'_, DB>, of: &Tensor, at: Pixel) -> Drawn<DB> {
    let &[_, rows, columns, channels] = of.shape() else { return Ok(()) };
    let all = elements(of);
    tile(pen, at, [rows, columns], |row, column| {
        let grey = all.get((row * columns + column) * channels).copied().unwrap_or(0.0);
        [level(grey, [0.0, 1.0]); 3]
    })
}

/// Filters in colour, all by one scale.
fn filters<DB: DrawingBackend>(pen: &Pen<'_, DB>, of: &Tensor, top: i32) -> Drawn<DB> {
    let &[rows, columns, colors, channels] = of.shape() else { return Ok(()) };
    let (all, ends) = (elements(of), ends(elements(of)));
    for channel in 0..channels {
        tile(pen, (LEFT + channel as i32 * PITCH, top), [rows, columns], |row, column| {
            let tap = (row * columns + column) * colors;
            [0, 1, 2].map(|color| {
                let at = (tap + color.min(colors - 1)) * channels + channel;
                level(all.get(at).copied().unwrap_or(0.0), ends)
            })
        })?;
    }
    Ok(())
}

/// Channels in grey, each by its own largest number.
fn channels<DB: DrawingBackend>(pen: &Pen<'_, DB>, of: &Tensor, top: i32) -> Drawn<DB> {
    let &[_, rows, columns, channels] = of.shape() else { return Ok(()) };
    let all = elements(of);
    for channel in 0..channels {
        let largest = all.iter().skip(channel).step_by(channels).copied().fold(0.0, f32::max);
        tile(pen, (LEFT + channel as i32 * PITCH, top), [rows, columns], |row, column| {
            let value = all.get((row * columns + column) * channels + channel).copied().unwrap_or(0.0);
            [level(value, [0.0, largest]); 3]
        })?;
    }
    Ok(())
}
