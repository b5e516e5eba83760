//! Memory between steps.

/// Keeps memory that was freed for the next step. Each step needs as much as the last; the C library's `malloc` gives large pieces
/// back to the system, which then fills new ones with zeros page by page: nearly half of the time of a step on the host path.
pub fn keep() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    {
        /// Parameters of `mallopt` in `malloc.h`.
        const M_TRIM_THRESHOLD: i32 = -1;
        const M_MMAP_MAX: i32 = -4;
        unsafe extern "C" {
            fn mallopt(parameter: i32, value: i32) -> i32;
        }
        // SAFETY: the C library has the function with these parameters, and any value of them is legal; where it takes none, memory is
        // handled as before.
        unsafe {
            mallopt(M_MMAP_MAX, 0);
            mallopt(M_TRIM_THRESHOLD, i32::MAX);
        }
    }
}
