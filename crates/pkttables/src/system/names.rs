use super::{entries, read};
use crate::domain::parse_unsigned;
use std::sync::LazyLock;

/// Names that a configuration file gives to numbers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Names {
    entries: Vec<(Box<str>, u32)>,
}

macro_rules! files {
    ($($(#[$meta:meta])* $name:ident = $path:literal, $parse:expr;)+) => {$(
        $(#[$meta])*
        #[must_use]
        pub fn $name() -> &'static Self {
            static NAMES: LazyLock<Names> = LazyLock::new(|| $parse(&read($path)));
            &NAMES
        }
    )+};
}

impl Names {
    files! {
        /// The users of this system, read from `/etc/passwd` when first asked for.
        users = "/etc/passwd", Names::parse_accounts;
        /// The groups of this system, read from `/etc/group` when first asked for.
        groups = "/etc/group", Names::parse_accounts;
        /// The groups of network devices, read from `/etc/iproute2/group` when first asked for.
        device_groups = "/etc/iproute2/group", |text: &str| Names::parse_numbers(text, 255);
        /// The routing realms, read from `/etc/iproute2/rt_realms` when first asked for.
        realms = "/etc/iproute2/rt_realms", |text: &str| Names::parse_numbers(text, 255);
        /// The labels of connections, read from `/etc/xtables/connlabel.conf` when first asked for.
        connection_labels = "/etc/xtables/connlabel.conf", |text: &str| Names::parse_numbers(text, 127);
    }

    /// Reads lines `name:password:number[:...]` (passwd(5), group(5)); others are skipped.
    #[must_use]
    pub fn parse_accounts(text: &str) -> Self {
        let entry = |line: &str| {
            let (name, rest) = line.split_once(':')?;
            let number = rest.split(':').nth(1)?.parse().ok()?;
            Some((name.into(), number))
        };
        Self { entries: text.lines().filter_map(entry).collect() }
    }

    /// Reads lines `number name` with numbers up to `max`, decimal or after `0x` hexadecimal; others are skipped.
    #[must_use]
    pub fn parse_numbers(text: &str, max: u32) -> Self {
        let mut names = Self::default();
        for mut words in entries(text) {
            let (Some(number), Some(name)) = (words.next(), words.next()) else { continue };
            let number = match number.strip_prefix("0x") {
                Some(_) => parse_unsigned(number).ok().and_then(|number| u32::try_from(number).ok()),
                None => number.parse().ok(),
            };
            if let Some(number) = number.filter(|number| *number <= max) {
                names.entries.push((name.into(), number));
            }
        }
        names
    }

    /// The number of the first that is called `name`.
    #[must_use]
    pub fn number(&self, name: &str) -> Option<u32> {
        self.entries.iter().find(|(known, _)| **known == *name).map(|(_, number)| *number)
    }

    /// The name of the first with this number.
    #[must_use]
    pub fn name(&self, number: u32) -> Option<&str> {
        self.entries.iter().find(|(_, known)| *known == number).map(|(name, _)| &**name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_account_files() {
        let names =
            Names::parse_accounts("root:x:0:0:root:/:/bin/sh\naudio:x:29:a,b\nbad:x\n\n:x:\ntoor:x:0:\n");
        assert_eq!(names.number("audio"), Some(29));
        assert_eq!(names.number("toor"), Some(0));
        assert_eq!(names.number("bad"), None);
        assert_eq!(names.name(0), Some("root"));
        assert_eq!(names.name(1), None);
    }

    #[test]
    fn lines_of_number_files() {
        let names =
            Names::parse_numbers("# comment\n0\tdefault\n 0x10 lan extra\n256 big\n010 ten\nx y\n7\n", 255);
        assert_eq!(names.number("lan"), Some(16));
        assert_eq!(names.number("ten"), Some(10));
        assert_eq!(names.number("big"), None);
        assert_eq!(names.name(0), Some("default"));
        assert_eq!(names.name(7), None);
    }
}
