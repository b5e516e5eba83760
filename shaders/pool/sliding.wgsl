// Sliding-window pooling: one output word (four bytes, or one float) an invocation.

const MAX: u32 = 0u;
const AVERAGE: u32 = 1u;
const AVERAGE_PADDED: u32 = 2u;
const LP: u32 = 3u;
const LP_TORCH: u32 = 4u;
override ADAPTIVE: bool = false;
override REDUCE: u32 = 0u;

@group(0) @binding(0) var<uniform> params: PoolParams;
@group(0) @binding(1) var<storage, read> input: array<Word>;
@group(0) @binding(2) var<storage, read_write> output: array<Word>;

fn load(at: u32) -> f32 {
    return unpack(input[at / LANES], at % LANES);
}

struct Window {
    taps: Taps,
    start: vec3<i32>,
    base: u32,
}

fn adaptive_window(out: vec3<u32>) -> Window {
    let begin = adaptive_begin(out, params.in_size.xyz, params.out_size.xyz);
    let end = adaptive_end(out, params.in_size.xyz, params.out_size.xyz);
    return Window(Taps(vec3<u32>(), end - begin, 0.0), vec3<i32>(begin), 0u);
}

fn sliding_window(out: vec3<u32>) -> Window {
    let start = vec3<i32>(out * params.stride.xyz) - params.pad_before.xyz;
    let size = params.in_size.xyz;
    let taps = taps_of(start, size, params.padded_end.xyz, params.dilation.xyz, params.window.xyz);
    return Window(taps, start, 0u);
}

fn position(window: Window, tap: vec3<u32>) -> vec3<u32> {
    return vec3<u32>(window.start + vec3<i32>(tap * params.dilation.xyz));
}

fn maximum(window: Window, plane: u32, element: u32) -> f32 {
    var best = params.identity;
    var index = -1;
    for (var d = window.taps.first.x; d < window.taps.end.x; d++) {
        for (var h = window.taps.first.y; h < window.taps.end.y; h++) {
            for (var w = window.taps.first.z; w < window.taps.end.z; w++) {
                let at = position(window, vec3<u32>(d, h, w));
                let value = load(window.base + dot(at, params.in_stride.xyz));
                // The first element is taken whatever it is: a window of minus infinities has a position too.
                if (index < 0 || is_nan(value) || (!is_nan(best) && exceeds(value, best))) {
                    best = value;
                    index = i32(dot(at, params.index_step.xyz) + plane * params.index_step.w);
                }
            }
        }
    }
    store_index(element, index);
    return best;
}

fn largest_magnitude(window: Window) -> f32 {
    var largest = 0.0;
    for (var d = window.taps.first.x; d < window.taps.end.x; d++) {
        for (var h = window.taps.first.y; h < window.taps.end.y; h++) {
            for (var w = window.taps.first.z; w < window.taps.end.z; w++) {
                let at = position(window, vec3<u32>(d, h, w));
                let value = abs(load(window.base + dot(at, params.in_stride.xyz)));
                if (is_nan(value) || (!is_nan(largest) && exceeds(value, largest))) {
                    largest = value;
                }
            }
        }
    }
    return largest;
}

// The sum of the elements, or of their powers relative to the largest, so that no power overflows.
fn sum_of(window: Window, scale: f32, p: f32) -> f32 {
    var sum = Sum();
    for (var d = window.taps.first.x; d < window.taps.end.x; d++) {
        for (var h = window.taps.first.y; h < window.taps.end.y; h++) {
            for (var w = window.taps.first.z; w < window.taps.end.z; w++) {
                let at = position(window, vec3<u32>(d, h, w));
                var value = load(window.base + dot(at, params.in_stride.xyz));
                if (REDUCE == LP) {
                    value = lp_term(abs(value), scale, p);
                } else if (REDUCE == LP_TORCH) {
                    value = lp_signed_term(value, scale, p);
                }
                add(&sum, value);
            }
        }
    }
    return result(sum);
}

fn pool(number: u32) -> f32 {
    let e = element_of(number, params.out_size.xyz, params.in_size.w);
    let plane = e.image * params.in_size.w + e.channel;
    var window: Window;
    if (ADAPTIVE) {
        window = adaptive_window(e.position);
    } else {
        window = sliding_window(e.position);
    }
    window.base = e.image * params.in_batch + e.channel * params.in_stride.w;

    if (REDUCE == MAX) {
        return maximum(window, plane, number);
    }
    if (REDUCE == LP) {
        let scale = largest_magnitude(window);
        return lp_root(sum_of(window, scale, params.p), scale, params.p, params.root);
    }
    if (REDUCE == LP_TORCH) {
        // Where branches depend on parameters alone, llvmpipe of Mesa 22 keeps a shader of its own for each recording; this
        // one's, which are many, depend on the invocation, though it is never that one.
        let p = select(params.p, 0.0, number == params.total);
        let scale = largest_magnitude(window);
        // More taps than 32 bits count may lie in the padding.
        let taps = f32(params.window.x) * f32(params.window.y) * f32(params.window.z);
        let share = taps / f32(count_inside(window.taps));
        return lp_root(sum_of(window, scale, p) * share, scale, p, params.root);
    }
    let count = divisor_of(window.taps, REDUCE == AVERAGE_PADDED && !ADAPTIVE, params.divisor);
    return average_of(sum_of(window, 1.0, 1.0), count);
}

fn compute(word: u32) {
    if (word * LANES >= params.total) {
        return;
    }
    var values = vec4<f32>();
    for (var lane = 0u; lane < LANES; lane++) {
        let element = word * LANES + lane;
        if (element < params.total) {
            values = with_lane(values, lane, pool(element));
        }
    }
    output[word] = pack(values);
}
