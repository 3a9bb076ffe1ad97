//! Every layout in which the running kernel takes an extension is one that is read here.

use nfnetlink::{Connection, Errno, Error, Flags, Socket};
use pkttables::kernel::{Kernel, NewRule, Transaction};
use pkttables::model::{Family, Match, Opaque, Rule, TableName, Target};
use pkttables::nft::RuleBody;
use pkttables::registry::{Kind, Registry};
use pkttables::text::save::{CounterStyle, write_append};
use pkttnetlink::nft::{self, Body, Compat, CompatKind, Message, kind};
use std::collections::{BTreeMap, BTreeSet};
use testkit::in_namespace;

/// No extension of Linux has come near the last of these.
const REVISIONS: std::ops::Range<u8> = 0..8;

/// What the kernel calls an extension, in one family.
type Name = (Kind, &'static str, Family);

/// The revisions that are read here: extensions that share a name of the kernel read what it has between them. The
/// names that rules use are asked for as well, as the kernel may have something under them.
fn readable() -> BTreeMap<Name, BTreeSet<u8>> {
    let mut readable = BTreeMap::<Name, BTreeSet<u8>>::new();
    for descriptor in Registry::builtin().all() {
        for family in Family::ALL.into_iter().filter(|family| descriptor.families.has(*family)) {
            let numbers = descriptor.revisions(family).map(|revision| revision.number);
            readable.entry((descriptor.kind, descriptor.xt_name, family)).or_default().extend(numbers);
            for name in std::iter::once(&descriptor.name).chain(descriptor.aliases) {
                let own = descriptor.own_layouts.iter().map(|layout| layout.revision);
                readable.entry((descriptor.kind, name, family)).or_default().extend(own);
            }
        }
    }
    readable
}

fn kernel_takes(connection: &mut Connection<Socket>, (of_kind, name, family): Name, revision: u8) -> bool {
    let compat_kind = match of_kind {
        Kind::Match => CompatKind::MATCH,
        Kind::Target => CompatKind::TARGET,
    };
    let compat = Compat {
        name: Some(name.into()),
        revision: Some(revision.into()),
        kind: Some(compat_kind),
        ..Compat::default()
    };
    let question = Message::new(nft::Family(family.nfproto()), Body::CompatGet(compat));
    let answer = connection.get(
        kind::COMPAT_GET,
        Flags::default(),
        |writer| question.encode_payload(writer),
        |_| Ok::<_, Error>(()),
    );
    match answer {
        Ok(()) => true,
        Err(error) if matches!(error.errno(), Some(Errno::ENOENT | Errno::EPROTONOSUPPORT)) => false,
        Err(error) => panic!("{name}: {error}"),
    }
}

#[test]
fn every_revision_of_the_running_kernel_is_read() {
    in_namespace(|| {
        let mut connection = Connection::new(Socket::open().expect("a socket"));
        let (mut known, mut missing) = (0, Vec::new());
        for (name, readable) in readable() {
            let of_kernel: Vec<u8> =
                REVISIONS.filter(|revision| kernel_takes(&mut connection, name, *revision)).collect();
            known += of_kernel.len();
            let unread = of_kernel.into_iter().filter(|revision| !readable.contains(revision));
            missing.extend(unread.map(|revision| {
                let (kind, name, family) = name;
                format!("{kind:?} {name} of {family:?}, revision {revision}")
            }));
        }
        println!("the kernel takes {known} revisions");
        assert!(known > 0, "the kernel takes no extension at all");
        assert!(missing.is_empty(), "not read: {}", missing.join("; "));
    });
}

#[test]
fn modules_that_are_written_as_others_are_read() {
    in_namespace(|| {
        let opaque = |name: &str, info: &[u8]| Opaque { name: name.into(), revision: 0, info: info.into() };
        // Invalid, related, and untracked.
        let state = Match::Opaque(opaque("state", &[0x45_u32.to_ne_bytes(), [0; 4]].concat()));
        let target = Target::Opaque(opaque("NOTRACK", &[]));
        let rule = Rule { matches: vec![state], target, ..Rule::default() };
        let mut kernel = Kernel::open().expect("a socket");
        let mut transaction = Transaction::new();
        let mut raw = transaction.table(Family::Ipv4, TableName::Raw);
        raw.create(0).expect("room");
        raw.create_builtin(0, TableName::Raw.hook("OUTPUT").expect("a hook")).expect("room");
        raw.add_rule(0, &NewRule::append("OUTPUT", &rule), &mut kernel).expect("room");
        kernel.commit(transaction).expect("a rule that the kernel takes");
        let rules = kernel.read(|snapshot| snapshot.rules(Family::Ipv4, TableName::Raw, "OUTPUT"));
        let rules = rules.expect("rules");
        let [entry] = rules.as_slice() else { panic!("{rules:?}") };
        let RuleBody::Known(rule) = &entry.body else { panic!("{entry:?}") };
        let mut text = String::new();
        write_append(&mut text, Family::Ipv4, "OUTPUT", rule, CounterStyle::Hidden);
        assert_eq!(text, "-A OUTPUT -m state --state INVALID,RELATED,UNTRACKED -j NOTRACK");
    });
}
