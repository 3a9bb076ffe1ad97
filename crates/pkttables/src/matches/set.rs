//! `-m set`: looks the packet up in a set made by ipset.

use crate::domain::SetLookup;
use crate::extension;
use crate::model::Families;
use crate::packet::Packet;
use crate::registry::{Context, Extension, Flag, InfoReader, InfoWriter, Lister, Outcome, Revision};
use nfnetlink::wire::{DecodeError, EncodeError, Problem};

/// The `set` match.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Set {
    /// What is looked up where.
    pub lookup: SetLookup,
    /// Whether packets that are not in the set are meant instead.
    pub not: bool,
    /// Whether an entry marked `nomatch` counts as found.
    pub return_nomatch: bool,
    /// Whether the counters of the entry stay as they are.
    pub keep_counters: bool,
    /// Whether the counters of entries in the sets that a list has stay as they are.
    pub keep_subcounters: bool,
    /// What the packet counter of the entry must be.
    pub packets: Option<Comparison>,
    /// What the byte counter of the entry must be.
    pub bytes: Option<Comparison>,
}

/// What a counter must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Comparison {
    /// This number.
    Equal(u64),
    /// Any other number.
    NotEqual(u64),
    /// Smaller.
    Less(u64),
    /// Greater.
    Greater(u64),
}

extension! {
    /// Match packets whose addresses, ports or other parts are in a set.
    ///
    /// Sets are made and filled with the ipset program. Looking a packet up takes about the same time however
    /// many entries a set has. The set must exist when the rule is added, and cannot be destroyed while a rule
    /// refers to it.
    match "set" => Set {} params {
        /// The packet is in this set: the set's name, then where each part of its entries is taken from.
        ///
        /// A set of type `hash:ip,port` takes two: `src,dst` looks up the source address with the destination port.
        [!] "match-set" | "set": SetLookup {
            set: |m, lookup, not| { m.lookup = lookup; m.not = not; },
            get: |m| Some((m.lookup, m.not)),
            required: true,
        }
        /// An entry that was added with `nomatch` counts as found instead of as an exception.
        "return-nomatch": Flag {
            set: |m, _, _| m.return_nomatch = true,
            get: |m| m.return_nomatch.then_some((Flag, false)),
            repeatable: true,
        }
        /// Let the set count the packet in the entry it is found in, if it has counters; this is the default.
        ///
        /// With `!` the counters stay as they are.
        [!] "update-counters": Flag {
            set: |m, _, not| m.keep_counters |= not,
            get: |m| m.keep_counters.then_some((Flag, true)),
            repeatable: true,
        }
        /// Where the set is a list of sets, let the set in it that has the packet count too; this is the default.
        ///
        /// With `!` the counters of the sets in the list stay as they are.
        [!] "update-subcounters": Flag {
            set: |m, _, not| m.keep_subcounters |= not,
            get: |m| m.keep_subcounters.then_some((Flag, true)),
            repeatable: true,
        }
        /// The entry has counted exactly this many packets.
        [!] "packets-eq": u64 {
            set: |m, value, not| m.packets = Some(equality(value, not)),
            get: |m| m.packets.and_then(Comparison::equality),
            excludes: &["packets-lt", "packets-gt"],
        }
        /// The entry has counted fewer packets than this.
        "packets-lt": u64 {
            set: |m, value, _| m.packets = Some(Comparison::Less(value)),
            get: |m| m.packets.and_then(Comparison::less),
            excludes: &["packets-eq", "packets-gt"],
        }
        /// The entry has counted more packets than this.
        "packets-gt": u64 {
            set: |m, value, _| m.packets = Some(Comparison::Greater(value)),
            get: |m| m.packets.and_then(Comparison::greater),
            excludes: &["packets-eq", "packets-lt"],
        }
        /// The entry has counted exactly this many bytes.
        [!] "bytes-eq": u64 {
            set: |m, value, not| m.bytes = Some(equality(value, not)),
            get: |m| m.bytes.and_then(Comparison::equality),
            excludes: &["bytes-lt", "bytes-gt"],
        }
        /// The entry has counted fewer bytes than this.
        "bytes-lt": u64 {
            set: |m, value, _| m.bytes = Some(Comparison::Less(value)),
            get: |m| m.bytes.and_then(Comparison::less),
            excludes: &["bytes-eq", "bytes-gt"],
        }
        /// The entry has counted more bytes than this.
        "bytes-gt": u64 {
            set: |m, value, _| m.bytes = Some(Comparison::Greater(value)),
            get: |m| m.bytes.and_then(Comparison::greater),
            excludes: &["bytes-eq", "bytes-lt"],
        }
    }
}

