use crate::checksum::replace8;
use crate::conntrack::SettingError;
use pkttables::matches::addrtype::AddressType;
use pkttables::model::Family;
use pkttables::packet::{InterfaceName, Packet};
use pkttables::registry::Environment;
use std::collections::HashMap;
use std::net::IpAddr;

/// The settings of the IP layer below `net.ipv4` and `net.ipv6` that decide what becomes of packets.
///
/// A new one is a router: it forwards, and looks at no source address whether it could come from there.
#[derive(Clone, Debug)]
pub(crate) struct Network {
    all: [Conf; 2],
    /// What interfaces have that are not named.
    default: [Conf; 2],
    interfaces: HashMap<(InterfaceName, bool), Conf>,
    default_ttl: u8,
}

/// `net.ipv4.conf.NAME` or `net.ipv6.conf.NAME`.
#[derive(Clone, Copy, Debug)]
struct Conf {
    forwarding: bool,
    rp_filter: u8,
    accept_local: bool,
    accept_source_route: i8,
    route_localnet: bool,
    hop_limit: u8,
}

const V4: Conf = Conf {
    forwarding: true,
    rp_filter: 0,
    accept_local: false,
    accept_source_route: 1,
    route_localnet: false,
    hop_limit: 64,
};
const V6: Conf = Conf { accept_source_route: 0, ..V4 };

/// The last words of all settings.
pub(crate) const NAMES: [&str; 8] = [
    "ip_forward",
    "ip_default_ttl",
    "forwarding",
    "rp_filter",
    "accept_local",
    "accept_source_route",
    "route_localnet",
    "hop_limit",
];

impl Default for Network {
    fn default() -> Self {
        Self {
            all: [Conf { accept_source_route: 0, ..V4 }, V6],
            default: [V4, V6],
            interfaces: HashMap::new(),
            default_ttl: 64,
        }
    }
}

impl Network {
    /// Changes a setting; the key is separated by dots, or by slashes if an interface's name has a dot.
    pub(crate) fn set(&mut self, key: &str, value: &str) -> Result<(), SettingError> {
        let separator = if key.contains('/') { '/' } else { '.' };
        let words: Vec<&str> = key.split(separator).collect();
        match *words {
            ["net", "ipv4", "ip_forward"] => self.set_conf(0, "all", "forwarding", value),
            ["net", "ipv4", "ip_default_ttl"] => {
                self.default_ttl = number(value, 1, 255)?;
                Ok(())
            }
            ["net", family @ ("ipv4" | "ipv6"), "conf", interface, name] => {
                self.set_conf(usize::from(family == "ipv6"), interface, name, value)
            }
            _ => Err(SettingError::Unknown),
        }
    }

    fn set_conf(
        &mut self,
        family: usize,
        interface: &str,
        name: &str,
        value: &str,
    ) -> Result<(), SettingError> {
        let default = *self.default.get(family).unwrap_or(&V4);
        let every = interface == "all" && matches!(name, "forwarding" | "hop_limit");
        match interface {
            "all" => self.all.get_mut(family).ok_or(SettingError::Unknown)?.set(family, name, value)?,
            "default" => {
                self.default.get_mut(family).ok_or(SettingError::Unknown)?.set(family, name, value)?
            }
            _ => {
                let interface = InterfaceName::new(interface.as_bytes()).ok_or(SettingError::Unknown)?;
                let conf = self.interfaces.entry((interface, family == 1)).or_insert(default);
                conf.set(family, name, value)?;
            }
        }
        if every {
            // Forwarding for all is set for each interface too.
            let of_family = self.interfaces.iter_mut().filter(|((_, v6), _)| usize::from(*v6) == family);
            let each = of_family.map(|(_, conf)| conf).chain(self.default.get_mut(family));
            for conf in each {
                conf.set(family, name, value)?;
            }
        }
        Ok(())
    }

    fn all(&self, family: Family) -> &Conf {
        let [v4, v6] = &self.all;
        if family == Family::Ipv4 { v4 } else { v6 }
    }

