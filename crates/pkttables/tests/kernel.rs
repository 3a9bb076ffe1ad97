//! Reading and changing rulesets of the real kernel, compared with what other programs make and see.

use nfnetlink::Errno;
use pkttables::kernel::{ChainKind, Kernel, KernelError, NewRule, Place, RuleRef, Transaction, Zero};
use pkttables::model::{
    AddressMask, Counters, Family, Header, Hook, Negatable, Policy, Rule, TableName, Target, Verdict,
};
use pkttables::nft::RuleBody;
use testkit::{in_namespace, program, run};

const V4: Family = Family::Ipv4;
const FILTER: TableName = TableName::Filter;

fn open() -> Kernel<nfnetlink::Socket> {
    Kernel::open().expect("a socket")
}

/// `-s 10.0.0.NUMBER -j ACCEPT`
fn rule(number: u8) -> Rule {
    let value = AddressMask::V4 { address: [10, 0, 0, number].into(), mask: [255; 4].into() };
    let header = Header { source: Some(Negatable { value, not: false }), ..Header::default() };
    Rule { header, target: Target::Verdict(Verdict::Accept), ..Rule::default() }
}

fn number(rule: &RuleBody) -> u8 {
    let RuleBody::Known(rule) = rule else { return 0 };
    match rule.header.source {
        Some(Negatable { value: AddressMask::V4 { address, .. }, .. }) => address.octets()[3],
        _ => 0,
    }
}

/// The rules of a chain by their numbers, 0 for any other.
fn numbers(kernel: &mut Kernel<nfnetlink::Socket>, chain: &str) -> Vec<u8> {
    let rules = kernel.read(|snapshot| snapshot.rules(V4, FILTER, chain)).expect("rules");
    rules.iter().map(|rule| number(&rule.body)).collect()
}

/// A chain `c` with the rules 1 to `count`.
fn make_chain(kernel: &mut Kernel<nfnetlink::Socket>, count: u8) {
    let mut transaction = Transaction::new();
    let mut filter = transaction.table(V4, FILTER);
    filter.create(0).unwrap();
    filter.create_chain(0, "c").unwrap();
    for number in 1..=count {
        filter.add_rule(0, &NewRule::append("c", &rule(number)), kernel).unwrap();
    }
    kernel.commit(transaction).unwrap();
}

fn listing() -> Option<String> {
    let mut nft = program("nft")?;
    Some(run(nft.args(["list", "ruleset"]), ""))
}

fn nft(commands: &str) -> bool {
    program("nft").is_some_and(|mut nft| {
        let _ = run(nft.args(["-f", "-"]), commands);
        true
    })
}

#[test]
fn what_is_made_looks_like_what_iptables_makes() {
    let theirs = in_namespace(|| {
        for command in [
            "-A INPUT -s 10.0.0.1 -j ACCEPT",
            "-N user",
            "-I INPUT -s 10.0.0.2 -j ACCEPT",
            "-P FORWARD DROP",
            "-A user -s 10.0.0.3 -j ACCEPT",
            "-E user renamed",
            "-t mangle -A OUTPUT -s 10.0.0.4 -j ACCEPT",
        ] {
            let mut iptables = program("iptables-nft")?;
            let _ = run(iptables.args(command.split(' ')), "");
        }
        listing()
    });
    let ours = in_namespace(|| {
        let mut kernel = open();
        let mut transaction = Transaction::new();
        let mut filter = transaction.table(V4, FILTER);
        filter.create(1).unwrap();
        filter.create_builtin(2, Hook::Input).unwrap();
        filter.add_rule(3, &NewRule::append("INPUT", &rule(1)), &mut kernel).unwrap();
        filter.create_chain(4, "user").unwrap();
        let second = rule(2);
        let first = NewRule { place: Place::First, ..NewRule::append("INPUT", &second) };
        filter.add_rule(5, &first, &mut kernel).unwrap();
        filter.set_builtin(6, Hook::Forward, Some(Policy::Drop), Some(Counters::default())).unwrap();
        filter.add_rule(7, &NewRule::append("user", &rule(3)), &mut kernel).unwrap();
        let mut mangle = transaction.table(V4, TableName::Mangle);
        mangle.create(8).unwrap();
        mangle.create_builtin(9, Hook::Output).unwrap();
        mangle.add_rule(10, &NewRule::append("OUTPUT", &rule(4)), &mut kernel).unwrap();
        let generation = kernel.commit(transaction).unwrap();
        assert_eq!(generation, Some(kernel.generation().unwrap()));
        kernel
            .update(|snapshot, transaction| {
                let handle = snapshot.chain(V4, FILTER, "user")?.expect("just made").handle;
                Ok::<_, KernelError>(transaction.table(V4, FILTER).rename_chain(1, handle, "renamed")?)
            })
            .unwrap();
        listing()
    });
    assert_eq!(ours, theirs);
}

