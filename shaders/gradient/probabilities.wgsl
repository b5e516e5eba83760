// Targets that have a probability for each class.

@group(0) @binding(2) var<storage, read> targets: array<f32>;

fn target_of(row: u32, at: u32, number: u32) -> f32 {
    return targets[at];
}
