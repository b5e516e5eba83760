// Whole words are stored.

@group(0) @binding(2) var<storage, read_write> output: array<Unit>;

fn store(at: u32, word: Unit) {
    output[at] = word;
}
