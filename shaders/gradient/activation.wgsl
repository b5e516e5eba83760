// The gradient of an activation: an element an invocation.

@group(0) @binding(0) var<uniform> params: ActivationParams;
@group(0) @binding(1) var<storage, read> gradient: array<Word>;
@group(0) @binding(2) var<storage, read> input: array<Word>;
@group(0) @binding(3) var<storage, read_write> output: array<Word>;

fn compute(number: u32) {
    let g = unpack(gradient[number], 0u);
    let x = unpack(input[number], 0u);
    output[number] = pack(vec4<f32>(gradient_of(g, x, params.alpha_beta)));
}
