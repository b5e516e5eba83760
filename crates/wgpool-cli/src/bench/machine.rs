//! What the machine is.

use sysinfo::{CpuRefreshKind, RefreshKind, System};
use wgpool_testing::bench::Machine;

/// This machine.
pub fn machine() -> Machine {
    let system = System::new_with_specifics(RefreshKind::nothing().with_cpu(CpuRefreshKind::nothing()));
    let brand = system.cpus().first().map(|cpu| cpu.brand().split_whitespace().collect::<Vec<_>>().join(" "));
    Machine {
        cpu: brand.filter(|brand| !brand.is_empty()).unwrap_or_else(|| "unknown CPU".into()),
        os: System::long_os_version().unwrap_or_else(|| std::env::consts::OS.into()),
        arch: std::env::consts::ARCH,
    }
}
