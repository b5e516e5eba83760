//! `wgpool maps`: what each layer of a model makes of a picture, as sheets of its channels.

use std::fs;
use std::io::Write;

use wgpool::{Error, Layout, Result};
use wgpool_net::{Input, Layer, LayerKind, Model, keras};

use super::args::{MapsArgs, Place};
use super::examples::{self, Frame};
use super::files::sheet::{self, Scale};
use super::files::{OutputFile, encode_png};
use super::terminal::line;
use super::{backends, document};

/// Runs the command.
pub fn run(args: &MapsArgs, place: &Place, out: &mut dyn Write) -> Result<()> {
    let model = keras::load(&args.model, args.weights.as_deref())?;
    let [Input { shape, .. }] = model.inputs.as_slice() else {
        let names: Vec<&str> = model.inputs.iter().map(|input| input.name.as_str()).collect();
        let rule = "maps are drawn of models with one input";
        return Err(Error::parameter("maps", "the model's inputs", names.join(", "), rule));
    };
    let frame = Frame::of(shape);
    let mut examples = examples::read(&args.input, shape, frame, &args.reading.how())?;
    if examples.names.len() != 1 {
        let reason = format_args!("maps are drawn of one example, but it holds {}", examples.names.len());
        return Err(document(&args.input, reason));
    }
    let (_, input) = examples.take(1, shape, None)?;
    let opened = backends::open(place)?;
    let outputs = model.trace(&opened.backend, &input)?;
    let layouts = layouts(&model);

    fs::create_dir_all(&args.out).map_err(|source| Error::File { path: args.out.clone(), source })?;
    let first = layouts.first().copied().unwrap_or(Layout::Nhwc);
    let layers = outputs.iter().zip(layouts).map(|((name, tensor), layout)| (name.as_str(), tensor, layout));
    let mut files = Vec::new();
    for (number, (name, tensor, layout)) in
        std::iter::once(("input", &input, first)).chain(layers).enumerate()
    {
        let shape = tensor.shape().get(1..).unwrap_or_default();
        let &[a, _, b] = shape else {
            line(out, format_args!("{name}: {shape:?}, no maps"))?;
            continue;
        };
        let maps = if layout == Layout::Nchw { a } else { b };
        let (width, height, pixels) = sheet::draw(tensor, layout, Scale::Each)?;
        let path = args.out.join(format!("{number:02}_{}.png", plain(name)));
        let mut file = OutputFile::create(&path)?;
        file.write(&encode_png(width as u32, height as u32, pixels)?)?;
        files.push(file);
        let maps = if maps == 1 { "1 map".to_owned() } else { format!("{maps} maps") };
        line(out, format_args!("{name}: {shape:?}, {maps} in {}", path.display()))?;
    }
    files.into_iter().try_for_each(OutputFile::publish)
}

/// The memory order of what each call gives: that of the layer, or of the one called before it.
fn layouts(model: &Model) -> Vec<Layout> {
    let layers: Vec<&Layer> = model.calls.iter().filter_map(|call| model.layers.get(call.layer)).collect();
    let own = |layer: &Layer| match &layer.kind {
        LayerKind::Conv { spec, .. } => Some(spec.layout),
        LayerKind::Pool(pool) => Some(pool.layout),
        LayerKind::GlobalPool { spec, .. } => Some(spec.layout),
        LayerKind::Flatten { from } => Some(*from),
        _ => None,
    };
    let mut layout = layers.iter().copied().find_map(own).unwrap_or(Layout::Nhwc);
    let mut next = |layer| {
        layout = own(layer).unwrap_or(layout);
        layout
    };
    layers.into_iter().map(&mut next).collect()
}

/// A name of a model as a part of a file's.
pub fn plain(name: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    name.chars().map(|c| if is_plain(c) { c } else { '_' }).collect()
}
