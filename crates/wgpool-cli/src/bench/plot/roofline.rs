//! Arithmetic a second against arithmetic a byte, under the roofs of both devices.

use plotters::backend::DrawingBackend;
use plotters::style::RGBColor;
use wgpool_testing::bench::{Ceilings, Report, Timing};

use super::pen::{Anchor, Drawn, Pen, Pixel};
use super::scale::Scale;
use super::{FAINT, GPU, HOST, INK};
use crate::terminal::number;

struct Point {
    name: String,
    intensity: f64,
    gflops: f64,
    host: bool,
}

/// Draws within left, top, right and bottom.
pub fn draw<DB: DrawingBackend>(
    pen: &Pen<'_, DB>,
    report: &Report,
    [left, top, right, bottom]: [i32; 4],
) -> Drawn<DB> {
    let points = points(report);
    let roofs: Vec<(&Ceilings, bool)> =
        std::iter::once((&report.host, true)).chain(report.gpu.iter().map(|c| (c, false))).collect();
    let ridges = roofs.iter().map(|(c, _)| c.flops / c.bandwidth);
    let x = Scale::around(points.iter().map(|p| p.intensity).chain(ridges), [2.0, 4.0], [left, right]);
    let tops = roofs.iter().map(|(c, _)| c.flops / 1e9);
    let y = Scale::around(points.iter().map(|p| p.gflops).chain(tops), [2.0, 2.5], [bottom, top]);

    pen.bold((left, top - 16), "Roofline", 17.0, INK)?;
    axes(pen, &x, &y, [left, top, right, bottom])?;
    for &(ceilings, host) in &roofs {
        roof(pen, &x, &y, ceilings, host)?;
    }
    for point in &points {
        pen.mark((x.at(point.intensity), y.at(point.gflops)), point.host, color(point.host))?;
    }
    let mut taken: Vec<[i32; 4]> =
        points.iter().map(|p| around((x.at(p.intensity), y.at(p.gflops)), 5)).collect();
    for &(ceilings, _) in &roofs {
        // The lines, and what is written at their right end.
        let (low, high) = (x.ends[0].ln(), x.ends[1].ln());
        let along = (0..=400).map(|i| (low + (high - low) * f64::from(i) / 400.0).exp());
        let at = |i: f64| (x.at(i), y.at(ceilings.roof(i) / 1e9));
        taken.extend(along.map(|i| around(at(i), 2)));
        let (px, py) = at(x.ends[1]);
        taken.push([px - 120, py - 20, px, py]);
    }
    for point in &points {
        let at = (x.at(point.intensity), y.at(point.gflops));
        let (place, anchor) = place(at, &point.name, &taken, [left, top, right, bottom]);
        taken.push(extent(place, &point.name, anchor));
        pen.text(place, &point.name, 14.0, color(point.host), anchor)?;
    }
    legend(pen, report, (left + 24, top + 20))
}

fn color(host: bool) -> RGBColor {
    if host { HOST } else { GPU }
}

fn points(report: &Report) -> Vec<Point> {
    let mut points = Vec::new();
    for case in &report.cases {
        let mut add = |timing: &Timing, host| {
            points.push(Point {
                name: case.name.split(' ').next().unwrap_or_default().to_owned(),
                intensity: case.flops as f64 / case.bytes.max(1) as f64,
                gflops: case.flops as f64 / timing.best_known() / 1e9,
                host,
            });
        };
        if let Some(timing) = &case.host {
            add(timing, true);
        }
        if let Some(timing) = &case.gpu {
            add(timing, false);
        }
    }
    // Without arithmetic there is no place on logarithmic axes.
    points.retain(|p| p.intensity > 0.0);
    points
}

