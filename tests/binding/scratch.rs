//! Scratch memory of the app, which operations share.

use super::*;

/// An operation with scratch memory: unpooling keeps there which input an output takes.
fn unpooling(engine: &Engine) -> Plan {
    let indices = TensorDesc { shape: vec![1, 1, 2], dtype: wgpool::DType::I32 };
    engine.plan(&Op::from(MaxUnpool::new([4])), &[TensorDesc::f32([1, 1, 2]), indices]).unwrap()
}

#[test]
fn memory_that_breaks_a_rule_is_refused() {
    let engine = engine();
    let prepared = engine.prepare(&unpooling(engine)).unwrap();
    let &[size] = prepared.plan().scratch.as_slice() else { panic!("{:?}", prepared.plan().scratch) };
    let [values, indices, output] = [8, 8, 16].map(|size| engine.tensor_buffer("test", size).unwrap());
    let bind = |scratch: &[&wgpu::Buffer]| {
        prepared.bind_in(&[values.slice(..), indices.slice(..)], &[output.slice(..)], scratch)
    };
    let whole = engine.tensor_buffer("test", size).unwrap();
    assert!(bind(&[&whole]).is_ok());
    let usage = whole.usage();
    let small = buffer(engine, engine.caps().padded(size) - 4, usage);
    assert!(rule(bind(&[&small])).contains("too small"));
    let other_usage = buffer(engine, engine.caps().padded(size), BufferUsages::UNIFORM);
    assert!(rule(bind(&[&other_usage])).contains("usages"));
    assert!(rule(bind(&[&output])).contains("no output"));
    for list in [&[][..], &[&whole, &whole]] {
        assert!(matches!(bind(list).unwrap_err(), Error::Arity { .. }));
    }
}

#[test]
fn operations_leave_each_other_nothing_that_counts() {
    let engine = engine();
    let prepared = engine.prepare(&unpooling(engine)).unwrap();
    // Larger than any needs, and full of what another left there.
    let shared = engine.tensor_buffer("test", 4096).unwrap();
    let values = engine.upload("test", &Tensor::from_f32(&[1, 1, 2], vec![1.0, 2.0]).unwrap()).unwrap();
    let indices = engine.tensor_buffer("test", 8).unwrap();
    engine.queue().write_buffer(&indices, 0, bytemuck::cast_slice(&[3i32, 0]));
    let output = engine.storage("test", 16).unwrap();
    let inputs = [values.slice(..), indices.slice(..)];
    let binding = prepared.bind_in(&inputs, &[output.slice(..)], &[&shared]).unwrap();
    for filling in [0u32, 1, 0x7fc0_0000, u32::MAX] {
        engine.queue().write_buffer(&shared, 0, bytemuck::cast_slice(&[filling; 1024]));
        assert_eq!(run_and_read(engine, &binding, &output), [2., 0., 0., 1.], "{filling:#x}");
    }
}

#[test]
fn packed_weights_need_no_scratch_memory() {
    // Others have used it when the data is computed with them.
    let engine = engine();
    let mut rng = Rng::new(8);
    for family in Family::ALL {
        for _ in 0..20 {
            let case = support::case(engine, family, &mut rng);
            let inputs: Vec<&Tensor> = case.inputs.iter().collect();
            let plan = engine.plan(&case.op, &support::descs(&inputs)).unwrap();
            for step in plan.steps.iter().filter(|step| step.prepack) {
                let is_scratch = |slot: &wgpool::plan::Slot| matches!(slot, wgpool::plan::Slot::Scratch(_));
                assert!(!step.slots.iter().any(is_scratch), "{}", support::describe(&case));
            }
        }
    }
}