/// In `struct xt_set_info`.
const INVERT: u8 = 1;
/// In `struct xt_set_info` of revision 2, and in the flags of revisions 3 and 4.
const RETURN_NOMATCH: u8 = 0x80;
const KEEP_COUNTERS: u8 = 8;
const KEEP_SUBCOUNTERS: u8 = 0x10;

impl Extension for Set {
    fn matches(&self, packet: &Packet<'_>, context: &mut Context<'_>) -> Outcome {
        match context.environment.set_test(self, packet) {
            Some(contains) => (contains != self.not).into(),
            None => Outcome::Unsupported,
        }
    }

    fn found(&self, packet: &Packet<'_>, context: &mut Context<'_>) -> Option<String> {
        let contains = context.environment.set_test(self, packet)?;
        let ends = match packet.ports_or_zero() {
            Some([from, to]) if (from, to) != (0, 0) => {
                format!("{} port {from} to {} port {to}", packet.layout.source, packet.layout.destination)
            }
            _ => format!("{} to {}", packet.layout.source, packet.layout.destination),
        };
        let is = if contains { "is" } else { "is not" };
        Some(format!("what comes from {ends} {is} in it"))
    }

    const REVISIONS: &'static [Revision<Self>] = &[
        Revision {
            number: 4,
            size: 48,
            families: Families::all(),
            encode: |m, w| m.encode_with_counters(w, Comparison::encode),
            decode: |r, _| Self::decode_with_counters(r, Comparison::decode).map(Some),
        },
        Revision {
            number: 3,
            size: 48,
            families: Families::all(),
            encode: |m, w| m.encode_with_counters(w, Comparison::encode_operator_first),
            decode: |r, _| Self::decode_with_counters(r, Comparison::decode_operator_first).map(Some),
        },
        Revision {
            number: 2,
            size: 4,
            families: Families::all(),
            encode: |m, w| {
                m.refuse_counters()?;
                let flags = flag(m.not, INVERT) | flag(m.return_nomatch, RETURN_NOMATCH);
                SetLookup::encode(Some(&m.lookup), flags, w);
                Ok(())
            },
            decode: |r, _| Self::decode_lookup(r, INVERT | RETURN_NOMATCH).map(Some),
        },
        Revision {
            number: 1,
            size: 4,
            families: Families::all(),
            encode: |m, w| {
                m.refuse_nomatch()?;
                m.refuse_counters()?;
                SetLookup::encode(Some(&m.lookup), flag(m.not, INVERT), w);
                Ok(())
            },
            decode: |r, _| Self::decode_lookup(r, INVERT).map(Some),
        },
        Revision {
            number: 0,
            size: 32,
            families: Families::IPV4,
            encode: |m, w| {
                m.refuse_nomatch()?;
                m.refuse_counters()?;
                SetLookup::encode_v0(Some(&m.lookup), m.not, w)
            },
            decode: |r, _| {
                let at = **r;
                let (lookup, not) = SetLookup::decode_v0(r)?;
                let lookup = lookup.ok_or_else(|| at.error("set", Problem::Missing))?;
                Ok(Some(Self { lookup, not, ..Self::default() }))
            },
        },
    ];

    fn list(&self, out: &mut Lister<'_>) {
        out.plain(self, "");
    }
}

impl Set {
    fn refuse_nomatch(&self) -> Result<(), EncodeError> {
        match self.return_nomatch {
            true => Err(EncodeError::NotRepresentable("--return-nomatch")),
            false => Ok(()),
        }
    }

    fn refuse_counters(&self) -> Result<(), EncodeError> {
        match self {
            Self { keep_counters: false, keep_subcounters: false, packets: None, bytes: None, .. } => Ok(()),
            _ => Err(EncodeError::NotRepresentable("an option about counters")),
        }
    }

    /// Reads `struct xt_set_info`, which may have `known` flags.
    fn decode_lookup(r: &mut InfoReader<'_>, known: u8) -> Result<Self, DecodeError> {
        let at = **r;
        let (lookup, flags) = SetLookup::decode(r)?;
        let lookup = lookup.ok_or_else(|| at.error("set", Problem::Missing))?;
        if flags & !known != 0 {
            return Err(at.error("flags", Problem::Value(flags.into())));
        }
        let (not, return_nomatch) = (flags & INVERT != 0, flags & RETURN_NOMATCH != 0);
        Ok(Self { lookup, not, return_nomatch, ..Self::default() })
    }

