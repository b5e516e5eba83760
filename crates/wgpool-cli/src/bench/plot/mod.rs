//! The figures as a picture: the roofline with every case on it, and the times.

pub mod pen;
mod roofline;
mod scale;
mod times;

use std::io::Cursor;
use std::path::Path;

use plotters::backend::{BitMapBackend, DrawingBackend, SVGBackend};
use plotters::drawing::IntoDrawingArea;
use plotters::style::{FontStyle, RGBColor, WHITE, register_font};
use wgpool::text::escaped;
use wgpool::{Error, Result};
use wgpool_testing::bench::Report;

use crate::document;
use crate::files::is_standard;
use pen::{Anchor, Drawn, Pen};

/// The kinds of picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    Svg,
    Png,
}

/// The format that a file's name tells.
pub fn format(path: &Path) -> Result<Format> {
    match path.extension().map(|e| e.to_string_lossy().to_lowercase()).as_deref() {
        Some("svg") => Ok(Format::Svg),
        None if is_standard(path) => Ok(Format::Svg),
        Some("png") => Ok(Format::Png),
        _ => Err(document(path, "the name must end in .svg or .png")),
    }
}

const WIDTH: u32 = 1760;
/// Where the roofline ends and the times begin.
const MIDDLE: i32 = 860;
const TOP: i32 = 84;
const LOWEST: u32 = 680;

/// Pixels of a PNG for one of the picture's on either axis, as screens of high resolution have them, and pixels that it is
/// drawn with.
const SHARP: u32 = 2;
const FINE: u32 = 4;

pub const HOST: RGBColor = RGBColor(201, 98, 16);
pub const GPU: RGBColor = RGBColor(24, 100, 171);
pub const INK: RGBColor = RGBColor(34, 34, 34);
pub const SOFT: RGBColor = RGBColor(105, 105, 105);
const FAINT: RGBColor = RGBColor(222, 222, 222);
const ALARM: RGBColor = RGBColor(190, 18, 30);

/// The picture's bytes.
pub fn draw(report: &Report, format: Format) -> Result<Vec<u8>> {
    let height = LOWEST.max(150 + 40 * report.cases.len() as u32);
    match format {
        Format::Svg => {
            let mut text = String::new();
            paint(SVGBackend::with_string(&mut text, (WIDTH, height)), 1, |pen| figures(pen, report))?;
            Ok(text.into_bytes())
        }
        Format::Png => png(WIDTH, height, |pen| figures(pen, report)),
    }
}

/// A picture of this size as PNG.
pub fn png(
    width: u32,
    height: u32,
    draw: impl for<'a> FnOnce(&Pen<'_, BitMapBackend<'a>>) -> Drawn<BitMapBackend<'a>>,
) -> Result<Vec<u8>> {
    // Letters lie on whole pixels: on finer ones, of which several become one, they lie as evenly as in SVG.
    let (fine_width, fine_height) = (width * FINE, height * FINE);
    let mut pixels = vec![0; (fine_width * fine_height * 3) as usize];
    paint(BitMapBackend::with_buffer(&mut pixels, (fine_width, fine_height)), FINE as i32, draw)?;
    let picture = image::RgbImage::from_raw(fine_width, fine_height, pixels)
        .ok_or_else(|| failed("it has not as many pixels as it should"))?;
    let picture = image::imageops::thumbnail(&picture, width * SHARP, height * SHARP);
    let mut bytes = Cursor::new(Vec::new());
    picture.write_to(&mut bytes, image::ImageFormat::Png).map_err(failed)?;
    Ok(bytes.into_inner())
}

/// Draws on white, with so many of the backend's pixels for one of the picture's on either axis.
pub fn paint<DB: DrawingBackend>(
    backend: DB,
    zoom: i32,
    draw: impl FnOnce(&Pen<'_, DB>) -> Drawn<DB>,
) -> Result<()> {
    // The program's own font, so that pictures are the same on machines without any.
    for (style, font) in
        [(FontStyle::Normal, dejavu::sans::regular()), (FontStyle::Bold, dejavu::sans::bold())]
    {
        register_font("sans-serif", style, font).map_err(|_| failed("the font cannot be read"))?;
    }
    let area = backend.into_drawing_area();
    let all = || -> Drawn<DB> {
        area.fill(&WHITE)?;
        draw(&Pen { area: &area, zoom })?;
        area.present()
    };
    all().map_err(failed)
}

fn failed(reason: impl std::fmt::Display) -> Error {
    Error::Document { document: "picture".into(), reason: reason.to_string() }
}

fn figures<DB: DrawingBackend>(pen: &Pen<'_, DB>, report: &Report) -> Drawn<DB> {
    let (width, height) = pen.area.dim_in_pixel();
    let (width, height) = (width as i32 / pen.zoom, height as i32 / pen.zoom);
    heading(pen, report)?;
    roofline::draw(pen, report, [70, TOP + 20, MIDDLE - 30, height - 60])?;
    times::draw(pen, report, [MIDDLE + 250, TOP + 20, width - 90, height - 60])
}

fn heading<DB: DrawingBackend>(pen: &Pen<'_, DB>, report: &Report) -> Drawn<DB> {
    let quick = if report.quick { " (a first look with few measurements)" } else { "" };
    let title = format!("wgpool bench, {}{quick}", report.date);
    pen.bold((20, 26), &title, 22.0, INK)?;
    let host = format!("host path, {} threads of {}", report.threads, escaped(&report.machine.cpu));
    let Some(device) = &report.device else {
        return pen.text((20, 56), &format!("{host}; no adapter"), 16.0, INK, Anchor::Left);
    };
    let label = format!("{host}, beside {}", escaped(&device.label()));
    let color = if device.software { ALARM } else { INK };
    pen.text((20, 56), &label, 16.0, color, Anchor::Left)?;
    if device.software {
        let note = "It computes on the CPU: these are no figures of a GPU.";
        pen.text((WIDTH as i32 - 20, 56), note, 16.0, ALARM, Anchor::Right)?;
    }
    Ok(())
}
