use pkttables::cache::Cache;
use pkttables::kernel::Kernel;
use pkttables::model::{Family, Ruleset};
use pkttables::plan::{PlanError, Scope, apply};
use pkttables_embedded::EmbeddedKernel;

use crate::text;

/// Two save files of IPv4, separated by NUL. Whatever the kernel holds of the first, the second is brought in with
/// one plan, and nothing is left to do then.
pub fn plan(bytes: &[u8]) {
    let mut files = bytes.splitn(2, |byte| *byte == 0).map(|file| text::read(file, Family::Ipv4));
    let (Some(Ok(first)), Some(Ok(second))) = (files.next(), files.next()) else { return };
    let mut kernel = Kernel::new(EmbeddedKernel::new().connect());
    let mut cache = Cache::default();
    let mut bring = |wanted: &Ruleset| {
        apply(&mut kernel, &mut cache, wanted, &Scope::Table, |_| Ok::<_, PlanError>(()))
            .map(|plans| plans.iter().map(|plan| plan.steps.len()).sum::<usize>())
    };
    let _ = bring(&first);
    if bring(&second).is_ok() {
        assert_eq!(bring(&second).expect("what was brought in before"), 0, "something was left to do");
    }
}
