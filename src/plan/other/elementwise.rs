//! The kernel of formulas.

use crate::activation::ActivationKind;
use crate::error::Result;
use crate::kernel::{Code, Elementwise, ElementwiseParams, Term};
use crate::plan::{Planner, Slot, Step};
use crate::problem::{Access, ElementwiseWork};
use crate::spec::{ElementStep, Operand};

pub(in crate::plan) fn steps(p: &Planner, work: &ElementwiseWork) -> Result<Vec<Step>> {
    let inputs = work.formula.inputs;
    let access: Vec<Access> = (0..inputs).map(|i| work.access(i)).collect();
    // Whole vectors of an input begin with the output's.
    let four = work.row().is_multiple_of(4);
    let lanes = if four { 4 } else { 1 };
    let mut params = ElementwiseParams {
        total: p.u32(work.elements() / lanes)?,
        nan: f32::NAN.to_bits(),
        lowest: f32::NEG_INFINITY,
        ..bytemuck::Zeroable::zeroed()
    };
    let last = work.axes.len().saturating_sub(1);
    for (n, (axis, places)) in work.axes.iter().zip(params.axes.as_chunks_mut::<2>().0).enumerate() {
        let [places @ .., _] = places.as_flattened_mut() else { continue };
        let is_last = n == last;
        let strides = axis.strides.iter().zip(&access).map(|(&stride, access)| match access {
            Access::Along if !is_last => stride / lanes,
            _ => stride,
        });
        let numbers = [if is_last { axis.length / lanes } else { axis.length }].into_iter().chain(strides);
        for (place, number) in places.iter_mut().zip(numbers) {
            *place = p.u32(number)?;
        }
    }
    let mut code = Coder { numbers: Vec::new() };
    let mut coded = work.formula.steps.iter().map(|step| code.step(step));
    let kernel = Elementwise {
        dtype: work.dtype,
        steps: std::array::from_fn(|_| coded.next()),
        inputs: std::array::from_fn(|i| access.get(i).copied()),
        axes: work.axes.len() as u8,
        four,
    };
    for (place, number) in params.numbers.as_flattened_mut().iter_mut().zip(code.numbers) {
        *place = number;
    }
    let slots = (0..inputs).map(Slot::Input).chain([Slot::Output(0)]).collect();
    Ok(vec![Step::new(kernel, &params, slots, p.invocations(u64::from(params.total))?)])
}

/// Steps for the kernel's key, and the numbers that are parameters.
struct Coder {
    numbers: Vec<f32>,
}

impl Coder {
    fn step(&mut self, step: &ElementStep) -> Code {
        match *step {
            ElementStep::Unary(function, a) => Code::Unary(function, self.term(a)),
            ElementStep::Binary(function, a, b) => Code::Binary(function, self.term(a), self.term(b)),
            ElementStep::Select { condition, yes, no } => {
                Code::Select(self.term(condition), self.term(yes), self.term(no))
            }
            ElementStep::Activation(activation, a) => {
                let (kind, parameters) = ActivationKind::of(activation);
                let (a, first) = (self.term(a), Term::number(self.numbers.len()));
                self.numbers.extend(parameters);
                Code::Activation(kind, a, first)
            }
        }
    }

    fn term(&mut self, operand: Operand) -> Term {
        match operand {
            Operand::Input(i) => Term::input(i),
            Operand::Step(i) => Term::step(i),
            Operand::Number(number) => {
                self.numbers.push(number);
                Term::number(self.numbers.len() - 1)
            }
        }
    }
}
