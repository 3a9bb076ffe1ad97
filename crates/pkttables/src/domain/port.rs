use super::{parse_decimal, parse_unsigned, split_at_byte};
use crate::model::protocol;
use crate::registry::{Domain, Scope, Value, ValueError};
use crate::system::Services;
use nfnetlink::wire::{DecodeError, Problem, Reader};
use std::fmt::Write as _;

/// A port number. As a parameter's value it may be given as the name of a service of any protocol.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Port(pub u16);

/// The ports from one to another, both included. As a parameter's value `:` alone means all, `5:` those from 5.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PortRange {
    min: u16,
    max: u16,
}

/// A [`PortRange`] given by numbers of any base, or by names of services of one protocol.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct PortsOf<const PROTOCOL: u8>(pub PortRange);

/// Ports and port ranges in at most `SLOTS` slots, of which a port fills one and a range two.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PortList<const SLOTS: usize> {
    ports: [u16; SLOTS],
    begins_range: [bool; SLOTS],
    used: u8,
}

impl Port {
    /// Reads a number in C notation, or the name of a service: of `protocol` if one is given, else of any.
    pub fn parse_number_or_service(text: &str, protocol: Option<&str>) -> Result<Self, ValueError> {
        match parse_unsigned(text) {
            Ok(number) => Self::try_from_number(number),
            Err(ValueError::Form) => {
                Services::system().port(text, protocol).map(Self).ok_or(ValueError::UnknownName)
            }
            Err(_) => Self::try_from_number(u64::MAX),
        }
    }

    fn try_from_number(number: u64) -> Result<Self, ValueError> {
        u16::try_from(number).map(Self).map_err(|_| ValueError::OutOfRange { min: 0, max: 65535 })
    }
}

impl PortRange {
    /// All ports.
    pub const ALL: Self = Self { min: 0, max: u16::MAX };

    /// The ports from `min` to `max`; `None` if `max` comes first.
    #[must_use]
    pub const fn new(min: u16, max: u16) -> Option<Self> {
        if min <= max { Some(Self { min, max }) } else { None }
    }

    /// The lowest port.
    #[must_use]
    pub const fn min(self) -> u16 {
        self.min
    }

    /// The highest port.
    #[must_use]
    pub const fn max(self) -> u16 {
        self.max
    }

    /// Whether `port` is in the range.
    #[must_use]
    pub const fn contains(self, port: u16) -> bool {
        self.min <= port && port <= self.max
    }

    /// Reads the two ends from a kernel structure.
    pub fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let (min, max) = (r.ne_u16("lowest port")?, r.ne_u16("highest port")?);
        Self::new(min, max).ok_or_else(|| r.error("port range", Problem::Value(max.into())))
    }

    fn parse_with(text: &str, port: impl Fn(&str) -> Result<Port, ValueError>) -> Result<Self, ValueError> {
        let end = |text: &str, open: u16| if text.is_empty() { Ok(open) } else { Ok(port(text)?.0) };
        let (min, max) = match split_at_byte(text, b':') {
            Some((min, max)) => (end(min, 0)?, end(max, u16::MAX)?),
            None => {
                let Port(port) = port(text)?;
                (port, port)
            }
        };
        Self::new(min, max).ok_or(ValueError::Reversed)
    }
}

impl<const SLOTS: usize> PortList<SLOTS> {
    /// Adds a port, or a range of at least two; an error if no slot is left.
    pub fn push(&mut self, ports: PortRange) -> Result<(), ValueError> {
        let range = ports.min != ports.max;
        let at = usize::from(self.used);
        let end = at + if range { 2 } else { 1 };
        let (Some(slots), Some(flag)) = (self.ports.get_mut(at..end), self.begins_range.get_mut(at)) else {
            return Err(ValueError::TooMany { max: SLOTS });
        };
        for (slot, port) in slots.iter_mut().zip([ports.min, ports.max]) {
            *slot = port;
        }
        *flag = range;
        self.used = u8::try_from(end).map_err(|_| ValueError::TooMany { max: SLOTS })?;
        Ok(())
    }

    /// Reads the kernel's slots; `None` if they are not what [`PortList::push`] makes.
    #[must_use]
    pub fn from_slots(ports: &[u16; SLOTS], begins_range: &[bool; SLOTS], used: u8) -> Option<Self> {
        let mut slots = ports.iter().zip(begins_range).take(used.into());
        let mut list = Self::default();
        while let Some((&min, &range)) = slots.next() {
            let max = if range { *slots.next()?.0 } else { min };
            list.push(PortRange::new(min, max)?).ok()?;
        }
        let same = Self { ports: *ports, begins_range: *begins_range, used } == list;
        same.then_some(list)
    }

