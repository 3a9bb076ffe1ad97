use crate::conntrack::{SettingError, Settings};
use crate::ipset::{self, Sets};
use crate::network::{self, Network};
use crate::{Error, Evaluator, Host};
use pkttables::domain::SetName;
use pkttables::model::{AddressMask, Family, Match, Ruleset, TableName, Target};
use pkttables::packet::InterfaceName;
use pkttables::registry::{Backend, Registry, Route, Scope, Value as _};
use pkttables::text::{Diagnostic, Parser, ReadOptions, Reader, nearest, read_ruleset};
use pkttables::{matches, targets};
use std::any::Any;
use std::net::IpAddr;

/// What a ruleset is evaluated with, put together from text.
#[derive(Clone, Debug)]
pub struct Setup {
    rules: Ruleset,
    backend: Backend,
    host: Host,
    settings: Settings,
    network: Network,
    trace: bool,
}

/// Why an evaluation cannot be set up.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SetupError {
    /// The rules' text is wrong: all that is.
    #[error("{}", errors.iter().map(Diagnostic::render).collect::<Vec<_>>().join("\n"))]
    Text {
        /// The errors.
        errors: Vec<Diagnostic>,
    },
    /// A route that is none.
    #[error("route `{0}': expected PREFIX=INTERFACE, such as 10.0.0.0/8=eth0, of the rules' family")]
    Route(Box<str>),
    /// The sets cannot be read.
    #[error("sets: {0}")]
    Sets(#[from] ipset::Error),
    /// A kernel setting cannot be made.
    #[error("sysctl `{key}': {}", describe(*error, value, *hint))]
    Sysctl {
        /// Its name.
        key: Box<str>,
        /// The value that it should get.
        value: Box<str>,
        /// Why not.
        error: SettingError,
        /// The name that may have been meant.
        hint: Option<&'static str>,
    },
    /// A rule refers to a set that does not exist.
    #[error("rule {rule} of chain {chain} in table {}: there is no set `{set}'", table.name())]
    NoSet {
        /// The table.
        table: TableName,
        /// The chain of the rule.
        chain: Box<str>,
        /// The rule's number.
        rule: usize,
        /// The set's name.
        set: SetName,
    },
    /// The rules cannot be evaluated.
    #[error(transparent)]
    Rules(#[from] Error),
}

fn describe(error: SettingError, value: &str, hint: Option<&str>) -> String {
    match (error, hint) {
        (SettingError::Unknown, Some(hint)) => {
            format!("there is none that decides what becomes of packets, did you mean `{hint}'?")
        }
        (SettingError::Unknown, None) => "there is none that decides what becomes of packets".into(),
        _ => format!("`{value}' is no value that it takes"),
    }
}

impl Setup {
    /// The last words of the settings of the IP layer that [`sysctl`](Self::sysctl) takes.
    pub const NETWORK_SETTINGS: [&'static str; 8] = network::NAMES;

    /// Like [`Setup::new`], of rules in the format of iptables-save.
    pub fn parse(family: Family, text: &str) -> Result<Self, SetupError> {
        let parser = Parser::new(family, Registry::builtin());
        let rules = read_ruleset(&mut Reader::new(text.as_bytes(), parser, ReadOptions::default()));
        rules.map(Self::new).map_err(|errors| SetupError::Text { errors })
    }

    /// A router without routes, on which the rules are in force.
    #[must_use]
    pub fn new(rules: Ruleset) -> Self {
        Self {
            rules,
            backend: Backend::Nft,
            host: Host::new(),
            settings: Settings::default(),
            network: Network::default(),
            trace: false,
        }
    }

    /// Follows one kernel code or the other where they differ.
    #[must_use]
    pub fn backend(self, backend: Backend) -> Self {
        Self { backend, ..self }
    }

    /// Takes this host, with its routes, addresses and sets, instead of the one so far.
    #[must_use]
    pub fn host(self, host: Host) -> Self {
        Self { host, ..self }
    }

    /// Adds a route, `PREFIX=INTERFACE`; the longest prefix that has an address counts.
    pub fn route(mut self, text: &str) -> Result<Self, SetupError> {
        let scope = Scope { family: self.family(), protocol: None };
        let parsed = text.split_once('=').and_then(|(prefix, interface)| {
            let prefix =
                AddressMask::parse(prefix, &scope).ok().filter(|prefix| prefix.prefix_len().is_some())?;
            Some((prefix, InterfaceName::new(interface.as_bytes())?))
        });
        let (prefix, interface) = parsed.ok_or_else(|| SetupError::Route(text.into()))?;
        self.host.add_route(prefix, Route { interface, gateway: None, mtu: 1500 });
        Ok(self)
    }

    /// Adds an address of this host; it belongs to the interface whose route it lies in.
    #[must_use]
    pub fn local(mut self, address: IpAddr) -> Self {
        self.host.add_local(address);
        self
    }

    /// Makes the sets that `ipset save` printed.
    pub fn sets(mut self, text: &str) -> Result<Self, SetupError> {
        self.host.set_sets(Sets::parse(text)?);
        Ok(self)
    }

    /// Makes a kernel setting, by its name as of `sysctl`.
    ///
    /// The host is a router unless told otherwise: `net.ipv4.ip_forward` and `net.ipv6.conf.all.forwarding` are 1.
    pub fn sysctl(mut self, key: &str, value: &str) -> Result<Self, SetupError> {
        let set = match self.settings.set(key, value) {
            Err(SettingError::Unknown) => self.network.set(key, value),
            set => set,
        };
        let hint = || nearest(last_word(key), Settings::NAMES.iter().chain(&network::NAMES).copied());
        match set {
            Ok(()) => Ok(self),
            Err(error) => Err(SetupError::Sysctl {
                key: key.into(),
                value: value.into(),
                error,
                hint: (error == SettingError::Unknown).then(hint).flatten(),
            }),
        }
    }

    /// Reports the way of every packet, not only of those that met a TRACE target.
    #[must_use]
    pub fn trace(self, trace: bool) -> Self {
        Self { trace, ..self }
    }

    /// The rules' family.
    #[must_use]
    pub fn family(&self) -> Family {
        self.rules.family
    }

    /// Puts the rules in force.
    pub fn evaluator(self) -> Result<Evaluator, SetupError> {
        check_sets(&self.rules, self.host.sets())?;
        let mut evaluator = Evaluator::new(self.rules, self.host, self.backend)?;
        evaluator.trace_all(self.trace);
        evaluator.set_settings(self.settings, self.network);
        Ok(evaluator)
    }
}

fn last_word(key: &str) -> &str {
    key.rsplit(['.', '/']).next().unwrap_or(key)
}

/// Finds the first rule that refers to a set which does not exist.
fn check_sets(rules: &Ruleset, sets: &Sets) -> Result<(), SetupError> {
    for table in &rules.tables {
        for chain in &table.chains {
            for (rule, number) in chain.rules.iter().zip(1..) {
                let matches = rule.matches.iter().filter_map(|one| match one {
                    Match::Known(instance) => (&**instance as &dyn Any).downcast_ref::<matches::set::Set>(),
                    Match::Opaque(_) => None,
                });
                let mut names: Vec<SetName> = matches.map(|set| set.lookup.set).collect();
                if let Target::Known(instance) = &rule.target
                    && let Some(set) = (&**instance as &dyn Any).downcast_ref::<targets::set::Set>()
                {
                    names.extend([set.add, set.del, set.map].iter().flatten().map(|lookup| lookup.set));
                }
                if let Some(set) = names.into_iter().find(|name| !sets.contains(name)) {
                    return Err(SetupError::NoSet {
                        table: table.name,
                        chain: chain.name.clone(),
                        rule: number,
                        set,
                    });
                }
            }
        }
    }
    Ok(())
}
