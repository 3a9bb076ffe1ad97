use crate::Error;
use crate::quick::{Key, Quick, next};
use pkttables::model::{
    Counters, Family, Header, Hook, Match, Policy, Rule, Ruleset, TableName, Target, Verdict,
};
use pkttables::packet::Packet;
use pkttables::registry::{Instance, Shared, Slot};
use pkttables::targets::ct::{Ct, CtFlags};
use std::any::Any;
use std::collections::HashMap;
use std::sync::Arc;

/// Rules in the form in which packets walk through them.
#[derive(Debug)]
pub(crate) struct Program {
    pub(crate) chains: Vec<Chain>,
    pub(crate) rules: Vec<Compiled>,
    quick: Quicks,
    entries: HashMap<(TableName, Hook), usize>,
}

/// A chain; its rules lie one after another.
#[derive(Debug)]
pub(crate) struct Chain {
    pub(crate) table: TableName,
    pub(crate) name: Box<str>,
    pub(crate) first: usize,
    pub(crate) end: usize,
    pub(crate) policy: Policy,
    pub(crate) counters: Counters,
}

#[derive(Debug)]
pub(crate) struct Compiled {
    pub(crate) header: Header,
    pub(crate) matches: Vec<Condition>,
    pub(crate) go: Go,
    pub(crate) own: Slot,
    pub(crate) counters: Counters,
}

#[derive(Debug)]
pub(crate) struct Condition {
    pub(crate) test: Match,
    pub(crate) own: Slot,
}

/// What a rule does.
#[derive(Debug)]
pub(crate) enum Go {
    Next,
    Verdict(Verdict),
    Jump(usize),
    Goto(usize),
    Target(Box<dyn Instance>),
    Unknown(Box<str>),
}

#[derive(Debug)]
enum Quicks {
    V4(Vec<Quick<u32>>),
    V6(Vec<Quick<u128>>),
}

/// The quick form of a packet.
#[derive(Clone, Copy, Debug)]
pub(crate) enum PacketKey {
    V4(Key<u32>),
    V6(Key<u128>),
}

/// The extensions that turn connection tracking on.
const TRACKING: [&str; 19] = [
    "cluster",
    "connbytes",
    "connlabel",
    "connlimit",
    "connmark",
    "conntrack",
    "helper",
    "state",
    "CLUSTERIP",
    "CONNMARK",
    "CONNSECMARK",
    "CT",
    "DNAT",
    "MASQUERADE",
    "NETMAP",
    "REDIRECT",
    "SNAT",
    "SYNPROXY",
    "ipvs",
];

/// nf_tables' limit of jumps within jumps (`NFT_JUMP_STACK_SIZE`).
pub(crate) const MAX_DEPTH: usize = 16;

impl PacketKey {
    pub(crate) fn new(packet: &Packet<'_>) -> Self {
        match packet.family() {
            Family::Ipv4 => Self::V4(Key::new(packet)),
            Family::Ipv6 => Self::V6(Key::new(packet)),
        }
    }
}

impl Program {
    pub(crate) fn new(ruleset: &Ruleset) -> Result<Self, Error> {
        let mut program = Self {
            chains: Vec::new(),
            rules: Vec::new(),
            quick: match ruleset.family {
                Family::Ipv4 => Quicks::V4(Vec::new()),
                Family::Ipv6 => Quicks::V6(Vec::new()),
            },
            entries: HashMap::new(),
        };
        for table in &ruleset.tables {
            let base = program.chains.len();
            let names: HashMap<&str, usize> =
                table.chains.iter().zip(base..).map(|(chain, at)| (&*chain.name, at)).collect();
            for chain in &table.chains {
                let first = program.rules.len();
                for (rule, number) in chain.rules.iter().zip(1..) {
                    let compiled = compile(rule, &names).map_err(|target| Error::NoChain {
                        table: table.name,
                        chain: chain.name.clone(),
                        rule: number,
                        target,
                    })?;
                    program.rules.push(compiled);
                    match &mut program.quick {
                        Quicks::V4(quick) => quick.push(Quick::new(rule)),
                        Quicks::V6(quick) => quick.push(Quick::new(rule)),
                    }
                }
                if let Some(hook) = table.name.hook(&chain.name) {
                    program.entries.insert((table.name, hook), program.chains.len());
                }
                program.chains.push(Chain {
                    table: table.name,
                    name: chain.name.clone(),
                    first,
                    end: program.rules.len(),
                    policy: chain.policy.unwrap_or(Policy::Accept),
                    counters: chain.counters.unwrap_or_default(),
                });
            }
        }
        program.check_loops()?;
        Ok(program)
    }

    /// The built-in chain of a table at a hook.
    pub(crate) fn entry(&self, table: TableName, hook: Hook) -> Option<usize> {
        self.entries.get(&(table, hook)).copied()
    }

    /// Whether an extension asks for connections to be tracked.
    pub(crate) fn needs_tracking(&self) -> bool {
        self.extensions().any(|instance| {
            let target: &dyn Any = instance;
            // What tells to leave packets alone needs no tracking.
            let untracks = target.downcast_ref::<Ct>().is_some_and(|ct| ct.flags.contains(CtFlags::NOTRACK));
            TRACKING.contains(&instance.descriptor().name) && !untracks
        })
    }

