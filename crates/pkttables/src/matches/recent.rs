//! `-m recent`: lists of addresses that the kernel has seen lately, filled by the rules themselves.
use crate::domain::{HostMask, Name};
use crate::model::{Families, Family};
use crate::packet::Packet;
use crate::registry::{
    Context, Extension, Flag, InfoReader, InfoWriter, Lister, ObjectKind, Outcome, Require, Revision,
    RuleScope, Shared, ValueError,
};
use crate::{choices, extension, integer, registry::Domain};
use nfnetlink::wire::{DecodeError, EncodeError, Problem};
use std::net::IpAddr;

/// The `recent` match.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recent {
    /// What is done with the list.
    pub action: Action,
    /// Whether the rule matches when the action does not.
    pub not: bool,
    /// How many seconds ago the address must have been seen at most; 0 if that does not matter.
    pub seconds: u32,
    /// Whether entries older than that are removed.
    pub reap: bool,
    /// How many times the address must have been seen; 0 if that does not matter.
    pub hits: u32,
    /// Whether the packet must have the same TTL as the one that made the entry.
    pub same_ttl: bool,
    /// The list.
    pub list: Name<199>,
    /// The bits of the address that count; `None` before the rule is complete, and in revision 0.
    pub mask: Option<Mask>,
    /// Whether the destination address is looked up instead of the source address.
    pub destination: bool,
}

choices! {
    /// What a rule does with a list.
    pub enum Action: u8 {
        /// Look the address up.
        Check = 1 => "rcheck",
        /// Add the address.
        Set = 2 => "set",
        /// Look the address up, and note that it was seen again.
        Update = 4 => "update",
        /// Look the address up, and remove it.
        Remove = 8 => "remove",
    }
}

/// A mask for addresses.
#[derive(Clone, Copy, Debug)]
pub struct Mask {
    /// The bits that count.
    pub bits: IpAddr,
    /// Whether the part of the structure that IPv4 does not use is filled with ones, as it is if no mask was written.
    filled: bool,
}

impl PartialEq for Mask {
    fn eq(&self, other: &Self) -> bool {
        self.bits == other.bits
    }
}

impl Eq for Mask {}

impl Default for Recent {
    fn default() -> Self {
        Self {
            action: Action::Check,
            not: false,
            seconds: 0,
            reap: false,
            hits: 0,
            same_ttl: false,
            list: Name::new(DEFAULT_LIST).unwrap_or_default(),
            mask: None,
            destination: false,
        }
    }
}

integer! {
    /// A number of seconds that is not 0.
    struct Seconds(u32): 1..=u32::MAX, "seconds";

    /// How often an address was seen.
    struct Hits(u32): 0..=65_535_u32, "packets";
}

const ACTIONS: &[&str] = &["set", "rcheck", "update", "remove"];

macro_rules! action {
    ($action:ident) => {
        |m: &Recent| (m.action == Action::$action).then_some((Flag, m.not))
    };
}

