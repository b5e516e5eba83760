// An invocation computes a run of outputs: neighbours compute neighbouring ones, so that together they read on where they
// have been, and the processor fetches ahead.

override RUN: u32 = 1u;
// Invocations that a driver computes at once.
override SIDE_BY_SIDE: u32 = 1u;

// The first local output of an invocation.
fn first_of(number: u32) -> u32 {
    return number / SIDE_BY_SIDE * (SIDE_BY_SIDE * RUN) + number % SIDE_BY_SIDE;
}
