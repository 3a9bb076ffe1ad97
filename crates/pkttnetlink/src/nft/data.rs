use std::fmt;

use nfnetlink::wire::{Attribute, DecodeError, Writer};

use crate::codec::{Depth, Inside, Nest, Printer, Value, attributes, named};
use crate::{Bytes, Text};

named! {
    /// What becomes of a packet: a netfilter verdict (`NF_*`) or a movement within the ruleset (`NFT_*`).
    ///
    /// `NF_QUEUE` carries the queue's number in its upper 16 bits.
    pub struct VerdictCode(i32) {
        /// `NF_DROP`.
        DROP = 0,
        /// `NF_ACCEPT`.
        ACCEPT = 1,
        /// `NF_STOLEN`.
        STOLEN = 2,
        /// `NF_QUEUE`.
        QUEUE = 3,
        /// `NF_REPEAT`.
        REPEAT = 4,
        /// `NFT_CONTINUE`: on with the next rule.
        CONTINUE = -1,
        /// `NFT_BREAK`: this rule does not match.
        BREAK = -2,
        /// `NFT_JUMP`: into a chain, and back after it.
        JUMP = -3,
        /// `NFT_GOTO`: into a chain, not back.
        GOTO = -4,
        /// `NFT_RETURN`: back to where the chain was jumped from.
        RETURN = -5,
    }
}

attributes! {
    /// A verdict, with the chain it leads to.
    pub struct Verdict<'a> = "NFTA_VERDICT_" {
        /// What becomes of the packet.
        1 CODE => code: Option<VerdictCode>,
        /// The chain of a jump or goto.
        2 CHAIN => chain: Option<Text<'a>>,
        /// The same by the id given to it within the batch.
        3 CHAIN_ID => chain_id: Option<u32>,
    }
}

impl<'a> Verdict<'a> {
    /// A verdict that leads to no chain.
    #[must_use]
    pub const fn new(code: VerdictCode) -> Self {
        Self { code: Some(code), chain: None, chain_id: None, unknown: Vec::new() }
    }

    /// A jump or goto to this chain.
    #[must_use]
    pub const fn to_chain(code: VerdictCode, chain: Text<'a>) -> Self {
        Self { code: Some(code), chain: Some(chain), chain_id: None, unknown: Vec::new() }
    }
}

/// What a register holds or is compared with (`NFTA_DATA_*`).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Data<'a> {
    /// Plain bytes, at most 64 (`NFTA_DATA_VALUE`, 1).
    Value(Bytes<'a>),
    /// A verdict (`NFTA_DATA_VERDICT`, 2).
    Verdict(Verdict<'a>),
    /// Attributes that are neither, as they are.
    Other(Bytes<'a>),
}

const VALUE: u16 = 1;
const VERDICT: u16 = 2;

impl<'a> Data<'a> {
    /// Plain bytes, borrowed.
    #[must_use]
    pub fn value(bytes: &'a (impl AsRef<[u8]> + ?Sized)) -> Self {
        Self::Value(Bytes::new(bytes.as_ref()))
    }

    /// The plain bytes, if it is such.
    #[must_use]
    pub fn as_value(&self) -> Option<&[u8]> {
        match self {
            Self::Value(bytes) => Some(bytes),
            _ => None,
        }
    }

    /// The verdict, if it is one.
    #[must_use]
    pub const fn as_verdict(&self) -> Option<&Verdict<'a>> {
        match self {
            Self::Verdict(verdict) => Some(verdict),
            _ => None,
        }
    }
}

impl<'a> From<Verdict<'a>> for Data<'a> {
    fn from(verdict: Verdict<'a>) -> Self {
        Self::Verdict(verdict)
    }
}

impl<'a> Value<'a> for Data<'a> {
    type Owned = Data<'static>;
    const INSIDE: Inside = Inside::Attributes(&[
        (VALUE, "NFTA_DATA_VALUE", Inside::Nothing),
        (VERDICT, "NFTA_DATA_VERDICT", <Verdict<'a> as Value<'a>>::INSIDE),
    ]);

    #[inline]
    fn decode(attribute: &Attribute<'a>, _: &'static str, depth: Depth) -> Result<Self, DecodeError> {
        let mut inside = attribute.nested();
        match (inside.next().transpose()?, inside.next()) {
            (Some(value), None) if value.kind() == VALUE => Ok(Self::Value(Bytes::new(value.value))),
            (Some(verdict), None) if verdict.kind() == VERDICT => {
                Verdict::decode_nest(verdict.nested(), depth).map(Self::Verdict)
            }
            _ => Ok(Self::Other(Bytes::new(attribute.value))),
        }
    }

    #[inline]
    fn encode(&self, kind: u16, writer: &mut Writer) {
        let mark = writer.begin(kind);
        match self {
            Self::Value(bytes) => writer.put(VALUE, bytes),
            Self::Verdict(verdict) => Value::encode(verdict, VERDICT, writer),
            Self::Other(bytes) => writer.bytes(bytes),
        }
        writer.end(mark);
    }

    fn into_owned(self) -> Self::Owned {
        match self {
            Self::Value(bytes) => Data::Value(bytes.into_owned()),
            Self::Verdict(verdict) => Data::Verdict(verdict.into_owned()),
            Self::Other(bytes) => Data::Other(bytes.into_owned()),
        }
    }

    fn show(&self, name: &str, printer: &mut Printer<'_>) -> fmt::Result {
        match self {
            Self::Value(bytes) => printer.line(format_args!("{name} {bytes}")),
            Self::Verdict(verdict) => printer.nest(name, |printer| verdict.show_nest(printer)),
            Self::Other(bytes) => printer.line(format_args!("{name} (attributes) {bytes}")),
        }
    }
}

#[cfg(test)]
impl crate::codec::Sample for Data<'static> {
    fn sample(depth: u32) -> proptest::strategy::BoxedStrategy<Self> {
        use proptest::prelude::*;
        prop_oneof![
            Bytes::sample(depth).prop_map(Self::Value),
            Verdict::sample(depth).prop_map(Self::Verdict),
            Just(Self::Other(Vec::new().into())),
        ]
        .boxed()
    }
}
