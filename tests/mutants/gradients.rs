//! Of gradients and losses.

use wgpool_testing::support::mutant;
use wgpool_testing::verify::random::Family::*;

use crate::Mutant;

pub const MUTANTS: &[Mutant] = &[
    mutant!(PoolGradient, "an index of any element", "if (indices[at] == own)", "if (indices[at] != own)"),
    mutant!(
        PoolGradient,
        "windows side by side",
        "let step = params.dilation.xyz / params.gcd.xyz;",
        "let step = vec3<u32>(1u);"
    ),
    mutant!(
        PoolGradient,
        "the last window alone",
        "select(last - others * step, vec3<u32>(1u), none)",
        "select(last, vec3<u32>(1u), none)"
    ),
    mutant!(
        PoolGradient,
        "a mean that is not divided",
        "/ divisor_of(taps_in(window), PADDED, params.divisor)",
        "/ 1.0"
    ),
    mutant!(
        PoolGradient,
        "padding never counts",
        "divisor_of(taps_in(window), PADDED,",
        "divisor_of(taps_in(window), false,"
    ),
    mutant!(
        PoolGradient,
        "one window of those that divide the input",
        "adaptive_end(position, windows, length),",
        "adaptive_begin(position, windows, length) + vec3<u32>(1u),"
    ),
    mutant!(
        PoolGradient,
        "windows at random places too far",
        "let slack = vec3<f32>(4.0)",
        "let slack = vec3<f32>(-4.0)"
    ),
    mutant!(PoolGradient, "norms without sign", "select(g, -g, is_negative && (!TORCH || is_odd))", "g"),
    mutant!(PoolGradient, "PyTorch's powers without their signs", "(!TORCH || is_odd)", "true"),
    mutant!(PoolGradient, "norms as of the taps inside", "all.x * all.y * all.z / f32(", "1.0 + 0.0 * f32("),
    mutant!(PoolGradient, "the norm's power", "signed * share * share", "signed * share"),
    mutant!(PoolGradient, "a norm of 0", "is_zero(own) || is_zero(norm)", "is_zero(own)"),
    mutant!(
        PoolGradient,
        "the gradient of the first plane",
        "e.image * params.out_batch + e.channel * params.out_stride.w",
        "e.image * params.out_batch"
    ),
    mutant!(PoolGradient, "every element of a window", "select(0.0, g, index == own)", "g"),
    mutant!(
        PoolGradient,
        "what lies behind the last window",
        "select(start_of(next), params.in_size.xyz, next == params.out_size.xyz)",
        "start_of(next)"
    ),
    mutant!(
        PoolGradient,
        "channels last as if they were first",
        "(e.image * size + position) * params.in_size.w + e.channel",
        "plane * size + position"
    ),
    mutant!(MaxUnpoolGradient, "the first element is none", "if (source >= 0)", "if (source > 0)"),
    mutant!(InputGradient, "strides and dilations that share a divisor", "reach[axis] % gcd == 0u", "true"),
    mutant!(WeightsGradient, "the first row's gradient", " + h * params.out_stride.y", ""),
    mutant!(
        WeightsGradient,
        "windows behind the input",
        "min(u32(room) / params.stride.z, params.out_size.z)",
        "params.out_size.z"
    ),
    mutant!(WeightsGradient, "rows outside the input", "!is_inside(at_h, i32(params.in_size.y))", "false"),
    mutant!(
        WeightsGradient,
        "channels of the first group",
        "(channel_group * params.in_size.w + channel) * params.in_stride.w",
        "channel * params.in_stride.w"
    ),
    mutant!(
        WeightsGradient,
        "elements that are not there",
        "select(0.0, value, is_inside(column, i32(params.in_size.z)))",
        "value"
    ),
    mutant!(WeightsGradient, "taps that read the same", "x_0_0 = x_0_1;", ""),
    mutant!(
        WeightsGradient,
        "the second channel is the first",
        "min(channel + 1u, params.in_size.w - 1u)",
        "channel"
    ),
    mutant!(
        WeightsGradient,
        "every output channel has an input channel",
        "channel / params.out_size.w * params.in_stride.w",
        "channel * params.in_stride.w"
    ),
    mutant!(WeightsGradient, "rows that are not there", "row.there && is_inside(column", "is_inside(column"),
    mutant!(WeightsGradient, "columns that lie one apart", "x_0_0 = x_0_2;", ""),
    mutant!(
        WeightsGradient,
        "groups that read the first one's data",
        " + channel_group * params.in_group",
        ""
    ),
    mutant!(WeightsGradient, "one chain of a row", "begin += CHAIN", "begin += 4u * CHAIN"),
    mutant!(WeightsGradient, "one part of the sums", "part < params.parts", "part < 1u"),
    mutant!(
        WeightsGradient,
        "parts that go into two blocks",
        "(*sum).part = vec4<f32>();",
        "(*sum).part *= 1.0;"
    ),
    mutant!(
        ActivationGradient,
        "ReLU loses NaN",
        "is_nan(x) || exceeds(x, 0.0));",
        "exceeds(x, 0.0) && !is_nan(x));"
    ),
    mutant!(ActivationGradient, "ReLU6 without an end", "exceeds(6.0, x)", "true"),
    mutant!(
        ActivationGradient,
        "LeakyReLU's sides",
        "select(alpha_beta.x * g, g,",
        "select(g, alpha_beta.x * g,"
    ),
    mutant!(ActivationGradient, "ELU without alpha", "g * (alpha_beta.x * exp(", "g * (exp("),
    mutant!(
        ActivationGradient,
        "one side of the logistic function",
        "return e / ((1.0 + e) * (1.0 + e))",
        "return e / (1.0 + e)"
    ),
    mutant!(ActivationGradient, "half of tanh", "4.0 * (e / ", "2.0 * (e / "),
    mutant!(ActivationGradient, "hard sigmoid without an end", "line > 0.0 && line < 1.0", "line > 0.0"),
    mutant!(ActivationGradient, "SiLU without its factor", "(1.0 + x * sigmoid(-x))", "(1.0 + sigmoid(-x))"),
    mutant!(ActivationGradient, "hard swish without its middle", "(x / 3.0 + 0.5)", "(x / 3.0)"),
    mutant!(ActivationGradient, "GELU's density", "0.39894228", "0.39884228"),
    mutant!(ActivationGradient, "GELU's cube", "0.134145", "0.044715"),
    mutant!(ActivationGradient, "half of mish", "4.0 * rest", "2.0 * rest"),
    mutant!(
        ActivationGradient,
        "softplus itself",
        "{\n    return sigmoid(x);",
        "{\n    return sigmoid(x) * sigmoid(x);"
    ),
    mutant!(SoftmaxGradient, "no mean", "(unpack(gradient[at], 0u) - mean)", "unpack(gradient[at], 0u)"),
    mutant!(
        SoftmaxGradient,
        "a plain mean",
        "unpack(gradient[at], 0u) * unpack(softmax[at], 0u)",
        "unpack(gradient[at], 0u)"
    ),
    mutant!(
        CrossEntropy,
        "labels of the next class",
        "targets[row] == i32(number)",
        "targets[row] == i32(number + 1u)"
    ),
    mutant!(CrossEntropy, "not below the largest", "(largest - logits[at])", "(-logits[at])"),
    mutant!(CrossEntropy, "no target", "* whole - target_of(row, at, i)", "* whole"),
    mutant!(CrossEntropy, "targets that are taken for 1 in all", "/ total * whole", "/ total"),
    mutant!(CrossEntropy, "a sum for a mean", "gradient[0] * params.share", "gradient[0]"),
    mutant!(DropoutMask, "nine rounds", "round < 10u", "round < 9u"),
    mutant!(DropoutMask, "a carry lost", "+ (other >> 16u)", ""),
    mutant!(DropoutMask, "the same mask in every step", "bitcast<u32>(state[2])", "0u"),
    mutant!(DropoutMask, "half of the seed", "bitcast<u32>(state[1])", "0u"),
    mutant!(RoiAlignGradient, "regions of other images", "images[region] != i32(e.image)", "false"),
    mutant!(RoiAlignGradient, "the first neighbour alone", "n.high == position", "false"),
    mutant!(RoiAlignGradient, "not divided", "row, column) / count * (along", "row, column) * (along"),
    mutant!(RoiAlignGradient, "weights along one axis", "(along * across)", "along"),
];
