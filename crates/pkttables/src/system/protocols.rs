use std::sync::LazyLock;

/// Names of transport protocols and their numbers, as in `/etc/protocols`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Protocols {
    entries: Vec<Protocol>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Protocol {
    number: u8,
    /// The name, then its aliases.
    names: Vec<Box<str>>,
}

impl Protocols {
    /// Those of this system, read from `/etc/protocols` when first asked for.
    #[must_use]
    pub fn system() -> &'static Self {
        static SYSTEM: LazyLock<Protocols> =
            LazyLock::new(|| Protocols::parse(&super::read("/etc/protocols")));
        &SYSTEM
    }

    /// Reads the format of `/etc/protocols`, `name number [alias]...`; other lines are skipped.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let entries = super::entries(text).filter_map(|mut words| {
            let (name, number) = (words.next()?, words.next()?.parse().ok()?);
            Some(Protocol { number, names: std::iter::once(name).chain(words).map(Box::from).collect() })
        });
        Self { entries: entries.collect() }
    }

    /// The number of the protocol called `name`, in exactly this spelling.
    #[must_use]
    pub fn number(&self, name: &str) -> Option<u8> {
        self.entries
            .iter()
            .find(|protocol| protocol.names.iter().any(|known| **known == *name))
            .map(|protocol| protocol.number)
    }

    /// The name of a protocol.
    #[must_use]
    pub fn name(&self, number: u8) -> Option<&str> {
        self.entries.iter().find(|protocol| protocol.number == number)?.names.first().map(|name| &**name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_aliases_and_numbers() {
        let protocols = Protocols::parse(
            "# list\nip\t0\tIP\t\t# pseudo\nigmp 2 IGMP\ngre 47\nodd\nmany 256\nother 2 also\n",
        );
        assert_eq!(protocols.number("igmp"), Some(2));
        assert_eq!(protocols.number("IGMP"), Some(2));
        assert_eq!(protocols.number("Igmp"), None);
        assert_eq!(protocols.number("also"), Some(2));
        assert_eq!(protocols.number("many"), None);
        assert_eq!(protocols.name(2), Some("igmp"));
        assert_eq!(protocols.name(0), Some("ip"));
        assert_eq!(protocols.name(200), None);
    }
}
