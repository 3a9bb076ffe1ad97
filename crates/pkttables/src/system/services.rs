use std::collections::HashMap;
use std::sync::LazyLock;

/// Names of services and their ports, as in `/etc/services`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Services {
    entries: Vec<Service>,
    /// Names and aliases, with the places of the entries that have them.
    by_name: HashMap<Box<str>, Vec<usize>>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Service {
    name: Box<str>,
    protocol: Box<str>,
    port: u16,
}

impl Services {
    /// Those of this system, read from `/etc/services` when first asked for.
    #[must_use]
    pub fn system() -> &'static Self {
        static SYSTEM: LazyLock<Services> = LazyLock::new(|| Services::parse(&super::read("/etc/services")));
        &SYSTEM
    }

    /// Reads the format of `/etc/services`, `name port/protocol [alias]...`; other lines are skipped.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let mut services = Self::default();
        for mut words in super::entries(text) {
            let (Some(name), Some(place)) = (words.next(), words.next()) else { continue };
            let Some((port, protocol)) = place.split_once('/') else { continue };
            let Ok(port) = port.parse() else { continue };
            let index = services.entries.len();
            services.entries.push(Service { name: name.into(), protocol: protocol.into(), port });
            for name in std::iter::once(name).chain(words) {
                services.by_name.entry(name.into()).or_default().push(index);
            }
        }
        services
    }

    /// The port of the first service called `name`; with `protocol` only services of it count.
    #[must_use]
    pub fn port(&self, name: &str, protocol: Option<&str>) -> Option<u16> {
        self.by_name
            .get(name)?
            .iter()
            .filter_map(|&index| self.entries.get(index))
            .find(|service| protocol.is_none_or(|protocol| *service.protocol == *protocol))
            .map(|service| service.port)
    }

    /// The name of the first service at `port`; with `protocol` only services of it count.
    #[must_use]
    pub fn name(&self, port: u16, protocol: Option<&str>) -> Option<&str> {
        self.entries
            .iter()
            .find(|service| {
                service.port == port && protocol.is_none_or(|protocol| *service.protocol == *protocol)
            })
            .map(|service| &*service.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_aliases_and_protocols() {
        let services = Services::parse(
            "# comment\nhttp 80/tcp www # WorldWideWeb\n\ttftp\t69/udp\nbroken\nbad x/tcp\nbig 65536/tcp\n\
             exec 512/tcp\nbiff 512/udp\nhttp 81/sctp\n",
        );
        assert_eq!(services.port("http", Some("tcp")), Some(80));
        assert_eq!(services.port("www", None), Some(80));
        assert_eq!(services.port("http", Some("sctp")), Some(81));
        assert_eq!(services.port("http", Some("udp")), None);
        assert_eq!(services.port("HTTP", None), None);
        assert_eq!(services.port("tftp", Some("udp")), Some(69));
        for absent in ["broken", "bad", "big", "comment", "WorldWideWeb"] {
            assert_eq!(services.port(absent, None), None, "{absent}");
        }
        assert_eq!(services.name(512, Some("udp")), Some("biff"));
        assert_eq!(services.name(512, None), Some("exec"));
        assert_eq!(services.name(80, Some("tcp")), Some("http"));
        assert_eq!(services.name(80, Some("udp")), None);
    }
}
