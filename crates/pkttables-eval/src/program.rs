use crate::Error;
use crate::quick::{Key, Quick, next};
use pkttables::model::{
    Counters, Family, Header, Hook, Match, Policy, Rule, Ruleset, TableName, Target, Verdict,
};
use pkttables::packet::Packet;
use pkttables::registry::{Instance, Slot};
use std::collections::HashMap;

/// Rules in the form in which packets walk through them, one after another.
#[derive(Debug)]
pub struct Linear {
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

impl Linear {
    /// Prepares the rules; an error if they jump to chains that do not exist, in a circle or too deep.
    pub fn new(ruleset: &Ruleset) -> Result<Self, Error> {
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

    /// The first rule from `start` on, before `end`, that the packet may match.
    pub(crate) fn next(&self, start: usize, end: usize, key: &PacketKey) -> Option<usize> {
        match (&self.quick, key) {
            (Quicks::V4(quick), PacketKey::V4(key)) => next(quick, start, end, key),
            (Quicks::V6(quick), PacketKey::V6(key)) => next(quick, start, end, key),
            _ => None,
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
