//! Workloads that the person at the benchmark names, in a few words or as JSON.

use serde::Deserialize;
use serde_json::Value;

use wgpool::error::{Error, Result};
use wgpool::problem::Problem;
use wgpool::spec::{
    Activation, Conv, ConvPool, ConvTranspose, Dense, GlobalPool, Op, Padding, Pool, Softmax,
};
use wgpool::tensor::DType;

use super::cases::Case;

/// How operations are written.
pub const FORMS: &str = "max 2x2, max 3x3/2 pad 1, avg 3x3/1, global max, global avg, conv 3x3 64->128, \
                         conv 3x3/2 64->128 same groups 2 dilation 2 relu, conv 3x3 3->10 + max 2x2, depthwise 3x3, \
                         transposed 4x4/2 64->32 pad 1, dense 512->10, softmax, or an activation";

/// The workload that `words` name on an input of this shape, batch and channels first; `name` comes before them.
///
/// `3x3/2` is a window with its stride; without one, windows of pooling lie side by side, and those of convolution at
/// each element. Padding is `same`, or `pad` and a number; without either there is none. Convolution and dense layers have a bias.
///
/// # Errors
/// [`Error::Parameter`] for words that are not understood, with [`FORMS`]; those of the operation.
///
/// ```
/// let case = wgpool_testing::bench::workloads::parse("W1", "conv 3x3/2 64->128 same relu", &[1, 64, 56, 56])?;
/// assert_eq!(case.name, "W1 conv 3x3/2 64->128 same relu");
/// assert_eq!(case.shapes, [vec![1, 64, 56, 56], vec![128, 64, 3, 3], vec![128]]);
/// assert!(wgpool_testing::bench::workloads::parse("W1", "conv three", &[1, 64, 56, 56]).is_err());
/// # Ok::<(), wgpool::Error>(())
/// ```
pub fn parse(name: &str, words: &str, shape: &[usize]) -> Result<Case> {
    let unknown = || Error::parameter("bench", "operation", words, format!("write it as one of: {FORMS}"));
    let (op, shapes) = Words::of(words).and_then(|words| words.workload(shape)).ok_or_else(unknown)?;
    checked(Case { name: format!("{name} {words}"), op, shapes, dtype: DType::F32 })
}

/// The workloads of a JSON document: a list of objects with `op`, and `name` and `dtype` (`f32`, `f16` or `bf16`) if they are given.
///
/// `op` is text as [`parse`] reads it, with `shape`, or an operation in the form of wgpool's feature `serde`, with
/// `shapes`, those of all its inputs.
///
/// # Errors
/// [`Error::Document`] if it is no such document; those of [`parse`] and of the operations.
///
/// ```
/// let cases = wgpool_testing::bench::workloads::from_json("own.json", br#"[
///     {"op": "max 2x2", "shape": [1, 8, 28, 28], "dtype": "f16"},
///     {"name": "attention", "op": {"softmax": {"axis": -1}}, "shapes": [[8, 64, 64]]}]"#)?;
/// assert_eq!((cases[0].name.as_str(), cases[1].name.as_str()), ("W1 max 2x2 f16", "attention"));
/// # Ok::<(), wgpool::Error>(())
/// ```
pub fn from_json(document: &str, bytes: &[u8]) -> Result<Vec<Case>> {
    let specs: Vec<Spec> =
        serde_json::from_slice(bytes).map_err(|e| Error::document(document, e.to_string()))?;
    if specs.is_empty() {
        return Err(Error::document(document, "it names no operation"));
    }
    specs.into_iter().enumerate().map(|(i, spec)| spec.case(document, i)).collect()
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Spec {
    name: Option<String>,
    op: Value,
    shape: Option<Vec<usize>>,
    shapes: Option<Vec<Vec<usize>>>,
    #[serde(default = "floats")]
    dtype: DType,
}

fn floats() -> DType {
    DType::F32
}

impl Spec {
    fn case(self, document: &str, at: usize) -> Result<Case> {
        let short = format!("W{}", at + 1);
        let case = match (self.op, self.shape, self.shapes) {
            (Value::String(words), Some(shape), None) => parse(&short, &words, &shape)?,
            (op @ Value::Object(_), None, Some(shapes)) => {
                let op = serde_json::from_value(op);
                let op = op.map_err(|e| Error::document(document, format!("[{at}].op: {e}")))?;
                checked(Case { name: short, op, shapes, dtype: DType::F32 })?
            }
            _ => {
                let rule =
                    format!("[{at}] must have `shape` beside words, or `shapes` beside a whole operation");
                return Err(Error::document(document, rule));
            }
        };
        let case = Case { name: self.name.unwrap_or(case.name), ..case };
        match self.dtype {
            dtype if dtype.is_float() => checked(case.of(dtype)),
            other => Err(Error::document(
                document,
                format!("[{at}] is of {other}, but f32, f16 and bf16 are timed"),
            )),
        }
    }
}

/// The workload, if its operation takes these shapes.
fn checked(case: Case) -> Result<Case> {
    Problem::new(&case.op, &case.descs()).map(|_| case)
}

/// An operation in words.
#[derive(Default)]
struct Words<'a> {
    kind: &'a str,
    /// The window; none of what has none.
    window: Vec<usize>,
    stride: Option<Vec<usize>>,
    /// Before and after `->`.
    channels: Option<(usize, usize)>,
    padding: Option<Padding>,
    groups: Option<usize>,
    dilation: Option<usize>,
    activation: Option<Activation>,
    /// Max pooling behind a convolution.
    pool: Option<Pool>,
}