extension! {
    /// Keep a list of addresses that packets came from, and match by what is in it.
    ///
    /// One rule adds addresses with `--set`, another one finds them again: a simple defence against hosts that try
    /// many passwords, or a way to open a port to those who knocked. A list can be read and changed at
    /// /proc/net/xt_recent/NAME; how many addresses and times it keeps are parameters of the module.
    match "recent" => Recent {
        require: Require::ExactlyOneOf(ACTIONS),
    } params {
        /// Add the address to the list, or note that it was seen again. This always matches, with `!` never.
        [!] "set": Flag {
            set: |m, _, not| (m.action, m.not) = (Action::Set, not),
            get: action!(Set),
            excludes: &["rcheck", "update", "remove"],
        }
        /// The address is in the list.
        [!] "rcheck": Flag {
            set: |m, _, not| (m.action, m.not) = (Action::Check, not),
            get: action!(Check),
            excludes: &["set", "update", "remove"],
        }
        /// The address is in the list; note that it was seen again.
        [!] "update": Flag {
            set: |m, _, not| (m.action, m.not) = (Action::Update, not),
            get: action!(Update),
            excludes: &["set", "rcheck", "remove"],
        }
        /// The address is in the list; remove it.
        [!] "remove": Flag {
            set: |m, _, not| (m.action, m.not) = (Action::Remove, not),
            get: action!(Remove),
            excludes: &["set", "rcheck", "update"],
        }
        /// The address was seen during the last so many seconds; for `--rcheck` and `--update`.
        "seconds": Seconds {
            set: |m, Seconds(seconds), _| m.seconds = seconds,
            get: |m| (m.seconds != 0).then_some((Seconds(m.seconds), false)),
            excludes: &["set", "remove"],
        }
        /// Remove entries from the list that are older than `--seconds`, whenever this rule is reached; for
        /// `--rcheck` and `--update`.
        "reap": Flag {
            set: |m, _, _| m.reap = true,
            get: |m| m.reap.then_some((Flag, false)),
            needs: &["seconds"],
        }
        /// The address was seen at least this many times, within `--seconds` if that is given; for `--rcheck` and
        /// `--update`.
        ///
        /// The kernel refuses numbers for which it does not keep enough times per address (module parameter
        /// ip_pkt_list_tot, at most 65535).
        "hitcount": Hits {
            set: |m, Hits(hits), _| m.hits = hits,
            get: |m| (m.hits != 0).then_some((Hits(m.hits), false)),
            excludes: &["set", "remove"],
            by_kernel: true,
        }
        /// The packet has the TTL, or hop limit, of the one that was added; for `--rcheck` and `--update`.
        ///
        /// It makes it harder to get somebody else onto the list with forged packets.
        "rttl": Flag {
            set: |m, _, _| m.same_ttl = true,
            get: |m| m.same_ttl.then_some((Flag, false)),
            excludes: &["set", "remove"],
        }
        /// Which list is meant; rules that give the same name share its addresses.
        "name": Name<199> {
            set: |m, name, _| name.for_proc().map(|name| m.list = name),
            get: |m| Some((m.list.clone(), false)),
            default: Some("DEFAULT"),
            domain: &Domain::Object { kind: ObjectKind::RecentList, max: 199 },
        }
        /// The bits of the address that count, in the form of an address; the others are cleared before the list is
        /// consulted.
        "mask": IpAddr {
            set: |m, bits, _| m.mask = Some(Mask { bits, filled: false }),
            get: |m| m.mask.map(|mask| (mask.bits, false)),
            default: Some("all bits"),
        }
        /// Use the packet's source address; this is the default.
        "rsource": Flag {
            set: |m, _, _| m.destination = false,
            get: |m| (!m.destination).then_some((Flag, false)),
        }
        /// Use the packet's destination address.
        "rdest": Flag {
            set: |m, _, _| m.destination = true,
            get: |m| m.destination.then_some((Flag, false)),
        }
    }
}

impl Recent {
    fn list<'s>(&self, shared: &'s mut Shared) -> &'s mut List {
        let mask = self.mask.as_ref().map(|mask| mask.bits);
        shared.get_or(self.list.as_str(), || List { mask, ..List::default() })
    }
}

impl Extension for Recent {
    fn install(&self, shared: &mut Shared) {
        let list = self.list(shared);
        list.remembers = list.remembers.max(match self.hits {
            0 => 32,
            hits => hits.checked_next_power_of_two().unwrap_or(hits) as usize,
        });
    }

    fn matches(&self, packet: &Packet<'_>, context: &mut Context<'_>) -> Outcome {
        let address = if self.destination { packet.layout.destination } else { packet.layout.source };
        // What leaves has lost a hop already.
        let hops = u32::from(packet.hops()) + u32::from(packet.meta.output.is_some());
        let now = packet.meta.time;
        let list = self.list(context.shared);
        let address = masked(address, list.mask);
        let since = now.checked_sub(u64::from(self.seconds) * 1_000_000_000);
        let wanted_hops = if self.same_ttl { hops } else { 0 };
        let found = list.entries.iter().position(|entry| {
            entry.address == address && (wanted_hops == 0 || entry.hops == 0 || entry.hops == wanted_hops)
        });
        let Some(found) = found else {
            if self.action == Action::Set {
                if list.entries.len() >= List::MOST {
                    list.entries.remove(0);
                }
                list.entries.push(Seen { address, hops, times: vec![now], next: 1 });
            }
            return ((self.action == Action::Set) != self.not).into();
        };
        let mut entry = list.entries.remove(found);
        let holds = match self.action {
            Action::Set => true,
            Action::Remove => return (!self.not).into(),
            Action::Check | Action::Update => {
                let recent = |time: &&u64| self.seconds == 0 || since.is_none_or(|since| **time >= since);
                entry.times.iter().filter(recent).count() >= self.hits.max(1) as usize
            }
        };
        let matches = holds != self.not;
        if self.action == Action::Set || (self.action == Action::Update && matches) {
            entry.note(now, list.remembers);
            entry.hops = hops;
            list.entries.push(entry);
        } else {
            list.entries.insert(found, entry);
        }
        if self.reap {
            let latest =
                |entry: &Seen| entry.next.checked_sub(1).and_then(|last| entry.times.get(last)).copied();
            if list.entries.first().and_then(latest).zip(since).is_some_and(|(latest, since)| latest < since)
            {
                list.entries.remove(0);
            }
        }
        matches.into()
    }

