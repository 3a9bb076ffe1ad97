use super::domain::Domain;
use super::extension::{Instance, RuleScope};
use super::native::{Native, Recognised};
use super::sets::Sets;
use super::value::{Scope, Sink, ValueError};
use crate::model::{Families, Family, Hooks, Tables};
use crate::packet::Packet;
use nfnetlink::wire::DecodeError;

/// Whether an extension tests packets or does something to them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// Named by `-m`.
    Match,
    /// Named by `-j`.
    Target,
}

/// How many of an extension's parameters a rule must give, besides those that are required on their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Require {
    /// Any number.
    Any,
    /// One or more.
    AtLeastOne,
    /// One and no more.
    ExactlyOne,
    /// One or more of these; the others are free.
    AtLeastOneOf(&'static [&'static str]),
    /// One of these and no more; the others are free.
    ExactlyOneOf(&'static [&'static str]),
}

/// Everything that an extension says about itself.
#[derive(Debug)]
pub struct Descriptor {
    /// Match or target.
    pub kind: Kind,
    /// The name, as after `-m` or `-j`.
    pub name: &'static str,
    /// Further names that mean the same.
    pub aliases: &'static [&'static str],
    /// The name that the kernel uses, where it is another one.
    pub xt_name: &'static str,
    /// What it does.
    pub help: Help,
    /// The families it exists in.
    pub families: Families,
    /// The tables it may stand in.
    pub tables: Tables,
    /// The hooks from which the rule may be reached.
    pub hooks: Hooks,
    /// The transport protocols one of which the rule must name with `-p`; empty if any will do.
    pub protocols: &'static [u8],
    /// Whether iptables itself looks for the protocol if there are parameters; else it leaves that to the kernel.
    pub protocol_checked: bool,
    /// How many parameters must be given.
    pub require: Require,
    /// Whether iptables leaves it to the kernel to refuse parameters that are missing or exclude each other.
    pub by_kernel: bool,
    /// The parameters, in the order in which they are printed.
    pub params: &'static [Param],
    /// Layouts under its own name, where the kernel has a module of that name besides the one that `xt_name` names. They
    /// are read and never written.
    pub own_layouts: &'static [OwnLayout],
    #[doc(hidden)]
    pub new: fn() -> Box<dyn Instance>,
    #[doc(hidden)]
    pub decode: fn(u8, Family, &[u8], &dyn Sets) -> Option<Decoded>,
    #[doc(hidden)]
    pub revision: fn(usize) -> Option<RevisionInfo>,
    #[doc(hidden)]
    pub from_native: Option<FromNativeErased>,
}

/// [`FromNative`](super::FromNative) of an extension of any type.
pub type FromNativeErased =
    fn(&Native<'_>, &RuleScope<'_>, Option<&mut dyn Instance>) -> Recognised<Box<dyn Instance>>;

/// A value read from the kernel's structure.
pub type Decoded = Result<Box<dyn Instance>, DecodeError>;

/// One kernel layout of an extension.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RevisionInfo {
    /// The revision's number.
    pub number: u8,
    /// Bytes of the structure, before it is padded to a multiple of eight.
    pub size: usize,
    /// The families that use it.
    pub families: Families,
}

/// A kernel layout of an extension that is written as another one.
#[derive(Clone, Copy, Debug)]
pub struct OwnLayout {
    /// The revision's number.
    pub revision: u8,
    /// Reads the structure, padding included; nothing if it is another one.
    pub read: fn(&[u8]) -> Option<Box<dyn Instance>>,
}

/// One parameter of an extension.
#[derive(Debug)]
pub struct Param {
    /// The option's name, without dashes.
    pub name: &'static str,
    /// Further names of the same option.
    pub aliases: &'static [&'static str],
    /// What it does.
    pub help: Help,
    /// The families it exists in.
    pub families: Families,
    /// The hooks from which a rule with it may be reached.
    pub hooks: Hooks,
    /// Whether `!` may stand before it.
    pub negatable: bool,
    /// Whether it must be given.
    pub required: bool,
    /// Whether it may be given more than once.
    pub repeatable: bool,
    /// Parameters that may not be given with it.
    pub excludes: &'static [&'static str],
    /// Parameters that must be given with it.
    pub needs: &'static [&'static str],
    /// Whether iptables leaves it to the kernel to refuse values that are out of range, too long, or unknown.
    pub by_kernel: bool,
    /// What holds if it is not given.
    pub default: Option<&'static str>,
    /// How many words follow the option.
    pub words: usize,
    /// Whether one more word follows, unless it begins with `-` or `!`; without it the value is empty text.
    pub optional_word: bool,
    /// What it accepts.
    pub domain: &'static Domain,
    /// Of a match, what a packet has that the parameter is compared with, in words; see [`sight`](super::sight).
    pub sees: Option<Sight>,
    #[doc(hidden)]
    pub set: fn(&mut dyn Instance, &str, bool, &Scope) -> Result<(), ValueError>,
    #[doc(hidden)]
    pub check: fn(&str, &Scope) -> Result<(), ValueError>,
    #[doc(hidden)]
    pub get: fn(&dyn Instance, &'static str, &mut dyn Sink),
}

