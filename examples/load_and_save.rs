//! Loads a save file into a kernel in one transaction and prints what is there then, as iptables-save would.
//!
//! The kernel is the embedded one; `Kernel::open()` would be the running one.

use pkttables::edit::{EditError, Editor};
use pkttables::kernel::{Kernel, KernelError};
use pkttables::model::{Family, TableName};
use pkttables::nft::RuleBody;
use pkttables::registry::Registry;
use pkttables::text::save::{CounterStyle, write_append};
use pkttables::text::{Parser, ReadOptions, Reader, read_ruleset};
use pkttables_embedded::EmbeddedKernel;

const RULES: &str = "\
*filter
:INPUT DROP [0:0]
:services - [0:0]
-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A INPUT -s 192.0.2.0/24 -p tcp -j services
-A services -p tcp -m multiport --dports 22,80,443 -m comment --comment \"what this host offers\" -j ACCEPT
COMMIT
";

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let parser = Parser::new(Family::Ipv4, Registry::builtin());
    let mut reader = Reader::new(RULES.as_bytes(), parser, ReadOptions::default());
    let ruleset = read_ruleset(&mut reader).map_err(|errors| format!("{errors:?}"))?;

    let mut kernel = Kernel::new(EmbeddedKernel::new().connect());
    kernel.update(|snapshot, transaction| {
        let mut editor = Editor::new(snapshot, transaction, Family::Ipv4, false);
        for table in &ruleset.tables {
            editor.clear(table.name)?;
            for chain in &table.chains {
                editor.declare_chain(table.name, &chain.name, (chain.policy, chain.counters))?;
            }
            for chain in &table.chains {
                for rule in &chain.rules {
                    editor.append(table.name, &chain.name, rule)?;
                }
            }
        }
        Ok::<_, EditError>(())
    })?;

    let saved = kernel.read(|snapshot| {
        let mut text = String::new();
        let chains = snapshot.chains(Family::Ipv4, TableName::Filter)?;
        let names: Vec<&str> = chains.iter().map(|chain| &*chain.name).collect();
        snapshot.for_each_rule(Family::Ipv4, TableName::Filter, &names, |place, rule| {
            match rule.body {
                RuleBody::Known(known) => {
                    write_append(&mut text, Family::Ipv4, names[place], &known, CounterStyle::Before);
                }
                RuleBody::Foreign(_) => text.push_str("# not a rule that an iptables makes"),
            }
            text.push('\n');
            Ok::<_, KernelError>(())
        })?;
        Ok::<_, KernelError>(text)
    })?;
    print!("{saved}");
    Ok(())
}
