//! A network in training.

mod checkpoint;
mod encoded;
#[cfg(not(target_arch = "wasm32"))]
mod files;
mod fit;
mod metrics;
mod place;

use std::sync::Arc;

use super::data::Dataset;
use super::network::Network;
use super::settings::Settings;
use super::step::{Built, Kind, Role, Variable, evaluation, step, variables};
use crate::explain::ProgramExplanation;
use crate::layer::Model;
pub use encoded::{EncodedStep, PendingStep};
#[cfg(not(target_arch = "wasm32"))]
pub use files::write_whole;
pub use fit::{EpochReport, Event, Fit, StepReport, Wish};
pub use metrics::Metrics;
use metrics::correct;
use place::{Ends, Key, Place};
use wgpool::backend::Backend;
use wgpool::error::{Error, Result};
use wgpool::tensor::{Data, Tensor, TensorDesc};

/// A network in training: its parameters, and what the optimiser remembers, on a backend.
///
/// On a GPU a step is one submission on the engine's device; parameters stay there, and losses come back while later steps
/// are computed. The same seed gives the same bits on the same backend.
///
/// ```
/// use wgpool::{Backend, Dense, Tensor};
/// use wgpool_net::train::{Dataset, Fit, Loss, Settings, Trainer, Wish, keras_adam};
/// use wgpool_net::{LayerKind, Model};
/// let zero = || Tensor::zeros(&[1, 1], wgpool::DType::F32);
/// let model = Model::new("line", [1])
///     .layer("a", LayerKind::Dense { spec: Dense::new(), kernel: zero()?.into(), bias: None });
/// let settings = Settings { batch: 2, ..Settings::new(Loss::MeanSquaredError, keras_adam(), 0.1) };
/// let mut trainer = Trainer::new(&Backend::Host, model, settings)?;
/// let x = Tensor::from_f32(&[4, 1], vec![1., 2., 3., 4.])?;
/// let y = Tensor::from_f32(&[4, 1], vec![3., 6., 9., 12.])?;
/// let data = Dataset::new(&x, &y)?;
/// trainer.fit(&data, None, &Fit::epochs(60), |_| Wish::GoOn)?;
/// let slope = trainer.weights()?.remove(0);
/// assert_eq!(slope.0, "a/kernel");
/// assert!((slope.1.as_f32()?[0] - 3.0).abs() < 0.05, "{slope:?}");
/// # Ok::<(), wgpool::Error>(())
/// ```
#[derive(Debug)]
pub struct Trainer {
    network: Network,
    settings: Settings,
    variables: Vec<Variable>,
    place: Place,
    /// Steps that were begun.
    steps: u64,
    position: Position,
    history: Vec<EpochReport>,
}

/// Where in the data the next step begins, and what the epoch has come to.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Position {
    epoch: u64,
    /// Examples of this epoch that steps have taken.
    examples: usize,
    /// What those whose steps were read have come to.
    sum: metrics::Sum,
}

impl Trainer {
    /// Puts a network on a backend, and makes the programs of full batches ready. All its weights must have values:
    /// [`initialise`](super::initialise) gives them some.
    ///
    /// # Errors
    /// [`Error::Parameter`] for settings that make no sense; [`Error::Layer`] for a weight without values and for an operation without a
    /// gradient, with its layer; [`Error::Document`] for a network with several inputs or outputs, or nothing to train; those of the
    /// backend.
    pub async fn new_async(
        backend: &Backend,
        network: impl Into<Network>,
        settings: Settings,
    ) -> Result<Trainer> {
        settings.check()?;
        let network = network.into();
        let variables = variables(&network, &settings)?;
        let values = initial(&network, &variables)?;
        let place = Place::new(backend, &variables, values, settings.in_flight).await?;
        let (steps, position) = (0, Position::default());
        let mut trainer =
            Trainer { network, settings, variables, place, steps, position, history: Vec::new() };
        trainer.ready(true, settings.batch).await?;
        Ok(trainer)
    }

    /// Makes a program ready, if it is not yet.
    async fn ready(&mut self, is_step: bool, batch: usize) -> Result<Key> {
        let key = Key { is_step, batch };
        if !self.place.has(key) {
            let built: Built = match is_step {
                true => step(&self.network, &self.settings, batch, self.place.most_inputs())?,
                false => evaluation(&self.network, &self.settings, batch, self.place.most_inputs())?,
            };
            self.place.compile(key, built).await?;
        }
        Ok(key)
    }

    /// What it is told.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Steps that were begun.
    pub fn steps(&self) -> u64 {
        self.steps
    }

    /// The epochs that are done.
    pub fn history(&self) -> &[EpochReport] {
        &self.history
    }

