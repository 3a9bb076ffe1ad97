use std::convert::Infallible;

use nfnetlink::Writer;
use nfnetlink::wire::{Attributes, Reader};
use pkttables::model::{Family, Rule, TableName};
use pkttables::nft::{Revisions, RuleBody, RuleEncoder, read_rule};
use pkttables::registry::{Kind, NoSets, Registry, RuleScope};
use pkttnetlink::nft;

use crate::text;

/// A kernel that has every revision of every extension.
struct Everything;

impl Revisions for Everything {
    type Error = Infallible;

    fn supports(&mut self, _: Kind, _: &str, _: Family, _: u8) -> Result<bool, Infallible> {
        Ok(true)
    }
}

/// The attributes of a rule of the kernel, of IPv6 if the first byte is odd. A rule that is understood is written as
/// one that means the same.
pub fn kernel_rule(bytes: &[u8]) {
    let Some((&first, attributes)) = bytes.split_first() else { return };
    let family = if first & 1 == 0 { Family::Ipv4 } else { Family::Ipv6 };
    let Some(rule) = decode(attributes, family) else { return };
    let Some(written) = encode(&rule, family) else { return };
    let again = decode(&written, family).expect("what was written is understood");
    assert!(again.does_the_same(&rule), "{rule:?}\nbecame\n{again:?}");
}

/// A save file. Each of its rules comes back from the kernel's form as it was.
pub fn written_rule(bytes: &[u8]) {
    let family = text::family(bytes);
    let Ok(ruleset) = text::read(bytes, family) else { return };
    for rule in ruleset.tables.iter().flat_map(|table| &table.chains).flat_map(|chain| &chain.rules) {
        if let Some(written) = encode(rule, family) {
            let again = decode(&written, family).expect("what was written is understood");
            assert!(again.does_the_same(rule), "{rule:?}\nbecame\n{again:?}");
        }
    }
}

fn decode(attributes: &[u8], family: Family) -> Option<Rule> {
    let rule = nft::Rule::decode(Attributes::new(Reader::new(attributes))).ok()?;
    match read_rule(&rule, family, Some(TableName::Filter), Registry::builtin(), &NoSets) {
        RuleBody::Known(rule) => Some(rule),
        RuleBody::Foreign(_) => None,
    }
}

fn encode(rule: &Rule, family: Family) -> Option<Vec<u8>> {
    let scope = RuleScope { family, table: Some(TableName::Filter), chain: None, header: &rule.header };
    let mut writer = Writer::new();
    RuleEncoder::default().write(rule, &scope, &mut Everything, &NoSets, &mut writer).ok()?;
    writer.into_bytes().ok()
}
