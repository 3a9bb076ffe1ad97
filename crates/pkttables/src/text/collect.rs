use super::command::{Command, Invocation};
use super::diagnostic::Diagnostic;
use super::problem::{Problem, Refusal};
use super::restore::{ChainLine, Event, Reader};
use super::suggest::{self, did_you_mean};
use crate::model::{Chain, Counters, Policy, Rule, Ruleset, Table, TableName, Target};
use std::collections::{HashMap, HashSet};
use std::io::BufRead;
use std::sync::Arc;

/// Reads a whole save file, starting from nothing; or finds all that is wrong with it.
pub fn read_ruleset<R: BufRead>(reader: &mut Reader<'_, R>) -> Result<Ruleset, Vec<Diagnostic>> {
    let mut ruleset = Ruleset { family: reader.family(), tables: Vec::new() };
    let mut section = Section::default();
    let mut errors = Vec::new();
    loop {
        let applied = match reader.next_event() {
            Ok(None) => break,
            Ok(Some(event)) => section.apply(event, &mut ruleset),
            Err(error) => {
                errors.push(*error);
                continue;
            }
        };
        match applied {
            Ok(Noted::Nothing) => {}
            Ok(Noted::Jump(name)) => {
                let error = reader.error_at(&name, Problem::UnknownChain(name.clone()));
                section.jumps.push((name, error));
            }
            Ok(Noted::Commit) => errors.append(&mut section.unknown_jumps(reader)),
            Err((name, refusal)) => {
                let hint = match refusal {
                    Refusal::NoChain => suggest::nearest(&name, section.names()).map(did_you_mean),
                    _ => None,
                };
                errors.push(*reader.error_at(&name, Problem::Refused(refusal)).hint(hint));
            }
        }
    }
    errors.sort_by_key(|error| error.line);
    if errors.is_empty() { Ok(ruleset) } else { Err(errors) }
}

/// The table that is being read.
#[derive(Debug, Default)]
struct Section {
    table: Option<TableName>,
    list: Vec<Chain>,
    /// The place of each chain in the list.
    chains: HashMap<Box<str>, usize>,
    /// Jumps to chains that were not there yet.
    jumps: Vec<(Box<str>, Box<Diagnostic>)>,
}

/// What has to be done about a line that was carried out.
enum Noted {
    Nothing,
    /// A chain that has to be there when the table ends.
    Jump(Box<str>),
    Commit,
}

/// Why a line cannot be carried out, and the word it is about.
type Refused = (Box<str>, Refusal);

impl Section {
    fn apply(&mut self, event: Event<'_>, ruleset: &mut Ruleset) -> Result<Noted, Refused> {
        match event {
            Event::Comment(_) | Event::OtherFamily => {}
            Event::Table(name) => {
                *self = Self { table: Some(name), ..Self::default() };
            }
            Event::Chain(line) => self.declare(line),
            Event::Command(invocation) => return self.command(invocation),
            Event::Commit => {
                if let Some(name) = self.table.take() {
                    let chains = std::mem::take(&mut self.list).into_iter().map(Arc::new).collect();
                    ruleset.tables.retain(|other| other.name != name);
                    ruleset.tables.push(Table { name, chains });
                }
                return Ok(Noted::Commit);
            }
        }
        Ok(Noted::Nothing)
    }

    fn declare(&mut self, line: ChainLine<'_>) {
        if let Some(chain) = self.add(line.name) {
            if line.policy.is_some() {
                chain.policy = line.policy;
            }
            chain.counters = line.counters.or(chain.counters);
        }
    }

