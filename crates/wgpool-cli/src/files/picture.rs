//! Pictures as models take them, read as Keras reads them to numbers from 0 to 1; grey ones are written.

use std::io::Cursor;
use std::path::Path;

use image::codecs::jpeg::JpegDecoder;
use image::codecs::png::PngDecoder;
use image::imageops::{self, FilterType};
use image::{
    DynamicImage, GrayImage, ImageBuffer, ImageDecoder, ImageFormat, Limits, Luma, Pixel, RgbImage, RgbaImage,
};
use wgpool::{Error, Result, Tensor};

use super::{Format, document};

/// Where a PNG file says how many bits a channel has, and which channels there are.
const DEPTH_AT: usize = 24;
const COLOR_AT: usize = 25;
const GREY: u8 = 0;

/// How a picture of another size than the model's is brought to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Resize {
    /// The nearest pixel, as Keras' load_img(target_size=...) takes it
    Nearest,
    /// The weighted mean of all pixels that meet, as load_img(..., interpolation="bilinear") to one level of 255
    Bilinear,
}

/// Decodes a picture, at most half a gigabyte of it, and turns it as it says that it is to be seen; errors say what is wrong
/// with it.
pub fn decoded(bytes: &[u8], format: Format) -> Result<DynamicImage, String> {
    let mut decoder = decoder(bytes, format)?;
    let orientation = decoder.orientation().map_err(|e| unreadable(format, e))?;
    let mut picture = DynamicImage::from_decoder(decoder).map_err(|e| unreadable(format, e))?;
    picture.apply_orientation(orientation);
    Ok(picture)
}

fn decoder(bytes: &[u8], format: Format) -> Result<Box<dyn ImageDecoder + '_>, String> {
    let source = Cursor::new(bytes);
    let made: Result<Box<dyn ImageDecoder>, _> = match format {
        Format::Jpeg => JpegDecoder::new(source).map(|decoder| Box::new(decoder) as _),
        _ => PngDecoder::with_limits(source, Limits::default()).map(|decoder| Box::new(decoder) as _),
    };
    let mut decoder = made.map_err(|e| unreadable(format, e))?;
    decoder.set_limits(Limits::default()).map_err(|e| unreadable(format, e))?;
    Ok(decoder)
}

fn unreadable(format: Format, error: image::ImageError) -> String {
    let name = if format == Format::Jpeg { "JPEG" } else { "PNG" };
    format!("not a {name} that can be read: {error}")
}

/// Reads a picture of this size, or brings it to it, as `[height, width, channels]`, each from 0 to 1.
///
/// The numbers are those of Keras' `load_img` divided by the largest that there can be, 255 or 65,535:
///
/// - Grey of 16 bits stays what it is. All else becomes bytes, of 16 bits the upper ones.
/// - Palettes are resolved; alpha and transparent colours are dropped, but for four channels.
/// - One channel of colour is [`grey`]; several of grey are equal.
/// - Decoders of JPEG differ by some levels.
pub fn read_picture(
    path: &Path,
    (bytes, format): (&[u8], Format),
    [height, width, channels]: [usize; 3],
    resize: Option<Resize>,
) -> Result<Tensor> {
    let failed = |reason: String| document(path, reason);
    let head = |at: usize| bytes.get(at).copied().filter(|_| format == Format::Png).unwrap_or(u8::MAX);
    let (depth, color) = (head(DEPTH_AT), head(COLOR_AT));
    let decoder = decoder(bytes, format).map_err(failed)?;
    let (w, h) = decoder.dimensions();
    // Checked before any pixel is decoded: a picture may claim any size.
    if (h as usize, w as usize) != (height, width) && resize.is_none() {
        let reason = format_args!(
            "the picture has {w}x{h} pixels, but the model takes {width}x{height}: --resize brings it to that"
        );
        return Err(document(path, reason));
    }
    let picture = DynamicImage::from_decoder(decoder).map_err(|e| failed(unreadable(format, e)))?;
    let size = [width, height].map(|n| u32::try_from(n).unwrap_or(u32::MAX));
    let elements = match (color, depth, channels) {
        (GREY, 16, 1) => {
            let grey = GreyImage16::from_raw(w, h, deep_grey(&picture)).unwrap_or_default();
            resized(grey, size, resize).iter().map(|&v| f32::from(v) / 65_535.0).collect()
        }
        (GREY, 16, _) => {
            let reason =
                "Keras makes white of almost all 16-bit grey where a model takes colour; save it with 8 bits";
            return Err(document(path, reason));
        }
        (_, 2 | 4 | 16, 4) if is_keyed(&picture, color) => {
            let reason = "Keras overlooks the transparent colour of a PNG that has not 8 bits; save it with an alpha channel";
            return Err(document(path, reason));
        }
        _ => {
            let bytes = samples(&picture, channels);
            let bytes = match channels {
                1 => resized(GrayImage::from_raw(w, h, bytes).unwrap_or_default(), size, resize).into_raw(),
                3 => resized(RgbImage::from_raw(w, h, bytes).unwrap_or_default(), size, resize).into_raw(),
                _ if resize == Some(Resize::Bilinear) => {
                    // Colours weigh as much as they cover.
                    let covered = RgbaImage::from_raw(
                        w,
                        h,
                        bytes.as_chunks().0.iter().flat_map(|&p| premultiplied(p)).collect(),
                    );
                    let pixels = resized(covered.unwrap_or_default(), size, resize);
                    pixels.pixels().flat_map(|p| divided(p.0)).collect()
                }
                _ => resized(RgbaImage::from_raw(w, h, bytes).unwrap_or_default(), size, resize).into_raw(),
            };
            bytes.into_iter().map(|byte| f32::from(byte) / 255.0).collect()
        }
    };
    Tensor::from_f32(&[height, width, channels], elements)
}

