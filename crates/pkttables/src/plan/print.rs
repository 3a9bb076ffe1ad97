use super::step::{Plan, Step};
use crate::cache::CachedRule;
use crate::model::{Family, Policy, Rule};
use crate::nft::RuleBody;
use crate::text::save::{CounterStyle, write_append};
use std::fmt;

const RED: &str = "\x1b[31m";
const GREEN: &str = "\x1b[32m";
const CYAN: &str = "\x1b[36m";
const PLAIN: &str = "\x1b[0m";

/// Prints a plan like a diff of the table's saved form.
///
/// What goes begins with `-`, what comes with `+`, and each chain with its name between `@@`.
#[derive(Clone, Copy, Debug)]
pub struct PlanText<'p> {
    /// The plan.
    pub plan: &'p Plan,
    /// Whether it is coloured, for a terminal.
    pub coloured: bool,
}

impl fmt::Display for PlanText<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Plan { family, table, steps } = self.plan;
        if steps.is_empty() {
            return Ok(());
        }
        writeln!(f, "*{}", table.name())?;
        let mut chain_before = "";
        for step in steps {
            let chain = step.chain();
            if chain != chain_before && !matches!(step, Step::CreateTable | Step::DeleteTable) {
                self.line(f, CYAN, &format!("@@ {chain} @@"))?;
                chain_before = chain;
            }
            let declared = |policy: Option<Policy>| format!(":{chain} {}", policy.map_or("-", Policy::name));
            match step {
                Step::CreateTable => {}
                Step::DeleteTable => self.gone(f, &format!("*{}", table.name()))?,
                Step::SetPolicy { old, new, .. } => {
                    if old.is_some() {
                        self.gone(f, &declared(*old))?;
                    }
                    self.come(f, &declared(Some(*new)))?;
                }
                Step::CreateChain(_) => self.come(f, &declared(None))?,
                Step::Insert { rule, .. } => self.come(f, &rule_text(*family, chain, rule))?,
                Step::Replace { old, rule, .. } => {
                    self.gone(f, &old_text(*family, chain, old))?;
                    self.come(f, &rule_text(*family, chain, rule))?;
                }
                Step::Delete { old, .. } => self.gone(f, &old_text(*family, chain, old))?,
                Step::Flush { old, .. } => {
                    for old in old {
                        self.gone(f, &old_text(*family, chain, old))?;
                    }
                }
                Step::DeleteChain { .. } => self.gone(f, &declared(None))?,
                Step::RenameChain { new, .. } => {
                    self.gone(f, &declared(None))?;
                    self.come(f, &format!(":{new} -"))?;
                }
            }
        }
        Ok(())
    }
}

impl PlanText<'_> {
    fn gone(&self, f: &mut fmt::Formatter<'_>, text: &str) -> fmt::Result {
        self.line(f, RED, &format!("-{text}"))
    }

    fn come(&self, f: &mut fmt::Formatter<'_>, text: &str) -> fmt::Result {
        self.line(f, GREEN, &format!("+{text}"))
    }

    fn line(&self, f: &mut fmt::Formatter<'_>, colour: &str, text: &str) -> fmt::Result {
        if self.coloured { writeln!(f, "{colour}{text}{PLAIN}") } else { writeln!(f, "{text}") }
    }
}

impl Step {
    /// The chain that it is about, by its name before the plan; empty for the table itself.
    #[must_use]
    pub fn chain(&self) -> &str {
        match self {
            Self::CreateTable | Self::DeleteTable => "",
            Self::SetPolicy { hook, .. } => hook.chain(),
            Self::CreateChain(chain)
            | Self::Insert { chain, .. }
            | Self::Replace { chain, .. }
            | Self::Delete { chain, .. }
            | Self::Flush { chain, .. }
            | Self::DeleteChain { chain, .. }
            | Self::RenameChain { old: chain, .. } => chain,
        }
    }
}

/// A rule as it is saved.
pub(super) fn rule_text(family: Family, chain: &str, rule: &Rule) -> String {
    let mut text = String::new();
    write_append(&mut text, family, chain, rule, CounterStyle::Hidden);
    text
}

fn old_text(family: Family, chain: &str, old: &CachedRule) -> String {
    match old.body() {
        RuleBody::Known(rule) => rule_text(family, chain, rule),
        RuleBody::Foreign(_) => {
            let handle = old.handle().unwrap_or_default();
            format!("# a rule of another program in {chain}, handle {handle}")
        }
    }
}
