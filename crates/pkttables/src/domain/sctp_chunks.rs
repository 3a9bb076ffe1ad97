use crate::model::Families;
use crate::packet::Data;
use crate::registry::{Choice, Domain, InfoWriter, Lister, Scope, Value, ValueError};
use nfnetlink::wire::{DecodeError, Problem, Reader};

/// Which chunks an SCTP packet carries: `any`, `all` or `only`, then a list of types with flags.
#[derive(Clone, Debug)]
pub struct SctpChunks {
    /// How the packet's chunks and the list are compared.
    pub mode: ChunkMode,
    /// The types in the list.
    pub kinds: ChunkKinds,
    /// Up to four types whose flags are compared, in the order in which they are kept; they compare equal in any.
    flags: Vec<ChunkFlags>,
}

crate::choices! {
    /// How the chunks of an SCTP packet are compared with a list.
    pub enum ChunkMode: u32 {
        /// At least one chunk is in the list.
        Any = 1 => "any",
        /// Each type in the list is there.
        All = 2 => "all",
        /// Nothing but chunks of these types is there.
        Only = 4 => "only",
    }
}

/// Types of SCTP chunks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ChunkKinds {
    /// All that there are, those without name too.
    All,
    /// Those whose bits are set, counted as in the list of names.
    Listed(u32),
}

/// Flags of one type of chunks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ChunkFlags {
    /// The type.
    pub kind: u8,
    /// The flags that are set.
    pub set: u8,
    /// The flags that are compared.
    pub mask: u8,
}

/// The most types of chunks whose flags can be compared.
const MAX_FLAGS: usize = 4;
/// Fills the entries that are not used.
const NO_FLAGS: [u8; 3] = [0xff, 0, 0];
/// Words of the kernel's map of types, of which it uses the first eight.
const MAP_WORDS: usize = 64;
/// Names up to this place have the number of their place.
const IN_PLACE: u8 = 15;

impl SctpChunks {
    /// The types whose flags are compared, and how.
    #[must_use]
    pub fn flags(&self) -> &[ChunkFlags] {
        &self.flags
    }

    /// Appends the form that a listing shows, with a space before it.
    pub fn list(&self, not: bool, out: &mut Lister<'_>) {
        let numeric = out.is_numeric();
        let mut kinds = String::new();
        self.write_kinds(&mut kinds, |kinds, name| match numeric {
            true => kinds.push_str(&format!("0x{:04X}", name.kind)),
            false => kinds.push_str(name.name),
        });
        out.add(format_args!("{} {}{kinds}", if not { " !" } else { "" }, self.mode.name()));
    }

    /// Writes the types with their flags, and a space before the first.
    fn write_kinds(&self, out: &mut String, kind: impl Fn(&mut String, &Name)) {
        let bits = match self.kinds {
            ChunkKinds::All => return out.push_str(" ALL"),
            ChunkKinds::NONE => return out.push_str(" NONE"),
            ChunkKinds::Listed(bits) => bits,
        };
        let listed = NAMES.iter().zip(0..).filter(|(_, place)| bits & (1 << place) != 0);
        let mut names: Vec<&Name> = listed.map(|(name, _)| name).collect();
        names.sort_unstable_by_key(|name| name.kind);
        let mut separator = ' ';
        for name in names {
            out.push(separator);
            kind(out, name);
            separator = ',';
            if let Some(flags) = self.flags.iter().find(|flags| flags.kind == name.kind && flags.mask != 0) {
                out.push(':');
                for (letter, bit) in name.flags.chars().zip(0..) {
                    if flags.mask & (0x80 >> bit) != 0 {
                        let set = flags.set & (0x80 >> bit) != 0;
                        out.push(if set { letter } else { letter.to_ascii_lowercase() });
                    }
                }
            }
        }
    }

    /// Whether the condition holds for the chunks of a packet from `start` on; `None` if one of them is broken.
    pub(crate) fn holds(&self, data: Data<'_>, start: usize) -> Option<bool> {
        let map = self.map();
        let listed = |map: &[u32; MAP_WORDS], kind: u8| {
            map.get(usize::from(kind / 32)).is_some_and(|word| word >> (kind % 32) & 1 != 0)
        };
        let mut missing = map;
        let mut at = start;
        loop {
            let [kind, flags, high, low] = data.array(at)?;
            let len = usize::from(u16::from_be_bytes([high, low]));
            if len == 0 {
                return None;
            }
            at += len.next_multiple_of(4);
            let wanted = self.flags.iter().find(|wanted| wanted.kind == kind);
            let fits = wanted.is_none_or(|wanted| flags & wanted.mask == wanted.set);
            match (self.mode, listed(&map, kind) && fits) {
                (ChunkMode::Any, true) => return Some(true),
                (ChunkMode::Only, false) => return Some(false),
                (ChunkMode::All, true) => {
                    if let Some(word) = missing.get_mut(usize::from(kind / 32)) {
                        *word &= !(1 << (kind % 32));
                    }
                }
                _ => {}
            }
            if at >= data.len() {
                break;
            }
        }
        Some(match self.mode {
            ChunkMode::Any => false,
            ChunkMode::Only => true,
            // The kernel looks at as many words as there are types of chunks.
            ChunkMode::All => missing.iter().take(8).all(|word| *word == 0),
        })
    }

