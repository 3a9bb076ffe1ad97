//! `-j SYNPROXY`: answers TCP connection attempts in place of the server.
use crate::extension;
use crate::model::{Families, Family, Hook, Hooks, protocol};
use crate::packet::Packet;
use crate::registry::{Action, Context, Extension, Flag, Handshake, Lister, Revision};
use nfnetlink::wire::Problem;

/// The `SYNPROXY` target: the TCP options that the server uses.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Synproxy {
    /// It permits selective acknowledgements.
    pub sack_perm: bool,
    /// It sends timestamps.
    pub timestamp: bool,
    /// Its window scale.
    pub wscale: Option<u8>,
    /// Its maximum segment size in bytes.
    pub mss: Option<u16>,
    /// It uses explicit congestion notification.
    pub ecn: bool,
}

/// `NF_SYNPROXY_OPT_*`
const MSS: u8 = 0x01;
const WSCALE: u8 = 0x02;
const SACK_PERM: u8 = 0x04;
const TIMESTAMP: u8 = 0x08;
const ECN: u8 = 0x10;

extension! {
    /// Answer attempts to open TCP connections in place of the server, and bother the server only with those that are real.
    ///
    /// It protects a server from floods of SYN packets with false addresses, without keeping anything about them.
    /// The packets must not be tracked before: `CT --notrack` for SYN packets in table raw, then this target for
    /// packets in state INVALID and UNTRACKED, then DROP for what is INVALID still. Give the TCP options that the
    /// server itself uses. Needs the sysctls `net.ipv4.tcp_syncookies` and `net.ipv4.tcp_timestamps` to be 1 and
    /// `net.netfilter.nf_conntrack_tcp_loose` to be 0.
    target "SYNPROXY" => Synproxy {
        hooks: Hooks::INPUT.union(Hooks::FORWARD),
        protocols: &[protocol::TCP],
    } params {
        /// The server permits selective acknowledgements.
        "sack-perm": Flag { set: |m, _, _| m.sack_perm = true, get: |m| m.sack_perm.then_some((Flag, false)) }
        /// The server sends timestamps; the other options can only be kept in them.
        "timestamp": Flag { set: |m, _, _| m.timestamp = true, get: |m| m.timestamp.then_some((Flag, false)) }
        /// The server's window scale: its windows count two to this power times what it says.
        ///
        /// The server tells it in its SYN+ACK; 7 is common, and TCP has no scale above 14.
        "wscale": u8 { set: |m, wscale, _| m.wscale = Some(wscale), get: |m| m.wscale.map(|wscale| (wscale, false)) }
        /// The server's maximum segment size in bytes.
        "mss": u16 { set: |m, mss, _| m.mss = Some(mss), get: |m| m.mss.map(|mss| (mss, false)) }
        /// The server uses explicit congestion notification.
        "ecn": Flag { set: |m, _, _| m.ecn = true, get: |m| m.ecn.then_some((Flag, false)) }
    }
}

/// What a SYN says in its options.
#[derive(Clone, Copy, Debug, Default)]
struct Offered {
    segment_size: bool,
    scale: Option<u8>,
    selective: bool,
    timestamp: Option<u32>,
}

impl Offered {
    /// Reads options up to the first that is broken; `None` if the header is cut off.
    fn read(packet: &Packet<'_>, end: usize) -> Option<Self> {
        let mut offered = Self::default();
        packet.transport::<1>(end.checked_sub(1)?).ok()?;
        let mut at = 20;
        while at < end {
            let [kind] = packet.transport(at).ok()?;
            let length = match (kind, packet.transport(at + 1)) {
                (0, _) => break,
                (1, _) => 1,
                (_, Ok([length])) if length >= 2 && at + usize::from(length) <= end => usize::from(length),
                _ => break,
            };
            match (kind, length) {
                (2, 4) => offered.segment_size = true,
                (3, 3) => offered.scale = packet.transport(at + 2).ok().map(|[scale]: [u8; 1]| scale.min(14)),
                (4, 2) => offered.selective = true,
                (8, 10) => offered.timestamp = packet.transport(at + 2).ok().map(u32::from_be_bytes),
                _ => {}
            }
            at += length;
        }
        Some(offered)
    }
}

/// Whether the checksum is right. Of a packet that is forwarded the kernel sums the IPv4 header too, in which options
/// may have been filled in by then without a new header checksum.
fn checksum_is_right(packet: &Packet<'_>, hook: Hook) -> bool {
    let (start, end) = (packet.layout.transport, packet.data.len());
    let addresses = match packet.family() {
        Family::Ipv4 => packet.data.sum(12, 20, 0),
        Family::Ipv6 => packet.data.sum(8, 40, 0),
    };
    let pseudo = addresses + u32::from(protocol::TCP) + end.saturating_sub(start) as u32;
    let header_is_right =
        hook != Hook::Forward || packet.family() == Family::Ipv6 || packet.data.sum(0, start, 0) == 0xffff;
    header_is_right && packet.data.sum(start, end, pseudo) == 0xffff
}

