//! A wrong kernel is noticed: each mutant changes one place of a shader, and the random tests must fail on it.

use wgpool_testing::support;

use wgpool::Engine;
use wgpool_testing::support::{assert_noticed, check_gpu, descs, engine, forced, is_wrong, mutant};
use wgpool_testing::verify::random::{Family, Rng};

use Family::*;

type Mutant = support::Mutant<Family>;

const MUTANTS: &[Mutant] = &[
    mutant!(MaxPool, "the last of equal maxima", "exceeds(value, best)", "!exceeds(best, value)"),
    mutant!(MaxPool, "NaN is lost", "index < 0 || is_nan(value) || ", "index < 0 || "),
    mutant!(MaxPool, "finite start", "index < 0 || is_nan(value)", "is_nan(value)"),
    mutant!(MaxPool, "one tap too few", "(room + dilation - vec3<u32>(1u)) / dilation", "room / dilation"),
    mutant!(MaxPool, "signed bytes as unsigned", "(24u - 8u * lane)) >> 24u", "(24u - 8u * lane)) >> 25u"),
    mutant!(MaxPool, "a neighbour's word", "output[word] =", "output[word + 1u] ="),
    mutant!(MaxPool, "the halves of a word swapped", "word >> (16u * lane)", "word >> (16u * (1u - lane))"),
    mutant!(
        MaxPool,
        "a channel too far",
        "e.channel * params.in_stride.w",
        "(e.channel + 1u) * params.in_stride.w"
    ),
    mutant!(AveragePool, "padding never counts", "count = taps.padded;", "count = count;"),
    mutant!(
        AveragePool,
        "overhang counts",
        "vec3<f32>(end_taps(start, padded_end, dilation, window))",
        "vec3<f32>(window)"
    ),
    mutant!(AveragePool, "divisor ignored", "given != 0u", "false"),
    mutant!(
        AveragePool,
        "terms lost",
        "(*sum).part += term;",
        "if ((*sum).terms != 3u) { (*sum).part += term; }"
    ),
    mutant!(LpPool, "signed terms", "lp_term(abs(value)", "lp_term(value"),
    mutant!(LpPool, "no root", "scale * pow(sum, root)", "scale * sum"),
    mutant!(GlobalPool, "elements skipped", "i += SHARE", "i += SHARE + 1u"),
    mutant!(GlobalPool, "half the shares", "half = SHARE / 2u", "half = SHARE / 4u"),
    mutant!(
        GlobalPool,
        "one plane of a workgroup",
        "(WORKGROUP / SHARE) + share.task",
        "(WORKGROUP / SHARE)"
    ),
    mutant!(GlobalPool, "the next channel's share", "+ half * share.step", "+ half"),
    mutant!(GlobalPool, "NaN is lost", "is_nan(b) | (", "!is_nan(b) & ("),
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
    mutant!(AdaptivePool, "windows end early", "vec3<u32>(part.rest != vec3<u32>())", "vec3<u32>()"),
    mutant!(
        AdaptivePool,
        "windows start late",
        "divided(out, length % windows, windows).quotient",
        "vec3<u32>()"
    ),
    mutant!(
        FractionalMaxPool,
        "another axis' sample",
        "params.sample[axis]",
        "params.window.w - 1u - params.sample[axis]"
    ),
    mutant!(
        FractionalMaxPool,
        "the last window not at the end",
        "if (o + 1u == params.out_size[axis])",
        "if (false)"
    ),
    mutant!(
        MaxUnpool,
        "the first of equal indices",
        "atomicMax(&owner[u32(to)], number + 1u)",
        "atomicCompareExchangeWeak(&owner[u32(to)], 0u, number + 1u)"
    ),
    mutant!(MaxUnpool, "row-major throughout", "params.by_columns == 1u", "false"),
    mutant!(RoiAlign, "pixels not shifted", "select(0.0, 0.5, params.half_pixel == 1u)", "0.0"),
    mutant!(RoiAlign, "nearest neighbour", "clipped - f32(low)", "floor(clipped - f32(low) + 0.5)"),
    mutant!(
        RoiAlign,
        "bf16 rounded to zero",
        "(bits + 0x7fffu + ((bits >> 16u) & 1u)) >> 16u",
        "bits >> 16u"
    ),
    mutant!(MaxRoiPool, "rounded half to even", "a - whole >= 0.5", "a - whole > 0.5"),
    mutant!(MaxRoiPool, "regions end early", "start + 1, 1)", "start, 1)"),
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
    mutant!(AsStrided, "no strides", "at += position * axis.y;", "at += position;"),
    mutant!(AsStrided, "axes of each other's length", "rest /= axis.x;", "rest /= max(axis.x, 2u) - 1u;"),
    mutant!(AsStrided, "the first element of a word", "Unit(shift_of(at))", "Unit(0u)"),
    mutant!(AsStrided, "words of one element", "element < params.total", "element + 1u < lane"),
    mutant!(Concat, "runs too near", "params.run * params.pitch", "params.run * params.run"),
    mutant!(Concat, "all from the beginning", "params.to + number", "number"),
    mutant!(Concat, "the rest of a word lost", "~(mask() << shift_of(at))", "0u"),
    mutant!(Pad, "mirrored at one end", "abs(length - 1 - abs(i))", "abs(length - 1 - i)"),
    mutant!(Pad, "no edge", "clamp(i, 0, length - 1)", "clamp(i, 0, length)"),
    mutant!(Pad, "wrapped at one end", "select(rest, length - 1 - rest, i < 0)", "rest"),
    mutant!(Pad, "zeros for the constant", "Unit(params.constant) & mask()", "Unit(0u)"),
    mutant!(Reduce, "elements of one axis alone", "at = place_of(i, params.length, params.stride);", ""),
    mutant!(Reduce, "places of each other's axes", "second % length.y", "second % length.x"),
    mutant!(
        Reduce,
        "another output's elements",
        "min(number, params.total - 1u)",
        "min(number + 1u, params.total - 1u)"
    ),
    mutant!(Reduce, "elements skipped", "i < params.count; i += SHARE", "i < params.count; i += SHARE + 1u"),
    mutant!(Reduce, "the largest for the smallest", "select(value, -value, KIND == MIN)", "value"),
    mutant!(Reduce, "powers of two lost", "a.power + b.power", "a.power"),
    mutant!(Reduce, "signs lost", "((a.marks ^ b.marks) & NEGATIVE)", "0u"),
    mutant!(Reduce, "zeros lost", "negative | ZERO);", "negative);"),
    mutant!(
        Reduce,
        "squares of large numbers",
        "lp_term(abs(value), scale, 2.0)",
        "lp_term(abs(value), 1.0, 2.0)"
    ),
    mutant!(Reduce, "the largest not subtracted", "exp(value - scale)", "exp(value)"),
    mutant!(Reduce, "the logarithm of zero", "return params.lowest;", "return 0.0;"),
    mutant!(ArgReduce, "the first of equal ones", "== LAST;", "== false;"),
    mutant!(ArgReduce, "NaN is lost", "0xffffffffu, is_nan(value)", "1u, is_nan(value)"),
    mutant!(ArgReduce, "the largest for the smallest", "select(value, -value, MIN)", "value"),
    mutant!(ArgReduce, "one invocation's index", "shared_index[local + half]", "shared_index[local]"),
    mutant!(
        ArgReduce,
        "elements of the first row",
        "row / params.inner * params.length * params.inner",
        "0u"
    ),
    mutant!(Resize, "positions of the output", "let whole_scale = i * scale.z;", "let whole_scale = i;"),
    mutant!(Resize, "positions cut off", "let carry = u32(low + shift.x < low);", "let carry = 0u;"),
    mutant!(Resize, "the nearest is the first", "i32(is_next)", "0"),
    mutant!(Resize, "behind the end", "u32(clamp(index, 0, along.last))", "u32(max(index, 0))"),
    mutant!(
        Resize,
        "weights of the other",
        "select(1.0 - part, part, tap == 1u)",
        "select(1.0 - part, part, tap == 0u)"
    ),
    mutant!(Resize, "another coefficient", "let a = params.coefficient;", "let a = -0.6;"),
    mutant!(Resize, "weights not made up for", "value /= weights;", ""),
    mutant!(Resize, "outside as inside", "!EXCLUDE_OUTSIDE || is_inside", "true"),
    mutant!(Resize, "one axis", "weight *= weight_of", "weight = weight_of"),
    mutant!(Dense, "wrong stride", "i * params.tap_in", "i"),
    mutant!(Dense, "bias of another output", "bias[out]", "bias[0]"),
    mutant!(Softmax, "largest not subtracted", "exp(element(at) - largest)", "exp(element(at))"),
    mutant!(Softmax, "wrong axis", "+ row % params.inner", ""),
    mutant!(Softmax, "bf16 rounded to zero", "(bits + 0x7fffu + ((bits >> 16u) & 1u)) >> 16u", "bits >> 16u"),
    mutant!(Activation, "ReLU6 without its top", "clamp(x, 0.0, 6.0)", "max(x, 0.0)"),
    mutant!(Activation, "imprecise error function", "t * 0.17087277", "t * 0.1708"),
    mutant!(Activation, "NaN turns into zero", "if (is_nan(x)) {", "if (false) {"),
    mutant!(Activation, "ELU without digits near 0", "series, x > -0.25", "series, false"),
    mutant!(Activation, "hard sigmoid without its bottom", "0.0, line < 0.0", "line, line < 0.0"),
    mutant!(Activation, "hard sigmoid's other parameter", "+ alpha_beta.y", "+ alpha_beta.x"),
    mutant!(Activation, "Mish by sigmoid", "above + 2.0 * select", "above + select"),
    mutant!(
        Activation,
        "PReLU as leaky ReLU of no slope",
        "select(alpha_beta.x * x, x, x > 0.0)",
        "max(x, 0.0)"
    ),
    mutant!(Activation, "the first bf16 of each word", "unpack(load_input(at), 0u)", "load_input(at & ~1u)"),
    mutant!(Activation, "PReLU's slope of another run", "at / max(params.run, 1u)", "at"),
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
    mutant!(
        Elementwise,
        "NaN is lost in minima",
        "is_nan(b) | (!is_nan(a) & exceeds(a, b))",
        "exceeds(a, b)"
    ),
    mutant!(Elementwise, "NaN is larger", "exceeds(a, b) & !is_nan(a) & !is_nan(b)", "exceeds(a, b)"),
    mutant!(Elementwise, "the other side of a condition", ", !is_zero(", ", is_zero("),
    mutant!(Elementwise, "rows not counted", "rest % params.axes[2].x", "rest"),
    mutant!(Elementwise, "strides of another axis", "c_0 * params.axes[0].y", "c_0 * params.axes[1].y"),
    mutant!(Elementwise, "strides of another input", "params.axes[2].z", "params.axes[2].y"),
    mutant!(Elementwise, "a neighbour's place", "(y_x, y_y, y_z, y_w)", "(y_x, y_y, y_w, y_z)"),
    mutant!(Elementwise, "another number", "params.numbers[0].y", "params.numbers[0].x"),
    mutant!(Elementwise, "an imprecise logarithm", "0.14285714 + s * 0.11111111", "0.0"),
    mutant!(Elementwise, "error function without digits near 0", "near, abs(x) < 0.5)", "near, false)"),
    mutant!(Elementwise, "odd powers without a sign", "odd && bitcast<i32>(a) < 0", "false"),
    mutant!(
        Elementwise,
        "roots of what is negative",
        "bitcast<f32>(params.nan), order(x) < 0",
        "x, order(x) < 0"
    ),
    mutant!(Activation, "softplus without its last terms", "(0.090909091 + s * 0.076923077)", "0.0"),
];

