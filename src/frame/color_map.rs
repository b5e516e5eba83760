//! Colours for values.

/// 256 colours, RGBA, for values from low to high.
///
/// ```
/// use wgpool::ColorMap;
/// assert_eq!(ColorMap::gray().entries()[128], [128, 128, 128, 255]);
/// let palette = ColorMap::new(std::array::from_fn(|class| [class as u8, 0, 255, 128]));
/// assert_eq!(palette.entries()[3], [3, 0, 255, 128]);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ColorMap([[u8; 4]; 256]);

/// Red, green and blue of viridis as polynomials of degree 6 in the position from 0 to 1, lowest power first: a fit
/// by Matt Zucker that is in the public domain.
const VIRIDIS: [[f64; 7]; 3] = [
    [0.277727327, 0.105093043, -0.330861829, -4.63423050, 6.22826994, 4.77638500, -5.43545586],
    [0.00540734454, 1.40461353, 0.214847559, -5.79910097, 14.1799334, -13.7451454, 4.64585261],
    [0.334099805, 1.38459016, 0.0950951630, -19.3324410, 56.6905526, -65.3530326, 26.3124352],
];

impl ColorMap {
    /// A colour map of one's own.
    pub fn new(entries: [[u8; 4]; 256]) -> ColorMap {
        ColorMap(entries)
    }

    /// Black to white, opaque.
    pub fn gray() -> ColorMap {
        // There are as many entries as bytes.
        ColorMap(std::array::from_fn(|i| [i as u8, i as u8, i as u8, 255]))
    }

    /// Dark blue over green to yellow, opaque: equal steps of value look equal, in print and to the colour-blind too.
    ///
    /// Within 4 of 255 matplotlib's `viridis`.
    pub fn viridis() -> ColorMap {
        ColorMap(std::array::from_fn(|i| {
            let at = i as f64 / 255.0;
            let [r, g, b] = VIRIDIS.map(|terms| {
                let value = terms.iter().rev().fold(0.0, |sum, term| sum * at + term);
                (value.clamp(0.0, 1.0) * 255.0).round() as u8
            });
            [r, g, b, 255]
        }))
    }

    /// The colours, of the lowest value first.
    pub fn entries(&self) -> &[[u8; 4]; 256] {
        &self.0
    }

    /// The colours as words, red in the lowest byte, four words a row.
    pub(super) fn words(&self) -> [[u32; 4]; 64] {
        let mut rows = [[0; 4]; 64];
        for (word, color) in rows.as_flattened_mut().iter_mut().zip(&self.0) {
            *word = u32::from_le_bytes(*color);
        }
        rows
    }
}
