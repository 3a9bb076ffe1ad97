//! Expressions that load, change or compare registers.

use nfnetlink::Errno;
use pkttnetlink::nft::Data;
use pkttnetlink::nft::expr::{
    Bitwise, BitwiseOp, Byteorder, ChecksumFlags, ChecksumType, Cmp, CmpOp, Ct, CtKey, Exthdr, ExthdrFlags,
    ExthdrOp, Fib, FibFlags, Hash, HashType, Meta, MetaKey, Numgen, Osf, OsfFlags, Payload, PayloadBase,
    Range, Rt, RtKey, Socket, SocketKey, Tunnel, Xfrm,
};

use super::registers::Registers;
use super::{Normalise, require};

/// What one expression may compare or hold at most (`struct nft_data`).
const DATA_LEN: usize = 16;

/// The length of plain data.
pub(super) fn data_len(data: Option<&Data<'_>>) -> Result<u32, Errno> {
    let value = data.and_then(Data::as_value).ok_or(Errno::EINVAL)?;
    match value.len() {
        0 => Err(Errno::EINVAL),
        len if len > DATA_LEN => Err(Errno::EOVERFLOW),
        len => u32::try_from(len).map_err(|_| Errno::EOVERFLOW),
    }
}

fn byte_len(len: Option<u32>) -> Result<u32, Errno> {
    len.ok_or(Errno::EINVAL).and_then(|len| if len <= 255 { Ok(len) } else { Err(Errno::ERANGE) })
}

impl Normalise for Payload<'_> {
    fn normalise(&mut self, registers: &mut Registers) -> Result<(), Errno> {
        require!(self.base, self.offset);
        let len = self.len.ok_or(Errno::EINVAL)?;
        if self.base.is_some_and(|base| base > PayloadBase::INNER_HEADER) {
            return Err(Errno::EOPNOTSUPP);
        }
        match (self.sreg.is_some(), self.dreg.is_some()) {
            (true, true) | (false, false) => Err(Errno::EINVAL),
            (false, true) => registers.store(&mut self.dreg, byte_len(Some(len))?),
            (true, false) => {
                registers.load(&mut self.sreg, byte_len(Some(len))?)?;
                self.checksum_type.get_or_insert(ChecksumType::NONE);
                self.checksum_offset.get_or_insert(0);
                self.checksum_flags.get_or_insert(ChecksumFlags::empty());
                Ok(())
            }
        }
    }
}

impl Normalise for Meta<'_> {
    fn normalise(&mut self, registers: &mut Registers) -> Result<(), Errno> {
        let key = self.key.ok_or(Errno::EINVAL)?;
        let len = match key {
            MetaKey::NFPROTO | MetaKey::L4PROTO | MetaKey::PKTTYPE | MetaKey::NFTRACE | MetaKey::TIME_DAY => {
                1
            }
            MetaKey::PROTOCOL | MetaKey::IIFTYPE | MetaKey::OIFTYPE => 2,
            MetaKey::IIFNAME
            | MetaKey::OIFNAME
            | MetaKey::IIFKIND
            | MetaKey::OIFKIND
            | MetaKey::SDIFNAME
            | MetaKey::BRI_IIFNAME
            | MetaKey::BRI_OIFNAME => 16,
            MetaKey::TIME_NS => 8,
            MetaKey(0..=35) => 4,
            _ => return Err(Errno::EOPNOTSUPP),
        };
        let settable = matches!(
            key,
            MetaKey::MARK | MetaKey::PRIORITY | MetaKey::PKTTYPE | MetaKey::NFTRACE | MetaKey::SECMARK
        );
        match (self.sreg.is_some(), self.dreg.is_some()) {
            (true, true) | (false, false) => Err(Errno::EINVAL),
            (false, true) => registers.store(&mut self.dreg, len),
            (true, false) if settable => registers.load(&mut self.sreg, len),
            (true, false) => Err(Errno::EOPNOTSUPP),
        }
    }
}

impl Normalise for Ct<'_> {
    fn normalise(&mut self, registers: &mut Registers) -> Result<(), Errno> {
        let key = self.key.ok_or(Errno::EINVAL)?;
        let len = match key {
            CtKey::DIRECTION | CtKey::L3PROTOCOL | CtKey::PROTOCOL => 1,
            CtKey::PROTO_SRC | CtKey::PROTO_DST | CtKey::ZONE => 2,
            CtKey::PKTS | CtKey::BYTES | CtKey::AVGPKT => 8,
            CtKey::HELPER | CtKey::LABELS | CtKey::SRC | CtKey::DST | CtKey::SRC_IP6 | CtKey::DST_IP6 => 16,
            CtKey(0..=23) => 4,
            _ => return Err(Errno::EOPNOTSUPP),
        };
        match (self.sreg.is_some(), self.dreg.is_some()) {
            (true, true) | (false, false) => Err(Errno::EINVAL),
            (false, true) => registers.store(&mut self.dreg, len),
            (true, false) => registers.load(&mut self.sreg, len),
        }
    }
}

impl Normalise for Cmp<'_> {
    fn normalise(&mut self, registers: &mut Registers) -> Result<(), Errno> {
        let op = self.op.ok_or(Errno::EINVAL)?;
        require!(self.sreg, self.data);
        if op > CmpOp::GTE {
            return Err(Errno::EINVAL);
        }
        registers.load(&mut self.sreg, data_len(self.data.as_ref())?)
    }
}

impl Normalise for Range<'_> {
    fn normalise(&mut self, registers: &mut Registers) -> Result<(), Errno> {
        require!(self.sreg, self.op);
        let len = data_len(self.from.as_ref())?;
        if data_len(self.to.as_ref())? != len || self.op.is_some_and(|op| op.0 > 1) {
            return Err(Errno::EINVAL);
        }
        registers.load(&mut self.sreg, len)
    }
}

