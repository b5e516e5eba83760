// The sequences of a causal convolution, state and input one behind the other, and the state that is handed on: the last
// elements of each. An element of a sequence an invocation.

@group(0) @binding(0) var<uniform> params: CausalParams;
@group(0) @binding(1) var<storage, read> input: array<Word>;
@group(0) @binding(2) var<storage, read> state: array<Word>;
@group(0) @binding(3) var<storage, read_write> sequence: array<Word>;
@group(0) @binding(4) var<storage, read_write> present: array<Word>;

fn compute(number: u32) {
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
