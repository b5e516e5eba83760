//! Kernels of elements that lie several to a word, from texts that read and write one at a time.
//!
//! Buffers of such elements become arrays of words, and what reads or writes an element calls a function of `shaders/lib` that
//! finds it in its word. The rest of a word that is written may be other invocations', so that it is written by atomics, which
//! leave that alone; four elements are whole words.

use super::text::shader;

/// What stands for elements in a buffer's declaration, for vectors of four and for buffers that are written; the words that
/// take their place; and the functions that find an element in them.
const BUFFERS: [(bool, &str, &str, &str); 4] = [
    (false, "storage, read>", "array<u32>", shader!("lib/bf16_load.wgsl")),
    (false, "storage, read_write>", "array<atomic<u32>>", shader!("lib/bf16_store.wgsl")),
    (true, "storage, read>", "array<vec2<u32>>", shader!("lib/bf16_load_4.wgsl")),
    (true, "storage, read_write>", "array<vec2<u32>>", shader!("lib/bf16_store_4.wgsl")),
];

/// The text for elements that lie several to a word.
pub(super) fn text(text: &str) -> String {
    let vectors = text.contains("alias Elements = vec4<Word>;");
    let (mut declared, mut functions, mut names) = (String::new(), String::new(), Vec::new());
    for line in text.lines() {
        let Some((name, elements)) = elements(line) else {
            declared = declared + line + "\n";
            continue;
        };
        let fours = vectors && elements == "array<Elements>";
        let is_it =
            |(is_of_fours, access, ..): &&(_, &str, _, _)| *is_of_fours == fours && line.contains(access);
        if let Some((_, _, words, of_buffer)) = BUFFERS.iter().find(is_it) {
            declared = declared + &line.replace(elements, words) + "\n";
            functions += &of_buffer.replace("NAME", name);
            names.push(name);
        }
    }
    let lines =
        declared.lines().map(|line| names.iter().fold(line.to_owned(), |line, name| calls(name, &line)));
    lines.collect::<Vec<_>>().join("\n") + "\n" + &functions
}

/// The name and the type of a buffer of elements: of `@group(0) @binding(1) var<storage, read> input: array<Word>;`.
fn elements(line: &str) -> Option<(&str, &str)> {
    let (name, elements) = line.split_once("var<storage, ")?.1.split_once("> ")?.1.split_once(": ")?;
    let elements = elements.strip_suffix(';')?;
    matches!(elements, "array<Word>" | "array<Elements>").then_some((name, elements))
}

/// The line with calls of the functions in place of a buffer's elements.
fn calls(name: &str, line: &str) -> String {
    let is_name = |c: char| c.is_alphanumeric() || c == '_' || c == '.';
    let open = format!("{name}[");
    let Some((at, _)) = line.match_indices(&open).find(|(at, _)| !line[..*at].ends_with(is_name)) else {
        return line.to_owned();
    };
    let (before, rest) = (&line[..at], &line[at + open.len()..]);
    let Some(end) = end_of_index(rest) else { return line.to_owned() };
    let (index, after) = (calls(name, &rest[..end]), &rest[end + 1..]);
    match after.strip_prefix(" = ").and_then(|value| value.strip_suffix(';')) {
        Some(value) => format!("{before}store_{name}({index}, {});", calls(name, value)),
        None => format!("{before}load_{name}({index}){}", calls(name, after)),
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
