//! The router that both judge packets on: four interfaces, their networks and the host's own addresses.

use crate::sets;
use pkttables::model::{AddressMask, Family};
use pkttables::packet::InterfaceName;
use pkttables::registry::{Route, Scope, Socket, Value as _};
use pkttables_eval::Host;
use pkttables_eval::ipset::Sets;
use std::fmt::Write as _;
use std::net::{IpAddr, Ipv6Addr};

/// An interface of the router; its cable's other end has the same name with `p` behind it.
#[derive(Debug)]
pub struct Port {
    /// The name.
    pub name: &'static str,
    /// The link address.
    pub mac: [u8; 6],
    v4: &'static str,
    v4_network: &'static str,
    v6: &'static str,
    v6_network: &'static str,
}

/// The interfaces.
pub const PORTS: [Port; 4] = [
    port("in0", 1, "10.1.0.1", "10.1.0.0/16", "fd00:1::aa", "fd00:1::/64"),
    port("in1", 3, "10.3.0.1", "10.3.0.0/16", "fd00:3::aa", "fd00:3::/64"),
    port("out0", 2, "10.2.0.1", "10.2.0.0/16", "fd00:2::aa", "fd00:2::/64"),
    port("out1", 4, "10.4.0.1", "10.4.0.0/16", "fd00:4::aa", "fd00:4::/64"),
];

/// Networks behind other routers.
const FAR: [(&str, &str); 4] = [
    ("192.168.0.0/16", "out0"),
    ("172.16.0.0/12", "out1"),
    ("2001:db8:1::/48", "out0"),
    ("2001:db8:2::/48", "out1"),
];

const fn port(
    name: &'static str,
    number: u8,
    v4: &'static str,
    v4_network: &'static str,
    v6: &'static str,
    v6_network: &'static str,
) -> Port {
    Port { name, mac: [2, 0, 0, 0, 1, number], v4, v4_network, v6, v6_network }
}

impl Port {
    /// The address that the kernel gives it in the local network: of its link address (RFC 4291, appendix A).
    fn link_local(&self) -> Ipv6Addr {
        let [a, b, c, d, e, f] = self.mac;
        Ipv6Addr::from([0xfe, 0x80, 0, 0, 0, 0, 0, 0, a ^ 2, b, c, 0xff, 0xfe, d, e, f])
    }

    /// The name as packets carry it.
    ///
    /// # Panics
    /// Never: all names are short.
    #[must_use]
    pub fn interface(&self) -> InterfaceName {
        InterfaceName::new(self.name.as_bytes()).expect("a short name")
    }
}

/// The commands for `ip -batch` that make the interfaces and routes.
pub(crate) fn commands() -> String {
    let mut text = String::from("link set lo up\n");
    for Port { name, mac: [.., number], v4, v4_network, v6, v6_network } in &PORTS {
        let (length, length6) = (length(v4_network), length(v6_network));
        let _ = write!(
            text,
            "link add {name} address 02:00:00:00:01:{number:02x} type veth peer name {name}p\n\
             link set {name} arp off\nlink set {name}p arp off\n\
             link set {name} up\nlink set {name}p up\n\
             addr add {v4}/{length} brd + dev {name}\n\
             addr add {v6}/{length6} dev {name} nodad\n"
        );
    }
    text.push_str("link add sync type veth peer name syncp\nlink set sync arp off\nlink set syncp arp off\n");
    text.push_str("link set sync up\nlink set syncp up\n");
    for (network, name) in FAR {
        let _ = writeln!(text, "route add {network} dev {name}");
    }
    text
}

fn length(network: &str) -> &str {
    network.split_once('/').map_or("", |(_, length)| length)
}

/// The same router for the evaluator.
///
/// # Panics
/// Never: all addresses are right.
#[must_use]
pub fn host(family: Family) -> Host {
    let mut host = Host::new();
    host.set_sender(Socket::default());
    host.set_sets(Sets::parse(&sets::text(family)).expect("sets"));
    let mut add = |network: &str, name: &str| {
        let of_family = network.contains(':') == (family == Family::Ipv6);
        if of_family {
            let scope = Scope { family, protocol: None };
            let prefix = AddressMask::parse(network, &scope).expect("a network");
            let interface = InterfaceName::new(name.as_bytes()).expect("a short name");
            host.add_route(prefix, Route { interface, gateway: None, mtu: 1500 });
        }
    };
    for Port { name, v4_network, v6_network, .. } in &PORTS {
        add(v4_network, name);
        add(v6_network, name);
    }
    for (network, name) in FAR {
        add(network, name);
    }
    for port in &PORTS {
        let local: IpAddr = match family {
            Family::Ipv4 => port.v4,
            Family::Ipv6 => port.v6,
        }
        .parse()
        .expect("an address");
        host.add_local(local);
        if family == Family::Ipv6 {
            host.add_local_on(port.interface(), port.link_local().into());
        }
    }
    host
}
