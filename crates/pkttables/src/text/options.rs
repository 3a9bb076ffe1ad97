use super::lex::Words;
use crate::domain::split_at_byte;

/// An option that needs no extension.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Base {
    Append,
    Delete,
    Check,
    Insert,
    Replace,
    List,
    ListRules,
    Flush,
    Zero,
    NewChain,
    DeleteChain,
    RenameChain,
    Policy,
    Source,
    Destination,
    Protocol,
    InInterface,
    OutInterface,
    Jump,
    Goto,
    Match,
    Fragments,
    Table,
    Counters,
    Numeric,
    Verbose,
    Exact,
    LineNumbers,
    Wait,
    WaitInterval,
    Modprobe,
    Ipv4,
    Ipv6,
    Version,
    Help,
}

/// Whether an option takes a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Takes {
    Nothing,
    Value,
    /// A value if it is attached.
    Perhaps,
}

/// How an option is written.
#[derive(Debug)]
pub(super) struct Known {
    pub(super) option: Base,
    /// 0 if it has none.
    pub(super) letter: u8,
    pub(super) takes: Takes,
    /// The first is the one that messages use.
    pub(super) names: &'static [&'static str],
}

/// One step on the way through the words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Item<'a> {
    /// Not an option.
    Word(&'a str),
    /// `-x`
    Short(char),
    /// `--name` or `--name=value`
    Long(&'a str),
    /// `--`
    End,
}

/// Walks over words as `getopt_long` does, without moving options to the front.
#[derive(Debug)]
pub(super) struct Cursor<'a> {
    words: &'a Words,
    next: usize,
    /// What follows the option in its own word: other letters or a value, or what stands behind `=`.
    attached: Option<&'a str>,
    in_cluster: bool,
}

macro_rules! known {
    ($($option:ident $letter:literal $takes:ident $($name:literal)|+;)+) => {
        /// All options that need no extension.
        pub(super) const KNOWN: &[Known] = &[$(Known {
            option: Base::$option, letter: $letter, takes: Takes::$takes, names: &[$($name),+],
        }),+];

        /// The option of exactly this name.
        fn named(name: &str) -> Option<Base> {
            Some(match name {
                $( $($name)|+ => Base::$option, )+
                _ => return None,
            })
        }
    };
}

known! {
    Append b'A' Value "append";
    Delete b'D' Value "delete";
    Check b'C' Value "check";
    Insert b'I' Value "insert";
    Replace b'R' Value "replace";
    List b'L' Perhaps "list";
    ListRules b'S' Perhaps "list-rules";
    Flush b'F' Perhaps "flush";
    Zero b'Z' Perhaps "zero";
    NewChain b'N' Value "new-chain";
    DeleteChain b'X' Perhaps "delete-chain";
    RenameChain b'E' Value "rename-chain";
    Policy b'P' Value "policy";
    Source b's' Value "source" | "src";
    Destination b'd' Value "destination" | "dst";
    Protocol b'p' Value "protocol";
    InInterface b'i' Value "in-interface";
    OutInterface b'o' Value "out-interface";
    Jump b'j' Value "jump";
    Goto b'g' Value "goto";
    Match b'm' Value "match";
    Fragments b'f' Nothing "fragments";
    Table b't' Value "table";
    Counters b'c' Value "set-counters";
    Numeric b'n' Nothing "numeric";
    Verbose b'v' Nothing "verbose";
    Exact b'x' Nothing "exact";
    LineNumbers 0 Nothing "line-numbers";
    Wait b'w' Perhaps "wait";
    WaitInterval b'W' Perhaps "wait-interval";
    Modprobe b'M' Value "modprobe";
    Ipv4 b'4' Nothing "ipv4";
    Ipv6 b'6' Nothing "ipv6";
    Version b'V' Nothing "version";
    Help b'h' Perhaps "help";
}

/// The place of each letter's option; `u8::MAX` where there is none.
#[expect(clippy::indexing_slicing, reason = "done by the compiler")]
const BY_LETTER: [u8; 128] = {
    let mut places = [u8::MAX; 128];
    let mut place = 0;
    while place < KNOWN.len() {
        if KNOWN[place].letter != 0 {
            places[KNOWN[place].letter as usize] = place as u8;
        }
        place += 1;
    }
    places
};

impl Base {
    /// How it is written.
    pub(super) fn known(self) -> Option<&'static Known> {
        KNOWN.get(self as usize)
    }

    /// The name that messages use, without dashes.
    pub(super) fn name(self) -> &'static str {
        self.known().and_then(|known| known.names.first()).copied().unwrap_or_default()
    }

    /// The option written `-letter`.
    pub(super) fn by_letter(letter: char) -> Option<&'static Known> {
        let place = BY_LETTER.get(u32::from(letter) as usize)?;
        KNOWN.get(usize::from(*place))
    }

    /// The option whose name is exactly `name`.
    pub(super) fn by_name(name: &str) -> Option<&'static Known> {
        named(name)?.known()
    }
}

