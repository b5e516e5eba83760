// Behind a tiled kernel: only if a weight is not finite, which pack_weights.wgsl has found out.
@group(0) @binding(4) var<storage, read> packed: array<f32>;
@group(0) @binding(5) var<storage, read_write> output: array<Word>;

fn needed() -> bool {
    return packed[0] != 0.0;
}
