//! Activations, a row each in `table.rs`. The specification, the reference, the host path, the kernels, the names and the
//! random cases of tests are made from the rows, so that a new one is in all of them or does not compile.

use std::fmt;
use std::str::FromStr;

use crate::error::Error;

/// The largest number of parameters that an activation has; kernels find them in their uniform block.
pub(crate) const PARAMETERS: usize = 2;

/// The slope that PyTorch's PReLU starts from.
pub(crate) const INITIAL_SLOPE: f64 = 0.25;

/// What an activation is, beside its variant of [`Activation`]. Parameters that it has not are 0;
/// PReLU's slope, which is an input, is its first one.
pub(crate) struct Function {
    /// As users write it.
    name: &'static str,
    /// Its other names, Keras' among them.
    aliases: &'static [&'static str],
    /// The function `activate` of kernels, and those that it calls.
    wgsl: &'static str,
    /// Its definition.
    pub exact: fn(f64, [f64; PARAMETERS]) -> f64,
    /// The slope at a number; where it has none, the one that PyTorch takes.
    derivative: fn(f64, [f64; PARAMETERS]) -> f64,
    /// Applies it to each element on the host; NaN stays NaN.
    pub host: fn(&mut [f32], [f32; PARAMETERS]),
    /// How far a 32-bit value may be from that of `x`, which is computed within `before`: that times the largest slope, and
    /// the function's own error, a few units in the last place of the numbers it adds.
    pub bound: fn(x: f64, before: f64, [f64; PARAMETERS]) -> f64,
}

/// The enumerations and what is known by variant, from rows of `Variant { parameter = PyTorch's value } => Function`.
macro_rules! activations {
    ($($(#[$doc:meta])* $name:ident $({ $($(#[$about:meta])* $field:ident = $default:expr,)+ })? => $function:expr;)+) => {
        /// A function of one element.
        ///
        /// NaN stays NaN in each of them. [`str::parse`] reads them as the command line's flags are written:
        ///
        /// ```
        /// use wgpool::Activation;
        /// assert_eq!("leaky-relu:0.1".parse::<Activation>()?, Activation::LeakyRelu { alpha: 0.1 });
        /// assert!("rule".parse::<Activation>().is_err());
        /// # Ok::<(), wgpool::Error>(())
        /// ```
        #[derive(Clone, Copy, Debug, Default)]
        #[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
        #[cfg_attr(feature = "serde", serde(rename_all = "snake_case", deny_unknown_fields))]
        #[non_exhaustive]
        pub enum Activation {
            $($(#[$doc])* $name $({ $($(#[$about])* $field: f32,)+ })?,)+
        }

        /// Which activation, without its parameters.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum ActivationKind {
            $(#[doc = concat!("[`Activation::", stringify!($name), "`].")] $name,)+
        }

        impl ActivationKind {
            /// Every one.
            pub const ALL: [ActivationKind; [$(stringify!($name)),+].len()] = [$(ActivationKind::$name,)+];

            /// The kind of an activation, and its parameters, 0 where it has none.
            pub fn of(activation: Activation) -> (ActivationKind, [f32; PARAMETERS]) {
                match activation {
                    $(Activation::$name $({ $($field,)+ })? =>
                        (ActivationKind::$name, all_parameters([$($($field,)+)?])),)+
                }
            }

            /// The activation with these parameters, as many as it has.
            pub fn with(self, parameters: [f32; PARAMETERS]) -> Activation {
                let mut given = parameters.into_iter();
                match self {
                    $(ActivationKind::$name =>
                        Activation::$name $({ $($field: given.next().unwrap_or_default(),)+ })?,)+
                }
            }

            /// The names of its parameters, and the values that PyTorch gives them.
            pub fn parameters(self) -> &'static [(&'static str, f32)] {
                match self {
                    $(ActivationKind::$name => &[$($((stringify!($field), $default),)+)?],)+
                }
            }

            pub(crate) fn function(self) -> &'static Function {
                match self {
                    $(ActivationKind::$name => {
                        static FUNCTION: Function = $function;
                        &FUNCTION
                    })+
                }
            }
        }
    };
}

mod elu;
mod gelu;
#[cfg(feature = "gradients")]
pub(crate) mod gradient;
#[cfg(all(test, feature = "gradients"))]
mod gradient_tests;
mod mish;
mod sigmoid;
mod softplus;
mod table;
mod tanh;
#[cfg(test)]
mod tests;

pub use table::{Activation, ActivationKind};

fn all_parameters<const N: usize>(given: [f32; N]) -> [f32; PARAMETERS] {
    const { assert!(N <= PARAMETERS, "kernels have no place for more") };
    std::array::from_fn(|i| given.get(i).copied().unwrap_or_default())
}

impl Activation {
    /// The slope at `x`; at the ends of its pieces the one that PyTorch takes. That of [`PRelu`](Activation::PRelu), whose own
    /// slope is an input of operations, is the one with PyTorch's initial 0.25.
    ///
    /// ```
    /// use wgpool::Activation;
    /// assert_eq!(Activation::LeakyRelu { alpha: 0.5 }.derivative(-3.0), 0.5);
    /// ```
    pub fn derivative(self, x: f64) -> f64 {
        let (function, parameters) = self.with_slope(INITIAL_SLOPE);
        if x.is_nan() { x } else { (function.derivative)(x, parameters) }
    }

    /// What it is, and its parameters: of PReLU `slope`.
    pub(crate) fn with_slope(self, slope: f64) -> (&'static Function, [f64; PARAMETERS]) {
        let (kind, parameters) = ActivationKind::of(self);
        let parameters = if kind == ActivationKind::PRelu { [slope, 0.0] } else { parameters.map(f64::from) };
        (kind.function(), parameters)
    }

    /// How each is written, those with parameters in the form `leaky-relu[:ALPHA]`.
    pub fn forms() -> String {
        let form = |kind: &ActivationKind| {
            let parameters: Vec<_> = kind.parameters().iter().map(|(name, _)| name.to_uppercase()).collect();
            match parameters.as_slice() {
                [] => kind.name().to_owned(),
                all => format!("{}[:{}]", kind.name(), all.join(",")),
            }
        };
        ActivationKind::ALL.iter().map(form).collect::<Vec<_>>().join(", ")
    }
}

impl ActivationKind {
    /// The function `activate` of kernels, whose text has [`is_nan`](../../shaders/lib/number.wgsl) too.
    pub(crate) fn wgsl(self) -> &'static str {
        self.function().wgsl
    }

    /// As users write it.
    pub fn name(self) -> &'static str {
        self.function().name
    }

    /// All its names; those with `_` are Keras'.
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        let Function { name, aliases, .. } = self.function();
        std::iter::once(*name).chain(aliases.iter().copied())
    }

    /// The one with this name, if there is one.
    pub fn named(name: &str) -> Option<ActivationKind> {
        ActivationKind::ALL.iter().copied().find(|kind| kind.names().any(|known| known == name))
    }
}

