//! What is dropped in training.

use wgpool::spec::Layout;

/// What training drops: Keras' `Dropout` and `SpatialDropout`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct DropoutRate {
    /// How many of all elements become 0, from 0 to less than 1; the others are divided by what is left of 1.
    pub rate: f64,
    /// Whether whole channels are dropped, and where these lie.
    pub channels: Option<Layout>,
}
