//! The targets, one file each.

use crate::registry::{Describe, Descriptor};

crate::registry::extensions! {
    connmark::Connmark,
    dnat::Dnat,
    hl::Hl,
    log::Log,
    mark::Mark,
    masquerade::Masquerade,
    netmap::Netmap,
    nflog::Nflog,
    nfqueue::Nfqueue,
    redirect::Redirect,
    reject6::Reject6,
    reject::Reject,
    snat::Snat,
    tcpmss::Tcpmss,
    trace::Trace,
    ttl::Ttl,
}
