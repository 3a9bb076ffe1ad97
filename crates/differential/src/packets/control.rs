//! What is said over the control connections of FTP and TFTP, which helpers read.

use super::wire::number;
use fastrand::Rng;
use std::net::IpAddr;

pub(super) const FTP: u16 = 21;
pub(super) const TFTP: u16 = 69;

/// The port of control connections of a protocol.
pub(super) const fn port(protocol: u8) -> u16 {
    if protocol == number::UDP { TFTP } else { FTP }
}

/// A line, and the port that it tells, from an end with this address and port.
pub(super) fn says(rng: &mut Rng, protocol: u8, (address, own): (IpAddr, u16)) -> (Vec<u8>, Option<u16>) {
    if protocol == number::UDP {
        return request(rng, own);
    }
    let port: u16 = rng.choice([1023, 1024, 3128, 8080, 40000]).unwrap_or(1024);
    let [high, low] = port.to_be_bytes();
    let dotted = match address {
        IpAddr::V4(address) => address.octets().map(|octet| octet.to_string()).join(","),
        IpAddr::V6(_) => "10,1,0,2".into(),
    };
    let version = if address.is_ipv4() { 1 } else { 2 };
    let (line, tells) = match rng.u8(..10) {
        0 => (format!("PORT {dotted},{high},{low}"), true),
        1 => (format!("227 Entering Passive Mode ({dotted},{high},{low})."), true),
        2 => (format!("227 Here ={dotted},{high},{low}"), true),
        3 => (format!("EPRT |{version}|{address}|{port}|"), true),
        4 => (format!("229 Entering Extended Passive Mode (|||{port}|)"), true),
        5 => (format!("port {dotted},{high},{low}"), true),
        6 => (format!("PORT {dotted},{high}"), false),
        7 => (format!("PORT 10,9,9,9,{high},{low}"), true),
        _ => ("USER anonymous".into(), false),
    };
    let end = rng.choice(["\r\n", "\r\n", "\r\n", "\r\n", "\n", ""]).unwrap_or("\r\n");
    ((line + end).into_bytes(), tells.then_some(port))
}

/// A request to read or write, which is answered from another port.
fn request(rng: &mut Rng, own: u16) -> (Vec<u8>, Option<u16>) {
    let operation = rng.choice([1, 2, 1, 2, 3, 5]).unwrap_or(1);
    ([&[0, operation][..], b"file\0octet\0"].concat(), (operation < 3).then_some(own))
}
