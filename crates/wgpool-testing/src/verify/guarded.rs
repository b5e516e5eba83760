//! A GPU run that notices what a kernel fails to write, or writes where it must not.

use wgpool::engine::{Engine, Pending};
use wgpool::error::{Error, Result};
use wgpool::spec::Op;
use wgpool::tensor::{Data, Tensor, TensorDesc};

/// Fills outputs before a run: NaN as f32 and as f16, and no value that a kernel would write.
const POISON: [u8; 4] = [0x5a, 0x7e, 0xda, 0x7f];

/// Words behind each output that must stay as they were.
const GUARD: u64 = 64;

/// Computes `op` like [`Engine::run`], but with every buffer bound at a non-zero offset, every output and scratch buffer filled with
/// NaN before, and guard words around it checked afterwards.
///
/// # Errors
/// Those of [`Engine::run`]; [`Error::Buffer`] if a word outside an output was written.
pub fn run_guarded(engine: &Engine, op: &Op, inputs: &[&Tensor]) -> Result<Vec<Tensor>> {
    let descs: Vec<TensorDesc> = inputs.iter().map(|t| t.desc()).collect();
    let plan = engine.plan(op, &descs)?;
    let name = plan.problem.op;
    let prepared = engine.prepare(&plan)?;
    let limits = engine.device().limits();
    let lead = limits.min_storage_buffer_offset_alignment.max(limits.min_uniform_buffer_offset_alignment);
    let lead = u64::from(lead);

    let mut in_buffers = Vec::new();
    for input in inputs {
        let size = input.desc().buffer_size();
        // Where tensors are read in pages, the last one ends behind the tensor.
        let buffer = engine.storage(name, lead + engine.caps().padded(size))?;
        engine.queue().write_buffer(&buffer, 0, &poison(lead));
        engine.queue().write_buffer(&buffer, lead, &words(input));
        in_buffers.push(buffer);
    }
    let mut out_buffers = Vec::new();
    let mut wholes = Vec::new();
    for desc in &plan.problem.outputs {
        let size = lead + desc.buffer_size() + 4 * GUARD;
        let buffer = engine.storage(name, size)?;
        engine.queue().write_buffer(&buffer, 0, &poison(size));
        out_buffers.push(buffer);
        wholes.push(TensorDesc { shape: vec![size as usize], dtype: wgpool::DType::U8 });
    }
    let ins: Vec<_> = in_buffers.iter().map(|b| b.slice(lead..)).collect();
    let outs: Vec<_> = (out_buffers.iter().zip(&plan.problem.outputs))
        .map(|(b, desc)| b.slice(lead..lead + desc.buffer_size()))
        .collect();
    // Other operations may have used it before.
    let mut scratch = Vec::new();
    for &size in &plan.scratch {
        let buffer = engine.tensor_buffer(name, size)?;
        engine.queue().write_buffer(&buffer, 0, &poison(buffer.size()));
        scratch.push(buffer);
    }
    let binding = prepared.bind_in(&ins, &outs, &scratch.iter().collect::<Vec<_>>())?;
    let wanted: Vec<_> =
        out_buffers.iter().zip(&wholes).map(|(b, desc)| (b.slice(..desc.buffer_size()), desc)).collect();
    let pending = pollster::block_on(engine.submit(name, &wanted, |encoder| {
        let mut pass = encoder.begin_compute_pass(&wgpu::ComputePassDescriptor::default());
        binding.encode(&mut pass);
    }))?;
    let read = pending.into_iter().map(Pending::wait).collect::<Result<Vec<_>>>()?;

    let mut outputs = Vec::new();
    for (whole, desc) in read.iter().zip(&plan.problem.outputs) {
        let bytes = whole.data().as_bytes();
        let (start, end) = (lead as usize, lead as usize + desc.bytes());
        let guard_from = lead as usize + desc.buffer_size() as usize;
        for range in [0..start, guard_from..bytes.len()] {
            let expected = poison(bytes.len() as u64);
            if bytes.get(range.clone()) != expected.get(range.clone()) {
                return Err(Error::Buffer {
                    op: name,
                    tensor: "output".into(),
                    rule: "a kernel wrote outside it",
                    values: format!("bytes {range:?} around the output at {start}..{end}"),
                });
            }
        }
        let elements = bytes.get(start..end).unwrap_or_default();
        outputs.push(Tensor::new(&desc.shape, Data::from_bytes(desc.dtype, elements)?)?);
    }
    Ok(outputs)
}

/// A tensor's bytes, in whole words.
fn words(tensor: &Tensor) -> Vec<u8> {
    let mut bytes = tensor.data().as_bytes().to_vec();
    bytes.resize(bytes.len().next_multiple_of(4), 0);
    bytes
}

/// `size` bytes of poison.
fn poison(size: u64) -> Vec<u8> {
    POISON.iter().copied().cycle().take(size as usize).collect()
}