fn axes<DB: DrawingBackend>(
    pen: &Pen<'_, DB>,
    x: &Scale,
    y: &Scale,
    [left, top, right, bottom]: [i32; 4],
) -> Drawn<DB> {
    x.draw_below(pen, [top, bottom])?;
    for (value, label) in y.ticks() {
        let at = y.at(value);
        if let Some(label) = label {
            pen.line(&[(left, at), (right, at)], FAINT, 1)?;
            pen.text((left - 8, at), &label, 14.0, INK, Anchor::Right)?;
        }
        pen.line(&[(left - 4, at), (left, at)], INK, 1)?;
    }
    pen.line(&[(left, top), (left, bottom), (right, bottom)], INK, 1)?;
    let middle = (left + right) / 2;
    pen.text((middle, bottom + 40), "operations per byte of the tensors", 15.0, INK, Anchor::Center)?;
    pen.upwards((left - 54, (top + bottom) / 2), "GFLOP/s (pooling: taps)", 15.0, INK)
}

fn roof<DB: DrawingBackend>(pen: &Pen<'_, DB>, x: &Scale, y: &Scale, c: &Ceilings, host: bool) -> Drawn<DB> {
    let ridge = c.flops / c.bandwidth;
    // Where the slope enters the picture: at its left end, or from below.
    let lowest = (y.ends[0] * 1e9 / c.bandwidth).max(x.ends[0]);
    let at = |intensity: f64| (x.at(intensity), y.at(c.roof(intensity) / 1e9));
    pen.line(&[at(lowest), at(ridge), at(x.ends[1])], color(host), 2)?;
    let flat = format!("{} GFLOP/s", number(c.flops / 1e9));
    let (right, height) = at(x.ends[1]);
    pen.text((right - 4, height - 12), &flat, 14.0, color(host), Anchor::Right)?;
    // Beside the slope, some way up; the adapter's to its right.
    let middle = (lowest.ln() * 0.55 + ridge.ln() * 0.45).exp();
    let (px, py) = at(middle);
    let slope = format!("{} GB/s", number(c.bandwidth / 1e9));
    match host {
        true => pen.text((px - 10, py - 8), &slope, 14.0, color(host), Anchor::Right),
        false => pen.text((px + 12, py + 8), &slope, 14.0, color(host), Anchor::Left),
    }
}

fn legend<DB: DrawingBackend>(pen: &Pen<'_, DB>, report: &Report, (x, y): Pixel) -> Drawn<DB> {
    pen.mark((x, y), true, HOST)?;
    pen.text((x + 14, y), "host path", 15.0, INK, Anchor::Left)?;
    let Some(device) = &report.device else { return Ok(()) };
    pen.mark((x, y + 22), false, GPU)?;
    pen.text((x + 14, y + 22), device.short(), 15.0, INK, Anchor::Left)
}

/// A place for a point's name beside it, where it covers nothing that is taken if there is one.
fn place(
    (x, y): Pixel,
    name: &str,
    taken: &[[i32; 4]],
    [left, top, right, bottom]: [i32; 4],
) -> (Pixel, Anchor) {
    let steps = [0, -13, 13, -26, 26, -39, 39, -52, 52];
    let beside = steps.iter().flat_map(|dy| {
        [((x + 9, y + dy), Anchor::Left), ((x - 9, y + dy), Anchor::Right), ((x, y + dy), Anchor::Center)]
    });
    let free = |&(place, anchor): &(Pixel, Anchor)| {
        let own = extent(place, name, anchor);
        let inside = own[0] > left && own[2] < right && own[1] > top && own[3] < bottom;
        inside && !taken.iter().any(|other| overlap(own, *other))
    };
    beside.clone().find(free).unwrap_or(((x + 9, y), Anchor::Left))
}

/// The rectangle that a text of 14 pixels covers.
fn extent((x, y): Pixel, text: &str, anchor: Anchor) -> [i32; 4] {
    let width = 9 * text.chars().count() as i32;
    let left = match anchor {
        Anchor::Left => x,
        Anchor::Center => x - width / 2,
        Anchor::Right => x - width,
    };
    [left, y - 6, left + width, y + 6]
}

fn around((x, y): Pixel, reach: i32) -> [i32; 4] {
    [x - reach, y - reach, x + reach, y + reach]
}

fn overlap(a: [i32; 4], b: [i32; 4]) -> bool {
    a[0] < b[2] && b[0] < a[2] && a[1] < b[3] && b[1] < a[3]
}
