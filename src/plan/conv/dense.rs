//! Dense layers of few outputs, whose inputs workgroups go through in parallel.

use super::direct::direct_iterations;
use super::request::Request;
use super::slots::slots;
use crate::error::Result;
use crate::geometry::Axis;
use crate::kernel::{Dense, DenseParams, WORKGROUP};
use crate::plan::candidate::{Candidate, Solution};
use crate::plan::loop_limit::Iterations;
use crate::plan::planner::activation_of;
use crate::plan::{Family, Planner, Step};
use crate::spec::Layout;

/// It pays where inputs are at least this many and outputs too few to fill a device.
const LONG_INPUT: usize = 256;
const FEW_OUTPUTS: usize = 4096;

pub(super) const CANDIDATE: Candidate<Request> = Candidate {
    name: "conv/dense",
    family: Family::General,
    about: "dense layers with few outputs of many inputs: a workgroup goes through the inputs of one output",
    solve: |request, p| {
        let work = &request.work;
        let dense =
            work.groups == 1 && !work.residual && work.layout == Layout::Nhwc && work.axes == [Axis::UNIT; 3];
        if !dense {
            return Err("it is no dense layer, channels last");
        }
        let few = work.batch * work.group_out <= FEW_OUTPUTS && work.group_in >= LONG_INPUT;
        // The general kernel's loops over one input each.
        let long = !direct_iterations(work, work.group_in).fit(p);
        let cost = match few || long {
            true => Ok(()),
            false => Err("outputs are many enough for an invocation each, or inputs few"),
        };
        Ok(Solution::new(cost, || step(request, p)))
    },
};

fn step(Request { work, to, .. }: &Request, p: &Planner) -> Result<Step> {
    let (activation, alpha_beta) = activation_of(work.activation, work.slope);
    (Iterations::shared(work.group_in, WORKGROUP).then(Iterations::folded(WORKGROUP))).check(p)?;
    let params = DenseParams {
        rows: p.u32(work.batch)?,
        features: p.u32(work.group_in)?,
        outputs: p.u32(work.group_out)?,
        tap_in: p.u32(work.kernel.i)?,
        tap_out: p.u32(work.kernel.o)?,
        has_bias: u32::from(work.bias),
        alpha_beta,
    };
    let grid = p.workgroups((work.batch * work.group_out) as u64)?;
    let why = "few outputs of many inputs, which workgroups go through in parallel";
    let kernel = Dense { dtype: work.dtype, activation };
    Ok(Step { why, ..Step::new(kernel, &params, slots(work, *to), grid) })
}
