//! Drawing in pixels.

use plotters::backend::DrawingBackend;
use plotters::coord::Shift;
use plotters::drawing::{DrawingArea, DrawingAreaErrorKind};
use plotters::element::{Circle, PathElement, Rectangle, Text};
use plotters::style::text_anchor::{HPos, Pos, VPos};
use plotters::style::{Color, FontStyle, FontTransform, IntoTextStyle, RGBColor, TextStyle};

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
pub struct Pen<'a, DB: DrawingBackend> {
    pub area: &'a DrawingArea<DB, Shift>,
    /// Pixels of the area, on either axis, for one of those that are named here.
    pub zoom: i32,
}

impl<DB: DrawingBackend> Pen<'_, DB> {
    pub fn line(&self, points: &[Pixel], color: RGBColor, width: u32) -> Drawn<DB> {
        let points: Vec<Pixel> = points.iter().map(|&at| self.on(at)).collect();
        self.area.draw(&PathElement::new(points, color.stroke_width(width * self.zoom as u32)))
    }

    /// A round mark, or a square one.
    pub fn mark(&self, (x, y): Pixel, round: bool, color: RGBColor) -> Drawn<DB> {
        match round {
            true => self.area.draw(&Circle::new(self.on((x, y)), 5 * self.zoom, color.filled())),
            false => self.bar([(x - 5, y - 5), (x + 5, y + 5)], color),
        }
    }

    /// A filled rectangle between two corners.
    pub fn bar(&self, corners: [Pixel; 2], color: RGBColor) -> Drawn<DB> {
        self.area.draw(&Rectangle::new(corners.map(|at| self.on(at)), color.filled()))
    }

    pub fn text(&self, at: Pixel, text: &str, size: f64, color: RGBColor, anchor: Anchor) -> Drawn<DB> {
        let h = match anchor {
            Anchor::Left => HPos::Left,
            Anchor::Center => HPos::Center,
            Anchor::Right => HPos::Right,
        };
        let style = ("sans-serif", self.size(size), &color).into_text_style(self.area);
        self.write(at, text, style.pos(Pos::new(h, VPos::Center)))
    }

    pub fn bold(&self, at: Pixel, text: &str, size: f64, color: RGBColor) -> Drawn<DB> {
        let style = ("sans-serif", self.size(size), FontStyle::Bold, &color).into_text_style(self.area);
        self.write(at, text, style.pos(Pos::new(HPos::Left, VPos::Center)))
    }

    /// From below to above, centred at a position.
    pub fn upwards(&self, at: Pixel, text: &str, size: f64, color: RGBColor) -> Drawn<DB> {
        let style = ("sans-serif", self.size(size), &color).into_text_style(self.area);
        let style = style.transform(FontTransform::Rotate270).pos(Pos::new(HPos::Center, VPos::Center));
        self.write(at, text, style)
    }

    fn write(&self, at: Pixel, text: &str, style: TextStyle<'_>) -> Drawn<DB> {
        self.area.draw(&Text::new(text.to_owned(), self.on(at), style))
    }

    fn on(&self, (x, y): Pixel) -> Pixel {
        (x * self.zoom, y * self.zoom)
    }

    fn size(&self, size: f64) -> f64 {
        size * f64::from(self.zoom)
    }
}
