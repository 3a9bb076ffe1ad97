use crate::model::{Families, Family};

/// What a parameter accepts, as data.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Domain {
    /// No value: the option alone says it.
    Nothing,
    /// A whole number.
    Integer {
        /// The smallest.
        min: u64,
        /// The largest.
        max: u64,
        /// What it counts; empty if nothing is to be said.
        unit: &'static str,
    },
    /// A whole number that is always decimal, whatever it begins with.
    Decimal {
        /// The smallest.
        min: u64,
        /// The largest.
        max: u64,
        /// What it counts; empty if nothing is to be said.
        unit: &'static str,
    },
    /// A number, optionally with `/` and a mask of the bits that count.
    Masked {
        /// How many bits it has.
        bits: u8,
    },
    /// A decimal fraction.
    Fraction {
        /// The smallest.
        min: f64,
        /// The largest.
        max: f64,
    },
    /// One of a few words.
    Choice(&'static [Choice]),
    /// Some of a few words.
    Flags {
        /// The words.
        choices: &'static [Choice],
        /// What stands between them.
        separator: char,
    },
    /// An IP address of the rule's family.
    Address,
    /// An IP address with an optional prefix length or mask.
    Prefix,
    /// An IP address with `/` and a prefix length that is not too long, all bits behind the prefix zero.
    Network {
        /// The longest prefix length.
        max_bits: u8,
    },
    /// One or two IP addresses with `-` between them, optionally followed by `:` and one or two ports with `-`
    /// between them, or the ports alone behind `:`. IPv6 addresses stand in brackets before ports.
    Endpoints,
    /// How many leading bits of an address count, or the mask that says the same.
    PrefixLen,
    /// A MAC address.
    Mac {
        /// Whether it must be one that several hosts listen to.
        multicast: bool,
    },
    /// An interface name, or with `+` at its end the beginning of one.
    Interface,
    /// A port number, or the name of a service.
    Port,
    /// A number of events per unit of time.
    Rate {
        /// The units, such as `sec`.
        units: &'static [&'static str],
        /// The most that can be asked for per second.
        max_per_second: u64,
    },
    /// A time of day, `hh:mm[:ss]`.
    TimeOfDay,
    /// A date with an optional time, `YYYY[-MM[-DD[Thh[:mm[:ss]]]]]`.
    Date,
    /// Free text.
    Text {
        /// The fewest bytes.
        min: usize,
        /// The most bytes it can have.
        max: usize,
        /// Characters that may not stand in it.
        forbidden: &'static str,
    },
    /// A string of bytes, hexadecimal between `|` signs.
    Bytes {
        /// The most bytes it can have.
        max: usize,
    },
    /// The name of something that the kernel keeps.
    Object {
        /// What it is.
        kind: ObjectKind,
        /// The most bytes that the name can have.
        max: usize,
    },
    /// The name of a chain.
    Chain,
    /// Text in a small language of its own.
    Expression {
        /// What it is, for instance `BPF program`.
        language: &'static str,
        /// Values that are accepted; empty where that depends on files of the system.
        examples: &'static [&'static str],
        /// Values that are refused.
        refused: &'static [&'static str],
    },
    /// Two values of the same kind with `separator` between them, or one that stands for both.
    Range {
        /// What each end is.
        of: &'static Self,
        /// What stands between them.
        separator: char,
    },
    /// Two values of the same kind with `separator` between them, the first one smaller.
    Pair {
        /// What each is.
        of: &'static Self,
        /// What stands between them.
        separator: char,
    },
    /// Several values with `separator` between them.
    List {
        /// What each is.
        of: &'static Self,
        /// The most that there may be.
        max: usize,
        /// What stands between them.
        separator: char,
    },
    /// Values of different kinds with `separator` between them.
    Joined {
        /// What each is.
        parts: &'static [Self],
        /// What stands between them.
        separator: char,
    },
    /// Several words, each of its own kind.
    Words(&'static [Self]),
    /// Another domain for each family.
    PerFamily {
        /// For IPv4.
        ipv4: &'static Self,
        /// For IPv6.
        ipv6: &'static Self,
    },
    /// Any of several kinds.
    OneOf(&'static [Self]),
}

/// A word with a meaning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Choice {
    /// The word.
    pub name: &'static str,
    /// Other words for the same.
    pub aliases: &'static [&'static str],
    /// What it means, as its doc comment has it.
    pub help: &'static str,
    /// The families that know it.
    pub families: Families,
}

impl Choice {
    /// What it means, in one line.
    #[must_use]
    pub fn meaning(&self) -> String {
        self.help.split_whitespace().collect::<Vec<_>>().join(" ")
    }

    /// Whether `is` holds for the word or one of its aliases.
    pub fn is_called(&self, is: impl Fn(&str) -> bool) -> bool {
        is(self.name) || self.aliases.iter().any(|alias| is(alias))
    }
}

/// The kinds of things that the kernel keeps under a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ObjectKind {
    /// A set made by ipset.
    IpSet,
    /// A connection tracking helper, such as `ftp`.
    Helper,
    /// A timeout policy made by nfct.
    TimeoutPolicy,
    /// An accounting object made by nfacct.
    Accounting,
    /// A rate estimator made by the RATEEST target.
    RateEstimator,
    /// A list kept by the recent match.
    RecentList,
    /// A user of the system.
    User,
    /// A group of the system.
    Group,
    /// A network device.
    Device,
    /// A control group.
    Cgroup,
    /// A BPF program pinned in a file.
    PinnedProgram,
    /// An idle timer.
    Timer,
    /// A LED trigger.
    LedTrigger,
    /// A security context of SELinux.
    SecurityContext,
}

