use std::fmt;

use nfnetlink::wire::{Attribute, Attributes, DecodeError, Writer};

use super::expr::{Connlimit, Counter, Limit, Quota, Synproxy};
use crate::codec::{Depth, Element, HostOrder, Nest, Printer, Value, attributes, named};
use crate::{Bytes, Text};

named! {
    /// What a named object is.
    pub struct ObjectType(u32) = "NFT_OBJECT_" {
        UNSPEC = 0,
        COUNTER = 1,
        QUOTA = 2,
        CT_HELPER = 3,
        LIMIT = 4,
        CONNLIMIT = 5,
        TUNNEL = 6,
        CT_TIMEOUT = 7,
        SECMARK = 8,
        CT_EXPECT = 9,
        SYNPROXY = 10,
    }
}

attributes! {
    /// A connection tracking helper to be assigned.
    pub struct CtHelper<'a> = "NFTA_CT_HELPER_" {
        /// The helper's name.
        1 NAME => name: Option<Text<'a>>,
        /// The layer 4 protocol.
        3 L4PROTO => l4_protocol: Option<u8>,
        /// The family (`NFPROTO_*`).
        2 L3PROTO => l3_protocol: Option<u16>,
    }
}

attributes! {
    /// Connection tracking timeouts to be assigned.
    pub struct CtTimeout<'a> = "NFTA_CT_TIMEOUT_" {
        /// The layer 4 protocol.
        2 L4PROTO => l4_protocol: Option<u8>,
        /// The family (`NFPROTO_*`).
        1 L3PROTO => l3_protocol: Option<u16>,
        /// The timeouts.
        3 DATA => timeouts: Vec<Timeout>,
    }
}

/// How long a connection stays in a state without packets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Timeout {
    /// The state; the numbers depend on the protocol (`CTA_TIMEOUT_*`, `linux/netfilter/nfnetlink_cttimeout.h`).
    pub state: u16,
    /// For how long.
    pub seconds: u32,
}

impl<'a> Element<'a> for Timeout {
    type Owned = Self;
    const MAX: usize = 64;
    const FLAGGED: bool = true;

    fn decode(attribute: &Attribute<'a>, what: &'static str, _: Depth) -> Result<Self, DecodeError> {
        Ok(Self { state: attribute.kind(), seconds: attribute.be_u32(what)? })
    }

    fn encode(&self, writer: &mut Writer) {
        writer.put_be_u32(self.state, self.seconds);
    }

    fn into_owned(self) -> Self {
        self
    }

    fn show(&self, printer: &mut Printer<'_>) -> fmt::Result {
        printer.line(format_args!("state {}: {} s", self.state, self.seconds))
    }
}

#[cfg(test)]
impl crate::codec::Sample for Timeout {
    fn sample(_: u32) -> proptest::strategy::BoxedStrategy<Self> {
        use proptest::prelude::*;
        (0u16..20, any::<u32>()).prop_map(|(state, seconds)| Self { state, seconds }).boxed()
    }
}

attributes! {
    /// A security mark to be assigned.
    pub struct Secmark<'a> = "NFTA_SECMARK_" {
        /// The security context.
        1 CTX => context: Option<Text<'a>>,
    }
}

attributes! {
    /// An expectation of a connection to come.
    pub struct CtExpect<'a> = "NFTA_CT_EXPECT_" {
        /// The family (`NFPROTO_*`).
        1 L3PROTO => l3_protocol: Option<u16>,
        /// The layer 4 protocol.
        2 L4PROTO => l4_protocol: Option<u8>,
        /// The port it will come to.
        3 DPORT => port: Option<u16>,
        /// For how many milliseconds it is expected; this one is in host byte order.
        4 TIMEOUT => timeout: Option<HostOrder>,
        /// How many may be expected.
        5 SIZE => size: Option<u8>,
    }
}

attributes! {
    /// A named object that rules and set elements refer to.
    pub struct Object<'a> = "NFTA_OBJ_" {
        /// The table it is in.
        1 TABLE => table: Option<Text<'a>>,
        /// Its name, unique in the table for its type.
        2 NAME => name: Option<Text<'a>>,
        /// What it is.
        3 TYPE => object_type: Option<ObjectType>,
        /// The number that the kernel gave it.
        6 HANDLE => handle: Option<u64>,
        /// How many refer to it.
        5 USE => use_count: Option<u32>,
        /// Its state and parameters.
        4 DATA => data: Option<ObjectData<'a>>,
        /// What programs keep with it (see [`UserData`](super::UserData)).
        8 USERDATA => user_data: Option<Bytes<'a>>,
    }
    after decoding resolve_data, after sampling agree
}