    /// The kernel's map of the types.
    fn map(&self) -> [u32; MAP_WORDS] {
        match self.kinds {
            ChunkKinds::All => [u32::MAX; MAP_WORDS],
            ChunkKinds::Listed(bits) => {
                let mut map = [0; MAP_WORDS];
                for (name, _) in NAMES.iter().zip(0..).filter(|(_, place)| bits & (1 << place) != 0) {
                    if let Some(word) = map.get_mut(usize::from(name.kind / 32)) {
                        *word |= 1 << (name.kind % 32);
                    }
                }
                map
            }
        }
    }

    /// Writes the part of `struct xt_sctp_info` that says that chunks do not matter.
    pub fn encode_none(w: &mut InfoWriter<'_>) {
        Self::encode_parts(w, [0; MAP_WORDS], 0, &[]);
    }

    /// Writes its part of `struct xt_sctp_info`.
    pub fn encode(&self, w: &mut InfoWriter<'_>) {
        Self::encode_parts(w, self.map(), self.mode.number(), &self.flags);
    }

    fn encode_parts(w: &mut InfoWriter<'_>, map: [u32; MAP_WORDS], mode: u32, flags: &[ChunkFlags]) {
        map.iter().for_each(|&word| w.ne_u32(word));
        w.ne_u32(mode);
        let used = flags.iter().map(|flags| [flags.kind, flags.set, flags.mask]);
        used.chain(std::iter::repeat(NO_FLAGS)).take(MAX_FLAGS).for_each(|entry| w.bytes(&entry));
        w.ne_u32(u32::try_from(flags.len()).unwrap_or_default());
    }

    /// Reads its part of `struct xt_sctp_info`; `None` if chunks do not matter.
    pub fn decode(r: &mut Reader<'_>) -> Result<Option<Self>, DecodeError> {
        let mut map = [0; MAP_WORDS];
        for word in &mut map {
            *word = r.ne_u32("chunk map")?;
        }
        let mode = r.ne_u32("mode")?;
        let mut entries = [NO_FLAGS; MAX_FLAGS];
        for entry in &mut entries {
            *entry = r.array("flags")?;
        }
        let used = r.ne_u32("number of flags")?;
        if mode == 0 {
            return Ok(None);
        }
        let bad = |what, value: u32| r.error(what, Problem::Value(value.into()));
        let mode = ChunkMode::from_number(mode).ok_or_else(|| bad("mode", mode))?;
        let kinds = ChunkKinds::from_map(map).ok_or_else(|| bad("chunk map", 0))?;
        let used = usize::try_from(used)
            .ok()
            .and_then(|used| entries.get(..used))
            .ok_or_else(|| bad("flags", used))?;
        let flags = used.iter().map(|&[kind, set, mask]| match kind < IN_PLACE {
            true => Ok(ChunkFlags { kind, set, mask }),
            false => Err(bad("flags", kind.into())),
        });
        Ok(Some(Self { mode, kinds, flags: flags.collect::<Result<_, _>>()? }))
    }

    fn add_flags(&mut self, kind: u8, letters: &str) -> Result<(), ValueError> {
        if letters.is_empty() {
            return Ok(());
        }
        let name = NAMES.iter().find(|name| name.kind == kind).filter(|_| kind < IN_PLACE);
        let name = name.ok_or(ValueError::Because("the flags of this type of chunk cannot be compared"))?;
        let place = match self.flags.iter().position(|flags| flags.kind == kind) {
            Some(place) => place,
            None if self.flags.len() == MAX_FLAGS => return Err(ValueError::TooMany { max: MAX_FLAGS }),
            None => {
                self.flags.push(ChunkFlags { kind, set: 0, mask: 0 });
                self.flags.len() - 1
            }
        };
        for letter in letters.chars() {
            let bit = name.flags.find(letter.to_ascii_uppercase()).ok_or(ValueError::UnknownName)?;
            if let Some(flags) = self.flags.get_mut(place) {
                flags.mask |= 0x80 >> bit;
                flags.set |= if letter.is_ascii_uppercase() { 0x80 >> bit } else { 0 };
            }
        }
        Ok(())
    }
}

impl ChunkKinds {
    /// No type.
    pub const NONE: Self = Self::Listed(0);

    fn from_map(map: [u32; MAP_WORDS]) -> Option<Self> {
        if map == [u32::MAX; MAP_WORDS] {
            return Some(Self::All);
        }
        let has =
            |kind: u8| map.get(usize::from(kind / 32)).is_some_and(|word| word & (1 << (kind % 32)) != 0);
        let listed = NAMES.iter().zip(0..).filter(|(name, _)| has(name.kind));
        let (bits, known) =
            listed.fold((0_u32, 0), |(bits, known), (_, place)| (bits | 1 << place, known + 1));
        let all: u32 = map.iter().map(|word| word.count_ones()).sum();
        (all == known).then_some(Self::Listed(bits))
    }
}