/// Kernels that only adapters run which read tensors through pages; the others are tested as hardware runs them.
const PAGED: &[Mutant] = &[
    mutant!(
        MaxPool,
        "NaN is no number",
        "(*largest).order = max((*largest).order, order);",
        "(*largest).order = max((*largest).order, min(order, 0xff000000u));"
    ),
    mutant!(
        MaxPool,
        "taps outside the input",
        "in_size.z, 2u) - first_last",
        "in_size.z, 2u) + 1 - first_last"
    ),
    mutant!(MaxPool, "every chunk from its first row", "chunk.row + place.row", "place.row"),
    mutant!(MaxPool, "elements of a vector mixed up", "[u32(at) & 3u]", "[u32(at) & 1u]"),
    mutant!(MaxPool, "planes too near", "plane * params.in_stride.w", "plane"),
    mutant!(MaxPool, "empty windows are zero", "Largest(0u, 0.0)", "Largest(ZERO, 0.0)"),
    mutant!(
        AveragePool,
        "terms outside the input",
        "taps_below(begin, params.in_size.x, 0u)",
        "taps_below(begin, params.padded_end.x, 0u)"
    ),
    mutant!(AveragePool, "padding counts as input", "count = u32(window.padded)", "count = count"),
    mutant!(AveragePool, "dilation along the last axis", "first_last * params.tap_step.z", "first_last"),
    mutant!(
        GlobalPool,
        "the last plane missing",
        "place.local < chunk.count",
        "place.local + 1u < chunk.count"
    ),
];