    /// What a step of a full batch runs, and the memory that it takes.
    pub fn explain(&self) -> Option<&ProgramExplanation> {
        let key = Key { is_step: true, batch: self.settings.batch };
        self.place.session(key).map(|session| session.explain())
    }

    /// Makes the program of a batch's step ready, and says what its inputs take.
    async fn next(&mut self, x: &Tensor) -> Result<(Key, Next)> {
        let batch = x.shape().first().copied().unwrap_or(0);
        if batch == 0 {
            return Err(Error::shape("training", "the examples", x.shape(), "there must be one"));
        }
        let key = self.ready(true, batch).await?;
        let step = u32::try_from(self.steps + 1).unwrap_or(u32::MAX);
        let rate = self.settings.schedule.rate(self.settings.rate, self.steps);
        let numbers = self.settings.optimizer.numbers(step, rate);
        Ok((key, Next { numbers, seed: self.settings.seed, step: self.steps }))
    }

    /// Begins a step on a batch.
    async fn begin(&mut self, x: &Tensor, y: &Tensor) -> Result<Ends> {
        let (key, next) = self.next(x).await?;
        let ends = self.place.run(key, |role, desc| next.given(role, desc, x, y)).await?;
        self.steps += 1;
        Ok(ends)
    }

    /// Records one step on a batch into the app's encoder, of the engine's device. The step counts as begun.
    ///
    /// # Errors
    /// [`Error::NoDevice`] if it does not train on a GPU; [`Error::Busy`] if as many steps are in flight as
    /// [`Settings::in_flight`] permits; those of [`Trainer::step_async`] but for the loss.
    pub async fn encode_async(
        &mut self,
        encoder: &mut wgpool::wgpu::CommandEncoder,
        x: &Tensor,
        y: &Tensor,
    ) -> Result<EncodedStep> {
        let (key, next) = self.next(x).await?;
        let recorded = self.place.encode(key, |role, desc| next.given(role, desc, x, y), encoder).await?;
        self.steps += 1;
        Ok(EncodedStep { recorded, step: self.steps, loss: self.settings.loss, targets: y.clone() })
    }

    /// One step on a batch, waited for: its loss, by the parameters before it.
    ///
    /// # Errors
    /// [`Error::Shape`] for other shapes than the network takes; [`Error::NotFinite`] for a loss that is infinite or NaN, which leaves the
    /// parameters as they were; those of the backend.
    pub async fn step_async(&mut self, x: &Tensor, y: &Tensor) -> Result<Metrics> {
        let ends = self.begin(x, y).await?;
        let step = self.steps;
        let [loss, result] = ends.read().await?;
        let metrics = Metrics::of(&loss, correct(self.settings.loss, &result, y)?, y)?;
        self.check_loss(step, metrics.loss, x, y).await?;
        Ok(metrics)
    }

    /// Loss and accuracy on examples, by the parameters as they are now, in batches.
    ///
    /// # Errors
    /// [`Error::Shape`] for other shapes than the network takes; those of the backend.
    pub async fn evaluate_async(&mut self, data: &Dataset<'_>) -> Result<Metrics> {
        let mut sum = metrics::Sum::default();
        let mut from = 0;
        while from < data.len() {
            let to = data.len().min(from + self.settings.batch);
            let (x, y) = data.batch(&(from..to).collect::<Vec<_>>())?;
            let key = self.ready(false, to - from).await?;
            let given = |role: Role, _: &TensorDesc| match role {
                Role::Targets => Ok(y.clone()),
                _ => Ok(x.clone()),
            };
            let [loss, result] = self.place.run(key, given).await?.read().await?;
            let metrics = Metrics::of(&loss, correct(self.settings.loss, &result, &y)?, &y)?;
            sum.add(&metrics, to - from);
            from = to;
        }
        Ok(sum.mean())
    }

    /// Parameters and running statistics with their names, in the network's shapes.
    ///
    /// # Errors
    /// Those of the backend.
    pub async fn weights_async(&self) -> Result<Vec<(String, Tensor)>> {
        let values = self.place.get().await?;
        let all = self.variables.iter().zip(values);
        let of_network = |kind: Kind| matches!(kind, Kind::Parameter | Kind::Statistic);
        Ok(all
            .filter(|(variable, _)| of_network(variable.kind))
            .map(|(variable, value)| (variable.name.clone(), value))
            .collect())
    }

