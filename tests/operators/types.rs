//! Which types of elements operations take.

use wgpool::{DType, Error, Problem, Tensor, TensorDesc};
use wgpool_testing::verify::random::{Case, Family, Rng};

#[test]
fn operations_take_the_types_of_their_row_alone() {
    let mut rng = Rng::new(77);
    // Of the others, each has the type of the first input, positions, or f32.
    for family in Family::ALL.into_iter().filter(|&family| family != Family::ConvInteger) {
        let Case { op, inputs } = family.case(&mut rng, true);
        let has_regions = matches!(family, Family::RoiAlign | Family::MaxRoiPool | Family::RoiAlignGradient);
        for &dtype in DType::ALL {
            let with = |(i, tensor): (usize, &Tensor)| {
                let follows = tensor.dtype() == inputs[0].dtype() && !(has_regions && i > 0);
                if follows { TensorDesc { dtype, ..tensor.desc() } } else { tensor.desc() }
            };
            match Problem::new(&op, &inputs.iter().enumerate().map(with).collect::<Vec<_>>()) {
                Ok(_) => assert!(op.types().contains(&dtype), "{op:?} takes {dtype}"),
                Err(Error::Type { got, .. }) => {
                    assert!(!op.types().contains(&dtype) && got == dtype, "{op:?}")
                }
                Err(error) => panic!("{op:?} of {dtype}: {error}"),
            }
        }
    }
}

#[test]
fn every_type_has_its_row_in_the_documents() {
    let table = include_str!("../../docs/operators.md").split("| elements | where |").nth(1).unwrap();
    let first = |line: &str| line.split('|').nth(1).unwrap_or_default().to_owned();
    let rows: Vec<String> = table.lines().map(first).collect();
    for dtype in DType::ALL {
        let has = |row: &String| row.split(',').any(|name| name.trim() == dtype.to_string());
        assert!(rows.iter().any(has), "{dtype}");
    }
}