impl<'a> Cursor<'a> {
    pub(super) const fn new(words: &'a Words) -> Self {
        Self { words, next: 0, attached: None, in_cluster: false }
    }

    /// The next option or word.
    pub(super) fn step(&mut self) -> Option<Item<'a>> {
        if let Some(rest) = self.attached.take().filter(|rest| self.in_cluster && !rest.is_empty()) {
            return self.letter(rest);
        }
        self.in_cluster = false;
        let word = self.words.get(self.next)?;
        self.next += 1;
        Some(match word.strip_prefix('-') {
            None | Some("") => Item::Word(word),
            Some("-") => Item::End,
            Some(option) => match option.strip_prefix('-') {
                None => return self.letter(option),
                Some(long) => {
                    let (name, value) = split_at_byte(long, b'=').unzip();
                    self.attached = value;
                    Item::Long(name.unwrap_or(long))
                }
            },
        })
    }

    /// The value of an option that must have one: attached, or the next word whatever it is.
    pub(super) fn value(&mut self) -> Option<&'a str> {
        self.attached().or_else(|| self.word())
    }

    /// The value that is attached to the option.
    pub(super) fn attached(&mut self) -> Option<&'a str> {
        let attached = self.attached.take().filter(|rest| !self.in_cluster || !rest.is_empty());
        self.in_cluster = false;
        attached
    }

    /// Whether a value is attached to an option that takes none; letters that follow in a cluster are no value.
    pub(super) const fn has_value(&self) -> bool {
        !self.in_cluster && self.attached.is_some()
    }

    /// The next word, unless it looks like an option or `!`.
    pub(super) fn plain_word(&mut self) -> Option<&'a str> {
        let word = self.words.get(self.next)?;
        if word.starts_with(['-', '!']) {
            return None;
        }
        self.next += 1;
        Some(word)
    }

    /// Passes the next word if it is `word`.
    pub(super) fn skip(&mut self, word: &str) -> bool {
        let found = self.words.get(self.next) == Some(word);
        self.next += usize::from(found);
        found
    }

    /// The place of the word that was read last.
    pub(super) const fn last(&self) -> usize {
        self.next.saturating_sub(1)
    }

    /// Whether words remain.
    pub(super) const fn has_more(&self) -> bool {
        self.next < self.words.len()
    }

    fn word(&mut self) -> Option<&'a str> {
        let word = self.words.get(self.next)?;
        self.next += 1;
        Some(word)
    }

    fn letter(&mut self, cluster: &'a str) -> Option<Item<'a>> {
        let mut letters = cluster.chars();
        let letter = letters.next()?;
        self.attached = Some(letters.as_str());
        self.in_cluster = true;
        Some(Item::Short(letter))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn table_is_in_the_order_of_the_enumeration() {
        for (place, known) in KNOWN.iter().enumerate() {
            assert_eq!(known.option as usize, place);
        }
        assert!(KNOWN.len() <= 64, "a set of options is one u64");
    }

    #[test]
    fn names_and_letters_are_unique() {
        for (place, known) in KNOWN.iter().enumerate() {
            for other in KNOWN.iter().skip(place + 1) {
                assert!(known.letter == 0 || known.letter != other.letter, "{known:?} {other:?}");
                assert!(known.names.iter().all(|name| !other.names.contains(name)), "{known:?} {other:?}");
            }
        }
    }

    #[test]
    fn clusters_and_attached_values() {
        let mut words = Words::new();
        words.read_args(&["-nvL", "x", "-ptcp", "--a=b", "--c", "-", "!", "-s", "-1", "-t=x", "--", "-x"]);
        let mut cursor = Cursor::new(&words);
        for letter in ['n', 'v', 'L'] {
            assert_eq!(cursor.step(), Some(Item::Short(letter)));
        }
        assert_eq!((cursor.attached(), cursor.plain_word()), (None, Some("x")));
        assert_eq!((cursor.step(), cursor.value()), (Some(Item::Short('p')), Some("tcp")));
        assert_eq!((cursor.step(), cursor.value()), (Some(Item::Long("a")), Some("b")));
        assert_eq!((cursor.step(), cursor.has_value()), (Some(Item::Long("c")), false));
        assert_eq!((cursor.step(), cursor.step()), (Some(Item::Word("-")), Some(Item::Word("!"))));
        assert_eq!((cursor.step(), cursor.plain_word()), (Some(Item::Short('s')), None));
        assert_eq!(cursor.value(), Some("-1"));
        assert_eq!((cursor.step(), cursor.value()), (Some(Item::Short('t')), Some("=x")));
        assert_eq!((cursor.step(), cursor.has_more()), (Some(Item::End), true));
    }
}
