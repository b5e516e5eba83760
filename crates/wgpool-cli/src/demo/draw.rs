//! Pictures made of shaded blocks, for any terminal or file.

/// From dark to bright. Zero has a dot of its own, which shows how far the plane reaches.
const ZERO: &str = "· ";
const SHADES: [&str; 4] = ["░░", "▒▒", "▓▓", "██"];

/// Columns between two pictures.
const GAP: usize = 2;

/// A plane of rows of `width`, two columns to an element, as characters are taller than wide.
pub fn shades(plane: &[f32], width: usize, most: f32) -> Vec<String> {
    plane.chunks(width).map(|row| row.iter().map(|&v| shade(v, most)).collect()).collect()
}

/// Two pictures side by side, the smaller centred beside the larger.
pub fn beside(left: &[String], right: &[String]) -> Vec<String> {
    let width = left.iter().map(|row| row.chars().count()).max().unwrap_or(0);
    let above = left.len().saturating_sub(right.len()) / 2;
    let row = |i: usize| {
        let right = i.checked_sub(above).and_then(|i| right.get(i)).map_or("", String::as_str);
        format!("{:width$}{:GAP$}{right}", left[i], "")
    };
    (0..left.len()).map(row).collect()
}

/// Two characters for a value between 0 and `most`.
fn shade(value: f32, most: f32) -> &'static str {
    if value.is_nan() {
        return "??";
    }
    if value <= 0.0 || most <= 0.0 {
        return ZERO;
    }
    let bright = SHADES.len();
    SHADES[((value / most * bright as f32).ceil() as usize).clamp(1, bright) - 1]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shades_run_from_dark_to_bright() {
        let text: String = [0.0, 0.1, 0.4, 0.7, 1.0, 2.0, -1.0].iter().map(|&v| shade(v, 1.0)).collect();
        assert_eq!(text, "· ░░▒▒▓▓████· ");
        assert_eq!(shade(f32::NAN, 1.0), "??");
        assert_eq!(shade(1.0, 0.0), ZERO);
    }

    #[test]
    fn the_smaller_picture_stands_in_the_middle() {
        let left = ["aa", "bb", "cc"].map(String::from);
        assert_eq!(beside(&left, &["x".to_owned()]), ["aa  ", "bb  x", "cc  "]);
    }
}
