//! `-m eui64`: compares an IPv6 source address with the Ethernet source address.
use crate::extension;
use crate::model::{Families, Hooks};
use crate::registry::{Extension, Lister, Revision};

/// The `eui64` match.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Eui64;

extension! {
    /// Match IPv6 packets whose source address ends in the EUI-64 form of their Ethernet source address.
    ///
    /// Hosts that configure themselves without privacy extensions have such addresses, so the match tells
    /// whether such an address belongs to the sender. It works where packets come in from Ethernet.
    match "eui64" => Eui64 {
        families: Families::IPV6,
        hooks: Hooks::PREROUTING.union(Hooks::INPUT).union(Hooks::FORWARD),
    } params {}
}

// one unused int
impl Extension for Eui64 {
    const REVISIONS: &'static [Revision<Self>] = &[Revision {
        number: 0,
        size: 4,
        families: Families::IPV6,
        encode: |_, w| {
            w.zeros(4);
            Ok(())
        },
        decode: |r, _| r.take(4, "unused").map(|_| Some(Self)),
    }];

    fn list(&self, out: &mut Lister<'_>) {
        out.plain(self, "");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registry::testing::text_cases;

    #[test]
    fn saved_forms() {
        text_cases! { Eui64, Ipv6: "" => same, "--eui64" => fails }
    }
}
