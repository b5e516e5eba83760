//! What the programs with a GPU are asked for.

use wgpool_testing::bench::{self, Exported, cases};

use crate::Result;

/// `CASE RESULT [--software]`.
pub struct Asked {
    /// The case with its tensors.
    pub exported: Exported,
    /// The file that the result goes to.
    pub result: String,
    /// Whether it is to run on a software adapter.
    pub software: bool,
}

impl Asked {
    /// Reads the arguments of a program.
    pub fn by(args: &[String]) -> Result<Asked> {
        let (case, result, software) = match args {
            [case, result] => (case, result, false),
            [case, result, flag] if flag == "--software" => (case, result, true),
            _ => return Err("the arguments are CASE RESULT [--software]".into()),
        };
        let found = cases::named(std::slice::from_ref(case))?;
        let exported = bench::export(found.first().ok_or("no such case")?)?;
        Ok(Asked { exported, result: result.clone(), software })
    }
}
