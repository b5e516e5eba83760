//! What goes into a model: arrays and pictures from files, or random numbers.

use std::collections::BTreeMap;
use std::path::Path;

use wgpool::{DType, Data, Error, Layout, Result, Tensor};
use wgpool_net::onnx::{ElementType, Options};
use wgpool_net::{Port, Program};
use wgpool_testing::verify::random::Rng;

use super::{Declared, Network};
use crate::args::NetworkArgs;
use crate::document;
use crate::files::array::{Array, Wanted, convert};
use crate::files::{self, photo};
use crate::terminal::note;

/// Channels that pictures have.
const CHANNELS: [Option<usize>; 3] = [Some(1), Some(3), Some(4)];

/// A model lowered for its inputs.
pub struct Ready {
    pub program: Program,
    pub inputs: Vec<Tensor>,
}

enum Value {
    Array(Array),
    Picture(Tensor),
}

/// Reads the inputs and lowers the model for their shapes. Inputs that are not given are random where there is a generator.
pub fn read(network: &Network, args: &NetworkArgs, mut random: Option<&mut Rng>) -> Result<Ready> {
    let declared = network.inputs()?;
    let mut values: BTreeMap<&str, (&Path, Value)> = BTreeMap::new();
    for (name, path) in &args.inputs {
        let input = find(&declared, name, path)?;
        if let Some((other, _)) = values.get(input.name.as_str()) {
            let rule = format!("{} is given for this input too", other.display());
            return Err(Error::parameter("command line", "--input", &input.name, rule));
        }
        values.insert(&input.name, (path.as_path(), value(path, input)?));
    }
    let missing = declared.iter().find(|input| !values.contains_key(input.name.as_str()));
    if let (Some(input), None) = (missing, &random) {
        let rule = format!("it needs a file, NAME=FILE; the model takes {}", listed(&declared));
        return Err(Error::parameter("command line", "--input", &input.name, rule));
    }
    let mut options: Options = args.shapes.options();
    if let Some(name) = options.shapes.keys().find(|name| declared.iter().all(|input| input.name != **name)) {
        let rule = format!("the model has no such input, it takes {}", listed(&declared));
        return Err(Error::parameter("command line", "--shape", name, rule));
    }
    for (name, (_, value)) in &values {
        let shape: &[usize] = match value {
            Value::Array(array) => &array.shape,
            Value::Picture(tensor) => tensor.shape(),
        };
        options.shapes.entry((*name).to_owned()).or_insert_with(|| shape.to_vec());
    }
    let program = network.program(&options, !args.no_join)?;
    let tensor = |port: &Port| match (values.remove(port.name.as_str()), &mut random) {
        (Some((path, value)), _) => typed(path, value, port.desc.dtype, args.cast),
        (None, Some(rng)) => {
            let input = declared.iter().find(|input| input.name == port.name);
            numbers(port, input.map_or(ElementType::F32, |input| input.elements), rng)
        }
        (None, None) => Err(Error::parameter("command line", "--input", &port.name, "it needs a file")),
    };
    let inputs = program.inputs.iter().map(tensor).collect::<Result<_>>()?;
    Ok(Ready { program, inputs })
}

/// The input of a name, or the only one.
fn find<'a>(declared: &'a [Declared], name: &str, path: &Path) -> Result<&'a Declared> {
    match declared {
        [only] if name.is_empty() => Ok(only),
        all => all.iter().find(|input| input.name == name).ok_or_else(|| {
            let what = if name.is_empty() { path.display().to_string() } else { name.to_owned() };
            let rule = match name {
                "" => "it needs a name, NAME=FILE",
                _ => "the model has no such input",
            };
            let rule = format!("{rule}; the model takes {}", listed(declared));
            Error::parameter("command line", "--input", what, rule)
        }),
    }
}

/// The inputs with types and shapes.
pub(super) fn listed(declared: &[Declared]) -> String {
    let each: Vec<String> = declared.iter().map(|input| format!("{}: {}", input.name, input.text)).collect();
    if each.is_empty() { "no inputs".into() } else { each.join(", ") }
}

fn value(path: &Path, input: &Declared) -> Result<Value> {
    let failed = |reason| document(path, reason);
    let (bytes, format) = files::read(path)?;
    if !format.is_picture() {
        return files::array_of(path, &bytes, format).map(Value::Array);
    }
    let (layout, channels) = match input.lengths.as_deref() {
        Some(&[_, first, _, last]) if !CHANNELS.contains(&first) && CHANNELS.contains(&last) => {
            (Layout::Nhwc, last)
        }
        Some(&[_, first, _, _]) => (Layout::Nchw, first),
        _ => (Layout::Nchw, None),
    };
    let wanted = if input.elements == ElementType::U8 { Wanted::Bytes } else { Wanted::Floats };
    let photo = photo::read(&bytes, format, layout, channels == Some(1), wanted).map_err(failed)?;
    Ok(Value::Picture(photo.tensor))
}

/// The tensor of a value in the type of its input: a picture's numbers become the nearest, an array's stay what they are.
fn typed(path: &Path, value: Value, dtype: DType, cast: bool) -> Result<Tensor> {
    let failed = |reason| document(path, reason);
    let (tensor, changed, cast) = match value {
        Value::Picture(tensor) => (tensor, None, true),
        Value::Array(array) => {
            let wanted = match dtype {
                DType::F32 => Wanted::Floats,
                dtype if dtype.is_float() => Wanted::Numbers,
                _ => Wanted::Positions,
            };
            let (tensor, changed) = convert(array, wanted, cast).map_err(failed)?;
            (tensor, changed, cast)
        }
    };
    if let Some(what) = changed {
        note(&format!("{}: {what}", path.display()));
    }
    if tensor.dtype() == dtype {
        return Ok(tensor);
    }
    let from = |i| tensor.data().get(i).unwrap_or(f64::NAN);
    let near = Data::nearest(dtype, (0..tensor.data().len()).map(from))?;
    let is_other = |&i: &usize| {
        let (from, to) = (from(i), near.get(i).unwrap_or(f64::NAN));
        from != to && !(from.is_nan() && to.is_nan())
    };
    if let (false, Some(i)) = (cast, (0..near.len()).find(is_other)) {
        let v = from(i);
        let rule = format!("element {i} is {v}, which {dtype} does not have: --cast takes the nearest");
        return Err(failed(rule));
    }
    Tensor::new(tensor.shape(), near)
}

/// Random numbers for an input: floats from -1 to 1, and 0 or 1 where it takes integers or truth values, which may be indices.
fn numbers(port: &Port, elements: ElementType, rng: &mut Rng) -> Result<Tensor> {
    let is_whole = elements == ElementType::Bool || !port.desc.dtype.is_float();
    let number = |_| if is_whole { rng.between(0, 1) as f64 } else { rng.unit() * 2.0 - 1.0 };
    Tensor::new(&port.desc.shape, Data::nearest(port.desc.dtype, (0..port.desc.elements()).map(number))?)
}
