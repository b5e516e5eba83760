// Eight independent chains of four-wide multiply-adds in each invocation: what a device computes at most.

override WORKGROUP: u32 = 64u;

struct Params {
    // Rounds of the loop.
    rounds: u32,
    // Invocations of a row of the grid.
    row: u32,
    // Below 1 and small, so that the chains stay finite and normal.
    factor: f32,
    term: f32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> input: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read_write> output: array<vec4<f32>>;

@compute @workgroup_size(WORKGROUP)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    let i = id.y * params.row + id.x;
    let factor = vec4<f32>(params.factor);
    let term = vec4<f32>(params.term);
    // What is read makes the chains differ.
    let start = input[0] + vec4<f32>(f32(i) * 1e-6);
    var a = start;
    var b = start + 1.0;
    var c = start + 2.0;
    var d = start + 3.0;
    var e = start + 4.0;
    var f = start + 5.0;
    var g = start + 6.0;
    var h = start + 7.0;
    for (var round = 0u; round < params.rounds; round += 1u) {
        a = fma(a, factor, term);
        b = fma(b, factor, term);
        c = fma(c, factor, term);
        d = fma(d, factor, term);
        e = fma(e, factor, term);
        f = fma(f, factor, term);
        g = fma(g, factor, term);
        h = fma(h, factor, term);
        a = fma(a, factor, term);
        b = fma(b, factor, term);
        c = fma(c, factor, term);
        d = fma(d, factor, term);
        e = fma(e, factor, term);
        f = fma(f, factor, term);
        g = fma(g, factor, term);
        h = fma(h, factor, term);
    }
    if i < arrayLength(&output) {
        output[i] = a + b + c + d + e + f + g + h;
    }
}
