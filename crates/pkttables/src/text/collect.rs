use super::chains::Chains;
use super::command::{Command, Invocation};
use super::diagnostic::Diagnostic;
use super::problem::{Problem, Refusal};
use super::restore::{ChainLine, Event, Reader};
use super::suggest::{self, did_you_mean};
use crate::cache::callee;
use crate::model::{Chain, Counters, Policy, Rule, Ruleset, Table, TableName};
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
    chains: Chains,
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
                    let chains = self.chains.take().into_iter().map(Arc::new).collect();
                    ruleset.tables.retain(|other| other.name != name);
                    ruleset.tables.push(Table { name, chains });
                }
                return Ok(Noted::Commit);
            }
        }
        Ok(Noted::Nothing)
    }

    fn declare(&mut self, line: ChainLine<'_>) {
        let place = self.chains.place(line.name).or_else(|| self.add(line.name));
        if let Some(chain) = place.and_then(|place| self.chains.get_mut(place)) {
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
                let place = self.place(chain)?;
                for rule in rules {
                    let end = self.rules(place).len();
                    self.chains.insert(place, end, rule);
                }
                return Ok(jump);
            }
            Command::Insert { chain, number, rules } => {
                let jump = self.unknown_target(rules.first());
                let place = self.place(chain)?;
                for rule in rules {
                    if !self.chains.insert(place, index(number), rule) {
                        return refused(&number.to_string(), Refusal::InsertionIndex);
                    }
                }
                return Ok(jump);
            }
            Command::Replace { chain, number, rule } => {
                let jump = self.unknown_target(&rule);
                let place = self.place(chain)?;
                if !self.chains.remove(place, index(number)) {
                    return refused(&number.to_string(), Refusal::ReplacementIndex);
                }
                self.chains.insert(place, index(number), *rule);
                return Ok(jump);
            }
            Command::Delete { chain, rules } => {
                let place = self.place(chain)?;
                for rule in rules {
                    let Some(at) = self.rules(place).iter().position(|other| same(other, &rule)) else {
                        return refused(chain, Refusal::NoRule);
                    };
                    self.chains.remove(place, at);
                }
            }
            Command::DeleteNumber { chain, number } => {
                let place = self.place(chain)?;
                if !self.chains.remove(place, index(number)) {
                    return refused(&number.to_string(), Refusal::DeletionIndex);
                }
            }
            Command::Check { chain, rules } => {
                let place = self.place(chain)?;
                let list = self.rules(place);
                if !rules.iter().all(|rule| list.iter().any(|other| same(other, rule))) {
                    return refused(chain, Refusal::NoRule);
                }
            }
            Command::Flush { chain: Some(chain) } => {
                let place = self.place(chain)?;
                self.chains.clear(place);
            }
            Command::Flush { chain: None } => self.chains.clear_all(),
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
                        for chain in self.chains.iter_mut() {
                            chain.counters = chain.counters.map(|_| Counters::default());
                            chain.rules.iter_mut().for_each(clear);
                        }
                    }
                }
            }
            Command::NewChain { chain } => {
                if self.chains.place(chain).is_some() {
                    return refused(chain, Refusal::ChainExists);
                }
                self.add(chain);
            }
            Command::DeleteChain { chain } => return self.delete_chains(chain),
            Command::RenameChain { chain, name } => {
                if self.chains.place(name).is_some() {
                    return refused(name, Refusal::NameTaken);
                }
                let place = self.place(chain)?;
                self.chains.rename(place, name);
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
        match name {
            Some(name) => {
                let place = self.place(name)?;
                if !self.rules(place).is_empty() {
                    return Err((name.into(), Refusal::ChainNotEmpty));
                }
                if self.chains.is_called(name) {
                    return Err((name.into(), Refusal::ChainInUse));
                }
                self.chains.delete(place);
            }
            None => self.chains.retain(|chain, is_called| chain.policy.is_some() || is_called),
        }
        Ok(Noted::Nothing)
    }

    /// The chain of this name; the built-in ones are there whenever they are needed.
    fn chain(&mut self, name: &str) -> Result<&mut Chain, Refused> {
        let place = self.place(name)?;
        self.chains.get_mut(place).ok_or_else(|| (name.into(), Refusal::NoChain))
    }

    /// Where the chain of this name is.
    fn place(&mut self, name: &str) -> Result<usize, Refused> {
        if let Some(place) = self.chains.place(name) {
            return Ok(place);
        }
        let missing = || (name.into(), Refusal::NoChain);
        let hook = self.table.and_then(|table| table.hook(name));
        hook.and_then(|_| self.add(name)).ok_or_else(missing)
    }

    fn rules(&self, place: usize) -> &[Rule] {
        self.chains.get(place).map_or(&[], |chain| &chain.rules)
    }

    /// Adds a chain that is not there. Gives its place.
    fn add(&mut self, name: &str) -> Option<usize> {
        let policy = self.table?.hook(name).map(|_| Policy::Accept);
        Some(self.chains.add(Chain { name: name.into(), policy, counters: None, rules: Vec::new() }))
    }

    fn names(&self) -> impl Iterator<Item = &str> {
        self.chains.names()
    }

    /// A chain that the rule goes to and that is not there.
    fn unknown_target(&self, rule: &Rule) -> Noted {
        match callee(rule) {
            Some(name) if self.chains.place(name).is_none() => Noted::Jump(name.into()),
            _ => Noted::Nothing,
        }
    }

    /// Errors for the chains that have not come until the table ends.
    fn unknown_jumps<R: BufRead>(&mut self, reader: &Reader<'_, R>) -> Vec<Diagnostic> {
        let jumps = std::mem::take(&mut self.jumps);
        let unknown = jumps.into_iter().filter(|(name, _)| self.chains.place(name).is_none());
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
