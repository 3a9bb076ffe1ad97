//! `-L`, `-S` and `-h`.

use crate::Result;
use crate::connect::AnyKernel;
use crate::personality::{Personality, VERSION};
use pkttables::edit::EditError;
use pkttables::kernel::{ChainKind, Snapshot};
use pkttables::model::{Counters, Family, Policy, TableName};
use pkttables::nft::RuleBody;
use pkttables::registry::{Kind, Registry};
use pkttables::text::save::{self, CounterStyle};
use pkttables::text::{Invocation, Listing};

/// A chain to be listed: its name, and if it is built-in its policy and counters.
type Listed = (Box<str>, Option<(Policy, Counters)>);

/// The chains that a listing is about, built-in ones first and there in any case.
fn chains<T: nfnetlink::Transport>(
    snapshot: &mut Snapshot<'_, T>,
    family: Family,
    table: TableName,
    only: Option<&str>,
) -> std::result::Result<Vec<Listed>, EditError> {
    let entries = snapshot.chains(family, table)?;
    let mut listed: Vec<Listed> = Vec::new();
    for &hook in table.hooks() {
        let found = entries.iter().find_map(|entry| match entry.kind {
            ChainKind::Builtin { hook: own, policy, counters } if own == hook => {
                Some((policy, counters.unwrap_or_default()))
            }
            _ => None,
        });
        listed.push((
            hook.chain().into(),
            Some(found.unwrap_or_else(|| (Policy::Accept, Counters::default()))),
        ));
    }
    let users = entries.iter().filter(|entry| entry.kind == ChainKind::User);
    let mut users: Vec<Listed> = users.map(|entry| (entry.name.clone(), None)).collect();
    users.sort_unstable_by(|(one, _), (other, _)| one.cmp(other));
    listed.extend(users);
    if let Some(only) = only {
        listed.retain(|(name, _)| **name == *only);
        if listed.is_empty() {
            return Err(EditError::NoChain(only.into()));
        }
    }
    Ok(listed)
}

pub(crate) fn list_rules(
    kernel: &mut AnyKernel,
    personality: &Personality,
    invocation: &Invocation<'_>,
    what: Listing<'_>,
) -> Result<()> {
    let (family, table) = (personality.family, invocation.table);
    let verbose = invocation.output.verbose > 0;
    let style = if verbose { CounterStyle::Option } else { CounterStyle::Hidden };
    let text = kernel.read(|snapshot| {
        let mut text = String::new();
        let chains = chains(snapshot, family, table, what.chain)?;
        for (name, builtin) in &chains {
            match builtin {
                _ if what.number.is_some() => {}
                None => text.push_str(&format!("-N {name}\n")),
                Some((policy, Counters { packets, bytes })) => {
                    text.push_str(&format!("-P {name} {}", policy.name()));
                    if verbose {
                        text.push_str(&format!(" -c {packets} {bytes}"));
                    }
                    text.push('\n');
                }
            }
        }
        for (name, _) in &chains {
            for (number, entry) in (1..).zip(snapshot.rules(family, table, name)?) {
                if what.number.is_some_and(|only| only != number) {
                    continue;
                }
                match &entry.body {
                    RuleBody::Known(rule) => save::write_append(&mut text, family, name, rule, style),
                    RuleBody::Foreign(_) => {
                        text.push_str(&format!("# foreign rule in {name} (handle {})", entry.handle));
                    }
                }
                text.push('\n');
            }
        }
        Ok::<_, EditError>(text)
    })?;
    print!("{text}");
    if let Some(zero) = what.zero {
        crate::iptables::zero(kernel, personality, table, zero)?;
    }
    Ok(())
}

pub(crate) fn list(
    kernel: &mut AnyKernel,
    personality: &Personality,
    invocation: &Invocation<'_>,
    what: Listing<'_>,
) -> Result<()> {
    list_rules(kernel, personality, invocation, what)
}

/// What `-h` prints.
pub(crate) fn help(personality: &Personality, extensions: &[(Kind, &'static str)]) {
    println!("{} {VERSION}", personality.name);
    for (kind, name) in extensions {
        if let Some(descriptor) = Registry::builtin().find(*kind, name, personality.family) {
            println!("\n{name}: {}", descriptor.help.text());
            for param in descriptor.params.iter().filter(|param| param.families.has(personality.family)) {
                println!(
                    "  {}--{}\t{}",
                    if param.negatable { "[!] " } else { "" },
                    param.name,
                    param.help.summary()
                );
            }
        }
    }
}
