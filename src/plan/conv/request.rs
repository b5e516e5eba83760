//! What kernels of convolution are asked for.

use std::cell::OnceCell;

use super::register_tiles::choice::{self, Choice};
use crate::plan::planner::{Planner, Verdict};
use crate::plan::step::Slot;
use crate::plan::tuning::Classed;
use crate::problem::{ConvPoolWork, ConvWork, PoolWork};

/// Why kernels that go through all taps do not apply.
pub(super) const OUTSIDE: &str = "most of what its windows cover lies outside the input";

/// The register tiles, which take long to find.
type Tiles = OnceCell<Result<Choice, &'static str>>;

/// A convolution, and the tensor that it writes.
pub(in crate::plan) struct Request {
    pub work: ConvWork,
    pub to: Slot,
    tiles: Tiles,
    /// The same without its residual, if it has one.
    plain: Option<Box<Request>>,
}

impl Request {
    pub fn new(work: &ConvWork, to: Slot) -> Request {
        let plain = work.residual.then(|| Box::new(Request::new(&work.without_residual(), to)));
        Request { work: *work, to, tiles: Tiles::new(), plain }
    }

    pub fn plain(&self) -> Option<&Request> {
        self.plain.as_deref()
    }

    /// Whether kernels that go through all taps may compute it.
    pub fn little_outside(&self) -> Verdict {
        if self.work.little_outside() { Ok(()) } else { Err(OUTSIDE) }
    }

    pub fn tiles(&self, p: &Planner) -> Result<&Choice, &'static str> {
        self.tiles.get_or_init(|| choice::choose(&self.work, None, p)).as_ref().map_err(|&why| why)
    }
}

impl Classed for Request {
    fn class(&self) -> String {
        self.work.class()
    }
}

/// A convolution with pooling.
pub(in crate::plan) struct Both {
    pub work: ConvPoolWork,
    /// The convolution alone, into scratch memory.
    pub alone: Request,
    tiles: Tiles,
}

impl Both {
    pub fn new(work: &ConvPoolWork) -> Both {
        let alone = Request::new(&work.conv, Slot::Scratch(0));
        Both { work: work.clone(), alone, tiles: Tiles::new() }
    }

    pub fn conv(&self) -> &ConvWork {
        &self.work.conv
    }

    pub fn pool(&self) -> &PoolWork {
        &self.work.pool
    }

    /// Whether no two windows of the pooling share elements, which one kernel would compute twice.
    pub fn apart(&self) -> Verdict {
        let overlap = self.pool().axes.iter().any(|a| a.stride < a.span() && a.output > 1);
        if overlap { Err("pooling windows overlap, so that it would be convolved twice") } else { Ok(()) }
    }

    /// Whether kernels that go through all taps may compute it.
    pub fn little_outside(&self) -> Verdict {
        let little = self.conv().little_outside() && self.pool().little_outside();
        if little { self.apart() } else { Err(OUTSIDE) }
    }

    /// The register tiles that pool what they compute.
    pub fn tiles(&self, p: &Planner) -> Result<&Choice, &'static str> {
        let find = || choice::choose(self.conv(), Some(self.pool()), p);
        self.tiles.get_or_init(find).as_ref().map_err(|&why| why)
    }
}

impl Classed for Both {
    fn class(&self) -> String {
        self.work.class()
    }
}
