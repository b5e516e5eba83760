//! What a person sees: numbers, headings and progress.

use std::io::{self, IsTerminal, Write};
use std::path::PathBuf;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use wgpool::{Error, Result};

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

/// Writes a line to standard output.
pub fn line(out: &mut dyn Write, text: impl std::fmt::Display) -> Result<()> {
    writeln!(out, "{text}").map_err(stdout_error)
}

/// Writes an empty line and a heading, bold on a terminal that allows it.
pub fn heading(out: &mut dyn Write, text: &str) -> Result<()> {
    line(out, "")?;
    if io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none() {
        line(out, format_args!("\x1b[1m{text}\x1b[0m"))
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
    fn thousands_are_grouped() {
        assert_eq!(grouped(7), "7");
        assert_eq!(grouped(1_000), "1,000");
        assert_eq!(grouped(123_456), "123,456");
    }
}
