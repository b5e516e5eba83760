//! A step of training as one program: forwards, backwards, and what the optimiser makes of it.

use super::clip::clipped;
use super::loss::{Losses, losses};
use super::network::Network;
use super::recompute::recomputed;
use super::reverse::gradients_from;
use super::rules::narrow;
use super::settings::Settings;
use crate::graph::{Graph, Value};
use crate::lower::training::Trained;
use crate::program::Program;
use wgpool::error::{Error, Result};
use wgpool::spec::gradient::{OptimizerFormula, OptimizerInput};
use wgpool::spec::{BinaryFunction, ElementStep, Elementwise, Operand};
use wgpool::tensor::TensorDesc;

/// What an input of the program is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Role {
    /// The examples.
    Examples,
    /// Their targets.
    Targets,
    /// One of the optimiser's numbers.
    Number(usize),
    /// From what a mask of dropout is drawn, by its place among the masks.
    Mask(usize),
    /// What is kept from step to step.
    Variable(usize),
}

/// What is kept from step to step.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Variable {
    pub name: String,
    pub desc: TensorDesc,
    pub kind: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// What is trained.
    Parameter,
    /// A running statistic.
    Statistic,
    /// What the optimiser remembers of a parameter.
    State,
    /// 1 until a loss was not finite: from then on nothing changes any more.
    Finite,
}

/// A program and what its inputs and outputs are.
#[derive(Clone, Debug)]
pub(super) struct Built {
    pub program: Program,
    pub inputs: Vec<Role>,
    /// Which variables the outputs from the third on are, behind loss and result.
    pub updated: Vec<usize>,
}

/// Names of the program's first outputs.
pub(super) const LOSS: &str = "loss";
pub(super) const RESULT: &str = "result";

/// The variables of a network, in their order: parameters, statistics, states of the optimiser, and whether all is finite.
pub(super) fn variables(network: &Network, settings: &Settings) -> Result<Vec<Variable>> {
    let trained = network.trained(settings.batch, true)?;
    let mut variables = Vec::new();
    for (name, value) in &trained.weights.parameters {
        let desc = trained.graph.desc(*value)?.clone();
        variables.push(Variable { name: name.clone(), desc, kind: Kind::Parameter });
    }
    if variables.is_empty() {
        return Err(Error::document("training", format!("{} has nothing to train", trained.graph.name())));
    }
    let parameters = variables.clone();
    for statistic in &trained.weights.statistics {
        let desc = trained.graph.desc(statistic.before)?.clone();
        variables.push(Variable { name: statistic.name.clone(), desc, kind: Kind::Statistic });
    }
    for state in 0..settings.optimizer.states() {
        for Variable { name, desc, .. } in &parameters {
            let name = format!("optimizer/{state}/{name}");
            variables.push(Variable { name, desc: desc.clone(), kind: Kind::State });
        }
    }
    let desc = TensorDesc::f32([1]);
    variables.push(Variable { name: "optimizer/finite".into(), desc, kind: Kind::Finite });
    Ok(variables)
}

/// The inputs that every program has: examples, and all weights.
fn roles(trained: &Trained) -> Result<Vec<Role>> {
    let Trained { graph, inputs, weights, .. } = trained;
    let mut roles = vec![None; graph.input_count()];
    let mut set = |value: Value, role: Role| -> Result<()> {
        if let crate::program::Source::Input(input) = graph.source(value)?
            && let Some(place) = roles.get_mut(*input)
        {
            *place = Some(role);
        }
        Ok(())
    };
    for &input in inputs {
        set(input, Role::Examples)?;
    }
    let parameters = weights.parameters.iter().map(|(_, value)| *value);
    let statistics = weights.statistics.iter().map(|statistic| statistic.before);
    for (at, value) in parameters.chain(statistics).enumerate() {
        set(value, Role::Variable(at))?;
    }
    for (number, &state) in weights.masks.iter().enumerate() {
        set(state, Role::Mask(number))?;
    }
    let missing = || Error::document("training", "an input of the network is none that training knows");
    roles.into_iter().map(|role| role.ok_or_else(missing)).collect()
}

