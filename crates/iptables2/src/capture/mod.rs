//! Captured packets, and what their frames say besides.

mod frame;
mod pcap;
mod pcapng;

use pcap_file::PcapError;
use pkttables::packet::{InterfaceName, Meta};
use pkttables_eval::Origin;
use std::io::{BufRead, ErrorKind, Read};

/// A captured packet.
#[derive(Debug)]
pub struct Captured {
    /// The bytes from the IP header on.
    pub bytes: Vec<u8>,
    /// What is known of it besides.
    pub meta: Meta,
    /// Where it came from.
    pub origin: Origin,
    /// Whether it is an IP packet; all others have nothing to do with the rules.
    pub is_ip: bool,
}

/// Hands every packet of a pcapng or pcap file to `each`, in order, with its number.
///
/// `interface` is the one that packets came in by where the capture does not tell.
pub fn read(
    mut input: impl BufRead,
    interface: Option<InterfaceName>,
    mut each: impl FnMut(usize, Captured) -> Result<(), String>,
) -> Result<(), String> {
    let beginning = input.fill_buf().map_err(|error| error.to_string())?;
    let is_pcapng = beginning.starts_with(&[0x0a, 0x0d, 0x0d, 0x0a]);
    let mut number = 0;
    let counting = |packet: Captured| {
        number += 1;
        each(number, packet)
    };
    let read = match is_pcapng {
        true => pcapng::read(&mut input as &mut dyn Read, interface, counting),
        false => pcap::read(&mut input as &mut dyn Read, interface, counting),
    };
    read.map_err(|problem| match problem {
        Problem::Ours(text) => text,
        Problem::File(error) if number == 0 => format!("no capture that can be read: {}", reason(&error)),
        Problem::File(error) => format!("behind packet {number}: {}", reason(&error)),
        Problem::Content(text) if number == 0 => text,
        Problem::Content(text) => format!("behind packet {number}: {text}"),
    })
}

/// What ended the reading.
#[derive(Debug)]
enum Problem {
    /// What was done with a packet failed.
    Ours(String),
    /// The file is damaged.
    File(PcapError),
    /// The file holds what is not understood.
    Content(String),
}

fn reason(error: &PcapError) -> String {
    match error {
        PcapError::IncompleteBuffer => "the file ends in the middle".into(),
        PcapError::IoError(error) if error.kind() == ErrorKind::UnexpectedEof => {
            "the file ends in the middle".into()
        }
        PcapError::IoError(error) => error.to_string(),
        error => error.to_string(),
    }
}

/// Nanoseconds of `ticks` of a clock, as which the reader takes nanoseconds.
fn nanoseconds(ticks: u128, per_second: u64) -> u64 {
    u64::try_from(ticks.saturating_mul(1_000_000_000) / u128::from(per_second.max(1))).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A pcapng file with one packet.
    fn pcapng() -> Vec<u8> {
        let block = |kind: u32, body: &[u8]| {
            let length = u32::try_from(12 + body.len()).unwrap().to_le_bytes();
            [&kind.to_le_bytes()[..], &length, body, &length].concat()
        };
        let section = [&0x1a2b_3c4d_u32.to_le_bytes()[..], &[1, 0, 0, 0], &[0xff; 8]].concat();
        let interface =
            [&[101, 0, 0, 0, 0, 0, 0, 0, 2, 0, 3, 0][..], b"in0\0", &[9, 0, 1, 0, 9, 0, 0, 0, 0, 0, 0, 0]]
                .concat();
        let mut packet = vec![0; 12];
        packet
            .extend([8, 0, 0, 0, 8, 0, 0, 0, 0x45, 0, 0, 8, 1, 2, 3, 4, 2, 0, 4, 0, 2, 0, 0, 0, 0, 0, 0, 0]);
        [block(0x0a0d_0d0a, &section), block(1, &interface), block(6, &packet)].concat()
    }

    fn packets(file: &[u8]) -> Result<Vec<Captured>, String> {
        let mut packets = Vec::new();
        read(file, None, |_, packet| {
            packets.push(packet);
            Ok(())
        })?;
        Ok(packets)
    }

    #[test]
    fn interfaces_directions_and_clocks() {
        let packets = packets(&pcapng()).unwrap();
        let [packet] = &*packets else { panic!("{packets:?}") };
        assert_eq!(packet.bytes, [0x45, 0, 0, 8, 1, 2, 3, 4]);
        assert_eq!((packet.origin, packet.meta.output), (Origin::Local, InterfaceName::new(b"in0")));
    }

    #[test]
    fn damaged_files_are_read_or_refused() {
        let whole = pcapng();
        for place in 0..whole.len() {
            let _ = packets(&whole[..place]);
            for value in [0, 1, 2, 0x7f, 0x80, 0xff] {
                let mut damaged = whole.clone();
                damaged[place] = value;
                let _ = packets(&damaged);
            }
        }
    }
}
