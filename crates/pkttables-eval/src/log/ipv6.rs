use super::Text;
use super::transport::Complete;
use pkttables::model::protocol;
use pkttables::targets::log::LogFlags;
use std::fmt::{self, Write as _};
use std::net::Ipv6Addr;

const HOP_BY_HOP: u8 = 0;
const ROUTING: u8 = 43;
const FRAGMENT: u8 = 44;
const DESTINATION: u8 = 60;

/// What comes behind the extension headers.
struct Upper {
    number: u8,
    at: usize,
    later: bool,
}

impl Text<'_, '_> {
    /// The packet whose IP header is at `base`: the packet itself at 0, or one that it quotes.
    pub(super) fn ipv6(&mut self, base: usize) -> Complete {
        let Some(first) = self.data.be32(base).filter(|_| base + 40 <= self.data.len()) else {
            self.out.write_str("TRUNCATED")?;
            return Ok(false);
        };
        let address = |at| Full(self.data.array(base + at).map(Ipv6Addr::from));
        let (source, destination) = (address(8), address(24));
        let length = usize::from(self.data.be16(base + 4).unwrap_or_default()) + 40;
        let [next, hops] = self.data.array(base + 6).unwrap_or_default();
        let (class, label) = (first >> 20 & 0xff, first & 0xf_ffff);
        write!(
            self.out,
            "SRC={source} DST={destination} LEN={length} TC={class} HOPLIMIT={hops} FLOWLBL={label} "
        )?;
        let Some(Upper { number, at, later }) = self.extensions(next, base + 40)? else { return Ok(false) };
        match number {
            protocol::TCP => self.tcp(at, later),
            protocol::UDP | protocol::UDPLITE => self.udp(number, at, later),
            protocol::ICMPV6 => self.icmpv6(base, at, later),
            _ => {
                write!(self.out, "PROTO={number} ")?;
                Ok(true)
            }
        }
    }

    /// The extension headers from one of number `next` on; none if nothing can be said of what follows.
    fn extensions(&mut self, mut next: u8, mut at: usize) -> Result<Option<Upper>, fmt::Error> {
        let shown = self.flags.contains(LogFlags::IP_OPTIONS);
        let mut later = false;
        while matches!(next, HOP_BY_HOP | ROUTING | FRAGMENT | protocol::AH | protocol::ESP | DESTINATION) {
            let Some([following, length]) = self.data.array(at) else {
                self.out.write_str("TRUNCATED")?;
                return Ok(None);
            };
            if shown {
                self.out.write_str("OPT ( ")?;
            }
            let units = usize::from(length);
            let len = match next {
                FRAGMENT => {
                    self.out.write_str("FRAG:")?;
                    let Some([_, _, high, low, id @ ..]) = self.data.array::<8>(at) else {
                        self.out.write_str("TRUNCATED ")?;
                        return Ok(None);
                    };
                    let word = u16::from_be_bytes([high, low]);
                    write!(self.out, "{} ", word & !7)?;
                    self.flag(word & 1 != 0, "INCOMPLETE")?;
                    write!(self.out, "ID:{:08x} ", u32::from_be_bytes(id))?;
                    later |= word & !7 != 0;
                    8
                }
                protocol::AH | protocol::ESP => {
                    let (name, offset, header) =
                        if next == protocol::AH { ("AH", 4, 12) } else { ("ESP", 0, 8) };
                    if shown && !self.index(name, at, offset, header, later)? {
                        return Ok(None);
                    }
                    if next == protocol::ESP {
                        self.out.write_str(if shown { ")" } else { "" })?;
                        return Ok(None);
                    }
                    (units + 2) * 4
                }
                _ if later => {
                    self.out.write_str(if shown { ")" } else { "" })?;
                    return Ok(None);
                }
                _ => (units + 1) * 8,
            };
            if shown {
                self.out.write_str(") ")?;
            }
            next = following;
            at += len;
        }
        Ok(Some(Upper { number: next, at, later }))
    }

    /// The security parameter index; `false` if there is none to tell.
    fn index(
        &mut self,
        name: &str,
        at: usize,
        offset: usize,
        header: usize,
        later: bool,
    ) -> Result<bool, fmt::Error> {
        write!(self.out, "{name} ")?;
        if later {
            self.out.write_char(')')?;
            return Ok(false);
        }
        let Some(index) = self.data.be32(at + offset).filter(|_| at + header <= self.data.len()) else {
            self.incomplete(at)?;
            self.out.write_char(')')?;
            return Ok(false);
        };
        write!(self.out, "SPI=0x{index:x} ")?;
        Ok(true)
    }

    fn icmpv6(&mut self, base: usize, at: usize, later: bool) -> Complete {
        self.out.write_str("PROTO=ICMPv6 ")?;
        if later {
            return Ok(true);
        }
        let Some([kind, code, _, _, rest @ ..]) = self.data.array::<8>(at) else {
            self.incomplete(at)?;
            return Ok(false);
        };
        write!(self.out, "TYPE={kind} CODE={code} ")?;
        let [a, b, c, d] = rest;
        let number = u32::from_be_bytes(rest);
        match kind {
            128 | 129 => {
                let [id, sequence] = [[a, b], [c, d]].map(u16::from_be_bytes);
                write!(self.out, "ID={id} SEQ={sequence} ")?;
            }
            4 => write!(self.out, "POINTER={number:08x} ")?,
            _ => {}
        }
        if matches!(kind, 1..=4) {
            // What a quoted packet quotes is not told.
            if base == 0 {
                self.out.write_char('[')?;
                self.ipv6(at + 8)?;
                self.out.write_str("] ")?;
            }
            if kind == 2 {
                write!(self.out, "MTU={number} ")?;
            }
        }
        Ok(true)
    }
}

/// An address with all its zeros.
struct Full(Option<Ipv6Addr>);

impl fmt::Display for Full {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, segment) in self.0.map(|address| address.segments()).into_iter().flatten().enumerate() {
            let colon = if place == 0 { "" } else { ":" };
            write!(f, "{colon}{segment:04x}")?;
        }
        Ok(())
    }
}