    /// The model with the weights as they are now; none for a network that is a program.
    ///
    /// # Errors
    /// Those of the backend.
    pub async fn model_async(&self) -> Result<Option<Model>> {
        let Network::Model(model) = &self.network else { return Ok(None) };
        let mut model = Model::clone(model);
        let stored: std::collections::BTreeMap<String, Vec<usize>> =
            model.weights()?.into_iter().map(|(name, tensor)| (name, tensor.shape().to_vec())).collect();
        let mut set = Vec::new();
        for (name, value) in self.weights_async().await? {
            let value = match stored.get(&name) {
                Some(shape) => value.reshaped(shape)?,
                None => value,
            };
            set.push((name, value));
        }
        model.set_weights(set)?;
        Ok(Some(model))
    }

    /// Refuses a loss that is not finite, with the first tensor of its step that is not.
    async fn check_loss(&self, step: u64, loss: f64, x: &Tensor, y: &Tensor) -> Result<()> {
        if loss.is_finite() {
            return Ok(());
        }
        // The parameters are what they were when the step began.
        let values = self.place.get().await?;
        let tensor = self.first_bad(&values, x, y)?.unwrap_or_else(|| "the loss".to_owned());
        Err(Error::NotFinite { during: format!("training step {step}"), tensor })
    }

    /// The first tensor that is not finite: a parameter, what goes in, or what an operation makes of that.
    fn first_bad(&self, values: &[Tensor], x: &Tensor, y: &Tensor) -> Result<Option<String>> {
        let is_bad = |tensor: &Tensor| tensor.as_f32().is_ok_and(|all| all.iter().any(|v| !v.is_finite()));
        for (variable, value) in self.variables.iter().zip(values) {
            if is_bad(value) {
                return Ok(Some(variable.name.clone()));
            }
        }
        for (name, tensor) in [("the examples", x), ("the targets", y)] {
            if is_bad(tensor) {
                return Ok(Some(name.to_owned()));
            }
        }
        let batch = x.shape().first().copied().unwrap_or(1);
        let Built { program, inputs, .. } =
            evaluation(&self.network, &self.settings, batch, self.place.most_inputs())?;
        let of_role = |role: &Role| match role {
            Role::Variable(at) => values.get(*at),
            Role::Targets => Some(y),
            _ => Some(x),
        };
        let given: Vec<&Tensor> = inputs.iter().filter_map(of_role).collect();
        let mut first = None;
        program.run_with::<Error>(&given, |step, inputs| {
            let op = step.op().ok_or_else(|| Error::document("training", "an operator of the app's own"))?;
            let outputs = wgpool::host::run(op, inputs)?;
            if first.is_none() && outputs.iter().any(is_bad) {
                first = Some(format!("{} ({})", step.name, step.kind()));
            }
            Ok(outputs)
        })?;
        Ok(first)
    }
}

/// The values that variables begin with.
fn initial(network: &Network, variables: &[Variable]) -> Result<Vec<Tensor>> {
    let own: Vec<(String, Arc<Tensor>)> = match network {
        Network::Model(model) => {
            model.weights()?.into_iter().map(|(name, tensor)| (name, Arc::new(tensor))).collect()
        }
        Network::Program(program) => super::replay::values(program)?,
    };
    let by_name: std::collections::BTreeMap<String, Arc<Tensor>> = own.into_iter().collect();
    let mut values = Vec::with_capacity(variables.len());
    for Variable { name, desc, kind } in variables {
        values.push(match kind {
            Kind::Parameter | Kind::Statistic => {
                let missing = || Error::layer(network.name(), name, "the weight has no values");
                Tensor::clone(by_name.get(name).ok_or_else(missing)?).reshaped(&desc.shape)?
            }
            Kind::State => Tensor::zeros(&desc.shape, desc.dtype)?,
            Kind::Finite => Tensor::from_f32(&desc.shape, vec![1.0])?,
        });
    }
    Ok(values)
}

/// What a step's inputs take that are no variables.
struct Next {
    numbers: Vec<f64>,
    seed: u64,
    /// Steps before it.
    step: u64,
}

impl Next {
    fn given(&self, role: Role, desc: &TensorDesc, x: &Tensor, y: &Tensor) -> Result<Tensor> {
        match role {
            Role::Number(at) => {
                let number = self.numbers.get(at).copied().unwrap_or(f64::NAN);
                Tensor::from_f32(&desc.shape, vec![number as f32])
            }
            // The seed's words, and which of its numbers: see `DropoutMask`.
            Role::Mask(number) => {
                let words = [self.seed, self.seed >> 32, self.step, number as u64];
                Tensor::new(&desc.shape, Data::I32(words.map(|word| word as u32 as i32).to_vec()))
            }
            Role::Targets => Ok(y.clone()),
            Role::Examples | Role::Variable(_) => Ok(x.clone()),
        }
    }
}