    fn command(&mut self, Invocation { command, .. }: Invocation<'_>) -> Result<Noted, Refused> {
        let refused = |name: &str, refusal| Err((name.into(), refusal));
        match command {
            Command::Append { chain, rules } => {
                let jump = self.unknown_target(rules.first());
                self.chain(chain)?.rules.extend(rules);
                return Ok(jump);
            }
            Command::Insert { chain, number, rules } => {
                let jump = self.unknown_target(rules.first());
                let at = index(number);
                for rule in rules {
                    let list = &mut self.chain(chain)?.rules;
                    if at > list.len() {
                        return refused(&number.to_string(), Refusal::InsertionIndex);
                    }
                    list.insert(at, rule);
                }
                return Ok(jump);
            }
            Command::Replace { chain, number, rule } => {
                let jump = self.unknown_target(&rule);
                match self.chain(chain)?.rules.get_mut(index(number)) {
                    Some(place) => *place = *rule,
                    None => return refused(&number.to_string(), Refusal::ReplacementIndex),
                }
                return Ok(jump);
            }
            Command::Delete { chain, rules } => {
                let list = &mut self.chain(chain)?.rules;
                for rule in rules {
                    match list.iter().position(|other| same(other, &rule)) {
                        Some(at) => drop(list.remove(at)),
                        None => return refused(chain, Refusal::NoRule),
                    }
                }
            }
            Command::DeleteNumber { chain, number } => {
                let list = &mut self.chain(chain)?.rules;
                if index(number) >= list.len() {
                    return refused(&number.to_string(), Refusal::DeletionIndex);
                }
                list.remove(index(number));
            }
            Command::Check { chain, rules } => {
                let list = &self.chain(chain)?.rules;
                if !rules.iter().all(|rule| list.iter().any(|other| same(other, rule))) {
                    return refused(chain, Refusal::NoRule);
                }
            }
            Command::Flush { chain: Some(chain) } => self.chain(chain)?.rules.clear(),
            Command::Flush { chain: None } => self.list.iter_mut().for_each(|chain| chain.rules.clear()),
            Command::Zero(zero) => {
                let clear = |rule: &mut Rule| rule.counters = rule.counters.map(|_| Counters::default());
                match (zero.chain, zero.number) {
                    (Some(chain), Some(number)) => {
                        self.chain(chain)?.rules.get_mut(index(number)).map(clear);
                    }
                    (Some(chain), None) => {
                        let chain = self.chain(chain)?;
                        chain.counters = chain.counters.map(|_| Counters::default());
                        chain.rules.iter_mut().for_each(clear);
                    }
                    (None, _) => {
                        for chain in &mut self.list {
                            chain.counters = chain.counters.map(|_| Counters::default());
                            chain.rules.iter_mut().for_each(clear);
                        }
                    }
                }
            }
            Command::NewChain { chain } => {
                if self.chains.contains_key(chain) {
                    return refused(chain, Refusal::ChainExists);
                }
                self.add(chain);
            }
            Command::DeleteChain { chain } => return self.delete_chains(chain),
            Command::RenameChain { chain, name } => {
                if self.chains.contains_key(name) {
                    return refused(name, Refusal::NameTaken);
                }
                self.chain(chain)?.name = name.into();
                for rule in self.list.iter_mut().flat_map(|chain| &mut chain.rules) {
                    if let Target::Jump(to) | Target::Goto(to) = &mut rule.target
                        && **to == *chain
                    {
                        *to = name.into();
                    }
                }
                self.renumber();
            }
            Command::Policy { chain, policy, counters } => {
                let found = self.chain(chain)?;
                if found.policy.is_none() {
                    return refused(chain, Refusal::NotBuiltIn);
                }
                found.policy = Some(policy);
                found.counters = counters.or(found.counters);
            }
            Command::List(_) | Command::ListRules(_) | Command::Help { .. } | Command::Version => {}
        }
        Ok(Noted::Nothing)
    }

    fn delete_chains(&mut self, name: Option<&str>) -> Result<Noted, Refused> {
        let rules = self.list.iter().flat_map(|chain| &chain.rules);
        let used: HashSet<Box<str>> = rules.filter_map(jump).map(Box::from).collect();
        match name {
            Some(name) if !self.chain(name)?.rules.is_empty() => {
                return Err((name.into(), Refusal::ChainNotEmpty));
            }
            Some(name) if used.contains(name) => return Err((name.into(), Refusal::ChainInUse)),
            Some(name) => self.list.retain(|chain| *chain.name != *name),
            None => self.list.retain(|chain| chain.policy.is_some() || used.contains(&chain.name)),
        }
        self.renumber();
        Ok(Noted::Nothing)
    }

    /// The chain of this name; the built-in ones are there whenever they are needed.
    fn chain(&mut self, name: &str) -> Result<&mut Chain, Refused> {
        let missing = || (name.into(), Refusal::NoChain);
        let is_builtin = self.table.is_some_and(|table| table.hook(name).is_some());
        if !is_builtin && !self.chains.contains_key(name) {
            return Err(missing());
        }
        self.add(name).ok_or_else(missing)
    }

    /// The chain of this name, made if it is not there.
    fn add(&mut self, name: &str) -> Option<&mut Chain> {
        if let Some(place) = self.chains.get(name) {
            return self.list.get_mut(*place);
        }
        let policy = self.table?.hook(name).map(|_| Policy::Accept);
        self.chains.insert(name.into(), self.list.len());
        self.list.push(Chain { name: name.into(), policy, counters: None, rules: Vec::new() });
        self.list.last_mut()
    }

    fn names(&self) -> impl Iterator<Item = &str> {
        self.chains.keys().map(|name| &**name)
    }

    fn renumber(&mut self) {
        let places = self.list.iter().enumerate().map(|(place, chain)| (chain.name.clone(), place));
        self.chains = places.collect();
    }

    /// A chain that the rule goes to and that is not there.
    fn unknown_target(&self, rule: &Rule) -> Noted {
        match jump(rule) {
            Some(name) if !self.chains.contains_key(name) => Noted::Jump(name.into()),
            _ => Noted::Nothing,
        }
    }

