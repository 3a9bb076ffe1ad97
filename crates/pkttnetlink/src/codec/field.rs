use std::fmt;

use nfnetlink::wire::{Attribute, Attributes, DecodeError, Problem, Writer};

use super::show::Printer;
use super::value::{Bytes, HostOrder, RawAttribute, Text};

/// The value of one attribute.
pub(crate) trait Value<'a>: Sized {
    type Owned;
    const INSIDE: Inside = Inside::Nothing;

    fn decode(attribute: &Attribute<'a>, what: &'static str, depth: Depth) -> Result<Self, DecodeError>;
    fn encode(&self, kind: u16, writer: &mut Writer);
    fn into_owned(self) -> Self::Owned;
    fn show(&self, name: &str, printer: &mut Printer<'_>) -> fmt::Result;
}

/// One field of a struct of attributes: an attribute that may be absent, or a list.
pub(crate) trait Field<'a>: Sized {
    type Owned;
    const INSIDE: Inside;

    /// Takes an attribute in. What this type cannot hold goes to `unknown`.
    fn decode(
        &mut self,
        attribute: &Attribute<'a>,
        what: &'static str,
        depth: Depth,
        unknown: &mut Vec<RawAttribute<'a>>,
    ) -> Result<(), DecodeError>;
    fn encode(&self, kind: u16, writer: &mut Writer);
    fn into_owned(self) -> Self::Owned;
    fn show(&self, name: &str, printer: &mut Printer<'_>) -> fmt::Result;
}

/// An element of a list: an attribute whose number belongs to the element.
pub(crate) trait Element<'a>: Sized {
    type Owned;
    /// What is inside the list.
    const INSIDE: Inside = Inside::Nothing;
    /// More than this in one list is an error.
    const MAX: usize;
    /// Whether the kernel sets `NLA_F_NESTED` on the list when it dumps it, as it does for few.
    const FLAGGED: bool = false;

    fn decode(attribute: &Attribute<'a>, what: &'static str, depth: Depth) -> Result<Self, DecodeError>;
    fn encode(&self, writer: &mut Writer);
    fn into_owned(self) -> Self::Owned;
    fn show(&self, printer: &mut Printer<'_>) -> fmt::Result;
}

/// The attributes of one struct, without an attribute around them.
pub(crate) trait Nest<'a>: Sized {
    const NAMES: Names;

    fn decode_nest(attributes: Attributes<'a>, depth: Depth) -> Result<Self, DecodeError>;
    fn encode_nest(&self, writer: &mut Writer);
    /// Whether this is of a type without attributes, for which the kernel has no nest either.
    fn is_absent(&self) -> bool;
    fn show_nest(&self, printer: &mut Printer<'_>) -> fmt::Result;
}

/// The attributes of a nest: number, name, what is inside.
pub(crate) type Names = &'static [(u16, &'static str, Inside)];

/// What attributes are inside an attribute.
#[derive(Clone, Copy)]
pub(crate) enum Inside {
    /// None, or nobody knows.
    Nothing,
    Attributes(Names),
    /// Name and data of an expression.
    Expression,
}

/// How many expressions the one being decoded lies in. Expressions are the only type that contains itself.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Depth(u8);

impl Depth {
    const MAX: u8 = 4;

    /// One expression further in.
    #[inline]
    pub(crate) const fn deeper(self, attribute: &Attribute<'_>) -> Result<Self, DecodeError> {
        if self.0 < Self::MAX {
            Ok(Self(self.0 + 1))
        } else {
            Err(attribute.error("expression", Problem::Depth))
        }
    }
}

/// `NFTA_LIST_ELEM`: the number of all elements of a list.
pub(crate) const LIST_ELEMENT: u16 = 1;

/// Checks that an attribute is an element of a list.
#[inline]
pub(crate) fn expect_list_element(attribute: &Attribute<'_>, what: &'static str) -> Result<(), DecodeError> {
    match attribute.kind() {
        LIST_ELEMENT => Ok(()),
        other => Err(attribute.error(what, Problem::Value(other.into()))),
    }
}

impl<'a, T: Value<'a>> Field<'a> for Option<T> {
    type Owned = Option<T::Owned>;
    const INSIDE: Inside = T::INSIDE;

    #[inline]
    fn decode(
        &mut self,
        attribute: &Attribute<'a>,
        what: &'static str,
        depth: Depth,
        _: &mut Vec<RawAttribute<'a>>,
    ) -> Result<(), DecodeError> {
        if self.is_some() {
            return Err(attribute.error(what, Problem::Duplicate));
        }
        *self = Some(T::decode(attribute, what, depth)?);
        Ok(())
    }

    #[inline]
    fn encode(&self, kind: u16, writer: &mut Writer) {
        if let Some(value) = self {
            value.encode(kind, writer);
        }
    }

    fn into_owned(self) -> Self::Owned {
        self.map(T::into_owned)
    }

    fn show(&self, name: &str, printer: &mut Printer<'_>) -> fmt::Result {
        self.as_ref().map_or(Ok(()), |value| value.show(name, printer))
    }
}

