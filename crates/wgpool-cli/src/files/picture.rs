//! Pictures as models take them, read as Keras and Pillow read them to numbers from 0 to 1; grey ones are written.

use std::io::Cursor;
use std::path::Path;

use image::codecs::jpeg::JpegDecoder;
use image::codecs::png::PngDecoder;
use image::imageops::{self, FilterType};
use image::{
    DynamicImage, GrayImage, ImageBuffer, ImageDecoder, ImageFormat, Limits, Luma, Pixel, Primitive, Rgb,
    Rgba,
};
use wgpool::{Error, Result, Tensor};

use super::{Format, document};

/// Where a PNG file says how many bits a channel has, and which channels there are.
const DEPTH_AT: usize = 24;
const COLOR_AT: usize = 25;
const GREY: u8 = 0;

/// The most pixels of a picture whose shorter side was brought to a length.
const MOST_PIXELS: u64 = 1 << 27;

/// How a picture of another size than the model's is brought to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fit {
    pub how: Resize,
    /// Where proportions are kept: the length of the shorter side, of which the middle is cut out then.
    pub shorter: Option<Shorter>,
}

/// The length of the shorter side before the middle is cut out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shorter {
    Pixels(usize),
    /// As much more than the model's as 256 is more than 224, rounded up
    Usual,
}

/// How the pixels of another size are made.
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
/// - 16 bits stay 16 bits, where Keras takes the upper ones of colours.
/// - Palettes are resolved; alpha and transparent colours are dropped, but for four channels.
/// - One channel of colour is [`luma`]; several of grey are equal.
/// - Decoders of JPEG differ by some levels.
pub fn read_picture(
    path: &Path,
    (bytes, format): (&[u8], Format),
    [height, width, channels]: [usize; 3],
    fit: Option<Fit>,
) -> Result<Tensor> {
    let failed = |reason: String| document(path, reason);
    let head = |at: usize| bytes.get(at).copied().filter(|_| format == Format::Png).unwrap_or(u8::MAX);
    let (depth, color) = (head(DEPTH_AT), head(COLOR_AT));
    let decoder = decoder(bytes, format).map_err(failed)?;
    let (w, h) = decoder.dimensions();
    // Checked before any pixel is decoded: a picture may claim any size.
    if (h as usize, w as usize) != (height, width) && fit.is_none() {
        let reason = format_args!(
            "the picture has {w}x{h} pixels, but the model takes {width}x{height}: --resize or --crop brings it to that"
        );
        return Err(document(path, reason));
    }
    let size = [width, height].map(|n| u32::try_from(n).unwrap_or(u32::MAX));
    let steps = Steps::new([w, h], size, fit).map_err(failed)?;
    let picture = DynamicImage::from_decoder(decoder).map_err(|e| failed(unreadable(format, e)))?;
    match (color, depth, channels) {
        (GREY, 16, 3 | 4) => {
            let reason =
                "Keras makes white of almost all 16-bit grey where a model takes colour; save it with 8 bits";
            return Err(document(path, reason));
        }
        (_, 2 | 4 | 16, 4) if is_keyed(&picture, color) => {
            let reason = "Keras overlooks the transparent colour of a PNG that has not 8 bits; save it with an alpha channel";
            return Err(document(path, reason));
        }
        _ => {}
    }
    let elements = match &picture {
        DynamicImage::ImageLuma16(_)
        | DynamicImage::ImageLumaA16(_)
        | DynamicImage::ImageRgb16(_)
        | DynamicImage::ImageRgba16(_) => of_size(picture.to_rgba16(), channels, steps),
        _ => of_size(picture.to_rgba8(), channels, steps),
    };
    Tensor::from_f32(&[height, width, channels], elements)
}

/// A picture's way to the size that the model takes: resized to one, of which the middle is cut out.
#[derive(Clone, Copy)]
struct Steps {
    how: Resize,
    resized: [u32; 2],
    size: [u32; 2],
}

impl Steps {
    fn new(from: [u32; 2], size: [u32; 2], fit: Option<Fit>) -> Result<Steps, String> {
        let [width, height] = size;
        let how = fit.map_or(Resize::Nearest, |fit| fit.how);
        let shorter = match fit.and_then(|fit| fit.shorter) {
            None => return Ok(Steps { how, resized: size, size }),
            Some(Shorter::Pixels(pixels)) => pixels as u64,
            Some(Shorter::Usual) => (u64::from(width.max(height)) * 256).div_ceil(224),
        };
        let short = u64::from(from[0].min(from[1])).max(1);
        let [w, h] = from.map(|side| shorter.saturating_mul(u64::from(side)) / short);
        let whole = [w, h].map(|side| u32::try_from(side).unwrap_or(u32::MAX));
        if w < u64::from(width) || h < u64::from(height) {
            return Err(format!(
                "it becomes {w}x{h} pixels, of which {width}x{height} cannot be cut: give a larger --crop"
            ));
        }
        match w.checked_mul(h) {
            Some(pixels) if pixels <= MOST_PIXELS => Ok(Steps { how, resized: whole, size }),
            _ => Err(format!(
                "it would become {w}x{h} pixels; at most {MOST_PIXELS} are made: --resize makes no more than the model takes"
            )),
        }
    }

