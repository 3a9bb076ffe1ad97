use super::element::Elements;
use super::key::{bits, mask, width};
use super::kind::{Kind, Part, Storage};
use super::set::{self, Entry, Info, Options, Refused, Set};
use super::words::{Error, Problem, Words, number};
use super::{Any, List, Sets};
use pkttables::domain::{SetName, parse_address};
use pkttables::model::Family;
use std::collections::hash_map;

/// Does what each line says.
pub(super) fn run(sets: &mut Sets, text: &str) -> Result<(), Error> {
    for (line, number) in text.lines().zip(1..) {
        let mut words = Words::new(line, number);
        let exist = line.split_whitespace().any(|word| word == "-exist" || word == "-!");
        match words.next() {
            None | Some("COMMIT" | "quit") => {}
            Some(word) if word.starts_with('#') => {}
            Some("create" | "-N" | "n") => create(sets, &mut words, exist)?,
            Some("add" | "-A") => add(sets, &mut words, exist)?,
            Some("del" | "-D") => delete(sets, &mut words, exist)?,
            Some("flush" | "-F") => each(sets, &mut words, |sets, name| match sets.sets.get_mut(&name) {
                Some(Any::Plain(set)) => set.clear(),
                Some(Any::List(list)) => list.members.clear(),
                None => {}
            })?,
            Some("destroy" | "-X") => each(sets, &mut words, |sets, name| {
                sets.sets.remove(&name);
            })?,
            Some(word) => return Err(words.error(Problem::Command(word.into()))),
        }
    }
    Ok(())
}

/// Does something with the set that is named, or with all.
fn each(sets: &mut Sets, words: &mut Words<'_>, act: impl Fn(&mut Sets, SetName)) -> Result<(), Error> {
    let mut rest = words.clone();
    if rest.next().is_some() {
        let name = existing(sets, words)?;
        act(sets, name);
    } else {
        for name in sets.sets.keys().copied().collect::<Vec<_>>() {
            act(sets, name);
        }
    }
    Ok(())
}

fn name(words: &mut Words<'_>) -> Result<SetName, Error> {
    let word = words.expect("the set's name")?;
    SetName::new(word.as_bytes()).ok_or_else(|| words.unexpected(word, "a name of at most 31 bytes"))
}

fn existing(sets: &Sets, words: &mut Words<'_>) -> Result<SetName, Error> {
    let name = name(words)?;
    match sets.contains(&name) {
        true => Ok(name),
        false => Err(words.error(Problem::NoSet(name.to_string().into()))),
    }
}

/// `create NAME TYPE [OPTION...]`
fn create(sets: &mut Sets, words: &mut Words<'_>, exist: bool) -> Result<(), Error> {
    let name = name(words)?;
    let exists = words.error(Problem::SetExists(name.to_string().into()));
    let word = words.expect("the set's type")?;
    let kind = Kind::find(word).ok_or_else(|| words.error(Problem::Type(word.into())))?;
    let options = options(kind, words)?;
    match sets.sets.entry(name) {
        hash_map::Entry::Occupied(_) if exist => Ok(()),
        hash_map::Entry::Occupied(_) => Err(exists),
        hash_map::Entry::Vacant(place) => {
            place.insert(match kind.storage {
                Storage::List => Any::List(List { options, members: Vec::new() }),
                Storage::Hash | Storage::Bitmap => Any::Plain(Box::new(Set::new(options))),
            });
            Ok(())
        }
    }
}

