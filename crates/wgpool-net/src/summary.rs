//! The table that Keras' `model.summary()` prints.

use super::layer::Layer;
use super::sequential::{Parameters, Sequential};
use wgpool::error::Result;
use wgpool::text::escaped;

/// Inner widths of the columns on a terminal of 80 columns, as Keras computes them.
const WIDTHS: [usize; 3] = [33, 24, 15];

impl Sequential {
    /// The summary that Keras prints of the model: its layers, their output shapes and their parameters.
    ///
    /// # Errors
    /// Those of [`Sequential::output_shapes`].
    pub fn summary(&self) -> Result<String> {
        let shapes = self.output_shapes()?;
        let mut text = format!("Model: \"{}\"\n", escaped(&self.name));
        rule(&mut text, ["┏", "━", "┳", "┓"]);
        row(&mut text, "┃", &["Layer (type)".into(), "Output Shape".into(), "Param #".into()]);
        rule(&mut text, ["┡", "━", "╇", "┩"]);
        for (i, (layer, shape)) in self.layers.iter().zip(&shapes).enumerate() {
            if i > 0 {
                rule(&mut text, ["├", "─", "┼", "┤"]);
            }
            row(&mut text, "│", &cells(layer, shape));
        }
        rule(&mut text, ["└", "─", "┴", "┘"]);
        let Parameters { trainable, non_trainable } = self.parameters();
        let total = self.parameters().total();
        for (what, count) in [("Total", total), ("Trainable", trainable), ("Non-trainable", non_trainable)] {
            text += &format!(" {what} params: {} ({})\n", thousands(count), memory(count));
        }
        Ok(text)
    }
}

fn cells(layer: &Layer, shape: &[usize]) -> [String; 3] {
    let lengths: String = shape.iter().map(|n| format!(", {n}")).collect();
    let shape = if shape.is_empty() { "(None,)".to_owned() } else { format!("(None{lengths})") };
    [
        format!("{} ({})", escaped(&layer.name), escaped(&layer.class)),
        shape,
        thousands(layer.parameters().total()),
    ]
}

fn rule(text: &mut String, [left, line, cross, right]: [&str; 4]) {
    text.push_str(left);
    text.push_str(&WIDTHS.map(|w| line.repeat(w)).join(cross));
    text.push_str(right);
    text.push('\n');
}

fn row(text: &mut String, bar: &str, cells: &[String; 3]) {
    let lines: Vec<Vec<String>> = cells.iter().zip(WIDTHS).map(|(cell, w)| wrap(cell, w - 2)).collect();
    let height = lines.iter().map(Vec::len).max().unwrap_or(0);
    for line in 0..height {
        for (column, (cell, width)) in lines.iter().zip(WIDTHS).enumerate() {
            let part = cell.get(line).map_or("", String::as_str);
            let blank = " ".repeat((width - 2).saturating_sub(part.chars().count()));
            let (left, right) = if column == 2 { (blank.as_str(), "") } else { ("", blank.as_str()) };
            text.push_str(&format!("{bar} {left}{part}{right} "));
        }
        text.push_str(bar);
        text.push('\n');
    }
}

/// Breaks a cell at blanks, and words that are wider than it anywhere.
fn wrap(cell: &str, width: usize) -> Vec<String> {
    let mut lines = vec![];
    let mut line: Vec<char> = vec![];
    for word in cell.split(' ') {
        let word: Vec<char> = word.chars().collect();
        if !line.is_empty() && line.len() + 1 + word.len() > width {
            lines.push(String::from_iter(std::mem::take(&mut line)));
        } else if !line.is_empty() {
            line.push(' ');
        }
        for c in word {
            if line.len() == width {
                lines.push(String::from_iter(std::mem::take(&mut line)));
            }
            line.push(c);
        }
    }
    lines.push(String::from_iter(line));
    lines
}

/// `1234567` as `1,234,567`.
fn thousands(n: u64) -> String {
    let digits = n.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// The memory of so many 32-bit floats, as Keras writes it.
fn memory(parameters: u64) -> String {
    let mut size = parameters as f64 * 4.0;
    let units = ["B", "KB", "MB", "GB", "TB"];
    for unit in units {
        if size < 1024.0 {
            return format!("{size:.2} {unit}");
        }
        size /= 1024.0;
    }
    format!("{size:.2} PB")
}