type GreyImage16 = ImageBuffer<Luma<u16>, Vec<u16>>;

/// The picture with this width and height.
fn resized<P>(
    picture: ImageBuffer<P, Vec<P::Subpixel>>,
    [width, height]: [u32; 2],
    how: Option<Resize>,
) -> ImageBuffer<P, Vec<P::Subpixel>>
where
    P: Pixel + 'static,
{
    match how {
        _ if picture.dimensions() == (width, height) => picture,
        Some(Resize::Bilinear) => imageops::resize(&picture, width, height, FilterType::Triangle),
        _ => {
            let (columns, rows) = (nearest(picture.width(), width), nearest(picture.height(), height));
            ImageBuffer::from_fn(width, height, |x, y| {
                *picture.get_pixel(columns[x as usize], rows[y as usize])
            })
        }
    }
}

/// Which of `from` pixels is the nearest to each of `to`, with Pillow's sums, which decide where two are as near.
fn nearest(from: u32, to: u32) -> Vec<u32> {
    let step = f64::from(from) / f64::from(to);
    let at = std::iter::successors(Some(step * 0.5), |at| Some(at + step));
    at.take(to as usize).map(|at| (at as u32).min(from.saturating_sub(1))).collect()
}

/// A pixel whose colours are multiplied by its alpha, in Pillow's arithmetic.
fn premultiplied([r, g, b, alpha]: [u8; 4]) -> [u8; 4] {
    let times = |v: u8| {
        let product = u32::from(v) * u32::from(alpha) + 128;
        (((product >> 8) + product) >> 8) as u8
    };
    [times(r), times(g), times(b), alpha]
}

/// The inverse of [`premultiplied`], as far as there is one.
fn divided([r, g, b, alpha]: [u8; 4]) -> [u8; 4] {
    let by = |v: u8| match alpha {
        0 | u8::MAX => v,
        _ => (u32::from(v) * 255 / u32::from(alpha)).min(255) as u8,
    };
    [by(r), by(g), by(b), alpha]
}

/// Grey of 16 bits; the transparent grey that a file may name makes no difference to it.
fn deep_grey(picture: &DynamicImage) -> Vec<u16> {
    match picture {
        DynamicImage::ImageLuma16(grey) => grey.to_vec(),
        other => other.to_luma_alpha16().pixels().map(|p| p.0[0]).collect(),
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
    luma([r, g, b].map(u32::from)) as u8
}

/// The luma of numbers of at most 16 bits.
pub fn luma([r, g, b]: [u32; 3]) -> u32 {
    (r * 19_595 + g * 38_470 + b * 7_471 + 0x8000) >> 16
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
