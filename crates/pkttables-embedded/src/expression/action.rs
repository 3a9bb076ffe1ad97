//! Expressions that count, limit, log or decide.

use nfnetlink::Errno;
use pkttnetlink::nft::expr::{
    Connlimit, ConnlimitFlags, Counter, Dup, Fwd, Last, Limit, LimitFlags, LimitType, Log, LogFlags,
    LogLevel, Masquerade, Match, Nat, Notrack, Queue, QueueFlags, Quota, QuotaFlags, Redirect, Reject,
    RejectType, Synproxy, Target, Tproxy,
};
use pkttnetlink::nft::{Family, NatFlags, Register};

use super::registers::Registers;
use super::{Normalise, require};

/// `NFT_LIMIT_PKT_BURST_DEFAULT`.
const DEFAULT_BURST: u32 = 5;
/// `NF_LOG_PREFIXLEN`, with the closing NUL.
const LOG_PREFIX_LEN: usize = 128;
/// `XT_EXTENSION_MAXNAMELEN`, with the closing NUL.
const XT_NAME_LEN: usize = 29;

impl Normalise for Counter<'_> {
    fn normalise(&mut self, _: &mut Registers) -> Result<(), Errno> {
        self.bytes.get_or_insert(0);
        self.packets.get_or_insert(0);
        Ok(())
    }
}

impl Normalise for Last<'_> {
    fn normalise(&mut self, _: &mut Registers) -> Result<(), Errno> {
        self.set.get_or_insert(0);
        self.milliseconds.get_or_insert(0);
        Ok(())
    }
}

impl Normalise for Limit<'_> {
    fn normalise(&mut self, _: &mut Registers) -> Result<(), Errno> {
        let rate = self.rate.ok_or(Errno::EINVAL)?;
        let unit = self.unit.ok_or(Errno::EINVAL)?;
        let limit_type = *self.limit_type.get_or_insert(LimitType::PKTS);
        if rate == 0 {
            return Err(Errno::EINVAL);
        }
        if unit.checked_mul(1_000_000_000).is_none() || unit == 0 {
            return Err(Errno::EOVERFLOW);
        }
        let burst = self.burst.get_or_insert(0);
        match limit_type {
            LimitType::PKTS if *burst == 0 => *burst = DEFAULT_BURST,
            LimitType::PKTS | LimitType::PKT_BYTES => {}
            _ => return Err(Errno::EOPNOTSUPP),
        }
        let flags = self.flags.get_or_insert(LimitFlags::empty());
        if LimitFlags::INV.contains(*flags) { Ok(()) } else { Err(Errno::EOPNOTSUPP) }
    }
}

impl Normalise for Quota<'_> {
    fn normalise(&mut self, _: &mut Registers) -> Result<(), Errno> {
        let bytes = self.bytes.ok_or(Errno::EINVAL)?;
        if bytes > i64::MAX as u64 {
            return Err(Errno::EOVERFLOW);
        }
        let consumed = *self.consumed.get_or_insert(0);
        let flags = self.flags.get_or_insert(QuotaFlags::empty());
        flags.set(QuotaFlags::DEPLETED, consumed >= bytes);
        Ok(())
    }
}

impl Normalise for Connlimit<'_> {
    fn normalise(&mut self, _: &mut Registers) -> Result<(), Errno> {
        require!(self.count);
        self.flags = self.flags.filter(|&flags| flags != ConnlimitFlags::empty());
        Ok(())
    }
}

impl Normalise for Log<'_> {
    fn normalise(&mut self, _: &mut Registers) -> Result<(), Errno> {
        if self.prefix.as_ref().is_some_and(|prefix| prefix.as_bytes().len() >= LOG_PREFIX_LEN) {
            return Err(Errno::ERANGE);
        }
        self.prefix = self.prefix.take().filter(|prefix| !prefix.as_bytes().is_empty());
        if self.group.is_some() {
            if self.level.is_some() || self.flags.is_some() {
                return Err(Errno::EINVAL);
            }
            self.queue_threshold = self.queue_threshold.filter(|&threshold| threshold != 0);
            return Ok(());
        }
        (self.snap_len, self.queue_threshold) = (None, None);
        let level = *self.level.get_or_insert(LogLevel::WARNING);
        if level > LogLevel::AUDIT {
            return Err(Errno::EINVAL);
        }
        if self.flags.is_some_and(|flags| flags.bits() > LogFlags::MACDECODE.bits() * 2 - 1) {
            return Err(Errno::EINVAL);
        }
        self.flags = self.flags.filter(|flags| !flags.is_empty());
        Ok(())
    }
}

impl Normalise for Reject<'_> {
    fn normalise(&mut self, _: &mut Registers) -> Result<(), Errno> {
        match self.reject_type.ok_or(Errno::EINVAL)? {
            RejectType::ICMP_UNREACH => require!(self.code),
            RejectType::ICMPX_UNREACH if self.code.is_some_and(|code| code <= 3) => {}
            RejectType::TCP_RST => self.code = None,
            _ => return Err(Errno::EINVAL),
        }
        Ok(())
    }
}