    /// The slots, which of them begin a range that ends in the next, and how many are used.
    #[must_use]
    pub const fn slots(&self) -> (&[u16; SLOTS], &[bool; SLOTS], u8) {
        (&self.ports, &self.begins_range, self.used)
    }

    /// The ports and ranges, in order.
    pub fn iter(&self) -> impl Iterator<Item = PortRange> + '_ {
        let mut slots = self.ports.iter().zip(&self.begins_range).take(self.used.into());
        std::iter::from_fn(move || {
            let (&min, &range) = slots.next()?;
            let max = if range { *slots.next()?.0 } else { min };
            Some(PortRange { min, max })
        })
    }

    /// Whether any of them is a range.
    #[must_use]
    pub fn has_ranges(&self) -> bool {
        self.begins_range.contains(&true)
    }

    /// Whether `port` is in the list.
    #[must_use]
    pub fn contains(&self, port: u16) -> bool {
        self.iter().any(|range| range.contains(port))
    }
}

impl Default for PortRange {
    fn default() -> Self {
        Self::ALL
    }
}

impl<const SLOTS: usize> Default for PortList<SLOTS> {
    fn default() -> Self {
        Self { ports: [0; SLOTS], begins_range: [false; SLOTS], used: 0 }
    }
}

impl std::fmt::Display for PortRange {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.min == self.max {
            true => write!(f, "{}", self.min),
            false => write!(f, "{}:{}", self.min, self.max),
        }
    }
}

impl Value for Port {
    const DOMAIN: Domain = Domain::Port;

    /// Numbers are decimal, and of services with the same name that of TCP comes first, as in `getaddrinfo`.
    fn parse(text: &str, _: &Scope) -> Result<Self, ValueError> {
        if text.is_empty() {
            return Err(ValueError::Form);
        }
        match parse_decimal(text, 0, 65535) {
            Ok(number) => Self::try_from_number(number),
            Err(ValueError::Form) => {
                let services = Services::system();
                let port = services.port(text, Some("tcp")).or_else(|| services.port(text, None));
                port.map(Self).ok_or(ValueError::UnknownName)
            }
            Err(error) => Err(error),
        }
    }

    fn write(&self, out: &mut String, _: &Scope) {
        let _ = write!(out, "{}", self.0);
    }
}

impl Value for PortRange {
    const DOMAIN: Domain = Domain::Range { of: &Domain::Port, separator: ':' };

    fn parse(text: &str, scope: &Scope) -> Result<Self, ValueError> {
        Self::parse_with(text, |text| Port::parse(text, scope))
    }

    fn write(&self, out: &mut String, _: &Scope) {
        let _ = write!(out, "{self}");
    }
}

impl<const PROTOCOL: u8> Value for PortsOf<PROTOCOL> {
    const DOMAIN: Domain = PortRange::DOMAIN;

    fn parse(text: &str, _: &Scope) -> Result<Self, ValueError> {
        let protocol = protocol::known_name(PROTOCOL);
        PortRange::parse_with(text, |text| Port::parse_number_or_service(text, protocol)).map(Self)
    }

    fn write(&self, out: &mut String, scope: &Scope) {
        self.0.write(out, scope);
    }
}

impl<const SLOTS: usize> Value for PortList<SLOTS> {
    const DOMAIN: Domain = Domain::List { of: &PortRange::DOMAIN, max: SLOTS, separator: ',' };

    /// Services are those of the rule's protocol. A range has two different ends, and none is open.
    fn parse(text: &str, scope: &Scope) -> Result<Self, ValueError> {
        let protocol = scope.protocol.and_then(|protocol| protocol::known_name(protocol.value));
        let port = |text: &str| Port::parse_number_or_service(text, protocol).map(|Port(port)| port);
        let mut list = Self::default();
        for item in text.split(',') {
            let range = match item.split_once(':') {
                None => port(item).map(|port| PortRange { min: port, max: port })?,
                Some((min, max)) => {
                    let (min, max) = (port(min)?, port(max)?);
                    if min >= max {
                        return Err(ValueError::Reversed);
                    }
                    PortRange { min, max }
                }
            };
            list.push(range)?;
        }
        Ok(list)
    }

