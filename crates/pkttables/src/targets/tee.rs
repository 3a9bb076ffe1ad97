//! `-j TEE`: sends a copy of the packet to another host.
use crate::domain::{HostAddress, InterfaceName};
use crate::extension;
use crate::model::{Families, Family};
use crate::packet::Packet;
use crate::registry::{Action, Context, Extension, Lister, Revision};
use std::net::{IpAddr, Ipv4Addr};

/// The `TEE` target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tee {
    /// The host that gets the copy.
    pub gateway: IpAddr,
    /// The interface by which the copy leaves.
    pub oif: Option<InterfaceName>,
}

impl Default for Tee {
    fn default() -> Self {
        Self { gateway: Ipv4Addr::UNSPECIFIED.into(), oif: None }
    }
}

extension! {
    /// Send a copy of the packet to another host of the local network, and go on with the packet itself.
    ///
    /// It is for watching traffic on another machine. The copy goes to that host without a change of its
    /// addresses, so the host must be reachable without a router and must expect it.
    target "TEE" => Tee {} params {
        /// The address of the host that gets the copy, other than 0.0.0.0 and ::.
        "gateway": HostAddress {
            set: |m, HostAddress(gateway), _| m.gateway = gateway,
            get: |m| Some((HostAddress(m.gateway), false)),
            required: true,
        }
        /// Send the copy by this interface, instead of the one that the route to the host says.
        "oif": InterfaceName { set: |m, oif, _| m.oif = Some(oif), get: |m| m.oif.clone().map(|oif| (oif, false)) }
    }
}

impl Extension for Tee {
    fn act(&self, _: &Packet<'_>, _: &mut Context<'_>) -> Action {
        let interface =
            self.oif.as_ref().and_then(|name| crate::packet::InterfaceName::new(name.as_str().as_bytes()));
        Action::Copy { gateway: self.gateway, interface }
    }

    // `struct xt_tee_tginfo` in linux/netfilter/xt_TEE.h, which ends in a pointer of the kernel.
    const REVISIONS: &'static [Revision<Self>] = &[Revision {
        number: 1,
        size: 40,
        families: Families::all(),
        encode: |m, w| {
            w.inet_addr(m.gateway);
            InterfaceName::write_field(m.oif.as_ref(), w);
            w.zeros(8);
            Ok(())
        },
        decode: |r, family: Family| {
            let gateway = r.inet_addr(family, "gw")?;
            let oif = InterfaceName::read(r)?;
            r.take(8, "kernel's own")?;
            Ok(Some(Self { gateway, oif }))
        },
    }];

    fn list(&self, out: &mut Lister<'_>) {
        out.each(self, |out, name, _, text| match name {
            "gateway" => out.add(format_args!(" TEE gw:{text}")),
            _ => out.add(format_args!(" oif={text}")),
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registry::testing::{encoded, text_cases};

    #[test]
    fn saved_forms() {
        text_cases! { Tee, Ipv4:
            "--gateway 1.1.1.1" => same, "--oif eth0 --gateway 1.1.1.1" => "--gateway 1.1.1.1 --oif eth0",
            "--gateway 1.1.1.1 --oif eth+" => same, "! --gateway 1.1.1.1" => fails, "--gateway 1.1.1.1/24" => fails,
            "--gateway ::1" => fails, "--oif eth0" => fails, "" => fails,
        }
        text_cases! { Tee, Ipv6: "--gateway 2001:db8::1" => same, "--gateway 2001:db8::1 --oif eth0" => same }
    }

    #[test]
    fn layout() {
        let info = [&[1, 2, 3, 4][..], &[0; 12], b"eth0", &[0; 20]].concat();
        assert_eq!(encoded::<Tee>(Family::Ipv4, "--gateway 1.2.3.4 --oif eth0", 1), Some(info));
    }
}
