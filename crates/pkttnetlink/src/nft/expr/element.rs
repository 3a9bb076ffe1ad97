use std::fmt;

use nfnetlink::wire::{Attribute, Attributes, DecodeError, Reader, Writer};

use super::*;
use crate::codec::{
    Depth, Element, Inside, LIST_ELEMENT, Names, Nest, Printer, Value, attributes, expect_list_element,
};
use crate::{Bytes, Text};

/// `NFTA_EXPR_NAME`.
const NAME: u16 = 1;
/// `NFTA_EXPR_DATA`.
const DATA: u16 = 2;

attributes! {
    /// An expression that is not known here, kept as it is.
    pub struct UnknownExpression<'a> = "NFTA_EXPR_" {
        /// Its name.
        1 NAME => name: Option<Text<'a>>,
        /// Its attributes.
        2 DATA => data: Option<Bytes<'a>>,
    }
}

/// The type of a variant's field.
macro_rules! held {
    ($type:ident) => { $type<'a> };
    ($type:ident $box:ident) => { $box<$type<'a>> };
}

/// Makes the enum over all expressions from the table of their names. The large and rare ones are boxed, so that
/// the others take less room in a list.
macro_rules! expressions {
    ($( $name:literal $variant:ident($type:ident $(in $box:ident)?), )*) => {
        /// One expression of a rule, dynamic set or set element.
        #[derive(Clone, Debug, PartialEq, Eq, Hash)]
        pub enum Expression<'a> {
            $(
                #[doc = concat!("`", $name, "`.")]
                $variant(held!($type $($box)?)),
            )*
            /// Any other.
            Unknown(UnknownExpression<'a>),
        }

        $(
            impl<'a> From<$type<'a>> for Expression<'a> {
                fn from(expression: $type<'a>) -> Self {
                    Self::$variant($($box::new)?(expression))
                }
            }

            impl $type<'_> {
                /// The name that the kernel knows the expression by.
                pub const NAME: &'static str = $name;
                const NAME_BYTES: &'static [u8] = $name.as_bytes();

                /// Writes the expression as an element of a list: name and attributes in an `NFTA_LIST_ELEM`.
                #[inline]
                pub fn encode_element(&self, writer: &mut Writer) {
                    let mark = writer.begin(LIST_ELEMENT);
                    encode(Self::NAME, self, writer);
                    writer.end(mark);
                }
            }
        )*

        impl<'a> Expression<'a> {
            /// The name that the kernel knows it by.
            #[must_use]
            pub fn name(&self) -> Text<'_> {
                match self {
                    $( Self::$variant(_) => Text::new($name.as_bytes()), )*
                    Self::Unknown(unknown) => unknown.name.clone().unwrap_or_default(),
                }
            }

            /// The same expression, independent of what it was decoded from.
            #[must_use]
            pub fn into_owned(self) -> Expression<'static> {
                match self {
                    $( Self::$variant(expression) => expression.into_owned().into(), )*
                    Self::Unknown(unknown) => Expression::Unknown(unknown.into_owned()),
                }
            }

            #[inline]
            fn decode_named(
                name: &[u8],
                data: Attributes<'a>,
                depth: Depth,
            ) -> Option<Result<Self, DecodeError>> {
                Some(match name {
                    $( $type::NAME_BYTES => $type::decode_nest(data, depth).map(Self::from), )*
                    _ => return None,
                })
            }

            #[inline]
            fn encode_content(&self, writer: &mut Writer) {
                match self {
                    $( Self::$variant(expression) => encode::<$type<'_>>($name, expression, writer), )*
                    Self::Unknown(unknown) => unknown.encode_nest(writer),
                }
            }

            fn show_content(&self, printer: &mut Printer<'_>) -> fmt::Result {
                match self {
                    $( Self::$variant(expression) => {
                        printer.nest($name, |printer| expression.show_nest(printer))
                    } )*
                    Self::Unknown(unknown) => printer.nest("(unknown)", |printer| unknown.show_nest(printer)),
                }
            }
        }

        /// The attributes of the expression of this name.
        fn data_names(name: &[u8]) -> Option<Names> {
            Some(match name {
                $( $type::NAME_BYTES => $type::NAMES, )*
                _ => return None,
            })
        }

        #[cfg(test)]
        impl Expression<'static> {
            /// A strategy for each expression, by name.
            pub(crate) fn samples(depth: u32) -> Vec<(&'static str, proptest::strategy::BoxedStrategy<Self>)> {
                use crate::codec::Sample;
                use proptest::strategy::Strategy;
                vec![
                    $( ($name, $type::sample(depth).prop_map(Expression::from).boxed()), )*
                    ("(unknown)", samples::unknown(depth)),
                ]
            }
        }
    };
}

expressions! {
    "payload" Payload(Payload),
    "cmp" Cmp(Cmp),
    "meta" Meta(Meta),
    "bitwise" Bitwise(Bitwise in Box),
    "counter" Counter(Counter),
    "immediate" Immediate(Immediate),
    "match" Match(Match),
    "target" Target(Target),
    "lookup" Lookup(Lookup),
    "range" Range(Range in Box),
    "limit" Limit(Limit),
    "log" Log(Log),
    "nat" Nat(Nat),
    "masq" Masquerade(Masquerade),
    "redir" Redirect(Redirect),
    "reject" Reject(Reject),
    "ct" Ct(Ct),
    "fib" Fib(Fib),
    "socket" Socket(Socket),
    "rt" Rt(Rt),
    "exthdr" Exthdr(Exthdr),
    "quota" Quota(Quota),
    "numgen" Numgen(Numgen),
    "hash" Hash(Hash in Box),
    "objref" Objref(Objref),
    "dynset" Dynset(Dynset in Box),
    "queue" Queue(Queue),
    "dup" Dup(Dup),
    "fwd" Fwd(Fwd),
    "notrack" Notrack(Notrack),
    "last" Last(Last),
    "connlimit" Connlimit(Connlimit),
    "byteorder" Byteorder(Byteorder),
    "tproxy" Tproxy(Tproxy),
    "synproxy" Synproxy(Synproxy),
    "osf" Osf(Osf),
    "xfrm" Xfrm(Xfrm),
    "tunnel" Tunnel(Tunnel),
    "flow_offload" FlowOffload(FlowOffload),
    "inner" Inner(Inner),
}

