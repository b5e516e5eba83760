//! How kernels that read pages go through a window.

/// How kernels that read pages go through a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Taps {
    /// In loops over its taps.
    Any,
    /// Unrolled.
    Few {
        /// Taps along rows and along the last axis: 2 or 3.
        side: u32,
        /// Whether an invocation computes four neighbours along the last axis.
        fours: bool,
    },
    /// Unrolled, without dilation on rows of neighbours: four windows share the columns they load.
    Columns {
        /// Taps along rows and along the last axis: 2 or 3.
        side: u32,
        /// From window to window along the last axis, below `side`.
        stride: u32,
    },
    /// Two by two and unrolled, where windows touch along the last axis and rows begin with whole vectors: the inputs of
    /// four neighbours are two vectors in each row.
    Pairs,
}

impl Taps {
    /// For windows of `kernel` taps along rows, the middle and the last axis, and that many outputs along the last.
    pub(crate) fn of(kernel: [usize; 3], outputs: usize) -> Taps {
        match kernel {
            [2, 1, 2] => Taps::Few { side: 2, fours: outputs.is_multiple_of(4) },
            [3, 1, 3] => Taps::Few { side: 3, fours: outputs.is_multiple_of(4) },
            _ => Taps::Any,
        }
    }

    /// Those whose windows share no columns.
    pub(crate) const EACH: [Taps; 5] = [
        Taps::Any,
        Taps::Few { side: 2, fours: false },
        Taps::Few { side: 2, fours: true },
        Taps::Few { side: 3, fours: false },
        Taps::Few { side: 3, fours: true },
    ];

    /// Where four windows of these share the columns they load.
    pub(crate) const COLUMNS: [Taps; 3] = [
        Taps::Columns { side: 2, stride: 1 },
        Taps::Columns { side: 3, stride: 1 },
        Taps::Columns { side: 3, stride: 2 },
    ];

    /// Whether an invocation computes four neighbours.
    pub(crate) fn fours(self) -> bool {
        matches!(self, Taps::Few { fours: true, .. } | Taps::Columns { .. } | Taps::Pairs)
    }

    /// Taps along each axis, if the loops are unrolled.
    pub(crate) fn side(self) -> Option<u32> {
        match self {
            Taps::Any | Taps::Pairs => None,
            Taps::Few { side, .. } | Taps::Columns { side, .. } => Some(side),
        }
    }
}
