//! The table that Keras' `model.summary()` prints.

use super::layer::{Input, Layer, Model, Origin};
use super::model::Parameters;
use wgpool::error::Result;
use wgpool::text::escaped;

/// Inner widths of the columns on a terminal of 80 columns, as Keras computes them: of a row of layers, and of branches.
const OF_ROW: &[usize] = &[33, 24, 15];
const OF_BRANCHES: &[usize] = &[21, 19, 12, 19];

impl Model {
    /// The summary that Keras prints of the model: its layers, their output shapes and their parameters, and what they read
    /// where there are branches.
    ///
    /// # Errors
    /// Those of [`Model::output_shapes`].
    pub fn summary(&self) -> Result<String> {
        let is_row = self.is_row();
        let widths = if is_row { OF_ROW } else { OF_BRANCHES };
        let headings = ["Layer (type)", "Output Shape", "Param #", "Connected to"].map(str::to_owned);
        let mut text = format!("Model: \"{}\"\n", escaped(&self.name));
        rule(&mut text, widths, ["┏", "━", "┳", "┓"]);
        row(&mut text, widths, "┃", &headings);
        rule(&mut text, widths, ["┡", "━", "╇", "┩"]);
        let mut rows = Vec::new();
        for (i, (layer, shapes)) in self.layers.iter().zip(self.all_output_shapes()?).enumerate() {
            rows.extend(self.inputs.iter().filter(|input| input.place == i && !is_row).map(input_cells));
            rows.push(self.cells(i, layer, &shapes));
        }
        let last = self.layers.len();
        rows.extend(self.inputs.iter().filter(|input| input.place >= last && !is_row).map(input_cells));
        for (i, cells) in rows.iter().enumerate() {
            if i > 0 {
                rule(&mut text, widths, ["├", "─", "┼", "┤"]);
            }
            row(&mut text, widths, "│", cells);
        }
        rule(&mut text, widths, ["└", "─", "┴", "┘"]);
        let Parameters { trainable, non_trainable } = self.parameters();
        let total = self.parameters().total();
        for (what, count) in [("Total", total), ("Trainable", trainable), ("Non-trainable", non_trainable)] {
            text += &format!(" {what} params: {} ({})\n", thousands(count), memory(count));
        }
        Ok(text)
    }

    fn cells(&self, at: usize, layer: &Layer, shapes: &[Vec<usize>]) -> [String; 4] {
        let shapes: Vec<String> = shapes.iter().map(|shape| shape_text(shape)).collect();
        let read = self.calls.iter().filter(|call| call.layer == at).flat_map(|call| &call.inputs);
        let read: Vec<String> = read.map(|origin| self.origin_text(origin)).collect();
        [
            format!("{} ({})", escaped(&layer.name), escaped(&layer.class)),
            if let [shape] = shapes.as_slice() { shape.clone() } else { format!("[{}]", shapes.join(", ")) },
            thousands(layer.parameters().total()),
            if read.is_empty() { "-".to_owned() } else { read.join(", ") },
        ]
    }

    /// The layer that made a tensor, in which of its calls, as which output.
    fn origin_text(&self, origin: &Origin) -> String {
        match *origin {
            Origin::Input(input) => {
                let name = self.inputs.get(input).map_or("", |input| &input.name);
                format!("{}[0][0]", escaped(name))
            }
            Origin::Call { call, output } => {
                let layer = self.calls.get(call).map_or(usize::MAX, |call| call.layer);
                let before = self.calls.iter().take(call).filter(|call| call.layer == layer).count();
                let name = self.layers.get(layer).map_or("", |layer| &layer.name);
                format!("{}[{before}][{output}]", escaped(name))
            }
        }
    }
}

fn input_cells(input: &Input) -> [String; 4] {
    let name = format!("{} (InputLayer)", escaped(&input.name));
    [name, shape_text(&input.shape), "0".to_owned(), "-".to_owned()]
}

fn shape_text(shape: &[usize]) -> String {
    let lengths: String = shape.iter().map(|n| format!(", {n}")).collect();
    if shape.is_empty() { "(None,)".to_owned() } else { format!("(None{lengths})") }
}

fn rule(text: &mut String, widths: &[usize], [left, line, cross, right]: [&str; 4]) {
    text.push_str(left);
    text.push_str(&widths.iter().map(|&w| line.repeat(w)).collect::<Vec<_>>().join(cross));
    text.push_str(right);
    text.push('\n');
}

fn row(text: &mut String, widths: &[usize], bar: &str, cells: &[String; 4]) {
    let lines: Vec<Vec<String>> = cells.iter().zip(widths).map(|(cell, w)| wrap(cell, w - 2)).collect();
    let height = lines.iter().map(Vec::len).max().unwrap_or(0);
    for line in 0..height {
        for (column, (cell, width)) in lines.iter().zip(widths).enumerate() {
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
