//! `apply --plan`: what `diff --json` has planned, carried out later.

use super::Source;
use crate::Result;
use crate::connect::Options;
use crate::failure::Failure;
use crate::restore::explain;
use pkttables::json::{JsonError, read_plan};
use pkttables::kernel::KernelError;
use pkttables::plan::{Plan, commit};
use pkttables::registry::Registry;
use serde_json::Value;

const CHANGED: &str = "the ruleset has changed since this was planned; nothing is changed, plan again";

/// Does what the file says, unless anything has changed since it was written.
pub(super) fn apply(options: &Options, source: &Source) -> Result<Vec<Plan>> {
    let (plans, generation) = read(&source.read()?)
        .map_err(|problem| Failure::Other(2, format!("{}: {problem}", source.name())))?;
    let mut kernel = options.open()?;
    match commit(&mut kernel, &plans, generation) {
        Ok(()) => Ok(plans),
        Err(KernelError::Changed) => Err(Failure::Other(4, CHANGED.into())),
        Err(error) => Err(explain(&mut kernel, error.into(), |_| String::new())),
    }
}

/// The plans, and the generation that they are for.
fn read(input: &[u8]) -> std::result::Result<(Vec<Plan>, u32), String> {
    let told: Value = serde_json::from_slice(input).map_err(|error| error.to_string())?;
    let generation = told.get("generation").and_then(Value::as_u64).and_then(|number| number.try_into().ok());
    let generation = generation.ok_or("/generation: this is not a plan that `diff --json` has written")?;
    let tables = told.get("tables").and_then(Value::as_array).ok_or("/tables: an array is expected")?;
    let plan = |(place, table)| {
        read_plan(table, Registry::builtin())
            .map_err(|JsonError { place: within, problem }| format!("/tables/{place}{within}: {problem}"))
    };
    let plans = tables.iter().enumerate().map(plan).collect::<std::result::Result<_, _>>()?;
    Ok((plans, generation))
}
