// The gradient of a kernel of channels that are convolved by themselves: a plane of the window of one output channel an invocation,
// over some rows of windows. A gradient is loaded once for the whole plane, and an element once for the taps of a row that read it.
// Neighbouring invocations have neighbouring channels. Parts of sums are left in 32 bits, each in the kernel's order; conv/parts.wgsl
// adds them.

@group(0) @binding(0) var<uniform> params: WeightsParams;
@group(0) @binding(1) var<storage, read> input: array<Word>;
@group(0) @binding(2) var<storage, read> gradient: array<Word>;
@group(0) @binding(3) var<storage, read_write> sums: array<f32>;

// Windows whose products are one chain of a sum.
const CHAIN: u32 = 16u;

// Where a row of the input begins, and whether it is there.
struct InputRow {
    at: u32,
    there: bool,
}

fn row_of(plane_at: u32, row: i32) -> InputRow {
    let inside = u32(clamp(row, 0, i32(params.in_size.y) - 1));
    return InputRow(plane_at + inside * params.in_stride.y, is_inside(row, i32(params.in_size.y)));
}

// The element at a column of a row, 0 in the padding.
fn element(row: InputRow, column: i32) -> f32 {
    let inside = u32(clamp(column, 0, i32(params.in_size.z) - 1));
    let value = unpack(input[row.at + inside * params.in_stride.z], 0u);
    return select(0.0, value, row.there && is_inside(column, i32(params.in_size.z)));
}

fn compute(number: u32) {
    let channels = params.groups * params.out_size.w;
    let channel = number % channels;
    let depth = number / channels % params.window.x;
    let part = number / channels / params.window.x;
    let image_at = channel / params.out_size.w * params.in_stride.w;
    let gradient_at = channel * params.out_stride.w;
    let start = vec3<i32>(vec3<u32>(depth * params.dilation.x, 0u, 0u)) - params.pad_before.xyz;
    //: totals
    let last = min(params.rows, (part + 1u) * params.part_rows);
    for (var row = part * params.part_rows; row < last; row++) {
        let h = row % params.out_size.y;
        let d = row / params.out_size.y % params.out_size.x;
        let n = row / params.out_size.y / params.out_size.x;
        let at_d = i32(d * params.stride.x) + start.x;
        if (!is_inside(at_d, i32(params.in_size.x))) {
            continue;
        }
        let plane_at = image_at + n * params.in_batch + u32(at_d) * params.in_stride.x;
        let top = i32(h * params.stride.y) + start.y;
        let g_at = gradient_at + n * params.out_batch + d * params.out_stride.x + h * params.out_stride.y;
        //: rows
        //: first
        //: blocks
        for (var begin = 0u; begin < params.out_size.z; begin += CHAIN) {
            //: parts
            let end = min(begin + CHAIN, params.out_size.z);
            for (var w = begin; w < end; w++) {
                let g = unpack(gradient[g_at + w * params.out_stride.z], 0u);
                //: next
                //: products
                //: shift
            }
            //: add_parts
        }
        //: add_blocks
    }
    let to = part * params.elements + channel * params.tap_out + depth * params.tap_stride.x;
    //: store
}
