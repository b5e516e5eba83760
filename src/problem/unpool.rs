//! Max unpooling problems.

use super::image::Image;
use super::{Problem, Work, require_dtype};
use crate::dtype::DType;
use crate::error::{Error, Result};
use crate::geometry::{MAX_SPATIAL, Strides, per_axis, positions, three};
use crate::spec::{IndexNumbering, MaxUnpool};
use crate::tensor::{Data, Tensor, TensorDesc};

/// Unpooling with every length and stride known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct UnpoolWork {
    /// Type of input and output elements.
    pub dtype: DType,
    /// Images.
    pub batch: usize,
    /// Channels of each.
    pub channels: usize,
    /// Spatial lengths of the input.
    pub in_space: [usize; MAX_SPATIAL],
    /// Spatial lengths of the output.
    pub out_space: [usize; MAX_SPATIAL],
    /// Spatial lengths that the indices count in.
    pub indexed: [usize; MAX_SPATIAL],
    /// Strides of the input and of the indices.
    pub input: Strides,
    /// Strides of the output.
    pub output: Strides,
    /// How the indices count.
    pub numbering: IndexNumbering,
}

impl UnpoolWork {
    /// The position in the output that an index of image `n`, channel `c` means, if it is inside that plane.
    pub fn position(&self, index: i64, n: usize, c: usize) -> Option<[usize; MAX_SPATIAL]> {
        let [depth, height, width] = self.indexed;
        let plane = depth * height * width;
        let first = match self.numbering {
            IndexNumbering::PerPlane => 0,
            _ => (n * self.channels + c) * plane,
        };
        let inside = usize::try_from(index).ok()?.checked_sub(first).filter(|&i| i < plane)?;
        let [d, h, w] = match self.numbering {
            IndexNumbering::WholeColumnMajor => {
                [inside % depth, inside / depth % height, inside / depth / height]
            }
            _ => [inside / width / height, inside / width % height, inside % width],
        };
        let [od, oh, ow] = self.out_space;
        (d < od && h < oh && w < ow).then_some([d, h, w])
    }

    /// Calls `each` with image, channel and position of every input element, in row-major order of each plane.
    pub fn for_each_input(&self, mut each: impl FnMut(usize, usize, [usize; MAX_SPATIAL])) {
        for n in 0..self.batch {
            for c in 0..self.channels {
                positions(self.in_space).for_each(|at| each(n, c, at));
            }
        }
    }

    /// Refuses indices outside the plane of their element.
    pub(super) fn check_indices(&self, op: &'static str, indices: &Tensor) -> Result<()> {
        let Data::I32(indices) = indices.data() else { return Ok(()) };
        let mut wrong = None;
        self.for_each_input(|n, c, at| {
            let at = self.input.at(n, c, at);
            if let Some(&index) = indices.get(at)
                && wrong.is_none()
                && self.position(i64::from(index), n, c).is_none()
            {
                wrong = Some((at, index));
            }
        });
        match wrong {
            None => Ok(()),
            Some((at, index)) => {
                let rule = format!(
                    "it must lie in its plane of the output, {:?} counted in {:?} ({})",
                    self.out_space, self.indexed, self.numbering
                );
                Err(Error::value(op, "indices", at, index, rule))
            }
        }
    }
}

pub(super) fn unpool(spec: &MaxUnpool, inputs: &[TensorDesc]) -> Result<Problem> {
    let op = "max unpooling";
    let [x, indices] = inputs else {
        return Err(Error::arity(op, "two (values, indices)", inputs.len()));
    };
    require_dtype(op, "the indices", indices.dtype, &[DType::I32])?;
    if indices.shape != x.shape {
        let rule = format!("it must be that of the values, {:?}", x.shape);
        return Err(Error::shape(op, "indices", &indices.shape, rule));
    }
    let image = Image::of(op, &x.shape, spec.layout)?;
    let output = per_axis(op, "output", &spec.output, image.rank())?;
    let indexed = match &spec.indexed {
        None => output.clone(),
        Some(lengths) => per_axis(op, "indexed", lengths, image.rank())?,
    };
    for (name, lengths) in [("output", &output), ("indexed", &indexed)] {
        if lengths.contains(&0) {
            return Err(Error::parameter(op, name, lengths, "no length may be 0"));
        }
        // Positions in it are counted in i32.
        let elements = image.shape_with(image.channels, lengths)?.iter().product::<usize>();
        if elements > i32::MAX as usize {
            return Err(Error::parameter(op, name, lengths, "indices must fit 31 bits"));
        }
    }
    let shape = image.shape_with(image.channels, &output)?;
    let work = UnpoolWork {
        dtype: x.dtype,
        batch: image.batch,
        channels: image.channels,
        in_space: image.space3(),
        out_space: three(&output, 1),
        indexed: three(&indexed, 1),
        input: Strides::of(spec.layout, image.channels, image.space3()),
        output: Strides::of(spec.layout, image.channels, three(&output, 1)),
        numbering: spec.numbering,
    };
    Ok(Problem {
        op,
        inputs: inputs.to_vec(),
        outputs: vec![TensorDesc { shape, dtype: x.dtype }],
        work: Work::Unpool(work),
    })
}