    fn found(&self, packet: &Packet<'_>, context: &mut Context<'_>) -> Option<String> {
        let address = if self.destination { packet.layout.destination } else { packet.layout.source };
        let list = self.list(context.shared);
        let address = masked(address, list.mask);
        let Some(entry) = list.entries.iter().find(|entry| entry.address == address) else {
            return Some(format!("{address} is not in the list"));
        };
        let last = entry.times.iter().max().copied().unwrap_or_default();
        let ago = packet.meta.time.saturating_sub(last) / 1_000_000_000;
        let (times, hops) = (entry.times.len(), entry.hops);
        Some(format!("{address} was seen {times} times, last {ago} s ago with a TTL of {hops}"))
    }

    const REVISIONS: &'static [Revision<Self>] = &[
        Revision {
            number: 1,
            size: 228,
            families: Families::all(),
            encode: |m, w| {
                let mask = m.mask.ok_or(EncodeError::NotRepresentable("no mask"))?;
                m.write(w);
                match mask.bits {
                    IpAddr::V4(bits) if mask.filled => {
                        w.bytes(&bits.octets());
                        w.bytes(&[0xff; 12]);
                    }
                    bits => w.inet_addr(bits),
                }
                Ok(())
            },
            decode: |r, family| {
                let recent = Self::read(r)?;
                let at = **r;
                let bits = r.inet_addr(family, "mask")?;
                let filled = { at }.take(16, "mask")?.ends_with(&[0xff; 12]);
                Ok(Some(Self { mask: Some(Mask { bits, filled }), ..recent }))
            },
        },
        Revision {
            number: 0,
            size: 212,
            families: Families::all(),
            encode: |m, w| match m.mask {
                Some(_) => Err(EncodeError::NotRepresentable("a mask")),
                None => {
                    m.write(w);
                    Ok(())
                }
            },
            decode: |r, _| Self::read(r).map(Some),
        },
    ];

    fn check(&mut self, rule: &RuleScope<'_>) -> Result<(), ValueError> {
        self.mask.get_or_insert_with(|| Mask {
            bits: HostMask::full_mask(rule.family),
            filled: rule.family == Family::Ipv4,
        });
        Ok(())
    }

    fn list(&self, out: &mut Lister<'_>) {
        out.add(if self.not { " ! recent:" } else { " recent:" });
        let mut mask = String::new();
        out.each(self, |out, name, _, text| match name {
            "set" => out.add(" SET"),
            "rcheck" => out.add(" CHECK"),
            "update" => out.add(" UPDATE"),
            "remove" => out.add(" REMOVE"),
            "seconds" => out.add(format_args!(" seconds: {text}")),
            "reap" => out.add(" reap"),
            "hitcount" => out.add(format_args!(" hit_count: {text}")),
            "rttl" => out.add(" TTL-Match"),
            "name" => out.add(format_args!(" name: {text}")),
            "mask" => mask = format!(" mask: {text}"),
            _ => {}
        });
        out.add(if self.destination { " side: dest" } else { " side: source" });
        out.add(mask);
    }
}

/// The addresses of a list, those that were noted the longest ago first.
#[derive(Debug, Default)]
struct List {
    entries: Vec<Seen>,
    /// The bits of addresses that count, by the first rule that names the list.
    mask: Option<IpAddr>,
    /// How many times are kept of each address.
    remembers: usize,
}

#[derive(Debug)]
struct Seen {
    address: IpAddr,
    hops: u32,
    /// When it was seen, a ring of the list's size.
    times: Vec<u64>,
    next: usize,
}

impl List {
    /// The most addresses of a list (`ip_list_tot`).
    const MOST: usize = 100;
}

impl Seen {
    fn note(&mut self, now: u64, remembers: usize) {
        self.next %= remembers.max(1);
        match self.times.get_mut(self.next) {
            Some(time) => *time = now,
            None => self.times.push(now),
        }
        self.next += 1;
    }
}

fn masked(address: IpAddr, mask: Option<IpAddr>) -> IpAddr {
    match (address, mask) {
        (IpAddr::V4(address), Some(IpAddr::V4(mask))) => (address & mask).into(),
        (IpAddr::V6(address), Some(IpAddr::V6(mask))) => (address & mask).into(),
        _ => address,
    }
}

/// `XT_RECENT_TTL` and `XT_RECENT_REAP`, beside the action in `check_set`.
const SAME_TTL: u8 = 1 << 4;
const REAP: u8 = 1 << 5;
const NAME_LEN: usize = 200;
/// The list of a rule that names none.
const DEFAULT_LIST: &str = "DEFAULT";

