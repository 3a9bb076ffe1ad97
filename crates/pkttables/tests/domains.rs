//! Values made from the descriptions alone, held against the parsers.

mod common;

use common::picks;
use pkttables::model::{Families, Family, Negatable};
use pkttables::registry::{Builder, Descriptor, Domain, Param, ParamError, Registry, Scope};
use proptest::prelude::*;

/// Every parameter of every extension in every family that has it.
fn for_each_param(mut each: impl FnMut(&'static Descriptor, &'static Param, Scope)) {
    for descriptor in Registry::builtin().all() {
        for family in Family::ALL {
            let protocol = descriptor.protocols.first().copied().unwrap_or(6);
            let scope = Scope { family, protocol: Some(Negatable { value: protocol, not: false }) };
            let of_family = |families: Families| families.has(family);
            descriptor
                .params
                .iter()
                .filter(|param| of_family(descriptor.families) && of_family(param.families))
                .for_each(|param| each(descriptor, param, scope));
        }
    }
}

/// Sets the parameter in an extension that is otherwise as it comes.
fn set(
    descriptor: &'static Descriptor,
    param: &'static Param,
    value: &str,
    scope: Scope,
) -> Result<(), ParamError> {
    Builder::new(descriptor).set(param, value, false, &scope)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(500) })]

    #[test]
    fn every_generated_value_is_accepted(numbers in proptest::collection::vec(any::<u64>(), 0..40)) {
        let mut wrong = Vec::new();
        for_each_param(|descriptor, param, scope| {
            let value = param.domain.sample(scope.family, &mut picks(&numbers));
            if let Err(error) = param.check(&value, &scope) {
                wrong.push(format!("{} --{} {value:?}: {error}", descriptor.name, param.name));
            }
        });
        prop_assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    }

    #[test]
    fn every_generated_counterexample_is_refused(numbers in proptest::collection::vec(any::<u64>(), 0..40)) {
        let mut wrong = Vec::new();
        for_each_param(|descriptor, param, scope| {
            let value = param.domain.counterexample(scope.family, &mut picks(&numbers));
            let Some(value) = value else { return };
            let told = match set(descriptor, param, &value, scope) {
                Err(error) => error.param == Some(param.name) && error.to_string().contains(&param.domain.describe()),
                Ok(()) => false,
            };
            if !told {
                wrong.push(format!("{} --{} {value:?}", descriptor.name, param.name));
            }
        });
        prop_assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    }
}

#[test]
fn every_domain_but_the_empty_one_has_samples_and_most_have_counterexamples() {
    for_each_param(|descriptor, param, scope| {
        let what = format!("{} --{}", descriptor.name, param.name);
        if *param.domain == Domain::Nothing {
            return;
        }
        assert!(!param.domain.samples(scope.family).is_empty(), "{what}");
        assert!(!param.domain.describe().is_empty(), "{what}");
    });
}
