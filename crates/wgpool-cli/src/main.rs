//! The command line: reads arguments, runs one command, turns an error into one line and a status.

mod adapters;
mod args;
mod backends;
mod batches;
mod bench;
mod demo;
mod document;
mod examples;
mod files;
mod kernels;
mod labels;
mod maps;
mod network;
mod op;
mod predict;
mod profile;
mod summary;
mod terminal;
mod train;
mod tune;
mod verify;

use std::io::{self, Write};
use std::process::ExitCode;

use args::Command;
use document::document;
use wgpool::host::{self, Simd};
use wgpool::text::escaped;

/// Exit status of every failure, also of wrong arguments.
const FAILURE: u8 = 2;

/// Runs the command line.
fn main() -> ExitCode {
    silence_wayland();
    // Silent unless RUST_LOG asks: drivers log what is no concern of the person at the terminal.
    env_logger::Builder::new().filter_level(log::LevelFilter::Off).parse_default_env().init();
    let cli = match args::parse() {
        Ok(cli) => cli,
        Err(error) => return args::report(&error),
    };
    if let Some(simd) = cli.simd.map(Simd::from)
        && host::limit_simd(simd) < simd
    {
        return fail(&format!("--simd {simd}: this CPU has {}", host::simd_level()));
    }
    // Where a result goes to standard output, it is there alone.
    let mut out: Box<dyn Write> =
        if cli.writes_to_stdout() { Box::new(io::stderr()) } else { Box::new(io::stdout().lock()) };
    let mut status = ExitCode::SUCCESS;
    let done = match &cli.command {
        None => demo::run(&cli.place(), cli.out.as_deref(), &mut *out),
        Some(Command::Adapters(args)) => adapters::run(args, &mut *out),
        Some(Command::Kernels(args)) => kernels::run(args, &mut *out),
        Some(Command::Summary(args)) => summary::run(args, &cli.place(), &mut *out),
        Some(Command::Predict(args)) => predict::run(args, &cli.place(), &mut *out),
        Some(Command::Run(args)) => network::run::run(args, &cli.place(), &mut *out),
        Some(Command::Check(args)) => {
            network::check::run(args, &cli.place(), &mut *out).map(|found| status = found)
        }
        Some(Command::Maps(args)) => maps::run(args, &cli.place(), &mut *out),
        Some(Command::Op(args)) => op::run(args, &cli.place(), &mut *out),
        Some(Command::Verify(args)) => verify::run(args, &cli.place(), &mut *out).map(|found| status = found),
        Some(Command::Train(args)) => train::run(args, &cli.place(), &mut *out),
        Some(Command::Tune(args)) => tune::run(args, &cli.place(), &mut *out),
        Some(Command::Bench(args)) => bench::run(args, &cli.place(), &mut *out).map(|found| status = found),
    };
    match done.and_then(|()| out.flush().map_err(terminal::stdout_error)) {
        Ok(()) => status,
        // The reader of the pipe has seen enough: nothing went wrong.
        Err(error) if terminal::is_closed_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => fail(&error.to_string()),
    }
}

/// Keeps Mesa's Vulkan layers from complaining on stderr where there is no desktop session.
///
/// They look for a Wayland display, and the Wayland library prints a line whenever this variable is unset.
fn silence_wayland() {
    const SESSION: &str = "XDG_RUNTIME_DIR";
    if cfg!(target_os = "linux") && std::env::var_os(SESSION).is_none() {
        // SAFETY: this is the first thing the program does: no other thread runs that could read the environment.
        unsafe { std::env::set_var(SESSION, "/nonexistent") };
    }
}

/// Prints one line on stderr and gives the status of a failure.
fn fail(message: &str) -> ExitCode {
    let line: Vec<&str> = message.split_whitespace().collect();
    // Where stderr itself is closed there is nobody left to tell.
    let _ = writeln!(io::stderr(), "wgpool: {}", escaped(&line.join(" ")));
    ExitCode::from(FAILURE)
}