    fn encode_with_counters(
        &self,
        w: &mut InfoWriter<'_>,
        counter: fn(Option<Comparison>, &mut InfoWriter<'_>),
    ) -> Result<(), EncodeError> {
        SetLookup::encode(Some(&self.lookup), flag(self.not, INVERT), w);
        w.zeros(4);
        counter(self.packets, w);
        counter(self.bytes, w);
        let flags = flag(self.return_nomatch, RETURN_NOMATCH)
            | flag(self.keep_counters, KEEP_COUNTERS)
            | flag(self.keep_subcounters, KEEP_SUBCOUNTERS);
        w.ne_u32(flags.into());
        w.zeros(4);
        Ok(())
    }

    fn decode_with_counters(
        r: &mut InfoReader<'_>,
        counter: fn(&mut InfoReader<'_>) -> Result<Option<Comparison>, DecodeError>,
    ) -> Result<Self, DecodeError> {
        let set = Self::decode_lookup(r, INVERT)?;
        r.take(4, "padding")?;
        let (packets, bytes) = (counter(r)?, counter(r)?);
        let at = **r;
        let flags = r.ne_u32("flags")?;
        r.take(4, "padding")?;
        if flags & !u32::from(RETURN_NOMATCH | KEEP_COUNTERS | KEEP_SUBCOUNTERS) != 0 {
            return Err(at.error("flags", Problem::Value(flags.into())));
        }
        let is = |flag: u8| flags & u32::from(flag) != 0;
        let (keep_counters, keep_subcounters) = (is(KEEP_COUNTERS), is(KEEP_SUBCOUNTERS));
        Ok(Self {
            return_nomatch: is(RETURN_NOMATCH),
            keep_counters,
            keep_subcounters,
            packets,
            bytes,
            ..set
        })
    }
}

const fn flag(is: bool, flag: u8) -> u8 {
    if is { flag } else { 0 }
}

const fn equality(value: u64, not: bool) -> Comparison {
    if not { Comparison::NotEqual(value) } else { Comparison::Equal(value) }
}

impl Comparison {
    const fn equality(self) -> Option<(u64, bool)> {
        match self {
            Self::Equal(value) => Some((value, false)),
            Self::NotEqual(value) => Some((value, true)),
            _ => None,
        }
    }

    const fn less(self) -> Option<(u64, bool)> {
        if let Self::Less(value) = self { Some((value, false)) } else { None }
    }

    const fn greater(self) -> Option<(u64, bool)> {
        if let Self::Greater(value) = self { Some((value, false)) } else { None }
    }

    /// The kernel's operator (`IPSET_COUNTER_*`) and the number.
    const fn parts(comparison: Option<Self>) -> (u8, u64) {
        match comparison {
            None => (0, 0),
            Some(Self::Equal(value)) => (1, value),
            Some(Self::NotEqual(value)) => (2, value),
            Some(Self::Less(value)) => (3, value),
            Some(Self::Greater(value)) => (4, value),
        }
    }

    const fn from_parts(operator: u8, value: u64) -> Option<Option<Self>> {
        Some(match operator {
            0 => None,
            1 => Some(Self::Equal(value)),
            2 => Some(Self::NotEqual(value)),
            3 => Some(Self::Less(value)),
            4 => Some(Self::Greater(value)),
            _ => return None,
        })
    }

    /// `struct ip_set_counter_match`.
    fn encode(comparison: Option<Self>, w: &mut InfoWriter<'_>) {
        let (operator, value) = Self::parts(comparison);
        w.ne_u64(value);
        w.u8(operator);
        w.zeros(7);
    }

    fn decode(r: &mut InfoReader<'_>) -> Result<Option<Self>, DecodeError> {
        let value = r.ne_u64("counter")?;
        let at = **r;
        let operator = r.u8("counter operator")?;
        r.take(7, "padding")?;
        Self::from_parts(operator, value)
            .ok_or_else(|| at.error("counter operator", Problem::Value(operator.into())))
    }

    /// `struct ip_set_counter_match0`.
    fn encode_operator_first(comparison: Option<Self>, w: &mut InfoWriter<'_>) {
        let (operator, value) = Self::parts(comparison);
        w.u8(operator);
        w.zeros(7);
        w.ne_u64(value);
    }

    fn decode_operator_first(r: &mut InfoReader<'_>) -> Result<Option<Self>, DecodeError> {
        let at = **r;
        let operator = r.u8("counter operator")?;
        r.take(7, "padding")?;
        let value = r.ne_u64("counter")?;
        Self::from_parts(operator, value)
            .ok_or_else(|| at.error("counter operator", Problem::Value(operator.into())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::SetName;
    use crate::model::Family;
    use crate::registry::testing::{TestSets, layout_cases, parse, text_cases};
    use crate::registry::{InfoError, NoSets};

    #[test]
    fn saved_forms() {
        text_cases! { Set, Ipv4:
            "--match-set foo src" => same, "--match-set foo src,dst" => same, "! --match-set bar dst,src,dst" => same,
            "--match-set foo src,dst,src,dst,src,dst" => same, "--match-set foo srcx" => "--match-set foo src",
            "--set foo dst" => "--match-set foo dst", "! --set foo dst" => "! --match-set foo dst",
            "--match-set foo src --return-nomatch" => same, "--match-set foo src --update-counters" => "--match-set foo src",
            "--match-set foo src ! --update-counters ! --update-subcounters" => same,
            "--match-set foo src ! --update-counters --update-counters" => "--match-set foo src ! --update-counters",
            "--return-nomatch --return-nomatch --match-set foo src" => "--match-set foo src --return-nomatch",
            "--match-set foo src --bytes-gt 0x10 ! --packets-eq 5" => "--match-set foo src ! --packets-eq 5 --bytes-gt 16",
            "--match-set foo src --packets-lt 18446744073709551615 --bytes-lt 0" => same,
            "--match-set foo src --packets-gt 1 --bytes-eq 2" => same, "--match-set foo src ! --bytes-eq 2" => same,
            "--match-set foo sr" => fails, "--match-set foo src," => fails, "--match-set foo" => fails, "" => fails,
            "--match-set foo src,dst,src,dst,src,dst,src" => fails, "--return-nomatch" => fails,
            "--match-set abcdefghijklmnopqrstuvwxyzabcdefg src" => fails, "--match-set foo src --match-set bar src" => fails,
            "--match-set foo src ! --return-nomatch" => fails, "--match-set foo src ! --packets-lt 5" => fails,
            "--match-set foo src --packets-lt 5 --packets-gt 6" => fails, "--match-set foo src --bytes-eq 5 --bytes-gt 6" => fails,
            "--match-set foo src --packets-lt 18446744073709551616" => fails,
        }
        text_cases! { Set, Ipv6: "--match-set six src,dst ! --update-counters" => same }
    }

    #[test]
    fn kernel_structures() {
        layout_cases! { Set, Ipv4:
            "! --match-set foo src,dst,src", 4 => "0000 03 0b",
            "--match-set blacklist src --packets-eq 5 --bytes-gt 0x10", 4 =>
                "0200 01 02 00000000 0500000000000000 0100000000000000 1000000000000000 0400000000000000",
            "--match-set foo src --return-nomatch ! --update-counters", 4 =>
                "0000 01 02 00000000 0000000000000000 0000000000000000 0000000000000000 0000000000000000 88",
            "--match-set foo src ! --bytes-eq 5", 3 =>
                "0000 01 02 00000000 0000000000000000 0000000000000000 0200000000000000 0500000000000000",
            "! --match-set foo dst --return-nomatch", 2 => "0000 01 81", "--match-set foo dst,src", 1 => "0000 02 04",
            "! --match-set bar src,dst", 0 =>
                "0100 0000 05000000 02000000 00000000 00000000 00000000 00000000 02 03",
        }
    }

    #[test]
    fn a_set_that_is_not_there_is_named() {
        for (name, sets, error) in [
            ("other", &TestSets as &dyn crate::registry::Sets, InfoError::UnknownSet as fn(_) -> _),
            ("foo", &NoSets, InfoError::UnknownSet),
            ("six", &TestSets, InfoError::SetFamily),
        ] {
            let rule = parse::<Set>(Family::Ipv4, &format!("--match-set {name} src")).expect("valid");
            let expected = error(SetName::new(name.as_bytes()).expect("short"));
            assert_eq!(rule.encode(4, Family::Ipv4, sets, &mut Vec::new()), Err(expected));
        }
    }
}
