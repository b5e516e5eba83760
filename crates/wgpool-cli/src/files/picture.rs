//! PNG pictures, read as numbers from 0 to 1 and written in grey.

use std::io::Cursor;
use std::path::Path;

use image::codecs::png::PngDecoder;
use image::{DynamicImage, GrayImage, ImageDecoder, ImageFormat, Limits};
use wgpool::{Error, Result, Tensor};

use super::{document, read_bytes};

/// Where a PNG file says how many bits a channel has, and which channels there are.
const DEPTH_AT: usize = 24;
const COLOR_AT: usize = 25;
const GREY: u8 = 0;

/// Reads a picture of exactly this size as `[height, width, channels]`, each from 0 to 1.
///
/// The numbers are those of Keras' `load_img` divided by the largest that there can be, 255 or 65,535:
///
/// - Grey of 16 bits stays what it is. All else becomes bytes, of 16 bits the upper ones.
/// - Palettes are resolved; alpha and transparent colours are dropped, but for four channels.
/// - One channel of colour is [`grey`]; several of grey are equal.
pub fn read_png(path: &Path, height: usize, width: usize, channels: usize) -> Result<Tensor> {
    let failed = |e: image::ImageError| document(path, format_args!("not a PNG that can be read: {e}"));
    let bytes = read_bytes(path)?;
    let head = |at: usize| bytes.get(at).copied().unwrap_or(0);
    let (depth, color) = (head(DEPTH_AT), head(COLOR_AT));
    let decoder = PngDecoder::with_limits(Cursor::new(&bytes), Limits::default()).map_err(failed)?;
    let (w, h) = decoder.dimensions();
    // Checked before any pixel is decoded: a picture may claim any size.
    if (h as usize, w as usize) != (height, width) {
        let reason = format_args!("the picture has {w}x{h} pixels, but the model takes {width}x{height}");
        return Err(document(path, reason));
    }
    let picture = DynamicImage::from_decoder(decoder).map_err(failed)?;
    let elements = match (color, depth, channels) {
        (GREY, 16, 1) => deep_grey(&picture),
        (GREY, 16, _) => {
            let reason =
                "Keras makes white of almost all 16-bit grey where a model takes colour; save it with 8 bits";
            return Err(document(path, reason));
        }
        (_, 2 | 4 | 16, 4) if is_keyed(&picture, color) => {
            let reason = "Keras overlooks the transparent colour of a PNG that has not 8 bits; save it with an alpha channel";
            return Err(document(path, reason));
        }
        _ => samples(&picture, channels).into_iter().map(|byte| f32::from(byte) / 255.0).collect(),
    };
    Tensor::from_f32(&[height, width, channels], elements)
}

/// Grey of 16 bits; the transparent grey that a file may name makes no difference to it.
fn deep_grey(picture: &DynamicImage) -> Vec<f32> {
    let sixteenth = |v: u16| f32::from(v) / 65_535.0;
    match picture {
        DynamicImage::ImageLuma16(grey) => grey.iter().map(|&v| sixteenth(v)).collect(),
        other => other.to_luma_alpha16().pixels().map(|p| sixteenth(p.0[0])).collect(),
    }
}

/// Whether transparency comes from one colour that the file names, and not from a channel or a palette.
fn is_keyed(picture: &DynamicImage, color: u8) -> bool {
    const RGB: u8 = 2;
    matches!(color, GREY | RGB) && picture.color().has_alpha()
}

/// The picture's bytes, pixel by pixel, with one, three or four channels.
fn samples(picture: &DynamicImage, channels: usize) -> Vec<u8> {
    let rgba: Vec<[u8; 4]> = match picture {
        DynamicImage::ImageRgb16(p) => p.pixels().map(|p| with_alpha(p.0.map(upper))).collect(),
        DynamicImage::ImageRgba16(p) => p.pixels().map(|p| p.0.map(upper)).collect(),
        DynamicImage::ImageLumaA16(p) => p.pixels().map(|p| from_grey(p.0.map(upper))).collect(),
        DynamicImage::ImageLumaA8(p) => p.pixels().map(|p| from_grey(p.0)).collect(),
        other => other.to_rgba8().pixels().map(|p| p.0).collect(),
    };
    match channels {
        1 => rgba.into_iter().map(grey).collect(),
        _ => rgba.iter().flat_map(|pixel| &pixel[..channels.min(4)]).copied().collect(),
    }
}

/// The upper byte, as libraries that read PNG into bytes take it.
fn upper(sample: u16) -> u8 {
    (sample >> 8) as u8
}

fn with_alpha([r, g, b]: [u8; 3]) -> [u8; 4] {
    [r, g, b, u8::MAX]
}

fn from_grey([v, alpha]: [u8; 2]) -> [u8; 4] {
    [v, v, v, alpha]
}

/// The luma of ITU-R BT.601 in Pillow's arithmetic of 16 fractional bits, to the last bit; of grey that grey.
fn grey([r, g, b, _]: [u8; 4]) -> u8 {
    let [r, g, b] = [r, g, b].map(u32::from);
    ((r * 19_595 + g * 38_470 + b * 7_471 + 0x8000) >> 16) as u8
}

/// A grey picture as PNG; `pixels` are rows from the top.
pub fn encode_png(width: u32, height: u32, pixels: Vec<u8>) -> Result<Vec<u8>> {
    let picture = GrayImage::from_raw(width, height, pixels).ok_or_else(|| Error::TooLarge {
        what: "picture",
        values: format!("{width}x{height}"),
        rule: "it needs a byte for every pixel",
    })?;
    let mut bytes = Cursor::new(Vec::new());
    let failed = |e: image::ImageError| Error::Document { document: "picture".into(), reason: e.to_string() };
    picture.write_to(&mut bytes, ImageFormat::Png).map_err(failed)?;
    Ok(bytes.into_inner())
}