impl PartialEq for SctpChunks {
    fn eq(&self, other: &Self) -> bool {
        let sorted = |chunks: &Self| {
            let mut flags = chunks.flags.clone();
            flags.sort_unstable();
            flags
        };
        (self.mode, self.kinds) == (other.mode, other.kinds) && sorted(self) == sorted(other)
    }
}

impl Eq for SctpChunks {}

impl Value for SctpChunks {
    const DOMAIN: Domain = Domain::Words(&[
        ChunkMode::DOMAIN,
        Domain::OneOf(&[
            Domain::Flags { choices: CHOICES.split_at(NAMES.len()).0, separator: ',' },
            Domain::Choice(CHOICES.split_at(NAMES.len()).1),
        ]),
    ]);
    const WORDS: usize = 2;

    fn parse(text: &str, scope: &Scope) -> Result<Self, ValueError> {
        let (mode, list) = text.split_once(' ').ok_or(ValueError::Form)?;
        let mode = ChunkMode::parse(&mode.to_ascii_lowercase(), scope)?;
        let mut chunks = Self { mode, kinds: ChunkKinds::NONE, flags: Vec::new() };
        if list.eq_ignore_ascii_case("ALL") {
            chunks.kinds = ChunkKinds::All;
        } else if !list.eq_ignore_ascii_case("NONE") {
            let mut bits = 0;
            for item in list.split(',').filter(|item| !item.is_empty()) {
                let (name, flags) = item.split_once(':').unwrap_or((item, ""));
                let mut places = NAMES.iter().zip(0..);
                let (name, place) = places
                    .find(|(known, _)| known.name.eq_ignore_ascii_case(name))
                    .ok_or(ValueError::UnknownName)?;
                bits |= 1 << place;
                chunks.add_flags(name.kind, flags)?;
            }
            chunks.kinds = ChunkKinds::Listed(bits);
        }
        Ok(chunks)
    }

    fn write(&self, out: &mut String, _: &Scope) {
        out.push_str(self.mode.name());
        self.write_kinds(out, |out, name| out.push_str(name.name));
    }
}

/// A type of chunks that has a name, and the letters of its flags from the highest bit on.
struct Name {
    name: &'static str,
    kind: u8,
    flags: &'static str,
}

macro_rules! names {
    ($count:literal; $($name:literal = $kind:literal $($flags:literal)?, $help:literal;)*) => {
        const NAMES: [Name; $count] = [$(Name { name: $name, kind: $kind, flags: names!(@flags $($flags)?) },)*];
        const CHOICES: [Choice; $count + 2] = [
            $(choice($name, $help),)*
            choice("ALL", "All types of chunks; stands alone."),
            choice("NONE", "No type of chunks; stands alone."),
        ];
    };
    (@flags) => { "--------" };
    (@flags $flags:literal) => { $flags };
}

// RFC 9260, RFC 8260, RFC 6525, RFC 5061, RFC 4895, RFC 4820, RFC 3758
names! { 22;
    "DATA" = 0 "----IUBE", "Carries data; flags I (answer at once), U (unordered), B and E (first and last piece).";
    "INIT" = 1, "Opens an association.";
    "INIT_ACK" = 2, "Answers an INIT.";
    "SACK" = 3, "Acknowledges data.";
    "HEARTBEAT" = 4, "Asks whether a path works.";
    "HEARTBEAT_ACK" = 5, "Answers a heartbeat.";
    "ABORT" = 6 "-------T", "Breaks the association off; flag T if the sender does not know it.";
    "SHUTDOWN" = 7, "Ends the association.";
    "SHUTDOWN_ACK" = 8, "Answers a shutdown.";
    "ERROR" = 9, "Reports an error.";
    "COOKIE_ECHO" = 10, "Sends back the cookie of an INIT_ACK.";
    "COOKIE_ACK" = 11, "The association is open.";
    "ECN_ECNE" = 12, "Packets met congestion.";
    "ECN_CWR" = 13, "The sender has slowed down.";
    "SHUTDOWN_COMPLETE" = 14 "-------T", "The association is over; flag T if the sender does not know it.";
    "I_DATA" = 64, "Carries a piece of a message among those of others.";
    "RE_CONFIG" = 130, "Changes the streams of an association.";
    "PAD" = 132, "Fills the packet up.";
    "ASCONF" = 193, "Changes the addresses of an association.";
    "ASCONF_ACK" = 128, "Answers a change of addresses.";
    "FORWARD_TSN" = 192, "Skips data that will not be sent again.";
    "I_FORWARD_TSN" = 194, "Skips messages that will not be sent again.";
}

const fn choice(name: &'static str, help: &'static str) -> Choice {
    Choice { name, aliases: &[], help, families: Families::all() }
}
