//! Pictures as tensors of one image and back, for operations: nothing is changed but the scale, 0 to 1 for all that a
//! file can hold.

use std::io::Cursor;

use image::codecs::jpeg::JpegEncoder;
use image::codecs::png::PngEncoder;
use image::{DynamicImage, ExtendedColorType, ImageEncoder};
use wgpool::{Data, Layout, Tensor};

use super::Format;
use super::array::Wanted;
use super::picture::{decoded, luma};

/// How well JPEG keeps a picture, of 100.
const QUALITY: u8 = 95;

/// What was read.
pub struct Photo {
    /// One image.
    pub tensor: Tensor,
    /// Whether the file has 16 bits for each number.
    pub is_deep: bool,
}

/// Reads a picture with the channels it has, or as grey; as bytes where these are wanted.
pub fn read(
    bytes: &[u8],
    format: Format,
    layout: Layout,
    grey: bool,
    wanted: Wanted,
) -> Result<Photo, String> {
    let picture = decoded(bytes, format)?;
    let (height, width) = (picture.height() as usize, picture.width() as usize);
    let channels = usize::from(picture.color().channel_count());
    let is_deep = picture.color().bytes_per_pixel() as usize > channels;
    let samples: Vec<u16> = match picture {
        DynamicImage::ImageLuma16(p) => p.into_raw(),
        DynamicImage::ImageLumaA16(p) => p.into_raw(),
        DynamicImage::ImageRgb16(p) => p.into_raw(),
        DynamicImage::ImageRgba16(p) => p.into_raw(),
        bytes => bytes.into_bytes().into_iter().map(u16::from).collect(),
    };
    let (samples, channels) = match (grey, channels) {
        (true, 2) => (samples.into_iter().step_by(2).collect(), 1),
        (true, 3 | 4) => {
            let luma = |p: &[u16]| luma([p[0], p[1], p[2]].map(u32::from)) as u16;
            (samples.chunks_exact(channels).map(luma).collect(), 1)
        }
        _ => (samples, channels),
    };
    let samples: Vec<u16> = match layout {
        Layout::Nchw => {
            (0..channels).flat_map(|c| samples.iter().skip(c).step_by(channels).copied()).collect()
        }
        _ => samples,
    };
    let shape = match layout {
        Layout::Nchw => [1, channels, height, width],
        _ => [1, height, width, channels],
    };
    let most = if is_deep { 65_535.0 } else { 255.0 };
    let data = match wanted {
        Wanted::Bytes if is_deep => return Err("it has 16 bits a channel, but bytes are needed here".into()),
        Wanted::Bytes => Data::U8(samples.into_iter().map(|v| v as u8).collect()),
        _ => Data::F32(samples.into_iter().map(|v| f32::from(v) / most).collect()),
    };
    let tensor = Tensor::new(&shape, data).map_err(|e| e.to_string())?;
    Ok(Photo { tensor, is_deep })
}

/// Height, width and channels of a picture that holds a tensor of this shape; an error if none can.
pub fn size(shape: &[usize], layout: Layout, format: Format) -> Result<[usize; 3], String> {
    let size = match (shape, layout) {
        (&[1, c, h, w], Layout::Nchw) => [h, w, c],
        (&[1, h, w, c], _) => [h, w, c],
        _ => return Err(format!("a picture holds one image, but the output is {shape:?}: write .npy")),
    };
    match (size[2], format) {
        (1 | 3, _) | (2 | 4, Format::Png) => Ok(size),
        (2 | 4, _) => Err(format!("JPEG has 1 or 3 channels, but the output is {shape:?}: write .png")),
        _ => Err(format!("a picture has 1 to 4 channels, but the output is {shape:?}: write .npy")),
    }
}

