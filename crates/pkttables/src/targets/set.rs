//! `-j SET`: adds the packet's addresses or ports to a set, takes them out, or takes values from a set.
use crate::domain::SetLookup;
use crate::extension;
use crate::model::Families;
use crate::packet::Packet;
use crate::registry::{
    Action, Context, Extension, Flag, InfoReader, InfoWriter, Lister, Require, Revision, RuleScope,
    ValueError,
};
use bitflags::bitflags;
use nfnetlink::wire::{DecodeError, EncodeError, Problem};

/// The `SET` target.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Set {
    /// Where an entry is added.
    pub add: Option<SetLookup>,
    /// Where an entry is taken out.
    pub del: Option<SetLookup>,
    /// Where an entry is looked up whose values the packet gets.
    pub map: Option<SetLookup>,
    /// What is done besides.
    pub flags: SetFlags,
    /// For how many seconds an added entry stays; `None` for the set's own default.
    pub timeout: Option<Timeout>,
}

bitflags! {
    /// The flags of the `SET` target (`IPSET_FLAG_*`).
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    pub struct SetFlags: u32 {
        /// The timeout of an entry that is already there starts again.
        const EXIST = 1 << 0;
        /// The packet gets the entry's mark.
        const MAP_MARK = 1 << 8;
        /// The packet gets the entry's traffic control class.
        const MAP_PRIO = 1 << 9;
        /// The packet gets the entry's device queue.
        const MAP_QUEUE = 1 << 10;
    }
}

crate::integer! {
    /// For how long an entry stays in a set; 0 is for ever.
    pub struct Timeout(u32): 0..=4_294_967_294_u64, "seconds";
}

/// Stands for the set's own timeout.
const SET_DEFAULT: u32 = u32::MAX;

extension! {
    /// Add the addresses or ports of the packet to a set, take them out of one, or give the packet values from one.
    ///
    /// The sets are made by `ipset` and tested by the `set` match. The next rules still see the packet.
    target "SET" => Set {
        require: Require::AtLeastOneOf(&["add-set", "del-set", "map-set"]),
    } params {
        /// Add to this set what the packet has at these places, one of `src` and `dst` for each part of an entry.
        "add-set": SetLookup { set: |m, lookup, _| m.add = Some(lookup), get: |m| m.add.map(|lookup| (lookup, false)) }
        /// If the entry is already there let its timeout start again.
        "exist": Flag {
            set: |m, _, _| m.flags |= SetFlags::EXIST,
            get: |m| m.flag(SetFlags::EXIST),
            needs: &["add-set"],
        }
        /// Let the added entry stay for this many seconds; 0 is for ever.
        ///
        /// The set must have been made with a timeout, which holds for entries that are added without this option.
        "timeout": Timeout {
            set: |m, timeout, _| m.timeout = Some(timeout),
            get: |m| m.timeout.map(|timeout| (timeout, false)),
            needs: &["add-set"],
        }
        /// Take out of this set what the packet has at these places.
        "del-set": SetLookup { set: |m, lookup, _| m.del = Some(lookup), get: |m| m.del.map(|lookup| (lookup, false)) }
        /// Look up in this set what the packet has at these places, and give the packet the values that the entry carries.
        ///
        /// The set must have been made with `skbinfo`. Only possible in table mangle.
        "map-set": SetLookup { set: |m, lookup, _| m.map = Some(lookup), get: |m| m.map.map(|lookup| (lookup, false)) }
        /// Take the packet's mark from the entry's `skbmark`.
        "map-mark": Flag {
            set: |m, _, _| m.flags |= SetFlags::MAP_MARK,
            get: |m| m.flag(SetFlags::MAP_MARK),
            needs: &["map-set"],
        }
        /// Take the packet's traffic control class from the entry's `skbprio`; not in PREROUTING and INPUT.
        "map-prio": Flag {
            set: |m, _, _| m.flags |= SetFlags::MAP_PRIO,
            get: |m| m.flag(SetFlags::MAP_PRIO),
            needs: &["map-set"],
        }
        /// Take the packet's device queue from the entry's `skbqueue`.
        "map-queue": Flag {
            set: |m, _, _| m.flags |= SetFlags::MAP_QUEUE,
            get: |m| m.flag(SetFlags::MAP_QUEUE),
            needs: &["map-set"],
        }
    }
}

