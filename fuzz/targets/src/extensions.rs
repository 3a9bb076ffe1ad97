use arbitrary::Unstructured;
use pkttables::model::{Counters, Family, Header, Match, Negatable, Rule, Target};
use pkttables::registry::{Builder, Descriptor, Instance, Kind, Lister, NoSets, Registry, RuleScope, Scope};
use pkttables::text::save::{CounterStyle, write_rule};

/// The kernel's structure of any extension, revision and family. What is read can be shown in every form, and
/// written to what reads the same.
pub fn extension_layout(bytes: &[u8]) {
    let mut input = Unstructured::new(bytes);
    let Ok((descriptor, family)) = extension(&mut input) else { return };
    let revisions: Vec<_> = descriptor.revisions(family).collect();
    let Ok(revision) = input.choose(&revisions) else { return };
    let mut info = input.take_rest().to_vec();
    info.resize(info.len().max(revision.size), 0);
    let Some(Ok(instance)) = descriptor.decode(revision.number, family, &info, &NoSets) else { return };
    show(&*instance, family);
    let mut written = Vec::new();
    if instance.encode(revision.number, family, &NoSets, &mut written).is_ok() {
        let again = descriptor.decode(revision.number, family, &written, &NoSets);
        let again = again.expect("the same extension");
        let again = again.unwrap_or_else(|error| panic!("what was written of {instance:?}: {error}"));
        assert!(again.equals(&*instance), "{instance:?}\nbecame\n{again:?}");
    }
}

/// Options with any text as values. What is accepted can be shown and, in each layout that holds it, written and read.
pub fn extension_options(bytes: &[u8]) {
    let mut input = Unstructured::new(bytes);
    let Ok((descriptor, family)) = extension(&mut input) else { return };
    let protocol = descriptor.protocols.first().map(|&value| Negatable { value, not: false });
    let header = Header { protocol, ..Header::default() };
    let scope = Scope { family, protocol: header.protocol };
    let mut builder = Builder::new(descriptor);
    while let Ok(param) = input.choose(descriptor.params) {
        let Ok(not) = input.arbitrary::<bool>() else { break };
        let value = if input.arbitrary().unwrap_or(false) {
            input.arbitrary::<&str>().unwrap_or_default().to_owned()
        } else {
            let mut pick = |below: u64| input.int_in_range(0..=below.max(1) - 1).unwrap_or(0);
            param.domain.sample(family, &mut pick)
        };
        let _ = param.check(&value, &scope);
        if builder.set(param, &value, not, &scope).is_err() || input.is_empty() {
            break;
        }
    }
    let Ok(instance) = builder.finish(&RuleScope { family, table: None, chain: None, header: &header })
    else {
        return;
    };
    show(&*instance, family);
    for revision in descriptor.revisions(family) {
        let mut info = Vec::new();
        if instance.encode(revision.number, family, &NoSets, &mut info).is_ok() {
            let read = descriptor.decode(revision.number, family, &info, &NoSets);
            let read = read.expect("the same extension");
            assert!(read.is_ok(), "revision {} of {instance:?} became {read:?}", revision.number);
        }
    }
}

fn extension(input: &mut Unstructured<'_>) -> arbitrary::Result<(&'static Descriptor, Family)> {
    let descriptor = *input.choose(Registry::builtin().all())?;
    let families: Vec<_> =
        Family::ALL.into_iter().filter(|family| descriptor.families.has(*family)).collect();
    Ok((descriptor, *input.choose(&families)?))
}

fn show(instance: &dyn Instance, family: Family) {
    let mut rule = Rule { counters: Some(Counters::default()), ..Rule::default() };
    match instance.descriptor().kind {
        Kind::Match => rule.matches.push(Match::Known(instance.boxed_clone())),
        Kind::Target => rule.target = Target::Known(instance.boxed_clone()),
    }
    let mut text = String::new();
    write_rule(&mut text, family, &rule, CounterStyle::Before);
    instance.list(&mut Lister::new(&mut text, Scope { family, protocol: None }, true));
    let _ = pkttables::json::rule(&rule, family).to_string();
}