impl Normalise for Bitwise<'_> {
    fn normalise(&mut self, registers: &mut Registers) -> Result<(), Errno> {
        require!(self.sreg, self.dreg);
        let len = byte_len(self.len)?;
        registers.load(&mut self.sreg, len)?;
        let op = *self.op.get_or_insert(BitwiseOp::MASK_XOR);
        match op {
            BitwiseOp::MASK_XOR => {
                if self.data.is_some()
                    || data_len(self.mask.as_ref())? != len
                    || data_len(self.xor.as_ref())? != len
                {
                    return Err(Errno::EINVAL);
                }
            }
            BitwiseOp::LSHIFT | BitwiseOp::RSHIFT => {
                // In host order, unlike most.
                let shift = self.data.as_ref().and_then(Data::as_value).and_then(|data| data.try_into().ok());
                let shift = shift.map(u32::from_ne_bytes);
                if self.mask.is_some() || self.xor.is_some() || shift.is_none_or(|shift| shift >= u32::BITS) {
                    return Err(Errno::EINVAL);
                }
            }
            BitwiseOp::AND | BitwiseOp::OR | BitwiseOp::XOR => {
                if self.mask.is_some() || self.xor.is_some() || self.data.is_some() == self.sreg2.is_some() {
                    return Err(Errno::EINVAL);
                }
                registers.load_if_given(&mut self.sreg2, len)?;
            }
            _ => return Err(Errno::EOPNOTSUPP),
        }
        registers.store(&mut self.dreg, len)
    }
}

impl Normalise for Byteorder<'_> {
    fn normalise(&mut self, registers: &mut Registers) -> Result<(), Errno> {
        require!(self.sreg, self.dreg, self.op);
        let len = byte_len(self.len)?;
        if self.op.is_some_and(|op| op.0 > 1) || !matches!(self.size, Some(2 | 4 | 8)) {
            return Err(Errno::EINVAL);
        }
        registers.load(&mut self.sreg, len)?;
        registers.store(&mut self.dreg, len)
    }
}

impl Normalise for Exthdr<'_> {
    fn normalise(&mut self, registers: &mut Registers) -> Result<(), Errno> {
        require!(self.header, self.offset);
        let len = byte_len(self.len)?;
        self.op.get_or_insert(ExthdrOp::IPV6);
        if self.sreg.is_some() {
            return registers.load(&mut self.sreg, len);
        }
        self.flags.get_or_insert(ExthdrFlags::empty());
        registers.store(&mut self.dreg, len)
    }
}

impl Normalise for Fib<'_> {
    fn normalise(&mut self, registers: &mut Registers) -> Result<(), Errno> {
        require!(self.dreg, self.result);
        let flags = self.flags.unwrap_or(FibFlags::empty());
        if flags.is_empty() || flags.contains(FibFlags::SADDR | FibFlags::DADDR) {
            return Err(Errno::EINVAL);
        }
        let len = if self.result == Some(pkttnetlink::nft::expr::FibResult::OIFNAME) { 16 } else { 4 };
        registers.store(&mut self.dreg, len)
    }
}

impl Normalise for Hash<'_> {
    fn normalise(&mut self, registers: &mut Registers) -> Result<(), Errno> {
        require!(self.dreg, self.modulus);
        if *self.hash_type.get_or_insert(HashType::JENKINS) == HashType::JENKINS {
            registers.load(&mut self.sreg, byte_len(self.len)?)?;
        }
        self.offset = self.offset.filter(|&offset| offset != 0);
        registers.store(&mut self.dreg, 4)
    }
}

impl Normalise for Numgen<'_> {
    fn normalise(&mut self, registers: &mut Registers) -> Result<(), Errno> {
        require!(self.dreg, self.modulus, self.numgen_type);
        self.offset.get_or_insert(0);
        registers.store(&mut self.dreg, 4)
    }
}

impl Normalise for Osf<'_> {
    fn normalise(&mut self, registers: &mut Registers) -> Result<(), Errno> {
        self.ttl.get_or_insert(0);
        self.flags.get_or_insert(OsfFlags::empty());
        registers.store(&mut self.dreg, 16)
    }
}

impl Normalise for Socket<'_> {
    fn normalise(&mut self, registers: &mut Registers) -> Result<(), Errno> {
        let len = match self.key.ok_or(Errno::EINVAL)? {
            SocketKey::TRANSPARENT | SocketKey::WILDCARD => 1,
            SocketKey::MARK => 4,
            SocketKey::CGROUPV2 => 8,
            _ => return Err(Errno::EOPNOTSUPP),
        };
        registers.store(&mut self.dreg, len)
    }
}

impl Normalise for Rt<'_> {
    fn normalise(&mut self, registers: &mut Registers) -> Result<(), Errno> {
        let len = match self.key.ok_or(Errno::EINVAL)? {
            RtKey::NEXTHOP6 => 16,
            RtKey::TCPMSS => 2,
            RtKey::XFRM => 1,
            RtKey(0..=4) => 4,
            _ => return Err(Errno::EOPNOTSUPP),
        };
        registers.store(&mut self.dreg, len)
    }
}

impl Normalise for Xfrm<'_> {
    fn normalise(&mut self, registers: &mut Registers) -> Result<(), Errno> {
        registers.store(&mut self.dreg, 16)
    }
}

impl Normalise for Tunnel<'_> {
    fn normalise(&mut self, registers: &mut Registers) -> Result<(), Errno> {
        registers.store(&mut self.dreg, 4)
    }
}
