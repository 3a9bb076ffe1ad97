use std::net::{Ipv4Addr, Ipv6Addr};

/// A condition, or with `!` its opposite.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Negatable<T> {
    /// What is compared with.
    pub value: T,
    /// Whether the condition holds for everything else instead.
    pub not: bool,
}

impl<T: Copy + Default + PartialEq> Negatable<T> {
    /// The value and whether it is negated; `None` if it is the default and so asks for nothing.
    #[must_use]
    pub fn given(self) -> Option<(T, bool)> {
        (self != Self::default()).then_some((self.value, self.not))
    }
}

impl<T> From<Negatable<T>> for (T, bool) {
    fn from(condition: Negatable<T>) -> Self {
        (condition.value, condition.not)
    }
}

/// The conditions that every rule can have without naming a match.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Header {
    /// `-s`
    pub source: Option<Negatable<AddressMask>>,
    /// `-d`
    pub destination: Option<Negatable<AddressMask>>,
    /// `-i`
    pub in_interface: Option<Negatable<InterfacePattern>>,
    /// `-o`
    pub out_interface: Option<Negatable<InterfacePattern>>,
    /// `-p`: the number of the transport protocol, never 0.
    pub protocol: Option<Negatable<u8>>,
    /// `-f`, only IPv4: second and further fragments.
    pub fragment: Option<Negatable<()>>,
}

/// An address and the bits of it that count; bits outside the mask are zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AddressMask {
    /// IPv4.
    V4 {
        /// The address.
        address: Ipv4Addr,
        /// The bits that count.
        mask: Ipv4Addr,
    },
    /// IPv6.
    V6 {
        /// The address.
        address: Ipv6Addr,
        /// The bits that count.
        mask: Ipv6Addr,
    },
}

/// An interface name, or the beginning of one.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct InterfacePattern {
    bytes: [u8; Self::MAX],
    len: u8,
    prefix: bool,
}

impl Header {
    /// Whether packets of this protocol, and no others, are meant.
    #[must_use]
    pub fn names_protocol(&self, number: u8) -> bool {
        self.protocol == Some(Negatable { value: number, not: false })
    }
}

impl InterfacePattern {
    /// The longest name that an interface can have (`IFNAMSIZ` less the NUL).
    pub const MAX: usize = 15;

    /// The interfaces called exactly `name`, or with `prefix` those whose names start so.
    ///
    /// `None` if the name is longer than an interface's can be, contains a NUL, or is empty and exact.
    #[must_use]
    pub fn new(name: &[u8], prefix: bool) -> Option<Self> {
        if name.contains(&0) || (name.is_empty() && !prefix) {
            return None;
        }
        let mut bytes = [0; Self::MAX];
        bytes.get_mut(..name.len())?.copy_from_slice(name);
        Some(Self { bytes, len: u8::try_from(name.len()).ok()?, prefix })
    }

    /// The name or its beginning, without `+`.
    #[must_use]
    pub fn name(&self) -> &[u8] {
        self.bytes.get(..usize::from(self.len)).unwrap_or_default()
    }

    /// Whether any name that starts so is meant.
    #[must_use]
    pub const fn is_prefix(&self) -> bool {
        self.prefix
    }
}

impl std::fmt::Debug for InterfacePattern {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}{}", self.name().escape_ascii(), if self.prefix { "+" } else { "" })
    }
}
