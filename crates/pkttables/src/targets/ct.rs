//! `-j CT`: how the packet's connection is tracked.
use crate::domain::{HelperName, TimeoutPolicyName, parse_bounded};
use crate::model::{Families, Hooks, Tables};
use crate::packet::{Packet, TrackState};
use crate::registry::{
    Action, Context, Domain, Edit, Extension, Flag, InfoWriter, Lister, Revision, Scope, Template, Value,
    ValueError,
};
use crate::{choices, extension, flag_set};
use bitflags::bitflags;
use nfnetlink::wire::{DecodeError, EncodeError, Problem, Reader};
use std::fmt::Write as _;

/// The `CT` target.
///
/// Two are equal that do the same, however they say which zone is meant.
#[derive(Clone, Debug, Default, Eq)]
pub struct Ct {
    /// What is set besides the values below.
    pub flags: CtFlags,
    /// The zone; 0 is the one that connections are in anyway.
    pub zone: u16,
    /// The events that are reported about the connection; none means all.
    pub ct_events: CtEvents,
    /// The events that are reported about connections expected because of it; none means all.
    pub exp_events: ExpectEvents,
    /// The helper that follows the connection.
    pub helper: Option<HelperName>,
    /// The timeout policy.
    pub timeout: Option<TimeoutPolicyName>,
}

bitflags! {
    /// The flags of the `CT` target (`XT_CT_*`).
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    pub struct CtFlags: u16 {
        /// The packet is not tracked.
        const NOTRACK = 1;
        /// The zone is for the original direction only.
        const ZONE_ORIGINAL = 4;
        /// The zone is for the reply direction only.
        const ZONE_REPLY = 8;
        /// The zone's number is the packet's mark.
        const ZONE_MARK = 16;
    }
}

/// Set where the rule was given as `-j NOTRACK` (`XT_CT_NOTRACK_ALIAS`).
pub(super) const NOTRACK_ALIAS: u16 = 2;

flag_set! {
    /// Events of a connection (`enum ip_conntrack_events`).
    #[derive(Default)]
    pub struct CtEvents: u32, ',', exact {
        /// The connection is new.
        NEW = 1 << 0 => "new",
        /// The connection is new and related to another one.
        RELATED = 1 << 1 => "related",
        /// The connection is forgotten.
        DESTROY = 1 << 2 => "destroy",
        /// The first answer has been seen.
        REPLY = 1 << 3 => "reply",
        /// The connection will not be forgotten early when the table is full.
        ASSURED = 1 << 4 => "assured",
        /// The protocol's state changed, for instance TCP's.
        PROTOINFO = 1 << 5 => "protoinfo",
        /// A helper has been set.
        HELPER = 1 << 6 => "helper",
        /// The connection's mark changed.
        MARK = 1 << 7 => "mark",
        /// Sequence numbers are now adjusted because of address translation.
        NATSEQINFO = 1 << 8 => "natseqinfo",
        /// The security mark changed.
        SECMARK = 1 << 9 => "secmark",
    }
}

flag_set! {
    /// Events of an expected connection (`enum ip_conntrack_expect_events`).
    #[derive(Default)]
    pub struct ExpectEvents: u32, ',', exact {
        /// A connection is expected from now on.
        NEW = 1 << 0 => "new",
    }
}

/// The number of a zone, or where it comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Zone {
    /// This number.
    Number(u16),
    /// The packet's mark.
    Mark,
}

choices! {
    /// Where the number of a zone can come from.
    enum ZoneSource: u8, any_case {
        /// The lower 16 bits of the packet's mark.
        Mark = 0 => "mark",
    }
}

extension! {
    /// Decide how the connection of the packet is tracked, before tracking sees it.
    ///
    /// Without options the connection is tracked as usual.
    target "CT" => Ct {
        tables: Tables::RAW,
        hooks: Hooks::PREROUTING.union(Hooks::OUTPUT),
    } params {
        /// Do not track the packet: its state will be UNTRACKED, and addresses are not translated.
        "notrack": Flag {
            set: |m, _, _| m.flags |= CtFlags::NOTRACK,
            get: |m| m.flags.contains(CtFlags::NOTRACK).then_some((Flag, false)),
        }
        /// Let this helper follow the connection, such as `ftp`, to know which further connections belong to it.
        ///
        /// The rule must name the helper's protocol with `-p`, and the kernel must have the helper.
        "helper": HelperName {
            set: |m, helper, _| m.helper = Some(helper),
            get: |m| m.helper.clone().map(|helper| (helper, false)),
        }
        /// Forget the connection after the times of this policy, which `nfct timeout add` made.
        "timeout": TimeoutPolicyName {
            set: |m, timeout, _| m.timeout = Some(timeout),
            get: |m| m.timeout.clone().map(|timeout| (timeout, false)),
        }
        /// Report only these events of the connection to listening programs.
        "ctevents": CtEvents {
            set: |m, events, _| m.ct_events = events,
            get: |m| (!m.ct_events.is_empty()).then_some((m.ct_events, false)),
        }
        /// Report only these events of connections that are expected because of this one.
        "expevents": ExpectEvents {
            set: |m, events, _| m.exp_events = events,
            get: |m| (!m.exp_events.is_empty()).then_some((m.exp_events, false)),
        }
        /// Put the connection into this zone, where it is told apart from connections with the same addresses and
        /// ports in other zones.
        "zone": Zone { set: |m, zone, _| m.set_zone(zone, CtFlags::empty()), get: |m| m.zone_of(CtFlags::empty()) }
        /// Like `--zone`, for packets in the original direction only.
        "zone-orig": Zone {
            set: |m, zone, _| m.set_zone(zone, CtFlags::ZONE_ORIGINAL),
            get: |m| m.zone_of(CtFlags::ZONE_ORIGINAL),
        }
        /// Like `--zone`, for packets in the reply direction only.
        "zone-reply": Zone {
            set: |m, zone, _| m.set_zone(zone, CtFlags::ZONE_REPLY),
            get: |m| m.zone_of(CtFlags::ZONE_REPLY),
        }
    }
}

