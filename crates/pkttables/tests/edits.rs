//! Queued edits on the embedded kernel, and on the real one.

use nfnetlink::{BatchBuilder, Connection, Flags, Socket};
use pkttables::cache::Difference;
use pkttables::edit::{Basis, CommitError, EditError, Edits, Which};
use pkttables::kernel::{Kernel, KernelError};
use pkttables::model::{Counters, Family, Policy, Rule, TableName, Target, Verdict};
use pkttables::nft::RuleBody;
use pkttables_embedded::EmbeddedKernel;
use pkttnetlink::nft::{self, Body, Message, TableFlags, kind};
use testkit::in_namespace;

const V4: Family = Family::Ipv4;
const FILTER: TableName = TableName::Filter;

fn call(chain: &str) -> Rule {
    Rule { target: Target::Jump(chain.into()), ..Rule::default() }
}

fn verdict(verdict: Verdict) -> Rule {
    Rule { target: Target::Verdict(verdict), ..Rule::default() }
}

fn edits() -> Edits {
    Edits::new(V4, FILTER)
}

/// A chain's rules with what they have counted, by the words of iptables.
fn rules<T: nfnetlink::Transport>(kernel: &mut Kernel<T>, chain: &str) -> Vec<(u64, String)> {
    let read = kernel.read(|snapshot| snapshot.rules(V4, FILTER, chain)).expect("rules");
    let text = |body: &RuleBody| match body {
        RuleBody::Known(rule) => {
            let mut text = String::new();
            pkttables::text::save::write_rule(
                &mut text,
                V4,
                rule,
                pkttables::text::save::CounterStyle::Option,
            );
            text
        }
        RuleBody::Foreign(_) => "foreign".into(),
    };
    read.iter().map(|entry| (entry.handle, text(&entry.body))).collect()
}

fn texts<T: nfnetlink::Transport>(kernel: &mut Kernel<T>, chain: &str) -> Vec<String> {
    rules(kernel, chain).into_iter().map(|(_, text)| text.replace(" -c 0 0", "")).collect()
}

#[test]
fn all_edits_are_made_at_once() {
    let mut kernel = Kernel::new(EmbeddedKernel::new().connect());
    let mut first = edits();
    first
        .new_chain("a")
        .new_chain("b")
        .append("a", verdict(Verdict::Accept))
        .append("a", verdict(Verdict::Drop));
    first.insert("a", 2, call("b")).append("INPUT", call("a")).set_policy("INPUT", Policy::Drop, None);
    let committed = first.commit(&mut kernel).expect("edits");
    assert_eq!(committed.generation, Some(kernel.generation().unwrap()));
    assert_eq!(texts(&mut kernel, "a"), [" -j ACCEPT", " -j b", " -j DROP"]);

    let handle = rules(&mut kernel, "a")[2].0;
    let mut second = edits();
    second.delete("a", Which::Same(Box::new(verdict(Verdict::Accept)))).delete("a", Which::Handle(handle));
    second.replace("a", Which::Number(1), verdict(Verdict::Return));
    second.set_counters("INPUT", Which::Number(1), Counters { packets: 3, bytes: 400 });
    second.rename_chain("b", "c").append("a", verdict(Verdict::Accept));
    second.in_table(TableName::Mangle).append("OUTPUT", verdict(Verdict::Accept));
    second.commit(&mut kernel).expect("edits");
    assert_eq!(texts(&mut kernel, "a"), [" -j RETURN", " -j ACCEPT"]);
    assert_eq!(texts(&mut kernel, "INPUT"), [" -c 3 400 -j a"]);
    let chains = kernel.read(|snapshot| snapshot.chains(V4, FILTER)).unwrap();
    assert_eq!(chains.iter().map(|chain| &*chain.name).collect::<Vec<_>>(), ["a", "c", "INPUT"]);

    let mut third = edits();
    third.flush("INPUT").delete_chain("c").zero(None);
    third.commit(&mut kernel).expect("edits");
    assert_eq!(texts(&mut kernel, "INPUT"), [""; 0]);
}