impl<'a> Words<'a> {
    fn of(text: &'a str) -> Option<Words<'a>> {
        let (text, pool) = match text.split_once('+') {
            Some((text, pool)) => (text, Some(Words::of(pool)?.pool("max")?)),
            None => (text, None),
        };
        let mut rest = text.split_whitespace();
        let mut words = Words { kind: rest.next()?, pool, ..Words::default() };
        if words.kind == "global" {
            words.kind = match rest.next()? {
                "max" => "global max",
                "avg" => "global avg",
                _ => return None,
            };
        }
        while let Some(word) = rest.next() {
            match word {
                "same" => words.padding = Some(Padding::SameUpper),
                "valid" => words.padding = Some(Padding::Valid),
                "pad" => words.padding = Some(Padding::symmetric(sizes(rest.next()?)?)),
                "groups" => words.groups = Some(rest.next()?.parse().ok()?),
                "dilation" => words.dilation = Some(rest.next()?.parse().ok()?),
                _ if word.contains("->") => {
                    let (from, to) = word.split_once("->")?;
                    words.channels = Some((from.parse().ok()?, to.parse().ok()?));
                }
                _ if word.starts_with(|c: char| c.is_ascii_digit()) => {
                    let (window, stride) = word.split_once('/').unwrap_or((word, ""));
                    words.window = sizes(window)?;
                    words.stride = if stride.is_empty() { None } else { Some(sizes(stride)?) };
                }
                _ => words.activation = Some(word.parse().ok()?),
            }
        }
        Some(words)
    }

    /// The operation, and the shapes of its inputs.
    fn workload(&self, shape: &[usize]) -> Option<(Op, Vec<Vec<usize>>)> {
        let own = shape.to_vec();
        let channels = *shape.get(1)?;
        let (from, to) = self.channels.unwrap_or((channels, channels));
        // One number stands for every axis.
        let axes = shape.len().saturating_sub(2);
        let taps = || if self.window.len() == 1 { self.window.repeat(axes) } else { self.window.clone() };
        let weights = |first: usize, second: usize| [vec![first, second], taps()].concat();
        let is_windowed = !self.window.is_empty();
        let groups = match self.kind {
            "depthwise" => channels,
            _ => self.groups.unwrap_or(1),
        };
        // PReLU's slope is an input behind the others.
        let with_slope = |mut shapes: Vec<Vec<usize>>, channels: usize| {
            shapes.extend((self.activation == Some(Activation::PRelu)).then(|| vec![channels]));
            shapes
        };
        match self.kind {
            "max" | "avg" => Some((self.pool(self.kind)?.into(), vec![own])),
            "global max" if self.is_bare() => Some((GlobalPool::max().into(), vec![own])),
            "global avg" if self.is_bare() => Some((GlobalPool::average().into(), vec![own])),
            "softmax" if self.is_bare() => Some((Softmax { axis: -1 }.into(), vec![own])),
            "conv" | "depthwise" if is_windowed => {
                let conv = Conv {
                    stride: self.stride.clone().unwrap_or(vec![1]),
                    dilation: vec![self.dilation.unwrap_or(1)],
                    padding: self.padding.clone().unwrap_or(Padding::Valid),
                    activation: self.activation.unwrap_or(Activation::None),
                    ..Conv::new().groups(groups)
                };
                let shapes = with_slope(vec![own, weights(to, from.checked_div(groups)?), vec![to]], to);
                Some(match &self.pool {
                    Some(pool) => (ConvPool { conv, pool: pool.clone() }.into(), shapes),
                    None => (conv.into(), shapes),
                })
            }
            "transposed" if is_windowed && self.pool.is_none() => {
                let conv = ConvTranspose {
                    stride: self.stride.clone().unwrap_or(vec![1]),
                    dilation: vec![self.dilation.unwrap_or(1)],
                    padding: self.padding.clone().unwrap_or(Padding::Valid),
                    activation: self.activation.unwrap_or(Activation::None),
                    groups,
                    ..ConvTranspose::default()
                };
                let shapes = vec![own, weights(from, to.checked_div(groups)?), vec![to]];
                Some((conv.into(), with_slope(shapes, to)))
            }
            "dense" if !is_windowed && self.pool.is_none() => {
                let (from, to) = self.channels?;
                let activation = self.activation.unwrap_or(Activation::None);
                let shapes = with_slope(vec![own, vec![from, to], vec![to]], to);
                Some((Dense { activation, ..Dense::default() }.into(), shapes))
            }
            "prelu" if self.is_bare() => Some((Activation::PRelu.into(), vec![own, vec![1]])),
            name if self.is_bare() => Some((name.parse::<Activation>().ok()?.into(), vec![own])),
            _ => None,
        }
    }

    /// Whether there is no word but the first.
    fn is_bare(&self) -> bool {
        self.window.is_empty()
            && self.channels.is_none()
            && self.pool.is_none()
            && self.activation.is_none()
            && self.padding.is_none()
            && (self.groups, self.dilation) == (None, None)
    }

    /// Pooling of this kind, if that is what the words name.
    fn pool(&self, kind: &str) -> Option<Pool> {
        let window = self.window.clone();
        let own = self.kind == kind && !window.is_empty() && self.pool.is_none();
        if !own || self.channels.is_some() || self.groups.is_some() || self.activation.is_some() {
            return None;
        }
        let stride = self.stride.clone().unwrap_or_else(|| window.clone());
        let pool = if kind == "max" { Pool::max(window) } else { Pool::average(window) };
        let padding = self.padding.clone().unwrap_or(Padding::Valid);
        Some(pool.stride(stride).padding(padding).dilation([self.dilation.unwrap_or(1)]))
    }
}

/// `3` or `3x3`.
fn sizes(text: &str) -> Option<Vec<usize>> {
    text.split('x').map(|part| part.parse().ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_is_read() {
        let shapes = [vec![2, 64, 12, 12], vec![2, 3, 12, 12], vec![2, 512]];
        for form in FORMS.split(", ").filter(|form| !form.contains("activation")) {
            let read: Vec<Case> = shapes.iter().filter_map(|shape| parse("W", form, shape).ok()).collect();
            assert!(!read.is_empty(), "{form}");
        }
        assert!(parse("W", "relu", &[2, 64]).is_ok() && parse("W", "prelu", &[2, 64]).is_ok());
        let slope = parse("W", "conv 3x3 3->10 prelu", &[1, 3, 12, 12]).expect("a workload");
        assert_eq!(slope.shapes.last(), Some(&vec![10]));
        // Three axes, and one.
        let case = parse("W", "depthwise 3 same", &[1, 8, 5, 6, 7]).expect("a workload");
        assert_eq!(case.shapes[1], [8, 1, 3, 3, 3]);
        assert_eq!(parse("W", "conv 3 4->8", &[1, 4, 9]).expect("a workload").shapes[1], [8, 4, 3]);
        let fused = parse("W", "conv 3x3 3->10 relu + max 2x2", &[1, 3, 12, 12]).expect("a workload");
        assert!(fused.unfused().is_some());
    }

    #[test]
    fn what_is_not_understood_is_an_error_with_the_forms() {
        let shape = [1, 64, 12, 12];
        for words in [
            "",
            "conv",
            "conv 3x3 64-128",
            "conv 3x 64->8",
            "max",
            "max 2x2 relu",
            "softmax 3",
            "global",
            "pool 2x2",
            "dense",
        ] {
            let error = parse("W", words, &shape).expect_err(words).to_string();
            assert!(error.contains("conv 3x3 64->128"), "{words}: {error}");
        }
        // Understood, but no such operation.
        assert!(parse("W", "conv 3x3 32->8", &shape).is_err());
        for json in [
            "",
            "[]",
            "{}",
            r#"[{"op": "max 2x2"}]"#,
            r#"[{"op": "max 2x2", "shape": [1, 1, 4, 4], "dtype": "i8"}]"#,
            r#"[{"op": {"softmax": {"axis": 0}}, "shape": [4]}]"#,
        ] {
            assert!(from_json("own.json", json.as_bytes()).is_err(), "{json}");
        }
    }
}
