//! A wrong kernel is noticed: each mutant changes one place of a shader, and the random tests must fail on it.
//!
//! Kernels are tested as hardware runs them, but for those that read pages.

mod convolution;
mod elements;
mod gradients;
mod loops;
mod pooling;

use wgpool::Engine;
use wgpool_testing::support::{self, assert_noticed, check_gpu, descs, engine, forced, is_wrong};
use wgpool_testing::verify::random::{Family, Rng};

type Mutant = support::Mutant<Family>;

#[test]
fn every_mutant_of_gradients_is_caught() {
    all_are_caught(&engine().with_gpu_kernels(), gradients::MUTANTS);
}

#[test]
fn every_mutant_of_divided_loops_is_caught() {
    let mut caps = engine().with_gpu_kernels().caps().clone();
    caps.loop_limit = 40;
    all_are_caught(&engine().with_caps(caps), loops::MUTANTS);
}

#[test]
fn every_mutant_of_pooling_is_caught() {
    all_are_caught(&engine().with_gpu_kernels(), pooling::MUTANTS);
}

#[test]
fn every_mutant_of_convolution_is_caught() {
    all_are_caught(&engine().with_gpu_kernels(), convolution::MUTANTS);
}

#[test]
fn every_mutant_of_elements_is_caught() {
    all_are_caught(&engine().with_gpu_kernels(), elements::MUTANTS);
}

#[test]
fn every_mutant_that_reads_pages_is_caught() {
    if engine().caps().paged {
        all_are_caught(&forced(engine(), "pool/uniform"), pooling::PAGED);
    } else {
        println!("{} runs no kernel that reads pages", engine().adapter_name());
    }
}

fn all_are_caught(engine: &Engine, mutants: &[Mutant]) {
    assert_noticed(engine, mutants, |mutant, wrong| {
        let mut rng = Rng::new(7);
        (0..400).map(|_| wrong.on.case(&mut rng, engine.caps().f16)).any(|case| {
            let descs = descs(&case.inputs.iter().collect::<Vec<_>>());
            let changed = match mutant.plan(&case.op, &descs) {
                Ok(plan) => wrong.changes(&plan),
                Err(error) => !matches!(error, wgpool::Error::Kernel { .. }),
            };
            changed && is_wrong(mutant, &case)
        })
    });
}

#[test]
fn an_unchanged_kernel_is_not_taken_for_a_mutant() {
    let same = engine().with_edited_shaders(|_, source| source);
    let mut rng = Rng::new(7);
    for family in Family::ALL {
        for _ in 0..10 {
            let case = family.case(&mut rng, engine().caps().f16);
            check_gpu(&same, &case).unwrap();
        }
    }
}

#[test]
fn a_shader_that_does_not_compile_is_an_error() {
    let broken = engine().with_edited_shaders(|_, source| source.replace("fn main", "fn mian"));
    let case = Family::Softmax.case(&mut Rng::new(1), false);
    let inputs: Vec<_> = case.inputs.iter().collect();
    let error = broken.run(&case.op, &inputs).unwrap_err();
    assert!(matches!(error, wgpool::Error::Gpu { .. }), "{error:?}");
    assert!(error.to_string().contains("Softmax"), "{error}");
    // The engine goes on.
    engine().run(&case.op, &inputs).unwrap();
}
