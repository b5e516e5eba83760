//! Pictures to tensors and tensors to pictures: the GPU against the reference, and what is refused.

mod errors;
mod gpu;
mod mutants;
mod read;
mod show;
use read::{check_frame, random_frame};
use show::{check_overlay, random_overlay};
use wgpool::{Error, FramePlan, FrameToTensor, OverlayPlan};
use wgpool_testing::support::engine;
use wgpool_testing::verify::random::Rng;

#[test]
fn folded_grids_reach_every_pixel() {
    let engine = engine();
    let mut caps = engine.caps().clone();
    caps.max_workgroups = 4;
    let mut rng = Rng::new(8);
    for _ in 0..20 {
        let (spec, pixels) = random_frame(&mut rng, false);
        let plan = FramePlan::new(&spec, &caps).unwrap();
        check_frame(engine, &plan, &pixels).unwrap_or_else(|e| panic!("{spec:?}: {e}"));
        let (spec, tensor) = random_overlay(&mut rng, false);
        let plan = OverlayPlan::new(&spec, &caps).unwrap();
        check_overlay(engine, &plan, &tensor).unwrap_or_else(|e| panic!("{spec:?}: {e}"));
    }
    caps.max_workgroups = 1;
    let error = FramePlan::new(&FrameToTensor::from_texture(9, 9), &caps).unwrap_err();
    assert!(matches!(error, Error::Limit { needed: 2, .. }), "{error}");
}

#[test]
fn pipelines_are_the_engines_own() {
    let engine = engine().with_edited_shaders(|_, source| source);
    for (width, count) in [(4, 1), (9, 1)] {
        let plan = FramePlan::new(&FrameToTensor::from_texture(width, 4), engine.caps()).unwrap();
        engine.prepare_frame(&plan).unwrap();
        assert_eq!(engine.pipeline_count(), count);
    }
}
