//! What a person sees: numbers, headings and progress.

use std::io::{self, IsTerminal, Write};
use std::path::PathBuf;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use wgpool::text::escaped;
use wgpool::{Error, Result, TensorDesc};

/// The name of standard output in errors.
const STDOUT: &str = "standard output";

/// An error of writing to standard output.
pub fn stdout_error(source: io::Error) -> Error {
    Error::File { path: PathBuf::from(STDOUT), source }
}

/// Whether standard output was closed by its reader, as `head` does.
pub fn is_closed_pipe(error: &Error) -> bool {
    match error {
        Error::File { path, source } => {
            path.as_os_str() == STDOUT && source.kind() == io::ErrorKind::BrokenPipe
        }
        _ => false,
    }
}

/// Writes a line to standard output, [`escaped`]: whatever it quotes, it stays one line and steers no terminal.
pub fn line(out: &mut dyn Write, text: impl std::fmt::Display) -> Result<()> {
    writeln!(out, "{}", escaped(&text.to_string())).map_err(stdout_error)
}

/// Writes text of several lines, each of them as [`line`] does.
pub fn block(out: &mut dyn Write, text: impl std::fmt::Display) -> Result<()> {
    text.to_string().split('\n').try_for_each(|row| line(out, row))
}

/// Writes an empty line and a heading, bold on a terminal that allows it.
pub fn heading(out: &mut dyn Write, text: &str) -> Result<()> {
    line(out, "")?;
    if io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none() {
        writeln!(out, "\x1b[1m{}\x1b[0m", escaped(text)).map_err(stdout_error)
    } else {
        line(out, text)
    }
}

/// A number with commas between thousands.
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A duration with three significant digits or so.
pub fn duration(time: Duration) -> String {
    let seconds = time.as_secs_f64();
    if seconds < 1e-3 {
        format!("{:.0} us", seconds * 1e6)
    } else if seconds < 1.0 {
        format!("{:.1} ms", seconds * 1e3)
    } else {
        format!("{seconds:.2} s")
    }
}

/// Writes columns, the first `left` and the last of them aligned to the left.
pub fn aligned<const N: usize>(rows: &[[String; N]], left: usize, out: &mut dyn Write) -> Result<()> {
    let width = |i: usize| rows.iter().map(|row| row[i].chars().count()).max().unwrap_or(0);
    let widths: [usize; N] = std::array::from_fn(width);
    for row in rows {
        let mut text = String::new();
        for (i, (cell, &width)) in row.iter().zip(&widths).enumerate() {
            let gap = if i == 0 { "" } else { "  " };
            match i < left || (i + 1 == N && N > 5) {
                true => text.push_str(&format!("{gap}{cell:width$}")),
                false => text.push_str(&format!("{gap}{cell:>width$}")),
            }
        }
        line(out, text.trim_end())?;
    }
    Ok(())
}

/// Seconds as milliseconds with three significant digits.
pub fn ms(seconds: f64) -> String {
    number(seconds * 1e3)
}

/// Three significant digits.
pub fn number(value: f64) -> String {
    let digits = match value.abs() {
        v if v >= 99.95 => 0,
        v if v >= 9.995 => 1,
        v if v >= 0.9995 => 2,
        v if v >= 0.09995 => 3,
        _ => 4,
    };
    format!("{value:.digits$}")
}

/// `1x64x56x56 64x64x3x3`.
pub fn shapes(descs: &[TensorDesc]) -> String {
    let one = |desc: &TensorDesc| desc.shape.iter().map(usize::to_string).collect::<Vec<_>>().join("x");
    descs.iter().map(one).collect::<Vec<_>>().join(" ")
}

/// At most so many characters of a text, escaped.
pub fn short(text: &str, most: usize) -> String {
    let text = escaped(text);
    match text.char_indices().nth(most) {
        Some(_) => text.chars().take(most - 1).chain(['…']).collect(),
        None => text.into_owned(),
    }
}

/// One line on stderr, about what goes on all the same.
pub fn note(text: &str) {
    // Where stderr itself is closed there is nobody left to tell.
    let _ = writeln!(io::stderr(), "wgpool: {}", escaped(text));
}

/// A progress bar on stderr, which shows itself on a terminal only and vanishes when it ends.
pub fn progress(steps: usize, what: &str) -> ProgressBar {
    let bar = ProgressBar::new(steps as u64);
    if let Ok(style) = ProgressStyle::with_template("{msg} {bar:40} {pos}/{len} ({eta} left)") {
        bar.set_style(style);
    }
    bar.set_message(what.to_owned());
    bar
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_quoted_steers_no_terminal() {
        let mut out = Vec::new();
        line(&mut out, "a\x1b[2J\nb").expect("written");
        block(&mut out, "c\u{9b}2J\nd\u{202e}").expect("written");
        heading(&mut out, "e\x07").expect("written");
        assert_eq!(
            String::from_utf8(out).as_deref(),
            Ok("a\\u001b[2J\\nb\nc\\u009b2J\nd\\u202e\n\ne\\u0007\n")
        );
    }

    #[test]
    fn long_names_are_cut() {
        assert_eq!(short("conv", 4), "conv");
        assert_eq!(short("convolution", 4), "con…");
    }

    #[test]
    fn thousands_are_grouped() {
        assert_eq!(grouped(7), "7");
        assert_eq!(grouped(1_000), "1,000");
        assert_eq!(grouped(123_456), "123,456");
    }
}