    fn of(&self, family: Family, interface: Option<InterfaceName>) -> &Conf {
        let [v4, v6] = &self.default;
        let default = if family == Family::Ipv4 { v4 } else { v6 };
        let own = interface.and_then(|interface| self.interfaces.get(&(interface, family == Family::Ipv6)));
        own.unwrap_or(default)
    }

    /// Whether packets that came by this interface are forwarded.
    pub(crate) fn forwards(&self, packet: &Packet<'_>) -> bool {
        let family = packet.family();
        let conf = self.of(family, packet.meta.input);
        conf.forwarding && (family == Family::Ipv4 || self.all(family).forwarding)
    }

    /// Whether a packet may have a source address of this host.
    pub(crate) fn accepts_local(&self, packet: &Packet<'_>) -> bool {
        self.all(Family::Ipv4).accept_local || self.of(Family::Ipv4, packet.meta.input).accept_local
    }

    /// Whether addresses of the loopback network are routed like others.
    pub(crate) fn routes_loopback(&self, packet: &Packet<'_>) -> bool {
        self.all(Family::Ipv4).route_localnet || self.of(Family::Ipv4, packet.meta.input).route_localnet
    }

    /// Whether a source address may come by the interface that it came by (RFC 3704); only IPv4 looks at that.
    pub(crate) fn admits_source(&self, packet: &Packet<'_>, environment: &mut dyn Environment) -> bool {
        if packet.family() == Family::Ipv6 {
            return true;
        }
        let input = packet.meta.input;
        let filter = self.all(Family::Ipv4).rp_filter.max(self.of(Family::Ipv4, input).rp_filter);
        let source = packet.layout.source;
        if filter == 0 || source == IpAddr::V4(std::net::Ipv4Addr::UNSPECIFIED) {
            return true;
        }
        if environment.address_type(source, None) == AddressType::Local {
            return true;
        }
        match environment.route(source, packet.meta.mark) {
            Some(route) => filter != 1 || Some(route.interface) == input,
            None => false,
        }
    }

    /// Whether a packet may name the routers on its way in an option of the IPv4 header.
    pub(crate) fn admits_source_route(&self, packet: &Packet<'_>) -> bool {
        let (all, own) = (self.all(Family::Ipv4), self.of(Family::Ipv4, packet.meta.input));
        all.accept_source_route != 0 && own.accept_source_route != 0
    }

    /// Gives a packet that this host made its time to live or hop limit.
    pub(crate) fn set_hops(&self, packet: &mut [u8]) {
        let v6 = packet.first().is_some_and(|first| first >> 4 == 6);
        let (at, hops) = if v6 { (7, self.all(Family::Ipv6).hop_limit) } else { (8, self.default_ttl) };
        let Some(place) = packet.get_mut(at) else { return };
        let old = std::mem::replace(place, hops);
        if let (false, Some([high, low])) = (v6, packet.get_mut(10..12)) {
            let sum = replace8(u16::from_be_bytes([*high, *low]), old, hops, false);
            [*high, *low] = sum.to_be_bytes();
        }
    }
}

impl Conf {
    fn set(&mut self, family: usize, name: &str, value: &str) -> Result<(), SettingError> {
        match (name, family) {
            ("forwarding", _) => {
                self.forwarding = number(value, 0, i64::from(i32::MAX)).map(|on: i64| on != 0)?
            }
            ("rp_filter", 0) => self.rp_filter = number(value, 0, 2)?,
            ("accept_local", 0) => self.accept_local = number(value, 0, 1).map(|on: u8| on != 0)?,
            ("route_localnet", 0) => self.route_localnet = number(value, 0, 1).map(|on: u8| on != 0)?,
            ("accept_source_route", _) => self.accept_source_route = number(value, -1, 1)?,
            ("hop_limit", 1) => self.hop_limit = number(value, 1, 255)?,
            _ => return Err(SettingError::Unknown),
        }
        Ok(())
    }
}

fn number<T: TryFrom<i64>>(text: &str, min: i64, max: i64) -> Result<T, SettingError> {
    let number = text.trim().parse().ok().filter(|number| (min..=max).contains(number));
    number.and_then(|number| T::try_from(number).ok()).ok_or(SettingError::Value)
}
