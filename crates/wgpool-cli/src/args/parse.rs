//! Values of flags: sizes, padding.

use std::path::PathBuf;

use wgpool::plan::Kernels;
use wgpool::{DType, Padding};

use super::Which;

/// A number of one or more.
pub fn positive(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(0) => Err("it must be at least 1".into()),
        Ok(number) => Ok(number),
        Err(_) => Err("it must be a whole number".into()),
    }
}

/// A positive number.
pub fn ratio(text: &str) -> Result<f64, String> {
    let number = text.parse().ok().filter(|&ratio: &f64| ratio > 0.0 && ratio.is_finite());
    number.ok_or_else(|| "it must be a positive number, as 1.03".into())
}

/// A part of a whole, which leaves something.
pub fn part(text: &str) -> Result<f64, String> {
    let number = text.parse().ok().filter(|part: &f64| (0.0..1.0).contains(part));
    number.ok_or_else(|| "it must be a number from 0 up to 1, as 0.2".into())
}

/// Pixels of a side that 32 are enlarged to.
pub fn side(text: &str) -> Result<usize, String> {
    let side = text.parse().ok().filter(|side: &usize| side.is_multiple_of(32) && (32..=1024).contains(side));
    side.ok_or_else(|| "it must be a multiple of 32, up to 1024".into())
}

/// A number that is neither infinite nor NaN.
pub fn finite(text: &str) -> Result<f32, String> {
    let number = text.parse().ok().filter(|number: &f32| number.is_finite());
    number.ok_or_else(|| "it must be a number, as 0.485".into())
}

/// One of those that is not 0 either.
pub fn factor(text: &str) -> Result<f32, String> {
    finite(text).ok().filter(|&number| number != 0.0).ok_or_else(|| "it must be a number, and not 0".into())
}

/// A file for times of operations.
pub fn profile(text: &str) -> Result<PathBuf, String> {
    let path = PathBuf::from(text);
    match path.extension().map(|end| end.to_string_lossy().to_lowercase()).as_deref() {
        Some("json" | "svg") => Ok(path),
        _ => {
            Err("its name must end in .json or .svg; without a file, write --profile behind the rest".into())
        }
    }
}

/// A type of floats.
pub fn float(text: &str) -> Result<DType, String> {
    let dtype = text.parse().ok().filter(|dtype: &DType| dtype.is_float());
    dtype.ok_or_else(|| "it must be f32, f16 or bf16".into())
}

/// Which kernels run; `hardware` is an older word for `gpu`.
pub fn kernels(text: &str) -> Result<Which, String> {
    Ok(match text {
        "auto" => Which::Auto,
        "gpu" | "hardware" => Which::Gpu,
        "cooperative" => Which::Cooperative,
        names => Which::These(Kernels::named(names).map_err(|error| error.to_string())?),
    })
}

/// One number for each axis, as `3`, `2x2` or `1x3x3`.
#[derive(Clone, Debug, PartialEq)]
pub struct Sizes(pub Vec<usize>);

/// Reads [`Sizes`]; which values are legal the operation decides.
pub fn sizes(text: &str) -> Result<Sizes, String> {
    text.split('x')
        .map(|part| part.parse().map_err(|_| "give one number, or one for each axis as in 2x2".to_owned()))
        .collect::<Result<_, _>>()
        .map(Sizes)
}

/// A name and what follows the last `=`, which a name of ONNX may hold too.
fn named<'a>(text: &'a str, rule: &str) -> Result<(String, &'a str), String> {
    let parts = text.rsplit_once('=').filter(|(name, _)| !name.is_empty());
    parts.map(|(name, value)| (name.to_owned(), value)).ok_or_else(|| rule.to_owned())
}

/// The length of an axis, as `batch=4`.
pub fn dim(text: &str) -> Result<(String, usize), String> {
    let rule = "give a name and a length, as in batch=4";
    let (name, length) = named(text, rule)?;
    length.parse().map(|length| (name, length)).map_err(|_| rule.to_owned())
}

