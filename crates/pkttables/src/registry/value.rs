use super::domain::Domain;
use crate::model::{Family, Negatable};

/// What a value's text depends on besides itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scope {
    /// The rule's family.
    pub family: Family,
    /// The protocol that the rule names.
    pub protocol: Option<Negatable<u8>>,
}

/// A type that a parameter's value can have.
pub trait Value: Sized {
    /// What it accepts.
    const DOMAIN: Domain;
    /// How many words it takes; several are joined by a space before they are parsed.
    const WORDS: usize = 1;

    /// Reads it from text.
    fn parse(text: &str, scope: &Scope) -> Result<Self, ValueError>;

    /// Writes it as it stands in a saved rule, quoted if need be.
    fn write(&self, out: &mut String, scope: &Scope);
}

/// A value that can write itself, whatever its type.
pub trait WriteValue {
    /// Writes it as it stands in a saved rule.
    fn write_value(&self, out: &mut String, scope: &Scope);
    /// What the type accepts.
    fn domain(&self) -> Domain;
}

impl<T: Value> WriteValue for T {
    fn write_value(&self, out: &mut String, scope: &Scope) {
        self.write(out, scope);
    }
    fn domain(&self) -> Domain {
        T::DOMAIN
    }
}

/// Takes an extension's parameters one after another: a printer, or a collector.
pub trait Sink {
    /// One parameter that the rule gives.
    fn param(&mut self, name: &'static str, not: bool, value: &dyn WriteValue);
}

/// Why a value is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ValueError {
    /// It is not of the form that the domain describes.
    #[error("not a value of the expected form")]
    Form,
    /// A number beyond the limits.
    #[error("out of range ({min}-{max})")]
    OutOfRange {
        /// The smallest that is accepted.
        min: u64,
        /// The largest.
        max: u64,
    },
    /// Longer than there is room for.
    #[error("too long (at most {max} bytes)")]
    TooLong {
        /// The most bytes.
        max: usize,
    },
    /// More items than there is room for.
    #[error("too many values (at most {max})")]
    TooMany {
        /// The most items.
        max: usize,
    },
    /// The ends of a range in the wrong order.
    #[error("the range ends before it begins")]
    Reversed,
    /// A name that nothing has.
    #[error("unknown name")]
    UnknownName,
    /// Another reason, in words.
    #[error("{0}")]
    Because(&'static str),
    /// Something that iptables leaves to the kernel to refuse.
    #[error(transparent)]
    ByKernel(Box<Self>),
}

impl ValueError {
    /// The same, where iptables leaves it to the kernel to refuse it.
    #[must_use]
    pub fn by_kernel(self) -> Self {
        Self::ByKernel(Box::new(self))
    }

    /// Whether iptables leaves it to the kernel to refuse it.
    #[must_use]
    pub const fn is_by_kernel(&self) -> bool {
        matches!(self, Self::ByKernel(_))
    }
}

/// The value of an option that takes none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Flag;

impl Value for Flag {
    const DOMAIN: Domain = Domain::Nothing;
    const WORDS: usize = 0;

    fn parse(_: &str, _: &Scope) -> Result<Self, ValueError> {
        Ok(Self)
    }
    fn write(&self, _: &mut String, _: &Scope) {}
}

/// What a parameter's `set` may return: nothing, or whether it worked.
pub trait SetResult {
    /// As a result.
    fn into_result(self) -> Result<(), ValueError>;
}

impl SetResult for () {
    fn into_result(self) -> Result<(), ValueError> {
        Ok(())
    }
}

impl SetResult for Result<(), ValueError> {
    fn into_result(self) -> Result<(), ValueError> {
        self
    }
}
