// An invocation computes a run of outputs: neighbours compute neighbouring ones, so that together they read on where they
// have been, and the processor fetches ahead.

override RUN: u32 = 1u;
// Invocations that a driver computes at once.
override SIMD_LANES: u32 = 1u;

// The first local output of an invocation.
fn first_of(number: u32) -> u32 {
    return number / SIMD_LANES * (SIMD_LANES * RUN) + number % SIMD_LANES;
}
