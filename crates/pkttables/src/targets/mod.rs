//! The targets, one file each.

use crate::registry::{Describe, Descriptor};

crate::registry::extensions! {
    connmark::Connmark,
    ct::Ct,
    dnat::Dnat,
    hl::Hl,
    log::Log,
    mark::Mark,
    masquerade::Masquerade,
    netmap::Netmap,
    nflog::Nflog,
    nfqueue::Nfqueue,
    notrack::Notrack,
    redirect::Redirect,
    reject6::Reject6,
    reject::Reject,
    set::Set,
    snat::Snat,
    tcpmss::Tcpmss,
    trace::Trace,
    ttl::Ttl,
}