    /// Whether an extension asks for fragments to be put together, besides those that need tracking.
    pub(crate) fn needs_defragmentation(&self) -> bool {
        self.extensions().any(|instance| matches!(instance.descriptor().name, "socket" | "TPROXY"))
    }

    /// Whether an extension asks for packets and bytes of connections to be counted.
    pub(crate) fn needs_accounting(&self) -> bool {
        self.extensions().any(|instance| instance.descriptor().name == "connbytes")
    }

    pub(crate) fn has_table(&self, table: TableName) -> bool {
        self.chains.iter().any(|chain| chain.table == table)
    }

    /// The first rule from `start` on, before `end`, that the packet may match.
    pub(crate) fn next(&self, start: usize, end: usize, key: &PacketKey) -> Option<usize> {
        match (&self.quick, key) {
            (Quicks::V4(quick), PacketKey::V4(key)) => next(quick, start, end, key),
            (Quicks::V6(quick), PacketKey::V6(key)) => next(quick, start, end, key),
            _ => None,
        }
    }

    /// Lets all extensions make what they share by name.
    pub(crate) fn install(&self, shared: &mut Shared) {
        self.extensions().for_each(|instance| instance.install(shared));
    }

    /// All extensions of all rules.
    fn extensions(&self) -> impl Iterator<Item = &dyn Instance> {
        self.rules.iter().flat_map(|rule| {
            let matches = rule.matches.iter().filter_map(|condition| match &condition.test {
                Match::Known(instance) => Some(&**instance),
                Match::Opaque(_) => None,
            });
            let target = match &rule.go {
                Go::Target(instance) => Some(&**instance),
                _ => None,
            };
            matches.chain(target)
        })
    }

    /// Writes the counters into the ruleset that the program was made from.
    pub(crate) fn write_counters(&self, ruleset: &mut Ruleset) {
        let chains = ruleset.tables.iter_mut().flat_map(|table| &mut table.chains).map(Arc::make_mut);
        for (chain, compiled) in chains.zip(&self.chains) {
            chain.counters = chain.policy.map(|_| compiled.counters);
            let counted = self.rules.get(compiled.first..compiled.end).unwrap_or_default();
            for (rule, counted) in chain.rules.iter_mut().zip(counted) {
                rule.counters = Some(counted.counters);
            }
        }
    }

    /// Refuses circles, and jumps deeper than the kernel allows, walking each chain once.
    fn check_loops(&self) -> Result<(), Error> {
        const UNSEEN: usize = usize::MAX;
        const OPEN: usize = usize::MAX - 1;
        // How deep the jumps from a chain go, once that is known.
        let mut depths = vec![UNSEEN; self.chains.len()];
        for root in 0..self.chains.len() {
            let mut stack = vec![(root, None::<usize>, 0)];
            while let Some((at, rule, deepest)) = stack.pop() {
                let Some(chain) = self.chains.get(at) else { continue };
                let Some(depth) = depths.get_mut(at) else { continue };
                if rule.is_none() {
                    match *depth {
                        UNSEEN => *depth = OPEN,
                        OPEN => return Err(Error::Loop { table: chain.table, chain: chain.name.clone() }),
                        _ => continue,
                    }
                }
                let mut deepest: usize = deepest;
                let mut position = rule.unwrap_or(chain.first);
                let mut descend = None;
                while position < chain.end {
                    let target = match self.rules.get(position).map(|rule| &rule.go) {
                        Some(Go::Jump(target) | Go::Goto(target)) => *target,
                        _ => {
                            position += 1;
                            continue;
                        }
                    };
                    match depths.get(target).copied() {
                        Some(UNSEEN) => {
                            descend = Some(target);
                            break;
                        }
                        Some(OPEN) => {
                            return Err(Error::Loop { table: chain.table, chain: chain.name.clone() });
                        }
                        Some(depth) => deepest = deepest.max(depth + 1),
                        None => {}
                    }
                    position += 1;
                }
                if let Some(target) = descend {
                    stack.push((at, Some(position), deepest));
                    stack.push((target, None, 0));
                } else {
                    if deepest >= MAX_DEPTH {
                        return Err(Error::Loop { table: chain.table, chain: chain.name.clone() });
                    }
                    if let Some(depth) = depths.get_mut(at) {
                        *depth = deepest;
                    }
                }
            }
        }
        Ok(())
    }
}

fn compile(rule: &Rule, chains: &HashMap<&str, usize>) -> Result<Compiled, Box<str>> {
    let find = |name: &str| chains.get(name).copied().ok_or_else(|| Box::from(name));
    let go = match &rule.target {
        Target::None => Go::Next,
        Target::Verdict(verdict) => Go::Verdict(*verdict),
        Target::Jump(chain) => Go::Jump(find(chain)?),
        Target::Goto(chain) => Go::Goto(find(chain)?),
        Target::Known(instance) => Go::Target(instance.clone()),
        Target::Opaque(opaque) => Go::Unknown(opaque.name.clone()),
    };
    let matches = rule.matches.iter().map(|test| Condition { test: test.clone(), own: Slot::default() });
    Ok(Compiled {
        header: rule.header.clone(),
        matches: matches.collect(),
        go,
        own: Slot::default(),
        counters: rule.counters.unwrap_or_default(),
    })
}
