//! `docs/evaluator.md` says what is evaluated, and is made from the code as far as that can tell.
//!
//! `UPDATE_DOCS=1 cargo test -p pkttables-eval --test documentation` writes it anew.

#[path = "../../pkttables/tests/common/mod.rs"]
mod common;

use common::{draws, extensions, header, line, options};
use pkttables::model::{Family, Hook, TableName};
use pkttables::packet::{Data, InterfaceName, Meta};
use pkttables::registry::{Descriptor, Kind};
use pkttables_eval::builder::PacketBuilder;
use pkttables_eval::conntrack::{Helper, Settings};
use pkttables_eval::{Error, Evaluator, Origin, Setup, SetupError};
use std::collections::BTreeMap;
use std::fmt::Write as _;

const INTRODUCTION: &str = "\
# What the evaluator does

`pkttables-eval`, and with it `iptables2 eval` and `iptables2 test`, does to a packet what Linux 6.18 does, in the order in which the kernel does it: what the IP layer
refuses is thrown away; fragments are put together where connections are tracked; then come the tables of each hook, connection tracking, translation, helpers, routing by the
routes given, and cutting into fragments again. `differential` compares all of that with the kernel, packet by packet ([architecture](architecture.md)).
This page is made from the code: `UPDATE_DOCS=1 cargo test -p pkttables-eval --test documentation` writes it anew.

A rule that cannot be evaluated is an error, but only when a packet comes to it: the error names table, chain, rule and extension. Rules of the kernel that no
iptables could have written cannot be evaluated at all.
";

const LIMITS: &str = "\
## Only in part

- `SYNPROXY`: SYNs are answered with the options that the kernel would send; the sequence number is the evaluator's own. The acknowledgement that follows is
  known by that number and kept; the connection to the server that the kernel opens then is not followed.
- `LOG` writes the kernel's line, `NFLOG` hands over what it would, `TEE` sends copies through OUTPUT and POSTROUTING. `AUDIT` is only said to have happened.
- `ipvs` and `policy` see a host without virtual services and without IPsec, `osf` one without fingerprints.
- `CT` knows the helpers above, others not, and no timeout policies.
- DCCP is tracked by addresses alone, as in Linux 6.18, which has no states of it any more.
- Where the negated condition of an `sctp` or `dccp` match finds the packet broken, ip_tables counts the rule, carries out its target and drops the packet; here the target is left out.
- What depends on the kernel's clock tick (hashlimit, connlimit, legacy limit) assumes 250 ticks a second whose first is at the beginning of 1970.
- Of what the host itself sends, only what rules make it send is seen: answers of `REJECT` and copies.
- Answers of `REJECT` are not limited in rate, as the kernel limits ICMP errors to one address (`net.ipv4.icmp_ratelimit`).
- `--ctexpire` is 0 for the first packet of a connection, which the kernel takes into its table only when that packet leaves: so it is on a host that
  has been up for longer than the connection is to last. The kernel of one that was just started has another number there.
- A connection whose time is over is gone. The kernel's stays in its table until it is come across or collected, and with zones of one direction only it may
  not be come across: a packet that would begin a connection with the same tuple is dropped until then.
- A connection that a helper expected is to `cluster` that of its master; when the master is forgotten, it is an error.
- `string --algo bm` also finds what lies across the seam of two fragments, which the kernel misses.
- `rateest` measures from the first packet on; when within its interval the kernel's timer runs cannot be told.
";

/// What the evaluator is asked and cannot do: of each extension the options with which it cannot, or all of it.
fn unsupported() -> BTreeMap<String, String> {
    let mut found: BTreeMap<String, Tried> = BTreeMap::new();
    for (descriptor, family) in extensions() {
        let kind = if descriptor.kind == Kind::Match { "match" } else { "target" };
        let tried = found.entry(format!("{kind} `{}`", descriptor.name)).or_default();
        (0..40).for_each(|seed| try_one(descriptor, family, seed, tried));
    }
    found.retain(|_, tried| tried.refused > 0);
    found
        .into_iter()
        .map(|(name, tried)| {
            let with: Vec<String> = tried
                .options
                .iter()
                .filter(|(_, judged)| !**judged)
                .map(|(option, _)| format!("`--{option}`"))
                .collect();
            let when = match with.is_empty() {
                _ if tried.judged == 0 => "always".into(),
                true => "with some values".into(),
                false => format!("with {}", with.join(", ")),
            };
            (name, when)
        })
        .collect()
}

/// How an extension was put together, and whether packets could be judged.
#[derive(Debug, Default)]
struct Tried {
    judged: usize,
    refused: usize,
    /// Whether an option was judged in some form.
    options: BTreeMap<&'static str, bool>,
}

fn try_one(descriptor: &'static Descriptor, family: Family, seed: u64, tried: &mut Tried) {
    let hooks = |table: TableName| {
        table.hooks().iter().copied().find(|hook| descriptor.hooks.contains(hook.as_set()))
    };
    let places = TableName::ALL.into_iter().filter(|table| descriptor.tables.contains(table.as_set()));
    let Some((table, hook)) = places.into_iter().find_map(|table| Some((table, hooks(table)?))) else {
        return;
    };
    let options = options(descriptor, family, hook.as_set(), &mut draws(seed));
    let number = header(descriptor).protocol.map_or(6, |wanted| wanted.value);
    let rule = line(descriptor, &options);
    let text = format!("*{}\n-A {} -p {number} {rule}\nCOMMIT\n", table.name(), hook.chain());
    let Some(mut evaluator) = evaluator(family, &text) else { return };
    let judged = !matches!(send(&mut evaluator, family, number, hook), Err(Error::Unsupported { .. }));
    *(if judged { &mut tried.judged } else { &mut tried.refused }) += 1;
    for option in &options {
        *tried.options.entry(option.param.name).or_default() |= judged;
    }
}