/// Kernels and steps of drivers that end long loops.
const DIVIDED: &[Mutant] = &[
    mutant!(Softmax, "elements skipped", "i += WORKGROUP", "i += WORKGROUP + 1u"),
    mutant!(Softmax, "the sum of one invocation", "fold(result(sum), beside(local), false)", "result(sum)"),
    mutant!(Softmax, "rows of another workgroup", "base_of(min(number,", "base_of(min(number + 1u,"),
    mutant!(Conv, "sums begin anew", "!is_set(p, params.from_channel)", "true"),
    mutant!(Conv, "channels twice", "var i = params.from_channel; i < end", "var i = 0u; i < end"),
    mutant!(Conv, "the first channels again", "x_first + params.from_channel", "x_first + 0u"),
    mutant!(ConvInteger, "sums begin anew", "is_set(p, params.from_channel)", "false"),
    mutant!(
        ConvInteger,
        "channels twice",
        "var i = params.from_channel; i < channels",
        "var i = 0u; i < channels"
    ),
    mutant!(ConvTranspose, "sums begin anew", "!is_set(p, params.from_channel)", "true"),
];

/// Those of gradients and losses.
const GRADIENTS: &[Mutant] = &[
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

#[test]
fn every_mutant_of_gradients_is_caught() {
    all_are_caught(&engine().with_gpu_kernels(), GRADIENTS);
}

#[test]
fn every_mutant_of_divided_loops_is_caught() {
    let mut caps = engine().with_gpu_kernels().caps().clone();
    caps.loop_limit = 40;
    all_are_caught(&engine().with_caps(caps), DIVIDED);
}

#[test]
fn every_mutant_is_caught() {
    all_are_caught(&engine().with_gpu_kernels(), MUTANTS);
}

#[test]
fn every_mutant_that_reads_pages_is_caught() {
    if engine().caps().paged {
        all_are_caught(&forced(engine(), "pool/uniform"), PAGED);
    } else {
        println!("{} runs no kernel that reads pages", engine().adapter_name());
    }
}

fn all_are_caught(engine: &Engine, mutants: &[Mutant]) {
    assert_noticed(engine, mutants, |mutant, Mutant { on: family, .. }| {
        let mut rng = Rng::new(7);
        (0..400).map(|_| family.case(&mut rng, engine.caps().f16)).any(|case| {
            let descs = descs(&case.inputs.iter().collect::<Vec<_>>());
            let applies = !matches!(mutant.plan(&case.op, &descs), Err(wgpool::Error::Kernel { .. }));
            applies && is_wrong(mutant, &case)
        })
    });
}

#[test]
fn an_unchanged_kernel_is_not_taken_for_a_mutant() {
    let same = engine().with_edited_shaders(|_, source| source);
    let mut rng = Rng::new(7);
    for family in Family::ALL {
        for _ in 0..10 {
            let case = family.case(&mut rng, engine().caps().f16);
            check_gpu(&same, &case).unwrap();
        }
    }
}

#[test]
fn a_shader_that_does_not_compile_is_an_error() {
    let broken = engine().with_edited_shaders(|_, source| source.replace("fn main", "fn mian"));
    let case = Family::Softmax.case(&mut Rng::new(1), false);
    let inputs: Vec<_> = case.inputs.iter().collect();
    let error = broken.run(&case.op, &inputs).unwrap_err();
    assert!(matches!(error, wgpool::Error::Gpu { .. }), "{error:?}");
    assert!(error.to_string().contains("Softmax"), "{error}");
    // The engine goes on.
    engine().run(&case.op, &inputs).unwrap();
}
