//! Text from outside, made safe to print.

use std::borrow::Cow;
use std::fmt::Write;

/// `text` with every character that would steer a terminal, break a line or reorder the text beside it written as an
/// escape sequence; all others stay, in whatever script.
///
/// Written out are control characters (as `\n`, `\r`, `\t`, or `\u001b`), line and paragraph separators, and the marks
/// that set the direction of text. Names of layers, cases, tensors, files and adapters go through here before they are
/// part of a table or an error. What is escaped once stays as it is, and text in a JSON document keeps its meaning.
///
/// ```
/// use wgpool::text::escaped;
/// assert_eq!(escaped("Größe 高さ"), "Größe 高さ");
/// assert_eq!(escaped("red\x1b[31m\nnext"), "red\\u001b[31m\\nnext");
/// ```
pub fn escaped(text: &str) -> Cow<'_, str> {
    if !text.contains(must_be_escaped) {
        return Cow::Borrowed(text);
    }
    let mut safe = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        match c {
            '\n' => safe.push_str("\\n"),
            '\r' => safe.push_str("\\r"),
            '\t' => safe.push_str("\\t"),
            // All of them are in the first plane, so that four digits are enough, as in JSON.
            _ if must_be_escaped(c) => {
                let _ = write!(safe, "\\u{:04x}", u32::from(c));
            }
            _ => safe.push(c),
        }
    }
    Cow::Owned(safe)
}

/// Whether a character moves the cursor, starts a control sequence, ends a line, or changes the direction of text.
fn must_be_escaped(c: char) -> bool {
    c.is_control()
        || matches!(
            c,
            '\u{61c}'
                | '\u{200e}'
                | '\u{200f}'
                | '\u{2028}'..='\u{202e}'
                | '\u{2066}'..='\u{206f}'
        )
}
