// The local output of an invocation.
fn first_of(number: u32) -> u32 {
    return number;
}
