//! The machine of classic BPF (linux/filter.h, Documentation/networking/filter.rst).

use super::Instruction;
use crate::model::Family;
use crate::packet::{Packet, PacketKind};
use crate::registry::Environment;

/// Words of memory (`BPF_MEMWORDS`).
const MEMORY: usize = 16;

/// A load from here on is of what the kernel knows besides (`SKF_AD_OFF`).
const ANCILLARY: u32 = 0xffff_f000;
/// Places from here on are counted from the network header (`SKF_NET_OFF`), as all others are here.
const NETWORK: u32 = 0xfff0_0000;

/// Runs a program; `None` if it is no program that the kernel takes, or asks for what is not known.
///
/// All jumps go forward, so it ends.
pub(super) fn run(
    program: &[Instruction],
    packet: &Packet<'_>,
    environment: &mut dyn Environment,
) -> Option<u32> {
    let mut memory = [0_u32; MEMORY];
    let (mut a, mut x) = (0_u32, 0_u32);
    let mut at = 0_usize;
    loop {
        let &Instruction { code, jump_true, jump_false, operand: k } = program.get(at)?;
        at += 1;
        match code {
            // Loads of constants, of the length, and from memory.
            0x00 => a = k,
            0x01 => x = k,
            0x80 => a = packet.data.len() as u32,
            0x81 => x = packet.data.len() as u32,
            0x60 => a = *memory.get(k as usize)?,
            0x61 => x = *memory.get(k as usize)?,
            0x02 => *memory.get_mut(k as usize)? = a,
            0x03 => *memory.get_mut(k as usize)? = x,
            // Loads from the packet; a program that reads beyond its end returns 0.
            0x20 | 0x28 | 0x30 if k >= ANCILLARY => a = ancillary(k - ANCILLARY, a, x, packet, environment)?,
            0x20 | 0x28 | 0x30 if k >= NETWORK || k <= i32::MAX as u32 => match load(code, k, packet) {
                Some(value) => a = value,
                None => return Some(0),
            },
            0x40 | 0x48 | 0x50 => match load(code, x.wrapping_add(k), packet) {
                Some(value) => a = value,
                None => return Some(0),
            },
            0xb1 => match load(0x30, k, packet) {
                Some(value) => x = (value & 0xf) << 2,
                None => return Some(0),
            },
            0x07 => x = a,
            0x87 => a = x,
            0x06 => return Some(k),
            0x16 => return Some(a),
            0x05 => at = at.checked_add(k as usize)?,
            _ if code & 0x07 == 0x05 => {
                let other = if code & 0x08 == 0 { k } else { x };
                let holds = match code & 0xf0 {
                    0x10 => a == other,
                    0x20 => a > other,
                    0x30 => a >= other,
                    0x40 => a & other != 0,
                    _ => return None,
                };
                at += usize::from(if holds { jump_true } else { jump_false });
            }
            _ if code & 0x07 == 0x04 => {
                let from_x = code & 0x08 != 0;
                let other = if from_x { x } else { k };
                a = match code & 0xf0 {
                    0x00 => a.wrapping_add(other),
                    0x10 => a.wrapping_sub(other),
                    0x20 => a.wrapping_mul(other),
                    0x30 | 0x90 if other == 0 => return from_x.then_some(0),
                    0x30 => a / other,
                    0x90 => a % other,
                    0x40 => a | other,
                    0x50 => a & other,
                    0x60 | 0x70 if !from_x && other >= 32 => return None,
                    0x60 => a.wrapping_shl(other),
                    0x70 => a.wrapping_shr(other),
                    0x80 => a.wrapping_neg(),
                    0xa0 => a ^ other,
                    _ => return None,
                };
            }
            _ => return None,
        }
    }
}

/// Loads the bytes at `offset`, as many as the code says; `None` if they are not all there.
fn load(code: u16, offset: u32, packet: &Packet<'_>) -> Option<u32> {
    let offset = if offset >= NETWORK { offset - NETWORK } else { offset } as usize;
    match code & 0x18 {
        0x00 => packet.data.be32(offset),
        0x08 => packet.data.be16(offset).map(u32::from),
        _ => packet.data.u8(offset).map(u32::from),
    }
}

