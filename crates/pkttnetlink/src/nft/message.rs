use std::fmt;

use nfnetlink::wire::{self, Attributes, DecodeError, EncodeError, NetfilterHeader, Writer};

use super::{Chain, Compat, Family, Flowtable, Generation, Object, Rule, Set, SetElements, Table, Trace};
use crate::RawAttribute;
use crate::codec::{Names, Nest, Printer};

/// `NFNL_SUBSYS_NFTABLES`.
const NFTABLES: u16 = 10 << 8;
/// `NFNL_SUBSYS_NFT_COMPAT`.
const NFT_COMPAT: u16 = 11 << 8;

/// One message of the nf_tables or nft_compat subsystem: what follows the netlink header.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Message<'a> {
    /// The family of what it is about.
    pub family: Family,
    /// The low 16 bits of the generation in dumps and events, 0 in requests.
    pub resource: u16,
    /// What it says.
    pub body: Body<'a>,
}

impl<'a> Message<'a> {
    /// A request about something of this family.
    #[must_use]
    pub const fn new(family: Family, body: Body<'a>) -> Self {
        Self { family, resource: 0, body }
    }

    /// Decodes a message; one of another subsystem is [`Body::Unknown`].
    pub fn decode(message: &wire::Message<'a>) -> Result<Self, DecodeError> {
        let (header, attributes) = message.netfilter()?;
        let body = Body::decode(message.header.kind, attributes)?;
        Ok(Self { family: Family(header.family), resource: header.resource, body })
    }

    /// Writes the message whole. The header's kind is taken from the body.
    pub fn encode(&self, header: &wire::Header, writer: &mut Writer) -> Result<(), EncodeError> {
        let mark = writer.begin_message(&wire::Header { kind: self.body.kind(), ..*header });
        self.encode_payload(writer);
        writer.finish_message(mark)
    }

    /// Writes what follows the netlink header.
    pub fn encode_payload(&self, writer: &mut Writer) {
        writer.netfilter_header(&NetfilterHeader::new(self.family.0, self.resource));
        self.body.encode(writer);
    }

    /// The readable form; `tail` ends its first line.
    pub(crate) fn show(&self, tail: &dyn fmt::Display, printer: &mut Printer<'_>) -> fmt::Result {
        let Self { family, resource, body } = self;
        let header = format_args!("family {family}, resource {resource}{tail}");
        match body.name() {
            None => printer.line(format_args!("message {:#06x}, {header}", body.kind()))?,
            Some(name) => printer.line(format_args!("{name}, {header}"))?,
        }
        printer.indented(|printer| body.show(printer))
    }

    /// The same message, independent of what it was decoded from.
    #[must_use]
    pub fn into_owned(self) -> Message<'static> {
        Message { family: self.family, resource: self.resource, body: self.body.into_owned() }
    }
}

impl fmt::Display for Message<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.show(&"", &mut Printer::new(f))
    }
}

/// A message that is not known here, kept as it is.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct UnknownBody<'a> {
    /// Subsystem and number.
    pub kind: u16,
    /// Its attributes.
    pub attributes: Vec<RawAttribute<'a>>,
}

macro_rules! messages {
    ($( $(#[$meta:meta])* $subsystem:ident $number:literal $variant:ident($type:ident) $constant:ident = $name:literal, )*) => {
        /// The kinds of messages as the netlink header has them: subsystem in the high byte, number in the low.
        pub mod kind {
            $(
                #[doc = concat!("`", $name, "`.")]
                pub const $constant: u16 = super::$subsystem | $number;
            )*

            /// The kernel's name for messages of this kind.
            #[must_use]
            pub const fn name(kind: u16) -> Option<&'static str> {
                match kind {
                    $( $constant => Some($name), )*
                    _ => None,
                }
            }
        }

        /// What a message says.
        #[derive(Clone, Debug, PartialEq, Eq, Hash)]
        pub enum Body<'a> {
            $(
                #[doc = concat!("`", $name, "`.")]
                $(#[$meta])*
                $variant($type<'a>),
            )*
            /// Any other.
            Unknown(UnknownBody<'a>),
        }

        impl<'a> Body<'a> {
            /// The number for the netlink header.
            #[must_use]
            pub const fn kind(&self) -> u16 {
                match self {
                    $( Self::$variant(_) => kind::$constant, )*
                    Self::Unknown(unknown) => unknown.kind,
                }
            }

            /// The kernel's name for the message.
            #[must_use]
            pub const fn name(&self) -> Option<&'static str> {
                kind::name(self.kind())
            }

            /// Decodes what follows the netfilter header of a message of this kind.
            pub fn decode(kind: u16, attributes: Attributes<'a>) -> Result<Self, DecodeError> {
                match kind {
                    $( kind::$constant => $type::decode(attributes).map(Self::$variant), )*
                    kind => attributes
                        .map(|attribute| attribute.map(|attribute| (&attribute).into()))
                        .collect::<Result<_, _>>()
                        .map(|attributes| Self::Unknown(UnknownBody { kind, attributes })),
                }
            }

            /// Writes what follows the netfilter header.
            pub fn encode(&self, writer: &mut Writer) {
                match self {
                    $( Self::$variant(body) => body.encode(writer), )*
                    Self::Unknown(body) => body.attributes.iter().for_each(|attribute| attribute.encode(writer)),
                }
            }

            /// The same content, independent of what it was decoded from.
            #[must_use]
            pub fn into_owned(self) -> Body<'static> {
                match self {
                    $( Self::$variant(body) => Body::$variant(body.into_owned()), )*
                    Self::Unknown(UnknownBody { kind, attributes }) => Body::Unknown(UnknownBody {
                        kind,
                        attributes: attributes.into_iter().map(RawAttribute::into_owned).collect(),
                    }),
                }
            }

            /// The names of the attributes of messages of this kind.
            pub(super) const fn attribute_names(kind: u16) -> Option<Names> {
                match kind {
                    $( kind::$constant => Some($type::NAMES), )*
                    _ => None,
                }
            }

            fn show(&self, printer: &mut Printer<'_>) -> fmt::Result {
                match self {
                    $( Self::$variant(body) => body.show_nest(printer), )*
                    Self::Unknown(body) => printer.unknown(&body.attributes),
                }
            }
        }

        #[cfg(test)]
        impl Body<'static> {
            /// A strategy for each kind of message, by name.
            pub(crate) fn samples() -> Vec<(&'static str, proptest::strategy::BoxedStrategy<Self>)> {
                use crate::codec::Sample;
                use proptest::strategy::Strategy;
                vec![$( ($name, $type::sample(0).prop_map(Body::$variant).boxed()), )*]
            }
        }
    };
}

