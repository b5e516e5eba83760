// Kernels whose invocations compute one element at a time; lib/four.wgsl has the same names.
alias Ints = i32;
alias Uints = u32;
alias Floats = f32;
alias Bools = bool;
