//! The training of one network as a person sees it: a bar, a line for each epoch, checkpoints, and an end that was asked for.

use std::io::Write;
use std::path::PathBuf;
use std::time::Instant;

use wgpool::{Backend, Result};
use wgpool_net::Model;
use wgpool_net::train::{Dataset, EpochReport, Event, Fit, Metrics, Settings, Trainer, Wish};

use crate::files::unfinished::end_is_asked;
use crate::terminal::{grouped, line, progress};

/// Columns of the table.
const WIDTHS: [usize; 8] = [16, 10, 5, 8, 8, 8, 12, 8];

/// A network and what it is trained by.
pub struct Course<'a> {
    /// What it goes by in the table.
    pub name: &'a str,
    pub model: Model,
    pub settings: Settings,
    pub data: &'a Dataset<'a>,
    pub validation: Option<&'a Dataset<'a>>,
    pub fit: Fit,
    pub checkpoint: PathBuf,
    /// Whether every epoch ends with a checkpoint, or an interruption alone.
    pub keeps: bool,
    /// Whether it goes on from the checkpoint, if there is one.
    pub resumes: bool,
}

/// How a course ended.
pub enum End {
    /// All epochs are done.
    Done(Box<Trainer>),
    /// An end was asked for; the checkpoint is written.
    Stopped,
}

/// Writes the head of the table.
pub fn head(out: &mut dyn Write) -> Result<()> {
    let names =
        ["network", "parameters", "epoch", "loss", "accuracy", "val_loss", "val_accuracy", "images/s"];
    row(out, &names.map(str::to_owned))
}

fn row(out: &mut dyn Write, cells: &[String; 8]) -> Result<()> {
    let mut text = String::new();
    for (i, (cell, width)) in cells.iter().zip(WIDTHS).enumerate() {
        match i {
            0 => text.push_str(&format!("{cell:width$}")),
            _ => text.push_str(&format!("  {cell:>width$}")),
        }
    }
    line(out, text.trim_end())
}

/// Loss and accuracy as the table has them.
fn cells(metrics: Option<&Metrics>) -> [String; 2] {
    let loss = metrics.map_or_else(|| "-".to_owned(), |of| format!("{:.5}", of.loss));
    let accuracy = metrics.and_then(|of| of.accuracy);
    [loss, accuracy.map_or_else(|| "-".to_owned(), |of| format!("{of:.4}"))]
}

impl Course<'_> {
    /// Trains on a backend.
    pub fn run(self, backend: &Backend, out: &mut dyn Write) -> Result<End> {
        let parameters = grouped(self.model.parameters().trainable);
        let mut trainer = match self.resumes && self.checkpoint.exists() {
            true => Trainer::resume(backend, self.model, self.settings, &self.checkpoint)?,
            false => Trainer::new(backend, self.model, self.settings)?,
        };
        let print = |out: &mut dyn Write, report: &EpochReport, rate: Option<f64>| {
            let [loss, accuracy] = cells(Some(&report.training));
            let [val_loss, val_accuracy] = cells(report.validation.as_ref());
            let rate = rate.map_or_else(String::new, |rate| format!("{rate:.1}"));
            let epoch = report.epoch.to_string();
            let name = self.name.to_owned();
            row(out, &[name, parameters.clone(), epoch, loss, accuracy, val_loss, val_accuracy, rate])
        };
        for report in trainer.history() {
            print(out, report, None)?;
        }
        let of_epoch = self.data.len().div_ceil(self.settings.batch) as u64;
        let bar = progress((self.fit.epochs * of_epoch) as usize, self.name);
        bar.set_position(trainer.steps());
        bar.reset_eta();
        let mut done = trainer.history().len();
        while (done as u64) < self.fit.epochs {
            let (start, mut first) = (Instant::now(), None);
            let mut images = 0.0;
            let rate = |images: f64| images / start.elapsed().as_secs_f64().max(1e-9);
            let then = |event: &Event| match event {
                Event::Step(step) => {
                    let begun = *first.get_or_insert(step.step - 1);
                    images = ((step.step - begun) as f64) * self.settings.batch as f64;
                    let accuracy =
                        step.so_far.accuracy.map_or_else(String::new, |of| format!(", accuracy {of:.4}"));
                    bar.set_message(format!(
                        "{} epoch {}: loss {:.4}{accuracy}, {:.1} images/s",
                        self.name,
                        step.epoch,
                        step.so_far.loss,
                        rate(images)
                    ));
                    bar.set_position(step.step);
                    if end_is_asked() { Wish::Stop } else { Wish::GoOn }
                }
                // Each epoch is a `fit` of its own, so that a checkpoint comes between them.
                _ => Wish::Stop,
            };
            trainer.fit(self.data, self.validation, &self.fit, then)?;
            let seconds = rate(images);
            let history = trainer.history().get(done..).unwrap_or_default();
            for report in history {
                bar.suspend(|| print(out, report, Some(seconds)))?;
            }
            done += history.len();
            let is_over = done as u64 >= self.fit.epochs;
            if self.keeps || end_is_asked() && !is_over {
                trainer.save(&self.checkpoint)?;
            }
            if end_is_asked() && !is_over {
                bar.finish_and_clear();
                let at = trainer.steps();
                line(out, format_args!("stopped after step {at}; --resume with the same arguments goes on"))?;
                line(out, format_args!("from the checkpoint {}", self.checkpoint.display()))?;
                return Ok(End::Stopped);
            }
        }
        bar.finish_and_clear();
        Ok(End::Done(Box::new(trainer)))
    }
}