impl<'a> Expression<'a> {
    /// Writes the expression as an element of a list: name and attributes in an `NFTA_LIST_ELEM`.
    #[inline]
    pub fn encode_element(&self, writer: &mut Writer) {
        let mark = writer.begin(LIST_ELEMENT);
        self.encode_content(writer);
        writer.end(mark);
    }

    #[inline]
    fn decode_content(attribute: &Attribute<'a>, depth: Depth) -> Result<Self, DecodeError> {
        let depth = depth.deeper(attribute)?;
        let mut inside = attribute.nested();
        if let (Some(Ok(name)), data, None) = (inside.next(), inside.next().transpose()?, inside.next())
            && name.kind() == NAME
            && data.is_none_or(|data| data.kind() == DATA)
            && let data = data.map_or(Attributes::new(Reader::new(&[])), |data| data.nested())
            && let Some(expression) = Self::decode_named(name.string("NFTA_EXPR_NAME")?, data, depth)
        {
            return expression;
        }
        UnknownExpression::decode_nest(attribute.nested(), depth).map(Self::Unknown)
    }
}

/// The name of an expression, given the attributes it is made of, and the names of those attributes.
pub(in crate::nft) fn describe<'a>(
    mut attributes: Attributes<'a>,
) -> (Text<'a>, [(u16, &'static str, Inside); 2]) {
    let name = attributes
        .find_map(|attribute| attribute.ok().filter(|attribute| attribute.kind() == NAME))
        .and_then(|attribute| attribute.string("NFTA_EXPR_NAME").ok())
        .unwrap_or_default();
    let data = data_names(name).map_or(Inside::Nothing, Inside::Attributes);
    (Text::checked(name), [(NAME, "NFTA_EXPR_NAME", Inside::Nothing), (DATA, "NFTA_EXPR_DATA", data)])
}

#[inline]
fn encode<'a, N: Nest<'a>>(name: &str, expression: &N, writer: &mut Writer) {
    writer.put_string(NAME, name.as_bytes());
    if !expression.is_absent() {
        let mark = writer.begin(DATA);
        expression.encode_nest(writer);
        writer.end(mark);
    }
}

/// In a list (`NFTA_RULE_EXPRESSIONS` and the like).
impl<'a> Element<'a> for Expression<'a> {
    type Owned = Expression<'static>;
    const INSIDE: Inside = Inside::Attributes(&[(LIST_ELEMENT, "NFTA_LIST_ELEM", Inside::Expression)]);
    /// `NFT_RULE_MAXEXPRS`.
    const MAX: usize = 128;

    #[inline]
    fn decode(attribute: &Attribute<'a>, what: &'static str, depth: Depth) -> Result<Self, DecodeError> {
        expect_list_element(attribute, what)?;
        Self::decode_content(attribute, depth)
    }

    #[inline]
    fn encode(&self, writer: &mut Writer) {
        self.encode_element(writer);
    }

    fn into_owned(self) -> Self::Owned {
        self.into_owned()
    }

    fn show(&self, printer: &mut Printer<'_>) -> fmt::Result {
        self.show_content(printer)
    }
}

/// Alone in an attribute (`NFTA_DYNSET_EXPR` and the like).
impl<'a> Value<'a> for Box<Expression<'a>> {
    type Owned = Box<Expression<'static>>;
    const INSIDE: Inside = Inside::Expression;

    fn decode(attribute: &Attribute<'a>, _: &'static str, depth: Depth) -> Result<Self, DecodeError> {
        Expression::decode_content(attribute, depth).map(Box::new)
    }

    fn encode(&self, kind: u16, writer: &mut Writer) {
        let mark = writer.begin(kind);
        self.encode_content(writer);
        writer.end(mark);
    }

    fn into_owned(self) -> Self::Owned {
        Box::new((*self).into_owned())
    }

    fn show(&self, name: &str, printer: &mut Printer<'_>) -> fmt::Result {
        printer.nest(name, |printer| self.show_content(printer))
    }
}

impl fmt::Display for Expression<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.show_content(&mut Printer::new(f))
    }
}

#[cfg(test)]
mod samples {
    use proptest::prelude::*;
    use proptest::strategy::Union;

    use super::Expression;
    use crate::codec::Sample;

    /// Expressions with names that are not known.
    pub(super) fn unknown(depth: u32) -> BoxedStrategy<Expression<'static>> {
        let unknown = super::UnknownExpression::sample(depth).prop_map(|mut unknown| {
            unknown.name = unknown.name.filter(|name| super::data_names(name.as_bytes()).is_none());
            Expression::Unknown(unknown)
        });
        unknown.boxed()
    }

    impl Sample for Expression<'static> {
        fn sample(depth: u32) -> BoxedStrategy<Self> {
            if depth >= 2 {
                return super::Counter::sample(depth).prop_map(Self::Counter).boxed();
            }
            Union::new(Self::samples(depth + 1).into_iter().map(|(_, strategy)| strategy)).boxed()
        }
    }

    impl Sample for Box<Expression<'static>> {
        fn sample(depth: u32) -> BoxedStrategy<Self> {
            Expression::sample(depth).prop_map(Box::new).boxed()
        }
    }
}