/// A tensor of one image as a picture, and in words what did not fit into it. Floats of 0 to 1 become bytes, or 16 bits
/// where `is_deep`; bytes stay what they are.
pub fn encode(
    tensor: &Tensor,
    layout: Layout,
    format: Format,
    is_deep: bool,
) -> Result<(Vec<u8>, Option<String>), String> {
    let [height, width, channels] = size(tensor.shape(), layout, format)?;
    let elements: Vec<f32> = match tensor.data() {
        Data::F32(all) => all.clone(),
        Data::F16(all) => all.iter().map(|v| v.to_f32()).collect(),
        Data::BF16(all) => all.iter().map(|v| v.to_f32()).collect(),
        Data::U8(all) => all.iter().map(|&byte| f32::from(byte) / 255.0).collect(),
        other => {
            return Err(format!(
                "a picture holds floats or u8, but the output is {}: write .npy",
                other.dtype()
            ));
        }
    };
    let plane = height * width;
    let at = |pixel: usize, c: usize| match layout {
        Layout::Nchw => elements[c * plane + pixel],
        _ => elements[pixel * channels + c],
    };
    let elements: Vec<f32> =
        (0..plane).flat_map(|pixel| (0..channels).map(move |c| (pixel, c))).map(|(p, c)| at(p, c)).collect();
    // The conversions saturate, and NaN becomes black.
    let bytes: Vec<u8> = match is_deep && format == Format::Png {
        true => elements.iter().flat_map(|v| ((v * 65_535.0).round() as u16).to_ne_bytes()).collect(),
        false => elements.iter().map(|v| (v * 255.0).round() as u8).collect(),
    };
    use ExtendedColorType::*;
    let color = match (channels, bytes.len() > plane * channels) {
        (1, false) => L8,
        (2, false) => La8,
        (3, false) => Rgb8,
        (_, false) => Rgba8,
        (1, true) => L16,
        (2, true) => La16,
        (3, true) => Rgb16,
        (_, true) => Rgba16,
    };
    let mut file = Cursor::new(Vec::new());
    let [width, height] = [width, height].map(|n| u32::try_from(n).unwrap_or(u32::MAX));
    let written = match format {
        Format::Jpeg => {
            JpegEncoder::new_with_quality(&mut file, QUALITY).write_image(&bytes, width, height, color)
        }
        _ => PngEncoder::new(&mut file).write_image(&bytes, width, height, color),
    };
    written.map_err(|e| e.to_string())?;
    Ok((file.into_inner(), clipped(&elements)))
}

/// How many numbers lie outside of what a picture holds.
fn clipped(elements: &[f32]) -> Option<String> {
    // What rounds to the ends is no loss.
    let fits = |v: f32| (-1e-4..=1.0 + 1e-4).contains(&v);
    let outside = elements.iter().filter(|&&v| !fits(v)).count();
    let (low, high) =
        elements.iter().fold((f32::INFINITY, f32::NEG_INFINITY), |(l, h), &v| (l.min(v), h.max(v)));
    (outside > 0).then(|| {
        format!(
            "{outside} of {} numbers lie outside 0 to 1 and are clipped; they reach from {low} to {high}",
            elements.len()
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pictures_come_back_as_they_went() {
        for layout in [Layout::Nchw, Layout::Nhwc] {
            for channels in 1..=4 {
                for is_deep in [false, true] {
                    let most = if is_deep { 65_535.0 } else { 255.0 };
                    let shape =
                        if layout == Layout::Nchw { [1, channels, 2, 3] } else { [1, 2, 3, channels] };
                    let elements = (0..6 * channels).map(|v| (v * 10 + 1) as f32 / most).collect();
                    let tensor = Tensor::from_f32(&shape, elements).expect("a legal shape");
                    let (bytes, lost) = encode(&tensor, layout, Format::Png, is_deep).expect("a picture");
                    assert_eq!(lost, None);
                    let back = read(&bytes, Format::Png, layout, false, Wanted::Numbers).expect("a picture");
                    assert_eq!((back.tensor, back.is_deep), (tensor, is_deep));
                }
            }
        }
    }

    #[test]
    fn what_no_picture_holds_is_said() {
        let tensor = Tensor::from_f32(&[1, 1, 1, 4], vec![-0.5, 0.0, 1.0, 2.0]).expect("a legal shape");
        let (bytes, lost) = encode(&tensor, Layout::Nchw, Format::Png, false).expect("a picture");
        assert_eq!(
            lost.as_deref(),
            Some("2 of 4 numbers lie outside 0 to 1 and are clipped; they reach from -0.5 to 2")
        );
        let back = read(&bytes, Format::Png, Layout::Nchw, false, Wanted::Bytes).expect("a picture");
        assert_eq!(back.tensor.data(), &Data::U8(vec![0, 0, 255, 255]));
        for shape in [&[1, 5, 2, 2][..], &[2, 1, 2, 2], &[1, 3, 2], &[3]] {
            assert!(size(shape, Layout::Nchw, Format::Png).is_err(), "{shape:?}");
        }
        assert!(size(&[1, 4, 2, 2], Layout::Nchw, Format::Jpeg).is_err());
    }
}