impl<'a> Object<'a> {
    /// Gives the data their form, once the type is known.
    fn resolve_data(&mut self, mut attributes: Attributes<'a>) -> Result<(), DecodeError> {
        if let (Some(object_type), Some(data)) = (self.object_type, &mut self.data)
            && let Some(Ok(attribute)) =
                attributes.find(|attribute| attribute.is_ok_and(|it| it.kind() == DATA))
            && let Some(decoded) = ObjectData::decode(object_type, attribute.nested())?
        {
            *data = decoded;
        }
        Ok(())
    }

    #[cfg(test)]
    fn agree(&mut self) {
        self.object_type = self.data.as_ref().and_then(ObjectData::object_type);
    }
}

/// `NFTA_OBJ_DATA`.
const DATA: u16 = 4;

/// Makes the enum over the contents of objects.
macro_rules! object_data {
    ($( $constant:ident $variant:ident($type:ident), )*) => {
        /// What an object holds. Which form it has is told by the object's type.
        #[derive(Clone, Debug, PartialEq, Eq, Hash)]
        pub enum ObjectData<'a> {
            $(
                #[doc = concat!("For [`ObjectType::", stringify!($constant), "`].")]
                $variant($type<'a>),
            )*
            /// For any other type, or none: attributes as they are.
            Other(Bytes<'a>),
        }

        impl<'a> ObjectData<'a> {
            /// Decodes what an object of this type holds.
            pub fn decode(object_type: ObjectType, attributes: Attributes<'a>) -> Result<Option<Self>, DecodeError> {
                Ok(match object_type {
                    $( ObjectType::$constant => Some(Self::$variant($type::decode(attributes)?)), )*
                    _ => None,
                })
            }

            /// The type of object that holds this.
            #[must_use]
            pub const fn object_type(&self) -> Option<ObjectType> {
                match self {
                    $( Self::$variant(_) => Some(ObjectType::$constant), )*
                    Self::Other(_) => None,
                }
            }
        }

        $(
            impl<'a> From<$type<'a>> for ObjectData<'a> {
                fn from(data: $type<'a>) -> Self {
                    Self::$variant(data)
                }
            }
        )*

        impl<'a> Value<'a> for ObjectData<'a> {
            type Owned = ObjectData<'static>;

            fn decode(attribute: &Attribute<'a>, _: &'static str, _: Depth) -> Result<Self, DecodeError> {
                Ok(Self::Other(Bytes::new(attribute.value)))
            }

            fn encode(&self, kind: u16, writer: &mut Writer) {
                match self {
                    $( Self::$variant(data) => Value::encode(data, kind, writer), )*
                    Self::Other(bytes) => writer.put(kind, bytes),
                }
            }

            fn into_owned(self) -> Self::Owned {
                match self {
                    $( Self::$variant(data) => ObjectData::$variant(data.into_owned()), )*
                    Self::Other(bytes) => ObjectData::Other(bytes.into_owned()),
                }
            }

            fn show(&self, name: &str, printer: &mut Printer<'_>) -> fmt::Result {
                match self {
                    $( Self::$variant(data) => printer.nest(name, |printer| data.show_nest(printer)), )*
                    Self::Other(bytes) => bytes.show(name, printer),
                }
            }
        }

        #[cfg(test)]
        impl crate::codec::Sample for ObjectData<'static> {
            fn sample(depth: u32) -> proptest::strategy::BoxedStrategy<Self> {
                use proptest::prelude::*;
                proptest::strategy::Union::new([
                    Bytes::sample(depth).prop_map(Self::Other).boxed(),
                    $( $type::sample(depth).prop_map(Self::$variant).boxed(), )*
                ])
                .boxed()
            }
        }
    };
}

object_data! {
    COUNTER Counter(Counter),
    QUOTA Quota(Quota),
    CT_HELPER CtHelper(CtHelper),
    LIMIT Limit(Limit),
    CONNLIMIT Connlimit(Connlimit),
    CT_TIMEOUT CtTimeout(CtTimeout),
    SECMARK Secmark(Secmark),
    CT_EXPECT CtExpect(CtExpect),
    SYNPROXY Synproxy(Synproxy),
}