#[test]
fn a_table_is_replaced_as_iptables_restore_does_it() {
    let before = |command: &str| -> Option<()> {
        for command in ["-t filter -A OUTPUT -s 10.0.0.9 -j ACCEPT", "-t filter -N old", command] {
            let _ = run(program("iptables-nft")?.args(command.split(' ')), "");
        }
        Some(())
    };
    let saved = "*filter\n:INPUT DROP [5:600]\n:FORWARD ACCEPT [0:0]\n:user - [0:0]\n\
                 -A INPUT -s 10.0.0.1/32 -j ACCEPT\n[7:800] -A user -s 10.0.0.2/32 -j ACCEPT\nCOMMIT\n";
    let theirs = in_namespace(|| {
        before("-t raw -A OUTPUT -s 10.0.0.8 -j ACCEPT")?;
        let _ = run(program("iptables-nft-restore")?.arg("-c"), &saved.replace("\n-A", "\n[0:0] -A"));
        listing()
    });
    let ours = in_namespace(|| {
        before("-t raw -A OUTPUT -s 10.0.0.8 -j ACCEPT")?;
        let mut kernel = open();
        let mut transaction = Transaction::new();
        let mut filter = transaction.table(V4, FILTER);
        filter.clear(1).unwrap();
        let counters = Some(Counters { packets: 5, bytes: 600 });
        filter.set_builtin(2, Hook::Input, Some(Policy::Drop), counters).unwrap();
        filter.set_builtin(3, Hook::Forward, Some(Policy::Accept), Some(Counters::default())).unwrap();
        filter.ensure_chain(4, "user").unwrap();
        filter.add_rule(5, &NewRule::append("INPUT", &rule(1)), &mut kernel).unwrap();
        let counted = Rule { counters: Some(Counters { packets: 7, bytes: 800 }), ..rule(2) };
        filter.add_rule(6, &NewRule::append("user", &counted), &mut kernel).unwrap();
        kernel.commit(transaction).unwrap();
        listing()
    });
    assert_eq!(ours, theirs);
}

#[test]
fn a_built_in_chain_is_made_when_it_is_missing() {
    in_namespace(|| {
        let mut kernel = open();
        let mut append = |number: u8| {
            kernel
                .update(|snapshot, transaction| {
                    let mut filter = transaction.table(V4, FILTER);
                    let missing = snapshot.missing_builtin(V4, FILTER, "INPUT")?;
                    if let Some(hook) = missing {
                        filter.create(0)?;
                        filter.create_builtin(0, hook)?;
                    }
                    filter.add_rule(0, &NewRule::append("INPUT", &rule(number)), snapshot.kernel())?;
                    Ok::<_, KernelError>(missing)
                })
                .unwrap()
        };
        assert_eq!(append(1), Some(Hook::Input));
        assert_eq!(append(2), None);
        assert_eq!(numbers(&mut kernel, "INPUT"), [1, 2]);
        let missing = kernel.read(|snapshot| snapshot.missing_builtin(V4, FILTER, "PREROUTING")).unwrap();
        assert_eq!(missing, None);
    });
}

#[test]
fn tables_and_chains_are_read_and_foreign_ones_marked() {
    in_namespace(|| {
        let mut kernel = open();
        make_chain(&mut kernel, 0);
        let mut transaction = Transaction::new();
        transaction.table(V4, FILTER).set_builtin(0, Hook::Output, Some(Policy::Drop), None).unwrap();
        transaction.table(V4, TableName::Raw).create(0).unwrap();
        kernel.commit(transaction).unwrap();
        let with_nft =
            nft("add chain ip filter early { type filter hook input priority -5; }\nadd table ip other\n");

        let (tables, chains, missing) = kernel
            .read(|snapshot| {
                let missing = snapshot.chain(V4, FILTER, "missing")?;
                Ok::<_, KernelError>((snapshot.tables(V4)?, snapshot.chains(V4, FILTER)?, missing))
            })
            .unwrap();
        assert_eq!(tables, [FILTER, TableName::Raw]);
        assert_eq!(missing, None);
        let names: Vec<&str> = chains.iter().map(|chain| &*chain.name).collect();
        assert_eq!(names, if with_nft { &["c", "OUTPUT", "early"][..] } else { &["c", "OUTPUT"] });
        assert_eq!(chains[0].kind, ChainKind::User);
        let policy = Policy::Drop;
        assert_eq!(chains[1].kind, ChainKind::Builtin { hook: Hook::Output, policy, counters: None });
        assert!(chains.iter().skip(2).all(|chain| chain.is_foreign()));
        for chain in chains.iter() {
            let alone = kernel.read(|snapshot| snapshot.chain(V4, FILTER, &chain.name)).unwrap();
            assert_eq!(alone.as_ref(), Some(chain));
        }
        let none = kernel.read(|snapshot| snapshot.chains(Family::Ipv6, FILTER)).unwrap();
        assert!(none.is_empty());
    });
}

