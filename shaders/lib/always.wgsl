@group(0) @binding(4) var<storage, read_write> output: array<Word>;

fn needed() -> bool {
    return true;
}
