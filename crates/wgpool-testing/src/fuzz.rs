//! What fuzz runs share: how many inputs, how they are garbled, and how much memory a call took.

// A test that cannot go on fails.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::time::Instant;

use crate::verify::random::Rng;

/// The most bytes that may be allocated at once for documents of `n` bytes together.
///
/// A JSON value takes tens of times its text in memory; everything else takes less.
pub fn bound(n: usize) -> usize {
    (1 << 20) + 128 * n
}

/// The number of inputs of a target: `WGPOOL_FUZZ` if it is set.
pub fn count(default: usize) -> usize {
    match std::env::var("WGPOOL_FUZZ") {
        Ok(count) => count.parse().expect("WGPOOL_FUZZ is the number of inputs of each target"),
        Err(_) => default,
    }
}

/// What a target did, printed when it is through.
pub struct Tally {
    name: &'static str,
    start: Instant,
    /// Inputs so far.
    pub inputs: usize,
    /// Those that were accepted.
    pub accepted: usize,
    /// The most bytes allocated at once for one input.
    pub worst: usize,
}

impl Tally {
    /// Of the target of this name, of which nothing has run yet.
    pub fn new(name: &'static str) -> Tally {
        Tally { name, start: Instant::now(), inputs: 0, accepted: 0, worst: 0 }
    }

    /// Counts one input of `n` bytes: calls `parse` on it and checks what it allocated.
    pub fn add<T, E>(&mut self, n: usize, most: usize, parse: impl FnOnce() -> Result<T, E>) -> Option<T> {
        let number = self.inputs;
        let (result, peak) = peak(parse);
        assert!(peak <= most, "{}: input {number} of {n} bytes took {peak} bytes, not {most}", self.name);
        self.inputs += 1;
        self.worst = self.worst.max(peak);
        self.accepted += usize::from(result.is_ok());
        result.ok()
    }
}

impl Drop for Tally {
    fn drop(&mut self) {
        println!(
            "{}: {} inputs, {} accepted, at most {} KiB at once, {:.1} s",
            self.name,
            self.inputs,
            self.accepted,
            self.worst / 1024,
            self.start.elapsed().as_secs_f64()
        );
    }
}

/// The system's allocator, with a count of each thread's bytes.
pub struct Counting;

thread_local! {
    static LIVE: Cell<isize> = const { Cell::new(0) };
    static PEAK: Cell<isize> = const { Cell::new(0) };
}

fn change(by: isize) {
    // Cells without destructors: reading them neither allocates nor fails, and at a thread's end it is skipped.
    let _ = LIVE.try_with(|live| {
        live.set(live.get() + by);
        let _ = PEAK.try_with(|peak| peak.set(peak.get().max(live.get())));
    });
}

/// The bytes that this thread has allocated, less those that it has freed.
pub fn live() -> isize {
    LIVE.get()
}

/// What `f` returns, and the most bytes that this thread had allocated at once beyond those it had before.
pub fn peak<T>(f: impl FnOnce() -> T) -> (T, usize) {
    let before = LIVE.get();
    PEAK.set(before);
    let result = f();
    (result, (PEAK.get() - before).max(0) as usize)
}

// SAFETY: every call goes to the system's allocator unchanged, whose promises are those of this one; counting
// neither allocates nor unwinds.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        change(layout.size() as isize);
        // SAFETY: the caller's promises are passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        change(layout.size() as isize);
        // SAFETY: the caller's promises are passed on.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        change(-(layout.size() as isize));
        // SAFETY: the caller's promises are passed on.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // Both are there for a moment.
        change(size as isize);
        change(-(layout.size() as isize));
        // SAFETY: the caller's promises are passed on.
        unsafe { System.realloc(pointer, layout, size) }
    }
}

/// One of several.
pub fn pick<'a, T>(rng: &mut Rng, of: &'a [T]) -> &'a T {
    &of[rng.between(0, of.len() - 1)]
}

/// A number at which sizes, counts and signs turn over.
pub fn extreme(rng: &mut Rng) -> u64 {
    match rng.between(0, 3) {
        0 => (1u64 << rng.between(0, 63)).wrapping_add(rng.between(0, 4) as u64).wrapping_sub(2),
        1 => u64::MAX >> rng.between(0, 63),
        2 => rng.next_u64() >> rng.between(0, 63),
        _ => *pick(rng, &[0, 1, 2, 3, 127, 128, 255, 256, 65535, 65536, 0x7fff_ffff, 0x8000_0000]),
    }
}

