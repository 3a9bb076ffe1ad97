use super::Text;
use super::transport::Complete;
use pkttables::model::protocol;
use pkttables::targets::log::LogFlags;
use std::fmt::{self, Write as _};
use std::net::Ipv4Addr;

const CONGESTION: u16 = 0x8000;
const DO_NOT_FRAGMENT: u16 = 0x4000;
const MORE_FRAGMENTS: u16 = 0x2000;
const OFFSET: u16 = 0x1fff;

impl Text<'_, '_> {
    /// The packet whose IP header is at `base`: the packet itself at 0, or one that it quotes.
    pub(super) fn ipv4(&mut self, base: usize) -> Complete {
        let Some(header) = self.data.array::<20>(base) else {
            self.out.write_str("TRUNCATED")?;
            return Ok(false);
        };
        let [first, tos, l, m, i, d, f, g, ttl, number, _, _, addresses @ ..] = header;
        let [a, b, c, x, e, h, k, n] = addresses;
        let (source, destination) = (Ipv4Addr::new(a, b, c, x), Ipv4Addr::new(e, h, k, n));
        let [length, id, fragment] = [[l, m], [i, d], [f, g]].map(u16::from_be_bytes);
        let (service, precedence) = (tos & 0x1e, tos & 0xe0);
        write!(
            self.out,
            "SRC={source} DST={destination} LEN={length} TOS=0x{service:02X} PREC=0x{precedence:02X} TTL={ttl} ID={id} "
        )?;
        self.flag(fragment & CONGESTION != 0, "CE")?;
        self.flag(fragment & DO_NOT_FRAGMENT != 0, "DF")?;
        self.flag(fragment & MORE_FRAGMENTS != 0, "MF")?;
        let later = fragment & OFFSET != 0;
        if later {
            write!(self.out, "FRAG:{} ", fragment & OFFSET)?;
        }
        let at = base + usize::from(first & 15) * 4;
        let has_options = at > base + 20;
        if self.flags.contains(LogFlags::IP_OPTIONS) && has_options && !self.options(base + 20, at)? {
            self.out.write_str("TRUNCATED")?;
            return Ok(false);
        }
        match number {
            protocol::TCP => return self.tcp(at, later),
            protocol::UDP | protocol::UDPLITE => return self.udp(number, at, later),
            protocol::ICMP => self.icmp(base, at, later)?,
            protocol::AH => self.security_index("AH", at, 4, later)?,
            protocol::ESP => self.security_index("ESP", at, 0, later)?,
            _ => write!(self.out, "PROTO={number} ")?,
        }
        Ok(true)
    }

    /// A header with a security parameter index at `offset`.
    fn security_index(&mut self, name: &str, at: usize, offset: usize, later: bool) -> fmt::Result {
        write!(self.out, "PROTO={name} ")?;
        if later {
            return Ok(());
        }
        let header = if offset == 0 { 8 } else { 12 };
        match self.data.be32(at + offset).filter(|_| at + header <= self.data.len()) {
            Some(index) => write!(self.out, "SPI=0x{index:x} "),
            None => self.incomplete(at),
        }
    }

    fn icmp(&mut self, base: usize, at: usize, later: bool) -> fmt::Result {
        self.out.write_str("PROTO=ICMP ")?;
        if later {
            return Ok(());
        }
        let Some([kind, code, _, _, rest @ ..]) = self.data.array::<8>(at) else {
            return self.incomplete(at);
        };
        write!(self.out, "TYPE={kind} CODE={code} ")?;
        let wanted = match kind {
            0 | 8 => 4,
            3 | 4 | 5 | 11 | 12 => 8 + 20,
            13 | 14 => 20,
            17 | 18 => 12,
            _ => 0,
        };
        if self.data.len().saturating_sub(at) < wanted {
            return self.incomplete(at);
        }
        let [a, b, c, d] = rest;
        let [high, low] = [[a, b], [c, d]].map(u16::from_be_bytes);
        match kind {
            0 | 8 => write!(self.out, "ID={high} SEQ={low} ")?,
            12 => write!(self.out, "PARAMETER={a} ")?,
            5 => write!(self.out, "GATEWAY={} ", Ipv4Addr::from(rest))?,
            _ => {}
        }
        if matches!(kind, 3 | 4 | 5 | 11) {
            // What a quoted packet quotes is not told.
            if base == 0 {
                self.out.write_char('[')?;
                self.ipv4(at + 8)?;
                self.out.write_str("] ")?;
            }
            if (kind, code) == (3, 4) {
                write!(self.out, "MTU={low} ")?;
            }
        }
        Ok(())
    }
}
