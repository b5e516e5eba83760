// Kernels that compute four neighbours along the last axis an invocation; lib/one.wgsl has the same names.
alias Ints = vec4<i32>;
alias Uints = vec4<u32>;
alias Floats = vec4<f32>;
alias Bools = vec4<bool>;

fn from_first(first: i32) -> Ints {
    return 4 * first + vec4<i32>(0, 1, 2, 3);
}

fn first_column(columns: Ints) -> i32 {
    return columns.x;
}

fn most(x: Ints) -> i32 {
    return max(max(x.x, x.y), max(x.z, x.w));
}
