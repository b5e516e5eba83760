//! The operators, and what lowers each.

use super::call::Call;
use super::items::Item;
use super::{convolution, elements, moves, norm, pool, product, reduce, resize};
use crate::custom::Operators;
use crate::onnx::refused::{quoted, refused};
use crate::onnx::{Model, Node};
use std::collections::BTreeSet;
use wgpool::error::{Refusal, Result};

/// An operator of ONNX' own domain.
pub(super) struct Row {
    pub op: &'static str,
    /// The version of the operators that it came with.
    since: i64,
    /// All attributes that some version has.
    attributes: &'static [&'static str],
    pub lower: for<'a> fn(&mut Call<'_, 'a>) -> Result<Vec<Item<'a>>>,
}

macro_rules! rows {
    ($($op:ident $since:literal [$($attribute:ident)*] $lower:path;)*) => {
        const ROWS: &[Row] = &[
            $(Row { op: stringify!($op), since: $since, attributes: &[$(stringify!($attribute)),*], lower: $lower },)*
        ];
    };
}

rows! {
    Abs 1 [consumed_inputs] elements::unary;
    Add 1 [axis broadcast consumed_inputs] elements::binary;
    And 1 [axis broadcast] elements::logical;
    ArgMax 1 [axis keepdims select_last_index] reduce::arg;
    ArgMin 1 [axis keepdims select_last_index] reduce::arg;
    AveragePool 1 [auto_pad ceil_mode count_include_pad dilations kernel_shape pads strides] pool::average;
    BatchNormalization 1 [consumed_inputs epsilon is_test momentum spatial training_mode] norm::batch;
    Cast 1 [round_mode saturate to] moves::cast;
    Ceil 1 [consumed_inputs] elements::unary;
    Celu 12 [alpha] elements::celu;
    Clip 1 [consumed_inputs max min] elements::clip;
    Concat 1 [axis] moves::concat;
    Constant 1 [sparse_value value value_float value_floats value_int value_ints value_string value_strings] moves::unfolded;
    ConstantOfShape 9 [value] moves::unfolded;
    Conv 1 [auto_pad dilations group kernel_shape pads strides] convolution::conv;
    ConvTranspose 1 [auto_pad dilations group kernel_shape output_padding output_shape pads strides] convolution::transposed;
    DepthToSpace 1 [blocksize mode] moves::depth_to_space;
    Div 1 [axis broadcast consumed_inputs] elements::binary;
    Dropout 1 [consumed_inputs is_test ratio seed] moves::dropout;
    Elu 1 [alpha consumed_inputs] elements::activation;
    Equal 1 [axis broadcast] elements::comparison;
    Erf 9 [] elements::unary;
    Exp 1 [consumed_inputs] elements::unary;
    Expand 8 [] moves::expand;
    Flatten 1 [axis] moves::reshape;
    Floor 1 [consumed_inputs] elements::unary;
    Gather 1 [axis] moves::gather;
    Gelu 20 [approximate] elements::activation;
    Gemm 1 [alpha beta broadcast transA transB] product::gemm;
    GlobalAveragePool 1 [] pool::global;
    GlobalLpPool 1 [p] pool::global;
    GlobalMaxPool 1 [] pool::global;
    Greater 1 [axis broadcast] elements::comparison;
    GreaterOrEqual 12 [] elements::comparison;
    GroupNormalization 18 [epsilon num_groups stash_type] norm::group;
    HardSigmoid 1 [alpha beta consumed_inputs] elements::activation;
    HardSwish 14 [] elements::activation;
    Identity 1 [] moves::identity;
    InstanceNormalization 1 [consumed_inputs epsilon] norm::instance;
    LRN 1 [alpha beta bias size] norm::local_response;
    LayerNormalization 17 [axis epsilon stash_type] norm::layer;
    LeakyRelu 1 [alpha consumed_inputs] elements::activation;
    Less 1 [axis broadcast] elements::comparison;
    LessOrEqual 12 [] elements::comparison;
    Log 1 [consumed_inputs] elements::unary;
    LogSoftmax 1 [axis] reduce::log_softmax;
    LpNormalization 1 [axis p] norm::lp;
    LpPool 1 [auto_pad ceil_mode dilations kernel_shape p pads strides] pool::lp;
    MatMul 1 [] product::matmul;
    Max 1 [consumed_inputs] elements::variadic;
    MaxPool 1 [auto_pad ceil_mode dilations kernel_shape pads storage_order strides] pool::max;
    MaxUnpool 9 [kernel_shape pads strides] pool::unpool;
    Mean 1 [consumed_inputs] elements::variadic;
    MeanVarianceNormalization 9 [axes] norm::mean_variance;
    Min 1 [consumed_inputs] elements::variadic;
    Mish 18 [] elements::activation;
    Mul 1 [axis broadcast consumed_inputs] elements::binary;
    Neg 1 [consumed_inputs] elements::unary;
    Not 1 [] elements::not;
    Or 1 [axis broadcast] elements::logical;
    PRelu 1 [consumed_inputs] elements::prelu;
    Pad 1 [mode paddings pads value] moves::pad;
    Pow 1 [axis broadcast] elements::binary;
    Range 11 [] moves::unfolded;
    Reciprocal 1 [consumed_inputs] elements::unary;
    ReduceL1 1 [axes keepdims noop_with_empty_axes] reduce::reduce;
    ReduceL2 1 [axes keepdims noop_with_empty_axes] reduce::reduce;
    ReduceLogSum 1 [axes keepdims noop_with_empty_axes] reduce::reduce;
    ReduceLogSumExp 1 [axes keepdims noop_with_empty_axes] reduce::reduce;
    ReduceMax 1 [axes keepdims noop_with_empty_axes] reduce::reduce;
    ReduceMean 1 [axes keepdims noop_with_empty_axes] reduce::reduce;
    ReduceMin 1 [axes keepdims noop_with_empty_axes] reduce::reduce;
    ReduceProd 1 [axes keepdims noop_with_empty_axes] reduce::reduce;
    ReduceSum 1 [axes keepdims noop_with_empty_axes] reduce::reduce;
    ReduceSumSquare 1 [axes keepdims noop_with_empty_axes] reduce::reduce;
    Relu 1 [consumed_inputs] elements::activation;
    Reshape 1 [allowzero consumed_inputs shape] moves::reshape;
    Resize 10 [antialias axes coordinate_transformation_mode cubic_coeff_a exclude_outside extrapolation_value keep_aspect_ratio_policy mode nearest_mode] resize::resize;
    Round 11 [] elements::unary;
    Selu 1 [alpha consumed_inputs gamma] elements::selu;
    Shape 1 [end start] moves::of_shape;
    Sigmoid 1 [consumed_inputs] elements::activation;
    Sign 9 [] elements::unary;
    Size 1 [] moves::of_shape;
    Slice 1 [axes ends starts] moves::slice;
    Softmax 1 [axis] reduce::softmax;
    Softplus 1 [] elements::activation;
    Softsign 1 [] elements::softsign;
    SpaceToDepth 1 [blocksize mode] moves::space_to_depth;
    Split 1 [axis num_outputs split] moves::split;
    Sqrt 1 [consumed_inputs] elements::unary;
    Squeeze 1 [axes] moves::reshape;
    Sub 1 [axis broadcast consumed_inputs] elements::binary;
    Sum 1 [consumed_inputs] elements::variadic;
    Tanh 1 [consumed_inputs] elements::activation;
    ThresholdedRelu 10 [alpha] elements::thresholded;
    Tile 6 [] moves::tile;
    Transpose 1 [perm] moves::transpose;
    Unsqueeze 1 [axes] moves::reshape;
    Upsample 7 [mode scales] resize::upsample;
    Where 9 [] elements::select;
    Xor 1 [axis broadcast] elements::logical;
}

