//! The matches, one file each.

use crate::registry::{Describe, Descriptor};

crate::registry::extensions! {
    addrtype::Addrtype,
    comment::Comment,
    connmark::Connmark,
    icmp::Icmp,
    icmp6::Icmp6,
    iprange::Iprange,
    length::Length,
    mac::Mac,
    mark::Mark,
    multiport::Multiport,
    owner::Owner,
    physdev::Physdev,
    pkttype::Pkttype,
    tcp::Tcp,
    udp::Udp,
}