fn options(kind: &'static Kind, words: &mut Words<'_>) -> Result<Options, Error> {
    let is_bitmap = kind.storage == Storage::Bitmap;
    let mut options = Options {
        kind,
        family: kind.has_family().then_some(Family::Ipv4),
        mask: u128::MAX,
        mark_mask: u32::MAX,
        range: (1, 0),
        limit: if kind.storage == Storage::Hash { 65_536 } else { usize::MAX },
        timeout: None,
        counters: false,
        skbinfo: false,
        comment: false,
        force: false,
    };
    // How many of the leading bits of addresses count; which they are depends on the family.
    let mut prefix = None;
    while let Some(word) = words.next() {
        match word {
            "family" | "-4" | "-6" if kind.storage == Storage::Hash => {
                let word = if word == "family" { words.expect("inet or inet6")? } else { word };
                let family = match word {
                    "inet" | "ipv4" | "-4" => Family::Ipv4,
                    "inet6" | "ipv6" | "-6" => Family::Ipv6,
                    _ => return Err(words.unexpected(word, "inet or inet6")),
                };
                options.family = kind.has_family().then_some(family);
            }
            "timeout" => options.timeout = Some(seconds(words)?),
            "counters" => options.counters = true,
            "skbinfo" => options.skbinfo = true,
            "comment" => options.comment = true,
            "forceadd" if kind.storage == Storage::Hash => options.force = true,
            "maxelem" if kind.storage == Storage::Hash => {
                let limit = words.number("a number of entries", u32::MAX.into())?;
                options.limit = usize::try_from(limit).unwrap_or(usize::MAX);
            }
            "hashsize" | "bucketsize" | "initval" if kind.storage == Storage::Hash => {
                words.number("a number", u32::MAX.into())?;
            }
            "size" if kind.storage == Storage::List => {
                words.number("a number", u32::MAX.into())?;
            }
            "netmask" if kind.has(Part::Address) || kind.name == "hash:net,net" => {
                prefix = Some(words.number("a prefix length", 128)?);
            }
            "bitmask" if kind.has(Part::Address) || kind.name == "hash:net,net" => {
                let word = words.expect("a mask")?;
                // ipset 7.17 prints an accidental `/NUMBER` behind it.
                let text = word.split('/').next().unwrap_or_default();
                let family = if text.contains(':') { Family::Ipv6 } else { Family::Ipv4 };
                let mask = parse_address(text, family).map_err(|_| words.unexpected(word, "a mask"))?;
                options.mask = bits(mask);
            }
            "markmask" if kind.has(Part::Mark) => {
                let mask = words.number("a mask of 32 bits", u32::MAX.into())?;
                options.mark_mask = u32::try_from(mask).unwrap_or(u32::MAX);
            }
            "range" if is_bitmap => {
                let word = words.expect("a range")?;
                options.range = range(kind, word).map_err(|expected| words.unexpected(word, expected))?;
            }
            "-exist" | "-!" => {}
            _ => {
                return Err(words.error(Problem::Option { option: word.into(), kind: kind.name }));
            }
        }
    }
    if let (Some(prefix), Some(family)) = (prefix, options.family) {
        options.mask = mask(width(family), u8::try_from(prefix).unwrap_or(u8::MAX));
    }
    if is_bitmap && options.range.0 > options.range.1 {
        return Err(words.error(Problem::Missing("the range of the bitmap")));
    }
    Ok(options)
}

/// `FIRST-LAST`, or of addresses `NETWORK/LENGTH`.
fn range(kind: &Kind, word: &str) -> Result<(u128, u128), &'static str> {
    let is_port = kind.has(Part::PlainPort);
    let end = |text: &str| match is_port {
        true => text.parse::<u16>().ok().map(u128::from),
        false => parse_address(text, Family::Ipv4).ok().map(bits),
    };
    let ends = match (word.split_once('-'), word.split_once('/')) {
        (Some((first, last)), _) => end(first).zip(end(last)),
        (None, Some((network, prefix))) if !is_port => {
            let prefix =
                number(prefix).and_then(|prefix| u8::try_from(prefix).ok()).filter(|prefix| *prefix <= 32);
            end(network).zip(prefix).map(|(network, prefix)| {
                let inside = mask(32, prefix);
                (network & inside, network | !inside & mask(32, 32))
            })
        }
        _ => None,
    };
    let expected = if is_port { "PORT-PORT" } else { "ADDRESS-ADDRESS or NETWORK/LENGTH" };
    ends.filter(|(first, last)| first <= last).ok_or(expected)
}

/// Times longer than the kernel's clock can be ahead are cut.
fn seconds(words: &mut Words<'_>) -> Result<u32, Error> {
    let seconds = words.number("a number of seconds", u32::MAX.into())?;
    Ok(u32::try_from(seconds).unwrap_or(u32::MAX))
}

/// `add NAME ENTRY [OPTION...]`
fn add(sets: &mut Sets, words: &mut Words<'_>, exist: bool) -> Result<(), Error> {
    let name = existing(sets, words)?;
    if matches!(sets.sets.get(&name), Some(Any::List(_))) {
        return add_member(sets, name, words, exist);
    }
    let Some(Any::Plain(set)) = sets.sets.get_mut(&name) else { return Ok(()) };
    let word = words.expect("the entry")?;
    let at = words.clone();
    let mut elements = Elements::parse(&set.options, word, words)?;
    let mut entry = Entry::of(&set.options);
    while let Some(option) = words.next() {
        match option {
            "nomatch" if set.options.kind.has(Part::Network) => entry.nomatch = true,
            "wildcard" if set.options.kind.has(Part::Interface) => elements = elements.for_beginnings(),
            _ => entry.option(option, &set.options, words)?,
        }
    }
    let is_one = elements.len() == 1;
    let options = set.options.clone();
    for key in elements.keys(&options) {
        match set.add(key, entry.clone(), exist, 0) {
            Err(Refused::Exists) if is_one => return Err(at.error(Problem::Exists(word.into()))),
            Err(Refused::Full) => return Err(at.error(Problem::Full(options.limit))),
            Err(Refused::Range) => return Err(at.error(Problem::Range(word.into()))),
            Ok(()) | Err(Refused::Exists) => {}
        }
    }
    Ok(())
}

