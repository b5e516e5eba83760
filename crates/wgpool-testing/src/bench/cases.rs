//! The workloads that every benchmark runs: NCHW, f32 if nothing else is asked for.

use wgpool::error::{Error, Result};
use wgpool::problem::{ConvWork, Problem};
use wgpool::spec::{Accuracy, Activation, Conv, ConvPool, GlobalPool, Op, Padding, Pool};
use wgpool::tensor::{DType, Tensor, TensorDesc};
use wgpool::testing::values;

/// One workload.
#[derive(Clone, Debug)]
pub struct Case {
    /// Its name: a short one such as `P1`, a blank, and what it is.
    pub name: String,
    /// The operation.
    pub op: Op,
    /// Shapes of its inputs.
    pub shapes: Vec<Vec<usize>>,
    /// Type of all elements, which are floats.
    pub dtype: DType,
}

impl Case {
    /// The first word of the name.
    pub fn short(&self) -> &str {
        self.name.split(' ').next().unwrap_or_default()
    }

    /// Its inputs' shapes and types.
    pub fn descs(&self) -> Vec<TensorDesc> {
        (self.shapes.iter()).map(|shape| TensorDesc { shape: shape.clone(), dtype: self.dtype }).collect()
    }

    /// The same workload on elements of another type.
    #[must_use]
    pub fn of(self, dtype: DType) -> Case {
        let name = if dtype == DType::F32 { self.name } else { format!("{} {dtype}", self.name) };
        Case { name, dtype, ..self }
    }

    /// The same in two operations, for a convolution with pooling.
    pub fn unfused(&self) -> Option<[Op; 2]> {
        match &self.op {
            Op::ConvPool(both) => Some([both.conv.clone().into(), both.pool.clone().into()]),
            _ => None,
        }
    }

    /// Which error its results may have.
    pub fn accuracy(&self) -> Accuracy {
        match &self.op {
            Op::Conv(conv) => conv.accuracy,
            Op::ConvPool(both) => both.conv.accuracy,
            _ => Accuracy::Element,
        }
    }

    /// The same with another accuracy, and its name with it; nothing for what is no convolution whose error may then
    /// depend on its tile.
    ///
    /// ```
    /// use wgpool::Accuracy;
    /// use wgpool_testing::bench::cases;
    /// let by_tile: Vec<_> = cases::all().iter().filter_map(|case| case.by_tile()).collect();
    /// assert!(by_tile.iter().any(|case| case.short() == "C2" && case.name.ends_with("by tile")));
    /// assert!(by_tile.iter().all(|case| case.short() != "C3"));
    /// ```
    pub fn by_tile(&self) -> Option<Case> {
        let case = self.with(Accuracy::Tile, " by tile")?;
        let problem = Problem::new(&case.op, &case.descs()).ok()?;
        problem.work.conv().is_some_and(ConvWork::by_tiles).then_some(case)
    }

    /// The same for a convolution whose sums may be plain chains; nothing for anything else.
    pub fn by_chain(&self) -> Option<Case> {
        self.with(Accuracy::Chain, " by chain")
    }

    fn with(&self, accuracy: Accuracy, suffix: &str) -> Option<Case> {
        let mut case = self.clone();
        case.name.push_str(suffix);
        match &mut case.op {
            Op::Conv(conv) => conv.accuracy = accuracy,
            Op::ConvPool(both) => both.conv.accuracy = accuracy,
            _ => return None,
        }
        Some(case)
    }

    /// Inputs with pseudo-random values of both signs, the same at every call.
    ///
    /// # Errors
    /// [`Error::OutOfMemory`].
    pub fn tensors(&self) -> Result<Vec<Tensor>> {
        self.descs().iter().zip(0..).map(|(desc, seed)| values(desc, seed)).collect()
    }
}

fn case(name: &str, op: Op, shapes: &[&[usize]]) -> Case {
    let shapes = shapes.iter().map(|s| s.to_vec()).collect();
    Case { name: name.into(), op, shapes, dtype: DType::F32 }
}

fn pool(name: &str, op: impl Into<Op>, shape: [usize; 4]) -> Case {
    case(name, op.into(), &[&shape])
}

/// With bias and ReLU.
fn conv(name: &str, conv: Conv, x: [usize; 4], w: [usize; 4]) -> Case {
    case(name, conv.activation(Activation::Relu).into(), &[&x, &w, &[w[0]]])
}

/// With bias, ReLU and max pooling of 2x2.
fn conv_pool(name: &str, conv: Conv, x: [usize; 4], w: [usize; 4]) -> Case {
    let op = ConvPool { conv: conv.activation(Activation::Relu), pool: Pool::max([2]) }.into();
    case(name, op, &[&x, &w, &[w[0]]])
}

