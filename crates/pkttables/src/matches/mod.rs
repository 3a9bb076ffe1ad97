//! The matches, one file each.

use crate::registry::{Describe, Descriptor};

crate::registry::extensions! {
    addrtype::Addrtype,
    comment::Comment,
    connmark::Connmark,
    conntrack::Conntrack,
    dscp::Dscp,
    ecn::Ecn,
    eui64::Eui64,
    hl::Hl,
    icmp::Icmp,
    icmp6::Icmp6,
    iprange::Iprange,
    length::Length,
    limit::Limit,
    mac::Mac,
    mark::Mark,
    multiport::Multiport,
    owner::Owner,
    physdev::Physdev,
    pkttype::Pkttype,
    state::State,
    tcp::Tcp,
    tos::Tos,
    ttl::Ttl,
    udp::Udp,
}
