//! The small pools that addresses and ports of packets and rules are drawn from.

use fastrand::Rng;
use pkttables::model::Family;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Where hosts are: behind which port, and the network.
const V4: [(usize, [u8; 3]); 6] =
    [(0, [10, 1, 0]), (0, [10, 1, 7]), (1, [10, 3, 0]), (2, [10, 2, 0]), (3, [10, 4, 0]), (2, [192, 168, 4])];

const V6: [(usize, [u16; 4]); 5] = [
    (0, [0xfd00, 1, 0, 0]),
    (1, [0xfd00, 3, 0, 0]),
    (2, [0xfd00, 2, 0, 0]),
    (3, [0xfd00, 4, 0, 0]),
    (2, [0x2001, 0xdb8, 1, 0]),
];

const ODD_V4: [[u8; 4]; 12] = [
    [10, 1, 0, 1],
    [10, 2, 0, 1],
    [10, 1, 0, 1],
    [10, 2, 0, 1],
    [255, 255, 255, 255],
    [10, 1, 255, 255],
    [224, 0, 0, 1],
    [239, 1, 2, 3],
    [127, 0, 0, 1],
    [0, 0, 0, 0],
    [203, 0, 113, 5],
    [172, 16, 3, 4],
];

const ODD_V6: [&str; 12] = [
    "fd00:1::aa",
    "fd00:2::aa",
    "fd00:1::aa",
    "fd00:2::aa",
    "ff02::1",
    "ff0e::1",
    "::1",
    "::",
    "2001:db8:2::9",
    "2001:db8:2::7",
    "2001:db8:77::1",
    "fd00:1::",
];

/// An address of a host that can be reached.
pub fn host(rng: &mut Rng, family: Family) -> IpAddr {
    host_behind(rng, family, None).1
}

/// A host that can be reached, and behind which port it is.
pub(super) fn host_behind(rng: &mut Rng, family: Family, wanted: Option<usize>) -> (usize, IpAddr) {
    loop {
        let (port, address) = match family {
            Family::Ipv4 => {
                let (port, [a, b, c]) = V4[rng.usize(..V4.len())];
                (port, IpAddr::from(Ipv4Addr::new(a, b, c, rng.u8(2..8))))
            }
            Family::Ipv6 => {
                let (port, [a, b, c, d]) = V6[rng.usize(..V6.len())];
                (port, IpAddr::from(Ipv6Addr::new(a, b, c, d, 0, 0, 0, rng.u16(2..8))))
            }
        };
        if wanted.is_none_or(|wanted| wanted == port) {
            return (port, address);
        }
    }
}

/// An address that means something special: the router's own, of a group, of nobody.
pub(super) fn odd(rng: &mut Rng, family: Family) -> IpAddr {
    match family {
        Family::Ipv4 => IpAddr::from(ODD_V4[rng.usize(..ODD_V4.len())]),
        Family::Ipv6 => ODD_V6[rng.usize(..ODD_V6.len())].parse().expect("an address"),
    }
}

/// Any address that packets have.
pub fn address(rng: &mut Rng, family: Family) -> IpAddr {
    if rng.u8(..8) == 0 { odd(rng, family) } else { host(rng, family) }
}

/// A port that packets have.
pub fn port(rng: &mut Rng) -> u16 {
    const PORTS: [u16; 14] = [20, 21, 22, 25, 53, 69, 80, 123, 443, 1023, 1024, 3128, 8080, 40000];
    PORTS[rng.usize(..PORTS.len())]
}
