//! Randomness as a function: the same key gives the same numbers on every machine and thread.
//!
//! The generator is Philox 4x32-10 (Salmon et al., 2011). It stands here and not in a dependency because its
//! bits are part of every run's digest: they may not change under a dependency's update.

/// Names one stream of random numbers; made by folding coordinates (seed, stage, epoch, sample, ...) together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Key(u64);

// Numbers, numbered keys and named keys come from different counters, so that none repeats another's bits.
const NUMBERS: u32 = 0;
const INDICES: u32 = 1;
const NAMES: u32 = 2;

impl Key {
    /// The key of a seed.
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The key of coordinate `index` below this one.
    #[must_use]
    pub fn fold(self, index: u64) -> Self {
        self.derive(index, INDICES)
    }

    /// The key of a named coordinate below this one.
    #[must_use]
    pub fn named(self, name: &str) -> Self {
        name.bytes()
            .fold(self.derive(name.len() as u64, NAMES), |key, byte| key.derive(u64::from(byte), NAMES))
    }

    /// The random numbers of this key, from the first.
    pub fn rng(self) -> Rng {
        self.rng_from(0)
    }

    /// The random numbers of this key without its first `words` words: the same ones, so that threads can share them.
    pub fn rng_from(self, words: u64) -> Rng {
        let mut rng = Rng { key: self.halves(), block: words / 4, words: [0; 4], used: 4 };
        (0..words % 4).for_each(|_| _ = rng.bits());
        rng
    }

    /// The key as a number, to hand it over or store it.
    pub const fn bits(self) -> u64 {
        self.0
    }

    fn derive(self, index: u64, purpose: u32) -> Self {
        let [a, b, ..] = philox([index as u32, (index >> 32) as u32, 0, purpose], self.halves());
        Self(u64::from(a) | u64::from(b) << 32)
    }

    fn halves(self) -> [u32; 2] {
        [self.0 as u32, (self.0 >> 32) as u32]
    }
}

/// The random numbers of one [`Key`], in order.
#[derive(Clone, Debug)]
pub struct Rng {
    key: [u32; 2],
    block: u64,
    words: [u32; 4],
    used: usize,
}

impl Rng {
    /// The next 32 random bits.
    pub fn bits(&mut self) -> u32 {
        if self.used == 4 {
            self.words = philox([self.block as u32, (self.block >> 32) as u32, 0, NUMBERS], self.key);
            self.block += 1;
            self.used = 0;
        }
        self.used += 1;
        self.words[self.used - 1]
    }

    /// The next words of [`Self::bits`], many at once, which takes a fraction of the time.
    ///
    /// It is compiled into its caller, and so for the instruction set of a caller that dispatches on it.
    #[inline(always)]
    pub fn fill(&mut self, words: &mut [u32]) {
        let begun = (4 - self.used).min(words.len());
        let (begun, words) = words.split_at_mut(begun);
        begun.iter_mut().for_each(|word| *word = self.bits());
        let mut groups = words.chunks_exact_mut(4 * LANES);
        for group in &mut groups {
            let blocks = std::array::from_fn(|lane| self.block + lane as u64);
            let lanes = philox_lanes(blocks, self.key);
            for (lane, block) in group.chunks_exact_mut(4).enumerate() {
                block.iter_mut().zip(&lanes).for_each(|(word, values)| *word = values[lane]);
            }
            self.block += LANES as u64;
        }
        groups.into_remainder().iter_mut().for_each(|word| *word = self.bits());
    }

    /// A number in [0, 1).
    pub fn uniform(&mut self) -> f32 {
        (self.bits() >> 8) as f32 / (1 << 24) as f32
    }

    /// A number in [low, high).
    pub fn range(&mut self, low: f32, high: f32) -> f32 {
        low + (high - low) * self.uniform()
    }

    /// A whole number below `n`, each equally likely; 0 where `n` is 0.
    pub fn below(&mut self, n: usize) -> usize {
        let wide = u64::from(self.bits()) << 32 | u64::from(self.bits());
        ((u128::from(wide) * n as u128) >> 64) as usize
    }

    /// True with probability `p`.
    pub fn chance(&mut self, p: f32) -> bool {
        self.uniform() < p
    }

    /// A number from the standard normal distribution (Box-Muller).
    pub fn normal(&mut self) -> f32 {
        let radius = (-2.0 * (1.0 - f64::from(self.uniform())).ln()).sqrt();
        (radius * (std::f64::consts::TAU * f64::from(self.uniform())).cos()) as f32
    }

