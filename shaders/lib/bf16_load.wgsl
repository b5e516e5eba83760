
fn load_NAME(at: u32) -> f32 {
    return widened(NAME[at / 2u], at % 2u);
}
