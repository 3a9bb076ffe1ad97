//! The matches, one file each.

use crate::registry::{Describe, Descriptor};

crate::registry::extensions! {
    addrtype::Addrtype,
    comment::Comment,
    connmark::Connmark,
    conntrack::Conntrack,
    icmp6::Icmp6,
    icmp::Icmp,
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
    udp::Udp,
}
