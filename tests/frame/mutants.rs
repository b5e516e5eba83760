//! Wrong kernels are noticed.

use wgpool::{FramePlan, OverlayPlan};
use wgpool_testing::verify::random::Rng;

use crate::read::{check_frame, random_frame};
use crate::show::{check_overlay, random_overlay};
use wgpool_testing::support::{self, assert_noticed, engine, mutant};

type Mutant = support::Mutant<()>;

const FRAME_MUTANTS: &[Mutant] = &[
    mutant!("(2u * at + 1u) * length", "(2u * at) * length"),
    mutant!("select(ahead - outputs, 0u, ahead < outputs)", "ahead"),
    mutant!("min(low + 1u, length - 1u)", "low + 1u"),
    mutant!("params.crop.x + h.low", "h.low"),
    mutant!("params.crop.y + v.high", "params.crop.y + v.low"),
    mutant!("v.weight * below", "h.weight * below"),
    mutant!("- params.mean[channel]", ""),
    mutant!("params.scale[channel]", "params.scale.x"),
    mutant!("params.out_stride.x + column", "column"),
    mutant!("channel < params.out_size.z", "channel < 1u"),
    mutant!("8u * (at % 4u)", "24u - 8u * (at % 4u)"),
    mutant!("y * params.source.x + x", "y * params.crop.z + x"),
    mutant!("vec4<f32>(first, first, first, second)", "vec4<f32>(first, second, first, 1.0)"),
    mutant!("number >= params.out_size.w", "number + 1u >= params.out_size.w"),
];

const OVERLAY_MUTANTS: &[Mutant] = &[
    mutant!("is_nan(value) || exceeds(value, best)", "is_nan(value) || !exceeds(best, value)"),
    mutant!("is_nan(value) || exceeds(value, best)", "!is_nan(value) && exceeds(value, best)"),
    mutant!("return params.nan;", "return params.colors[0][0];"),
    mutant!("* params.entries + 0.5", "* params.entries"),
    mutant!("(2u * at + 1u)", "(2u * at)"),
    mutant!("params.in_stride.x + nearest.x", "nearest.x"),
    mutant!("nearest.y * params.in_stride.z", "nearest.x * params.in_stride.z"),
    mutant!("0.5), 255u)", "0.5), 254u)"),
    mutant!("(inside - params.low)", "inside"),
    mutant!("number >= params.out_size.z", "number + 1u >= params.out_size.z"),
];

#[test]
fn wrong_kernels_are_noticed() {
    let f16 = engine().caps().f16;
    assert_noticed(engine(), FRAME_MUTANTS, |mutant, _| {
        let mut rng = Rng::new(3);
        (0..100).any(|_| {
            let (spec, pixels) = random_frame(&mut rng, f16);
            let plan = FramePlan::new(&spec, mutant.caps()).unwrap();
            check_frame(mutant, &plan, &pixels).is_err()
        })
    });
    assert_noticed(engine(), OVERLAY_MUTANTS, |mutant, _| {
        let mut rng = Rng::new(21);
        (0..100).any(|_| {
            let (spec, tensor) = random_overlay(&mut rng, f16);
            let plan = OverlayPlan::new(&spec, mutant.caps()).unwrap();
            check_overlay(mutant, &plan, &tensor).is_err()
        })
    });
}
