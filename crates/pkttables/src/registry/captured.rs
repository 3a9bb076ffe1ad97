//! Structures that iptables 1.8.11 wrote and a kernel dumped, with the options that they stand for.
//!
//! `testdata/targets.tsv` has a line for each: family, protocol of the rule or `-`, name, revision, options as
//! iptables-save prints them, and the bytes of `NFTA_TARGET_INFO`. They are those of a little-endian 64-bit machine.

use super::testing::{TestSets, parse_as, print};
use super::{Kind, Registry, Scope};
use crate::model::Family;

#[test]
#[cfg(all(target_endian = "little", target_pointer_width = "64"))]
fn targets_are_written_and_read_as_others_do() {
    for line in include_str!("../../testdata/targets.tsv").lines() {
        let [family, protocol, name, revision, options, info] = line.split('\t').collect::<Vec<_>>()[..]
        else {
            panic!("not six columns: {line}");
        };
        let family = if family == "4" { Family::Ipv4 } else { Family::Ipv6 };
        let revision = revision.parse().expect("a revision");
        let info: Vec<u8> = info
            .as_bytes()
            .chunks(2)
            .map(|pair| u8::from_str_radix(str::from_utf8(pair).expect("text"), 16).expect("hexadecimal"))
            .collect();
        let descriptor = Registry::builtin().find(Kind::Target, name, family).expect("a known target");

        let decoded = descriptor.decode(revision, family, &info, &TestSets).expect("its own structure");
        let decoded = decoded.expect(line);
        assert_eq!(print(&*decoded, &Scope { family, protocol: None }), options, "{line}");

        let text = if protocol == "-" { options.to_owned() } else { format!("-p {protocol} {options}") };
        let parsed = parse_as(descriptor, family, &text).expect(line);
        assert!(parsed.equals(&*decoded), "{line}: {parsed:?} is not {decoded:?}");
        let mut written = Vec::new();
        parsed.encode(revision, family, &TestSets, &mut written).expect(line);
        assert_eq!(written, info, "{line}");
    }
}
