use super::AddressText;
use crate::registry::{Domain, InfoWriter, Scope, Value, ValueError};
use nfnetlink::wire::{DecodeError, Problem, Reader};
use std::fmt::Write as _;
use std::net::Ipv6Addr;

/// Up to sixteen addresses of routers that an IPv6 packet should visit.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Ipv6Hops(Vec<Ipv6Addr>);

impl Ipv6Hops {
    /// The most that there may be.
    pub const MAX: usize = 16;

    /// The addresses, in order.
    #[must_use]
    pub fn as_slice(&self) -> &[Ipv6Addr] {
        &self.0
    }

    /// Whether there is none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Writes room for all, then how many there are, as in `struct ip6t_rt`.
    pub fn encode(&self, w: &mut InfoWriter<'_>) {
        let unused = std::iter::repeat(&Ipv6Addr::UNSPECIFIED);
        self.0.iter().chain(unused).take(Self::MAX).for_each(|address| w.bytes(&address.octets()));
        w.u8(u8::try_from(self.0.len()).unwrap_or_default());
    }

    /// Reads what [`Ipv6Hops::encode`] writes.
    pub fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let mut addresses = Vec::new();
        for _ in 0..Self::MAX {
            addresses.push(Ipv6Addr::from(r.array::<16>("addresses")?));
        }
        let used = r.u8("number of addresses")?;
        if usize::from(used) > Self::MAX {
            return Err(r.error("number of addresses", Problem::Value(used.into())));
        }
        addresses.truncate(used.into());
        Ok(Self(addresses))
    }
}

impl Value for Ipv6Hops {
    const DOMAIN: Domain = Domain::List { of: &Domain::Address, max: Self::MAX, separator: ',' };

    fn parse(text: &str, _: &Scope) -> Result<Self, ValueError> {
        let mut addresses = Vec::new();
        for item in text.split(',') {
            if addresses.len() == Self::MAX {
                return Err(ValueError::TooMany { max: Self::MAX });
            }
            addresses.push(item.parse().map_err(|_| ValueError::Form)?);
        }
        Ok(Self(addresses))
    }

    fn write(&self, out: &mut String, _: &Scope) {
        for (place, address) in self.0.iter().enumerate() {
            let _ = write!(out, "{}{}", if place == 0 { "" } else { "," }, AddressText::from(*address));
        }
    }
}