    /// Brings `items` into random order.
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for i in (1..items.len()).rev() {
            items.swap(i, self.below(i + 1));
        }
    }
}

fn philox(mut counter: [u32; 4], mut key: [u32; 2]) -> [u32; 4] {
    let multiply = |a: u32, b: u32| {
        let product = u64::from(a) * u64::from(b);
        ((product >> 32) as u32, product as u32)
    };
    for _ in 0..10 {
        let (high0, low0) = multiply(0xD251_1F53, counter[0]);
        let (high1, low1) = multiply(0xCD9E_8D57, counter[2]);
        counter = [high1 ^ counter[1] ^ key[0], low1, high0 ^ counter[3] ^ key[1], low0];
        key = [key[0].wrapping_add(0x9E37_79B9), key[1].wrapping_add(0xBB67_AE85)];
    }
    counter
}

const LANES: usize = 16;

/// [`philox`] of several numbered blocks side by side, so that the compiler uses the machine's vectors.
#[inline(always)]
fn philox_lanes(blocks: [u64; LANES], mut key: [u32; 2]) -> [[u32; LANES]; 4] {
    let mut counter =
        [blocks.map(|b| b as u32), blocks.map(|b| (b >> 32) as u32), [0; LANES], [NUMBERS; LANES]];
    for _ in 0..10 {
        let [c0, c1, c2, c3] = &mut counter;
        for lane in 0..LANES {
            let product0 = u64::from(c0[lane]) * 0xD251_1F53;
            let product1 = u64::from(c2[lane]) * 0xCD9E_8D57;
            c0[lane] = (product1 >> 32) as u32 ^ c1[lane] ^ key[0];
            c1[lane] = product1 as u32;
            c2[lane] = (product0 >> 32) as u32 ^ c3[lane] ^ key[1];
            c3[lane] = product0 as u32;
        }
        key = [key[0].wrapping_add(0x9E37_79B9), key[1].wrapping_add(0xBB67_AE85)];
    }
    counter
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_words_at_once_are_the_same_words() {
        let key = Key::new(5);
        let mut one_by_one = key.rng();
        let expected: Vec<u32> = (0..500).map(|_| one_by_one.bits()).collect();
        for (first, second) in [(0, 500), (3, 497), (4, 200), (130, 64), (1, 2)] {
            let mut rng = key.rng();
            let mut words = vec![0; first + second];
            rng.fill(&mut words[..first]);
            rng.fill(&mut words[first..]);
            assert_eq!(words, expected[..first + second], "{first} and {second}");
            assert_eq!(rng.bits(), one_by_one_from(key, first + second));
        }
    }

    fn one_by_one_from(key: Key, skipped: usize) -> u32 {
        let mut rng = key.rng();
        (0..skipped).for_each(|_| _ = rng.bits());
        rng.bits()
    }

    #[test]
    fn numbers_can_be_begun_anywhere() {
        let key = Key::new(6);
        for skipped in [0, 1, 3, 4, 5, 403] {
            assert_eq!(key.rng_from(skipped as u64).bits(), one_by_one_from(key, skipped), "{skipped}");
        }
    }

    #[test]
    fn philox_gives_the_published_answers() {
        assert_eq!(philox([0; 4], [0; 2]), [0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8]);
        assert_eq!(
            philox([u32::MAX; 4], [u32::MAX; 2]),
            [0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd]
        );
    }

    #[test]
    fn keys_of_different_coordinates_differ() {
        let root = Key::new(0);
        let mut keys: Vec<u64> = (0..1000).map(|i| root.fold(i).bits()).collect();
        keys.extend((0..1000).map(|i| root.fold(7).fold(i).bits()));
        keys.extend(["order", "redro", ""].map(|n| root.named(n).bits()));
        let count = keys.len();
        keys.sort_unstable();
        keys.dedup();
        assert_eq!(keys.len(), count);
    }

    #[test]
    fn moments_are_those_of_the_distribution() {
        let mut rng = Key::new(1).rng();
        let n = 100_000;
        let normals: Vec<f64> = (0..n).map(|_| f64::from(rng.normal())).collect();
        let mean = normals.iter().sum::<f64>() / f64::from(n);
        let variance = normals.iter().map(|x| x * x).sum::<f64>() / f64::from(n);
        assert!(mean.abs() < 0.01 && (variance - 1.0).abs() < 0.02, "{mean} {variance}");
    }
}