impl Recent {
    fn write(&self, w: &mut InfoWriter<'_>) {
        w.ne_u32(self.seconds);
        w.ne_u32(self.hits);
        w.u8(self.action.number()
            | if self.same_ttl { SAME_TTL } else { 0 }
            | if self.reap { REAP } else { 0 });
        w.u8(self.not.into());
        // Other programs, which compare the bytes to find a rule, write the name over the default one.
        let name = self.list.as_str().as_bytes();
        let rest = DEFAULT_LIST.as_bytes().get(name.len() + 1..).unwrap_or_default();
        w.c_string(name, name.len() + 1);
        w.c_string(rest, NAME_LEN.saturating_sub(name.len() + 1));
        w.u8(self.destination.into());
        w.align(4);
    }

    fn read(r: &mut InfoReader<'_>) -> Result<Self, DecodeError> {
        let (seconds, hits) = (r.ne_u32("seconds")?, r.ne_u32("hit_count")?);
        let at = **r;
        let check_set = r.u8("check_set")?;
        let action = Action::from_number(check_set & !(SAME_TTL | REAP))
            .ok_or_else(|| at.error("check_set", Problem::Value(check_set.into())))?;
        let not = r.u8("invert")? != 0;
        let list = Name::read(r, NAME_LEN, "name")?;
        let destination = r.u8("side")? != 0;
        r.take(1, "padding")?;
        let (same_ttl, reap) = (check_set & SAME_TTL != 0, check_set & REAP != 0);
        Ok(Self { action, not, seconds, reap, hits, same_ttl, list, mask: None, destination })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registry::testing::{check_layout, print, text_cases};
    use crate::registry::{Describe, NoSets};

    #[test]
    fn saved_forms() {
        text_cases! { Recent, Ipv4:
            "--set" => "--set --name DEFAULT --mask 255.255.255.255 --rsource",
            "! --rcheck --rdest" => "! --rcheck --name DEFAULT --mask 255.255.255.255 --rdest",
            "--rcheck --hitcount 12 --name foo --mask 255.255.255.255 --rsource" => same,
            "--update --rdest --rsource --rttl"
                => "--update --rttl --name DEFAULT --mask 255.255.255.255 --rsource",
            "--mask 255.255.0.0 --name x.y --reap --seconds 0x3c --update"
                => "--update --seconds 60 --reap --name x.y --mask 255.255.0.0 --rsource",
            "! --remove --name a --rdest" => "! --remove --name a --mask 255.255.255.255 --rdest",
            "--rcheck --seconds 60 --reap --hitcount 8 --rttl --name foo --mask 0.0.0.255 --rdest" => same,
            "--rcheck --hitcount 0" => "--rcheck --name DEFAULT --mask 255.255.255.255 --rsource",
            "" => fails, "--name foo" => fails, "--set --rcheck" => fails, "--set --set" => fails,
            "--set --rttl" => fails, "--remove --rttl" => fails, "--rcheck --reap" => fails,
            "--remove --seconds 5" => fails, "--set --hitcount 5" => fails, "--rcheck --hitcount 65536" => fails,
            "--rcheck --name a/b" => fails, "--rcheck --seconds 0" => fails, "--rcheck --hitcount -1" => fails, "--set --mask ffff::" => fails,
        }
        text_cases! { Recent, Ipv6:
            "--update --rttl" => "--update --rttl --name DEFAULT --mask ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff --rsource",
            "--rcheck --name foo --mask ffff:ffff:: --rdest" => same,
        }
    }

    #[test]
    fn kernel_structures() {
        let options = "! --update --seconds 60 --hitcount 8 --rttl --reap --name Fo --rdest";
        let hex =
            |mask: &str| format!("3c000000 08000000 34 01 466f00 41554c54 {} 01 00 {mask}", "00".repeat(193));
        check_layout::<Recent>(Family::Ipv4, options, 1, &hex(&"ff".repeat(16)));
        check_layout::<Recent>(Family::Ipv4, &format!("{options} --mask 255.255.255.0"), 1, &hex("ffffff00"));
        check_layout::<Recent>(
            Family::Ipv6,
            &format!("{options} --mask ffff::1"),
            1,
            &hex(&format!("ffff{}01", "00".repeat(13))),
        );
    }

    #[test]
    fn revision_0_has_no_mask() {
        let hex = format!("01000000 02000000 01 00 41 {} 00 00", "00".repeat(199));
        let bytes: Vec<u8> = hex
            .split_ascii_whitespace()
            .collect::<String>()
            .as_bytes()
            .chunks(2)
            .filter_map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok())
            .collect();
        let decoded =
            Recent::DESCRIPTOR.decode(0, Family::Ipv4, &bytes, &NoSets).expect("recent").expect("a rule");
        let scope = crate::registry::Scope { family: Family::Ipv4, protocol: None };
        assert_eq!(print(&*decoded, &scope), "--rcheck --seconds 1 --hitcount 2 --name A --rsource");
        assert!(decoded.encode(1, Family::Ipv4, &NoSets, &mut Vec::new()).is_err());
    }
}
