//! What every extension must say about itself.

use pkttables::model::Family;
use pkttables::registry::{Builder, Choice, Descriptor, Domain, Help, Kind, Param, Registry, Require, Scope};
use std::collections::BTreeSet;

/// The extensions of iptables 1.8.11 that are not in the kernel's own language of verdicts and chains, names
/// that differ only in capitals told apart by their kind.
const MATCHES: &[&str] = &[
    "addrtype",
    "ah",
    "bpf",
    "cgroup",
    "cluster",
    "comment",
    "connbytes",
    "connlabel",
    "connlimit",
    "connmark",
    "conntrack",
    "cpu",
    "dccp",
    "devgroup",
    "dscp",
    "dst",
    "ecn",
    "esp",
    "eui64",
    "frag",
    "hashlimit",
    "hbh",
    "helper",
    "hl",
    "icmp",
    "icmp6",
    "iprange",
    "ipv6header",
    "ipcomp",
    "ipvs",
    "length",
    "limit",
    "mac",
    "mark",
    "mh",
    "multiport",
    "nfacct",
    "osf",
    "owner",
    "physdev",
    "pkttype",
    "policy",
    "quota",
    "rateest",
    "realm",
    "recent",
    "rpfilter",
    "rt",
    "sctp",
    "set",
    "socket",
    "srh",
    "standard",
    "state",
    "statistic",
    "string",
    "tcp",
    "tcpmss",
    "time",
    "tos",
    "ttl",
    "u32",
    "udp",
    "udplite",
];
const TARGETS: &[&str] = &[
    "AUDIT",
    "CHECKSUM",
    "CLASSIFY",
    "CLUSTERIP",
    "CONNMARK",
    "CONNSECMARK",
    "CT",
    "DNAT",
    "DNPT",
    "DSCP",
    "ECN",
    "HL",
    "HMARK",
    "IDLETIMER",
    "LED",
    "LOG",
    "MARK",
    "MASQUERADE",
    "NETMAP",
    "NFLOG",
    "NFQUEUE",
    "NOTRACK",
    "RATEEST",
    "REDIRECT",
    "REJECT",
    "SECMARK",
    "SET",
    "SNAT",
    "SNPT",
    "SYNPROXY",
    "TCPMSS",
    "TCPOPTSTRIP",
    "TEE",
    "TOS",
    "TPROXY",
    "TRACE",
    "TTL",
];

/// Names of the list above that are no extension here: verdicts and chains are part of the language, and UDP-Lite
/// is a protocol that multiport tests; iptables has no match of that name either.
const NO_EXTENSIONS: &[&str] = &["standard", "udplite"];

fn all() -> impl Iterator<Item = &'static Descriptor> {
    Registry::builtin().all().iter().copied()
}

fn all_params() -> impl Iterator<Item = (&'static Descriptor, &'static Param)> {
    all().flat_map(|descriptor| descriptor.params.iter().map(move |param| (descriptor, param)))
}

fn families(descriptor: &Descriptor) -> impl Iterator<Item = Family> {
    let families = descriptor.families;
    Family::ALL.into_iter().filter(move |family| families.has(*family))
}

/// Whether the help says more than the name does.
fn says_something(help: Help, name: &str) -> bool {
    const FILLERS: [&str; 12] =
        ["the", "a", "an", "of", "is", "match", "target", "set", "option", "value", "this", "by"];
    let parts = |text: &str| -> BTreeSet<String> {
        let words = text.split(|character: char| !character.is_alphanumeric());
        words.filter(|word| !word.is_empty()).map(str::to_lowercase).collect()
    };
    let named = parts(name);
    let told = parts(&help.text());
    told.iter().filter(|word| !named.contains(*word) && !FILLERS.contains(&word.as_str())).count() >= 2
}

#[test]
fn every_extension_of_iptables_is_there() {
    let missing: Vec<&str> = [(Kind::Match, MATCHES), (Kind::Target, TARGETS)]
        .into_iter()
        .flat_map(|(kind, names)| names.iter().map(move |name| (kind, *name)))
        .filter(|(_, name)| !NO_EXTENSIONS.contains(name))
        .filter(|(kind, name)| !all().any(|known| known.kind == *kind && known.name == *name))
        .map(|(_, name)| name)
        .collect();
    assert!(missing.is_empty(), "{missing:?}");
}

#[test]
fn names_and_aliases_are_unique_in_a_family() {
    for family in Family::ALL {
        let mut seen = BTreeSet::new();
        for descriptor in all().filter(|descriptor| descriptor.families.has(family)) {
            for name in [descriptor.name].iter().chain(descriptor.aliases) {
                assert!(seen.insert((descriptor.kind, *name)), "{name} twice");
            }
            let mut options = BTreeSet::new();
            for param in descriptor.params.iter().filter(|param| param.families.has(family)) {
                for option in [param.name].iter().chain(param.aliases) {
                    assert!(options.insert(*option), "{} --{option} twice", descriptor.name);
                }
            }
        }
    }
}