/// A list that is empty is not written. A dumped empty list is kept with the unknown attributes instead.
impl<'a, T: Element<'a>> Field<'a> for Vec<T> {
    type Owned = Vec<T::Owned>;
    const INSIDE: Inside = T::INSIDE;

    fn decode(
        &mut self,
        attribute: &Attribute<'a>,
        what: &'static str,
        depth: Depth,
        unknown: &mut Vec<RawAttribute<'a>>,
    ) -> Result<(), DecodeError> {
        if attribute.value.is_empty() {
            unknown.push(attribute.into());
            return Ok(());
        }
        if !self.is_empty() {
            return Err(attribute.error(what, Problem::Duplicate));
        }
        let count = attribute.nested().count();
        if count > T::MAX {
            return Err(attribute.error(what, Problem::Value(count as u64)));
        }
        self.reserve_exact(count);
        for element in attribute.nested() {
            self.push(T::decode(&element?, what, depth)?);
        }
        Ok(())
    }

    #[inline]
    fn encode(&self, kind: u16, writer: &mut Writer) {
        if !self.is_empty() {
            let mark = if T::FLAGGED { writer.begin_nest(kind) } else { writer.begin(kind) };
            self.iter().for_each(|element| element.encode(writer));
            writer.end(mark);
        }
    }

    fn into_owned(self) -> Self::Owned {
        self.into_iter().map(T::into_owned).collect()
    }

    fn show(&self, name: &str, printer: &mut Printer<'_>) -> fmt::Result {
        if self.is_empty() {
            return Ok(());
        }
        printer.nest(name, |printer| self.iter().try_for_each(|element| element.show(printer)))
    }
}

macro_rules! integers {
    ($($type:ty: $get:ident, $put:ident $(, $wire:ty)?;)*) => { $(
        impl<'a> Value<'a> for $type {
            type Owned = Self;

            #[inline]
            fn decode(attribute: &Attribute<'a>, what: &'static str, _: Depth) -> Result<Self, DecodeError> {
                let value = attribute.$get(what)?;
                $( let value = <$wire>::cast_signed(value); )?
                Ok(value)
            }

            #[inline]
            fn encode(&self, kind: u16, writer: &mut Writer) {
                let value = *self;
                $( let value: $wire = value.cast_unsigned(); )?
                writer.$put(kind, value);
            }

            fn into_owned(self) -> Self {
                self
            }

            fn show(&self, name: &str, printer: &mut Printer<'_>) -> fmt::Result {
                printer.line(format_args!("{name} {self}"))
            }
        }
    )* };
}

integers! {
    u8: u8, put_u8;
    u16: be_u16, put_be_u16;
    u32: be_u32, put_be_u32;
    u64: be_u64, put_be_u64;
    i32: be_u32, put_be_u32, u32;
}

impl<'a> Value<'a> for HostOrder {
    type Owned = Self;

    fn decode(attribute: &Attribute<'a>, what: &'static str, _: Depth) -> Result<Self, DecodeError> {
        attribute.array(what).map(u32::from_ne_bytes).map(Self)
    }

    fn encode(&self, kind: u16, writer: &mut Writer) {
        writer.put(kind, &self.0.to_ne_bytes());
    }

    fn into_owned(self) -> Self {
        self
    }

    fn show(&self, name: &str, printer: &mut Printer<'_>) -> fmt::Result {
        printer.line(format_args!("{name} {}", self.0))
    }
}

impl<'a> Value<'a> for Text<'a> {
    type Owned = Text<'static>;

    #[inline]
    fn decode(attribute: &Attribute<'a>, what: &'static str, _: Depth) -> Result<Self, DecodeError> {
        attribute.string(what).map(Self::checked)
    }

    #[inline]
    fn encode(&self, kind: u16, writer: &mut Writer) {
        writer.put_string(kind, self.as_bytes());
    }

    fn into_owned(self) -> Self::Owned {
        self.into_owned()
    }

    fn show(&self, name: &str, printer: &mut Printer<'_>) -> fmt::Result {
        printer.line(format_args!("{name} {self:?}"))
    }
}

impl<'a> Value<'a> for Bytes<'a> {
    type Owned = Bytes<'static>;

    #[inline]
    fn decode(attribute: &Attribute<'a>, _: &'static str, _: Depth) -> Result<Self, DecodeError> {
        Ok(Self::new(attribute.value))
    }

    #[inline]
    fn encode(&self, kind: u16, writer: &mut Writer) {
        writer.put(kind, self);
    }

    fn into_owned(self) -> Self::Owned {
        self.into_owned()
    }

    fn show(&self, name: &str, printer: &mut Printer<'_>) -> fmt::Result {
        printer.line(format_args!("{name} {self}"))
    }
}
