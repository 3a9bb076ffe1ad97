use std::sync::LazyLock;

/// Names of users or groups and their numbers, as in `/etc/passwd` and `/etc/group`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Accounts {
    entries: Vec<(Box<str>, u32)>,
}

impl Accounts {
    /// The users of this system, read from `/etc/passwd` when first asked for.
    #[must_use]
    pub fn users() -> &'static Self {
        static USERS: LazyLock<Accounts> = LazyLock::new(|| Accounts::parse(&super::read("/etc/passwd")));
        &USERS
    }

    /// The groups of this system, read from `/etc/group` when first asked for.
    #[must_use]
    pub fn groups() -> &'static Self {
        static GROUPS: LazyLock<Accounts> = LazyLock::new(|| Accounts::parse(&super::read("/etc/group")));
        &GROUPS
    }

    /// Reads lines `name:password:number[:...]` (passwd(5), group(5)); others are skipped.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let entry = |line: &str| {
            let (name, rest) = line.split_once(':')?;
            let number = rest.split(':').nth(1)?.parse().ok()?;
            Some((name.into(), number))
        };
        Self { entries: text.lines().filter_map(entry).collect() }
    }

    /// The number of the first account called `name`.
    #[must_use]
    pub fn id(&self, name: &str) -> Option<u32> {
        self.entries.iter().find(|(known, _)| **known == *name).map(|(_, id)| *id)
    }

    /// The name of the first account with this number.
    #[must_use]
    pub fn name(&self, id: u32) -> Option<&str> {
        self.entries.iter().find(|(_, known)| *known == id).map(|(name, _)| &**name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_account_files() {
        let accounts =
            Accounts::parse("root:x:0:0:root:/root:/bin/sh\naudio:x:29:a,b\nbad:x\n\n:x:\ntoor:x:0:\n");
        assert_eq!(accounts.id("audio"), Some(29));
        assert_eq!(accounts.id("toor"), Some(0));
        assert_eq!(accounts.id("bad"), None);
        assert_eq!(accounts.name(0), Some("root"));
        assert_eq!(accounts.name(1), None);
    }
}