/// `add LIST SET [before SET | after SET] [OPTION...]`
fn add_member(sets: &mut Sets, name: SetName, words: &mut Words<'_>, exist: bool) -> Result<(), Error> {
    let member = existing(sets, words)?;
    let at = words.clone();
    if matches!(sets.sets.get(&member), Some(Any::List(_))) {
        return Err(words.unexpected(&member.to_string(), "a set that is no list itself"));
    }
    let Some(Any::List(list)) = sets.sets.get_mut(&name) else { return Ok(()) };
    let mut entry = Entry::of(&list.options);
    let mut place = list.members.len();
    while let Some(option) = words.next() {
        match option {
            "before" | "after" => {
                let word = words.expect("a set of the list")?;
                let found = list.members.iter().position(|(other, _)| other.as_bytes() == word.as_bytes());
                let found = found.ok_or_else(|| words.error(Problem::Absent(word.into())))?;
                place = if option == "before" { found } else { found + 1 };
            }
            _ => entry.option(option, &list.options, words)?,
        }
    }
    match list.members.iter_mut().find(|(other, _)| *other == member) {
        Some((_, old)) if exist => *old = entry,
        Some(_) => return Err(at.error(Problem::Exists(member.to_string().into()))),
        None => list.members.insert(place, (member, entry)),
    }
    Ok(())
}

/// `del NAME ENTRY`
fn delete(sets: &mut Sets, words: &mut Words<'_>, exist: bool) -> Result<(), Error> {
    let name = existing(sets, words)?;
    let word = words.expect("the entry")?;
    let deleted = match sets.sets.get_mut(&name) {
        Some(Any::Plain(set)) => {
            let elements = Elements::parse(&set.options, word, words)?;
            let options = set.options.clone();
            elements.keys(&options).fold(false, |any, key| set.delete(key, 0) | any)
        }
        Some(Any::List(list)) => {
            let before = list.members.len();
            list.members.retain(|(member, _)| member.as_bytes() != word.as_bytes());
            list.members.len() < before
        }
        None => false,
    };
    if deleted || exist { Ok(()) } else { Err(words.error(Problem::Absent(word.into()))) }
}

impl Entry {
    /// An entry that stays as long as the set says.
    fn of(set: &Options) -> Self {
        let expires = set.timeout.and_then(|seconds| set::after(0, seconds));
        Self { expires, ..Self::default() }
    }

    /// An option that entries of all types take, if the set was made for it.
    fn option(&mut self, option: &str, set: &Options, words: &mut Words<'_>) -> Result<(), Error> {
        let needs = match option {
            "timeout" => ("timeout", set.timeout.is_some()),
            "packets" | "bytes" => ("counters", set.counters),
            "skbmark" | "skbprio" | "skbqueue" => ("skbinfo", set.skbinfo),
            "comment" => ("comment", set.comment),
            "-exist" | "-!" => return Ok(()),
            _ => return Err(words.error(Problem::Option { option: option.into(), kind: set.kind.name })),
        };
        if let (needs, false) = needs {
            return Err(words.error(Problem::Needs { option: option.into(), needs }));
        }
        match option {
            "timeout" => self.expires = set::after(0, seconds(words)?),
            "packets" => self.packets = words.number("a number of packets", u64::MAX)?,
            "bytes" => self.bytes = words.number("a number of bytes", u64::MAX)?,
            "comment" => {
                words.expect("the comment")?;
            }
            _ => self.info.option(option, words)?,
        }
        Ok(())
    }
}

impl Info {
    fn option(&mut self, option: &str, words: &mut Words<'_>) -> Result<(), Error> {
        let word = words.expect("a value")?;
        let narrow = |text: &str| number(text).and_then(|number| u32::try_from(number).ok());
        match option {
            "skbmark" => {
                let (mark, mask) = word.split_once('/').unwrap_or((word, "0xffffffff"));
                let both = narrow(mark).zip(narrow(mask));
                (self.mark, self.mark_mask) =
                    both.ok_or_else(|| words.unexpected(word, "MARK or MARK/MASK"))?;
            }
            "skbprio" => {
                let half = |text: &str| u16::from_str_radix(text, 16).ok().map(u32::from);
                let (major, minor) = word.split_once(':').unwrap_or((word, "0"));
                let both = half(major).zip(half(minor));
                let (major, minor) =
                    both.ok_or_else(|| words.unexpected(word, "MAJOR:MINOR in hexadecimal"))?;
                self.priority = major << 16 | minor;
            }
            _ => {
                let queue = number(word).and_then(|number| u16::try_from(number).ok());
                self.queue = queue.ok_or_else(|| words.unexpected(word, "the number of a queue"))?;
            }
        }
        Ok(())
    }
}
