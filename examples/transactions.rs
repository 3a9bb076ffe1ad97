//! Queues edits and commits them all at once; says what others have changed meanwhile, and does not overwrite it.

use pkttables::edit::{Basis, CommitError, Edits, Which};
use pkttables::kernel::Kernel;
use pkttables::model::{Counters, Family, Policy, Rule, TableName, Target, Verdict};
use pkttables_embedded::EmbeddedKernel;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    // `Kernel::open()` is the running one.
    let embedded = EmbeddedKernel::new();
    let mut kernel = Kernel::new(embedded.connect());
    let rule = |target| Rule { target, ..Rule::default() };
    let accept = rule(Target::Verdict(Verdict::Accept));

    let mut edits = Edits::new(Family::Ipv4, TableName::Filter);
    edits
        .new_chain("web")
        .append("web", accept.clone())
        .append("INPUT", rule(Target::Jump("web".into())))
        .set_policy("INPUT", Policy::Drop, None);
    let committed = edits.commit(&mut kernel)?;
    println!("generation {:?}", committed.generation);

    // What is decided now holds for the chain as it is.
    let basis = Basis::read(&mut kernel, Family::Ipv4, TableName::Filter, ["web"])?;
    let mut edits = Edits::new(Family::Ipv4, TableName::Filter);
    edits.set_counters("web", Which::Number(1), Counters { packets: 10, bytes: 840 });

    let mut other = Kernel::new(embedded.connect());
    let mut theirs = Edits::new(Family::Ipv4, TableName::Filter);
    theirs.insert("web", 1, rule(Target::Verdict(Verdict::Drop))).commit(&mut other)?;

    match edits.commit_if_unchanged(&mut kernel, &basis) {
        Err(CommitError::Changed(changed)) => {
            changed.iter().for_each(|changed| println!("not done: {changed}"))
        }
        other => println!("{other:?}"),
    }
    // An error names the edit.
    let mut edits = Edits::new(Family::Ipv4, TableName::Filter);
    if let Err(error) =
        edits.delete("web", Which::Same(Box::new(accept))).delete_chain("mail").commit(&mut kernel)
    {
        println!("{error}");
    }
    Ok(())
}
