//! Extensions put together from their descriptions alone: every layout of the kernel that can hold one gives it back,
//! and the running kernel takes it.

mod common;

use common::{build, draws, extensions, header, line, objects, options};
use nfnetlink::Errno;
use pkttables::domain::SetName;
use pkttables::kernel::{Kernel, KernelError, NewRule, Transaction};
use pkttables::model::{Family, Hook, Hooks, Match, Rule, TableName, Target};
use pkttables::nft::RuleError;
use pkttables::registry::{Descriptor, Instance, Kind, ParamError, ParamProblem, SetEntry, Sets, ValueError};
use std::collections::{BTreeMap, BTreeSet};
use testkit::in_namespace;

/// Knows every set by a number made from its name.
#[derive(Default)]
struct AnySets(std::cell::RefCell<Vec<SetName>>);

impl Sets for AnySets {
    fn find(&self, name: &SetName) -> Option<SetEntry> {
        let mut names = self.0.borrow_mut();
        let place = names.iter().position(|known| known == name).unwrap_or_else(|| {
            names.push(*name);
            names.len() - 1
        });
        Some(SetEntry { index: u16::try_from(place).ok()?, family: None })
    }

    fn name(&self, index: u16) -> Option<SetName> {
        self.0.borrow().get(usize::from(index)).copied()
    }
}

/// What the description allows and the extension takes, with the words it is made of; `refused` is told the rest.
fn instances(
    descriptor: &'static Descriptor,
    family: Family,
    hooks: Hooks,
    count: u64,
    mut refused: impl FnMut(&str, ParamError),
) -> Vec<(String, Box<dyn Instance>)> {
    let header = header(descriptor);
    let made = (0..count).filter_map(|seed| {
        let given = options(descriptor, family, hooks, &mut draws(seed));
        let line = line(descriptor, &given);
        build(descriptor, family, &header, &given)
            .map_err(|error| refused(&line, error))
            .ok()
            .map(|made| (line, made))
    });
    made.collect()
}

