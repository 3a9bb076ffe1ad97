use pkttables::model::{AddressMask, Header, InterfacePattern, Negatable};
use pkttables::packet::{InterfaceName, Packet};
use pkttables::registry::{Backend, Outcome};
use std::net::IpAddr;

/// Tests addresses, interfaces and protocol of a rule.
pub(crate) fn test(header: &Header, packet: &Packet<'_>, backend: Backend) -> Outcome {
    let layout = &packet.layout;
    let holds = address(header.source, layout.source)
        && address(header.destination, layout.destination)
        && interface(header.in_interface, packet.meta.input)
        && interface(header.out_interface, packet.meta.output);
    if !holds {
        return Outcome::NoMatch;
    }
    if let Some(wanted) = header.protocol {
        match layout.protocol {
            Some(protocol) if (protocol == wanted.value) != wanted.not => {}
            Some(_) => return Outcome::NoMatch,
            // ip6_tables drops what it cannot look through; nf_tables has no protocol to compare then.
            None if backend == Backend::Legacy && layout.fragment.offset == 0 => return Outcome::Drop,
            None => return Outcome::NoMatch,
        }
    }
    header.fragment.is_none_or(|fragment| (layout.fragment.offset != 0) != fragment.not).into()
}

fn address(wanted: Option<Negatable<AddressMask>>, address: IpAddr) -> bool {
    wanted.is_none_or(|wanted| wanted.value.contains(address) != wanted.not)
}

fn interface(wanted: Option<Negatable<InterfacePattern>>, name: Option<InterfaceName>) -> bool {
    wanted.is_none_or(|wanted| wanted.value.fits(name) != wanted.not)
}
