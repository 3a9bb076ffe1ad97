use super::{family_name, rule, write};
use crate::cache::CachedRule;
use crate::model::{Family, Policy};
use crate::nft::RuleBody;
use crate::plan::{Plan, Step};
use serde_json::{Value, json};

/// A plan as JSON: `family`, `table`, and `steps` in their order.
///
/// Each step has `do`, which names it, and `chain` if it is about one. Rules are as [`rule`] has them; an old one has
/// its `handle`, and `rule` is `null` if another program wrote it.
#[must_use]
pub fn plan(plan: &Plan) -> Value {
    let steps: Vec<Value> = plan.steps.iter().map(|each| step(each, plan.family)).collect();
    json!({ "family": family_name(plan.family), "table": plan.table.name(), "steps": steps })
}

fn step(step: &Step, family: Family) -> Value {
    let chain = step.chain();
    match step {
        Step::CreateTable => json!({ "do": "create-table" }),
        Step::DeleteTable => json!({ "do": "delete-table" }),
        Step::SetPolicy { old, new, counters, .. } => json!({
            "do": "set-policy",
            "chain": chain,
            "old": old.map(Policy::name),
            "new": new.name(),
            "counters": counters.map(write::counters),
        }),
        Step::CreateChain(_) => json!({ "do": "create-chain", "chain": chain }),
        Step::Insert { before, rule: new, .. } => {
            json!({ "do": "insert", "chain": chain, "before": before, "rule": rule(new, family) })
        }
        Step::Replace { old: replaced, rule: new, .. } => {
            json!({ "do": "replace", "chain": chain, "old": old(replaced, family), "rule": rule(new, family) })
        }
        Step::Delete { old: deleted, .. } => {
            json!({ "do": "delete", "chain": chain, "old": old(deleted, family) })
        }
        Step::Flush { old: deleted, .. } => {
            let deleted: Vec<Value> = deleted.iter().map(|each| old(each, family)).collect();
            json!({ "do": "flush", "chain": chain, "old": deleted })
        }
        Step::DeleteChain { handle, .. } => {
            json!({ "do": "delete-chain", "chain": chain, "handle": handle })
        }
        Step::RenameChain { new, handle, .. } => {
            json!({ "do": "rename-chain", "chain": chain, "new": new, "handle": handle })
        }
    }
}

fn old(old: &CachedRule, family: Family) -> Value {
    let known = match old.body() {
        RuleBody::Known(known) => rule(known, family),
        RuleBody::Foreign(_) => Value::Null,
    };
    json!({ "handle": old.handle(), "rule": known })
}
