//! Drawing in pixels.

use plotters::backend::DrawingBackend;
use plotters::coord::Shift;
use plotters::drawing::{DrawingArea, DrawingAreaErrorKind};
use plotters::element::{Circle, PathElement, Rectangle, Text};
use plotters::style::text_anchor::{HPos, Pos, VPos};
use plotters::style::{Color, FontStyle, FontTransform, IntoTextStyle, RGBColor};

/// The result of drawing.
pub type Drawn<DB> = Result<(), DrawingAreaErrorKind<<DB as DrawingBackend>::ErrorType>>;

/// Where a text lies, seen from its position; always in the middle of its height.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Anchor {
    Left,
    Center,
    Right,
}

/// A pixel, from the left and from the top.
pub type Pixel = (i32, i32);

/// Draws on an area.
pub struct Pen<'a, DB: DrawingBackend>(pub &'a DrawingArea<DB, Shift>);

impl<DB: DrawingBackend> Pen<'_, DB> {
    pub fn line(&self, points: &[Pixel], color: RGBColor, width: u32) -> Drawn<DB> {
        self.0.draw(&PathElement::new(points.to_vec(), color.stroke_width(width)))
    }

    pub fn bar(&self, corners: [Pixel; 2], color: RGBColor) -> Drawn<DB> {
        self.0.draw(&Rectangle::new(corners, color.filled()))
    }

    /// A round mark, or a square one.
    pub fn mark(&self, at @ (x, y): Pixel, round: bool, color: RGBColor) -> Drawn<DB> {
        match round {
            true => self.0.draw(&Circle::new(at, 5, color.filled())),
            false => self.bar([(x - 5, y - 5), (x + 5, y + 5)], color),
        }
    }

    pub fn text(&self, at: Pixel, text: &str, size: f64, color: RGBColor, anchor: Anchor) -> Drawn<DB> {
        let h = match anchor {
            Anchor::Left => HPos::Left,
            Anchor::Center => HPos::Center,
            Anchor::Right => HPos::Right,
        };
        let style = ("sans-serif", size, &color).into_text_style(self.0).pos(Pos::new(h, VPos::Center));
        self.0.draw(&Text::new(text.to_owned(), at, style))
    }

    pub fn bold(&self, at: Pixel, text: &str, size: f64, color: RGBColor) -> Drawn<DB> {
        let style = ("sans-serif", size, FontStyle::Bold, &color)
            .into_text_style(self.0)
            .pos(Pos::new(HPos::Left, VPos::Center));
        self.0.draw(&Text::new(text.to_owned(), at, style))
    }

    /// From below to above, centred at a position.
    pub fn upwards(&self, at: Pixel, text: &str, size: f64, color: RGBColor) -> Drawn<DB> {
        let style = ("sans-serif", size, &color)
            .into_text_style(self.0)
            .transform(FontTransform::Rotate270)
            .pos(Pos::new(HPos::Center, VPos::Center));
        self.0.draw(&Text::new(text.to_owned(), at, style))
    }
}
