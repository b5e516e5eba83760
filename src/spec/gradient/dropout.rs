//! Masks of dropout.

/// A mask of dropout: random numbers that are the same bits on every device for the same state.
///
/// Input: the state, i32 of shape `[4]`: the seed in two words of 32 bits, the lower first; the number of the step; and that of the mask
/// among those of a step. It is an input so that one plan serves all steps. Output: f32 of `shape`; an element is 0 with the probability
/// `dropped / 2^32`, or else what makes up for that, `1 / (1 - dropped / 2^32)`. A product with it drops, and its gradient is the
/// product of the output's with the same mask.
///
/// Element `i` is 0 where word `i % 4` of Philox 4x32-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", 2011) is below
/// `dropped`, with the seed as key and the counter `[i / 4, 0, step, mask]`.
///
/// ```
/// use wgpool::spec::gradient::DropoutMask;
/// use wgpool::{host, Data, Op, Tensor};
/// let mask = Op::from(DropoutMask::new(0.25, [2, 500]));
/// let state = |step| Tensor::new(&[4], Data::I32(vec![7, 0, step, 0]));
/// let first = host::run(&mask, &[&state(1)?])?.remove(0);
/// let dropped = first.as_f32()?.iter().filter(|&&v| v == 0.0).count();
/// assert!((200..300).contains(&dropped), "{dropped}");
/// assert!(first.as_f32()?.iter().all(|&v| v == 0.0 || v == 4.0 / 3.0));
/// assert_ne!(host::run(&mask, &[&state(2)?])?[0], first);
/// # Ok::<(), wgpool::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(deny_unknown_fields))]
pub struct DropoutMask {
    /// Of `2^32` equally probable words those that drop.
    pub dropped: u32,
    /// The shape of the mask.
    pub shape: Vec<usize>,
}

impl DropoutMask {
    /// A mask that drops with this probability, to the nearest that there is; below 0 it is taken for 0, and 1 for the one below.
    pub fn new(rate: f64, shape: impl Into<Vec<usize>>) -> Self {
        // The conversion saturates.
        DropoutMask { dropped: (rate * 4_294_967_296.0).round() as u32, shape: shape.into() }
    }

    /// What elements are that are not dropped.
    pub fn kept(&self) -> f32 {
        (1.0 / (1.0 - f64::from(self.dropped) / 4_294_967_296.0)) as f32
    }
}