/// The shape of an input, as `image=1x3x224x224`; of a number, `x=`.
pub fn shape(text: &str) -> Result<(String, Vec<usize>), String> {
    let rule = "give a name and lengths, as in image=1x3x224x224";
    match named(text, rule)? {
        (name, "") => Ok((name, Vec::new())),
        (name, lengths) => sizes(lengths).map(|sizes| (name, sizes.0)).map_err(|_| rule.to_owned()),
    }
}

/// A file for an input of a name, or for the only one: `image=photo.png`, `photo.png`.
pub fn named_file(text: &str) -> Result<(String, PathBuf), String> {
    let (name, file) = text.split_once('=').unwrap_or(("", text));
    match file {
        "" => Err("give a name and a file, as in image=photo.png".into()),
        file => Ok((name.into(), file.into())),
    }
}

/// Height and width: `2x3`, or `2` for both.
pub fn pair(text: &str) -> Result<[usize; 2], String> {
    match sizes(text).map(|sizes| sizes.0).as_deref() {
        Ok(&[both]) => Ok([both; 2]),
        Ok(&[height, width]) => Ok([height, width]),
        _ => Err("give one number, or height and width as in 7x7".into()),
    }
}

/// `valid`, `same-upper` (or `same`), `same-lower`, `1`, `1x2`, or `0x1:1x2` for before and after.
pub fn padding(text: &str) -> Result<Padding, String> {
    match text {
        "valid" => return Ok(Padding::Valid),
        "same" | "same-upper" => return Ok(Padding::SameUpper),
        "same-lower" => return Ok(Padding::SameLower),
        _ => {}
    }
    let rule = |_| "give valid, same-upper, same-lower, N, HxW or BEFORE:AFTER as in 0x1:1x2".to_owned();
    let (before, after) = text.split_once(':').unwrap_or((text, text));
    Ok(Padding::Explicit { before: sizes(before).map_err(rule)?.0, after: sizes(after).map_err(rule)?.0 })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_of_one_to_three_axes() {
        assert_eq!(sizes("3"), Ok(Sizes(vec![3])));
        assert_eq!(sizes("1x2x3"), Ok(Sizes(vec![1, 2, 3])));
        for wrong in ["", "x", "2x", "-1", "2,2", "99999999999999999999"] {
            assert!(sizes(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn pairs_have_two_numbers() {
        assert_eq!((pair("7"), pair("2x3")), (Ok([7, 7]), Ok([2, 3])));
        assert!(pair("1x2x3").is_err() && pair("7x").is_err());
    }

    #[test]
    fn names_have_lengths_shapes_and_files() {
        assert_eq!(dim("batch=4"), Ok(("batch".into(), 4)));
        assert_eq!(dim("a=b=4"), Ok(("a=b".into(), 4)));
        assert_eq!(shape("x=1x3"), Ok(("x".into(), vec![1, 3])));
        assert_eq!(shape("x="), Ok(("x".into(), vec![])));
        assert_eq!(named_file("x=a=b.npy"), Ok(("x".into(), "a=b.npy".into())));
        assert_eq!(named_file("x.npy"), Ok((String::new(), "x.npy".into())));
        assert!(dim("batch").is_err() && dim("=4").is_err() && dim("n=-1").is_err());
        assert!(shape("1x3").is_err() && shape("x=1,3").is_err());
        assert!(named_file("").is_err() && named_file("x=").is_err());
    }

    #[test]
    fn padding_in_every_form() {
        assert_eq!(padding("same"), Ok(Padding::SameUpper));
        assert_eq!(padding("1"), Ok(Padding::symmetric([1])));
        assert_eq!(padding("0x1:1x2"), Ok(Padding::Explicit { before: vec![0, 1], after: vec![1, 2] }));
        assert!(padding("some").is_err());
        assert!(padding("1:").is_err());
    }
}
