//! Pictures to tensors and tensors to pictures: the GPU against the reference, and what is refused.

mod errors;
mod gpu;
mod mutants;
mod read;
mod show;
use read::{check_frame, random_frame};
use show::{check_overlay, random_overlay};
use wgpool::frame::FrameKernel;
use wgpool::kernel::KernelKey;
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

#[test]
fn parameters_and_bindings_are_those_of_the_shaders() {
    for kernel in FrameKernel::ALL {
        let key = KernelKey::Frame(kernel);
        let source = key.source();
        let module = naga::front::wgsl::parse_str(&source)
            .unwrap_or_else(|e| panic!("{key}: {}", e.emit_to_string(&source)));
        naga::valid::Validator::new(naga::valid::ValidationFlags::all(), naga::valid::Capabilities::all())
            .validate(&module)
            .unwrap_or_else(|e| panic!("{key}: {}", e.emit_to_string(&source)));
        let declared: Vec<&str> = module.overrides.iter().filter_map(|(_, o)| o.name.as_deref()).collect();
        let set: Vec<&str> = key.overrides().iter().map(|(name, _)| *name).collect();
        assert_eq!(declared, set, "{key}");

        let block = key.block();
        let (_, ty) = module.types.iter().find(|(_, ty)| ty.name.as_deref() == Some(block.name)).unwrap();
        let naga::TypeInner::Struct { members, span } = &ty.inner else {
            panic!("{} is no structure", block.name)
        };
        let mut layouter = naga::proc::Layouter::default();
        layouter.update(module.to_ctx()).unwrap();
        let shader: Vec<_> = (members.iter())
            .map(|m| (m.name.as_deref().unwrap(), m.offset as usize, layouter[m.ty].size as usize))
            .collect();
        assert_eq!((shader.as_slice(), *span as usize), (block.fields, block.size), "{key}");

        let storage = (module.global_variables.iter())
            .filter(|(_, v)| matches!(v.space, naga::AddressSpace::Storage { .. }))
            .count();
        assert_eq!(storage as u32, key.bindings().reads + key.bindings().writes, "{key}");
    }
}
