
alias Weights = f32;
const CHANNELS: u32 = 1u;

fn weight(at: u32) -> Weights {
    return f32(kernel[at]);
}

fn bias_of(channel: i32) -> Weights {
    return select(0.0, f32(bias[u32(channel)]), params.has_bias == 1u);
}