    fn of<P: Pixel + 'static>(
        self,
        picture: ImageBuffer<P, Vec<P::Subpixel>>,
    ) -> ImageBuffer<P, Vec<P::Subpixel>> {
        let picture = resized(picture, self.resized, self.how);
        if self.resized == self.size {
            return picture;
        }
        // As Python rounds, which torchvision's CenterCrop takes: halves to the even number.
        let start = |whole: u32, part: u32| (f64::from(whole - part) / 2.0).round_ties_even() as u32;
        let ([w, h], [width, height]) = (self.resized, self.size);
        imageops::crop_imm(&picture, start(w, width), start(h, height), width, height).to_image()
    }
}

/// The numbers of a sample.
trait Sample: Primitive + Into<u32> + TryFrom<u32> + 'static {
    /// The largest.
    const MOST: u32;

    fn number(self) -> u32 {
        self.into()
    }

    fn of(number: u32) -> Self {
        Self::try_from(number).unwrap_or(Self::DEFAULT_MAX_VALUE)
    }
}

impl Sample for u8 {
    const MOST: u32 = 255;
}

impl Sample for u16 {
    const MOST: u32 = 65_535;
}

/// The picture's numbers, from 0 to 1, with one, three or four channels and the width and height that `steps` makes.
fn of_size<S: Sample>(picture: ImageBuffer<Rgba<S>, Vec<S>>, channels: usize, steps: Steps) -> Vec<f32>
where
    Luma<S>: Pixel<Subpixel = S>,
    Rgb<S>: Pixel<Subpixel = S>,
    Rgba<S>: Pixel<Subpixel = S>,
{
    let (w, h) = picture.dimensions();
    let pixels = || picture.pixels().map(|p| p.0);
    let samples = match channels {
        1 => {
            let grey = pixels().map(|[r, g, b, _]| S::of(luma([r, g, b].map(S::number)))).collect();
            steps.of(ImageBuffer::<Luma<S>, _>::from_raw(w, h, grey).unwrap_or_default()).into_raw()
        }
        3 => {
            let colours = pixels().flat_map(|[r, g, b, _]| [r, g, b]).collect();
            steps.of(ImageBuffer::<Rgb<S>, _>::from_raw(w, h, colours).unwrap_or_default()).into_raw()
        }
        _ if steps.how == Resize::Bilinear && [w, h] != steps.resized => {
            // Colours weigh as much as they cover.
            let covered = pixels().flat_map(premultiplied).collect();
            let covered = ImageBuffer::<Rgba<S>, _>::from_raw(w, h, covered).unwrap_or_default();
            steps.of(covered).pixels().flat_map(|p| divided(p.0)).collect()
        }
        _ => steps.of(picture).into_raw(),
    };
    samples.into_iter().map(|sample| sample.number() as f32 / S::MOST as f32).collect()
}

/// The picture with this width and height.
fn resized<P>(
    picture: ImageBuffer<P, Vec<P::Subpixel>>,
    [width, height]: [u32; 2],
    how: Resize,
) -> ImageBuffer<P, Vec<P::Subpixel>>
where
    P: Pixel + 'static,
{
    match how {
        _ if picture.dimensions() == (width, height) => picture,
        Resize::Bilinear => imageops::resize(&picture, width, height, FilterType::Triangle),
        Resize::Nearest => {
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
fn premultiplied<S: Sample>([r, g, b, alpha]: [S; 4]) -> [S; 4] {
    let bits = S::MOST.count_ones();
    let times = |v: S| {
        let product = v.number() * alpha.number() + (1 << (bits - 1));
        S::of(((product >> bits) + product) >> bits)
    };
    [times(r), times(g), times(b), alpha]
}

/// The inverse of [`premultiplied`], as far as there is one.
fn divided<S: Sample>([r, g, b, alpha]: [S; 4]) -> [S; 4] {
    let by = |v: S| match alpha.number() {
        0 => v,
        alpha => S::of((v.number() * S::MOST / alpha).min(S::MOST)),
    };
    [by(r), by(g), by(b), alpha]
}

/// Whether transparency comes from one colour that the file names, and not from a channel or a palette.
fn is_keyed(picture: &DynamicImage, color: u8) -> bool {
    const RGB: u8 = 2;
    matches!(color, GREY | RGB) && picture.color().has_alpha()
}

/// The luma of ITU-R BT.601 of numbers of at most 16 bits, in Pillow's arithmetic of 16 fractional bits; of grey that grey.
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
