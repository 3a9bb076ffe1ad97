//! `-m state`: the connection's state, the part of conntrack that has a name of its own.
use super::conntrack::{Conntrack, CtStates, Layout};
use crate::extension;
use crate::model::{Families, Family, Negatable};
use crate::packet::Packet;
use crate::registry::{
    Context, Domain, Extension, InfoReader, Instance, Lister, Outcome, OwnLayout, Revision, Scope, Value,
    ValueError, sight,
};
use nfnetlink::wire::{DecodeError, Problem};

/// The `state` match, which the kernel knows as a `conntrack` match that only looks at the state.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct State {
    /// The states one of which is meant; neither `SNAT` nor `DNAT`.
    pub states: CtStates,
    /// Whether every other state is meant instead.
    pub not: bool,
}

extension! {
    /// Match by the state of the connection that the packet belongs to.
    ///
    /// The same as conntrack with `--ctstate` alone, which newer rules use. Where a rule uses it the kernel tracks
    /// all connections.
    match "state" => State {
        xt_name: "conntrack",
        own_layouts: &[OwnLayout { revision: 0, read: State::read_own }],
    } params {
        /// The connection is in one of these states.
        [!] "state": StateList {
            set: |m, StateList(states), not| *m = State { states, not },
            get: |m| Some((StateList(m.states), m.not)),
            required: true,
            sees: Some(sight::state),
        }
    }
}

impl Extension for State {
    fn matches(&self, packet: &Packet<'_>, _: &mut Context<'_>) -> Outcome {
        let states = CtStates::of(packet.meta) - CtStates::SNAT - CtStates::DNAT;
        (self.states.intersects(states) != self.not).into()
    }

    const REVISIONS: &'static [Revision<Self>] = &[
        Revision {
            number: 3,
            size: Layout::V3.size(),
            families: Families::all(),
            encode: |m, w| m.as_conntrack().write(w, Layout::V3, true),
            decode: |r, family| Self::read(r, family, Layout::V3),
        },
        Revision {
            number: 2,
            size: Layout::V2.size(),
            families: Families::all(),
            encode: |m, w| m.as_conntrack().write(w, Layout::V2, true),
            decode: |r, family| Self::read(r, family, Layout::V2),
        },
        Revision {
            number: 1,
            size: Layout::V1.size(),
            families: Families::all(),
            encode: |m, w| m.as_conntrack().write(w, Layout::V1, true),
            decode: |r, family| Self::read(r, family, Layout::V1),
        },
    ];

    fn list(&self, out: &mut Lister<'_>) {
        out.plain(self, "");
    }
}

impl State {
    /// The conntrack match that does the same.
    #[must_use]
    pub fn as_conntrack(&self) -> Conntrack {
        let states = Negatable { value: self.states, not: self.not };
        Conntrack { states: Some(states), ..Conntrack::default() }
    }

    /// Reads `struct xt_state_info` in linux/netfilter/xt_state.h.
    fn read_own(info: &[u8]) -> Option<Box<dyn Instance>> {
        const UNTRACKED: u32 = 1 << 6;
        let &[a, b, c, d, 0, 0, 0, 0] = info else { return None };
        let mask = u32::from_ne_bytes([a, b, c, d]);
        let untracked = if mask & UNTRACKED == 0 { CtStates::empty() } else { CtStates::UNTRACKED };
        let others = CtStates::from_bits(u16::try_from(mask & !UNTRACKED).ok()?)?;
        (!others.intersects(CtStates::SNAT | CtStates::DNAT | CtStates::UNTRACKED))
            .then(|| Box::new(Self { states: others | untracked, not: false }) as _)
    }

    fn read(r: &mut InfoReader<'_>, family: Family, layout: Layout) -> Result<Option<Self>, DecodeError> {
        let (conntrack, is_state) = Conntrack::read(r, family, layout)?;
        if !is_state {
            return Ok(None);
        }
        match conntrack.states {
            Some(Negatable { value: states, not }) if (Self { states, not }).as_conntrack() == conntrack => {
                Ok(Some(Self { states, not }))
            }
            _ => Err(r.error("match_flags", Problem::Missing)),
        }
    }
}

/// The states that `--state` knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct StateList(CtStates);

impl Value for StateList {
    const DOMAIN: Domain = Domain::Flags { choices: CtStates::CHOICES.split_at(5).0, separator: ',' };

    fn parse(text: &str, scope: &Scope) -> Result<Self, ValueError> {
        let states = CtStates::parse(text, scope)?;
        match states.intersects(CtStates::SNAT | CtStates::DNAT) {
            true => Err(ValueError::UnknownName),
            false => Ok(Self(states)),
        }
    }

    fn write(&self, out: &mut String, scope: &Scope) {
        self.0.write(out, scope);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registry::testing::text_cases;
    use crate::registry::{Describe, NoSets};

    #[test]
    fn saved_forms() {
        text_cases! { State, Ipv4:
            "--state NEW,RELATED" => same,
            "! --state established,inv" => "! --state INVALID,ESTABLISHED",
            "--state E" => "--state ESTABLISHED",
            "--state UNTRACKED,ESTABLISHED,RELATED,NEW,INVALID"
                => "--state INVALID,NEW,RELATED,ESTABLISHED,UNTRACKED",
            "" => fails, "--state NEW," => fails, "--state ,NEW" => fails, "--state NEWX" => fails,
            "--state SNAT" => fails, "--state S" => fails, "--state NEW --state NEW" => fails,
        }
        text_cases! { State, Ipv6: "! --state NEW" => same }
    }

    #[test]
    fn it_is_told_from_conntrack_by_a_flag() {
        let state = State { states: CtStates::NEW, not: true };
        let decode = |bytes: &[u8], descriptor: &crate::registry::Descriptor| {
            descriptor.decode(3, Family::Ipv4, bytes, &NoSets)
        };
        let mut bytes = Vec::new();
        Instance::encode(&state, 3, Family::Ipv4, &NoSets, &mut bytes).expect("a structure");
        assert!(decode(&bytes, Conntrack::DESCRIPTOR).is_none());
        bytes.clear();
        let conntrack = state.as_conntrack();
        Instance::encode(&conntrack, 3, Family::Ipv4, &NoSets, &mut bytes).expect("a structure");
        assert!(decode(&bytes, State::DESCRIPTOR).is_none());
    }

    #[test]
    fn domain_lists_no_translation() {
        let accepts = StateList::DOMAIN.describe();
        assert!(accepts.contains("UNTRACKED") && !accepts.contains("NAT,"), "{accepts}");
    }
}
