//! The traits of netlink-packet-core on the public types, by delegating to their own codec.

use netlink_packet_core::{NetlinkDeserializable, NetlinkHeader, NetlinkPayload, NetlinkSerializable};
use nfnetlink::wire::{DecodeError, Flags, Header, Message as WireMessage, Reader, Writer};

use crate::nft::Message;

impl NetlinkSerializable for Message<'_> {
    fn message_type(&self) -> u16 {
        self.body.kind()
    }

    fn buffer_len(&self) -> usize {
        encoded(|writer| self.encode_payload(writer)).len()
    }

    fn serialize(&self, buffer: &mut [u8]) {
        copy(&encoded(|writer| self.encode_payload(writer)), buffer);
    }
}

impl NetlinkDeserializable for Message<'static> {
    type Error = DecodeError;

    fn deserialize(header: &NetlinkHeader, payload: &[u8]) -> Result<Self, DecodeError> {
        let header = Header {
            kind: header.message_type,
            flags: Flags(header.flags),
            sequence: header.sequence_number,
            port: header.port_number,
        };
        let message = WireMessage { header, payload: Reader::new(payload), offset: 0 };
        Message::decode(&message).map(Message::into_owned)
    }
}

impl<'a> From<Message<'a>> for NetlinkPayload<Message<'a>> {
    fn from(message: Message<'a>) -> Self {
        Self::InnerMessage(message)
    }
}

/// The bytes that `encode` writes; none when they exceed what netlink can carry.
pub(crate) fn encoded(encode: impl FnOnce(&mut Writer)) -> Vec<u8> {
    let mut writer = Writer::new();
    encode(&mut writer);
    writer.into_bytes().unwrap_or_default()
}

/// Copies as much of `from` as `to` has room for.
pub(crate) fn copy(from: &[u8], to: &mut [u8]) {
    to.iter_mut().zip(from).for_each(|(to, from)| *to = *from);
}

/// Implements `Emitable` and `Parseable` for a struct of attributes.
macro_rules! attributes {
    ($name:ident) => {
        /// Encodes twice, once for the length; an attribute that is too long for netlink leaves nothing.
        impl netlink_packet_core::Emitable for $name<'_> {
            fn buffer_len(&self) -> usize {
                $crate::interop::encoded(|writer| self.encode(writer)).len()
            }

            fn emit(&self, buffer: &mut [u8]) {
                $crate::interop::copy(&$crate::interop::encoded(|writer| self.encode(writer)), buffer);
            }
        }

        impl netlink_packet_core::Parseable<[u8]> for $name<'static> {
            fn parse(bytes: &[u8]) -> Result<Self, netlink_packet_core::DecodeError> {
                let attributes = nfnetlink::wire::Attributes::new(nfnetlink::wire::Reader::new(bytes));
                $name::decode(attributes)
                    .map($name::into_owned)
                    .map_err(|error| netlink_packet_core::DecodeError::from(error.to_string()))
            }
        }
    };
}

pub(crate) use attributes;

#[cfg(test)]
mod tests {
    use netlink_packet_core::{Emitable, NetlinkMessage, Parseable};

    use super::*;
    use crate::nft::{Body, Family, Table, TableFlags};

    fn table() -> Table<'static> {
        Table { name: Some("filter".into()), flags: Some(TableFlags::DORMANT), ..Table::default() }
    }

    #[test]
    fn message_crosses_netlink_packet_core() {
        let message = Message::new(Family::IPV4, Body::NewTable(table()));
        let mut packet = NetlinkMessage::new(NetlinkHeader::default(), message.clone().into());
        packet.finalize();
        let mut bytes = vec![0; packet.buffer_len()];
        packet.serialize(&mut bytes);

        let mut writer = Writer::new();
        let header = Header { flags: Flags(packet.header.flags), ..Header::default() };
        message.encode(&header, &mut writer).unwrap();
        assert_eq!(bytes, writer.as_bytes());

        let again = NetlinkMessage::<Message<'static>>::deserialize(&bytes).unwrap();
        assert_eq!(again.payload, message.into());
    }

    #[test]
    fn attributes_cross_netlink_packet_core() {
        let mut bytes = vec![0; table().buffer_len()];
        table().emit(&mut bytes);
        assert_eq!(Table::parse(&bytes[..]).unwrap(), table());
        assert!(Table::parse(&bytes[1..]).is_err());
    }
}