#[test]
fn folders_and_lists_agree() {
    for (folder, kind) in [("matches", Kind::Match), ("targets", Kind::Target)] {
        let path = format!("{}/src/{folder}", env!("CARGO_MANIFEST_DIR"));
        let files: BTreeSet<String> = std::fs::read_dir(&path)
            .expect(&path)
            .map(|entry| entry.expect(&path).file_name().into_string().expect("UTF-8"))
            .filter_map(|name| name.strip_suffix(".rs").map(str::to_owned))
            .filter(|name| name != "mod")
            .collect();
        let list = std::fs::read_to_string(format!("{path}/mod.rs")).expect("a list");
        let listed: Vec<&str> =
            list.lines().filter_map(|line| line.trim().split_once("::").map(|(module, _)| module)).collect();
        let listed: Vec<&str> =
            listed.into_iter().filter(|module| !module.contains(' ') && *module != "crate").collect();
        let unique: BTreeSet<String> = listed.iter().map(|name| (*name).to_owned()).collect();
        assert_eq!(files, unique, "{folder}");
        assert_eq!(listed.len(), unique.len(), "{folder}: a module twice");
        assert_eq!(all().filter(|descriptor| descriptor.kind == kind).count(), listed.len(), "{folder}");
    }
}

#[test]
fn extensions_describe_themselves() {
    for descriptor in all() {
        let name = descriptor.name;
        assert!(says_something(descriptor.help, name), "{name}: {:?}", descriptor.help.text());
        assert!(!descriptor.help.summary().is_empty() && descriptor.help.summary().len() <= 160, "{name}");
        assert!(!descriptor.families.is_empty() && !descriptor.tables.is_empty(), "{name}");
        assert!(!descriptor.hooks.is_empty() && !descriptor.xt_name.is_empty(), "{name}");
        for family in families(descriptor) {
            let numbers: Vec<u8> = descriptor.revisions(family).map(|revision| revision.number).collect();
            assert!(!numbers.is_empty(), "{name}: no revision");
            assert!(numbers.is_sorted_by(|newer, older| newer > older), "{name}: {numbers:?}");
        }
        let known = |option: &&str| descriptor.params.iter().any(|param| param.name == *option);
        match descriptor.require {
            Require::AtLeastOneOf(names) | Require::ExactlyOneOf(names) => {
                assert!(names.len() > 1 && names.iter().all(known), "{name}: {names:?}");
            }
            Require::AtLeastOne | Require::ExactlyOne => assert!(!descriptor.params.is_empty(), "{name}"),
            Require::Any => {}
        }
        assert!(descriptor.params.len() <= 64, "{name}");
    }
}

#[test]
fn parameters_describe_themselves() {
    let mut silent = Vec::new();
    for (descriptor, param) in all_params() {
        let what = format!("{} --{}", descriptor.name, param.name);
        if !says_something(param.help, param.name) {
            silent.push(format!("{what}: {:?}", param.help.text()));
        }
        for option in [param.name].iter().chain(param.aliases) {
            let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
            assert!(
                !option.is_empty() && option.bytes().all(plain) && !option.starts_with('-'),
                "{what}: {option}"
            );
        }
        assert!(descriptor.families.intersects(param.families), "{what}");
        let takes_none = *param.domain == Domain::Nothing;
        assert_eq!(takes_none, param.words == 0 && !param.optional_word, "{what}: {} words", param.words);
        for other in param.excludes.iter().chain(param.needs) {
            let known = descriptor.params.iter().any(|param| param.name == *other);
            assert!(known && *other != param.name, "{what}: {other}");
        }
        assert!(param.excludes.iter().all(|other| !param.needs.contains(other)), "{what}");
    }
    assert!(silent.is_empty(), "{}", silent.join("\n"));
}

#[test]
fn defaults_are_values_or_words_about_them() {
    let mut wrong = Vec::new();
    for (descriptor, param) in all_params() {
        let Some(default) = param.default else { continue };
        let what = format!("{} --{}: {default:?}", descriptor.name, param.name);
        assert!(!param.required, "{what}");
        let accepted = families(descriptor)
            .filter(|family| param.families.has(*family))
            .any(|family| param.check(default, &Scope { family, protocol: None }).is_ok());
        // A text with spaces tells in words what holds.
        if !accepted && !default.contains(' ') {
            wrong.push(what);
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn choices_describe_themselves() {
    fn check(what: &str, choices: &[Choice]) {
        let mut names = BTreeSet::new();
        for choice in choices {
            assert!(!choice.help.trim().is_empty(), "{what} {}: no help", choice.name);
            assert_ne!(choice.help.trim().to_lowercase(), choice.name.to_lowercase(), "{what}");
            for name in [choice.name].iter().chain(choice.aliases) {
                assert!(names.insert(*name), "{what}: {name} twice");
            }
        }
    }
    fn walk(what: &str, domain: &Domain) {
        match *domain {
            Domain::Choice(choices) | Domain::Flags { choices, .. } => check(what, choices),
            Domain::Range { of, .. } | Domain::List { of, .. } => walk(what, of),
            Domain::Words(parts) | Domain::Joined { parts, .. } | Domain::OneOf(parts) => {
                parts.iter().for_each(|part| walk(what, part))
            }
            Domain::Integer { min, max, .. } | Domain::Decimal { min, max, .. } => {
                assert!(min < max, "{what}")
            }
            _ => {}
        }
    }
    for (descriptor, param) in all_params() {
        walk(&format!("{} --{}", descriptor.name, param.name), param.domain);
    }
}

#[test]
fn what_is_required_is_asked_for() {
    for descriptor in all() {
        let family = families(descriptor).next().expect("a family");
        let header = pkttables::model::Header {
            protocol: descriptor
                .protocols
                .first()
                .map(|&value| pkttables::model::Negatable { value, not: false }),
            ..Default::default()
        };
        let rule = pkttables::registry::RuleScope { family, table: None, chain: None, header: &header };
        let bare = Builder::new(descriptor).finish(&rule);
        let required = descriptor.params.iter().any(|param| param.required);
        if required || descriptor.require != Require::Any {
            let error = bare.expect_err(descriptor.name);
            assert_eq!(error.extension, descriptor.name);
        }
    }
}