#[test]
fn rules_go_where_they_are_put() {
    in_namespace(|| {
        let mut kernel = open();
        make_chain(&mut kernel, 3);
        assert_eq!(numbers(&mut kernel, "c"), [1, 2, 3]);
        kernel
            .update(|snapshot, transaction| {
                let handles: Vec<u64> =
                    snapshot.rules(V4, FILTER, "c")?.iter().map(|rule| rule.handle).collect();
                let mut filter = transaction.table(V4, FILTER);
                let mut add = |place, id, number| {
                    let rule = rule(number);
                    filter.add_rule(0, &NewRule { chain: "c", place, id, rule: &rule }, snapshot.kernel())
                };
                add(Place::Before(RuleRef::Handle(handles[1])), Some(7), 10)?;
                add(Place::After(RuleRef::Handle(handles[1])), None, 11)?;
                add(Place::Before(RuleRef::Id(7)), None, 12)?;
                add(Place::After(RuleRef::Id(7)), Some(8), 13)?;
                add(Place::First, None, 14)?;
                add(Place::Last, None, 15)?;
                filter.delete_rule(0, "c", RuleRef::Id(8))?;
                filter.delete_rule(0, "c", RuleRef::Handle(handles[0]))?;
                filter.replace_rule(0, "c", handles[2], &rule(16), snapshot.kernel())
            })
            .unwrap();
        assert_eq!(numbers(&mut kernel, "c"), [14, 12, 10, 2, 11, 16, 15]);
    });
}

#[test]
fn tables_and_chains_go_away() {
    in_namespace(|| {
        let mut kernel = open();
        make_chain(&mut kernel, 2);
        let mut transaction = Transaction::new();
        transaction.table(V4, FILTER).delete_chain(5, "c").unwrap();
        let Err(KernelError::Refused(refusal)) = kernel.commit(transaction) else { panic!("not refused") };
        assert_eq!(refusal.failures.len(), 1);
        assert_eq!((refusal.failures[0].tag, refusal.failures[0].refusal.errno), (Some(5), Errno::EBUSY));

        let mut transaction = Transaction::new();
        let mut filter = transaction.table(V4, FILTER);
        filter.ensure_chain(0, "c").unwrap();
        filter.ensure_chain(0, "d").unwrap();
        filter.add_rule(0, &NewRule::append("d", &rule(1)), &mut kernel).unwrap();
        filter.flush_chain(0, "c").unwrap();
        filter.delete_chain(0, "c").unwrap();
        kernel.commit(transaction).unwrap();
        assert_eq!(numbers(&mut kernel, "d"), [1]);

        let mut transaction = Transaction::new();
        transaction.table(V4, FILTER).flush(0).unwrap();
        kernel.commit(transaction).unwrap();
        let chains = kernel.read(|snapshot| snapshot.chains(V4, FILTER)).unwrap();
        assert_eq!(chains.len(), 1);
        kernel
            .update(|snapshot, transaction| {
                let handle = snapshot.chain(V4, FILTER, "d")?.expect("still there").handle;
                Ok::<_, KernelError>(transaction.table(V4, FILTER).delete_chain_by_handle(0, handle)?)
            })
            .unwrap();
        // Whether there is one or not.
        for table in [FILTER, TableName::Nat] {
            let mut transaction = Transaction::new();
            transaction.table(V4, table).clear(0).unwrap();
            kernel.commit(transaction).unwrap();
        }
        let mut transaction = Transaction::new();
        transaction.table(V4, FILTER).delete(0).unwrap();
        kernel.commit(transaction).unwrap();
        assert_eq!(kernel.read(|snapshot| snapshot.tables(V4)).unwrap(), [TableName::Nat]);
    });
}