/// Says in words what a packet has: `the source port is 80`; `None` if nothing can be said.
pub type Sight = fn(&Packet<'_>) -> Option<String>;

/// A help text, as it stands in the doc comment of what it is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Help(#[doc(hidden)] pub &'static str);

impl Descriptor {
    #[doc(hidden)]
    pub const EMPTY: Self = Self {
        kind: Kind::Match,
        name: "",
        aliases: &[],
        xt_name: "",
        help: Help(""),
        families: Families::all(),
        tables: Tables::all(),
        hooks: Hooks::all(),
        protocols: &[],
        protocol_checked: false,
        require: Require::Any,
        by_kernel: false,
        params: &[],
        own_layouts: &[],
        new: || Box::new(super::extension::Nothing),
        decode: |_, _, _, _| None,
        revision: |_| None,
        from_native: None,
    };

    /// Whether `name` is its name or an alias of it.
    #[must_use]
    pub fn is_called(&self, name: &str) -> bool {
        self.name == name || self.aliases.contains(&name)
    }

    /// The parameter whose option is called `name` in `family`.
    #[must_use]
    pub fn param(&self, name: &str, family: Family) -> Option<&'static Param> {
        self.params.iter().find(|param| param.families.has(family) && param.is_called(name))
    }

    /// The kernel layouts that `family` uses, the newest first.
    pub fn revisions(&self, family: Family) -> impl Iterator<Item = RevisionInfo> + '_ {
        (0..).map_while(self.revision).filter(move |revision| revision.families.has(family))
    }

    /// Whether `other` describes the same extension: name, kind and families are what tells them apart.
    #[must_use]
    pub fn is(&self, other: &Self) -> bool {
        self.kind == other.kind && self.name == other.name && self.families == other.families
    }

    /// A value with every parameter at its default.
    #[must_use]
    pub fn instance(&self) -> Box<dyn Instance> {
        (self.new)()
    }

    /// Reads the kernel's structure; `None` if this revision is not known or belongs to another extension
    /// that shares the kernel's name.
    ///
    /// `sets` is asked by what refers to sets, which the structure knows by number; [`NoSets`](super::NoSets)
    /// where there are none.
    #[must_use]
    pub fn decode(&self, revision: u8, family: Family, info: &[u8], sets: &dyn Sets) -> Option<Decoded> {
        (self.decode)(revision, family, info, sets)
    }
}

impl Param {
    #[doc(hidden)]
    pub const EMPTY: Self = Self {
        name: "",
        aliases: &[],
        help: Help(""),
        families: Families::all(),
        hooks: Hooks::all(),
        negatable: false,
        required: false,
        repeatable: false,
        excludes: &[],
        needs: &[],
        by_kernel: false,
        default: None,
        words: 1,
        optional_word: false,
        domain: &Domain::Nothing,
        sees: None,
        set: |_, _, _, _| Ok(()),
        check: |_, _| Ok(()),
        get: |_, _, _| (),
    };

    /// Whether `name` is the option's name or an alias of it.
    #[must_use]
    pub fn is_called(&self, name: &str) -> bool {
        self.name == name || self.aliases.contains(&name)
    }

    /// Sets the parameter in `instance` from text; the words of a value of several words are joined by a space.
    pub fn set(
        &self,
        instance: &mut dyn Instance,
        text: &str,
        not: bool,
        scope: &Scope,
    ) -> Result<(), ValueError> {
        (self.set)(instance, text, not, scope)
    }

    /// Tells whether the parameter would accept `text`.
    pub fn check(&self, text: &str, scope: &Scope) -> Result<(), ValueError> {
        (self.check)(text, scope)
    }

    /// Hands what `instance` has for this parameter to `sink`, or nothing if there is nothing to print.
    pub fn get(&self, instance: &dyn Instance, sink: &mut dyn Sink) {
        (self.get)(instance, self.name, sink);
    }
}

impl Help {
    /// The first paragraph, in one line and without its final period.
    #[must_use]
    pub fn summary(&self) -> String {
        let paragraph: Vec<&str> = self.lines().take_while(|line| !line.is_empty()).collect();
        let mut text = paragraph.join(" ");
        if text.ends_with('.') {
            text.pop();
        }
        text
    }

    /// The whole text, a line a line.
    pub fn lines(&self) -> impl Iterator<Item = &'static str> {
        self.0.trim_end().lines().map(|line| line.strip_prefix(' ').unwrap_or(line))
    }

    /// The whole text.
    #[must_use]
    pub fn text(&self) -> String {
        self.lines().collect::<Vec<_>>().join("\n")
    }
}