fn find(node: &Node<'_>) -> Option<&'static Row> {
    // Looked for in the file once: a node's fields are read anew each time.
    let op = node.op_type();
    ROWS.iter().find(|row| row.op == op).filter(|_| node.domain().is_empty())
}

/// What lowers a node.
pub(super) fn row(node: &Node<'_>) -> Result<&'static Row> {
    find(node).ok_or_else(|| node.refused(Refusal::Unsupported, "the operator is not supported"))
}

/// The operators that are supported, in ONNX' own domain.
pub fn operators() -> impl Iterator<Item = &'static str> {
    ROWS.iter().map(|row| row.op)
}

/// Refuses operators and attributes that are not known, the former with all that are missing.
pub(super) fn check(model: &Model<'_>, customs: &Operators) -> Result<()> {
    let opset = model.opset("").unwrap_or_default();
    let is_own = |node: &Node<'_>| customs.get(node.domain(), node.op_type()).is_none();
    let missing: BTreeSet<(&str, &str)> = (model.graph().nodes())
        .filter(|node| is_own(node) && find(node).is_none())
        .map(|node| (node.domain(), node.op_type()))
        .collect();
    if !missing.is_empty() {
        let named = missing.iter().take(20).map(|(domain, op)| match *domain {
            "" => quoted(op),
            domain => format!("{} of {}", quoted(op), quoted(domain)),
        });
        let named: Vec<String> = named.collect();
        let more = missing.len().saturating_sub(named.len());
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        let reason = format!("operators that are not supported: {}{more}", named.join(", "));
        return Err(refused(Refusal::Unsupported, "graph", reason));
    }
    if opset < 6 {
        let reason = format!("its operators are of version {opset}, but 6 is the oldest that is supported");
        return Err(refused(Refusal::Unsupported, "model", reason));
    }
    for node in model.graph().nodes().filter(is_own) {
        let row = row(&node)?;
        if opset < row.since {
            let reason = format!("the operator came with version {}, but the model is of {opset}", row.since);
            return Err(node.refused(Refusal::Structure, reason));
        }
        node.check_attributes(row.attributes)?;
    }
    Ok(())
}
