//! Equality and hashes of specifications with floats, which are those of their bits.

use std::hash::{Hash, Hasher};

use super::{Activation, ActivationKind, MaxRoiPool, PadMode, PoolKind, Resize, ResizeMode, RoiAlign};

macro_rules! by_bits {
    ($($spec:ident: $bits:expr;)+) => {$(
        impl PartialEq for $spec {
            fn eq(&self, other: &Self) -> bool {
                let bits: fn(&Self) -> _ = $bits;
                bits(self) == bits(other)
            }
        }

        impl Eq for $spec {}

        impl Hash for $spec {
            fn hash<H: Hasher>(&self, state: &mut H) {
                let bits: fn(&Self) -> _ = $bits;
                bits(self).hash(state);
            }
        }
    )+};
}
by_bits! {
    Activation: |of| {
        let (kind, parameters) = ActivationKind::of(*of);
        (kind, parameters.map(f32::to_bits))
    };
    PoolKind: |of| match *of {
        PoolKind::Max => (0, false, None),
        PoolKind::Average { count_include_pad, divisor } => (1, count_include_pad, divisor),
        PoolKind::Lp { p } => (2, false, Some(p.to_bits())),
        PoolKind::LpTorch { p } => (3, false, Some(p.to_bits())),
    };
    PadMode: |of| match *of {
        PadMode::Constant(value) => (0, value.to_bits()),
        PadMode::Reflect => (1, 0),
        PadMode::Edge => (2, 0),
        PadMode::Wrap => (3, 0),
    };
    Resize: |of| {
        let scales = of.scales.as_deref().map(|scales| scales.iter().map(|scale| scale.to_bits()).collect::<Vec<_>>());
        (of.shape.clone(), scales, of.mode, of.coordinates)
    };
    ResizeMode: |of| match *of {
        ResizeMode::Nearest(rounding) => (Some(rounding), None),
        ResizeMode::Linear => (None, None),
        ResizeMode::Cubic { coefficient, exclude_outside } => (None, Some((coefficient.to_bits(), exclude_outside))),
    };
    RoiAlign: |of| {
        let RoiAlign { output, sampling_ratio, spatial_scale, half_pixel, mode, layout } = *of;
        (output, sampling_ratio, spatial_scale.to_bits(), half_pixel, mode, layout)
    };
    MaxRoiPool: |of| {
        let MaxRoiPool { output, spatial_scale, layout } = *of;
        (output, spatial_scale.to_bits(), layout)
    };
}