fn evaluator(family: Family, rules: &str) -> Option<Evaluator> {
    let setup = Setup::parse(family, rules).ok()?;
    let routes = match family {
        Family::Ipv4 => ["10.1.0.0/16=in0", "10.2.0.0/16=out0"],
        Family::Ipv6 => ["fd00:1::/64=in0", "fd00:2::/64=out0"],
    };
    let local = if family == Family::Ipv4 { "10.1.0.1" } else { "fd00:1::1" };
    let setup = routes.into_iter().fold(setup, |setup, route| setup.route(route).unwrap());
    let setup = setup.local(local.parse().unwrap());
    match setup.clone().evaluator() {
        Err(SetupError::NoSet { set, .. }) => {
            setup.sets(&format!("create {set} hash:ip\n")).ok()?.evaluator().ok()
        }
        made => made.ok(),
    }
}

/// Sends a packet that comes to the hook.
fn send(evaluator: &mut Evaluator, family: Family, number: u8, hook: Hook) -> Result<(), Error> {
    let network = |net: u8, host: u8| match family {
        Family::Ipv4 => format!("10.{net}.0.{host}"),
        Family::Ipv6 => format!("fd00:{net}::{host}"),
    };
    let to = if hook == Hook::Input { network(1, 1) } else { network(2, 2) };
    let way = if hook == Hook::Output { "out=out0" } else { "in=in0" };
    let words = format!(
        "{way} src={} dst={to} proto={number} dport=80",
        network(1, if hook == Hook::Output { 1 } else { 2 })
    );
    let built =
        PacketBuilder::parse(&words).or_else(|_| PacketBuilder::parse(words.trim_end_matches(" dport=80")));
    let made = built.expect("words").build().expect("a packet");
    let meta = Meta { time: 1_700_000_000_000_000_000, ..made.meta };
    let meta = if hook == Hook::Output { meta } else { Meta { input: InterfaceName::new(b"in0"), ..meta } };
    let origin = if hook == Hook::Output { Origin::Local } else { Origin::Received };
    evaluator.process(Data::new(&made.bytes), &meta, origin, &mut ()).map(drop)
}

/// The questions to an environment, from the trait's documentation.
fn questions() -> Vec<(String, String)> {
    let source = include_str!("../../pkttables/src/registry/environment.rs");
    let body = source.split("pub trait Environment").nth(1).expect("the trait");
    let body = body.split("\n}\n").next().expect("its end");
    let (mut questions, mut text) = (Vec::new(), Vec::new());
    for line in body.lines().map(str::trim) {
        if let Some(doc) = line.strip_prefix("///") {
            text.push(doc.trim());
        } else if let Some(rest) = line.strip_prefix("fn ") {
            let name = rest.split('(').next().expect("a name");
            questions.push((name.to_owned(), text.join(" ")));
            text.clear();
        }
    }
    questions
}

fn page() -> String {
    let mut page = INTRODUCTION.to_owned();
    page.push_str("\n## Not evaluated\n\n");
    for (name, when) in unsupported() {
        let _ = writeln!(page, "- {name}: {when}");
    }
    let read = [Helper::Ftp, Helper::Tftp];
    let unread: Vec<&str> =
        Helper::ALL.iter().filter(|helper| !read.contains(helper)).map(|helper| helper.name()).collect();
    let _ = writeln!(
        page,
        "- helpers: `ftp` and `tftp` are evaluated, with what they change in translated connections; the others ({}) are an error when they come to a packet that they \
         would read",
        unread.join(", ")
    );
    let _ = write!(page, "\n{LIMITS}\n## What the environment is asked\n\n");
    page.push_str(
        "What follows from neither rules nor packets is asked of an `Environment`. `Host`, which `iptables2 eval` uses, answers from routes, local addresses and sets;\n\
         other questions have the default answers:\n\n",
    );
    for (name, doc) in questions() {
        let doc = doc.replace("(Self::syn_cookie)", "").replace("[`syn_cookie`]", "`syn_cookie`");
        let _ = writeln!(page, "- `{name}`: {doc}");
    }
    page.push_str("\n## Kernel settings\n\n`--sysctl` takes these, below `net.netfilter` or `net.ipv4`, with the defaults:\n\n");
    let defaults = Settings::default();
    for name in Settings::NAMES {
        let _ = writeln!(page, "- `{name}`: {}", defaults.get(name).expect("a setting"));
    }
    let _ = writeln!(
        page,
        "\nand of the IP layer, below `net.ipv4` or for an interface, `all` or `default` below `net.ipv4.conf` and `net.ipv6.conf`: {}.\n\
         The host forwards and does not look where sources come from, unless told otherwise.",
        Setup::NETWORK_SETTINGS.map(|name| format!("`{name}`")).join(", ")
    );
    page
}

#[test]
fn the_page_is_up_to_date() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/evaluator.md");
    let page = page();
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(path, &page).expect("docs/evaluator.md");
    }
    let there = std::fs::read_to_string(path).unwrap_or_default();
    assert!(
        there == page,
        "docs/evaluator.md is stale: UPDATE_DOCS=1 cargo test -p pkttables-eval --test documentation"
    );
}
