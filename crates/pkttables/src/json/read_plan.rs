use super::read::{Place, Result, Stands, read_counters, read_rule_at};
use crate::cache::CachedRule;
use crate::kernel::RuleRef;
use crate::model::{Family, Rule, TableName};
use crate::nft::RuleBody;
use crate::plan::{Plan, Step};
use crate::registry::Registry;
use pkttnetlink::nft;
use serde_json::{Map, Value};

/// Reads a plan as [`plan`](super::plan()) writes it.
///
/// It does the same as the one that was written. Of rules to be deleted that another program wrote it knows the handle alone.
pub fn read_plan(value: &Value, registry: &Registry) -> Result<Plan> {
    let at = Place::root();
    at.refuse_nul(value)?;
    let object = at.object(value)?;
    let (family, table) = (at.family(object)?, at.table(object, "table")?);
    at.field(object, "steps")?;
    let steps = at.list(object, "steps", |at, value| {
        let object = at.object(value)?;
        StepReader { at, object, family, table, registry }.read()
    })?;
    Ok(Plan { family, table, steps })
}

/// A step, and of what plan it is.
struct StepReader<'a> {
    at: Place,
    object: &'a Map<String, Value>,
    family: Family,
    table: TableName,
    registry: &'a Registry,
}

impl StepReader<'_> {
    fn read(&self) -> Result<Step> {
        let kind = self.at.text(self.object, "do")?;
        let chain = || self.at.text(self.object, "chain").map(Box::<str>::from);
        Ok(match kind {
            "create-table" => Step::CreateTable,
            "delete-table" => Step::DeleteTable,
            "set-policy" => self.read_policy()?,
            "create-chain" => Step::CreateChain(chain()?),
            "insert" => Step::Insert { chain: chain()?, before: self.before()?, rule: self.new_rule()? },
            "replace" => Step::Replace { chain: chain()?, old: self.old()?, rule: self.new_rule()? },
            "delete" => Step::Delete { chain: chain()?, old: self.old()? },
            "flush" => Step::Flush {
                chain: chain()?,
                old: self.at.list(self.object, "old", |at, value| self.old_at(&at, value))?,
            },
            "delete-chain" => Step::DeleteChain { chain: chain()?, handle: self.handle("handle")? },
            "rename-chain" => Step::RenameChain {
                old: chain()?,
                new: self.at.text(self.object, "new")?.into(),
                handle: self.handle("handle")?,
            },
            _ => return Err(self.at.to("do").error("no such step")),
        })
    }

    fn read_policy(&self) -> Result<Step> {
        let chain = self.at.text(self.object, "chain")?;
        let hook = self.table.hook(chain);
        let hook = hook.ok_or_else(|| self.at.to("chain").error("the table has no such built-in chain"))?;
        let old = match self.object.get("old") {
            None | Some(Value::Null) => None,
            Some(old) => Some(self.at.to("old").policy(old)?),
        };
        let (new_at, new) = self.at.field(self.object, "new")?;
        let counters = match self.object.get("counters") {
            Some(Value::Null) => None,
            _ => read_counters(&self.at, self.object)?,
        };
        Ok(Step::SetPolicy { hook, old, new: new_at.policy(new)?, counters })
    }

    fn before(&self) -> Result<Option<u64>> {
        match self.object.get("before") {
            None | Some(Value::Null) => Ok(None),
            Some(_) => self.handle("before").map(Some),
        }
    }

    fn handle(&self, name: &str) -> Result<u64> {
        handle(&self.at, self.object, name)
    }

    fn new_rule(&self) -> Result<Rule> {
        let (at, rule) = self.at.field(self.object, "rule")?;
        self.rule_at(&at, rule)
    }

    fn old(&self) -> Result<CachedRule> {
        let (at, old) = self.at.field(self.object, "old")?;
        self.old_at(&at, old)
    }

    fn old_at(&self, at: &Place, value: &Value) -> Result<CachedRule> {
        let object = at.object(value)?;
        let number = handle(at, object, "handle")?;
        let (rule_at, rule) = at.field(object, "rule")?;
        let body = match rule {
            Value::Null => {
                RuleBody::Foreign(Box::new(nft::Rule { handle: Some(number), ..nft::Rule::default() }))
            }
            rule => RuleBody::Known(self.rule_at(&rule_at, rule)?),
        };
        Ok(CachedRule::new(RuleRef::Handle(number), body))
    }

    fn rule_at(&self, at: &Place, value: &Value) -> Result<Rule> {
        let chain = self.object.get("chain").and_then(Value::as_str);
        let stands = Stands { family: self.family, table: Some(self.table), chain };
        read_rule_at(at, value, &stands, self.registry)
    }
}

fn handle(at: &Place, object: &Map<String, Value>, name: &str) -> Result<u64> {
    let (at, value) = at.field(object, name)?;
    value.as_u64().ok_or_else(|| at.error("the kernel's number for it is expected"))
}
