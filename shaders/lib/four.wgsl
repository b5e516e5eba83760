// Kernels whose invocations compute four neighbours at once; lib/one.wgsl has the same names.
alias Ints = vec4<i32>;
alias Uints = vec4<u32>;
alias Floats = vec4<f32>;
alias Bools = vec4<bool>;
