//! `-m physdev`: asks which ports of a bridge a packet passes.

use crate::extension;
use crate::model::{Families, Hooks, InterfacePattern, Negatable};
use crate::packet::{InterfaceName, Packet};
use crate::registry::{
    Context, Extension, Flag, InfoReader, InfoWriter, Lister, Outcome, Require, Revision, sight,
};
use nfnetlink::wire::{DecodeError, Problem};

/// The `physdev` match.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Physdev {
    /// Whether the packet came in by a port of a bridge.
    pub is_in: Option<Negatable<()>>,
    /// The port by which the packet came in.
    pub port_in: Option<Negatable<InterfacePattern>>,
    /// Whether the packet goes out by a port of a bridge.
    pub is_out: Option<Negatable<()>>,
    /// The port by which the packet goes out.
    pub port_out: Option<Negatable<InterfacePattern>>,
    /// Whether the packet is bridged and not routed.
    pub is_bridged: Option<Negatable<()>>,
}

extension! {
    /// Match packets by the ports of a bridge that they come in and go out by.
    ///
    /// `-i` and `-o` name the bridge itself. Bridged packets come through these tables only with the kernel
    /// setting `net.bridge.bridge-nf-call-iptables` (or `-ip6tables`). The port by which a packet goes out is
    /// known only of bridged packets.
    match "physdev" => Physdev {
        require: Require::AtLeastOne,
    } params {
        /// The packet came in by some port of a bridge.
        [!] "physdev-is-in": Flag {
            set: |m, _, not| m.is_in = Some(Negatable { value: (), not }),
            get: |m| m.is_in.map(|is| (Flag, is.not)),
            sees: Some(sight::bridge_input),
        }
        /// The packet came in by this port of a bridge.
        [!] "physdev-in": InterfacePattern {
            set: |m, value, not| m.port_in = Some(Negatable { value, not }),
            get: |m| m.port_in.map(Into::into),
            sees: Some(sight::bridge_input),
        }
        /// The packet will go out by some port of a bridge.
        [!] "physdev-is-out": Flag {
            set: |m, _, not| m.is_out = Some(Negatable { value: (), not }),
            get: |m| m.is_out.map(|is| (Flag, is.not)),
            hooks: Hooks::all().difference(Hooks::OUTPUT),
            sees: Some(sight::bridge_output),
        }
        /// The packet will go out by this port of a bridge.
        [!] "physdev-out": InterfacePattern {
            set: |m, value, not| m.port_out = Some(Negatable { value, not }),
            get: |m| m.port_out.map(Into::into),
            hooks: Hooks::all().difference(Hooks::OUTPUT),
            sees: Some(sight::bridge_output),
        }
        /// The packet goes from port to port of one bridge and is not routed.
        [!] "physdev-is-bridged": Flag {
            set: |m, _, not| m.is_bridged = Some(Negatable { value: (), not }),
            get: |m| m.is_bridged.map(|is| (Flag, is.not)),
            sees: Some(sight::bridge_ports),
        }
    }
}

const IN: u8 = 1;
const OUT: u8 = 2;
const BRIDGED: u8 = 4;
const IS_IN: u8 = 8;
const IS_OUT: u8 = 16;

impl Extension for Physdev {
    fn matches(&self, packet: &Packet<'_>, _: &mut Context<'_>) -> Outcome {
        let (input, output) = (packet.meta.bridge_input, packet.meta.bridge_output);
        let inverted = |wanted: Option<Negatable<()>>| wanted.is_none_or(|wanted| wanted.not);
        let port_inverted =
            |wanted: Option<Negatable<InterfacePattern>>| wanted.is_none_or(|wanted| wanted.not);
        if input.is_none() && output.is_none() {
            let all = inverted(self.is_bridged) && inverted(self.is_in) && inverted(self.is_out);
            return (all && port_inverted(self.port_in) && port_inverted(self.port_out)).into();
        }
        let is = |wanted: Option<Negatable<()>>, holds: bool| wanted.is_none_or(|wanted| holds != wanted.not);
        if !is(self.is_bridged, output.is_some())
            || !is(self.is_in, input.is_some())
            || !is(self.is_out, output.is_some())
        {
            return Outcome::NoMatch;
        }
        let port = |wanted: Option<Negatable<InterfacePattern>>, name: InterfaceName| {
            wanted.is_none_or(|wanted| wanted.value.fits(Some(name)) != wanted.not)
        };
        let from = input.is_none_or(|input| port(self.port_in, input));
        let to = output.map_or_else(|| self.port_out.is_none(), |output| port(self.port_out, output));
        (from && to).into()
    }

