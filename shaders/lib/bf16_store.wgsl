
fn load_NAME(at: u32) -> f32 {
    return widened(atomicLoad(&NAME[at / 2u]), at % 2u);
}

fn store_NAME(at: u32, value: f32) {
    let shift = 16u * (at % 2u);
    atomicAnd(&NAME[at / 2u], ~(0xffffu << shift));
    atomicOr(&NAME[at / 2u], narrowed(value) << shift);
}