/// Checks that there is one input and one output.
fn only(trained: &Trained) -> Result<Value> {
    match (trained.inputs.as_slice(), trained.outputs.as_slice()) {
        ([_], &[output]) => Ok(output),
        (inputs, outputs) => {
            let reason = format!(
                "a trained network has one input and one output, {} has {} and {}",
                trained.graph.name(),
                inputs.len(),
                outputs.len()
            );
            Err(Error::document("training", reason))
        }
    }
}

/// Loss and result of a batch, by the variables as they are.
pub(super) fn evaluation(
    network: &Network,
    settings: &Settings,
    batch: usize,
    most_inputs: usize,
) -> Result<Built> {
    let mut trained = network.trained(batch, false)?;
    let output = only(&trained)?;
    let mut inputs = roles(&trained)?;
    let Losses { loss, result, targets, .. } = losses(&mut trained.graph, settings.loss, output)?;
    debug_assert_eq!(trained.graph.input_count(), inputs.len() + 1, "{targets:?}");
    inputs.push(Role::Targets);
    trained.graph.output(LOSS, loss);
    trained.graph.output(RESULT, result);
    Ok(Built { program: finished(trained.graph, most_inputs)?, inputs, updated: vec![] })
}

/// The program, joined unless it then might read more tensors in a kernel than there may be.
fn finished(graph: Graph, most_inputs: usize) -> Result<Program> {
    let program = graph.finish()?;
    if most_inputs < Elementwise::MOST_INPUTS { Ok(program) } else { program.optimised() }
}

/// A step of training. Its formulas read as many tensors as `most_inputs`, at least three.
pub(super) fn step(
    network: &Network,
    settings: &Settings,
    batch: usize,
    most_inputs: usize,
) -> Result<Built> {
    let mut trained = network.trained(batch, true)?;
    let output = only(&trained)?;
    let mut inputs = roles(&trained)?;
    let of_loss = losses(&mut trained.graph, settings.loss, output)?;
    inputs.push(Role::Targets);
    let Trained { mut graph, weights, .. } = trained;
    let parameters: Vec<Value> = weights.parameters.iter().map(|(_, value)| *value).collect();
    let mut gradients = gradients_from(&mut graph, &[(of_loss.seeded, of_loss.gradient)], &parameters)?;
    graph.at("clip");
    if let Some(clip) = settings.clip {
        gradients = clipped(&mut graph, clip, &gradients)?;
    }

    // What the optimiser needs besides.
    let states = settings.optimizer.states();
    let mut given = Given { numbers: vec![], states: vec![], finite: of_loss.loss, most_inputs };
    for number in 0..settings.optimizer.numbers(1, settings.rate).len() {
        given.numbers.push(graph.input(format!("optimizer/number {number}"), TensorDesc::f32([1])));
        inputs.push(Role::Number(number));
    }
    let mut at = parameters.len() + weights.statistics.len();
    for state in 0..states {
        let mut of_state = Vec::with_capacity(parameters.len());
        for (name, value) in &weights.parameters {
            let desc = graph.desc(*value)?.clone();
            of_state.push(graph.input(format!("optimizer/{state}/{name}"), desc));
            inputs.push(Role::Variable(at));
            at += 1;
        }
        given.states.push(of_state);
    }
    let before = graph.input("optimizer/finite", TensorDesc::f32([1]));
    inputs.push(Role::Variable(at));
    graph.at("finite");
    given.finite = graph.one(still_finite(), &[of_loss.loss, before])?;

    graph.output(LOSS, of_loss.loss);
    graph.output(RESULT, of_loss.result);
    let mut updated = Vec::new();
    let mut after: Vec<(usize, Value)> = vec![(at, given.finite)];
    for (place, statistic) in weights.statistics.iter().enumerate() {
        if let Some(value) = statistic.after {
            let kept = graph.one(guarded(), &[given.finite, value, statistic.before])?;
            after.push((parameters.len() + place, kept));
        }
    }
    let formulas = settings.optimizer.formulas();
    for (number, ((name, parameter), gradient)) in weights.parameters.iter().zip(gradients).enumerate() {
        graph.at(format!("step of {name}"));
        let own = |given: &Given| -> Vec<Value> {
            given.states.iter().filter_map(|states| states.get(number).copied()).collect()
        };
        let before = own(&given);
        let mut new = Vec::with_capacity(states);
        for (state, formula) in formulas.states.iter().enumerate() {
            let old = before.get(state).copied().unwrap_or(*parameter);
            new.push(apply(&mut graph, formula, [*parameter, gradient, old], &before, &given)?);
        }
        for (state, value) in new.iter().enumerate() {
            after.push((parameters.len() * (1 + state) + weights.statistics.len() + number, *value));
        }
        let value = apply(&mut graph, &formulas.parameter, [*parameter, gradient, *parameter], &new, &given)?;
        after.push((number, value));
    }
    after.sort_by_key(|(variable, _)| *variable);
    for (variable, value) in after {
        graph.output(format!("variable {variable}"), value);
        updated.push(variable);
    }
    let program = recomputed(finished(graph, most_inputs)?, settings.recompute)?;
    Ok(Built { program, inputs, updated })
}