fn pad(n: usize) -> Padding {
    Padding::symmetric([n])
}

/// Every workload.
pub fn all() -> Vec<Case> {
    vec![
        pool("P1 max 2x2/2", Pool::max([2]), [1, 64, 224, 224]),
        pool("P2 max 3x3/2", Pool::max([3]).stride([2]).padding(pad(1)), [1, 64, 112, 112]),
        pool("P3 max 2x2/2 batch 16", Pool::max([2]), [16, 64, 112, 112]),
        pool("P4 avg 3x3/1", Pool::average([3]).stride([1]).padding(pad(1)), [1, 256, 56, 56]),
        pool("P5 global avg", GlobalPool::average(), [8, 2048, 7, 7]),
        pool("P6 max 13x13/1", Pool::max([13]).stride([1]).padding(pad(6)), [1, 512, 20, 20]),
        pool("P7 max 2x2/2 small", Pool::max([2]), [32, 32, 26, 26]),
        conv("C1 7x7/2", Conv::new().stride([2]).padding(pad(3)), [1, 3, 224, 224], [64, 3, 7, 7]),
        conv("C2 3x3", Conv::new().padding(pad(1)), [1, 64, 56, 56], [64, 64, 3, 3]),
        conv("C3 1x1", Conv::new(), [1, 256, 56, 56], [64, 256, 1, 1]),
        conv("C4 3x3 deep", Conv::new().padding(pad(1)), [1, 256, 14, 14], [256, 256, 3, 3]),
        conv("C5 depthwise 3x3", Conv::new().padding(pad(1)).groups(144), [1, 144, 56, 56], [144, 1, 3, 3]),
        conv("C6 5x5 batch 16", Conv::new().padding(Padding::SameUpper), [16, 32, 10, 10], [64, 32, 5, 5]),
        conv("C7 3x3 few channels", Conv::new(), [1, 3, 224, 224], [10, 3, 3, 3]),
        conv("C8 3x3 large", Conv::new().padding(pad(1)), [1, 64, 224, 224], [64, 64, 3, 3]),
        conv_pool("F1 3x3 + max 2x2", Conv::new().padding(pad(1)), [1, 64, 112, 112], [64, 64, 3, 3]),
        conv_pool("F2 3x3 few + max 2x2", Conv::new(), [1, 3, 224, 224], [10, 3, 3, 3]),
    ]
}

/// The workloads whose short names are given, in the order of the table.
///
/// # Errors
/// [`Error::Parameter`] for a name that there is not, with those there are.
///
/// ```
/// let names = |wanted: &[&str]| -> wgpool::Result<Vec<String>> {
///     let wanted: Vec<String> = wanted.iter().map(|w| w.to_string()).collect();
///     Ok(wgpool_testing::bench::cases::named(&wanted)?.iter().map(|case| case.short().to_owned()).collect())
/// };
/// assert_eq!(names(&["c2", "P1"])?, ["P1", "C2"]);
/// assert!(names(&["P0"]).is_err());
/// # Ok::<(), wgpool::Error>(())
/// ```
pub fn named(names: &[String]) -> Result<Vec<Case>> {
    let all = all();
    for name in names {
        if !all.iter().any(|case| case.short().eq_ignore_ascii_case(name)) {
            let known: Vec<&str> = all.iter().map(Case::short).collect();
            return Err(Error::parameter(
                "bench",
                "case",
                name,
                format!("the cases are {}", known.join(", ")),
            ));
        }
    }
    let wanted = |case: &Case| names.iter().any(|name| case.short().eq_ignore_ascii_case(name));
    Ok(all.into_iter().filter(wanted).collect())
}

/// Rows of workloads of growing size, each a table of its own: by the batch, and by the side of the image.
pub fn scaling() -> Vec<(&'static str, Vec<Case>)> {
    let batches = [1, 4, 16, 64];
    let sides = [28, 56, 112, 224, 448, 896, 1792];
    let pooled = |n, c, side| pool(&format!("{n}x{c}x{side}x{side}"), Pool::max([2]), [n, c, side, side]);
    let convolved = |n, c, side| {
        let name = format!("{n}x{c}x{side}x{side}");
        conv(&name, Conv::new().padding(pad(1)), [n, c, side, side], [c, c, 3, 3])
    };
    vec![
        ("max 2x2/2 by batch", batches.map(|n| pooled(n, 32, 56)).into()),
        ("max 2x2/2 by side", sides.map(|side| pooled(1, 8, side)).into()),
        ("convolution 3x3 by batch", batches.map(|n| convolved(n, 32, 56)).into()),
        ("convolution 3x3 by side", sides.map(|side| convolved(1, 8, side)).into()),
    ]
}
