//! What the kernel refuses, in the words of iptables-nft; below that the rule and the reason.

use crate::personality::{Personality, Program, VERSION};
use nfnetlink::Errno;
use pkttables::kernel::{Operation, RefusedOperation, RefusedTransaction, Subject};
use pkttables::model::{Hook, Hooks, Match, Rule, TableName, Target, protocol};
use pkttables::registry::{Descriptor, Kind};
use pkttables::text::save::{self, CounterStyle};

/// Says what was refused; `text` gives the text of the line with a number.
pub(crate) fn report(personality: &Personality, refused: &RefusedTransaction, text: impl Fn(u32) -> String) {
    let restore = personality.program == Program::Restore;
    let heading = format!("{} {VERSION}: ", personality.name);
    let mut lines = vec![if restore { heading.clone() } else { String::new() }];
    for failure in &refused.failures {
        let what = headline(failure);
        match failure.tag.filter(|tag| restore && *tag > 0) {
            Some(line) => lines.push(format!("line {line}: {what}")),
            None if restore => lines.push(what),
            None => lines.push(format!("{heading} {what}")),
        }
    }
    for failure in &refused.failures {
        let line = failure.tag.filter(|_| restore).map(|tag| format!("line {tag}: ")).unwrap_or_default();
        let rule = failure.subject.as_ref().and_then(rule_text);
        let rule = rule.unwrap_or_else(|| failure.tag.map(&text).unwrap_or_default());
        lines.push(format!("  {line}{rule}"));
        lines.extend(reasons(failure).into_iter().map(|reason| format!("    {reason}")));
    }
    if refused.incomplete {
        lines.push("  (there were more errors than could be received)".into());
    }
    lines.iter().skip(usize::from(!restore)).for_each(|line| eprintln!("{line}"));
}

/// `RULE_APPEND failed (Invalid argument): rule in chain INPUT`
fn headline(failure: &RefusedOperation) -> String {
    let why = failure.refusal.errno.text();
    let Some(subject) = &failure.subject else { return format!("COMMIT failed ({why})") };
    let about = match (&subject.chain, subject.table) {
        (Some(chain), _) if subject.operation.is_about_rules() => format!("rule in chain {chain}"),
        (Some(chain), _) => format!("chain {chain}"),
        (None, Some(table)) if !subject.operation.is_about_rules() => format!("table {}", table.name()),
        (None, _) => "rules of all chains".into(),
    };
    format!("{} failed ({why}): {about}", subject.operation.name())
}

fn rule_text(subject: &Subject) -> Option<String> {
    let (rule, chain) = (subject.rule.as_ref()?, subject.chain.as_ref()?);
    let mut text = String::new();
    if let Some(table) = subject.table {
        text.push_str(&format!("-t {} ", table.name()));
    }
    save::write_append(&mut text, subject.family?, chain, rule, CounterStyle::Hidden);
    Some(text)
}

/// All that can be said about why.
fn reasons(failure: &RefusedOperation) -> Vec<String> {
    let mut reasons = Vec::new();
    if let Some(message) = failure.refusal.message() {
        reasons.push(format!("the kernel says: {message}"));
    }
    if let Some(subject) = &failure.subject {
        reasons.extend(subject.rule.iter().flat_map(|rule| misplaced(rule, subject)));
        reasons.extend(by_number(subject, failure.refusal.errno));
    }
    if let Some(extension) = &failure.extension {
        reasons.push(format!("it is {extension} that the kernel points at"));
    } else if let Some(place) = &failure.place {
        reasons.push(format!("the kernel points at {place}"));
    }
    reasons
}