/// With PyTorch's parameters.
impl From<ActivationKind> for Activation {
    fn from(kind: ActivationKind) -> Activation {
        let parameter = |i| kind.parameters().get(i).map_or(0.0, |&(_, value): &(_, f32)| value);
        kind.with(std::array::from_fn(parameter))
    }
}

/// As it is read: `elu:0.5`.
impl fmt::Display for Activation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (kind, parameters) = ActivationKind::of(*self);
        f.write_str(kind.name())?;
        let given = parameters.iter().take(kind.parameters().len());
        given.enumerate().try_for_each(|(i, number)| {
            let before = if i == 0 { ':' } else { ',' };
            write!(f, "{before}{number}")
        })
    }
}

/// A name, and behind a colon its parameters: `elu`, `elu:0.5`, `hard-sigmoid:0.2,0.5`.
impl FromStr for Activation {
    type Err = Error;

    fn from_str(text: &str) -> Result<Activation, Error> {
        let refused = |rule: String| Error::parameter("activation", "name", text, rule);
        let (name, given) = text.split_once(':').map_or((text, None), |(name, rest)| (name, Some(rest)));
        let kind = ActivationKind::named(name)
            .ok_or_else(|| refused(format!("it must be one of {}", Activation::forms())))?;
        let Some(given) = given else { return Ok(kind.into()) };
        let count = kind.parameters().len();
        let numbers: Option<Vec<f32>> = given.split(',').map(|number| number.parse().ok()).collect();
        let numbers = numbers
            .filter(|numbers| numbers.len() == count)
            .ok_or_else(|| refused(format!("the numbers that {name} takes behind a colon are {count}")))?;
        Ok(kind.with(std::array::from_fn(|i| numbers.get(i).copied().unwrap_or_default())))
    }
}