#[test]
fn a_refused_operation_is_named_and_nothing_is_changed() {
    in_namespace(|| {
        let mut kernel = open();
        make_chain(&mut kernel, 1);
        let mut transaction = Transaction::new();
        let mut filter = transaction.table(V4, FILTER);
        filter.create_chain(40, "d").unwrap();
        filter.create_chain(41, "c").unwrap();
        filter.add_rule(42, &NewRule::append("missing", &rule(2)), &mut kernel).unwrap();
        let jump = Rule { target: Target::Jump("nowhere".into()), ..Rule::default() };
        filter.add_rule(43, &NewRule::append("c", &jump), &mut kernel).unwrap();
        let error = kernel.commit(transaction).unwrap_err();
        let KernelError::Refused(refusal) = error else { panic!("{error}") };
        let told: Vec<_> =
            refusal.failures.iter().map(|failure| (failure.tag, failure.refusal.errno)).collect();
        let expected = [(Some(41), Errno::EEXIST), (Some(42), Errno::ENOENT), (Some(43), Errno::ENOENT)];
        assert_eq!(told, expected);
        assert_eq!(kernel.read(|snapshot| snapshot.chains(V4, FILTER)).unwrap().len(), 1);
    });
}

#[test]
fn without_privilege_everything_is_denied() {
    in_namespace(|| {
        testkit::without_privilege(|| {
            let mut kernel = open();
            let mut transaction = Transaction::new();
            transaction.table(V4, FILTER).create(0).unwrap();
            assert!(matches!(kernel.commit(transaction), Err(KernelError::PermissionDenied)));
            let read = kernel.read(|snapshot| snapshot.tables(V4));
            assert!(matches!(read, Err(KernelError::PermissionDenied)));
        });
    });
}

#[test]
fn what_a_change_comes_between_is_read_and_planned_again() {
    in_namespace(|| {
        let (mut kernel, mut other) = (open(), open());
        make_chain(&mut kernel, 1);
        let mut add = |number| {
            let mut transaction = Transaction::new();
            let new = rule(number);
            transaction.table(V4, FILTER).add_rule(0, &NewRule::append("c", &new), &mut other).unwrap();
            other.commit(transaction).unwrap();
        };

        let mut tries = 0;
        let read = kernel.read(|snapshot| {
            let rules = snapshot.rules(V4, FILTER, "c")?;
            tries += 1;
            if tries < 3 {
                add(10 + tries);
            }
            Ok::<_, KernelError>(rules.len())
        });
        assert_eq!((read.unwrap(), tries), (3, 3));

        tries = 0;
        let planned = kernel.update(|snapshot, transaction| {
            let rules = snapshot.rules(V4, FILTER, "c")?;
            tries += 1;
            if tries < 2 {
                add(20 + tries);
            }
            let last = rules.last().expect("some").handle;
            transaction.table(V4, FILTER).delete_rule(0, "c", RuleRef::Handle(last))?;
            Ok::<_, KernelError>(rules.len())
        });
        assert_eq!((planned.unwrap(), tries), (4, 2));
        assert_eq!(numbers(&mut kernel, "c"), [1, 11, 12]);

        let endless = kernel.update(|snapshot, transaction| {
            add(99);
            let rules = snapshot.rules(V4, FILTER, "c")?;
            let last = rules.last().expect("some").handle;
            Ok(transaction.table(V4, FILTER).delete_rule(0, "c", RuleRef::Handle(last))?)
        });
        assert!(matches!(endless, Err(KernelError::Changed)));

        let mut transaction = Transaction::at(kernel.generation().unwrap() - 1);
        transaction.table(V4, FILTER).create(0).unwrap();
        assert!(matches!(kernel.commit(transaction), Err(KernelError::Changed)));
    });
}

#[test]
fn many_chains_are_streamed_in_order_with_and_without_reading_ahead() {
    in_namespace(|| {
        let mut kernel = open();
        let names: Vec<String> = (0..300).map(|chain| format!("chain-{chain}")).collect();
        let mut transaction = Transaction::new();
        let mut filter = transaction.table(V4, FILTER);
        filter.create(0).unwrap();
        for (chain, name) in names.iter().enumerate() {
            filter.create_chain(0, name).unwrap();
            for number in 0..chain % 7 * 10 {
                filter.add_rule(0, &NewRule::append(name, &rule(number as u8)), &mut kernel).unwrap();
            }
        }
        kernel.commit(transaction).unwrap();
        let expected: Vec<(usize, u8)> =
            (0..300).flat_map(|chain| (0..chain % 7 * 10).map(move |number| (chain, number as u8))).collect();
        let chains: Vec<&str> = names.iter().map(|name| &**name).collect();
        for ahead in [false, true] {
            if ahead {
                kernel = kernel.open_read_ahead().unwrap();
            }
            let all = kernel.read(|snapshot| {
                let mut all = Vec::new();
                snapshot.for_each_rule(V4, FILTER, &chains, |place, rule| {
                    all.push((place, number(&rule.body)));
                    Ok::<_, KernelError>(())
                })?;
                Ok::<_, KernelError>(all)
            });
            assert_eq!(all.unwrap(), expected);

            let mut seen = 0;
            let stopped = kernel.read(|snapshot| {
                snapshot.for_each_rule(V4, FILTER, &chains, |_, _| {
                    seen += 1;
                    if seen == 5 { Err(KernelError::Changed) } else { Ok(()) }
                })
            });
            assert!(matches!(stopped, Err(KernelError::Changed)));
            assert_eq!(seen, 5);
        }
    });
}

