// Where in the output the index of input element `element` (numbered in NCHW order) points, or -1.
fn target_of(n: u32, c: u32, index: i32) -> i32 {
    let size = params.indexed.xyz;
    let plane = size.x * size.y * size.z;
    var inside = index;
    if (params.whole == 1u) {
        inside -= i32((n * params.in_size.w + c) * plane);
    }
    if (inside < 0 || inside >= i32(plane)) {
        return -1;
    }
    let i = u32(inside);
    var at = vec3<u32>(i / size.z / size.y, i / size.z % size.y, i % size.z);
    if (params.by_columns == 1u) {
        at = vec3<u32>(i % size.x, i / size.x % size.y, i / size.x / size.y);
    }
    if (any(at >= params.out_size.xyz)) {
        return -1;
    }
    return i32(n * params.out_batch + c * params.out_stride.w + dot(at, params.out_stride.xyz));
}

// Memory position of input element `element`, numbered in NCHW order.
fn input_at(element: u32) -> vec3<u32> {
    let size = params.in_size;
    let w = element % size.z;
    let h = element / size.z % size.y;
    let d = element / size.z / size.y % size.x;
    let plane = element / size.z / size.y / size.x;
    let c = plane % size.w;
    let n = plane / size.w;
    let at = n * params.in_batch + c * params.in_stride.w + dot(vec3<u32>(d, h, w), params.in_stride.xyz);
    return vec3<u32>(at, n, c);
}
