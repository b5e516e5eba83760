//! The tutorial's experiment: the same photographs for a network with max pooling and for one without.

use std::io::Write;
use std::path::{Path, PathBuf};

use wgpool::{Error, Result};
use wgpool_net::train::{EpochReport, Fit, Initializer, Loss, Settings, Trainer, initialise, keras_adam};
use wgpool_net::{Model, keras};

use super::course::{Course, End, head};
use super::maps::Maps;
use super::nets::{NETS, config};
use super::photographs::Photographs;
use super::picture::{self, Curve};
use super::{checkpoint, folder};
use crate::args::{Place, TrainArgs};
use crate::backends;
use crate::files::{OutputFile, unfinished};
use crate::terminal::{heading, line};

/// Pixels of a side, where none are asked for.
const SIZE: usize = 224;

pub fn run(args: &TrainArgs, place: &Place, out: &mut dyn Write) -> Result<()> {
    let size = args.size.unwrap_or(SIZE);
    let folder = folder(args)?;
    let (train, val) = (Photographs::of("train")?, Photographs::of("val")?);
    let (data, validation) = (train.dataset(size), val.dataset(size));
    let backend = backends::open(place)?.backend;
    let (count, others) = (data.len(), validation.len());
    let name = backend.name();
    line(out, format_args!("{count} photographs of sandals and sneakers, {others} others for validation,"))?;
    line(out, format_args!("{size}x{size} pixels, batches of {}, on {name}", args.batch))?;
    line(out, "")?;
    head(out)?;
    unfinished::wait_for_end();
    let settings = Settings {
        batch: args.batch,
        seed: args.seed,
        ..Settings::new(Loss::BinaryCrossEntropy, keras_adam(), args.rate)
    };
    let mut trained: Vec<(&str, Trainer)> = Vec::new();
    for (name, title) in NETS {
        let course = Course {
            name: title,
            model: network(args, name, size)?,
            settings,
            data: &data,
            validation: Some(&validation),
            // In the order of the file, as the tutorial's curves were made.
            fit: Fit::epochs(args.epochs as u64).shuffle(false),
            checkpoint: beside(&checkpoint(args), name),
            keeps: args.checkpoint.is_some(),
            resumes: args.resume,
        };
        match course.run(&backend, out)? {
            End::Done(trainer) => trained.push((title, *trainer)),
            End::Stopped => return Ok(()),
        }
    }
    let histories: Vec<&[EpochReport]> = trained.iter().map(|(_, trainer)| trainer.history()).collect();
    if let [Some(without), Some(with)] = [0, 1].map(|i| histories.get(i).and_then(|all| all.last())) {
        line(out, "")?;
        line(out, said(size, without, with))?;
    }
    let Some(folder) = folder else { return Ok(()) };
    heading(out, "Files")?;
    for ((name, _), (title, trainer)) in NETS.iter().zip(&trained) {
        let (weights, model) =
            (folder.join(format!("{name}.safetensors")), folder.join(format!("{name}.json")));
        trainer.save_weights(&weights)?;
        write(&model, config(name, size).as_bytes())?;
        line(out, format_args!("  {}, {}: the network {title}", model.display(), weights.display()))?;
    }
    let maps = match trained.last() {
        Some((_, trainer)) => Some(Maps::of(&backend, &trainer.weights()?, &validation)?),
        None => None,
    };
    let curves = trained.iter().map(|(name, trainer)| Curve { name, epochs: trainer.history() });
    let title = format!("Sandals and sneakers, {size}x{size} pixels");
    let path = folder.join("training.png");
    write(&path, &picture::draw(&title, &curves.collect::<Vec<_>>(), maps.as_ref())?)?;
    line(out, format_args!("  {}: curves, filters and feature maps", path.display()))
}

/// What the last epochs say.
fn said(size: usize, without: &EpochReport, with: &EpochReport) -> String {
    let of =
        |report: &EpochReport| report.validation.and_then(|metrics| metrics.accuracy).unwrap_or(f64::NAN);
    let (with, without) = (of(with), of(without));
    let accuracies = format!(
        "On the other photographs {:.1} % are right with pooling, {:.1} % without.",
        100.0 * with,
        100.0 * without
    );
    match size < 224 && with < without {
        true => format!(
            "{accuracies} In pictures as small as these the pooled network has few parameters and learns slower; at 224 \
             pixels it takes the lead within four epochs."
        ),
        false => accuracies,
    }
}

/// A network with the weights that it begins with.
fn network(args: &TrainArgs, name: &str, size: usize) -> Result<Model> {
    let config = config(name, size);
    if let Some(folder) = &args.weights {
        let path = folder.join(format!("init_{name}_{size}.safetensors"));
        let bytes = std::fs::read(&path).map_err(|source| Error::File { path: path.clone(), source })?;
        return keras::from_config(config, &bytes).map_err(|error| error.in_file(&path));
    }
    let mut model = keras::architecture(config)?;
    initialise(&mut model, Initializer::GlorotUniform, args.seed)?;
    Ok(model)
}

/// The checkpoint of one of the networks: `run.safetensors` is `run.pool.safetensors`.
fn beside(path: &Path, name: &str) -> PathBuf {
    let end =
        path.extension().map_or_else(|| "safetensors".to_owned(), |end| end.to_string_lossy().into_owned());
    path.with_extension(format!("{name}.{end}"))
}

fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    let mut file = OutputFile::create(path)?;
    file.write(bytes)?;
    file.publish()
}
