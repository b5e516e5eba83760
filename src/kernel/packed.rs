//! Kernels of elements that lie two to a word, from texts that read and write one at a time.
//!
//! Buffers of such elements become arrays of words, and what reads or writes an element calls a function that finds it in its
//! word. The other half of a word that is written may be another invocation's, so that it is written by atomics, which leave
//! that half alone; four elements are two words of their own.

use std::fmt::Write;

/// A buffer of elements.
struct Buffer<'a> {
    name: &'a str,
    /// Whether it is written.
    written: bool,
    /// Whether it is read and written by vectors of four.
    fours: bool,
}

/// The declaration up to the elements' type: `@group(0) @binding(1) var<storage, read> input: array<Word>;`.
fn buffer(line: &str, fours: bool) -> Option<Buffer<'_>> {
    let (access, declared) = line.split_once("var<storage, ")?.1.split_once("> ")?;
    let (name, elements) = declared.split_once(": array<")?;
    let fours = match elements.strip_suffix(">;")? {
        "Word" => false,
        "Elements" => fours,
        _ => return None,
    };
    Some(Buffer { name, written: access == "read_write", fours })
}

/// The text for elements that lie two to a word.
pub(super) fn text(text: &str) -> String {
    let fours = text.contains("alias Elements = vec4<Word>;");
    let (mut lines, mut functions) = (Vec::new(), String::new());
    let buffers: Vec<Buffer> = text.lines().filter_map(|line| buffer(line, fours)).collect();
    for line in text.lines() {
        match buffer(line, fours) {
            Some(buffer) => {
                let words = buffer.words();
                lines.push(line.replace("array<Word>", words).replace("array<Elements>", words));
                functions += &buffer.functions();
            }
            None => lines.push(buffers.iter().fold(line.to_owned(), |line, buffer| buffer.calls(&line))),
        }
    }
    lines.join("\n") + "\n" + &functions
}

impl Buffer<'_> {
    fn words(&self) -> &'static str {
        match (self.fours, self.written) {
            (true, _) => "array<vec2<u32>>",
            (false, true) => "array<atomic<u32>>",
            (false, false) => "array<u32>",
        }
    }

    /// The line with calls of the functions in place of elements.
    fn calls(&self, line: &str) -> String {
        let (name, open) = (self.name, format!("{}[", self.name));
        let mut text = String::new();
        let mut rest = line;
        while let Some(at) = rest.find(&open) {
            let (before, from) = (&rest[..at], &rest[at + open.len()..]);
            text += before;
            let is_longer = before.ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == '.');
            match end_of_index(from).filter(|_| !is_longer) {
                None => {
                    text += &open;
                    rest = from;
                }
                Some(end) => {
                    let (index, after) = (&from[..end], &from[end + 1..]);
                    rest = after;
                    if let Some(value) = after.strip_prefix(" = ").and_then(|v| v.strip_suffix(';')) {
                        let _ = write!(text, "store_{name}({}, {});", self.calls(index), self.calls(value));
                        rest = "";
                    } else {
                        let _ = write!(text, "load_{name}({})", self.calls(index));
                    }
                }
            }
        }
        text + rest
    }

    fn functions(&self) -> String {
        let Buffer { name, written, fours } = *self;
        let load = match (fours, written) {
            (true, _) => format!(
                "-> vec4<f32> {{
    let words = {name}[at];
    return vec4<f32>(widened(words.x, 0u), widened(words.x, 1u), widened(words.y, 0u), widened(words.y, 1u));"
            ),
            (false, true) => format!("-> f32 {{\n    return widened(atomicLoad(&{name}[at / 2u]), at % 2u);"),
            (false, false) => format!("-> f32 {{\n    return widened({name}[at / 2u], at % 2u);"),
        };
        let store = match fours {
            true => format!(
                "vec4<f32>) {{
    {name}[at] = vec2<u32>(
        narrowed(value.x) | (narrowed(value.y) << 16u),
        narrowed(value.z) | (narrowed(value.w) << 16u),
    );"
            ),
            false => format!(
                "f32) {{
    let shift = 16u * (at % 2u);
    atomicAnd(&{name}[at / 2u], ~(0xffffu << shift));
    atomicOr(&{name}[at / 2u], narrowed(value) << shift);"
            ),
        };
        let load = format!("\nfn load_{name}(at: u32) {load}\n}}\n");
        if written { load + &format!("\nfn store_{name}(at: u32, value: {store}\n}}\n") } else { load }
    }
}

/// Where the bracket is closed that was opened before.
fn end_of_index(text: &str) -> Option<usize> {
    let mut open = 1;
    text.bytes().position(|byte| {
        open += i32::from(byte == b'[') - i32::from(byte == b']');
        open == 0
    })
}