#[test]
fn what_is_allowed_together_is_accepted() {
    let mut wrong = BTreeMap::new();
    for (descriptor, family) in extensions() {
        let made = instances(descriptor, family, Hooks::empty(), 60, |line, error| match error.problem {
            // What depends on more than single options is left to the extension.
            ParamProblem::Rule(_)
            | ParamProblem::Value { reason: ValueError::Because(_) | ValueError::ByKernel(_), .. } => {}
            _ => _ = wrong.insert(error.to_string(), line.to_owned()),
        });
        if made.len() < 5 {
            wrong.insert(descriptor.name.to_owned(), format!("{} of 60 are accepted", made.len()));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn layouts_give_back_what_they_hold() {
    let sets = AnySets::default();
    let mut wrong = BTreeSet::new();
    for (descriptor, family) in extensions() {
        let mut held = 0;
        for (line, instance) in instances(descriptor, family, Hooks::empty(), 60, |_, _| {}) {
            for revision in descriptor.revisions(family) {
                let mut info = Vec::new();
                if instance.encode(revision.number, family, &sets, &mut info).is_err() {
                    continue;
                }
                held += 1;
                assert_eq!(
                    info.len(),
                    revision.size.next_multiple_of(8),
                    "{line}: revision {}",
                    revision.number
                );
                let decoded = descriptor.decode(revision.number, family, &info, &sets);
                if !decoded
                    .as_ref()
                    .is_some_and(|decoded| decoded.as_ref().is_ok_and(|it| it.equals(&*instance)))
                {
                    wrong.insert(format!(
                        "{line}: revision {}: {instance:?} becomes {decoded:?}",
                        revision.number
                    ));
                }
            }
        }
        assert!(held > 0, "{} {family:?}: no layout holds anything", descriptor.name);
    }
    assert!(wrong.is_empty(), "{}", wrong.into_iter().collect::<Vec<_>>().join("\n"));
}

/// The tables and hooks in which the extension may stand.
fn places(descriptor: &Descriptor) -> Vec<(TableName, Hook)> {
    let tables = TableName::ALL.into_iter().filter(|table| descriptor.tables.contains(table.as_set()));
    let hooks = |table: TableName| {
        table.hooks().iter().copied().filter(|hook| descriptor.hooks.contains(hook.as_set()))
    };
    tables.flat_map(|table| hooks(table).map(move |hook| (table, hook))).collect()
}

/// An extension of which the hooks depend on a value: what is to come in cannot be asked of what goes out.
const BY_VALUE: &str = "policy";

/// Options that are part of the language, and that no kernel of today takes.
const OBSOLETE: [&str; 1] = ["send_nl_msg"];

fn rule(descriptor: &Descriptor, instance: Box<dyn Instance>) -> Rule {
    let mut rule = Rule { header: header(descriptor), ..Rule::default() };
    match descriptor.kind {
        Kind::Match => rule.matches.push(Match::Known(instance)),
        Kind::Target => rule.target = Target::Known(instance),
    }
    rule
}

/// What a kernel made of generated rules.
#[derive(Default)]
struct Outcome {
    lacking: BTreeSet<&'static str>,
    taken: usize,
    /// Extension and error, with the places and one of the rules.
    refused: BTreeMap<String, (BTreeSet<String>, String)>,
}

impl Outcome {
    fn of(
        &mut self,
        kernel: &mut Kernel<nfnetlink::Socket>,
        descriptor: &'static Descriptor,
        family: Family,
    ) {
        for (table, hook) in places(descriptor) {
            let rules = instances(descriptor, family, hook.as_set(), 3, |_, _| {});
            let mut transaction = Transaction::new();
            let mut edit = transaction.table(family, table);
            edit.clear(0).expect("room");
            edit.create_builtin(0, hook).expect("room");
            let mut sent = 0;
            let rules =
                rules.into_iter().filter(|(line, _)| !OBSOLETE.iter().any(|option| line.contains(option)));
            let lines: Vec<String> = (1..)
                .zip(rules)
                .map(|(tag, (line, instance))| {
                    let rule = rule(descriptor, instance);
                    match edit.add_rule(tag, &NewRule::append(hook.chain(), &rule), kernel) {
                        Ok(()) => sent += 1,
                        Err(KernelError::Rule(RuleError::Unsupported { .. })) => {
                            self.lacking.insert(descriptor.name);
                        }
                        // There is no such set.
                        Err(KernelError::Rule(RuleError::Info { .. })) => {}
                        Err(error) => panic!("{line}: {error}"),
                    }
                    line
                })
                .collect();
            let failures = match kernel.commit(transaction) {
                Ok(_) => Vec::new(),
                Err(KernelError::Refused(transaction)) => transaction.failures,
                Err(error) => panic!("{} in {table:?} {hook:?}: {error}", descriptor.name),
            };
            self.taken += sent - failures.len().min(sent);
            for failure in failures {
                let line = failure.tag.and_then(|tag| lines.get((tag as usize).checked_sub(1)?));
                let line = line.map_or("the transaction", String::as_str);
                // What a rule names may have to be there before it.
                let names = descriptor.params.iter().any(|param| {
                    !objects(param.domain).is_empty() && line.contains(&format!("--{} ", param.name))
                });
                let errno = failure.refusal.errno;
                if descriptor.name != BY_VALUE && !(names && matches!(errno, Errno::ENOENT | Errno::EINVAL)) {
                    let key = format!("{} {family:?} {errno}", descriptor.name);
                    let known = self.refused.entry(key).or_insert_with(|| (BTreeSet::new(), line.to_owned()));
                    known.0.insert(format!("{} {}", table.name(), hook.chain()));
                }
            }
        }
    }
}

#[test]
fn the_kernel_takes_what_is_allowed() {
    let outcome = in_namespace(|| {
        let mut kernel = Kernel::open().expect("a socket");
        let mut outcome = Outcome::default();
        for (descriptor, family) in extensions() {
            assert!(!places(descriptor).is_empty(), "{}", descriptor.name);
            outcome.of(&mut kernel, descriptor, family);
        }
        outcome
    });
    if let Some(Outcome { lacking, taken, refused }) = outcome {
        println!("{taken} rules taken; the kernel lacks {lacking:?}");
        assert!(refused.is_empty(), "{refused:#?}");
        assert!(taken > 1000, "only {taken}; the kernel lacks {lacking:?}");
    }
}