/// What the extensions of a rule say about where they may stand.
fn misplaced<'r>(rule: &'r Rule, subject: &'r Subject) -> impl Iterator<Item = String> + 'r {
    let target = match &rule.target {
        Target::Known(instance) => Some(instance.descriptor()),
        _ => None,
    };
    let matches = rule.matches.iter().filter_map(|part| match part {
        Match::Known(instance) => Some(instance.descriptor()),
        Match::Opaque(_) => None,
    });
    matches.chain(target).filter_map(move |descriptor| {
        needs_place(descriptor, subject).or_else(|| needs_protocol(descriptor, rule))
    })
}

fn needs_place(descriptor: &Descriptor, subject: &Subject) -> Option<String> {
    let hook = |chain: &str| subject.table?.hook(chain);
    let hook = subject.chain.as_ref().and_then(|chain| hook(chain));
    let wrong_table = subject.table.is_some_and(|table| !descriptor.tables.contains(table.as_set()));
    let wrong_hook = match hook {
        Some(hook) => !descriptor.hooks.contains(Hooks::from_bits_truncate(1 << hook.number())),
        None => descriptor.hooks != Hooks::all(),
    };
    if !wrong_table && !wrong_hook {
        return None;
    }
    let tables = TableName::ALL.into_iter().filter(|table| descriptor.tables.contains(table.as_set()));
    let tables: Vec<&str> = tables.map(TableName::name).collect();
    let hooks = Hook::ALL.into_iter().filter(|hook| {
        let available = tables.iter().filter_map(|name| TableName::from_name(name));
        descriptor.hooks.contains(Hooks::from_bits_truncate(1 << hook.number()))
            && available.clone().any(|table| table.hooks().contains(hook))
    });
    let hooks: Vec<&str> = hooks.map(Hook::chain).collect();
    let mut text = format!("{} may stand only", name(descriptor));
    if tables.len() < TableName::ALL.len() {
        let plural = if tables.len() == 1 { "" } else { "s" };
        text.push_str(&format!(" in table{plural} {}", tables.join(", ")));
    }
    if descriptor.hooks != Hooks::all() {
        let reached = if hook.is_some() { "at" } else { "in chains that are called from" };
        text.push_str(&format!(" {reached} {}", hooks.join(", ")));
    }
    Some(text)
}

fn needs_protocol(descriptor: &Descriptor, rule: &Rule) -> Option<String> {
    let named = rule.header.protocol.filter(|protocol| !protocol.not);
    let suits = named.is_some_and(|protocol| descriptor.protocols.contains(&protocol.value));
    if descriptor.protocols.is_empty() || suits {
        return None;
    }
    let names: Vec<String> = descriptor.protocols.iter().map(|&number| protocol::name(number)).collect();
    Some(format!("{} needs `-p {}`", name(descriptor), names.join("` or `-p ")))
}

fn name(descriptor: &Descriptor) -> String {
    match descriptor.kind {
        Kind::Match => format!("the match {}", descriptor.name),
        Kind::Target => descriptor.name.to_owned(),
    }
}

/// What an error number means for an operation.
fn by_number(subject: &Subject, errno: Errno) -> Option<String> {
    let called = subject.rule.as_ref().and_then(|rule| match &rule.target {
        Target::Jump(chain) | Target::Goto(chain) => Some(&**chain),
        _ => None,
    });
    let chain = subject.chain.as_deref().unwrap_or_default();
    match (subject.operation, called, errno) {
        (_, Some(called), _) if subject.table.is_some_and(|table| table.hook(called).is_some()) => {
            Some(format!("{called} is a built-in chain; rules cannot call it"))
        }
        (_, Some(called), Errno::ELOOP | Errno::EMLINK) => Some(format!(
            "to call {called} from {chain} would close a circle of chains, or nest them deeper than 16"
        )),
        (_, Some(called), Errno::ENOENT) => Some(format!("there may be no chain {called}")),
        (Operation::DeleteChain, _, Errno::EBUSY) => {
            Some(format!("the chain {chain} still has rules, or rules call it"))
        }
        (Operation::AddChain, _, Errno::EEXIST) => Some(format!("there is a chain {chain} already")),
        _ => None,
    }
}
