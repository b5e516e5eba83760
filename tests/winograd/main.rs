//! Winograd's algorithm, where convolutions permit errors that depend on tiles.

mod bound;
mod hardware;
mod host;
mod inputs;
mod mutants;
