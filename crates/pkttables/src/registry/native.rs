use super::extension::RuleScope;
use crate::nft::template;
use nfnetlink::wire::Writer;
use pkttnetlink::nft::expr::{CmpOp, Expression, Immediate, Meta, MetaKey, PayloadBase, Range, RangeOp};
use pkttnetlink::nft::{Data, Register};

/// What a native condition looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Load {
    /// Bytes of the packet.
    Payload {
        /// Where the offset counts from.
        base: PayloadBase,
        /// The first byte.
        offset: u32,
        /// How many bytes.
        len: u32,
    },
    /// What is known of the packet besides.
    Meta(MetaKey),
}

/// How a native condition compares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Test<'a> {
    /// With one value.
    Compare(CmpOp, &'a [u8]),
    /// With all values between two, both included.
    Range {
        /// Whether every value outside is meant instead.
        not: bool,
        /// The first value.
        from: &'a [u8],
        /// The last value.
        to: &'a [u8],
    },
}

/// A load, perhaps a mask, and a comparison: the form of most native conditions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Condition<'a> {
    /// What is looked at.
    pub load: Load,
    /// The bits that count, if not all do.
    pub mask: Option<&'a [u8]>,
    /// What it must be.
    pub test: Test<'a>,
}

/// A part of a rule that is not an nft_compat expression.
#[derive(Clone, Copy, Debug)]
pub enum Native<'a> {
    /// A condition.
    Condition(Condition<'a>),
    /// A value that is set, such as the packet mark.
    SetMeta(MetaKey, &'a [u8]),
    /// An expression that stands alone, such as `limit` or `log`.
    Expression(&'a Expression<'a>),
}

/// What an extension makes of a native part.
#[derive(Debug)]
pub enum Recognised<T> {
    /// It is not this extension's.
    No,
    /// It was added to the previous match.
    Merged,
    /// It is this.
    New(T),
}

/// How an extension reads its native form. The last argument is the rule's previous match, if that is of the
/// same extension and was native too.
pub type FromNative<T> = fn(&Native<'_>, &RuleScope<'_>, Option<&mut T>) -> Recognised<T>;

/// Writes the native form of an extension: expressions of a rule, through register 1.
#[derive(Debug)]
pub struct NativeWriter<'a>(&'a mut Writer);

impl<'a> NativeWriter<'a> {
    /// Appends to the list of expressions that is open in `writer`.
    pub const fn new(writer: &'a mut Writer) -> Self {
        Self(writer)
    }

    /// Writes a condition.
    pub fn condition(&mut self, condition: &Condition<'_>) {
        if let (Load::Payload { base, offset, len }, None, Test::Compare(op, value)) =
            (condition.load, condition.mask, condition.test)
        {
            return template::payload_cmp((base, offset, len), op, value, self.0);
        }
        self.load(condition.load);
        if let Some(mask) = condition.mask {
            template::mask(mask, self.0);
        }
        match condition.test {
            Test::Compare(op, value) => template::cmp(op, value, self.0),
            Test::Range { not, from, to } => {
                let op = Some(if not { RangeOp::NEQ } else { RangeOp::EQ });
                let (from, to) = (Some(Data::value(from)), Some(Data::value(to)));
                Range { sreg: Some(Register::R1), op, from, to, ..Range::default() }.encode_element(self.0);
            }
        }
    }

    /// Writes what sets a value.
    pub fn set_meta(&mut self, key: MetaKey, value: &[u8]) {
        let register = Some(Register::R1);
        let data = Some(Data::value(value));
        Immediate { dreg: register, data, ..Immediate::default() }.encode_element(self.0);
        Meta { key: Some(key), sreg: register, ..Meta::default() }.encode_element(self.0);
    }

    /// Writes an expression as it is.
    pub fn expression(&mut self, expression: &Expression<'_>) {
        expression.encode_element(self.0);
    }

    fn load(&mut self, load: Load) {
        match load {
            Load::Payload { base, offset, len } => template::payload(base, offset, len, self.0),
            Load::Meta(key) => template::meta(key, self.0),
        }
    }
}
