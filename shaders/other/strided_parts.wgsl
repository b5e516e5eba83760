// Elements are stored in words whose others are left alone.

@group(0) @binding(2) var<storage, read_write> output: array<atomic<u32>>;

fn store(at: u32, element: Unit) {
    atomicAnd(&output[at / LANES], ~(mask() << shift_of(at)));
    atomicOr(&output[at / LANES], element << shift_of(at));
}