/// What the optimiser's formulas take besides parameter and gradient.
struct Given {
    numbers: Vec<Value>,
    states: Vec<Vec<Value>>,
    finite: Value,
    /// Tensors that a formula may read.
    most_inputs: usize,
}

/// 1 if the second is and the loss is finite, else 0.
fn still_finite() -> Elementwise {
    let [loss, before, zero] = [Operand::Input(0), Operand::Input(1), Operand::Number(0.0)];
    let steps = vec![
        // Infinity and NaN times 0 are NaN, which equals nothing.
        ElementStep::Binary(BinaryFunction::Multiply, loss, zero),
        ElementStep::Binary(BinaryFunction::Equal, Operand::Step(0), zero),
        ElementStep::Binary(BinaryFunction::Multiply, Operand::Step(1), before),
    ];
    Elementwise { inputs: 2, steps }
}

/// The second where the first is not 0, else the third.
fn guarded() -> Elementwise {
    Elementwise::select()
}

/// A formula of the optimiser, behind which what was before stays where the loss is not finite.
fn apply(
    graph: &mut Graph,
    OptimizerFormula { inputs, formula }: &OptimizerFormula,
    [parameter, gradient, old]: [Value; 3],
    states: &[Value],
    given: &Given,
) -> Result<Value> {
    let missing = || Error::document("training", "an optimiser's formula takes what there is not");
    let mut values = Vec::with_capacity(inputs.len() + 2);
    for input in inputs {
        values.push(match *input {
            OptimizerInput::Parameter => parameter,
            OptimizerInput::Gradient => gradient,
            OptimizerInput::State(at) => *states.get(at).ok_or_else(missing)?,
            OptimizerInput::Number(at) => *given.numbers.get(at).ok_or_else(missing)?,
        });
    }
    let mut place = |value: Value| match values.iter().position(|&known| known == value) {
        Some(place) => Operand::Input(place),
        None => {
            values.push(value);
            Operand::Input(values.len() - 1)
        }
    };
    let (condition, no) = (place(given.finite), place(old));
    let mut whole = formula.clone();
    let yes = Operand::Step(whole.steps.len().saturating_sub(1));
    whole.steps.push(ElementStep::Select { condition, yes, no });
    whole.inputs = values.len();
    match values.len() <= given.most_inputs.min(Elementwise::MOST_INPUTS) {
        true => graph.one(whole, &values),
        false => narrow(graph, &whole, &values),
    }
}