impl Synproxy {
    /// The answer to a SYN. What the client can do is hidden in the timestamp that it will echo.
    fn answer(
        &self,
        packet: &Packet<'_>,
        flags: u8,
        offered: Offered,
        context: &mut Context<'_>,
    ) -> Handshake {
        const ECE_CWR: u8 = 0xc0;
        const NO_SCALE: u32 = 0xf;
        let mut answer = Handshake {
            sequence: context.environment.syn_cookie(packet),
            segment_size: self.mss.filter(|_| offered.segment_size),
            ..Handshake::default()
        };
        let Some(echoed) = offered.timestamp.filter(|_| self.timestamp) else { return answer };
        answer.selective = self.sack_perm && offered.selective;
        answer.congestion = self.ecn && flags & ECE_CWR == ECE_CWR;
        let scale = offered.scale.filter(|_| self.wscale.is_some());
        answer.scale = self.wscale.filter(|_| scale.is_some());
        let bits = scale.map_or(NO_SCALE, u32::from)
            | u32::from(answer.selective) << 4
            | u32::from(answer.congestion) << 5;
        let milliseconds = (packet.meta.time / 1_000_000) as u32;
        answer.timestamps = Some((milliseconds & !0x3f | bits, echoed));
        answer
    }
}

impl Extension for Synproxy {
    fn act(&self, packet: &Packet<'_>, context: &mut Context<'_>) -> Action {
        const FIN_SYN_RST_ACK: u8 = 0x17;
        const SYN: u8 = 0x02;
        const ACK: u8 = 0x10;
        let Ok([.., offset, flags]) = packet.transport::<14>(0) else { return Action::Drop };
        let Some(offered) = Offered::read(packet, usize::from(offset >> 4) * 4) else { return Action::Drop };
        if !checksum_is_right(packet, context.hook) {
            return Action::Drop;
        }
        match flags & FIN_SYN_RST_ACK {
            SYN => Action::Answered(self.answer(packet, flags, offered, context)),
            ACK if context.environment.is_syn_cookie(packet) => Action::Stolen,
            ACK => Action::Drop,
            _ => Action::Continue,
        }
    }

    // `struct nf_synproxy_info` in linux/netfilter/nf_synproxy.h.
    const REVISIONS: &'static [Revision<Self>] = &[Revision {
        number: 0,
        size: 4,
        families: Families::all(),
        encode: |m, w| {
            let options = [
                (m.mss.is_some(), MSS),
                (m.wscale.is_some(), WSCALE),
                (m.sack_perm, SACK_PERM),
                (m.timestamp, TIMESTAMP),
                (m.ecn, ECN),
            ];
            w.u8(options.iter().filter(|(set, _)| *set).fold(0, |sum, (_, bit)| sum | bit));
            w.u8(m.wscale.unwrap_or(0));
            w.ne_u16(m.mss.unwrap_or(0));
            Ok(())
        },
        decode: |r, _| {
            let (options, wscale, mss) = (r.u8("options")?, r.u8("wscale")?, r.ne_u16("mss")?);
            if options & !(MSS | WSCALE | SACK_PERM | TIMESTAMP | ECN) != 0 {
                return Err(r.error("options", Problem::Value(options.into())));
            }
            let has = |option| options & option != 0;
            Ok(Some(Self {
                sack_perm: has(SACK_PERM),
                timestamp: has(TIMESTAMP),
                wscale: has(WSCALE).then_some(wscale),
                mss: has(MSS).then_some(mss),
                ecn: has(ECN),
            }))
        },
    }];

    fn list(&self, out: &mut Lister<'_>) {
        out.add(" SYNPROXY");
        out.plain(self, "");
        out.add(' ');
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registry::testing::{encoded, text_cases};

    #[test]
    fn saved_forms() {
        text_cases! { Synproxy, Ipv4:
            "-p 6" => "", "-p 6 --ecn --mss 1460 --wscale 9 --timestamp --sack-perm" =>
                "--sack-perm --timestamp --wscale 9 --mss 1460 --ecn",
            "-p 6 --mss 0" => "--mss 0", "-p 6 --wscale 4294967296" => fails, "-p 6 --mss -1" => fails,
            "" => fails, "-p 17 --mss 1" => fails,
        }
    }

    #[test]
    fn layout() {
        let info = [&[0x17, 9][..], &1460_u16.to_ne_bytes(), &[0; 4]].concat();
        assert_eq!(
            encoded::<Synproxy>(Family::Ipv6, "-p 6 --ecn --mss 1460 --wscale 9 --sack-perm", 0),
            Some(info)
        );
    }
}
