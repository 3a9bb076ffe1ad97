use super::Header;
use crate::registry::Instance;

/// A rule: conditions, and what happens to packets that meet all of them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Rule {
    /// Addresses, interfaces and protocol.
    pub header: Header,
    /// Further conditions, in order, as [`Rule::add_match`] adds them.
    pub matches: Vec<Match>,
    /// What happens.
    pub target: Target,
    /// What the rule has counted; `None` if nothing was said about it.
    pub counters: Option<Counters>,
}

impl Rule {
    /// Adds a condition behind the others.
    ///
    /// What the kernel's form of a rule does not tell from the condition before becomes a part of that one, so that
    /// the rule is the same when it is read from the kernel: `-m tcp --sport 1 -m tcp --dport 2` is one match.
    pub fn add_match(&mut self, mut added: Match) {
        if let (Some(Match::Known(last)), Match::Known(next)) = (self.matches.last_mut(), &mut added)
            && last.absorb(&mut **next)
        {
            return;
        }
        self.matches.push(added);
    }

    /// Whether both have the same conditions and target, whatever they have counted.
    #[must_use]
    pub fn does_the_same(&self, other: &Self) -> bool {
        self.header == other.header && self.matches == other.matches && self.target == other.target
    }
}

/// Packets and bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Counters {
    /// Packets.
    pub packets: u64,
    /// Bytes, of the IP packets.
    pub bytes: u64,
}

/// A condition that an extension tests.
#[derive(Clone, Debug, PartialEq)]
pub enum Match {
    /// A match that the registry knows.
    Known(Box<dyn Instance>),
    /// One that it does not know, or of an unknown revision, kept as it is.
    Opaque(Opaque),
}

/// An extension's kernel form that nothing here understands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opaque {
    /// The name by which the kernel knows the extension.
    pub name: Box<str>,
    /// The revision of its layout.
    pub revision: u8,
    /// The layout's bytes, padding included.
    pub info: Box<[u8]>,
}

/// What a rule does.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Target {
    /// Nothing but counting.
    #[default]
    None,
    /// Ends the walk through the chain.
    Verdict(Verdict),
    /// Calls a chain, and comes back.
    Jump(Box<str>),
    /// Continues in a chain; its end is the end of this one.
    Goto(Box<str>),
    /// A target that the registry knows.
    Known(Box<dyn Instance>),
    /// One that it does not know, or of an unknown revision, kept as it is.
    Opaque(Opaque),
}

/// The built-in ends of a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Verdict {
    /// Let the packet through.
    Accept,
    /// Throw it away.
    Drop,
    /// Go back to the calling chain, or to the policy.
    Return,
    /// Hand it to a program, by queue 0.
    Queue,
}

impl Verdict {
    /// All verdicts.
    pub const ALL: [Self; 4] = [Self::Accept, Self::Drop, Self::Return, Self::Queue];

    /// The name, as after `-j`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Accept => "ACCEPT",
            Self::Drop => "DROP",
            Self::Return => "RETURN",
            Self::Queue => "QUEUE",
        }
    }
}
