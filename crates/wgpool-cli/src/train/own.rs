//! A model of one's own, on data of one's own.

use std::io::Write;
use std::path::Path;

use wgpool::{Activation, Data, Error, Result, Tensor};
use wgpool_net::train::{Dataset, Fit, Initializer, Loss, Settings, initialise, keras_adam};
use wgpool_net::{Layer, LayerKind, Model, keras};

use super::course::{Course, End, head};
use super::data::{self, Examples, Split};
use super::picture::{self, Curve};
use super::{checkpoint, folder};
use crate::args::{Place, TrainArgs};
use crate::backends;
use crate::files::{OutputFile, read_bytes, unfinished};
use crate::terminal::{heading, line};

/// Characters of a model's name in the table.
const NAME: usize = 16;

pub fn run(args: &TrainArgs, place: &Place, out: &mut dyn Write) -> Result<()> {
    let Some(path) = &args.data else {
        let rule = "say by --data what the model is trained by";
        return Err(Error::parameter("command line", "--data", "nothing", rule));
    };
    let model = model(args)?;
    // A configuration says more than a model keeps: initialisers and whatever else predicting does not need. What could not be
    // written is told before it is trained.
    let is_config = args.model.extension().is_some_and(|end| end.eq_ignore_ascii_case("json"));
    let config = match is_config {
        true => read_bytes(&args.model)?,
        false => keras::config_json(&model)?.into_bytes(),
    };
    let shape = input(&model)?;
    let Split { training, validation, classes } = data::read(args, path, &shape)?;
    let (loss, outputs) = loss(&model, classes.len())?;
    let (x, y) = tensors(&training, loss)?;
    let dataset = Dataset::new(&x, &y)?;
    let others = validation.as_ref().map(|examples| tensors(examples, loss)).transpose()?;
    let others = others.as_ref().map(|(x, y)| Dataset::new(x, y)).transpose()?;
    let folder = folder(args)?;
    let backend = backends::open(place)?.backend;
    let count = others.as_ref().map_or(0, Dataset::len);
    line(
        out,
        format_args!(
            "{} examples of {} classes ({outputs} of the model), {count} others for validation, on {}",
            dataset.len(),
            classes.len(),
            backend.name()
        ),
    )?;
    line(out, "")?;
    head(out)?;
    unfinished::wait_for_end();
    let settings =
        Settings { batch: args.batch, seed: args.seed, ..Settings::new(loss, keras_adam(), args.rate) };
    let name = crate::terminal::short(&model.name, NAME);
    let course = Course {
        name: &name,
        model,
        settings,
        data: &dataset,
        validation: others.as_ref(),
        fit: Fit::epochs(args.epochs as u64),
        checkpoint: checkpoint(args),
        keeps: args.checkpoint.is_some(),
        resumes: args.resume,
    };
    let End::Done(trainer) = course.run(&backend, out)? else { return Ok(()) };
    let Some(folder) = folder else { return Ok(()) };
    heading(out, "Files")?;
    let weights = folder.join("weights.safetensors");
    trainer.save_weights(&weights)?;
    line(out, format_args!("  {}", weights.display()))?;
    let labels: String = classes.iter().map(|class| format!("{class}\n")).collect();
    let curves = [Curve { name: &name, epochs: trainer.history() }];
    let picture = picture::draw(&name, &curves, None)?;
    let files = [("labels.txt", labels.into_bytes()), ("training.png", picture), ("config.json", config)];
    for (name, bytes) in files {
        let path = folder.join(name);
        write(&path, &bytes)?;
        line(out, format_args!("  {}", path.display()))?;
    }
    Ok(())
}

/// The model with the weights that it begins with.
fn model(args: &TrainArgs) -> Result<Model> {
    if let Some(weights) = &args.weights {
        return keras::load(&args.model, Some(weights));
    }
    let mut model = keras::load_architecture(&args.model)?;
    initialise(&mut model, Initializer::GlorotUniform, args.seed)?;
    Ok(model)
}

/// The shape of the only input.
fn input(model: &Model) -> Result<Vec<usize>> {
    match model.inputs.as_slice() {
        [input] => Ok(input.shape.clone()),
        inputs => {
            let rule = format!("a model of one input is trained here, and this has {}", inputs.len());
            Err(Error::document(&model.name, rule))
        }
    }
}

/// The loss that a model's output asks for, and how many numbers it has.
fn loss(model: &Model, classes: usize) -> Result<(Loss, usize)> {
    let program = model.program(1)?;
    let shape = program.output()?.shape.get(1..).unwrap_or_default();
    let wrong = |reason: String| Err(Error::document(&model.name, reason));
    let &[outputs] = shape else {
        return wrong(format!("its output must be a number for each class, and is {shape:?}"));
    };
    let loss = match outputs {
        1 if is_sigmoid(model) => Loss::BinaryCrossEntropy,
        1 => Loss::BinaryCrossEntropyLogits,
        _ => Loss::SoftmaxCrossEntropy,
    };
    let most = outputs.max(2);
    if classes > most {
        return wrong(format!("it tells {most} classes apart, but the data has {classes}"));
    }
    Ok((loss, outputs))
}

/// Whether the last layer ends with a sigmoid.
fn is_sigmoid(model: &Model) -> bool {
    let last = model.calls.last().and_then(|call| model.layers.get(call.layer));
    let activation = |layer: &Layer| match &layer.kind {
        LayerKind::Dense { spec, .. } => spec.activation,
        LayerKind::Conv { spec, .. } => spec.activation,
        LayerKind::Activation(activation) => *activation,
        _ => Activation::None,
    };
    last.is_some_and(|layer| activation(layer) == Activation::Sigmoid)
}

/// Inputs, and targets as the loss takes them.
fn tensors(examples: &Examples, loss: Loss) -> Result<(Tensor, Tensor)> {
    let count = examples.labels.len();
    let targets = match loss {
        Loss::SoftmaxCrossEntropy => {
            Tensor::new(&[count], Data::I32(examples.labels.iter().map(|&label| label as i32).collect()))?
        }
        _ => Tensor::from_f32(&[count, 1], examples.labels.iter().map(|&label| label as f32).collect())?,
    };
    Ok((examples.inputs.clone(), targets))
}

fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    let mut file = OutputFile::create(path)?;
    file.write(bytes)?;
    file.publish()
}
