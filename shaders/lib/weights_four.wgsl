
alias Weights = vec4<f32>;
const CHANNELS: u32 = 4u;

fn weight(at: u32) -> Weights {
    let step = params.tap_out;
    return Weights(
        f32(kernel[at]),
        f32(kernel[at + step]),
        f32(kernel[at + 2u * step]),
        f32(kernel[at + 3u * step]),
    );
}

fn bias_of(channel: i32) -> Weights {
    let at = u32(channel);
    let four = Weights(f32(bias[at]), f32(bias[at + 1u]), f32(bias[at + 2u]), f32(bias[at + 3u]));
    return select(Weights(0.0), four, params.has_bias == 1u);
}
