//! `-j SYNPROXY`: answers TCP connection attempts in place of the server.
use crate::extension;
use crate::model::{Families, Hooks, protocol};
use crate::packet::Packet;
use crate::registry::{Action, Context, Extension, Flag, Lister, Revision};
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
        /// The server's window scale, a power of two.
        "wscale": u8 { set: |m, wscale, _| m.wscale = Some(wscale), get: |m| m.wscale.map(|wscale| (wscale, false)) }
        /// The server's maximum segment size in bytes.
        "mss": u16 { set: |m, mss, _| m.mss = Some(mss), get: |m| m.mss.map(|mss| (mss, false)) }
        /// The server uses explicit congestion notification.
        "ecn": Flag { set: |m, _, _| m.ecn = true, get: |m| m.ecn.then_some((Flag, false)) }
    }
}

impl Extension for Synproxy {
    fn act(&self, packet: &Packet<'_>, context: &mut Context<'_>) -> Action {
        const FIN_SYN_RST_ACK: u8 = 0x17;
        const SYN: u8 = 0x02;
        const ACK: u8 = 0x10;
        let Ok([.., flags]) = packet.transport::<14>(0) else { return Action::Drop };
        match flags & FIN_SYN_RST_ACK {
            // The kernel answers by itself.
            SYN => Action::Stolen,
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
    use crate::model::Family;
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