    fn write(&self, out: &mut String, _: &Scope) {
        for (place, range) in self.iter().enumerate() {
            let _ = write!(out, "{}{range}", if place == 0 { "" } else { "," });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Family, Negatable};
    use proptest::prelude::*;

    const SCOPE: Scope = Scope { family: Family::Ipv4, protocol: None };

    fn written<T: Value>(text: &str) -> Result<String, ValueError> {
        let mut out = String::new();
        T::parse(text, &SCOPE)?.write(&mut out, &SCOPE);
        Ok(out)
    }

    #[test]
    fn numbers_are_decimal_as_in_getaddrinfo_or_in_c_notation() {
        assert_eq!(written::<Port>("080").as_deref(), Ok("80"));
        assert_eq!(written::<Port>("0x50"), Err(ValueError::UnknownName));
        assert_eq!(written::<PortsOf<6>>("0x40:0120").as_deref(), Ok("64:80"));
        assert_eq!(Port::parse_number_or_service("08", None), Err(ValueError::UnknownName));
        let limits = ValueError::OutOfRange { min: 0, max: 65535 };
        for large in ["65536", "4294967376", "99999999999999999999999"] {
            assert_eq!(written::<Port>(large), Err(limits.clone()));
            assert_eq!(written::<PortsOf<17>>(large), Err(limits.clone()));
        }
        for bad in ["", "-1", "1-2", "80 ", "1:2"] {
            assert!(written::<Port>(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn services_are_those_of_the_system() {
        let services = Services::system();
        let expect = |name, protocol| services.port(name, protocol).ok_or(ValueError::UnknownName);
        for name in ["http", "www", "domain", "tftp", "no such"] {
            assert_eq!(
                Port::parse_number_or_service(name, Some("tcp")).map(|port| port.0),
                expect(name, Some("tcp"))
            );
            assert_eq!(
                Port::parse(name, &SCOPE).map(|port| port.0),
                expect(name, Some("tcp")).or_else(|_| expect(name, None))
            );
        }
    }

    #[test]
    fn ranges_may_be_open() {
        for (text, same) in [("5", "5"), ("5:5", "5"), (":5", "0:5"), ("5:", "5:65535"), (":", "0:65535")] {
            assert_eq!(written::<PortRange>(text).as_deref(), Ok(same));
            assert_eq!(written::<PortsOf<6>>(text).as_deref(), Ok(same));
        }
        assert_eq!(written::<PortRange>(" 5:+6").as_deref(), Ok("5:6"));
        assert_eq!(written::<PortRange>("5:4"), Err(ValueError::Reversed));
        for bad in ["", "1:2:3", "1::", "5-6"] {
            assert!(written::<PortRange>(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_list_has_room_for_its_slots() {
        assert_eq!(written::<PortList<3>>("1,2,3").as_deref(), Ok("1,2,3"));
        assert_eq!(written::<PortList<3>>("9,2:3").as_deref(), Ok("9,2:3"));
        for many in ["1,2,3,4", "1,2,3:4", "1:2,3:4"] {
            assert_eq!(written::<PortList<3>>(many), Err(ValueError::TooMany { max: 3 }), "{many}");
        }
        for bad in ["", "1,", ",1", "1:", ":1", "2:1", "1:1", "1:2:3"] {
            assert!(written::<PortList<3>>(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_list_finds_services_of_the_rules_protocol() {
        let scope = Scope { protocol: Some(Negatable { value: 132, not: false }), ..SCOPE };
        let expect = Services::system().port("http", Some("sctp"));
        assert_eq!(PortList::<15>::parse("http", &scope).ok().map(|list| list.slots().0[0]), expect);
    }

    proptest! {
        #[test]
        fn a_list_survives_its_text_and_its_slots(
            ends in proptest::collection::vec((any::<u16>(), any::<u16>(), any::<bool>()), 1..16)
        ) {
            let mut list = PortList::<15>::default();
            for (one, other, single) in ends {
                let other = if single { one } else { other };
                let before = list;
                let range = PortRange::new(one.min(other), one.max(other)).unwrap();
                if list.push(range).is_err() {
                    prop_assert_eq!(list, before);
                } else {
                    prop_assert!(list.contains(one) && list.contains(other));
                }
            }
            let mut text = String::new();
            list.write(&mut text, &SCOPE);
            prop_assert_eq!(PortList::parse(&text, &SCOPE), Ok(list));
            let (ports, begins_range, used) = list.slots();
            prop_assert_eq!(PortList::from_slots(ports, begins_range, used), Some(list));
        }

        #[test]
        fn impossible_slots_make_no_list(ports: [u16; 3], begins_range: [bool; 3], used in 0..5_u8) {
            if let Some(list) = PortList::from_slots(&ports, &begins_range, used) {
                prop_assert_eq!(list.slots(), (&ports, &begins_range, used));
            } else {
                let open = used > 3 || (used == 3 && begins_range[2]);
                let unused = used < 3 && (ports[usize::from(used)..] != [0; 3][usize::from(used)..]
                    || begins_range[usize::from(used)..].contains(&true));
                let order = ports.windows(2).zip(begins_range).any(|(pair, range)| range && pair[0] >= pair[1]);
                let nested = begins_range.windows(2).any(|pair| pair == [true, true]) || begins_range[2];
                prop_assert!(open || unused || order || nested);
            }
        }
    }
}