/// `seed` with one to eight edits; half of them near the start, where headers are.
pub fn garble(rng: &mut Rng, seed: &[u8], other: &[u8]) -> Vec<u8> {
    let mut bytes = seed.to_vec();
    for _ in 0..1 << rng.between(0, 3) {
        let last = if rng.one_in(2) { bytes.len().min(256) } else { bytes.len() };
        let at = rng.between(0, last);
        let most = 1 << rng.between(0, 8);
        let end = (at + rng.between(0, most)).min(bytes.len());
        match rng.between(0, 8) {
            0 | 1 if at < bytes.len() => bytes[at] ^= 1 << rng.between(0, 7),
            2 if at < bytes.len() => bytes[at] = *pick(rng, b"\0\x01\x7f\x80\xff \"'0129-.,:[](){}eE<|\\\n"),
            3 if at + 8 <= bytes.len() => {
                bytes[at..at + 8].copy_from_slice(&extreme(rng).to_le_bytes());
            }
            4 => bytes.truncate(at),
            5 => drop(bytes.drain(at..end)),
            6 => {
                let again = bytes[at..end].to_vec();
                bytes.splice(at..at, again);
            }
            7 if !other.is_empty() => {
                let from = rng.between(0, other.len() - 1);
                let to = (from + rng.between(1, 64)).min(other.len());
                bytes.splice(at..end, other[from..to].iter().copied());
            }
            _ => {
                let more: Vec<u8> = (0..rng.between(1, 8)).map(|_| rng.next_u64() as u8).collect();
                bytes.splice(at..at, more);
            }
        }
    }
    bytes
}

/// The tokens of a text: words and numbers, strings, single signs, and the spaces between them.
pub fn tokens(text: &str) -> Vec<&str> {
    let mut tokens = vec![];
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let word = |c: char| c.is_alphanumeric() || "+-._".contains(c);
        let length = match first {
            '"' | '\'' => rest[1..].find(first).map_or(rest.len(), |n| n + 2),
            c if word(c) => rest.find(|c| !word(c)).unwrap_or(rest.len()),
            c => c.len_utf8(),
        };
        let (token, behind) = rest.split_at(length);
        tokens.push(token);
        rest = behind;
    }
    tokens
}

/// A text of a document's tokens with one to four edits that mostly leave its form alone.
pub fn reword(rng: &mut Rng, tokens: &[&str]) -> String {
    let mut tokens: Vec<String> = tokens.iter().map(|t| (*t).to_owned()).collect();
    let is_value = |t: &String| {
        t.starts_with(|c: char| c.is_ascii_digit() || c == '-')
            || ["true", "false", "null", "True", "False"].contains(&t.as_str())
    };
    for _ in 0..rng.between(1, 4) {
        if tokens.is_empty() {
            break;
        }
        let mut at = rng.between(0, tokens.len() - 1);
        let values_only = rng.one_in(2);
        if values_only {
            // The next number or truth value from there.
            at = (at..tokens.len()).find(|&i| is_value(&tokens[i])).unwrap_or(at);
        }
        let most = 1 << rng.between(0, 6);
        let end = (at + rng.between(1, most)).min(tokens.len());
        match rng.between(0, 9) {
            0..=2 => tokens[at] = extreme(rng).to_string(),
            3 => {
                let odd = [
                    "-1",
                    "0",
                    "null",
                    "true",
                    "false",
                    "1e400",
                    "-0.0",
                    "1e308",
                    "0.5",
                    "\"\"",
                    "[]",
                    "{}",
                    "[1,1]",
                    "[0]",
                    "[-1,2]",
                    "18446744073709551616",
                    "-9223372036854775808",
                    "\"\\ud800\"",
                ];
                tokens[at] = (*pick(rng, &odd)).to_owned();
            }
            4 | 5 => tokens[at] = pick(rng, &tokens).clone(),
            6 => drop(tokens.drain(at..end)),
            7 => {
                let again = tokens[at..end].to_vec();
                tokens.splice(at..at, again);
            }
            8 => {
                let with = rng.between(0, tokens.len() - 1);
                tokens.swap(at, with);
            }
            _ => {
                let depth = 1 << rng.between(0, 11);
                tokens[at] = (*pick(rng, &["[", "(", "{\"a\":", "[[],"])).repeat(depth);
            }
        }
    }
    tokens.concat()
}

/// The JSON at the start of safetensors.
pub fn header(file: &[u8]) -> &str {
    let length = u64::from_le_bytes(file[..8].try_into().unwrap()) as usize;
    std::str::from_utf8(&file[8..8 + length]).unwrap()
}

/// Safetensors with a changed header, whose length is given rightly.
pub fn with_header(rng: &mut Rng, file: &[u8], tokens: &[&str]) -> Vec<u8> {
    let json = reword(rng, tokens);
    let data = &file[8 + header(file).len()..];
    [&(json.len() as u64).to_le_bytes(), json.as_bytes(), data].concat()
}
