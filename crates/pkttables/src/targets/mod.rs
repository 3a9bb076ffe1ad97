//! The targets, one file each.

use crate::registry::{Describe, Descriptor};

crate::registry::extensions! {
    connmark::Connmark,
    hl::Hl,
    log::Log,
    mark::Mark,
    nflog::Nflog,
    nfqueue::Nfqueue,
    reject::Reject,
    reject6::Reject6,
    tcpmss::Tcpmss,
    trace::Trace,
    ttl::Ttl,
}
