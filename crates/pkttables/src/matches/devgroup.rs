//! `-m devgroup`: compares the groups of the devices that a packet passes.

use crate::domain::{DeviceGroups, Masked};
use crate::extension;
use crate::model::{Families, Hooks, Negatable};
use crate::packet::{InterfaceName, Packet};
use crate::registry::{Context, Extension, Lister, Outcome, Require, Revision};

/// The `devgroup` match.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Devgroup {
    /// The groups that the device may be in by which the packet came in.
    pub source: Option<Negatable<DeviceGroups>>,
    /// The groups that the device may be in by which the packet goes out.
    pub destination: Option<Negatable<DeviceGroups>>,
}

extension! {
    /// Match packets by the group of the device that they come in or go out by.
    ///
    /// Each network device has a group number, 0 if none was given (`ip link set DEVICE group NUMBER`). So one
    /// rule can be about many devices.
    match "devgroup" => Devgroup {
        require: Require::AtLeastOne,
    } params {
        /// The packet came in by a device of this group; with a mask, the group AND the mask is this number.
        ///
        /// Not in OUTPUT and POSTROUTING.
        [!] "src-group": DeviceGroups {
            set: |m, value, not| m.source = Some(Negatable { value, not }),
            get: |m| m.source.map(Into::into),
            hooks: Hooks::PREROUTING.union(Hooks::INPUT).union(Hooks::FORWARD),
        }
        /// The packet goes out by a device of this group; with a mask, the group AND the mask is this number.
        ///
        /// Not in PREROUTING and INPUT.
        [!] "dst-group": DeviceGroups {
            set: |m, value, not| m.destination = Some(Negatable { value, not }),
            get: |m| m.destination.map(Into::into),
            hooks: Hooks::FORWARD.union(Hooks::OUTPUT).union(Hooks::POSTROUTING),
        }
    }
}

const SOURCE: u32 = 1;
const SOURCE_NOT: u32 = 2;
const DESTINATION: u32 = 4;
const DESTINATION_NOT: u32 = 8;

impl Extension for Devgroup {
    fn matches(&self, packet: &Packet<'_>, context: &mut Context<'_>) -> Outcome {
        let mut test = |wanted: Option<Negatable<DeviceGroups>>, interface: Option<InterfaceName>| {
            wanted.is_none_or(|wanted| {
                let group = interface.map_or(0, |interface| context.environment.interface_group(interface));
                let Masked { value, mask } = wanted.value.0;
                ((value ^ group) & mask == 0) != wanted.not
            })
        };
        (test(self.source, packet.meta.input) && test(self.destination, packet.meta.output)).into()
    }

    fn found(&self, packet: &Packet<'_>, context: &mut Context<'_>) -> Option<String> {
        let mut group =
            |way: &str, wanted: Option<Negatable<DeviceGroups>>, interface: Option<InterfaceName>| {
                wanted?;
                Some(match interface {
                    Some(interface) => {
                        let group = context.environment.interface_group(interface);
                        format!("{interface} is in group {group}")
                    }
                    None => format!("there is no interface by which it {way}"),
                })
            };
        let source = group("came", self.source, packet.meta.input);
        let destination = group("goes", self.destination, packet.meta.output);
        let told: Vec<String> = [source, destination].into_iter().flatten().collect();
        Some(told.join(", "))
    }

    const REVISIONS: &'static [Revision<Self>] = &[Revision {
        number: 0,
        size: 20,
        families: Families::all(),
        encode: |m, w| {
            let flags = |groups: Option<Negatable<DeviceGroups>>, given, not| match groups {
                None => 0,
                Some(groups) => given | if groups.not { not } else { 0 },
            };
            w.ne_u32(
                flags(m.source, SOURCE, SOURCE_NOT) | flags(m.destination, DESTINATION, DESTINATION_NOT),
            );
            for groups in [m.source, m.destination] {
                let Masked { value, mask } =
                    groups.map_or(Masked { value: 0, mask: 0 }, |groups| groups.value.0);
                w.ne_u32(value);
                w.ne_u32(mask);
            }
            Ok(())
        },
        decode: |r, _| {
            let flags = r.ne_u32("flags")?;
            let mut groups = |given, not| {
                let value = DeviceGroups(Masked { value: r.ne_u32("group")?, mask: r.ne_u32("mask")? });
                Ok((flags & given != 0).then_some(Negatable { value, not: flags & not != 0 }))
            };
            let source = groups(SOURCE, SOURCE_NOT)?;
            let destination = groups(DESTINATION, DESTINATION_NOT)?;
            Ok(Some(Self { source, destination }))
        },
    }];

    fn list(&self, out: &mut Lister<'_>) {
        for (label, groups) in [("src-group", self.source), ("dst-group", self.destination)] {
            if let Some(Negatable { value, not }) = groups {
                out.add(format_args!("{} {label} ", if not { " !" } else { "" }));
                out.value(if out.is_numeric() { &value.0 } else { &value });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registry::testing::{layout_cases, text_cases};

    #[test]
    fn saved_forms() {
        text_cases! { Devgroup, Ipv4:
            "--src-group 0x1/0xff" => same, "--src-group 777" => "--src-group 0x309",
            "! --dst-group 0x10/0x30 --src-group 999" => "--src-group 0x3e7 ! --dst-group 0x10/0x30",
            "--dst-group 0/0xff" => "--dst-group 0x0/0xff", "--src-group no-such-group" => fails,
            "--src-group 5/x" => fails, "--src-group 0x100000000" => fails, "" => fails,
        }
        text_cases! { Devgroup, Ipv6: "! --src-group 0x1/0xff" => same }
    }

    #[test]
    fn kernel_structures() {
        layout_cases! { Devgroup, Ipv4:
            "--src-group 0x1/0xff", 0 => "01000000 01000000 ff000000",
            "--src-group 5 ! --dst-group 0x10/0x30", 0 => "0d000000 05000000 ffffffff 10000000 30000000",
        }
    }
}
