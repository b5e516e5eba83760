// The gradient of max unpooling: a value an invocation, which takes the gradient of the element that its index names.

@group(0) @binding(0) var<uniform> params: UnpoolParams;
@group(0) @binding(1) var<storage, read> gradient: array<Word>;
@group(0) @binding(2) var<storage, read> indices: array<i32>;
@group(0) @binding(3) var<storage, read_write> output: array<Word>;

@compute @workgroup_size(WORKGROUP)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    let number = invocation_number(group, groups, local);
    if (number >= params.inputs) {
        return;
    }
    let to = input_at(number);
    let source = target_of(to.y, to.z, indices[to.x]);
    var value = 0.0;
    if (source >= 0) {
        value = unpack(gradient[u32(source)], 0u);
    }
    output[to.x] = pack(vec4<f32>(value));
}
