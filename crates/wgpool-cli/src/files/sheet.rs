//! The channels of an image, drawn side by side in grey.

use wgpool::{Error, Layout, Result, Tensor};

/// Pixels between tiles, and their grey.
const SEPARATOR: usize = 2;
const SEPARATOR_GREY: u8 = 96;

/// Tiles are enlarged to about this many pixels, each element to a square, but not so far that a sheet is wider than this.
const TILE: usize = 208;
const WIDEST: usize = 1600;

/// What is black and what is white.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scale {
    /// Zero, and the largest element of all channels: bright ones stay brighter than dim ones.
    Shared,
    /// The smallest and the largest element of each channel.
    Each,
}

/// The channels of one image as tiles: width, height and pixels.
///
/// # Errors
/// [`Error::Rank`] if it is no image of two axes, [`Error::Shape`] if there are several.
pub fn draw(tensor: &Tensor, layout: Layout, scale: Scale) -> Result<(usize, usize, Vec<u8>)> {
    let wrong = |got: &[usize]| Error::shape("sheet", "the image", got, "it must be one image of two axes");
    let (rows, columns, channels) = match (tensor.shape(), layout) {
        (&[1, channels, rows, columns], Layout::Nchw) => (rows, columns, channels),
        (&[1, rows, columns, channels], _) => (rows, columns, channels),
        (shape, _) => return Err(wrong(shape)),
    };
    let elements = tensor.as_f32()?;
    let element = |at: usize, channel: usize| match layout {
        Layout::Nchw => elements[channel * rows * columns + at],
        _ => elements[at * channels + channel],
    };
    let largest = elements.iter().copied().fold(f32::MIN_POSITIVE, f32::max);
    let across = (1..=channels).find(|n| n * n >= channels).unwrap_or(1);
    let down = channels.div_ceil(across);
    let zoom = (TILE / columns.max(1)).min(WIDEST / (across * columns).max(1)).max(1);
    let pitch = (columns * zoom + SEPARATOR, rows * zoom + SEPARATOR);
    let (width, height) = (across * pitch.0 + SEPARATOR, down * pitch.1 + SEPARATOR);
    let mut pixels = vec![SEPARATOR_GREY; width * height];
    for channel in 0..channels {
        let ends = |(low, high): (f32, f32), v: f32| (low.min(v), high.max(v));
        let (black, white) = match scale {
            Scale::Shared => (0.0, largest),
            Scale::Each => (0..rows * columns)
                .map(|at| element(at, channel))
                .fold((f32::INFINITY, f32::NEG_INFINITY), ends),
        };
        let left = channel % across * pitch.0 + SEPARATOR;
        let top = channel / across * pitch.1 + SEPARATOR;
        for (y, x) in (0..rows * zoom).flat_map(|y| (0..columns * zoom).map(move |x| (y, x))) {
            let value = element(y / zoom * columns + x / zoom, channel);
            // The conversion saturates; NaN, and a map of equal elements, become black.
            pixels[(top + y) * width + left + x] = ((value - black) / (white - black) * 255.0).round() as u8;
        }
    }
    Ok((width, height, pixels))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tiles_lie_in_a_square() {
        let tensor = Tensor::from_f32(&[1, 1, 1, 3], vec![0.0, 1.0, 2.0]).expect("a legal shape");
        let (width, height, pixels) = draw(&tensor, Layout::Nhwc, Scale::Shared).expect("a sheet");
        assert_eq!((width, height), (2 * TILE + 3 * SEPARATOR, 2 * TILE + 3 * SEPARATOR));
        let tile = |x: usize, y: usize| {
            let at = |i: usize| i * (TILE + SEPARATOR) + SEPARATOR;
            pixels[at(y) * width + at(x)]
        };
        assert_eq!((tile(0, 0), tile(1, 0), tile(0, 1), tile(1, 1)), (0, 128, 255, SEPARATOR_GREY));
    }

    #[test]
    fn each_channel_has_a_scale_of_its_own() {
        // Two channels of two elements, and one whose elements are equal.
        let first = [-1.0, 3.0, 10.0, 20.0, 5.0, 5.0];
        let last = [-1.0, 10.0, 5.0, 3.0, 20.0, 5.0];
        for (layout, shape, elements) in
            [(Layout::Nchw, [1, 3, 1, 2], first), (Layout::Nhwc, [1, 1, 2, 3], last)]
        {
            let tensor = Tensor::from_f32(&shape, elements.to_vec()).expect("a legal shape");
            let (width, _, pixels) = draw(&tensor, layout, Scale::Each).expect("a sheet");
            let zoom = TILE / 2;
            let at = |tile: [usize; 2], x: usize| {
                let [left, top] = [tile[0] * (TILE + SEPARATOR), tile[1] * (zoom + SEPARATOR)];
                pixels[(top + SEPARATOR) * width + left + SEPARATOR + x * zoom]
            };
            for tile in [[0, 0], [1, 0]] {
                assert_eq!((at(tile, 0), at(tile, 1)), (0, 255), "{layout:?}");
            }
            assert_eq!((at([0, 1], 0), at([0, 1], 1)), (0, 0), "{layout:?}");
        }
    }
}
