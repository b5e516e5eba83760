//! `wgpool summary`: the layers of a model.

use std::io::Write;

use wgpool::Result;
use wgpool::model::keras;

use super::args::SummaryArgs;
use super::terminal::line;

/// Runs the command.
pub fn run(args: &SummaryArgs, out: &mut dyn Write) -> Result<()> {
    line(out, keras::load_architecture(&args.model)?.summary()?.trim_end())
}
