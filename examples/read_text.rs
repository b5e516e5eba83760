//! Text in a photograph, by the two networks of PP-OCR: one finds lines of text, the other reads each.
//!
//! `scripts/read_text.sh` fetches the networks and a photograph, and runs
//! `cargo run --release --example read_text -- DETECTOR.onnx RECOGNISER.onnx PHOTO.png OUT.png [ADAPTER]`

use std::error::Error;

use image::imageops::{self, FilterType};
use image::{Rgb, RgbImage};
use wgpool::{Backend, Choice, Tensor};
use wgpool_net::{Session, onnx};

/// Probability of text from which on a pixel belongs to a line.
const IS_TEXT: f32 = 0.3;
/// Lines of fewer pixels are specks.
const LEAST_PIXELS: usize = 40;
/// The detector marks the core of a line; boxes are made larger by this share of their area over half their circumference.
const UNCLIP: f32 = 1.8;
/// Height of the lines that the recogniser reads.
const LINE_HEIGHT: u32 = 48;

/// A line of text, in pixels: where its middle lies, how long and high it is, and how far it goes down in a step to the right.
#[derive(Clone, Copy, Debug)]
struct Line {
    x: f32,
    y: f32,
    width: f32,
    height: f32,
    slope: f32,
}

impl Line {
    /// The place in the photograph that is so far right and down from the line's upper left corner.
    fn place(&self, right: f32, down: f32) -> [f32; 2] {
        let right = right - self.width / 2.0;
        [self.x + right, self.y + down - self.height / 2.0 + right * self.slope]
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [detector, recogniser, photo, out, adapter @ ..] = arguments.as_slice() else {
        return Err("read_text DETECTOR.onnx RECOGNISER.onnx PHOTO.png OUT.png [ADAPTER]".into());
    };
    let choice: Choice = adapter.first().map_or("auto", String::as_str).parse()?;
    let opened = Backend::open(&choice)?;
    println!("on {}", opened.backend.name());
    let photo = image::open(photo)?.to_rgb8();

    let file = onnx::read(detector)?;
    let detector = onnx::Model::parse(&file)?;
    let lines = find_lines(&opened.backend, &detector, &photo)?;
    let file = onnx::read(recogniser)?;
    let recogniser = onnx::Model::parse(&file)?;
    for line in &lines {
        println!("{}", read_line(&opened.backend, &recogniser, &photo, line)?);
    }
    let mut picture = photo;
    lines.iter().for_each(|line| draw(&mut picture, line));
    picture.save(out)?;
    println!("{} lines, marked in {out}", lines.len());
    Ok(())
}

/// One run of a network of any input size; each size is compiled anew.
fn run(backend: &Backend, model: &onnx::Model<'_>, input: &Tensor) -> Result<Tensor, wgpool::Error> {
    let name = model.graph().inputs().next().map_or("", |input| input.name());
    let options = onnx::Options::default().shape(name, input.shape());
    let session = Session::compile(backend, model.program(&options)?.optimised()?)?;
    session.run(input)
}

/// A picture as the networks want it: planes of blue, green and red, from -1 to 1.
fn tensor_of(picture: &RgbImage) -> Result<Tensor, wgpool::Error> {
    let (width, height) = picture.dimensions();
    let plane = |channel: usize| picture.pixels().map(move |p| f32::from(p.0[channel]) / 127.5 - 1.0);
    Tensor::from_f32(
        &[1, 3, height as usize, width as usize],
        [2, 1, 0].into_iter().flat_map(plane).collect(),
    )
}

/// The lines of text, from top to bottom.
fn find_lines(
    backend: &Backend,
    detector: &onnx::Model<'_>,
    photo: &RgbImage,
) -> Result<Vec<Line>, Box<dyn Error>> {
    // The detector halves its input five times.
    let whole = |side: u32| side.div_ceil(32) * 32;
    let (width, height) = (whole(photo.width()), whole(photo.height()));
    let input = tensor_of(&imageops::resize(photo, width, height, FilterType::Triangle))?;
    let output = run(backend, detector, &input)?;
    let mut text: Vec<bool> = output.as_f32()?.iter().map(|&p| p > IS_TEXT).collect();
    let mut lines = Vec::new();
    for first in 0..text.len() {
        let pixels = connected(&mut text, width as usize, first);
        if pixels.len() < LEAST_PIXELS {
            continue;
        }
        let scale = [photo.width() as f32 / width as f32, photo.height() as f32 / height as f32];
        lines.push(around(&pixels, width as usize, scale));
    }
    lines.sort_by(|a, b| a.y.total_cmp(&b.y));
    Ok(lines)
}

/// The pixels of text that hang together with one, which are then no text any more.
fn connected(text: &mut [bool], width: usize, first: usize) -> Vec<usize> {
    let mut found = Vec::new();
    let mut open = vec![first];
    while let Some(at) = open.pop() {
        if !text.get(at).is_some_and(|&is_text| is_text) {
            continue;
        }
        text[at] = false;
        found.push(at);
        open.extend([at.wrapping_sub(width), at + width]);
        if at % width > 0 {
            open.push(at - 1);
        }
        if at % width + 1 < width {
            open.push(at + 1);
        }
    }
    found
}

/// The line that pixels of text belong to: straight through their middle, by least squares.
fn around(pixels: &[usize], width: usize, scale: [f32; 2]) -> Line {
    let places: Vec<[f32; 2]> = pixels
        .iter()
        .map(|at| [((at % width) as f32 + 0.5) * scale[0], ((at / width) as f32 + 0.5) * scale[1]])
        .collect();
    let mean = |of: &dyn Fn(&[f32; 2]) -> f32| places.iter().map(of).sum::<f32>() / places.len() as f32;
    let (x, y) = (mean(&|p| p[0]), mean(&|p| p[1]));
    let spread = mean(&|p| (p[0] - x) * (p[0] - x)).max(1.0);
    let slope = mean(&|p| (p[0] - x) * (p[1] - y)) / spread;
    let extent = |of: &dyn Fn(&[f32; 2]) -> f32| {
        let (least, most) =
            places.iter().map(of).fold((f32::MAX, f32::MIN), |(a, b), v| (a.min(v), b.max(v)));
        [(least + most) / 2.0, most - least + 1.0]
    };
    let [x_middle, wide] = extent(&|p| p[0]);
    let [off, tall] = extent(&|p| p[1] - y - (p[0] - x) * slope);
    let more = wide * tall * UNCLIP / (wide + tall);
    let y = y + off + (x_middle - x) * slope;
    Line { x: x_middle, y, width: wide + more, height: tall + more, slope }
}

/// What a line says: at each place the likeliest character, of equal neighbours one, without blanks.
fn read_line(
    backend: &Backend,
    recogniser: &onnx::Model<'_>,
    photo: &RgbImage,
    line: &Line,
) -> Result<String, Box<dyn Error>> {
    let scale = line.height / LINE_HEIGHT as f32;
    let width = ((line.width / scale) as u32).next_multiple_of(8).max(32);
    let cut = RgbImage::from_fn(width, LINE_HEIGHT, |right, down| {
        let [x, y] = line.place((right as f32 + 0.5) * scale, (down as f32 + 0.5) * scale);
        let inside = |at: f32, side: u32| (at - 0.5).clamp(0.0, side as f32 - 1.0);
        let (x, y) = (inside(x, photo.width()), inside(y, photo.height()));
        imageops::interpolate_bilinear(photo, x, y).unwrap_or(Rgb([255; 3]))
    });
    let input = tensor_of(&cut)?;
    let output = run(backend, recogniser, &input)?;
    let characters = recogniser.properties().find(|p| p.key() == "character");
    let characters: Vec<&str> =
        characters.ok_or("the recogniser does not say which characters it knows")?.value().lines().collect();
    let mut text = String::new();
    let mut latest = 0;
    for place in output.as_f32()?.chunks_exact(characters.len() + 2) {
        let likeliest =
            place.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1)).map_or(0, |(class, _)| class);
        // The first class is the blank, the last a space.
        if likeliest != latest && likeliest != 0 {
            text.push_str(characters.get(likeliest - 1).unwrap_or(&" "));
        }
        latest = likeliest;
    }
    Ok(text)
}

/// A frame around a line.
fn draw(picture: &mut RgbImage, line: &Line) {
    let mut put = |right: f32, down: f32| {
        let [x, y] = line.place(right, down);
        if let Some(pixel) = picture.get_pixel_mut_checked(x.max(0.0) as u32, y.max(0.0) as u32) {
            *pixel = Rgb([220, 30, 30]);
        }
    };
    for right in 0..line.width as u32 {
        put(right as f32, 0.0);
        put(right as f32, line.height);
    }
    for down in 0..line.height as u32 {
        put(0.0, down as f32);
        put(line.width, down as f32);
    }
}