impl Extension for Set {
    fn act(&self, packet: &Packet<'_>, context: &mut Context<'_>) -> Action {
        match context.environment.set_change(self, packet, context.edits) {
            Some(()) => Action::Continue,
            None => Action::Unsupported,
        }
    }

    // `struct xt_set_info_target_v3` and its older forms in linux/netfilter/xt_set.h.
    const REVISIONS: &'static [Revision<Self>] = &[
        Revision {
            number: 3,
            size: 20,
            families: Families::all(),
            encode: |m, w| {
                m.encode_sets(w);
                SetLookup::encode(m.map.as_ref(), 0, w);
                m.encode_flags(w);
                Ok(())
            },
            decode: |r, _| {
                let (add, del, map) = (lookup(r)?, lookup(r)?, lookup(r)?);
                Self { add, del, map, ..Self::default() }.decode_flags(r).map(Some)
            },
        },
        Revision {
            number: 2,
            size: 16,
            families: Families::all(),
            encode: |m, w| {
                m.without_map()?.encode_sets(w);
                m.encode_flags(w);
                Ok(())
            },
            decode: |r, _| {
                let (add, del) = (lookup(r)?, lookup(r)?);
                Self { add, del, ..Self::default() }.decode_flags(r).map(Some)
            },
        },
        Revision {
            number: 1,
            size: 8,
            families: Families::all(),
            encode: |m, w| {
                m.without_options()?.encode_sets(w);
                Ok(())
            },
            decode: |r, _| {
                let (add, del) = (lookup(r)?, lookup(r)?);
                Ok(Some(Self { add, del, ..Self::default() }))
            },
        },
        Revision {
            number: 0,
            size: 64,
            families: Families::IPV4,
            encode: |m, w| {
                let m = m.without_options()?;
                SetLookup::encode_v0(m.add.as_ref(), false, w)?;
                SetLookup::encode_v0(m.del.as_ref(), false, w)
            },
            decode: |r, _| {
                let (add, del) = (lookup_v0(r)?, lookup_v0(r)?);
                Ok(Some(Self { add, del, ..Self::default() }))
            },
        },
    ];

    fn check(&mut self, _: &RuleScope<'_>) -> Result<(), ValueError> {
        let maps = SetFlags::MAP_MARK | SetFlags::MAP_PRIO | SetFlags::MAP_QUEUE;
        match self.map {
            Some(_) if !self.flags.intersects(maps) => {
                Err(ValueError::Because("--map-set needs --map-mark, --map-prio or --map-queue"))
            }
            _ => Ok(()),
        }
    }

    fn list(&self, out: &mut Lister<'_>) {
        out.plain(self, "");
    }
}

impl Set {
    fn flag(&self, flag: SetFlags) -> Option<(Flag, bool)> {
        self.flags.contains(flag).then_some((Flag, false))
    }

    fn without_map(&self) -> Result<&Self, EncodeError> {
        if self.map.is_some() { Err(EncodeError::NotRepresentable("--map-set")) } else { Ok(self) }
    }

    /// For the revisions that have room for the two sets and nothing else.
    fn without_options(&self) -> Result<&Self, EncodeError> {
        if self.flags.is_empty() && self.timeout.is_none() {
            self.without_map()
        } else {
            Err(EncodeError::NotRepresentable("an option of --add-set"))
        }
    }

    fn encode_sets(&self, w: &mut InfoWriter<'_>) {
        SetLookup::encode(self.add.as_ref(), 0, w);
        SetLookup::encode(self.del.as_ref(), 0, w);
    }

    fn encode_flags(&self, w: &mut InfoWriter<'_>) {
        w.ne_u32(self.flags.bits());
        w.ne_u32(self.timeout.map_or(SET_DEFAULT, |Timeout(seconds)| seconds));
    }

