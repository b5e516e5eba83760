//! What one example of a model is, and what it becomes.

use wgpool::{DType, Error, Layout, Result};
use wgpool_net::Program;
use wgpool_net::onnx::{ElementType, Options};

use super::inputs::listed;
use super::{Declared, Network};
use crate::examples::Frame;

/// Channels of the pictures that ONNX models take here.
const CHANNELS: [Option<usize>; 2] = [Some(1), Some(3)];

/// What goes into a model of one input: shapes are those of one example.
pub struct Example {
    /// The model's name.
    pub model: String,
    /// The input's name.
    input: String,
    pub shape: Vec<usize>,
    /// The pictures that it takes, if it takes some.
    pub frame: Option<Frame>,
    /// The batch, where the model has its own.
    pub batch: Option<usize>,
}

impl Network {
    /// What goes in, with the height and width that are asked for where the model leaves them open.
    pub fn example(&self, size: Option<[usize; 2]>) -> Result<Example> {
        let declared = self.inputs()?;
        let refused =
            |rule: &str| Err(Error::parameter("predict", "the model's input", listed(&declared), rule));
        let [Declared { name, elements, lengths: Some(lengths), text }] = declared.as_slice() else {
            return refused("one of pictures is taken, of known axes: `wgpool run` takes others");
        };
        let (frame, shape) = match self {
            Network::Keras(_) => {
                let shape: Vec<usize> = lengths.iter().skip(1).copied().flatten().collect();
                (Frame::of(&shape), shape)
            }
            Network::Onnx { .. } => {
                let (layout, channels, open) = match *lengths.as_slice() {
                    [_, c, h, w] if CHANNELS.contains(&c) => (Layout::Nchw, c, [h, w]),
                    [_, h, w, c] if CHANNELS.contains(&c) => (Layout::Nhwc, c, [h, w]),
                    _ => {
                        return refused(
                            "pictures of 1 or 3 channels are taken, as [n, 3, h, w] or [n, h, w, 3]: `wgpool run` takes others",
                        );
                    }
                };
                if *elements != ElementType::F32 {
                    return refused("pictures of float are taken: `wgpool run` takes others");
                }
                let [Some(height), Some(width)] = [0, 1].map(|i| open[i].or(size.map(|size| size[i]))) else {
                    return refused("its height and width are open: give them by --size");
                };
                let channels = channels.unwrap_or_default();
                let shape = match layout {
                    Layout::Nchw => vec![channels, height, width],
                    Layout::Nhwc => vec![height, width, channels],
                };
                (Some(Frame { height, width, channels, layout }), shape)
            }
        };
        if let Some([height, width]) = size
            && frame.is_none_or(|frame| [frame.height, frame.width] != [height, width])
        {
            let rule = format!("the model takes {name}: {text}");
            return Err(Error::parameter("command line", "--size", format!("{height}x{width}"), rule));
        }
        let batch = lengths.first().copied().flatten();
        Ok(Example { model: self.name()?, input: name.clone(), shape, frame, batch })
    }
}

impl Example {
    /// The operations for a batch of this size.
    pub fn program(&self, network: &Network, batch: usize) -> Result<Program> {
        let shape: Vec<usize> = std::iter::once(batch).chain(self.shape.iter().copied()).collect();
        let program = network.program(&Options::default().shape(&self.input, shape), true)?;
        match program.outputs.as_slice() {
            [output] if output.desc.shape.first() == Some(&batch) && output.desc.dtype == DType::F32 => {}
            outputs => {
                let all: Vec<String> =
                    outputs.iter().map(|output| format!("{}: {}", output.name, output.desc)).collect();
                let rule = format!("one of f32 with a batch of {batch} is shown: `wgpool run` takes others");
                return Err(Error::parameter("predict", "the model's output", all.join(", "), rule));
            }
        }
        Ok(program)
    }
}