impl Domain {
    /// What is accepted in `family`.
    #[must_use]
    pub const fn of_family(&self, family: Family) -> &Self {
        match (self, family) {
            (Self::PerFamily { ipv4, .. }, Family::Ipv4) => ipv4,
            (Self::PerFamily { ipv6, .. }, Family::Ipv6) => ipv6,
            _ => self,
        }
    }

    /// Says in words what is accepted, for instance `a port number (0 to 65535) or service name`.
    #[must_use]
    pub fn describe(&self) -> String {
        match *self {
            Self::Nothing => "no value".into(),
            Self::Integer { min, max, unit: "" } => format!("a whole number from {min} to {max}"),
            Self::Decimal { min, max, unit: "" } => format!("a whole number from {min} to {max}, in decimal"),
            Self::Decimal { min, max, unit } => {
                format!("a whole number of {unit} from {min} to {max}, in decimal")
            }
            Self::Integer { min, max, unit } => format!("a whole number of {unit} from {min} to {max}"),
            Self::Masked { bits } => format!("a whole number of up to {bits} bits such as 0x10, optionally with /mask"),
            Self::Fraction { min, max } => format!("a decimal number from {min} to {max}"),
            Self::Choice(choices) => format!("one of {}", names(choices)),
            Self::Flags { choices, separator } => {
                format!("one or more of {}, separated by `{separator}`", names(choices))
            }
            Self::Address => "an IP address".into(),
            Self::Prefix => "an IP address, optionally with /prefix length or /mask".into(),
            Self::Endpoints => {
                "an IP address or two with `-` between them, then optionally `:` and a port or two with `-` between \
                 them; an IPv6 address stands in [ ] before a port"
                    .into()
            }
            Self::PrefixLen => "a prefix length (0 to 32, or 128 for IPv6), or a mask".into(),
            Self::Network { max_bits } => {
                format!("an IP address with /prefix length of up to {max_bits} bits, and no other bits set")
            }
            Self::Mac { multicast: true } => "a multicast MAC address such as 01:00:5e:00:00:20".into(),
            Self::Mac { .. } => "a MAC address such as 00:16:3e:12:34:56".into(),
            Self::Interface => {
                "an interface name of up to 15 characters; `+` at its end stands for any rest".into()
            }
            Self::Port => "a port number (0 to 65535) or service name".into(),
            Self::Rate { units, max_per_second } => {
                format!("a number, optionally per {} (up to {max_per_second} per second)", units.join(", "))
            }
            Self::TimeOfDay => "a time of day, hh:mm or hh:mm:ss".into(),
            Self::Date => "a date YYYY-MM-DD, optionally with Thh:mm:ss".into(),
            Self::Text { max: usize::MAX, forbidden: "", .. } => "text".into(),
            Self::Text { max, forbidden: "", .. } => format!("text of up to {max} bytes"),
            Self::Text { max: usize::MAX, forbidden, .. } => {
                format!("text without `{}`", forbidden.escape_debug())
            }
            Self::Text { max, forbidden, .. } => {
                format!("text of up to {max} bytes without `{}`", forbidden.escape_debug())
            }
            Self::Bytes { max } => format!("up to {max} bytes, hexadecimal between | signs"),
            Self::Object { kind, .. } if kind.is_numbered() => {
                format!("the name or number of {}", kind.describe())
            }
            Self::Object { kind, max } => format!("the name of {}, up to {max} bytes", kind.describe()),
            Self::Chain => "the name of a chain".into(),
            Self::Expression { language, .. } => format!("a {language}"),
            Self::Range { of, separator } => {
                format!("{}, or two with `{separator}` between them", of.describe())
            }
            Self::Pair { of, separator } => {
                format!("two values with `{separator}` between them, the smaller one first, each {}", of.describe())
            }
            Self::List { of, max, separator } => {
                format!("up to {max} values separated by `{separator}`, each {}", of.describe())
            }
            Self::Words(words) => words.iter().map(Self::describe).collect::<Vec<_>>().join(", then "),
            Self::Joined { parts, separator } => {
                let parts: Vec<String> = parts.iter().map(Self::describe).collect();
                parts.join(&format!(", then `{separator}` and "))
            }
            Self::PerFamily { ipv4, ipv6 } => {
                format!("{}; for IPv6 {}", ipv4.describe(), ipv6.describe())
            }
            Self::OneOf(kinds) => kinds.iter().map(Self::describe).collect::<Vec<_>>().join("; or "),
        }
    }
}

impl ObjectKind {
    /// Whether a number stands for it as well as a name, which must be known on this system.
    pub(super) const fn is_numbered(self) -> bool {
        matches!(self, Self::User | Self::Group)
    }

    /// Says in words what it is, for instance `a set made by ipset`.
    #[must_use]
    pub const fn describe(self) -> &'static str {
        match self {
            Self::IpSet => "a set made by ipset",
            Self::Helper => "a connection tracking helper",
            Self::TimeoutPolicy => "a connection timeout policy",
            Self::Accounting => "an accounting object",
            Self::RateEstimator => "a rate estimator",
            Self::RecentList => "a list of recently seen addresses",
            Self::User => "a user",
            Self::Group => "a group of users",
            Self::Device => "a network device",
            Self::Cgroup => "a control group",
            Self::PinnedProgram => "a pinned BPF program",
            Self::Timer => "an idle timer",
            Self::LedTrigger => "a LED trigger",
            Self::SecurityContext => "a security context of SELinux",
        }
    }
}

fn names(choices: &[Choice]) -> String {
    choices.iter().map(|choice| choice.name).collect::<Vec<_>>().join(", ")
}