#[test]
fn an_error_names_the_edit_and_nothing_is_changed() {
    let mut kernel = Kernel::new(EmbeddedKernel::new().connect());
    edits().new_chain("a").append("INPUT", call("a")).commit(&mut kernel).expect("edits");
    let generation = kernel.generation().unwrap();
    let mut told = |edits: &mut Edits| {
        edits.append("a", verdict(Verdict::Drop)).commit(&mut kernel).unwrap_err().to_string()
    };
    assert_eq!(told(edits().append("x", call("a"))), "edit 1, -t filter -A x -j a: there is no chain x");
    assert_eq!(
        told(edits().new_chain("b").delete("a", Which::Handle(99))),
        "edit 2, -t filter -D a (handle 99): the chain a has no such rule"
    );
    assert_eq!(
        told(edits().replace("INPUT", Which::Number(2), call("a"))),
        "edit 1, -t filter -R INPUT 2 -j a: the chain INPUT has no place 2 for this"
    );
    assert_eq!(
        told(edits().append("a", call("a")).append("INPUT", call("a"))),
        "edit 2, -t filter -A INPUT -j a: a rule of chain INPUT cannot call a: chains call one another without end: a -> a"
    );
    let refused = edits().delete_chain("a").commit(&mut kernel).unwrap_err().to_string();
    assert!(refused.starts_with("edit 1, -t filter -X a: transaction refused: "), "{refused}");
    assert_eq!(kernel.generation().unwrap(), generation);
}

#[test]
fn what_changed_since_it_was_read_is_not_overwritten() {
    let embedded = EmbeddedKernel::new();
    let (mut kernel, mut other) = (Kernel::new(embedded.connect()), Kernel::new(embedded.connect()));
    let start = &mut edits();
    start.new_chain("a").new_chain("b").append("a", verdict(Verdict::Accept)).append("INPUT", call("a"));
    start.commit(&mut other).expect("edits");
    let basis = Basis::read(&mut kernel, V4, FILTER, ["a", "INPUT", "new"]).expect("a basis");
    assert_eq!(basis.table().chain("a").and_then(|chain| Some(chain.rules()?.len())), Some(1));
    let mut change = edits();
    change.append("a", verdict(Verdict::Drop));

    edits().append("b", verdict(Verdict::Accept)).commit(&mut other).expect("edits of another chain");
    let committed = change.commit_if_unchanged(&mut kernel, &basis).expect("nothing of it has changed");
    assert_eq!(committed.changed, []);

    let basis = Basis::read(&mut kernel, V4, FILTER, ["a", "INPUT", "new"]).expect("a basis");
    let theirs = &mut edits();
    theirs.delete("a", Which::Number(1)).set_policy("INPUT", Policy::Drop, None).new_chain("new");
    theirs.append("new", call("b")).commit(&mut other).expect("edits");
    let generation = kernel.generation().unwrap();
    let Err(CommitError::Changed(changed)) = change.commit_if_unchanged(&mut kernel, &basis) else {
        panic!("it has changed")
    };
    let (a, input, new) = ("a".into(), "INPUT".into(), "new".into());
    let expected = [
        Difference::PolicyChanged { chain: input, old: Policy::Accept, new: Policy::Drop },
        Difference::RuleDeleted {
            chain: a,
            rule: RuleBody::Known(Rule { counters: Some(Counters::default()), ..verdict(Verdict::Accept) }),
        },
        Difference::ChainAdded { chain: new },
    ];
    assert_eq!(changed.len(), 1);
    assert!(
        expected.iter().all(|one| changed[0].list.contains(one)) && changed[0].list.len() == 3,
        "{changed:?}"
    );
    assert_eq!(kernel.generation().unwrap(), generation, "nothing was sent");
    let committed = change.commit_since(&mut kernel, &basis).expect("edits");
    assert_eq!(committed.changed, changed);
    assert_eq!(texts(&mut kernel, "a"), [" -j DROP", " -j DROP"]);
}

#[test]
fn a_table_of_another_owner_is_told_as_such() {
    let _ = in_namespace(|| {
        let mut owner = Connection::new(Socket::open().expect("a socket"));
        let table = nft::Table {
            name: Some("filter".into()),
            flags: Some(TableFlags::OWNER),
            ..nft::Table::default()
        };
        let message = Message::new(nft::Family(V4.nfproto()), Body::NewTable(table));
        let mut batch = BatchBuilder::new(10);
        batch
            .push(0, kind::NEW_TABLE, Flags::CREATE, |writer| message.encode_payload(writer))
            .expect("a message");
        owner.commit(&batch.end()).expect("a table");
        let mut kernel = Kernel::open().expect("a socket");
        let error = edits().new_chain("a").commit(&mut kernel).unwrap_err();
        assert!(!matches!(error, CommitError::Kernel(KernelError::PermissionDenied)), "{error}");
        let told = error.to_string();
        assert!(told.contains("-t filter -N a") && told.contains("belongs to another program"), "{told}");
        let error = edits().append("x", call("y")).commit(&mut kernel).unwrap_err();
        assert!(matches!(error, CommitError::Edit { error: EditError::NoTarget(_), .. }), "{error}");
    });
}
