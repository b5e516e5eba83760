//! `wgpool summary`: the layers or nodes of a model.

use std::io::Write;

use wgpool::Result;
use wgpool_net::keras;

use super::args::{Place, SummaryArgs};
use super::terminal::{block, line};
use super::{backends, network};

/// Runs the command.
pub fn run(args: &SummaryArgs, place: &Place, out: &mut dyn Write) -> Result<()> {
    if network::is_onnx(&args.model) {
        return network::summary::run(args, place, out);
    }
    args.shapes.check_none()?;
    if !args.explain {
        return block(out, keras::load_architecture(&args.model)?.summary()?.trim_end());
    }
    // Lowering folds values of weights into others, so it takes the whole model.
    let model = keras::load(&args.model, args.weights.as_deref())?;
    let explanation = model.program(1)?.explain(&backends::open(place)?.backend)?;
    block(out, model.summary()?.trim_end())?;
    line(out, "")?;
    block(out, explanation)
}