impl PartialEq for Ct {
    fn eq(&self, other: &Self) -> bool {
        let zones = |m: &Self| {
            let directions = [CtFlags::empty(), CtFlags::ZONE_ORIGINAL, CtFlags::ZONE_REPLY];
            directions.map(|direction| m.zone_of(direction))
        };
        let others = |m: &Self| (m.flags & CtFlags::NOTRACK, m.ct_events, m.exp_events);
        zones(self) == zones(other)
            && others(self) == others(other)
            && self.helper == other.helper
            && self.timeout == other.timeout
    }
}

impl Extension for Ct {
    fn act(&self, packet: &Packet<'_>, context: &mut Context<'_>) -> Action {
        if packet.meta.connection.is_some() || packet.meta.state == TrackState::Untracked {
            return Action::Continue;
        }
        if self.flags.contains(CtFlags::NOTRACK) {
            context.edit(Edit::Untrack);
            return Action::Continue;
        }
        let mut template = Template::default();
        let zone = if self.flags.contains(CtFlags::ZONE_MARK) { packet.meta.mark as u16 } else { self.zone };
        let one_way = self.flags.intersects(CtFlags::ZONE_ORIGINAL | CtFlags::ZONE_REPLY);
        if !one_way || self.flags.contains(CtFlags::ZONE_ORIGINAL) {
            template.original_zone = zone;
        }
        if !one_way || self.flags.contains(CtFlags::ZONE_REPLY) {
            template.reply_zone = zone;
        }
        if let Some(helper) = &self.helper {
            let Some(known) = HELPERS.into_iter().find(|known| *known == helper.as_str()) else {
                return Action::Unsupported;
            };
            template.helper = Some(known);
        }
        if self.timeout.is_some() {
            return Action::Unsupported;
        }
        context.edit(Edit::Track(template));
        Action::Continue
    }

    // `struct xt_ct_target_info_v1` and `struct xt_ct_target_info` in linux/netfilter/xt_CT.h, which end in a pointer of the kernel.
    const REVISIONS: &'static [Revision<Self>] = &[
        Revision {
            number: 2,
            size: 72,
            families: Families::all(),
            encode: Self::encode_v1,
            decode: |r, _| Self::decode_v1(r),
        },
        Revision {
            number: 1,
            size: 72,
            families: Families::all(),
            encode: Self::encode_v1,
            decode: |r, _| Self::decode_v1(r),
        },
        Revision {
            number: 0,
            size: 40,
            families: Families::all(),
            encode: |m, w| {
                if m.timeout.is_some() {
                    return Err(EncodeError::NotRepresentable("a timeout policy"));
                }
                m.encode_common(w);
                w.zeros(4 + 8);
                Ok(())
            },
            decode: |r, _| {
                let m = Self::decode_common(r)?;
                r.take(4 + 8, "kernel's own")?;
                Ok(m)
            },
        },
    ];

    fn list(&self, out: &mut Lister<'_>) {
        out.add(" CT");
        out.plain(self, "");
    }
}

/// The helpers of the kernel.
const HELPERS: [&str; 11] =
    ["Q.931", "RAS", "amanda", "ftp", "irc", "netbios-ns", "pptp", "sane", "sip", "snmp", "tftp"];

impl Ct {
    fn set_zone(&mut self, zone: Zone, direction: CtFlags) {
        self.flags |= direction;
        self.zone = match zone {
            Zone::Number(number) => number,
            Zone::Mark => 0,
        };
        self.flags |= if zone == Zone::Mark { CtFlags::ZONE_MARK } else { CtFlags::empty() };
    }

    /// The zone, if it is one and for this direction; both directions together are like none.
    fn zone_of(&self, direction: CtFlags) -> Option<(Zone, bool)> {
        let both = CtFlags::ZONE_ORIGINAL | CtFlags::ZONE_REPLY;
        let is = if self.flags.contains(both) { CtFlags::empty() } else { self.flags & both };
        let zone = match self.flags.contains(CtFlags::ZONE_MARK) {
            true => Zone::Mark,
            false => Zone::Number(self.zone),
        };
        (is == direction && zone != Zone::Number(0)).then_some((zone, false))
    }

