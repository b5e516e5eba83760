//! The photographs that come with the program: sandals (0) and sneakers (1) of Fashion-MNIST, 28x28 grey pixels.

use wgpool::{Data, Error, Result, Tensor};
use wgpool_net::train::Dataset;

use crate::files::named;

const FILE: &[u8] = include_bytes!("../../data/training/sandal_sneaker.safetensors");

/// Pixels of a side, and with the padding that makes it a power of two.
const SIDE: usize = 28;
const PADDED: usize = 32;

/// Photographs and labels.
pub struct Photographs {
    pixels: Vec<u8>,
    labels: Vec<u8>,
}

impl Photographs {
    /// Those of `train` or `val`.
    pub fn of(part: &str) -> Result<Photographs> {
        let bytes = |name: String| {
            let broken = |reason: String| Error::document("sandal_sneaker.safetensors", reason);
            match named(FILE, &name).map_err(broken)?.into_data() {
                Data::U8(bytes) => Ok(bytes),
                other => Err(broken(format!("{name} is of {}", other.dtype()))),
            }
        };
        Ok(Photographs { pixels: bytes(format!("{part}_images"))?, labels: bytes(format!("{part}_labels"))? })
    }

    /// Examples of the networks, enlarged as they are asked for.
    pub fn dataset(&self, size: usize) -> Dataset<'_> {
        let taps = taps(size);
        Dataset::with(self.labels.len(), move |examples| {
            let mut pictures = Vec::with_capacity(examples.len() * size * size * 3);
            let mut labels = Vec::with_capacity(examples.len());
            for &example in examples {
                let pixels = self.pixels.get(example * SIDE * SIDE..(example + 1) * SIDE * SIDE);
                enlarge(pixels.unwrap_or_default(), &taps, &mut pictures);
                labels.push(self.labels.get(example).map_or(0.0, |&label| f32::from(label)));
            }
            let inputs = Tensor::from_f32(&[examples.len(), size, size, 3], pictures)?;
            Ok((inputs, Tensor::from_f32(&[examples.len(), 1], labels)?))
        })
    }
}

/// Two neighbours of a position with what they are multiplied by: bilinear by a whole factor, with half-pixel centres.
type Taps = Vec<[(usize, u64); 2]>;

fn taps(size: usize) -> Taps {
    let s = (size / PADDED) as i64;
    let of = |i: usize| {
        let n = 2 * i as i64 + 1 - s;
        let low = n.div_euclid(2 * s);
        let second = n - 2 * s * low;
        let at = |k: i64| k.clamp(0, PADDED as i64 - 1) as usize;
        [(at(low), (2 * s - second) as u64), (at(low + 1), second as u64)]
    };
    (0..size).map(of).collect()
}

/// A photograph with two zeros on each side, enlarged in whole numbers; then from 0 to 1, in three channels.
fn enlarge(pixels: &[u8], taps: &Taps, to: &mut Vec<f32>) {
    const MARGIN: usize = (PADDED - SIDE) / 2;
    let mut padded = [[0u64; PADDED]; PADDED];
    for (row, pixels) in padded[MARGIN..].iter_mut().zip(pixels.chunks(SIDE)) {
        for (to, &pixel) in row[MARGIN..].iter_mut().zip(pixels) {
            *to = u64::from(pixel);
        }
    }
    let twice = 2 * (taps.len() / PADDED) as u64;
    // Columns first, then rows; nothing is rounded between.
    let across: Vec<Vec<u64>> = padded
        .iter()
        .map(|row| taps.iter().map(|[(a, p), (b, q)]| row[*a] * p + row[*b] * q).collect())
        .collect();
    for [(a, p), (b, q)] in taps {
        for (upper, lower) in across[*a].iter().zip(&across[*b]) {
            let level = (upper * p + lower * q + twice * twice / 2) / (twice * twice);
            to.extend([level as f32 / 255.0; 3]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_pixel_spreads_over_its_neighbours() {
        let mut pixels = [0u8; SIDE * SIDE];
        pixels[0] = 255;
        let mut enlarged = Vec::new();
        enlarge(&pixels, &taps(64), &mut enlarged);
        assert_eq!(enlarged.len(), 64 * 64 * 3);
        let at = |row: usize, column: usize| (enlarged[(row * 64 + column) * 3] * 255.0).round();
        // The pixel lies at 2, 2, so that its own are 4 and 5; a quarter of it reaches one further on either axis.
        assert_eq!([at(4, 4), at(4, 5), at(4, 3), at(3, 3), at(4, 2)], [143.0, 143.0, 48.0, 16.0, 0.0]);
    }

    #[test]
    fn there_are_as_many_of_each_class() {
        for (part, count) in [("train", 640), ("val", 160)] {
            let photographs = Photographs::of(part).unwrap();
            assert_eq!(photographs.labels.len(), count);
            assert_eq!(photographs.labels.iter().map(|&label| usize::from(label)).sum::<usize>(), count / 2);
            let (x, y) = photographs.dataset(32).batch(&[0, 1]).unwrap();
            assert_eq!((x.shape(), y.as_f32().unwrap()), (&[2, 32, 32, 3][..], &[0.0, 1.0][..]));
        }
    }
}