    const REVISIONS: &'static [Revision<Self>] = &[Revision {
        number: 0,
        size: 66,
        families: Families::all(),
        encode: |m, w| {
            let (mut given, mut not) = (0, 0);
            let mut condition = |flag: u8, condition: Option<bool>| {
                given |= condition.map_or(0, |_| flag);
                not |= condition.filter(|not| *not).map_or(0, |_| flag);
            };
            condition(IN, m.port_in.map(|port| port.not));
            condition(OUT, m.port_out.map(|port| port.not));
            condition(BRIDGED, m.is_bridged.map(|is| is.not));
            condition(IS_IN, m.is_in.map(|is| is.not));
            condition(IS_OUT, m.is_out.map(|is| is.not));
            write_port(w, m.port_in);
            write_port(w, m.port_out);
            w.u8(not);
            w.u8(given);
            Ok(())
        },
        decode: |r, _| {
            let (port_in, port_out) = (read_port(r)?, read_port(r)?);
            let (not, given) = (r.u8("invert")?, r.u8("bitmask")?);
            let at = **r;
            let port = |flag: u8, port: Option<InterfacePattern>| match port {
                _ if given & flag == 0 => Ok(None),
                Some(value) => Ok(Some(Negatable { value, not: not & flag != 0 })),
                None => Err(at.error("port name", Problem::String)),
            };
            let is = |flag: u8| (given & flag != 0).then_some(Negatable { value: (), not: not & flag != 0 });
            Ok(Some(Self {
                is_in: is(IS_IN),
                port_in: port(IN, port_in)?,
                is_out: is(IS_OUT),
                port_out: port(OUT, port_out)?,
                is_bridged: is(BRIDGED),
            }))
        },
    }];

    fn list(&self, out: &mut Lister<'_>) {
        out.add(" PHYSDEV match");
        out.plain(self, "--");
    }
}

const FIELD: usize = InterfacePattern::MAX + 1;

/// The name with its `+`, then a mask of the bytes that are compared: all with the NUL, or those before the `+`.
fn write_port(w: &mut InfoWriter<'_>, port: Option<Negatable<InterfacePattern>>) {
    let Some(port) = port else {
        return w.zeros(2 * FIELD);
    };
    let (name, prefix) = (port.value.name(), port.value.is_prefix());
    w.bytes(name);
    w.bytes(if prefix { b"+" } else { b"\0" });
    w.zeros(FIELD - 1 - name.len());
    let compared = name.len() + usize::from(!prefix);
    w.bytes([0xff; FIELD].get(..compared).unwrap_or_default());
    w.zeros(FIELD - compared);
}

/// `None` if the two fields do not belong together as [`write_port`] makes them.
fn read_port(r: &mut InfoReader<'_>) -> Result<Option<InterfacePattern>, DecodeError> {
    let name = r.c_string(FIELD, "port name")?;
    let mask = r.take(FIELD, "port mask")?;
    let compared = mask.iter().take_while(|byte| **byte == 0xff).count();
    if mask.iter().skip(compared).any(|byte| *byte != 0) {
        return Ok(None);
    }
    Ok(match name.strip_suffix(b"+") {
        Some(start) if compared == start.len() => InterfacePattern::new(start, true),
        _ if compared == name.len() + 1 => InterfacePattern::new(name, false),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registry::testing::{layout_cases, text_cases};

    #[test]
    fn saved_forms() {
        text_cases! { Physdev, Ipv4:
            "--physdev-in eth0" => same, "--physdev-in eth+" => same, "--physdev-in +" => same,
            "--physdev-in abcdefghijklmno" => same, "--physdev-in abcdefghijklmn+" => same,
            "! --physdev-in eth+ ! --physdev-out br0 ! --physdev-is-in ! --physdev-is-out ! --physdev-is-bridged" =>
                "! --physdev-is-in ! --physdev-in eth+ ! --physdev-is-out ! --physdev-out br0 ! --physdev-is-bridged",
            "--physdev-out lo --physdev-is-bridged --physdev-is-out" =>
                "--physdev-is-out --physdev-out lo --physdev-is-bridged",
            "--physdev-in abcdefghijklmnop" => fails, "--physdev-in abcdefghijklmno+" => fails, "" => fails,
            "--physdev-in lo --physdev-in lo" => fails, "--physdev-is-in --physdev-is-in" => fails,
        }
        text_cases! { Physdev, Ipv6: "--physdev-in lo ! --physdev-is-bridged" => same }
    }

    #[test]
    fn kernel_structures() {
        layout_cases! { Physdev, Ipv4: "--physdev-in eth+ ! --physdev-out br0", 0 =>
        "6574682b 000000000000000000000000 ffffff00 000000000000000000000000
         62723000 000000000000000000000000 ffffffff 000000000000000000000000 02 03" }
    }
}