    fn decode_flags(self, r: &mut InfoReader<'_>) -> Result<Self, DecodeError> {
        let (flags, timeout) = (r.ne_u32("flags")?, r.ne_u32("timeout")?);
        let flags =
            SetFlags::from_bits(flags).ok_or_else(|| r.error("flags", Problem::Value(flags.into())))?;
        Ok(Self { flags, timeout: (timeout != SET_DEFAULT).then_some(Timeout(timeout)), ..self })
    }
}

fn lookup(r: &mut InfoReader<'_>) -> Result<Option<SetLookup>, DecodeError> {
    let (lookup, flags) = SetLookup::decode(r)?;
    if flags == 0 { Ok(lookup) } else { Err(r.error("set flags", Problem::Value(flags.into()))) }
}

fn lookup_v0(r: &mut InfoReader<'_>) -> Result<Option<SetLookup>, DecodeError> {
    let at = **r;
    match SetLookup::decode_v0(r)? {
        (lookup, false) => Ok(lookup),
        (_, true) => Err(at.error("set flags", Problem::Value(1))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Family;
    use crate::registry::testing::{encoded, layout_cases, text_cases};

    #[test]
    fn saved_forms() {
        text_cases! { Set, Ipv4:
            "--add-set foo src" => same, "--add-set foo src,dst --exist" => same,
            "--exist --add-set bar src,dst --timeout 10" => "--add-set bar src,dst --exist --timeout 10",
            "--add-set foo src --timeout 0" => same, "--add-set foo src --timeout 4294967294" => same,
            "--del-set foo src" => same, "--add-set foo srcx" => "--add-set foo src",
            "--del-set bar dst,src --add-set foo dst --exist" => "--add-set foo dst --exist --del-set bar dst,src",
            "--map-set foo src --map-queue --map-prio --map-mark" => "--map-set foo src --map-mark --map-prio --map-queue",
            "--map-set foo src --map-prio --add-set foo src --del-set foo dst --exist --timeout 3" =>
                "--add-set foo src --exist --timeout 3 --del-set foo dst --map-set foo src --map-prio",
            "--add-set foo src --timeout 4294967295" => fails, "--del-set foo src --exist" => fails,
            "--del-set foo src --timeout 5" => fails, "--map-set foo src" => fails, "" => fails,
            "--add-set foo src --map-mark" => fails, "--add-set foo" => fails, "--add-set foo abc" => fails,
            "--add-set foo src --add-set foo src" => fails, "--timeout 5" => fails, "--map-mark" => fails,
            "--add-set foo src,src,src,src,src,src,src" => fails,
        }
    }

    #[test]
    fn layouts() {
        let text = "--add-set bar src,dst --exist --timeout 5";
        let sets: &[u8] = &[1, 0, 2, 2, 0xff, 0xff, 0, 0];
        let flags: &[u8] = &[1, 0, 0, 0, 5, 0, 0, 0];
        let v3 = [sets, &[0xff, 0xff, 0, 0], flags, &[0; 4]].concat();
        assert_eq!(encoded::<Set>(Family::Ipv4, text, 3), Some(v3));
        assert_eq!(encoded::<Set>(Family::Ipv4, text, 2), Some([sets, flags].concat()));
        assert_eq!(encoded::<Set>(Family::Ipv4, text, 1), None);
        assert_eq!(encoded::<Set>(Family::Ipv4, "--map-set foo src --map-mark", 2), None);
        assert_eq!(encoded::<Set>(Family::Ipv4, "--add-set nosuch src", 3), None);
        layout_cases! { Set, Ipv4:
            "--add-set bar src,dst", 0 => "0100 0000 01000000 02000000 00000000 00000000 00000000 00000000 02 02 0000
                ffff 0000 00000000 00000000 00000000 00000000 00000000 00000000 00 00 0000",
            "--add-set foo dst --del-set bar src", 0 =>
                "0000 0000 02000000 00000000 00000000 00000000 00000000 00000000 01 00 0000
                0100 0000 01000000 00000000 00000000 00000000 00000000 00000000 01 02 0000",
        }
        assert_eq!(encoded::<Set>(Family::Ipv4, text, 0), None);
        assert_eq!(encoded::<Set>(Family::Ipv6, "--add-set six src", 0), None);
    }
}
