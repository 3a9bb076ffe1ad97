//! Packets that the guard's rules log, received from `nfnetlink_log`.

use nfnetlink::{Connection, Error, Flags, Messages, NetfilterHeader, Socket, Transport as _, kind};

const SUBSYSTEM: u8 = 4;
const PACKET: u16 = kind::netfilter(SUBSYSTEM, 0);
const CONFIG: u16 = kind::netfilter(SUBSYSTEM, 1);

/// The group that the guard logs to.
pub(crate) const GROUP: u16 = 5;

/// `NFULA_CFG_CMD` with `NFULNL_CFG_CMD_BIND`.
const BIND: (u16, u8) = (1, 1);
/// `NFULA_CFG_MODE` with `NFULNL_COPY_PACKET` and as many bytes as there are.
const MODE: (u16, [u8; 6]) = (2, [0, 0, 0xff, 0xff, 2, 0]);
/// `NFULA_CFG_QTHRESH`: every packet is handed over at once.
const THRESHOLD: u16 = 5;

const PAYLOAD: u16 = 9;
const PREFIX: u16 = 10;

/// A listener to [`GROUP`].
#[derive(Debug)]
pub(crate) struct Log(Socket);

impl Log {
    pub(crate) fn open() -> Result<Self, Error> {
        let mut connection = Connection::new(Socket::open()?);
        connection.request(CONFIG, Flags::default(), |writer| {
            writer.netfilter_header(&NetfilterHeader::new(0, GROUP));
            writer.put(BIND.0, &[BIND.1]);
            writer.put(MODE.0, &MODE.1);
            writer.put(THRESHOLD, &1_u32.to_be_bytes());
        })?;
        Ok(Self(connection.into_transport()))
    }

    /// Takes all packets that were logged up to now: the first byte of the rule's prefix, and the packet.
    pub(crate) fn drain(&mut self) -> Result<Vec<(u8, Vec<u8>)>, Error> {
        let mut packets = Vec::new();
        while let Some(datagram) = self.0.try_receive()? {
            for message in Messages::new(datagram) {
                let message = message?;
                if message.header.kind != PACKET {
                    continue;
                }
                let (mut prefix, mut payload) = (0, Vec::new());
                for attribute in message.netfilter()?.1 {
                    let attribute = attribute?;
                    match attribute.kind() {
                        PREFIX => prefix = attribute.value.first().copied().unwrap_or_default(),
                        PAYLOAD => payload = attribute.value.to_vec(),
                        _ => {}
                    }
                }
                packets.push((prefix, payload));
            }
        }
        Ok(packets)
    }
}