/// What is known of the packet besides its bytes (`SKF_AD_*`); `None` for what is not known here.
fn ancillary(
    what: u32,
    a: u32,
    x: u32,
    packet: &Packet<'_>,
    environment: &mut dyn Environment,
) -> Option<u32> {
    Some(match what {
        0 => match packet.family() {
            Family::Ipv4 => 0x0800,
            Family::Ipv6 => 0x86dd,
        },
        4 => match packet.meta.kind {
            PacketKind::Host => 0,
            PacketKind::Broadcast => 1,
            PacketKind::Multicast => 2,
            PacketKind::Other => 3,
            PacketKind::Outgoing => 4,
        },
        20 => packet.meta.mark,
        36 => environment.cpu(),
        40 => a ^ x,
        56 => environment.random(),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::packet::{Authentication, Data, Layout, Meta};
    use crate::registry::testing::{Nowhere, ipv4};
    use proptest::prelude::*;

    fn result(program: &[[u32; 4]]) -> Option<u32> {
        let instruction = |&[code, jump_true, jump_false, operand]: &[u32; 4]| Instruction {
            code: code as u16,
            jump_true: jump_true as u8,
            jump_false: jump_false as u8,
            operand,
        };
        let program: Vec<Instruction> = program.iter().map(instruction).collect();
        let bytes = ipv4(17, &[1, 2, 3, 4]);
        let data = Data::new(&bytes);
        let layout = Layout::parse(&data, Authentication::Stop).expect("a packet");
        let meta = Meta { mark: 7, ..Meta::default() };
        run(&program, &Packet::new(data, layout, &meta), &mut Nowhere)
    }

    #[test]
    fn loads() {
        const RETURN_A: [u32; 4] = [0x16, 0, 0, 0];
        for (code, operand, value) in [
            (0x00, 9, 9),
            (0x80, 0, 24),
            (0x20, 20, 0x0102_0304),
            (0x28, 21, 0x0203),
            (0x30, 23, 4),
            (0x28, 23, 0),
            (0x30, 0xfff0_0009, 17),
            (0x30, 0xffff_f014, 7),
        ] {
            assert_eq!(result(&[[code, 0, 0, operand], RETURN_A]), Some(value), "{code:#x} {operand:#x}");
        }
        assert_eq!(result(&[[0xb1, 0, 0, 0], [0x48, 0, 0, 1], RETURN_A]), Some(0x0203));
        assert_eq!(result(&[[0x30, 0, 0, 0xffff_f008], RETURN_A]), None);
    }

    #[test]
    fn arithmetic_and_jumps() {
        const ONE: [u32; 4] = [6, 0, 0, 1];
        const TWO: [u32; 4] = [6, 0, 0, 2];
        assert_eq!(result(&[[0, 0, 0, 7], [0x15, 0, 1, 7], ONE, TWO]), Some(1));
        assert_eq!(result(&[[0, 0, 0, 7], [0x25, 0, 1, 7], ONE, TWO]), Some(2));
        assert_eq!(result(&[[1, 0, 0, 3], [0, 0, 0, 7], [0x3c, 0, 0, 0], [0x16, 0, 0, 0]]), Some(2));
        // What is divided by an X of 0 ends the program; it has no constant 0 to divide by.
        assert_eq!(result(&[[0, 0, 0, 7], [0x3c, 0, 0, 0], ONE]), Some(0));
        assert_eq!(result(&[[0, 0, 0, 7], [0x34, 0, 0, 0], ONE]), None);
        assert_eq!(result(&[[5, 0, 0, 9]]), None);
    }

    proptest! {
        #[test]
        fn any_program_ends(program in proptest::collection::vec(
            prop_oneof![(any::<u16>(), any::<u8>(), any::<u8>(), any::<u32>()), (0..256_u16, 0..4_u8, 0..4_u8, 0..40_u32)],
            1..65,
        )) {
            let program: Vec<[u32; 4]> =
                program.into_iter().map(|(code, t, f, k)| [code.into(), t.into(), f.into(), k]).collect();
            let _ = result(&program);
        }
    }
}
