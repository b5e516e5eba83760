//! PNG pictures, read as numbers from 0 to 1 and written in grey.

use std::io::Cursor;
use std::path::Path;

use image::codecs::png::PngDecoder;
use image::{DynamicImage, GrayImage, ImageDecoder, ImageFormat, Limits};
use wgpool::{Error, Result, Tensor};

use super::{document, read_bytes};

/// Reads a picture of exactly this size as `[height, width, channels]`, each from 0 to 1.
pub fn read_png(path: &Path, height: usize, width: usize, channels: usize) -> Result<Tensor> {
    let failed = |e: image::ImageError| document(path, format_args!("not a PNG that can be read: {e}"));
    let bytes = read_bytes(path)?;
    let decoder = PngDecoder::with_limits(Cursor::new(bytes), Limits::default()).map_err(failed)?;
    let (w, h) = decoder.dimensions();
    // Checked before any pixel is decoded: a picture may claim any size.
    if (h as usize, w as usize) != (height, width) {
        let reason = format_args!("the picture has {w}x{h} pixels, but the model takes {width}x{height}");
        return Err(document(path, reason));
    }
    let picture = DynamicImage::from_decoder(decoder).map_err(failed)?;
    let bytes = match channels {
        1 => picture.to_luma8().into_raw(),
        3 => picture.to_rgb8().into_raw(),
        4 => picture.to_rgba8().into_raw(),
        _ => return Err(document(path, format_args!("a picture has 1, 3 or 4 channels, not {channels}"))),
    };
    let elements = bytes.iter().map(|&byte| f32::from(byte) / 255.0).collect();
    Tensor::from_f32(&[height, width, channels], elements)
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