    /// Errors for the chains that have not come until the table ends.
    fn unknown_jumps<R: BufRead>(&mut self, reader: &Reader<'_, R>) -> Vec<Diagnostic> {
        let jumps = std::mem::take(&mut self.jumps);
        let unknown = jumps.into_iter().filter(|(name, _)| !self.chains.contains_key(name));
        let targets = reader.target_names();
        unknown
            .map(|(name, error)| {
                let hint = suggest::nearest(&name, self.names().chain(targets.iter().copied()));
                *error.hint(hint.map(did_you_mean))
            })
            .collect()
    }
}

/// The place in a list of what has this number, counted from 1.
const fn index(number: u32) -> usize {
    (number as usize).saturating_sub(1)
}

/// Whether two rules are the same to `-D` and `-C`: counters do not matter.
fn same(one: &Rule, other: &Rule) -> bool {
    one.header == other.header && one.matches == other.matches && one.target == other.target
}

fn jump(rule: &Rule) -> Option<&str> {
    match &rule.target {
        Target::Jump(name) | Target::Goto(name) => Some(name),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Family;
    use crate::registry::Registry;
    use crate::text::save::{CounterStyle, write_ruleset};
    use crate::text::{Parser, ReadOptions};

    fn read(text: &str) -> Result<String, Vec<Diagnostic>> {
        let parser = Parser::new(Family::Ipv4, Registry::builtin());
        let options = ReadOptions { counters: true, table: None };
        let ruleset = read_ruleset(&mut Reader::new(text.as_bytes(), parser, options))?;
        let mut out = String::new();
        write_ruleset(&mut out, &ruleset, CounterStyle::Before);
        Ok(out)
    }

    #[test]
    fn commands_change_the_table() {
        let text = "*filter\n:INPUT DROP [1:2]\n:a - [0:0]\n:b - [0:0]\n\
            -A a -j b\n-A b -s 10.0.0.1 -j DROP\n-I a 2 -j RETURN\n-I a -p tcp\n-R a 1 -p udp\n-N c\n-A c -j DROP\n\
            -C c -j DROP\n-D c -j DROP\n-X c\n-E b d\n-D a 3\n-N e\n-N f\n-A f -g e\n-F f\n-X f\n[3:4] -A OUTPUT\n\
            -P FORWARD DROP\n-Z OUTPUT\n-A INPUT -j a\nCOMMIT\n";
        let expected = "*filter\n:INPUT DROP [1:2]\n:a - [0:0]\n:d - [0:0]\n:e - [0:0]\n:OUTPUT ACCEPT [0:0]\n\
            :FORWARD DROP [0:0]\n[0:0] -A INPUT -j a\n[0:0] -A a -p udp\n[0:0] -A a -j d\n\
            [0:0] -A d -s 10.0.0.1/32 -j DROP\n[0:0] -A OUTPUT\nCOMMIT\n";
        assert_eq!(read(text).as_deref(), Ok(expected));
        assert_eq!(read(expected).as_deref(), Ok(expected));
    }

    #[test]
    fn a_table_that_comes_again_starts_anew() {
        let text = "*raw\n-A OUTPUT\nCOMMIT\n*raw\n:OUTPUT DROP [0:0]\nCOMMIT\n";
        assert_eq!(read(text).as_deref(), Ok("*raw\n:OUTPUT DROP [0:0]\nCOMMIT\n"));
    }

    #[test]
    fn all_errors_are_found_in_one_pass() {
        let text = "*filter\n:allowed - [0:0]\n-A alowed\n-A INPUT -p tcp --dprot 22 -j ACCEPT\n-A INPUT -j allowd\n\
            -A INPUT -j REJCT\n-N allowed\n-D INPUT 9\n-I INPUT 9\n-R INPUT 9\n-D INPUT -j DROP\n-P allowed DROP\n\
            -A INPUT -g later\n-N later\nCOMMIT\n-A INPUT\n";
        let errors = read(text).expect_err("errors");
        let errors: Vec<_> = errors
            .iter()
            .map(|error| {
                let (line, hint) = (error.line.unwrap_or(0), error.hint.as_deref().unwrap_or("-"));
                format!("{line}:{} {} {} {hint}", error.column(), error.exit_code(), error.problem)
            })
            .collect();
        assert_eq!(
            errors,
            [
                "3:4 1 No chain/target/match by that name did you mean `allowed'?",
                "4:17 2 unknown option \"--dprot\" did you mean `--dport'?",
                "5:13 2 Chain 'allowd' does not exist did you mean `allowed'?",
                "6:13 2 Chain 'REJCT' does not exist did you mean `REJECT'?",
                "7:4 1 Chain already exists -",
                "8:10 1 Index of deletion too big -",
                "9:10 1 Index of insertion too big -",
                "10:10 1 Index of replacement too big -",
                "11:4 1 Bad rule (does a matching rule exist in that chain?) -",
                "12:4 1 Bad built-in chain name -",
                "16:1 1 failed: no table has been opened -",
            ]
        );
    }
}