#[test]
fn foreign_rules_stay_while_rules_around_them_are_edited() {
    in_namespace(|| {
        let mut kernel = open();
        make_chain(&mut kernel, 2);
        if !nft("insert rule ip filter c ct state new,established counter\n") {
            return;
        }
        let rules = kernel.read(|snapshot| snapshot.rules(V4, FILTER, "c")).unwrap();
        assert!(matches!(rules[0].body, RuleBody::Foreign(_)), "{rules:?}");
        let mut transaction = Transaction::new();
        let mut filter = transaction.table(V4, FILTER);
        filter.delete_rule(0, "c", RuleRef::Handle(rules[1].handle)).unwrap();
        let new = rule(9);
        let after = Place::After(RuleRef::Handle(rules[0].handle));
        let new = NewRule { place: after, ..NewRule::append("c", &new) };
        filter.add_rule(0, &new, &mut kernel).unwrap();
        kernel.commit(transaction).unwrap();
        let again = kernel.read(|snapshot| snapshot.rules(V4, FILTER, "c")).unwrap();
        assert_eq!(again[0], rules[0]);
        assert_eq!(numbers(&mut kernel, "c"), [0, 9, 2]);
    });
}

#[test]
fn counters_are_set_back() {
    in_namespace(|| {
        let mut kernel = open();
        let counters = Counters { packets: 3, bytes: 400 };
        let counted = Rule { counters: Some(counters), ..rule(1) };
        let make = |kernel: &mut Kernel<_>| {
            let mut transaction = Transaction::new();
            let mut filter = transaction.table(V4, FILTER);
            filter.clear(0).unwrap();
            filter.set_builtin(0, Hook::Input, Some(Policy::Drop), Some(counters)).unwrap();
            filter.create_chain(0, "c").unwrap();
            for chain in ["INPUT", "INPUT", "c"] {
                filter.add_rule(0, &NewRule::append(chain, &counted), kernel).unwrap();
            }
            kernel.commit(transaction).unwrap();
        };
        // The policy's, then those of the rules.
        let read = |kernel: &mut Kernel<_>| {
            kernel
                .read(|snapshot| {
                    let mut all = Vec::new();
                    let input = snapshot.chain(V4, FILTER, "INPUT")?.expect("made");
                    let ChainKind::Builtin { policy: Policy::Drop, counters, .. } = input.kind else {
                        panic!("{input:?}")
                    };
                    all.push(counters.expect("it counts").packets);
                    for chain in ["INPUT", "c"] {
                        for rule in snapshot.rules(V4, FILTER, chain)? {
                            let RuleBody::Known(rule) = rule.body else { panic!("{rule:?}") };
                            all.push(rule.counters.expect("it counts").packets);
                        }
                    }
                    Ok::<_, KernelError>(all)
                })
                .unwrap()
        };
        make(&mut kernel);
        assert_eq!(read(&mut kernel), [3, 3, 3, 3]);
        let handles: Vec<u64> = kernel
            .read(|snapshot| snapshot.rules(V4, FILTER, "INPUT"))
            .unwrap()
            .iter()
            .map(|rule| rule.handle)
            .collect();
        kernel.zero(V4, FILTER, Zero::Rule("INPUT", handles[1])).unwrap();
        assert_eq!(read(&mut kernel), [3, 3, 0, 3]);
        kernel.zero(V4, FILTER, Zero::Chain("INPUT")).unwrap();
        assert_eq!(read(&mut kernel), [0, 0, 0, 3]);
        make(&mut kernel);
        kernel.zero(V4, FILTER, Zero::Table).unwrap();
        assert_eq!(read(&mut kernel), [0, 0, 0, 0]);
    });
}
