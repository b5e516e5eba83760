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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_steers_a_terminal_is_written_out() {
        let controls = (0..0x20).chain(0x7f..0xa0).chain(0x2028..0x202f).chain(0x2066..0x2070);
        for code in controls.chain([0x61c, 0x200e, 0x200f]) {
            let text = format!("a{}b", char::from_u32(code).expect("a character"));
            let safe = escaped(&text);
            assert!(safe.starts_with("a\\") && safe.ends_with('b') && safe.len() >= 4, "{code:x}: {safe}");
            assert_eq!(escaped(&safe), safe, "once is enough");
            if code >= 0x20 {
                let json: String = serde_json::from_str(&format!("\"{safe}\"")).expect("JSON");
                assert_eq!(json, text);
            }
        }
    }

    #[test]
    fn what_people_write_stays() {
        for text in ["", "conv2d_1", "C:\\new\\table", "Füße", "卷积层", "שכבה", "👩‍💻", "a b", "·░▒▓█┃"]
        {
            assert!(matches!(escaped(text), Cow::Borrowed(same) if same == text), "{text}");
        }
    }
}