messages! {
    NFTABLES 0 NewTable(Table) NEW_TABLE = "NFT_MSG_NEWTABLE",
    NFTABLES 1 GetTable(Table) GET_TABLE = "NFT_MSG_GETTABLE",
    NFTABLES 2 DeleteTable(Table) DELETE_TABLE = "NFT_MSG_DELTABLE",
    NFTABLES 3 NewChain(Chain) NEW_CHAIN = "NFT_MSG_NEWCHAIN",
    NFTABLES 4 GetChain(Chain) GET_CHAIN = "NFT_MSG_GETCHAIN",
    NFTABLES 5 DeleteChain(Chain) DELETE_CHAIN = "NFT_MSG_DELCHAIN",
    NFTABLES 6 NewRule(Rule) NEW_RULE = "NFT_MSG_NEWRULE",
    NFTABLES 7 GetRule(Rule) GET_RULE = "NFT_MSG_GETRULE",
    NFTABLES 8 DeleteRule(Rule) DELETE_RULE = "NFT_MSG_DELRULE",
    NFTABLES 9 NewSet(Set) NEW_SET = "NFT_MSG_NEWSET",
    NFTABLES 10 GetSet(Set) GET_SET = "NFT_MSG_GETSET",
    NFTABLES 11 DeleteSet(Set) DELETE_SET = "NFT_MSG_DELSET",
    NFTABLES 12 NewSetElements(SetElements) NEW_SET_ELEMENTS = "NFT_MSG_NEWSETELEM",
    NFTABLES 13 GetSetElements(SetElements) GET_SET_ELEMENTS = "NFT_MSG_GETSETELEM",
    NFTABLES 14 DeleteSetElements(SetElements) DELETE_SET_ELEMENTS = "NFT_MSG_DELSETELEM",
    NFTABLES 15 NewGeneration(Generation) NEW_GENERATION = "NFT_MSG_NEWGEN",
    NFTABLES 16 GetGeneration(Generation) GET_GENERATION = "NFT_MSG_GETGEN",
    NFTABLES 17 Trace(Trace) TRACE = "NFT_MSG_TRACE",
    NFTABLES 18 NewObject(Object) NEW_OBJECT = "NFT_MSG_NEWOBJ",
    NFTABLES 19 GetObject(Object) GET_OBJECT = "NFT_MSG_GETOBJ",
    NFTABLES 20 DeleteObject(Object) DELETE_OBJECT = "NFT_MSG_DELOBJ",
    /// Gets the object and sets it back to nothing counted.
    NFTABLES 21 GetObjectReset(Object) GET_OBJECT_RESET = "NFT_MSG_GETOBJ_RESET",
    NFTABLES 22 NewFlowtable(Flowtable) NEW_FLOWTABLE = "NFT_MSG_NEWFLOWTABLE",
    NFTABLES 23 GetFlowtable(Flowtable) GET_FLOWTABLE = "NFT_MSG_GETFLOWTABLE",
    NFTABLES 24 DeleteFlowtable(Flowtable) DELETE_FLOWTABLE = "NFT_MSG_DELFLOWTABLE",
    /// Gets the rules and sets their counters and quotas back.
    NFTABLES 25 GetRuleReset(Rule) GET_RULE_RESET = "NFT_MSG_GETRULE_RESET",
    /// Deletes it if it is there (Linux 6.3).
    NFTABLES 26 DestroyTable(Table) DESTROY_TABLE = "NFT_MSG_DESTROYTABLE",
    NFTABLES 27 DestroyChain(Chain) DESTROY_CHAIN = "NFT_MSG_DESTROYCHAIN",
    NFTABLES 28 DestroyRule(Rule) DESTROY_RULE = "NFT_MSG_DESTROYRULE",
    NFTABLES 29 DestroySet(Set) DESTROY_SET = "NFT_MSG_DESTROYSET",
    NFTABLES 30 DestroySetElements(SetElements) DESTROY_SET_ELEMENTS = "NFT_MSG_DESTROYSETELEM",
    NFTABLES 31 DestroyObject(Object) DESTROY_OBJECT = "NFT_MSG_DESTROYOBJ",
    NFTABLES 32 DestroyFlowtable(Flowtable) DESTROY_FLOWTABLE = "NFT_MSG_DESTROYFLOWTABLE",
    NFTABLES 33 GetSetElementsReset(SetElements) GET_SET_ELEMENTS_RESET = "NFT_MSG_GETSETELEM_RESET",
    NFT_COMPAT 0 CompatGet(Compat) COMPAT_GET = "NFNL_MSG_COMPAT_GET",
}