    fn encode_common(&self, w: &mut InfoWriter<'_>) {
        w.ne_u16(self.flags.bits());
        w.ne_u16(self.zone);
        w.ne_u32(self.ct_events.bits());
        w.ne_u32(self.exp_events.bits());
        HelperName::write_field(self.helper.as_ref(), w);
    }

    fn decode_common(r: &mut Reader<'_>) -> Result<Option<Self>, DecodeError> {
        let bits = r.ne_u16("flags")?;
        let alias = bits & NOTRACK_ALIAS != 0;
        let unknown = |r: &Reader<'_>, bits: u32| r.error("flags", Problem::Value(bits.into()));
        let flags = CtFlags::from_bits(bits & !NOTRACK_ALIAS).ok_or_else(|| unknown(r, bits.into()))?;
        let (zone, ct_events, exp_events) =
            (r.ne_u16("zone")?, r.ne_u32("ct_events")?, r.ne_u32("exp_events")?);
        let ct_events = CtEvents::from_bits(ct_events).ok_or_else(|| unknown(r, ct_events))?;
        let exp_events = ExpectEvents::from_bits(exp_events).ok_or_else(|| unknown(r, exp_events))?;
        let helper = HelperName::read(r)?;
        Ok((!alias).then_some(Self { flags, zone, ct_events, exp_events, helper, timeout: None }))
    }

    fn encode_v1(m: &Self, w: &mut InfoWriter<'_>) -> Result<(), EncodeError> {
        m.encode_common(w);
        TimeoutPolicyName::write_field(m.timeout.as_ref(), w);
        w.zeros(4 + 8);
        Ok(())
    }

    fn decode_v1(r: &mut Reader<'_>) -> Result<Option<Self>, DecodeError> {
        let m = Self::decode_common(r)?;
        let timeout = TimeoutPolicyName::read(r)?;
        r.take(4 + 8, "kernel's own")?;
        Ok(m.map(|m| Self { timeout, ..m }))
    }
}

impl Value for Zone {
    const DOMAIN: Domain =
        Domain::OneOf(&[Domain::Integer { min: 0, max: 65535, unit: "" }, ZoneSource::DOMAIN]);

    fn parse(text: &str, _: &Scope) -> Result<Self, ValueError> {
        if ZoneSource::from_name(text).is_some() {
            return Ok(Self::Mark);
        }
        u16::try_from(parse_bounded(text, 0, 65535)?).map(Self::Number).map_err(|_| ValueError::Form)
    }

    fn write(&self, out: &mut String, _: &Scope) {
        match self {
            Self::Number(number) => _ = write!(out, "{number}"),
            Self::Mark => out.push_str(ZoneSource::Mark.name()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Family;
    use crate::registry::testing::{decoded, encoded, text_cases};

    #[test]
    fn saved_forms() {
        text_cases! { Ct, Ipv4:
            "" => same, "--notrack" => same, "-p 6 --helper ftp" => "--helper ftp", "--timeout foo" => same,
            "--ctevents new,related,destroy,reply,assured,protoinfo,helper,mark,natseqinfo,secmark" => same,
            "--ctevents secmark,new" => "--ctevents new,secmark", "--ctevents new,new" => "--ctevents new",
            "--expevents new" => same, "--zone 0" => "", "--zone 65535" => same, "--zone 0x10" => "--zone 16",
            "--zone MARK" => "--zone mark", "--zone-orig 5" => same, "--zone-reply mark" => same,
            "--zone-orig 5 --zone-reply 6" => "--zone 6", "--zone 5 --zone-reply 6" => "--zone-reply 6",
            "--zone-orig 0" => "", "--zone 1 --notrack" => "--notrack --zone 1",
            "--expevents new --timeout a --helper b --ctevents mark" => "--helper b --timeout a --ctevents mark --expevents new",
            "--zone -1" => fails, "--zone 65536" => fails, "--ctevents NEW" => fails, "--ctevents new," => fails,
            "--ctevents foo" => fails, "--expevents destroy" => fails, "--zone foo" => fails,
        }
    }

    #[test]
    fn layouts() {
        let words = [&[8, 0, 5, 0, 1, 2, 0, 0, 1, 0, 0, 0][..], b"ftp", &[0; 13], b"pol", &[0; 29], &[0; 12]]
            .concat();
        let text = "--zone-reply 5 --ctevents new,secmark --expevents new --helper ftp --timeout pol";
        assert_eq!(encoded::<Ct>(Family::Ipv4, text, 2), Some(words));
        assert_eq!(encoded::<Ct>(Family::Ipv4, text, 0), None);
        assert_eq!(decoded::<Ct>(Family::Ipv4, 0, &[0; 40]).as_deref(), Some(""));
    }
}
