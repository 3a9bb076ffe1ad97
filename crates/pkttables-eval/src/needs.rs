//! What the extensions of a ruleset make the kernel do besides.

use pkttables::model::{Match, Ruleset, Target};
use pkttables::registry::{Instance, Shared};
use pkttables::targets::ct::{Ct, CtFlags};
use std::any::Any;

/// The extensions that turn connection tracking on.
const TRACKING: [&str; 19] = [
    "cluster",
    "connbytes",
    "connlabel",
    "connlimit",
    "connmark",
    "conntrack",
    "helper",
    "state",
    "CLUSTERIP",
    "CONNMARK",
    "CONNSECMARK",
    "CT",
    "DNAT",
    "MASQUERADE",
    "NETMAP",
    "REDIRECT",
    "SNAT",
    "SYNPROXY",
    "ipvs",
];

/// All extensions of all rules.
fn extensions(ruleset: &Ruleset) -> impl Iterator<Item = &dyn Instance> {
    let rules = ruleset.tables.iter().flat_map(|table| &table.chains).flat_map(|chain| &chain.rules);
    rules.flat_map(|rule| {
        let matches = rule.matches.iter().filter_map(|one| match one {
            Match::Known(instance) => Some(&**instance),
            Match::Opaque(_) => None,
        });
        let target = match &rule.target {
            Target::Known(instance) => Some(&**instance),
            _ => None,
        };
        matches.chain(target)
    })
}

/// Whether connections are to be tracked.
pub(crate) fn tracking(ruleset: &Ruleset) -> bool {
    extensions(ruleset).any(|instance| {
        let target: &dyn Any = instance;
        // What tells to leave packets alone needs no tracking.
        let untracks = target.downcast_ref::<Ct>().is_some_and(|ct| ct.flags.contains(CtFlags::NOTRACK));
        TRACKING.contains(&instance.descriptor().name) && !untracks
    })
}

/// Whether fragments are to be put together, even if connections are not tracked.
pub(crate) fn defragmentation(ruleset: &Ruleset) -> bool {
    extensions(ruleset).any(|instance| matches!(instance.descriptor().name, "socket" | "TPROXY"))
}

/// Whether packets and bytes of connections are to be counted.
pub(crate) fn accounting(ruleset: &Ruleset) -> bool {
    extensions(ruleset).any(|instance| instance.descriptor().name == "connbytes")
}

/// Lets all extensions make what they share by name.
pub(crate) fn install(ruleset: &Ruleset, shared: &mut Shared) {
    extensions(ruleset).for_each(|instance| instance.install(shared));
}
