//! Changes single rules by chain and number; everything else stays as it is, with its counters.

use pkttables::edit::{EditError, Editor};
use pkttables::kernel::Kernel;
use pkttables::model::{AddressMask, Family, Header, Negatable, Rule, TableName, Target, Verdict};
use pkttables::nft::RuleBody;
use pkttables::text::save::{CounterStyle, write_append};
use pkttables_embedded::EmbeddedKernel;

const V4: Family = Family::Ipv4;
const FILTER: TableName = TableName::Filter;

/// `-s 192.0.2.HOST -j VERDICT`
fn rule(host: u8, verdict: Verdict) -> Rule {
    let value = AddressMask::V4 { address: [192, 0, 2, host].into(), mask: [255; 4].into() };
    let header = Header { source: Some(Negatable { value, not: false }), ..Header::default() };
    Rule { header, target: Target::Verdict(verdict), ..Rule::default() }
}

fn main() -> Result<(), EditError> {
    let mut kernel = Kernel::new(EmbeddedKernel::new().connect());
    kernel.update(|snapshot, transaction| {
        let mut editor = Editor::new(snapshot, transaction, V4, false);
        (1..=5).try_for_each(|host| editor.append(FILTER, "INPUT", &rule(host, Verdict::Drop)))
    })?;

    // All of these are one transaction: nobody ever sees some of them without the others.
    kernel.update(|snapshot, transaction| {
        let mut editor = Editor::new(snapshot, transaction, V4, true);
        editor.replace(FILTER, "INPUT", 2, &rule(2, Verdict::Accept))?;
        editor.delete(FILTER, "INPUT", &rule(4, Verdict::Drop))?;
        editor.insert(FILTER, "INPUT", 1, &rule(9, Verdict::Accept))
    })?;

    let rules = kernel.read(|snapshot| snapshot.rules(V4, FILTER, "INPUT"));
    for entry in rules? {
        let RuleBody::Known(rule) = entry.body else { continue };
        let mut text = String::new();
        write_append(&mut text, V4, "INPUT", &rule, CounterStyle::Hidden);
        println!("handle {:2}: {text}", entry.handle);
    }
    Ok(())
}