impl Normalise for Queue<'_> {
    fn normalise(&mut self, registers: &mut Registers) -> Result<(), Errno> {
        match (self.number, self.sreg.is_some()) {
            (Some(_), true) | (None, false) => return Err(Errno::EINVAL),
            (Some(number), false) => {
                let total = *self.total.get_or_insert(1);
                if total == 0 {
                    return Err(Errno::EINVAL);
                }
                if u32::from(number) + u32::from(total) - 1 > u32::from(u16::MAX) {
                    return Err(Errno::ERANGE);
                }
            }
            (None, true) => registers.load(&mut self.sreg, 4)?,
        }
        let flags = *self.flags.get_or_insert(QueueFlags::empty());
        if (QueueFlags::BYPASS | QueueFlags::CPU_FANOUT).contains(flags) {
            Ok(())
        } else {
            Err(Errno::EINVAL)
        }
    }
}

/// The upper end of a range is the lower one where it is not given.
fn range(
    registers: &Registers,
    min: &mut Option<Register>,
    max: &mut Option<Register>,
    len: u32,
) -> Result<(), Errno> {
    registers.load_if_given(min, len)?;
    if min.is_none() {
        *max = None;
        return Ok(());
    }
    registers.load_if_given(max, len)?;
    *max = max.or(*min);
    Ok(())
}

/// The kernel adds what the registers mean.
fn flags(flags: &mut Option<NatFlags>, addresses: bool, ports: bool) -> Result<(), Errno> {
    let mut all = flags.unwrap_or_default();
    if all.bits() >= NatFlags::NETMAP.bits() * 2 {
        return Err(Errno::EOPNOTSUPP);
    }
    all.set(NatFlags::MAP_IPS, addresses || all.contains(NatFlags::MAP_IPS));
    all.set(NatFlags::PROTO_SPECIFIED, ports || all.contains(NatFlags::PROTO_SPECIFIED));
    *flags = Some(all).filter(|all| !all.is_empty());
    Ok(())
}

impl Normalise for Nat<'_> {
    fn normalise(&mut self, registers: &mut Registers) -> Result<(), Errno> {
        require!(self.nat_type, self.family);
        let len = match self.family {
            Some(Family::IPV4) => 4,
            Some(Family::IPV6) => 16,
            _ => return Err(Errno::EAFNOSUPPORT),
        };
        range(registers, &mut self.address_min, &mut self.address_max, len)?;
        range(registers, &mut self.port_min, &mut self.port_max, 2)?;
        flags(&mut self.flags, self.address_min.is_some(), self.port_min.is_some())
    }
}

macro_rules! nat_to_ports {
    ($($name:ident),*) => { $(
        impl Normalise for $name<'_> {
            fn normalise(&mut self, registers: &mut Registers) -> Result<(), Errno> {
                range(registers, &mut self.port_min, &mut self.port_max, 2)?;
                flags(&mut self.flags, false, self.port_min.is_some())
            }
        }
    )* };
}

nat_to_ports!(Masquerade, Redirect);

impl Normalise for Notrack<'_> {
    fn normalise(&mut self, _: &mut Registers) -> Result<(), Errno> {
        Ok(())
    }
}

impl Normalise for Synproxy<'_> {
    fn normalise(&mut self, _: &mut Registers) -> Result<(), Errno> {
        self.mss.get_or_insert(0);
        self.window_scale.get_or_insert(0);
        require!(self.flags);
        Ok(())
    }
}

impl Normalise for Tproxy<'_> {
    fn normalise(&mut self, registers: &mut Registers) -> Result<(), Errno> {
        if self.address.is_none() && self.port.is_none() {
            return Err(Errno::EINVAL);
        }
        let len = if self.family == Some(Family::IPV6) { 16 } else { 4 };
        registers.load_if_given(&mut self.address, len)?;
        registers.load_if_given(&mut self.port, 2)
    }
}

impl Normalise for Dup<'_> {
    fn normalise(&mut self, registers: &mut Registers) -> Result<(), Errno> {
        require!(self.sreg_address);
        registers.load(&mut self.sreg_address, 4)?;
        registers.load_if_given(&mut self.sreg_device, 4)
    }
}

impl Normalise for Fwd<'_> {
    fn normalise(&mut self, registers: &mut Registers) -> Result<(), Errno> {
        registers.load(&mut self.sreg_device, 4)?;
        registers.load_if_given(&mut self.sreg_address, 4)
    }
}

macro_rules! xt {
    ($($name:ident),*) => { $(
        impl Normalise for $name<'_> {
            fn normalise(&mut self, _: &mut Registers) -> Result<(), Errno> {
                require!(self.name, self.revision, self.info);
                let too_long = |name: &pkttnetlink::Text<'_>| name.as_bytes().len() >= XT_NAME_LEN;
                if self.name.as_ref().is_some_and(too_long) { Err(Errno::ERANGE) } else { Ok(()) }
            }
        }
    )* };
}

xt!(Match, Target);
