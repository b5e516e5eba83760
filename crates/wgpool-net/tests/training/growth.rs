//! A thousand steps of training take no more memory than the first ones.

use wgpool::{Backend, Choice};
use wgpool_net::train::{Fit, Trainer, Wish};

use super::recompute::{batch, deep, settings};
use wgpool_net::train::{Dataset, Recompute};

/// Steps after which all is there that steps need.
const WARM: u64 = 200;
const STEPS: u64 = 1000;
/// KiB that the process may grow by in all of them.
const MOST: u64 = 1024;

/// KiB of this process that are in memory.
fn resident() -> u64 {
    let status =
        std::fs::read_to_string("/proc/self/status").expect("resident memory is known on Linux alone");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

fn grown(backend: &Backend, recompute: Recompute) -> u64 {
    let mut trainer = Trainer::new(backend, deep(), settings(recompute)).unwrap();
    let (x, y) = batch();
    let data = Dataset::new(&x, &y).unwrap();
    // Half of them by themselves, half several in flight.
    for _ in 0..WARM / 2 {
        trainer.step(&x, &y).unwrap();
    }
    let mut fit = |epochs: u64| {
        trainer.fit(&data, None, &Fit::epochs(epochs), |_| Wish::GoOn).unwrap();
    };
    fit(WARM / 2);
    let before = resident();
    fit(WARM / 2 + STEPS / 2);
    for _ in 0..STEPS / 2 {
        trainer.step(&x, &y).unwrap();
    }
    resident().saturating_sub(before)
}

/// Alone in its process: `cargo test --release -p wgpool-net --test training -- --ignored --exact growth::long`.
#[test]
#[ignore = "takes minutes, and memory is that of the whole process"]
fn long() {
    let Ok(opened) = Backend::open(&Choice::Software) else {
        println!("no software adapter: the growth of memory is measured on the host alone");
        assert!(grown(&Backend::Host, Recompute::Nothing) < MOST);
        return;
    };
    for backend in [Backend::Host, opened.backend] {
        for recompute in [Recompute::Nothing, Recompute::Segments(3)] {
            let grown = grown(&backend, recompute);
            println!("{}: +{grown} KiB in {STEPS} steps, {recompute:?}", backend.name());
            assert!(grown < MOST, "{grown} KiB on {}", backend.name());
        }
    }
}
