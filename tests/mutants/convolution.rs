//! Of convolution, and of dense layers.

use wgpool_testing::support::mutant;
use wgpool_testing::verify::random::Family::*;

use crate::Mutant;

pub const MUTANTS: &[Mutant] = &[
    mutant!(
        Conv,
        "flipped kernel",
        "let tap = vec3<u32>(d, h, w);",
        "let tap = params.window.xyz - vec3<u32>(1u + d, 1u + h, 1u + w);"
    ),
    mutant!(Conv, "the other half of a word lost", "~(0xffffu << shift)", "0u"),
    mutant!(Conv, "bf16 rounded to zero", "(bits + 0x7fffu + ((bits >> 16u) & 1u)) >> 16u", "bits >> 16u"),
    mutant!(Conv, "blocks of channels overlap", "block % params.blocks * 4u", "block % params.blocks * 3u"),
    mutant!(Conv, "groups share channels", "+ p.channel_group * group_in * params.in_stride.w", ""),
    mutant!(
        Conv,
        "padding after the window",
        "- params.pad_before.xyz",
        "- params.pad_before.xyz + vec3<i32>(0, 0, 1)"
    ),
    mutant!(Conv, "bias missing", "!is_set(p, params.has_bias)", "true"),
    mutant!(Conv, "dilation missing", "vec3<i32>(tap * params.dilation.xyz)", "vec3<i32>(tap)"),
    mutant!(Conv, "blocks counted twice", "(*sums).block = vec4<f32>();", ""),
    mutant!(
        ConvTranspose,
        "between the strides",
        "let least = product_modulo(reach[axis] / gcd % step, params.inverse[axis], step);",
        "let least = 0u;"
    ),
    mutant!(ConvTranspose, "groups share channels", "+ first_channel * params.in_stride.w", ""),
    mutant!(ConvPool, "padding wins", "var best = vec4<f32>(params.identity);", "var best = vec4<f32>(0.0);"),
    mutant!(
        ConvPool,
        "activation after pooling",
        "let value = activate4(p, convolve(p, at));",
        "let value = convolve(p, at);"
    ),
    mutant!(ConvPool, "pooling stride 1", "p.position * params.pool_stride.xyz", "p.position"),
    mutant!(ConvInteger, "zero point of the first channel", "channel * params.zero_each", "0u"),
    mutant!(
        ConvInteger,
        "zero point of the input missing",
        "x_at % LANES)) - zero_point)",
        "x_at % LANES)))"
    ),
    mutant!(ConvInteger, "a neighbour's weights", "kernel[first + i]", "kernel[first]"),
    mutant!(ConvInteger, "taps of another row", "(row * params.window.z + w)", "(row * params.window.z)"),
    mutant!(ConvInteger, "halves away from zero", "round(clamp(", "floor(0.5 + clamp("),
    mutant!(ConvInteger, "halves to odd", "round(clamp(", "1.0 - round(1.0 - clamp("),
    mutant!(
        ConvInteger,
        "zero point before saturation",
        "params.least, params.most",
        "params.least + params.zero, params.most"
    ),
    mutant!(ConvInteger, "bias missing from sums", "sum += bias[channel];", ""),
    mutant!(ConvInteger, "scale of the first channel", "channel * params.scale_each", "0u"),
    mutant!(ConvInteger, "sums rounded down", "f32(sum - low) + f32(low)", "f32(sum & -256)"),
    mutant!(
        DeformConv,
        "nearest neighbour",
        "let part = to - floor(to);",
        "let part = round(to - floor(to));"
    ),
    mutant!(DeformConv, "offsets of another axis", "max(axis + rank, 3u) - 3u", "2u - axis"),
    mutant!(
        DeformConv,
        "offsets of the first group",
        "params.offset_groups + channel_group",
        "params.offset_groups"
    ),
    mutant!(
        DeformConv,
        "offsets of the first image",
        "(n * params.offset_groups",
        "(0u * params.offset_groups"
    ),
    mutant!(DeformConv, "nothing between border and padding", "at > -1.0 &&", "at >= 0.0 &&"),
    mutant!(
        DeformConv,
        "the border repeated",
        "all(at >= vec3<i32>(0)) && all(at < size)",
        "all(at >= vec3<i32>(0))"
    ),
    mutant!(DeformConv, "NaN is a place", "!is_nan(at) && at > -1.0 && at < f32(size)", "true"),
    mutant!(DeformConv, "no mask", "value *= mask[moved * pixels + pixel]", "value *= 1.0"),
    mutant!(
        DeformConv,
        "dilation missing from places",
        "tap * params.dilation.xyz) - params",
        "tap) - params"
    ),
    mutant!(
        Col2Im,
        "padding not cut off",
        "let reach = position + vec3<u32>(params.pad_before.xyz);",
        "let reach = position;"
    ),
    mutant!(Col2Im, "between the strides", "params.tap_step[axis];", "1u;"),
    mutant!(Col2Im, "windows behind the last", "(windows[axis] - 1u)", "windows[axis]"),
    mutant!(Col2Im, "windows before the first", "reach[axis] / dilation + 1u", "reach[axis] / dilation + 2u"),
    mutant!(ConvTranspose, "strides and dilations that share a divisor", "reach[axis] % gcd == 0u", "true"),
    mutant!(Col2Im, "taps of the first plane", "(plane * params.window.x + d)", "d"),
    mutant!(Col2Im, "no dilation", "vec3<u32>(d, h, w) * params.dilation.xyz", "vec3<u32>(d, h, w)"),
    mutant!(CausalConv, "no state", "params.has_state == 1u", "false"),
    mutant!(CausalConv, "the state of the first channel", "state[row * params.kept + at]", "state[at]"),
    mutant!(CausalConv, "the first elements are handed on", "at >= params.length", "at < params.kept"),
    mutant!(
        CausalConv,
        "inputs beside the state",
        "row * params.length + at - params.kept",
        "row * params.length"
    ),
    mutant!(Dense, "wrong stride", "i * params.tap_in", "i"),
    mutant!(Dense, "bias of another output", "bias[out]", "bias[0]"),
    mutant!(Conv, "PReLU's slope of the first channel", "slopes[channel % count]", "slopes[0]"),
    mutant!(Conv, "PReLU's slope, which is shared, by channel", "slopes[channel % count]", "slopes[channel]"),
    mutant!(
        Conv,
        "PReLU's slope of the next channel",
        "alpha_beta_of(p.channel.x)",
        "alpha_beta_of(p.channel.y)"
    ),
    mutant!(Conv, "the residual left out", "return sum + f32(residuals[at]);", "return sum;"),
    mutant!(
        Conv,
        "the residual after the activation",
        "activate4(p, with_residuals(p, accumulated(p, convolve(p, p.position))))",
        "with_residuals(p, activate4(p, accumulated(p, convolve(p, p.position))))"
    ),
    mutant!(Conv, "another channel's residual", "with_residual(sums.x, at.x)", "with_residual(sums.x, at.y)"),
];
