// Kernels that compute one output of each chunk an invocation; lib/four.wgsl has the same names.
alias Ints = i32;
alias Uints = u32;
alias Floats = f32;
alias Bools = bool;

fn from_first(first: i32) -> Ints {
    return first;
}

fn first_column(column: Ints) -> i32 {
    return column;
}

fn most(x: Ints) -> i32 {
    return x;
}
