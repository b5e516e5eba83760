// What both kernels of cross-entropy share: an invocation, or a workgroup, goes through a row of logits.

@group(0) @binding(0) var<uniform> params: CrossEntropyParams;
@group(0) @binding(1) var<storage, read> logits: array<f32>;

fn largest_of(base: u32, share: Share) -> f32 {
    var largest = params.lowest;
    for (var i = share.number; i < params.length; i += SHARE) {
        largest = larger(largest, logits[base + i * params.inner]);
    }
    return fold(largest, share, true);
}

// The sum of the exponentials of what logits are below the largest.
fn sum_of(base: u32, share: Share, largest: f32) -> f32 {
    var sum = Sum();
    for (var i = share.number; i < params.length; i += SHARE) {
        add(&sum, exp(logits[base + i * params.inner] - largest));
    }
    return fold(result(sum), share, false);
}
