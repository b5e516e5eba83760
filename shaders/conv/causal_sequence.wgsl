// The sequences of a causal convolution, state and input one behind the other, and the state that is handed on: the last
// elements of each. An element of a sequence an invocation.

@group(0) @binding(0) var<uniform> params: CausalParams;
@group(0) @binding(1) var<storage, read> input: array<Word>;
@group(0) @binding(2) var<storage, read> state: array<Word>;
@group(0) @binding(3) var<storage, read_write> sequence: array<Word>;
@group(0) @binding(4) var<storage, read_write> present: array<Word>;

@compute @workgroup_size(WORKGROUP)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    let number = invocation_number(group, groups, local);
    if (number >= params.total) {
        return;
    }
    let row = number / (params.kept + params.length);
    let at = number % (params.kept + params.length);
    var element = Word();
    if (at >= params.kept) {
        element = input[row * params.length + at - params.kept];
    } else if (params.has_state == 1u) {
        element = state[row * params.kept + at];
    }
    sequence[number] = element;
    if (at >= params.length) {
        present[row * params.kept + at - params.length] = element;
    }
}
