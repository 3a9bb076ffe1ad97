use super::{Port, parse_bounded, parse_unsigned};
use crate::model::protocol;
use crate::registry::{Domain, Scope, Value, ValueError};
use std::fmt;

/// The ports that a translation chooses from: `PORT`, `FIRST-LAST` or `FIRST-LAST/BASE`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NatPorts {
    /// The first port.
    pub min: u16,
    /// The last port.
    pub max: u16,
    /// The original port that becomes the first port; those after it become those after the first.
    pub base: Option<u16>,
}

/// The protocols whose ports (or, with ICMP, identifiers) can be translated.
const WITH_PORTS: [u8; 5] = [protocol::TCP, protocol::UDP, protocol::SCTP, protocol::DCCP, protocol::ICMP];

impl Value for NatPorts {
    const DOMAIN: Domain = Domain::Range { of: &Domain::Port, separator: '-' };

    fn parse(text: &str, scope: &Scope) -> Result<Self, ValueError> {
        if !scope.protocol.is_some_and(|named| WITH_PORTS.contains(&named.value)) {
            return Err(ValueError::Because("ports need `-p` with tcp, udp, sctp, dccp or icmp before them"));
        }
        let number =
            |text| u16::try_from(parse_bounded(text, 0, u16::MAX.into())?).map_err(|_| ValueError::Form);
        // The names of services can have a `-` in them, and cannot stand in a range.
        let (min, rest) = match text.split_once('-') {
            Some((min, rest)) if parse_unsigned(min).is_ok() => (number(min)?, rest),
            _ => {
                let Port(port) = Port::parse_number_or_service(text, None)?;
                return Ok(Self { min: port, max: port, base: None });
            }
        };
        let (max, base) = rest.split_once('/').map_or((rest, None), |(max, base)| (max, Some(base)));
        let max = number(max)?;
        if max < min {
            return Err(ValueError::Reversed);
        }
        let base = base.map(|base| Port::parse_number_or_service(base, None)).transpose()?;
        if base == Some(Port(0)) {
            return Err(ValueError::OutOfRange { min: 1, max: u16::MAX.into() });
        }
        Ok(Self { min, max, base: base.map(|Port(base)| base) })
    }

    fn write(&self, out: &mut String, _: &Scope) {
        let _ = fmt::Write::write_fmt(out, format_args!("{self}"));
    }
}

impl fmt::Display for NatPorts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.min)?;
        if self.min != self.max {
            write!(f, "-{}", self.max)?;
        }
        self.base.map_or(Ok(()), |base| write!(f, "/{base}"))
    }
}
