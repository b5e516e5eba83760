//! Convolution as a product of matrices, which hardware runs, on whatever adapter there is.

mod mutants;
mod ways;

use wgpool_testing::support::{check_gpu, describe, engine, with_target_workgroups};
use wgpool_testing::verify::random::Rng;

#[test]
fn every_way_through_the_kernels() {
    let mut rng = Rng::new(1);
    let mut failures = Vec::new();
    for way in ways::ways(engine().caps()) {
        let (engine, case) = ways::case(&mut rng, engine(), way);
        if let Err(reason) = check_gpu(&engine, &case) {
            failures.push(format!("{way:?}: {}\n    {reason}", describe(&case)));
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[test]
fn a_batch_in_parts_packs_its_weights_for_each_kernel() {
    // Three images to a binding, so that the last part has one alone, for which smaller tiles are chosen.
    let hardware = with_target_workgroups(&engine().with_gpu_kernels(), 12);
    let plan = |images: usize, most: u64| {
        let mut caps = hardware.caps().clone();
        caps.max_binding = most;
        let shapes = [vec![images, 16, 16, 16], vec![64, 16, 1, 1]];
        let inputs = shapes.map(wgpool::TensorDesc::f32);
        wgpool::Plan::new(&wgpool::Conv::new().into(), &inputs, &caps).unwrap()
    };
    let image = 64 * 16 * 16 * 4;
    let kernels = |plan: &wgpool::Plan| plan.steps.iter().map(|s| (s.kernel, s.prepack)).collect::<Vec<_>>();
    let (same, other) = (plan(6, 3 * image), plan(7, 3 * image));
    assert_eq!((same.packed.len(), kernels(&same).len()), (1, 3), "{:?}", kernels(&same));
    assert_eq!((other.packed.len(), kernels(&other).len()), (2, 5), "{:?}", kernels(&other));
}
