use crate::connect::Options;
use pkttables::model::Family;
use std::path::Path;

/// Which of the iptables programs this is.
#[derive(Clone, Debug)]
pub(crate) struct Personality {
    /// The name to use in messages.
    pub(crate) name: String,
    pub(crate) program: Program,
    pub(crate) family: Family,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Program {
    Iptables,
    Save,
    Restore,
}

/// The version of iptables whose behaviour this follows.
pub(crate) const VERSION: &str = "v1.8.11 (nf_tables)";

const NAMES: [(&str, Program, Family); 6] = [
    ("iptables", Program::Iptables, Family::Ipv4),
    ("ip6tables", Program::Iptables, Family::Ipv6),
    ("iptables-save", Program::Save, Family::Ipv4),
    ("ip6tables-save", Program::Save, Family::Ipv6),
    ("iptables-restore", Program::Restore, Family::Ipv4),
    ("ip6tables-restore", Program::Restore, Family::Ipv6),
];

impl Personality {
    /// By the name that the program is called, or by its first argument that is not an option of every
    /// personality; and the arguments that are left.
    pub(crate) fn of_call(args: &[String]) -> Option<(Self, Vec<String>)> {
        let (called, args) = args.split_first()?;
        if let Some(personality) = Self::named(called) {
            return Some((personality, args.to_vec()));
        }
        let place = args.iter().position(|arg| !Options::has(arg))?;
        let mut args = args.to_vec();
        Some((Self::named(&args.remove(place))?, args))
    }

    fn named(path: &str) -> Option<Self> {
        let name = Path::new(path).file_name()?.to_str()?;
        let plain = name.replacen("-nft", "", 1);
        let (_, program, family) = NAMES.into_iter().find(|(known, ..)| *known == plain)?;
        // The reference calls itself iptables in messages even as iptables-nft, but not so for the other two.
        let name = if program == Program::Iptables { plain } else { name.to_owned() };
        Some(Self { name, program, family })
    }
}

/// The names by which the program can be called.
pub(crate) fn names() -> String {
    NAMES.map(|(name, ..)| name).join(", ")
}
