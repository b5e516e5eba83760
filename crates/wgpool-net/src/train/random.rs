//! Random numbers of a seed: the same on every machine.

/// SplitMix64 (Steele, Lea and Flood, 2014), as its authors give it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Random(u64);

fn mixed(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

impl Random {
    /// A stream of a seed: those of other numbers are others.
    pub fn new(seed: u64, stream: [u64; 2]) -> Random {
        let all = [seed, stream[0], stream[1]];
        Random(all.into_iter().fold(0, |state, word| mixed(state.wrapping_add(GOLDEN) ^ mixed(word))))
    }

    /// A stream of a seed and a name.
    pub fn named(seed: u64, name: &str) -> Random {
        // FNV-1a.
        let hash = name.bytes().fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
        Random::new(seed, [u64::MAX, hash])
    }

    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(GOLDEN);
        mixed(self.0)
    }

    /// From 0 to less than 1, of 53 bits.
    pub fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// From 0 to less than `n`, all as likely (Lemire, 2019).
    pub fn below(&mut self, n: u64) -> u64 {
        loop {
            let wide = u128::from(self.next()) * u128::from(n.max(1));
            // Those that would make some numbers likelier are drawn again.
            if wide as u64 >= n.wrapping_neg() % n.max(1) {
                return (wide >> 64) as u64;
            }
        }
    }

    /// Of a normal distribution (Box and Muller, 1958), in 64 bits.
    pub fn normal(&mut self) -> f64 {
        let unit = |word: u64| ((word >> 11) as f64 + 0.5) / (1u64 << 53) as f64;
        let (a, b) = (unit(self.next()), unit(self.next()));
        (-2.0 * a.ln()).sqrt() * (std::f64::consts::TAU * b).cos()
    }

    /// The numbers below `n` in an order of their own (Fisher and Yates).
    pub fn order(&mut self, n: usize) -> Vec<usize> {
        let mut order: Vec<usize> = (0..n).collect();
        for at in (1..n).rev() {
            order.swap(at, self.below(at as u64 + 1) as usize);
        }
        order
    }
}

const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_those_of_the_authors() {
        let mut random = Random(1234567);
        let first: Vec<u64> = (0..3).map(|_| random.next()).collect();
        assert_eq!(first, [6457827717110365317, 3203168211198807973, 9817491932198370423]);
    }

    #[test]
    fn orders_have_each_number_once() {
        let mut order = Random::new(1, [2, 3]).order(100);
        assert_ne!(order, Random::new(1, [2, 4]).order(100));
        assert!(!order.is_sorted());
        order.sort_unstable();
        assert!(order.into_iter().eq(0..100));
    }

    #[test]
    fn means_are_where_they_should_be() {
        let mut random = Random::named(7, "conv/kernel");
        let n = 100_000;
        let mean = |values: Vec<f64>| values.iter().sum::<f64>() / values.len() as f64;
        assert!((mean((0..n).map(|_| random.unit()).collect()) - 0.5).abs() < 5e-3);
        assert!(mean((0..n).map(|_| random.normal()).collect()).abs() < 2e-2);
        assert!((mean((0..n).map(|_| random.normal().powi(2)).collect()) - 1.0).abs() < 3e-2);
    }
}
